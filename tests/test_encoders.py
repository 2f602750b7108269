"""The paper's encoders against their dense textbook forms, with and without the factor graph."""

import pytest
import torch

from nri_core.errors import ConfigError
from nri_core.models.encoders import ENCODERS
from tests import textbook
from tests.test_models import model, paths


@pytest.fixture(autouse=True)
def _double() -> None:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("factor_graph", [True, False])
def test_the_cnn_encoder_equals_its_dense_form_in_logits_and_gradients(factor_graph: bool) -> None:
    settings = {"encoder": "cnn", "encoder_hidden": 12, "factor_graph": factor_graph, "num_edge_types": 3, "undirected": False}
    fast, dense = (model(window=20, **settings).encoder for _ in range(2))
    values = paths(num_frames=20)
    ours, expected = fast(values).flatten(1, 2), textbook.cnn_encode(dense, values)
    assert torch.allclose(ours, expected, rtol=1e-9, atol=1e-10)
    ours.square().sum().backward()
    expected.square().sum().backward()
    for (name, mine), theirs in zip(fast.named_parameters(), dense.parameters(), strict=True):
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-6, atol=1e-7 * (1 + theirs.grad.abs().max().item())), name


def test_the_mlp_encoder_without_factor_graph_sees_each_pair_alone() -> None:
    values = paths()
    moved = values.clone()
    moved[:, :, 4] += torch.sin(torch.arange(14.0))[:, None]
    for factor_graph, alone in ((False, True), (True, False)):
        encoder = model(encoder="mlp", encoder_hidden=8, factor_graph=factor_graph).encoder.eval()
        first, second = encoder(values), encoder(moved)
        assert torch.allclose(first[:, :4, :3], second[:, :4, :3]) == alone  # the pairs among nodes 0 to 3
        assert not torch.allclose(first[:, 4], second[:, 4])


@pytest.mark.parametrize("name", ["cnn", "edgewise"])
@pytest.mark.parametrize("num_nodes", [2, 7])
def test_encoders_that_claim_it_read_other_lengths_and_sizes(name: str, num_nodes: int) -> None:
    network = model(encoder=name, encoder_hidden=8, window=20)
    assert network.edge_logits(paths(num_frames=33, num_nodes=num_nodes)).shape == (4, num_nodes, num_nodes - 1, 2)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_weight_of_an_encoder_learns(name: str) -> None:
    network = model(encoder=name, encoder_hidden=8)
    network.edge_logits(paths()).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.encoder.parameters())


def test_a_window_too_short_for_the_convolutions_is_refused_at_construction() -> None:
    assert model(encoder="cnn", window=14).edge_logits(paths(num_frames=14)).isfinite().all()
    with pytest.raises(ConfigError, match="at least 14 frames; found 13"):
        model(encoder="cnn", window=13)
