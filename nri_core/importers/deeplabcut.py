"""DeepLabCut: poses of one or several animals, as CSV with its three or four rows of names, or as the .h5 beside it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers import hdf5
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.once import once
from nri_core.importers.pickled_names import names_in
from nri_core.importers.poses import MOST_FRAME, MOST_PLACES, PoseOptions, Poses, Video, inspection_of, recording_of
from nri_core.importers.tables import one_of
from nri_core.importers.text import Dialect, columns_of
from nri_core.recording import Recording

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
AXES = ("x", "y", "z")
ONLY = "animal"  # what the one animal of a file without individuals is called
HEAD_BYTES = 1024**2


class DeepLabCutOptions(PoseOptions):
    """Who is a node, and which places are believed."""

    likelihood: float = Field(0.6, ge=0, le=1, description="A place that the tracker holds less likely than this counts as not seen")


class Column(NamedTuple):
    """What a column holds: of which animal, of which body part, along which axis (or how likely)."""

    track: str
    part: str
    axis: str


@dataclass(frozen=True)
class DeepLabCut:
    """Each body part of each animal, with the likelihood that it is there."""

    title: str = "DeepLabCut poses"
    suffixes: tuple[str, ...] = (".csv", ".h5")
    options: type[Options] = DeepLabCutOptions
    packages: tuple[str, ...] = ("h5py",)  # only for .h5

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the words at the beginning of its first rows, or by the table that pandas wrote."""
        if len(paths) != 1:
            return False
        if not hdf5.looks(paths[0]):
            with open(paths[0], "rb") as file:
                return file.read(32).removeprefix(b"\xef\xbb\xbf").startswith(b"scorer,")
        try:
            with hdf5.opened(paths[0]) as file:
                return _table_in(file) is not None
        except (DataError, *hdf5.UNREADABLE):
            return False

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """All of it: such files are small."""
        poses = _poses(one_of(paths), DeepLabCutOptions().likelihood, lambda share: None)
        found = inspection_of("deeplabcut", poses, DeepLabCutOptions)
        doubt = f"Places that are less likely than {DeepLabCutOptions().likelihood:g} count as not seen."
        return found.model_copy(update={"understood": (*found.understood, doubt)})

    def read(self, paths: tuple[Path, ...], options: DeepLabCutOptions, progress: Progress) -> Recording:
        """Animals or body parts as nodes."""
        path = one_of(paths)
        return recording_of(path.name, _poses(path, options.likelihood, progress), options)


def _poses(path: Path, least: float, progress: Progress) -> Poses:
    frames, columns, values = (_from_hdf5(path) if hdf5.looks(path) else _from_text(path, progress))
    tracks, parts = (tuple(dict.fromkeys(column[place] for column in columns)) for place in (0, 1))
    place = {column: number for number, column in enumerate(columns)}
    axes = [axis for axis in AXES if any(column.axis == axis for column in columns)]
    if len(axes) < 2:
        raise DataError(f"Expected columns x and y of each body part in {path.name}; found {', '.join(sorted({column.axis for column in columns}))}. Export it again.")
    if len(frames) * len(tracks) * len(parts) * len(axes) > MOST_PLACES:
        raise DataError(f"Expected at most {MOST_PLACES:,} numbers in {path.name}; {len(frames):,} frames have more. Export fewer frames.")
    places = np.full((len(frames), len(tracks), len(parts), len(axes)), np.nan)
    for track, animal in enumerate(tracks):
        for part, body in enumerate(parts):
            wanted = [place.get(Column(animal, body, axis)) for axis in axes]
            if None not in wanted:
                likely = place.get(Column(animal, body, "likelihood"))
                believed = np.ones(len(frames), bool) if likely is None else ~(values[:, likely] < least)
                places[:, track, part] = np.where(believed[:, None] & np.isfinite(values[:, wanted]).all(-1, keepdims=True), values[:, wanted], np.nan)
    order = np.argsort(frames, kind="stable")
    if len(np.unique(frames)) < len(frames):
        raise DataError(f"Expected each frame once in {path.name}; some occur twice. Load the videos one after another.")
    return Poses((Video(frames[order], places[order]),), tracks, parts)


def _named(levels: dict[str, Sequence[str]], path: Path) -> list[Column]:
    if missing := [level for level in ("bodyparts", "coords") if level not in levels]:
        raise DataError(f"Expected rows of names that begin with {', '.join(LEVELS)} in {path.name}; found none for {', '.join(missing)}. Export it again.")
    animals = levels.get("individuals") or [ONLY] * len(levels["coords"])
    return [Column(*names) for names in zip(animals, levels["bodyparts"], levels["coords"], strict=True)]


def _from_text(path: Path, progress: Progress) -> tuple[np.ndarray, list[Column], Float[np.ndarray, "time column"]]:
    """Frames, what the columns are, the columns."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.reader(file.read(HEAD_BYTES).splitlines()[: len(LEVELS)]))
    levels = {row[0]: row[1:] for row in rows if row and row[0] in LEVELS}
    if len({len(names) for names in levels.values()}) > 1:
        raise DataError(f"Expected rows of names of one length at the top of {path.name}; found {', '.join(str(len(names)) for names in levels.values())}. Export it again.")
    columns = _named(levels, path)
    names = ["frame", *(f"{number + 1} {' '.join(column)}" for number, column in enumerate(columns))]
    dialect = Dialect(header=False, skipped=len(levels))
    table = columns_of(path, dialect, names, numbers=names[1:], texts=names[:1], progress=progress)
    return _frames(table["frame"].astype(str)), columns, np.stack([table[name] for name in names[1:]], -1)


def _frames(labels: Any) -> np.ndarray:
    """By number; pictures that have names instead are taken in order."""
    try:
        numbers = np.asarray(labels, float)
    except (ValueError, TypeError, OverflowError):
        numbers = np.full(len(labels), np.nan)
    return numbers.astype(np.int64) if (np.abs(numbers) < MOST_FRAME).all() else np.arange(len(labels))


def _table_in(file: Any) -> Any:
    """The table that pandas wrote, if its columns have DeepLabCut's levels."""
    for group in file.values():
        table = group.get("table") if hasattr(group, "get") else None
        if table is not None and hasattr(table, "dtype") and "values_block_0" in (table.dtype.names or ()) and b"bodyparts" in bytes(group.attrs.get("info", b"")):
            return table
    return None


@once
def _from_hdf5(path: Path) -> tuple[np.ndarray, list[Column], Float[np.ndarray, "time column"]]:
    with hdf5.opened(path) as file:
        try:
            table = _table_in(file)
            if table is None:
                raise DataError(f"Expected DeepLabCut's table in {path.name}; found none. Bring the CSV beside it, or choose the format HDF5.")
            if table.dtype["values_block_0"].shape[-1:] and table.size * table.dtype["values_block_0"].shape[-1] > MOST_PLACES:
                raise DataError(f"Expected at most {MOST_PLACES:,} numbers in {path.name}; {table.size:,} frames have more. Export fewer frames.")
            names = names_in(bytes(table.attrs["values_block_0_kind"]), path.name)
            rows = table[()]
        except hdf5.UNREADABLE as error:
            raise hdf5.unreadable(path, error) from error
    values = np.asarray(rows["values_block_0"], float)
    kinds = LEVELS if len(names[0]) == len(LEVELS) else tuple(level for level in LEVELS if level != "individuals")
    if len({len(name) for name in names}) > 1 or len(names[0]) != len(kinds) or values.ndim != 2 or values.shape[1] != len(names):
        raise DataError(f"Expected a column for each of {len(names)} names in {path.name}; found {values.shape[-1]}. Bring the CSV beside it.")
    return _frames(rows["index"]), _named(dict(zip(kinds, zip(*names, strict=True), strict=True)), path), values


