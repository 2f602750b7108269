"""How alike two paths are: correlation, partial correlation, mutual information. None of them has a direction."""

import numpy as np
from jaxtyping import Float

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.network_baselines.ranking import by_rank, in_parts, standardised, varying_series
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

NUM_BINS = 5


def correlation(data: Trajectories, *, share: float = 0.5) -> EdgePosterior:
    """How closely two paths go up and down together: |Pearson correlation|, averaged over features.

    The paper's Corr. (path). It does not state its threshold; here `share` of the pairs are called edges (see `by_rank`).
    """
    scores = in_parts(lambda part: np.abs(_correlations(part)).mean(-3), varying_series(data, fewest_frames=5))
    return by_rank(scores, data.node_names, share=share, inference="correlation")


def partial_correlation(data: Trajectories, *, share: float = 0.5) -> EdgePosterior:
    """How closely two paths go together when all the others are held fixed: |partial correlation|, averaged over features.

    From the inverse of the correlation matrix, shrunk towards no correlation by as much as its entries are noise (Schäfer and
    Strimmer 2005), so that fewer frames than nodes will do.
    """
    scores = in_parts(lambda part: np.abs(_partial_correlations(part)).mean(-3), varying_series(data, fewest_frames=5))
    return by_rank(scores, data.node_names, share=share, inference="partial_correlation")


def mutual_information(data: Trajectories, *, share: float = 0.5) -> EdgePosterior:
    """How much one path tells of the other, also where they are not proportional: mutual information, averaged over features.

    I = Σ_ab p_ab log(p_ab / p_a p_b) in nats, each path sorted into 5 bins of equally many frames. Few frames in 25 cells bias
    it upward, all pairs alike.
    """
    scores = in_parts(_mutual_information, varying_series(data, fewest_frames=2 * NUM_BINS))
    return by_rank(scores, data.node_names, share=share, inference="mutual_information")


def state_correlation(
    states: Float[np.ndarray, "sim node channel"], node_names: tuple[str, ...], *, share: float = 0.5
) -> EdgePosterior:
    """How alike the last hidden states of two nodes are: |Pearson correlation| over channels, for the paper's Corr. (LSTM).

    The states are those of a network that sees each node by itself. Raises DataError where there are too few channels.
    """
    if states.shape[-1] < 3:
        raise DataError(f"Expected hidden states of at least 3 channels; found {states.shape[-1]}.")
    states = states.astype(np.float64)
    channels_as_time = np.moveaxis(states - states.mean(-1, keepdims=True), -1, 1)[..., None]
    scores = in_parts(lambda part: np.abs(_correlations(part)).mean(-3), channels_as_time)
    return by_rank(scores, node_names, share=share, inference="lstm_correlation")


def _by_dim(series: Float[np.ndarray, "sim time node dim"]) -> Float[np.ndarray, "sim dim node time"]:
    return np.ascontiguousarray(np.moveaxis(standardised(series), 3, 1).swapaxes(2, 3))


def _correlations(series: Float[np.ndarray, "sim time node dim"]) -> Float[np.ndarray, "sim dim node node"]:
    paths = _by_dim(series)
    return paths @ paths.swapaxes(-1, -2) / paths.shape[-1]


def _partial_correlations(series: Float[np.ndarray, "sim time node dim"]) -> Float[np.ndarray, "sim dim node node"]:
    paths = _by_dim(series)
    num_steps, off = paths.shape[-1], off_diagonal(paths.shape[-2])
    plain = paths @ paths.swapaxes(-1, -2) / num_steps
    # variance of each estimated correlation: T / (T − 1)³ · Σ_t (z_i z_j − r_ij)²
    squares = np.square(paths)
    variance = num_steps / (num_steps - 1) ** 3 * (squares @ squares.swapaxes(-1, -2) - num_steps * np.square(plain))
    noise, signal = variance[..., off].sum(-1), np.square(plain[..., off]).sum(-1)
    shrinkage = np.clip(noise / np.maximum(signal, 1e-12), 1e-3, 1)[..., None, None]
    precision = np.linalg.inv((1 - shrinkage) * plain * off + np.eye(len(off)))
    scale = np.sqrt(np.diagonal(precision, axis1=-2, axis2=-1))
    partial = precision / scale[..., :, None] / scale[..., None, :]
    return -(partial + partial.swapaxes(-1, -2)) / 2  # rounding must not rank the two directions apart


def _mutual_information(series: Float[np.ndarray, "sim time node dim"]) -> Float[np.ndarray, "sim node node"]:
    """Simulations and features side by side; a path that stands still tells nothing."""
    paths = _by_dim(series)
    num_sims, num_dims, num_nodes, num_steps = paths.shape
    bins = paths.argsort(-1).argsort(-1) * NUM_BINS // num_steps
    inside = (bins[..., None, :] == np.arange(NUM_BINS)[:, None]).astype(np.float32)  # [sim, dim, node, bin, time]
    shares = inside.mean(-1)
    flat = inside.reshape(num_sims, num_dims, num_nodes * NUM_BINS, num_steps)
    joint = (flat @ flat.swapaxes(-1, -2) / num_steps).reshape(num_sims, num_dims, num_nodes, NUM_BINS, num_nodes, NUM_BINS)
    independent = shares[..., None, None] * shares[:, :, None, None]
    information = (joint * np.log(np.where(joint > 0, joint / independent, 1))).sum((3, 5))
    moves = np.abs(paths).max(-1) > 0
    information = (information * moves[..., :, None] * moves[..., None, :]).mean(1).astype(np.float64)
    return (information + information.swapaxes(1, 2)) / 2  # rounding must not rank the two directions apart
