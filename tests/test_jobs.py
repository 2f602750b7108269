"""Training runs as real processes: they end well, are stopped, are killed, run out of disk; whoever looks gets one clear sentence."""

import json
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nri_core.checkpoint import Checkpoint
from nri_core.errors import JobError
from nri_core.jobs import Run, RunStatus, list_runs, open_run, submit
from nri_core.jobs.claim import claimed
from nri_core.jobs.limits import Limits
from nri_core.jobs.process import Process, this_process
from nri_core.jobs.recorder import Recorder
from nri_core.jobs.worker import Reporter, work
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import EpochRecord
from nri_core.trajectories import Trajectories
from tests.runs import PATIENCE, ended, signals_kept

TINY = {"epoch_size": 4, "batch_size": 2, "encoder_hidden": 4, "decoder_hidden": 4, "window": 10}
SHORT = TrainConfig(epochs=2, **TINY)
ENDLESS = TrainConfig(epochs=100_000, **TINY)


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=12))


@pytest.fixture
def start(data: Trajectories, tmp_path: Path) -> Iterator[Callable[[TrainConfig], Run]]:
    """Submit with a run directory of its own; nothing runs on after the test."""
    yield lambda config: submit(data, config, watch=data.select(slice(0, 1)), name="test", runs_dir=tmp_path)
    for run in list_runs(runs_dir=tmp_path):
        if run.status().active:
            run.cancel()
            wait_for(run, lambda status: not status.active)


def wait_for(run: Run, reached: Callable[[RunStatus], bool]) -> RunStatus:
    """Look without moving the queue: nobody starts another worker."""
    deadline = time.monotonic() + PATIENCE
    while not reached(status := run.status()):
        assert time.monotonic() < deadline, f"{status}\n{run.log()}"
        time.sleep(0.05)
    return status


def test_a_run_from_start_to_end(data: Trajectories, start: Callable[[TrainConfig], Run], tmp_path: Path) -> None:
    run = start(SHORT)
    assert run.status().active, "nobody waits for it"
    status = wait_for(run, ended)
    assert (status.state, status.epoch, status.num_epochs, status.name) == ("done", 2, 2, "test"), run.log()
    assert [record["epoch"] for record in run.records()] == run.snapshots()[1:] == [1, 2]
    assert run.snapshots()[0] == 0, "what the untrained model sees"
    assert run.snapshot(2).edge_probs.shape == (1, 3, 3, 2)
    assert run.watched().digest == data.select(slice(0, 1)).digest
    assert run.config() == SHORT
    checkpoint = Checkpoint.load(status.checkpoint)
    checkpoint.check(data)
    assert checkpoint.config.metadata["figures"]["epoch"] == 2
    assert open_run(run.id, runs_dir=tmp_path) == run and list_runs(runs_dir=tmp_path) == [run]
    run.cancel()
    assert run.status().state == "done", "a run that has ended stays as it is"
    with pytest.raises(JobError, match="epoch 3"):
        run.snapshot(3)


@pytest.mark.slow
def test_cancel_keeps_the_checkpoint(start: Callable[[TrainConfig], Run]) -> None:
    run = start(ENDLESS)
    wait_for(run, lambda status: status.epoch >= 2)
    run.cancel()
    status = wait_for(run, ended)
    assert status.state == "cancelled" and f"epoch {status.epoch} is kept" in status.message
    assert Checkpoint.load(status.checkpoint)
    process = Process(status.host, status.pid, status.process_start)
    wait_for(run, lambda _: not process.is_alive())


def test_a_wish_to_stop_that_comes_while_an_epoch_is_written(written: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of the run is what is kept of it. This process is the worker."""

    def add(recorder: Recorder, record: EpochRecord) -> None:
        added(recorder, record)
        if record.epoch == 2:
            raise KeyboardInterrupt

    run, added = written(), Recorder.add
    monkeypatch.setattr(Recorder, "add", add)
    with signals_kept():
        work(run, "cpu")
    status = run.status()
    assert (status.state, status.epoch) == ("cancelled", 2) and "after epoch 2" in status.message and "epoch 2 is kept" in status.message


def test_a_wish_to_stop_is_repeated_until_it_is_heeded(written: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nri_core.jobs.worker.HEARTBEAT_SECONDS", 0.01)
    asked = threading.Semaphore(0)
    monkeypatch.setattr("_thread.interrupt_main", asked.release)
    run = written()
    run.cancel_file.touch()
    reporter = Reporter(run, "cpu", Limits())
    try:
        assert asked.acquire(timeout=PATIENCE) and asked.acquire(timeout=PATIENCE)
    finally:
        reporter.heeded = True
        reporter.end("cancelled", "Stopped.")


@pytest.mark.slow
def test_killed_is_lost_and_keeps_the_checkpoint(start: Callable[[TrainConfig], Run]) -> None:
    run = start(ENDLESS)
    status = wait_for(run, lambda status: status.epoch >= 2)
    os.kill(status.pid, signal.SIGKILL)
    status = wait_for(run, ended)
    assert status.state == "lost" and "is kept" in status.message
    assert Checkpoint.load(status.checkpoint)
    assert run.records()


@pytest.mark.slow
def test_terminated_stops_in_order(start: Callable[[TrainConfig], Run]) -> None:
    run = start(ENDLESS)
    status = wait_for(run, lambda status: status.epoch >= 1)
    os.kill(status.pid, signal.SIGTERM)
    status = wait_for(run, ended)
    assert status.state == "cancelled" and Checkpoint.load(status.checkpoint)


@pytest.mark.slow
def test_settings_that_do_not_fit_the_data(start: Callable[[TrainConfig], Run]) -> None:
    run = start(TrainConfig(objective="elbo", prediction_steps=20, epochs=1))
    status = wait_for(run, ended)
    assert status.state == "failed" and "prediction steps" in status.message
    assert "Traceback" not in status.message and "Traceback" in run.log()


@contextmanager
def little_disk(most: int) -> Iterator[None]:
    """No file may grow beyond `most` bytes, here and in processes started here."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_the_disk_fills_up_while_training(data: Trajectories, start: Callable[[TrainConfig], Run]) -> None:
    with little_disk(100_000):
        run = start(ENDLESS.model_copy(update={"encoder_hidden": 256, "decoder_hidden": 256}))
    status = wait_for(run, ended)
    assert status.state == "failed" and "Free some space" in status.message, run.log()


@pytest.mark.parametrize("place", ["full", "unwritable"])
def test_a_run_that_cannot_be_written_leaves_nothing(place: str, data: Trajectories, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    runs_dir = tmp_path / "file" / "runs" if place == "unwritable" else tmp_path / "runs"
    with pytest.raises(JobError, match="could not be started"), little_disk(2000):
        submit(data, SHORT, watch=data.select(slice(0, 1)), runs_dir=runs_dir)
    assert not [path for path in tmp_path.rglob("*") if path.name not in ("file", "runs")]


@pytest.mark.parametrize("run_id", ["", ".", "..", "../../etc/passwd", "0" * 31, "0" * 33, "/" + "0" * 31, "0" * 31 + "\n", "0" * 32])
def test_ids_that_are_none(run_id: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(JobError, match="There is no run"):
        open_run(run_id, runs_dir=tmp_path)


def test_ids_cannot_be_guessed(tmp_path: Path, written: Callable[..., Run]) -> None:
    assert len({written().id for _ in range(3)}) == 3
    assert all(len(run.id) == 32 for run in list_runs(runs_dir=tmp_path))


@pytest.fixture
def written(data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """A run as files only, without a process, whose status says what one likes."""

    def write(**status: object) -> Run:
        with monkeypatch.context() as patch:
            patch.setattr("nri_core.jobs.submission.advance", lambda runs_dir: None)
            run = submit(data, SHORT, watch=data.select(slice(0, 1)), runs_dir=tmp_path)
        if status:
            stored = run.stored_status().model_copy(update=status)
            (run.directory / "status.json").write_text(stored.model_dump_json())
        return run

    return write


def test_a_torn_line_of_metrics_is_left_out(written: Callable[..., Run]) -> None:
    run = written()
    assert run.records() == []
    metrics = run.directory / "metrics.jsonl"
    metrics.write_text('{"epoch": 1}\n{"epoch": 2}\n{"epo')
    assert run.records() == [{"epoch": 1}, {"epoch": 2}]
    metrics.write_text('{"epoch": 1}\n{"epo\n{"epoch": 3}\n')
    with pytest.raises(JobError, match="metrics"):
        run.records()


def test_lost_where_the_process_cannot_be_seen(written: Callable[..., Run]) -> None:
    now = datetime.now(UTC)
    elsewhere = {"state": "running", "host": "another-machine", "pid": 1, "process_start": 1}
    assert written(**elsewhere, heartbeat=now).status().state == "running"
    assert written(**elsewhere, heartbeat=now - timedelta(minutes=5)).status().state == "lost"
    assert written(heartbeat=now - timedelta(minutes=5)).status().state == "queued", "it may wait as long as it must"


def test_a_pid_that_now_belongs_to_another_process(written: Callable[..., Run]) -> None:
    me = this_process()
    run = written(state="running", host=me.host, pid=me.pid, process_start=me.start, heartbeat=datetime.now(UTC) - timedelta(hours=9))
    with claimed(run.directory):
        assert run.status().state == "running", "the machine slept, and so did its worker"
    assert run.status().state == "lost", "the lock is gone with the worker, whatever has its pid now"


def test_a_damaged_status_is_said(written: Callable[..., Run]) -> None:
    run = written()
    (run.directory / "status.json").write_text('{"id": 3}')
    with pytest.raises(JobError, match="cannot be read"):
        run.status()


def test_what_lies_about_is_not_a_run(written: Callable[..., Run], tmp_path: Path) -> None:
    run = written()
    for name in (".half-written", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({}))
    assert list_runs(runs_dir=tmp_path) == [run]
    assert list_runs(runs_dir=tmp_path / "nowhere") == []
