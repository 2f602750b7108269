"""Motion in named arrays, whatever file they come from: which array is what, and which of its axes."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.axes import WORDS, arranged, guess
from nri_core.importers.contract import Options, Progress
from nri_core.importers.truth_arrays import Rows, edge_kinds, edge_matrices
from nri_core.recording import MAX_VALUES, Recording, Remark, Trial
from nri_core.storage import MAX_ARCHIVE_BYTES

FEATURES = {1: ("value",), 2: ("x", "y"), 3: ("x", "y", "z"), 4: ("x", "y", "vx", "vy"), 6: ("x", "y", "z", "vx", "vy", "vz")}


@dataclass(frozen=True)
class Array:
    """An array in a file: what its header says, and how to read it."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    load: Callable[[], Shaped[np.ndarray, "..."]]

    @property
    def is_numeric(self) -> bool:
        return self.dtype.kind in "fiub"

    @property
    def size(self) -> int:
        return math.prod(self.shape)


Arrays = Mapping[str, Array]


class ArrayOptions(Options):
    """What the arrays mean."""

    values: str | None = Field(None, description="Array of positions, or of whatever was measured")
    axes: str | None = Field(None, max_length=40, description="Its axes in order: sim is a recording, time a frame, node who moves, dim x, y, …; none: guessed")
    features: tuple[str, ...] = Field((), max_length=50, description="Name of each feature along dim: x, y, z, vx, vy, vz where it is one; none: as usual")
    beside: tuple[str, ...] = Field((), max_length=20, description="Arrays of the same shape with further features, such as y beside x")
    velocities: str | None = Field(None, description="Array of velocities, of the same shape")
    more: tuple[str, ...] = Field((), max_length=1000, description="Arrays of further recordings of the same nodes")
    others: tuple[str, ...] = Field((), max_length=20, description="Arrays of further nodes with the same times, such as a ball")
    times: str | None = Field(None, description="Array of the time of each frame, in seconds; none: the rate tells")
    rate: float = Field(1.0, gt=0, le=1e6, description="Frames in a second")
    trials: str | None = Field(None, description="Array that cuts one long series into recordings: their last frames, or a number for each frame")
    stacked: int = Field(0, ge=0, le=10_000_000, description="Frames in each recording, where one series has several after each other; 0: it is one")
    names: str | None = Field(None, description="Array of the nodes' names")
    edges: str | None = Field(None, description="Array of true edges, if known")
    rows: Rows = Field("receivers", description="Whom a row of the true edges stands for: who is moved, or who moves others")
    unit: str = Field("", max_length=20, description="Unit of length, such as m or px")


class Piece(NamedTuple):
    """Where a recording stands: in which part of the sim axis, which frames."""

    sim: int
    frames: slice


def recording_of(file: str, arrays: Arrays, options: ArrayOptions, progress: Progress) -> Recording:
    """The trials that the arrays hold. Raises DataError for arrays that are not there or do not fit each other."""
    if not options.more:
        return _recording(file, arrays, options, progress)
    if beside := [role for role in ("velocities", "others", "times") if getattr(options, role)]:
        raise DataError(f"Expected either `more` recordings or {' and '.join(f'`{role}`' for role in beside)} for {file}; found both. Leave one of them empty.")
    parts, remarks = [], []
    for name in dict.fromkeys((options.values, *options.more)):
        part = _recording(file, arrays, options.model_copy(update={"values": name}), lambda share: None)
        if parts and part.num_nodes != parts[0].num_nodes:
            raise DataError(f"Expected {parts[0].num_nodes} nodes in each recording of {file}; `{name}` has {part.num_nodes}. Leave it out.")
        many = len(part.trials) > 1
        parts.append(part.with_trials(replace(trial, name=f"{name} {trial.name}" if many else str(name)) for trial in part.trials))
        remarks += part.remarks
        progress(len(parts) / (len(options.more) + 1))
    return parts[0].with_trials((trial for part in parts for trial in part.trials), remarks=tuple(remarks))


def _recording(file: str, arrays: Arrays, options: ArrayOptions, progress: Progress) -> Recording:
    remarks: list[Remark] = []
    main = _chosen(file, arrays, options.values, "values")
    axes = _axes(file, main, options.axes)
    parts = [_finite(arranged(_loaded(file, main), axes), main.name, remarks)]
    features = _named_features(file, options, parts[0].shape[-1])
    progress(0.4)
    for name in (*options.beside, *([options.velocities] if options.velocities else [])):
        array = _chosen(file, arrays, name, "velocities" if name == options.velocities else "beside")
        if array.shape != main.shape:
            raise DataError(f"Expected an array of shape {main.shape} as `{main.name}` in {file}; `{name}` has {array.shape}. Choose another array, or none.")
        parts.append(_finite(arranged(_loaded(file, array), axes), name, remarks))
    values = np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    values, names = _with_others(file, arrays, options, values, remarks)
    progress(0.7)
    pieces = _pieces(file, arrays, options, values)
    truth, kinds = _truth(file, arrays, options, values, pieces, remarks)
    times = _times(file, arrays, options, values.shape[1])
    made = (
        Trial(times[frames] if options.times else times[: frames.stop - frames.start], values[sim, frames], str(number + 1), edges)
        for number, ((sim, frames), edges) in enumerate(zip(pieces, truth, strict=True))
    )
    metadata = {"units": options.unit} if options.unit else {}
    return Recording(tuple(made), features, names, edge_type_names=kinds, remarks=tuple(remarks), metadata=metadata)


def listed(arrays: Arrays) -> str:
    """The arrays with their shapes, for a sentence."""
    said = [f"`{array.name}` {array.shape}{'' if array.is_numeric else f' of {array.dtype}'}" for array in list(arrays.values())[:12]]
    return ", ".join(said) + (", …" if len(arrays) > 12 else "") if said else "no array"


def _chosen(file: str, arrays: Arrays, name: str | None, role: str) -> Array:
    if name is None or name not in arrays:
        what = "none is chosen" if name is None else f"there is no `{name}`"
        raise DataError(f"Expected an array for `{role}` in {file}; {what}. Choose one of: {listed(arrays)}.")
    return arrays[name]


def _loaded(file: str, array: Array) -> Shaped[np.ndarray, "..."]:
    """Its numbers as float32 or float64. Raises DataError before anything too large is read."""
    if not array.is_numeric:
        raise DataError(f"Expected numbers in `{array.name}` of {file}; found {array.dtype}. Choose another array.")
    if not 1 <= array.size <= MAX_VALUES or array.size * array.dtype.itemsize > MAX_ARCHIVE_BYTES:
        most = min(MAX_VALUES, MAX_ARCHIVE_BYTES // array.dtype.itemsize)
        raise DataError(f"Expected 1 to {most:,} numbers in `{array.name}` of {file}; found {array.size:,}. Split it into smaller files.")
    numbers = array.load()
    if numbers.dtype in (np.float32, np.float64) and numbers.dtype.isnative:
        return numbers
    return numbers.astype(np.float32 if numbers.dtype.itemsize <= 2 else np.float64)


def _axes(file: str, array: Array, axes: str | None) -> str:
    words = (axes or guess(array.shape)).split()
    if len(words) != len(array.shape) or len(set(words)) != len(words) or not {"time", "node"} <= set(words) <= set(WORDS):
        raise DataError(
            f"Expected one of {', '.join(WORDS)} for each of the {len(array.shape)} axes of `{array.name}` {array.shape} in {file}, time and node among them; "
            f"found {axes!r}. Choose other axes."
        )
    return " ".join(words)


def _named_features(file: str, options: ArrayOptions, count: int) -> tuple[str, ...]:
    """Of all arrays together, `count` for each."""
    if options.features and (len(options.features) != count or len(set(options.features)) != count):
        raise DataError(f"Expected {count} different names of features for {file}; found {', '.join(options.features)}. Name each once, or none.")
    own = options.features or FEATURES.get(count) or tuple(f"feature {place + 1}" for place in range(count))
    if count == 1 and options.beside:
        own = (_feature(options.values),)
    further = tuple(_feature(name) if count == 1 else f"{_feature(name)} {feature}" for name in options.beside for feature in own)
    return own + further + (tuple(f"v{name}" for name in own) if options.velocities else ())


def _feature(name: str | None) -> str:
    last = str(name).rsplit("/", 1)[-1]
    return last.lower() if last.lower() in FEATURES[6] else last


def _finite(values: Float[np.ndarray, "*axes"], name: str, remarks: list[Remark]) -> Float[np.ndarray, "*axes"]:
    """Infinity is no place: it counts as not seen, and is told."""
    infinite = np.isinf(values)
    if not (count := int(infinite.sum())):
        return values
    remarks.append(Remark("infinite values", f"{count:,} infinite value(s) in `{name}` count as not seen."))
    return np.where(infinite, np.array(np.nan, values.dtype), values)


def _with_others(
    file: str, arrays: Arrays, options: ArrayOptions, values: Float[np.ndarray, "sim time node dim"], remarks: list[Remark]
) -> tuple[Float[np.ndarray, "sim time all_nodes dim"], tuple[str, ...]]:
    """Further nodes beside those of the main array, and all their names."""
    sims, frames, nodes, dims = values.shape
    names = _node_names(file, arrays, options.names, nodes)
    parts = [values]
    for name in options.others:
        array = _chosen(file, arrays, name, "others")
        lead = (sims, frames) if sims > 1 else (frames,)
        if array.shape[: len(lead)] != lead or not len(lead) < len(array.shape) <= len(lead) + 2 or array.shape[-1] < dims:
            raise DataError(f"Expected a further node of shape {(*lead, dims)} in {file}; `{name}` has {array.shape}. Choose another array, or none.")
        if array.shape[-1] > dims:
            remarks.append(Remark("features left out", f"`{name}` has {array.shape[-1]} features, the other nodes {dims}: the first {dims} of them are taken."))
        part = _finite(_loaded(file, array), name, remarks).reshape(sims, frames, -1, array.shape[-1])[..., :dims]
        parts.append(part)
        names += (name,) if part.shape[2] == 1 else tuple(f"{name} {place + 1}" for place in range(part.shape[2]))
    return np.concatenate(parts, axis=2) if len(parts) > 1 else values, names


def _node_names(file: str, arrays: Arrays, name: str | None, count: int) -> tuple[str, ...]:
    if name is None:
        return tuple(str(place + 1) for place in range(count))
    array = _chosen(file, arrays, name, "names")
    if array.size != count:
        raise DataError(f"Expected {count} names of nodes in {file}; `{name}` has {array.size:,}. Choose another array, or none.")
    return tuple(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in array.load().ravel().tolist())


def _pieces(file: str, arrays: Arrays, options: ArrayOptions, values: Float[np.ndarray, "sim time node dim"]) -> list[Piece]:
    sims, frames = values.shape[:2]
    if options.trials:
        bounds = _bounds(file, _chosen(file, arrays, options.trials, "trials"), frames)
    else:
        bounds = list(range(0, frames, options.stacked)) if options.stacked else [0]
    cuts = [slice(start, end) for start, end in zip(bounds, [*bounds[1:], frames], strict=True) if end > start]
    return [Piece(sim, cut) for sim in range(sims) for cut in cuts]


def _bounds(file: str, array: Array, frames: int) -> list[int]:
    """First frame of each recording: from a number for each frame, from ends as np.split takes them, or from last frames with -1 before them."""
    if not array.is_numeric or array.size != max(array.shape, default=0) or not 1 <= array.size <= frames + 1:
        raise DataError(f"Expected one list of numbers in `{array.name}` of {file} to cut {frames:,} frames; found {array.shape}. Choose another, or none.")
    numbers = array.load().ravel()
    if len(numbers) == frames:
        return [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist()]
    if not np.isfinite(numbers).all() or (np.diff(numbers) <= 0).any() or numbers[0] < -1 or numbers[-1] > frames:
        raise DataError(f"Expected increasing frame numbers from 0 to {frames:,} in `{array.name}` of {file}; found others. Choose another array, or none.")
    starts = numbers.astype(int) + int(numbers[0] == -1)
    return sorted({0, *(start for start in starts.tolist() if start < frames)})


def _times(file: str, arrays: Arrays, options: ArrayOptions, frames: int) -> Float[np.ndarray, " time"]:
    if not options.times:
        return np.arange(frames) / options.rate
    array = _chosen(file, arrays, options.times, "times")
    if array.size != frames:
        raise DataError(f"Expected {frames:,} times in `{array.name}` of {file}; found {array.size:,}. Choose another array, or none.")
    return _loaded(file, array).ravel().astype(float)


def _truth(
    file: str, arrays: Arrays, options: ArrayOptions, values: Float[np.ndarray, "sim time node dim"], pieces: list[Piece], remarks: list[Remark]
) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """The true edges of each piece, and the names of their types."""
    if not options.edges:
        return [None] * len(pieces), ()
    array = _chosen(file, arrays, options.edges, "edges")
    sims, frames, nodes = values.shape[:3]
    matrices = edge_matrices(_loaded(file, array), name=array.name, num_nodes=nodes, rows=options.rows)
    types, kinds, said = edge_kinds(matrices, name=array.name)
    remarks.extend(said)
    lead = types.shape[:-2]
    if lead in ((), (1,)):
        return [types.reshape(nodes, nodes)] * len(pieces), kinds
    if lead == (sims, frames):
        return [types[piece.sim, piece.frames] for piece in pieces], kinds
    if lead == (len(pieces),):
        return list(types), kinds
    if lead == (sims,):
        return [types[piece.sim] for piece in pieces], kinds
    if sims == 1 and lead == (frames,):
        return [types[piece.frames] for piece in pieces], kinds
    raise DataError(
        f"Expected true edges for {len(pieces):,} recording(s) or {frames:,} frames in {file}; `{array.name}` has {array.shape}. Choose another array, or none."
    )


def rate_in(text: str) -> float | None:
    """The frame rate that a file name tells, such as 28 in fish_28fps."""
    found = re.search(r"(?<![\d.])(\d{1,5}(?:\.\d{1,3})?) ?(?:fps|hz)(?![a-z])", text.lower())
    return float(found[1]) if found and float(found[1]) > 0 else None
