"""Training: it learns, the seed decides, and what does not fit is refused before the first step."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from nri_core.dataset import Normalizer, turn_and_flip
from nri_core.errors import ConfigError, DataError
from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.systems import Charged, Simulation, Springs, simulate
from nri_core.training import check, fit
from nri_core.training.fitting import _learning_rate
from nri_core.trajectories import Trajectories

SHORT = {"epochs": 3, "epoch_size": 32, "batch_size": 8, "encoder_hidden": 8, "decoder_hidden": 8}


def springs(**size: int) -> Trajectories:
    return simulate(Springs(), Simulation(**{"num_sims": 40, "num_nodes": 4, "num_steps": 12, "seed": 1} | size))


def recipe(preset: str = "live", **changes) -> TrainConfig:
    return TrainConfig(**PRESETS[preset].model_dump() | SHORT | {"window": 12} | changes)


def last(train: Trajectories, valid: Trajectories, config: TrainConfig, **options):
    *_, record = fit(train, valid, config, **options)
    return record


@pytest.mark.parametrize("preset", PRESETS)
def test_equal_seeds_give_equal_weights(preset: str) -> None:
    train, valid = split(springs())
    first, again, other = (last(train, valid, recipe(preset, seed=seed, prediction_steps=4)) for seed in (3, 3, 4))
    states = [record.checkpoint.model.state_dict() for record in (first, again, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])
    assert first.metrics().keys() == again.metrics().keys()


@pytest.mark.parametrize("encoder_dropout", [0.0, 0.3])
def test_training_neither_reads_nor_touches_the_global_seed(encoder_dropout: float) -> None:
    losses = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        expected = torch.rand(3)
        torch.manual_seed(seed)
        losses.add(last(*split(springs()), recipe("paper", epochs=1, prediction_steps=4, encoder_dropout=encoder_dropout)).losses["loss"])
        assert torch.equal(torch.rand(3), expected)
    assert len(losses) == 1


@pytest.mark.slow
def test_a_short_live_run_finds_the_springs_without_labels() -> None:
    """Far above chance on fresh simulations after a few seconds, although no label was given."""
    train, valid = split(springs(num_sims=300, num_nodes=3, num_steps=30))
    unlabelled = Trajectories(train.values.copy(), train.feature_names, train.dt)
    record = last(unlabelled, valid, recipe(window=30, epochs=10, epoch_size=160, decoder_hidden=16, encoder_hidden=16))
    figures = evaluate(record.checkpoint, springs(num_sims=100, num_nodes=3, num_steps=45, seed=2))
    assert figures["edge_accuracy"] > 0.97 and figures["inference"] == "exact"
    assert figures["rollout_mse"]["10"] < figures["static_mse"]["10"] / 20


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["elbo", "distilled"])
@pytest.mark.parametrize("decoder", ["mlp", "relative"])
def test_every_decoder_overfits_a_handful_of_paths(objective: str, decoder: str) -> None:
    data = springs(num_sims=4, num_nodes=3)
    likelihood = "gaussian" if decoder == "mlp" else "student_t"
    config = recipe(
        objective=objective, decoder=decoder, likelihood=likelihood, prediction_steps=2, epochs=40, epoch_size=40, batch_size=4, symmetries=False,
        decoder_hidden=16, encoder="edgewise",
    )  # fmt: skip
    records = list(fit(data, data, config))
    assert records[-1].losses["nll"] < (0.3 * records[0].losses["nll"] if decoder == "mlp" else records[0].losses["nll"] - 1)


@pytest.mark.slow
def test_the_papers_model_learns_the_graph_by_the_bound() -> None:
    """NRI proper, small: MLP encoder and decoder, multi-step bound, no labels; chance is 50 %."""
    train, valid = split(springs(num_sims=4000, num_nodes=3, num_steps=20))
    config = recipe(
        "paper", window=20, epochs=40, epoch_size=3600, batch_size=32, encoder_hidden=32, decoder_hidden=32, learning_rate=2e-3, schedule="cosine",
        undirected=True, threads=1,
    )  # fmt: skip
    record = last(train, valid, config)
    figures = evaluate(record.checkpoint, springs(num_sims=500, num_nodes=3, num_steps=20, seed=2))
    assert figures["inference"] == "encoder" and figures["edge_accuracy"] > 0.75


@pytest.mark.slow
def test_live_reaches_its_promise_within_few_draws() -> None:
    """Springs-5: the graph and a forecast 500 times better than standing still after what takes 15 s on one quiet core."""
    record = last(*split(springs(num_sims=2000, num_nodes=5, num_steps=49)), PRESETS["live"].model_copy(update={"epochs": 24}))
    figures = evaluate(record.checkpoint, springs(num_sims=300, num_nodes=5, num_steps=70, seed=2))
    assert figures["edge_accuracy"] > 0.99
    assert figures["rollout_mse"]["10"] * 500 < figures["static_mse"]["10"]


@pytest.mark.slow
def test_live_reads_charges_without_knowing_the_law() -> None:
    """Charged-5 after what takes 25 s on one quiet core: the paper's figure is 82.1 %; both types send messages, so labels may come out swapped."""
    data = simulate(Charged(), Simulation(num_sims=2000, seed=1))
    config = suited(PRESETS["live"], data.edge_type_names).model_copy(update={"epochs": 36})
    record = last(*split(data), config)
    assert evaluate(record.checkpoint, simulate(Charged(), Simulation(num_sims=300, seed=2)))["edge_accuracy"] > 0.95


def test_records_carry_the_watched_graph_and_a_falling_clock() -> None:
    train, valid = split(springs())
    records = list(fit(train, valid, recipe(), watch=valid.select(slice(0, 1))))
    assert [record.epoch for record in records] == [1, 2, 3]
    assert all(record.watched.edge_probs.shape == (1, 4, 4, 2) for record in records)
    assert records[-1].seconds_left == 0 and records[0].seconds < records[-1].seconds
    assert records[-1].samples == 36 + 36 + 2 * 8  # 12 batches of 8, the fifth of each pass over 36 short


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_rougher_arithmetic_trains_and_leaves_no_trace(preset: str) -> None:
    train, valid = split(springs())
    exact, rough = (last(train, valid, recipe(preset, prediction_steps=4, precision=precision)) for precision in ("float32", "bf16"))
    assert rough.losses["loss"] != exact.losses["loss"] and rough.losses["loss"] == pytest.approx(exact.losses["loss"], rel=0.2)
    assert all(weight.dtype == torch.float32 for weight in rough.checkpoint.model.parameters())
    assert torch.get_float32_matmul_precision() == "highest" and not torch.is_autocast_enabled("cpu")


def test_a_time_limit_ends_the_run_with_the_learning_rate_down(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("nri_core.training.fitting.time", SimpleNamespace(perf_counter=lambda: 0.02 * next(ticks)))  # a busy machine has a clock of its own
    records = list(fit(*split(springs()), recipe(epochs=100_000, max_seconds=1.0)))
    assert 1 <= records[-1].seconds < 1.1 and 3 < len(records) < 20
    assert records[-1].learning_rate < records[len(records) // 2].learning_rate


def test_the_learning_rate_follows_the_recipe() -> None:
    paper, live = PRESETS["paper"], PRESETS["live"]
    assert [_learning_rate(paper, share) for share in (0.1, 0.39, 0.41, 0.81)] == [5e-4, 5e-4, 2.5e-4, 1.25e-4]
    assert _learning_rate(live, 0.025) == pytest.approx(live.learning_rate / 2, rel=0.01)
    assert _learning_rate(live, 1.0) == pytest.approx(0, abs=1e-9)


def test_keep_best_keeps_the_epoch_of_the_lowest_validation_loss() -> None:
    train, valid = split(springs())
    records = list(fit(train, valid, recipe(keep_best=True, learning_rate=0.9, epochs=6)))
    losses = [record.valid_loss for record in records]
    kept = {id(record.checkpoint.model) for record, loss in zip(records, losses, strict=True) if loss > min(losses[: record.epoch])}
    assert kept <= {id(records[losses.index(min(losses))].checkpoint.model), *(id(record.checkpoint.model) for record in records[: losses.index(min(losses))])}


@pytest.mark.parametrize(
    ("changes", "data", "error", "message"),
    [
        ({"objective": "elbo", "prediction_steps": 12}, {}, ConfigError, "fewer prediction steps"),
        ({"num_edge_types": 3}, {"num_nodes": 9}, ConfigError, "choose the elbo objective"),
        ({}, {"num_steps": 2}, DataError, "at least 3 frames"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_step(changes: dict, data: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        next(fit(*split(springs(**data)), recipe(**changes)))
    with pytest.raises(error, match=message):
        check(springs(**data).select(slice(1)), recipe(**changes))  # one simulation tells


def test_what_fits_passes_the_check() -> None:
    check(springs().select(slice(1)), recipe())


@pytest.mark.parametrize("wrong", [{"encoder": "none"}, {"objective": "marginal"}, {"num_edge_types": 1}, {"learning_rate": 0}, {"window": 2}, {"unknown": 1}])
def test_impossible_settings_are_refused_at_construction(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        recipe(**wrong)


def test_a_loss_that_is_not_finite_stops_the_run_with_advice() -> None:
    train, valid = split(springs())
    with pytest.raises(DataError, match="lower the learning rate"):
        list(fit(train, valid, recipe("paper", learning_rate=1.0, epochs=200, prediction_steps=11)))


def test_training_without_encoder_by_marginal_likelihood() -> None:
    record = last(*split(springs()), recipe(objective="marginal", encoder="none"))
    assert record.edge_accuracy_encoder is None and record.checkpoint.model.encoder is None


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(ConfigError, match="not available"):
        next(fit(*split(springs()), recipe(), device="cuda:7"))


def test_splitting_keeps_simulations_whole() -> None:
    data = springs()
    train, valid = split(data, valid_fraction=0.25)
    assert (train.num_sims, valid.num_sims) == (30, 10)
    assert np.array_equal(np.concatenate([train.values, valid.values]), data.values)
    with pytest.raises(DataError, match="at least 2 simulations"):
        split(data.select(slice(0, 1)))


@pytest.mark.parametrize("kind", ["unit", "standard"])
def test_normalising_is_undone_and_keeps_directions(kind: str) -> None:
    data = springs()
    normalizer = Normalizer.fit(data, kind)
    assert normalizer.scale[0] == normalizer.scale[1] and normalizer.scale[2] == normalizer.scale[3]
    values = normalizer.apply(data.values)
    assert np.allclose(normalizer.undo(values), data.values)
    if kind == "unit":
        assert values[..., :2].min() == pytest.approx(-1) and values[..., :2].max() == pytest.approx(1)


def test_constant_features_are_named() -> None:
    values = np.random.default_rng(0).normal(size=(3, 5, 2, 2))
    values[..., 1] = 7
    with pytest.raises(DataError, match="`height` constant"):
        Normalizer.fit(Trajectories(values, ("x", "height")), "unit")


def test_symmetries_of_the_square_keep_distances_and_turn_velocities_along() -> None:
    values = torch.from_numpy(springs(num_sims=64).values.copy())
    turned = turn_and_flip(values, ("x", "y", "vx", "vy"), torch.Generator().manual_seed(0))
    moved = (values[:, 1:, :, :2] - values[:, :-1, :, :2], turned[:, 1:, :, :2] - turned[:, :-1, :, :2])
    along = [(step * part[:, 1:, :, 2:]).sum(-1) for step, part in zip(moved, (values, turned), strict=True)]
    assert torch.allclose(along[0], along[1])
    assert len({tuple(row) for row in (turned[:, 0, 0] / values[:, 0, 0]).sign().tolist()}) >= 4
