"""SLEAP's analysis as CSV: a row for each animal and frame, columns x, y and score for each body part."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.pivot import numbered
from nri_core.importers.poses import MOST_FRAME, MOST_PLACES, PoseOptions, Poses, Video, inspection_of, recording_of
from nri_core.importers.tables import one_of
from nri_core.importers.text import columns_of, start_of
from nri_core.recording import Recording

TRACK, FRAME = "track", "frame_idx"
HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class SleapTable:
    """Tracks of body parts of one video."""

    title: str = "SLEAP poses (CSV)"
    suffixes: tuple[str, ...] = (".csv",)
    options: type[Options] = PoseOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the names of its columns."""
        if len(paths) != 1:
            return False
        with open(paths[0], encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader(file.read(HEAD_BYTES).splitlines()[:1]), [])
        return {TRACK, FRAME} <= set(header) and bool(_parts(header))

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """All of it: such files are small."""
        return inspection_of("sleap table", _poses(one_of(paths), lambda share: None), PoseOptions)

    def read(self, paths: tuple[Path, ...], options: PoseOptions, progress: Progress) -> Recording:
        """Animals or body parts as nodes."""
        path = one_of(paths)
        return recording_of(path.name, _poses(path, progress), options)


def _parts(header: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.removesuffix(".x") for name in header if name.endswith(".x") and f"{name.removesuffix('.x')}.y" in header)


def _poses(path: Path, progress: Progress) -> Poses:
    start = start_of(path)
    parts = _parts(start.names)
    if not parts or not {TRACK, FRAME} <= set(start.names):
        raise DataError(f"Expected columns {TRACK}, {FRAME}, and x and y of each body part in {path.name}; found {', '.join(start.names[:8])}. Export the analysis again.")
    places = [f"{part}.{axis}" for part in parts for axis in "xy"]
    table = columns_of(path, start.dialect, start.names, numbers=[FRAME, *places], texts=[TRACK], progress=progress)
    rows = (table[FRAME] >= 0) & (table[FRAME] < MOST_FRAME)
    if not rows.any():
        raise DataError(f"Expected numbers of frames in column `{FRAME}` of {path.name}; found none. Export the analysis again.")
    track, names = numbered(table[TRACK])
    if (track < 0).any():  # animals without a track are told apart by nothing
        names, track = ([*names, "no track"], np.where(track < 0, len(names), track))
    frames, frame = np.unique(table[FRAME][rows].astype(np.int64), return_inverse=True)
    if len(frames) * len(names) * len(places) > MOST_PLACES:
        raise DataError(f"Expected at most {MOST_PLACES:,} numbers in {path.name}; {len(frames):,} frames of {len(names):,} tracks have more. Export fewer.")
    values = np.full((len(frames), len(names), len(parts), 2), np.nan)
    found = np.stack([table[name][rows] for name in places], -1).reshape(-1, len(parts), 2)
    values[frame, track[rows]] = np.where(np.isfinite(found).all(-1, keepdims=True), found, np.nan)
    return Poses((Video(frames, values),), tuple(names), parts)
