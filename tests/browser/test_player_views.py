"""The player's views, temperature, selection and words in a real browser, how it opens and what it tells, and several on one clock."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.server import ROOT
from tests.browser.test_player import open_player

PATIENCE = 60_000  # ms: other work shares the machine
SCRIPT = '''
import numpy as np
import streamlit as st
from nri_core.player import Opening
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui.player import player

st.set_page_config(layout="wide")
query = st.query_params
nodes, frames = 4, 60
angle = np.arange(frames)[:, None] * 0.05 + np.arange(nodes) * np.pi / 2
values = np.stack([np.cos(angle) * [1, 1.5, 2, 2.5], np.sin(angle) * [1, 1.5, 2, 2.5]], axis=-1)[None]
types = ("none", "pulls", "pushes")
edges = np.zeros((1, nodes, nodes), dtype=int)
edges[0, 1, 0] = edges[0, 0, 1] = edges[0, 2, 0] = 1
edges[0, 3, 0] = 2
probs = np.tile([0.9, 0.06, 0.04], (1, nodes, nodes, 1))
probs[0, 1, 0] = probs[0, 0, 1] = [0.2, 0.7, 0.1]  # right
probs[0, 2, 0] = [0.1, 0.3, 0.6]  # there, but of another type
probs[0, 3, 1] = [0.3, 0.1, 0.6]  # not there; and 1 → 4 is missed
probs[:, range(nodes), range(nodes)] = 0
named = tuple(f"{name}?" if "strange" in query and name != "none" else name for name in types)
whole = {} if "blind" in query else {"edge_types": edges, "edge_type_names": types}
data = Trajectories(values, ("x", "y"), **whole)
posterior = EdgePosterior(probs, named, data.node_names, "encoder")

if "many" in query:
    for k, (length, column) in enumerate(zip((40, 60, 60), st.columns(3))):
        with column:
            short = Trajectories(values[:, :length] * (1 + k), ("x", "y"), **whole)
            player(short, key=f"player {k}", posterior=posterior, clock="all", compact=True, height=220, view=("side by side", "overlaid", "difference")[k])
else:
    opening = Opening(frame=12, view="difference", threshold=0.3, temperature=2.0, selected="1-3", hidden=("speed", "loop", "matrix")) if "opening" in query else None
    told = player(data, key="player", posterior=posterior, opening=opening, remember=("frame", "view", "threshold", "temperature", "selected") if "remember" in query else (), view=query.get("view", "side by side"))
    if "remember" in query:
        st.text(f"runs {st.session_state.get('runs', 0)}, told {told.view}")
        st.session_state["runs"] = st.session_state.get("runs", 0) + 1
'''


def stand_still(player: Locator, frame: int = 30) -> None:
    player.get_by_label("Time step").fill(str(frame))
    expect(player).to_have_attribute("data-playing", "false")


def show(player: Locator, view: str) -> None:
    player.get_by_role("radio", name=view).check(force=True)
    expect(player).to_have_attribute("data-view", view)


def cell(player: Locator, receiver: int, sender: int) -> dict[str, float]:
    """Where a cell of the 4 × 4 matrix is on its canvas."""
    box = player.locator(".matrix canvas").bounding_box()
    assert box is not None
    size = (box["width"] - 19) / 4
    return {"x": 19 + (sender + 0.5) * size, "y": 19 + (receiver + 0.5) * size}


def legend(player: Locator, name: str) -> str:
    return player.locator(".legend li", has_text=re.compile(rf"^{name}\d")).locator("b").inner_text()


HAS_COLOUR = """(element, [wanted, slack]) => {
  const canvas = element.querySelector(".main canvas"), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let k = 0; k < pixels.length; k += 4) if (pixels[k + 3] > 250 && wanted.every((value, c) => Math.abs(value - pixels[k + c]) <= slack)) count++;
  return count;
}"""
VERMILLION, PURPLE = [0xD5, 0x5E, 0x00], [0xB8, 0x55, 0x8B]


def test_three_views_on_one_clock(page: Page, url: str) -> None:
    player = open_player(page, url)
    expect(player).to_have_attribute("data-view", "side by side")
    expect(player.locator(".truth")).to_be_visible()
    stand_still(player)
    assert not player.evaluate(HAS_COLOUR, [VERMILLION, 6]) and not player.evaluate(HAS_COLOUR, [PURPLE, 6])

    show(player, "overlaid")
    expect(player.locator(".truth")).to_be_hidden()
    expect(player.locator(".legend")).to_contain_text("truly there")
    expect(player).to_have_attribute("data-frame", "30")

    page.keyboard.press("ArrowRight")  # the radios have the keyboard
    expect(player).to_have_attribute("data-view", "difference")
    expect(player).to_have_attribute("data-frame", "30")
    expect(player.locator(".truth")).to_be_hidden()
    assert [legend(player, name) for name in ("right", "wrong", "missed")] == ["2", "2", "1"], "a wrong type is wrong, not right and not missed"
    page.wait_for_timeout(500)
    assert player.evaluate(HAS_COLOUR, [VERMILLION, 6]) > 100 and player.evaluate(HAS_COLOUR, [PURPLE, 6]) > 40

    player.get_by_role("button", name="Truth").click()
    expect(player.get_by_role("radiogroup", name="View")).to_be_hidden()
    expect(player).to_have_attribute("data-view", "")
    player.get_by_role("button", name="Truth").click()
    expect(player).to_have_attribute("data-view", "difference")


def test_what_cannot_be_compared(page: Page, url: str) -> None:
    player = open_player(page, url, "strange&view=difference")
    expect(player.get_by_role("radio", name="difference")).to_be_disabled()
    expect(player).to_have_attribute("data-view", "side by side")
    player = open_player(page, url, "blind&view=overlaid")
    expect(player).to_have_attribute("data-view", "")
    expect(player.get_by_role("radiogroup", name="View")).to_be_hidden()


def test_temperature_acts_here_and_at_once(page: Page, url: str) -> None:
    player = open_player(page, url)
    stand_still(player)
    player.get_by_label("Edge threshold").fill("0.55")
    expect(player).to_have_attribute("data-edges-shown", "4")
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    accuracy = player.get_attribute("data-edge-accuracy")
    warmth = player.get_by_label("Temperature")
    warmth.fill("1")
    expect(player).to_have_attribute("data-temperature", "10")
    expect(warmth).to_have_attribute("aria-valuetext", "10")
    expect(player).to_have_attribute("data-edges-shown", "0")
    player.locator(".matrix canvas").click(position=cell(player, receiver=1, sender=0))
    logits = [p**0.1 for p in (0.2, 0.7, 0.1)]
    expect(player.locator(".numbers")).to_contain_text(f"{logits[1] / sum(logits):.3f}")
    warmth.fill("-1")
    expect(player).to_have_attribute("data-temperature", "0.1")
    expect(player.locator(".numbers")).to_contain_text("pulls1.000")
    assert player.get_attribute("data-edge-accuracy") == accuracy
    warmth.dblclick()
    expect(player).to_have_attribute("data-temperature", "1")
    expect(player).to_have_attribute("data-edges-shown", "4")
    assert not sent


def test_a_selection_stays(page: Page, url: str) -> None:
    player = open_player(page, url)
    stand_still(player)
    before = player.bounding_box()
    player.locator(".matrix canvas").click(position=cell(player, receiver=2, sender=0))
    page.mouse.move(2, 2)
    expect(player).to_have_attribute("data-selected", "1-3")
    panel = player.get_by_role("group", name="Selected")
    expect(panel).to_contain_text("1 → 3")
    for text in ("none0.100", "pulls0.300", "pushes0.600", "truthpulls: wrong", "unsure1.30 of 1.58 bits"):
        expect(panel).to_contain_text(text)
    expect(player.get_by_role("tooltip")).to_be_hidden()
    assert player.bounding_box() == before, "nothing moved"
    stage = player.locator(".main canvas")
    box = stage.bounding_box()
    assert box is not None
    stage.click(position={"x": 8, "y": box["height"] - 8})
    expect(player).to_have_attribute("data-selected", "")
    expect(panel).to_be_hidden()
    player.locator(".matrix canvas").click(position=cell(player, receiver=3, sender=3))
    expect(player).to_have_attribute("data-selected", "4")
    expect(panel).to_contain_text("receives from2")
    page.keyboard.press("Escape")
    expect(player).to_have_attribute("data-selected", "")


def test_everything_is_reached_by_keys(page: Page, url: str) -> None:
    player = open_player(page, url)
    stand_still(player)
    player.focus()
    for key, code in {"n": "1", "Shift+N": "4", "p": "2-1", "Shift+P": "2-4"}.items():  # pairs: the strongest first, then from the end
        page.keyboard.press(key)
        expect(player).to_have_attribute("data-selected", code)
    page.keyboard.press("Escape")
    expect(player).to_have_attribute("data-selected", "")
    player.locator(".matrix canvas").focus()
    for key, code in {"ArrowRight": "1", "ArrowDown": "1-2", "ArrowLeft": "1-2", "Enter": ""}.items():
        page.keyboard.press(key)
        expect(player).to_have_attribute("data-selected", code)
    assert player.locator(".matrix canvas").evaluate("canvas => getComputedStyle(canvas).outlineStyle") == "solid"
    expect(player).to_have_attribute("data-frame", "30")


def test_words_follow_the_frame_and_the_graph(page: Page, url: str) -> None:
    player = open_player(page, url)
    stand_still(player)
    words = player.locator(".words")
    expect(words).to_have_text(re.compile(r"^Frame 30 of 59\. 4 nodes\. Inferred: 1 and 2 act on each other \(pulls\); 1 acts on 3 \(pushes\); 2 acts on 4 \(pushes\)\. 2 wrong, 1 missed\.$"))
    assert words.bounding_box()["width"] <= 1  # type: ignore[index]
    player.get_by_label("Edge threshold").fill("0.7")  # 0.7 against 0.2, and 0.6 against 0.3
    player.get_by_label("Time step").fill("31")
    expect(words).to_have_text("Frame 31 of 59. 4 nodes. Inferred: 1 and 2 act on each other (pulls). None wrong, 2 missed.")
    player.focus()
    page.keyboard.press("n")
    expect(words).to_contain_text("Selected: 1: receives from 2, sends to 2")
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1200)
    said = words.inner_text()
    page.wait_for_timeout(1500)
    assert words.inner_text() == said, "who hears it is told of another graph, not of every frame"
    player.get_by_role("button", name="Describe").click()
    assert words.bounding_box()["width"] > 300  # type: ignore[index]
    expect(words).to_have_attribute("aria-live", "off")
    for _ in range(2):
        said = words.inner_text()
        expect(words).not_to_have_text(said)  # who reads it sees the frame that is drawn
    player.get_by_label("Edge threshold").fill("1")
    expect(words).to_contain_text("no pair reaches the threshold of 1.00")


def test_how_it_opens_and_what_it_tells(page: Page, url: str) -> None:
    player = open_player(page, url, "opening&remember")
    state = {"frame": "12", "playing": "false", "view": "difference", "temperature": "2", "selected": "1-3"}
    for name, value in state.items():
        expect(player).to_have_attribute(f"data-{name}", value)
    expect(player.get_by_label("Edge threshold")).to_have_value("0.3")
    for name in ("Speed", "Loop"):
        expect(player.get_by_label(name, exact=True)).to_be_hidden()
    expect(player.locator(".matrix")).to_be_hidden()
    player.focus()
    page.keyboard.press("+")
    expect(player.get_by_label("Speed")).to_have_value("1")
    expect(page.get_by_text("runs 0, told None")).to_be_visible()

    player.get_by_label("Edge threshold").fill("0.4")
    player.get_by_label("Time step").fill("20")
    told = "told {'frame': 20, 'view': 'difference', 'threshold': 0.4, 'temperature': 2, 'selected': '1-3'}"
    expect(page.get_by_text(f"runs 1, {told}")).to_be_visible(timeout=PATIENCE)
    expect(player).to_have_attribute("data-frame", "20")
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(900)
    expect(page.get_by_text(f"runs 1, {told}")).to_be_visible()  # nothing for the frames that pass
    player.get_by_label("Edge threshold").fill("0.45")
    expect(page.get_by_text("'threshold': 0.45")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("runs 2")).to_be_visible()
    expect(player).to_have_attribute("data-playing", "true")


FRAMES = "elements => elements.map((element) => Number(element.dataset.frame))"


def test_several_on_one_clock(page: Page, url: str) -> None:
    first = open_player(page, url, "many")
    players = page.get_by_test_id("player")
    expect(players).to_have_count(3)
    for k, view in enumerate(("side by side", "overlaid", "difference")):
        expect(players.nth(k)).to_have_attribute("data-view", view, timeout=PATIENCE)
    expect(first.locator(".settings")).to_be_hidden()
    expect(first.locator(".matrix")).to_be_hidden()
    box = first.bounding_box()
    assert box is not None and box["height"] <= 224

    players.nth(1).get_by_role("button", name="Pause").click()
    for k in range(3):
        expect(players.nth(k)).to_have_attribute("data-playing", "false")
    assert len({*players.evaluate_all(FRAMES)}) == 1
    players.nth(2).focus()
    page.keyboard.press("n")
    for k in range(3):
        expect(players.nth(k)).to_have_attribute("data-selected", "1")
    players.nth(2).get_by_label("Time step").fill("50")
    assert players.evaluate_all(FRAMES) == [39, 50, 50], "the shorter one waits at its end"
    players.nth(0).get_by_role("button", name="Play").click()
    for k in range(3):
        expect(players.nth(k)).to_have_attribute("data-playing", "true")
    page.wait_for_function(f"() => {{ const f = ({FRAMES})({FIND}); return f[0] < 30 && f[1] > 2 && f[1] === f[2] && f[0] === f[1]; }}", timeout=PATIENCE)


FIND = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('[data-testid=player]')).filter(Boolean)"


def test_detail_goes_on_a_slow_machine_and_comes_back(page: Page) -> None:
    script = (ROOT / "nri_core" / "player" / "detail.js").read_text(encoding="utf-8")
    levels = page.evaluate("""script => {
      const detail = new Function(`${script}; return new DetailLevel();`)(), levels = [];
      detail.restart();
      let now = 0;
      for (const [gap, seconds] of [[16.7, 10], [60, 12], [16.7, 200]]) {
        for (const end = now + 1000 * seconds; now < end; now += gap) detail.note(now, gap, 9900);
        levels.push(detail.level);
      }
      return levels;
    }""", script)
    assert levels == [0, 3, 0]


def test_without_canvas_there_are_words(page: Page, url: str) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    player = open_player(page, url)
    expect(player.get_by_text("This browser cannot draw the player")).to_be_visible()
    stand_still(player, 20)
    expect(player.locator(".words")).to_contain_text("Frame 20 of 59")
    assert player.locator(".words").bounding_box()["width"] > 300  # type: ignore[index]
    show(player, "difference")
    player.focus()
    page.keyboard.press("p")
    expect(player.get_by_role("group", name="Selected")).to_contain_text("2 → 1")


def test_a_phone_selects_by_a_tap_and_scrolls(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    player = open_player(page, url)
    stand_still(player)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for canvas in (".main canvas", ".matrix canvas"):
        assert player.locator(canvas).evaluate("canvas => getComputedStyle(canvas).touchAction") in ("manipulation", "auto")
    box = player.locator(".matrix canvas").bounding_box()
    assert box is not None
    at = cell(player, receiver=1, sender=0)
    touch = {"pointerType": "touch", "clientX": box["x"] + at["x"], "clientY": box["y"] + at["y"], "bubbles": True}
    for event in ("pointerdown", "pointerleave", "click"):
        player.locator(".matrix canvas").dispatch_event(event, touch)
    expect(player).to_have_attribute("data-selected", "1-2")
    expect(player.get_by_role("group", name="Selected")).to_be_visible()
