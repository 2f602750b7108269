"""Motion capture as C3D: the places of markers. Read here, since the libraries for it crash on broken files."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.once import once
from nri_core.recording import MAX_VALUES, Recording, Remark, Trial

METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
BLOCK = 512  # bytes
MARK = 0x50  # the second byte of every C3D file
DEC, MIPS = 85, 86  # processors; all others write as Intel's
MAX_BYTES = 1024**3
AGAIN = "Export it again."


class C3dOptions(Options):
    """Which markers, and their unit."""

    metres: bool = Field(True, description="Turn lengths into metres, where the file says its unit")
    unlabelled: bool = Field(False, description="Keep markers that nobody has named (*0, *1, …)")
    up: Literal["x", "y", "z"] = Field("z", description="The axis that points up")


class Markers(NamedTuple):
    """A file: values [time, marker, xyz], NaN where a marker was hidden."""

    values: Float[np.ndarray, "time marker 3"]
    names: tuple[str, ...]
    rate: float
    unit: str
    up: str


@dataclass(frozen=True)
class C3d:
    """Files of the same markers: each a trial, each marker a node."""

    title: str = "Motion capture: C3D markers"
    suffixes: tuple[str, ...] = (".c3d",)
    options: type[Options] = C3dOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the ending."""
        return all(path.suffix.lower() in self.suffixes for path in paths)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """The first file in full."""
        markers = _markers(paths[0])
        named = [name for name in markers.names if not name.startswith("*")]
        hidden = float(np.isnan(markers.values).any(-1).mean())
        understood = (
            f"{len(named)} markers ({', '.join(f'`{name}`' for name in named[:6])}, …); {len(paths)} motion{'s' * (len(paths) > 1)}.",
            f"{len(markers.values):,} frames in {paths[0].name}, {markers.rate:.4g} in a second; lengths in {markers.unit or 'an unknown unit'}.",
            f"{hidden:.1%} of the places were hidden. {markers.up} points up.",
        )
        return Inspection(format="c3d", options=C3dOptions(up=markers.up).model_dump(), understood=understood, signature=("c3d: " + " ".join(named))[:1000])

    def read(self, paths: tuple[Path, ...], options: C3dOptions, progress: Progress) -> Recording:
        """The markers that all files have."""
        files = []
        for number, path in enumerate(sorted(paths, key=lambda path: path.name)):
            files.append((path, _markers(path)))
            progress((number + 1) / len(paths))
        first_path, first = files[0]
        names = tuple(name for name in first.names if all(name in other.names for _, other in files) and (options.unlabelled or not name.startswith("*")))
        if not names:
            raise DataError(f"Expected named markers that all files share; found none in {first_path.name}. Keep those without a name, or load one file.")
        unit = first.unit if all(markers.unit == first.unit for _, markers in files) else ""
        scale = METRES[unit] if options.metres and unit in METRES else 1.0
        trials = []
        for path, markers in files:
            values = markers.values[:, [markers.names.index(name) for name in names]] * scale
            trials.append(Trial(np.arange(len(values)) / markers.rate, values, path.stem))
        dropped = sorted({name for _, markers in files for name in markers.names} - set(names))
        words = f"{len(dropped)} markers are left out, without a name or not in all files: {', '.join(dropped[:6])}."
        remarks = (Remark("markers", words),) if dropped else ()
        metadata = {"up": options.up} | ({"units": "m" if options.metres and unit in METRES else unit} if unit else {})
        return Recording(tuple(trials), ("x", "y", "z"), names, remarks=remarks, metadata=metadata)


@once
def _markers(path: Path) -> Markers:
    """Raises DataError."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected at most {MAX_BYTES >> 20} MB; {path.name} is larger. Export it in parts.")
    content = path.read_bytes()
    if len(content) < BLOCK or content[1] != MARK:
        raise DataError(f"Expected a C3D file (its second byte is 0x50); {path.name} is none, or cut off. {AGAIN}")
    try:
        about, processor = _parameters(content)
        return _points(path, content, about, processor)
    except (struct.error, ValueError, KeyError, IndexError, OverflowError) as error:
        raise DataError(f"Expected a C3D file; {path.name} cannot be read ({str(error)[:120]}). {AGAIN}") from error


def _parameters(content: bytes) -> tuple[dict[str, Any], int]:
    """What the file says of itself: arrays of numbers and lists of words by "GROUP:NAME", and the processor whose numbers it holds."""
    place = (max(content[0], 1) - 1) * BLOCK
    processor = content[place + 3]
    short = ">h" if processor == MIPS else "<h"
    place += 4
    groups: dict[int, str] = {}
    found: dict[tuple[str, int], Any] = {}
    while place + 2 <= len(content) and (size := abs(struct.unpack_from("b", content, place)[0])):
        group = struct.unpack_from("b", content, place + 1)[0]
        name = content[place + 2 : place + 2 + size].decode("latin-1").upper()
        after = place + 2 + size
        step = struct.unpack_from(short, content, after)[0]
        if group < 0:
            groups[-group] = name
        else:
            found[name, group] = _value(content, after + 2, processor)
        if step <= 0:
            break
        place = after + step
    return {f"{groups.get(group, '')}:{name}": value for (name, group), value in found.items()}, processor


def _value(content: bytes, place: int, processor: int) -> Any:
    kind, dims = struct.unpack_from("bB", content, place)
    shape = tuple(content[place + 2 : place + 2 + dims])
    start = place + 2 + dims
    raw = content[start : start + abs(kind) * math.prod(shape)]
    if kind == -1:
        width = shape[0] if shape else 1
        return [raw[at : at + width].decode("latin-1").strip() for at in range(0, len(raw), max(width, 1))]
    return numbers(raw, {1: "u1", 2: "u2", 4: "f4"}[kind], processor)


def numbers(raw: bytes, kind: str, processor: int) -> Float[np.ndarray, " value"]:
    """As the processor wrote them: Intel the small end first, MIPS the big one; DEC as Intel, a fraction four times as large and in exchanged halves."""
    if kind == "f4" and processor == DEC:
        return numbers(np.frombuffer(raw, "<u2").reshape(-1, 2)[:, ::-1].tobytes(), kind, 0) / 4
    with np.errstate(invalid="ignore"):  # broken files hold NaN of the kind that warns
        return np.frombuffer(raw, np.dtype(kind).newbyteorder(">" if processor == MIPS else "<")).astype(float)


def _points(path: Path, content: bytes, about: Mapping[str, Any], processor: int) -> Markers:
    """The data, whose size is checked against the file's before anything is allocated."""
    _, points, analog, first, last = map(int, numbers(content[:10], "u2", processor))
    data = int(numbers(content[16:18], "u2", processor)[0])
    if (end := about.get("TRIAL:ACTUAL_END_FIELD")) is not None and len(end) == 2:
        last = int(end[0] + 65536 * end[1])  # more frames than the header can count
    if (begin := about.get("TRIAL:ACTUAL_START_FIELD")) is not None and len(begin) == 2:
        first = int(begin[0] + 65536 * begin[1])
    frames, scale = max(last - first + 1, 0), float(about["POINT:SCALE"][0])
    width = 4 if scale < 0 else 2
    start, least = (max(data, 1) - 1) * BLOCK, frames * (4 * points + analog) * width
    if not (points and frames and points * frames * 3 <= MAX_VALUES and start + least <= len(content)):
        held = f"{points:,} markers in {frames:,} frames, {start + least:,} bytes, in {path.name}"
        raise DataError(f"Expected {held}, as it says; it has {len(content):,}: it is cut off or holds no markers. {AGAIN}")
    rows = numbers(content[start : start + least], "f4" if scale < 0 else "i2", processor).reshape(frames, -1)[:, : 4 * points]
    rows = rows.reshape(frames, points, 4)
    places = rows[..., :3] * (1 if scale < 0 else scale)
    hidden = (rows[..., 3] < 0) | ~np.isfinite(places).all(-1)
    rate = float(about["POINT:RATE"][0])
    if not 1e-3 <= rate <= 1e6:
        raise ValueError(f"a rate of {rate:g} frames in a second")
    labels = [name for key, names in about.items() if key.startswith("POINT:LABELS") for name in names]
    up, unit = ([*about.get(f"POINT:{key}", []), ""][0] for key in ("Y_SCREEN", "UNITS"))
    return Markers(np.where(hidden[..., None], np.nan, places), _different(labels, points), rate, unit, up[-1:].lower() if up[-1:] in ("X", "Y", "Z") else "z")


def _different(labels: list[str], points: int) -> tuple[str, ...]:
    """A name for each marker: those without one get a star and a number, as do those that repeat one."""
    names: dict[str, None] = {}
    for place in range(points):
        name = labels[place] if place < len(labels) else ""
        names[name if name and name not in names else f"*{place}"] = None
    return tuple(names)
