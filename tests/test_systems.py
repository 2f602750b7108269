"""Laws of motion: agreement with the reference, conservation, seeds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from nri_core.errors import DataError
from nri_core.systems import SYSTEMS, Charged, Simulation, Springs, couplings, simulate


def test_springs_reproduce_every_frame_of_the_reference(shared_data: Path) -> None:
    """100 small steps from each stored frame give the next one, for all 100 simulations of the reference generator."""
    location, velocity, edges = (np.load(shared_data / "nri_springs5" / f"{name}_valid_springs5.npy") for name in ("loc", "vel", "edges"))
    frames = torch.from_numpy(np.concatenate([location, velocity], axis=2)).transpose(2, 3)
    num_sims, num_frames = frames.shape[:2]
    pairs = couplings(Springs(), torch.from_numpy(edges).long())
    repeated = pairs[:, None].expand(-1, num_frames - 1, -1, -1).flatten(0, 1)
    following = Springs().advance(frames[:, :-1].flatten(0, 1), repeated, num_steps=100).unflatten(0, (num_sims, num_frames - 1))
    assert num_sims == 100 and num_frames == 49
    assert (following - frames[:, 1:]).abs().max() < 1e-9


def test_springs_statistics_are_the_references() -> None:
    data = simulate(Springs(), Simulation(num_sims=2000, num_steps=2, seed=11))
    first = data.values[:, 0]
    assert np.abs(np.hypot(first[..., 2], first[..., 3]) - 0.5).mean() < 0.05  # speed 0.5 at the start
    assert 0.49 < first[..., :2].std() < 0.53
    off = ~np.eye(5, dtype=bool)
    assert 0.48 < data.edge_types[:, off].mean() < 0.52
    assert (data.edge_types == data.edge_types.swapaxes(1, 2)).all()


def test_springs_conserve_energy_and_momentum() -> None:
    system = Springs(box_size=1000)  # walls turn momentum around
    generator = torch.Generator().manual_seed(0)
    state = system.draw_start(64, 6, generator)
    pairs = couplings(system, system.draw_edges(64, 6, generator))
    after = system.advance(state, pairs, num_steps=3000)
    assert torch.allclose(after[..., 2:].sum(1), state[..., 2:].sum(1), atol=1e-12)
    drift = (system.energy(after, pairs) - system.energy(state, pairs)).abs() / system.energy(state, pairs)
    assert drift.max() < 1e-3


def test_walls_reflect_and_keep_the_speed() -> None:
    system = Springs()
    state = torch.tensor([[[4.9995, 0.0, 1.0, 0.5], [0.0, -4.9995, 0.0, -1.0]]], dtype=torch.float64)
    after = system.advance(state, torch.zeros(1, 2, 2, dtype=torch.float64), num_steps=1)
    expected = torch.tensor([[[4.9995, 0.0005, -1.0, 0.5], [0.0, -4.9995, 0.0, 1.0]]], dtype=torch.float64)
    assert torch.allclose(after, expected, atol=1e-12)


def test_two_particles_oscillate_at_the_frequency_of_their_spring() -> None:
    """Reduced mass ½: the distance swings as cos(√(2k) t)."""
    strength = 0.7
    system = Springs(strengths=(strength,))
    state = torch.tensor([[[0.5, 0, 0, 0], [-0.5, 0, 0, 0]]], dtype=torch.float64)
    pairs = couplings(system, torch.tensor([[[0, 1], [1, 0]]]))
    after = system.advance(state, pairs, num_steps=2000)
    expected = np.cos(np.sqrt(2 * strength) * 2.0)
    assert abs((after[0, 0, 0] - after[0, 1, 0]).item() - expected) < 2e-3


def test_charges_conserve_energy_and_momentum_away_from_encounters() -> None:
    system = Charged(box_size=1000)
    generator = torch.Generator().manual_seed(0)
    pairs = couplings(system, system.draw_edges(64, 4, generator))
    state = system.draw_start(64, 4, generator) * torch.tensor([5.0, 5.0, 1.0, 1.0], dtype=torch.float64)
    after = system.advance(state, pairs, num_steps=2000)
    pushed = (after[..., 2:].sum(1) - state[..., 2:].sum(1)).abs().amax(-1)
    drift = (system.energy(after, pairs) - system.energy(state, pairs)).abs()
    assert pushed.quantile(0.8) < 1e-10 and drift.median() < 1e-4  # in an encounter the clipped force keeps neither


def test_charges_follow_coulombs_law_and_like_ones_repel() -> None:
    """At distance 2 and rest, the first small step changes each velocity by ± strength / 4 · time step."""
    system = Charged(strength=3.0)
    state = torch.tensor([[[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]], dtype=torch.float64)
    for kind, sign in ((0, -1), (1, 1)):
        pairs = couplings(system, torch.tensor([[[0, kind], [kind, 0]]]))
        velocity = system.advance(state, pairs, num_steps=1)[0, :, 2]
        assert torch.allclose(velocity, sign * torch.tensor([1.0, -1.0], dtype=torch.float64) * 3 / 4 * 0.001)


def test_charges_are_products_of_signs() -> None:
    """Among any three particles, the number of repelling pairs is odd."""
    edges = simulate(Charged(), Simulation(num_sims=200, num_nodes=5, num_steps=2)).edge_types
    triangle = edges[:, 0, 1] + edges[:, 1, 2] + edges[:, 0, 2]
    assert set(triangle.tolist()) == {1, 3} and 0.45 < edges[:, ~np.eye(5, dtype=bool)].mean() < 0.55


@pytest.mark.parametrize("name", SYSTEMS)
def test_motion_is_differentiable_in_the_couplings(name: str) -> None:
    system = SYSTEMS[name]()
    generator = torch.Generator().manual_seed(0)
    state = system.draw_start(1, 3, generator)
    pairs = couplings(system, system.draw_edges(1, 3, generator)).requires_grad_()
    assert torch.autograd.gradcheck(lambda k: system.advance(state, k, num_steps=20), pairs, atol=1e-6)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("num_nodes", [2, 5, 100])
def test_every_system_simulates_any_size_and_equal_seeds_give_equal_bytes(name: str, num_nodes: int) -> None:
    system, size = SYSTEMS[name](), Simulation(num_sims=2, num_nodes=num_nodes, num_steps=3, seed=7)
    first, again = simulate(system, size), simulate(system, size)
    other = simulate(system, size.model_copy(update={"seed": 8}))
    assert first.values.shape == (2, 3, num_nodes, len(system.feature_names)) and first.values.dtype == np.float64
    assert first.values.tobytes() == again.values.tobytes() and (first.edge_types == again.edge_types).all()
    assert first.digest != other.digest


def test_several_springs_each_have_their_strength() -> None:
    system = Springs(strengths=(0.05, 0.2, 0.8), probability=0.9)
    data = simulate(system, Simulation(num_sims=300, num_nodes=4, num_steps=2))
    assert data.edge_type_names == ("none", "spring k=0.05", "spring k=0.2", "spring k=0.8")
    shares = np.bincount(data.edge_types[:, ~np.eye(4, dtype=bool)].ravel()) / (300 * 12)
    assert np.abs(shares - [0.1, 0.3, 0.3, 0.3]).max() < 0.05


def test_noise_is_added_to_what_is_observed_only() -> None:
    size = Simulation(num_sims=50, num_steps=10)
    difference = simulate(Springs(noise=0.1), size).values - simulate(Springs(), size).values
    assert 0.095 < difference.std() < 0.105 and abs(difference.mean()) < 0.01


@pytest.mark.parametrize("wrong", [{"probability": 1.5}, {"strengths": ()}, {"strengths": (-1.0,)}, {"box_size": 0}, {"gravity": 1}])
def test_impossible_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Springs(**wrong)


def test_a_simulation_too_large_for_memory_is_refused() -> None:
    with pytest.raises(DataError, match="Lower simulations"):
        simulate(Springs(), Simulation(num_sims=1_000_000, num_nodes=100, num_steps=10_000))
