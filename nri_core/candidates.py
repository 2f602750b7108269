"""Every graph that could be, and how well a model predicts the motion under each: the idea of NRI, small enough to be seen."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int

from nri_core.checkpoint import Checkpoint
from nri_core.dataset import slots_of
from nri_core.errors import CheckpointError
from nri_core.models.marginal import all_graphs, countable, graph_scores, set_table
from nri_core.trajectories import Trajectories


@dataclass(frozen=True, eq=False)
class Candidates:
    """log p(motion | graph) of one system under every undirected graph, in nats for each node and frame, the model's prior on graphs included.

    Graph number g has, as digits of g to the base K, the types of the pairs 1–2, 1–3, …, 2–3, …
    """

    log_probs: Float[np.ndarray, " graph"]
    num_nodes: int
    num_types: int

    @classmethod
    def of(cls, checkpoint: Checkpoint, data: Trajectories) -> Self:
        """All of them for the first system of `data`. Raises CheckpointError where they cannot be counted, or the model cannot read the data."""
        checkpoint.check(data)
        settings = checkpoint.config.settings
        if not (settings.additive and settings.undirected and countable(data.num_nodes, settings.num_edge_types)):
            raise CheckpointError(
                f"Expected a model and a system whose undirected graphs can be tried one by one; {data.num_nodes} nodes and "
                f"{settings.num_edge_types} types are too many, or the {settings.decoder} decoder does not add up messages. Choose five nodes or fewer."
            )
        window = data.select(slice(0, 1), frames=slice(0, checkpoint.config.window))
        values = checkpoint.tensor(window)
        with torch.no_grad():
            table = set_table(checkpoint.model.eval(), values, observed=checkpoint.sightings(window))
            joint = graph_scores(table.cpu(), all_graphs(data.num_nodes, settings.num_edge_types))[0]
        return cls(joint.double().numpy() / (data.num_nodes * (window.num_steps - 1)), data.num_nodes, settings.num_edge_types)

    def number(self, edge_types: Int[np.ndarray, "node node"]) -> int:
        """Which graph it is."""
        digits = edge_types[np.triu_indices(self.num_nodes, 1)]
        return int(np.ravel_multi_index(tuple(digits), (self.num_types,) * len(digits)))

    def graph(self, number: int) -> Int[np.ndarray, "node node"]:
        """The graph of that number, as a symmetric matrix."""
        places = np.triu_indices(self.num_nodes, 1)
        matrix = np.zeros((self.num_nodes, self.num_nodes), np.int64)
        matrix[places] = np.unravel_index(number, (self.num_types,) * len(places[0]))
        return matrix + matrix.T

    def rank(self, edge_types: Int[np.ndarray, "node node"]) -> int:
        """1 for the graph under which the motion is likeliest."""
        return int((self.log_probs > self.log_probs[self.number(edge_types)]).sum()) + 1

    def best(self) -> Int[np.ndarray, "node node"]:
        """The graph of rank 1."""
        return self.graph(int(self.log_probs.argmax()))

    def better(self, edge_types: Int[np.ndarray, "node node"]) -> Int[np.ndarray, "node node"]:
        """The likeliest of the graphs that differ in one pair; where none of them is likelier, of those that differ in two. Unchanged where none is.

        Climbing so, step by step, needs no label.
        """
        for pairs in (1, 2):
            best = max(self._changed(edge_types, pairs), key=lambda graph: self.log_probs[self.number(graph)])
            if self.rank(best) < self.rank(edge_types):
                return best
        return edge_types

    def _changed(self, edge_types: Int[np.ndarray, "node node"], pairs: int) -> Iterator[Int[np.ndarray, "node node"]]:
        for chosen in itertools.combinations(itertools.combinations(range(self.num_nodes), 2), pairs):
            for kinds in itertools.product(range(self.num_types), repeat=pairs):
                changed = edge_types.copy()
                for (receiver, sender), kind in zip(chosen, kinds, strict=True):
                    changed[receiver, sender] = changed[sender, receiver] = kind
                yield changed


def unexplained(checkpoint: Checkpoint, data: Trajectories, edge_types: Int[np.ndarray, "sim node node"]) -> Float[np.ndarray, "sim node"]:
    """How much of a node's change from one frame to the next the decoder leaves unexplained under a graph: 0 is nothing, 1 as much as there is.

    The root of the median squared error over the root of the median squared change, of the features that the decoder answers for, in normalised units.
    Types are numbered as the model does. Raises CheckpointError for a model without a decoder.
    """
    if checkpoint.model.decoder is None:
        raise CheckpointError("This model has no decoder: it predicts nothing. Choose a model trained with one.")
    checkpoint.check(data)
    model, values = checkpoint.model.eval(), checkpoint.tensor(data)
    edges = slots_of(edge_types, checkpoint.config.settings.num_edge_types, checkpoint.device)
    scored, memory, means = list(model.decoder.scored), None, []
    with torch.no_grad():
        for frame in values[:, :-1].unbind(1):
            prediction, memory = model.step(frame, edges, memory)
            means.append(prediction.mean)
    error, change = (
        np.sqrt(np.median(np.square(part[..., scored].cpu().double().numpy()).mean(-1), axis=1))
        for part in (values[:, 1:] - torch.stack(means, dim=1), values[:, 1:] - values[:, :-1])
    )
    return error / np.maximum(change, 1e-12)
