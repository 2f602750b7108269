"""The default engine: a process of its own on this machine, which outlives the page, the server and the terminal."""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from subprocess import DEVNULL, STDOUT

from nri_core.errors import JobError
from nri_core.jobs.contract import RunConfig, RunStatus
from nri_core.jobs.engines.spare import SpareWorkers, spawn
from nri_core.jobs.limits import Limits
from nri_core.jobs.process import Process, process_of
from nri_core.storage import write_json

SPARE = SpareWorkers()


class ProcessEngine:
    """A slot for each core of the CPU, and for each GPU."""

    def places(self, directory: Path, config: RunConfig, limits: Limits) -> dict[str, float]:
        """GPUs by their device files, so that the queue needs no torch; what is not there is left to the CPU."""
        cpu = {"cpu": float(limits.cpu_slots or os.cpu_count() or 1)}
        gpus = {f"cuda:{number}": float(limits.slots_per_gpu) for number in range(_num_gpus())}
        if config.device == "auto":
            return gpus or cpu
        if config.device == "cuda" and gpus:
            return gpus
        if config.device == "mps" and sys.platform == "darwin":
            return {"mps": 1.0}
        return {config.device: gpus[config.device]} if config.device in gpus else cpu

    def share(self, config: RunConfig, device: str) -> float:
        """A CPU slot is never shared."""
        return config.gpus if device.startswith("cuda") else 1.0

    def start(self, directory: Path, device: str, attempt: int) -> None:
        """The worker appends to the log of the run. The spare one, if it waits for this run, begins at once."""
        try:
            with open(directory / "log.txt", "ab") as log:
                process = SPARE.take(directory, device) or spawn(directory, device, stdin=DEVNULL, stdout=log, stderr=STDOUT)
        except OSError as error:
            raise JobError(f"The training process could not be started: {error.strerror}. Close other programs and resume the run.") from error
        threading.Thread(target=process.wait, daemon=True).start()  # a process that has ended must not linger as a zombie
        write_json(directory / "worker.json", {"attempt": attempt, **asdict(process_of(process.pid))})

    def is_gone(self, directory: Path, status: RunStatus) -> bool | None:
        """By pid and start time on this machine."""
        process = _worker(directory, status)
        alive = process and process.is_alive()
        return None if alive is None else not alive

    def kill(self, directory: Path, status: RunStatus) -> None:
        """Only if it is certainly the worker."""
        process = _worker(directory, status)
        if process and process.is_alive():
            os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _worker(directory: Path, status: RunStatus) -> Process | None:
    """As it says itself, or, until it does, as the process that started it has noted."""
    if status.state == "running":
        return Process(status.host, status.pid, status.process_start) if status.host and status.pid else None
    try:
        noted = json.loads((directory / "worker.json").read_text(encoding="utf-8"))
        return Process(noted["host"], noted["pid"], noted["start"]) if noted["attempt"] == status.attempt else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _num_gpus() -> int:
    """NVIDIA's device files; on Windows and in restricted containers, what the environment says is visible."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1")])
    return len(list(Path("/dev").glob("nvidia[0-9]*")))
