"""Laws of motion: agreement with the reference and with another integrator, conservation, convergence, seeds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.integrate import solve_ivp

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.models.decoders.simulated import SimulatedDecoder
from nri_core.settings import ModelSettings
from nri_core.systems import SYSTEMS, Charged, Simulation, Springs, couplings, simulate, soft_couplings
from nri_core.systems.box import distances

State = Pairs = np.ndarray  # of one simulation: [node dim], [receiver sender]
DIRECTED = [name for name, law in SYSTEMS.items() if "directed" in law.model_fields]
WITHOUT_TYPE_NONE = [name for name, law in SYSTEMS.items() if "probability" not in law.model_fields]


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


def test_directed_springs_pull_on_one_end_and_keep_no_momentum() -> None:
    """k_01 = 1 alone: particle 0 swings about particle 1, which moves on freely."""
    state = torch.tensor([[[1.0, 0, 0, 0], [0, 0, 0.3, 0]]], dtype=torch.float64)
    after = Springs(directed=True).advance(state, torch.tensor([[[0.0, 1.0], [0.0, 0.0]]], dtype=torch.float64), num_steps=1000)
    assert torch.allclose(after[0, 1], torch.tensor([0.3, 0, 0.3, 0], dtype=torch.float64), atol=1e-12)
    assert abs(after[0, 0, 0].item() - (0.3 + np.cos(1.0) - 0.3 * np.sin(1.0))) < 1e-3


@pytest.mark.parametrize("name", DIRECTED)
def test_directions_are_drawn_apart_only_where_asked_for(name: str) -> None:
    size = Simulation(num_sims=400, num_nodes=6, num_steps=2)
    both, apart = (simulate(SYSTEMS[name](directed=directed), size).edge_types for directed in (False, True))
    assert (both == both.swapaxes(1, 2)).all()
    upper = np.triu_indices(6, k=1)
    assert 0.47 < (apart[:, *upper] == apart.swapaxes(1, 2)[:, *upper]).mean() < 0.53
    assert 0.48 < apart[:, off_diagonal(6)].mean() < 0.52


@pytest.mark.parametrize("name", ["springs", "kuramoto"])
def test_without_edges_everything_moves_freely(name: str) -> None:
    data = simulate(SYSTEMS[name](probability=0), Simulation(num_sims=20, num_nodes=4, num_steps=20))
    assert not data.edge_types.any()
    places, rates = ([2], [0]) if name == "kuramoto" else ([0, 1], [2, 3])
    start, time = data.values[:, :1], 0.1 * np.arange(20)[:, None, None]
    assert np.allclose(data.values[..., rates], start[..., rates], atol=1e-12)
    assert np.allclose(data.values[..., places], start[..., places] + time * start[..., rates], atol=1e-9)


# Another integrator: SciPy's DOP853, to 12 digits, on the laws written once more from their textbook form.


def spring_motion(state: State, pairs: Pairs) -> State:
    offset = state[:, None, :2] - state[None, :, :2]
    return np.concatenate([state[:, 2:], -(pairs[..., None] * offset).sum(1)], axis=1)


def charge_motion(state: State, pairs: Pairs) -> State:
    offset = state[:, None, :2] - state[None, :, :2]
    distance = np.hypot(offset[..., 0], offset[..., 1]) + np.eye(len(state))
    return np.concatenate([state[:, 2:], ((pairs / distance**3)[..., None] * offset).sum(1)], axis=1)


def phase_motion(state: State, pairs: Pairs) -> State:
    """Of rate, sine, phase and frequency; only the last two count."""
    rate = state[:, 3] + (pairs * np.sin(state[None, :, 2] - state[:, None, 2])).sum(1)
    return np.stack([0 * rate, 0 * rate, rate, 0 * rate], axis=1)


MOTION = {"springs": spring_motion, "charged": charge_motion, "kuramoto": phase_motion}
DUE = {"springs": slice(0, 4), "charged": slice(0, 4), "kuramoto": slice(2, 3)}  # the integrated part of the state


def integrated(name: str, state: torch.Tensor, pairs: torch.Tensor, duration: float) -> torch.Tensor:
    """The state of each simulation after `duration`, by SciPy."""
    ends = []
    for first, coupling in zip(state.numpy(), pairs.numpy(), strict=True):
        def change(_: float, flat: State, shape: tuple[int, int] = first.shape, coupling: Pairs = coupling) -> State:
            return MOTION[name](flat.reshape(shape), coupling).ravel()

        solution = solve_ivp(change, (0, duration), first.ravel(), method="DOP853", rtol=1e-12, atol=1e-12)
        assert solution.success
        ends.append(solution.y[:, -1].reshape(first.shape))
    return torch.from_numpy(np.stack(ends))


def started(name: str, num_sims: int, num_nodes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Starts and couplings, charges spread out so that most stay away from each other."""
    system, generator = SYSTEMS[name](), torch.Generator().manual_seed(3)
    state = system.draw_start(num_sims, num_nodes, generator)
    if name == "charged":
        state = state * torch.tensor([3.0, 3.0, 1.0, 1.0], dtype=torch.float64)
    return state, couplings(system, system.draw_edges(num_sims, num_nodes, generator))


def apart(system: Charged, state: torch.Tensor, pairs: torch.Tensor, num_frames: int) -> torch.Tensor:
    """Which simulations keep every two particles at a distance of at least ½ for so long."""
    nearest = distances(state[..., :2]).amin((1, 2))
    for _ in range(10 * num_frames):
        state = system.advance(state, pairs, num_steps=10)
        nearest = torch.minimum(nearest, (distances(state[..., :2]) + 10 * torch.eye(state.shape[1])).amin((1, 2)))
    return nearest > 0.5


@pytest.mark.parametrize(("name", "num_frames", "tolerance"), [("springs", 49, 3e-4), ("charged", 20, 1.5e-3), ("kuramoto", 49, 3e-7)])
def test_motion_agrees_with_another_integrator(name: str, num_frames: int, tolerance: float) -> None:
    """Without walls; charges before close encounters, after which motion is chaotic."""
    free = {} if name == "kuramoto" else {"box_size": 1000}
    system, (state, pairs) = SYSTEMS[name](**free), started(name, 12, 5)
    if name == "charged":
        far = apart(system, state, pairs, num_frames)
        state, pairs = state[far], pairs[far]
        assert len(state) >= 4
    after = system.advance(state, pairs, num_steps=num_frames * system.steps_per_frame)
    wanted = integrated(name, state, pairs, 0.1 * num_frames)
    assert (after - wanted)[..., DUE[name]].abs().max() < tolerance
    assert (after - state)[..., DUE[name]].abs().median() > 0.2  # there was motion to agree on


@pytest.mark.parametrize(("name", "order", "time_step"), [("springs", 1, 0.02), ("charged", 1, 0.01), ("kuramoto", 4, 0.04)])
def test_errors_fall_with_the_time_step_at_the_order_of_the_rule(name: str, order: int, time_step: float) -> None:
    """Halving the step halves the error of semi-implicit Euler, and divides that of Runge–Kutta by 16."""
    free = {} if name == "kuramoto" else {"box_size": 1000}
    system, (state, pairs) = SYSTEMS[name](**free), started(name, 6, 4)
    duration = 1.6 if name == "kuramoto" else 1.0
    wanted = integrated(name, state, pairs, duration)
    errors = []
    for halvings in range(3):
        step = time_step / 2**halvings
        after = system.advance(state, pairs, num_steps=round(duration / step), time_step=step)
        errors.append((after - wanted)[..., DUE[name]].square().mean((1, 2)).sqrt().median().item())
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert np.all(np.abs(np.log2(ratios) - order) < 0.15 * order)


# What holds for every system.


@pytest.mark.parametrize("name", SYSTEMS)
def test_motion_is_differentiable_in_the_couplings(name: str) -> None:
    system = SYSTEMS[name]()
    generator = torch.Generator().manual_seed(0)
    state = system.draw_start(1, 3, generator)
    pairs = couplings(system, system.draw_edges(1, 3, generator)).requires_grad_()
    assert torch.autograd.gradcheck(lambda k: system.advance(state, k, num_steps=20), pairs, atol=1e-6)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("num_nodes", [2, 5, 50])
def test_every_system_simulates_any_size_and_equal_seeds_give_equal_bytes(name: str, num_nodes: int) -> None:
    system, size = SYSTEMS[name](), Simulation(num_sims=2, num_nodes=num_nodes, num_steps=3, seed=7)
    first, again = simulate(system, size), simulate(system, size)
    other = simulate(system, size.model_copy(update={"seed": 8}))
    assert first.values.shape == (2, 3, num_nodes, len(system.feature_names)) and first.values.dtype == np.float64
    assert first.values.tobytes() == again.values.tobytes() and (first.edge_types == again.edge_types).all()
    assert first.digest != other.digest
    assert first.feature_names == system.feature_names and first.metadata["system"] == name
    assert np.isclose(first.dt, system.time_step * system.steps_per_frame)


@pytest.mark.parametrize("name", SYSTEMS)
def test_couplings_are_a_table_by_type_and_zero_on_the_diagonal(name: str) -> None:
    system = SYSTEMS[name]()
    assert len(system.coupling_of_type) == len(system.edge_type_names)
    assert (system.coupling_of_type[0] == 0) == (system.edge_type_names[0] == "none") == (name not in WITHOUT_TYPE_NONE)
    types = system.draw_edges(3, 6, torch.Generator().manual_seed(0))
    pairs = couplings(system, types)
    for kind, coupling in enumerate(system.coupling_of_type):
        assert (pairs[(types == kind) & torch.from_numpy(off_diagonal(6))] == coupling).all()
    assert (pairs.diagonal(dim1=1, dim2=2) == 0).all()
    weights = torch.nn.functional.one_hot(types, len(system.edge_type_names))
    assert torch.equal(soft_couplings(system, weights.double()), pairs)
    assert soft_couplings(system, weights.float()).dtype == torch.float32
    halves = soft_couplings(system, torch.full((2, 2, 2), 0.5))
    assert torch.allclose(halves, np.mean(system.coupling_of_type) * (1 - torch.eye(2)))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_law_runs_in_single_precision_and_in_coarser_steps(name: str) -> None:
    state, pairs = started(name, 8, 5)
    system = SYSTEMS[name]()
    exact = system.advance(state, pairs, num_steps=system.steps_per_frame)
    single = system.advance(state.float(), pairs.float(), num_steps=system.steps_per_frame)
    assert single.dtype == torch.float32 and torch.allclose(single.double(), exact, atol=1e-4)
    frame = system.time_step * system.steps_per_frame
    coarse = system.advance(state, pairs, num_steps=2, time_step=frame / 2)
    assert 0 < (coarse - exact).abs().median() < 0.01


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_law_stays_on_the_device_of_its_state(name: str) -> None:
    """On the device that has shapes only, a tensor left behind on the CPU is an error, as it would be on a GPU."""
    state, weights = torch.empty(3, 5, 4, device="meta"), torch.empty(3, 5, 5, 2, device="meta")
    system = SYSTEMS[name]()
    assert system.advance(state, soft_couplings(system, weights), num_steps=2).device == state.device
    types = torch.empty(3, 5, 5, device="meta", dtype=torch.long)
    assert couplings(system, types).device == types.device


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_simulated_decoder_is_the_law_and_has_gradients_in_the_edges(name: str) -> None:
    system = SYSTEMS[name]()
    data = simulate(system, Simulation(num_sims=4, num_steps=6))
    settings = ModelSettings(decoder="simulated", law=name, law_steps=system.steps_per_frame)
    decoder = SimulatedDecoder(settings, feature_names=data.feature_names, num_nodes=5).double()
    values, types = torch.from_numpy(data.values.copy()), torch.from_numpy(data.edge_types.copy())
    slots = types[:, torch.from_numpy(off_diagonal(5))].unflatten(1, (5, 4))
    edges = torch.nn.functional.one_hot(slots, 2).double().requires_grad_()
    mean = decoder.step(values[:, :-1], edges[:, None], None)[0].mean
    assert torch.allclose(mean, values[:, 1:], atol=1e-10, rtol=0)
    wrong = decoder.step(values[:, :-1], edges[:, None].flip(-1), None)[0].mean
    (gradient,) = torch.autograd.grad((wrong - values[:, 1:]).square().sum(), edges)
    assert ((gradient != 0).any(-1)).all()


def test_several_springs_each_have_their_strength() -> None:
    system = Springs(strengths=(0.05, 0.2, 0.8), probability=0.9)
    data = simulate(system, Simulation(num_sims=300, num_nodes=4, num_steps=2))
    assert data.edge_type_names == ("none", "spring k=0.05", "spring k=0.2", "spring k=0.8")
    shares = np.bincount(data.edge_types[:, ~np.eye(4, dtype=bool)].ravel()) / (300 * 12)
    assert np.abs(shares - [0.1, 0.3, 0.3, 0.3]).max() < 0.05


@pytest.mark.parametrize("name", SYSTEMS)
def test_noise_is_added_to_what_is_observed_only(name: str) -> None:
    size = Simulation(num_sims=50, num_steps=10)
    noisy, exact = simulate(SYSTEMS[name](noise=0.1), size), simulate(SYSTEMS[name](), size)
    measured = [0, 2] if name == "kuramoto" else slice(None)
    difference = noisy.values[..., measured] - exact.values[..., measured]
    assert 0.095 < difference.std() < 0.105 and abs(difference.mean()) < 0.01
    assert np.abs(np.corrcoef(difference.reshape(-1, difference.shape[-1]).T) - np.eye(difference.shape[-1])).max() < 0.1
    assert (noisy.edge_types == exact.edge_types).all()
    if name == "kuramoto":  # the sine of the noisy phase; the frequency is given
        assert np.array_equal(noisy.values[..., 1], np.sin(noisy.values[..., 2]))
        assert np.array_equal(noisy.values[..., 3], exact.values[..., 3])


@pytest.mark.parametrize("wrong", [{"probability": 1.5}, {"strengths": ()}, {"strengths": (-1.0,)}, {"box_size": 0}, {"gravity": 1}])
def test_impossible_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Springs(**wrong)


def test_a_simulation_too_large_for_memory_is_refused() -> None:
    with pytest.raises(DataError, match="Lower simulations"):
        simulate(Springs(), Simulation(num_sims=1_000_000, num_nodes=100, num_steps=10_000))
