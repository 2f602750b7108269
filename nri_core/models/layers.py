"""The small networks and the message passing that encoders and decoders share.

Edges lie receiver-major as [..., node, slot]: slot s of node i is the s-th other node. Receivers then need no index at
all (they are the node axis), senders one gather, and the sum over incoming edges is a sum over the slot axis. The
reference code multiplies by one-hot matrices instead; tests hold both forms equal.
"""

import functools
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from nri_core import graph

FAINT = -10.0  # the logarithm of next to nothing; minus infinity has no gradient


@functools.cache  # a GPU would finish all its work before each copy to it
@torch.inference_mode(False)  # kept for whoever asks next, who may train
def sender_slots(num_nodes: int, device: torch.device | None = None) -> Int[Tensor, "node slot"]:
    """The sender in each slot of each receiver."""
    _, senders = graph.edge_list(num_nodes)
    return torch.from_numpy(senders.reshape(num_nodes, num_nodes - 1)).to(device)


@functools.cache
@torch.inference_mode(False)
def _reverse(num_nodes: int, device: torch.device) -> Int[Tensor, " edge"]:
    return torch.from_numpy(graph.reverse_edges(num_nodes)).to(device)


def reverse_slots(edges: Shaped[Tensor, "*batch node slot channel"]) -> Shaped[Tensor, "*batch node slot channel"]:
    """The value of j←i at the place of i←j."""
    num_nodes = edges.shape[-3]
    return edges.flatten(-3, -2).index_select(-2, _reverse(num_nodes, edges.device)).unflatten(-2, (num_nodes, num_nodes - 1))


def from_senders(nodes: Shaped[Tensor, "*batch node channel"]) -> Shaped[Tensor, "*batch node slot channel"]:
    """Give each edge the value of its sender."""
    index = sender_slots(nodes.shape[-2], nodes.device)
    return nodes.index_select(-2, index.flatten()).unflatten(-2, index.shape)


def from_receivers(nodes: Shaped[Tensor, "*batch node channel"]) -> Shaped[Tensor, "*batch node slot channel"]:
    """Give each edge the value of its receiver, without copying."""
    num_nodes = nodes.shape[-2]
    return nodes.unsqueeze(-2).expand(*nodes.shape[:-1], num_nodes - 1, nodes.shape[-1])


def both_ends(nodes: Bool[Tensor, "*batch node"]) -> Bool[Tensor, "*batch node slot"]:
    """The edges whose receiver and sender are both among these nodes."""
    return from_receivers(nodes[..., None])[..., 0] & from_senders(nodes[..., None])[..., 0]


def twice(observed: Bool[Tensor, "sim time node"] | None) -> Bool[Tensor, "sim step node"] | None:
    """The steps at both ends of which a node was seen."""
    return None if observed is None else observed[:, 1:] & observed[:, :-1]


def rows(values: Shaped[Tensor, "*batch channel"], counted: Bool[Tensor, "*batch"] | None = None) -> Shaped[Tensor, "row channel"]:
    """All rows, or those that count."""
    return values.flatten(0, -2) if counted is None else values[counted]


def heard(said: Float[Tensor, "..."], observed: Bool[Tensor, "*batch node"] | None) -> Float[Tensor, "..."]:
    """What is said [..., node, slot, …] without the senders that nobody saw: whether they are there at all is not known."""
    if observed is None:
        return said
    there = from_senders(observed[..., None])[..., 0]
    return said * there[(..., *(None,) * (said.ndim - there.ndim))].to(said.dtype)


def crowd(closeness: Float[Tensor, "*batch node slot"], observed: Bool[Tensor, "*batch node"] | None) -> Float[Tensor, "*batch node 1"]:
    """log Σ_j exp over the senders that were seen."""
    if observed is not None:
        closeness = closeness.masked_fill(~from_senders(observed[..., None])[..., 0], FAINT)
    return closeness.logsumexp(-1, keepdim=True)


def to_matrix(edges: Shaped[Tensor, "*batch node slot channel"]) -> Shaped[Tensor, "*batch node node channel"]:
    """[receiver, sender] with zeros on the diagonal."""
    num_nodes = edges.shape[-3]
    index = sender_slots(num_nodes, edges.device)[..., None].expand(edges.shape)
    return edges.new_zeros(*edges.shape[:-2], num_nodes, edges.shape[-1]).scatter(-2, index, edges)


class _Tanh(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        result = torch.sigmoid(2 * values).mul_(2).sub_(1)
        context.save_for_backward(result)
        return result

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (result,) = context.saved_tensors
        return gradient * (1 - result * result)


def tanh(values: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """torch.tanh to rounding, four times as fast on a CPU: 2σ(2x) − 1, remembering its result only."""
    return _Tanh.apply(values)


class Dense(nn.Sequential):
    """Linear layers with an activation between them (none after the last)."""

    def __init__(self, *sizes: int, activation: type[nn.Module] = nn.ReLU) -> None:
        layers: list[nn.Module] = []
        between = {"inplace": True} if activation is nn.ReLU else {}  # the way back needs only what it gives
        for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(fan_in, fan_out), activation(**between)]
        super().__init__(*layers[:-1])

    def forward(self, values: Float[Tensor, "*batch channel"]) -> Float[Tensor, "*batch out"]:
        """In rows: what a layer gives for more axes is a view, and to change a view in place costs copies on the way back."""
        if values.ndim == 2:
            return super().forward(values)
        return super().forward(values.flatten(0, -2)).unflatten(0, values.shape[:-1])


class GroupedDense(nn.Module):
    """`groups` independent Dense networks on the same input, run as one batched product per layer.

    [..., in] → [group, ..., out]. `small_end` shrinks the last layer's first weights, so that training starts near zero.
    Hidden values lie channel by channel in memory, rows last: biases, activations and narrow ends then run over long
    stretches, which a CPU does faster than over 2 or 32 numbers at a time.
    """

    def __init__(self, groups: int, *sizes: int, activation: type[nn.Module] = nn.SiLU, small_end: float = 1.0) -> None:
        super().__init__()
        self.activation = activation()
        pairs = list(zip(sizes, sizes[1:], strict=False))
        self.weights = nn.ParameterList(torch.randn(groups, fan_in, fan_out) * fan_in**-0.5 for fan_in, fan_out in pairs)
        self.biases = nn.ParameterList(torch.zeros(groups, 1, fan_out) for _, fan_out in pairs)
        with torch.no_grad():
            self.weights[-1].mul_(small_end)

    def forward(self, values: Float[Tensor, "*batch channel"]) -> Float[Tensor, "group *batch out"]:
        """Run every group's network."""
        hidden = values.flatten(0, -2).mT.expand(len(self.weights[0]), -1, -1)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.baddbmm(bias.mT, weight.mT, self.activation(hidden) if layer else hidden)
        return hidden.movedim(1, -1).unflatten(1, values.shape[:-1])


def reference_linear(fan_in: int, fan_out: int) -> nn.Linear:
    """As the reference starts it: Xavier-normal weights, biases of 0.1."""
    layer = nn.Linear(fan_in, fan_out)
    nn.init.xavier_normal_(layer.weight)
    nn.init.constant_(layer.bias, 0.1)
    return layer


class ReferenceMLP(nn.Module):
    """The reference encoder's block: Linear, ELU, dropout, Linear, ELU, batch norm over all leading axes."""

    def __init__(self, fan_in: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = reference_linear(fan_in, hidden), reference_linear(hidden, hidden)
        self.dropout, self.norm = nn.Dropout(dropout), nn.BatchNorm1d(hidden)

    def forward(self, values: Float[Tensor, "*batch channel"]) -> Float[Tensor, "*batch hidden"]:
        """Apply the block."""
        return self._after(self.first(values.flatten(0, -2))).unflatten(0, values.shape[:-1])

    def of_pairs(
        self, nodes: Float[Tensor, "*batch node channel"], edges: Float[Tensor, "*batch node slot more"] | None = None
    ) -> Float[Tensor, "*batch node slot hidden"]:
        """The block of [h_j, h_i] or [h_j, h_i, h_ij]: its first layer is applied to senders, receivers and edges apart and added.

        Equal to the product with the concatenated pair, at a fraction of the work.
        """
        width, weight = nodes.shape[-1], self.first.weight
        parts = [functional.linear(nodes, weight[:, start : start + width]) for start in (0, width)]
        of_edges = self.first.bias if edges is None else functional.linear(edges, weight[:, 2 * width :], self.first.bias)
        first = from_senders(parts[0]) + from_receivers(parts[1]) + of_edges
        return self._after(first.flatten(0, -2)).unflatten(0, first.shape[:-1])

    def _after(self, first: Float[Tensor, "row hidden"]) -> Float[Tensor, "row hidden"]:
        """In rows: what a layer gives for more axes is a view, and to change a view in place costs copies on the way back."""
        hidden = self.second(self.dropout(functional.elu(first)))
        return self.norm(functional.elu(hidden, inplace=True))
