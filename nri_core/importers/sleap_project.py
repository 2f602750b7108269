"""The tables of a SLEAP project (.slp): frames have instances, instances have points."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from nri_core.errors import DataError
from nri_core.importers.poses import MOST_PLACES, Video

MOST_ROWS = 50_000_000
PREDICTED = 1  # instance_type; 0: corrected by a person, which counts more
BODY = 1  # type of the links of a skeleton that are its bones; 2: symmetries


def project_poses(path: Path, file: Any) -> tuple[tuple[Video, ...], tuple[str, ...], tuple[str, ...], tuple[tuple[int, int], ...]]:
    """(videos, names of tracks, names of parts, bones). Raises DataError."""
    parts, bones = _skeleton(path, file)
    frames, instances, *points = (_table(path, file, name) for name in ("frames", "instances", "points", "pred_points"))
    if not len(frames) or not len(instances):
        raise DataError(f"Expected labelled frames in {path.name}; found none. Track the animals first.")
    names = _tracks(file)
    track = instances["track"].astype(int)
    if not names or (track < 0).all():
        names, track = _by_rank(frames, instances)
    if len(frames) * len(names) * len(parts) * 2 > MOST_PLACES:
        raise DataError(f"Expected at most {MOST_PLACES:,} numbers in {path.name}; {len(frames):,} frames have more. Export fewer frames.")
    chosen = (frames[frames["video"] == video] for video in np.unique(frames["video"]))
    videos = tuple(_video(one, instances, points, track=track, shape=(len(names), len(parts))) for one in chosen)
    return videos, names, parts, bones


def _video(frames: Any, instances: Any, points: list[Any], *, track: Any, shape: tuple[int, int]) -> Video:
    numbers, row = np.unique(frames["frame_idx"].astype(np.int64), return_inverse=True)
    values = np.full((len(numbers), *shape, 2), np.nan)
    for frame, place in zip(frames, row.tolist(), strict=True):
        chosen = range(int(frame["instance_id_start"]), min(int(frame["instance_id_end"]), len(instances)))
        for number in sorted(chosen, key=lambda one: instances["instance_type"][one] != PREDICTED):  # what a person corrected is written last
            instance = instances[number]
            own = points[int(instance["instance_type"] == PREDICTED)][int(instance["point_id_start"]) : int(instance["point_id_end"])]
            if 0 <= track[number] < shape[0] and len(own) == shape[1]:
                places = np.stack([own["x"], own["y"]], -1)
                values[place, track[number]] = np.where(own["visible"][:, None], places, np.nan)
    return Video(numbers, values)


def _by_rank(frames: Any, instances: Any) -> tuple[tuple[str, ...], Any]:
    """Without tracks, the order within a frame tells who is who."""
    rank = np.full(len(instances), -1)
    for frame in frames:
        first, end = int(frame["instance_id_start"]), min(int(frame["instance_id_end"]), len(instances))
        rank[first:end] = np.arange(max(end - first, 0))
    return tuple(f"instance {number + 1}" for number in range(int(rank.max(initial=-1)) + 1)), rank


def _skeleton(path: Path, file: Any) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    try:
        about = json.loads(_text(file["metadata"].attrs["json"]))
        skeleton = about["skeletons"][0]
        order = [node["id"] for node in skeleton["nodes"]]
        names = tuple(str(about["nodes"][place]["name"]) for place in order)
        links = [(link["source"], link["target"]) for link in skeleton["links"] if _kind(link) == BODY]
        bones = tuple((order.index(source), order.index(target)) for source, target in links)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"Expected a skeleton in the metadata of {path.name}; found none ({error}). Export the analysis as .h5 instead.") from error
    return names, bones


def _kind(link: Any) -> int:
    """The type of a link, as jsonpickle writes an enumeration: in full the first time, later by number."""
    kind = link.get("type", {})
    return int(kind["py/reduce"][1]["py/tuple"][0]) if "py/reduce" in kind else int(kind.get("py/id", BODY))


def _tracks(file: Any) -> tuple[str, ...]:
    found = [json.loads(_text(line)) for line in file["tracks_json"][()]] if "tracks_json" in file else []
    names = tuple(str(one[1]) if isinstance(one, list) else str(one) for one in found)
    return names if len(set(names)) == len(names) else tuple(f"track {place + 1}" for place in range(len(names)))


def _text(one: Any) -> str:
    return one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)


def _table(path: Path, file: Any, name: str) -> Any:
    if name not in file:
        return np.zeros(0, [("x", float), ("y", float), ("visible", bool)])
    if file[name].size > MOST_ROWS:
        raise DataError(f"Expected at most {MOST_ROWS:,} rows in `{name}` of {path.name}; found {file[name].size:,}. Export fewer frames.")
    return file[name][()]
