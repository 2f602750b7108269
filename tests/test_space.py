"""Motion in space: the parts that look at relative geometry turn with it, and learn there as in the plane."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nri_core.inference import infer_edges, rollout
from nri_core.metrics import score_edges
from nri_core.models import NRI
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.training import fit
from nri_core.trajectories import Trajectories

SPACE = ("x", "y", "z", "vx", "vy", "vz")


def springs_in_space(*, num_sims: int, num_steps: int = 49, seed: int = 0) -> Trajectories:
    """Five points, half of the pairs joined by springs, drifting apart or not: leapfrog, ten steps a frame."""
    generator = np.random.default_rng(seed)
    upper = np.triu(generator.random((num_sims, 5, 5)) < 0.5, 1)
    edges = (upper | upper.swapaxes(1, 2)).astype(np.int64)
    place, speed = generator.normal(0, 0.5, (num_sims, 5, 3)), generator.normal(0, 0.5, (num_sims, 5, 3))

    def pull() -> np.ndarray:
        return 0.4 * (np.einsum("sij,sjd->sid", edges, place) - edges.sum(2)[..., None] * place)

    frames = []
    for _ in range(num_steps):
        frames.append(np.concatenate([place, speed], axis=-1))
        for _ in range(10):
            speed = speed + 0.005 * pull()
            place = place + 0.01 * speed
            speed = speed + 0.005 * pull()
    return Trajectories(np.stack(frames, axis=1), SPACE, dt=0.1, edge_types=edges, edge_type_names=("none", "spring"))


def network(**settings: object) -> NRI:
    torch.manual_seed(0)
    return NRI(TrainConfig(**settings), feature_names=SPACE, num_nodes=5, window=20).double()


def test_forces_turn_with_the_picture() -> None:
    """Any rotation, and any move: what a sender says turns along; without the third dimension nothing would."""
    values = torch.from_numpy(springs_in_space(num_sims=3, num_steps=20).values.copy())
    decoder = network().decoder
    decoder.calibrate(values)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    turn[:, 0] *= torch.linalg.det(turn).sign()
    state = values[:, 3]
    turned = torch.cat([state[..., :3] @ turn.T + 0.7, state[..., 3:] @ turn.T], dim=-1)
    assert torch.allclose(decoder.messages(turned).values, decoder.messages(state).values @ turn.T)


@pytest.mark.parametrize("forecaster", ["none", "stepped"])
def test_every_axis_is_forecast(forecaster: str) -> None:
    data = springs_in_space(num_sims=6, num_steps=24)
    config = TrainConfig(epochs=1, epoch_size=6, window=16, forecaster=forecaster, forecast_members=1)
    for record in fit(data, data, config, device="cpu"):
        pass
    posterior = infer_edges(record.checkpoint, data)
    forecast = rollout(record.checkpoint, data, posterior, start=15, num_steps=4)
    moved = np.abs(forecast.values - data.values[:, 15, None]).max((0, 1, 2))
    assert (moved[:3] > 0.1).all()


@pytest.mark.parametrize(
    ("features", "parts"),
    [
        (SPACE, ("edgewise", "relative")),
        (("x", "y", "vx", "vy"), ("edgewise", "relative")),
        (("x", "y", "z"), ("mlp", "mlp")),
        (("x", "y", "z", "vx", "vy"), ("mlp", "mlp")),
        (("x", "y"), ("mlp", "mlp")),
    ],
)
def test_parts_suit_the_features(features: tuple[str, ...], parts: tuple[str, str]) -> None:
    config = suited(PRESETS["live"], (), features)
    assert (config.encoder, config.decoder) == parts
    assert config.symmetries == (features == ("x", "y", "vx", "vy"))


@pytest.mark.slow
def test_graphs_in_space_are_found_without_labels() -> None:
    data, held_out = springs_in_space(num_sims=200, seed=1), springs_in_space(num_sims=100, seed=2)
    config = suited(PRESETS["live"], (), SPACE).model_copy(update={"epochs": 10})
    for record in fit(replace(data, edge_types=None, edge_type_names=()), held_out, config, device="cpu"):
        pass
    assert score_edges(infer_edges(record.checkpoint, held_out), held_out).accuracy > 0.97
