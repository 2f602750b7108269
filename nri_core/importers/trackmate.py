"""TrackMate's XML: a project with spots and the links between them, or its simple export of tracks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.once import once
from nri_core.importers.pivot import pivot
from nri_core.importers.tables import LARGEST, one_of
from nri_core.recording import MAX_VALUES, MOST_NODES, Recording, Remark

MAX_BYTES = 300 * 1024**2
HEAD_BYTES = 4096
MARKS = (b"<TrackMate", b"<Tracks ")


class TrackMateOptions(Options):
    """What is kept of the tracks."""

    filtered: bool = Field(True, description="Only the tracks that passed the filters of TrackMate")
    shortest: int = Field(2, ge=1, le=1_000_000, description="Spots that a track must have at least")
    step: float = Field(0.0, ge=0, le=1e6, description="Time between two frames; 0: as the file tells")


class Tracks(NamedTuple):
    """Each track as rows of frame, x, y, z; which of them passed the filters; time between frames; units."""

    rows: dict[str, list[tuple[int, float, float, float]]]
    passed: set[str] | None
    step: float
    units: tuple[str, str]


@dataclass(frozen=True)
class TrackMate:
    """Each track a node; where a track divides, the first of its spots in a frame counts."""

    title: str = "TrackMate XML"
    suffixes: tuple[str, ...] = (".xml",)
    options: type[Options] = TrackMateOptions
    packages: tuple[str, ...] = ("defusedxml",)

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By its first words."""
        with open(paths[0], "rb") as file:
            head = file.read(HEAD_BYTES)
        return len(paths) == 1 and b"<" in head[:64] and any(mark in head for mark in MARKS)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """All of it: XML cannot be read in part."""
        path = one_of(paths)
        tracks = _tracks(path)
        frames = {row[0] for rows in tracks.rows.values() for row in rows}
        kept = len(tracks.rows) if tracks.passed is None else len(tracks.passed & set(tracks.rows))
        passed = "" if tracks.passed is None else f"; {kept:,} passed the filters"
        understood = (
            f"{len(tracks.rows):,} tracks in {len(frames):,} frames{passed}. Each track is a node.",
            f"Places in {tracks.units[0]}, {tracks.step:g} {tracks.units[1]} between two frames.",
        )
        return Inspection(format="trackmate", options=TrackMateOptions().model_dump(), understood=understood, signature="trackmate")

    def read(self, paths: tuple[Path, ...], options: TrackMateOptions, progress: Progress) -> Recording:
        """Without z where it is nowhere but in one plane."""
        path = one_of(paths)
        tracks = _tracks(path)
        progress(0.6)
        names = [name for name, rows in tracks.rows.items() if len(rows) >= options.shortest and (not options.filtered or tracks.passed is None or name in tracks.passed)]
        if not 1 <= len(names) <= MOST_NODES:
            raise DataError(f"Expected 1 to {MOST_NODES} tracks of at least {options.shortest} spots in {path.name}; found {len(names):,}. Ask for longer ones, or change the filters.")
        frames = np.unique([row[0] for name in names for row in tracks.rows[name]])
        flat = len({row[3] for name in names for row in tracks.rows[name]}) == 1
        if len(frames) * len(names) * 3 > MAX_VALUES:
            raise DataError(f"Expected at most {MAX_VALUES:,} numbers in {path.name}; {len(names):,} tracks in {len(frames):,} frames have more. Ask for longer tracks.")
        nodes, spots = np.array([node for node, name in enumerate(names) for _ in tracks.rows[name]]), np.array([row for name in names for row in tracks.rows[name]], float)
        times, where, one_trial = spots[:, 0] * (options.step or tracks.step), spots[:, 1 : 3 if flat else 4], np.zeros(len(nodes), int)
        (trial,), left_out = pivot(times, nodes, one_trial, where, node_names=names, trial_names=("1",), duplicates="first")
        progress(1.0)
        remarks = (Remark("divided", f"{len(left_out):,} spot(s) of tracks that divide or merge were left out: a node has one place in a frame."),) if len(left_out) else ()
        return Recording((trial,), ("x", "y", "z")[: where.shape[1]], tuple(names), remarks=remarks, metadata={"units": tracks.units[0]})


@once
def _tracks(path: Path) -> Tracks:
    """Raises DataError."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected at most {MAX_BYTES >> 20} MB of XML; {path.name} is larger. Export the spots of the tracks as CSV instead.")
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, iterparse
    except ImportError as error:
        raise DataError("TrackMate XML needs the package defusedxml: pip install -r requirements-formats.txt, or export the spots as CSV.") from error
    try:
        events = iterparse(path, events=("start", "end"), forbid_dtd=True)
        _, root = next(events)
        return _simple(root, events) if root.tag == "Tracks" else _project(root, events)
    except DefusedXmlException as error:
        raise DataError(f"Expected XML without a DOCTYPE in {path.name}; found one, which TrackMate does not write. Save it again.") from error
    except (ParseError, StopIteration, LookupError) as error:  # LookupError: an encoding that nobody knows
        if isinstance(error, KeyError):
            raise _incomplete(path, error) from error
        raise DataError(f"Expected TrackMate's XML; {path.name} cannot be read ({' '.join(str(error).split())[:120] or type(error).__name__}). Save it again.") from error
    except (ValueError, OverflowError) as error:
        raise _incomplete(path, error) from error


def _incomplete(path: Path, error: Exception) -> DataError:
    return DataError(f"Expected numbers and names as TrackMate writes them in {path.name}; something is not as it should be ({str(error)[:80]}). Save it again.")


def _number(element: Any, name: str) -> float:
    value = float(element.attrib[name])
    if not abs(value) < LARGEST:
        raise ValueError(f"{name} is {value:g}")
    return value


def _simple(root: Any, events: Iterator[tuple[str, Any]]) -> Tracks:
    """<Tracks><particle><detection t x y z/>…: t counts frames."""
    rows: dict[str, list[tuple[int, float, float, float]]] = {}
    for event, element in events:
        if event == "end" and element.tag == "particle":
            rows[f"track {len(rows)}"] = [(int(_number(one, "t")), *(_number(one, axis) for axis in "xyz")) for one in element if one.tag == "detection"]
            element.clear()
    about = root.attrib
    return Tracks(rows, None, _step(about.get("frameInterval")) or 1.0, (about.get("spaceUnits", "")[:20], about.get("timeUnits", "frames")[:20]))


def _project(root: Any, events: Iterator[tuple[str, Any]]) -> Tracks:
    """Spots by number, tracks as edges between them."""
    spots: dict[str, tuple[int, float, float, float]] = {}
    times: dict[int, float] = {}
    members: dict[str, dict[str, None]] = {}
    passed: set[str] = set()
    is_filtered, units, step = False, ("", "frames"), 0.0
    for event, element in events:
        if event == "start" and element.tag == "Model":
            units = (element.get("spatialunits", "")[:20], element.get("timeunits", "frames")[:20])
        if event != "end":
            continue
        if element.tag == "Spot":
            frame = int(_number(element, "FRAME"))
            spots[element.attrib["ID"]] = (frame, *(_number(element, f"POSITION_{axis}") for axis in "XYZ"))
            times.setdefault(frame, float(element.get("POSITION_T", frame)))
        elif element.tag == "Track":
            ends = (edge.attrib[end] for edge in element if edge.tag == "Edge" for end in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID"))
            members[element.attrib["TRACK_ID"]] = dict.fromkeys(ends)
        elif element.tag == "TrackID":
            passed.add(element.attrib["TRACK_ID"])
        elif element.tag == "FilteredTracks":
            is_filtered = True
        elif element.tag == "ImageData":
            step = _step(element.get("timeinterval"))
        if element.tag in ("Spot", "Track", "SpotsInFrame"):
            element.clear()
    rows = {name: sorted(spots[spot] for spot in found if spot in spots) for name, found in members.items()}
    if not rows:
        raise ValueError("it has no tracks, so track the spots first")
    return Tracks({f"track {name}": found for name, found in rows.items()}, {f"track {name}" for name in passed} if is_filtered else None, step or _usual_step(times), units)


def _step(told: str | None) -> float:
    """Time between two frames; 0 where the file does not say one that can be."""
    step = float(told or 0)
    return step if 1e-9 < step < 1e9 else 0.0


def _usual_step(times: dict[int, float]) -> float:
    frames = sorted(times)
    steps = [(times[later] - times[sooner]) / (later - sooner) for sooner, later in zip(frames, frames[1:], strict=False)]
    usual = float(np.median(steps)) if steps else 1.0
    return usual if np.isfinite(usual) and usual > 0 else 1.0
