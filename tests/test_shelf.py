"""Runs on a shelf: renamed, put away and taken back, packed and unpacked elsewhere, repeated by a command, read by TensorBoard."""

import io
import os
import shlex
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nri_core.checkpoint import Checkpoint
from nri_core.errors import JobError
from nri_core.jobs import Run, list_runs, open_run
from nri_core.jobs.repeat import command
from nri_core.jobs.shelf import BIN, delete, pack, rename, restore, unpack
from nri_core.jobs.sweep import averaged
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests.runs import trained_here

ROOT = Path(__file__).parents[1]
CONFIG = TrainConfig(
    epochs=3, epoch_size=4, batch_size=2, encoder_hidden=4, decoder_hidden=4, window=10, learning_rate=1.7e-3, edge_prior=(0.75, 0.25), keep_best=True, seed=5
)


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=40))


@pytest.fixture(scope="module")
def trained(data: Trajectories, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = trained_here(data, CONFIG, valid=data, watch=data.select(slice(0, 1)), name="a run", device="cpu", runs_dir=tmp_path_factory.mktemp("runs"))
    assert run.status().state == "done", run.log()
    return run


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> Run:
    """The same run in another folder of runs, as if on another machine."""
    pack(trained, tmp_path / "run.zip")
    with open(tmp_path / "run.zip", "rb") as file:
        return unpack(file, runs_dir=tmp_path / "runs")


def test_a_run_has_the_name_that_it_was_given_last(copied: Run) -> None:
    assert copied.status().name == copied.name == "a run"
    rename(copied, "  the best\nrun ")
    assert copied.status().name == copied.name == "the best run" and copied.data_name == "a run"
    for bad in ("", " ", "x" * 121):
        with pytest.raises(JobError, match="1 to 120 characters"):
            rename(copied, bad)


def test_deleted_runs_can_be_taken_back_for_a_day(copied: Run) -> None:
    runs_dir = copied.directory.parent
    delete(copied)
    assert list_runs(runs_dir=runs_dir) == []
    with pytest.raises(JobError, match="There is no run"):
        open_run(copied.id, runs_dir=runs_dir)
    assert restore(copied.id, runs_dir=runs_dir) == copied and copied.status().state == "done"
    delete(copied)
    old = time.time() - 25 * 3600
    os.utime(runs_dir / BIN / copied.id, (old, old))
    with open(runs_dir.parent / "run.zip", "rb") as file:
        again = unpack(file, runs_dir=runs_dir)
    delete(again)  # empties the bin of what is too old
    assert restore(again.id, runs_dir=runs_dir).records()
    for gone in ("0" * 32, "../x", again.id):
        with pytest.raises(JobError, match="gone for good"):
            restore(gone, runs_dir=runs_dir)


def test_a_run_deleted_and_opened_again_from_its_archive_is_a_run_like_any(copied: Run) -> None:
    runs_dir = copied.directory.parent
    for _ in range(2):
        delete(copied)
        with open(runs_dir.parent / "run.zip", "rb") as file:
            assert unpack(file, runs_dir=runs_dir) == copied
    assert restore(copied.id, runs_dir=runs_dir) == copied and list_runs(runs_dir=runs_dir) == [copied]


def test_a_run_that_is_not_over_stays(copied: Run) -> None:
    text = (copied.directory / "status.json").read_text()
    (copied.directory / "status.json").write_text(text.replace('"done"', '"queued"'))
    with pytest.raises(JobError, match="Stop it first"):
        delete(copied)
    (copied.directory / "status.json").write_text("nothing")
    delete(copied)


def test_a_packed_run_opens_elsewhere(trained: Run, copied: Run, data: Trajectories) -> None:
    assert copied.directory != trained.directory and copied.records() == trained.records()
    assert copied.status().model_copy(update={"checkpoint": None}) == trained.status().model_copy(update={"checkpoint": None})
    assert (copied.snapshot(3).edge_probs == trained.snapshot(3).edge_probs).all() and copied.held_out().digest == data.digest
    Checkpoint.load(copied.checkpoint_dir).check(data)
    assert str(trained.directory) not in "".join(path.read_text() for path in copied.directory.glob("*.json"))
    with open(copied.directory.parent.parent / "run.zip", "rb") as file, pytest.raises(JobError, match="here already"):
        unpack(file, runs_dir=copied.directory.parent)


def test_a_mean_lies_with_its_first_run_and_travels_with_it(copied: Run, tmp_path: Path) -> None:
    folder = averaged([copied, copied])
    written = (folder / "config.json").stat().st_mtime_ns
    assert averaged([copied, copied]) == folder and (folder / "config.json").stat().st_mtime_ns == written, "made once"
    pack(copied, tmp_path / "with.zip")
    with open(tmp_path / "with.zip", "rb") as file:
        there = unpack(file, runs_dir=tmp_path / "elsewhere")
    assert len(Checkpoint.load(there.directory / folder.relative_to(copied.directory)).members) == 2


def test_a_run_packed_before_it_was_over_can_be_resumed_elsewhere(copied: Run, tmp_path: Path) -> None:
    text = (copied.directory / "status.json").read_text()
    (copied.directory / "status.json").write_text(text.replace('"done"', '"running"'))
    pack(copied, tmp_path / "half.zip")
    with open(tmp_path / "half.zip", "rb") as file:
        there = unpack(file, runs_dir=tmp_path / "elsewhere")
    assert there.status().state == "lost" and "another machine" in there.status().message


RUN = "0123456789abcdef" * 2
LINK = zipfile.ZipInfo(f"{RUN}/log.txt")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({}, "at most 20,000 files; found 0"),
        ({"config.json": b""}, "one folder, named by the id"),
        ({f"{RUN}/config.json": b"{}", "b" * 32 + "/config.json": b""}, "one folder"),
        ({f"{RUN}/../../evil.txt": b""}, "which no run has"),
        ({f"{RUN}/snapshots/../../x.npz": b""}, "which no run has"),
        ({f"{RUN}/run.py": b"import os"}, "which no run has"),
        ({f"{RUN}/snapshots/000001.pkl": b""}, "which no run has"),
        ({LINK: b"/etc/passwd"}, "which no run has"),
        ({f"{RUN}/config.json": b"{}"}, "cannot be read"),
    ],
)
def test_what_is_no_packed_run_leaves_nothing(entries: dict, says: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(JobError, match=says):
        unpack(packed, runs_dir=tmp_path / "runs")
    assert not list(tmp_path.rglob("*.txt")) and not list((tmp_path / "runs").glob("*"))


@pytest.mark.parametrize("damage", ["no zip", "torn", "bomb"])
def test_damaged_archives(damage: str, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(trained, tmp_path / "run.zip")
    content = (tmp_path / "run.zip").read_bytes()
    if damage == "bomb":
        monkeypatch.setattr("nri_core.jobs.shelf.MAX_ARCHIVE_BYTES", 1000)
    bad = {"no zip": b"nothing", "torn": content[:-500], "bomb": content}[damage]
    with pytest.raises(JobError, match="unpacks to" if damage == "bomb" else "Expected a packed run"):
        unpack(io.BytesIO(bad), runs_dir=tmp_path / "runs")


@pytest.mark.slow
def test_the_command_repeats_the_run_to_the_bit(trained: Run, tmp_path: Path) -> None:
    line = shlex.split(command(trained, out=str(tmp_path / "model")))
    done = subprocess.run([sys.executable, *line[1:]], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (tmp_path / "model", trained.checkpoint_dir))
    assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_command_names_only_what_differs(trained: Run) -> None:
    line = command(trained)
    assert "--preset live" in line and "learning_rate=0.0017" in line and "edge_prior=0.75,0.25" in line and "objective" not in line


def test_tensorboard_reads_a_run(trained: Run) -> None:
    events = EventAccumulator(str(trained.directory / "tensorboard"))
    events.Reload()
    records = trained.records()
    assert [scalar.step for scalar in events.Scalars("loss")] == [1, 2, 3]
    assert [scalar.value for scalar in events.Scalars("valid_loss")] == pytest.approx([record["valid_loss"] for record in records], rel=1e-6)
    assert [scalar.step for scalar in events.Scalars("valid_mse/10")] == [1, 3]
