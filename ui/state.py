"""What a session keeps from page to page. The only file that names session keys."""

import shutil
import weakref
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from nri_core.trajectories import Trajectories
from ui import samples

_DATASET, _MODEL, _RUNS, _RUN = "dataset", "model", "runs", "run"


@dataclass(frozen=True)
class Dataset:
    """Trajectories and the name that the pages call them by."""

    name: str
    trajectories: Trajectories
    shipped: bool = False


@dataclass(frozen=True)
class Model:
    """A checkpoint folder and the name that the pages call it by."""

    name: str
    folder: Path


def dataset() -> Dataset:
    """The dataset in use; until one is made or loaded, the shipped systems."""
    return st.session_state.get(_DATASET) or shipped_dataset()


def shipped_dataset() -> Dataset:
    """The systems that come with the app."""
    return Dataset("Shipped springs", samples.sample().trajectories, shipped=True)


def keep_dataset(name: str, trajectories: Trajectories) -> None:
    """Make `trajectories` the dataset in use."""
    st.session_state[_DATASET] = Dataset(name, trajectories)


def model() -> Model:
    """The model in use; until one is trained or loaded, the shipped one."""
    return st.session_state.get(_MODEL) or Model("Shipped model springs5", samples.SHIPPED_MODEL)


def keep_model(name: str, folder: Path, *, temporary: bool = False) -> None:
    """Make the checkpoint in `folder` the model in use; a temporary folder goes when the session or another model replaces it."""
    model = Model(name, folder)
    if temporary:
        weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    st.session_state[_MODEL] = model


def uses_own() -> bool:
    """Whether the dataset or the model in use is the user's own."""
    return bool(st.session_state.get(_DATASET) or st.session_state.get(_MODEL))


def use_shipped() -> None:
    """Return to the systems and the model that come with the app."""
    st.session_state[_DATASET] = st.session_state[_MODEL] = None


def runs() -> list[str]:
    """Ids of the training runs that this session started or opened, newest first."""
    return list(st.session_state.get(_RUNS, ()))


def followed_run() -> str | None:
    """Id of the run that Train shows: the one in the address, else the one that this session follows."""
    return st.query_params.get(_RUN) or st.session_state.get(_RUN)


def follow_run(run_id: str) -> None:
    """Let Train show this run, and put its id into the address, where a reload finds it."""
    st.session_state[_RUNS] = [run_id, *(other for other in runs() if other != run_id)]
    st.session_state[_RUN] = st.query_params[_RUN] = run_id


def unfollow_run() -> None:
    """Let Train show the form again."""
    st.session_state[_RUN] = None
    st.query_params.pop(_RUN, None)
