"""The reference implementation's files: `loc_`, `vel_` and `edges_` of each split as .npy."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.arrays import ArrayOptions, recording_of
from nri_core.importers.contract import Inspection, Options, Preview, Progress
from nri_core.importers.numpy_files import NumpyFiles
from nri_core.recording import Recording

NAME = re.compile(r"(loc|vel|edges)_(.+)", re.ASCII)
AXES = "sim time dim node"  # of loc and vel, as its generator writes them


class ReferenceOptions(Options):
    """What the files do not say."""

    rate: float = Field(10.0, gt=0, le=1e6, description="Frames in a second: the reference keeps every 100th step of 0.001")


@dataclass(frozen=True)
class ReferenceFiles:
    """loc_<split>.npy with vel_<split>.npy and, if there are any, edges_<split>.npy; several splits may come together."""

    title: str = "NRI reference: loc, vel and edges"
    suffixes: tuple[str, ...] = (".npy",)
    options: type[Options] = ReferenceOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the names: a loc and its vel at least."""
        found = [NAME.fullmatch(path.stem) for path in paths if path.suffix.lower() == ".npy"]
        kinds = {match[1] for match in found if match}
        return len(found) == len(paths) and None not in found and {"loc", "vel"} <= kinds

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """The splits, and their shapes."""
        rows, said = [], []
        for split, files in _splits(paths).items():
            arrays = NumpyFiles.arrays(tuple(files.values()))
            rows += [(array.name, " × ".join(map(str, array.shape)), str(array.dtype)) for array in arrays.values()]
            truth = "with true edges" if "edges" in files else "no true edges"
            said.append(f"`{split}`: {' × '.join(map(str, arrays[files['loc'].stem].shape))} as {AXES.replace(' ', ', ')}; {truth}.")
        preview = Preview(header=("array", "shape", "numbers"), rows=tuple(rows[:12]))
        return Inspection(format="reference", options=ReferenceOptions().model_dump(), preview=preview, understood=tuple(said), signature="reference")

    def read(self, paths: tuple[Path, ...], options: ReferenceOptions, progress: Progress) -> Recording:
        """All splits, one after another."""
        parts = []
        for split, files in _splits(paths).items():
            loc, vel, edges = (files[kind].stem if kind in files else None for kind in ("loc", "vel", "edges"))
            chosen = ArrayOptions(values=loc, axes=AXES, velocities=vel, edges=edges, rate=options.rate)
            part = recording_of(files["loc"].name, NumpyFiles.arrays(tuple(files.values())), chosen, lambda share: None)
            parts.append(part.with_trials(replace(trial, name=f"{split} {trial.name}") for trial in part.trials))
            progress(len(parts) / len(_splits(paths)))
        first = parts[0]
        for part in parts[1:]:
            if (part.node_names, part.edge_type_names) != (first.node_names, first.edge_type_names):
                raise DataError(f"Expected splits of the same system; {paths[0].name} and others differ in nodes or edges. Load them one after another.")
        remarks = tuple(remark for part in parts for remark in part.remarks)
        return first.with_trials((trial for part in parts for trial in part.trials), remarks=remarks)


def _splits(paths: tuple[Path, ...]) -> dict[str, dict[str, Path]]:
    """Split → kind → file. Raises DataError where a loc or a vel is missing."""
    found: defaultdict[str, dict[str, Path]] = defaultdict(dict)
    for path in paths:
        match = NAME.fullmatch(path.stem)
        if match is None:
            raise DataError(f"Expected files named loc_, vel_ and edges_ with the same ending; found {path.name}. Leave it out, or rename it.")
        found[match[2]][match[1]] = path
    for split, files in found.items():
        for kind in ("loc", "vel"):
            if kind not in files:
                raise DataError(f"Expected {kind}_{split}.npy beside {next(iter(files.values())).name}; it is missing. Choose all files of a split together.")
    return dict(found)
