"""The paper's model as its reference writes it, with dense one-hot products: the index-based form equals it, and is timed against it."""

import functools

import torch
from torch import Tensor
from torch.nn import functional

from nri_core.graph import edge_list
from nri_core.models import NRI
from nri_core.models.layers import ReferenceMLP


@functools.cache
def one_hot_edges(num_nodes: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """(rel_rec, rel_send): [edge, node] matrices of ones and zeros."""
    receivers, senders = edge_list(num_nodes)
    eye = torch.eye(num_nodes, dtype=dtype, device=device)
    return eye[torch.from_numpy(receivers).to(device)], eye[torch.from_numpy(senders).to(device)]


def block(mlp: ReferenceMLP, values: Tensor) -> Tensor:
    """Linear, ELU, Linear, ELU, batch norm over simulations and nodes (or edges)."""
    hidden = functional.elu(functional.linear(values, mlp.first.weight, mlp.first.bias))
    hidden = functional.elu(functional.linear(hidden, mlp.second.weight, mlp.second.bias))
    mean, variance = hidden.mean((0, 1)), hidden.var((0, 1), unbiased=False)
    return (hidden - mean) / (variance + mlp.norm.eps).sqrt() * mlp.norm.weight + mlp.norm.bias


def encode(model: NRI, values: Tensor) -> Tensor:
    """MLP encoder with rel_rec and rel_send; logits [sim, edge, type]."""
    rel_rec, rel_send = one_hot_edges(values.shape[2], values.dtype, values.device)
    encoder = model.encoder

    def node_to_edge(nodes: Tensor) -> Tensor:
        return torch.cat([rel_send @ nodes, rel_rec @ nodes], dim=-1)

    nodes = block(encoder.embed, values.transpose(1, 2).reshape(values.shape[0], values.shape[2], -1))
    edges = block(encoder.edge_first, node_to_edge(nodes))
    nodes = block(encoder.factor.node, rel_rec.T @ edges / values.shape[2])
    second = block(encoder.factor.edge, torch.cat([node_to_edge(nodes), edges], dim=-1))
    return functional.linear(second, encoder.logits.weight, encoder.logits.bias)


def decode(model: NRI, state: Tensor, edges: Tensor) -> Tensor:
    """MLP decoder, one step: state [..., node, dim], edges [..., edge, type] → the next state."""
    rel_rec, rel_send = one_hot_edges(state.shape[-2], state.dtype, state.device)
    decoder = model.decoder
    first_type = int(model.settings.skip_first)
    total = 0.0
    for kind in range(decoder.sending):
        rows = slice(kind * model.settings.decoder_hidden, (kind + 1) * model.settings.decoder_hidden)
        weight = torch.cat([decoder.from_sender.weight[rows], decoder.from_receiver.weight[rows]], dim=1)
        hidden = torch.cat([rel_send @ state, rel_rec @ state], dim=-1) @ weight.T + decoder.from_sender.bias[rows]
        message = functional.linear(hidden.relu(), decoder.second[kind].weight, decoder.second[kind].bias).relu()
        total = total + message * edges[..., kind + first_type, None]
    aggregate = rel_rec.T @ total
    return state + decoder.output(torch.cat([state, aggregate], dim=-1))


def negative_elbo(model: NRI, values: Tensor, noise: Tensor, *, temperature: float, prediction_steps: int, variance: float) -> Tensor:
    """Soft samples with given Gumbel noise, prediction_steps-step reconstruction, KL to the uniform prior; per simulation and node.

    All segments run in parallel and to their end; what lies beyond the last frame is dropped afterwards, as the reference does.
    """
    logits = encode(model, values)
    edges = ((logits + noise) / temperature).softmax(-1)
    state, predicted = values[:, ::prediction_steps], []
    for _ in range(prediction_steps):
        state = decode(model, state, edges[:, None])
        predicted.append(state)
    within = torch.stack(predicted, dim=2).flatten(1, 2)[:, : values.shape[1] - 1]
    squared = (values[:, 1:] - within).square().sum()
    probs = logits.softmax(-1)
    divergence = (probs * (probs * probs.shape[-1]).log()).sum()
    return (squared / (2 * variance) + divergence) / (values.shape[0] * values.shape[2])
