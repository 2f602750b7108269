"""Share in a real browser: a page is set by hand, its link opened by somebody else, who sees the same; a class link hides and locks."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ui.tables import TITLES

PATIENCE = 60_000  # ms
SETTLED = 1_500  # ms without a change
KEPT = ("frame", "numFrames", "playing", "view", "temperature", "selected", "edgesShown")
SEEN = """(kept) => {
  const inside = document.querySelector("[data-testid=stMain]"), found = [];
  const named = (element) => element.getAttribute("aria-label") ?? element.closest("[data-testid=stElementContainer]")?.innerText.split("\\n")[0] ?? "";
  for (const element of inside.querySelectorAll("input, textarea, [role=slider]")) {
    if (element.type === "file" || element.closest(".player")) continue;
    found.push([named(element), element.getAttribute("aria-valuenow") ?? (["checkbox", "radio"].includes(element.type) ? String(element.checked) : element.value)]);
  }
  for (const element of inside.querySelectorAll("[data-testid=stButtonGroup] [aria-checked=true], [data-testid=stButtonGroup] [aria-pressed=true]")) found.push(["chosen", element.innerText]);
  const roots = [document];
  for (const root of roots) for (const element of root.querySelectorAll("*")) if (element.shadowRoot) roots.push(element.shadowRoot);
  const player = roots.map((root) => root.querySelector("[data-testid=player]")).find(Boolean);
  if (player) found.push(...kept.map((name) => [name, player.dataset[name]]), ["threshold", player.querySelector("input.threshold").value], ["zoom", player.querySelector(".zoom").ariaPressed]);
  return found.map((pair) => pair.join(": "));
}"""


def ready(page: Page) -> None:
    """The player is there, and the server has nothing left to do."""
    expect(page.get_by_test_id("stMain").get_by_role("button", name="Share", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    page.wait_for_timeout(SETTLED)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)


def player(page: Page) -> Locator:
    return page.get_by_test_id("player").first


def seen(page: Page) -> list[str]:
    """Everything that is set on the page, widget by widget, and how the player stands."""
    return page.evaluate(SEEN, KEPT)


def stand_still(page: Page, frame: int) -> None:
    expect(player(page)).to_have_attribute("data-num-frames", re.compile(r"\d+"), timeout=PATIENCE)
    time = player(page).get_by_label("Time step")
    time.fill(str(frame))
    expect(player(page)).to_have_attribute("data-frame", str(frame))


def share(page: Page) -> str:
    """The link that Share gives; the popover is closed again."""
    page.get_by_test_id("stMain").get_by_role("button", name="Share", exact=True).click()
    popover = page.get_by_test_id("stPopoverBody")
    if page.get_by_test_id("player").count():
        expect(popover.get_by_text("Stand still at frame")).to_be_visible(timeout=PATIENCE)
    else:
        expect(popover.get_by_test_id("stCode").first).to_be_visible(timeout=PATIENCE)
    ready(page)
    link = popover.get_by_test_id("stCode").first.inner_text().replace("\n", "").strip()
    page.keyboard.press("Escape")
    expect(popover).to_have_count(0, timeout=PATIENCE)
    return link


def explore(page: Page) -> None:
    page.get_by_role("slider", name="System").press("ArrowRight")
    ready(page)
    player(page).get_by_role("radio", name="overlaid").check()
    player(page).get_by_label("Edge threshold").fill("0.8")
    stand_still(page, 17)


def simulate(page: Page) -> None:
    for label, value in (("Seed", "5"), ("Simulations", "20")):
        field = page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(value)
        field.press("Enter")
        ready(page)
    page.get_by_role("button", name="Make dataset").click()
    expect(page.get_by_text("20 systems ready")).to_be_visible(timeout=PATIENCE)
    ready(page)
    stand_still(page, 30)


def compare(page: Page) -> None:
    field = page.get_by_role("spinbutton", name=re.compile("System, of"))
    field.fill("4")
    field.press("Enter")
    ready(page)
    stand_still(page, 9)


def inside(page: Page) -> None:
    page.get_by_role("button", name="Next", exact=True).click()
    ready(page)


def train(page: Page) -> None:
    field = page.get_by_role("spinbutton", name="Epochs", exact=True)
    field.fill("77")
    field.press("Enter")
    ready(page)
    stand_still(page, 3)


def results(page: Page) -> None:
    page.get_by_text(TITLES["table2"], exact=True).first.click()
    ready(page)


def what_if(page: Page) -> None:
    for _ in range(2):
        page.get_by_role("slider", name="System").press("ArrowRight")
        ready(page)
    zoom = player(page).get_by_role("button", name="Zoom to the starts")
    expect(zoom).to_have_attribute("aria-pressed", "true")
    zoom.click()


def learn(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Next")).click()
    ready(page)
    if page.get_by_test_id("player").count():
        stand_still(page, 5)


@pytest.mark.parametrize("act", [explore, simulate, compare, inside, train, results, what_if, learn])
def test_the_link_opens_what_was_seen(page: Page, browser: Browser, app_url: str, act: Callable[[Page], None]) -> None:
    page.goto(f"{app_url}/{'' if act is explore else act.__name__}")
    ready(page)
    act(page)
    link = share(page)
    before = seen(page)
    other = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    other.goto(link)
    ready(other)
    for _ in range(PATIENCE // SETTLED):  # until the page is whole
        if seen(other) == before:
            break
        other.wait_for_timeout(SETTLED)
    assert seen(other) == before
    other.context.close()


def test_a_class_link_hides_and_locks(page: Page, browser: Browser, app_url: str) -> None:
    page.goto(f"{app_url}/?hide=menu,truth,sample,threshold,nowhere&lock=system,temperature")
    ready(page)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator(".st-key-sample")).to_be_hidden()
    expect(player(page).get_by_label("Edge threshold")).to_be_hidden()
    expect(player(page).get_by_label("Temperature")).to_be_disabled()
    expect(player(page).get_by_role("button", name="Truth")).to_be_hidden()
    expect(page.get_by_role("slider", name="System")).to_be_disabled()
    expect(page.get_by_text("nowhere")).to_be_visible()
    before = player(page).get_by_label("Edge threshold").input_value()
    player(page).press("]")
    assert player(page).get_by_label("Edge threshold").input_value() == before
    link = share(page)
    asked = parse_qs(urlsplit(link).query)
    assert set(asked["hide"][0].split(",")) == {"menu", "truth", "sample", "threshold"} and set(asked["lock"][0].split(",")) == {"system", "temperature"}


def test_a_class_link_is_made_by_ticking(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/simulate")
    ready(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Share", exact=True).click()
    popover = page.get_by_test_id("stPopoverBody")
    popover.get_by_text("For a class").click()
    for label, choice in (("Hide", "True graph"), ("Lock", "Seed")):
        popover.get_by_label(label, exact=True).fill(choice)
        page.get_by_role("option", name=choice, exact=True).click()
        page.keyboard.press("Escape")
    expect(popover.get_by_test_id("stCode").first).to_contain_text("hide=truth", timeout=PATIENCE)
    expect(popover.get_by_test_id("stCode").first).to_contain_text("lock=seed", timeout=PATIENCE)


@pytest.mark.parametrize(("start", "link"), [("", "Train"), ("compare", "Explore"), ("learn", "What if")])
def test_a_link_that_closes_share_leads_where_it_says(page: Page, app_url: str, start: str, link: str) -> None:
    page.goto(f"{app_url}/{start}")
    ready(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_test_id("stCode").first).to_be_visible(timeout=PATIENCE)
    page.get_by_test_id("stSidebar").get_by_role("link", name=link, exact=True).click()
    expect(page.get_by_role("heading", name=link, exact=True)).to_be_visible(timeout=PATIENCE)
