"""Fixes of what is measured: jumps, outliers, noise, velocities, origin and scale."""

from itertools import combinations
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.preparation.contract import Fix
from nri_core.preparation.gaps import stretches
from nri_core.recording import Recording, Trial

AXES = ("x", "y", "z")


class MarkJumps(Fix):
    """Where a node moves faster than it can, the frame after the jump counts as not seen."""

    title: ClassVar[str] = "Take impossible jumps out"
    kind: Literal["mark_jumps"] = "mark_jumps"
    speed: float = Field(gt=0, description="The highest speed that is possible, in units of length a second")

    def apply(self, recording: Recording) -> Recording:
        """The frames on both sides of a jump are taken out: one cannot know which is wrong."""
        location = _location(recording)

        def marked(trial: Trial) -> Float[np.ndarray, "time node dim"]:
            step = np.linalg.norm(np.diff(trial.values[..., location], axis=0), axis=-1) / np.diff(trial.times)[:, None]
            jump = np.zeros(trial.seen.shape, bool)
            jump[1:] |= step > self.speed
            jump[:-1] |= step > self.speed
            return np.where(jump[..., None], np.nan, trial.values)

        return recording.with_values(marked)


class SwapBack(Fix):
    """Where two nodes exchange places from one frame to the next, their names are exchanged from there on."""

    title: ClassVar[str] = "Undo exchanged identities"
    kind: Literal["swap_back"] = "swap_back"

    def apply(self, recording: Recording) -> Recording:
        """See `switches`."""
        location = _location(recording)

        def mended(trial: Trial) -> Float[np.ndarray, "time node dim"]:
            values = trial.values.copy()
            for frame, first, second in switches(trial, location):
                values[frame:, [first, second]] = values[frame:, [second, first]]
            return values

        return recording.with_values(mended)


class MarkOutliers(Fix):
    """Positions far outside where a node ever is count as not seen."""

    title: ClassVar[str] = "Take outliers out"
    kind: Literal["mark_outliers"] = "mark_outliers"
    spans: float = Field(2.0, ge=0.1, le=1e6, description="How far beyond where 98 % of all values are, in widths of that range")

    def apply(self, recording: Recording) -> Recording:
        """Of each feature, over all nodes and trials."""
        wide = [far_out(recording, dim, self.spans) for dim in range(len(recording.feature_names))]

        def marked(trial: Trial) -> Float[np.ndarray, "time node dim"]:
            out = np.stack([(trial.values[..., dim] < low) | (trial.values[..., dim] > high) for dim, (low, high) in enumerate(wide)], -1).any(-1)
            return np.where(out[..., None], np.nan, trial.values)

        return recording.with_values(marked)


class Smooth(Fix):
    """A polynomial through each short stretch (Savitzky and Golay 1964), for noisy positions; edges and gaps stay as they are."""

    title: ClassVar[str] = "Smooth"
    kind: Literal["smooth"] = "smooth"
    frames: int = Field(5, ge=3, le=501, description="Frames in a stretch, an odd number")
    degree: int = Field(2, ge=1, le=5, description="Degree of the polynomial")

    def apply(self, recording: Recording) -> Recording:
        """Raises DataError where degree and frames do not fit."""
        if self.frames % 2 == 0 or self.degree >= self.frames:
            raise DataError(f"Expected an odd number of frames above the degree; found {self.frames} frames and degree {self.degree}.")
        half = self.frames // 2
        powers = np.vander(np.arange(-half, half + 1), self.degree + 1, increasing=True)
        weights = np.linalg.pinv(powers)[0]  # the value of the fitted polynomial in the middle

        def smoothed(trial: Trial) -> Float[np.ndarray, "time node dim"]:
            if trial.num_frames < self.frames:
                return trial.values
            values = trial.values.astype(float)
            middle = np.lib.stride_tricks.sliding_window_view(trial.values, self.frames, axis=0) @ weights
            values[half:-half] = np.where(np.isnan(middle), values[half:-half], middle)  # a gap in the stretch: as it is
            return values

        return recording.with_values(smoothed)


class Velocities(Fix):
    """Velocities from positions, by differences of neighbouring frames: many models read them."""

    title: ClassVar[str] = "Derive velocities"
    kind: Literal["velocities"] = "velocities"

    def apply(self, recording: Recording) -> Recording:
        """Central differences, one-sided at the ends of each stretch that was seen; a node seen for one frame alone has none."""
        location = _location(recording)
        old = [place for place, name in enumerate(recording.feature_names) if name not in ("vx", "vy", "vz")]
        names = tuple(recording.feature_names[place] for place in old) + tuple(f"v{recording.feature_names[place]}" for place in location)

        def with_rates(trial: Trial) -> Float[np.ndarray, "time node more"]:
            rates = np.full((*trial.values.shape[:2], len(location)), np.nan)
            for node in range(trial.values.shape[1]):
                for start, stop in stretches(trial.seen[:, node]):
                    if stop - start > 1:
                        rates[start:stop, node] = np.gradient(trial.values[start:stop, node][:, location], trial.times[start:stop], axis=0)
            return np.concatenate([trial.values[..., old], rates], axis=-1)

        return recording.with_values(with_rates, feature_names=names)


class Centre(Fix):
    """Move the origin to the middle."""

    title: ClassVar[str] = "Centre"
    kind: Literal["centre"] = "centre"
    of: Literal["recording", "frame"] = Field("recording", description="The middle of all that was seen, or of each frame anew (only motion within the group stays)")

    def apply(self, recording: Recording) -> Recording:
        """Positions, and for each frame anew their velocities as well."""
        moved = [place for place, name in enumerate(recording.feature_names) if name in AXES or (self.of == "frame" and name in ("vx", "vy", "vz"))]
        _location(recording)
        everything = np.concatenate([trial.values[..., moved].reshape(-1, len(moved)) for trial in recording.trials])
        middle = np.nanmean(everything[~np.isnan(everything).all(-1)], axis=0)

        def centred(trial: Trial) -> Float[np.ndarray, "time node dim"]:
            values = trial.values.astype(float)
            shift = middle
            if self.of == "frame":
                seen = trial.seen[..., None]
                shift = (np.where(seen, values[..., moved], 0).sum(1) / np.maximum(seen.sum(1), 1))[:, None]
            values[..., moved] -= shift
            return values

        return recording.with_values(centred)


class Scale(Fix):
    """Other units of length."""

    title: ClassVar[str] = "Change the unit of length"
    kind: Literal["scale"] = "scale"
    factor: float = Field(gt=0, le=1e12, description="New units in one old unit")
    unit: str = Field("", max_length=20, description="Name of the new unit")

    def apply(self, recording: Recording) -> Recording:
        """Positions and velocities."""
        lengths = np.array([name in (*AXES, "vx", "vy", "vz") for name in recording.feature_names])
        factors = np.where(lengths, self.factor, 1.0)
        metadata = MappingProxyType({**recording.metadata, "units": self.unit})
        return recording.with_values(lambda trial: trial.values * factors, metadata=metadata)


def switches(trial: Trial, location: list[int]) -> list[tuple[int, int, int]]:
    """(frame, node, node) where two nodes exchange places: each lands where the other would be, far from where it should be itself."""
    places, seen = trial.values[..., location].copy(), trial.seen
    step = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    usual = np.array([np.median(known) if len(known := one[~np.isnan(one)]) else 0.0 for one in step.T])
    far_away = 8 * usual + 1e-12
    found = []
    suspicious = np.flatnonzero((step > far_away).sum(1) >= 2)
    for frame in suspicious + 1:
        step_now = np.linalg.norm(places[frame] - places[frame - 1], axis=-1)
        far = [int(node) for node in np.flatnonzero(step_now > far_away) if seen[frame - 1, node] and seen[frame, node]]
        pairs = []
        for first, second in combinations(far, 2):
            crossed = np.linalg.norm(places[frame, [second, first]] - places[frame - 1, [first, second]], axis=-1)
            if crossed.sum() < 0.25 * step_now[[first, second]].sum():
                pairs.append((int(frame), first, second))
        if 4 * len(pairs) >= len(far):  # where many others jump as well, the scene changed and nobody was exchanged
            for _, first, second in pairs:
                places[frame:, [first, second]] = places[frame:, [second, first]]
            found += pairs
    return found


def far_out(recording: Recording, dim: int, spans: float) -> tuple[float, float]:
    """Bounds beyond which a value of this feature is an outlier."""
    values = np.concatenate([trial.values[..., dim].ravel() for trial in recording.trials])
    values = values[~np.isnan(values)]
    if not len(values):
        return -np.inf, np.inf
    low, high = (float(bound) for bound in np.quantile(values, (0.01, 0.99)))
    return (low - spans * (high - low), high + spans * (high - low)) if high > low else (-np.inf, np.inf)


def _location(recording: Recording) -> list[int]:
    if not recording.location:
        raise DataError(f"Expected positions x, y; found {', '.join(recording.feature_names)}. Say under Columns which are coordinates.")
    return recording.location
