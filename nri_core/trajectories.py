"""`Trajectories`, the one currency of the project: what moved, when, and (if known) who acted on whom."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float, Int

from nri_core.errors import DataError
from nri_core.storage import read_npz, write_npz

MAX_NODES = 1000
ARRAYS = ("values", "edge_types", "observed", "trials", "first_times")  # all that goes by simulations
ANGLES = ("phase",)  # features in radians: neither scaled nor shifted, and compared by their sine, which is a feature of its own
NONE = "none"  # what an edge type is called that does not act


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Simulations (or recordings) of the same nodes at a constant frame rate; validated when made, never changed.

    values          float [sim, time, node, dim], in the units of the source
    feature_names   one name per dim, such as ("x", "y", "vx", "vy")
    dt              time between two frames
    edge_types      int [sim, node, node] or [sim, time, node, node] = [receiver, sender], diagonal 0; None if unknown
    edge_type_names one name per edge type; "none" marks the type without interaction
    node_names      one name per node
    observed        bool [sim, time, node]; None if everything was seen
    trials          int [sim]: the recording that each simulation was cut from; None if each stands alone
    first_times     float [sim]: the time in that recording at which each begins; None if unknown
    metadata        anything JSON can hold: system, parameters, seed, units

    Raises DataError for anything else.
    """

    values: Float[np.ndarray, "sim time node dim"]
    feature_names: tuple[str, ...]
    dt: float = 1.0
    edge_types: Int[np.ndarray, "sim *time node node"] | None = None
    edge_type_names: tuple[str, ...] = ()
    node_names: tuple[str, ...] = ()
    observed: Bool[np.ndarray, "sim time node"] | None = None
    trials: Int[np.ndarray, " sim"] | None = None
    first_times: Float[np.ndarray, " sim"] | None = None
    metadata: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Check every shape and range, name what was left unnamed, and make the arrays read-only."""
        _require(self.values.ndim == 4, "values of four axes [sim, time, node, dim]", f"shape {self.values.shape}")
        sims, frames, nodes, dims = self.values.shape
        _require(sims >= 1 and frames >= 1, "at least 1 simulation of 1 frame", f"{sims} of {frames}")
        _require(2 <= nodes <= MAX_NODES, f"2 to {MAX_NODES} nodes", f"{nodes}")
        _require(len(self.feature_names) == dims, f"{dims} feature names, one per dim", f"{len(self.feature_names)}")
        _require(np.isfinite(self.dt) and self.dt > 0, "a positive time between frames", f"dt = {self.dt}")
        seen = self.values if self.observed is None else self.values[self._checked_observed()]
        _require(bool(np.isfinite(seen).all()), "finite values", "NaN or infinity; mark unseen nodes in `observed`")
        names = self.node_names or tuple(str(node + 1) for node in range(nodes))
        _require(len(names) == nodes, f"{nodes} node names", f"{len(names)}")
        object.__setattr__(self, "node_names", names)
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        if self.edge_types is not None:
            self._check_edges()
        for name in ("trials", "first_times"):
            if (array := getattr(self, name)) is not None:
                _require(array.shape == (sims,) and bool(np.isfinite(array).all()), f"`{name}` of shape ({sims},), all finite", f"{array.shape}")
        for name in ARRAYS:
            if (array := getattr(self, name)) is not None:
                array.flags.writeable = False

    def _checked_observed(self) -> Bool[np.ndarray, "sim time node"]:
        expected = self.values.shape[:3]
        _require(self.observed.shape == expected, f"`observed` of shape {expected}", f"{self.observed.shape}")
        return self.observed

    def _check_edges(self) -> None:
        sims, frames, nodes, _ = self.values.shape
        shapes = ((sims, nodes, nodes), (sims, frames, nodes, nodes))
        _require(self.edge_types.shape in shapes, f"`edge_types` of shape {shapes[0]} or {shapes[1]}", f"{self.edge_types.shape}")
        off = ~np.eye(nodes, dtype=bool)
        edges = np.where(off, self.edge_types, 0)  # the diagonal is ignored, so it is made 0
        _require(int(edges.min()) >= 0, "edge types counted from 0", f"{int(edges.min())}")
        count = max(int(edges.max()) + 1, 2)
        names = self.edge_type_names or tuple(f"type {kind}" for kind in range(count))
        _require(len(names) >= count, f"a name for each of {count} edge types", f"{len(names)} names")
        object.__setattr__(self, "edge_types", edges)
        object.__setattr__(self, "edge_type_names", names)

    @property
    def num_sims(self) -> int:
        return self.values.shape[0]

    @property
    def num_steps(self) -> int:
        return self.values.shape[1]

    @property
    def num_nodes(self) -> int:
        return self.values.shape[2]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole content: the key under which anything derived from it may be cached."""
        state = hashlib.sha256()
        for name, array in self._arrays().items():
            state.update(f"{name} {array.dtype} {array.shape}".encode())
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def select(self, sims: slice | Int[np.ndarray, " sim"], *, frames: slice = slice(None)) -> Self:
        """Some simulations, and of those some frames."""
        edges = self.edge_types
        if edges is not None:
            edges = edges[sims][:, frames] if edges.ndim == 4 else edges[sims]
        observed = None if self.observed is None else self.observed[sims][:, frames]
        trials = None if self.trials is None else self.trials[sims]
        first = None if self.first_times is None else self.first_times[sims] + frames.indices(self.num_steps)[0] * self.dt
        return replace(self, values=self.values[sims][:, frames], edge_types=edges, observed=observed, trials=trials, first_times=first)

    @property
    def complete(self) -> bool:
        """Whether every node was seen in every frame."""
        return self.observed is None or bool(self.observed.all())

    def filled(self) -> Self:
        """The same with a number wherever nobody looked: between two sightings on the straight line, before the first and after the last as there.

        A node that was never seen stands at the mean of what was. `observed` stays, so that whoever reads the values knows.
        """
        if self.complete:
            return self
        frame = np.arange(self.num_steps)[:, None]
        before = np.maximum.accumulate(np.where(self.observed, frame, -1), axis=1)
        after = np.minimum.accumulate(np.where(self.observed, frame, self.num_steps)[:, ::-1], axis=1)[:, ::-1]
        before, after = np.where(before < 0, after, before), np.where(after == self.num_steps, before, after)
        never = before == self.num_steps
        before, after = np.where(never, 0, before)[..., None], np.where(never, 0, after)[..., None]
        share = ((frame[..., None] - before) / np.maximum(after - before, 1)).astype(self.values.dtype)
        first, last = (np.take_along_axis(self.values, place, axis=1) for place in (before, after))
        typical = self.values[self.observed].mean(0) if self.observed.any() else 0.0
        return replace(self, values=np.where(never[..., None], typical, first + share * (last - first)).astype(self.values.dtype))

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {
            "values": self.values,
            "feature_names": np.array(self.feature_names),
            "dt": np.array(self.dt),
            "node_names": np.array(self.node_names),
            "metadata": np.array(json.dumps(dict(self.metadata), sort_keys=True)),
        }
        if self.edge_types is not None:
            arrays |= {"edge_types": self.edge_types.astype(np.int8), "edge_type_names": np.array(self.edge_type_names)}
        optional = {"observed": self.observed, "trials": self.trials, "first_times": self.first_times}
        return arrays | {name: array for name, array in optional.items() if array is not None}

    def save(self, path: Path) -> None:
        """Write `data.npz` (never pickled) in one step."""
        write_npz(Path(path), self._arrays())

    @classmethod
    def load(cls, source: Path | BufferedIOBase) -> Self:
        """Read what `save` wrote, or any npz with `values` [sim, time, node, dim]. Raises DataError."""
        return cls.from_arrays(read_npz(source, what="trajectories"))

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Trajectories from named arrays as in `data.npz`. Raises DataError."""
        found = ", ".join(f"`{name}`" for name in arrays) or "nothing"
        _require("values" in arrays, "an array `values` [sim, time, node, dim]", found)
        values = _numeric(arrays, "values", "f")
        names = _strings(arrays, "feature_names") or tuple(f"feature {dim + 1}" for dim in range(values.shape[-1] if values.ndim else 0))
        observed = arrays.get("observed")
        return cls(
            values=values,
            feature_names=names,
            dt=_scalar(arrays, "dt", 1.0),
            edge_types=_numeric(arrays, "edge_types", "i") if "edge_types" in arrays else None,
            edge_type_names=_strings(arrays, "edge_type_names"),
            node_names=_strings(arrays, "node_names"),
            observed=None if observed is None else observed.astype(bool),
            trials=_numeric(arrays, "trials", "i") if "trials" in arrays else None,
            first_times=_numeric(arrays, "first_times", "f") if "first_times" in arrays else None,
            metadata=_metadata(arrays),
        )


def _require(holds: bool, expected: str, found: str) -> None:
    if not holds:
        raise DataError(f"Expected {expected}; found {found}.")


def _numeric(arrays: dict[str, np.ndarray], name: str, kind: str) -> np.ndarray:
    array = arrays[name]
    _require(array.dtype.kind in "fiub", f"numbers in `{name}`", f"{array.dtype}")
    if kind == "f":
        return array.astype(array.dtype if array.dtype in (np.float32, np.float64) else np.float64)
    _require(bool((array == np.round(array)).all()), f"whole numbers in `{name}`", "fractions")
    return array.astype(np.int64)


def _strings(arrays: dict[str, np.ndarray], name: str) -> tuple[str, ...]:
    array = arrays.get(name)
    if array is None:
        return ()
    _require(array.ndim == 1 and array.dtype.kind in "US", f"a list of names in `{name}`", f"{array.dtype} of shape {array.shape}")
    return tuple(str(item) for item in array)


def _scalar(arrays: dict[str, np.ndarray], name: str, default: float) -> float:
    array = arrays.get(name, np.array(default))
    _require(array.size == 1 and array.dtype.kind in "fiu", f"one number in `{name}`", f"{array.dtype} of shape {array.shape}")
    return float(array.reshape(()))


def _metadata(arrays: dict[str, np.ndarray]) -> MappingProxyType[str, Any]:
    text = str(arrays.get("metadata", np.array("{}")))
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        value = None
    _require(isinstance(value, dict), "`metadata` as the text of a JSON object", repr(text[:40]))
    return MappingProxyType(value)
