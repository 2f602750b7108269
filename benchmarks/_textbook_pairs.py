"""The parts that are not the paper's, with dense one-hot products and their formulas written once more: what tests hold them equal to."""

import torch
from torch import Tensor, nn

from benchmarks import _textbook
from benchmarks._textbook import one_hot_edges
from nri_core.models import NRI
from nri_core.models.encoders.evidence import Evidence
from nri_core.models.layers import GroupedDense
from nri_core.models.phases import oscillators
from nri_core.models.prediction import Memory, Prediction

LARGEST = 6.0


def edgewise_encode(encoder: nn.Module, values: Tensor) -> Tensor:
    """Edge-wise encoder: values [sim, time, node, dim] → logits [sim, edge, type]."""
    rel_rec, rel_send = one_hot_edges(values.shape[2], values.dtype, values.device)
    location, velocity = values[..., list(encoder.locations)], values[..., list(encoder.velocities)]
    change = (velocity[:, 1:] - velocity[:, :-1]) / encoder.typical_change
    middle = (location[:, 1:] + location[:, :-1]) / 2
    along, across, geometry = _geometry(middle, (velocity[:, 1:] + velocity[:, :-1]) / 2)
    mine, theirs = rel_rec @ change, rel_send @ change
    pulls = [mine * along, mine * across, theirs * along, theirs * across, mine**2, theirs**2, (mine - theirs) * along]
    sums = torch.stack([pull.sum(-1) for pull in pulls], dim=-1)
    sums = torch.cat([sums[..., :4], sums[..., 4:6].sqrt(), sums[..., 6:]], dim=-1)
    wall = torch.maximum(middle[..., :1].abs(), middle[..., 1:].abs())
    return _add_up(encoder.evidence, torch.cat([geometry, rel_rec @ wall, rel_send @ wall, torch.asinh(sums)], dim=-1), values.shape[2])


def phase_encode(encoder: nn.Module, values: Tensor) -> Tensor:
    """Phase encoder: a ridge regression for each receiver, solved by its normal equations."""
    num_nodes, num_frames = values.shape[2], values.shape[1]
    rel_rec, rel_send = one_hot_edges(num_nodes, values.dtype, values.device)
    state = oscillators(values, encoder.feature_names)
    pull = state.rate - encoder.own_rate[0] * state.omega - encoder.own_rate[1] - encoder.own(state.omega)
    influence = encoder.influence(_phase_features(values, encoder.feature_names)[..., :2])
    found = []
    for node in range(num_nodes):
        causes = influence[:, :, rel_rec[:, node].bool()].flatten(2)
        ridge = encoder.log_ridge.exp() * torch.eye(causes.shape[-1], dtype=causes.dtype, device=causes.device)
        normal = torch.einsum("std,ste->sde", causes, causes) / num_frames + ridge
        strength = torch.linalg.solve(normal, torch.einsum("std,st->sd", causes, pull[:, :, node, 0]) / num_frames)
        left = (pull[:, :, node, 0] - torch.einsum("std,sd->st", causes, strength)).square().mean(1) + 1e-6
        certain = torch.linalg.inv(normal).diagonal(dim1=1, dim2=2).log()
        split = [part.unflatten(1, (num_nodes - 1, -1)) for part in (strength, certain)]
        found.append(torch.cat([*split, left.log()[:, None, None].expand(-1, num_nodes - 1, 1)], dim=-1))
    edges = torch.cat(found, dim=1)
    back = _backwards(rel_rec, rel_send) @ edges
    both = [edges + back, (edges - back).abs()] if encoder.undirected else [edges, back]
    return encoder.edge(torch.cat([*both, edges * back], dim=-1))


def relative_step(model: NRI, state: Tensor, edges: Tensor, memory: Memory | None = None) -> tuple[Prediction, Memory]:
    """Relative decoder: state [sim, node, dim], edges [sim, edge, type]."""
    rel_rec, _ = one_hot_edges(state.shape[-2], state.dtype, state.device)
    decoder, unit = model.decoder, model.decoder.typical_change
    location, velocity = state[..., list(decoder.locations)], state[..., list(decoder.velocities)]
    along, across, geometry = _geometry(location, velocity)
    *kinds, uncertain = _by_group(decoder.pair, (geometry - decoder.mean) / decoder.spread)
    received = 0.0
    for kind, strength in enumerate(kinds):
        first, second = (unit * torch.sinh(strength.clip(-LARGEST, LARGEST))).split(1, dim=-1)
        received = received + (first * along + second * across) * edges[..., kind + int(model.settings.skip_first), None]
    own = unit * torch.sinh(decoder.own(torch.cat([location, velocity], dim=-1)).clip(-LARGEST, LARGEST))
    after = velocity + own + rel_rec.T @ received
    moved = location + decoder.drift[0] * velocity + decoder.drift[1] * after + decoder.drift[2]
    crowding = (rel_rec.T @ uncertain[..., :1].exp()).log()
    scale = decoder.scale(torch.cat([location, velocity, crowding], dim=-1)).clip(-4, LARGEST) + crowding.clip(-4, LARGEST)
    mean = state.clone()
    mean[..., list(decoder.locations)], mean[..., list(decoder.velocities)] = moved, after
    return Prediction(mean, scale[..., 0]), ()


def phase_step(model: NRI, state: Tensor, edges: Tensor, memory: Memory | None = None) -> tuple[Prediction, Memory]:
    """Phase decoder."""
    rel_rec, _ = one_hot_edges(state.shape[-2], state.dtype, state.device)
    decoder, own = model.decoder, oscillators(state, model.feature_names)
    *kinds, uncertain = _by_group(decoder.pair, _phase_features(state, model.feature_names))
    first = int(model.settings.skip_first)
    received = rel_rec.T @ sum(influence * edges[..., kind + first, None] for kind, influence in enumerate(kinds))
    phase, rate = ((own.omega * slope + base) for slope, base in decoder.alone)
    free = decoder.own(own.omega) + received
    phase, rate = own.phase + phase + free[..., :1], rate + free[..., 1:]
    mean = state.clone()
    mean[..., list(decoder.scored)] = torch.cat([phase, rate], dim=-1)
    mean[..., decoder.sine] = decoder.sine_unit[0] * phase.sin() + decoder.sine_unit[1]
    crowding = (rel_rec.T @ uncertain[..., :1].exp()).log()
    return Prediction(mean, decoder.scale(crowding).clip(-4, 4)[..., 0]), ()


def _geometry(location: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(u, u⊥, features) of each edge: u points from the sender to the receiver."""
    rel_rec, rel_send = one_hot_edges(location.shape[-2], location.dtype, location.device)
    offset = (rel_rec - rel_send) @ location
    distance = (offset**2).sum(-1, keepdim=True).sqrt().clip(1e-3)
    along = offset / distance
    across = along @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=along.dtype, device=along.device)
    mine, theirs = rel_rec @ velocity, rel_send @ velocity
    products = [(mine - theirs) * along, (mine - theirs) * across, mine * along, theirs * along]
    seen = [distance, distance.log(), torch.exp(-distance), *(product.sum(-1, keepdim=True) for product in products)]
    return along, across, torch.cat(seen, dim=-1)


def _phase_features(values: Tensor, feature_names: tuple[str, ...]) -> Tensor:
    """sin(φ_j − φ_i) and cos(φ_j − φ_i) by the addition theorems, and the difference of the rates."""
    rel_rec, rel_send = one_hot_edges(values.shape[-2], values.dtype, values.device)
    state = oscillators(values, feature_names)
    mine, theirs = ((matrix @ state.phase.sin(), matrix @ state.phase.cos()) for matrix in (rel_rec, rel_send))
    sine, cosine = theirs[0] * mine[1] - theirs[1] * mine[0], theirs[1] * mine[1] + theirs[0] * mine[0]
    return torch.cat([sine, cosine, (rel_send - rel_rec) @ state.rate], dim=-1)


def _by_group(networks: GroupedDense, features: Tensor) -> list[Tensor]:
    """One network after another, each a plain chain of layers."""
    outputs = []
    for group in range(len(networks.weights[0])):
        hidden = features
        for layer, (weight, bias) in enumerate(zip(networks.weights, networks.biases, strict=True)):
            hidden = (networks.activation(hidden) if layer else hidden) @ weight[group] + bias[group]
        outputs.append(hidden)
    return outputs


def _add_up(evidence: Evidence, features: Tensor, num_nodes: int) -> Tensor:
    """Features [sim, step, edge, feature] → logits [sim, edge, type]."""
    rel_rec, rel_send = one_hot_edges(num_nodes, features.dtype, features.device)
    step = evidence.step((features - evidence.mean) / evidence.spread)
    others = rel_rec @ (rel_rec.T @ step) - step
    total = evidence.evidence((step + evidence.context(others)).sum(1))
    if evidence.undirected:
        total = (total + _backwards(rel_rec, rel_send) @ total) / 2
    total = torch.asinh(total)
    mine, theirs = rel_rec @ (rel_rec.T @ total), rel_send @ (rel_rec.T @ total)
    ends = [mine + theirs, (mine - theirs).abs()] if evidence.undirected else [mine, theirs]
    return evidence.edge(torch.cat([total, *ends], dim=-1))


def _backwards(rel_rec: Tensor, rel_send: Tensor) -> Tensor:
    """[edge, edge]: one where each is the other's reverse."""
    return (rel_rec @ rel_send.T) * (rel_send @ rel_rec.T)


ENCODERS = _textbook.ENCODERS | {"edgewise": edgewise_encode, "phase": phase_encode}
STEPS = _textbook.STEPS | {"relative": relative_step, "phase": phase_step}
