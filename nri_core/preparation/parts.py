"""Fixes of what is kept: nodes, features, trials."""

from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from nri_core.errors import DataError
from nri_core.preparation.contract import Fix
from nri_core.recording import Recording

BREAK, LEAP = 8.0, 2.0  # times the usual step, and the steps around it


class ChooseNodes(Fix):
    """Only these nodes."""

    title: ClassVar[str] = "Choose the nodes"
    kind: Literal["choose_nodes"] = "choose_nodes"
    names: tuple[str, ...] = Field(min_length=2, description="Nodes to keep")

    def apply(self, recording: Recording) -> Recording:
        """In the order given. Raises DataError for names that are not there."""
        missing = [name for name in self.names if name not in recording.node_names]
        if missing or len(set(self.names)) < len(self.names):
            raise DataError(f"Expected different nodes of {', '.join(recording.node_names[:12])}; found {', '.join(missing or self.names)}.")
        return recording.with_nodes([recording.node_names.index(name) for name in self.names])


class DropConstant(Fix):
    """Without nodes that never move or are never seen, and features that never change."""

    title: ClassVar[str] = "Leave out what never changes"
    kind: Literal["drop_constant"] = "drop_constant"

    def apply(self, recording: Recording) -> Recording:
        """Raises DataError where fewer than 2 nodes or no feature would be left."""
        still = still_nodes(recording)
        moving = [node for node in range(recording.num_nodes) if node not in still]
        flat = flat_features(recording)
        kept = [dim for dim in range(len(recording.feature_names)) if dim not in flat]
        if len(moving) < 2 or not kept:
            raise DataError(f"Expected at least 2 nodes that move; found {len(moving)}. Check the columns of node and coordinates.")
        found = recording.with_nodes(moving)
        return found.with_values(lambda trial: trial.values[..., kept], feature_names=tuple(recording.feature_names[dim] for dim in kept))


class DropTrials(Fix):
    """Without trials that are too short."""

    title: ClassVar[str] = "Leave out short trials"
    kind: Literal["drop_trials"] = "drop_trials"
    shortest: int = Field(20, ge=2, le=100_000, description="Frames that a trial must have")

    def apply(self, recording: Recording) -> Recording:
        """Raises DataError where none is left."""
        kept = [trial for trial in recording.trials if trial.num_frames >= self.shortest]
        if not kept:
            longest = max(trial.num_frames for trial in recording.trials)
            raise DataError(f"Expected a trial of at least {self.shortest} frames; the longest has {longest}. Choose fewer frames.")
        return recording.with_trials(kept)


class SplitTrials(Fix):
    """Long recordings cut into parts that count as trials of their own, so that some can be held out."""

    title: ClassVar[str] = "Cut recordings into parts"
    kind: Literal["split_trials"] = "split_trials"
    parts: int = Field(10, ge=2, le=10_000, description="Parts of each recording")

    def apply(self, recording: Recording) -> Recording:
        """Of equal length, to a frame. Raises DataError where a part would have fewer than 3 frames."""
        made = []
        for trial in recording.trials:
            if trial.num_frames < 3 * self.parts:
                raise DataError(f"Expected at least {3 * self.parts} frames for {self.parts} parts; trial {trial.name!r} has {trial.num_frames}. Choose fewer parts.")
            for number, frames in enumerate(np.array_split(np.arange(trial.num_frames), self.parts), 1):
                name = f"{trial.name}.{number}"
                part = trial.part(slice(int(frames[0]), int(frames[-1]) + 1), name=name)
                made.append(part.of(name))
        return recording.with_trials(made)


class CutAtBreaks(Fix):
    """Where recordings were put one after another in a file: cut at long pauses, and where nearly everybody jumps at once."""

    title: ClassVar[str] = "Cut where recordings meet"
    kind: Literal["cut_at_breaks"] = "cut_at_breaks"
    pause: float = Field(10.0, ge=1.5, le=1e9, description="A pause is longer than so many times the usual time between frames")
    shortest: int = Field(3, ge=1, le=100_000, description="Frames that a part must have to be kept")

    def apply(self, recording: Recording) -> Recording:
        """Each part counts as a recording of its own. Raises DataError where no part is long enough."""
        made = []
        for trial, frames in zip(recording.trials, breaks(recording, self.pause), strict=True):
            edges = [0, *frames, trial.num_frames]
            parts = [trial.part(slice(start, stop), name=f"{trial.name or '1'}.{number}") for number, (start, stop) in enumerate(pairwise(edges), 1)]
            made += [part.of(part.name) for part in parts if part.num_frames >= self.shortest] if len(parts) > 1 else [trial]
        if not made:
            raise DataError(f"Expected a part of at least {self.shortest} frames between two breaks; there is none. Choose shorter parts or a longer pause.")
        return recording.with_trials(made)


def breaks(recording: Recording, pause: float = np.inf) -> list[list[int]]:
    """In each trial the frames before which time pauses, or more than two thirds of those seen (at least 3) leap.

    A leap is far longer than usual, and than the steps before and after it: a startled school moves fast for several frames.
    """
    location = recording.location
    steps = [np.linalg.norm(np.diff(trial.values[..., location], axis=0), axis=-1) if location else np.full((trial.num_frames - 1, 1), np.nan) for trial in recording.trials]
    every = np.concatenate([step[~np.isnan(step)] for step in steps])
    far = BREAK * float(np.median(every)) if len(every) else 0.0
    found, usual = [], recording.frame_time
    for trial, step in zip(recording.trials, steps, strict=True):
        known = (~np.isnan(step)).sum(1)
        around = np.pad(np.nan_to_num(step), ((1, 1), (0, 0)))
        leap = (step > far) & (step > LEAP * np.maximum(around[:-2], around[2:]))
        jump = (known >= 3) & (3 * leap.sum(1) > 2 * known) & (far > 0)
        long = np.diff(trial.times) > pause * usual
        found.append((np.flatnonzero(jump | long) + 1).tolist())
    return found


def still_nodes(recording: Recording) -> set[int]:
    """Nodes that are never seen, or never move in any trial."""
    return {node for node in range(recording.num_nodes) if all(_flat(trial.values[:, node]) for trial in recording.trials)}


def flat_features(recording: Recording) -> set[int]:
    """Features that have one value for all nodes and times."""
    return {dim for dim in range(len(recording.feature_names)) if _flat(np.concatenate([trial.values[..., dim].reshape(-1, 1) for trial in recording.trials]))}


def _flat(values: np.ndarray) -> bool:
    known = values[~np.isnan(values).any(-1)]
    return len(known) == 0 or bool((np.ptp(known, axis=0) <= 1e-12 * np.abs(known).max(initial=0)).all())
