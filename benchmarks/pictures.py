"""The moving picture of the README, taken from the real app in a real browser."""

import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.server import launched, serving

ROOT = Path(__file__).parents[1]
TARGET = ROOT / ".github" / "explore.webp"
FRAMES = range(20, 99, 2)
WIDTH = 960


def main() -> dict[str, Any]:
    """Step the landing page's player through its frames and write them as an animated WebP."""
    with serving(ROOT / "app.py") as url, sync_playwright() as playwright, launched(playwright) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(url)
        page.get_by_role("button", name="Pause").click()
        page.wait_for_timeout(1000)
        pictures = [_picture(page, frame) for frame in FRAMES]
    TARGET.parent.mkdir(exist_ok=True)
    pictures[0].save(TARGET, save_all=True, append_images=pictures[1:], duration=120, loop=0, quality=60, method=4)
    return {"file": str(TARGET.relative_to(ROOT)), "frames": len(pictures), "kilobytes": round(TARGET.stat().st_size / 1000)}


def _picture(page: Page, frame: int) -> Image.Image:
    page.get_by_label("Time step").fill(str(frame))
    page.wait_for_timeout(150)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS)
