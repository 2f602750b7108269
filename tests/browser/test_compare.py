"""Compare in a real browser: the gallery, several readers on one clock, and a curve that is measured while one looks."""

import re

import pytest
from playwright.sync_api import Page, expect

PATIENCE = 60_000  # ms; a busy machine takes its time


def opened(page: Page, app_url: str, query: str) -> None:
    page.goto(f"{app_url}/compare?{query}")
    expect(page.get_by_role("heading", name="Compare")).to_be_visible(timeout=PATIENCE)


def test_the_worst_system_is_found_and_shown(page: Page, app_url: str) -> None:
    opened(page, app_url, "show=All+systems&way=Encoder+alone")
    gallery = page.get_by_test_id("gallery")
    expect(gallery.get_by_role("button")).to_have_count(24, timeout=PATIENCE)
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="As numbered").click()
    expect(page).to_have_url(re.compile("order=As"), timeout=PATIENCE)
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="Worst first").click()
    first = gallery.get_by_role("button").first
    expect(first).to_have_attribute("aria-label", re.compile(r"System \d+: (?!100 %)\d+ % right, \d+ wrong, \d+ missed, .* bits unsure"), timeout=PATIENCE)
    expect(first).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)  # another order shows what comes first in it
    worst = first.get_attribute("data-system")
    expect(page).to_have_url(re.compile(f"system_no={worst}"), timeout=PATIENCE)
    expect(page.get_by_test_id("player")).to_be_visible()
    assert page.get_by_test_id("player").bounding_box()["y"] < gallery.bounding_box()["y"] < 720, "the first row is seen below the player"

    other = gallery.get_by_role("button").nth(5)
    number = other.get_attribute("data-system")
    other.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"system_no={number}(&|$)"), timeout=PATIENCE)
    expect(page.get_by_role("spinbutton", name="System, of 36")).to_have_value(number)
    expect(gallery).to_have_attribute("data-chosen", number)
    page.get_by_role("button", name="Next page").click()
    expect(gallery.get_by_role("button")).to_have_count(12, timeout=PATIENCE)
    expect(page).to_have_url(re.compile("sheet=2"))
    page.reload()
    expect(gallery.get_by_role("button")).to_have_count(12, timeout=PATIENCE)
    expect(page.get_by_role("spinbutton", name="System, of 36")).to_have_value(number)


def test_thumbnails_are_drawn_in_both_lights_and_on_a_phone(browser, app_url: str) -> None:
    drawn = {}
    for theme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=theme, reduced_motion="reduce")
        page = context.new_page()
        opened(page, app_url, "show=All+systems&way=Encoder+alone")
        gallery = page.get_by_test_id("gallery")
        expect(gallery.get_by_role("button")).to_have_count(24, timeout=PATIENCE)
        page.wait_for_timeout(500)
        reads = "[...root.querySelectorAll('canvas')].map(c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size)"
        assert min(gallery.evaluate(f"root => {reads}")) > 20, "every thumbnail has more than one colour"
        widths = gallery.evaluate("root => [root.scrollWidth, root.clientWidth]")
        assert widths[0] <= widths[1] <= 390
        drawn[theme] = gallery.evaluate("root => root.querySelector('canvas').toDataURL()")
        context.close()
    assert drawn["light"] != drawn["dark"]


def test_several_readers_run_on_one_clock(page: Page, app_url: str) -> None:
    opened(page, app_url, "show=Several+readers&readers=springs5&readers=Correlation+of+paths&readers=Known+law%3A+charges")
    players = page.get_by_test_id("player")
    expect(players).to_have_count(3, timeout=PATIENCE)
    expect(players.nth(2)).to_have_attribute("data-num-frames", "99", timeout=PATIENCE)
    expect(page.get_by_text("Correlation of paths", exact=True).filter(visible=True).first).to_be_visible(timeout=PATIENCE)
    players.nth(0).get_by_role("button", name="Pause").click()
    for player in players.all():
        expect(player).to_have_attribute("data-playing", "false", timeout=PATIENCE)
    players.nth(1).get_by_role("slider", name="Time step").fill("40")
    for player in players.all():
        expect(player).to_have_attribute("data-frame", "40", timeout=PATIENCE)


@pytest.mark.parametrize("need", ["Frames seen", "Noise"])
def test_a_curve_is_measured_while_the_page_stays_usable(page: Page, app_url: str, need: str) -> None:
    opened(page, app_url, f"show=How+much+does+it+need%3F&way=Encoder+alone&beside=Nobody&need={need.replace(' ', '+')}")
    page.get_by_role("button", name="Measure").click(timeout=PATIENCE)
    expect(page.get_by_text(re.compile("gets at least 95 % of pairs right"))).to_be_visible(timeout=2 * PATIENCE)
    figure = page.locator(".js-plotly-plot")
    expect(figure.get_by_text("Shipped springs5, encoder alone")).to_be_visible()
    assert figure.locator(".scatterlayer .points path").count() >= 8, "a mark for each point"
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") <= 1000
