"""Oscillators: what the phase parts see, phases rebuilt from their sine, and what they learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError, DataError
from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.inference import infer_edges, rollout
from nri_core.metrics import score_edges
from nri_core.models import NRI, ModelSettings
from nri_core.models.phases import OSCILLATORS
from nri_core.phases import FROM_SINE, as_given, readable, rebuilt_phase
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.systems import Kuramoto, Simulation, simulate
from nri_core.systems.kuramoto import paper_features
from nri_core.training import fit
from nri_core.trajectories import Trajectories

PHASE = ModelSettings(encoder="phase", decoder="phase", encoder_hidden=8, decoder_hidden=8)


def oscillators(*, sims: int = 20, nodes: int = 5, frames: int = 49, seed: int = 0, **law) -> Trajectories:
    return simulate(Kuramoto(**law), Simulation(num_sims=sims, num_nodes=nodes, num_steps=frames, seed=seed))


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far two angles differ, whole turns aside."""
    return np.abs(np.angle(np.exp(1j * (first - second))))


def recipe(data: Trajectories, **changes) -> TrainConfig:
    return TrainConfig(**suited(PRESETS["live"], data.edge_type_names, data.feature_names).model_dump() | changes)


def test_only_differences_of_phases_count() -> None:
    """All phases shifted alike: the same graph, and forecasts shifted alike. One phase shifted: not so. A whole turn of one: nothing."""
    torch.manual_seed(0)
    model = NRI(PHASE, feature_names=OSCILLATORS, num_nodes=5, window=10).double()
    values = torch.from_numpy(oscillators(sims=3, frames=10).values.copy())
    model.calibrate(values)
    edges = torch.rand(3, 5, 4, 2, dtype=torch.float64).softmax(-1)

    def seen(shift: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        moved = values.clone()
        moved[..., 2] += shift
        moved[..., 1] = moved[..., 2].sin()
        return model.edge_logits(moved), model.rollout(moved[:, :1], edges, num_steps=3)[..., [0, 2]]

    (logits, after), (logits_shifted, after_shifted) = seen(torch.zeros(5)), seen(torch.full((5,), 1.3))
    assert torch.allclose(logits_shifted, logits)
    assert torch.allclose(after_shifted, after + torch.tensor([0.0, 1.3], dtype=torch.float64), atol=1e-6)
    one = torch.tensor([1.3, 0, 0, 0, 0])
    assert not torch.allclose(seen(one)[0], logits) and not torch.allclose(seen(one)[1][..., 0], after[..., 0])
    assert torch.allclose(seen(torch.tensor([2 * torch.pi, 0, 0, 0, 0], dtype=torch.float64))[0], logits)


def test_a_forecast_keeps_frequencies_and_its_sine_is_that_of_its_phase() -> None:
    torch.manual_seed(0)
    model, data = NRI(PHASE, feature_names=OSCILLATORS, num_nodes=5, window=10).double(), oscillators(frames=10)
    values = torch.from_numpy(data.values.copy())
    values[..., 1] = 3 * values[..., 1] + 0.5  # in whatever units
    model.calibrate(values)
    after = model.rollout(values[:, :1], torch.rand(20, 5, 4, 2).double().softmax(-1), num_steps=4)
    assert torch.equal(after[..., 3], values[:, :1, :, 3].expand(-1, 4, -1))
    assert torch.allclose(after[..., 1], 3 * after[..., 2].sin() + 0.5, atol=1e-5)


@pytest.mark.parametrize(("nodes", "frames"), [(5, 49), (5, 99), (10, 49)])
def test_phases_and_rates_are_rebuilt_from_the_papers_features(nodes: int, frames: int) -> None:
    data = oscillators(sims=60, nodes=nodes, frames=frames, seed=3)
    rebuilt = rebuilt_phase(paper_features(data))
    assert rebuilt.feature_names == data.feature_names
    wrong = apart(rebuilt.values[..., 2], data.values[..., 2]).max(1) > 0.05
    assert wrong.mean() <= 0.003, "of the oscillators"
    assert np.abs(np.sin(rebuilt.values[..., 2]) - data.values[..., 1]).max() < 1e-5
    off = np.abs(rebuilt.values[..., 0] - data.values[..., 0])
    assert np.quantile(off, 0.99) < 0.05 and np.median(off) < 0.005, "rates are 1 to 10 and more"


def test_rebuilding_reads_no_edges_and_follows_a_renaming_of_the_nodes() -> None:
    given = paper_features(oscillators(sims=4))
    rebuilt, order = rebuilt_phase(given), [3, 0, 4, 1, 2]
    assert np.array_equal(rebuilt_phase(replace(given, edge_types=None)).values, rebuilt.values)
    renamed = replace(given, values=given.values[:, :, order], edge_types=None)
    assert np.array_equal(rebuilt_phase(renamed).values, rebuilt.values[:, :, order])


def test_a_lone_oscillator_turns_steadily() -> None:
    """Its scaled rate is 0 throughout: turns a frame are found from the sine alone."""
    data = oscillators(probability=0.0)
    rebuilt = rebuilt_phase(paper_features(data))
    assert np.allclose(rebuilt.values[..., 0], data.values[..., 3], atol=1e-3)


def test_what_cannot_be_rebuilt_is_refused() -> None:
    data = paper_features(oscillators(sims=1))
    with pytest.raises(DataError, match="omega is missing"):
        rebuilt_phase(replace(data, values=data.values[..., :2], feature_names=data.feature_names[:2]))
    with pytest.raises(DataError, match="found 3"):
        rebuilt_phase(data.select(slice(None), frames=slice(0, 3)))


def test_features_as_given_undo_the_rebuilding() -> None:
    given = paper_features(oscillators(seed=4))
    rebuilt = rebuilt_phase(given)
    past = slice(None), slice(0, 30)
    back = as_given(rebuilt, given.select(past[0], frames=past[1]), rebuilt.select(past[0], frames=past[1]))
    assert back.feature_names == given.feature_names
    assert np.allclose(back.values, given.values, atol=1e-4)


def test_only_phase_parts_without_a_phase_have_it_rebuilt() -> None:
    physical = oscillators(sims=2)
    given = paper_features(physical)
    assert readable(physical, PHASE) is physical and readable(given, ModelSettings(encoder="mlp", decoder="mlp")) is given
    assert readable(given, PHASE).metadata["phase"] == FROM_SINE


def test_a_model_of_the_papers_features_is_saved_reads_and_forecasts_in_them(tmp_path: Path) -> None:
    data = oscillators(sims=8, frames=30, features="paper")
    *_, record = fit(*split(data), recipe(data, window=20, epochs=1, epoch_size=8, encoder_hidden=8, decoder_hidden=8))
    record.checkpoint.save(tmp_path / "model")
    checkpoint = Checkpoint.load(tmp_path / "model")
    assert checkpoint.config.feature_names == data.feature_names
    posterior = infer_edges(checkpoint, data)
    assert np.array_equal(posterior.edge_probs, infer_edges(record.checkpoint, data).edge_probs)
    forecast = rollout(checkpoint, data, posterior, start=19, num_steps=10)
    assert forecast.feature_names == data.feature_names and forecast.values.shape == (8, 10, 5, 3)
    assert np.allclose(forecast.values[..., 2], data.values[:, 20:, :, 2], atol=1e-5)
    assert set(evaluate(checkpoint, data)["rollout_mse"]) == {"1", "10"}
    with pytest.raises(CheckpointError, match="trained on the features dphi, sin_phi, omega"):
        infer_edges(checkpoint, oscillators(sims=2, frames=30))


def test_training_in_bfloat16_keeps_the_regression_exact() -> None:
    """The inverse is taken in the precision of the values."""
    torch.manual_seed(0)
    model = NRI(PHASE, feature_names=OSCILLATORS, num_nodes=5, window=10)
    values = torch.from_numpy(oscillators(sims=4, frames=10).values.copy()).float()
    model.calibrate(values)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.edge_logits(values)
    assert torch.allclose(logits.float(), model.edge_logits(values), atol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("features", ["physical", "paper"])
def test_a_short_run_reads_the_graph_of_oscillators(features: str) -> None:
    """A few seconds. Chance is 50 %; the paper's own figure, from 50,000 simulations, is 96.0 %."""
    data = oscillators(sims=600, seed=1, features=features)
    *_, record = fit(*split(data), recipe(data, epochs=8))
    fresh = oscillators(sims=200, seed=2, features=features)
    assert score_edges(infer_edges(record.checkpoint, fresh), fresh).accuracy > 0.97
    assert score_edges(infer_edges(record.checkpoint, fresh, inference="encoder"), fresh).accuracy > 0.7
