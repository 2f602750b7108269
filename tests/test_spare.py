"""The spare worker: it takes the run it waits for, and goes when it is not wanted or the server dies."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_core.jobs import Run, list_runs, prepare, submit
from nri_core.jobs.engines.process import SPARE
from nri_core.jobs.process import process_of
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests.runs import PATIENCE, ended, trains, wait_for
from tests.test_engines import ENDLESS, SHORT

ROOT = Path(__file__).parents[1]
SERVER = "import sys; from pathlib import Path; from nri_core.jobs import prepare; prepare(Path(sys.argv[1])); print('ready', flush=True); input()"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")]


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=12))


@pytest.fixture(autouse=True)
def no_spare_worker() -> None:
    """Here it is what is tested."""


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One slot; nothing runs on after the test."""
    (tmp_path / "limits.toml").write_text("cpu_slots = 1")
    monkeypatch.setenv("NRI_LIMITS", str(tmp_path / "limits.toml"))
    yield tmp_path
    for run in list_runs(runs_dir=tmp_path):
        run.cancel()
        wait_for(run, ended)
    SPARE.release(tmp_path / (SPARE.reserve(tmp_path) or "none"))


def spares(runs_dir: Path) -> dict[str, int]:
    """Run id → pid of the workers that wait for a run of this directory."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((folder / name).read_bytes().split(b"\0") for name in ("cmdline", "environ"))
        except OSError:
            continue  # it has just ended
        if b"nri_core.jobs.worker" in command[:-2] and f"NRI_RUNS_DIR={runs_dir}".encode() in environment and process_of(int(folder.name)).start:
            found[command[3].decode()] = int(folder.name)
    return found


def test_it_takes_the_next_run_and_no_other(runs_dir: Path, data: Trajectories) -> None:
    prepare(runs_dir)
    prepare(runs_dir)  # a second visitor
    deadline = time.monotonic() + PATIENCE
    while not (found := spares(runs_dir)) and time.monotonic() < deadline:  # a process that has just been started has no command line for a moment
        time.sleep(0.05)
    ((run_id, pid),) = found.items()

    def start(config: object) -> Run:
        return submit(data, config, watch=data.select(slice(0, 1)), device="cpu", runs_dir=runs_dir)

    run = start(ENDLESS)
    assert run.id == run_id
    assert wait_for(run, trains).pid == pid
    prepare(runs_dir)
    waits = start(SHORT)  # the only slot is taken: its worker goes, and there is another once it is its turn
    assert not set(spares(runs_dir)) - {run_id, waits.id}
    run.cancel()
    wait_for(run, ended)
    assert wait_for(waits, ended).state == "done", waits.log()
    assert "Traceback" not in run.log() + waits.log()


def test_it_goes_with_the_server(runs_dir: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER, runs_dir], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout.readline() == b"ready\n"
    (pid,) = spares(runs_dir).values()
    waiting = process_of(pid)
    server.kill()
    server.communicate()
    subprocess.run(["tail", f"--pid={pid}", "-f", "/dev/null"], timeout=PATIENCE, check=True)
    assert not waiting.is_alive()
