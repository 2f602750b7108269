"""Inside the model in a real browser: all stages by mouse and by keys, and numbers on screen that are those of the command."""

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import ROOT
from tests.browser.test_walk import PATIENCE


def printed(name: str, edge: str) -> list[dict]:
    """What the command says of the stages."""
    sample = ROOT / "sample_data"
    command = [sys.executable, "-m", "nri_core", "stages", str(sample / "models" / name), str(sample / f"{name}.npz"), "--edge", edge, "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)["stages"]


def open_inside(page: Page, app_url: str, query: str) -> None:
    page.goto(f"{app_url}/inside?{query}")
    expect(page.locator(".katex-display").first).to_be_visible(timeout=PATIENCE)


def expect_stage(page: Page, stage: dict) -> None:
    """Its sentence, and as the last of both equations the one with numbers, in the words of the command."""
    expect(page.get_by_text(stage["sentence"])).to_be_visible(timeout=PATIENCE)
    written = page.locator(".katex-display annotation").nth(1)
    expect(written).to_have_text(rf"\small {stage['filled']}", timeout=PATIENCE)


@pytest.mark.parametrize("name", ["charged5", "kuramoto5"])
def test_every_stage_shows_the_numbers_of_the_command(page: Page, app_url: str, name: str) -> None:
    open_inside(page, app_url, f"of={name}&sender=3&receiver=2")
    stages = printed(name, "3-2")
    for place, stage in enumerate(stages):
        expect_stage(page, stage)
        picture = page.get_by_test_id("player") if stage["key"] == "paths" else page.locator(".js-plotly-plot").first
        expect(picture).to_be_visible(timeout=PATIENCE)
        equation = page.locator(".katex-display").nth(1)
        for what in (picture, equation):
            expect(what, f"{stage['key']} fits a projector").to_be_in_viewport(ratio=1, timeout=PATIENCE)
        assert equation.evaluate("drawn => drawn.scrollWidth <= drawn.clientWidth + 4"), f"the numbers of {stage['key']} are not cut off"
        if place + 1 < len(stages):
            page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled()
    assert f"stage={stages[-1]['title']}".replace(" ", "+") in page.url.replace("%20", "+")
    page.reload()
    expect_stage(page, stages[-1])


def test_stages_are_reached_by_keys(page: Page, app_url: str) -> None:
    open_inside(page, app_url, "sender=3&receiver=2")
    stages = printed("springs5", "3-2")
    page.get_by_role("button", name="Next", exact=True).focus()
    page.keyboard.press("Enter")
    expect_stage(page, stages[1])


def test_the_player_lights_the_edge_that_is_chosen(page: Page, app_url: str) -> None:
    open_inside(page, app_url, "sender=3&receiver=2")
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-selected", "3-2", timeout=PATIENCE)
    page.get_by_role("combobox", name="Sender").click()
    page.get_by_role("option", name="5", exact=True).click()
    expect(player).to_have_attribute("data-selected", "5-2", timeout=PATIENCE)
    expect(page.get_by_text("does 5 act on 2?")).to_be_visible(timeout=PATIENCE)


def test_a_click_on_an_edge_follows_it(page: Page, app_url: str) -> None:
    open_inside(page, app_url, "sender=3&receiver=2")
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-selected", "3-2", timeout=PATIENCE)
    page.get_by_role("button", name="Pause", exact=True).click()
    stage = player.locator("canvas").first.bounding_box()
    assert stage
    for place in range(400):  # somewhere there is another edge
        page.mouse.click(stage["x"] + stage["width"] * (0.2 + 0.03 * (place % 20)), stage["y"] + stage["height"] * (0.1 + 0.04 * (place // 20)))
        chosen = player.get_attribute("data-selected") or ""
        if "-" in chosen and chosen != "3-2":
            break
    sender, receiver = chosen.split("-")
    expect(page.get_by_text(f"does {sender} act on {receiver}?")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("combobox", name="Sender")).to_have_value(sender, timeout=PATIENCE)


def test_the_pair_selected_on_one_page_is_followed_on_the_next(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/?sample=charged10&system=4")
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-frame", re.compile("[1-9]"), timeout=PATIENCE)
    player.focus()
    for _ in range(3):
        page.keyboard.press("p")
    sender, receiver = player.get_attribute("data-selected").split("-")
    page.wait_for_timeout(1500)  # until it is told
    page.get_by_role("link", name="Inside the model").click()
    expect(page.get_by_text(f"does {sender} act on {receiver}?")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile(f"^{sender} → {receiver}: in the end the model says .* in truth it is .*: (right|wrong)"))).to_be_visible()
    assert f"sender={sender}&receiver={receiver}" in page.url, "a reload follows it too"
    page.go_back()
    expect(page.get_by_test_id("player")).to_have_attribute("data-selected", f"{sender}-{receiver}", timeout=PATIENCE)
