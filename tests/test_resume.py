"""A training that was broken off and resumed equals the unbroken one to the bit."""

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from nri_core.errors import CheckpointError
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import EpochRecord, TrainingState, fit
from nri_core.training.state import Progress
from nri_core.trajectories import Trajectories

TINY = {"epochs": 4, "epoch_size": 7, "batch_size": 3, "encoder_hidden": 4, "decoder_hidden": 4, "window": 12}
REFERENCE = TINY | {"encoder": "mlp", "decoder": "mlp", "objective": "elbo", "inference": "encoder", "undirected": False, "normalization": "unit"}
RECIPES = {
    "live": TINY,
    "reference": REFERENCE | {"encoder_dropout": 0.5, "likelihood": "gaussian", "schedule": "halving", "keep_best": True, "symmetries": False},
    "recurrent": REFERENCE | {"encoder": "cnn", "window": 20, "decoder": "rnn", "burn_in": 4, "hard": True},
    "forecaster": TINY | {"forecaster": "stepped", "forecast_members": 2},
    "full graph": TINY | {"encoder": "none", "decoder": "lstm", "objective": "full_graph", "inference": "none", "burn_in": 4},
}
CLOCK = {"seconds", "seconds_left", "samples_per_second"}


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=8, num_nodes=3, num_steps=20))


def train(data: Trajectories, config: TrainConfig, resume: TrainingState | None = None, epochs: int | None = None) -> list[dict[str, Any]]:
    """What each epoch brought, weights included."""
    records = fit(data, data, config, device="cpu", watch=data.select(slice(0, 2)), resume=resume)
    return [seen(record) for record in itertools.islice(records, epochs)]


def seen(record: EpochRecord) -> dict[str, Any]:
    weights = {name: value.clone() for name, value in record.checkpoint.model.state_dict().items()}
    figures = {name: value for name, value in record.metrics().items() if name not in CLOCK}
    return {"figures": figures, "weights": weights, "watched": None if record.watched is None else record.watched.edge_probs, "state": record.state()}


@pytest.mark.parametrize("recipe", RECIPES)
def test_resumed_equals_unbroken(recipe: str, data: Trajectories, tmp_path: Path) -> None:
    config = TrainConfig(**RECIPES[recipe])
    whole = train(data, config)
    for broken_after in (1, 3):
        whole[broken_after - 1]["state"].save(tmp_path / "state.safetensors")  # a copy that was taken then
        torch.manual_seed(99)  # another process starts elsewhere
        rest = train(data, config, resume=TrainingState.load(tmp_path / "state.safetensors"))
        assert [epoch["figures"]["epoch"] for epoch in rest] == list(range(broken_after + 1, 5))
        for resumed, unbroken in zip(rest, whole[broken_after:], strict=True):
            assert resumed["figures"] == unbroken["figures"]
            assert all(torch.equal(value, unbroken["weights"][name]) for name, value in resumed["weights"].items())
            assert resumed["watched"] is None or (resumed["watched"] == unbroken["watched"]).all()


def test_a_finished_training_has_nothing_left_to_do(data: Trajectories) -> None:
    for limit in (None, 1e-6):
        config = TrainConfig(**TINY, max_seconds=limit)
        assert train(data, config, resume=train(data, config)[-1]["state"]) == []


def test_the_time_in_between_does_not_count(data: Trajectories) -> None:
    config = TrainConfig(**TINY, max_seconds=1000)
    state = train(data, config, epochs=2)[-1]["state"]
    began = time.perf_counter()
    later = next(fit(data, data, config, device="cpu", resume=state))
    assert state.progress.seconds < later.seconds < state.progress.seconds + time.perf_counter() - began


def test_the_state_of_another_training_is_refused(data: Trajectories) -> None:
    state = train(data, TrainConfig(**TINY), epochs=1)[-1]["state"]
    with pytest.raises(CheckpointError, match="same settings"):
        train(data, TrainConfig(**TINY, seed=1), resume=state)
    with pytest.raises(CheckpointError, match="same data"):
        train(data.select(slice(0, 7)), TrainConfig(**TINY), resume=state)


@pytest.mark.parametrize("damage", ["empty", "torn", "pickle", "newer", "foreign", "no weights"])
def test_damaged_states_are_said(damage: str, data: Trajectories, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    state = train(data, TrainConfig(**TINY), epochs=1)[-1]["state"]
    state.save(path)
    whole = path.read_bytes()
    from safetensors.torch import save

    contents = {
        "empty": b"",
        "torn": whole[: len(whole) // 2],
        "pickle": b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.",
        "newer": whole.replace(b'\\"format\\":1', b'\\"format\\":9'),
        "foreign": save({"weight": torch.zeros(3)}),
        "no weights": whole,
    }
    path.write_bytes(contents[damage])
    with pytest.raises(CheckpointError, match="newer version" if damage == "newer" else "Start the training again"):
        loaded = TrainingState.load(path)
        train(data, TrainConfig(**TINY), resume=TrainingState(loaded.progress, {"left": loaded.tensors["left"]}) if damage == "no weights" else loaded)


@pytest.mark.parametrize("hostile", ["left", "moments", "no moments", "weights", "generator"])
def test_states_that_were_tampered_with_are_refused(hostile: str, data: Trajectories) -> None:
    state = train(data, TrainConfig(**TINY), epochs=1)[-1]["state"]
    tensors = dict(state.tensors)
    first = next(name for name in tensors if name.startswith("optimizer.") and name.endswith("exp_avg"))
    changes = {
        "left": {"left": torch.tensor([2, -9])},
        "moments": {first: torch.zeros(1, 1, 1, 1)},
        "weights": {next(name for name in tensors if name.startswith("model.")): torch.zeros(1, 1, 1, 1)},
        "generator": {"generator": torch.zeros(3, dtype=torch.uint8)},
    }
    tensors |= changes.get(hostile, {})
    if hostile == "no moments":
        tensors = {name: value for name, value in tensors.items() if not name.startswith("optimizer.")}
    with pytest.raises(CheckpointError, match="it is damaged"):
        train(data, TrainConfig(**TINY), resume=TrainingState(state.progress, tensors))


def test_progress_is_forward(data: Trajectories) -> None:
    said = train(data, TrainConfig(**TINY), epochs=1)[-1]["state"].progress
    for wrong in ({"epoch": 0}, {"seconds": -1.0}, {"best": float("nan")}):
        with pytest.raises(ValidationError):
            Progress.model_validate(said.model_dump() | wrong)
