"""Granger causality by ridge regression: does j's past help to predict i?"""

import numpy as np
from jaxtyping import Float

from nri_core.errors import ConfigError
from nri_core.network_baselines.ranking import by_rank, in_parts, varying_series
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories


def granger(data: Trajectories, *, undirected: bool = True, lags: int = 2, ridge: float = 0.1, share: float = 0.5) -> EdgePosterior:
    """How much the sender's last frames help to predict the receiver's next change: Granger causality by ridge regression.

    For each simulation one linear (vector autoregressive) model of all nodes, fitted by ridge regression with a penalty as
    if each past value carried noise of `ridge` times its variance: 49 frames are few for N · features · lags regressors.
    The score is the rise of the penalised error when the sender's weights are held at 0, in units of the mean squared change
    of each feature, averaged over the receiver's features. `undirected`: the mean of both directions. Two `lags` let locations
    tell of velocities.
    """
    if lags < 1 or ridge <= 0:
        raise ConfigError(f"Expected at least 1 lag and a ridge above 0; found {lags} and {ridge}.")
    series = varying_series(data, fewest_frames=lags + 4)
    series /= np.sqrt(np.square(series).mean((0, 1, 2)))  # one scale for each feature over all simulations
    unit = np.sqrt(np.square(np.diff(series, axis=1)).mean((0, 1, 2)))
    scores = in_parts(lambda part: _scores(part, unit, lags, ridge), series)
    scores = (scores + scores.swapaxes(1, 2)) / 2 if undirected else scores
    return by_rank(scores, data.node_names, share=share, inference="granger")


def _scores(
    series: Float[np.ndarray, "sim time node dim"], unit: Float[np.ndarray, " dim"], lags: int, ridge: float
) -> Float[np.ndarray, "sim receiver sender"]:
    """With A = X'X + λ and W = A⁻¹X'Y, holding the block of weights W_j at 0 raises the penalised error by W_j' ([A⁻¹]_jj)⁻¹ W_j."""
    num_sims, num_steps, num_nodes, num_dims = series.shape
    rows, each = num_steps - lags, num_dims * lags
    lagged = [series[:, lags - 1 - lag : num_steps - 1 - lag] for lag in range(lags)]
    past = np.concatenate(lagged, axis=-1).reshape(num_sims, rows, -1)
    change = (np.diff(series[:, lags - 1 :], axis=1) / unit).reshape(num_sims, rows, -1)
    past, change = past - past.mean(1, keepdims=True), change - change.mean(1, keepdims=True)
    across = past.swapaxes(1, 2)
    inverse = np.linalg.inv(across @ past + ridge * rows * np.eye(past.shape[2]))
    weights = (inverse @ (across @ change)).reshape(num_sims, num_nodes, each, -1)  # [sim, sender, past, receiver · dim]
    blocks = np.stack([inverse[:, first : first + each, first : first + each] for first in range(0, num_nodes * each, each)], axis=1)
    rise = (weights * np.linalg.solve(blocks, weights)).sum(2) / rows
    return rise.reshape(num_sims, num_nodes, num_nodes, num_dims).mean(-1).swapaxes(1, 2)
