"""Compare's views without a browser: several readers on one system, and how much a reader needs."""

import json
import shlex
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from nri_core.checkpoint import Checkpoint
from nri_core.command_line import main
from nri_core.metrics import score_edges
from nri_core.posterior import EdgePosterior
from nri_core.sensitivity import Effort, Point, by_noise
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests import pages
from ui import needs
from ui.browsing import ERROR, UNSURE, WORST, ordered, share_right
from ui.comparison import relabelling_in_words
from ui.state import Dataset

SAMPLE = Path(__file__).parents[1] / "sample_data"
SEVERAL, NEEDS = "Several readers", "How much does it need?"


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))


def systems(**changes: object) -> Trajectories:
    return replace(Trajectories.load(SAMPLE / "springs5.npz").select(slice(6)), **changes)


def opened(show: str, data: Trajectories | None = None, **address: str) -> AppTest:
    session = {} if data is None else {"dataset": Dataset("a test", data)}
    return pages.opened("compare", session=session, show=show, **address)


def players(app: AppTest) -> list[dict]:
    """The headers of what the players were sent."""
    return pages.headers(app, "nri_player")


def said(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.caption, *app.markdown, *app.info, *app.error))


def measure(app: AppTest, until: str) -> None:
    """Press the button, and look again until the page says this."""
    app.button(key="measure").click().run()
    deadline = time.monotonic() + 60
    while until not in said(app) and time.monotonic() < deadline:
        time.sleep(0.3)
        app.run()


def test_equals_stay_in_order_and_what_is_unknown_comes_last() -> None:
    known = {WORST: [0.1, 0.5, 0.1, 0.0], UNSURE: [1.0, 0.0, 0.5, 2.0], ERROR: [float("nan"), 1.0, 3.0, 2.0]}
    assert ordered(known, WORST, 4) == [1, 0, 2, 3]
    assert ordered(known, UNSURE, 4) == [3, 0, 2, 1]
    assert ordered(known, ERROR, 4) == [2, 3, 1, 0]
    assert ordered(known, "As numbered", 4) == [0, 1, 2, 3]


def test_a_type_that_no_pair_has_matches_nothing() -> None:
    data, types = systems(), ("type 0", "type 1")
    for said, words in ((data.edge_types, "type 1 matches **spring**"), (data.edge_types * 0, "")):
        posterior = EdgePosterior.certain(said, types, data.node_names, "encoder")
        told = relabelling_in_words(score_edges(posterior, data), posterior, data.edge_type_names)
        assert "type 0 matches" in told and ("type 1 matches" in told) == bool(words) and words in told


def test_only_what_is_all_right_is_a_hundred_per_cent() -> None:
    assert [share_right(share) for share in (1.0, 0.9999, 0.996, 0.5)] == ["100 %", "99.9 %", "99.6 %", "50 %"]


def test_measuring_goes_on_while_somebody_looks_and_its_bugs_surface() -> None:
    question = by_noise(Springs(), (0.0, 0.1, 0.2), frames=4, nodes=3, effort=Effort(num_sims=2))
    curve = needs.Measuring(lambda _: 1 / 0, question)
    curve.look()
    assert curve._thread is not None
    curve._thread.join(30)
    with pytest.raises(ZeroDivisionError):
        curve.look()
    curve = needs.Measuring(lambda _: 1 / 0, question, points=[Point(0.0, 2, 1.0), Point(0.1, 2, 1.0), Point(0.2, 2, 0.5)])
    assert curve.complete and len(curve.look()) == 3 and curve._thread is None, "nothing is left to do"


@pytest.mark.slow
def test_several_readers_share_a_clock_and_a_table() -> None:
    app = opened(SEVERAL, systems())
    assert app.multiselect(key="readers").value == ["springs5", "springs5, encoder alone", "Correlation of paths", "Known law: springs"]
    shown = players(app)
    assert len(shown) == 4 and {header["clock"] for header in shown} == {"several"} and all(header["compact"] for header in shown)
    assert [header["caption"] for header in shown] == app.multiselect(key="readers").value
    assert all(header["note"].endswith("% right") for header in shown)
    table = app.dataframe[0].value.set_index("Reader")
    assert table.loc["Known law: springs", "All systems"] == 100 > table.loc["Correlation of paths", "All systems"]
    assert table["AUROC"].notna().all() and (table["Forecast error"] == "–").sum() == 2
    assert not any(header["forecast"] for header in shown), "one scale for all"
    app.toggle(key="forecasts").set_value(True).run()
    assert [bool(header["forecast"]) for header in players(app)] == [True, True, False, False]
    app.multiselect(key="readers").set_value(["Known law: springs", "Known law: charges"]).run()
    table = app.dataframe[0].value.set_index("Reader")
    assert table.loc["Known law: springs", "All systems"] > table.loc["Known law: charges", "All systems"]
    app.multiselect(key="readers").set_value([]).run()
    assert "Choose up to 4 readers" in said(app) and len(players(app)) == 1


@pytest.mark.slow
def test_readers_without_a_truth_are_held_against_each_other() -> None:
    app = opened(SEVERAL, systems(edge_types=None, edge_type_names=()))
    table = app.dataframe[0].value
    assert table["Like the first"][0] == 100 and "This system" not in table
    assert "readers that agree may all be wrong" in said(app) and len(players(app)) >= 3


@pytest.mark.slow
def test_readers_that_do_not_fit_other_data_are_left_out_with_a_sentence() -> None:
    app = opened(SEVERAL, readers="the oracle")
    assert "The address asks for readers = `the oracle`" in said(app) and players(app)
    app.selectbox(key="on").set_value("kuramoto5").run()
    assert not app.exception and "kuramoto5" in app.multiselect(key="readers").value[0]
    assert not any("springs" in name for name in app.multiselect(key="readers").value)


@pytest.mark.slow
def test_a_curve_is_measured_when_asked_for_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulate(Springs(), Simulation(num_sims=4, num_nodes=4, num_steps=60, seed=5))
    app = opened(NEEDS, data, way="Encoder alone", read_from="Those chosen above", beside="Nobody")
    (figure,) = app.get("plotly_chart")
    assert "scatter" in figure.proto.spec
    measure(app, "of pairs right.")
    assert not app.exception and "**Shipped springs5, encoder alone** gets at least 95 % of pairs right." in said(app)
    again = opened(NEEDS, data, way="Encoder alone", read_from="Those chosen above", beside="Nobody")
    assert "of pairs right." in said(again), "kept for whoever asks next"


@pytest.mark.slow
def test_what_cannot_be_measured_is_a_sentence_with_a_way_on() -> None:
    unlike = systems(metadata={}, edge_types=None, edge_type_names=())
    app = opened(NEEDS, unlike, by="Correlation of paths")
    assert not app.exception and not app.error and not app.get("plotly_chart")
    assert "a true graph has to be known" in app.info[0].value and "Give a known graph under Your data" in [link.proto.label for link in app.get("page_link")]
    app = opened(NEEDS, need="Luck")
    assert "The address asks for what changes = `Luck`" in said(app)


def test_fresh_systems_are_named_since_they_may_be_others_than_those_chosen() -> None:
    six = simulate(Springs(noise=0.01), Simulation(num_sims=3, num_nodes=6, num_steps=99))
    said_of = partial(needs._fresh_ones, dataset=Dataset("a test", six), law=Springs())
    model = SimpleNamespace(checkpoint=Checkpoint.load(SAMPLE / "models" / "springs5"))
    told = [said_of(by, model) for by in (needs.FRAMES, needs.NOISE, needs.NODES)]
    assert told == [f"fresh systems like those that it learned from: springs, {rest}" for rest in ("5 particles, no noise", "5 particles", "no noise")], "not six with noise"
    own = said_of(needs.FRAMES, SimpleNamespace(checkpoint=None), law=Springs(noise=0.01))
    assert own == "fresh systems like “a test”: springs, 6 particles, a noise of 0.01"
    assert f"gets right, on {told[0]}." in said(opened(NEEDS, six))


@pytest.mark.slow
def test_without_a_law_the_truth_is_enough_for_frames_and_noise() -> None:
    unlike = systems(metadata={})
    for need in ("Frames seen", "Noise"):
        app = opened(NEEDS, unlike, by="Correlation of paths", beside="Nobody", need=need)
        assert app.radio(key="read_from").options == ["Those chosen above"] and not app.error and not app.info
        measure(app, "of pairs right")
        assert not app.exception and "of pairs right" in said(app)
    app = opened(NEEDS, unlike, by="Correlation of paths", need="Number of nodes")
    assert "Frames seen and noise can be measured" in app.info[0].value and not app.error


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["Those chosen above", "Fresh ones"])
def test_a_curve_is_repeated_outside_the_app(chosen: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(NEEDS, way="Encoder alone", read_from=chosen)
    screen = app.session_state["own Shown"].screen
    monkeypatch.chdir(pages.ROOT)
    exec(compile(screen.python(), "snippet", "exec"), {"__name__": "snippet"})  # noqa: S102
    printed = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert main(shlex.split(screen.command())[3:]) == 0
    told = json.loads(capsys.readouterr().out)
    points = told["points"]
    named = [("model", point) for point in points] + [(told["beside"], point) for point in told["beside_points"]]
    assert printed == [[name, str(point["at"]), str(point["accuracy"])] for name, point in named]
    assert len(points) >= 8 and points[-1]["accuracy"] > 0.95


def test_exceptions_are_named() -> None:
    def points(*shares: float) -> list[Point]:
        return [Point(float(at), 4, share) for at, share in enumerate(shares, 3)]

    assert needs._spans(points(0.99, 0.9, 0.97, 0.98, 0.99)) == "3 and 5 to 7"
    assert needs._spans(points(0.99, 0.9, 0.97, 0.9, 0.96, 0.96)) == "3, 5 and 7 to 8"
    assert needs._spans(points(0.9)) == "" and needs._spans(points(0.99)) == "3"
