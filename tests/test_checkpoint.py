"""Checkpoints: round trips, damage, and data that do not fit."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError
from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.inference import infer_edges, rollout
from nri_core.systems import Charged, Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories
from tests.test_training import recipe, springs


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return next(fit(*split(springs()), recipe(epochs=1))).checkpoint


def test_round_trip_infers_the_same_graph(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model")
    again = Checkpoint.load(tmp_path / "model")
    fresh = springs(seed=9)
    assert (infer_edges(again, fresh).edge_probs == infer_edges(checkpoint, fresh).edge_probs).all()
    assert again.config == checkpoint.config
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_saving_again_replaces_a_model_but_nothing_else(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model")
    checkpoint.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "model" / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="holds 'thesis.txt'"):
        checkpoint.save(tmp_path / "model")
    assert (tmp_path / "model" / "thesis.txt").read_text() == "years of work"


def test_a_failed_save_keeps_the_old_model(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(tmp_path / "model")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nri_core.checkpoint.write_json", full)
    with pytest.raises(CheckpointError, match="No space left"):
        checkpoint.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    Checkpoint.load(tmp_path / "model")


def damage_nothing_there(folder: Path) -> None:
    (folder / "config.json").unlink()


def damage_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def damage_truncated_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def damage_pickled_weights(folder: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, folder / "model.safetensors")


def damage_huge_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}")


def damage_other_weights(folder: Path) -> None:
    save_file({"weight": torch.zeros(3)}, folder / "model.safetensors")


def damage_nan_weights(folder: Path) -> None:
    save_file({"weight": torch.full((3,), torch.nan)}, folder / "model.safetensors")


def damage_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def damage_binary_json(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe\x00")


def damage_newer_format(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"format": 2}))


def damage_setting_out_of_range(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["settings"]["num_edge_types"] = 10**9
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("damage", [value for name, value in sorted(globals().items()) if name.startswith("damage_")])
def test_damage_ends_in_one_sentence(checkpoint: Checkpoint, tmp_path: Path, damage) -> None:
    checkpoint.save(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(CheckpointError) as error:
        Checkpoint.load(tmp_path / "model")
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_data_that_do_not_fit_are_refused_in_one_sentence(checkpoint: Checkpoint) -> None:
    other = Trajectories(springs().values[..., :2].copy(), ("x", "y"), 0.1)
    with pytest.raises(CheckpointError, match="features x, y, vx, vy; these data have x, y"):
        infer_edges(checkpoint, other)
    slower = Trajectories(springs().values.copy(), ("x", "y", "vx", "vy"), 0.2)
    with pytest.raises(CheckpointError, match="0.1 time units between frames"):
        infer_edges(checkpoint, slower)
    with pytest.raises(CheckpointError, match="trained on springs; these data are of charged"):
        infer_edges(checkpoint, simulate(Charged(), Simulation(num_sims=2, num_nodes=4, num_steps=12)))
    with pytest.raises(CheckpointError, match="reads 3 frames"):
        infer_edges(checkpoint, springs(num_steps=2))


@pytest.mark.slow
def test_the_shipped_model_is_as_good_as_its_card_says() -> None:
    shipped = Checkpoint.load(Path(__file__).parents[1] / "sample_data" / "models" / "springs5")
    figures = evaluate(shipped, simulate(Springs(), Simulation(num_sims=1000, num_steps=70, seed=987)))
    card = shipped.config.metadata["figures"]
    assert figures["edge_accuracy"] >= 0.995 and figures["edge_accuracy_encoder"] == pytest.approx(card["edge_accuracy_encoder"], abs=0.01)
    assert figures["rollout_mse"]["10"] * 500 < figures["static_mse"]["10"]


def test_a_forecast_starts_at_the_true_frame_and_says_so(checkpoint: Checkpoint) -> None:
    data = springs()
    posterior = infer_edges(checkpoint, data)
    forecast = rollout(checkpoint, data, posterior, start=5, num_steps=4)
    assert forecast.values.shape == (40, 4, 4, 4) and forecast.metadata["start"] == 5
    first = rollout(checkpoint, data, posterior, start=0, num_steps=1)
    assert abs(first.values[:, 0] - data.values[:, 0]).mean() < abs(first.values[:, 0] - data.values[:, 8]).mean()
