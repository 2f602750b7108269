"""Start a training run: write its directory, then leave a process to it."""

import os
import secrets
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from nri_core.errors import JobError, NRIError
from nri_core.jobs.run import Run, RunConfig, RunStatus, runs_directory
from nri_core.settings import TrainConfig
from nri_core.storage import write_text
from nri_core.trajectories import Trajectories

PROJECT = Path(__file__).parents[2]


def submit(
    train: Trajectories,
    config: TrainConfig,
    *,
    valid: Trajectories | None = None,
    watch: Trajectories,
    name: str = "",
    device: str = "auto",
    runs_dir: Path | None = None,
) -> Run:
    """Start training in a process of its own and return at once. Without `valid`, some simulations are held out.

    Raises JobError, and leaves nothing behind, when the directory cannot be written or the process cannot be started.
    """
    runs_dir = (runs_dir or runs_directory()).absolute()
    run_id = secrets.token_hex(16)
    draft, run = runs_dir / f".{run_id}", Run(run_id, runs_dir / run_id)
    try:
        draft.mkdir(parents=True)
        _write(draft, run_id, RunConfig(name=name, device=device, settings=config))
        for file, data in (("train", train), ("valid", valid), ("watch", watch)):
            if data is not None:
                data.save(draft / f"{file}.npz")
        draft.rename(run.directory)
        _start_worker(run)
    except (OSError, NRIError) as error:
        for directory in (draft, run.directory):
            shutil.rmtree(directory, ignore_errors=True)
        reason = error.__cause__ if isinstance(error.__cause__, OSError) else error
        said = getattr(reason, "strerror", None) or reason
        advice = "Free some space, or name another folder in $NRI_RUNS_DIR."
        raise JobError(f"The training could not be started in {runs_dir}: {said}. {advice}") from error
    return run


def _write(directory: Path, run_id: str, config: RunConfig) -> None:
    now = datetime.now(UTC)
    status = RunStatus(id=run_id, name=config.name, state="queued", message="Starting.", submitted=now, heartbeat=now)
    write_text(directory / "config.json", config.model_dump_json(indent=2))
    write_text(directory / "status.json", status.model_dump_json(indent=2))


def _start_worker(run: Run) -> None:
    command = [sys.executable, "-m", "nri_core.jobs.worker", run.id]
    with open(run.directory / "log.txt", "wb") as log:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=os.environ | {"NRI_RUNS_DIR": str(run.directory.parent), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it outlives the page, the server and the terminal
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
    threading.Thread(target=process.wait, daemon=True).start()  # a process that has ended must not linger as a zombie
