"""The paper's model as a textbook writes it, with dense one-hot products: what the index-based form is held equal to."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from nri_core.graph import edge_list
from nri_core.models import NRI
from nri_core.models.encoders.cnn import CNNEncoder
from nri_core.models.layers import ReferenceMLP


def one_hot_edges(num_nodes: int) -> tuple[Tensor, Tensor]:
    """(rel_rec, rel_send): [edge, node] matrices of ones and zeros."""
    receivers, senders = edge_list(num_nodes)
    eye = torch.eye(num_nodes)
    return eye[torch.from_numpy(receivers)], eye[torch.from_numpy(senders)]


def block(mlp: ReferenceMLP, values: Tensor) -> Tensor:
    """Linear, ELU, Linear, ELU, batch norm over simulations and nodes (or edges)."""
    hidden = functional.elu(functional.linear(values, mlp.first.weight, mlp.first.bias))
    hidden = functional.elu(functional.linear(hidden, mlp.second.weight, mlp.second.bias))
    mean, variance = hidden.mean((0, 1)), hidden.var((0, 1), unbiased=False)
    return (hidden - mean) / (variance + mlp.norm.eps).sqrt() * mlp.norm.weight + mlp.norm.bias


def encode(model: NRI, values: Tensor) -> Tensor:
    """MLP encoder with rel_rec and rel_send; logits [sim, edge, type]."""
    rel_rec, rel_send = one_hot_edges(values.shape[2])
    encoder = model.encoder

    def node_to_edge(nodes: Tensor) -> Tensor:
        return torch.cat([rel_send @ nodes, rel_rec @ nodes], dim=-1)

    nodes = block(encoder.embed, values.transpose(1, 2).reshape(values.shape[0], values.shape[2], -1))
    edges = block(encoder.edge_first, node_to_edge(nodes))
    nodes = block(encoder.factor.node, rel_rec.T @ edges / values.shape[2])
    second = block(encoder.factor.edge, torch.cat([node_to_edge(nodes), edges], dim=-1))
    return functional.linear(second, encoder.logits.weight, encoder.logits.bias)


def cnn_encode(encoder: CNNEncoder, values: Tensor) -> Tensor:
    """CNN encoder: values [sim, time, node, dim] → logits [sim, edge, type], every edge a path of its own."""
    rel_rec, rel_send = one_hot_edges(values.shape[2])
    num_sims, num_frames, num_nodes, num_dims = values.shape
    nodes = values.permute(0, 2, 1, 3).reshape(num_sims, num_nodes, -1)
    send, receive = ((matrix @ nodes).view(-1, num_frames, num_dims).transpose(1, 2) for matrix in (rel_send, rel_rec))
    weight = torch.cat([encoder.from_sender.weight, encoder.from_receiver.weight], dim=1)
    hidden = functional.conv1d(torch.cat([send, receive], dim=1), weight, encoder.from_sender.bias).relu()
    hidden = functional.max_pool1d(encoder.first_norm(hidden), 2)
    hidden = encoder.second_norm(functional.conv1d(hidden, encoder.second.weight, encoder.second.bias).relu())
    attention = encoder.attend(hidden).softmax(2)
    edges = block(encoder.edge, (encoder.predict(hidden) * attention).mean(2).view(num_sims, len(rel_rec), -1))
    if not isinstance(encoder.factor, nn.Identity):
        after = block(encoder.factor.node, rel_rec.T @ edges / num_nodes)
        edges = block(encoder.factor.edge, torch.cat([rel_send @ after, rel_rec @ after, edges], dim=-1))
    return functional.linear(edges, encoder.logits.weight, encoder.logits.bias)


def rnn_step(model: NRI, state: Tensor, hidden: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Recurrent decoder, one step: state and hidden [sim, node, …], edges [sim, edge, type] → the next of both."""
    rel_rec, rel_send = one_hot_edges(state.shape[-2])
    decoder, width = model.decoder, model.settings.decoder_hidden
    total = 0.0
    for kind in range(decoder.sending):
        rows = slice(kind * width, (kind + 1) * width)
        weight = torch.cat([decoder.from_sender.weight[rows], decoder.from_receiver.weight[rows]], dim=1)
        message = torch.tanh(torch.cat([rel_send @ hidden, rel_rec @ hidden], dim=-1) @ weight.T + decoder.from_sender.bias[rows])
        message = torch.tanh(functional.linear(message, decoder.second[kind].weight, decoder.second[kind].bias))
        total = total + message * edges[..., kind + int(model.settings.skip_first), None] / decoder.sending
    heard = rel_rec.T @ total / (state.shape[-2] - 1)
    see_r, see_u, see_n = decoder.see(state).split(width, dim=-1)
    hear_r, hear_u, hear_n = (heard @ weight.T for weight in decoder.hear.weight.split(width))
    reset, keep = torch.sigmoid(see_r + hear_r), torch.sigmoid(see_u + hear_u)
    hidden = (1 - keep) * torch.tanh(see_n + reset * hear_n) + keep * hidden
    return state + decoder.output(hidden), hidden


def decode(model: NRI, state: Tensor, edges: Tensor) -> Tensor:
    """MLP decoder, one step: state [..., node, dim], edges [..., edge, type] → the next state."""
    rel_rec, rel_send = one_hot_edges(state.shape[-2])
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
    """Soft samples with given Gumbel noise, prediction_steps-step reconstruction, KL to the uniform prior; per simulation and node."""
    logits = encode(model, values)
    edges = ((logits + noise) / temperature).softmax(-1)
    squared = 0.0
    for start in range(0, values.shape[1] - 1, prediction_steps):
        state = values[:, start]
        for step in range(start + 1, min(start + prediction_steps, values.shape[1] - 1) + 1):
            state = decode(model, state, edges)
            squared = squared + (values[:, step] - state).square().sum()
    probs = logits.softmax(-1)
    divergence = (probs * (probs * probs.shape[-1]).log()).sum()
    return (squared / (2 * variance) + divergence) / (values.shape[0] * values.shape[2])
