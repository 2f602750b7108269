"""Each page without a browser: what it shows, what it keeps, and what it says about bad input."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from nri_core.jobs import Run, list_runs, submit
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests import pages
from tests.pages import follow, gallery, player
from ui import readings, samples, state, visitor
from ui.frame import PAGES
from ui.loading import FRESH_NAME
from ui.recipes import matters
from ui.state import Dataset, Model

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_data"


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run directory of the test's own; its runs are given a device, but no worker."""
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("nri_core.jobs.engines.process.ProcessEngine.start", lambda *_: None)
    return tmp_path


def opened(page: str, *, dataset: Trajectories | None = None, model: Model | None = None, **address: str) -> AppTest:
    """The app at `/page?address`, perhaps with a dataset or a model in use."""
    session = {"dataset": dataset and Dataset("a test", dataset), "model": model}
    return pages.opened(page, session={key: value for key, value in session.items() if value is not None}, **address)


def sample() -> Trajectories:
    return Trajectories.load(SAMPLE / "springs5.npz")


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.caption, *app.markdown, *app.info))


def test_explore_opens_with_an_inference_and_paints_without_torch() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=300).run()\n"
        "assert not app.exception and sorted(one.proto.component_name for one in app.get('bidi_component')) == ['nri_arrival', 'nri_glance', 'nri_player']\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_explore_shows_every_system_and_its_numbers() -> None:
    app = opened("explore")
    first = player(app)
    assert app.metric[0].label == "This system"
    app.slider(key="system").set_value(2).run()
    assert player(app) != first


@pytest.fixture
def two_samples(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with springs5 under a second name."""
    folder = tmp_path_factory.mktemp("samples")
    for name in ("springs5", "charged10"):
        shutil.copytree(SAMPLE / "models" / "springs5", folder / "models" / name)
        for part in ("", "_posterior", "_forecast"):
            shutil.copy(SAMPLE / f"springs5{part}.npz", folder / f"{name}{part}.npz")
    monkeypatch.setattr(samples, "SAMPLE_DATA", folder)
    for cached in (samples.names, samples._config):
        cached.cache_clear()
    yield
    for cached in (samples.names, samples._config):
        cached.cache_clear()


def test_every_shipped_model_can_be_explored_and_compared(two_samples: None) -> None:
    app = opened("explore")
    app.selectbox(key="sample").set_value("charged10").run()
    assert app.selectbox(key="sample").options == ["springs5", "charged10"] and player(app)
    assert "Charges, 10 particles" in " ".join(caption.value for caption in app.sidebar.caption)
    app = follow(app, "compare")
    assert app.selectbox(key="on").value == "charged10", "what was explored last"
    app.selectbox(key="by").set_value("charged10").run()
    assert not app.exception and "Shipped charged10" in texts(app)


@pytest.mark.parametrize("mine", [True, False])
def test_explore_does_not_say_that_a_model_which_no_run_tells_of_never_saw_these_systems(mine: bool, two_samples: None) -> None:
    data = {"dataset": sample()} if mine else {}
    app = opened("explore", model=Model("mine", SAMPLE / "models" / "springs5"), **data)
    assert app.selectbox(key="sample").options == [state.OWN, "springs5", "charged10"] and app.selectbox(key="sample").value == state.OWN
    assert "held out" not in texts(app).lower() and "never saw" not in app.slider(key="system").help
    app.slider(key="system").set_value(4).run()
    app = follow(app, "compare")
    assert not app.exception and not app.warning and app.selectbox(key="on").value == (state.MINE if mine else "springs5")
    assert app.number_input(key="system_no").value == 4, "which of the same systems"
    app = follow(app, "explore")
    assert app.selectbox(key="sample").value == state.OWN and app.slider(key="system").value == 4
    assert opened("explore").selectbox(key="sample").value == "springs5"


def test_a_model_without_all_its_files_is_not_offered(two_samples: None) -> None:
    (samples.SAMPLE_DATA / "charged10_forecast.npz").unlink()
    assert samples.names() == ("springs5",)


def test_every_page_is_in_the_menu() -> None:
    for page in PAGES:
        app = opened(page)
        assert not app.exception and not app.error
        assert [link.value for link in app.sidebar.page_link] == [entry.title for entry in PAGES.values()]
        reader = {"learn": "your eyes", "train": "yet to be trained"}.get(page, "Shipped springs5")  # the first lesson asks before it shows
        assert reader in " ".join(caption.value for caption in app.sidebar.caption)


def test_simulate_previews_at_once_and_makes_a_dataset() -> None:
    app = opened("simulate")
    first = player(app)
    app.slider(key="num_nodes").set_value(3).run()
    assert player(app) != first
    app.number_input(key="num_sims").set_value(7)
    next(button for button in app.button if button.label == "Make dataset").click().run()
    assert app.session_state["dataset"].trajectories.values.shape == (7, 99, 3, 4)
    assert "7 systems" in " ".join(caption.value for caption in app.sidebar.caption)


def test_simulate_reads_its_parameters_from_the_address() -> None:
    app = opened("simulate", num_nodes="4", probability="0.25", strengths="0.1, 0.4", seed="3")
    assert not app.exception and not app.error and "The address" not in texts(app)
    values = app.slider(key="num_nodes").value, app.slider(key="probability").value, app.text_input(key="strengths").value
    assert values == (4, 0.25, "0.1, 0.4")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("num_nodes", "500"),
        ("num_nodes", "five"),
        ("probability", "1.5"),
        ("num_sims", "-3"),
        ("seed", "1e99"),
        ("noise", "nan"),
        ("strengths", "a"),
    ],
)
def test_an_address_out_of_range_is_one_sentence(name: str, asked: str) -> None:
    app = opened("simulate", **{name: asked})
    notes = [text.value for text in app.markdown if " Using " in text.value]
    assert len(notes) == 1 and not app.error
    assert not re.search("[Ii]nput|valid|type=", notes[0]), "our words, not pydantic's"
    assert player(app)


@pytest.mark.parametrize(
    ("page", "name", "asked"),
    [("explore", "system", "999"), ("explore", "system", "x"), ("explore", "sample", "moons"), ("simulate", "law", "gravity"), ("train", "preset", "magic"), ("compare", "by", "luck"), ("compare", "way", "x"), ("compare", "show", "x"), ("compare", "system_no", "99")],
)
def test_an_address_that_asks_for_no_such_choice_is_one_sentence(page: str, name: str, asked: str) -> None:
    app = opened(page, **{name: asked})
    assert not app.exception and player(app)
    assert sum("The address asks for" in text.value for text in app.markdown) == 1
    assert "The address asks for" not in texts(opened(page))


def test_a_bad_answer_leaves_the_preview_and_is_refused_below_its_field() -> None:
    app = opened("simulate")
    first = player(app)
    app.text_input(key="strengths").set_value("0").run()
    assert player(app) == first and not app.error
    (note,) = [text.value for text in app.markdown if "strengths" in text.value]
    assert "each spring constant must be above 0 and at most 100; found `0`. Using 0.1." in note


def test_a_bound_that_is_itself_forbidden_is_refused_once_and_by_the_name_of_its_field() -> None:
    app = opened("train", live_max_seconds="0")
    (note,) = [text.value for text in app.markdown if "Using" in text.value]
    assert "time limit (s) = `0`; expected a number above 0 and up to 10,000,000. Using none." in note
    assert not app.error and app.number_input(key="live_max_seconds").value is None


def test_notes_on_folded_settings_stand_beside_the_button() -> None:
    app = opened("train", live_batch_size="-1", live_edge_prior="a")
    notes = [text.value for text in app.columns[1].markdown if "Using" in text.value]
    assert ["systems in a step" in note.lower() or "expected share" in note.lower() for note in notes] == [True, True]


def test_train_shows_a_run_and_finds_it_again(runs_dir: Path) -> None:
    app = opened("train", live_max_seconds="5")
    assert player(app)
    next(button for button in app.button if button.label == "Train").click().run()
    (run,) = list_runs()
    assert app.query_params["run"] == run.id and run.config().max_seconds == 5
    assert any(button.label == "Stop" for button in app.button)
    again = opened("train", run=run.id)  # a reload, or another browser
    assert any(button.label == "Stop" for button in again.button)
    next(button for button in again.button if button.label == "Stop").click().run()
    assert not again.exception
    assert run.cancel_file.exists()


def test_a_run_directory_that_refuses_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path / "file" / "runs"))
    app = opened("train", data="Shipped systems")
    next(button for button in app.button if button.label == "Train").click().run()
    assert not app.exception
    assert ["could not be started" in error.value for error in app.error] == [True]
    assert "run" not in app.query_params


def test_train_offers_every_setting() -> None:
    app = opened("train", preset="paper")
    assert not app.exception
    offered = {name for name in TrainConfig.model_fields if matters(name, {"objective": "elbo", "encoder": "mlp", "decoder": "mlp", "forecaster": "none"})}
    assert offered | {"law", "law_steps", "burn_in", "forecast_members"} == set(TrainConfig.model_fields), "what matters to other parts only"
    kinds = (app.number_input, app.selectbox, app.toggle, app.text_input)
    assert {f"paper_{name}" for name in offered} <= {widget.key for kind in kinds for widget in kind}
    assert app.number_input(key="paper_batch_size").value == 128
    app.selectbox(key="paper_decoder").set_value("simulated").run()
    assert app.selectbox(key="paper_law").value == "springs"


def train_button(app: AppTest) -> Button:
    return next(button for button in app.button if button.label == "Train")


def test_settings_that_contradict_each_other_are_refused_with_a_way_out() -> None:
    app = opened("train", live_objective="marginal")
    assert not app.exception and train_button(app).disabled
    assert "marginal goes with no encoder" in app.error[0].value
    next(button for button in app.button if button.label == "Use encoder: none").click().run()
    assert not app.error and not train_button(app).disabled


@pytest.mark.parametrize(("page", "key"), [("compare", "on"), ("what_if", "systems"), ("inside", "of")])
def test_systems_chosen_beside_another_model_are_forgotten_with_it(page: str, key: str) -> None:
    app = opened(page, **{key: "charged5"})
    assert app.selectbox(key=key).value == "charged5"
    app.session_state["model"], app.session_state["dataset"] = Model("mine", SAMPLE / "models" / "springs5"), Dataset("mine", sample())
    del app.query_params[key]  # as a link to the page has it
    app.run()
    assert not app.exception and app.selectbox(key=key).value == state.MINE


def test_data_that_the_recipe_cannot_take_are_refused_before_the_run() -> None:
    app = opened("train", dataset=simulate(Springs(), Simulation(num_sims=3, num_nodes=20)))
    assert "13 nodes allow" in app.error[0].value and train_button(app).disabled
    next(button for button in app.button if button.label == "Use what to minimise: elbo").click().run()
    assert not app.error and not train_button(app).disabled


def test_data_of_other_settings_are_not_called_those_on_show() -> None:
    def badge(app: AppTest) -> str:
        return next(text.value for text in app.markdown if "systems" in text.value and "badge" in text.value)

    app = opened("simulate", num_sims="3", num_steps="20")
    next(button for button in app.button if button.label == "Make dataset").click().run()
    assert "3 systems ready" in badge(app)
    app.text_input(key="strengths").set_value("0.1 0.4").run()
    assert "Not these: 3 systems made with other settings are in use" in badge(app) and not app.error
    app.text_input(key="strengths").set_value("0.1").run()
    assert "3 systems ready" in badge(app)


@pytest.mark.parametrize("run_id", ["0" * 32, "../../etc", "💥"])
def test_an_unknown_run_is_one_sentence_with_a_way_on(run_id: str) -> None:
    app = opened("train", run=run_id)
    assert not app.exception
    assert len(app.error) == 1 and "There is no run" in app.error[0].value
    next(button for button in app.button if button.label == "New run").click().run()
    assert not app.error and player(app)


def lost(config: TrainConfig) -> Run:
    run = submit(sample(), config, watch=sample().select(slice(1)))
    status = run.stored_status()
    gone = status.model_copy(update={"state": "running", "host": "elsewhere", "pid": 1, "heartbeat": status.heartbeat.replace(year=2000)})
    (run.directory / "status.json").write_text(gone.model_dump_json())
    return run


def test_a_lost_run_says_so_and_keeps_what_it_has(runs_dir: Path) -> None:
    app = opened("train", run=lost(TrainConfig()).id)
    assert not app.exception
    assert "The training process is gone" in app.error[0].value


def test_a_new_run_begins_with_the_settings_of_the_last(runs_dir: Path) -> None:
    app = opened("train", run=lost(TrainConfig(max_seconds=7, undirected=True, edge_prior=(0.7, 0.3))).id)
    next(button for button in app.button if button.label == "New run").click().run()
    assert not app.exception and "run" not in app.query_params
    assert app.number_input(key="live_max_seconds").value == 7
    assert app.toggle(key="live_undirected").value and app.text_input(key="live_edge_prior").value == "0.7,0.3"
    assert app.query_params["live_max_seconds"] == "7.0"  # where a link and a reload find it


def test_a_model_can_be_uploaded_and_a_bad_one_is_one_sentence() -> None:
    folder = SAMPLE / "models" / "springs5"
    app = opened("train")
    for name in ("config.json", "model.safetensors"):
        app.file_uploader[-1].upload(name, (folder / name).read_bytes())
    app.run()
    next(button for button in app.button if button.label == "Use the uploaded model").click().run()
    assert not app.exception and not app.error
    assert app.session_state["model"].name == "Uploaded model"

    app = opened("train")
    app.file_uploader[-1].upload("config.json", b"{}")
    app.file_uploader[-1].upload("model.safetensors", b"\x00" * 64)
    app.run()
    next(button for button in app.button if button.label == "Use the uploaded model").click().run()
    assert not app.exception and len(app.error) == 1
    assert app.session_state.get("model") is None


def test_compare_is_never_empty_and_says_the_relabelling() -> None:
    app = opened("compare")
    assert player(app)
    assert [metric.label for metric in app.metric][:2] == ["This system", "All 36 systems"]
    assert "up to relabelling" in app.metric[0].help
    assert "type 1 matches **spring**" in texts(app)
    assert len(app.get("plotly_chart")) == 3
    assert app.number_input(key="system_no").max == 36
    always = next(metric for metric in app.metric if metric.label.startswith("Always"))
    assert float(always.value.split()[0]) == pytest.approx(100 * np.bincount(sample().edge_types[:, ~np.eye(5, dtype=bool)].ravel()).max() / 720, abs=0.05)


def test_compare_shows_all_systems_the_worst_first() -> None:
    app = opened("compare", show="All systems", way="Encoder alone")
    shown = gallery(app)
    right = [float(one["first"].removesuffix(" %")) for one in shown["systems"]]
    assert right == sorted(right) and right[0] < 100 and len(right) == 24
    assert shown["judged"] and shown["chosen"] == 1
    assert "of 36 systems" in texts(app) and "(ECE)" in texts(app) and len(app.get("plotly_chart")) == 1
    app.selectbox(key="order").set_value("Most uncertain first").run()
    again = gallery(app)
    assert again["chosen"] == again["systems"][0]["number"] == app.number_input(key="system_no").value, "what comes first is shown"
    bits = [float(one["second"].split()[0]) for one in again["systems"]]
    assert bits == sorted(bits, reverse=True)


def test_a_system_that_is_not_there_any_more_is_not_asked_for() -> None:
    app = opened("compare", dataset=sample().select(slice(4)), on="springs5", system_no="36")
    assert app.number_input(key="system_no").value == 36
    app.selectbox(key="on").set_value("My dataset").run()
    assert not app.exception and app.number_input(key="system_no").value == 4


def test_compare_without_truth_says_what_can_be_shown() -> None:
    app = opened("compare", dataset=replace(sample(), edge_types=None, edge_type_names=()))
    assert player(app)
    assert any("true graph of these data is not known" in text.value for text in app.markdown)
    assert not app.metric and len(app.get("plotly_chart")) == 2
    assert "type 1: **pulls together**" in texts(app)
    assert b'"types": ["none", "pulls together"]' in player(app)
    app.segmented_control(key="show").set_value("All systems").run()
    assert app.selectbox(key="order").options == ["Most uncertain first", "Forecast error first", "As numbered"]
    assert not gallery(app)["judged"] and "unsure" in gallery(app)["systems"][0]["about"]


def test_compare_with_data_that_end_with_the_window() -> None:
    app = opened("compare", dataset=sample().select(slice(5), frames=slice(0, 49)))
    assert player(app)
    assert not [toggle for toggle in app.toggle if toggle.label == "Graph over time"], "one window holds all there is"


def test_compare_shows_the_graph_from_window_to_window() -> None:
    app = opened("compare", dataset=sample().select(slice(3)), way="Encoder alone")
    assert b'"probFrames": [0]' in player(app)
    next(toggle for toggle in app.toggle if toggle.label == "Graph over time").set_value(True).run()
    assert not app.exception and b'"probFrames": [0, ' in player(app)
    assert b'"types": ["none", "spring"]' in player(app), "each window goes by the names of the whole"


@pytest.mark.parametrize(
    ("change", "said"),
    [({"feature_names": ("a", "b", "c", "d")}, "trained on the features x, y, vx, vy"), ({"dt": 3.0}, "time units between frames")],
)
def test_a_model_that_does_not_fit_is_one_sentence(change: dict[str, object], said: str) -> None:
    app = opened("compare", dataset=replace(sample(), **change))
    assert not app.exception
    assert len(app.error) == 1 and said in app.error[0].value and player(app)
    next(button for button in app.button if button.label == "Show springs5").click().run()
    assert player(app) and not app.error and app.metric


def test_compare_shows_the_first_system_before_it_has_read_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "EDGES_AT_ONCE", 20)  # two systems of 5 at a time, after the first
    shown, read = [], readings.Readings._part
    monkeypatch.setattr("ui.player._mount", lambda **content: shown.append("player") or {})
    monkeypatch.setattr(readings.Readings, "_part", lambda self, first: shown.append(first) or read(self, first))
    app = opened("compare", dataset=sample().select(slice(5)))
    assert not app.exception and app.number_input(key="system_no").max == 5
    assert shown == ["player", 0, "player", 1, 3, 0, "player"], "Explore's; the first system, seen; the rest; all of them, seen"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_nodes": 4}, "systems of 5 particles; these have 4"),
        ({"times": 100}, "bring them to like units, or train a model on them"),
        ({"strengths": (0.1, 0.4)}, "spring strengths 0.1; these have spring strengths 0.1, 0.4"),
        ({"directed": True}, "where they differ, one of them is wrong"),
        ({"seed": 1}, "the model may have seen these systems"),
        ({"seed": 7}, ""),
    ],
)
def test_compare_says_when_data_are_unlike_or_too_like_the_training_data(change: dict, said: str) -> None:
    law, times = Springs(strengths=change.pop("strengths", (0.1,)), directed=change.pop("directed", False)), change.pop("times", 1)
    data = simulate(law, Simulation(**{"num_sims": 2, "num_steps": 60, "seed": 7} | change))
    app = opened("compare", dataset=replace(data, values=data.values * times))
    notes = [text.value for text in app.markdown if ":material/info:" in text.value]
    assert (said in notes[0]) if said else not notes


def test_what_if_says_so_too_and_data_are_named_by_what_is_unusual_in_them() -> None:
    app = opened("what_if", made="springs strengths 0.05,0.3 directed True num_sims 2 num_steps 60 seed 3")
    assert "where they differ, one of them is wrong" in texts(app) and "0.05, 0.3" in texts(app)
    assert app.session_state["dataset"].name == "Springs, 5 particles, spring strengths 0.05 and 0.3, each direction on its own, seed 3"


def test_what_a_training_held_out_is_compared_first_and_its_training_data_are_called_so() -> None:
    data = simulate(Springs(), Simulation(num_sims=20, num_steps=60, seed=7))
    run = submit(data, TrainConfig(), watch=data.select(slice(1)))
    app = opened("compare", dataset=data, model=Model("mine", SAMPLE / "models" / "springs5", run.id))
    assert app.selectbox(key="on").value == "Held-out systems"
    assert not app.exception and "trained on these systems" not in texts(app)
    app.selectbox(key="on").set_value("My dataset").run()
    assert "trained on these systems" in texts(app)


def test_compare_reads_by_a_classical_method_too() -> None:
    app = opened("compare", by="Granger causality")
    assert player(app) and len(app.get("plotly_chart")) == 2, "no forecast, so no curve of its error"
    app.selectbox(key="by").set_value("Regression on a known law").run()
    right = app.metric[1].value
    app.selectbox(key="told").set_value("Charges").run()
    assert not app.exception and app.metric[1].value != right


def test_a_reload_in_a_run_names_its_data_in_the_sidebar() -> None:
    run = submit(sample(), TrainConfig(), watch=sample().select(slice(1)), name="Some springs")
    app = opened("train", run=run.id, live_epochs="20")
    assert "The address names" not in texts(app), "what the form was told stays there for the next run"
    sidebar = " ".join(caption.value for caption in app.sidebar.caption)
    assert "Some springs" in sidebar and "Shipped" not in sidebar


def test_a_reload_in_a_run_on_a_file_brings_back_what_the_run_was_given() -> None:
    run = submit(sample(), TrainConfig(), watch=sample().select(slice(1)), name="fish.csv")
    app = opened("train", run=run.id, made="file")
    assert "is the dataset in use again" in texts(app) and "Bring it again" not in texts(app)
    assert app.session_state["dataset"].trajectories.digest == sample().digest and app.query_params["made"] == "file"
    fresh = opened("train", run=submit(sample(), TrainConfig(), watch=sample().select(slice(1)), name=FRESH_NAME).id, made="file")
    assert "Bring it again under Your data" in texts(fresh) and "dataset" not in fresh.session_state


def test_the_sidebar_names_a_model_that_can_read_the_data_or_none() -> None:
    for dt, named in ((sample().dt, "Shipped springs5"), (10 * sample().dt, "none that can read them")):
        app = opened("simulate", dataset=replace(sample(), dt=dt))
        assert not app.exception and f"Model in use  \n**{named}**" in [caption.value for caption in app.sidebar.caption]


def test_a_mistake_in_the_program_reaches_the_log_and_not_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "metric", lambda *_, **__: 1 / 0)
    app = opened("explore")
    assert app.exception and not app.error


def test_a_browser_stays_the_same_user_although_its_cookie_is_masked_anew() -> None:
    from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string as masked

    token = b"0123456789abcdef"
    assert masked(token) != masked(token)
    assert visitor._unmasked(masked(token)) == visitor._unmasked(masked(token)) == token.hex()
    assert visitor._unmasked("no such cookie") == visitor._unmasked("2||ab|0") == ""
