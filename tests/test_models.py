"""The model as a whole: the bound equals its textbook form, samples, divergences, likelihoods."""

import itertools
import math

import pytest
import torch

from benchmarks import _textbook as textbook
from nri_core.models import NRI, ModelSettings
from nri_core.models.layers import from_receivers, from_senders, reverse_slots, sender_slots
from nri_core.models.likelihoods import REFERENCE_VARIANCE, StudentT
from nri_core.models.nri import elbo, gumbel_softmax, kl_divergence
from nri_core.models.phases import OSCILLATORS

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


def test_multi_step_log_prob_is_the_sum_over_separate_segments() -> None:
    network, values, graph = model(), paths(num_frames=12), edges()
    network.calibrate(values)
    together = network.rollout_log_prob(values, graph, prediction_steps=4)
    apart = torch.zeros(4, dtype=torch.float64)
    for start, stop in itertools.pairwise([0, 4, 8, 11]):
        apart += network.rollout_log_prob(values[:, start : stop + 1], graph, prediction_steps=4)
    assert torch.allclose(together, apart)
