"""What is held apart: data to learn from, and data to validate on that nobody learned from. Loads no torch."""

import numpy as np

from nri_core.errors import DataError
from nri_core.trajectories import Trajectories


def split(data: Trajectories, *, valid_fraction: float = 0.1, most: int = 1000) -> tuple[Trajectories, Trajectories]:
    """(train, valid): the last simulations are held out, at least one and at most `most`.

    Windows of one trial stay together: the last trials are held out, whole, at least one. Raises DataError where there is only one.
    """
    if data.num_sims < 2:
        raise DataError("Expected at least 2 simulations, one of them to validate on; found 1. Simulate or record more.")
    held = min(max(round(valid_fraction * data.num_sims), 1), most)
    if data.trials is None:
        return data.select(slice(0, -held)), data.select(slice(-held, None))
    kept_out = np.isin(data.trials, np.unique(data.trials[-held:]))
    if kept_out.all():
        raise DataError("Expected windows of at least 2 trials, one of them to validate on; found 1. Cut the recording into parts or record more.")
    return data.select(np.flatnonzero(~kept_out)), data.select(np.flatnonzero(kept_out))


def halves(data: Trajectories) -> tuple[Trajectories, Trajectories]:
    """Two parts of about the same size that share no recording. Raises DataError where there is only one."""
    trials = np.arange(data.num_sims) if data.trials is None else data.trials
    names, first = np.unique(trials, return_index=True)
    if len(names) < 2:
        raise DataError("Expected at least 2 recordings, one for each half; found 1. Cut the recording into parts or record more.")
    names = names[np.argsort(first)]
    ends = np.cumsum([np.count_nonzero(trials == name) for name in names])
    number = min(max(int(np.searchsorted(ends, data.num_sims / 2)) + 1, 1), len(names) - 1)
    chosen = np.isin(trials, names[:number])
    return data.select(np.flatnonzero(chosen)), data.select(np.flatnonzero(~chosen))
