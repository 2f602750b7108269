"""From navigation to motion: how long the landing page takes until its player moves, on a warm server."""

import statistics
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks.player import seconds_to_motion
from tests.browser.server import ROOT, launched, serving

VISITS = 9


def main() -> dict[str, Any]:
    """Seconds of each visit: a fresh browser profile (nothing cached), and a second page in the same one."""
    with serving(ROOT / "app.py") as url, sync_playwright() as playwright, launched(playwright) as browser:
        _visit(browser, url)  # the first visit warms the server
        visits = [_visit(browser, url) for _ in range(VISITS)]
    fresh, again = zip(*visits, strict=True)
    return {"visits": VISITS, "fresh_profile_s": _summary(fresh), "again_s": _summary(again)}


def _visit(browser: Browser, url: str) -> tuple[float, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    seconds = []
    for _ in range(2):
        page = context.new_page()
        page.goto(url, wait_until="commit")
        seconds.append(seconds_to_motion(page))
    context.close()
    return seconds[0], seconds[1]


def _summary(seconds: tuple[float, ...]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 2), "slowest": round(max(seconds), 2)}
