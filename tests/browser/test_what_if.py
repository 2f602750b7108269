"""What if in a real browser: drag, cut, undo, a link, and a server that is gone in the middle of a drag."""

import json
import re
import statistics
import time

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.server import ROOT, serving

PATIENCE = 60_000  # ms; a busy machine imports torch for seconds
MAIN, TRUTH = 0, 1  # panes


def opened(page: Page, url: str, query: str = "") -> Locator:
    page.goto(f"{url}/what_if?{query}")
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-starts", re.compile(r"\d"), timeout=PATIENCE)
    expect(page.get_by_text("How much each pair matters")).to_be_visible(timeout=PATIENCE)
    return player


def start(player: Locator, node: int, pane: int = MAIN) -> tuple[float, float]:
    """Where on the page the handle of a particle is."""
    player.locator(".main canvas").scroll_into_view_if_needed()
    box = player.locator((".main canvas", ".truth canvas")[pane]).bounding_box()
    x, y = json.loads(player.get_attribute("data-starts"))[pane][node]
    return box["x"] + x, box["y"] + y


def between(player: Locator, receiver: int, sender: int, pane: int) -> tuple[float, float]:
    """On the curve of a pair, halfway."""
    (x0, y0), (x1, y1) = start(player, sender, pane), start(player, receiver, pane)
    return (x0 + x1) / 2 + 0.08 * (y1 - y0), (y0 + y1) / 2 - 0.08 * (x1 - x0)


def drag(page: Page, player: Locator, node: int, dx: float, dy: float, *, steps: int = 6) -> None:
    x, y = start(player, node)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(x + dx * step / steps, y + dy * step / steps)
        page.wait_for_timeout(60)
    page.mouse.up()


def settled(page: Page, player: Locator, address: str) -> None:
    expect(page).to_have_url(re.compile(address), timeout=PATIENCE)
    expect(player).to_have_attribute("data-pending", "false", timeout=PATIENCE)


def pixels(player: Locator) -> str:
    """The picture of the last frame."""
    player.press("End")
    expect(player).to_have_attribute("data-frame", "98")
    return player.locator(".main canvas").evaluate("canvas => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(canvas.toDataURL()))))")


def test_a_particle_is_dragged_and_everything_follows_and_is_undone(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    before, error = pixels(player), page.get_by_test_id("stMetricValue").first.inner_text()
    player.press("Home")
    was = start(player, 4)
    drag(page, player, 4, 50, -40)
    settled(page, player, r"edits=p5")
    now = start(player, 4)
    assert abs(now[0] - was[0]) > 15 and player.get_attribute("data-frame") == "0", "the handle is where it was let go, the clock where it was"
    expect(page.get_by_test_id("stMetricValue").first).not_to_have_text(error, timeout=PATIENCE)
    assert pixels(player) != before, "the last frame is another one"
    page.get_by_role("button", name="Undo").click()
    expect(page).not_to_have_url(re.compile("edits"), timeout=PATIENCE)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(error, timeout=PATIENCE)
    page.get_by_role("button", name="Redo").click()
    expect(page).to_have_url(re.compile("edits=p5"), timeout=PATIENCE)


def test_a_true_edge_that_is_changed_is_found_by_the_model(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    shown = int(player.get_attribute("data-edges-shown"))
    page.mouse.click(*between(player, 4, 2, TRUTH))  # 3 and 5: far apart, nothing else on the line
    settled(page, player, r"edits=t3-5")
    expect(player).to_have_attribute("data-edges-shown", re.compile(f"^({shown + 2}|{shown - 2})$"), timeout=PATIENCE)
    expect(player).to_have_attribute("data-edge-accuracy", "1.0000")


def test_a_cut_inferred_edge_changes_the_forecast_and_says_what_it_was_worth(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    shown, matrix = int(player.get_attribute("data-edges-shown")), player.locator(".matrix canvas")
    cells = matrix.bounding_box()
    player.press("p")  # the strongest pair
    expect(player).to_have_attribute("data-selected", re.compile(r"\d-\d"))
    player.press("Enter")
    settled(page, player, r"edits=g\d-\d")
    expect(player).to_have_attribute("data-edges-shown", str(shown - 2))
    expect(player.get_by_role("listitem").filter(has_text=re.compile("set by hand *none"))).to_be_visible()  # of the selected pair: no belief of the model
    expect(player).to_have_attribute("data-edge-accuracy", "1.0000")  # of what the model said
    player.press("Escape")
    assert matrix.bounding_box() == cells, "a second click finds the same cell"
    expect(player.get_by_role("listitem").filter(has_text=re.compile("set by hand *2"))).to_be_visible()
    player.get_by_role("radio", name="difference").check()
    expect(player.get_by_role("listitem").filter(has_text=re.compile("missed *0"))).to_be_visible()
    player.get_by_role("radio", name="side by side").check()
    expect(page.get_by_text("as far as before the change")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("True paths would move by")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("How much each pair matters")).to_be_visible(timeout=PATIENCE)
    choices = page.get_by_text("Systems", exact=True).first.bounding_box()
    assert choices and choices["y"] < 680, "what is to choose stays where it was"
    expect(player.get_by_text("Dotted: what would truly follow")).to_be_visible()
    address = page.url
    page.goto("about:blank")
    page.goto(address)  # a link
    expect(page.get_by_text("as far as before the change")).to_be_visible(timeout=PATIENCE)
    expect(player).to_have_attribute("data-edges-shown", str(shown - 2), timeout=PATIENCE)
    page.get_by_role("button", name="Reset").click()
    expect(player).to_have_attribute("data-edges-shown", str(shown), timeout=PATIENCE)


def test_sampled_graphs_are_a_fan(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    page.get_by_text("Sampled graphs", exact=True).click()
    expect(page.get_by_text("All 20 sampled graphs agree")).to_be_visible(timeout=PATIENCE)
    expect(player.get_by_text("faint under sampled graphs")).to_be_visible(timeout=PATIENCE)
    player.get_by_label("Temperature").fill("1")
    expect(page.get_by_text(re.compile(r"20 sampled graphs, \d+ different"))).to_be_visible(timeout=PATIENCE)


def test_the_keyboard_moves_what_is_selected(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    player.press("n")
    player.press("Alt+ArrowRight")
    settled(page, player, r"edits=p1")
    player.press("Alt+Shift+ArrowUp")
    settled(page, player, r"edits=p1[^&]*v1")
    player.press("Control+z")
    expect(page).not_to_have_url(re.compile("v1"), timeout=PATIENCE)
    expect(page).to_have_url(re.compile("p1"))


def test_an_oscillator_is_dragged_round_its_circle(page: Page, app_url: str) -> None:
    player = opened(page, app_url, "systems=kuramoto5")
    drag(page, player, 0, -40, -40)
    settled(page, player, r"edits=a1")


def test_a_server_that_is_gone_is_said_and_nothing_breaks(page: Page) -> None:
    with serving(ROOT / "app.py") as url:
        player = opened(page, url)
        was = player.get_attribute("data-starts")
        x, y = start(player, 4)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y - 20)
    page.mouse.move(x + 40, y - 30)
    page.mouse.up()
    alarm = player.get_by_text("No answer from the server; what you see is not simulated.")
    expect(alarm).to_be_visible(timeout=PATIENCE)
    player.get_by_role("button", name="Take it back").dispatch_event("click")
    expect(alarm).to_be_hidden()
    expect(player).to_have_attribute("data-starts", was)


@pytest.mark.slow
def test_how_fast_everything_follows(page: Page, app_url: str) -> None:
    """Prints the time from a message to the picture that answers it; run with -s."""
    player = opened(page, app_url)
    x, y = start(player, 4)
    page.mouse.move(x, y)
    page.mouse.down()
    took = []
    for step in range(1, 31):
        page.mouse.move(x + step, y - step)
        time.sleep(0.3)
        took.append(int(player.get_attribute("data-answered-in") or 0))
    page.mouse.up()
    settled(page, player, "edits=p5")
    took = [value for value in took if value]
    print(f"\nDrag, N = 5: message to picture {statistics.median(took):.0f} ms (median), {min(took)} … {max(took)} ms, {len(took)} pictures")
    assert took


def test_back_takes_a_change_back_and_so_does_undo_after_a_reload(page: Page, app_url: str) -> None:
    one, two = r"edits=g[-:\w]+(%3A\d)?$", r"edits=g[^B]+%3Bg[^B]+$"  # in the address ; is %3B
    player = opened(page, app_url)
    for address in (one, two):
        player.press("p")
        player.press("Enter")
        settled(page, player, address)
        page.wait_for_timeout(1500)  # a rough picture is followed by a fine one
    page.go_back()
    settled(page, player, one)
    expect(page.get_by_text("Changed forecast off by")).to_be_visible()
    page.go_back()
    expect(page).not_to_have_url(re.compile("edits"))
    expect(page.get_by_text("Changed forecast off by")).not_to_be_visible()
    page.get_by_role("button", name="Undo").click()
    settled(page, player, one)
    page.get_by_role("button", name="Undo").click()
    settled(page, player, two)
    page.reload()
    settled(page, player, two)
    for address in (one, r"what_if\??$"):
        page.get_by_role("button", name="Undo").click()
        expect(page).to_have_url(re.compile(address))


def test_a_drag_that_missed_its_particle_changes_nothing(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    x, y = between(player, 4, 2, TRUTH)  # 3 and 5: far apart, nothing else on the line
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 14, y + 6, steps=4)
    page.mouse.move(x + 2, y + 9, steps=4)
    page.mouse.up()
    page.wait_for_timeout(800)
    assert "edits" not in page.url
    page.mouse.click(x, y)
    settled(page, player, "edits=t")


def test_a_locked_matrix_cannot_be_pressed(page: Page, app_url: str) -> None:
    for query, changes in (("lock=matrix", False), ("", True)):
        player = opened(page, app_url, query)
        box = player.locator(".matrix canvas").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.85, box["y"] + box["width"] * 0.35)
        page.wait_for_timeout(1500)
        assert ("edits" in page.url) == changes


def test_a_cell_changes_the_true_graph_where_that_is_chosen(page: Page, app_url: str) -> None:
    """Where starts lie close together, on a phone above all, lines lie under particles."""
    page.set_viewport_size({"width": 390, "height": 844})
    player = opened(page, app_url)
    player.get_by_label("A cell changes").select_option("the true graph")
    canvas = player.locator(".matrix canvas")
    canvas.scroll_into_view_if_needed()
    width = canvas.bounding_box()["width"]
    canvas.click(position={"x": 0.35 * width, "y": 0.2 * width})  # row 1, column 2
    settled(page, player, "edits=t[12]-[12]:0|edits=t[12]-[12]%3A0")


def test_a_tap_after_a_finger_dragged_changes_a_pair_and_nothing_moves_under_it(browser: Browser, app_url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    player, finger = opened(page, app_url), context.new_cdp_session(page)
    x, y = start(player, 0)
    for kind, points in (("Start", [(x, y)]), *(("Move", [(x + 8 * step, y - 4 * step)]) for step in range(1, 6)), ("End", [])):
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": x, "y": y} for x, y in points]})
        page.wait_for_timeout(60)
    settled(page, player, "edits=p1")
    canvas = player.locator(".matrix canvas")
    canvas.scroll_into_view_if_needed()
    before = canvas.bounding_box()
    place = (before["x"] + 0.35 * before["width"], before["y"] + 0.2 * before["width"])  # row 1, column 2
    page.touchscreen.tap(*place)
    settled(page, player, "edits=p1.*g[12]-[12](:|%3A)")
    expect(player.locator(".caption")).to_contain_text("Dotted", timeout=PATIENCE)
    assert canvas.bounding_box() == before
    context.close()


def test_undo_brings_the_picture_back(page: Page, app_url: str) -> None:
    """A particle that is cut loose flies far, and everything else becomes small."""
    player = opened(page, app_url)
    starts = player.get_attribute("data-starts")
    player.get_by_label("A cell changes").select_option("the true graph")
    matrix = player.locator(".matrix canvas")
    width = matrix.bounding_box()["width"]
    matrix.click(position={"x": 0.72 * width, "y": 0.93 * width})  # row 5, column 4
    settled(page, player, "edits=t")
    expect(player).not_to_have_attribute("data-starts", starts, timeout=PATIENCE)
    page.get_by_role("button", name="Undo").click()
    expect(player).to_have_attribute("data-starts", starts, timeout=PATIENCE)


def test_looking_closely_at_the_starts_never_makes_them_smaller(page: Page, app_url: str) -> None:
    player = opened(page, app_url)
    drag(page, player, 4, 70, -160)
    settled(page, player, r"edits=p5")

    def apart() -> float:
        (x, y), (other_x, other_y) = start(player, 0), start(player, 2)
        return ((x - other_x) ** 2 + (y - other_y) ** 2) ** 0.5

    def at_rest() -> float:
        """Once the view has grown to what follows from the drag, or has come closer."""
        before, now = 0.0, apart()
        while abs(now - before) > 0.1:
            page.wait_for_timeout(1000)
            before, now = now, apart()
        return now

    zoom, before = player.get_by_role("button", name="Zoom to the starts"), at_rest()
    if zoom.is_enabled():
        zoom.click()
    assert at_rest() >= before - 0.5


def test_what_was_changed_is_there_when_one_comes_back_by_the_menu(page: Page, app_url: str) -> None:
    opened(page, app_url, "edits=g2-3:0")
    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Learn", exact=True).click()
    expect(page).to_have_url(re.compile("/learn"), timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Learn")).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(1500)
    menu.get_by_role("link", name="What if", exact=True).click()
    expect(page).to_have_url(re.compile("/what_if.*edits=g2-3"), timeout=PATIENCE)
