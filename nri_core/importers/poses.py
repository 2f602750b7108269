"""Poses of animals, whatever file they come from: each body part of each animal at each time, as a recording of animals or of body parts."""

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options
from nri_core.recording import Recording, Remark, Trial

MOST_FRAME = 2.0**53  # no number of a frame is as large: where one is, frames have no numbers
MOST_PLACES = 100_000_000  # numbers of all poses, each of which is touched several times


class PoseOptions(Options):
    """Who is a node, and what the file does not say."""

    nodes: Literal["animals", "body parts"] = Field("animals", description="Whether a node is a whole animal or a body part of one")
    part: str | None = Field(None, description="Body part whose place is the animal's; none: the middle of those that are seen")
    rate: float = Field(30.0, gt=0, le=1e6, description="Frames in a second of the video")


class Video(NamedTuple):
    """The frames that hold poses, by number, and where each part of each track was seen."""

    frames: Int[np.ndarray, " time"]
    places: Float[np.ndarray, "time track part dim"]


class Poses(NamedTuple):
    """What every kind of file holds: NaN where a part was not seen."""

    videos: tuple[Video, ...]
    tracks: tuple[str, ...]
    parts: tuple[str, ...]
    bones: tuple[tuple[int, int], ...] = ()


def inspection_of(form: str, poses: Poses, model: type[PoseOptions]) -> Inspection:
    """Several animals are nodes themselves; of one animal, its body parts are."""
    frames = sum(len(video.frames) for video in poses.videos)
    options = model(nodes="animals" if len(poses.tracks) > 1 else "body parts")
    seen = float(np.mean([np.isfinite(video.places).mean() for video in poses.videos]))
    understood = (
        f"{len(poses.tracks)} animal(s) of {len(poses.parts)} body part(s) ({', '.join(f'`{part}`' for part in poses.parts[:6])}) in {frames:,} frames.",
        f"{seen:.0%} of the places were seen. Each node is {'a whole animal' if options.nodes == 'animals' else 'a body part'}.",
        f"{'Positions are in pixels' if poses.videos[0].places.shape[-1] == 2 else 'Positions are in space'}. The file does not say how many frames a second have.",
    )
    return Inspection(format=form, options=options.model_dump(), choices={"part": poses.parts}, understood=understood, signature=f"{form}: {' '.join(poses.parts)}"[:1000])


def recording_of(file: str, poses: Poses, options: PoseOptions) -> Recording:
    """One trial a video. Raises DataError for a body part that is none."""
    if options.part is not None and options.part not in poses.parts:
        raise DataError(f"Expected a body part of {', '.join(poses.parts)} in {file}; found {options.part!r}. Choose one of these, or none.")
    bones: tuple[tuple[int, int], ...] = ()
    if options.nodes == "animals":
        names = poses.tracks
        places = [video.places[:, :, poses.parts.index(options.part)] if options.part else middle(video.places) for video in poses.videos]
    else:
        names = tuple(f"{track} {part}" if len(poses.tracks) > 1 else part for track in poses.tracks for part in poses.parts)
        places = [video.places.reshape(len(video.frames), -1, video.places.shape[-1]) for video in poses.videos]
        starts = range(0, len(names), len(poses.parts))
        bones = tuple((start + first, start + second) for start in starts for first, second in poses.bones)
    times = [video.frames / options.rate for video in poses.videos]
    trials = tuple(Trial(*one, str(number + 1)) for number, one in enumerate(zip(times, places, strict=True)))
    recording = Recording(trials, ("x", "y", "z")[: places[0].shape[-1]], names, bones=bones, metadata={"units": "px"} if places[0].shape[-1] == 2 else {})
    return _of_those_seen(recording)


def _of_those_seen(recording: Recording) -> Recording:
    """Not every animal has every part: a node that nowhere was seen is left out, and told."""
    seen = np.any([trial.seen.any(0) for trial in recording.trials], axis=0)
    if seen.all() or seen.sum() < 2:
        return recording
    kept = np.flatnonzero(seen).tolist()
    absent = [name for name, here in zip(recording.node_names, seen, strict=True) if not here]
    text = f"Never seen, and left out: {', '.join(absent[:6])}{', …' if len(absent) > 6 else ''}."
    return replace(recording.with_nodes(kept), remarks=(Remark("never seen", text),))


def middle(places: Float[np.ndarray, "time track part dim"]) -> Float[np.ndarray, "time track dim"]:
    """The mean place of the parts that are seen; NaN where none is."""
    seen = np.isfinite(places).all(-1, keepdims=True)
    count = seen.sum(2)
    return np.where(count > 0, np.where(seen, places, 0).sum(2) / np.maximum(count, 1), np.nan)
