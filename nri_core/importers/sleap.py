"""SLEAP: poses of several animals, as analysis export (.h5) or project (.slp)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nri_core.errors import DataError
from nri_core.importers import hdf5
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.once import once
from nri_core.importers.poses import MOST_PLACES, PoseOptions, Poses, Video, inspection_of, recording_of
from nri_core.importers.sleap_project import project_poses
from nri_core.importers.tables import one_of
from nri_core.recording import Recording

ANALYSIS = {"tracks", "node_names"}
AXES = '["track", "xy", "node", "frame"]'  # of older exports, which do not name them
ORDER = ("frame", "track", "node", "xy")
PROJECT = {"frames", "instances", "points", "metadata"}


@dataclass(frozen=True)
class Sleap:
    """Tracks of body parts: one recording a video."""

    title: str = "SLEAP poses"
    suffixes: tuple[str, ...] = (".slp",)
    options: type[Options] = PoseOptions
    packages: tuple[str, ...] = ("h5py",)

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the names of its datasets."""
        if len(paths) != 1 or not hdf5.looks(paths[0]):
            return False
        try:
            with hdf5.opened(paths[0]) as file:
                return ANALYSIS <= set(file) or PROJECT <= set(file)
        except (DataError, *hdf5.UNREADABLE):
            return paths[0].suffix.lower() in self.suffixes

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """All of it: such files are small."""
        return inspection_of("sleap", _poses(one_of(paths)), PoseOptions)

    def read(self, paths: tuple[Path, ...], options: PoseOptions, progress: Progress) -> Recording:
        """Animals or body parts as nodes."""
        path = one_of(paths)
        return recording_of(path.name, _poses(path), options)


@once
def _poses(path: Path) -> Poses:
    with hdf5.opened(path) as file:
        try:
            if ANALYSIS <= set(file):
                return _analysis(path, file)
            if PROJECT <= set(file):
                return Poses(*project_poses(path, file))
        except hdf5.UNREADABLE as error:
            raise hdf5.unreadable(path, error) from error
    raise DataError(f"Expected SLEAP's datasets ({', '.join(sorted(ANALYSIS))}) in {path.name}; found others. Choose the format HDF5 to say what they mean.")


def _analysis(path: Path, file: Any) -> Poses:
    """`tracks` with its axes as it names them, or else [track, xy, node, frame]; names beside it."""
    tracks = file["tracks"]
    if not 1 <= tracks.size <= MOST_PLACES or tracks.external or tracks.is_virtual:
        raise DataError(f"Expected 1 to {MOST_PLACES:,} numbers in `tracks` of {path.name} itself; found {tracks.size:,}. Export fewer frames.")
    parts, axes = _texts(file, "node_names"), json.loads(tracks.attrs.get("dims", AXES))
    shape = dict(zip(axes, tracks.shape, strict=False))
    if tracks.ndim != 4 or set(shape) != set(ORDER) or (shape["xy"], shape["node"]) != (2, len(parts)):
        raise DataError(f"Expected `tracks` of shape (tracks, 2, {len(parts)}, frames) in {path.name}; found {tracks.shape}. Export the analysis again.")
    names = _texts(file, "track_names")
    names = names if len(names) == shape["track"] == len(set(names)) else tuple(f"track {number + 1}" for number in range(shape["track"]))
    edges = np.asarray(file["edge_inds"][()], int).reshape(-1, 2) if "edge_inds" in file else np.zeros((0, 2), int)
    bones = tuple((int(first), int(second)) for first, second in edges if 0 <= min(first, second) and max(first, second) < len(parts))
    places = np.asarray(tracks[()], float).transpose([axes.index(name) for name in ORDER])
    return Poses((Video(np.arange(len(places)), places),), names, parts, bones)


def _texts(file: Any, name: str) -> tuple[str, ...]:
    return tuple(map(str, file[name].asstr(errors="replace")[()].ravel().tolist())) if name in file and file[name].size else ()
