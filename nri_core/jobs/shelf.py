"""The shelf of runs: give one another name, put it away and take it back, pack it into one file and unpack it elsewhere."""

import os
import secrets
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nri_core.errors import JobError, NRIError
from nri_core.jobs.contract import RUN_ID, read_config, read_status, runs_directory, write_status
from nri_core.jobs.run import MOST_NAME, Run, open_run
from nri_core.storage import MAX_ARCHIVE_BYTES, write_text, writing

BIN = ".deleted"
KEPT_SECONDS = 24 * 3600  # what was deleted can be taken back for a day
MOST_FILES = 20_000
LEFT_OUT = {"lock", "cancel", "pause", "worker.json"}  # of this machine and this moment
FILES = {"config.json", "status.json", "metrics.jsonl", "train.npz", "valid.npz", "watch.npz", "resume.safetensors", "log.txt", "name.txt"}
MODEL = {".json", ".safetensors", ".md"}
FOLDERS = {"snapshots": {".npz"}, "checkpoint": MODEL, "means": MODEL, "tensorboard": None}


def rename(run: Run, name: str) -> None:
    """Call it by another name. Raises JobError for an empty or overlong one."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_NAME:
        raise JobError(f"Expected a name of 1 to {MOST_NAME} characters; found {len(name)}. Choose another.")
    _writing(run, lambda: write_text(run.directory / "name.txt", name))


def delete(run: Run) -> None:
    """Put it away: lists no longer show it, and `restore` takes it back within a day. Raises JobError for a run that has not ended."""
    if _active(run):
        raise JobError("This run is not over. Stop it first.")
    folder = run.directory.parent / BIN
    _empty(folder)

    def move() -> None:
        folder.mkdir(exist_ok=True)
        if (folder / run.id).exists():  # deleted before, and opened again from its archive
            shutil.rmtree(folder / run.id)
        os.rename(run.directory, folder / run.id)
        os.utime(folder / run.id)

    _writing(run, move)


def restore(run_id: str, *, runs_dir: Path | None = None) -> Run:
    """Take a deleted run back; one that was opened again from its archive stays as it is. Raises JobError if it is gone for good."""
    runs_dir = (runs_dir or runs_directory()).absolute()
    if not RUN_ID.fullmatch(run_id) or not (runs_dir / BIN / run_id).is_dir():
        raise JobError("This run is gone for good: deleted runs are kept for a day.")
    if not (runs_dir / run_id).exists():
        os.rename(runs_dir / BIN / run_id, runs_dir / run_id)
    return open_run(run_id, runs_dir=runs_dir)


def pack(run: Run, path: Path) -> None:
    """Write the run as one zip, a folder named by its id: it opens wherever it is unpacked into a folder of runs."""
    with writing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:  # motion and weights hardly compress
        for name, file in run.artifacts().items():
            if name not in LEFT_OUT:
                with suppress(FileNotFoundError):  # an old checkpoint of a run that goes on
                    archive.write(file, f"{run.id}/{name}")


def unpack(source: BinaryIO, *, runs_dir: Path | None = None) -> Run:
    """Add a packed run to this folder of runs. Raises JobError, and leaves nothing behind, for anything else, and for a run that is here already."""
    runs_dir = (runs_dir or runs_directory()).absolute()
    draft = runs_dir / f".{secrets.token_hex(16)}"
    try:
        with zipfile.ZipFile(source) as archive:
            run_id, entries = _checked(archive)
            if (runs_dir / run_id).exists():
                raise JobError("This run is here already. Choose it from the list.")
            for entry, name in entries:
                target = draft / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, open(target, "wb") as file:
                    _copy(packed, file, entry.file_size)
        _, status = read_config(draft), read_status(draft)
        if status.id != run_id:
            raise JobError("Expected a packed run; its status is of another one. Pack it again.")
        if status.active:  # it goes on elsewhere, or was lost there
            write_status(draft, status.model_copy(update={"state": "lost", "message": "It came from another machine before it was over; resume to go on here."}))
        draft.rename(runs_dir / run_id)
    except (zipfile.BadZipFile, zipfile.zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise JobError(f"Expected a packed run, a .zip of its folder; it cannot be read ({error}). Download it again.") from error
    except OSError as error:
        raise JobError(f"The run could not be unpacked: {error.strerror or error}. Free some space.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Run(run_id, runs_dir / run_id)


def _active(run: Run) -> bool:
    """One that cannot be read can be put away, too."""
    try:
        return run.status().active
    except JobError:
        return False


def _checked(archive: zipfile.ZipFile) -> tuple[str, list[tuple[zipfile.ZipInfo, str]]]:
    """The id and the files of a run; folders left out. Everything that no run has is refused before a byte is written."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if not entries or len(entries) > MOST_FILES:
        raise JobError(f"Expected a packed run of at most {MOST_FILES:,} files; found {len(entries):,}.")
    if (size := sum(entry.file_size for entry in entries)) > MAX_ARCHIVE_BYTES:
        raise JobError(f"Expected a packed run of at most {MAX_ARCHIVE_BYTES / 1e9:.1f} GB; it unpacks to {size / 1e9:.1f} GB.")
    folders = {PurePosixPath(entry.filename).parts[0] for entry in entries if PurePosixPath(entry.filename).parts}
    run_id = next(iter(folders))
    if len(folders) != 1 or not RUN_ID.fullmatch(run_id):
        raise JobError("Expected a packed run: one folder, named by the id of the run. Pack it again, by Download on the Runs page.")
    named = [(entry, entry.filename.removeprefix(f"{run_id}/")) for entry in entries]
    for entry, name in named:
        if not _belongs(name) or stat.S_ISLNK(entry.external_attr >> 16):
            raise JobError(f"Expected a packed run; it holds {entry.filename[:80]!r}, which no run has. Pack it again.")
    return run_id, named


def _belongs(name: str) -> bool:
    path = PurePosixPath(name)
    if name != path.as_posix() or ".." in path.parts or path.is_absolute() or "\\" in name or ":" in name:
        return False
    if len(path.parts) == 1:
        return name in FILES
    suffixes = FOLDERS.get(path.parts[0], set())
    return len(path.parts) <= 3 and (suffixes is None or path.suffix in suffixes)


def _copy(source: BinaryIO, target: BinaryIO, most: int) -> None:
    """At most as much as the archive's own list says, whatever is in it."""
    left = most
    while chunk := source.read(min(1 << 20, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise ValueError("a file is longer than the archive says")
        target.write(chunk)


def _empty(folder: Path) -> None:
    """What was deleted more than a day ago goes for good."""
    for old in folder.glob("*") if folder.is_dir() else ():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)


def _writing(run: Run, change: Callable[[], None]) -> None:
    try:
        change()
    except (OSError, NRIError) as error:
        reason = getattr(error, "strerror", None) or error
        raise JobError(f"Run {run.id[:8]} could not be changed: {reason}. Free some space, or mend the folder's permissions.") from error
