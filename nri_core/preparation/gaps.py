"""Fixes of time: frames that are missing or uneven, nodes that come and go."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.preparation.contract import Fix
from nri_core.recording import Recording, Trial

MOST_FRAMES = 5_000_000


class Resample(Fix):
    """Straight lines between what was seen, at a constant rate."""

    title: ClassVar[str] = "Resample to even steps"
    kind: Literal["resample"] = "resample"
    rate: float = Field(gt=0, le=1e6, description="Frames in a second")
    longest: float | None = Field(None, gt=0, description="Seconds between two sightings that a straight line may bridge; none: one and a half frames")

    def apply(self, recording: Recording) -> Recording:
        """Raises DataError where that makes too many frames."""
        bridged = self.longest or 1.5 * max(1 / self.rate, recording.frame_time)
        return recording.with_trials(self._even(trial, bridged) for trial in recording.trials)

    def _even(self, trial: Trial, bridged: float) -> Trial:
        count = int((trial.times[-1] - trial.times[0]) * self.rate + 1e-6) + 1
        if count > MOST_FRAMES:
            raise DataError(f"Expected at most {MOST_FRAMES:,} frames; {self.rate:g} a second would make {count:,}. Choose a lower rate.")
        times = trial.times[0] + np.arange(count) / self.rate
        values = np.full((count, *trial.values.shape[1:]), np.nan)
        for node in range(trial.values.shape[1]):
            known = np.flatnonzero(trial.seen[:, node])
            if len(known):
                values[:, node] = _between(times, trial.times[known], trial.values[known, node], bridged)
        edges = trial.edge_types
        if edges is not None and edges.ndim == 3:
            edges = edges[np.searchsorted(trial.times, times, side="right") - 1]
        return replace(trial, times=times, values=values, edge_types=edges)


class Interpolate(Fix):
    """A straight line across each gap that is short enough; gaps at the ends stay."""

    title: ClassVar[str] = "Fill short gaps"
    kind: Literal["interpolate"] = "interpolate"
    longest: int = Field(5, ge=1, le=100_000, description="Frames of the longest gap that is filled")

    def apply(self, recording: Recording) -> Recording:
        """Each node by itself."""
        return recording.with_values(self._filled)

    def _filled(self, trial: Trial) -> Float[np.ndarray, "time node dim"]:
        values, frames = trial.values.astype(float), np.arange(trial.num_frames)
        for node in np.flatnonzero(~trial.seen.all(0)):
            known = np.flatnonzero(trial.seen[:, node])
            if len(known) < 2:
                continue
            after = np.clip(np.searchsorted(known, frames), 1, len(known) - 1)
            gap = known[after] - known[after - 1] - 1
            fill = ~trial.seen[:, node] & (frames > known[0]) & (frames < known[-1]) & (gap <= self.longest)
            values[fill, node] = _between(trial.times[fill], trial.times[known], trial.values[known, node], np.inf)
        return values


class KeepComplete(Fix):
    """Only the stretches in which every node is seen; each becomes a trial of its own."""

    title: ClassVar[str] = "Keep where all are seen"
    kind: Literal["keep_complete"] = "keep_complete"
    shortest: int = Field(20, ge=2, le=100_000, description="Frames that a stretch must have")

    def apply(self, recording: Recording) -> Recording:
        """Raises DataError where nothing is left."""
        parts = [
            trial.part(slice(start, stop), name=f"{trial.name} {trial.times[start]:g}")
            for trial in recording.trials
            for start, stop in stretches(trial.seen.all(1))
            if stop - start >= self.shortest
        ]
        if not parts:
            raise DataError(f"Expected a stretch of {self.shortest} frames in which every node is seen; there is none. Choose fewer nodes or shorter stretches.")
        return recording.with_trials(parts)


class Gather(Fix):
    """Where nodes come and go: windows with a fixed number of nodes that are seen throughout, those closest together."""

    title: ClassVar[str] = "Gather a fixed set of nodes"
    kind: Literal["gather"] = "gather"
    nodes: int = Field(5, ge=2, le=100, description="Nodes in each window")
    length: int = Field(20, ge=3, le=10_000, description="Frames of a window")
    stride: int = Field(10, ge=1, le=10_000, description="Frames between the starts of two windows")

    def apply(self, recording: Recording) -> Recording:
        """The nodes are called 1, 2, …: another one in each window. Raises DataError where no window has enough."""
        parts = [part for trial in recording.trials for part in self._windows(trial, recording.location)]
        if not parts:
            most = max(int(trial.seen.sum(1).max()) for trial in recording.trials)
            raise DataError(
                f"Expected {self.nodes} nodes seen for {self.length} frames without a gap; there is no such window (at most {most} are seen at once). "
                "Choose fewer nodes or shorter windows."
            )
        names = tuple(str(node + 1) for node in range(self.nodes))
        return recording.with_trials(parts, node_names=names, bones=())

    def _windows(self, trial: Trial, location: list[int]) -> list[Trial]:
        found = []
        count = np.concatenate([np.zeros((1, trial.values.shape[1]), int), trial.seen.cumsum(0)])
        for start in range(0, trial.num_frames - self.length + 1, self.stride):
            there = np.flatnonzero(count[start + self.length] - count[start] == self.length)
            if len(there) < self.nodes:
                continue
            places = trial.values[start : start + self.length, there][..., location or slice(None)].mean(0)
            apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
            seed = np.sort(apart, axis=1)[:, : self.nodes].sum(1).argmin()  # the one with the closest company
            chosen = np.sort(there[np.argsort(apart[seed], kind="stable")[: self.nodes]])
            found.append(trial.part(slice(start, start + self.length), name=f"{trial.name} {trial.times[start]:g}").nodes(chosen.tolist()))
        return found


def stretches(holds: Bool[np.ndarray, " time"]) -> list[tuple[int, int]]:
    """Start and end of each unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(int)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _between(
    times: Float[np.ndarray, " new"], known: Float[np.ndarray, " old"], values: Float[np.ndarray, "old dim"], bridged: float
) -> Float[np.ndarray, "new dim"]:
    """On straight lines between the known; NaN outside them and where two of them are further apart than `bridged`."""
    found = np.stack([np.interp(times, known, column, left=np.nan, right=np.nan) for column in values.T], axis=-1)
    if len(known) > 1:
        after = np.clip(np.searchsorted(known, times), 1, len(known) - 1)
        near = np.minimum(np.abs(known[after] - times), np.abs(times - known[after - 1])) < 1e-9
        found[(known[after] - known[after - 1] > bridged) & ~near] = np.nan
    return found
