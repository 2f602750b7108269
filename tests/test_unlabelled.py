"""Training without labels: what is suggested, and the comparisons that go through the queue, on the pages and without them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.credibility import PURPOSES, conclude
from nri_core.jobs import list_runs, submit
from nri_core.jobs.comparisons import assessed, further_runs, kinds_chosen, kinds_tried, start_assessment, start_kinds
from nri_core.model_choice import CANDIDATES
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.suggestions import suggest, suggested
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import check
from nri_core.trajectories import Trajectories
from tests import pages
from tests.pages import gallery
from tests.runs import ended, wait_for
from ui import samples
from ui.state import Dataset, Model

TINY = TrainConfig(epochs=1, epoch_size=4, batch_size=2, encoder_hidden=4, decoder_hidden=4, window=10)


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run directory of the test's own; what runs in it is stopped."""
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))
    yield tmp_path
    for run in list_runs():
        run.cancel()


def unlabelled(*, num_sims: int = 6, num_nodes: int = 3) -> Trajectories:
    made = simulate(Springs(), Simulation(num_sims=num_sims, num_nodes=num_nodes, num_steps=24))
    return replace(made, edge_types=None, edge_type_names=())


def points(num_nodes: int, features: tuple[str, ...], *, width: float = 1.0) -> Trajectories:
    values = np.random.default_rng(0).normal(size=(4, 60, num_nodes, len(features)))
    values[..., 0] *= width
    return Trajectories(values, features)


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (points(5, ("x", "y", "vx", "vy")), {}),
        (points(11, ("x", "y", "vx", "vy")), {"edge_prior": (0.7, 0.3)}),
        (points(22, ("x", "y", "vx", "vy"), width=3.0), {"edge_prior": (0.86, 0.14), "objective": "elbo", "inference": "encoder", "symmetries": False}),
        (points(31, ("x", "y", "z", "vx", "vy", "vz")), {"edge_prior": (0.9, 0.1), "objective": "elbo", "encoder": "edgewise", "decoder": "relative"}),
        (points(31, ("x", "y", "z")), {"objective": "elbo", "encoder": "mlp", "decoder": "mlp"}),
    ],
)
def test_what_is_suggested_can_be_trained_and_says_why(data: Trajectories, changes: dict[str, object]) -> None:
    start = suited(PRESETS["live"], (), data.feature_names)
    config = suggested(data, start)
    check(data, config)
    assert {name: getattr(config, name) for name in changes} == changes
    found = suggest(data, start)
    assert [found[place].sentence.split()[0] for place in range(3)] == ["Edge", "First", "Prior:"]
    assert all(suggestion.sentence.endswith(".") for suggestion in found)
    assert ("no velocities" in found[-1].sentence) == ("vx" not in data.feature_names)


def test_names_in_the_data_are_heeded() -> None:
    data = simulate(Springs(strengths=(0.1, 0.5)), Simulation(num_sims=3, num_steps=20))
    assert suggested(data, PRESETS["live"]).num_edge_types == 3
    renamed = replace(data, edge_type_names=("attract", "repel", "more"))
    assert not suggested(renamed, PRESETS["live"]).skip_first


def opened(page: str, data: Trajectories, *, model: Model | None = None, **address: str) -> AppTest:
    session = {"dataset": Dataset("a test", data)} | ({"model": model} if model else {})
    return pages.opened(page, session=session, **address)


def pressed(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_train_suggests_and_sets_it() -> None:
    app = opened("train", points(11, ("x", "y", "vx", "vy")))
    assert not app.exception
    assert any("Prior: 0.7, 0.3" in text.value for text in app.markdown)
    app = pressed(app, "Use what is suggested")
    assert app.text_input(key="live_edge_prior").value == "0.7, 0.3"
    assert any("as suggested" in caption.value for caption in app.caption)


def test_gaps_are_shown_and_judged() -> None:
    """Nodes that come late and leave early, read by a shipped model: errors count what was seen, and the pages stand."""
    data = samples.sample("springs5").trajectories.select(slice(0, 6))
    observed = np.random.default_rng(0).random(data.values.shape[:3]) > 0.1
    observed[0, 48] = observed[1, 60:] = False
    given = replace(data, values=np.where(observed[..., None], data.values, np.nan), observed=observed, edge_types=None, edge_type_names=())
    app = opened("compare", given, show="All systems", order="Forecast error first")
    assert not app.error
    shown = gallery(app)["systems"]
    assert len(shown) == 6 and shown[-1]["number"] == 1, "nobody saw where it started from: its error is not known"
    assert "no forecast error" in shown[-1]["about"] and all("forecast error " in one["about"] for one in shown)


@pytest.mark.slow
def test_compare_says_what_it_would_take() -> None:
    app = opened("compare", unlabelled(num_nodes=5))
    assert not app.exception
    assert any("What can be concluded" in header.value for header in app.subheader)
    assert any("trained on these data" in caption.value for caption in app.caption)


@pytest.mark.slow
def test_kinds_are_compared_through_the_queue() -> None:
    data = unlabelled()
    tag = start_kinds(data, TINY, epochs=1, name="mine")
    tried = kinds_tried(tag)
    assert set(tried) == set(CANDIDATES)
    assert len({run.held_out().digest for run in tried.values()}) == 1
    assert all(wait_for(run, ended).state == "done" for run in tried.values())
    found = kinds_chosen(tried)
    assert {candidate.kinds for candidate in found.candidates} == set(CANDIDATES)
    app = opened("train", data, kinds=tag)
    assert not app.exception
    assert any(f"Chosen: **{found.chosen.words}**" in text.value for text in app.markdown)


@pytest.mark.slow
def test_a_result_is_tested_through_the_queue() -> None:
    data = unlabelled(num_sims=20)
    run = submit(data, TINY, watch=data.select(slice(0, 1)), name="mine")
    assert wait_for(run, ended).state == "done"
    app = pressed(opened("compare", data, model=Model("mine", run.checkpoint_dir, run.id)), "Test this result")
    further = further_runs(run)
    assert not app.exception and list(further) == list(PURPOSES)
    held_out = {one.held_out().digest for one in further.values()}
    assert held_out == {run.held_out().digest}
    assert [one.training_data().num_sims for one in further.values()] == [18, 9, 9, 18]
    assert all(wait_for(one, ended).state == "done" for one in further.values())
    said = conclude(assessed(run))
    app = opened("compare", data, run=run.id)  # a reload: the address tells which model
    shown = " ".join(text.value for text in app.markdown)
    assert not app.exception and all(conclusion.sentence in shown for conclusion in said)


@pytest.mark.slow
def test_what_cannot_be_assessed_is_said_before_training() -> None:
    data = unlabelled(num_sims=3)
    config = TINY.model_copy(update={"objective": "full_graph", "encoder": "none", "inference": "none"})
    run = submit(data, config, watch=data.select(slice(0, 1)))
    wait_for(run, ended)
    with pytest.raises(Exception, match="infers graphs without labels"):
        start_assessment(run)
    assert not further_runs(run)
