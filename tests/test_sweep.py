"""Sweeps: a small file of settings and seeds becomes runs, a table of means and spreads, and one model."""

import json
import time
from pathlib import Path

import pytest

from nri_core.checkpoint import Checkpoint
from nri_core.command_line import main
from nri_core.errors import ConfigError, JobError
from nri_core.evaluation import evaluate
from nri_core.jobs import list_runs
from nri_core.jobs.sweep import Sweep, read_sweep, row_of, runs_of, start_sweep, sweep_table
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests.runs import PATIENCE

TINY = {"epochs": 2, "epoch_size": 4, "batch_size": 2, "encoder_hidden": 4, "window": 10}
YAML = """
name: Width of the decoder
set: {epochs: 2, epoch_size: 4, batch_size: 2, encoder_hidden: 4, window: 10}
grid:
  decoder_hidden: [4, 5]
seeds: [3, 7]
device: cpu
"""


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=40))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(YAML)
    return path


def test_every_combination_with_every_seed(file: Path, data: Trajectories) -> None:
    named = read_sweep(file).runs(data)
    assert [name for name, _ in named][:2] == ["Width of the decoder: decoder_hidden 4, seed 3", "Width of the decoder: decoder_hidden 4, seed 7"]
    assert [config for _, config in named] == [TrainConfig(**TINY, decoder_hidden=hidden, seed=seed) for hidden in (4, 5) for seed in (3, 7)]


def test_a_number_of_seeds_counts_from_zero(data: Trajectories) -> None:
    assert [config.seed for _, config in Sweep(seeds=4).runs(data)] == [0, 1, 2, 3]


def test_the_names_of_edge_types_suit_the_recipe() -> None:
    data = simulate(Springs(strengths=(0.1, 0.3)), Simulation(num_sims=3, num_nodes=3, num_steps=12))
    assert Sweep(seeds=1).runs(data)[0][1].num_edge_types == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seeds: 3\ngrid: [1", "line 2"),
        ("- 1\n- 2", "sweep"),
        ("", "sweep"),
        ("speed: 3", "speed"),
        ("grid: {speed: [1]}", "no such setting"),
        ("grid: {epochs: []}", "at least one value"),
        ("grid: {epochs: 3}", "grid.epochs"),
        ("grid: {seed: [1]}", "list of their own"),
        ("set: {epochs: 3}\ngrid: {epochs: [4]}", "not both"),
        ("seeds: 0", "1 to 1000"),
        ("seeds: 1001", "1 to 1000"),
        ("preset: fast", "live or paper"),
        ("gpus: -1", "gpus"),
        ("name: !!python/object/apply:os.system ['touch pwned']", "cannot be read"),
        ("a: &a [1]\n" * 20_000, "larger"),
    ],
)
def test_files_that_are_no_sweep(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        read_sweep(path)
    assert "\n" not in str(caught.value) and not (tmp_path / "pwned").exists()


def test_a_setting_out_of_range_names_its_run(data: Trajectories) -> None:
    with pytest.raises(ConfigError, match="epochs 0, seed 0.*greater than or equal to 1"):
        Sweep(grid={"epochs": [5, 0]}, seeds=1).runs(data)


def test_nothing_starts_if_one_combination_does_not_fit_the_data(data: Trajectories, tmp_path: Path) -> None:
    sweep = Sweep(set={"objective": "elbo"}, grid={"prediction_steps": [5, 60]}, seeds=1)
    with pytest.raises(ConfigError, match="prediction steps"):
        start_sweep(sweep, data, runs_dir=tmp_path)
    assert list_runs(runs_dir=tmp_path) == []


@pytest.mark.slow
def test_from_file_to_table_to_ensemble(
    file: Path, data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path / "runs"))
    data.save(tmp_path / "data.npz")
    assert main(["sweep", "start", str(file), str(tmp_path / "data.npz"), "--json"]) == 0
    started = json.loads(capsys.readouterr().out)
    runs = runs_of(started["sweep"])
    assert [run.id for run in runs] == started["runs"] and len(runs) == 4
    deadline = time.monotonic() + PATIENCE
    while any(run.status().active for run in runs):
        assert time.monotonic() < deadline, [run.status() for run in runs]
        assert main(["runs", "list"]) == 0  # whoever looks moves the queue
        time.sleep(0.2)
    rows = sweep_table(runs)
    assert [row["settings"] for row in rows] == [{"decoder_hidden": 4}, {"decoder_hidden": 5}]
    last = [run.records()[-1]["valid_loss"] for run in runs[:2]]
    assert rows[0]["states"] == {"done": 2} and rows[0]["seeds"] == [3, 7]
    assert rows[0]["valid_loss"] == pytest.approx(sum(last) / 2) and rows[0]["valid_loss_sd"] == pytest.approx(abs(last[0] - last[1]) / 2**0.5)
    capsys.readouterr()
    assert main(["sweep", "table", started["sweep"]]) == 0
    assert "decoder_hidden 5" in capsys.readouterr().out
    with pytest.raises(JobError, match="from 1 to 2"):
        row_of(runs, None)
    assert main(["sweep", "combine", started["sweep"], "--row", "2", "--out", str(tmp_path / "model")]) == 0
    together = Checkpoint.load(tmp_path / "model")
    assert len(together.members) == 2 and evaluate(together, data)["edge_accuracy"] is not None


def test_a_sweep_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="There is no sweep"):
        runs_of("width-12345678", runs_dir=tmp_path)
