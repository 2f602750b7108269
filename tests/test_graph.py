"""Edge order: receiver-major, no self-edges."""

import numpy as np
import pytest

from nri_core import graph


@pytest.mark.parametrize("num_nodes", [2, 3, 7])
def test_edge_list_is_every_ordered_pair_receiver_major(num_nodes: int) -> None:
    receivers, senders = graph.edge_list(num_nodes)
    expected = [(i, j) for i in range(num_nodes) for j in range(num_nodes) if i != j]
    assert list(zip(receivers, senders, strict=True)) == expected
    assert len(expected) == graph.num_edges(num_nodes)


def test_matrix_and_list_are_inverse() -> None:
    matrix = np.random.default_rng(0).integers(0, 3, (4, 6, 6))
    matrix[:, ~graph.off_diagonal(6)] = 0
    assert (graph.to_matrix(graph.to_list(matrix), 6) == matrix).all()


def test_reverse_edges_swaps_receiver_and_sender() -> None:
    receivers, senders = graph.edge_list(6)
    reverse = graph.reverse_edges(6)
    assert (receivers[reverse] == senders).all() and (senders[reverse] == receivers).all()
    assert (reverse[reverse] == np.arange(30)).all()
