"""A picture of every page, in light and dark, on a desktop and on a phone, to be looked at; and a sheet of each sort."""

from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.server import ROOT, SETTLED, launched, serving
from tests.browser.visitor import PAGES

FOLDER = ROOT / ".screenshots"  # ignored by git
SIZES = {"desktop": (1280, 720), "phone": (390, 844)}
THEMES = ("light", "dark")
IN_A_ROW, WIDTH = 4, 480


def main() -> dict[str, Any]:
    """Where the pictures lie."""
    FOLDER.mkdir(exist_ok=True)
    with serving(ROOT / "app.py") as url, sync_playwright() as playwright, launched(playwright) as browser:
        for theme in THEMES:
            for device in SIZES:
                _sheet([_picture(browser, url, name, theme, device) for name in PAGES], FOLDER / f"sheet_{theme}_{device}.png")
    return {"folder": FOLDER.name, "pictures": len(THEMES) * len(SIZES) * len(PAGES)}


def _picture(browser: Browser, url: str, name: str, theme: str, device: str) -> Path:
    width, height = SIZES[device]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, has_touch=device == "phone")
    page, path = context.new_page(), FOLDER / f"{name}_{theme}_{device}.png"
    page.goto(f"{url}/{name}")
    page.get_by_role("heading", level=1).wait_for(timeout=120_000)
    page.wait_for_timeout(3000)  # motion has left its trails
    page.wait_for_function(SETTLED, timeout=120_000)
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")  # the page scrolls inside: a window as tall shows all of it
    page.set_viewport_size({"width": width, "height": max(height, min(tall + 20, 4000))})
    page.wait_for_timeout(700)
    page.screenshot(path=path, timeout=120_000)
    context.close()
    return path


def _sheet(paths: list[Path], target: Path) -> None:
    pictures = []
    for path in paths:
        with Image.open(path) as picture:
            pictures.append(picture.convert("RGB").resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS))
    rows = [pictures[first : first + IN_A_ROW] for first in range(0, len(pictures), IN_A_ROW)]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (IN_A_ROW * WIDTH, sum(heights)), "#808080")
    for row, top in zip(rows, (sum(heights[:place]) for place in range(len(rows))), strict=True):
        for place, picture in enumerate(row):
            sheet.paste(picture, (place * WIDTH, top))
    sheet.save(target)
