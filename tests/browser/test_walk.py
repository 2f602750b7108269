"""One walk through the app in a real browser: Explore moves; Simulate → Train → Compare with a real short training."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.server import SETTLED
from ui.frame import PAGES

PATIENCE = 60_000  # ms; a busy machine imports torch for seconds


def opened(page: Page, url: str) -> Locator:
    """Go there and wait for the player."""
    page.goto(url)
    player = page.get_by_test_id("player")
    expect(player).to_be_visible(timeout=PATIENCE)
    return player


def frame(player: Locator) -> int:
    return int(player.get_attribute("data-frame") or 0)


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def menu(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()


def expect_motion(player: Locator) -> None:
    before = frame(player)
    expect(player).not_to_have_attribute("data-frame", str(before), timeout=PATIENCE)
    expect(player).to_have_attribute("data-playing", "true")


def test_the_landing_page_moves_and_follows_its_address(page: Page, app_url: str) -> None:
    opened(page, app_url)  # the first visit warms the server
    player = opened(page, f"{app_url}/?system=3")
    expect_motion(player)
    expect(page.get_by_role("slider", name="System")).to_have_value("3")
    expect(page.get_by_text("All 36 systems")).to_be_visible()
    stage = player.bounding_box()
    assert stage and stage["y"] + stage["height"] <= 720, "stage and transport fit a projector"


def test_a_key_held_down_on_a_slider_breaks_nothing(page: Page, app_url: str) -> None:
    """Runs that are cut short must not let the browser forget what the server takes for known (`maxCachedMessageAge`): at 2 runs this failed in most tries."""
    opened(page, app_url)
    slider = page.get_by_role("slider", name="System")
    slider.focus()
    for burst in range(6):
        for _ in range(20):
            page.keyboard.press("ArrowLeft" if burst % 2 else "ArrowRight")
            page.wait_for_timeout(30)
        page.wait_for_timeout(1000)
        expect(page.get_by_text("Connection error")).to_have_count(0)
    expect(slider).to_have_value("1")
    expect_motion(page.get_by_test_id("player"))


def test_systems_follow_from_page_to_page_and_outlast_a_reload(page: Page, app_url: str) -> None:
    """Opened by a link, not chosen by hand."""
    opened(page, f"{app_url}/compare?on=charged5&system_no=7")
    for name, path, system in (("What if", "what_if", "number"), ("Inside the model", "inside", "no"), ("Explore", "(explore)?", "system"), ("Compare", "compare", "system_no")):
        menu(page, name)
        expect(page.get_by_test_id("stSidebar")).to_contain_text("Charges, 5 particles")
        expect(page).to_have_url(re.compile(rf"/{path}\?.*{system}=7"))
    page.reload()
    expect(page.get_by_test_id("stSidebar")).to_contain_text("Charges, 5 particles")
    expect(page.get_by_role("spinbutton", name="System, of 36")).to_have_value("7")


def test_the_view_follows_from_page_to_page_and_outlasts_a_reload(page: Page, app_url: str) -> None:
    """In this tab; what a link asks for comes first."""
    player = opened(page, f"{app_url}/compare")
    expect(player).to_have_attribute("data-view", "side by side", timeout=PATIENCE)
    player.get_by_role("radio", name="difference").check(force=True)
    menu(page, "Explore")
    expect(page.get_by_text("All 36 systems")).to_be_visible(timeout=PATIENCE)
    expect(player).to_have_attribute("data-view", "difference", timeout=PATIENCE)
    page.reload()
    expect(player).to_have_attribute("data-view", "difference", timeout=PATIENCE)
    expect(opened(page, f"{app_url}/compare?view=overlaid")).to_have_attribute("data-view", "overlaid", timeout=PATIENCE)
    other = page.context.new_page()
    expect(opened(other, f"{app_url}/compare")).to_have_attribute("data-view", "side by side", timeout=PATIENCE)


@pytest.mark.parametrize("path", ["simulate", "simulate?law=Oscillators", "train", "compare"])
def test_stage_transport_and_sentence_fit_a_projector(page: Page, app_url: str, path: str) -> None:
    player = opened(page, f"{app_url}/{path}")
    expect(player).to_have_attribute("data-num-frames", re.compile(r"\d+"), timeout=PATIENCE)
    stage = player.bounding_box()
    assert stage and stage["y"] + stage["height"] <= 720
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") <= 1250


FALLS = """
window.falls = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    for (const { previousRect: from, currentRect: to } of entry.sources) {
      if (from.x > 200 && from.width && to.width) window.falls.push(Math.abs(to.y - from.y)); // beside the menu
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("path", ["", "what_if", "simulate", "compare", "inside"])
def test_the_player_has_its_room_before_it_is_there(page: Page, app_url: str, path: str) -> None:
    page.add_init_script(FALLS)
    expect(opened(page, f"{app_url}/{path}")).to_have_attribute("data-num-frames", re.compile(r"\d+"), timeout=PATIENCE)
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    assert max(page.evaluate("window.falls"), default=0) < 150, "what is below the player moves when it comes"


def test_on_a_phone_the_player_takes_more_than_its_room(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    player = opened(page, app_url)
    expect_motion(player)
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    stage, below = player.bounding_box(), page.get_by_text("Systems", exact=True).first.bounding_box()
    assert stage and below and stage["y"] + stage["height"] <= below["y"]


@pytest.mark.parametrize("path", ["what_if?edits=g1-4%3A0", "learn?lesson=4", "learn?lesson=7", "learn?hidden_system=2&guess=1000001100"])
def test_words_in_a_narrow_column_break_and_are_not_cut(browser: Browser, app_url: str, path: str) -> None:
    page = browser.new_page(viewport={"width": 844, "height": 390})
    opened(page, f"{app_url}/{path}")
    expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=PATIENCE)
    whole = "e => getComputedStyle(e).textOverflow != 'ellipsis' || e.scrollWidth <= e.clientWidth + 1 || !e.textContent"
    assert page.evaluate(f"[...document.querySelectorAll('[data-testid=stMain] *')].filter(e => !({whole})(e)).map(e => e.textContent)") == []
    page.close()


def test_a_cold_deep_link_has_the_menu_and_the_page(page: Page, serve, tmp_path) -> None:
    url = serve("app.py", env={"NRI_RUNS_DIR": str(tmp_path)})
    opened(page, f"{url}/train")
    menu(page, "Compare")
    expect(page.get_by_text("AUROC")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stSidebar").get_by_role("link")).to_have_count(len(PAGES))


def test_simulate_train_compare(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/simulate?num_nodes=4")
    simulations = page.get_by_role("spinbutton", name="Simulations")
    simulations.fill("300")
    simulations.press("Enter")
    click(page, "Make dataset")
    expect(page.get_by_text("300 systems ready")).to_be_visible(timeout=PATIENCE)

    page.get_by_role("link", name="Train on them").click()
    limit = page.get_by_role("spinbutton", name="Time limit (s)")
    expect(limit).to_be_visible(timeout=PATIENCE)
    limit.fill("10")
    limit.press("Enter")
    page.get_by_role("button", name="Train", exact=True).dblclick()  # starts one run
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-edges-shown", re.compile(r"\d+"), timeout=PATIENCE)
    expect(page.get_by_text(re.compile(r"Epoch \d+ of \d+"))).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE)
    address = page.url
    assert "run=" in address

    page.reload()  # the run goes on, and the page finds it
    expect(page.get_by_text(re.compile(r"Epoch \d+ of \d+|Finished"))).to_be_visible(timeout=PATIENCE)
    other = page.context.new_page()  # the tab is closed, and another one opened
    page.close()
    other.goto(address)
    expect(other.get_by_text("Done", exact=True)).to_be_visible(timeout=PATIENCE)
    expect_motion(other.get_by_test_id("player"))

    click(other, "Keep and compare")
    expect(other.get_by_text("AUROC")).to_be_visible(timeout=PATIENCE)
    expect(other.get_by_test_id("stSidebar").get_by_text("Trained on Springs, 4 particles")).to_be_visible()
    expect_motion(other.get_by_test_id("player"))
    other.go_back()
    expect(other.get_by_text("Done", exact=True)).to_be_visible(timeout=PATIENCE)


def test_stop_keeps_the_model(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/train")
    click(page, "Train")
    expect(page.get_by_text(re.compile(r"Epoch \d+ of \d+"))).to_be_visible(timeout=PATIENCE)
    click(page, "Stop")
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Keep and compare")).to_be_visible()
    click(page, "New run")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible(timeout=PATIENCE)
    assert "run=" not in page.url


def test_one_step_back_is_the_page_as_it_was(page: Page, app_url: str) -> None:
    """With what was set there by hand, though the link says something else of the next page."""
    opened(page, f"{app_url}/simulate")
    seed = page.get_by_label("Seed", exact=True)
    seed.fill("12")
    seed.press("Enter")
    expect(page).to_have_url(re.compile("seed=12"), timeout=PATIENCE)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(page).to_have_url(re.compile("/simulate.*seed=12"), timeout=PATIENCE)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("12", timeout=PATIENCE)
