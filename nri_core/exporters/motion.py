"""Trajectories for other programs: the arrays, or a row for each simulation, frame and node that was seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nri_core.errors import DataError
from nri_core.exporters.names import cells, writable
from nri_core.storage import writing
from nri_core.trajectories import Trajectories

MOST_ROWS = 50_000_000


def motion_table(data: Trajectories) -> pd.DataFrame:
    """Columns sim, frame, time, node, and the features; of windows also the recording that each was cut from, and the time in it. Raises DataError where that would be too long."""
    sims, frames, nodes, dims = data.values.shape
    if sims * frames * nodes > MOST_ROWS:
        raise DataError(f"Expected at most {MOST_ROWS:,} rows; found {sims * frames * nodes:,}. Export as .npz, or fewer simulations.")
    sim, frame, node = (index.ravel() for index in np.indices((sims, frames, nodes)))
    columns = {"sim": sim, "frame": frame, "time": frame * data.dt, "node": np.array(data.node_names, dtype=object)[node]}
    if data.trials is not None:
        columns["recording"] = data.trials[sim] + 1
    if data.first_times is not None:
        columns["time in recording"] = data.first_times[sim] + columns["time"]
    table = pd.DataFrame(columns)
    for dim, name in enumerate(data.feature_names):
        while name in table:
            name += " "
        table[name] = data.values[..., dim].ravel()
    return table if data.observed is None else table[data.observed.ravel()].reset_index(drop=True)


def write_table(data: Trajectories, path: Path) -> None:
    """CSV."""
    data = writable(data)
    data = replace(data, node_names=tuple(cells(data.node_names)), feature_names=tuple(cells(data.feature_names)))
    with writing(path) as beside:
        motion_table(data).to_csv(beside, index=False)


def write_parquet(data: Trajectories, path: Path) -> None:
    """Parquet, small and typed."""
    with writing(path) as beside:
        motion_table(writable(data)).to_parquet(beside, index=False)


def write_arrays(data: Trajectories, path: Path) -> None:
    """`data.npz`, which everything here reads."""
    data.save(path)
