"""From trajectories to series that can be compared, and from scores of pairs to an `EdgePosterior`."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from nri_core.errors import ConfigError, DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

ANGLES = ("phase", "phi", "angle")
FEWEST_SEEN = 0.5  # share of the frames: paths that were mostly guessed say nothing
MOST_VALUES = 4_000_000  # of one product over pairs, frames and features: 32 MB


def observed_values(data: Trajectories, *, fewest_frames: int) -> Float[np.ndarray, "sim time node dim"]:
    """The values in float64, gaps bridged by straight lines. Raises DataError for nodes that are hardly ever seen, and for too few frames."""
    if not data.complete and (seen := data.observed.mean(1)).min() < FEWEST_SEEN:
        sim, node = np.argwhere(seen < FEWEST_SEEN)[0]
        raise DataError(
            f"Expected every node in at least {FEWEST_SEEN:.0%} of the frames of each simulation; node {data.node_names[node]!r} is seen in "
            f"{seen[sim, node]:.0%} of simulation {sim + 1}. A baseline reads whole paths: choose complete windows, or read by a trained model."
        )
    if data.num_steps < fewest_frames:
        raise DataError(f"Expected at least {fewest_frames} frames of each simulation; found {data.num_steps}. Choose longer windows.")
    return data.filled().values.astype(np.float64)


def varying_series(data: Trajectories, *, fewest_frames: int) -> Float[np.ndarray, "sim time node dim"]:
    """What changes over time, with zero mean over the frames; an angle, which may wind, stands as its sine and cosine.

    Raises DataError where nothing changes, besides the cases of `observed_values`.
    """
    columns = {}
    for name, column in zip(data.feature_names, np.moveaxis(observed_values(data, fewest_frames=fewest_frames), -1, 0), strict=True):
        columns |= {f"sin_{name}": np.sin(column), f"cos_{name}": np.cos(column)} if name in ANGLES else {name: column}
    columns.pop("sin_phase" if "sin_phi" in columns else "", None)  # Kuramoto data hold it already
    series = np.stack(list(columns.values()), axis=-1)
    series -= series.mean(1, keepdims=True)
    moving = np.abs(series).max((0, 1, 2)) > 1e-9 * np.abs(data.filled().values).max()
    if not moving.any():
        raise DataError("Expected paths that change over time; found constant ones. There is nothing to compare.")
    return series[..., moving]


def standardised(series: Float[np.ndarray, "sim time node dim"]) -> Float[np.ndarray, "sim time node dim"]:
    """Each series with variance 1 over its own frames; one that stands still is 0."""
    spread = np.sqrt(np.square(series).mean(1, keepdims=True))
    return np.divide(series, spread, out=np.zeros_like(series), where=spread > 1e-9 * max(spread.max(), 1e-300))


def in_parts(
    score: Callable[[Float[np.ndarray, "part time node dim"]], Float[np.ndarray, "part node node"]],
    series: Float[np.ndarray, "sim time node dim"],
) -> Float[np.ndarray, "sim node node"]:
    """`score` of a few simulations at a time, so that memory does not grow with their number."""
    return np.concatenate([score(part) for part in np.array_split(series, num_parts(series.shape))])


def num_parts(shape: tuple[int, ...]) -> int:
    """Into how many parts to split the simulations of values of this shape [sim, time, node, dim], pairs of nodes taken in each frame."""
    num_sims, num_steps, num_nodes, num_dims = shape
    return min(-(-num_sims * max(num_steps, num_nodes) * num_nodes**2 * num_dims // MOST_VALUES), num_sims)


def by_rank(
    scores: Float[np.ndarray, "sim node node"], node_names: tuple[str, ...], *, share: float, inference: str
) -> EdgePosterior:
    """Pairs ranked over all simulations: p(edge) = ½ at the threshold, which `share` of the pairs exceed.

    p = r / (r + odds (1 − r)), where r is the share of pairs that score lower and odds = (1 − share) / share. No label is
    used: share = ½ is what a model with a uniform prior over two edge types assumes as well.
    """
    if not 0 < share < 1:
        raise ConfigError(f"Expected a share of pairs that interact between 0 and 1; found {share}.")
    num_nodes = scores.shape[1]
    pairs = scores[:, off_diagonal(num_nodes)]
    in_order = np.sort(pairs, axis=None)
    lower = (np.searchsorted(in_order, pairs) + np.searchsorted(in_order, pairs, side="right")) / (2 * pairs.size)
    odds = (1 - share) / share
    probs = np.zeros((*scores.shape, 2))
    probs[:, off_diagonal(num_nodes), 1] = lower / (lower + odds * (1 - lower))
    probs[:, off_diagonal(num_nodes), 0] = 1 - probs[:, off_diagonal(num_nodes), 1]
    return EdgePosterior(probs, ("none", "edge"), node_names, inference)
