"""Encoders, decoders, likelihoods: equality with the textbook form, symmetries, identities."""

import itertools
import math

import pytest
import torch

from nri_core.errors import ConfigError
from nri_core.models import NRI, ModelSettings
from nri_core.models.decoders import DECODERS
from nri_core.models.encoders import ENCODERS
from nri_core.models.layers import from_receivers, from_senders, reverse_slots, sender_slots
from nri_core.models.likelihoods import LIKELIHOODS, REFERENCE_VARIANCE, StudentT
from nri_core.models.nri import elbo, gumbel_softmax, kl_divergence
from nri_core.models.phases import OSCILLATORS
from nri_core.settings import WITHOUT_GRAPH
from tests import textbook

NAMES = ("x", "y", "vx", "vy")
PAPER = {"encoder": "mlp", "decoder": "mlp", "likelihood": "gaussian", "undirected": False, "encoder_hidden": 16, "decoder_hidden": 16}


def model(*, window: int = 14, seed: int = 0, **settings) -> NRI:
    torch.manual_seed(seed)
    names = NAMES
    if "phase" in settings.values():
        names, settings = OSCILLATORS, {"encoder": "phase", "decoder": "phase"} | settings
    return NRI(ModelSettings(**settings), feature_names=names, num_nodes=5, window=window).double()


def paths(num_sims: int = 4, num_frames: int = 14, num_nodes: int = 5, seed: int = 1) -> torch.Tensor:
    """Smooth random motion with consistent velocities."""
    generator = torch.Generator().manual_seed(seed)
    velocity = torch.randn(num_sims, num_frames, num_nodes, 2, generator=generator, dtype=torch.float64).cumsum(1) / 5
    return torch.cat([velocity.cumsum(1) / 10 + torch.randn(num_sims, 1, num_nodes, 2, generator=generator), velocity], dim=-1)


def edges(num_sims: int = 4, num_nodes: int = 5, kinds: int = 2, seed: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(num_sims, num_nodes, num_nodes - 1, kinds, generator=generator, dtype=torch.float64).softmax(-1)


def permuted(slots: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Rename the nodes of [sim, node, slot, ...]: new node i is old node order[i]."""
    num_nodes = len(order)
    old = sender_slots(num_nodes)
    wanted = order[old]  # the old name of the sender in each new slot
    receivers = order[:, None].expand_as(wanted)
    position = (old[receivers] == wanted[..., None]).int().argmax(-1)
    return slots[:, receivers, position]


@pytest.mark.parametrize("skip_first", [True, False])
@pytest.mark.parametrize("num_edge_types", [2, 3])
@pytest.mark.parametrize("prediction_steps", [1, 5, 10])
def test_index_based_form_equals_dense_one_hot_form_in_loss_and_gradients(skip_first: bool, num_edge_types: int, prediction_steps: int) -> None:
    settings = PAPER | {"skip_first": skip_first, "num_edge_types": num_edge_types}
    fast, dense = model(**settings), model(**settings)
    torch.set_default_dtype(torch.float64)
    try:
        values, seed = paths(), 5
        uniform = torch.rand(4, 5, 4, num_edge_types, generator=torch.Generator().manual_seed(seed))
        noise = -torch.log(1e-10 - torch.log(uniform + 1e-10))
        drawn = torch.Generator().manual_seed(seed)
        nll, kl = elbo(fast, values, temperature=0.5, hard=False, prediction_steps=prediction_steps, generator=drawn)
        expected = textbook.negative_elbo(
            dense, values, noise.flatten(1, 2), temperature=0.5, prediction_steps=prediction_steps, variance=REFERENCE_VARIANCE
        )
    finally:
        torch.set_default_dtype(torch.float32)
    (nll + kl).backward()
    expected.backward()
    assert torch.allclose(nll + kl, expected, rtol=1e-10)
    for (name, ours), theirs in zip(fast.named_parameters(), dense.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-7, atol=1e-7 * theirs.grad.abs().max().item()), name


def test_edges_gather_their_own_nodes() -> None:
    nodes = torch.arange(5.0)[:, None]
    senders, receivers = from_senders(nodes)[..., 0], from_receivers(nodes)[..., 0]
    expected = [[j for j in range(5) if j != i] for i in range(5)]
    assert senders.tolist() == expected and receivers.tolist() == [[i] * 4 for i in range(5)]
    assert torch.equal(reverse_slots(from_senders(nodes)), from_receivers(nodes))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("undirected", [True, False])
def test_encoders_follow_a_renaming_of_the_nodes(name: str, undirected: bool) -> None:
    network = model(encoder=name, encoder_hidden=16, undirected=undirected).eval()
    values, order = paths(), torch.tensor([3, 0, 4, 1, 2])
    logits = network.edge_logits(values)
    assert logits.shape == (4, 5, 4, 2)
    assert torch.allclose(network.edge_logits(values[:, :, order]), permuted(logits, order))
    if undirected:
        assert torch.allclose(logits, reverse_slots(logits))


@pytest.mark.parametrize("name", sorted(set(DECODERS) - {"joint_lstm"}))  # which knows its objects by their order
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("skip_first", [True, False])
def test_decoders_follow_a_renaming_of_the_nodes_and_run_on(name: str, likelihood: str, skip_first: bool) -> None:
    network = model(decoder=name, likelihood=likelihood, skip_first=skip_first, decoder_hidden=16)
    values, graph, order = paths(), edges(), torch.tensor([3, 0, 4, 1, 2])
    network.calibrate(values)
    after = network.rollout(values[:, :1], graph, num_steps=4)
    assert after.shape == (4, 4, 5, 4)
    assert torch.allclose(network.rollout(values[:, :1, order], permuted(graph, order), num_steps=4), after[:, :, order])
    assert network.rollout_log_prob(values, graph, prediction_steps=5).shape == (4,)


@pytest.mark.parametrize("name", sorted(set(DECODERS) - set(WITHOUT_GRAPH)))
def test_a_silent_first_type_sends_nothing(name: str) -> None:
    """With every edge of the first type, no node feels any other."""
    network, values = model(decoder=name), paths()[:, :2]
    none = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(4, 5, 4, 2)
    moved = values.clone()
    moved[:, :, 0] += 1
    by_none, by_some = ([network.rollout(past, graph, num_steps=1)[..., 1:, :] for past in (values, moved)] for graph in (none, none.flip(-1)))
    assert torch.equal(*by_none)
    assert not torch.allclose(*by_some)


@pytest.mark.parametrize("angle", [0.3, 2.0])
def test_forces_and_scale_of_the_relative_decoder_turn_with_the_picture(angle: float) -> None:
    decoder = model(decoder="relative").decoder
    state = paths()[:, 0]
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    turned = torch.cat([state[..., :2] @ turn.T + 3.0, state[..., 2:] @ turn.T], dim=-1)
    assert torch.allclose(decoder.messages(turned).values, decoder.messages(state).values @ turn.T)


def test_the_edgewise_encoder_sees_a_turned_square_alike() -> None:
    """By 90 degrees, as the distance to the walls of a square is among its features."""
    network = model(encoder="edgewise")
    values = paths()
    turned = torch.stack([-values[..., 1], values[..., 0], -values[..., 3], values[..., 2]], dim=-1)
    assert torch.allclose(network.edge_logits(turned), network.edge_logits(values))


@pytest.mark.parametrize("num_nodes", [2, 3, 9])
def test_the_edgewise_encoder_and_relative_decoder_read_other_sizes(num_nodes: int) -> None:
    network, values = model(), paths(num_nodes=num_nodes, num_frames=7)
    assert network.edge_logits(values).shape == (4, num_nodes, num_nodes - 1, 2)
    assert network.rollout(values[:, :1], edges(num_nodes=num_nodes), num_steps=2).isfinite().all()


def test_kl_identities() -> None:
    logits = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    uniform, sparse = (1 / 3, 1 / 3, 1 / 3), (0.8, 0.1, 0.1)
    assert (kl_divergence(logits, uniform) >= 0).all()
    assert torch.allclose(kl_divergence(torch.tensor(sparse).log(), sparse), torch.zeros(()), atol=1e-6)
    entropy = -(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1)
    assert torch.allclose(kl_divergence(logits, uniform), math.log(3) - entropy, atol=1e-6)
    certain = torch.tensor([50.0, 0, 0])
    assert torch.allclose(kl_divergence(certain, sparse), torch.tensor(-math.log(0.8)), atol=1e-5)


def test_gumbel_samples_follow_the_probabilities_and_pass_gradients_straight_through() -> None:
    logits = torch.tensor([0.0, 1.0, -1.0]).expand(40_000, 3).clone().requires_grad_()
    hard = gumbel_softmax(logits, temperature=0.5, hard=True, generator=torch.Generator().manual_seed(0))
    assert set(hard.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0} and torch.allclose(hard.sum(-1), torch.ones(40_000))
    assert (hard.mean(0) - logits[0].softmax(-1)).abs().max() < 0.01
    soft = gumbel_softmax(logits, temperature=0.5, hard=False, generator=torch.Generator().manual_seed(0))
    assert torch.equal(soft.argmax(-1), hard.argmax(-1))
    weights = torch.tensor([1.0, 2.0, 3.0])
    by_hard, by_soft = (torch.autograd.grad((sample * weights).sum(), logits, retain_graph=True)[0] for sample in (hard, soft))
    assert torch.allclose(by_hard, by_soft)


def test_undirected_samples_are_the_same_both_ways() -> None:
    """The decoder then sees one type for a pair: its likelihood does not change when directions are swapped."""
    seen = []
    network = model(undirected=True, encoder="mlp", decoder="mlp", likelihood="gaussian")
    inner = network.rollout_log_prob
    network.rollout_log_prob = lambda values, graph, **options: seen.append(graph) or inner(values, graph, **options)
    elbo(network, paths(), temperature=0.5, hard=True, prediction_steps=1, generator=torch.Generator().manual_seed(0))
    assert torch.equal(seen[0], reverse_slots(seen[0]))


def test_student_t_is_a_density_with_a_finite_penalty_for_outliers() -> None:
    likelihood = StudentT(1)
    grid = torch.linspace(-400, 400, 16_001)
    scale = torch.tensor(0.7)
    density = likelihood.log_prob(grid[:, None], scale.expand(16_001)).exp()
    assert abs(torch.trapezoid(density, grid).item() - 1) < 1e-3
    errors = torch.tensor([[1.0, 0.0], [1000.0, 0.0]])
    near, far = likelihood.log_prob(errors, torch.zeros(2))
    assert near - far < 50


@pytest.mark.parametrize("name", ["edgewise", "relative"])
def test_parts_for_points_in_the_plane_refuse_other_features(name: str) -> None:
    settings = ModelSettings(**{"encoder" if name == "edgewise" else "decoder": name, "decoder" if name == "edgewise" else "encoder": "mlp"})
    with pytest.raises(ConfigError, match="x, y, vx, vy"):
        NRI(settings, feature_names=("phase", "omega"), num_nodes=5, window=12)


def test_multi_step_log_prob_is_the_sum_over_separate_segments() -> None:
    network, values, graph = model(), paths(num_frames=12), edges()
    network.calibrate(values)
    together = network.rollout_log_prob(values, graph, prediction_steps=4)
    apart = torch.zeros(4, dtype=torch.float64)
    for start, stop in itertools.pairwise([0, 4, 8, 11]):
        apart += network.rollout_log_prob(values[:, start : stop + 1], graph, prediction_steps=4)
    assert torch.allclose(together, apart)
