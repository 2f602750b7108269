"""Addresses: what they restore, what they hide and lock, and that nothing written into one by hand breaks a page."""

from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from nri_core.systems import Charged, Simulation, simulate
from tests.pages import follow, headers, opened
from ui import samples
from ui.address import BY_PAGES
from ui.frame import PAGES
from ui.lessons import LESSONS
from ui.share import Shown
from ui.simulations import recipe
from ui.state import Dataset, Model

NASTY = ["", "0", "-1", "7", "1e999", "nan", "None", "true", "<script>alert(1)</script>", "![x](http://x/y)", "🙈", "9" * 400, "../../etc", "a,b,,c", "springs10", "Charges", "\x00"]
NAMES = ["hide", "lock", "run", "made", "kinds", "sample", "system", "frame", "view", "zoom", "threshold", "temperature", "selected", "on", "by", "way", "told", "show"]
NAMES += ["system_no", "order", "sheet", "law", "num_nodes", "num_sims", "num_steps", "seed", "strengths", "preset", "live_epochs", "live_edge_prior", "data", "table", "ahead"]
NAMES += ["find", "embed", "no such name", "stage", "sender", "receiver", "graph"]


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))


def said(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.value for element in (*app.markdown, *app.error, *app.caption))


def header(app: AppTest) -> dict[str, Any]:
    """What the player was told."""
    return headers(app, "nri_player")[0]


def test_the_player_opens_as_the_address_says() -> None:
    opening = header(opened("explore", frame="12", view="overlaid", threshold="0.8", temperature="2", selected="1-3", lock="threshold", hide="speed"))["opening"]
    assert opening == {"frame": 12, "playing": None, "view": "overlaid", "zoom": None, "threshold": 0.8, "temperature": 2.0, "selected": "1-3", "hidden": ["speed"], "locked": ["threshold"]}


def test_a_view_that_no_player_has_is_said_and_left_out() -> None:
    app = opened("explore", frame="12", threshold="8", selected="1-1")
    assert header(app)["opening"]["threshold"] is None and header(app)["opening"]["frame"] == 12
    assert "threshold = `8`" in said(app) and "selected = `1-1`" in said(app)


def test_hidden_truth_is_nowhere_on_the_page() -> None:
    app = opened("explore", hide="truth")
    assert header(app)["truthTypes"] == [] and not [metric for metric in app.metric if "right" in metric.value]
    assert header(opened("explore"))["truthTypes"]


def test_a_locked_control_is_there_and_does_not_move() -> None:
    app = opened("explore", lock="system", system="4")
    assert app.slider(key="system").disabled and app.slider(key="system").value == 4
    assert not opened("explore").slider(key="system").disabled


def test_a_locked_system_stays_the_same_on_every_page() -> None:
    app = follow(opened("compare", lock="system_no", system_no="4"), "explore")
    assert app.slider(key="system").disabled and app.slider(key="system").value == 4
    app = follow(app, "compare")
    assert app.number_input(key="system_no").disabled and app.number_input(key="system_no").value == 4


@pytest.mark.parametrize(("page", "name", "label"), [("upload", "use_data", ""), ("train", "start_training", "Train"), ("simulate", "make_dataset", "Make dataset")])
def test_a_locked_button_is_there_and_cannot_be_pressed(page: str, name: str, label: str) -> None:
    for address, off in (({"lock": name}, True), ({}, False)):
        app = opened(page, **address)
        assert not app.exception and "does not have" not in " ".join(text.value for text in app.markdown)
        assert not label or next(button for button in app.button if button.label == label).disabled is off


def test_a_class_link_holds_on_the_next_page_and_takes_the_menu_along() -> None:
    app = opened("explore", hide="menu,threshold")
    assert not app.get("page_link") and any(".st-key-threshold" in html.proto.body for html in app.get("html"))
    app = app.switch_page("pages/simulate.py").run()
    assert not app.get("page_link") and "menu,threshold" in app.query_params["hide"]


def test_names_that_nobody_knows_are_said_and_no_style_comes_of_them() -> None:
    app = opened("simulate", hide="truth,} body { display: none", worst="true", num_nodes="7")
    assert "worst" in said(app) and app.slider(key="num_nodes").value == 7
    assert not any("body" in html.proto.body for html in app.get("html"))


@pytest.mark.slow
def test_data_made_on_simulate_are_made_again_from_the_address() -> None:
    law, amount = Charged(noise=0.25), Simulation(num_sims=3, num_nodes=4, num_steps=60, seed=9)
    text = recipe("charged", law, amount)
    assert text == "charged noise 0.25 num_sims 3 num_nodes 4 num_steps 60 seed 9"
    app = opened("simulate", made=text)
    assert not app.exception
    dataset = app.session_state["dataset"]
    assert dataset.trajectories.digest == simulate(law, amount).digest and dataset.name == "Charges, 4 particles, noise on what is seen 0.25, seed 9"
    assert text in app.query_params["made"]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [("gravity", "law “gravity”"), ("springs num_sims 1000000 num_steps 1000", "a link makes at most"), ("springs colour 3", "does not have"), ("springs noise -1", "from 0 to 10")],
)
def test_data_that_no_link_may_make(made: str, sentence: str) -> None:
    app = opened("explore", made=made)
    assert sentence in said(app) and "dataset" not in app.session_state and header(app)["frames"]


def test_a_run_that_is_gone_is_said_and_the_page_goes_on() -> None:
    app = opened("explore", run="0" * 32)
    assert app.error and header(app)["frames"]


def share(app: AppTest) -> AppTest:
    """Share was pressed: in a browser, the fragment then runs by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shown, "pressed", property(lambda _: True, lambda _, value: None))
        return app.run()


def link(app: AppTest) -> dict[str, list[str]]:
    assert not app.exception
    return parse_qs(urlsplit(app.code[0].value).query)


def test_the_link_says_what_the_address_does_not(tmp_path: Path) -> None:
    app = opened("simulate", num_sims="3", num_steps="9", num_nodes="3")
    app.button[0].click().run()  # "Make dataset"
    assert link(share(app))["made"] == ["springs num_sims 3 num_nodes 3 num_steps 9"]


def test_a_reload_finds_data_that_can_be_made_again_and_says_that_a_file_is_gone() -> None:
    made = opened("simulate", num_sims="3", num_steps="60", num_nodes="3")
    made.button[0].click().run()  # "Make dataset"
    address = made.query_params["made"]
    assert opened("compare", made=address).session_state["dataset"].trajectories.digest == made.session_state["dataset"].trajectories.digest
    brought = opened("compare", session={"dataset": Dataset("fish.csv", made.session_state["dataset"].trajectories)})
    assert brought.query_params["made"] == "file"
    app = opened("compare", made="file")
    assert not app.exception and "dataset" not in app.session_state and "made" not in app.query_params
    for _ in range(2):  # a page may draw itself again at once
        assert any("Bring it again under Your data" in markdown.value for markdown in app.markdown)
        app.run()
    followed = opened("train", made="file", run="0" * 32)  # shows what the run was given, whatever became of the file
    assert not any("Bring it again" in markdown.value for markdown in followed.markdown)


def test_a_reload_says_that_a_model_from_files_is_gone_and_finds_a_shipped_one(tmp_path: Path) -> None:
    folder = copytree(samples.folder("springs5"), tmp_path / "brought")
    brought = opened("compare", session={"model": Model("Uploaded model", folder)}, run="0" * 32)
    assert brought.query_params["run"] in ("file", ["file"]), "not the run that was in use before"
    app = opened("compare", run="file")
    assert not app.exception and not app.error and "run" not in app.query_params
    for _ in range(2):  # a page may draw itself again at once
        assert any("Load it again under Train" in markdown.value for markdown in app.markdown)
        app.run()
    assert not any("Load it again" in markdown.value for markdown in follow(app, "explore").markdown)
    shipped = Model("Shipped charged5", samples.folder("charged5"))
    assert opened("compare", session={"model": shipped}).query_params["run"] in ("charged5", ["charged5"])
    assert opened("compare", run="charged5").session_state["model"] == shipped


def test_what_cannot_travel_is_said(tmp_path: Path) -> None:
    data = simulate(Charged(), Simulation(num_sims=2, num_nodes=3, num_steps=9))
    session = {"dataset": Dataset("fish.csv", data), "model": Model("mine", tmp_path)}
    words = said(share(opened("simulate", session=session)))
    assert "Your file does not travel" in words and "Your model stays" in words


@pytest.mark.parametrize("asked", ["1e999", "nan", "-inf"])
def test_numbers_that_are_none_are_refused_in_a_sentence(asked: str) -> None:
    app = opened("simulate", num_sims=asked, num_nodes=asked, noise=asked)
    assert app.number_input(key="num_sims").value == 1000 and app.slider(key="num_nodes").value == 5
    assert f"simulations = `{asked}`" in said(app)


HEAVY = [pytest.param(*one, marks=pytest.mark.slow) for one in (("compare", "way", "Best way"), ("compare", "show", "One system"), ("inside", "stage", "Paths"), ("train", "preset", "live"))]


@pytest.mark.parametrize(("page", "name", "start"), [("results", "table", "table1"), ("learn", "lesson", "1"), *HEAVY])
def test_a_name_without_a_value_asks_for_nothing(page: str, name: str, start: str) -> None:
    app = opened(page, **{name: ""})
    assert not app.exception
    (choice,) = (group for group in app.get("button_group") if group.key == name)
    assert str(choice.value) == start


PLACES = [*((page, {}) for page in PAGES if page != "learn"), *(("learn", {"lesson": str(number)}) for number in range(1, len(LESSONS) + 1)), ("learn", {"lesson": "Examples"})]
PLACES += [("compare", {"show": show}) for show in ("Several readers", "All systems", "How much does it need?")]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "place"), PLACES)
def test_no_value_of_what_a_page_has_breaks_it(page: str, place: dict[str, str]) -> None:
    """Whatever it draws, by its own account, all with the same wrong value."""
    names = {*opened(page, **place).session_state["own Controls"].drawn, *BY_PAGES} - {*place, "lesson"}
    for value in ("", "-1", "1e999", "<b>![x](http://x/y)</b>", "9" * 10_000):
        app = opened(page, **dict.fromkeys(names, value), **place)
        assert not app.exception and app.title[0].value == PAGES[page].title, value


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_address_breaks_a_page(page: str) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NASTY) | st.text(max_size=30), max_size=6))
    def never(address: dict[str, str]) -> None:
        app = opened(page, **address)
        assert not app.exception, address
        assert app.title[0].value == PAGES[page].title

    never()


def test_systems_chosen_on_one_page_are_those_of_the_others() -> None:
    app = opened("explore")
    app.selectbox(key="sample").set_value("charged5").run()
    follow(app, "compare")
    assert app.selectbox(key="on").value == "charged5"
    app.selectbox(key="on").set_value("kuramoto5").run()
    follow(app, "explore")
    assert app.selectbox(key="sample").value == "kuramoto5"
    app.selectbox(key="sample").set_value("springs10").run()
    app.slider(key="system").set_value(7).run()
    follow(app, "what_if")
    assert app.selectbox(key="systems").value == "springs10" and app.slider(key="number").value == 7
    follow(app, "compare")
    assert app.number_input(key="system_no").value == 7


def test_the_address_names_the_run_of_an_own_model_until_it_is_let_go() -> None:
    app = opened("compare", session={"model": Model("mine", samples.folder("springs5"), run="abc123def456")})
    assert app.query_params["run"] in ("abc123def456", ["abc123def456"])
    next(button for button in app.button if button.label == "Back to the shipped ones").click().run()
    assert not app.exception and "run" not in app.query_params


@pytest.mark.parametrize("page", ["runs", "upload", "results", "train"])
def test_the_model_in_use_is_in_the_address_of_every_page(page: str) -> None:
    """On Train, where `run` is the one to look at, as `model`."""
    shipped = Model("Shipped charged5", samples.folder("charged5"))
    name = "model" if page == "train" else "run"
    assert opened(page, session={"model": shipped}).query_params[name] in ("charged5", ["charged5"])
    app = opened(page, **{name: "charged5"})
    assert app.session_state["model"] == shipped and not app.exception
    next(button for button in app.button if button.label == "Back to the shipped ones").click().run()
    assert name not in app.query_params and not app.exception
