"""Reading in a process of its own, within limits of memory and time: no file can hang or crash the one who asks."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nri_core.errors import DataError, NRIError
from nri_core.importers import inspect, read
from nri_core.importers.contract import Inspection, Progress
from nri_core.recording import Recording

MEMORY_BYTES = 4 * 1024**3  # of address space; what is really used is less
SECONDS = 180.0
SAVED = 0.9  # the share of the time after which it is handed over
LOOK_SECONDS = 0.25
PROJECT = Path(__file__).parents[2]


def inspect_apart(
    paths: Sequence[Path], *, form: str | None = None, written: Mapping[str, Any] | None = None, progress: Progress = lambda share: None
) -> Inspection:
    """As `inspect`. Raises DataError."""
    return Inspection.model_validate(_answer({"paths": list(map(str, paths)), "form": form, "written": dict(written or {})}, progress))


def read_apart(
    paths: Sequence[Path], *, form: str | None = None, options: Mapping[str, Any] | None = None, progress: Progress = lambda share: None
) -> Recording:
    """As `read`; `progress` is called several times a second, and whatever it raises ends the reading. Raises DataError."""
    with TemporaryDirectory(prefix="nri-reading-") as folder:
        out = Path(folder) / "recording.npz"
        _answer({"paths": list(map(str, paths)), "form": form, "options": dict(options or {}), "out": str(out)}, progress)
        return Recording.load(out)


def _answer(request: Mapping[str, Any], progress: Progress) -> Any:
    """What the process answers. Raises DataError with its sentence, or ours if it died."""
    command = [sys.executable, "-m", "nri_core.importers.apart"]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8")
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_pass_on, args=(process, lines), daemon=True)
    reader.start()
    try:
        process.stdin.write(json.dumps(request))
        process.stdin.close()
        return _listen(lines, progress, name=Path(request["paths"][0]).name if request["paths"] else "", late=late)
    except BrokenPipeError as error:
        raise DataError("The reading could not be started: close other programs and try again.") from error
    finally:
        late.cancel()
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _pass_on(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    for line in process.stdout:
        lines.put(line)
    lines.put("")  # it has ended


def _listen(lines: "queue.Queue[str]", progress: Progress, *, name: str, late: threading.Timer) -> Any:
    share = 0.0
    while True:
        try:
            line = lines.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            progress(share)
            continue
        if not line:
            why = f"took longer than {SECONDS:.0f} s" if not late.is_alive() else f"ended without a word: perhaps it needs more than {MEMORY_BYTES >> 30} GB"
            raise DataError(f"Reading {name} {why}. Split the file, or use the command line, which has no limits: python -m nri_core import.")
        said = json.loads(line)
        if "error" in said:
            raise DataError(said["error"])
        if "result" in said:
            return said["result"]
        share = said["share"]
        progress(share)


def main() -> None:
    """Answer the request on standard input: a JSON object a line, the last one a result or an error."""
    request = json.loads(sys.stdin.read())
    _limit_memory()
    paths = [Path(path) for path in request["paths"]]
    try:
        if "out" not in request:
            result = inspect(paths, form=request["form"], written=request["written"]).model_dump(mode="json")
        else:
            recording = read(paths, form=request["form"], options=request["options"], progress=lambda share: _say({"share": float(share)}))
            _say({"share": SAVED})
            recording.save(Path(request["out"]))
            result = None
        _say({"result": result})
    except NRIError as error:
        _say({"error": str(error)})
    except MemoryError:
        _say({"error": f"Reading {paths[0].name} needs more than {MEMORY_BYTES >> 30} GB of memory. Split the file, or use the command line: python -m nri_core import."})


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    main()
