"""How fast the app is to use: first motion on a cold and a warm server, page changes, twenty users at once, memory for each."""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.player import seconds_to_motion
from nri_core.errors import DataError
from tests.browser.server import ROOT, SETTLED, Server, launched, started
from tests.browser.visitor import PAGES, Visitor

COLD_STARTS = 3
VISITS = 5
ROUNDS = 3  # times that each page is opened from the menu
USERS = 20
BARE = "import streamlit as st; st.title('Bare')"
THINKING = (2.0, 8.0)  # seconds that a user looks at a page
VISITS_EACH = 8
TITLE = "document.querySelector('h1')?.innerText"


def main() -> dict[str, Any]:
    """Seconds, each with its median and its slowest; memory in 10⁶ bytes."""
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright, launched(playwright) as browser:
        env = {"NRI_RUNS_DIR": runs}
        cold = [_cold(browser, env) for _ in range(COLD_STARTS)]
        with started(ROOT / "app.py", env) as server:
            _warm_up(browser, server)
            warm, bare = _warm_beside_bare(browser, server.url, Path(runs, "bare.py"))
            changes = _page_changes(browser, server.url)
            crowd = _crowd(browser, server)
    return {
        "cores": os.cpu_count(),
        "browser": f"headless Chromium {browser.version}",
        "navigation_to_motion_cold_server_s": _summary(cold),
        "navigation_to_motion_warm_server_s": _summary(warm),
        "navigation_to_title_of_a_bare_streamlit_page_s": _summary(bare),
        "page_change_s": {name: _summary(seconds) for name, seconds in changes.items()},
        "page_change_all_s": _summary([second for seconds in changes.values() for second in seconds]),
        **crowd,
    }


def _cold(browser: Browser, env: dict[str, str]) -> float:
    """The very first visit to a server that has just come up."""
    with started(ROOT / "app.py", env) as server:
        return _first_motion(browser, server.url)


def _first_motion(browser: Browser, url: str) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    seconds = seconds_to_motion(page)
    context.close()
    return seconds


def _warm_beside_bare(browser: Browser, url: str, script: Path) -> tuple[list[float], list[float]]:
    """Seconds to the first motion, and in turn those to the only line of a page that has nothing else: the share of Streamlit and of the machine."""
    script.write_text(BARE, encoding="ascii")
    warm, bare = [], []
    with started(script) as server:
        for _ in range(VISITS):
            warm.append(_first_motion(browser, url))
            page = browser.new_page(viewport={"width": 1280, "height": 720})  # of a context of its own: nothing is in its cache
            page.goto(server.url, wait_until="commit")
            page.wait_for_function(f"{TITLE} === 'Bare'")
            bare.append(page.evaluate("performance.now()") / 1000)
            page.close()
    return warm, bare


def _warm_up(browser: Browser, server: Server) -> None:
    """Each page once, as a server that is in use has had."""
    _first_motion(browser, server.url)
    with Visitor(server.url) as visitor:
        for name in PAGES:
            visitor.visit(name)


def _page_changes(browser: Browser, url: str) -> dict[str, list[float]]:
    """From the click on a line of the menu until the page stands and the server is done, each page several times."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(url)
    _settled(page)
    menu = page.get_by_test_id("stSidebar").get_by_role("link")
    menu.last.wait_for()
    titles = menu.evaluate_all("links => links.map(link => link.innerText.split('\\n').at(-1))")
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for title in (*titles[1:], titles[0]):
            seconds.setdefault(title, []).append(_change(page, title))
    page.close()
    return seconds


def _change(page: Page, title: str) -> float:
    _settled(page)
    link = page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True)
    start = link.evaluate("link => { const now = performance.now(); link.click(); return now; }")
    page.wait_for_function(f"title => {TITLE} === title && {SETTLED}", arg=title, timeout=120_000)
    return (page.evaluate("performance.now()") - start) / 1000


def _settled(page: Page) -> None:
    page.wait_for_function(f"{TITLE} && {SETTLED}", timeout=120_000)


def _crowd(browser: Browser, server: Server) -> dict[str, Any]:
    """Twenty users who look for some seconds and go on: nineteen without a browser, one in Chromium."""
    before = _megabytes(server.pid)
    with ExitStack() as tabs, ThreadPoolExecutor(USERS) as pool:
        visitors = [tabs.enter_context(Visitor(server.url)) for _ in range(USERS - 1)]
        walks = [pool.submit(_walk, visitor, seed) for seed, visitor in enumerate(visitors)]
        watched = _page_changes(browser, server.url)
        waits = [second for walk in walks for second in walk.result()]
        with_all = _megabytes(server.pid)
    time.sleep(1)
    return {
        "users": USERS,
        "page_change_in_a_crowd_server_s": _summary(waits),
        "page_change_in_a_crowd_browser_s": _summary([second for seconds in watched.values() for second in seconds]),
        "server_mb": {"before": before, "with_all_users": with_all, "for_each_user": round((with_all - before) / USERS, 1)},
    }


def _walk(visitor: Visitor, seed: int) -> list[float]:
    """Seconds of each page that this user opens, in an order of their own."""
    chance, waits = random.Random(seed), []
    for _ in range(VISITS_EACH):
        time.sleep(chance.uniform(*THINKING))
        waits.append(visitor.visit(chance.choice(PAGES)))
    return waits


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {"median": round(statistics.median(ordered), 2), "90 %": round(ordered[int(0.9 * (len(ordered) - 1))], 2), "slowest": round(ordered[-1], 2)}


def _megabytes(pid: int) -> float:
    """Resident memory of the server. Raises DataError where /proc does not tell it."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        raise DataError(f"Expected /proc, which tells the memory of a process; there is none on {sys.platform}. Run this benchmark on Linux.")
    lines: Iterable[str] = status.read_text(encoding="ascii").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000, 1)
