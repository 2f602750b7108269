"""What Share says repeats a page without the app: it is run, and its numbers are those of the page."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.importers.samples import SAMPLES
from nri_core.reproduction.tables import markdown, read_table
from nri_core.snippets import Changed, Example, File, HeldOut, Inside, Made, Measured, Method, Model, Ran, Read, Reproduced, Screen, SideBySide, Simulated, Trained
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests.pages import ROOT, headers, opened
from ui import samples, state
from ui.tour import EXAMPLES

SPRINGS = File(path="sample_data/springs5.npz")


def written(screen: Screen, tmp_path: Path, *, here: Path = ROOT) -> str:
    """What the Python prints, run in this process."""
    said, before = io.StringIO(), Path.cwd()
    os.chdir(here)
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(screen.python(), "snippet", "exec"), {"__name__": "snippet"})  # noqa: S102
    finally:
        os.chdir(before)
    return said.getvalue()


def run(words: str, tmp_path: Path) -> str:
    """The output of a line of shell, in a folder that has what the project's folder has."""
    for name in ("nri_core", "sample_data", "benchmarks"):
        with contextlib.suppress(FileExistsError):
            (tmp_path / name).symlink_to(ROOT / name)
    python = Path(tmp_path / "bin" / "python")
    if not python.exists():
        python.parent.mkdir()
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["sh", "-ec", words], cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout


def shown(app: AppTest) -> Screen:
    """What the page told Share."""
    assert not app.exception
    return app.session_state["own Shown"].screen


def percents(text: str) -> list[str]:
    return re.findall(r"([\d.]+) %", text)


@pytest.mark.slow
def test_explore_is_repeated_number_by_number(tmp_path: Path) -> None:
    app = opened("explore", system="3")
    metrics = {metric.label: metric.value for metric in app.metric}
    printed = percents(written(shown(app), tmp_path))
    assert [f"{float(printed[0]):.1f}", printed[1]] == percents(metrics["All 36 systems"] + metrics["This system"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "moved"),
    [("crowd", {}), ("two_graphs", {}), ("hidden_particle", {"hidden_particle_frames": "20"}), ("look_alike", {"look_alike_noise": "0.02"}), ("wrong_law", {"wrong_law_seed": "7"})],
)
def test_examples_are_repeated_number_by_number(name: str, moved: dict[str, str], tmp_path: Path) -> None:
    app = opened("learn", lesson=EXAMPLES, example=name, **moved)
    assert len(shown(app).data.changes) + bool(shown(app).data.frames) == len(moved)
    printed = percents(written(shown(app), tmp_path))
    told = [metric.value for metric in app.metric if "% right" in metric.value]
    assert told and [f"{value} % right" for value in printed[1::-1]][: len(told)] == told, "this system, then all"
    run(shown(app).command(), tmp_path)
    assert (tmp_path / "graph.csv").read_text(encoding="utf-8").count("\n") > 1


@pytest.mark.slow
def test_what_is_simulated_is_simulated_again(tmp_path: Path) -> None:
    app = opened("simulate", num_nodes="4", num_sims="3", num_steps="12", probability="0.3", seed="5")
    written(shown(app), tmp_path, here=tmp_path)
    expected = simulate(Springs(probability=0.3), Simulation(num_sims=3, num_nodes=4, num_steps=12, seed=5))
    assert Trajectories.load(tmp_path / "data.npz").digest == expected.digest


def test_a_method_is_called_as_the_page_calls_it(tmp_path: Path) -> None:
    app = opened("compare", by="Correlation of paths")
    metrics = {metric.label: metric.value for metric in app.metric}
    printed = percents(written(shown(app), tmp_path))
    assert printed[0] == percents(metrics["All 36 systems"])[0]


@pytest.mark.slow
def test_a_method_is_repeated_on_short_data_of_no_law_with_each_direction_on_its_own(tmp_path: Path) -> None:
    data = simulate(Springs(directed=True), Simulation(num_sims=4, num_steps=32))
    data = replace(data, metadata={})
    app = opened("compare", session={"dataset": state.Dataset("mine", data)}, by="Granger causality")
    assert "Each direction of a pair is read on its own" in " ".join(caption.value for caption in app.caption)
    data.save(tmp_path / "data.npz")
    printed = percents(written(shown(app), tmp_path, here=tmp_path))
    assert printed[0] == percents({metric.label: metric.value for metric in app.metric}["All 4 systems"])[0]
    run(shown(app).command(), tmp_path)
    graph = np.genfromtxt(tmp_path / "graph.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert len(graph) == 20


@pytest.mark.slow
def test_several_readers_are_repeated_side_by_side(tmp_path: Path) -> None:
    app = opened("compare", show="Several readers", system_no="2")
    table = next(table.value for table in app.dataframe if "Reader" in table.value)
    printed = [line.split() for line in written(shown(app), tmp_path).splitlines()]
    assert len(printed) == len(table) == 4
    np.testing.assert_allclose(np.array(printed, float) * 100, table[["All systems", "This system"]].to_numpy(float), atol=0.5)
    run(shown(app).command(), tmp_path)
    assert len(list(tmp_path.glob("graph_*.csv"))) == 4


def test_results_are_printed_as_they_stand(tmp_path: Path) -> None:
    screen = shown(opened("results", table="Forecast error"))
    assert written(screen, tmp_path) == markdown(read_table(ROOT / "benchmarks" / "results" / "table2.json")) + "\n"
    assert "reproduce table2" in screen.command()


LESSONS = [
    ("1", {"guess": "1" * 10, "differences": "The model"}),
    *((lesson, {}) for lesson in "23478"),
    ("5", {"kinds_used": "3"}),
    ("6", {"frames_seen": "5"}),
    ("7", {"charged_way": "One charge each"}),
    ("8", {"unseen": "nobody"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "asked"), LESSONS)
def test_lessons_are_repeated_number_by_number(lesson: str, asked: dict[str, str], tmp_path: Path) -> None:
    app = opened("learn", lesson=lesson, **asked)
    printed = percents(written(shown(app), tmp_path))
    told = json.dumps([headers(app, "nri_player")[0]["caption"], *(metric.value for metric in app.metric)])
    if lesson == "1":
        assert f"{round(float(printed[1]) / 10)} of 10 pairs" in told
    elif lesson != "3":  # which says how likely a graph is, not how right
        assert set(percents(told.replace("\\u00a0", " "))) & {f"{float(share):.0f}" for share in printed[:2]}


def test_every_snippet_is_short_and_typed() -> None:
    for screen in everything():
        code = screen.python()
        compile(code, "snippet", "exec")
        assert len(code.splitlines()) <= 20


def test_settings_that_differ_are_named_and_no_other() -> None:
    app = opened("train", live_epochs="7", live_learning_rate="0.002")
    assert shown(app).changes == {"epochs": 7, "learning_rate": 0.002}
    assert "--set" in shown(app).command() and "batch_size" not in shown(app).command()


def everything() -> list[Screen]:
    """One of each kind."""
    data = Simulated(law="springs", parameters={"strengths": (0.1, 0.5), "directed": True}, amount={"num_sims": 6, "num_steps": 60, "seed": 3})
    model = Model(folder="sample_data/models/springs5")
    return [
        Made(data=data),
        Read(data=SPRINGS, reader=model, system=2),
        Read(data=data, reader=model, truth=False, first=2),
        Read(data=SPRINGS, reader=Model(folder="sample_data/models/springs5", inference="encoder")),
        Read(data=SPRINGS, reader=Method(name="known_law", window=49, options={"law": "springs"})),
        Read(data=HeldOut(run="0" * 32), reader=model, system=1, first=4),
        Changed(data=SPRINGS, folder=model.folder, system=2, starts=((1, ("x", "y"), (0.2, -0.4)),), truth=((2, 0, 1),), inferred=((3, 1, -1), (4, 0, 1)), followed=((3, 1, 0), (4, 0, 1))),
        Inside(data=SPRINGS, folder=model.folder, system=1, edge=(0, 2), names=("1", "3"), stage="Paths", drawn={"frame": 48, "passed": "most probable"}),
        Trained(data=data, preset="live", changes={"epochs": 2, "max_seconds": None, "edge_prior": (0.5, 0.3, 0.2), "num_edge_types": 3}),
        Read(data=SPRINGS, reader=model, frames=8),
        Read(data=SPRINGS, reader=Model(folder=model.folder, forecasts=False), unseen=4),
        Read(data=File(path="sample_data/charged5.npz"), reader=Model(folder="sample_data/models/charged5", forecasts=False), charges=True),
        SideBySide(data=SPRINGS, readers=(model, Model(folder=model.folder, inference="encoder"), Method(name="correlation", window=49), Method(name="granger", window=49)), system=1, first=5),
        SideBySide(data=data, readers=(model,), truth=False),
        Ran(runs=("0" * 32, "1" * 32), lines=("python -m nri_core runs list",)),
        Reproduced(path="benchmarks/results/table1.json", line="python -m nri_core reproduce --help"),
        Measured(folder=model.folder, by="frames", data=SPRINGS),
        Measured(folder=model.folder, by="frames", inference="encoder", beside="known_law"),
        Measured(folder=model.folder, by="noise"),
        Measured(folder=model.folder, by="noise", data=SPRINGS),
        Measured(folder=model.folder, by="nodes", beside="granger"),
        Read(data=Example(path="sample_data/presets/crowd.json", changes={"parameters": {"noise": 0.01}}, frames=20), reader=model.model_copy(update={"forecasts": False}), system=1),
        Read(data=Example(path="sample_data/presets/crowd.json"), reader=model, truth=False),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("edits", ["", "g2-3:0;g1-4:1", "p1:0.3,-0.2;v2:0.5,0;t3-4:1;g2-3:0"])
def test_a_change_is_repeated(edits: str, tmp_path: Path) -> None:
    app = opened("what_if", number="3", edits=edits)
    metrics = {metric.label: metric.value for metric in app.metric}
    printed = written(shown(app), tmp_path)
    wanted = metrics["Changed forecast off by" if "g" in edits else "Forecast off by"].split()[0]
    assert float(wanted) == float(re.search(r"'error_changed': '([\d.e-]+) %'", printed)[1])
    for name, label in {"moved_truly": "True paths would move by", "error_against_truth": "Forecast off the moved paths by"}.items():
        assert (label in metrics) == (name in printed) == ("g" in edits)
        assert label not in metrics or f"'{name}': '{metrics[label]}'" in printed


@pytest.mark.slow
def test_a_stage_inside_the_model_is_repeated(tmp_path: Path) -> None:
    app = opened("inside", stage="Posterior", sender="4", receiver="2", no="3")
    table = app.dataframe[0].value
    printed = written(shown(app), tmp_path)
    assert str(np.asarray(table)) in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["springs5", "charged10", "kuramoto5"])
def test_commands_say_what_explore_says(name: str, tmp_path: Path) -> None:
    app = opened("explore").selectbox(key="sample").set_value(name).run()
    metrics = {metric.label: metric.value for metric in app.metric}
    evaluate, infer = shown(app).command().splitlines()
    found, told = 100 * json.loads(run(evaluate, tmp_path))["edge_accuracy"], float(percents(metrics["All 36 systems"])[0])
    assert found == pytest.approx(told, abs=0.3)  # what is shipped was read on another machine: of thousands of pairs a few fall the other way
    run(infer, tmp_path)
    graph = np.genfromtxt(tmp_path / "graph.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert len(graph) == samples.sample(name).trajectories.num_nodes * (samples.sample(name).trajectories.num_nodes - 1)


@pytest.mark.slow
@pytest.mark.parametrize("screen", [screen for screen in everything() if "0" * 32 not in screen.python()], ids=lambda screen: type(screen).__name__)
def test_every_command_runs(screen: Screen, tmp_path: Path) -> None:
    run(screen.command(), tmp_path)
    (tmp_path / "snippet.py").write_text(screen.python(), encoding="utf-8")
    assert run("PYTHONPATH=. python snippet.py", tmp_path)


@pytest.mark.slow
def test_an_upload_is_repeated(tmp_path: Path) -> None:
    name, text = SAMPLES["tidy"].file, SAMPLES["tidy"].text()
    app = opened("upload")
    app.file_uploader[0].set_value([(name, text.encode(), "text/csv")]).run()
    next(button for button in app.button if button.label == "Use this data").click().run()
    (tmp_path / name).write_text(text, encoding="utf-8")
    written(shown(app), tmp_path, here=tmp_path)
    used = app.session_state["dataset"].trajectories
    assert np.array_equal(Trajectories.load(tmp_path / "data.npz").values, used.values)
    run(shown(app).command(), tmp_path)
    assert np.array_equal(Trajectories.load(tmp_path / "data.npz").values, used.values)
