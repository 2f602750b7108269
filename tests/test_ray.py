"""Ray clusters that are none, and the Ray of this machine: found again, alone with its token, and gone without a trace."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_core.command_line import main
from nri_core.errors import JobError
from nri_core.jobs import Run, RunStatus, advance, list_runs, submit
from nri_core.jobs.engines import RAY_ENGINE
from nri_core.jobs.engines.ray_api import Cluster, named_cluster
from nri_core.jobs.engines.ray_local import LocalRay
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests.runs import PATIENCE

TINY = TrainConfig(epochs=100_000, epoch_size=4, batch_size=2, encoder_hidden=4, decoder_hidden=4, window=10)
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NRI_RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_nodes=3, num_steps=12))


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """A server that says the same to everybody: its address, and the tokens it was given."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


@pytest.mark.parametrize("address", ["ray://host:10001", "host:8265", "http://", "http://me:secret@host:8265", "http://host:8265/?a", "http://a b"])
def test_addresses_that_are_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NRI_RAY_ADDRESS", address)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a")
    with pytest.raises(JobError, match="such as http://HOST:8265"):
        named_cluster()


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\r\nX-Other: header"])
def test_an_address_needs_a_token(token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert named_cluster() is None
    monkeypatch.setenv("NRI_RAY_ADDRESS", "http://host:8265/")
    (tmp_path / "token").write_text(token)
    for name, value in (("RAY_AUTH_TOKEN", token), ("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(JobError, match="Expected a token for the Ray at http://host:8265"):
                named_cluster()
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(JobError, match="cannot be read"):
        named_cluster()
    (tmp_path / "token").write_text("secret\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert named_cluster() == Cluster("http://host:8265", "secret")
    assert "secret" not in repr(named_cluster())


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(JobError, match="No Ray answers at .* Start the cluster"):
            Cluster(f"http://127.0.0.1:{free.getsockname()[1]}", "a").resources()


def test_somebody_who_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nri_core.jobs.engines.ray_api.SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(JobError, match="No Ray answers"):
        Cluster(f"http://127.0.0.1:{silent.getsockname()[1]}", "a").resources()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "is not the dashboard of Ray"),
        (200, b"[]", "is not the dashboard of Ray"),
        (200, b'{"data": 3}', "is not the dashboard of Ray"),
        (404, b"", "is not the dashboard of Ray"),
        (302, b"", "is not the dashboard of Ray"),
        (401, b"", "does not accept the token"),
        (403, b"", "does not accept the token"),
        (500, b"Traceback\nValueError: no room.\n.\n", "refused .ValueError: no room."),
    ],
)
def test_answers_that_are_none(status: int, body: bytes, said: str) -> None:
    with answering(200, b"{}") as (elsewhere, stolen), answering(status, body, Location=elsewhere) as (address, seen):
        with pytest.raises(JobError, match=said):
            Cluster(address, "secret").resources()
    assert seen == ["Bearer secret"] and not stolen, "a redirect must not carry the token elsewhere"


def test_a_dead_cluster_fails_every_run_that_waits_at_once(data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nri_core.jobs.engines.ray_api.SECONDS", 0.2)
    monkeypatch.setattr("nri_core.jobs.engines.ray.REMEMBERED_SECONDS", PATIENCE)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("NRI_RAY_ADDRESS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("RAY_AUTH_TOKEN", "dead")
        runs = [submit(data, TINY, watch=data.select(slice(0, 1)), engine="ray", runs_dir=tmp_path) for _ in range(4)]
        silent.accept()[0].close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):  # its silence is remembered: nobody asked a second time
            silent.accept()
    for run in runs:
        assert run.status().state == "failed" and "No Ray answers" in run.status().message


def test_without_the_package(data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run = submit(data, TINY, watch=data.select(slice(0, 1)), engine="ray", runs_dir=tmp_path)
    assert run.status().state == "failed" and "pip install -r requirements-ray.txt" in run.status().message
    assert "pip install" in RAY_ENGINE.about(tmp_path).absent
    assert not (tmp_path / "ray").exists()


def test_ray_is_not_imported() -> None:
    subprocess.run([sys.executable, "-c", "import nri_core.jobs, sys; assert not {'ray', 'torch'} & set(sys.modules)"], cwd=ROOT, check=True)


def processes(text: str) -> list[int]:
    """Those whose command line holds it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def traces() -> set[object]:
    """Of any Ray that this project has started."""
    return {*processes("/tmp/nri-ray-"), *Path("/tmp").glob("nri-ray-*")}


def listening_beyond_loopback(session: int) -> list[str]:
    """Addresses (hexadecimal, as in /proc/net/tcp) that processes of a session listen on and another machine could reach."""
    sockets = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session:
                sockets |= {os.readlink(link) for link in (path / "fd").iterdir()}
        except OSError:
            continue
    found, seen = [], 0
    for table in ("tcp", "tcp6"):
        for row in map(str.split, Path("/proc/net", table).read_text().splitlines()[1:]):
            if row[3] == "0A" and f"socket:[{row[9]}]" in sockets:
                seen += 1
                if not row[1].startswith(("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")):
                    found.append(row[1])
    assert seen > 3
    return found


def wait_for(run: Run, runs_dir: Path, *, epoch: int = 0, attempt: int = 1) -> RunStatus:
    deadline = time.monotonic() + PATIENCE
    while not ((status := run.status()).state == "running" and status.epoch > epoch and status.attempt >= attempt):
        assert time.monotonic() < deadline, (status, run.log(), (LocalRay(runs_dir).folder / "head.log").read_text())
        advance(runs_dir)
        time.sleep(0.1)
    return status


def command(wish: str, runs_dir: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "nri_core", "runs", "ray", wish, "--json"]
    return subprocess.run(words, cwd=ROOT, env=os.environ | {"NRI_RUNS_DIR": str(runs_dir)}, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_the_ray_of_this_machine(data: Trajectories, tmp_path: Path) -> None:
    local, before = LocalRay(tmp_path), traces()
    try:
        run = submit(data, TINY, watch=data.select(slice(0, 1)), device="cpu", engine="ray", runs_dir=tmp_path)
        assert run.status().state == "queued" and not local.cluster(), "nobody waits while it comes up"
        first = wait_for(run, tmp_path)
        head = json.loads((local.folder / "head.json").read_text())
        assert (local.folder / "token").stat().st_mode & 0o077 == 0 and local.folder.stat().st_mode & 0o077 == 0
        assert not listening_beyond_loopback(head["pid"])
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(head["address"] + "/api/jobs/", timeout=5)
        assert head["address"] in RAY_ENGINE.about(tmp_path).title
        assert head["address"] in json.loads(command("status", tmp_path).stdout)["ray"], "another process finds the same"
        assert command("stop", tmp_path).returncode == 2, "it is not idle"
        os.kill(head["pid"], signal.SIGKILL)
        second = wait_for(run, tmp_path, epoch=first.epoch, attempt=2)
        assert second.resumed_epoch > 0 and second.pid != first.pid
        assert json.loads((local.folder / "head.json").read_text())["pid"] != head["pid"], "another Ray came up by itself"
    finally:
        for run in list_runs(runs_dir=tmp_path):
            run.cancel()
        assert local.stop() or not local.is_kept()
    assert not local.stop() and not (local.folder / "head.json").exists()
    deadline = time.monotonic() + PATIENCE
    while processes(str(tmp_path)) or not traces() <= before:
        assert time.monotonic() < deadline, "something of it is left"
        time.sleep(0.1)


def test_a_run_that_fails_at_once_fails_its_command(data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    data.save(tmp_path / "train.npz")
    for name, value in (("NRI_RAY_ADDRESS", "http://127.0.0.1:9"), ("RAY_AUTH_TOKEN", "a"), ("NRI_RUNS_DIR", str(tmp_path / "runs"))):
        monkeypatch.setenv(name, value)
    assert main(["runs", "submit", str(tmp_path / "train.npz"), "--engine", "ray", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["state"] == "failed"
    assert said.err.startswith("python -m nri_core: No Ray answers at http://127.0.0.1:9") and said.err.count("\n") == 1
    assert main(["runs", "status", json.loads(said.out)["id"], "--json"]) == 0, "to look at it is no failure"


@pytest.mark.slow
def test_a_ray_that_cannot_start(data: Trajectories, tmp_path: Path) -> None:
    local = LocalRay(tmp_path)
    local.launch("--no-such-option")
    deadline = time.monotonic() + PATIENCE
    while not (local.folder / "failed.txt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run = submit(data, TINY, watch=data.select(slice(0, 1)), engine="ray", runs_dir=tmp_path)
    assert run.status().state == "failed" and "head.log" in run.status().message
    assert "no-such-option" in (local.folder / "head.log").read_text()
