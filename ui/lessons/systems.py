"""What several lessons share: shipped systems and models, and their figures, kept by content. Loads torch where it is asked for, not before."""

from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.metrics import score_edges
from nri_core.network_baselines import BASELINES
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import state
from ui.controls import hidden

HEIGHT = 424  # of the player: stage, transport and aim fit 1280 × 720
HIDDEN = ("temperature", "threshold", "loop", "keep")  # controls that would distract here


def tell(name: str, data: Trajectories, reader: str) -> None:
    """Let the sidebar name what the lesson works with."""
    state.show(name, state.Dataset(name, data).size, reader)


def moved(side: DeltaGenerator) -> DeltaGenerator:
    """The place for what the visitor moves; on a phone it stands above the player, the rest of `side` below."""
    return side.container(key="moved")


def one(data: Trajectories, system: int) -> Trajectories:
    """One system alone."""
    return data.select(slice(system, system + 1))


class Named(NamedTuple):
    """The belief under the names that fit best for the whole set, and the share of pairs named rightly in each system."""

    posterior: EdgePosterior
    right: np.ndarray


def named(posterior: EdgePosterior, data: Trajectories) -> Named:
    """A belief about data whose truth is known."""
    score = score_edges(posterior, data)
    return Named(posterior.relabelled(score.relabelling, data.edge_type_names), score.accuracy_by_sim)


def by_method(name: str, data: Trajectories, frames: int, **options: str) -> Named:
    """What a classical method reads from the first frames, and how right it is."""
    return _by_method(name, data.digest, frames, tuple(options.items()), data)


@st.cache_resource(show_spinner=False, max_entries=256)
def _by_method(name: str, digest: str, frames: int, options: tuple[tuple[str, str], ...], _data: Trajectories) -> Named:
    return named(BASELINES[name](_data.select(slice(None), frames=slice(0, frames)), **dict(options)), _data)


def percent(share: float) -> str:
    """A share in words that no line's end tears."""
    return f"{100 * share:.0f}\u00a0%"


def score(words: str, share: float) -> str:
    """How many pairs are right, put into `words`; nothing where a link hides the truth, since that would tell."""
    return "" if hidden("truth") else words.format(percent(share))
