"""`Recording`: what a file says about motion, before it is made ready: gaps, uneven times and trials of any length are allowed."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self


import numpy as np
from jaxtyping import Bool, Float, Int

from nri_core.errors import DataError
from nri_core.storage import read_npz, write_npz

MAX_VALUES = 400_000_000  # numbers in a recording: 1.6 GB as float32
MOST_NODES = 1000


@dataclass(frozen=True, eq=False)
class Trial:
    """One continuous recording.

    times       float64 [time], strictly increasing, in seconds (or in the file's own unit if that is unknown)
    values      float [time, node, dim]; NaN where a node was not seen
    name        what the file calls it
    source      the recording that it is a part of, where it was cut out: parts of one recording are held out together
    edge_types  the truth, if the file brings it: int [node, node] or [time, node, node] = [receiver, sender]
    """

    times: Float[np.ndarray, " time"]
    values: Float[np.ndarray, "time node dim"]
    name: str = ""
    edge_types: Int[np.ndarray, "*time node node"] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Raises DataError where times and values disagree, or times do not increase."""
        _require(self.values.ndim == 3 and len(self.values) == len(self.times) >= 1, "values [time, node, dim], one time each", f"{self.values.shape}")
        steps = np.diff(self.times)
        _require(bool(np.isfinite(self.times).all() and (steps > 0).all()), "times that increase", f"trial {self.name!r} going back or standing still")
        _require(not np.isinf(self.values).any(), "finite values (NaN where unseen)", f"infinity in trial {self.name!r}")
        if self.edge_types is not None:
            frames, nodes, _ = self.values.shape
            shapes = ((nodes, nodes), (frames, nodes, nodes))
            _require(self.edge_types.shape in shapes, f"true edges of shape {shapes[0]} or {shapes[1]}", f"{self.edge_types.shape}")
        for array in (self.times, self.values, self.edge_types):
            if array is not None:
                array.flags.writeable = False

    @property
    def num_frames(self) -> int:
        return len(self.times)

    @cached_property
    def seen(self) -> Bool[np.ndarray, "time node"]:
        """Where a node has all its features."""
        return ~np.isnan(self.values).any(-1)

    def part(self, frames: slice, *, name: str) -> Self:
        """Some frames of it, as a trial of its own."""
        edges = self.edge_types[frames] if self.edge_types is not None and self.edge_types.ndim == 3 else self.edge_types
        return replace(self, times=self.times[frames], values=self.values[frames], edge_types=edges, name=name, source=self.source or self.name)

    def of(self, source: str) -> Self:
        """The same, as a part of this recording."""
        return replace(self, source=source)

    def nodes(self, chosen: Sequence[int]) -> Self:
        """Some nodes of it."""
        chosen = np.asarray(chosen, int)
        edges = None if self.edge_types is None else self.edge_types[..., chosen[:, None], chosen]
        return replace(self, values=self.values[:, chosen], edge_types=edges)


class Remark(NamedTuple):
    """Something that a reader noticed and dealt with, such as rows that repeat a time and a node."""

    code: str
    text: str


@dataclass(frozen=True, eq=False)
class Recording:
    """Trials of the same nodes and features.

    bones      pairs of node positions that are drawn as a skeleton; no claim about interaction
    remarks    what the reader noticed on the way
    metadata   anything JSON can hold: source (files, digest, format, options), units, preparation (the fixes so far)
    """

    trials: tuple[Trial, ...]
    feature_names: tuple[str, ...]
    node_names: tuple[str, ...]
    edge_type_names: tuple[str, ...] = ()
    bones: tuple[tuple[int, int], ...] = ()
    remarks: tuple[Remark, ...] = ()
    metadata: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Raises DataError where the trials disagree with the names, or there are too many numbers."""
        _require(len(self.trials) >= 1, "at least one trial", "none")
        shape = (len(self.node_names), len(self.feature_names))
        _require(1 <= shape[0] <= MOST_NODES, f"1 to {MOST_NODES} nodes", f"{shape[0]}")
        for trial in self.trials:
            _require(trial.values.shape[1:] == shape, f"{shape[0]} nodes of {shape[1]} features in each trial", f"{trial.values.shape[1:]} in {trial.name!r}")
        _require(len(set(self.node_names)) == shape[0], "node names that are all different", "a name that occurs twice")
        _require(self.num_values <= MAX_VALUES, f"at most {MAX_VALUES:,} numbers", f"{self.num_values:,}")
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def num_values(self) -> int:
        return sum(trial.values.size for trial in self.trials)

    @property
    def num_frames(self) -> int:
        """Of all trials together."""
        return sum(trial.num_frames for trial in self.trials)

    @property
    def num_nodes(self) -> int:
        return len(self.node_names)

    @property
    def location(self) -> list[int]:
        """Which of the features are x, y and z."""
        return [place for place, name in enumerate(self.feature_names) if name in ("x", "y", "z")]

    @property
    def frame_time(self) -> float:
        """The usual time between two frames; 1 where no trial has two."""
        steps = np.concatenate([np.diff(trial.times) for trial in self.trials])
        return float(f"{np.median(steps):.9g}") if len(steps) else 1.0  # 0.2 rather than 0.19999999999999996

    def with_trials(self, trials: Iterable[Trial], **changes: Any) -> Self:
        """The same recording with other trials, and further changes."""
        return replace(self, trials=tuple(trials), **changes)

    def with_values(self, change: Callable[[Trial], Float[np.ndarray, "time node dim"]], **changes: Any) -> Self:
        """The same recording with other values in each trial, and further changes."""
        return self.with_trials((replace(trial, values=change(trial)) for trial in self.trials), **changes)

    def with_nodes(self, chosen: Sequence[int]) -> Self:
        """Some of the nodes, with the bones between them."""
        place = {node: new for new, node in enumerate(chosen)}
        bones = tuple((place[first], place[second]) for first, second in self.bones if first in place and second in place)
        names = tuple(self.node_names[node] for node in chosen)
        return self.with_trials((trial.nodes(chosen) for trial in self.trials), node_names=names, bones=bones)

    def save(self, path: Path) -> None:
        """Write one npz, never pickled, in one step: the trials one after another."""
        truth = {f"edge_types_{place}": trial.edge_types for place, trial in enumerate(self.trials) if trial.edge_types is not None}
        about = {name: getattr(self, name) for name in ("feature_names", "node_names", "edge_type_names", "bones", "remarks")}
        about |= {"metadata": dict(self.metadata), "names": [(trial.name, trial.source) for trial in self.trials]}
        arrays = {
            "values": np.concatenate([trial.values for trial in self.trials]),
            "times": np.concatenate([trial.times for trial in self.trials]),
            "lengths": np.array([trial.num_frames for trial in self.trials]),
            "about": np.array(json.dumps(about)),
        }
        write_npz(Path(path), arrays | truth)

    @classmethod
    def load(cls, source: Path | BufferedIOBase) -> Self:
        """Read what `save` wrote. Raises DataError."""
        arrays = read_npz(source, what="a recording")
        try:
            about = json.loads(str(arrays["about"]))
            ends = np.cumsum(arrays["lengths"])[:-1]
            parts = zip(np.split(arrays["times"], ends), np.split(arrays["values"], ends), about["names"], strict=True)
            trials = tuple(
                Trial(times, values, name, arrays.get(f"edge_types_{place}"), source) for place, (times, values, (name, source)) in enumerate(parts)
            )
            return cls(
                trials=trials,
                feature_names=tuple(about["feature_names"]),
                node_names=tuple(about["node_names"]),
                edge_type_names=tuple(about["edge_type_names"]),
                bones=tuple((first, second) for first, second in about["bones"]),
                remarks=tuple(Remark(*remark) for remark in about["remarks"]),
                metadata=MappingProxyType(about["metadata"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"Expected a recording as this program writes it; found something else ({error}). Import the file again.") from error


def _require(holds: bool, expected: str, found: str) -> None:
    if not holds:
        raise DataError(f"Expected {expected}; found {found}.")
