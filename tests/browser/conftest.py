"""A real browser on a real server. Every test in this folder is marked `browser`."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser.chromium import HOW, find_chromium

ROOT = Path(__file__).parents[2]
OFFLINE = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder before pytest selects by mark."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    path = find_chromium()
    if path is None:
        pytest.fail(f"The browser tests need Chromium or Chrome. {HOW}")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*OFFLINE, *(["--no-sandbox"] if root else [])])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page at 1280 × 720. A JavaScript error, or a request to anything but this machine, fails the test."""
    faults: list[str] = []

    def stay_here(route: Route) -> None:
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
            return route.continue_()
        faults.append(f"request to {route.request.url}")
        return route.abort()

    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.route(lambda url: url.startswith("http"), stay_here)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(f"JavaScript: {error}"))
    yield page
    context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """`serve(script, env={…})` starts Streamlit on a free port and gives its address; it ends with the tests."""
    with ExitStack() as servers:

        def start(script: Path | str, env: Mapping[str, str] | None = None) -> str:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            return servers.enter_context(serving(Path(script), env or {}, log=log))

        yield start


@pytest.fixture(scope="session")
def app_url(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the app, with a run directory of its own."""
    return serve(ROOT / "app.py", env={"NRI_RUNS_DIR": str(tmp_path_factory.mktemp("runs"))})


@contextmanager
def serving(script: Path, env: Mapping[str, str], *, log: Path) -> Iterator[str]:
    """A Streamlit server for `script`, in the project's folder, up and healthy; its output goes to `log`."""
    url = f"http://127.0.0.1:{_free_port()}"
    options = {"port": url.rsplit(":", 1)[1], "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    flags = [f"--server.{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags, "--browser.gatherUsageStats=false"]
    with open(log, "wb") as output:
        files = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        server = subprocess.Popen(command, cwd=ROOT, env=_environment(env), **files)
    try:
        _wait_until_healthy(server, url, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path} | dict(env)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The server did not start:\n{log.read_text(errors='replace')[-3000:]}")
