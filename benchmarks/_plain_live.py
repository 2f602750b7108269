"""A training loss of the `live` recipe as it was first written: what tests hold the faster form equal to, and what it is timed against.

Vectors lie two numbers at a time, every set of edges gets its aggregate, its prediction and its error one after the
other, and the messages are computed twice where there are too many sets to follow all of them downhill.
"""

import math

import torch
from torch import Tensor, nn

from nri_core.models import NRI
from nri_core.models.layers import GroupedDense, from_receivers, from_senders, reverse_slots
from nri_core.models.marginal import SETS_WITH_GRADIENT, all_graphs, countable, edge_log_probs, incoming_sets, num_sets, one_hot

LARGEST_LOG, DEGREES = 6.0, 3.0
MOST_VALUES = 8_000_000


def distilled(model: NRI, values: Tensor) -> Tensor:
    """−log p(x) for each node and frame, summed over graphs, and the encoder's cross-entropy to the posterior over edges."""
    log_prob, edge_probs = _marginal(model, values)
    logits = _encode(model.encoder, values)
    logits = (logits + reverse_slots(logits)) / 2 if model.settings.undirected else logits
    imitation = nn.functional.cross_entropy(logits.flatten(0, -2), edge_probs.detach().flatten(0, -2))
    return imitation - log_prob.mean() / (values.shape[2] * (values.shape[1] - 1))


def _marginal(model: NRI, values: Tensor) -> tuple[Tensor, Tensor]:
    num_nodes, kinds, undirected = values.shape[2], model.settings.num_edge_types, model.settings.undirected
    sets = one_hot(incoming_sets(num_nodes - 1, kinds), kinds).to(values)
    if num_sets(num_nodes, kinds) <= 64:
        table = _score(model, values, sets)
        if undirected and countable(num_nodes, kinds):
            graphs = all_graphs(num_nodes, kinds)
            joint = sum(table[:, node].index_select(-1, chosen) for node, chosen in enumerate(graphs.sets))
            return joint.logsumexp(-1), torch.einsum("bg,gisk->bisk", joint.softmax(-1), graphs.edges.to(joint))
    else:
        at_once = max(MOST_VALUES // (4 * len(sets) * values[0, ..., 0].numel()), 1)
        with torch.no_grad():
            best = torch.cat([_score(model, part, sets) for part in values.split(at_once)]).topk(SETS_WITH_GRADIENT, dim=-1).indices
        sets = sets[best]
        table = _score(model, values, sets)
    return table.logsumexp(-1).sum(-1), edge_log_probs(table, sets, undirected).exp()


def _score(model: NRI, values: Tensor, sets: Tensor) -> Tensor:
    """Student-t log-likelihood of each receiver's velocities under each set of its incoming edges, summed over time."""
    decoder, state = model.decoder, values[:, :-1]
    location, velocity = state[..., decoder.locations], state[..., decoder.velocities]
    along, across, features = _geometry(location, velocity)
    outputs = _by_group(decoder.pair, (features - decoder.mean) / decoder.spread)
    force = _strength(decoder, outputs[:-1])
    said = (force[..., :1] * along + force[..., 1:] * across).movedim(0, -2).flatten(-3, -2)
    crowding = outputs[-1][..., 0].logsumexp(-1, keepdim=True)
    scale = decoder.scale(torch.cat([location, velocity, crowding], dim=-1)).clamp(-4, LARGEST_LOG) + crowding.clamp(-4, LARGEST_LOG)
    weights = (sets[..., 1:] if model.settings.skip_first else sets).flatten(-2)
    shape = "sj" if weights.ndim == 2 else "bnsj"
    aggregates = torch.einsum(f"btnjc,{shape}->btncs", said, weights).transpose(-1, -2)
    own = _strength(decoder, decoder.own(torch.cat([location, velocity], dim=-1)[:, :, :, None]))
    error = values[:, 1:, :, None, decoder.velocities] - (velocity[:, :, :, None] + own + aggregates)
    scale = model.likelihood.log_scale + scale
    tail = torch.log1p(error.square().sum(-1) * torch.exp(-2 * scale) / DEGREES)
    constant = math.lgamma((DEGREES + 2) / 2) - math.lgamma(DEGREES / 2) - math.log(DEGREES * math.pi)
    return (constant - 2 * scale - (DEGREES + 2) / 2 * tail).sum(1)


def _strength(decoder: nn.Module, logarithm: Tensor) -> Tensor:
    return decoder.typical_change * torch.sinh(logarithm.clamp(-LARGEST_LOG, LARGEST_LOG))


def _by_group(networks: GroupedDense, values: Tensor) -> Tensor:
    hidden = values.reshape(1, -1, values.shape[-1]).expand(len(networks.weights[0]), -1, -1)
    for layer, (weight, bias) in enumerate(zip(networks.weights, networks.biases, strict=True)):
        hidden = torch.baddbmm(bias, networks.activation(hidden) if layer else hidden, weight)
    return hidden.reshape(len(hidden), *values.shape[:-1], -1)


def _geometry(location: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    offset = from_receivers(location) - from_senders(location)
    distance = offset.norm(dim=-1, keepdim=True).clamp_min(1e-3)
    along = offset / distance
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    receiver, sender = from_receivers(velocity), from_senders(velocity)
    toward, away = _dot(receiver, along), _dot(sender, along)
    parts = [distance, distance.log(), (-distance).exp(), toward - away, _dot(receiver - sender, across), toward, away]
    return along, across, torch.cat(parts, dim=-1)


def _dot(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).sum(-1, keepdim=True)


def _encode(encoder: nn.Module, values: Tensor) -> Tensor:
    """The edge-wise encoder, undirected or not."""
    location, velocity = values[..., encoder.locations], values[..., encoder.velocities]
    change = (velocity[:, 1:] - velocity[:, :-1]) / encoder.typical_change
    middle = (location[:, 1:] + location[:, :-1]) / 2
    along, across, geometry = _geometry(middle, (velocity[:, 1:] + velocity[:, :-1]) / 2)
    outermost = middle.abs().amax(-1, keepdim=True)
    receiver, sender = from_receivers(change), from_senders(change)
    forces = [
        _dot(receiver, along), _dot(receiver, across), _dot(sender, along), _dot(sender, across),
        receiver.norm(dim=-1, keepdim=True), sender.norm(dim=-1, keepdim=True), _dot(receiver - sender, along),
    ]  # fmt: skip
    walls = [from_receivers(outermost), from_senders(outermost)]
    evidence = encoder.evidence
    features = torch.cat([geometry, *walls, torch.asinh(torch.cat(forces, dim=-1))], dim=-1)
    step = _twice(evidence.step[0], (features - evidence.mean) / evidence.spread)
    context = _twice(evidence.context[0], step.sum(-2, keepdim=True) - step)
    total = evidence.evidence((step + context).sum(1))
    total = torch.asinh((total + reverse_slots(total)) / 2 if evidence.undirected else total)
    mine, theirs = from_receivers(total.sum(-2)), from_senders(total.sum(-2))
    ends = [mine + theirs, (mine - theirs).abs()] if evidence.undirected else [mine, theirs]
    return evidence.edge(torch.cat([total, *ends], dim=-1))


def _twice(network: nn.Sequential, values: Tensor) -> Tensor:
    return network[2](network[0](values).relu()).relu()
