"""Sums over graphs: the likelihood of every set of incoming edges, and from those the posterior of every edge.

One step ahead, a node's prediction depends on the graph only through its own incoming edges. So log p(x | z) is a sum
over receivers, and a table over the K^(N−1) incoming sets of each receiver holds everything there is to know.
This is maximum marginal likelihood with exact inference, not the paper's variational bound.
"""

import itertools
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from nri_core.models.layers import reverse_slots, sender_slots, twice
from nri_core.models.nri import NRI
from nri_core.models.prediction import Messages

MOST_GRAPHS = 4096  # undirected graphs summed over one by one: N = 5 with two types has 1,024
SETS_WITH_GRADIENT = 16
MOST_VALUES = 1_000_000  # numbers held at once while a table is filled: 4 MB stay in a processor's cache
ADDING_DECODERS = ("relative", "phase")  # messages add up in the prediction itself


class Marginal(NamedTuple):
    """log p(x), summed over graphs by their prior, and p(z_ij | x)."""

    log_prob: Float[Tensor, " sim"]
    edge_probs: Float[Tensor, "sim node slot type"]


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept for whoever asks next, who may train
def incoming_sets(num_slots: int, num_edge_types: int) -> Int[Tensor, "set slot"]:
    """Every assignment of edge types to the slots of one receiver."""
    return torch.cartesian_prod(*[torch.arange(num_edge_types)] * num_slots).reshape(-1, num_slots)


class Graphs(NamedTuple):
    """Every undirected graph, and which incoming set each of its nodes has."""

    edges: Float[Tensor, "graph node slot type"]
    sets: Int[Tensor, "node graph"]


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def all_graphs(num_nodes: int, num_edge_types: int, device: torch.device | None = None) -> Graphs:
    """K^(N(N−1)/2) graphs: call only where `countable` says so."""
    pairs = list(itertools.combinations(range(num_nodes), 2))
    kinds = incoming_sets(len(pairs), num_edge_types)
    matrix = torch.zeros((len(kinds), num_nodes, num_nodes), dtype=torch.long)
    for position, (first, second) in enumerate(pairs):
        matrix[:, first, second] = matrix[:, second, first] = kinds[:, position]
    edge_types = matrix.gather(2, sender_slots(num_nodes).expand(len(kinds), -1, -1))
    powers = num_edge_types ** torch.arange(num_nodes - 2, -1, -1)
    return Graphs(one_hot(edge_types, num_edge_types).to(device), (edge_types * powers).sum(-1).mT.contiguous().to(device))


def countable(num_nodes: int, num_edge_types: int) -> bool:
    """Whether all undirected graphs can be summed over one by one."""
    return num_edge_types ** (num_nodes * (num_nodes - 1) // 2) <= MOST_GRAPHS


def num_sets(num_nodes: int, num_edge_types: int) -> int:
    """Incoming sets of one receiver."""
    return num_edge_types ** (num_nodes - 1)


def one_hot(edge_types: Int[Tensor, "*batch"], num_edge_types: int) -> Float[Tensor, "*batch type"]:
    """Edge types as float one-hot vectors."""
    return nn.functional.one_hot(edge_types, num_edge_types).float()


def score_sets(
    model: NRI,
    messages: Messages,
    values: Float[Tensor, "sim time node dim"],
    sets: Float[Tensor, "*each set slot type"],
    counted: Bool[Tensor, "sim step node"] | None = None,
) -> Float[Tensor, "sim node set"]:
    """log p of each node's path, one step ahead, over the steps that count, and of the set itself; `sets` are shared or given per [sim, node]."""
    sending = sets[..., 1:] if model.settings.skip_first else sets
    weights = sending.flatten(-2)  # [..., set, slot · type]
    said = messages.values.flatten(-3, -2)  # [sim, step, node, slot · type, channel]
    if model.settings.decoder in ADDING_DECODERS:
        scores = _score_sums(model, messages, values, said, weights, counted)
    else:
        shape = "sj" if weights.ndim == 2 else "bnsj"
        scores = score_aggregates(model, messages, values, torch.einsum(f"btnjc,{shape}->btncs", said, weights).transpose(-1, -2), counted)
    return scores + _log_prior(model, sets)


def _score_sums(
    model: NRI, messages: Messages, values: Tensor, said: Tensor, weights: Tensor, counted: Tensor | None
) -> Float[Tensor, "sim node set"]:
    """Where messages add up in the prediction itself, errors under all sets are one product: (what no message explains, −messages) · (1, sets)."""
    state = values[:, :-1]
    unexplained = values[:, 1:, ..., list(model.decoder.scored)] - model.decoder.scored_mean(state, torch.zeros_like(said[..., 0, :]))
    parts = torch.cat([unexplained[..., None, :], -said], dim=-2)  # [sim, step, node, 1 + slot · type, channel]
    always = torch.cat([torch.ones_like(weights[..., :1]), weights], dim=-1).mT
    error = parts.permute(0, 2, 4, 1, 3).flatten(2, 3) @ always  # [sim, node, channel · step, set]
    error = error.unflatten(2, (-1, state.shape[1])).permute(0, 3, 1, 4, 2)
    return _over_steps(model.likelihood.log_prob(error, None if messages.log_scale is None else messages.log_scale[..., None]), counted)


def _over_steps(log_prob: Float[Tensor, "sim step node set"], counted: Tensor | None) -> Float[Tensor, "sim node set"]:
    return (log_prob if counted is None else log_prob * counted[..., None]).sum(1)


def _log_prior(model: NRI, sets: Float[Tensor, "*each set slot type"]) -> Float[Tensor, "*each set"]:
    """Up to a constant; where a pair counts for both of its ends, each takes half."""
    settings = model.settings
    if not settings.edge_prior:
        return sets.new_zeros(sets.shape[:-2])
    log_prior = sets.new_tensor(settings.prior).log()
    return (sets @ log_prior).sum(-1) / (2 if settings.undirected else 1)


def score_aggregates(
    model: NRI,
    messages: Messages,
    values: Float[Tensor, "sim time node dim"],
    aggregates: Float[Tensor, "sim step node set channel"],
    counted: Bool[Tensor, "sim step node"] | None = None,
) -> Float[Tensor, "sim node set"]:
    """log p of each node's path, one step ahead, under each of several sums of incoming messages."""
    mean = model.decoder.scored_mean(values[:, :-1, :, None], aggregates)
    scale = None if messages.log_scale is None else messages.log_scale[..., None]
    return _over_steps(model.likelihood.log_prob(values[:, 1:, :, None, list(model.decoder.scored)] - mean, scale), counted)


def set_table(
    model: NRI,
    values: Float[Tensor, "sim time node dim"],
    messages: Messages | None = None,
    observed: Bool[Tensor, "sim time node"] | None = None,
) -> Float[Tensor, "sim node set"]:
    """The whole table, filled in pieces that stay near the processor; keeps the gradient where there is one."""
    num_frames, num_nodes = values.shape[1:3]
    settings = model.settings
    sets = one_hot(incoming_sets(num_nodes - 1, settings.num_edge_types), settings.num_edge_types).to(values)
    channels = 4 if settings.decoder in ADDING_DECODERS else 2 * settings.decoder_hidden
    at_once = max(MOST_VALUES // (num_frames * num_nodes * len(sets) * channels), 1)
    said = messages or step_messages(model, values, observed)
    steps = twice(observed)
    scales = values.split(at_once) if said.log_scale is None else said.log_scale.split(at_once)
    counted = [None] * len(scales) if steps is None else steps.split(at_once)
    pieces = zip(values.split(at_once), said.values.split(at_once), scales, counted, strict=True)
    return torch.cat(
        [score_sets(model, Messages(part, None if said.log_scale is None else scale), path, sets, counts) for path, part, scale, counts in pieces]
    )


def step_messages(model: NRI, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None) -> Messages:
    """What is said in each frame that another one follows."""
    return model.decoder.messages(values[:, :-1], None if observed is None else observed[:, :-1])


def marginal(model: NRI, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> Marginal:
    """Sum over all graphs where they are countable and undirected, else over the incoming sets of each receiver apart.

    Where a gradient is wanted and a receiver has more than 64 sets, only its 16 most likely ones count. Without one all do: two directions that contradict
    each other are then weighed by how sure each is.
    """
    num_nodes, num_edge_types = values.shape[2], model.settings.num_edge_types
    if num_sets(num_nodes, num_edge_types) > 64 and torch.is_grad_enabled():
        return _per_receiver(*_likeliest(model, values, observed), model.settings.undirected)
    table = set_table(model, values, observed=observed)
    if model.settings.undirected and countable(num_nodes, num_edge_types):
        return _over_graphs(table, num_nodes, num_edge_types)
    sets = incoming_sets(num_nodes - 1, num_edge_types).to(values.device)
    return _per_receiver(table, one_hot(sets, num_edge_types), model.settings.undirected)


def _likeliest(model: NRI, values: Tensor, observed: Tensor | None) -> tuple[Float[Tensor, "sim node set"], Float[Tensor, "sim node set slot type"]]:
    num_edge_types = model.settings.num_edge_types
    messages = step_messages(model, values, observed)
    with torch.no_grad():
        best = set_table(model, values, messages, observed).topk(SETS_WITH_GRADIENT, dim=-1).indices
    sets = one_hot(incoming_sets(values.shape[2] - 1, num_edge_types).to(values.device)[best], num_edge_types).to(values)
    return score_sets(model, messages, values, sets, twice(observed)), sets


def _over_graphs(table: Float[Tensor, "sim node set"], num_nodes: int, num_edge_types: int) -> Marginal:
    graphs = all_graphs(num_nodes, num_edge_types, table.device)
    joint = graph_scores(table, graphs)
    probs = joint.softmax(-1) @ graphs.edges.flatten(1).to(joint)
    return Marginal(joint.logsumexp(-1), probs.unflatten(-1, graphs.edges.shape[1:]))


def graph_scores(table: Float[Tensor, "sim node set"], graphs: Graphs) -> Float[Tensor, "sim graph"]:
    """log p of all paths and of the graph itself, up to a constant: each graph has one incoming set at each node."""
    return sum(table[:, node].index_select(-1, sets) for node, sets in enumerate(graphs.sets))


def _per_receiver(
    table: Float[Tensor, "sim node set"], sets: Float[Tensor, "*each set slot type"], undirected: bool
) -> Marginal:
    return Marginal(table.logsumexp(-1).sum(-1), edge_log_probs(table, sets, undirected).exp())


def edge_log_probs(
    table: Float[Tensor, "sim node set"], sets: Float[Tensor, "*each set slot type"], undirected: bool
) -> Float[Tensor, "sim node slot type"]:
    """log p(z_ij | x) from each receiver's table; where undirected, the log-odds of both directions are added."""
    allowed: Bool[Tensor, "*each set slot type"] = sets > 0.5
    spread = table[..., None, None].masked_fill(~allowed, float("-inf"))
    logits = spread.logsumexp(-3).clamp_min(-1e30)  # a type that no kept set has: very unlikely, yet finite
    logits = logits.log_softmax(-1).clamp_min(-1e4)
    return ((logits + reverse_slots(logits)) if undirected else logits).log_softmax(-1)
