"""The stepped forecaster: laws of motion that hold for any learned force, walls, and what it learns of springs and charges."""

from pathlib import Path

import pytest
import torch

from nri_core.checkpoint import Checkpoint
from nri_core.dataset import Normalizer, as_tensor
from nri_core.evaluation import evaluate
from nri_core.graph import off_diagonal
from nri_core.holdout import split
from nri_core.models.forecaster import FAR, Pairs, SteppedForecaster
from nri_core.models.layers import from_receivers, from_senders, reverse_slots
from nri_core.models.rereading import reread
from nri_core.settings import PRESETS, ModelSettings, suited
from nri_core.systems import Charged, Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories

NAMES = ("x", "y", "vx", "vy")
SAMPLE = Path(__file__).parents[1] / "sample_data"


def forecaster(*, seed: int = 0, strength: float = 0.3, **settings) -> SteppedForecaster:
    """A forecaster in double precision, its forces drawn at random."""
    model = SteppedForecaster(ModelSettings(forecaster="stepped", **settings), feature_names=NAMES)
    with torch.no_grad():
        model.weights.copy_(strength * torch.randn(model.weights.shape, generator=torch.Generator().manual_seed(seed)))
    model.frame_length.fill_(0.05)
    model.typical_change.fill_(0.02)
    return model.double()


def state(*, num_sims: int = 6, num_nodes: int = 5, seed: int = 1) -> torch.Tensor:
    return torch.randn(num_sims, num_nodes, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def both_ways(*, num_sims: int = 6, num_nodes: int = 5, seed: int = 2) -> torch.Tensor:
    draw = torch.rand(num_sims, num_nodes, num_nodes - 1, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (draw + reverse_slots(draw)).softmax(-1)


def normalised(data: Trajectories) -> tuple[torch.Tensor, torch.Tensor, Normalizer]:
    normalizer = Normalizer.fit(data, "standard")
    kinds = torch.from_numpy(data.edge_types[:, off_diagonal(data.num_nodes)].reshape(data.num_sims, data.num_nodes, -1))
    return as_tensor(data, normalizer, torch.device("cpu")), torch.nn.functional.one_hot(kinds, 2).float(), normalizer


@pytest.mark.parametrize("undirected", [True, False])
def test_the_force_counted_once_for_two_nodes_is_the_sum_over_all_ordered_pairs(undirected: bool) -> None:
    model, location, edges = forecaster(strength=0.8), state()[..., :2], both_ways()
    edges = (edges if undirected else edges.flip(1))[..., -model.sending :]
    offset = from_receivers(location) - from_senders(location)
    distance = offset.norm(dim=-1)
    expected = ((model.force(distance) * edges).sum(-1) / distance).unsqueeze(-1) * offset
    assert torch.allclose(model._force(location, Pairs.of(edges)), expected.sum(-2))


def test_turning_the_picture_turns_the_forecast() -> None:
    angle = torch.tensor(0.7, dtype=torch.float64)
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
    turned = torch.block_diag(turn, turn)
    model, graph = forecaster(), both_ways()
    torch.testing.assert_close(model.frame(state() @ turned.T, graph), model.frame(state(), graph) @ turned.T)


def test_momentum_is_kept_where_edges_are_alike_in_both_directions() -> None:
    before, model = state(), forecaster()
    after = model.frame(before, both_ways())
    assert (after - before)[..., 2:].abs().max() > 1e-3
    torch.testing.assert_close(after[..., 2:].sum(1), before[..., 2:].sum(1))


def test_motion_runs_back_when_velocities_are_turned_round() -> None:
    model, graph, back = forecaster(), both_ways(), torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    model.walls.copy_(torch.tensor([[-1.5, -1.5], [1.5, 1.5]]))
    start = state().clamp(-1.4, 1.4)
    after = model.frame(start, graph)
    assert (after - start).abs().max() > 0.05
    torch.testing.assert_close(model.frame(after * back, graph) * back, start)


def test_a_free_point_goes_straight_on_and_comes_back_from_a_wall() -> None:
    model = forecaster(strength=0.0)
    model.walls.copy_(torch.tensor([[-FAR, -FAR], [1.0, FAR]]))
    start = torch.tensor([[[0.9, 0.0, 4.0, 1.0], [-3.0, 0.0, -1.0, 0.0]]], dtype=torch.float64)
    graph = both_ways(num_sims=1, num_nodes=2)
    expected = torch.tensor([[[0.9, 0.05, -4.0, 1.0], [-3.05, 0.0, -1.0, 0.0]]], dtype=torch.float64)
    torch.testing.assert_close(model.frame(start, graph), expected)


def test_below_the_first_knot_a_force_stays_and_beyond_the_last_it_goes_on_as_a_power_law() -> None:
    model = forecaster()
    model.reach.copy_(torch.tensor([0.0, 1.0]))
    near = model.force(torch.tensor([0.01, 1.0], dtype=torch.float64))
    torch.testing.assert_close(near[0], near[1])
    distances = (torch.tensor([1.0, 1.01, 1.02], dtype=torch.float64)).exp()
    logarithms = torch.asinh(model.force(distances) / model.typical_change)
    torch.testing.assert_close(logarithms[2] - logarithms[1], logarithms[1] - logarithms[0])


def test_walls_and_frame_length_are_measured_and_springs_far_from_any_wall_have_none() -> None:
    model = SteppedForecaster(ModelSettings(forecaster="stepped", skip_first=False), feature_names=NAMES)
    values, _, normalizer = normalised(simulate(Charged(), Simulation(num_sims=100, seed=3)))
    model.calibrate(values)
    shift, scale = torch.tensor(normalizer.shift), torch.tensor(normalizer.scale)
    torch.testing.assert_close(model.walls * scale[:2] + shift[:2], torch.tensor([[-5.0, -5.0], [5.0, 5.0]]), rtol=0, atol=5e-3)
    torch.testing.assert_close(model.frame_length, 0.1 * scale[2] / scale[0], rtol=1e-3, atol=0)
    torch.testing.assert_close(model.rest * scale[2:] + shift[2:], torch.zeros(2), rtol=0, atol=1e-3)
    model.calibrate(normalised(simulate(Springs(), Simulation(num_sims=100, seed=3)))[0])
    assert (model.walls.abs() == FAR).all()


@pytest.fixture(scope="module")
def spring_law() -> tuple[SteppedForecaster, torch.Tensor, torch.Tensor, Normalizer]:
    """A forecaster that has seen 100 spring systems and their graphs for a second."""
    values, graph, normalizer = normalised(simulate(Springs(), Simulation(num_sims=100, seed=4)))
    model = SteppedForecaster(ModelSettings(forecaster="stepped"), feature_names=NAMES)
    model.calibrate(values)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for step in range(60):
        batch = torch.randint(0, 100, (16,), generator=generator)
        for group in optimizer.param_groups:
            group["lr"] = 2e-2 * (1 - step / 60)
        optimizer.zero_grad()
        model.loss(values[batch], graph[batch], generator).backward()
        optimizer.step()
    return model.eval(), values, graph, normalizer


@pytest.mark.slow
def test_the_force_of_a_spring_is_found_to_be_proportional_to_its_length(spring_law) -> None:
    model, _, _, normalizer = spring_law
    place, speed = normalizer.scale[0], normalizer.scale[2]
    lengths = torch.tensor([0.7, 1.0, 2.0])
    found = model.force(lengths / place)[:, 0].detach() * speed / 0.1  # acceleration, in the units of the source
    torch.testing.assert_close(found, -0.1 * lengths, rtol=0.05, atol=0)


def test_the_law_of_five_nodes_forecasts_seven(spring_law) -> None:
    model, _, _, normalizer = spring_law
    data = simulate(Springs(), Simulation(num_sims=20, num_nodes=7, num_steps=20, seed=6))
    values = torch.from_numpy(normalizer.apply(data.values)).float()
    error = model.forecast(values[:, 0], normalised(data)[1], num_steps=10)[:, -1] - values[:, 10]
    assert error.square().mean() < 1e-3 * (values[:, 10] - values[:, 0]).square().mean()


def test_rereading_restores_edges_that_were_misread_and_leaves_the_rest(spring_law) -> None:
    model, values, graph, _ = spring_law
    misread = graph[:8].clone()
    misread[3, 2, 1], misread[3, 1, 1] = misread[3, 2, 1].flip(-1), misread[3, 1, 1].flip(-1)  # the pair of nodes 1 and 2
    probs = 0.9 * misread + 0.05
    torch.testing.assert_close(reread(model, values[:8], probs, undirected=True), 0.9 * graph[:8] + 0.05)


def test_one_member_is_a_path_and_many_are_their_mean() -> None:
    single, many, graph, start = forecaster(forecast_members=1), forecaster(forecast_members=4), both_ways(), state()
    torch.testing.assert_close(single.forecast(start, graph, num_steps=2)[:, 1], single.frame(single.frame(start, graph), graph))
    torch.testing.assert_close(many.forecast(start, graph, num_steps=1), single.forecast(start, graph, num_steps=1), rtol=0, atol=1e-2)


@pytest.mark.slow
def test_a_forecast_is_the_same_whoever_is_forecast_beside_it() -> None:
    model, graph, start = forecaster(forecast_members=8), both_ways(), state()
    together = model.forecast(start, graph, num_steps=5)
    torch.testing.assert_close(model.forecast(start[3:4], graph[3:4], num_steps=5), together[3:4])
    shipped, data = Checkpoint.load(SAMPLE / "models" / "charged10"), Trajectories.load(SAMPLE / "charged10.npz").select(slice(18, 24))
    begun = shipped.tensor(data)[:, 48]
    pairs = torch.nn.functional.one_hot(torch.from_numpy(data.edge_types[:, off_diagonal(10)]), 2).unflatten(1, (10, 9)).float()
    together = shipped.model.forecaster.forecast(begun, pairs, num_steps=50)
    alone = torch.cat([shipped.model.forecaster.forecast(begun[sim : sim + 1], pairs[sim : sim + 1], num_steps=50) for sim in range(6)])
    assert together.dtype == torch.float32
    torch.testing.assert_close(alone, together, atol=1e-3, rtol=0, msg="close encounters made 1 of what float32 rounds")


@pytest.mark.slow
def test_charged_forecasts_beat_standing_still_in_the_mean() -> None:
    train, valid = split(simulate(Charged(), Simulation(num_sims=2000, seed=7)))
    fresh = simulate(Charged(), Simulation(num_sims=200, num_steps=70, seed=8))
    config = suited(PRESETS["live"], train.edge_type_names).model_copy(update={"forecaster": "stepped", "epochs": 48, "seed": 0})
    *_, record = fit(train, valid, config)
    scores = evaluate(record.checkpoint, fresh)
    assert scores["rollout_mse"]["10"] < 0.5 * scores["static_mse"]["10"]
