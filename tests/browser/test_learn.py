"""Learn in a real browser: a guess drawn on the player and scored, the tour walked to its end and skipped, an example opened and sent on."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.server import SETTLED
from tests.browser.test_walk import PATIENCE, click, opened
from ui.lessons import LESSONS
from ui.tour import EXAMPLES

RAISED = re.compile(r"^\d+$")


def cell(player: Locator, receiver: int, sender: int, nodes: int = 5) -> dict[str, float]:
    """Where a cell of the matrix lies within it."""
    box = player.locator(".matrix canvas").bounding_box()
    assert box
    size = (box["width"] - 19) / nodes
    return {"x": 19 + (sender - 0.5) * size, "y": 19 + (receiver - 0.5) * size}


def find(page: Page, player: Locator, name: str) -> tuple[float, float]:
    """Where the particle of this name stands on the stage: found with the pointer, as a person does."""
    box = player.locator(".main canvas").bounding_box()
    assert box
    for y in range(12, int(box["height"]) - 8, 9):
        for x in range(12, int(box["width"]) - 8, 9):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if player.get_attribute("data-hover") == name:
                return box["x"] + x, box["y"] + y
    raise AssertionError(f"no particle {name} on the stage")


def test_a_guess_is_drawn_three_ways_and_scored(page: Page, app_url: str) -> None:
    player = opened(page, f"{app_url}/learn?hidden_system=2")
    expect(player).to_have_attribute("data-guessed", "0", timeout=PATIENCE)
    player.get_by_role("button", name="Pause").click()
    player.press("Home")  # where no particle lies over another
    player.locator(".matrix canvas").click(position=cell(player, 1, 2))
    expect(player).to_have_attribute("data-guessed", "1")
    expect(player.get_by_role("status")).to_contain_text("2 – 1: you say spring")
    player.press("3")
    player.press("4")
    expect(player).to_have_attribute("data-guessed", "2")
    for name in ("1", "5"):
        page.mouse.click(*find(page, player, name))
    expect(player).to_have_attribute("data-guessed", "3")
    player.locator(".matrix canvas").click(position=cell(player, 2, 1))  # the other direction is the same pair
    expect(player).to_have_attribute("data-guessed", "2")

    player.get_by_role("button", name="Done").click()
    for name in ("You", "The model", "Correlation"):
        expect(page.get_by_test_id("stMetric").filter(has_text=name).get_by_text("of 10 pairs")).to_be_visible(timeout=PATIENCE)
    expect(player).to_have_attribute("data-view", "difference", timeout=PATIENCE)
    expect(page).to_have_url(re.compile(r"guess=0001000100"))  # pairs 1–2, 1–3, …: 1–5 and 3–4 are joined
    page.reload()
    expect(page.get_by_text("of 10 pairs").first).to_be_visible(timeout=PATIENCE)
    click(page, "Next system")
    expect(page.get_by_test_id("player")).to_have_attribute("data-guessed", "0", timeout=PATIENCE)
    assert "guess=" not in page.url


def test_a_guess_that_is_not_told_yet_outlives_reload_and_back_and_goes_with_the_link(page: Page, app_url: str) -> None:
    player = opened(page, f"{app_url}/learn?hidden_system=2")
    expect(player).to_have_attribute("data-guessed", "0", timeout=PATIENCE)
    for pair in ((1, 2), (3, 4)):
        player.locator(".matrix canvas").click(position=cell(player, *pair))
    expect(player).to_have_attribute("data-guessed", "2")
    page.reload()
    expect(player).to_have_attribute("data-guessed", "2", timeout=PATIENCE)
    page.get_by_test_id("stSidebar").get_by_role("link", name="What if").click()
    expect(page.get_by_role("heading", name="What if")).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(player).to_have_attribute("data-guessed", "2", timeout=PATIENCE)
    page.get_by_test_id("stMain").get_by_role("button", name="Share", exact=True).click()
    link = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode")
    expect(link).to_contain_text("draft=1000000100", timeout=PATIENCE)
    other = page.context.browser.new_context().new_page()
    opened(other, link.inner_text().strip())
    expect(other.get_by_test_id("player")).to_have_attribute("data-guessed", "2", timeout=PATIENCE)
    other.get_by_test_id("player").get_by_role("button", name="Clear").click()
    other.get_by_test_id("stMain").get_by_role("button", name="Share", exact=True).click()
    expect(other.get_by_test_id("stPopoverBody").get_by_test_id("stCode")).to_contain_text("hidden_system=2", timeout=PATIENCE)
    expect(other.get_by_test_id("stPopoverBody").get_by_test_id("stCode")).not_to_contain_text("draft=")
    other.keyboard.press("Escape")
    for pair in ((1, 2), (3, 4)):
        other.get_by_test_id("player").locator(".matrix canvas").click(position=cell(player, *pair))
    other.get_by_test_id("player").get_by_role("button", name="Done").click()
    expect(other).to_have_url(re.compile("guess=1000000100"), timeout=PATIENCE)
    assert "draft=" not in other.url
    other.context.close()


def test_a_graph_that_is_tried_moves_the_forecast(page: Page, app_url: str) -> None:
    player = opened(page, f"{app_url}/learn?lesson=3")
    rank = page.get_by_test_id("stMetric").filter(has_text="Rank of your graph").get_by_test_id("stMetricValue")
    expect(rank).to_be_visible(timeout=PATIENCE)
    before = rank.inner_text()
    player.locator(".matrix canvas").click(position=cell(player, 1, 2))
    expect(rank).not_to_have_text(before, timeout=PATIENCE)
    expect(page).to_have_url(re.compile("graph=1000000000"))
    page.get_by_role("button", name="Start over").click()
    expect(player).to_have_attribute("data-guessed", "0", timeout=PATIENCE)
    expect(rank).to_have_text(before, timeout=PATIENCE)


def test_the_tour_is_walked_by_button_and_key_and_fits_a_projector(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/learn")
    for number, lesson in enumerate(LESSONS, start=1):
        expect(page.get_by_text(f"{number} of {len(LESSONS)} · {lesson.title}")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("What you should see.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("What you should see.").locator("..")).to_contain_text(lesson.see, timeout=PATIENCE)
        player = page.get_by_test_id("player")
        expect(player).to_have_attribute("data-num-frames", RAISED, timeout=PATIENCE)
        stage = player.bounding_box()
        assert stage and stage["y"] + stage["height"] <= 720, f"stage, transport and aim of lesson {number} fit"
        if number > 1:
            expect(page).to_have_url(re.compile(f"lesson={number}"))
        if number % 2:
            page.get_by_role("button", name=re.compile("^Next")).click()
        else:
            page.get_by_test_id("player").focus()  # which has keys of its own, but not this one
            page.keyboard.press("f")
    expect(page.get_by_text("failures among them.")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile(f"lesson={EXAMPLES}"))
    page.keyboard.press("b")
    expect(page.get_by_text(f"{len(LESSONS)} of {len(LESSONS)} ·")).to_be_visible(timeout=PATIENCE)


def test_the_keys_of_the_tour_work_beside_a_slider(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/learn?lesson=6")
    page.locator("[data-testid=stSlider] :is(input, [role=slider])").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("frames_seen=9"), timeout=PATIENCE)
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile("lesson=7"), timeout=PATIENCE)


def test_the_tour_is_skipped_and_an_example_sent_on(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/")
    page.get_by_role("link", name="New here? Take the tour").click()
    expect(page.get_by_text(f"1 of {len(LESSONS)}")).to_be_visible(timeout=PATIENCE)
    click(page, "Skip the tour")
    expect(page.get_by_text("failures among them.")).to_be_visible(timeout=PATIENCE)
    card = page.get_by_test_id("stColumn").filter(has_text="Two graphs, one motion")
    card.get_by_role("button", name="Open").click()
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-edge-accuracy", "0.0000", timeout=PATIENCE)
    address = page.url
    assert "example=two_graphs" in address
    other = page.context.new_page()
    opened(other, address)
    expect(other.get_by_test_id("player")).to_have_attribute("data-edge-accuracy", "0.0000", timeout=PATIENCE)
    click(other, "All examples")
    expect(other.get_by_text("failures among them.")).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_lesson_fits_a_phone(page: Page, app_url: str, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 390, "height": 844})
    player = opened(page, f"{app_url}/learn?lesson=2")
    expect(player).to_have_attribute("data-view", "difference", timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    stage = player.bounding_box()
    assert stage and stage["x"] >= 0 and stage["x"] + stage["width"] <= 390


@pytest.mark.parametrize("lesson, slider", [(2, "Frames read"), (4, "Error after (frames)"), (6, "Frames seen"), (7, "Frames seen"), (8, "Hide particle")])
def test_on_a_phone_one_moves_above_the_player_and_reads_below(page: Page, app_url: str, lesson: int, slider: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/learn?lesson={lesson}")
    places = [page.get_by_role("slider", name=slider), page.get_by_test_id("player"), page.get_by_text("What you should see")]
    for place in places:
        expect(place).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    moved, player, said = (place.bounding_box() for place in places)
    assert moved and player and said and moved["y"] < player["y"] < said["y"]
    assert player["y"] < 600, "what is moved and what follows are seen together"


def test_on_a_phone_the_menu_closes_and_what_is_new_begins_at_its_top(browser: Browser, app_url: str) -> None:
    with closing(browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)) as context:
        page = context.new_page()
        opened(page, app_url)
        page.get_by_test_id("stExpandSidebarButton").tap()
        link = page.get_by_test_id("stSidebar").get_by_role("link", name="Learn")
        expect(link).to_be_in_viewport(timeout=PATIENCE)
        link.tap()
        expect(page.get_by_text("1 of 8")).to_be_visible(timeout=PATIENCE)
        expect(link).not_to_be_in_viewport()
        onward = page.get_by_role("button", name="Next: Looking alike is not acting on each other")
        onward.scroll_into_view_if_needed(timeout=PATIENCE)
        onward.tap()
        expect(page.get_by_text("2 of 8")).to_be_in_viewport(timeout=PATIENCE)
        page.goto(f"{app_url}/learn?lesson={EXAMPLES}")
        last = page.get_by_role("button", name="Open").last
        last.scroll_into_view_if_needed(timeout=PATIENCE)
        last.tap()
        expect(page.get_by_text("Look for:").first).to_be_in_viewport(timeout=PATIENCE)
        expect(page.get_by_test_id("player")).to_be_in_viewport(timeout=PATIENCE)


def test_a_lesson_left_and_entered_again_begins_as_its_numbers_say(page: Page, app_url: str) -> None:
    player = opened(page, f"{app_url}/learn?lesson=3")
    click(page, "Best change")
    expect(player).to_have_attribute("data-guessed", "1", timeout=PATIENCE)
    page.get_by_role("button", name="Next", exact=False).first.click()
    expect(page.get_by_text("4 of 8")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("3 of 8")).to_be_visible(timeout=PATIENCE)
    expect(player).to_have_attribute("data-guessed", "1", timeout=PATIENCE)
    expect(page.get_by_text(re.compile(r"1 pair joined · click two particles"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Rank 1,011 of", exact=False)).to_have_count(0)
    click(page, "Start over")
    expect(player).to_have_attribute("data-guessed", "0", timeout=PATIENCE)


def test_back_returns_to_the_lesson_before_by_whichever_button_one_came(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/learn")
    expect(page.get_by_text("1 of 8")).to_be_visible(timeout=PATIENCE)
    for number in ("3", "5"):
        page.get_by_role("radio", name=number, exact=True).click()
        expect(page.get_by_text(f"{number} of 8")).to_be_visible(timeout=PATIENCE)
        expect(page).to_have_url(re.compile(f"lesson={number}"))
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("6 of 8")).to_be_visible(timeout=PATIENCE)
    for number in ("5", "3", "1"):
        page.go_back()
        expect(page.get_by_text(f"{number} of 8")).to_be_visible(timeout=PATIENCE)
