"""Learn without a browser: every lesson draws and answers, examples open, and addresses edited by hand are one sentence."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.guess import Guess
from nri_core.trajectories import Trajectories
from tests import pages
from tests.pages import player
from ui import examples, tour
from ui.lessons import LESSONS

ROOT = Path(__file__).parents[1]
SAMPLE_DATA = ROOT / "sample_data"


def learn(**address: str) -> AppTest:
    app = pages.opened("learn", **address)
    assert not app.exception
    return app


def header(app: AppTest) -> dict:
    (header,) = pages.headers(app, "nri_player")
    return header


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.caption, *app.markdown, *app.info))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def true_guess(system: int) -> str:
    truth = Trajectories.load(SAMPLE_DATA / "springs5.npz").edge_types[system]
    return Guess(truth).text


def test_the_first_lesson_asks_without_the_truth_and_without_torch() -> None:
    code = (
        "import sys; from tests import pages\n"
        "app = pages.opened('learn')\n"
        "assert len(pages.headers(app, 'nri_player')) == 1\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_guess_is_scored_beside_the_model_and_correlation() -> None:
    app = learn(hidden_system="2", guess=true_guess(1))
    shares = {metric.label: metric.value for metric in app.metric}
    assert shares["You"] == "10 of 10 pairs" and shares["The model"] == "10 of 10 pairs"
    assert set(shares) == {"You", "The model", "Correlation"}
    assert header(app)["opening"]["view"] == "difference" and header(app)["truthFrames"] == 1
    none_right = "".join("01"[digit == "0"] for digit in true_guess(1))
    assert {metric.label: metric.value for metric in learn(hidden_system="2", guess=none_right).metric}["You"] == "0 of 10 pairs"
    press(app, "Next system")
    assert app.slider(key="hidden_system").value == 3 and "guess" not in app.query_params
    assert header(app)["guess"]["types"] == ["none", "spring"] and header(app)["truthFrames"] == 0


@pytest.mark.parametrize("guess", ["<script>", "0000000002"])
def test_an_address_that_holds_no_guess_is_one_sentence(guess: str) -> None:
    app = learn(guess=guess)
    assert sum("Guess again" in text.value for text in app.markdown) == 1
    assert header(app)["guess"]


@pytest.mark.parametrize("address", [{"lesson": "99"}, {"hidden_system": "0"}])
def test_an_address_that_asks_for_no_such_place_is_one_sentence(address: dict[str, str]) -> None:
    app = learn(**address)
    assert player(app)
    assert sum("The address asks for" in text.value for text in app.markdown) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(LESSONS) + 1))
def test_every_lesson_draws_and_says_what_to_see(number: int) -> None:
    app = learn(lesson=str(number))
    lesson = LESSONS[number - 1]
    assert not app.error and player(app)
    assert lesson.aim in texts(app) and lesson.see in texts(app)
    assert any(lesson.question in expander.label for expander in app.expander) and lesson.answer in texts(app)
    assert len(app.slider) + len(app.segmented_control) + len(app.select_slider) >= 2, "something to move, besides the place in the tour"


@pytest.mark.slow
def test_the_whole_tour_can_be_walked_and_skipped() -> None:
    app = learn()
    for number in range(2, len(LESSONS) + 1):
        press(app, "Next")
        assert f"**{number} of {len(LESSONS)}" in texts(app) and not app.error
    press(app, "Next")
    assert len([button for button in app.button if button.label == "Open"]) == len(examples.preset_files(examples.FOLDER))
    press(app, "Back")
    assert f"**{len(LESSONS)} of {len(LESSONS)}" in texts(app)
    press(app, "Skip the tour")
    assert app.segmented_control(key="lesson").value == tour.EXAMPLES


@pytest.mark.slow
def test_the_search_needs_no_label() -> None:
    app = learn(lesson="3")
    first = {metric.label: metric.value for metric in app.metric}
    for _ in range(12):
        button = next(button for button in app.button if button.label == "Best change")
        if button.disabled:
            break
        button.click().run()
    last = {metric.label: metric.value for metric in app.metric}
    assert last["Rank of your graph"] == "1 of 1,024" != first["Rank of your graph"]
    assert app.query_params["graph"] == true_guess(0) or app.query_params["graph"] == [true_guess(0)]
    app.toggle(key="search_truth").set_value(True).run()
    assert "**10 of 10 pairs** are as they truly are" in texts(app)


@pytest.mark.slow
def test_another_systems_graph_changes_nothing_where_all_graphs_are_one() -> None:
    app = learn(lesson="4", ahead="20")
    assert next(metric for metric in app.metric if metric.label.startswith("Error, other graph")).value == "the same"
    app.segmented_control(key="listener").set_value("As in Explore").run()
    factor = next(metric for metric in app.metric if metric.label.startswith("Error, other graph")).value.split(" ")[0]
    assert float(factor.replace(",", "")) > 1000


@pytest.mark.slow
def test_kinds_are_mixed_where_there_are_too_few() -> None:
    app = learn(lesson="5")
    assert "**None**, no effect:" in texts(app) and "%\u00a0weak\u00a0spring" in texts(app)
    app.segmented_control(key="kinds_used").set_value("4").run()
    assert "never used" in texts(app)


@pytest.mark.slow
def test_one_charge_each_leaves_no_impossible_triangle() -> None:
    app = learn(lesson="7")
    assert int(app.metric[0].value) > 0
    app.segmented_control(key="charged_way").set_value("One charge each").run()
    assert int(app.metric[0].value) == 0 and "Charges: 1 +" in header(app)["caption"]


@pytest.mark.slow
def test_a_hidden_particle_can_be_shown() -> None:
    app = learn(lesson="8")
    assert header(app)["nodes"] == 5
    app.toggle(key="whole_truth").set_value(True).run()
    assert header(app)["nodes"] == 6 and "it is joined to" in header(app)["caption"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in examples.preset_files(examples.FOLDER)])
def test_every_example_opens_by_its_address(name: str) -> None:
    app = learn(lesson=tour.EXAMPLES, example=name)
    assert not app.error and player(app)
    assert "How sure it is" in {metric.label for metric in app.metric}


@pytest.mark.parametrize(("name", "most"), [("too_short", 49), ("look_alike", 99)])
def test_an_example_offers_no_more_frames_than_its_reader_reads(name: str, most: int) -> None:
    app = learn(lesson=tour.EXAMPLES, example=name, **{f"{name}_frames": str(most)})
    assert app.slider(key=f"{name}_frames").max == most == app.slider(key=f"{name}_frames").value
    assert f"from the first {most} frames" in header(app)["caption"]


@pytest.mark.parametrize(
    ("name", "moved", "told"),
    [
        ("one_way", {}, "Simulate such systems"),
        ("two_graphs", {}, "Simulate such systems, with random starts and graphs"),
        ("hidden_particle", {}, "Simulate such systems, all 6 particles seen"),
        ("too_short", {}, "Simulate such systems, to be read in full"),
        ("too_short", {"too_short_frames": "49"}, "Simulate such systems"),
    ],
)
def test_the_link_to_simulate_says_what_it_cannot_make_of_an_example(name: str, moved: dict[str, str], told: str) -> None:
    app = learn(lesson=tour.EXAMPLES, example=name, **moved)
    assert [link.proto.label for link in app.main.get("page_link") if "Simulate" in link.proto.label] == [told]


def test_an_example_that_is_not_there_is_one_sentence_with_a_way_on() -> None:
    app = learn(lesson=tour.EXAMPLES, example="<b>moons</b>")
    assert sum("There is no example" in text.value for text in app.markdown) == 1
    assert [button for button in app.button if button.label == "Open"]


def test_examples_of_another_version_leave_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in list(examples.preset_files(examples.FOLDER))[:3]:
        shutil.copy(path, tmp_path)
    good = json.loads((tmp_path / "charges.json").read_text(encoding="utf-8"))
    (tmp_path / "old.json").write_text(json.dumps(good | {"format": 0}))
    (tmp_path / "torn.json").write_text('{"format": 1, "tit')
    monkeypatch.setattr(examples.show_examples, "__defaults__", (tmp_path,))
    app = learn(lesson=tour.EXAMPLES, example="old")
    assert len([button for button in app.button if button.label == "Open"]) == 3
    assert sum("another version of this app" in text.value for text in app.markdown) == 2, "at the top, and below the cards"
    assert sum("missing or damaged" in text.value for text in app.markdown) == 1


def test_explore_offers_the_tour_until_it_is_sent_away() -> None:
    app = pages.opened("explore")
    assert [link for link in app.get("page_link") if "Take the tour" in link.proto.label]
    next(button for button in app.button if button.icon == ":material/close:" or button.label == "").click().run()
    assert not [link for link in app.get("page_link") if "Take the tour" in link.proto.label]


@pytest.mark.slow
def test_what_was_moved_in_one_lesson_is_no_riddle_in_the_next() -> None:
    app = learn(lesson="2", frames_read="30")
    assert app.slider(key="frames_read").value == 30
    press(app, "Back")
    assert "The address names" not in texts(app)
    assert "guess" not in press(learn(guess=true_guess(0)), "Next").query_params
    assert "The address names “moons”" in texts(learn(moons="3"))


def test_lessons_are_one_idea_in_plain_words() -> None:
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS) >= 8
    for lesson in LESSONS:
        assert len(lesson.aim) < 200 and len(lesson.see) < 260 and len(lesson.answer) < 460
    assert np.all([lesson.question.endswith("?") for lesson in LESSONS])


SCORED = re.compile(r"right|\d of \d+ pairs")


@pytest.mark.parametrize("lesson", "12345678")
def test_a_class_link_that_hides_the_truth_tells_no_score(lesson: str) -> None:
    def told(**address: str) -> tuple[str, list[str]]:
        app = learn(lesson=lesson, guess="1" * 10, **address)
        assert not app.exception
        why = [caption.value for caption in app.caption if "this link hides the truth" in caption.value]
        return " ".join([header(app)["caption"], *(metric.value for metric in app.metric), *(chart.proto.spec for chart in app.get("plotly_chart"))]), why

    shown, why = told(hide="truth")
    assert not SCORED.search(shown)
    before, none = told()
    assert not none and (lesson == "3" or (SCORED.search(before) and why)), "the third has no score unless asked"


@pytest.mark.parametrize("example", ["too_short", "two_graphs"])
def test_an_example_tells_no_score_where_a_link_hides_the_truth(example: str) -> None:
    hidden, shown = (learn(lesson="Examples", example=example, **address) for address in ({"hide": "truth"}, {}))
    assert not hidden.exception and [metric.label for metric in hidden.metric] == ["How sure it is"]
    assert any("this link hides the truth" in caption.value for caption in hidden.caption)
    assert "Look for" in texts(shown) and "Look for" not in texts(hidden)
    assert "This system" in {metric.label for metric in shown.metric} and any("% right" in metric.value for metric in shown.metric)


@pytest.mark.parametrize("kept", ["hide", "lock"])
def test_a_class_link_that_keeps_the_lesson_leaves_no_way_on(kept: str) -> None:
    onward = {"Back", "Next", "Skip the tour"}
    assert onward < {button.label for button in learn(lesson="6").button}
    app = learn(lesson="6", **{kept: "lesson"})
    assert not app.exception and "6 of 8" in texts(app)
    assert not [button.label for button in app.button if button.label in onward or button.label.startswith("Next:")]


def test_a_class_link_that_hides_the_truth_leaves_no_switch_to_it() -> None:
    assert "search_truth" in {toggle.key for toggle in learn(lesson="3").toggle}
    assert "search_truth" not in {toggle.key for toggle in learn(lesson="3", hide="truth").toggle}
    assert "against the truth" in header(learn(guess="1" * 10))["caption"] and "against the truth" not in header(learn(guess="1" * 10, hide="truth"))["caption"]
    app = learn(lesson="8", hide="truth", whole_truth="true")
    assert "whole_truth" not in {toggle.key for toggle in app.toggle}
    assert "Double lines" not in texts(app) and "joined to" not in header(app)["caption"]


def test_what_a_class_link_locks_in_one_lesson_is_not_called_unknown_in_the_next() -> None:
    app = press(learn(lesson="3", lock="search_system"), "Next")
    assert "4 of 8" in texts(app) and "does not have" not in texts(app)
    assert "does not have" not in texts(learn(lesson="6", lock="hidden_system")), "after a reload too"
    assert "does not have" in texts(learn(lesson="4", lock="no_such_control"))


@pytest.mark.slow
def test_each_lesson_has_what_it_says_can_be_moved() -> None:
    for place, lesson in enumerate(LESSONS, 1):
        guess = {"guess": true_guess(0)} if lesson.name == "guessing" else {}
        drawn = learn(lesson=str(place), **guess).session_state["own Controls"].drawn
        assert {name for name, control in drawn.items() if control.widget} - {"lesson"} == set(lesson.moved), lesson.name
