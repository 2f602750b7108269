"""Whoever reads graphs, and what they read out of every system of a dataset: part by part, kept for all sessions."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import streamlit as st
from jaxtyping import Float
from streamlit.delta_generator import DeltaGenerator

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError
from nri_core.graph import num_edges
from nri_core.inference import forecast_start, infer_edges, infer_windows, rollout
from nri_core.jobs import open_run
from nri_core.meaning import Meaning, edge_type_meanings
from nri_core.metrics import EdgeScore, forecast_error, score_edges
from nri_core.network_baselines import BASELINES, directions
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.snippets import Method, Model, project_path
from nri_core.storage import CHECKPOINT_FILES
from nri_core.trajectories import Trajectories
from ui import samples, state

EDGES_AT_ONCE = 2000
MOST_COMPARED = 2000
CLEAR = 0.8  # share of pairs right, from which on nobody doubts which type is which
WINDOW = 49  # frames that a baseline is given, as the shipped models are
WINDOWS_APART = 6  # of a graph over time: one starts each sixth of a window
MANY_NODES = 30  # above this even one system takes seconds


@dataclass(frozen=True)
class Reading:
    """The graphs of some systems, and forecasts under them where the reader can predict."""

    posterior: EdgePosterior
    forecast: Trajectories | None


@dataclass(frozen=True)
class Reader:
    """A model or a baseline. `key` tells it from every other; `whole` says that it must see all systems at once.

    `source` is the same in the words of a snippet, `meanings` says of each edge type what it does, without labels, and `over_time` how the graph changes from window to window;
    a baseline can neither, and data no longer than a model's window leave nothing to change.
    """

    key: str
    read: Callable[[Trajectories], Reading] = field(repr=False)
    source: Model | Method
    meanings: Callable[[Trajectories, EdgePosterior], tuple[Meaning, ...]] | None = field(default=None, repr=False)
    over_time: Callable[[Trajectories], PosteriorOverTime] | None = field(default=None, repr=False)
    whole: bool = False


def checkpoint(folder: Path) -> Checkpoint:
    """The trained model in `folder` as it is now. Raises CheckpointError."""
    return _checkpoint(digest_of(folder), folder)


def by_model(folder: Path, inference: str | None, data: Trajectories) -> Reader:
    """A trained model; `inference` as in `infer_edges`. Raises CheckpointError where it cannot read `data`."""
    model = checkpoint(folder)
    model.check(data)
    start = forecast_start(model, data)

    def read(part: Trajectories) -> Reading:
        posterior = infer_edges(model, part, inference=inference)
        if model.model.decoder is None:
            return Reading(posterior, None)
        return Reading(posterior, rollout(model, part, posterior, start=start, num_steps=part.num_steps - start - 1))

    window = model.config.window
    windows = partial(infer_windows, model, stride=max(window // WINDOWS_APART, 1), inference=inference) if data.num_steps > window else None
    source = Model(folder=project_path(folder), inference=inference, forecasts=model.model.decoder is not None)
    return Reader(f"{digest_of(folder)} {inference}", read, source, partial(edge_type_meanings, model), windows)


def by_baseline(name: str, data: Trajectories, **options: str | bool) -> Reader:
    """A classical method, given as many of the first frames as a model is, and the directions that fit `data`."""
    baseline, window, options = BASELINES[name], min(WINDOW, data.num_steps), directions(name, data) | options
    source = Method(name=name, window=window, options=options)
    return Reader(f"{name} {window} {options}", lambda data: Reading(baseline(data.select(slice(None), frames=slice(0, window)), **options), None), source, whole=True)


def explored(model: state.Model) -> samples.Sample:
    """A few systems as this model reads them: what its run held out, else the dataset in use. Raises CheckpointError."""
    whole = open_run(model.run).held_out() if model.run else state.dataset().trajectories
    data = whole.select(slice(0, samples.MOST_EXPLORED))
    reading = readings(by_model(model.folder, None, data), data)
    reading.first()
    reading.finish(st.empty())
    return samples.Sample(data, reading.call(reading.whole.posterior), reading.whole.forecast)


def by_what_they_do(names: Sequence[str], meanings: Mapping[str, str]) -> tuple[str, ...]:
    """Edge types called by their effect, each with its own name; one without effect is no edge."""
    called = [name if name == "none" else meanings.get(name, name) for name in names]
    called = ["none" if name == "no effect" and "none" not in called else name for name in called]
    return tuple(f"{name} ({kind})" if called.count(name) > 1 else name for kind, name in enumerate(called))


def type_names(folder: Path, data: Trajectories) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """What pages call the edge types of a model, and for each of its types which of these names: by the truth of some systems, else by what it does."""
    if data.edge_types is None:
        names = checkpoint(folder).edge_type_names
        return by_what_they_do(names, readings(by_model(folder, None, data), data).meanings), tuple(range(len(names)))
    names, relabelling, clear = _by_a_few(digest_of(folder), data.digest, checkpoint(folder), data)
    if clear:
        return names, relabelling
    known = readings(by_model(folder, None, data), comparable(data))  # as Compare names them, by all systems
    known.finish(st.empty())
    return (data.edge_type_names, known.score.relabelling) if known.score else (names, relabelling)


@st.cache_resource(max_entries=16, show_spinner="Matching the model's edge types with the true ones")
def _by_a_few(model: str, data: str, _checkpoint: Checkpoint, _data: Trajectories) -> tuple[tuple[str, ...], tuple[int, ...], bool]:
    """What the encoder says of a few systems is enough where the types are as many and nearly all pairs right: no other reading would name them otherwise."""
    few = _data.select(slice(0, samples.MOST_EXPLORED))
    belief = infer_edges(_checkpoint, few, inference="encoder" if _checkpoint.model.encoder is not None else None)
    names, score = belief.edge_type_names, score_edges(belief, few)
    if score is None:
        return names, tuple(range(len(names))), True
    return few.edge_type_names, score.relabelling, len(names) == len(few.edge_type_names) and score.accuracy > CLEAR


def comparable(data: Trajectories) -> Trajectories:
    """The first systems of a large dataset: reading tens of thousands would keep the page waiting."""
    return data if data.num_sims <= MOST_COMPARED else data.select(slice(0, MOST_COMPARED))


class Readings:
    """What one reader makes of one dataset, as far as it is known."""

    def __init__(self, reader: Reader, data: Trajectories) -> None:
        self.reader, self._data, self._parts = reader, data, {}
        self._size = data.num_sims if reader.whole else max(EDGES_AT_ONCE // num_edges(data.num_nodes), 1)
        cuts = range(1, data.num_sims, 2 * self._size) if self._size < data.num_sims else ()  # one alone, then many: a forecast takes many as fast as few
        self._ends = dict(pairwise([0, *cuts, data.num_sims]))

    @property
    def complete(self) -> bool:
        """Whether every system has been read."""
        return len(self._parts) == len(self._ends)

    @property
    def slow(self) -> bool:
        """Whether even the first system is yet to be waited for."""
        return not self._parts and self._data.num_nodes > MANY_NODES

    def first(self, system: int = 0) -> Reading:
        """This system alone, where all of them take long: a picture need not wait for the rest. Types go by the names that fit it best, where its truth is known."""
        faster = ". The encoder alone is faster" if self.slow else ""
        with st.spinner(f"Reading the graph of system {system + 1}{faster}", show_time=True):
            one, part = self._data.select(slice(system, system + 1)), self._part(0)
            found = part if system == 0 or self.complete else self.reader.read(one)
            score = None if self.complete else score_edges(found.posterior, one)
            return replace(found, posterior=found.posterior.relabelled(score.relabelling, one.edge_type_names)) if score else found

    def finish(self, place: DeltaGenerator) -> None:
        """Read the rest, saying in `place` how long it takes. What was read stays if the user leaves before the end."""
        started, words, missing = time.monotonic(), place.empty(), [first for first in self._ends if first not in self._parts]
        named = "" if self._data.edge_types is None else " Until then, edge types are called as fits this system best."
        for done, first in enumerate(missing):
            left = f", {(time.monotonic() - started) * (len(missing) - done) / done:.0f} s to go" if done else ""
            words.progress(first / self._data.num_sims, f"Reading every system: {first:,} of {self._data.num_sims:,}{left}.{named}")
            self._part(first)
        words.empty()

    @cached_property
    def whole(self) -> Reading:
        """All systems; only once `complete`."""
        parts = [self._parts[first] for first in self._ends]
        posterior = replace(parts[0].posterior, edge_probs=np.concatenate([part.posterior.edge_probs for part in parts]))
        if parts[0].forecast is None:
            return Reading(posterior, None)
        return Reading(posterior, replace(parts[0].forecast, values=np.concatenate([part.forecast.values for part in parts])))

    @cached_property
    def errors(self) -> Float[np.ndarray, "sim horizon"] | None:
        """Of the forecasts of all systems; None where there are none. Only once `complete`."""
        return None if self.whole.forecast is None else forecast_error(self.whole.forecast, self._data)

    @cached_property
    def score(self) -> EdgeScore | None:
        """Against the truth; None where it is not known. Only once `complete`."""
        return score_edges(self.whole.posterior, self._data)

    @cached_property
    def meanings(self) -> dict[str, str]:
        """Where no truth names the types: each → what it does to the forecast, found on the first systems; empty for a baseline. With a truth only once `complete`."""
        if self.reader.meanings is None or (self._data.edge_types is not None and self.score is not None):
            return {}
        parts, few = [self._part(first).posterior for first in list(self._ends)[:2]], slice(min(self._size, samples.MOST_EXPLORED))
        posterior = replace(parts[0], edge_probs=np.concatenate([part.edge_probs for part in parts])).select(few)
        found = self.reader.meanings(self._data.select(few), posterior)
        return {name: meaning.name for name, meaning in zip(posterior.edge_type_names, found, strict=True)}

    def call(self, posterior: EdgePosterior) -> EdgePosterior:
        """A belief of this reader with its types called by the truth's names that fit best; without a truth by what they do. Only once `complete`."""
        if self.score is None:
            names = by_what_they_do(posterior.edge_type_names, self.meanings)
            return posterior.relabelled(tuple(range(len(names))), names)
        return posterior.relabelled(self.score.relabelling, self._data.edge_type_names)

    def _part(self, first: int) -> Reading:
        if first not in self._parts:
            self._parts[first] = self.reader.read(self._data.select(slice(first, self._ends[first])))
        return self._parts[first]


def readings(reader: Reader, data: Trajectories) -> Readings:
    """What is known so far, the same object for every session."""
    return _readings(reader.key, data.digest, reader, data)


def over_time(reader: Reader, data: Trajectories, system: int) -> PosteriorOverTime:
    """How the graph of one system changes from window to window; kept for all sessions."""
    return _over_time(reader.key, data.digest, system, reader, data)


@st.cache_resource(max_entries=8, show_spinner="Reading the graph of every window")
def _over_time(key: str, digest: str, system: int, _reader: Reader, _data: Trajectories) -> PosteriorOverTime:
    return _reader.over_time(_data.select(slice(system, system + 1)))


def digest_of(folder: Path) -> str:
    """Of the whole content of a model's folder."""
    state = hashlib.sha256()
    try:
        for name in CHECKPOINT_FILES[:2]:
            state.update((folder / name).read_bytes())
    except OSError as error:
        raise CheckpointError(f"Expected a model in {folder}; its {name} cannot be read. Load another model under Train.") from error
    return state.hexdigest()


# The keys are digests of whole contents: `st.cache_data` would only sample large arrays.
@st.cache_resource(show_spinner="Loading the model", show_time=True, max_entries=16)  # nine are shipped
def _checkpoint(model: str, _folder: Path) -> Checkpoint:
    return Checkpoint.load(_folder)


@st.cache_resource(show_spinner=False, max_entries=16)  # several readers of one dataset are compared
def _readings(reader: str, data: str, _reader: Reader, _data: Trajectories) -> Readings:
    return Readings(_reader, _data)
