"""`import`: files are looked at, mended, cut and written, and the same again from a plan or the copied command."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_core.command_line import main
from nri_core.command_line.importing import command, fix_of, spelled
from nri_core.importers.samples import ALONE_NOTHING, COMPANIONS, SAMPLES
from nri_core.preparation import FIXES, Fix, Plan, read_plan
from nri_core.preparation.gaps import Gather, Interpolate, Resample
from nri_core.preparation.motion import Centre, Scale, Velocities
from nri_core.preparation.parts import ChooseNodes
from nri_core.trajectories import Trajectories

LOST = ("2.0,b", "2.1,b")
MENDED = ("--fix", "interpolate", "longest=3", "--fix", "velocities", "--window", 20, "--stride", 10)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three nodes for 60 frames; b is lost for two of them."""
    rows = [f"{frame / 10},{node},{np.cos(frame / 9 + place)},{np.sin(frame / 7 + place)}" for frame in range(60) for place, node in enumerate("abc")]
    path = tmp_path / "my fish.csv"
    path.write_text("\n".join(["time,fish,x,y", *(row for row in rows if not row.startswith(LOST))]))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    code = main(["import", *map(str, words), "--json"])
    told = capsys.readouterr()
    assert code == 0, told.err
    return json.loads(told.out)


def test_without_out_the_file_is_only_looked_at(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(table.parent.iterdir())
    seen = run(capsys, table)
    assert seen["format"] == "text table" and seen["recordings"] == 1 and seen["frames"] == [60, 60] and seen["num_nodes"] == 3
    gap = next(finding for finding in seen["findings"] if "1 gap in which a node is lost" in finding["finding"])
    assert gap["fixes"] == ["--fix interpolate longest=2"]
    assert sorted(table.parent.iterdir()) == before


def test_mended_cut_and_written(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = table.parent / "data.npz"
    told = run(capsys, table, "--out", out, *MENDED)
    data = Trajectories.load(out)
    assert data.values.shape == (told["num_sims"], 20, 3, 4) == (5, 20, 3, 4) and told["observed"] == 1.0 and data.complete
    assert data.node_names == ("a", "b", "c") and data.feature_names == ("x", "y", "vx", "vy") and data.dt == 0.1
    assert [step["kind"] for step in data.metadata["preparation"]] == ["interpolate", "velocities"]
    assert data.metadata["source"]["files"] == ["my fish.csv"]


def test_a_saved_plan_and_the_copied_command_repeat_the_import(table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = table.parent
    run(capsys, table, "--out", folder / "first.npz", *MENDED, "--save-plan", folder / "plan.json")
    run(capsys, table, "--out", folder / "second.npz", "--plan", folder / "plan.json")
    first, second = (Trajectories.load(folder / f"{name}.npz").digest for name in ("first", "second"))
    assert first == second
    words = shlex.split(command([str(table)], read_plan(folder / "plan.json")))
    assert words[:4] == ["python", "-m", "nri_core", "import"]
    monkeypatch.chdir(folder)
    run(capsys, *words[4:])
    assert Trajectories.load(folder / "data.npz").digest == first


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ALONE_NOTHING])
def test_each_sample_becomes_trajectories_by_what_is_suggested(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / SAMPLES[one].file for one in (name, COMPANIONS.get(name)) if one]
    for one, path in zip((name, COMPANIONS.get(name)), files, strict=False):
        path.write_text(SAMPLES[one].text(), encoding="utf-8")
    told = run(capsys, *files, "--out", tmp_path / "data.npz", "--suggested")
    assert told["num_sims"] >= 2 and not [one for one in told["left_to_know"] if one["finding"].startswith("problem")]


def test_options_of_the_format_and_the_known_graph(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = table.parent / "graph.csv"
    graph.write_text("source,target\na,b\n")
    run(capsys, table, "--out", table.parent / "data.npz", "--set", "coordinates=y", "duplicates=last", "--fix", "interpolate", "--truth", graph)
    data = Trajectories.load(table.parent / "data.npz")
    assert len(data.feature_names) == 1 and data.edge_types.tolist() == [[[0, 0, 0], [1, 0, 0], [0, 0, 0]]]  # [receiver, sender]
    plan = Plan.of(options={"coordinates": ["y"], "duplicates": "last"}, fixes=[{"kind": "interpolate"}])
    run(capsys, *shlex.split(command([str(table)], plan, str(graph), both_ways=True))[4:], "--out", table.parent / "mutual.npz")
    assert Trajectories.load(table.parent / "mutual.npz").edge_types[0].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


REFUSALS = {
    "no such file": (("nowhere.csv",), "nowhere.csv"),
    "no such fix": (("TABLE", "--fix", "magic"), "KIND of cut_at_breaks"),
    "no such setting": (("TABLE", "--fix", "gather", "people=3"), "KEY of nodes, length, stride"),
    "setting out of range": (("TABLE", "--fix", "gather", "nodes=1"), "nodes"),
    "no such column": (("TABLE", "--set", "time=when"), "when"),
    "window too long": (("TABLE", "--out", "data.npz", "--window", "900"), "at most 60 frames"),
    "no plan": (("TABLE", "--plan", "plan.json"), "plan.json"),
    "no such option": (("TABLE", "--set", "colour=red"), "colour"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_refusals_are_one_line(what: str, table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words, expected = REFUSALS[what]
    monkeypatch.chdir(table.parent)
    assert main(["import", *(str(table) if word == "TABLE" else word for word in words)]) == 2
    told = capsys.readouterr()
    lines = [line for line in told.err.splitlines() if not line.startswith("Read ")]
    assert not told.out and len(lines) == 1 and expected in lines[0]
    assert not (table.parent / "data.npz").exists()


FIX = st.one_of(
    st.builds(Interpolate, longest=st.integers(1, 1000)),
    st.builds(Resample, rate=st.floats(1e-3, 1e6), longest=st.none() | st.floats(1e-3, 1e3)),
    st.builds(Gather, nodes=st.integers(2, 100), length=st.integers(3, 500)),
    st.builds(Centre, of=st.sampled_from(["recording", "frame"])),
    st.builds(Scale, factor=st.floats(1e-9, 1e9), unit=st.text(max_size=20)),
    st.builds(ChooseNodes, names=st.lists(st.text(min_size=1, max_size=10), min_size=2, max_size=4, unique=True).map(tuple)),
    st.just(Velocities()),
)


@given(fix=FIX)
def test_a_fix_survives_its_spelling(fix: Fix) -> None:
    option, *words = shlex.split(spelled(fix))
    assert option == "--fix" and fix_of(*words) == fix


@given(fixes=st.lists(FIX, max_size=4), window=st.none() | st.integers(3, 10_000), least=st.floats(0, 1))
def test_a_plan_survives_its_file(fixes: list[Fix], window: int | None, least: float) -> None:
    plan = Plan(fixes=tuple(fixes), window=window, least_seen=least)
    assert Plan.model_validate_json(plan.model_dump_json(exclude_none=True)) == plan


def test_help_names_every_fix(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["import", "--help"])
    told = capsys.readouterr().out
    assert all(f"{kind}: {fix.title}" in told for kind, fix in FIXES.items())
