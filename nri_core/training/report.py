"""What held-out simulations tell of a model between two epochs; it must cost little beside the epoch itself."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from nri_core.checkpoint import Checkpoint
from nri_core.evaluation import HORIZONS
from nri_core.inference import as_posterior, forecast_start, infer_edges, rollout
from nri_core.metrics import forecast_error, mean_over_sims, score_edges
from nri_core.models.objectives import OBJECTIVES, Batch
from nri_core.posterior import EdgePosterior
from nri_core.settings import TrainConfig
from nri_core.trajectories import Trajectories

FEWEST, MOST = 16, 64  # simulations; held-out figures come from `evaluate`
MANY_NODES = 7  # simulations of more have so many pairs each that half as many will do
FORECAST_SIMS = 16
FORECASTS_APART = 10  # steps of the optimizer, at least


@dataclass(frozen=True)
class Report:
    """Of one model; accuracies are up to `relabelling`, which is best for all of them: inferred type → true type."""

    loss: float
    own: EdgePosterior | None = None
    edge_accuracy: float | None = None
    edge_accuracy_encoder: float | None = None
    relabelling: list[int] | None = None


def steps_of_an_epoch(config: TrainConfig) -> int:
    """Of the optimizer; the last batch may be a short one."""
    return math.ceil(config.epoch_size / config.batch_size)


def epochs_between_forecasts(config: TrainConfig) -> int:
    """So many that `forecast_errors` costs little beside them."""
    return math.ceil(FORECASTS_APART / steps_of_an_epoch(config))


def looked_at(valid: Trajectories, config: TrainConfig) -> Trajectories:
    """As many of the validation data as a report takes: an eighth or a sixteenth of an epoch's simulations."""
    wanted = config.epoch_size // (8 if valid.num_nodes <= MANY_NODES else 16)
    return valid.select(slice(min(max(wanted, FEWEST), MOST)))


@torch.no_grad()
def report(checkpoint: Checkpoint, batch: Batch, valid: Trajectories, config: TrainConfig) -> Report:
    """Loss and accuracies on `valid`, which `batch` holds as the model reads it; a graph that the loss needs is not read twice."""
    model = checkpoint.model.eval()
    # The reference selects by the loss with hard samples and one step ahead.
    one_step = config.model_copy(update={"hard": True, "prediction_steps": 1, "burn_in": batch.values.shape[1]})
    outcome = OBJECTIVES[config.objective](model, batch, one_step, torch.Generator().manual_seed(config.seed))
    loss = outcome.terms["loss"].item()
    if config.inference == "none":
        return Report(loss)
    known = {"decoder": outcome.edge_probs, "encoder": None if outcome.edge_logits is None else outcome.edge_logits.softmax(-1)}

    def read(how: str) -> EdgePosterior:
        return infer_edges(checkpoint, valid, inference=how) if known[how] is None else as_posterior(checkpoint, valid, known[how], how)

    how = quick(config.inference)
    own = read(how)
    if valid.edge_types is None:
        return Report(loss, own)
    by_encoder = None if model.encoder is None else own if how == "encoder" else read("encoder")
    score = score_edges(own, valid)
    return Report(loss, own, score.accuracy, by_encoder and score_edges(by_encoder, valid).accuracy, list(score.relabelling))


def quick(inference: str) -> str:
    """The way of reading that a report can wait for: a second reading takes tens of milliseconds a system."""
    return "decoder" if inference == "law" else inference


def forecast_errors(checkpoint: Checkpoint, valid: Trajectories, posterior: EdgePosterior | None) -> dict[str, float] | None:
    """Mean squared error of free forecasts on some of the validation data, by horizon as far as they reach; None without a decoder.

    In the reference's units. They begin where inference stops reading, or in the middle of data that end there: then the
    graph was read from what is forecast, too.
    """
    start = forecast_start(checkpoint, valid)
    reached = [horizon for horizon in HORIZONS if start + horizon < valid.num_steps]
    if checkpoint.model.decoder is None or not reached:
        return None
    few = slice(0, FORECAST_SIMS)
    truth = valid.select(few)
    forecast = rollout(checkpoint, truth, posterior and posterior.select(few), start=start, num_steps=reached[-1])
    by_horizon = mean_over_sims(forecast_error(forecast, truth))
    return {str(horizon): float(by_horizon[horizon - 1]) for horizon in reached if not np.isnan(by_horizon[horizon - 1])}
