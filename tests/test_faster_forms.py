"""Forms that were made fast equal the plain ones, in values and gradients; what is computed in pieces equals the whole."""

import pytest
import torch

from benchmarks import _plain_live as plain
from nri_core.models import marginal as sums
from nri_core.models import nri
from nri_core.models.encoders.edgewise import _asinh
from nri_core.models.layers import ReferenceMLP, from_receivers, from_senders, tanh
from nri_core.models.objectives import OBJECTIVES, Batch
from nri_core.settings import TrainConfig
from tests.test_models import edges, model, paths


def gradients(network: torch.nn.Module, loss: torch.Tensor) -> list[torch.Tensor]:
    network.zero_grad()
    loss.backward()
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize(("num_nodes", "kinds", "skip_first"), [(5, 2, True), (5, 2, False), (4, 3, True), (8, 2, True)])
def test_the_live_loss_equals_its_plain_form(num_nodes: int, kinds: int, skip_first: bool) -> None:
    """All graphs counted, receivers apart, and receivers with the gradient of their likeliest sets only."""
    settings = {"num_edge_types": kinds, "skip_first": skip_first}
    network, values = model(**settings), paths(num_nodes=num_nodes, num_frames=7)
    network.calibrate(values)
    generator = torch.Generator().manual_seed(0)
    fast = OBJECTIVES["distilled"](network, Batch(values), TrainConfig(**settings), generator).terms["loss"]
    slow = plain.distilled(network, values)
    assert torch.allclose(fast, slow)
    for found, expected in zip(gradients(network, fast), gradients(network, slow), strict=True):
        assert torch.allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("decoder", ["relative", "phase"])
def test_errors_of_all_sets_as_one_product_equal_one_prediction_for_each_set(decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, values = model(decoder=decoder), paths(num_frames=6)
    values = values[..., : len(network.feature_names)]
    network.calibrate(values)
    fast = sums.set_table(network, values)
    monkeypatch.setattr(sums, "ADDING_DECODERS", ())
    slow = sums.set_table(network, values)
    assert torch.allclose(fast, slow)
    for found, expected in zip(gradients(network, fast.sum()), gradients(network, slow.sum()), strict=True):
        assert torch.allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("parts", [{"decoder": "mlp"}, {"decoder": "rnn"}, {"decoder": "relative", "likelihood": "student_t"}])
def test_steps_in_pieces_equal_the_whole(parts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    network, values = model(encoder="mlp", undirected=False, **{"likelihood": "gaussian"} | parts), paths(num_sims=5)
    network.calibrate(values)
    found, calls = [], []
    inner = network._step
    network._step = lambda *given: calls.append(len(given[0])) or inner(*given)
    for most in (2**24, 1):
        monkeypatch.setattr(nri, "MOST_PAIR_VALUES", most)
        generator = torch.Generator().manual_seed(0)
        nll, kl = nri.elbo(network, values, temperature=0.5, hard=False, prediction_steps=4, burn_in=6, generator=generator)
        found.append([nll, *gradients(network, nll + kl)])
    assert {5, 1} == set(calls)
    for whole, pieces in zip(*found, strict=True):
        assert torch.allclose(whole, pieces)


def test_steps_in_pieces_also_without_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    network, values, graph = model(decoder="rnn", encoder="mlp"), paths(), edges()
    whole = network.rollout(values[:, :6], graph, num_steps=5)
    monkeypatch.setattr(nri, "MOST_PAIR_VALUES", 1)
    assert torch.allclose(network.rollout(values[:, :6], graph, num_steps=5), whole)


@pytest.mark.parametrize("with_edges", [True, False])
def test_a_block_of_pairs_equals_the_block_of_what_is_joined(with_edges: bool) -> None:
    nodes, between = torch.randn(3, 5, 6).double(), torch.randn(3, 5, 4, 7).double() if with_edges else None
    block = ReferenceMLP(12 + 7 * with_edges, 8, 0.0).double()
    joined = torch.cat([from_senders(nodes), from_receivers(nodes), *([between] if with_edges else [])], dim=-1)
    assert torch.allclose(block.of_pairs(nodes, between), block(joined))


@pytest.mark.parametrize(("fast", "exact"), [(tanh, torch.tanh), (_asinh, torch.asinh)])
def test_fast_functions_equal_torch_to_rounding(fast, exact) -> None:
    values = torch.cat([torch.linspace(-30, 30, 2001), torch.tensor([0.0, 1e-6, -1e-6, 1e4, -1e4])])
    assert torch.allclose(fast(values), exact(values), rtol=1e-6, atol=2e-7)
    assert torch.autograd.gradcheck(fast, torch.tensor([-2.0, -0.3, 0.4, 3.0], dtype=torch.float64, requires_grad=True))
