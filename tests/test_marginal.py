"""Sums over graphs against brute force, and search against the exact answer."""

import itertools

import pytest
import torch

from nri_core.models import marginal as sums
from nri_core.models.layers import reverse_slots, sender_slots
from nri_core.models.marginal import all_graphs, incoming_sets, marginal, one_hot
from nri_core.models.search import _start, search
from tests.test_models import model, paths


def brute_force(network, values: torch.Tensor, *, undirected: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """log Σ_z p(x | z) and p(z_ij | x) by visiting every graph."""
    num_sims, _, num_nodes, _ = values.shape
    kinds = network.settings.num_edge_types
    shape = (num_nodes, num_nodes - 1)
    scores, graphs = [], []
    for types in itertools.product(range(kinds), repeat=num_nodes * (num_nodes - 1)):
        graph = one_hot(torch.tensor(types).reshape(shape), kinds)
        if undirected and not torch.equal(graph, reverse_slots(graph)):
            continue
        graphs.append(graph)
        scores.append(network.rollout_log_prob(values, graph.expand(num_sims, *graph.shape), prediction_steps=1))
    joint = torch.stack(scores, dim=-1)
    return joint.logsumexp(-1), torch.einsum("bg,gijk->bijk", joint.softmax(-1), torch.stack(graphs).to(joint.dtype))


@pytest.mark.parametrize("decoder", ["relative", "mlp"])
@pytest.mark.parametrize(("num_nodes", "kinds", "undirected", "skip_first"), [(3, 2, True, True), (3, 2, False, False), (2, 3, True, True), (3, 3, True, False)])
def test_marginal_equals_brute_force_over_all_graphs(decoder: str, num_nodes: int, kinds: int, undirected: bool, skip_first: bool) -> None:
    network = model(decoder=decoder, num_edge_types=kinds, undirected=undirected, skip_first=skip_first)
    values = paths(num_nodes=num_nodes, num_frames=5)
    network.calibrate(values)
    with torch.no_grad():
        result = marginal(network, values)
        log_prob, edge_probs = brute_force(network, values, undirected=undirected)
    assert torch.allclose(result.log_prob, log_prob)
    assert torch.allclose(result.edge_probs, edge_probs, atol=1e-6)


def test_gradient_of_the_marginal_is_the_posterior_mean_of_gradients() -> None:
    """∇ log Σ_z p(x|z) = Σ_z p(z|x) ∇ log p(x|z): checked by finite differences."""
    network, values = model(), paths(num_nodes=3, num_frames=5)
    network.calibrate(values)
    parameter = network.decoder.own[0].bias
    marginal(network, values).log_prob.sum().backward()
    slope = parameter.grad[0].item()
    with torch.no_grad():
        parameter[0] += 1e-6
        above = marginal(network, values).log_prob.sum()
        parameter[0] -= 2e-6
        below = marginal(network, values).log_prob.sum()
    assert slope == pytest.approx((above - below).item() / 2e-6, rel=1e-4)


def test_the_likeliest_sets_stand_for_all_where_there_are_many_and_a_gradient_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """N = 8: 128 sets a receiver; with every set kept the truncated sum is the whole one."""
    network, values = model(), paths(num_nodes=8, num_frames=6)
    network.calibrate(values)
    truncated = marginal(network, values)
    with torch.no_grad():
        whole, table = marginal(network, values), sums.set_table(network, values)
    monkeypatch.setattr(sums, "SETS_WITH_GRADIENT", 128)
    assert torch.allclose(whole.log_prob, table.logsumexp(-1).sum(-1))
    assert torch.allclose(marginal(network, values).log_prob, whole.log_prob)
    assert (truncated.log_prob < whole.log_prob).all()


def test_directions_that_contradict_each_other_are_weighed_by_how_sure_each_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """N = 8: node 0 is sure of a spring to node 1, which rather believes in none; either is true of all of its 16 likeliest sets."""
    kinds = incoming_sets(7, 2)[:, 0]  # of the first slot: node 0 hears node 1 there, and node 1 hears node 0
    table = torch.zeros(1, 8, len(kinds))
    table[0, 0], table[0, 1] = 60.0 * (kinds == 1), 5.0 * (kinds == 0)
    monkeypatch.setattr(sums, "set_table", lambda *_, **__: table)
    with torch.no_grad():
        probs = marginal(model(), paths(num_nodes=8, num_frames=6)).edge_probs[0]
    assert torch.allclose(probs[0, 0], probs[1, 0])
    assert probs[0, 0, 1] > 1 - 1e-6


def test_tables_filled_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, values = model(), paths(num_nodes=5, num_frames=6)
    with torch.no_grad():
        whole = sums.set_table(network, values)
        monkeypatch.setattr(sums, "MOST_VALUES", 1)
        assert torch.allclose(sums.set_table(network, values), whole)


@pytest.mark.parametrize("undirected", [True, False])
def test_search_ends_where_no_single_change_helps(undirected: bool) -> None:
    network, values = model(undirected=undirected), paths(num_nodes=5, num_frames=12)
    network.calibrate(values)
    with torch.no_grad():
        found = one_hot(search(network, values).argmax(-1), 2).double()
        best = network.rollout_log_prob(values, found, prediction_steps=1)
        for receiver, slot in itertools.product(range(5), range(4)):
            changed = found.clone()
            changed[:, receiver, slot] = changed[:, receiver, slot].flip(-1)
            if undirected:
                other = torch.zeros_like(found)
                other[:, receiver, slot] = 1
                both = reverse_slots(other) > 0
                changed = torch.where(both, found.flip(-1), changed)
            assert (network.rollout_log_prob(values, changed, prediction_steps=1) <= best + 1e-3).all()


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize(("kinds", "skip_first"), [(2, True), (2, False), (3, True)])
def test_belief_finds_the_graph_that_the_decoder_moved_by(undirected: bool, kinds: int, skip_first: bool) -> None:
    network = model(undirected=undirected, num_edge_types=kinds, skip_first=skip_first)
    generator = torch.Generator().manual_seed(0)
    graph = torch.randint(kinds, (3, 6, 5), generator=generator)
    if undirected:
        graph = torch.maximum(graph, reverse_slots(graph[..., None])[..., 0])
    frames = [2 * torch.randn(3, 6, 4, generator=generator, dtype=torch.float64)]
    with torch.no_grad():
        network.decoder.pair.weights[-1].mul_(10)  # messages well apart, which fresh weights are not
        for _ in range(60):
            moved, _ = network.step(frames[-1], one_hot(graph, kinds).double())
            frames.append(moved.mean + 0.1 * torch.randn(moved.mean.shape, generator=generator, dtype=torch.float64))
        values = torch.stack(frames, dim=1)
        assert (_start(network, values, network.decoder.messages(values[:, :-1])) == graph).all()


def test_search_without_encoder_where_messages_do_not_add_up() -> None:
    network, values = model(decoder="mlp", encoder="none"), paths(num_nodes=4, num_frames=6)
    with torch.no_grad():
        assert torch.allclose(search(network, values).sum(-1), torch.ones(4, 4, 3, dtype=values.dtype))


def test_the_prior_weighs_in_the_search() -> None:
    values, found = paths(num_nodes=5, num_frames=4), []
    for prior in ((), (0.999999, 0.000001)):
        with torch.no_grad():
            found.append(search(model(edge_prior=prior), values)[..., 1].sum())
    assert found[1] < found[0]


def test_what_is_kept_for_all_may_be_trained_with() -> None:
    for kept in (sender_slots, incoming_sets, all_graphs):
        kept.cache_clear()
    with torch.inference_mode():
        found = (sender_slots(4), incoming_sets(3, 2), *all_graphs(4, 2))
    assert not any(tensor.is_inference() for tensor in found)
