"""What becomes of a graph when somebody who acts is not seen."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.trajectories import Trajectories


def without_node(data: Trajectories, node: int) -> Trajectories:
    """The same motion to somebody who does not see `node`: its path and its edges are gone, what it did to the others stays.

    Raises DataError where there is no such node, or only one other.
    """
    if not 0 <= node < data.num_nodes or data.num_nodes < 3:
        raise DataError(f"Expected one of at least 3 nodes to hide, counted from 0; found {node} of {data.num_nodes}.")
    kept = np.delete(np.arange(data.num_nodes), node)
    edges = None if data.edge_types is None else data.edge_types[..., kept[:, None], kept]
    observed = None if data.observed is None else data.observed[..., kept]
    names = tuple(data.node_names[one] for one in kept)
    return replace(data, values=data.values[:, :, kept], edge_types=edges, observed=observed, node_names=names)


def share_a_driver(edge_types: Int[np.ndarray, "*batch node node"], hidden: int) -> Bool[np.ndarray, "*batch other other"]:
    """Which pairs of the other nodes `hidden` acts on both of; edge type 0 means that it does not. The diagonal is False."""
    acted_on = np.delete(edge_types[..., :, hidden] > 0, hidden, axis=-1)
    both = acted_on[..., :, None] & acted_on[..., None, :]
    return both & off_diagonal(both.shape[-1])
