"""Keeps the Ray of this machine: `python -m nri_core.jobs.ray_head RUNS_DIR [OPTION OF ray start] …`.

It listens on the loopback interface only and wants a token. As long as it lives, the queue of that directory moves on,
whether or not a server looks after it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nri_core.errors import JobError
from nri_core.jobs.claim import claimed
from nri_core.jobs.engines.ray_api import Cluster
from nri_core.jobs.engines.ray_local import START_SECONDS, LocalRay
from nri_core.jobs.keeper import keep
from nri_core.jobs.limits import limits
from nri_core.jobs.process import process_of
from nri_core.storage import write_json, write_text

END_SECONDS = 10.0
OBJECT_STORE = 80_000_000  # bytes, about the least that Ray allows: runs pass nothing through it


def main(runs_dir: Path, *options: str) -> None:
    """Bring a Ray up, unless there is one, and stay until it ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    local = LocalRay(runs_dir)
    with claimed(local.folder) as mine:
        if not mine or local.cluster():
            return
        try:
            _serve(local, options)
        except JobError as error:
            write_text(local.folder / "failed.txt", str(error))


def _serve(local: LocalRay, options: tuple[str, ...]) -> None:
    port, head = _free_port(), local.folder / "head.json"
    cluster = Cluster(f"http://127.0.0.1:{port}", _token(local.folder / "token"))
    with _temporary() as folder, _ray(folder, local.folder / "token", port, options) as process:
        noted = {"address": cluster.address, "pid": process.pid, "start": process_of(process.pid).start}
        try:
            write_json(head, noted | {"ready": False})
            _wait(cluster, process)
            write_json(head, noted | {"ready": True})
            keep(local.runs_dir)
            process.wait()
        finally:
            head.unlink(missing_ok=True)


@contextmanager
def _ray(folder: Path, token: Path, port: int, options: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_USAGE_STATS_ENABLED": "0"}
    ours["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # no second machine, hence every port on the loopback interface: on Linux, too
    ours["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"] = "0"  # its runs go on from their last state under the next one
    theirs = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "RAY_AUTH_TOKEN")}
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--no-monitor", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--dashboard-port={port}", "--port=0", "--dashboard-agent-listen-port=0"),
        *(f"--ray-client-server-port={_free_port()}", "--include-log-monitor=false", f"--object-store-memory={OBJECT_STORE}"),
        *(f"--num-cpus={limits().cpu_slots or os.cpu_count() or 1}", f"--temp-dir={folder}", *options),
    ]
    process = subprocess.Popen(command, env=theirs | ours, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):  # whoever of its family is left
            os.killpg(process.pid, signal.SIGKILL)


def _wait(cluster: Cluster, process: subprocess.Popen[bytes]) -> None:
    """Until a node is there to run on. Raises JobError."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(JobError):
            if "CPU" in cluster.resources() and cluster.job("none") is None:  # the jobs, too: their first answer takes long
                return
        time.sleep(0.2)
    reason = f"did not answer within {START_SECONDS:.0f} s" if process.poll() is None else f"ended at once with code {process.returncode}"
    raise JobError(f"The Ray of this machine {reason}; head.log in the runs directory has the details. Choose another device, or try again.")


def _token(path: Path) -> str:
    """A new one, readable by its owner only."""
    path.unlink(missing_ok=True)
    token = secrets.token_hex(32)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(token)
    return token


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _temporary() -> Iterator[Path]:
    """Short: the names of its sockets must not exceed 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="nri-ray-", dir="/tmp" if Path("/tmp").is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
