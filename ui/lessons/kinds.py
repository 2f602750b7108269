"""Lesson: too few, right, and too many kinds of edge."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.checkpoint import Checkpoint
from nri_core.graph import off_diagonal
from nri_core.inference import infer_edges
from nri_core.meaning import edge_type_meanings
from nri_core.player import Opening
from nri_core.posterior import EdgePosterior
from nri_core.systems import Simulation, Springs
from nri_core.trajectories import Trajectories
from ui import samples, screens, share, simulations
from ui.controls import hidden
from ui.forms import choose_one, choose_system
from ui.lessons import charts
from ui.lessons.systems import HEIGHT, HIDDEN, moved, named, percent, score, tell
from ui.player import player
from ui.readings import checkpoint

_KINDS = ("2", "3", "4")
_LAW = Springs(strengths=(0.05, 0.2), probability=2 / 3)  # as the models learned from
_SIZE = Simulation(num_sims=36, num_nodes=5, num_steps=49, seed=3)


class _Reading(NamedTuple):
    unnamed: EdgePosterior  # its types as the model numbers them
    posterior: EdgePosterior
    right: np.ndarray
    words: list[str]  # what each type does, and how many pairs of each true kind it is given to


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """The graph as a model with so many kinds names it; what its kinds mean."""
    data = replace(simulations.preview(_LAW, _SIZE), edge_type_names=("none", "weak spring", "strong spring"))
    with moved(side):
        kinds = choose_one("Kinds the model may use", "kinds_used", _KINDS, start="2", wrap=True, help="“None” is one of them.")
    with side:
        system = choose_system(data.num_sims, key="kinds_system")
    readings = {number: _kept(data.digest, number, data) for number in _KINDS}
    reading = readings[kinds]
    tell("Springs of two strengths", data, f"Taught with {kinds} kinds")
    share.repeated_by(screens.taught(simulations.screen("springs", _LAW, _SIZE).data, _folder(kinds), system))
    with stage:
        about = score("{} of this system's pairs are right, each kind under the true name that fits it best", reading.right[system])
        caption = f"With {kinds} kinds {about or 'this is what the model infers'}."
        shown = {"caption": caption, "height": HEIGHT, "view": "difference", "opening": Opening(hidden=HIDDEN)}
        player(data, sim=system, key="taught", posterior=reading.unnamed if hidden("truth") else reading.posterior, **shown)
    with side:
        if not hidden("truth"):
            st.markdown("  \n".join(reading.words))
        right = {f"{number} kinds": found.right.mean() for number, found in readings.items()}
        charts.shares(right, title=f"Right, {data.num_sims} systems", chosen=f"{kinds} kinds", chance=None, key="kinds")


def _folder(kinds: str) -> Path:
    return samples.SAMPLE_DATA / "lessons" / f"kinds{kinds}"


def _words(model: Checkpoint, data: Trajectories, posterior: EdgePosterior) -> list[str]:
    meanings = edge_type_meanings(model, data, posterior)
    off = off_diagonal(data.num_nodes)
    lines = []
    for kind, meaning in enumerate(meanings):
        given = data.edge_types[:, off][posterior.edge_types[:, off] == kind]
        counts = np.bincount(given, minlength=len(data.edge_type_names)) / max(len(given), 1)
        mixed = ", ".join(f"{percent(share)} {name}".replace(" ", "\u00a0") for name, share in zip(data.edge_type_names, counts, strict=True) if share >= 0.005)
        name = posterior.edge_type_names[kind]
        lines.append(f":small[**{name[:1].upper()}{name[1:]}**, {meaning.name}: {mixed or 'never used'}]")
    return lines


@st.cache_resource(show_spinner=False, max_entries=8)
def _kept(digest: str, kinds: str, _data: Trajectories) -> _Reading:
    model = checkpoint(_folder(kinds))
    posterior = infer_edges(model, _data)
    return _Reading(posterior, *named(posterior, _data), _words(model, _data, posterior))
