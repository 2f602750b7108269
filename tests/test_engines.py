"""What any engine must do: the same tests over each, with real workers, and a real Ray."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nri_core.errors import JobError
from nri_core.holdout import split
from nri_core.jobs import Run, RunStatus, advance, list_runs, submit
from nri_core.jobs.engines import ENGINES, Engine
from nri_core.jobs.process import Process
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories
from tests.runs import ended, trains, wait_for

TINY = {"epoch_size": 4, "batch_size": 2, "encoder_hidden": 4, "decoder_hidden": 4, "window": 10}
SHORT = TrainConfig(epochs=3, **TINY)
LONGER = TrainConfig(epochs=120, **TINY)  # more than a worker does before it is killed
ENDLESS = TrainConfig(epochs=100_000, **TINY)
SLOTS = 2
CLOCK = {"seconds", "seconds_left", "samples_per_second"}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")]
Submit = Callable[..., Run]


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=12))


@pytest.fixture(scope="module")
def unbroken(data: Trajectories) -> list[dict]:
    """The metrics of LONGER, trained in this process."""
    return lines([record.metrics() for record in fit(*split(data), LONGER, device="cpu", watch=data.select(slice(0, 1)))])


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The name of an engine with SLOTS places on CPUs."""
    limits = tmp_path / "limits.toml"
    limits.write_text(f"cpu_slots = {SLOTS}")
    monkeypatch.setenv("NRI_LIMITS", str(limits))
    if request.param == "ray":
        cluster = request.getfixturevalue("ray_cluster")
        monkeypatch.setenv("NRI_RAY_ADDRESS", cluster.address)
        monkeypatch.setenv("RAY_AUTH_TOKEN", cluster.token)
        monkeypatch.setattr("nri_core.jobs.engines.ray_api.SECONDS", 60.0)  # a busy machine answers late
    return request.param


@pytest.fixture
def start(name: str, data: Trajectories, tmp_path: Path) -> Iterator[Submit]:
    """Submit to the engine, with a runs directory of its own; nothing runs on after the test."""
    runs_dir = tmp_path / "runs"
    yield lambda config, **options: submit(data, config, watch=data.select(slice(0, 1)), engine=name, runs_dir=runs_dir, **{"device": "cpu"} | options)
    for run in list_runs(runs_dir=runs_dir):
        run.cancel()
        wait_for(run, ended)


def process_of(status: RunStatus) -> Process:
    return Process(status.host, status.pid, status.process_start)


def lines(records: list[dict]) -> list[dict]:
    return [{key: value for key, value in record.items() if key not in CLOCK} for record in records]


def test_it_is_one_of_them(name: str) -> None:
    assert isinstance(ENGINES[name], Engine)


def test_from_start_to_end(start: Submit, data: Trajectories) -> None:
    run, since, seen = start(SHORT, name="springs"), 0, []
    while run.status().active:
        advance(run.directory.parent)
        new, since = run.events(since)
        seen += new
        time.sleep(0.05)
    seen += run.events(since)[0]
    status = run.status()
    assert (status.state, status.epoch, status.name, status.attempt) == ("done", 3, "springs", 1), run.log()
    assert status.where.startswith("CPU") and not status.note and not status.device
    expected = fit(*split(data), SHORT, device="cpu", watch=data.select(slice(0, 1)))
    assert lines(run.records()) == lines([record.metrics() for record in expected]), "the same numbers as without any engine"
    ours = {"config.json", "status.json", "metrics.jsonl", "log.txt", "train.npz", "watch.npz", "resume.safetensors"}
    files = set(run.artifacts()) - {"worker.json", "lock"}
    assert ours <= files and {f"snapshots/{epoch:06d}.npz" for epoch in (1, 2, 3)} <= files
    unknown = {file for file in files - ours if file.partition("/")[0] not in ("snapshots", "checkpoint", "tensorboard")}
    assert not unknown, "nobody can tell which engine ran"
    assert seen == run.records() and "Traceback" not in run.log()


def test_pause_step_go_on_stop_and_resume(start: Submit) -> None:
    run = start(ENDLESS)
    process = process_of(wait_for(run, trains))
    run.pause()
    paused = wait_for(run, lambda status: status.paused)
    assert paused.state == "running"
    run.step()
    wait_for(run, lambda status: status.paused and status.epoch == paused.epoch + 1)
    run.unpause()
    wait_for(run, lambda status: not status.paused and status.epoch > paused.epoch + 1)
    run.cancel()
    status = wait_for(run, ended)
    assert status.state == "cancelled" and status.checkpoint and f"epoch {status.epoch} is kept" in status.message
    wait_for(run, lambda _: not process.is_alive())
    run.resume()
    again = wait_for(run, trains)
    assert again.attempt == 2 and again.epoch > status.epoch == again.resumed_epoch


def test_a_killed_worker_is_followed_by_another(start: Submit, unbroken: list[dict]) -> None:
    run = start(LONGER)
    run.pause()
    pid = wait_for(run, lambda status: status.paused).pid  # a busy machine may look too late at one that goes on
    run.unpause()
    os.kill(pid, signal.SIGKILL)
    status = wait_for(run, ended)
    assert (status.state, status.attempt) == ("done", 2), run.log()
    assert lines(run.records()) == unbroken, "the same as an unbroken run, to the bit"


def test_the_queue_keeps_its_order(start: Submit) -> None:
    runs = [start(ENDLESS) for _ in range(SLOTS + 2)]
    assert [run.status().position for run in runs] == [None] * SLOTS + [1, 2]
    runs[-1].cancel()
    assert runs[-1].status().state == "cancelled", "at once: it waited"
    runs[0].cancel()
    wait_for(runs[SLOTS], trains)


def test_what_goes_wrong_is_said(start: Submit) -> None:
    run = start(TrainConfig(objective="elbo", prediction_steps=20, epochs=1))
    status = wait_for(run, ended)
    assert status.state == "failed" and "prediction steps" in status.message
    assert "Traceback" not in status.message and "Traceback" in run.log()


def test_a_worker_that_does_not_heed(start: Submit, name: str) -> None:
    run = start(ENDLESS)
    status = wait_for(run, trains)
    os.kill(status.pid, signal.SIGSTOP)
    run.cancel()
    ENGINES[name].kill(run.directory, run.stored_status())
    status = wait_for(run, ended)
    assert status.state in ("lost", "cancelled") and status.checkpoint


def test_a_worker_that_cannot_begin(start: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", "/nowhere/python")
        run = start(SHORT)
        status = wait_for(run, ended)
    assert status.state in ("failed", "lost")
    assert "could not be started" in status.message or "/nowhere/python" in run.log()
    run.resume()
    assert wait_for(run, ended).state == "done"


@pytest.mark.parametrize("name", ["ray"], indirect=True)
def test_two_runs_share_a_gpu_by_halves(start: Submit) -> None:
    """The GPU is pretended: Ray gives out its number, and the workers fall back to the CPU with a sentence."""
    runs = [start(ENDLESS, device="auto", gpus=0.5) for _ in range(3)]
    first, second = (wait_for(run, trains) for run in runs[:2])
    assert runs[2].status().position == 1
    for status in (first, second):
        assert b"CUDA_VISIBLE_DEVICES=0" in Path(f"/proc/{status.pid}/environ").read_bytes().split(b"\0")
        assert status.device == "cuda" and "trains on the CPU" in status.note
    runs[0].cancel()
    wait_for(runs[2], trains)
    assert runs[1].status().pid == second.pid


@pytest.mark.parametrize("name", ["ray"], indirect=True)
def test_a_machine_that_does_not_see_the_project(start: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nri_core.jobs.engines.ray.PROJECT", Path("/nowhere"))
    run = start(SHORT)
    assert wait_for(run, ended).state == "lost"
    assert "must see /nowhere" in run.log() and "exit code" in run.log()


@pytest.mark.parametrize("name", ["ray"], indirect=True)
def test_a_share_that_no_gpu_has(start: Submit) -> None:
    assert "whole number" in wait_for(start(SHORT, gpus=1.5), ended).message


@pytest.mark.parametrize("name", ["ray"], indirect=True)
def test_a_token_that_is_wrong(start: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", "f" * 64)
        run = start(SHORT)
        assert run.status().state == "failed" and "does not accept the token" in run.status().message
    run.resume()
    assert wait_for(run, ended).state == "done", "nothing was lost"


def test_an_engine_that_is_none(data: Trajectories, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="process, ray; found 'slurm'"):
        submit(data, SHORT, watch=data, engine="slurm", runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())
