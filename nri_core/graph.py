"""Edge order, in one place: flat edge lists are receiver-major without self-edges; matrices are [receiver, sender]."""

import numpy as np
from jaxtyping import Bool, Int, Shaped


def num_edges(num_nodes: int) -> int:
    """Ordered pairs of different nodes."""
    return num_nodes * (num_nodes - 1)


def edge_list(num_nodes: int) -> tuple[Int[np.ndarray, " edge"], Int[np.ndarray, " edge"]]:
    """(receivers, senders) of every ordered pair: 0←1, 0←2, …, 1←0, … . Node i's incoming edges are consecutive."""
    receivers, senders = np.nonzero(off_diagonal(num_nodes))
    return receivers.astype(np.int64), senders.astype(np.int64)


def off_diagonal(num_nodes: int) -> Bool[np.ndarray, "node node"]:
    """True for every pair of different nodes."""
    return ~np.eye(num_nodes, dtype=bool)


def reverse_edges(num_nodes: int) -> Int[np.ndarray, " edge"]:
    """For each edge i←j, the position of j←i in the flat list."""
    receivers, senders = edge_list(num_nodes)
    return senders * (num_nodes - 1) + receivers - (receivers > senders)


def to_list(matrix: Shaped[np.ndarray, "*batch node node"]) -> Shaped[np.ndarray, "*batch edge"]:
    """Drop the diagonal of [..., receiver, sender] and flatten."""
    return matrix[..., off_diagonal(matrix.shape[-1])]


def to_matrix(edges: Shaped[np.ndarray, "*batch edge"], num_nodes: int) -> Shaped[np.ndarray, "*batch node node"]:
    """The inverse of `to_list`, with zeros on the diagonal."""
    matrix = np.zeros((*edges.shape[:-1], num_nodes, num_nodes), edges.dtype)
    matrix[..., off_diagonal(num_nodes)] = edges
    return matrix
