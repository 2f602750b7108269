"""A hidden node takes its path and its edges along, and leaves what it did."""

from dataclasses import replace

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.trajectories import Trajectories
from nri_core.unseen import share_a_driver, without_node


def data() -> Trajectories:
    values = np.random.default_rng(0).normal(size=(2, 5, 4, 2))
    edges = np.zeros((2, 4, 4), int)
    edges[0, 0, 1] = edges[0, 2, 1] = edges[0, 3, 2] = 1  # node 1 acts on 0 and 2
    return Trajectories(values, ("x", "y"), edge_types=edges, node_names=("a", "b", "c", "d"), observed=np.ones((2, 5, 4), bool))


def test_the_others_stay_as_they_were() -> None:
    seen = without_node(data(), 1)
    assert seen.node_names == ("a", "c", "d")
    np.testing.assert_array_equal(seen.values, data().values[:, :, [0, 2, 3]])
    assert seen.edge_types[0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert seen.observed.shape == (2, 5, 3)


def test_edges_over_time_lose_the_node_too() -> None:
    changing = replace(data(), edge_types=np.repeat(data().edge_types[:, None], 5, axis=1))
    np.testing.assert_array_equal(without_node(changing, 1).edge_types[:, 0], without_node(data(), 1).edge_types)


def test_who_shares_the_driver() -> None:
    shared = share_a_driver(data().edge_types, 1)
    assert shared[0].tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    assert not shared[1].any()


@pytest.mark.parametrize("node", [-1, 4])
def test_no_such_node(node: int) -> None:
    with pytest.raises(DataError, match="to hide"):
        without_node(data(), node)
