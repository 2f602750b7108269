"""Reading large graphs through the decoder: where incoming sets are too many to list, start from regression and climb."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nri_core.models.layers import reverse_slots
from nri_core.models.marginal import one_hot, score_aggregates
from nri_core.models.nri import NRI
from nri_core.models.prediction import Messages

REWEIGHTINGS = 5  # of least squares, by the heavy tails of the likelihood
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
    first = one_hot(torch.zeros(num_sims, num_nodes, num_nodes - 1, dtype=torch.long, device=values.device), settings.num_edge_types).to(values)
    base = model.decoder.update(values[:, :-1], model.aggregate(messages, first[:, None]), messages)
    scored = list(model.decoder.scored)
    unexplained = values[:, 1:, ..., scored] - base.mean[..., scored]
    added = messages.values if settings.skip_first else messages.values[..., 1:, :] - messages.values[..., :1, :]
    # Normal equations want double precision: the weights span many orders of magnitude.
    design = added.flatten(-3, -2).permute(0, 2, 1, 4, 3).double()  # [sim, node, time, channel, slot · type]
    target = unexplained.permute(0, 2, 1, 3).double()
    variance = (2 * (model.likelihood.log_scale + messages.log_scale)).exp().permute(0, 2, 1)[..., None].double()
    share = design.new_full((*design.shape[:2], design.shape[-1]), 0.5)
    eye = torch.eye(design.shape[-1], dtype=design.dtype, device=values.device)
    for _ in range(REWEIGHTINGS):
        error = target - (design @ share[:, :, None, :, None])[..., 0]
        weight = 1 / (model.likelihood.degrees * variance + error.square().sum(-1, keepdim=True))
        weighted = (design * weight[..., None]).flatten(2, 3).mT
        normal = weighted @ design.flatten(2, 3)
        precision = normal.diagonal(dim1=-2, dim2=-1)
        ridge = RIDGE * precision.mean(-1)[..., None, None] * eye
        share = share + torch.linalg.solve(normal + ridge, weighted @ error.flatten(2, 3)[..., None])[..., 0]
    share, precision = (part.unflatten(-1, (num_nodes - 1, settings.num_edge_types - 1)) for part in (share, precision))
    if settings.undirected:
        total = share * precision
        share = (total + reverse_slots(total)) / (precision + reverse_slots(precision)).clamp_min(1e-12)
    return torch.where(share.amax(-1) > 0.5, share.argmax(-1) + 1, 0)


def _gains(
    model: NRI, values: Tensor, messages: Messages, edge_types: Int[Tensor, "sim node slot"]
) -> Float[Tensor, "sim node slot type"]:
    """Change of log p(x | z) when one edge (both directions, where undirected) takes another type; 0 for its own."""
    edges = one_hot(edge_types, model.settings.num_edge_types)[:, None].to(values)
    said = messages.values
    if model.settings.skip_first:
        said = torch.cat([torch.zeros_like(said[..., :1, :]), said], dim=-2)
    instead = said - (said * edges[..., None]).sum(-2, keepdim=True)  # [sim, step, node, slot, type, channel]
    aggregates = model.aggregate(messages, edges)[..., None, :] + instead.flatten(3, 4)
    score = score_aggregates(model, messages, values, aggregates).unflatten(-1, instead.shape[3:5])
    gains = score - score.gather(-1, edge_types[..., None])
    return gains + reverse_slots(gains) if model.settings.undirected else gains


def _compatible(gains: Float[Tensor, "sim node slot type"], undirected: bool) -> Tensor:
    """The changes that raise the likelihood most for their receiver (and sender, where undirected)."""
    best = gains.amax(-1)
    top = (best == best.amax(-1, keepdim=True)) & (best > 1e-4)
    return top & reverse_slots(top[..., None])[..., 0] if undirected else top
