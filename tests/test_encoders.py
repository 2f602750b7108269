"""Encoders: every one equals its dense form, follows a renaming of the nodes, and keeps the contract of the registry."""

import pytest
import torch

from benchmarks import _textbook_pairs as textbook
from nri_core.errors import ConfigError
from nri_core.models import NRI, ModelSettings
from nri_core.models.encoders import ENCODERS
from nri_core.models.layers import reverse_slots
from tests.test_models import model, paths, permuted

OPTIONS = [("edgewise", {}), ("phase", {}), *((name, {"factor_graph": choice}) for name in ("mlp", "cnn") for choice in (True, False))]
OF_ANY_LENGTH = sorted(set(ENCODERS) - {"mlp"})


def same_gradients(ours: torch.nn.Module, dense: torch.nn.Module) -> None:
    """Of two networks with the same weights."""
    for (name, mine), theirs in zip(ours.named_parameters(), dense.parameters(), strict=True):
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-6, atol=1e-7 * (1 + theirs.grad.abs().max().item())), name


def test_every_encoder_has_a_dense_form() -> None:
    assert set(textbook.ENCODERS) == set(ENCODERS) == {name for name, _ in OPTIONS}


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_an_encoder_equals_its_dense_form_in_logits_and_gradients(name: str, option: dict[str, bool], undirected: bool) -> None:
    settings = {"encoder": name, "encoder_hidden": 12, "num_edge_types": 3, "undirected": undirected} | option
    values = paths(num_frames=20)
    fast, dense = (model(window=20, **settings) for _ in range(2))
    for network in (fast, dense):
        network.calibrate(values)
    ours, expected = fast.encoder(values).flatten(1, 2), textbook.ENCODERS[name](dense.encoder, values)
    assert torch.allclose(ours, expected, rtol=1e-9, atol=1e-9)
    ours.square().sum().backward()
    expected.square().sum().backward()
    same_gradients(fast.encoder, dense.encoder)


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_encoders_follow_a_renaming_of_the_nodes(name: str, option: dict[str, bool], undirected: bool) -> None:
    network = model(encoder=name, encoder_hidden=16, undirected=undirected, **option).eval()
    values, order = paths(), torch.tensor([3, 0, 4, 1, 2])
    logits = network.edge_logits(values)
    assert logits.shape == (4, 5, 4, 2)
    assert torch.allclose(network.edge_logits(values[:, :, order]), permuted(logits, order))
    assert torch.allclose(logits, reverse_slots(logits)) == undirected


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_without_factor_graph_each_pair_is_read_alone(name: str) -> None:
    values = paths()
    moved = values.clone()
    moved[:, :, 4] += torch.sin(torch.arange(14.0))[:, None]
    for factor_graph in (True, False):
        encoder = model(encoder=name, encoder_hidden=8, factor_graph=factor_graph).encoder.eval()
        first, second = encoder(values), encoder(moved)
        assert torch.allclose(first[:, :4, :3], second[:, :4, :3]) != factor_graph  # the pairs among nodes 0 to 3
        assert not torch.allclose(first[:, 4], second[:, 4])


@pytest.mark.parametrize("name", OF_ANY_LENGTH)
@pytest.mark.parametrize("num_nodes", [2, 9])
def test_encoders_of_any_length_read_other_lengths_and_sizes(name: str, num_nodes: int) -> None:
    network = model(encoder=name, encoder_hidden=8, window=20)
    logits = network.edge_logits(paths(num_frames=33, num_nodes=num_nodes))
    assert logits.shape == (4, num_nodes, num_nodes - 1, 2) and logits.isfinite().all()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_system_is_read_without_regard_to_the_others_beside_it(name: str) -> None:
    network, values = model(encoder=name, encoder_hidden=8).eval(), paths()
    network.calibrate(values)
    assert torch.allclose(network.edge_logits(values)[1:2], network.edge_logits(values[1:2]))


@pytest.mark.parametrize("name", ENCODERS)
def test_every_weight_of_an_encoder_learns(name: str) -> None:
    network = model(encoder=name, encoder_hidden=8, window=20)
    network.edge_logits(paths(num_frames=20)).square().sum().backward()
    gradients = {weight: parameter.grad for weight, parameter in network.encoder.named_parameters()}
    gradients.pop("attend.bias", None)  # shifts every frame alike, which softmax does not see
    assert all(gradient is not None and gradient.isfinite().all() and gradient.any() for gradient in gradients.values()), gradients


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_answers_in_the_precision_it_is_asked_in(name: str) -> None:
    network, values = model(encoder=name).eval(), paths()
    network.calibrate(values)
    exact = network.edge_logits(values)
    single = network.float().edge_logits(values.float())
    assert exact.dtype == torch.float64 and single.dtype == torch.float32
    assert torch.allclose(single.double(), exact, atol=1e-3)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_window_too_short_is_refused_at_construction(name: str) -> None:
    fewest = model(encoder=name, window=14).encoder.fewest_frames(14)
    assert model(encoder=name, window=fewest).edge_logits(paths(num_frames=fewest)).isfinite().all()
    if name in OF_ANY_LENGTH:
        with pytest.raises(ConfigError, match=f"at least {fewest} frames; found {fewest - 1}"):
            model(encoder=name, window=fewest - 1)


def test_the_shortest_window_of_the_cnn_leaves_one_frame_to_attend_to() -> None:
    """And with it the CNN fails one frame below, were it not refused."""
    encoder = model(encoder="cnn").encoder
    assert encoder.fewest_frames(49) == 14
    with pytest.raises(RuntimeError):
        encoder(paths(num_frames=13))


def test_the_edgewise_encoder_sees_a_turned_square_alike() -> None:
    """By 90 degrees, as the distance to the walls of a square is among its features."""
    network = model(encoder="edgewise")
    values = paths()
    turned = torch.stack([-values[..., 1], values[..., 0], -values[..., 3], values[..., 2]], dim=-1)
    assert torch.allclose(network.edge_logits(turned), network.edge_logits(values))


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_refuse_features_they_cannot_read(name: str) -> None:
    settings, names = ModelSettings(encoder=name, decoder="mlp"), ("pressure", "heat")
    if not ENCODERS[name].needs:
        assert NRI(settings, feature_names=names, num_nodes=5, window=20).encoder
    else:
        with pytest.raises(ConfigError, match=", ".join(ENCODERS[name].needs)):
            NRI(settings, feature_names=names, num_nodes=5, window=20)
