"""From a recording to `Trajectories`: windows of equal length, with the recording that each comes from."""

from types import MappingProxyType

import numpy as np

from nri_core.errors import DataError
from nri_core.preparation.findings import EVEN, counted
from nri_core.recording import Recording
from nri_core.trajectories import Trajectories

USUAL_WINDOW = 49  # frames, as the shipped models read
LEAST_SEEN = 0.5


def to_trajectories(recording: Recording, *, window: int | None = None, stride: int | None = None, least_seen: float = LEAST_SEEN) -> Trajectories:
    """Windows of `window` frames every `stride` frames (default: one after another) of each trial; without `window`, trials as they are.

    Windows in which less than `least_seen` of all sightings is there are left out. `trials` says which recording a window comes
    from: windows of one are held out together. Raises DataError for uneven time steps, trials of unequal length without `window`,
    and where no window is left.
    """
    _require_even(recording)
    lengths = sorted({trial.num_frames for trial in recording.trials})
    if window is None and len(lengths) > 1:
        raise DataError(f"Expected recordings of one length; found {lengths[0]} to {lengths[-1]} frames. Cut them into windows of at most {lengths[0]} frames.")
    window = window or lengths[-1]
    stride = stride or window
    if window > lengths[-1]:
        raise DataError(f"Expected windows of at most {lengths[-1]} frames, the longest recording; found {window}. Choose shorter windows.")
    if recording.num_nodes < 2:
        raise DataError("Expected at least 2 nodes; found 1. Check the column that names who moves.")
    sources = {name: number for number, name in enumerate(dict.fromkeys(_source(place, trial) for place, trial in enumerate(recording.trials)))}
    values, trials, edges, first_times = [], [], [], []
    for place, trial in enumerate(recording.trials):
        for start in range(0, trial.num_frames - window + 1, stride):
            part = slice(start, start + window)
            if trial.seen[part].mean() < max(least_seen, 1e-9):
                continue
            values.append(trial.values[part])
            trials.append(sources[_source(place, trial)])
            first_times.append(float(trial.times[start]))
            edges.append(trial.edge_types[part] if trial.edge_types is not None and trial.edge_types.ndim == 3 else trial.edge_types)
    if not values:
        raise DataError(f"Expected windows of {window} frames in which at least {least_seen:.0%} was seen; there is none. Choose shorter windows, or mend the gaps.")
    stacked = np.stack(values)
    seen = ~np.isnan(stacked).any(-1)
    truth = np.stack(edges) if all(edge is not None for edge in edges) and len({edge.shape for edge in edges}) == 1 else None
    about = {"window": window, "stride": stride, "trials": [name if isinstance(name, str) else str(name) for name in sources]}
    metadata = {**recording.metadata, "cutting": about} | ({"bones": [list(bone) for bone in recording.bones]} if recording.bones else {})
    return Trajectories(
        values=stacked,
        feature_names=recording.feature_names,
        dt=recording.frame_time,
        edge_types=truth,
        edge_type_names=recording.edge_type_names if truth is not None else (),
        node_names=recording.node_names,
        observed=None if seen.all() else seen,
        trials=np.array(trials),
        first_times=np.array(first_times),
        metadata=MappingProxyType(metadata),
    )


def suggested_window(recording: Recording) -> tuple[int, int]:
    """(window, stride): windows as the shipped models read them, or shorter where the recordings are, so that few are left out; overlapping by half where there are few."""
    lengths = [trial.num_frames for trial in recording.trials]
    window = min(USUAL_WINDOW, max(lengths))
    window = min(window, min((length for length in lengths if 2 * length >= window)))
    count = sum(trial.num_frames // window for trial in recording.trials)
    return window, window if count >= 200 else max(window // 2, 1)


def left_out(recording: Recording, window: int | None) -> str:
    """A sentence on recordings that are shorter than a window; empty where there are none."""
    short = sum(trial.num_frames < (window or 0) for trial in recording.trials)
    return f"{counted(short, 'recording')} shorter than a window of {window} frames {'is' if short == 1 else 'are'} left out." if short else ""


def _source(place: int, trial: object) -> str | int:
    return trial.source or trial.name or place


def _require_even(recording: Recording) -> None:
    usual = recording.frame_time
    for trial in recording.trials:
        steps = np.diff(trial.times)
        if len(steps) and np.abs(steps - usual).max() > EVEN * usual:
            frame = int(np.abs(steps - usual).argmax())
            raise DataError(
                f"Expected {usual:.4g} between two frames; found {steps[frame]:.4g} after time {trial.times[frame]:g} of recording {trial.name or '1'}. "
                "Resample to even steps."
            )
