"""SLEAP: poses of several animals, as analysis export (.h5) or project (.slp)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers import hdf5
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.sleap_project import MOST_PLACES, Video, project_poses
from nri_core.importers.tables import one_of
from nri_core.recording import Recording, Trial

ANALYSIS = {"tracks", "node_names"}
AXES = '["track", "xy", "node", "frame"]'  # of older exports, which do not name them
ORDER = ("frame", "track", "node", "xy")
PROJECT = {"frames", "instances", "points", "metadata"}


class SleapOptions(Options):
    """Who is a node, and what the file does not say."""

    nodes: Literal["animals", "body parts"] = Field("animals", description="Whether a node is a whole animal or a body part of one")
    part: str | None = Field(None, description="Body part whose place is the animal's; none: the middle of those that are seen")
    rate: float = Field(30.0, gt=0, le=1e6, description="Frames in a second of the video")


class Poses(NamedTuple):
    """What both kinds of file hold."""

    videos: tuple[Video, ...]
    tracks: tuple[str, ...]
    parts: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Sleap:
    """Tracks of body parts: one recording a video."""

    title: str = "SLEAP poses"
    suffixes: tuple[str, ...] = (".slp",)
    options: type[Options] = SleapOptions
    extra: str = "h5py"

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
        poses = _poses(one_of(paths))
        frames = sum(len(video.frames) for video in poses.videos)
        options = SleapOptions(nodes="animals" if len(poses.tracks) > 1 else "body parts")
        seen = float(np.mean([np.isfinite(video.places).mean() for video in poses.videos]))
        understood = (
            f"{len(poses.tracks)} animal(s) of {len(poses.parts)} body part(s) ({', '.join(f'`{part}`' for part in poses.parts[:6])}) in {frames:,} frames.",
            f"{seen:.0%} of the places were seen. Each node is {'a whole animal' if options.nodes == 'animals' else 'a body part'}.",
            "Positions are in pixels. The file does not say how many frames a second have.",
        )
        signature = "sleap: " + " ".join(poses.parts)
        return Inspection(format="sleap", options=options.model_dump(), choices={"part": poses.parts}, understood=understood, signature=signature[:1000])

    def read(self, paths: tuple[Path, ...], options: SleapOptions, progress: Progress) -> Recording:
        """Animals or body parts as nodes."""
        path = one_of(paths)
        poses = _poses(path)
        if options.part is not None and options.part not in poses.parts:
            raise DataError(f"Expected a body part of {', '.join(poses.parts)} in {path.name}; found {options.part!r}. Choose one of these, or none.")
        bones: tuple[tuple[int, int], ...] = ()
        if options.nodes == "animals":
            names = poses.tracks
            places = [video.places[:, :, poses.parts.index(options.part)] if options.part else middle(video.places) for video in poses.videos]
        else:
            names = tuple(f"{track} {part}" if len(poses.tracks) > 1 else part for track in poses.tracks for part in poses.parts)
            places = [video.places.reshape(len(video.frames), -1, 2) for video in poses.videos]
            starts = range(0, len(names), len(poses.parts))
            bones = tuple((start + first, start + second) for start in starts for first, second in poses.bones)
        times = [video.frames / options.rate for video in poses.videos]
        trials = tuple(Trial(*one, str(number + 1)) for number, one in enumerate(zip(times, places, strict=True)))
        return Recording(trials, ("x", "y"), names, bones=bones, metadata={"units": "px"})


def middle(places: Float[np.ndarray, "time track part 2"]) -> Float[np.ndarray, "time track 2"]:
    """The mean place of the parts that are seen; NaN where none is."""
    seen = np.isfinite(places).all(-1, keepdims=True)
    count = seen.sum(2)
    return np.where(count > 0, np.where(seen, places, 0).sum(2) / np.maximum(count, 1), np.nan)


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
