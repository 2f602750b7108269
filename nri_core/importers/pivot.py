"""Rows into trials: [row] columns to [time, node, dim], with NaN where nothing was recorded."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from nri_core.errors import DataError
from nri_core.recording import MAX_VALUES, MOST_NODES, Trial

Duplicates = Literal["first", "last", "mean"]


def pivot(
    times: Float[np.ndarray, " row"],
    nodes: Int[np.ndarray, " row"],
    trials: Int[np.ndarray, " row"],
    values: Float[np.ndarray, "row dim"],
    *,
    node_names: Sequence[str],
    trial_names: Sequence[str],
    duplicates: Duplicates,
) -> tuple[tuple[Trial, ...], Int[np.ndarray, " repeated"]]:
    """The trials, and which rows repeat a time and node of their trial. Raises DataError where that would be too large."""
    if len(node_names) > MOST_NODES:
        raise DataError(f"Expected at most {MOST_NODES} nodes; found {len(node_names):,} different names. Choose another column as node, or keep fewer of them.")
    order = np.argsort(trials, kind="stable")
    bounds = np.searchsorted(trials[order], np.arange(len(trial_names) + 1))
    parts = [order[start:stop] for start, stop in zip(bounds, bounds[1:], strict=False)]
    grids = [np.unique(times[rows], return_inverse=True) for rows in parts]
    size = sum(len(instants) for instants, _ in grids) * len(node_names) * values.shape[1]
    if size > MAX_VALUES:
        raise DataError(
            f"Expected at most {MAX_VALUES:,} numbers once every node has a place in every frame; found {size:,}: the nodes hardly share their times. "
            "Check the columns of time and trial, or bring fewer nodes."
        )
    made, repeated = [], []
    for rows, (instants, frame), name in zip(parts, grids, trial_names, strict=True):
        if len(rows) == 0:
            continue
        cell = frame * len(node_names) + nodes[rows]
        grid, again = _fill(cell, values[rows], len(instants) * len(node_names), duplicates)
        made.append(Trial(instants, grid.reshape(len(instants), len(node_names), -1), name))
        repeated.append(rows[again])
    return tuple(made), np.sort(np.concatenate(repeated)) if repeated else np.empty(0, int)


def _fill(
    cell: Int[np.ndarray, " row"], values: Float[np.ndarray, "row dim"], size: int, duplicates: Duplicates
) -> tuple[Float[np.ndarray, "cell dim"], Int[np.ndarray, " repeated"]]:
    """Each row into its cell; and the rows whose cell an earlier row had."""
    count = np.bincount(cell, minlength=size)
    again = np.empty(0, int)
    if count.max(initial=0) > 1:
        by_cell = np.argsort(cell, kind="stable")
        again = by_cell[1:][cell[by_cell][1:] == cell[by_cell][:-1]]
    grid = np.full((size, values.shape[1]), np.nan)
    if duplicates == "mean" and len(again):
        for dim in range(values.shape[1]):
            total = np.bincount(cell, weights=values[:, dim], minlength=size)
            grid[count > 0, dim] = total[count > 0] / count[count > 0]
    elif duplicates == "first":
        grid[cell[::-1]] = values[::-1]
    else:
        grid[cell] = values
    return grid, again


def numbered(names: Any) -> tuple[Int[np.ndarray, " row"], list[str]]:
    """Codes of a pandas categorical and its names, in natural order: 2 before 10. Code -1: missing."""
    categories = [str(name) for name in names.cat.categories]
    whole = [name.removesuffix(".0") for name in categories]
    shown = whole if len(set(whole)) == len(whole) else categories
    order = sorted(range(len(shown)), key=lambda place: _natural(shown[place]))
    rank = np.empty(len(order) + 1, int)
    rank[order] = np.arange(len(order))
    rank[-1] = -1
    return rank[names.cat.codes.to_numpy()], [shown[place] for place in order]


def _natural(name: str) -> list[tuple[int, float, str]]:
    """Numbers in a name count as numbers."""
    return [(0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in re.split(r"(\d+)", name) if part]
