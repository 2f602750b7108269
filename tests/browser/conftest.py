"""A real browser on a real server. Every test in this folder is marked `browser`."""

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.browser.server import ROOT, launched, serving

PATIENCE = 60_000  # ms: a busy machine is slow, and only a test that fails waits so long
expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder before pytest selects by mark."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


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
    context.set_default_timeout(PATIENCE)
    context.route(lambda url: url.startswith("http"), stay_here)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(f"JavaScript: {error}"))
    yield page
    context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest, serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small app that the module holds as `SCRIPT`, served; the query says what it shows."""
    script = tmp_path_factory.mktemp("script") / "app.py"
    script.write_text(textwrap.dedent(request.module.SCRIPT), encoding="utf-8")
    return serve(script)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """`serve(script, env={…})` starts Streamlit on a free port and gives its address; it ends with the tests."""
    with ExitStack() as servers:
        yield lambda script, env=None: servers.enter_context(serving(Path(script), env))


@pytest.fixture(scope="session")
def app_url(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the app, with a run directory of its own."""
    return serve(ROOT / "app.py", env={"NRI_RUNS_DIR": str(tmp_path_factory.mktemp("runs"))})
