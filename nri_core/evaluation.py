"""One model against one data set: the figures of `evaluate --json`."""

from typing import Any

import numpy as np

from nri_core.checkpoint import Checkpoint
from nri_core.inference import infer_edges, rollout
from nri_core.metrics import edge_figures, forecast_error, mean_over_sims, score_edges, static_error
from nri_core.trajectories import Trajectories

HORIZONS = (1, 10, 20)


def evaluate(checkpoint: Checkpoint, data: Trajectories) -> dict[str, Any]:
    """Edge accuracy (up to one relabelling of the whole set) and rollout error where the data allow them, else None.

    `rollout_mse` runs freely from the end of the window that inference reads, in the reference's units;
    `static_mse` is the same for standing still.
    """
    own = infer_edges(checkpoint, data) if checkpoint.config.inference != "none" else None
    encoder = None
    if checkpoint.model.encoder is not None:
        encoder = score_edges(infer_edges(checkpoint, data, inference="encoder"), data)
    start = min(checkpoint.config.window, data.num_steps) - 1
    reached = [horizon for horizon in HORIZONS if start + horizon < data.num_steps]
    errors: dict[str, dict[str, float]] = {"rollout_mse": {}, "static_mse": {}}
    if reached and checkpoint.model.decoder is not None:
        forecast = rollout(checkpoint, data, own, start=start, num_steps=reached[-1])
        for name, measure in (("rollout_mse", forecast_error), ("static_mse", static_error)):
            by_horizon = mean_over_sims(measure(forecast, data))
            errors[name] = {str(horizon): float(by_horizon[horizon - 1]) for horizon in reached if not np.isnan(by_horizon[horizon - 1])}
    return edge_figures(own, data) | {"edge_accuracy_encoder": encoder and encoder.accuracy, **errors}
