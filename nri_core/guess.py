"""A person's guess of a graph: checked, written into an address, and scored as a model's belief is."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Int

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

MOST_TYPES = 10  # one digit each in an address


@dataclass(frozen=True, eq=False)
class Guess:
    """The edge type that somebody gives each ordered pair, [receiver, sender]; pairs of which nothing was said have type 0."""

    edge_types: Int[np.ndarray, "node node"]

    @classmethod
    def of_pairs(cls, pairs: Any, *, num_nodes: int, num_types: int = 2) -> Self:
        """From [[receiver, sender, type], …], as a browser tells it. Raises DataError for anything else."""
        edge_types = np.zeros((num_nodes, num_nodes), np.int64)
        fits = isinstance(pairs, list | tuple) and len(pairs) <= num_nodes**2
        for pair in pairs if fits else ():
            fits = isinstance(pair, list | tuple) and len(pair) == 3 and all(type(part) is int for part in pair)
            if not fits or not (0 <= pair[0] < num_nodes and 0 <= pair[1] < num_nodes and 0 <= pair[2] < num_types and pair[0] != pair[1]):
                fits = False
                break
            edge_types[pair[0], pair[1]] = pair[2]
        if not fits:
            raise DataError(f"Expected pairs of {num_nodes} particles, each with one of {num_types} edge types; found something else. Guess again.")
        return cls(edge_types)

    @classmethod
    def of_text(cls, text: str, *, num_nodes: int, num_types: int = 2) -> Self:
        """From what `text` gives. Raises DataError where that is not a guess of such a graph."""
        receivers, senders = _once(num_nodes)
        digits = [int(digit) for digit in text if digit in "0123456789"]
        if len(digits) != len(text) or len(digits) != len(receivers) or max(digits, default=0) >= num_types:
            raise DataError(
                f"Expected a guess of {len(receivers)} digits, one for each pair of {num_nodes} particles, from 0 to {num_types - 1}; "
                f"found “{text[:40]}”. Guess again."
            )
        edge_types = np.zeros((num_nodes, num_nodes), np.int64)
        edge_types[receivers, senders] = edge_types[senders, receivers] = digits
        return cls(edge_types)

    @property
    def text(self) -> str:
        """A digit for each pair 1–2, 1–3, …, 2–3, …, for an address. Both directions of a pair must agree. Raises DataError where they do not."""
        if not np.array_equal(self.edge_types, self.edge_types.T) or self.edge_types.max(initial=0) >= MOST_TYPES:
            raise DataError("Expected a guess in which both directions of each pair have the same type. Join the pairs again.")
        return "".join(map(str, self.edge_types[_once(len(self.edge_types))]))

    @property
    def pairs(self) -> tuple[tuple[int, int, int], ...]:
        """(receiver, sender, type) of the pairs whose type is not 0."""
        return tuple((int(receiver), int(sender), int(self.edge_types[receiver, sender])) for receiver, sender in np.argwhere(self.edge_types))

    def posterior(self, data: Trajectories) -> EdgePosterior:
        """The guess as a belief without doubt about one system of `data`, its types named by the truth."""
        nodes, kinds = data.num_nodes, len(data.edge_type_names)
        if self.edge_types.shape != (nodes, nodes) or self.edge_types.max(initial=0) >= kinds:
            raise DataError(f"Expected a guess about {nodes} particles and {kinds} edge types; found one about {len(self.edge_types)}. Guess again.")
        return EdgePosterior.certain(self.edge_types[None], data.edge_type_names, data.node_names, "guess")


def share_right(edge_types: Int[np.ndarray, "node node"], truth: Int[np.ndarray, "node node"]) -> float:
    """Of the ordered pairs of different nodes, those with their true type, under the names that the types have."""
    return float((edge_types == truth)[off_diagonal(len(truth))].mean())


def _once(num_nodes: int) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Each pair once: 1–2, 1–3, …, 2–3, …"""
    return np.triu_indices(num_nodes, 1)
