"""This program's own files: recordings, and trajectories with all that is known of them."""

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.recording import Recording, Trial
from nri_core.trajectories import Trajectories


class OwnOptions(Options):
    """Nothing is left to ask."""


@dataclass(frozen=True)
class OwnFile:
    """`data.npz` of trajectories, or a recording."""

    title: str = "NRI Explorer data"
    suffixes: tuple[str, ...] = (".npz",)
    options: type[Options] = OwnOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the names of the arrays."""
        names = _names(paths[0])
        return len(paths) == 1 and {"values", "feature_names", "dt"} <= names or _is_recording(names)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """All of it: nothing is guessed."""
        recording = _load(paths)
        counted = f"{recording.num_nodes:,} nodes in {len(recording.trials):,} recording(s), {recording.num_frames:,} frames in all"
        said = f"{counted}; {', '.join(recording.feature_names)} each."
        truth = "True edges are known." if recording.trials[0].edge_types is not None else "True edges are not known."
        return Inspection(format="own", options={}, understood=(said, truth), signature="own")

    def read(self, paths: tuple[Path, ...], options: Options, progress: Progress) -> Recording:
        """As it was written."""
        return _load(paths)


def _names(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return set()


def _is_recording(names: set[str]) -> bool:
    return {"values", "times", "lengths", "about"} <= names


def _load(paths: tuple[Path, ...]) -> Recording:
    if len(paths) != 1:
        raise DataError(f"Expected one file of data; found {len(paths)}. Load them one after another.")
    if _is_recording(_names(paths[0])):
        return Recording.load(paths[0])
    data = Trajectories.load(paths[0])
    values = data.values if data.complete else np.where(data.observed[..., None], data.values, np.array(np.nan, data.values.dtype))
    times = np.arange(data.num_steps) * data.dt
    trials = [Trial(times, part, str(number + 1), None if data.edge_types is None else data.edge_types[number]) for number, part in enumerate(values)]
    if data.trials is not None:
        trials = [replace(trial, source=str(source)) for trial, source in zip(trials, data.trials.tolist(), strict=True)]
    bones = tuple((int(first), int(second)) for first, second in data.metadata.get("bones", ()))
    return Recording(tuple(trials), data.feature_names, data.node_names, data.edge_type_names, bones, metadata=data.metadata)
