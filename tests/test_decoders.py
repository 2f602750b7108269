"""Decoders with a memory or a law of their own: dense textbook forms, what they remember, and the law itself."""

import pytest
import torch

from nri_core.dataset import Normalizer, as_tensor, edges_as_tensor
from nri_core.models import NRI, ModelSettings
from nri_core.models.decoders import DECODERS
from nri_core.systems import SYSTEMS, Simulation, simulate
from tests import textbook
from tests.test_models import NAMES, edges, model, paths


@pytest.mark.parametrize("skip_first", [True, False])
@pytest.mark.parametrize("num_edge_types", [2, 3])
def test_the_recurrent_decoder_equals_its_dense_form(skip_first: bool, num_edge_types: int) -> None:
    network = model(decoder="rnn", decoder_hidden=6, skip_first=skip_first, num_edge_types=num_edge_types)
    values, graph = paths(), edges(kinds=num_edge_types)
    torch.set_default_dtype(torch.float64)
    try:
        memory, hidden = None, torch.zeros(4, 5, 6)
        for frame in values[:, :4].unbind(1):
            prediction, memory = network.step(frame, graph, memory)
            expected, hidden = textbook.rnn_step(network, frame, hidden, graph.flatten(1, 2))
            assert torch.allclose(prediction.mean, expected) and torch.allclose(memory[0], hidden)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_single_lstm_sees_each_object_alone_and_the_joint_one_all_of_them() -> None:
    values, graph = paths()[:, :3], edges()
    moved = values.clone()
    moved[:, :, 0] += 1
    for name, alone in (("lstm", True), ("joint_lstm", False)):
        network = model(decoder=name, decoder_hidden=8)
        first, second = (network.rollout(past, graph, num_steps=2)[:, :, 1:] for past in (values, moved))
        assert torch.equal(first, second) == alone


@pytest.mark.parametrize("name", sorted(set(DECODERS) - {"simulated"}))
def test_every_weight_of_a_decoder_learns(name: str) -> None:
    network = model(decoder=name, decoder_hidden=8)
    network.rollout_log_prob(paths(), edges(), prediction_steps=3, burn_in=2).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.decoder.parameters())


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
