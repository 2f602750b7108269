"""Every verb on small data; every fault of the input ends in exit code 2 and one line."""

import json
import pickle
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from nri_core.command_line import VERBS, main
from nri_core.errors import NRIError
from nri_core.exporters import EXPORTERS, SINGLE
from nri_core.network_baselines import BASELINES, known_law
from nri_core.posterior import EdgePosterior
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories

ROOT = Path(__file__).parents[1]
TINY = ["--set", "epochs=1", "epoch_size=4", "batch_size=2", "encoder_hidden=4", "decoder_hidden=4", "window=10"]


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nri_core", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "springs.npz"
    simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=40)).save(path)
    return path


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    folder = data.parent / "model"
    assert main(["train", str(data), "--out", str(folder), *TINY]) == 0
    return folder


def result_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict:
    """In this process: what it printed as JSON."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_the_way_from_simulation_to_graph(tmp_path: Path) -> None:
    data, model, graph = tmp_path / "data.npz", tmp_path / "model", tmp_path / "graph.graphml"
    for command in (
        ["simulate", "springs", "--num-sims", "6", "--num-nodes", "4", "--num-steps", "40", "--seed", "3", "--out", data],
        ["train", data, "--out", model, *TINY],
        ["evaluate", model, data],
        ["infer", model, data, "--out", graph, "--sim", "5"],
    ):
        done = call(*command, "--json")
        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout), dict)
        assert ("epoch 1/1" in done.stderr) == (command[0] == "train")
    assert nx.read_graphml(graph).number_of_edges() == 4 * 3


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys; from nri_core.command_line import main\ntry: main(['--help'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.endswith("False\n")
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", [["simulate", "springs"], ["train"], ["evaluate"], ["infer"], ["bench"], ["runs", "submit"]])
def test_every_verb_explains_itself(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*verb, "--help"])
    assert "--json" in capsys.readouterr().out


def test_simulate_takes_the_parameters_of_the_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    law = ["--strengths", "0.1", "0.5", "--probability", "1", "--noise", "0.01", "--num-sims", "3", "--num-steps", "5"]
    result = result_of(capsys, "simulate", "springs", *law, "--out", tmp_path / "data.npz")
    data = Trajectories.load(tmp_path / "data.npz")
    assert result["num_sims"] == data.num_sims == 3
    assert data.edge_type_names == ("none", "spring k=0.1", "spring k=0.5")
    assert data.metadata["parameters"]["noise"] == 0.01


def test_train_keeps_its_recipe_and_command(model: Path) -> None:
    metadata = json.loads((model / "config.json").read_text())["metadata"]
    assert metadata["preset"] == "live" and metadata["recipe"]["window"] == 10
    assert metadata["command"].startswith("python -m nri_core ") and metadata["figures"]["epoch"] == 1


def test_evaluate(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = result_of(capsys, "evaluate", model, data)
    assert result["num_sims"] == 6
    assert 0 <= result["edge_accuracy_raw"] <= result["edge_accuracy"] <= 1
    assert sorted(result["relabelling"]) == [0, 1]
    assert set(result["rollout_mse"]) == {"1", "10", "20"}
    assert {"edge_accuracy_encoder", "inference", "auroc"} <= set(result)


@pytest.mark.parametrize("form", EXPORTERS)
def test_infer_writes_every_format(form: str, model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = result_of(capsys, "infer", model, data, "--out", tmp_path / f"graph.{form}")
    assert result["sims_read"] == 6 and (tmp_path / f"graph.{form}").stat().st_size
    assert result["num_sims"] == (1 if form in SINGLE else 6), "what was written"
    if form == "npz":
        assert EdgePosterior.load(tmp_path / "graph.npz").edge_probs.shape == (6, 3, 3, 2)


@pytest.mark.parametrize("name", BASELINES)
def test_infer_by_a_baseline(name: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--law", "springs"] if name == "known_law" else []
    result = result_of(capsys, "infer", f"baseline:{name}", data, "--out", tmp_path / "graph.npz", *options)
    posterior = EdgePosterior.load(tmp_path / "graph.npz")
    assert result["inference"] == posterior.inference == name and ("law_fit" in result) == (name == "known_law")
    expected = BASELINES[name](Trajectories.load(data), **{"law": "springs"} if options else {})
    assert np.array_equal(posterior.edge_probs, expected.edge_probs)


def test_evaluate_a_baseline_by_the_keys_of_a_model(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_model = result_of(capsys, "evaluate", model, data)
    by_law = result_of(capsys, "evaluate", "baseline:known_law", data, "--law", "springs")
    assert set(by_law) == {*by_model, "law_fit"}
    assert by_law["edge_accuracy_raw"] == 1 and by_law["inference"] == "known_law" and by_law["rollout_mse"] == {}


def test_a_baseline_can_be_held_to_the_frames_of_a_model(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result_of(capsys, "infer", "baseline:correlation", data, "--window", "20", "--out", tmp_path / "graph.npz")
    expected = BASELINES["correlation"](Trajectories.load(data).select(slice(None), frames=slice(0, 20)))
    assert np.array_equal(EdgePosterior.load(tmp_path / "graph.npz").edge_probs, expected.edge_probs)


def test_a_graph_is_written_with_the_names_of_the_truth(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", str(model), str(data), "--out", str(data.parent / "named.npz"), "--json"]) == 0
    told, truth = json.loads(capsys.readouterr().out), Trajectories.load(data)
    assert EdgePosterior.load(data.parent / "named.npz").edge_type_names == truth.edge_type_names
    assert [called.split(": ")[1] for called in told["types_called"]] in [list(order) for order in permutations(truth.edge_type_names)]


def test_the_options_of_a_baseline_reach_it(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--law", "springs", "--couplings", "-1", "0", "0.1", "--directed"]
    result_of(capsys, "infer", "baseline:known_law", data, "--out", tmp_path / "graph.npz", *options)
    expected = known_law(Trajectories.load(data), law="springs", couplings=(-1.0, 0.0, 0.1), undirected=False)
    assert np.array_equal(EdgePosterior.load(tmp_path / "graph.npz").edge_probs, expected.edge_probs)


def test_combine(model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = result_of(capsys, "combine", model, model, "--data", data, "--out", tmp_path / "pair")
    assert made["members"] == 2 and made["relabellings"] == [[0, 1]]
    figures = [result_of(capsys, "evaluate", folder, data) for folder in (model, tmp_path / "pair")]
    assert figures[0]["rollout_mse"]["10"] == pytest.approx(figures[1]["rollout_mse"]["10"]), "the same model twice"
    assert (figures[1]["edge_accuracy"], figures[1]["inference"]) == (figures[0]["edge_accuracy"], "mean of 2 models")


@pytest.mark.parametrize("verb", ["infer", "evaluate"])
def test_baselines_do_not_wait_for_torch(verb: str, data: Path, tmp_path: Path) -> None:
    code = "import sys; from nri_core.command_line import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    command = [verb, "baseline:correlation", str(data), *(["--out", str(tmp_path / "graph.csv")] if verb == "infer" else [])]
    done = subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.endswith("False\n"), done.stderr


def test_bench_prints_what_the_script_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    (tmp_path / "benchmarks" / "nothing.py").write_text("def main():\n    return {'figure': float('nan'), 'seeds': 3}\n")
    monkeypatch.setattr("nri_core.command_line.bench.PROJECT", tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
        monkeypatch.delitem(sys.modules, name)
    assert result_of(capsys, "bench", "nothing") == {"figure": None, "seeds": 3}


def test_sensitivity_measures_a_model_and_a_method_beside_it(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--beside", "known_law", "--num-sims", "2"]
    noise = result_of(capsys, "sensitivity", model, "--by", "noise", "--values", "0", "0.5", *options)
    assert [point["at"] for point in noise["points"]] == [0, 0.5] and all(0 <= point["accuracy"] <= 1 for point in noise["points"])
    assert "enough" not in noise and noise["points"][0]["why"] is None
    assert noise["beside_points"][0]["accuracy"] > noise["beside_points"][1]["accuracy"]
    seen = result_of(capsys, "sensitivity", model, "--data", data, "--values", "9", "40")
    assert [point["num_sims"] for point in seen["points"]] == [6, 6]
    noisy = result_of(capsys, "sensitivity", model, "--by", "noise", "--data", data, "--values", "0", "0.5", "--beside", "correlation")
    assert [point["num_sims"] for point in noisy["points"]] == [6, 6]


def damaged(kind: str, data: Path, folder: Path) -> Path:
    path = folder / f"{kind}.npz"
    if kind == "truncated":
        path.write_bytes(data.read_bytes()[:2000])
    elif kind == "pickled":
        np.savez(path, values=np.array([{"a": 1}, print], dtype=object))
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"values": [1, 2]}))
    elif kind == "folder":
        path.mkdir()
    elif kind == "other":
        np.savez(path, something=np.zeros(3))
    return path


@pytest.mark.parametrize("kind", ["missing", "truncated", "pickled", "pickle", "folder", "other"])
@pytest.mark.parametrize("verb", ["train", "evaluate", "infer", "runs"])
def test_unreadable_data(verb: str, kind: str, model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = damaged(kind, data, tmp_path)
    commands = {
        "train": ["train", bad, "--out", tmp_path / "new"],
        "evaluate": ["evaluate", model, bad],
        "infer": ["infer", model, bad, "--out", tmp_path / "new.npz"],
        "runs": ["runs", "submit", bad],
    }
    one_line(capsys, commands[verb])
    assert not list(tmp_path.glob("new*"))


def one_line(capsys: pytest.CaptureFixture[str], command: list[str | Path]) -> str:
    """The line of a command whose input is at fault."""
    capsys.readouterr()
    try:
        code = main([str(part) for part in command])
    except SystemExit as stop:  # how argparse ends
        code = stop.code
    captured = capsys.readouterr()
    assert code == 2 and not captured.out
    assert captured.err.count("\n") == 1 and captured.err.startswith("python -m nri_core")
    return captured.err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ([], "VERB"),
        (["fly"], "'fly'"),
        (["simulate"], "SYSTEM"),
        (["simulate", "gravity", "--out", "x.npz"], "'gravity'"),
        (["simulate", "springs", "--num-sims", "0", "--out", "x.npz"], "--num-sims"),
        (["simulate", "springs", "--num-nodes", "five", "--out", "x.npz"], "five"),
        (["simulate", "springs", "--probability", "1.5", "--out", "x.npz"], "--probability"),
        (["simulate", "springs", "--strengths", "-1", "--out", "x.npz"], "--strengths"),
        (["simulate", "springs", "--num-sims", "1000000", "--num-steps", "10000", "--out", "x.npz"], "400,000,000"),
        (["simulate", "springs", "--num-sims", "1", "--out", "/dev/null/x.npz"], "/dev/null"),
        (["train", "{data}"], "--out"),
        (["train", "{data}", "--out", "{new}", "--preset", "fast"], "'fast'"),
        (["train", "{data}", "--out", "{new}", "--set", "epochs"], "KEY=VALUE"),
        (["train", "{data}", "--out", "{new}", "--set", "speed=3"], "speed=3"),
        (["train", "{data}", "--out", "{new}", "--set", "epochs=0"], "--epochs"),
        (["train", "{data}", "--out", "{new}", "--set", "encoder=none"], "encoder"),
        (["train", "{data}", "--out", "{new}", "--max-seconds", "-1"], "--max-seconds"),
        (["train", "{data}", "--out", "{new}", "--seed", "x"], "--seed"),
        (["train", "{data}", "--out", "{new}", "--device", "abacus"], "'abacus'"),
        (["train", "{data}", "--out", "{folder}"], "mine.txt"),
        (["train", "{data}", "--out", "/dev/null/model"], "/dev/null"),
        (["evaluate", "{new}", "{data}"], "config.json"),
        (["evaluate", "{folder}", "{data}"], "config.json"),
        (["evaluate", "{model}", "{other}"], "trained on"),
        (["infer", "{model}", "{data}", "--out", "{new}.xyz"], ".graphml"),
        (["infer", "{model}", "{data}", "--out", "{new}.csv", "--sim", "6"], "found 6"),
        (["infer", "baseline:guess", "{data}", "--out", "{new}.csv"], "'guess'"),
        (["infer", "baseline:known_law", "{data}", "--out", "{new}.csv"], "--law"),
        (["infer", "baseline:known_law", "{data}", "--out", "{new}.csv", "--law", "gravity"], "'gravity'"),
        (["infer", "baseline:known_law", "{data}", "--out", "{new}.csv", "--law", "kuramoto"], "`phase`"),
        (["infer", "baseline:correlation", "{data}", "--out", "{new}.csv", "--directed"], "found --directed"),
        (["infer", "baseline:correlation", "{data}", "--out", "{new}.csv", "--share", "1"], "between 0 and 1"),
        (["infer", "baseline:correlation", "{data}", "--out", "{new}.csv", "--window", "41"], "from 1 to 40"),
        (["infer", "baseline:lstm_correlation", "{data}", "--out", "{new}.csv"], "--lstm"),
        (["infer", "baseline:lstm_correlation", "{data}", "--out", "{new}.csv", "--lstm", "{model}"], "lstm decoder"),
        (["infer", "{model}", "{data}", "--out", "{new}.csv", "--law", "springs"], "found --law"),
        (["combine", "{model}", "--out", "{new}"], "--data"),
        (["combine", "{model}", "{folder}", "--data", "{data}", "--out", "{new}"], "config.json"),
        (["sweep", "start", "{folder}/mine.txt", "{data}"], "Expected a sweep"),
        (["sweep", "table", "mine"], "no sweep 'mine'"),
        (["bench", "everything"], "'everything'"),
        (["sensitivity", "{folder}"], "config.json"),
        (["sensitivity", "{model}", "--by", "nodes", "--values", "3.5"], "whole numbers of nodes; found 3.5"),
        (["sensitivity", "{model}", "--by", "nodes", "--data", "{data}"], "--data with --by frames or noise"),
        (["sensitivity", "{model}", "--by", "frames", "--values", "500", "--data", "{data}"], "from 1 to 40; found 500"),
        (["sensitivity", "{model}", "--num-sims", "1"], "--num-sims"),
        (["runs"], "VERB"),
        (["runs", "status"], "ID"),
        (["runs", "status", "0" * 32], "no run"),
        (["runs", "cancel", "../../etc"], "no run"),
    ],
)
def test_faults_of_the_input(
    command: list[str],
    says: str,
    model: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("not yours")
    other = Trajectories(values=np.random.default_rng(0).normal(size=(2, 40, 3, 2)), feature_names=("x", "y"), dt=0.1)
    other.save(tmp_path / "other.npz")
    places = {"data": data, "model": model, "other": tmp_path / "other.npz", "folder": tmp_path / "folder", "new": tmp_path / "new"}
    assert says in one_line(capsys, [part.format(**places) for part in command])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "other.npz"], "nothing is left half-made"


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch, model: Path, data: Path) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nri_core.evaluation.evaluate", broken)
    with pytest.raises(ZeroDivisionError):
        main(["evaluate", str(model), str(data)])
    assert not issubclass(ZeroDivisionError, NRIError)


def test_who_reads_only_the_beginning_is_not_told_of_a_fault(data: Path) -> None:
    runs = subprocess.Popen([sys.executable, "-m", "nri_core", "import", str(data), "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    runs.stdout.close()  # before the first word comes
    said = runs.stderr.read().decode()
    runs.stderr.close()
    assert (runs.wait(timeout=300), said) == (0, "")
