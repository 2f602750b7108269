"""A guess is what was drawn, and its score is a share that can be counted by hand."""

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.guess import Guess, share_right
from nri_core.metrics import score_edges
from nri_core.player.guessing import Guessing
from nri_core.player.payload import payload
from nri_core.trajectories import Trajectories
from tests.test_player_payload import unpack

TRUTH = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])  # 1–2 and 2–3 of three


def data() -> Trajectories:
    return Trajectories(np.random.default_rng(0).normal(size=(1, 6, 3, 2)), ("x", "y"), edge_types=TRUTH[None], edge_type_names=("none", "spring"))


@pytest.mark.parametrize(
    ("pairs", "share"),
    [([], 2 / 6), ([[0, 1, 1], [1, 0, 1]], 4 / 6), ([[0, 1, 1], [1, 0, 1], [1, 2, 1], [2, 1, 1]], 1.0), ([[0, 2, 1], [2, 0, 1]], 0.0)],
)
def test_the_score_counts_ordered_pairs(pairs: list[list[int]], share: float) -> None:
    guess = Guess.of_pairs(pairs, num_nodes=3)
    assert share_right(guess.edge_types, TRUTH) == pytest.approx(share)
    score = score_edges(guess.posterior(data()), data())
    assert score is not None and score.accuracy_raw == pytest.approx(share)


def test_a_guess_survives_the_address() -> None:
    guess = Guess.of_pairs([[0, 1, 1], [1, 0, 1], [1, 2, 1], [2, 1, 1]], num_nodes=3)
    assert guess.text == "101"
    again = Guess.of_text("101", num_nodes=3)
    np.testing.assert_array_equal(again.edge_types, TRUTH)
    assert again.pairs == ((0, 1, 1), (1, 0, 1), (1, 2, 1), (2, 1, 1))


@pytest.mark.parametrize("pairs", [None, "x", 3, [[0, 0, 1]], [[0, 3, 1]], [[0, 1, 2]], [[0, 1]], [[-1, 1, 1]], [[0, 1.0, 1]], [[0, True, 1]], [{"a": 1}], [[0, 1, 1]] * 10])
def test_what_is_no_guess_is_refused(pairs: object) -> None:
    with pytest.raises(DataError, match="Guess again"):
        Guess.of_pairs(pairs, num_nodes=3)


@pytest.mark.parametrize("text", ["", "10", "1011", "102", "1a1", "¹01", "<b>"])
def test_an_address_that_holds_no_guess_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="Guess again"):
        Guess.of_text(text, num_nodes=3)


def test_a_one_way_guess_has_no_short_form() -> None:
    with pytest.raises(DataError, match="both directions"):
        _ = Guess.of_pairs([[0, 1, 1]], num_nodes=3).text


def test_whoever_guesses_is_sent_no_graph() -> None:
    header, rest = unpack(payload(data(), guess=Guessing(("none", "spring"), start=((0, 1, 1),))))
    assert header["guess"]["types"] == ["none", "spring"] and header["guess"]["start"] == [[0, 1, 1]] and header["guess"]["symmetric"]
    assert header["truthFrames"] == 0 and header["types"] == [] and len(rest) == 4 * 6 * 3 * 2
