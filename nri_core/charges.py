"""What one number a particle says about all pairs: q_i q_j is above 0 where two repel each other, below where they attract."""

import itertools

import numpy as np
from jaxtyping import Bool, Int

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior

ATTRACT, REPEL = 0, 1  # the edge types of `nri_core.systems.charged`
MOST_NODES = 14  # all 2^(N−1) ways to hand out charges are tried
SURE = 1e-6  # no pair may outvote all others


def charges_of(posterior: EdgePosterior) -> Int[np.ndarray, "sim node"]:
    """The charges ±1 under which the belief about all pairs, taken together, is likeliest; the first particle has +1, since only products show.

    argmax over q of Σ_{i≠j} log p(type of i←j is that of q_i q_j), by trying all 2^(N−1). Raises DataError for other types than attract and
    repel, and for too many nodes.
    """
    num_nodes = posterior.edge_probs.shape[1]
    if posterior.edge_probs.shape[-1] != 2:
        raise DataError(f"Expected two edge types, attraction and repulsion; found {', '.join(posterior.edge_type_names)}.")
    if num_nodes > MOST_NODES:
        raise DataError(f"Expected at most {MOST_NODES} particles, to try all charges; found {num_nodes}.")
    candidates = np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=num_nodes - 1)], float)
    log_probs = np.log(np.clip(posterior.edge_probs, SURE, 1)) * off_diagonal(num_nodes)[..., None]
    odds = log_probs[..., REPEL] - log_probs[..., ATTRACT]
    scores = ((odds @ candidates.T).swapaxes(-1, -2) * candidates).sum(-1)
    return candidates[scores.argmax(-1)].astype(np.int64)


def pairs_of(charges: Int[np.ndarray, "*batch node"]) -> Int[np.ndarray, "*batch node node"]:
    """The edge type of each pair by its charges; the diagonal is 0."""
    alike = charges[..., :, None] == charges[..., None, :]
    return np.where(alike & off_diagonal(charges.shape[-1]), REPEL, ATTRACT)


def as_charges(posterior: EdgePosterior) -> EdgePosterior:
    """The belief made one without doubt that some charges can explain."""
    kinds = pairs_of(charges_of(posterior))
    return EdgePosterior.certain(kinds, posterior.edge_type_names, posterior.node_names, f"{posterior.inference}, as charges")


def impossible_triangles(edge_types: Int[np.ndarray, "node node"]) -> Int[np.ndarray, "triangle 3"]:
    """The triples of particles whose pairs no charges can explain: round them, the product of signs is negative."""
    triangles = np.array(list(itertools.combinations(range(len(edge_types)), 3)), int).reshape(-1, 3)
    sign = np.where(edge_types == REPEL, 1, -1)
    a, b, c = triangles.T
    broken: Bool[np.ndarray, " triangle"] = sign[a, b] * sign[b, c] * sign[a, c] < 0
    return triangles[broken]


def ways(num_nodes: int) -> tuple[int, int]:
    """How many ways there are to call the pairs attracting or repelling, 2^(N(N−1)/2), and how many of those some charges explain, 2^(N−1)."""
    return 2 ** (num_nodes * (num_nodes - 1) // 2), 2 ** (num_nodes - 1)
