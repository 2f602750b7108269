"""What is computed once and shared by all sessions: loaded models, inferred graphs, forecasts, previews.

Every key is a digest of whole contents: `st.cache_data` would only sample large arrays. The artefacts are immutable, so
`st.cache_resource` may hand the same object to everyone.
"""

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import streamlit as st

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError
from nri_core.graph import num_edges
from nri_core.inference import infer_edges, rollout
from nri_core.posterior import EdgePosterior
from nri_core.systems import Simulation, System, simulate
from nri_core.trajectories import Trajectories

MOST_COMPARED = 2000
EDGES_AT_ONCE = 2000


def checkpoint(folder: Path) -> Checkpoint:
    """The trained model in `folder` as it is now. Raises CheckpointError."""
    return _checkpoint(_digest(folder), folder)


def inferred(folder: Path, data: Trajectories, inference: str | None) -> EdgePosterior:
    """What the model in `folder` believes about every system of `data`; `inference` as in `infer_edges`.

    Goes part by part, so that the page can say how long it takes, and keeps the parts when the user leaves before the end.
    """
    model, digest, size = checkpoint(folder), _digest(folder), max(EDGES_AT_ONCE // num_edges(data.num_nodes), 1)
    started, words, parts = time.monotonic(), st.empty(), []
    for first in range(0, data.num_sims, size):
        if (elapsed := time.monotonic() - started) > 1:
            left = elapsed * (data.num_sims - first) / first
            words.progress(first / data.num_sims, f"Inferring the graph of every system, {left:.0f} s to go")
        parts.append(_inferred(digest, data.digest, inference, first, size, model, data))
    words.empty()
    return replace(parts[0], edge_probs=np.concatenate([part.edge_probs for part in parts]))


def forecast(folder: Path, data: Trajectories, inference: str | None, *, start: int) -> Trajectories:
    """Free-running forecasts of every system from frame `start` to the last frame of `data`."""
    posterior = inferred(folder, data, inference)
    return _forecast(_digest(folder), data.digest, inference, start, checkpoint(folder), data, posterior)


def inference(checkpoint: Checkpoint, way: str) -> str | None:
    """What `infer_edges` calls the `way` chosen on the page: "best" is the model's own. Raises CheckpointError."""
    if way == "encoder" and checkpoint.model.encoder is None:
        raise CheckpointError("This model has no encoder: it reads the graph through its decoder. Choose the best way.")
    return "encoder" if way == "encoder" else None


def forecast_start(checkpoint: Checkpoint, data: Trajectories) -> int:
    """The last frame that inference reads; the middle of data that end there."""
    return checkpoint.config.window - 1 if data.num_steps > checkpoint.config.window + 1 else data.num_steps // 2


def comparable(data: Trajectories) -> Trajectories:
    """The first systems of a large dataset: inferring tens of thousands would keep the page waiting."""
    return data if data.num_sims <= MOST_COMPARED else data.select(slice(0, MOST_COMPARED))


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


def _digest(folder: Path) -> str:
    state = hashlib.sha256()
    try:
        for name in ("config.json", "model.safetensors"):
            state.update((folder / name).read_bytes())
    except OSError as error:
        raise CheckpointError(f"Expected a model in {folder}; its {name} cannot be read. Load another model under Train.") from error
    return state.hexdigest()


@st.cache_resource(show_spinner="Loading the model", show_time=True, max_entries=8)
def _checkpoint(model: str, _folder: Path) -> Checkpoint:
    return Checkpoint.load(_folder)


@st.cache_resource(show_spinner=False, max_entries=2000)
def _inferred(
    model: str, data: str, inference: str | None, first: int, size: int, _checkpoint: Checkpoint, _data: Trajectories
) -> EdgePosterior:
    return infer_edges(_checkpoint, _data.select(slice(first, first + size)), inference=inference)


@st.cache_resource(show_spinner="Forecasting every system", show_time=True, max_entries=8)
def _forecast(
    model: str, data: str, inference: str | None, start: int, _checkpoint: Checkpoint, _data: Trajectories, _posterior: EdgePosterior
) -> Trajectories:
    return rollout(_checkpoint, _data, _posterior, start=start, num_steps=_data.num_steps - start - 1)


@st.cache_resource(show_spinner=False, max_entries=64)  # below a second up to 100 nodes
def _preview(law: str, amount: str, _system: System, _simulation: Simulation) -> Trajectories:
    return simulate(_system, _simulation)
