"""A second look at the graph through the learned law of motion, where the first reading leaves a path unexplained."""

import itertools

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nri_core.models.forecaster import SteppedForecaster
from nri_core.models.layers import sender_slots

LARGE = 0.02  # squared relative error of a frame that the law does not explain
MANY = 0.1  # share of such frames from which a node is looked at again
MOST_PROPOSALS = 64  # sets of edges that change together: as large as this allows
MOST_ROUNDS = 8
GRAPHS_AT_ONCE = 64


@torch.no_grad()
def reread(
    law: SteppedForecaster,
    values: Float[Tensor, "sim time node dim"],
    edge_probs: Float[Tensor, "sim node slot type"],
    *,
    undirected: bool,
    observed: Bool[Tensor, "sim time node"] | None = None,
) -> Float[Tensor, "sim node slot type"]:
    """The posterior with edges changed where that makes the path likelier under the learned law; a changed edge swaps two probabilities.

    The decoder calls close encounters unpredictable, so what they tell about an edge is lost on it. In small steps they
    are predictable. Tried are the edges between two nodes that many frames do not explain, one or several changes at once.
    """
    edge_probs = edge_probs.clone()
    suspects = _suspects(law, values, edge_probs, observed)
    for sim in suspects.flatten(1).any(1).nonzero()[:, 0].tolist():
        edges = [tuple(edge) for edge in suspects[sim].nonzero().tolist()]
        if undirected:
            edges = [(node, slot) for node, slot in edges if slot < node]
        edge_probs[sim] = _climb(law, values[sim], edge_probs[sim], edges, undirected, None if observed is None else observed[sim])
    return edge_probs


def _suspects(law: SteppedForecaster, values: Tensor, edge_probs: Tensor, observed: Tensor | None) -> Bool[Tensor, "sim node slot"]:
    graph = _hard(edge_probs)[:, None].expand(-1, values.shape[1] - 1, -1, -1, -1)
    parts = zip(values.split(GRAPHS_AT_ONCE), graph.split(GRAPHS_AT_ONCE), strict=True)
    seen = [None] * len(values) if observed is None else [_both(part, 1) for part in observed.split(GRAPHS_AT_ONCE)]
    error = torch.cat([law.relative_error(part[:, :-1], part[:, 1:], edges, there) for (part, edges), there in zip(parts, seen, strict=False)])
    unexplained = (error > LARGE).float().mean(1) > MANY
    return unexplained[:, :, None] & unexplained[:, sender_slots(values.shape[2], values.device)]


def _climb(
    law: SteppedForecaster, path: Float[Tensor, "time node dim"], probs: Float[Tensor, "node slot type"],
    edges: list[tuple[int, int]], undirected: bool, observed: Bool[Tensor, "time node"] | None,
) -> Float[Tensor, "node slot type"]:  # fmt: skip
    together: list[tuple[tuple[int, int], ...]] = []
    for size in range(1, len(edges) + 1):
        more = list(itertools.combinations(edges, size))
        if together and len(together) + len(more) > MOST_PROPOSALS:
            break
        together += more
    best = _misfit(law, path, probs[None], observed)[0]
    for _ in range(MOST_ROUNDS):
        proposals = torch.stack([changed for part in together for changed in _changes(probs, part, undirected)])
        misfit = torch.cat([_misfit(law, path, part, observed) for part in proposals.split(GRAPHS_AT_ONCE)])
        if misfit.min() >= best:
            break
        best, probs = misfit.min(), proposals[misfit.argmin()]
    return probs


def _changes(probs: Float[Tensor, "node slot type"], edges: tuple[tuple[int, int], ...], undirected: bool) -> list[Tensor]:
    """Every way to give all of these edges another type."""
    num_edge_types = probs.shape[-1]
    result = []
    for shifts in itertools.product(range(1, num_edge_types), repeat=len(edges)):
        changed = probs.clone()
        for (node, slot), shift in zip(edges, shifts, strict=True):
            was = int(probs[node, slot].argmax())
            now = (was + shift) % num_edge_types
            order = torch.arange(num_edge_types)
            order[was], order[now] = now, was
            swapped = probs[node, slot, order.to(probs.device)]
            changed[node, slot] = swapped
            if undirected:  # slot < node, so the sender is node number `slot`, and the receiver its slot node − 1
                changed[slot, node - 1] = swapped
        result.append(changed)
    return result


def _misfit(
    law: SteppedForecaster, path: Float[Tensor, "time node dim"], probs: Float[Tensor, "graph node slot type"], observed: Tensor | None
) -> Float[Tensor, " graph"]:
    """Σ over nodes and frames of log(1 + error / 3 error_scale²)."""
    graph = _hard(probs)[:, None].expand(-1, path.shape[0] - 1, -1, -1, -1)
    before, after = (part.expand(len(probs), *part.shape) for part in (path[:-1], path[1:]))
    seen = None if observed is None else _both(observed, 0).unsqueeze(1).expand(2, len(probs), -1, -1)
    error = law.relative_error(before, after, graph, seen)
    return torch.log1p(error / (3 * law.error_scale**2)).sum((1, 2))


def _both(observed: Bool[Tensor, "*batch"], axis: int) -> Bool[Tensor, "2 *steps"]:
    """Whether a node was seen before and after each step."""
    frames = observed.shape[axis]
    return torch.stack([observed.narrow(axis, 0, frames - 1), observed.narrow(axis, 1, frames - 1)])


def _hard(probs: Float[Tensor, "*batch type"]) -> Float[Tensor, "*batch type"]:
    return torch.nn.functional.one_hot(probs.argmax(-1), probs.shape[-1]).to(probs)
