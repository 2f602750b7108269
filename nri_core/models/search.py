"""Reading large graphs through the decoder: where incoming sets are too many to list, believe, then climb."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nri_core.models.layers import reverse_slots, sender_slots, twice
from nri_core.models.marginal import ADDING_DECODERS, one_hot, score_aggregates, step_messages
from nri_core.models.nri import NRI
from nri_core.models.prediction import Messages

ROUNDS = 20  # of expectation propagation; beliefs settle in about twelve
DAMPING = 0.3  # share of what is new in each round
INDEPENDENT = 0.1  # share of the frames that count: errors of neighbouring frames are alike
DEGREES = 3.0  # how heavy the tails of a frame's error are taken to be
LEAST_DOUBT = 1e-4  # variance of the surest belief
LEAST_VARIANCE = 1e-12  # of an error, in normalised units


def search(
    model: NRI, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None
) -> Float[Tensor, "sim node slot type"]:
    """p(z_ij | x, all other edges at their best): local, where `marginal` is exact.

    Climbs one-step log p(x | z) by single changes; several at once where no node takes part in two, so that each step
    is an ascent. Starts from expectation propagation where messages add up in the prediction; else from the encoder, or
    from type 0 everywhere where there is none.
    """
    messages, counted = step_messages(model, values, observed), twice(observed)
    edge_types = _start(model, values, messages, observed)
    gains = _gains(model, values, messages, edge_types, counted)
    for _ in range(4 * values.shape[2]):
        flips = _compatible(gains, model.settings.undirected)
        if not flips.any():
            break
        edge_types = torch.where(flips, gains.argmax(-1), edge_types)
        gains = _gains(model, values, messages, edge_types, counted)
    return gains.softmax(-1)


def _start(model: NRI, values: Tensor, messages: Messages, observed: Tensor | None = None) -> Int[Tensor, "sim node slot"]:
    num_sims, _, num_nodes, _ = values.shape
    if model.settings.decoder in ADDING_DECODERS:
        counted = [None] * num_sims if observed is None else twice(observed).split(1)
        pieces = zip(values.split(1), messages.values.split(1), messages.log_scale.split(1), counted, strict=True)
        return torch.cat([_believed(model, part, Messages(said, log_scale), counts) for part, said, log_scale, counts in pieces])
    if model.encoder is not None:
        return model.edge_logits(values, observed).argmax(-1)
    return torch.zeros(num_sims, num_nodes, num_nodes - 1, dtype=torch.long, device=values.device)


def _believed(
    model: NRI, values: Float[Tensor, "1 time node dim"], messages: Messages, counted: Bool[Tensor, "1 step node"] | None
) -> Int[Tensor, "1 node slot"]:
    """Expectation propagation over the shares z of all edges of one system, each 0 or 1.

        x' − f(type 0 everywhere) = D z + e,   q(z) ∝ N(x' | D z) · Π_k N(z_k; t_k),
        each t_k such that q has the moments of its cavity times the prior on {0, 1} (Minka 2001; Céspedes et al. 2014).

    How large errors are is estimated on the way, from E_q|e|²: large while little is known, so that evidence sharpens by
    itself; and large where the decoder is asked about sizes that it never saw. Both ends of an undirected edge give
    evidence on one unknown: that is what makes the answer unique where the paths of many senders look alike.
    """
    design, target, log_scale = _equations(model, values, messages)
    uncounted = None if counted is None else ~counted[0].mT.repeat_interleave(design.shape[1] // counted.shape[1], dim=-1)
    index, num_unknowns = _unknowns(model, values.shape[2], values.device)
    block = (index[:, :, None] * num_unknowns + index[:, None, :]).flatten()
    log_prior = design.new_tensor(model.settings.prior).log()
    log_odds = (log_prior[1:] - log_prior[0]).repeat(num_unknowns // (len(log_prior) - 1))
    belief = mean = design.new_full((num_unknowns,), 0.5)
    precision = torch.full_like(mean, 4.0)  # 1 / variance of {0, 1} at even odds
    pull, covariance = precision * mean, torch.diag_embed(1 / precision)
    for _ in range(ROUNDS):
        error = target - (design @ mean[index][..., None])[..., 0]
        doubt = ((design @ covariance[index[:, :, None], index[:, None, :]]) * design).sum(-1)
        squared = error.square() + doubt
        weighted = design * _weights(squared if uncounted is None else squared.masked_fill(uncounted, torch.nan), log_scale)[..., None]
        evidence = design.new_zeros(num_unknowns**2).index_add_(0, block, (design.mT @ weighted).flatten()).view(num_unknowns, -1)
        right = design.new_zeros(num_unknowns).index_add_(0, index.flatten(), (weighted.mT @ target[..., None]).flatten())
        covariance = torch.cholesky_inverse(torch.linalg.cholesky(evidence + precision.diag()))
        mean, variance = covariance @ (right + pull), covariance.diagonal()
        cavity = variance / (1 - variance * precision).clamp_min(1e-9)  # what q says of z_k without t_k: its variance, and
        centre = cavity * (mean / variance - pull)  # its mean
        belief = torch.sigmoid((centre - 0.5) / cavity + log_odds)
        sure = 1 / (belief * (1 - belief)).clamp_min(LEAST_DOUBT)
        step = DAMPING * (sure > 1 / cavity)  # a t_k of negative precision is left as it was
        precision = precision + step * (sure - 1 / cavity - precision)
        pull = pull + step * (belief * sure - centre / cavity - pull)
    shares = belief[index].view(1, *values.shape[2:3], values.shape[2] - 1, -1)
    return torch.where(shares.amax(-1) > 0.5, shares.argmax(-1) + 1, 0)


def _equations(model: NRI, values: Tensor, messages: Messages) -> tuple[Tensor, Tensor, Tensor]:
    """D [node, time · channel, slot · type], what type 0 everywhere leaves unexplained, and log σ [node, time · channel].

    In double precision: the weights span many orders of magnitude.
    """
    settings, num_nodes, channels = model.settings, values.shape[2], len(model.decoder.scored)
    none = one_hot(torch.zeros(1, 1, num_nodes, num_nodes - 1, dtype=torch.long, device=values.device), settings.num_edge_types).to(values)
    alone = model.decoder.scored_mean(values[:, :-1], model.aggregate(messages, none))
    unexplained = values[:, 1:, ..., list(model.decoder.scored)] - alone
    added = messages.values if settings.skip_first else messages.values[..., 1:, :] - messages.values[..., :1, :]
    design = added[0].flatten(-3, -2).permute(1, 0, 3, 2).flatten(1, 2)
    log_scale = messages.log_scale[0].mT.repeat_interleave(channels, dim=-1)
    return design.double(), unexplained[0].transpose(0, 1).flatten(1).double(), log_scale.double()


def _unknowns(model: NRI, num_nodes: int, device: torch.device) -> tuple[Int[Tensor, "node incoming"], int]:
    """Which unknown each slot and type beyond 0 stands for, and how many there are: the two directions share one where undirected."""
    shares = model.settings.num_edge_types - 1
    receiver, sender = torch.arange(num_nodes, device=device)[:, None], sender_slots(num_nodes, device)
    if model.settings.undirected:
        receiver, sender = torch.minimum(receiver, sender), torch.maximum(receiver, sender)
    pairs, place = (receiver * num_nodes + sender).unique(return_inverse=True)
    return (place[..., None] * shares + torch.arange(shares, device=device)).flatten(1), len(pairs) * shares


def _weights(squared: Float[Tensor, "node equation"], log_scale: Float[Tensor, "node equation"]) -> Float[Tensor, "node equation"]:
    """1/σ² of each equation under heavy tails: the decoder says where errors are large, their median at each node how large.

    An error that is not a number weighs nothing.
    """
    expected = (2 * log_scale).exp()
    expected = (expected * (squared / expected).nanmedian(-1, keepdim=True).values).clamp_min(LEAST_VARIANCE)
    return (INDEPENDENT * (DEGREES + 1) / (DEGREES * expected + squared)).nan_to_num(0)


def _gains(
    model: NRI, values: Tensor, messages: Messages, edge_types: Int[Tensor, "sim node slot"], counted: Bool[Tensor, "sim step node"] | None
) -> Float[Tensor, "sim node slot type"]:
    """Change of log p(x | z) when one edge (both directions, where undirected) takes another type; 0 for its own."""
    edges = one_hot(edge_types, model.settings.num_edge_types)[:, None].to(values)
    said = messages.values
    if model.settings.skip_first:
        said = torch.cat([torch.zeros_like(said[..., :1, :]), said], dim=-2)
    instead = said - (said * edges[..., None]).sum(-2, keepdim=True)  # [sim, step, node, slot, type, channel]
    aggregates = model.aggregate(messages, edges)[..., None, :] + instead.flatten(3, 4)
    score = score_aggregates(model, messages, values, aggregates, counted).unflatten(-1, instead.shape[3:5])
    score = score + score.new_tensor(model.settings.prior).log() / (2 if model.settings.undirected else 1)  # each end takes half
    gains = score - score.gather(-1, edge_types[..., None])
    return gains + reverse_slots(gains) if model.settings.undirected else gains


def _compatible(gains: Float[Tensor, "sim node slot type"], undirected: bool) -> Tensor:
    """The changes that raise the likelihood most for their receiver (and sender, where undirected)."""
    best = gains.amax(-1)
    top = (best == best.amax(-1, keepdim=True)) & (best > 1e-4)
    return top & reverse_slots(top[..., None])[..., 0] if undirected else top
