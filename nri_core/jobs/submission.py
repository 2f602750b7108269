"""Submit a training run: write its directory, then leave it to the queue."""

import os
import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname

from nri_core.errors import JobError, NRIError
from nri_core.jobs.contract import RunConfig, RunStatus, runs_directory, write_status
from nri_core.jobs.engines import engine as engine_named
from nri_core.jobs.engines.process import SPARE
from nri_core.jobs.limits import limits
from nri_core.jobs.queue import admit, advance
from nri_core.jobs.run import Run
from nri_core.settings import TrainConfig
from nri_core.storage import write_text
from nri_core.trajectories import Trajectories


def submit(
    train: Trajectories,
    config: TrainConfig,
    *,
    valid: Trajectories | None = None,
    watch: Trajectories,
    name: str = "",
    device: str = "auto",
    engine: str = "process",
    user: str = "",
    sweep: str | None = None,
    gpus: float = 1.0,
    like: Run | None = None,
    runs_dir: Path | None = None,
) -> Run:
    """Queue a training, start it if a device is free, and return at once. Without `valid`, some simulations are held out.

    `like` is a run of the same data, whose files are shared. Raises JobError, and leaves nothing behind, where a limit
    of this server forbids the run, or the directory cannot be written.
    """
    runs_dir = (runs_dir or runs_directory()).absolute()
    run_id = (SPARE.reserve(runs_dir) if engine == "process" else None) or secrets.token_hex(16)
    draft, run = runs_dir / f".{run_id}", Run(run_id, runs_dir / run_id)
    engine_named(engine)
    limits()
    try:
        draft.mkdir(parents=True)
        _write(draft, run_id, RunConfig(name=name, device=device, engine=engine, user=user, sweep=sweep, gpus=gpus, settings=config))
        for file, data in (("train", train), ("valid", valid), ("watch", watch)):
            if data is not None:
                _save(data, draft / f"{file}.npz", like and like.directory / f"{file}.npz")
        admit(run.directory, draft, train)
    except JobError:
        _forget(draft, run.directory)
        raise
    except (OSError, NRIError) as error:
        _forget(draft, run.directory)
        reason = error.__cause__ if isinstance(error.__cause__, OSError) else error
        said = getattr(reason, "strerror", None) or reason
        advice = "Free some space, or name another folder in $NRI_RUNS_DIR."
        raise JobError(f"The training could not be started in {runs_dir}: {said}. {advice}") from error
    advance(runs_dir)
    SPARE.release(run.directory)  # where it has to wait after all
    return run


def prepare(runs_dir: Path | None = None) -> None:
    """Somebody is about to submit: have a worker of this process ready, so that the run starts seconds earlier. Returns at once."""
    SPARE.prepare((runs_dir or runs_directory()).absolute())


def _write(directory: Path, run_id: str, config: RunConfig) -> None:
    now = datetime.now(UTC)
    waiting = {"state": "queued", "message": "Waiting for a free device.", "submitted": now, "heartbeat": now, "host": gethostname()}
    write_text(directory / "config.json", config.model_dump_json(indent=2))
    write_status(directory, RunStatus(id=run_id, name=config.name, num_epochs=config.settings.epochs, **waiting))


def _forget(*folders: Path) -> None:
    SPARE.release(folders[-1])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _save(data: Trajectories, path: Path, same: Path | None) -> None:
    """A hard link where that is possible: nobody changes these files."""
    if same is not None:
        with suppress(OSError):
            return os.link(same, path)
    data.save(path)
