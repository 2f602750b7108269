"""Where data and models come from: this session, the shipped ones, a run, or a file that the user brings."""

import functools
import io
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from nri_core.errors import CheckpointError, DataError, JobError
from nri_core.holdout import split
from nri_core.jobs import Run, list_runs, open_run
from nri_core.snippets import Data, Simulated
from nri_core.storage import CHECKPOINT_FILES
from nri_core.trajectories import Trajectories
from ui import samples, state
from ui.controls import bound
from ui.frame import next_step
from ui.screens import data_of
from ui.temporary import new_folder

MAX_CHECKPOINT_BYTES = 200 * 1024**2
FRESH_SIMS = 1000
FRESH_NAME = f"{FRESH_SIMS:,} fresh systems"
FRESH = {"num_sims": FRESH_SIMS, "num_steps": 99, "seed": 1}
MOST_WATCHABLE = 36
MOST_WATCHED = 4
_HERE = ("127.0.0.1", "localhost", "::1")
_PROXIED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


@dataclass(frozen=True)
class Choice:
    """What to train on: a name, systems whose graphs can be watched and which those are, some to judge settings by, and the data, made only when they are needed."""

    name: str
    watchable: Trajectories
    make: Callable[[], Trajectories]
    source: Data
    watched: str
    some: Trajectories

    @property
    def watch(self) -> Trajectories:
        """One system, which tells the features and the number of nodes."""
        return self.watchable.select(slice(0, 1))


def choose_data() -> Choice:
    """Let the user choose what to train on; files come in under "Your data"."""
    sources = {state.MINE: _mine, FRESH_NAME: _fresh, "Shipped systems": _shipped}
    if not state.own_dataset():
        del sources[state.MINE]
    meaning = f"{FRESH_NAME.capitalize()}: springs, 5 particles, simulated when training starts. Shipped systems come with the app."
    if state.own_dataset():
        meaning = f"{state.MINE}: what the menu names as in use. {meaning}"
    source = st.selectbox("Data", sources, **bound("data", told=True), help=meaning)
    if not state.own_dataset():
        next_step("upload", "Bring your own data")
    return sources[source]()


def choose_watched(data: Choice) -> Trajectories:
    """Let the user choose whose graphs to watch forming."""
    number, label = data.watchable.num_sims, "Systems to watch" + ", of those held out" * (data.name != FRESH_NAME)
    meaning = "Their graphs are inferred after each epoch; nothing is learned from them. " + data.watched
    options = range(1, number + 1)
    chosen = st.multiselect(label, options, list(options[:1]), max_selections=MOST_WATCHED, select_all=False, key=f"watch {data.name} {number}", help=meaning)
    numbers = chosen or [1]
    watched = data.watchable.select(np.array(numbers) - 1)
    return replace(watched, metadata={**watched.metadata, "numbers": numbers})


def numbers_watched(watched: Trajectories, name: str) -> tuple[Sequence[int], str]:
    """By which numbers the form offered these, for data of this name; and "held-out ", where it called them that."""
    told = watched.metadata.get("numbers")
    numbers = told if isinstance(told, list) and len(told) == watched.num_sims else range(1, watched.num_sims + 1)  # older runs do not tell
    return numbers, "held-out " if told and name != FRESH_NAME else ""


def _mine() -> Choice:
    data = state.dataset()
    return _of(data)


def _shipped() -> Choice:
    return _of(state.shipped_dataset(state.sample_name()))


def _of(data: state.Dataset) -> Choice:
    """Watched are the first of those held out: on Explore and Compare, the trained model then shows them by the same numbers."""
    held_out = data.trajectories
    with suppress(DataError):  # too little to hold anything out: who trains on it is told so
        held_out = split(held_out)[1]
    watched = "They are the last of the dataset, which are held out, counted anew from 1, as Explore and Compare count them when they show the trained model."
    return Choice(data.name, held_out.select(slice(0, MOST_WATCHABLE)), lambda: data.trajectories, data_of(data), watched, data.trajectories.select(slice(0, MOST_WATCHABLE)))


def _fresh() -> Choice:
    watched, some = "They are shipped systems, of the same kind as the fresh ones.", state.shipped_dataset().trajectories.select(slice(0, MOST_WATCHABLE))
    return Choice(FRESH_NAME, some, _simulate, Simulated(law="springs", amount=FRESH), watched, some)


@functools.cache  # always the same systems, and Train is pressed while somebody waits
def _simulate() -> Trajectories:
    from nri_core.systems import Simulation, Springs, simulate  # torch: the page opens without it

    return simulate(Springs(), Simulation(**FRESH))


def load_model() -> None:
    """Offer every model at hand; the chosen one becomes the model in use."""
    at_hand = {f"Shipped {name}": (samples.folder(name), "") for name in samples.names()} | _from_runs()
    name = st.selectbox("A model at hand", at_hand, index=None, placeholder="Shipped models and finished runs")
    if name and st.button(f"Use {name}", type="primary"):
        _use(name, *at_hand[name])
    kinds = ["json", "safetensors", "md", "zip"]
    files = st.file_uploader("Or upload a trained model: its three files, or one .zip of them", kinds, accept_multiple_files=True)
    if files and st.button("Use the uploaded model", type="primary"):
        _use("Uploaded model", _unpack(files), temporary=True)
    if on_this_computer():
        folder = st.text_input("Or the folder of a trained model on this computer", placeholder="path/to/model")
        if folder and st.button("Use this folder", type="primary"):
            _use(Path(folder).name, Path(folder).expanduser())


def on_this_computer() -> bool:
    """Whether the user sits at the computer that serves the app, through no proxy: then its folders and all runs may be shown."""
    headers = st.context.headers
    host = urlsplit(f"//{headers.get('Host', '')}").hostname
    return st.get_option("server.address") in _HERE and host in _HERE and not any(name in headers for name in _PROXIED)


def _use(name: str, folder: Path, run: str = "", *, temporary: bool = False) -> None:
    from ui import readings  # torch: the page opens without it

    readings.checkpoint(folder)
    state.keep_model(name, folder, run=run, temporary=temporary)
    st.success(f"{name} is now the model in use.", icon=":material/check:")


def runs_at_hand() -> list[Run]:
    """All runs if only this computer can look, else those that this session started or opened: an id is a capability."""
    return list_runs() if on_this_computer() else [run for run in map(_open, state.runs()) if run]


def _from_runs() -> dict[str, tuple[Path, str]]:
    return {f"Run {run.id[:8]}{_name(run)}": (run.checkpoint_dir, run.id) for run in runs_at_hand() if run.checkpoint_dir}


def _name(run: Run) -> str:
    try:
        return f" on {run.name}"
    except JobError:
        return ""  # its model may be sound all the same


def _open(run_id: str) -> Run | None:
    try:
        return open_run(run_id)
    except JobError:
        return None  # its folder was deleted: nothing to offer


def _unpack(files: Sequence[BinaryIO]) -> Path:
    """Write the three known files, and no other name, into a new folder."""
    contents = {file.name: file.getvalue() for file in files if not file.name.endswith(".zip")}
    for file in files:
        if file.name.endswith(".zip"):
            contents |= _unzip(file.getvalue())
    missing = [name for name in CHECKPOINT_FILES[:2] if name not in contents]
    if missing:
        raise CheckpointError(f"Expected config.json and model.safetensors; there is no {' and no '.join(missing)}. Add what is missing.")
    folder = new_folder()
    for name in CHECKPOINT_FILES:
        if name in contents:
            (folder / name).write_bytes(contents[name])
    return folder


def _unzip(archive: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = {Path(entry.filename).name: entry for entry in opened.infolist()}
            wanted = {name: entries[name] for name in CHECKPOINT_FILES if name in entries}
            if sum(entry.file_size for entry in wanted.values()) > MAX_CHECKPOINT_BYTES:
                raise CheckpointError(f"Expected a trained model of at most {MAX_CHECKPOINT_BYTES >> 20} MB; the archive unpacks to more.")
            return {name: opened.read(entry) for name, entry in wanted.items()}
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zipfile.zlib.error, EOFError) as error:
        raise DataError(f"Expected a .zip of a trained model; this one cannot be read ({error}). Save or download it again.") from error
