"""The paper's model as its reference writes it, with dense one-hot products: the index-based form equals it, and is timed against it."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from nri_core.graph import edge_list
from nri_core.models import NRI
from nri_core.models.encoders.mlp import FactorGraph, PairAlone
from nri_core.models.layers import ReferenceMLP
from nri_core.models.prediction import Memory, Prediction


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


def mlp_encode(encoder: nn.Module, values: Tensor) -> Tensor:
    """MLP encoder: values [sim, time, node, dim] → logits [sim, edge, type]."""
    rel_rec, rel_send = one_hot_edges(values.shape[2], values.dtype, values.device)
    nodes = block(encoder.embed, values.transpose(1, 2).reshape(values.shape[0], values.shape[2], -1))
    edges = block(encoder.edge_first, torch.cat([rel_send @ nodes, rel_rec @ nodes], dim=-1))
    return functional.linear(_last_round(encoder.factor, edges, rel_rec, rel_send), encoder.logits.weight, encoder.logits.bias)


def cnn_encode(encoder: nn.Module, values: Tensor) -> Tensor:
    """CNN encoder, every edge a path of its own."""
    rel_rec, rel_send = one_hot_edges(values.shape[2], values.dtype, values.device)
    num_sims, num_frames, num_nodes, num_dims = values.shape
    nodes = values.transpose(1, 2).reshape(num_sims, num_nodes, -1)
    send, receive = ((matrix @ nodes).view(-1, num_frames, num_dims).transpose(1, 2) for matrix in (rel_send, rel_rec))
    weight = torch.cat([encoder.from_sender.weight, encoder.from_receiver.weight], dim=1)
    hidden = functional.conv1d(torch.cat([send, receive], dim=1), weight, encoder.from_sender.bias).relu()
    hidden = functional.max_pool1d(encoder.first_norm(hidden), 2)
    hidden = encoder.second_norm(functional.conv1d(hidden, encoder.second.weight, encoder.second.bias).relu())
    attention = encoder.attend(hidden).softmax(2)
    edges = block(encoder.edge, (encoder.predict(hidden) * attention).mean(2).view(num_sims, len(rel_rec), -1))
    return functional.linear(_last_round(encoder.factor, edges, rel_rec, rel_send), encoder.logits.weight, encoder.logits.bias)


def _last_round(factor: nn.Module, edges: Tensor, rel_rec: Tensor, rel_send: Tensor) -> Tensor:
    """From edges to nodes and back; or, without factor graph, what the MLP (one more block) and the CNN (nothing) do instead."""
    if isinstance(factor, PairAlone):
        return block(factor.second, torch.cat([block(factor.first, edges), edges], dim=-1))
    if not isinstance(factor, FactorGraph):
        return edges
    nodes = block(factor.node, rel_rec.T @ edges / rel_rec.shape[1])
    return block(factor.edge, torch.cat([rel_send @ nodes, rel_rec @ nodes, edges], dim=-1))


def mlp_step(model: NRI, state: Tensor, edges: Tensor, memory: Memory | None = None) -> tuple[Prediction, Memory]:
    """MLP decoder: state [..., node, dim], edges [..., edge, type]."""
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
    return Prediction(state + decoder.output(torch.cat([state, aggregate], dim=-1))), ()


def rnn_step(model: NRI, state: Tensor, edges: Tensor, memory: Memory | None = None) -> tuple[Prediction, Memory]:
    """Recurrent decoder: state [sim, node, dim], edges [sim, edge, type]."""
    rel_rec, rel_send = one_hot_edges(state.shape[-2], state.dtype, state.device)
    decoder, width = model.decoder, model.settings.decoder_hidden
    hidden = memory[0] if memory else state.new_zeros(*state.shape[:-1], width)
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
    return Prediction(state + decoder.output(hidden)), (hidden,)


def lstm_step(model: NRI, state: Tensor, edges: Tensor, memory: Memory | None = None) -> tuple[Prediction, Memory]:
    """LSTM baselines, cell by cell; the joint one reads all nodes as one vector, the single one each by itself."""
    decoder = model.decoder
    rows = state.shape[0] if model.settings.decoder == "joint_lstm" else state.shape[0] * state.shape[1]
    inputs = decoder.embed(state).reshape(rows, -1)
    before = memory or (inputs.new_zeros(decoder.recurrent.num_layers, *inputs.shape),) * 2
    after = []
    for layer, (hidden, cell) in enumerate(zip(*before, strict=True)):
        weights = (getattr(decoder.recurrent, f"{name}_l{layer}") for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh"))
        seen_weight, seen_bias, kept_weight, kept_bias = weights
        gates = functional.linear(inputs, seen_weight, seen_bias) + functional.linear(hidden, kept_weight, kept_bias)
        enter, forget, new, leave = gates.chunk(4, dim=-1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        inputs = leave.sigmoid() * cell.tanh()
        after.append((inputs, cell))
    hidden, cell = (torch.stack(parts) for parts in zip(*after, strict=True))
    return Prediction(state + decoder.output(inputs).view_as(state)), (hidden, cell)


ENCODERS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {"mlp": mlp_encode, "cnn": cnn_encode}
STEPS: dict[str, Callable[[NRI, Tensor, Tensor, Memory | None], tuple[Prediction, Memory]]] = {
    "mlp": mlp_step,
    "rnn": rnn_step,
    "lstm": lstm_step,
    "joint_lstm": lstm_step,
}


def negative_elbo(model: NRI, values: Tensor, noise: Tensor, *, temperature: float, prediction_steps: int, variance: float) -> Tensor:
    """Soft samples with given Gumbel noise, prediction_steps-step reconstruction, KL to the uniform prior; per simulation and node.

    All segments run in parallel and to their end; what lies beyond the last frame is dropped afterwards, as the reference does.
    """
    logits = mlp_encode(model.encoder, values)
    edges = ((logits + noise) / temperature).softmax(-1)
    state, predicted = values[:, ::prediction_steps], []
    for _ in range(prediction_steps):
        state = mlp_step(model, state, edges[:, None])[0].mean
        predicted.append(state)
    within = torch.stack(predicted, dim=2).flatten(1, 2)[:, : values.shape[1] - 1]
    squared = (values[:, 1:] - within).square().sum()
    probs = logits.softmax(-1)
    divergence = (probs * (probs * probs.shape[-1]).log()).sum()
    return (squared / (2 * variance) + divergence) / (values.shape[0] * values.shape[2])
