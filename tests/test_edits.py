"""Changes as the address holds them: back and forth, nonsense refused in a sentence, and what can be undone."""

import pytest

from nri_core.errors import ConfigError
from ui.edits import Edits, History, Limits, told

ALL = Limits(("start", "velocity", "truth", "inferred"), num_nodes=5, num_types=2, reach=5.0, tied=("truth", "inferred"))


def test_what_the_address_holds_comes_back() -> None:
    text = "p1:0.2,-0.4;v2:0.1,0.3;t4-5:0;g2-3:1"
    edits = Edits.parse(text, ALL)
    assert edits.starts == {0: (0.2, -0.4)} and edits.velocities == {1: (0.1, 0.3)} and edits.truth == {(4, 3): 0} and edits.inferred == {(2, 1): 1}
    assert edits.text == text and Edits.parse("", ALL) == Edits() and edits.world and not Edits.parse("g1-2:0", ALL).world
    assert Edits.parse("g3-2:1", ALL).text == "g2-3:1"  # both directions are one
    one_way = Limits(("inferred",), 5, 2, 5.0)
    assert Edits.parse("g3-2:1;g2-3:0", one_way).inferred == {(1, 2): 1, (2, 1): 0}
    assert Edits.parse("a3:1.5", Limits(("start",), 5, 2, 1000.0, round=True)).text == "a3:1.5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "Expected changes such as p1:0.2,-0.4"),
        ("p9:0,0", "nodes 1 to 5"),
        ("p1:9,0", "numbers up to 5"),
        ("p1:0", "Expected changes such as"),
        ("a1:0.3", "Expected changes such as"),
        ("p1:1.2.3,0", "Expected numbers"),
        ("p1:nan,0", "Expected changes such as"),
        ("g2-2:0", "two of the nodes 1 to 5"),
        ("g2-3:7", "a type from 0 to 1"),
        ("t0-1:0", "two of the nodes"),
        ("<b>`*", r"found `\?b\?\?\?`"),
        (";".join(["p1:0,0"] * 301), "found 301"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Edits.parse(text, ALL)


def test_what_may_not_be_changed_is_said() -> None:
    with pytest.raises(ConfigError, match="The start cannot be changed here"):
        Edits.parse("p1:0,0", Limits(("inferred",), 5, 2, 5.0))


def test_the_player_is_not_trusted() -> None:
    assert told({"kind": "start", "node": 1, "at": [0.25, 1], "settled": True}, ALL).text == "p2:0.25,1"
    assert told({"kind": "inferred", "pair": [1, 2], "type": 0}, ALL).text == "g2-3:0"
    for event in (None, 3, {}, {"kind": "mass"}, {"kind": "start", "node": "x", "at": [0, 0]}, {"kind": "start", "node": 1}, {"kind": "start", "node": 1, "at": [float("inf"), 0]}):
        with pytest.raises(ConfigError):
            told(event, ALL)
    with pytest.raises(ConfigError, match="two of the nodes"):
        told({"kind": "truth", "pair": [1, 77], "type": 0}, ALL)


def test_the_later_change_of_the_same_counts_and_what_is_so_anyway_is_none() -> None:
    joined = Edits.parse("p1:1,1;g2-3:0", ALL).joined(Edits.parse("p1:2,2;g2-3:1", ALL))
    assert joined.text == "p1:2,2;g2-3:1"
    assert joined.without("inferred", {(2, 1): 1}).text == "p1:2,2"
    assert joined.without("inferred", {(2, 1): 0}) == joined


def test_a_drag_is_undone_as_one() -> None:
    history = History("one").to("p1:0.1,0", settled=False, answered=1).to("p1:0.2,0", settled=False, answered=2).to("p1:0.3,0", answered=3)
    assert history.past == ("",) and not history.open and history.fresh and history.answered == 3
    further = history.to("p1:0.3,0;g1-2:0", answered=4)
    assert further.undone().now == "p1:0.3,0" and further.undone().undone().now == "" and further.undone().redone().now == further.now
    assert further.undone().to("v1:1,1").future == () and History("one").undone() == History("one") == History("one").redone()
    assert further.to("").undone().now == further.now  # a reset can be undone
