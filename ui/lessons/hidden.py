"""Lesson: a particle that acts and is not seen leaves edges that are not there."""

from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.graph import off_diagonal
from nri_core.inference import infer_edges
from nri_core.player import Opening
from nri_core.posterior import EdgePosterior
from nri_core.systems import Simulation, Springs
from nri_core.trajectories import Trajectories
from nri_core.unseen import share_a_driver, without_node
from ui import controls, samples, screens, share, simulations
from ui.controls import bound
from ui.forms import check_choice, choose_system
from ui.lessons import charts
from ui.lessons.systems import HEIGHT, HIDDEN, moved, named, score, tell
from ui.player import player
from ui.readings import checkpoint

_SIZE = Simulation(num_sims=36, num_nodes=6, num_steps=49, seed=11)
_NOBODY = "nobody"
_CHOICES = (_NOBODY, *map(str, range(1, _SIZE.num_nodes + 1)))


class _Reading(NamedTuple):
    seen: Trajectories
    posterior: EdgePosterior
    right: np.ndarray
    wrong: np.ndarray  # whether any edge of a system is none
    false_edges: dict[str, float]  # share of truly unjoined pairs that are named joined


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """The five that are seen, what was read of them, and the whole truth when asked for."""
    whole = simulations.preview(Springs(), _SIZE)
    with moved(side):
        check_choice("Hide particle", "unseen", _CHOICES, start="6")
        hidden = st.select_slider("Hide particle", _CHOICES, "6", **bound("unseen", "Hide particle"))
        told = not controls.hidden("truth")
        shown = told and st.toggle("Show the whole truth", **bound("whole_truth", "Show the whole truth", disabled=hidden == _NOBODY))
    with side:
        system = choose_system(whole.num_sims, key="hide_system", start=25)
        reading = _kept(whole.digest, hidden, whole)
        tell("Springs, one of six unseen" if hidden != _NOBODY else "Springs, 6 particles", whole if shown else reading.seen, "Shipped springs5")
    unseen = None if hidden == _NOBODY else int(hidden) - 1
    share.repeated_by(screens.taught(simulations.screen("springs", Springs(), _SIZE).data, samples.folder("springs5"), system, unseen=unseen))
    with stage:
        if shown and hidden != _NOBODY:
            joined = [name for name, kind in zip(whole.node_names, whole.edge_types[system, :, int(hidden) - 1], strict=True) if kind]
            caption = f"The truth with particle {hidden}: it is joined to {', '.join(joined) or 'nobody'}."
            player(whole, sim=system, key="taught", caption=caption, height=HEIGHT, opening=Opening(hidden=HIDDEN))
        else:
            caption = f"What the model sees and infers{score(': {} right', reading.right[system])}.{' Double lines: edges that are not there.' * (told and bool(reading.wrong[system]))}"
            player(reading.seen, sim=system, key="taught", posterior=reading.posterior, caption=caption, height=HEIGHT, view="difference", opening=Opening(hidden=HIDDEN))
    with side:
        title = f"Falsely joined, {whole.num_sims} systems"
        charts.shares(reading.false_edges, title=title, chance=None, key="drivers")


@st.cache_resource(show_spinner=False, max_entries=16)
def _kept(digest: str, hidden: str, _whole: Trajectories) -> _Reading:
    seen = _whole if hidden == _NOBODY else without_node(_whole, int(hidden) - 1)
    posterior, right = named(infer_edges(checkpoint(samples.folder("springs5")), seen), seen)
    false = (posterior.edge_types > 0) & (seen.edge_types == 0)
    unjoined = (seen.edge_types == 0) & off_diagonal(seen.num_nodes)
    if hidden == _NOBODY:
        return _Reading(seen, posterior, right, false.any((1, 2)), {"All pairs": _share(false, unjoined)})
    shared = share_a_driver(_whole.edge_types, int(hidden) - 1)
    parts = {"Both joined to the hidden one": unjoined & shared, "Other pairs": unjoined & ~shared}
    return _Reading(seen, posterior, right, false.any((1, 2)), {name: _share(false, part) for name, part in parts.items()})


def _share(what: np.ndarray, among: np.ndarray) -> float:
    return float(what[among].mean()) if among.any() else 0.0
