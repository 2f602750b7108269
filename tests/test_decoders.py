"""Decoders: every one equals its dense form, follows a renaming of the nodes, and keeps the contract of the registry."""

import math

import pytest
import torch

from benchmarks import _textbook_pairs as textbook
from benchmarks import parts
from nri_core.dataset import Normalizer, as_tensor, edges_as_tensor
from nri_core.errors import ConfigError
from nri_core.models import NRI, ModelSettings
from nri_core.models.decoders import DECODERS
from nri_core.models.encoders import ENCODERS
from nri_core.models.likelihoods import LIKELIHOODS
from nri_core.settings import WITHOUT_GRAPH
from nri_core.systems import SYSTEMS, Simulation, simulate
from tests.test_encoders import same_gradients
from tests.test_models import NAMES, edges, model, paths, permuted

LEARNED = sorted(set(DECODERS) - {"simulated"})
OF_ANY_SIZE = sorted(set(DECODERS) - {"joint_lstm"})  # which knows its objects by their order
READS_GRAPH = sorted(set(DECODERS) - set(WITHOUT_GRAPH))


def test_every_learned_decoder_has_a_dense_form() -> None:
    assert set(textbook.STEPS) == set(LEARNED)


@pytest.mark.parametrize("skip_first", [True, False])
@pytest.mark.parametrize("num_edge_types", [2, 3])
@pytest.mark.parametrize("name", LEARNED)
def test_a_decoder_equals_its_dense_form_over_several_frames_and_in_gradients(name: str, num_edge_types: int, skip_first: bool) -> None:
    settings = {"decoder": name, "decoder_hidden": 6, "skip_first": skip_first, "num_edge_types": num_edge_types}
    values, graph = paths(), edges(kinds=num_edge_types)
    fast, dense = (model(**settings) for _ in range(2))
    memory, remembered, ours, expected = None, None, 0.0, 0.0
    for network in (fast, dense):
        network.calibrate(values)
    for frame, target in zip(values[:, :3].unbind(1), values[:, 1:4].unbind(1), strict=True):
        prediction, memory = fast.step(frame, graph, memory)
        other, remembered = textbook.STEPS[name](dense, frame, graph.flatten(1, 2), remembered)
        assert torch.allclose(prediction.mean, other.mean, rtol=1e-9, atol=1e-10)
        assert all(torch.allclose(mine, theirs) for mine, theirs in zip(memory, remembered, strict=True))
        assert (prediction.log_scale is None) == (other.log_scale is None)
        assert other.log_scale is None or torch.allclose(prediction.log_scale, other.log_scale)
        ours, expected = ours + fast.log_prob(prediction, target).sum(), expected + dense.log_prob(other, target).sum()
    ours.backward()
    expected.backward()
    same_gradients(fast.decoder, dense.decoder)


@pytest.mark.parametrize("name", OF_ANY_SIZE)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("skip_first", [True, False])
def test_decoders_follow_a_renaming_of_the_nodes_and_run_on(name: str, likelihood: str, skip_first: bool) -> None:
    network = model(decoder=name, likelihood=likelihood, skip_first=skip_first, decoder_hidden=16)
    values, graph, order = paths(), edges(), torch.tensor([3, 0, 4, 1, 2])
    network.calibrate(values)
    after = network.rollout(values[:, :3], graph, num_steps=4)
    assert after.shape == (4, 4, 5, 4)
    assert torch.allclose(network.rollout(values[:, :3, order], permuted(graph, order), num_steps=4), after[:, :, order])
    assert network.rollout_log_prob(values, graph, prediction_steps=5).shape == (4,)


@pytest.mark.parametrize("name", READS_GRAPH)
def test_a_silent_first_type_sends_nothing(name: str) -> None:
    """With every edge of the first type, no node feels any other."""
    network, values = model(decoder=name), paths()[:, :2]
    none = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(4, 5, 4, 2)
    moved = values.clone()
    moved[:, :, 0] += 1
    graphs = (none, none.flip(-1))
    by_none, by_some = ([network.rollout(past, graph, num_steps=1)[..., 1:, :] for past in (values, moved)] for graph in graphs)
    assert torch.equal(*by_none)
    assert not torch.allclose(*by_some)


@pytest.mark.parametrize("name", WITHOUT_GRAPH)
def test_the_single_lstm_sees_each_object_alone_and_the_joint_one_all_of_them_and_neither_a_graph(name: str) -> None:
    values, graph = paths()[:, :3], edges()
    moved = values.clone()
    moved[:, :, 0] += 1
    network = model(decoder=name, decoder_hidden=8)
    first, second = (network.rollout(past, graph, num_steps=2)[:, :, 1:] for past in (values, moved))
    assert torch.equal(first, second) == (name == "lstm")
    assert torch.equal(network.rollout(values, graph.flip(-1), num_steps=2)[:, :, 1:], first)


@pytest.mark.parametrize("name", sorted({"rnn", *WITHOUT_GRAPH}))
def test_what_happened_before_is_remembered(name: str) -> None:
    network, values, graph = model(decoder=name, decoder_hidden=8), paths()[:, :4], edges()
    other = values.clone()
    other[:, 0] += 1
    assert network.settings.remembers
    assert not torch.allclose(*(network.rollout(past, graph, num_steps=1) for past in (values, other)))


@pytest.mark.parametrize("name", LEARNED)
def test_every_weight_of_a_decoder_learns(name: str) -> None:
    network = model(decoder=name, decoder_hidden=8)
    network.rollout_log_prob(paths(), edges(), prediction_steps=3, burn_in=2).sum().backward()
    gradients = {weight: parameter.grad for weight, parameter in network.decoder.named_parameters()}
    assert all(gradient is not None and gradient.isfinite().all() and gradient.any() for gradient in gradients.values()), gradients


@pytest.mark.parametrize("name", READS_GRAPH)
def test_a_decoder_passes_gradients_to_the_edges(name: str) -> None:
    """Without which no encoder would learn from it."""
    network, graph = model(decoder=name, decoder_hidden=8), edges().requires_grad_()
    network.rollout_log_prob(paths(), graph, prediction_steps=3, burn_in=2).sum().backward()
    assert graph.grad[..., 1].abs().min() > 0 and graph.grad.isfinite().all()


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_answers_in_the_precision_it_is_asked_in(name: str) -> None:
    network, values, graph = model(decoder=name, decoder_hidden=8), paths(), edges()
    network.calibrate(values)
    exact = network.rollout(values[:, :3], graph, num_steps=1)
    single = network.float().rollout(values[:, :3].float(), graph.float(), num_steps=1)
    assert exact.dtype == torch.float64 and single.dtype == torch.float32
    assert torch.allclose(single.double(), exact, atol=1e-3)


@pytest.mark.parametrize("num_nodes", [2, 9])
@pytest.mark.parametrize("name", OF_ANY_SIZE)
def test_decoders_of_any_size_read_other_sizes(name: str, num_nodes: int) -> None:
    network, values = model(decoder=name), paths(num_nodes=num_nodes, num_frames=7)
    after = network.rollout(values[:, :2], edges(num_nodes=num_nodes), num_steps=2)
    assert after.shape == (4, 2, num_nodes, 4) and after.isfinite().all()


@pytest.mark.parametrize("name", sorted(set(DECODERS) - {"simulated"}))
def test_decoders_refuse_features_they_cannot_read(name: str) -> None:
    settings, names = ModelSettings(encoder="mlp", decoder=name), ("pressure", "heat")
    if not DECODERS[name].needs:
        assert NRI(settings, feature_names=names, num_nodes=5, window=20).decoder.scored == (0, 1)
    else:
        with pytest.raises(ConfigError, match=", ".join(DECODERS[name].needs)):
            NRI(settings, feature_names=names, num_nodes=5, window=20)


@pytest.mark.parametrize("angle", [0.3, 2.0])
def test_forces_and_scale_of_the_relative_decoder_turn_with_the_picture(angle: float) -> None:
    decoder = model(decoder="relative").decoder
    state = paths()[:, 0]
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    turned = torch.cat([state[..., :2] @ turn.T + 3.0, state[..., 2:] @ turn.T], dim=-1)
    assert torch.allclose(decoder.messages(turned).values, decoder.messages(state).values @ turn.T)


@pytest.mark.parametrize("num_nodes", [3, 12])
def test_the_recurrent_decoder_hears_the_mean_of_its_senders(num_nodes: int) -> None:
    """Nodes that are all alike move as they would in any number: the reference's division by the number of features fails this."""
    network = model(decoder="rnn", decoder_hidden=8)
    one = paths(num_nodes=1, num_frames=4)
    moves = []
    for size in (2, num_nodes):
        graph = torch.tensor([0.3, 0.7], dtype=torch.float64).expand(4, size, size - 1, 2)
        moves.append(network.rollout(one.expand(-1, -1, size, -1), graph, num_steps=2)[:, :, :1])
    assert torch.allclose(*moves)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_simulated_decoder_is_the_law_and_differentiable_in_the_edges(name: str) -> None:
    law = SYSTEMS[name]()
    data = simulate(law, Simulation(num_sims=3, num_nodes=4, num_steps=3, seed=4))
    normalizer = Normalizer.fit(data, "unit")
    settings = ModelSettings(decoder="simulated", encoder="mlp", law=name, law_steps=law.steps_per_frame, likelihood="gaussian")
    network = NRI(settings, feature_names=data.feature_names, num_nodes=4, window=3).double()
    network.decoder.use_units(normalizer)
    values = as_tensor(data, normalizer, torch.device("cpu")).double()
    graph = edges_as_tensor(data, 2, torch.device("cpu")).double().requires_grad_()
    prediction, _ = network.step(values[:, 1], graph)
    assert torch.allclose(prediction.mean, values[:, 2], atol=1e-4)  # the data passed through single precision
    prediction.mean.square().sum().backward()
    assert graph.grad.abs().max() > 0 and graph.grad.isfinite().all()
    wrong, _ = network.step(values[:, 1], graph.flip(-1))
    assert not torch.allclose(wrong.mean, values[:, 2], atol=1e-3)
    assert not list(network.decoder.parameters())


def test_the_simulated_decoder_takes_several_frames_at_once() -> None:
    network = model(decoder="simulated", encoder="mlp", law_steps=3)
    values, graph = paths(), edges()
    together, _ = network.step(values, graph[:, None])
    apart, _ = network.step(values[:, 5], graph)
    assert torch.allclose(together.mean[:, 5], apart.mean) and network.feature_names == NAMES


@pytest.mark.slow
def test_the_benchmark_of_the_parts_runs_at_toy_size() -> None:
    report = parts.main(parts.Size(hidden=4, sims=2, frames=14, rounds=1))
    assert set(report["parts"]) == {f"{name} encoder" for name in ENCODERS} | {f"{name} decoder" for name in LEARNED}
    assert all(part["ratio"] > 0 for part in report["parts"].values())
