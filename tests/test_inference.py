"""Reading graphs: by the encoder, exactly, per receiver, by search; one answer each for sizes the model never saw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError, DataError
from nri_core.inference import combine, ensemble, infer_edges, infer_windows, rollout
from nri_core.metrics import score_edges
from nri_core.models import NRI
from nri_core.settings import ModelSettings
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories

SHIPPED = Path(__file__).parents[1] / "sample_data" / "models" / "springs5"


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return Checkpoint.load(SHIPPED)


@pytest.mark.parametrize(
    ("num_nodes", "way", "least"), [(2, "exact", 0.99), (3, "exact", 0.99), (5, "exact", 0.999), (8, "per receiver", 0.999), (14, "search", 0.999), (20, "search", 0.995)]
)
def test_the_springs5_decoder_reads_other_sizes_as_it_is(shipped: Checkpoint, num_nodes: int, way: str, least: float) -> None:
    data = simulate(Springs(), Simulation(num_sims=80 // num_nodes, num_nodes=num_nodes, seed=77))
    posterior = infer_edges(shipped, data)
    assert posterior.inference == way and posterior.edge_type_names == ("none", "type 1")
    assert score_edges(posterior, data).accuracy >= least


def test_inference_reads_the_first_frames_of_longer_data(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=5, num_steps=80, seed=5))
    short = data.select(slice(None), frames=slice(0, 49))
    assert (infer_edges(shipped, data).edge_probs == infer_edges(shipped, short).edge_probs).all()


def test_one_simulation_is_read_like_many(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=150, num_nodes=5, seed=5))
    alone = infer_edges(shipped, data.select(slice(140, 141)), inference="encoder")
    together = infer_edges(shipped, data, inference="encoder")
    assert abs(alone.edge_probs - together.edge_probs[140:141]).max() < 1e-4


def test_another_way_of_inference_is_refused(shipped: Checkpoint) -> None:
    with pytest.raises(CheckpointError, match="found 'magic'"):
        infer_edges(shipped, simulate(Springs(), Simulation(num_sims=2, num_steps=10)), inference="magic")


def test_every_window_of_longer_data_has_a_graph_of_its_own(shipped: Checkpoint, tmp_path: Path) -> None:
    """Two systems cut together: the first windows show one graph, the last ones the other."""
    first, second = (simulate(Springs(), Simulation(num_sims=3, num_steps=60, seed=seed)) for seed in (5, 6))
    values = np.concatenate([first.values, second.values], axis=1)
    over_time = infer_windows(shipped, Trajectories(values, first.feature_names, first.dt), stride=10)
    assert over_time.starts == (0, 10, 20, 30, 40, 50, 60, 70)
    for window, data in ((0, first), (7, second)):
        assert score_edges(over_time.windows[window], data).accuracy == 1
    over_time.save(tmp_path / "windows.npz")
    assert np.load(tmp_path / "windows.npz")["edge_probs"].shape == (8, 3, 5, 5, 2)
    with pytest.raises(DataError, match="at least 1 frame"):
        infer_windows(shipped, first, stride=0)


def test_windows_of_one_graph_combine_to_it(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=20, num_steps=99, seed=8))
    over_time = infer_windows(shipped, data, stride=25, inference="encoder")
    singles = [score_edges(window, data).accuracy for window in over_time.windows]
    assert score_edges(over_time.combined(), data).accuracy >= max(singles) - 0.01


def test_an_ensemble_agrees_whatever_its_members_call_their_types(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=10, seed=8))
    posterior = infer_edges(shipped, data, inference="encoder")
    swapped = posterior.relabelled((1, 0), posterior.edge_type_names)
    together = ensemble([posterior, swapped, posterior])
    assert abs(together.edge_probs - posterior.edge_probs).max() < 1e-6 and together.inference == "mean of 3 models"
    with pytest.raises(DataError, match="one shape"):
        ensemble([posterior, posterior.select(slice(0, 5))])


def test_an_ensemble_is_a_model_like_any_other(shipped: Checkpoint, tmp_path: Path) -> None:
    """One member calls its types the other way round, and means the same."""
    settings = shipped.config.settings.model_copy(update={"skip_first": False})
    data = simulate(Springs(), Simulation(num_sims=6, num_steps=60, seed=8))
    members = [_untrained(shipped, settings, seed) for seed in (1, 2)]
    swapped = _untrained(shipped, settings, 1)
    with torch.no_grad():
        for weight in (*swapped.model.decoder.pair.weights, *swapped.model.decoder.pair.biases):
            weight.copy_(weight[[1, 0, 2]])
    together = combine([members[0], swapped, members[1]], data)
    assert together.config.relabellings[0] == (1, 0)
    together.save(tmp_path / "ensemble")
    again = Checkpoint.load(tmp_path / "ensemble")
    alone = [infer_edges(member, data, inference="decoder") for member in (members[0], members[1])]
    posterior = infer_edges(again, data, inference="decoder")
    expected = (2 * alone[0].edge_probs + alone[1].relabelled(again.config.relabellings[1], alone[0].edge_type_names).edge_probs) / 3
    assert posterior.inference == "mean of 3 models" and abs(posterior.edge_probs - expected).max() < 1e-5
    path = {"start": 48, "num_steps": 5}
    first = rollout(members[0], data, alone[0], **path).values
    expected = (2 * first + rollout(members[1], data, alone[0].relabelled(again.config.relabellings[1], ("a", "b")), **path).values) / 3
    assert abs(rollout(again, data, alone[0], **path).values - expected).max() < 1e-5
    assert "mean of 3 models" in (tmp_path / "ensemble" / "README.md").read_text()


def test_only_trainings_of_one_recipe_combine(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=2, seed=8))
    other = replace(shipped, config=shipped.config.model_copy(update={"window": 30}))
    with pytest.raises(CheckpointError, match="differ in window"):
        combine([shipped, other], data)


def _untrained(shipped: Checkpoint, settings: ModelSettings, seed: int) -> Checkpoint:
    torch.manual_seed(seed)
    config = shipped.config.model_copy(update={"settings": settings})
    model = NRI(settings, feature_names=config.feature_names, num_nodes=config.num_nodes, window=config.window)
    model.calibrate(shipped.tensor(simulate(Springs(), Simulation(num_sims=8, seed=1))))
    return Checkpoint(model.eval(), config)
