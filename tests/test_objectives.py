"""What training minimises: the baselines that are told the graph, priors, and the rollouts that decoders with memory make."""

from dataclasses import replace

import pytest
import torch

from nri_core.dataset import edges_as_tensor
from nri_core.errors import CheckpointError, ConfigError, DataError
from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.inference import infer_edges, rollout
from nri_core.metrics import forecast_error, static_error
from nri_core.models.marginal import marginal
from nri_core.settings import PRESETS, TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import EpochRecord, fit
from nri_core.trajectories import Trajectories
from tests.test_models import edges, model, paths

SHORT = {"epochs": 12, "epoch_size": 160, "batch_size": 16, "encoder_hidden": 16, "decoder_hidden": 16, "window": 20, "prediction_steps": 4, "burn_in": 10}
TRUE_GRAPH = {"objective": "true_graph", "encoder": "none"}
FULL_GRAPH = {"objective": "full_graph", "encoder": "none", "inference": "none"}
SUPERVISED = {"objective": "supervised", "decoder": "none", "inference": "encoder"}


def springs(num_sims: int = 300, seed: int = 1, **size: int) -> Trajectories:
    return simulate(Springs(probability=0.5), Simulation(num_sims=num_sims, num_nodes=3, num_steps=20, seed=seed, **size))


def trained(data: Trajectories, **changes: object) -> EpochRecord:
    *_, record = fit(*split(data), TrainConfig(**PRESETS["live"].model_dump() | SHORT | changes))
    return record


def test_a_supervised_encoder_learns_from_labels_and_forecasts_nothing() -> None:
    record = trained(springs(), **SUPERVISED)
    fresh = springs(100, seed=2)
    posterior = infer_edges(record.checkpoint, fresh)
    assert (posterior.edge_types == fresh.edge_types).mean() > 0.9  # told the labels, so no relabelling
    with pytest.raises(CheckpointError, match="forecasts nothing"):
        rollout(record.checkpoint, fresh, posterior, start=5, num_steps=2)


@pytest.mark.slow
def test_a_decoder_told_the_graph_beats_one_that_is_not_and_both_beat_standing_still() -> None:
    data, fresh = springs(), springs(100, seed=2)
    errors = {}
    for name, changes in (("true", TRUE_GRAPH), ("full", FULL_GRAPH)):
        checkpoint = trained(data, **changes).checkpoint
        graph = infer_edges(checkpoint, fresh) if name == "true" else None
        forecast = rollout(checkpoint, fresh, graph, start=5, num_steps=5)
        errors[name] = forecast_error(forecast, fresh).mean(0)[-1]
    assert errors["true"] < errors["full"] / 2 and errors["full"] < static_error(forecast, fresh).mean(0)[-1]


def test_a_model_without_a_graph_is_evaluated_by_its_forecasts() -> None:
    figures = evaluate(trained(springs(), **FULL_GRAPH | {"epochs": 1, "window": 15}).checkpoint, springs(20, seed=2))
    assert figures["edge_accuracy"] is None and figures["inference"] == "none"
    assert figures["rollout_mse"]["1"] > 0


@pytest.mark.parametrize("objective", [SUPERVISED, TRUE_GRAPH])
def test_objectives_that_are_told_labels_say_so_when_there_are_none(objective: dict[str, str]) -> None:
    data = springs(20)
    with pytest.raises(DataError, match="told the true edges"):
        trained(replace(data, edge_types=None, edge_type_names=()), **objective)
    with pytest.raises(DataError, match="found type 1"):
        edges_as_tensor(data, 1, torch.device("cpu"))


def test_more_steps_than_frames_are_refused_before_the_first_step() -> None:
    with pytest.raises(ConfigError, match="fewer prediction steps than frames"):
        trained(springs(20), **FULL_GRAPH, **{"prediction_steps": 30})


@pytest.mark.parametrize("undirected", [False, True])
def test_a_prior_moves_the_log_odds_of_a_lone_pair_by_its_own(undirected: bool) -> None:
    values, odds = paths(num_nodes=2), []
    for prior in ((), (0.9, 0.1)):
        network = model(undirected=undirected, edge_prior=prior)
        network.calibrate(values)
        log_probs = marginal(network, values).edge_probs.log()
        odds.append(log_probs[..., 0] - log_probs[..., 1])
    assert torch.allclose(odds[1] - odds[0], torch.tensor(9.0, dtype=torch.float64).log(), atol=1e-5)  # once for a pair, not twice


def test_asking_the_encoder_again_at_each_step_follows_a_graph_of_its_own() -> None:
    record = trained(springs(), epochs=4)
    fresh = springs(8, seed=3)
    posterior = infer_edges(record.checkpoint, fresh)
    still, moving = (rollout(record.checkpoint, fresh, posterior, start=19, num_steps=3, dynamic=dynamic) for dynamic in (False, True))
    assert moving.values.shape == still.values.shape
    assert rollout(record.checkpoint, fresh, None, start=19, num_steps=3, dynamic=True).values.tolist() == moving.values.tolist()
    with pytest.raises(DataError, match="Start later"):
        rollout(record.checkpoint, fresh, posterior, start=5, num_steps=3, dynamic=True)


def test_the_sum_over_frames_of_a_decoder_with_memory_starts_at_the_truth() -> None:
    network = model(decoder="rnn", encoder="mlp", decoder_hidden=8)
    values, graph = paths(), edges()
    forced = network.rollout_log_prob(values, graph, prediction_steps=1, burn_in=12)
    alone = network.rollout_log_prob(values, graph, prediction_steps=1, burn_in=1)
    changed = values.clone()
    changed[:, 5] += 1
    later = network.rollout(values[:, :6], graph, num_steps=2)
    assert not torch.allclose(forced, alone)
    assert not torch.allclose(network.rollout(changed[:, :6], graph, num_steps=2), later)
    changed = values.clone()
    changed[:, 2] += 1  # it remembers what came before the last frame
    assert not torch.allclose(network.rollout(changed[:, :6], graph, num_steps=2), later)
