"""The queue: several servers agree, the index is made anew from the directories, limits hold, and what was damaged by hand is left as it is."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nri_core.command_line import main
from nri_core.errors import ConfigError, JobError
from nri_core.holdout import split
from nri_core.jobs import Run, advance, list_runs, open_run, submit
from nri_core.jobs.claim import claimed
from nri_core.jobs.process import this_process
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories
from tests.runs import PATIENCE, ended, trains, wait_for
from tests.test_jobs import little_disk
from tests.test_survival import CLOCK, workers_of

ROOT = Path(__file__).parents[1]
TINY = {"epoch_size": 4, "batch_size": 2, "encoder_hidden": 4, "decoder_hidden": 4, "window": 10}
SHORT = TrainConfig(epochs=2, **TINY)
LONGER = TrainConfig(epochs=300, **TINY)
ENDLESS = TrainConfig(epochs=100_000, **TINY)
Submit = Callable[..., Run]


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=12))


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change the limits of this server: a slot on the CPU, and what else a test wants."""

    def change(**values: float) -> None:
        (tmp_path / "limits.toml").write_text("\n".join(f"{name} = {value}" for name, value in ({"cpu_slots": 1} | values).items()))

    change()
    monkeypatch.setenv("NRI_LIMITS", str(tmp_path / "limits.toml"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return change


@pytest.fixture
def start(data: Trajectories, tmp_path: Path, limit: Callable[..., None]) -> Iterator[Submit]:
    """Submit; no worker lives on after the test."""
    yield lambda config=SHORT, **options: submit(data, config, watch=data.select(slice(0, 1)), runs_dir=tmp_path / "runs", **options)
    for run in list_runs(runs_dir=tmp_path / "runs"):
        for pid in workers_of(run):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def busy(start: Submit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run that holds the only slot: this process claims to be its worker."""
    with monkeypatch.context() as patch:
        patch.setattr("nri_core.jobs.engines.process.ProcessEngine.start", lambda *_: None)
        run = start(name="busy")
    me = this_process()
    change(run, state="running", host=me.host, pid=me.pid, process_start=me.start)
    with claimed(run.directory):
        yield run


def change(run: Run, **fields: object) -> None:
    """Write a status as another process might have."""
    (run.directory / "status.json").write_text(run.stored_status().model_copy(update=fields).model_dump_json())


def places(runs: list[Run]) -> list[int | None]:
    advance(runs[0].directory.parent)
    return [run.status().position for run in runs]


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_first_in_first_out(busy: Run, start: Submit) -> None:
    runs = [start() for _ in range(4)]
    assert places([busy, *runs]) == [None, 1, 2, 3, 4]
    runs[1].cancel()
    assert runs[1].status().state == "cancelled" and "waited" in runs[1].status().message
    assert places(runs) == [1, None, 2, 3]
    runs[1].resume()
    assert places(runs) == [1, 4, 2, 3]
    assert not any(workers_of(run) for run in runs)


@pytest.mark.parametrize("harm", ["absent", "empty", "text", "foreign", "newer", "torn"])
def test_the_index_is_made_anew(harm: str, busy: Run, start: Submit) -> None:
    runs = [start() for _ in range(3)]
    index = busy.directory.parent / "index.sqlite"
    for suffix in ("-wal", "-shm"):
        index.with_name(index.name + suffix).unlink(missing_ok=True)
    if harm == "torn":
        index.write_bytes(index.read_bytes()[:5000] + b"x" * 3000)
    elif harm in ("foreign", "newer"):
        index.unlink()
        with sqlite3.connect(index) as other:
            other.execute("CREATE TABLE recipes (title TEXT)")
            other.execute(f"PRAGMA user_version = {9 if harm == 'newer' else 1}")
        other.close()
    elif harm == "absent":
        index.unlink()
    else:
        index.write_bytes(b"" if harm == "empty" else b"dear diary\n" * 1000)
    assert places([busy, *runs]) == [None, 1, 2, 3]
    assert index.with_name("index.sqlite.damaged").exists() == (harm not in ("absent", "empty")), "what was there is kept"


def test_servers_submit_at_once(busy: Run, data: Trajectories, tmp_path: Path) -> None:
    data.save(tmp_path / "data.npz")
    server = f"""
from pathlib import Path
from nri_core.jobs import submit
from nri_core.settings import TrainConfig
from nri_core.trajectories import Trajectories
data = Trajectories.load(Path({str(tmp_path / "data.npz")!r}))
for _ in range(8):
    submit(data, TrainConfig(epochs=1), watch=data, runs_dir=Path({str(busy.directory.parent)!r}))
"""
    servers = [subprocess.Popen([sys.executable, "-c", server], cwd=ROOT) for _ in range(3)]
    assert [server.wait(PATIENCE) for server in servers] == [0, 0, 0]
    waiting = [run for run in list_runs(runs_dir=busy.directory.parent) if run != busy]
    assert sorted(places(waiting)) == list(range(1, 25))


def test_limits_of_a_shared_server(busy: Run, start: Submit, limit: Callable[..., None], data: Trajectories) -> None:
    limit(runs_per_user=1)
    first = start(user="ada")
    with pytest.raises(JobError, match="You have 1 runs waiting or running"):
        start(user="ada")
    start(user="bob")
    first.cancel()
    second = start(user="ada")
    with pytest.raises(JobError, match="You have 1 runs"):
        first.resume()
    assert first.status().state == "cancelled" and second.status().position == 2
    limit(queue_length=2)
    with pytest.raises(JobError, match="2 runs are waiting already"):
        start()
    limit(data_megabytes=0.001)
    with pytest.raises(JobError, match="at most 0.001 MB; these data have"):
        start()
    limit(edges=5)
    with pytest.raises(JobError, match="at most 5 pairs of nodes; these data have 6"):
        start()
    limit(edge=5)
    with pytest.raises(ConfigError, match=r"limits.toml: edge: "):
        start()
    limit()
    assert len(list_runs(runs_dir=busy.directory.parent)) == 4
    assert not list(busy.directory.parent.glob(".*")), "nothing is left of what was refused"


HARM = {
    "config.json is no JSON": ("config.json", "{", "cannot be read"),
    "config.json was edited": ("config.json", '{"settings": {"epochs": -3}}', "settings.epochs"),
    "of a newer version": ("config.json", '{"format": 2, "colour": "blue"}', r"newer NRI Explorer \(format 2; this one reads 1\)"),
    "status.json is gone": ("status.json", None, "status.json is missing"),
    "status.json is torn": ("status.json", '{"id": "ab', "cannot be read"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_directory_is_left_as_it_is(harm: str, busy: Run, start: Submit) -> None:
    name, text, sentence = HARM[harm]
    run, other = start(), start()
    file, before = run.directory / name, (run.directory / name).read_text()
    file.unlink() if text is None else file.write_text(text)
    found = contents(run.directory)
    assert places([other]) == [1], "others need not wait for it"
    for ask in (run.status, run.cancel, run.resume):
        with pytest.raises(JobError, match=sentence) as said:
            ask()
        assert "\n" not in str(said.value) and len(str(said.value)) < 250
    assert contents(run.directory) == found
    file.write_text(before)
    assert places([other, run]) == [1, 2], "once mended it is taken up again"


def test_a_directory_from_another_machine(busy: Run, start: Submit, tmp_path: Path) -> None:
    states = {"queued": "lost", "running": "lost", "done": "done", "cancelled": "cancelled"}
    runs = {state: start(name=state) for state in states}
    for state, run in runs.items():
        long_ago = datetime.now(UTC) - timedelta(days=2)
        change(run, state=state, host="another-machine", pid=1, heartbeat=long_ago, device="cpu" if state == "running" else "")
        shutil.copytree(run.directory, tmp_path / "here" / run.id)
    advance(tmp_path / "here")
    copies = {state: open_run(run.id, runs_dir=tmp_path / "here") for state, run in runs.items()}
    assert {state: run.status().state for state, run in copies.items()} == states
    assert "another machine; resume" in copies["queued"].status().message
    assert all(str(tmp_path) not in text.decode(errors="replace") for run in copies.values() for text in contents(run.directory).values())
    shutil.copytree(busy.directory, tmp_path / "here" / busy.id)
    blocker = open_run(busy.id, runs_dir=tmp_path / "here")
    with claimed(blocker.directory):
        advance(tmp_path / "here")
        for state in ("queued", "running", "cancelled"):
            copies[state].resume()
        assert places([copies[state] for state in ("queued", "running", "cancelled")]) == [1, 2, 3]
        with pytest.raises(JobError, match="this one is done"):
            copies["done"].resume()


def test_wishes_that_come_too_late(busy: Run, start: Submit) -> None:
    run = start()
    with pytest.raises(JobError, match="this one is queued"):
        run.resume()
    run.cancel()
    for wish in (run.pause, run.step):
        with pytest.raises(JobError, match="waits or trains .* this one is cancelled"):
            wish()
    assert not run.pause_file.exists()


def test_what_the_command_line_says(busy: Run, start: Submit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One damaged run keeps no other from being listed; a wish that cannot be is one line and exit code 2."""
    monkeypatch.setenv("NRI_RUNS_DIR", str(busy.directory.parent))
    waiting, damaged = start(), start()
    (damaged.directory / "config.json").write_text("{")
    assert main(["runs", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {run["id"]: (run["state"], run["position"]) for run in told["runs"]} == {busy.id: ("running", None), waiting.id: ("queued", 1)}
    assert "cannot be read" in told["unreadable"][damaged.id]
    assert main(["runs", "resume", waiting.id]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["runs", "cancel", waiting.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "cancelled"


def test_metrics_that_were_cut_are_told_again(busy: Run) -> None:
    metrics = busy.directory / "metrics.jsonl"
    metrics.write_text('{"epoch": 1, "seconds": 0.12}\n{"epoch": 2}\n')
    records, since = busy.events()
    assert [record["epoch"] for record in records] == [1, 2] and busy.events(since) == ([], since)
    metrics.write_text('{"epoch": 1, "seconds": 0.12}\n')
    assert [record["epoch"] for record in busy.events(since)[0]] == [1], "shorter"
    metrics.write_text('{"epoch": 1, "seconds": 0.12345}\n{"epoch": 2}\n{"epoch": 3}\n')
    records, since = busy.events(since)
    assert [record["epoch"] for record in records] == [1, 2, 3], "other lines"
    with open(metrics, "a") as file:
        file.write('{"epoch": 4}\n')
    assert [record["epoch"] for record in busy.events(since)[0]] == [4]


def equal_to_unbroken(run: Run, data: Trajectories) -> None:
    expected = list(fit(*split(data), run.config(), device="cpu", watch=run.watched()))
    told, known = run.records(), [record.metrics() for record in expected]
    assert [line | dict.fromkeys(CLOCK) for line in told] == [line | dict.fromkeys(CLOCK) for line in known]
    assert (run.snapshot(len(expected)).edge_probs == expected[-1].watched.edge_probs).all()


@pytest.mark.slow
def test_stopped_anywhere_and_resumed_is_unbroken(start: Submit, data: Trajectories) -> None:
    """The wish to stop may come in the middle of an epoch; what is saved then is the end of the last one."""
    run = start(LONGER.model_copy(update={"epochs": 40, "epoch_size": 16}))
    for _ in range(3):
        status = wait_for(run, lambda status: trains(status) or ended(status))
        if ended(status):
            break
        run.cancel()
        assert wait_for(run, ended).state in ("cancelled", "done")
        if run.status().state == "cancelled":
            run.resume()
    assert wait_for(run, ended).state == "done", run.log()
    assert run.status().attempt > 1, "it was never stopped"
    equal_to_unbroken(run, data)


@pytest.mark.slow
def test_a_full_disk_then_space(start: Submit, data: Trajectories) -> None:
    with little_disk(40_000):
        run = start(LONGER)
        status = wait_for(run, ended)
    assert status.state == "failed" and "Free some space" in status.message, run.log()
    assert 1 < len(run.records()) < LONGER.epochs
    run.resume()
    assert wait_for(run, ended).state == "done", run.log()
    equal_to_unbroken(run, data)


@pytest.mark.slow
def test_asleep_paused_and_out_of_time(start: Submit, limit: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    limit(pause_seconds=1, run_seconds=0)
    run = start(ENDLESS)
    status = wait_for(run, trains)
    os.kill(status.pid, signal.SIGSTOP)
    monkeypatch.setattr("nri_core.jobs.status.STALE_SECONDS", 0.5)
    time.sleep(2)
    advance(run.directory.parent)
    assert run.status().state == "running" and run.status().attempt == 1, "it sleeps"
    assert run.status().epoch == (asleep := run.status().epoch)
    worker = [sys.executable, "-m", "nri_core.jobs.worker", run.id, "cpu"]
    second = subprocess.run(worker, cwd=ROOT, env=os.environ | {"NRI_RUNS_DIR": str(run.directory.parent)})
    assert second.returncode == 0 and run.status().pid == status.pid, "a second worker leaves it alone"
    os.kill(status.pid, signal.SIGCONT)
    wait_for(run, lambda status: status.epoch > asleep + 1)
    run.pause()
    status = wait_for(run, ended)
    assert status.state == "cancelled" and "pause of 1 s" in status.message and "is kept" in status.message
    assert not status.paused and run.state_file.exists()
    limit(run_seconds=2 * status.busy_seconds + 10)  # as long again as it took to train a few epochs, however slow the machine
    run.resume()
    again = wait_for(run, ended)
    assert again.state == "cancelled" and "limit of" in again.message and again.epoch > status.epoch


@pytest.mark.slow
def test_a_directory_without_the_state(start: Submit) -> None:
    run = start(ENDLESS)
    wait_for(run, trains)
    run.cancel()
    wait_for(run, ended)
    run.state_file.unlink()
    records, model = run.records(), run.checkpoint_dir
    run.resume()
    status = wait_for(run, ended)
    assert status.state == "failed" and "resume.safetensors" in status.message and "is kept" in status.message
    assert run.records() == records and run.checkpoint_dir == model, "nothing is overwritten"
    run.state_file.write_bytes(b"no tensors")
    run.resume()
    status = wait_for(run, ended)
    assert status.state == "failed" and "cannot be read" in status.message and run.records() == records
    (run.directory / "train.npz").unlink()
    run.resume()
    assert "train.npz" in wait_for(run, ended).message


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_servers_share_the_slots(start: Submit, limit: Callable[..., None], data: Trajectories, tmp_path: Path) -> None:
    """Three servers look after one queue of two slots: never more workers, never two for a run, everything is done once, in order."""
    limit(cpu_slots=2)
    runs = [start(SHORT) for _ in range(2)]
    server = "import sys, time; from pathlib import Path; from nri_core.jobs import advance\nwhile True: advance(Path(sys.argv[1])); time.sleep(0.02)"
    servers = [subprocess.Popen([sys.executable, "-c", server, str(tmp_path / "runs")], cwd=ROOT) for _ in range(3)]
    try:
        runs += [start(SHORT) for _ in range(5)]
        deadline = time.monotonic() + PATIENCE
        while any(run.status().active for run in runs):
            assert time.monotonic() < deadline
            working = [len(workers_of(run)) for run in runs if run.status().state == "running"]
            assert max(working, default=0) <= 1 and len(working) <= 2
            time.sleep(0.05)
        assert [server.poll() for server in servers] == [None] * 3
    finally:
        for process in servers:
            process.kill()
            process.wait()
    statuses = [run.status() for run in runs]
    assert all((status.state, status.attempt, status.epoch) == ("done", 1, 2) for status in statuses)
    began = [status.started for status in statuses]
    assert all(later > earlier for earlier, later in zip(began[:-2], began[2:], strict=True)), "first in, first out, two at once"
