"""Nothing is lost: workers and servers are killed at random moments, and every run ends as if nothing had happened."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from nri_core.holdout import split
from nri_core.jobs import Run, RunStatus, list_runs, submit
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import EpochRecord, fit
from nri_core.trajectories import Trajectories

ROOT = Path(__file__).parents[1]
SERVER = "import sys, time; from pathlib import Path; from nri_core.jobs import keep; keep(Path(sys.argv[1])); print('up', flush=True); time.sleep(10_000)"
CONFIG = TrainConfig(epochs=300, epoch_size=8, batch_size=4, encoder_hidden=4, decoder_hidden=4, window=10)
KILLS = 54
AT_ONCE = 3
CLOCK = {"seconds", "seconds_left", "samples_per_second"}


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=8, num_nodes=3, num_steps=12))


@pytest.fixture(scope="module")
def unbroken(data: Trajectories) -> list[EpochRecord]:
    """The same training in this process; the last record has the final weights."""
    return list(fit(*split(data), CONFIG, device="cpu", watch=data.select(slice(0, 1))))


class Servers:
    """A server process that looks after the queue, started again after each death."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, str(self._runs_dir)], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    limits = tmp_path / "limits.toml"
    limits.write_text(f"cpu_slots = {AT_ONCE}")
    monkeypatch.setenv("NRI_LIMITS", str(limits))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "runs").mkdir()
    servers = Servers(tmp_path / "runs")
    yield servers
    servers.kill()
    for run in list_runs(runs_dir=tmp_path / "runs"):
        for pid in workers_of(run):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def workers_of(run: Run) -> list[int]:
    """Every process that works for the run, whatever the files say: its command line carries the run's id."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = path.read_bytes()
            if run.id.encode() in command and b"nri_core.jobs.worker" in command and b" Z " not in (path.parent / "stat").read_bytes():
                found.append(int(path.parent.name))
    return found


def phase(status: RunStatus) -> str:
    """What a worker was doing when it was killed."""
    if status.state == "running":
        return "training" if status.epoch > status.resumed_epoch else "getting ready"
    return "starting" if status.device else "waiting"


def same_as_unbroken(run: Run, unbroken: list[EpochRecord]) -> None:
    """To the bit: every line of metrics but the clock, every snapshot, the final weights."""
    records = [{name: value for name, value in record.items() if name not in CLOCK} for record in run.records()]
    expected = [{name: value for name, value in record.metrics().items() if name not in CLOCK} for record in unbroken]
    assert records == expected
    assert run.snapshots() == [*range(201), *range(210, CONFIG.epochs + 1, 10)]  # of a long history every tenth is kept
    assert all((run.snapshot(epoch).edge_probs == unbroken[epoch - 1].watched.edge_probs).all() for epoch in (1, 150, CONFIG.epochs))
    weights = load_file(run.status().checkpoint / "model.safetensors")
    final = unbroken[-1].checkpoint.model.state_dict()
    assert all(np.array_equal(weights[name], value.numpy()) for name, value in final.items())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_fifty_kills_lose_nothing(servers: Servers, data: Trajectories, unbroken: list[EpochRecord], tmp_path: Path) -> None:
    runs_dir, chance, kills = tmp_path / "runs", random.Random(4), Counter[str]()
    runs: list[Run] = []
    for victim in itertools.cycle(("worker", "worker", "server", "worker", "both")):
        while sum(run.status().active for run in runs) < AT_ONCE:
            runs.append(submit(data, CONFIG, watch=data.select(slice(0, 1)), name="survivor", runs_dir=runs_dir))
        if kills.total() >= KILLS:
            break
        time.sleep(chance.uniform(0, 2.5))
        alive = [(run, pids) for run in runs if (pids := workers_of(run))]
        assert all(len(pids) == 1 for _, pids in alive), "two workers for one run"
        working = [run for run, _ in alive if run.stored_status().active]  # one that has said its last word makes room before its process is gone
        assert len(working) <= AT_ONCE, "more workers than slots"
        if victim in ("server", "both"):
            kills["server"] += 1
            servers.kill()
        if victim in ("worker", "both") and alive:
            run, (pid,) = chance.choice(alive)
            kills[f"worker, {phase(run.stored_status())}"] += 1
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if victim in ("server", "both"):
            servers.start()
    lost = Counter[str]()
    deadline = time.monotonic() + 900  # on a machine that does much else besides
    while active := [run for run in runs if run.status().state != "done"]:
        assert time.monotonic() < deadline, [(run.status(), run.log()) for run in active]
        for run in active:
            status = run.stored_status()
            assert status.state in ("queued", "running", "lost", "done"), (status, run.log())
            if status.state == "lost":  # several workers in a row died at one place: a person presses Resume
                lost["lost, then resumed"] += 1
                run.resume()
        time.sleep(0.2)
    for run in runs:
        same_as_unbroken(run, unbroken)
    print(f"{kills.total()} kills of {len(runs)} runs: {dict(kills)}; workers started: {sum(run.status().attempt for run in runs)}; {dict(lost)}")
