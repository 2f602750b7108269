"""The queue: first in, first out for each device, in one SQLite file, so that several servers agree.

The run directories stay the truth: the index is made from them where it is missing or damaged. Nobody serves the queue:
whoever submits, looks or ends calls `advance`, and so does every server's keeper.
"""

import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from nri_core.errors import JobError, NRIError
from nri_core.jobs.contract import RUN_ID, RunConfig, RunStatus, read_config, read_status, runs_directory, write_status
from nri_core.jobs.engines import engine
from nri_core.jobs.limits import limits
from nri_core.jobs.status import current_status
from nri_core.trajectories import Trajectories

INDEX = "index.sqlite"
VERSION = 1
SCHEMA = """CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, place REAL NOT NULL, user TEXT NOT NULL, engine TEXT NOT NULL, wanted TEXT NOT NULL,
    device TEXT NOT NULL, share REAL NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'started', 'ended')))"""
SILENT_SECONDS = 60  # a worker that was started and has not said a word for so long never will
UNHEEDED_SECONDS = 30  # a wish to stop that is older than this is enforced
MOST_FAILURES = 3  # workers in a row that die without finishing an epoch


class Usage(NamedTuple):
    """How many runs hold a device, and how many wait for it."""

    running: int
    waiting: int


class _Claim(NamedTuple):
    directory: Path
    engine: str
    device: str
    attempt: int


def advance(runs_dir: Path | None = None) -> None:
    """Notice what ended and what died, put the dead back into the queue, and start what has a free slot. Cheap: call it whenever you look."""
    runs_dir = (runs_dir or runs_directory()).absolute()
    if not runs_dir.is_dir():
        return
    with _index(runs_dir) as index:
        _agree(index, runs_dir)
        claims = _claim(index, runs_dir)
    for claim in claims:
        try:
            engine(claim.engine).start(claim.directory, claim.device, claim.attempt)
        except NRIError as error:
            _give_up(claim.directory, str(error))


def admit(directory: Path, draft: Path, data: Trajectories) -> None:
    """Let a new run into the queue: `draft` becomes `directory`. Raises JobError where a limit forbids it; then the draft is untouched."""
    config, rules = read_config(draft), limits()
    with _index(directory.parent) as index:
        of_user = index.execute("SELECT count(*) FROM runs WHERE user = ? AND state != 'ended'", (config.user,)).fetchone()[0]
        waiting = index.execute("SELECT count(*) FROM runs WHERE state = 'waiting'").fetchone()[0]
        rules.check(data, user=config.user, active_of_user=of_user, waiting=waiting)
        _insert(index, directory.name, config, state="waiting")
        draft.rename(directory)


def enqueue(directory: Path, status: RunStatus, *, message: str, front: bool = False) -> None:
    """Put a run that has ended, or whose worker has, back into the queue."""
    with _index(directory.parent) as index:
        _enqueue(index, directory, status, message=message, front=front)


def withdraw(directory: Path) -> bool:
    """Take a run that waits out of the queue; False where it does not wait."""
    with _index(directory.parent) as index:
        _agree(index, directory.parent)
        taken = index.execute("UPDATE runs SET state = 'ended' WHERE id = ? AND state = 'waiting'", (directory.name,)).rowcount
        if taken:
            _end(directory, "cancelled", "Stopped while it waited; nothing was trained yet." if not read_status(directory).epoch else "Stopped while it waited.")
    return bool(taken)


def position_of(directory: Path) -> int | None:
    """Its place among those that wait for the same devices, counted from 1; None for a run that does not wait."""
    with _index(directory.parent) as index:
        query = """SELECT count(*) FROM runs AS one JOIN runs AS other ON other.engine = one.engine AND other.wanted = one.wanted
            WHERE one.id = ? AND one.state = 'waiting' AND other.state = 'waiting' AND other.place <= one.place"""
        return index.execute(query, (directory.name,)).fetchone()[0] or None


def usage(runs_dir: Path | None = None) -> dict[str, Usage]:
    """For each device that is held or waited for: by how many runs."""
    runs_dir = (runs_dir or runs_directory()).absolute()
    if not runs_dir.is_dir():
        return {}
    with _index(runs_dir) as index:
        held = Counter(device for (device,) in index.execute("SELECT device FROM runs WHERE state = 'started'"))
        wanted = Counter(first for (all_,) in index.execute("SELECT wanted FROM runs WHERE state = 'waiting'") for first in all_.split(",")[:1])
    return {device: Usage(held[device], wanted[device]) for device in sorted({*held, *wanted})}


@contextmanager
def _index(runs_dir: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, alone on this runs directory. Raises JobError where the disk refuses."""
    index = _open(runs_dir / INDEX)
    try:
        yield index
        index.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise JobError(f"The queue in {runs_dir.name} cannot be written ({error}). Free some space, or try again.") from error
    finally:
        index.close()  # which rolls back what was not committed


def _open(path: Path) -> sqlite3.Connection:
    index = None
    try:
        index = sqlite3.connect(path, timeout=30, isolation_level=None)
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("BEGIN IMMEDIATE")
        if index.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
            raise sqlite3.DatabaseError("of another version")
        index.execute(SCHEMA)
        index.execute(f"PRAGMA user_version = {VERSION}")
        index.execute("SELECT id, place, user, engine, wanted, device, share, state FROM runs LIMIT 1")
        return index
    except sqlite3.DatabaseError as error:
        if index is not None:
            index.close()
        if isinstance(error, sqlite3.OperationalError) and "no such column" not in str(error):
            raise JobError(f"The queue in {path.parent.name} cannot be opened ({error}). Free some space, or try again.") from error
    for suffix in ("", "-wal", "-shm"):  # it is no index, or a damaged one: the directories know better
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(path.with_name(f"{path.name}{suffix}.damaged"))
    return _open(path)


def _agree(index: sqlite3.Connection, runs_dir: Path) -> None:
    """Bring the rows to what the directories say."""
    known = dict(index.execute("SELECT id, state FROM runs"))
    found = {path.name for path in runs_dir.iterdir() if RUN_ID.fullmatch(path.name)}
    index.executemany("DELETE FROM runs WHERE id = ?", [(gone,) for gone in known.keys() - found])
    for name in sorted(found - known.keys(), key=lambda name: _submitted(runs_dir / name)):
        with suppress(JobError):  # what cannot be read is left alone; whoever opens it is told
            _adopt(index, runs_dir / name)
    for name in (name for name, state in known.items() if state != "ended" and name in found):
        try:
            _look_after(index, runs_dir / name)
        except JobError:
            index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (name,))


def _submitted(directory: Path) -> float:
    try:
        return read_status(directory).submitted.timestamp()
    except JobError:
        return 0.0


def _adopt(index: sqlite3.Connection, directory: Path) -> None:
    """A directory without a row: the index is new, or it was copied here. Only runs of this machine are taken on."""
    config, status = read_config(directory), read_status(directory)
    here = status.host in (None, socket.gethostname())
    state = "ended" if not status.active or not here else "started" if status.device else "waiting"
    _insert(index, directory.name, config, state=state, device=status.device)


def _insert(index: sqlite3.Connection, run_id: str, config: RunConfig, *, state: str, device: str = "") -> None:
    place = (index.execute("SELECT max(place) FROM runs").fetchone()[0] or 0.0) + 1
    index.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (run_id, place, config.user, config.engine, config.device, device, 1.0, state))


def _look_after(index: sqlite3.Connection, directory: Path) -> None:
    row_state, = index.execute("SELECT state FROM runs WHERE id = ?", (directory.name,)).fetchone()
    status = current_status(directory)
    if status.state not in ("queued", "running", "lost"):
        index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (directory.name,))
    elif status.state == "lost":
        _revive(index, directory, status)
    elif status.state == "queued" and row_state == "started":
        silent = (datetime.now(UTC) - status.heartbeat).total_seconds()
        gone = engine(read_config(directory).engine).is_gone(directory, status)
        if gone or (silent > SILENT_SECONDS and gone is None):
            _revive(index, directory, status)
    elif status.state == "running":
        wish = directory / "cancel"
        if wish.exists() and time.time() - wish.stat().st_mtime > UNHEEDED_SECONDS:
            engine(read_config(directory).engine).kill(directory, status)


def _revive(index: sqlite3.Connection, directory: Path, status: RunStatus) -> None:
    """A worker died: another one goes on, unless several in a row died at the same place, or it was to stop anyway."""
    failures = 0 if status.epoch > status.resumed_epoch else status.failures + 1
    if (directory / "cancel").exists() or failures >= MOST_FAILURES:
        index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (directory.name,))
        times = f" {failures} workers in a row died at this place; the log may tell why." if failures >= MOST_FAILURES else ""
        _end(directory, "lost", f"{status.message if status.state == 'lost' else 'Its worker never spoke; resume to try again.'}{times}")
        return
    again = status.model_copy(update={"failures": failures})
    _enqueue(index, directory, again, message="Its worker died; waiting for another one to go on.", front=True)


def _enqueue(index: sqlite3.Connection, directory: Path, status: RunStatus, *, message: str, front: bool) -> None:
    now = datetime.now(UTC)
    config = read_config(directory)
    changes = {"state": "queued", "message": message, "heartbeat": now, "host": socket.gethostname(), "pid": None, "process_start": None}
    if not front:  # somebody asked for it
        changes["failures"] = 0
        for wish in ("cancel", "pause"):
            (directory / wish).unlink(missing_ok=True)
    write_status(directory, status.model_copy(update=changes | {"device": "", "seconds_left": None, "paused": False, "resumed_epoch": status.epoch}))
    old = index.execute("SELECT place FROM runs WHERE id = ?", (directory.name,)).fetchone()
    _insert(index, directory.name, config, state="waiting")
    if front and old:
        index.execute("UPDATE runs SET place = ? WHERE id = ?", (old[0], directory.name))


def _claim(index: sqlite3.Connection, runs_dir: Path) -> list[_Claim]:
    """Give free slots to those that wait, in order; who waits for a device keeps later ones from overtaking on it."""
    used: Counter[tuple[str, str]] = Counter()
    for name, device, share in index.execute("SELECT engine, device, share FROM runs WHERE state = 'started'"):
        used[name, device] += share
    rules, claims, blocked = limits(), [], set()
    for run_id, name in index.execute("SELECT id, engine FROM runs WHERE state = 'waiting' ORDER BY place").fetchall():
        directory = runs_dir / run_id
        try:
            config, status, chosen = read_config(directory), read_status(directory), engine(name)
            places = chosen.places(directory, config, rules)
        except NRIError as error:
            index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (run_id,))
            _give_up(directory, str(error))
            continue
        index.execute("UPDATE runs SET wanted = ? WHERE id = ?", (",".join(places), run_id))
        shares = {device: min(chosen.share(config, device), capacity) for device, capacity in places.items()}
        free = [device for device, capacity in places.items() if (name, device) not in blocked and used[name, device] + shares[device] <= capacity + 1e-9]
        if not free:
            blocked |= {(name, device) for device in places}
            continue
        device = min(free, key=lambda device: used[name, device] / places[device])
        used[name, device] += shares[device]
        index.execute("UPDATE runs SET state = 'started', device = ?, share = ? WHERE id = ?", (device, shares[device], run_id))
        attempt = status.attempt + 1
        starting = {"device": device, "attempt": attempt, "message": "Starting.", "heartbeat": datetime.now(UTC)}
        write_status(directory, status.model_copy(update=starting))
        claims.append(_Claim(directory, name, device, attempt))
    return claims


def _give_up(directory: Path, reason: str) -> None:
    with suppress(JobError):  # unreadable: whoever opens it is told
        _end(directory, "failed", reason)


def _end(directory: Path, state: str, message: str) -> None:
    status = read_status(directory)
    changes = {"state": state, "message": message, "device": "", "heartbeat": datetime.now(UTC), "seconds_left": None, "paused": False}
    write_status(directory, status.model_copy(update=changes))
