"""Charges explain pairs: read back exactly, against all patterns tried by hand, and the triangles that no charges allow."""

import numpy as np
import pytest

from nri_core.charges import as_charges, charges_of, impossible_triangles, pairs_of, ways
from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior

RANDOM = np.random.default_rng(3)


def belief(kinds: np.ndarray, sure: float) -> EdgePosterior:
    probs = np.where(np.eye(2)[kinds] > 0, sure, 1 - sure) * off_diagonal(kinds.shape[-1])[..., None]
    return EdgePosterior(probs, ("attract", "repel"), tuple(map(str, range(kinds.shape[-1]))), "a test")


def test_charges_are_read_back_up_to_their_common_sign() -> None:
    charges = RANDOM.choice([-1, 1], (20, 6))
    found = charges_of(belief(pairs_of(charges), 0.9))
    np.testing.assert_array_equal(found, charges * charges[:, :1])


def test_a_wrong_pair_is_outvoted() -> None:
    charges = np.array([[1, 1, -1, -1, 1]])
    kinds = pairs_of(charges)
    kinds[0, 0, 1] = kinds[0, 1, 0] = 0
    np.testing.assert_array_equal(as_charges(belief(kinds, 0.9)).edge_types, pairs_of(charges))


def test_the_best_charges_are_those_of_all_patterns() -> None:
    probs = RANDOM.random((4, 4, 4))
    posterior = EdgePosterior(np.stack([probs, 1 - probs], -1) * off_diagonal(4)[..., None], ("attract", "repel"), tuple("abcd"), "a test")
    for sim, found in enumerate(charges_of(posterior)):
        scores = {}
        for code in range(8):
            charges = np.array([1] + [1 - 2 * (code >> bit & 1) for bit in range(3)])
            kinds = pairs_of(charges)
            scores[tuple(charges)] = sum(np.log(posterior.edge_probs[sim, i, j, kinds[i, j]]) for i in range(4) for j in range(4) if i != j)
        assert tuple(found) == max(scores, key=scores.get)


def test_one_changed_pair_breaks_every_triangle_it_is_in() -> None:
    kinds = pairs_of(np.array([1, -1, 1, 1, -1]))
    assert len(impossible_triangles(kinds)) == 0
    kinds[1, 3] = kinds[3, 1] = 1 - kinds[1, 3]
    broken = impossible_triangles(kinds)
    assert len(broken) == 3 and all({1, 3} <= set(triangle) for triangle in broken.tolist())


def test_ways_are_counted() -> None:
    patterns = {pairs_of(np.array([1 - 2 * (code >> bit & 1) for bit in range(4)])).tobytes() for code in range(16)}
    assert ways(4) == (64, len(patterns))


def test_other_beliefs_are_refused() -> None:
    three = EdgePosterior(np.full((1, 3, 3, 3), 1 / 3) * off_diagonal(3)[..., None], ("a", "b", "c"), tuple("abc"), "a test")
    with pytest.raises(DataError, match="two edge types"):
        charges_of(three)
    with pytest.raises(DataError, match="at most"):
        charges_of(belief(np.zeros((1, 15, 15), int), 0.9))
