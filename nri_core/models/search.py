"""Reading large graphs through the decoder: where incoming sets are too many to list, start from regression and climb."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nri_core.models.layers import reverse_slots
from nri_core.models.marginal import one_hot, score_sets
from nri_core.models.nri import NRI
from nri_core.models.prediction import Messages

RIDGE = 1e-3  # share of the mean evidence that pulls an undecided edge towards one half


def search(model: NRI, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim node slot type"]:
    """p(z_ij | x, all other edges at their best): local, where `marginal` is exact.

    Climbs one-step log p(x | z) by single changes; several at once where no node takes part in two, so that each step
    is an ascent. Starts from weighted least squares where messages add up in the prediction (the relative decoder), and
    from the encoder otherwise.
    """
    messages = model.decoder.messages(values[:, :-1])
    edge_types = _start(model, values, messages)
    gains = _gains(model, values, messages, edge_types)
    for _ in range(4 * values.shape[2]):
        flips = _compatible(gains, model.settings.undirected)
        if not flips.any():
            break
        edge_types = torch.where(flips, gains.argmax(-1), edge_types)
        gains = _gains(model, values, messages, edge_types)
    return gains.softmax(-1)


def _start(model: NRI, values: Tensor, messages: Messages) -> Int[Tensor, "sim node slot"]:
    if model.settings.decoder == "relative":
        return _regression(model, values, messages)
    return model.edge_logits(values).argmax(-1)


def _regression(model: NRI, values: Tensor, messages: Messages) -> Int[Tensor, "sim node slot"]:
    """Least squares of what type 0 leaves unexplained on what each other type would add, weighted by 1/σ²."""
    settings = model.settings
    num_sims, _, num_nodes, _ = values.shape
    first = one_hot(torch.zeros(num_sims, num_nodes, num_nodes - 1, dtype=torch.long, device=values.device), settings.num_edge_types)
    base = model.decoder.update(values[:, :-1], model.aggregate(messages, first[:, None]), messages)
    scored = list(model.decoder.scored)
    unexplained = values[:, 1:, ..., scored] - base.mean[..., scored]
    added = messages.values if settings.skip_first else messages.values[..., 1:, :] - messages.values[..., :1, :]
    design = added.flatten(-3, -2).permute(0, 2, 1, 4, 3).flatten(2, 3)  # [sim, node, time · channel, slot · type]
    target = unexplained.permute(0, 2, 1, 3).flatten(2)
    weight = torch.exp(-messages.log_scale).permute(0, 2, 1).repeat_interleave(len(scored), dim=-1)
    design, target = design * weight[..., None], target * weight
    normal = design.mT @ design
    ridge = RIDGE * normal.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * torch.eye(normal.shape[-1], device=values.device)
    guess = torch.full_like(target[..., :1], 0.5).expand(*target.shape[:-1], normal.shape[-1])
    correction = torch.linalg.solve(normal + ridge, design.mT @ (target[..., None] - design @ guess[..., None]))
    share = (guess + correction[..., 0]).unflatten(-1, (num_nodes - 1, settings.num_edge_types - 1))
    if settings.undirected:
        precision = normal.diagonal(dim1=-2, dim2=-1).unflatten(-1, share.shape[-2:]) + 1e-12
        total = share * precision
        share = (total + reverse_slots(total)) / (precision + reverse_slots(precision))
    return torch.where(share.amax(-1) > 0.5, share.argmax(-1) + 1, 0)


def _gains(
    model: NRI, values: Tensor, messages: Messages, edge_types: Int[Tensor, "sim node slot"]
) -> Float[Tensor, "sim node slot type"]:
    """Change of log p(x | z) when one edge (both directions, where undirected) takes another type; 0 for its own."""
    num_slots, num_edge_types = edge_types.shape[-1], model.settings.num_edge_types
    slots = torch.arange(num_slots, device=values.device)
    changed = edge_types[:, :, None, None].repeat(1, 1, num_slots, num_edge_types, 1)
    for kind in range(num_edge_types):
        changed[:, :, slots, kind, slots] = kind
    sets = one_hot(changed.flatten(2, 3), num_edge_types)
    score = score_sets(model, messages, values, sets).unflatten(-1, (num_slots, num_edge_types))
    gains = score - score.gather(-1, edge_types[..., None])
    return gains + reverse_slots(gains) if model.settings.undirected else gains


def _compatible(gains: Float[Tensor, "sim node slot type"], undirected: bool) -> Tensor:
    """The changes that raise the likelihood most for their receiver (and sender, where undirected)."""
    best = gains.amax(-1)
    top = (best == best.amax(-1, keepdim=True)) & (best > 1e-4)
    return top & reverse_slots(top[..., None])[..., 0] if undirected else top
