"""Simulations for the page: previews that all sessions share, how long a dataset takes, and its file."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from nri_core.systems import Simulation, System, simulate
from nri_core.trajectories import Trajectories


def preview(system: System, simulation: Simulation) -> Trajectories:
    """A small simulation to look at, kept by its settings."""
    return _preview(repr(system), simulation.model_dump_json(), system, simulation)


def seconds_to_simulate(simulation: Simulation) -> float:
    """About how long it will take: each frame costs the square of the nodes (measured on one core, within a factor of 3)."""
    return 1e-6 * simulation.num_sims * simulation.num_steps * simulation.num_nodes**2


def as_npz(data: Trajectories) -> bytes:
    """The file `data.npz`."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        data.save(path)
        return path.read_bytes()


@st.cache_resource(show_spinner=False, max_entries=64)  # below a second up to 100 nodes
def _preview(law: str, amount: str, _system: System, _simulation: Simulation) -> Trajectories:
    return simulate(_system, _simulation)
