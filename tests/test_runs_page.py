"""The Runs page without a browser: what it lists, compares, renames, deletes and takes back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.holdout import split
from nri_core.jobs import Run, list_runs
from nri_core.jobs.claim import claimed
from nri_core.jobs.contract import write_status
from nri_core.jobs.repeat import command
from nri_core.jobs.results import latest
from nri_core.jobs.shelf import delete
from nri_core.posterior import EdgePosterior
from nri_core.settings import TrainConfig
from nri_core.snippets import Ran
from nri_core.systems import Kuramoto, Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests import pages
from tests.runs import trained_here
from ui import loading, state
from ui.names import literal, moment
from ui.runs import _graph
from ui.shelf import Entry, _Deleted

CONFIG = TrainConfig(epochs=2, epoch_size=4, batch_size=2, encoder_hidden=4, decoder_hidden=4, window=10)


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs: two seeds of one recipe, and another one."""
    runs_dir = tmp_path_factory.mktemp("runs")
    data = simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=40))
    for name, changes in {"first seed": {}, "second seed": {"seed": 1}, "wider": {"decoder_hidden": 6}}.items():
        config, watch = CONFIG.model_copy(update=changes), data.select(slice(0, 1))
        trained_here(data, config, watch=watch, name=name, device="cpu", sweep="widths-1234", runs_dir=runs_dir)
    return runs_dir


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, runs_dir: Path) -> None:
    monkeypatch.setenv("NRI_RUNS_DIR", str(runs_dir))
    monkeypatch.setattr(loading, "on_this_computer", lambda: True)


def opened(**address: str) -> AppTest:
    app = pages.opened("runs", **address)
    assert not app.exception
    return app


def run_named(name: str) -> Run:
    return next(run for run in list_runs() if run.name == name)


def test_every_run_is_listed_with_its_results() -> None:
    table = opened().dataframe[0].value
    assert sorted(table["Name"]) == ["first seed", "second seed", "wider"]
    assert set(table["State"]) == {"✓ done"} and set(table["Done"]) == {100}
    run = run_named("wider")
    row = table[table["Name"] == "wider"].iloc[0]
    assert row["Validation loss"] == run.records()[-1]["valid_loss"] and row["Seed"] == 0
    assert row["Edges right"] == 100 * run.records()[-1]["edge_accuracy"]


def test_the_graph_that_forms_goes_by_the_names_that_fit_all_validation_data() -> None:
    """The watched system alone may suit other names than Compare and the run's accuracy have."""
    said, true = np.array([[[0, 1, 1], [2, 0, 1], [2, 2, 0]]]), np.array([[[0, 2, 2], [1, 0, 1], [1, 2, 0]]])
    types = ("none", "weak", "strong")
    watched = Trajectories(np.random.default_rng(0).normal(size=(1, 4, 3, 2)), ("x", "y"), edge_types=true, edge_type_names=types)
    run = SimpleNamespace(snapshot=lambda epoch: EdgePosterior.certain(said, ("none", "a", "b"), watched.node_names, "encoder"))
    for told, expected in (([0, 1, 2], said), ([0, 2, 1], np.array([0, 2, 1])[said])):
        graph = _graph(run, 7, watched, [{"epoch": 6, "valid_relabelling": [0, 0, 0]}, {"epoch": 7, "valid_relabelling": told}])
        assert graph.edge_type_names == types and (graph.edge_types == expected).all()
    old = _graph(run, 7, watched, [{"epoch": 7}])
    assert (old.edge_types == np.array([0, 2, 1])[said]).all(), "a run of an older version: by what fits this system best"


def test_a_run_is_looked_at_again_by_its_address() -> None:
    """The epoch looked back to, and which of the watched systems: by the numbers they were chosen by."""
    data = simulate(Springs(), Simulation(num_sims=8, num_nodes=3, num_steps=40))
    watched = replace(data.select(np.array([0, 4])), metadata={"numbers": [1, 5]})
    run = trained_here(data, CONFIG, watch=watched, name="watched", device="cpu")
    try:
        app = pages.opened("train", run=run.id, epoch="1", watched="5")
        (header,) = pages.headers(app, "nri_player")
        assert any(text.value.startswith("The graph of held-out systems forming") for text in app.caption)
        assert header["note"] == "after epoch 1" and app.select_slider(key="epoch").value == 1
        choice = app.segmented_control(key="watched")
        assert [option.content for option in choice.proto.options] == ["1", "5"] and choice.value == 1
        other = run_named("wider")
        app.query_params.clear()
        app.query_params["run"] = other.id
        app.run()
        assert app.select_slider(key="epoch").value == 2 and not app.exception, "another run begins at its end"
        assert app.select_slider(key="epoch").proto.set_value, "and the slider that stands there still is told so"
    finally:
        delete(run)


def test_a_graph_added_later_makes_no_new_data_of_what_the_model_learned_from() -> None:
    run = run_named("wider")
    learned = run.training_data()
    mine = replace(learned, edge_types=learned.edge_types[:, ::-1, ::-1], metadata={})
    session = {"dataset": state.Dataset("mine", mine), "model": state.Model("its", run.checkpoint_dir, run.id)}
    app = pages.opened("compare", session=session, on=state.MINE)
    assert any("trained on these systems" in text.value for text in app.markdown) and not app.exception


@pytest.mark.parametrize("page", ["explore", "compare", "what_if", "inside"])
def test_a_model_whose_run_went_on_is_the_newest_of_that_run(page: str, tmp_path: Path) -> None:
    """Its folder is gone by then: nothing else takes its place without a word."""
    run = run_named("wider")
    kept = state.Model("its", run.checkpoint_dir.with_name("000000"), run.id)
    app = pages.opened(page, session={"model": kept})
    assert app.session_state["model"] == replace(kept, folder=run.checkpoint_dir)
    assert not app.exception and not app.error
    assert any(text.value.endswith(f"**its**  \nrun of {moment(run.status().submitted)}, as of epoch 2") for text in app.sidebar.caption)

    app.session_state["model"] = state.Model("its", tmp_path / "gone", "0" * 32)
    (error,) = app.run().error
    assert "The model “its” was in use here" in error.value and app.session_state["model"] is None and not app.exception
    assert app.run().error, "a page that draws itself again says it still"
    assert not pages.follow(app, "runs").error, "another page does not"


def test_a_model_says_after_which_epoch_it_was_kept_and_whether_its_run_went_on() -> None:
    run = run_named("wider")

    def said(epoch: str) -> str:
        (words,) = (text.value for text in pages.opened("compare", session={"model": state.Model("its", run.checkpoint_dir.with_name(epoch), run.id)}).sidebar.caption if "its" in text.value)
        return words.partition("  \n")[2].partition("  \n")[2]

    begun = f"run of {moment(run.status().submitted)}, as of epoch"

    assert said("000001") == f"{begun} 1; it went on to 2" and said("000002") == f"{begun} 2"
    with changed(run, state="running"), claimed(run.directory):
        assert said("000001") == f"{begun} 1; it goes on"


def test_what_the_command_of_a_run_does() -> None:
    """For one that was stopped it does not stop there."""
    run = run_named("wider")
    for status, words in (("done", "repeats this run exactly;"), ("cancelled", "all 2 epochs;")):
        with changed(run, state=status):
            assert any(words in text.value for text in opened(ticked=run.id[:10]).caption)


@contextmanager
def changed(run: Run, **changes: object) -> Iterator[None]:
    """While its status says so."""
    before = run.stored_status()
    write_status(run.directory, before.model_copy(update=changes))
    try:
        yield
    finally:
        write_status(run.directory, before)


def test_your_data_says_what_lacks_its_file() -> None:
    """A known graph can only be given to a file that is here."""
    blind = replace(run_named("wider").training_data(), edge_types=None, edge_type_names=())
    run = trained_here(blind, CONFIG, watch=blind.select(slice(0, 1)), name="blind", device="cpu")
    try:
        models = {name: state.Model(name, run_named(name).checkpoint_dir, run_named(name).id) for name in ("blind", "wider")}
        for session, lacking in (({"dataset": state.Dataset("track.csv", blind)}, "track.csv"), ({"model": models["blind"]}, "blind"), ({"model": models["wider"]}, "")):
            words = [text.value for text in pages.opened("upload", session=session).markdown if "without its file" in text.value]
            assert len(words) == bool(lacking) and all(literal(lacking) in one for one in words)
    finally:
        delete(run)


def test_held_out_systems_are_said_to_be_a_part_only_where_they_are() -> None:
    def said() -> bool:
        return any("Compare counts all of them" in text.value for text in pages.opened("train", run=run.id).caption)

    run = run_named("wider")
    assert run.held_out().num_sims == run.records()[-1]["valid_sims"] and not said()
    file = run.directory / "metrics.jsonl"
    before = file.read_bytes()
    try:
        file.write_text("".join(json.dumps(record | {"valid_sims": 0.5}) + "\n" for record in run.records()))
        assert said()
    finally:
        file.write_bytes(before)


def test_models_of_different_data_are_not_averaged() -> None:
    other = simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=40, seed=7))
    run = trained_here(other, CONFIG, watch=other.select(slice(0, 1)), name="other data", device="cpu")
    try:
        for name, alike in (("second seed", True), ("other data", False)):
            app = opened(ticked=",".join(run_named(one).id[:10] for one in ("first seed", name)))
            assert any(button.label == "Average these models" for button in app.button) == alike
            assert any("different data" in text.value for text in app.markdown) != alike
            assert any("Only models that differ in nothing but the seed" in text.value for text in app.caption) != alike
    finally:
        delete(run)


def test_a_model_that_cannot_read_the_dataset_in_use_is_shown_on_what_it_held_out() -> None:
    """Else another model would stand there in its place."""
    run = run_named("wider")
    model = state.Model("its", run.checkpoint_dir, run.id)
    for law, first in ((Kuramoto(), state.HELD_OUT), (Springs(), state.MINE)):
        other = simulate(law, Simulation(num_sims=4, num_nodes=3, num_steps=40, seed=9))
        app = pages.opened("compare", session={"dataset": state.Dataset("mine", other), "model": model})
        assert app.selectbox(key="on").value == first and any("“its”" in text.value for text in app.caption) and not app.exception


def test_data_just_made_are_what_train_offers() -> None:
    """By their own link also while another run is followed; the menu's keeps to it."""
    run = run_named("wider").id
    assert not [button for button in pages.opened("train", session={"run": run}).button if button.label == "Train"]
    app = pages.opened("train", session={"run": run}, data="1,000 fresh systems")
    assert [button for button in app.button if button.label == "Train"] and not app.exception

    def made() -> None:
        import streamlit as st

        from ui import samples, state

        state.keep_dataset("mine", samples.sample(samples.FIRST).trajectories)
        st.text(state.followed_run())

    app = AppTest.from_function(made)
    app.session_state["run"] = run
    assert app.run().text[0].value == "None"


def test_how_far_a_stopped_run_came_goes_by_its_time_limit() -> None:
    run = run_named("wider")
    status = run.status().model_copy(update={"state": "cancelled", "epoch": 9, "num_epochs": 90, "seconds": 15.0})

    def done(**changes: object) -> float:
        return Entry(run, status, CONFIG.model_copy(update=changes), None, {}).progress

    assert done(max_seconds=30.0) == 0.5 and done(max_seconds=300.0) == done(max_seconds=None) == 0.1


def test_a_run_that_is_resumed_does_not_look_done() -> None:
    status = run_named("wider").status().model_copy(update={"state": "running", "epoch": 10, "num_epochs": 40, "seconds": 20.0, "seconds_left": None})
    assert status.share_done() == 0.25 and status.model_copy(update={"seconds_left": 20.0}).share_done() == 0.5
    assert status.model_copy(update={"epoch": 0, "num_epochs": None}).share_done() == 0.0


def test_errors_of_another_epoch_are_not_those_of_the_model_that_is_kept(tmp_path: Path) -> None:
    lines = [{"epoch": 1, "valid_loss": -0.5, "valid_mse": {"10": 4e-3}}, {"epoch": 5, "valid_loss": -10.0, "valid_mse": None}]
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert latest(Run("one", tmp_path)) == lines[1] | {"valid_mse": {}}
    (tmp_path / "metrics.jsonl").write_text("")
    assert latest(Run("one", tmp_path)) == {}


def test_the_address_says_what_is_looked_for() -> None:
    assert list(opened(find="SEED first").dataframe[0].value["Name"]) == ["first seed"]
    app = opened(find="nothing like it")
    assert not app.dataframe and "No run is like that" in app.info[0].value


def test_a_sweep_has_means_and_spreads() -> None:
    table = opened().dataframe[-1].value
    assert list(table["Width of the decoder"]) == ["4", "6"] and list(table["Seeds"]) == [2, 1]
    assert "±" in table["Validation loss"][0] and "±" not in table["Validation loss"][1]


def test_a_run_loaded_as_a_model_at_hand_still_tells_what_it_held_out() -> None:
    run = run_named("wider")
    app = pages.opened("train")
    choice = next(box for box in app.selectbox if box.label == "A model at hand")
    name = next(option for option in choice.options if run.id[:8] in option)
    choice.set_value(name).run()
    next(button for button in app.button if button.label == f"Use {name}").click().run()
    assert not app.exception and app.session_state["model"].run == run.id
    app = pages.follow(app, "explore")
    assert not app.exception and app.selectbox(key="sample").value == state.HELD_OUT


def test_ticked_runs_are_in_the_address() -> None:
    chosen = [run_named("wider"), run_named("first seed")]
    app = opened(ticked=",".join(run.id[:10] for run in chosen))
    assert any("2 runs side by side" in title.value for title in app.subheader)
    assert set("".join(app.query_params["ticked"]).split(",")) == {run.id[:10] for run in chosen}
    assert app.session_state["own Shown"].screen.runs
    app.text_input(key="find").set_value("wider").run()
    assert set("".join(app.query_params["ticked"]).split(",")) == {run.id[:10] for run in chosen}, "what a search leaves out stays ticked"
    app = opened(ticked="0123456789,<b>")
    assert not app.subheader and any("2 runs that this server does not have" in text.value for text in app.markdown), [text.value for text in app.markdown]


def test_runs_are_repeated_outside_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [run_named("wider"), run_named("first seed")]
    screen = Ran(runs=tuple(run.id for run in chosen), lines=tuple(command(run) for run in chosen))
    exec(compile(screen.python(), "snippet", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert all(run.name in printed and str(run.records()[-1]["valid_loss"]) in printed for run in chosen)
    assert screen.command().count("\n") == 1 and all(line.startswith("python -m nri_core train") for line in screen.command().splitlines())


def test_nothing_there_says_what_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))
    app = opened()
    assert any("There is none yet" in caption.value for caption in app.caption) and not app.dataframe


def test_an_unreadable_run_is_one_sentence_beside_the_others(runs_dir: Path) -> None:
    broken = runs_dir / ("0" * 32)
    broken.mkdir()
    (broken / "config.json").write_text('{"format": 2}')
    try:
        app = opened()
        assert len(app.dataframe[0].value) == 3
        assert any("newer NRI Explorer" in text.value for text in app.markdown)
    finally:
        (broken / "config.json").unlink()
        broken.rmdir()


def test_deleted_runs_come_back() -> None:
    run = run_named("wider")
    app = opened()
    delete(run)
    app.session_state["own _Deleted"] = _Deleted((run.id,))
    app.run()
    assert len(app.dataframe[0].value) == 2
    next(button for button in app.button if button.label == "Undo").click().run()
    assert len(app.dataframe[0].value) == 3 and not [button for button in app.button if button.label == "Undo"]


def test_a_name_means_nothing_to_markdown() -> None:
    assert literal("1,000 fresh systems, no. 2") == "1,000 fresh systems, no. 2"
    assert literal("![x](http://a/b)") == r"!\[x\](http\://a/b)" and literal("*a_b*") == r"\*a\_b\*"


@pytest.mark.parametrize(("kept", "said"), [("wider", False), ("first seed", True), ("", True)])
def test_another_page_says_that_the_model_of_the_run_on_train_is_not_in_use(kept: str, said: bool) -> None:
    run, model = run_named("wider"), run_named(kept) if kept else None
    session = {"run": run.id} | ({"model": state.Model("its", model.checkpoint_dir, model.id)} if model else {})
    app = pages.opened("compare", session=session)
    assert any(link.proto.label == "See your run" for link in app.sidebar.get("page_link")) == said and not app.exception
    app = pages.opened("train", session=session)
    assert not any(link.proto.label == "See your run" for link in app.sidebar.get("page_link")) and not app.exception


def test_what_is_compared_after_a_run_is_the_system_that_was_watched() -> None:
    data = simulate(Springs(), Simulation(num_sims=40, num_nodes=3, num_steps=40))
    watched = split(data)[1].select(np.array([1, 2]))
    numbered = replace(watched, metadata={**watched.metadata, "numbers": [2, 3]})
    run = trained_here(data, CONFIG, watch=numbered, name="watched", device="cpu")
    try:
        app = pages.opened("train", run=run.id)
        app.segmented_control(key="watched").set_value(1).run()
        next(button for button in app.button if button.label == "Keep and compare").click().run()
        assert app.session_state["seen"] == state.Seen(state.HELD_OUT, 3) and not app.exception
    finally:
        delete(run)


def test_a_mean_of_models_is_in_its_address() -> None:
    first, second = run_named("first seed"), run_named("second seed")
    app = opened(ticked=f"{first.id[:10]},{second.id[:10]}")
    next(button for button in app.button if button.label == "Average these models").click().run()
    kept = app.session_state["model"]
    link = next(link for link in app.sidebar.get("page_link") if link.proto.label == "Compare").proto.query_string
    assert not app.exception and {kept.run, *kept.beside} == {first.id, second.id} and f"run={kept.run}%2C{kept.beside[0]}" in link

    again = pages.opened("compare", run=f"{kept.run},{kept.beside[0]}")
    assert again.session_state["model"] == kept and any(kept.name in text.value for text in again.caption) and not again.exception
    assert again.session_state["own Shown"].screen.reader.folder == kept.folder.as_posix()


@pytest.mark.parametrize("other", ["wider", "nobody"])
def test_a_mean_that_cannot_be_is_said_not_to_be(other: str) -> None:
    """And the model of one of them does not take its place."""
    ids = run_named("first seed").id, run_named(other).id if other == "wider" else "0" * 32
    app = pages.opened("compare", run=",".join(ids))
    assert app.error[0].value and app.session_state["model"] is None and not app.exception
