"""The paper's model as a textbook writes it, with dense one-hot products: what the index-based form is held equal to."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks._textbook import block, decode, encode, negative_elbo, one_hot_edges
from nri_core.models import NRI
from nri_core.models.encoders.cnn import CNNEncoder

__all__ = ["block", "cnn_encode", "decode", "encode", "negative_elbo", "rnn_step"]


def cnn_encode(encoder: CNNEncoder, values: Tensor) -> Tensor:
    """CNN encoder: values [sim, time, node, dim] → logits [sim, edge, type], every edge a path of its own."""
    rel_rec, rel_send = one_hot_edges(values.shape[2], values.dtype, values.device)
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
    rel_rec, rel_send = one_hot_edges(state.shape[-2], state.dtype, state.device)
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
