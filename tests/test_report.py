"""What a training says of itself between two epochs is what the finished tools say of its model."""

import numpy as np
import pytest

from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.training.report import looked_at
from nri_core.trajectories import Trajectories

TINY = {"epochs": 3, "epoch_size": 100, "batch_size": 20, "encoder_hidden": 8, "decoder_hidden": 8, "window": 12}
BOUND = {"objective": "elbo", "encoder": "mlp", "decoder": "mlp", "inference": "encoder", "likelihood": "gaussian", "prediction_steps": 4}
RECIPES = {
    "live": TINY,
    "marginal": TINY | {"objective": "marginal", "encoder": "none"},
    "three types": TINY | {"num_edge_types": 3},
    "bound": TINY | BOUND,
    "keeps the best": TINY | BOUND | {"epochs": 6, "keep_best": True, "learning_rate": 0.05},
    "supervised": TINY | {"objective": "supervised", "decoder": "none", "inference": "encoder"},
    "no graph": TINY | {"objective": "full_graph", "encoder": "none", "inference": "none", "prediction_steps": 4},
}


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=60, num_nodes=4, num_steps=40, seed=1))


@pytest.mark.parametrize("recipe", RECIPES)
def test_accuracies_and_forecasts_are_those_of_the_kept_model(recipe: str, data: Trajectories) -> None:
    """Also where the graph that the loss needed is not read again, and where the kept model is of an earlier epoch."""
    train, valid = split(data, valid_fraction=0.25)
    for record in fit(train, valid, TrainConfig(**RECIPES[recipe]), device="cpu"):
        figures = evaluate(record.checkpoint, looked_at(valid, TrainConfig(**RECIPES[recipe])))
        for name in ("edge_accuracy", "edge_accuracy_encoder"):
            assert getattr(record, name) == pytest.approx(figures[name]), (record.epoch, name)
        assert record.valid_relabelling == figures["relabelling"] and record.valid_sims == figures["num_sims"] == 15
        if record.epoch % 2 or record.epoch == record.num_epochs:
            assert (record.valid_mse or {}) == pytest.approx(figures["rollout_mse"])
        else:
            assert record.valid_mse is None, "an epoch of five steps is too short for them"


def test_forecasts_of_data_that_end_with_the_window_begin_in_its_middle(data: Trajectories) -> None:
    train, valid = split(data.select(slice(None), frames=slice(0, 12)))
    record = next(fit(train, valid, TrainConfig(**TINY), device="cpu"))
    assert record.valid_mse.keys() == {"1"} and record.valid_mse["1"] > 0


def test_losses_tell_likelihood_and_divergence_apart(data: Trajectories) -> None:
    for recipe in ("live", "marginal", "bound"):
        losses = next(fit(data, data, TrainConfig(**RECIPES[recipe]), device="cpu")).losses
        assert {"loss", "nll", "kl"} <= losses.keys() and losses["kl"] >= 0
        if recipe == "bound":
            assert losses["loss"] == pytest.approx(losses["nll"] + losses["kl"], rel=1e-5)


def test_a_report_looks_at_few_systems_of_a_short_epoch_and_at_more_of_a_long_one(data: Trajectories) -> None:
    for num_nodes, expected in ((4, [16, 32, 64]), (8, [16, 16, 64])):
        many = Trajectories(np.tile(data.values, (4, 1, num_nodes // 4, 1)), data.feature_names)
        assert [looked_at(many, TrainConfig(epoch_size=size)).num_sims for size in (8, 256, 1280)] == expected
