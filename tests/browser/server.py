"""A real Streamlit server and a real headless browser, for the tests and for the benchmarks."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Playwright

from tests.browser.chromium import HOW, find_chromium

ROOT = Path(__file__).parents[2]
SETTLED = "document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"  # in the page: the server has drawn all of it
OFFLINE = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium. Raises RuntimeError, saying how to get one, where there is none."""
    path = find_chromium()
    if path is None:
        raise RuntimeError(f"Chromium or Chrome is needed. {HOW}")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    browser = playwright.chromium.launch(executable_path=path, args=[*OFFLINE, *(["--no-sandbox"] if root else [])])
    yield browser
    browser.close()


class Server(NamedTuple):
    """A server that runs: its address and its process."""

    url: str
    pid: int


@contextmanager
def serving(script: Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a Streamlit server for `script`; see `started`."""
    with started(script, env) as server:
        yield server.url


@contextmanager
def started(script: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A Streamlit server for `script`, in the project's folder, up and healthy; its output is shown if it fails to start."""
    url = f"http://127.0.0.1:{_free_port()}"
    options = {"port": url.rsplit(":", 1)[1], "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    flags = [f"--server.{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags, "--browser.gatherUsageStats=false"]
    with tempfile.TemporaryFile() as log:
        environment = _environment(env or {})
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _healthy(server, url):
                log.seek(0)
                raise RuntimeError(f"The server did not start:\n{log.read().decode(errors='replace')[-3000:]}")
            yield Server(url, server.pid)
        finally:
            _end(server)


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path} | dict(env)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _healthy(server: "subprocess.Popen[bytes]", url: str) -> bool:
    deadline = time.monotonic() + 180  # only a server that does not start takes so long
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
