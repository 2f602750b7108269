"""The queue: first in, first out for each device, in one SQLite file, so that several servers agree.

The run directories stay the truth: the index is made from them where it is missing or damaged. Nobody serves the queue:
whoever submits, looks or ends calls `advance`, and so does every server's keeper.
"""

import socket
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from nri_core.errors import JobError, NRIError
from nri_core.jobs.contract import RUN_ID, RunConfig, RunStatus, read_config, read_status, runs_directory, write_status
from nri_core.jobs.engines import engine
from nri_core.jobs.index import look_up, transaction
from nri_core.jobs.limits import limits
from nri_core.jobs.status import current_status
from nri_core.trajectories import Trajectories

OWNER = "CASE engine WHEN 'process' THEN {} ELSE engine END"
SILENT_SECONDS = 60  # a worker that was started and has not said a word for so long never will
UNHEEDED_SECONDS = 30  # a wish to stop that is older than this is enforced
RESUMABLE = ("lost", "cancelled", "failed")
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
    with transaction(runs_dir) as index:
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
    with transaction(directory.parent) as index:
        rules.check(data)
        rules.check_queue(**_in_the_queue(index, config.user, but=directory.name))
        _insert(index, directory.name, config, state="waiting")
        draft.rename(directory)


def requeue(directory: Path) -> None:
    """Put a run that was lost, stopped or failed back into the queue. Raises JobError for others, and where a limit forbids it."""
    config, rules = read_config(directory), limits()
    with transaction(directory.parent) as index:
        status = current_status(directory)
        row = index.execute("SELECT state FROM runs WHERE id = ?", (directory.name,)).fetchone()
        if status.state not in RESUMABLE and (status.state, row) != ("queued", ("ended",)):
            raise JobError(f"Only a run that was lost, stopped or failed can be resumed; this one is {status.state}.")
        rules.check_queue(**_in_the_queue(index, config.user, but=directory.name))
        _enqueue(index, directory, status, message="Waiting to be resumed.", front=False)


def withdraw(directory: Path) -> bool:
    """Take a run that waits out of the queue; False where it does not wait."""
    with transaction(directory.parent) as index:
        _agree(index, directory.parent)
        taken = index.execute("UPDATE runs SET state = 'ended' WHERE id = ? AND state = 'waiting'", (directory.name,)).rowcount
        if taken:
            _end(directory, "cancelled", "Stopped while it waited; nothing was trained yet." if not read_status(directory).epoch else "Stopped while it waited.")
    return bool(taken)


class Standing(NamedTuple):
    """What the queue knows of a run: nothing, or whether it looks after it, and its place among those that wait for the same devices, from 1."""

    known: bool
    looked_after: bool
    position: int | None


def standing(directory: Path) -> Standing:
    """Looks only, and so never waits for another process."""
    query = """SELECT one.state, (SELECT count(*) FROM runs AS other WHERE other.engine = one.engine AND other.wanted = one.wanted
        AND other.state = 'waiting' AND other.place <= one.place) FROM runs AS one WHERE one.id = ?"""
    state, place = look_up(directory.parent, query, directory.name) or ("", 0)
    return Standing(bool(state), state in ("waiting", "started"), place if state == "waiting" else None)


def usage(runs_dir: Path | None = None) -> dict[str, Usage]:
    """For each device of this machine that is held or waited for, and each other engine: by how many runs."""
    runs_dir = (runs_dir or runs_directory()).absolute()
    if not runs_dir.is_dir():
        return {}
    with transaction(runs_dir) as index:
        held = Counter(device for (device,) in index.execute(f"SELECT {OWNER.format('device')} FROM runs WHERE state = 'started'"))
        wishes = index.execute(f"SELECT {OWNER.format('wanted')} FROM runs WHERE state = 'waiting'")
        wanted = Counter(first for (wished,) in wishes for first in wished.split(",")[:1])
    return {device: Usage(held[device], wanted[device]) for device in sorted({*held, *wanted})}


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
        except JobError:  # it cannot be read: it is taken up again when somebody has mended it
            index.execute("DELETE FROM runs WHERE id = ?", (name,))
        except (NRIError, OSError):  # it cannot be written now: perhaps later
            continue


def _in_the_queue(index: sqlite3.Connection, user: str, *, but: str) -> dict[str, int]:
    count = "SELECT count(*) FROM runs WHERE id != ? AND "
    return {
        "active_of_user": index.execute(count + "state != 'ended' AND user = ?", (but, user)).fetchone()[0],
        "waiting": index.execute(count + "state = 'waiting'", (but,)).fetchone()[0],
    }


def _submitted(directory: Path) -> float:
    try:
        return read_status(directory).submitted.timestamp()
    except JobError:
        return 0.0


def _adopt(index: sqlite3.Connection, directory: Path) -> None:
    """A directory without a row: the index is new, or it was copied here. Only runs of this machine are taken on, and those that live elsewhere."""
    config, status = read_config(directory), read_status(directory)
    lives = config.engine != "process" and (datetime.now(UTC) - status.heartbeat).total_seconds() < SILENT_SECONDS
    here = lives or status.host in (None, socket.gethostname())
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
    elif _unheeded(directory):
        engine(read_config(directory).engine).kill(directory, status)
        if status.state == "queued":  # its worker has not begun, and finds nothing to do if it still does
            index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (directory.name,))
            _end(directory, "cancelled", "Stopped before it began.")
    elif status.state == "queued" and row_state == "started":
        silent = (datetime.now(UTC) - status.heartbeat).total_seconds()
        gone = engine(read_config(directory).engine).is_gone(directory, status)
        if gone or (silent > SILENT_SECONDS and gone is None):
            _revive(index, directory, status)


def _unheeded(directory: Path) -> bool:
    wish = directory / "cancel"
    return wish.exists() and time.time() - wish.stat().st_mtime > UNHEEDED_SECONDS


def _revive(index: sqlite3.Connection, directory: Path, status: RunStatus) -> None:
    """A worker died: another one goes on, unless several in a row died at the same place, or it was to stop anyway."""
    failures = 0 if status.epoch > status.resumed_epoch else status.failures + 1
    if (directory / "cancel").exists() or failures >= MOST_FAILURES:
        times = f" {failures} workers in a row died at this place; the log may tell why." if failures >= MOST_FAILURES else ""
        why = status.message if status.state == "lost" else "Its worker never spoke; resume to try again."
        if (directory / "cancel").exists():
            _end(directory, "cancelled", "Stopped; what it had saved last is kept.")
        else:
            _end(directory, "lost", f"{why}{times}")
        index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (directory.name,))
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
            config, status = read_config(directory), read_status(directory)
        except JobError:  # as in _agree
            index.execute("DELETE FROM runs WHERE id = ?", (run_id,))
            continue
        try:
            chosen = engine(name)
            places = chosen.places(directory, config, rules)
        except NRIError as error:
            index.execute("UPDATE runs SET state = 'ended' WHERE id = ?", (run_id,))
            _give_up(directory, str(error))
            continue
        index.execute("UPDATE runs SET wanted = ?1 WHERE id = ?2 AND wanted != ?1", (",".join(places), run_id))
        shares = {device: min(chosen.share(config, device), capacity) for device, capacity in places.items()}
        free = [device for device, capacity in places.items() if (name, device) not in blocked and used[name, device] + shares[device] <= capacity + 1e-9]
        if not free:
            blocked |= {(name, device) for device in places}
            continue
        device = min(free, key=lambda device: used[name, device] / places[device])
        attempt = status.attempt + 1
        starting = {"device": device, "attempt": attempt, "message": "Starting.", "heartbeat": datetime.now(UTC)}
        try:
            write_status(directory, status.model_copy(update=starting))
        except NRIError:  # it cannot be written now: perhaps later, and others need not wait for that
            continue
        used[name, device] += shares[device]
        index.execute("UPDATE runs SET state = 'started', device = ?, share = ? WHERE id = ?", (device, shares[device], run_id))
        claims.append(_Claim(directory, name, device, attempt))
    return claims


def _give_up(directory: Path, reason: str) -> None:
    with suppress(JobError):  # unreadable: whoever opens it is told
        _end(directory, "failed", reason)


def _end(directory: Path, state: str, message: str) -> None:
    status = read_status(directory)
    changes = {"state": state, "message": message, "device": "", "heartbeat": datetime.now(UTC), "seconds_left": None, "paused": False}
    write_status(directory, status.model_copy(update=changes))
