"""What comes with the app: for each shipped model, systems that it never saw, what it made of them, and where it lies."""

import json
import re
from dataclasses import dataclass
from functools import cache
from math import isclose
from pathlib import Path

import streamlit as st

from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui.names import LAWS

SAMPLE_DATA = Path(__file__).parent.parent / "sample_data"
FIRST = "springs5"  # what the app opens with
MOST_EXPLORED = 36  # systems of a model that was trained here; by them its types are named, on every page


@dataclass(frozen=True)
class Sample:
    """A few systems, the graphs that a model inferred, and its forecasts, where it can make any."""

    trajectories: Trajectories
    posterior: EdgePosterior
    forecast: Trajectories | None


@cache
def names() -> tuple[str, ...]:
    """The shipped models that are there with all their files: by kind of system, then by size."""
    found = [config.parent.name for config in SAMPLE_DATA.glob("models/*/config.json")]
    return tuple(sorted((name for name in found if all(path.exists() for path in _files(name))), key=_order))


def folder(name: str) -> Path:
    """Where the shipped model lies."""
    return SAMPLE_DATA / "models" / name


@st.cache_resource(show_spinner=False)
def sample(name: str) -> Sample:
    """What was shipped for `name`, read once and only when asked for."""
    systems, posterior, forecast = _files(name)
    return Sample(Trajectories.load(systems), EdgePosterior.load(posterior), Trajectories.load(forecast))


def fitting(data: Trajectories) -> str | None:
    """The shipped model that can read `data`: of the same kind of system and features, of the nearest size; None if there is none."""
    configs = {name: _config(name) for name in names()}
    fit = [name for name, config in configs.items() if can_read(config, data)]
    return min(fit, key=lambda name: abs(configs[name]["num_nodes"] - data.num_nodes), default=None)


def window(name: str) -> int | None:
    """How many frames the shipped model reads, the first ones; None for a reader that is none of them and reads all."""
    return _config(name)["window"] if name in names() else None


def can_read(config: dict, data: Trajectories) -> bool:
    """Whether a model with this config.json was made for such data."""
    learned, found = config["metadata"].get("data", {}).get("system"), data.metadata.get("system")
    alike = not learned or not found or learned == found
    return alike and tuple(config["feature_names"]) == data.feature_names and isclose(config["dt"], data.dt, rel_tol=1e-3)


@cache
def _config(name: str) -> dict:
    return json.loads((folder(name) / "config.json").read_text(encoding="utf-8"))


def _files(name: str) -> tuple[Path, Path, Path]:
    return tuple(SAMPLE_DATA / f"{name}{part}.npz" for part in ("", "_posterior", "_forecast"))


def _order(name: str) -> tuple[int, int]:
    system, nodes = re.fullmatch(r"(.*?)(\d*)", name).groups()
    return (list(LAWS).index(system) if system in LAWS else len(LAWS), int(nodes or 0))
