"""True graphs that a file of arrays brings: matrices or flat lists, one for all, one a recording or one a frame."""

from typing import Literal

import numpy as np
from jaxtyping import Int, Shaped

from nri_core.errors import DataError
from nri_core.graph import num_edges, off_diagonal, to_list, to_matrix
from nri_core.recording import Remark

Rows = Literal["receivers", "senders"]
MOST_TYPES = 20


def edge_matrices(array: Shaped[np.ndarray, "..."], *, name: str, num_nodes: int, rows: Rows) -> Shaped[np.ndarray, "... node node"]:
    """The array as matrices [receiver, sender]. `rows`: whom a row stands for (in a flat list: who changes slowest).

    Raises DataError.
    """
    if array.shape[-2:] != (num_nodes, num_nodes):
        flat = num_edges(num_nodes)
        if array.ndim < 1 or array.shape[-1] != flat:
            raise DataError(
                f"Expected true edges of shape (…, {num_nodes}, {num_nodes}) or (…, {flat}) for {num_nodes} nodes; `{name}` has {array.shape}. "
                "Choose another array, or none."
            )
        array = to_matrix(array, num_nodes)
    return array if rows == "receivers" else array.swapaxes(-1, -2)


def edge_kinds(matrices: Shaped[np.ndarray, "... node node"], *, name: str) -> tuple[Int[np.ndarray, "... node node"], tuple[str, ...], tuple[Remark, ...]]:
    """(types from 0 on, their names, remarks): 0 is no edge; fractions are weights, of which any but 0 is an edge. Raises DataError."""
    numbers = to_list(matrices)
    if not np.isfinite(numbers).all():
        raise DataError(f"Expected a number for each true edge; `{name}` has NaN or infinity. Choose another array, or none.")
    found = np.unique(numbers)
    if len(found) > MOST_TYPES or (found != np.round(found)).any():
        remark = Remark("weights of edges", f"`{name}` holds weights from {found[0]:g} to {found[-1]:g}: every weight but 0 counts as an edge.")
        return _without_diagonal((matrices != 0).astype(np.int8)), ("none", "edge"), (remark,)
    kinds = sorted(found.tolist(), key=lambda kind: (kind != 0, kind))
    types = np.zeros(matrices.shape, np.int8)
    for place, kind in enumerate(kinds):
        types[matrices == kind] = place
    if kinds == [0] or kinds == [0, 1]:
        return _without_diagonal(types), ("none", "edge"), ()
    return _without_diagonal(types), tuple("none" if kind == 0 else f"{kind:g}" for kind in kinds), ()


def _without_diagonal(types: Int[np.ndarray, "... node node"]) -> Int[np.ndarray, "... node node"]:
    return np.where(off_diagonal(types.shape[-1]), types, np.int8(0))
