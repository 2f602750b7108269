"""What the app opens with: shipped systems, what the shipped model made of them, and where the shipped models lie."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

SAMPLE_DATA = Path(__file__).parent.parent / "sample_data"
SHIPPED_MODEL = SAMPLE_DATA / "models" / "springs5"


@dataclass(frozen=True)
class Sample:
    """A few systems, the graphs that the shipped model inferred, and its forecasts."""

    trajectories: Trajectories
    posterior: EdgePosterior
    forecast: Trajectories


@st.cache_resource(show_spinner=False)
def sample() -> Sample:
    """The shipped systems, read once."""
    return Sample(
        Trajectories.load(SAMPLE_DATA / "springs5.npz"),
        EdgePosterior.load(SAMPLE_DATA / "springs5_posterior.npz"),
        Trajectories.load(SAMPLE_DATA / "springs5_forecast.npz"),
    )


def shipped_models() -> dict[str, Path]:
    """Name → folder of each model in sample_data."""
    return {config.parent.name: config.parent for config in sorted(SAMPLE_DATA.glob("models/*/config.json"))}
