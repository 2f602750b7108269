"""The player in a real browser: its clock, its controls, what the pointer shows, new data, and that it asks nobody for anything."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from nri_core.player import assets
from tests.browser.server import ROOT

SCRIPT = '''
import time

import numpy as np
import streamlit as st
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui.player import player

st.set_page_config(layout="wide")
query = st.query_params
nodes, frames = int(query.get("nodes", 5)), int(query.get("frames", 100))
epoch = st.session_state.setdefault("epoch", 1)
if st.button("Next epoch"):
    epoch = st.session_state.epoch = epoch + 1
sim = int(st.toggle("Other system"))

generator = np.random.default_rng(0)
turn, centre = generator.uniform(0.02, 0.1, (2, 1, nodes)), generator.normal(size=(2, 1, nodes, 2)) * 2
angle = np.arange(frames)[None, :, None] * turn + generator.uniform(0, 6, (2, 1, nodes))
values = centre + np.stack([np.cos(angle), np.sin(angle)], axis=-1)
edges = generator.integers(0, 2, (2, nodes, nodes))
names = ("<img src=x onerror='document.title = 1'>", "B", "C", "D", "E") if "hostile" in query else ()
observed = np.ones(values.shape[:3], dtype=bool)
observed[:, 10:30, 0] = False
if "turning" in query:
    edges = np.stack([edges if frame < 50 else 1 - edges for frame in range(frames)], axis=1)
types = ("none", "weak", "strong") if "strengths" in query else ("none", "spring")
truth = {} if "blind" in query else {"edge_types": edges * (len(types) - 1), "edge_type_names": types}
data = Trajectories(values, ("x", "y"), node_names=names, observed=observed, **truth)

belief = np.where(edges if edges.ndim == 3 else edges[:, 0], 0.5 + 0.1 * epoch, 0.5 - 0.1 * epoch)
belief[:, 1, 0] = 1 - belief[:, 1, 0]  # the pair 1 → 2 is read wrongly
joined = np.where(belief > 0.5, 0.7, 0.3)  # where there are two strengths: that there is a spring is surer than which
probs = np.stack([1 - joined, 0.45 * joined, 0.55 * joined] if "strengths" in query else [1 - belief, belief], axis=-1) * ~np.eye(nodes, dtype=bool)[..., None]
posterior = None if "blind" in query else EdgePosterior(probs, types, data.node_names, "encoder")
start = frames // 2
ahead = values[:, start + 1 :] + np.linspace(0, 0.5, frames - start - 1)[None, :, None, None]
forecast = Trajectories(ahead, ("x", "y"), metadata={"start": start})
player(data, key="player", sim=sim, posterior=posterior, forecast=forecast, note=f"epoch {epoch}")
if "overtaken" in query and epoch == 1:
    st.session_state.epoch = 2
    time.sleep(0.5)
    st.rerun()
'''


def open_player(page: Page, url: str, query: str = "") -> Locator:
    page.goto(f"{url}/?{query}")
    player = page.get_by_test_id("player").first
    expect(player).to_have_attribute("data-num-frames", re.compile(r"\d+"), timeout=60_000)
    return player


def read(player: Locator, name: str) -> str:
    return player.get_attribute(f"data-{name}") or ""


def wait_for(page: Page, condition: str) -> None:
    """Wait until an expression over the player's dataset `d` holds."""
    page.wait_for_function(f"() => {{ const d = {FIND}.dataset; return {condition}; }}", timeout=60_000)


FIND = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('[data-testid=player]')).find(Boolean)"


def point_at_pair(page: Page, player: Locator, receiver: int, sender: int) -> None:
    """Put the pointer on a cell of the 5 × 5 matrix."""
    box = player.locator(".matrix canvas").bounding_box()
    assert box is not None
    margin, cell = 19, (box["width"] - 19) / 5
    page.mouse.move(box["x"] + margin + (sender + 0.5) * cell, box["y"] + margin + (receiver + 0.5) * cell)


@pytest.mark.parametrize("nodes", [10, 50])
def test_plays_with_little_data_and_no_traffic(page: Page, url: str, nodes: int) -> None:
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    player = open_player(page, url, f"nodes={nodes}")
    player.get_by_label("Edge threshold").fill("0")
    expect(player).to_have_attribute("data-playing", "true")
    expect(player).to_have_attribute("data-edges-shown", str(nodes * (nodes - 1)))
    page.wait_for_timeout(500)
    before = len(sent), len(received)
    page.wait_for_timeout(1500)
    assert (len(sent), len(received)) == before
    wait_for(page, "Number(d.fps) > 0")  # how many there are, on a machine of its own, `bench player` prints
    if nodes == 10:
        assert sum(received) < sum(map(len, assets())) + 60_000, "little more than the player itself"


def test_controls(page: Page, url: str) -> None:
    player = open_player(page, url)
    player.get_by_role("button", name="Pause").click()
    expect(player).to_have_attribute("data-playing", "false")
    player.get_by_label("Time step").fill("20")
    expect(player).to_have_attribute("data-frame", "20")
    player.get_by_role("button", name="Step", exact=True).click()
    expect(player).to_have_attribute("data-frame", "21")
    expect(player.get_by_label("Time step")).to_have_attribute("aria-valuetext", "frame 21 of 99")

    player.get_by_label("Edge threshold").fill("0")
    expect(player).to_have_attribute("data-edges-shown", "20")
    player.get_by_label("Edge threshold").fill("1")
    expect(player).to_have_attribute("data-edges-shown", "0")
    assert float(read(player, "edge-accuracy")) == pytest.approx(0.95, abs=1e-4)

    player.get_by_label("Time step").fill("60")
    expect(player.get_by_text("forecast, 10 frames ahead")).to_be_visible()
    player.get_by_role("radio", name="difference").check(force=True)
    player.get_by_label("Edge threshold").fill("0.5")
    expect(player.get_by_text("wrong1").or_(player.get_by_text("missed1"))).to_be_visible()

    player.get_by_label("Speed").select_option("4")
    player.get_by_role("button", name="Loop").click()
    player.get_by_role("button", name="Play").click()
    expect(player).to_have_attribute("data-frame", "99")  # 39 frames at 60 a second, then it stays
    expect(player).to_have_attribute("data-playing", "false")
    player.get_by_role("button", name="Loop").click()
    player.get_by_role("button", name="Play").click()
    wait_for(page, "d.playing === 'true' && d.frame > 90")
    wait_for(page, "d.playing === 'true' && d.frame < 50")  # round again


def test_keyboard(page: Page, url: str) -> None:
    player = open_player(page, url)
    player.focus()
    page.keyboard.press("Space")
    expect(player).to_have_attribute("data-playing", "false")
    for key, frame in {"Home": 0, "ArrowRight": 1, "End": 99, "ArrowLeft": 98}.items():
        page.keyboard.press(key)
        expect(player).to_have_attribute("data-frame", str(frame))
    page.keyboard.press("+")
    expect(player.get_by_label("Speed")).to_have_value("2")
    page.keyboard.press("-")
    expect(player.get_by_label("Speed")).to_have_value("1")
    page.keyboard.press("]")
    expect(player.get_by_label("Edge threshold")).to_have_value("0.55")
    page.keyboard.press("[")
    expect(player.get_by_label("Edge threshold")).to_have_value("0.5")
    page.keyboard.press("l")
    expect(player.get_by_role("button", name="Loop")).to_have_attribute("aria-pressed", "false")
    assert player.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    player.get_by_role("button", name="Play").focus()
    page.keyboard.press("Space")  # the button's own key: once, not twice
    expect(player).to_have_attribute("data-playing", "true")


def test_pointer_links_matrix_and_graph(page: Page, url: str) -> None:
    player = open_player(page, url)
    player.get_by_label("Time step").fill("40")
    player.get_by_label("Edge threshold").fill("0")
    tip = player.get_by_role("tooltip")
    point_at_pair(page, player, receiver=1, sender=0)
    expect(player).to_have_attribute("data-hover", "1 → 2")
    expect(tip).to_contain_text("1 → 2")
    expect(tip).to_contain_text("spring 0.")
    expect(tip).to_contain_text("truth:")
    point_at_pair(page, player, receiver=2, sender=2)
    expect(tip).to_contain_text("sends to")
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()

    stage = player.locator(".main canvas")
    box = stage.bounding_box()
    assert box is not None
    found = set()
    for x in range(10, int(box["width"]), 24):  # somewhere on the stage there are edges and particles
        for y in range(30, int(box["height"]), 24):
            page.mouse.move(box["x"] + x, box["y"] + y)
            found.add("pair" if "→" in read(player, "hover") else "node" if read(player, "hover") else "")
        if {"pair", "node"} <= found:
            break
    assert {"pair", "node"} <= found


def test_a_tap_leaves_what_it_says(page: Page, url: str) -> None:
    player = open_player(page, url)
    cell = player.locator(".matrix canvas")
    box = cell.bounding_box()
    assert box is not None
    touch = {"pointerType": "touch", "clientX": box["x"] + box["width"] * 0.3, "clientY": box["y"] + box["height"] * 0.5, "bubbles": True}
    cell.dispatch_event("pointerdown", touch)
    cell.dispatch_event("pointerleave", touch)
    expect(player.get_by_role("tooltip")).to_be_visible()
    player.locator(".caption").dispatch_event("pointerdown", touch)
    expect(player.get_by_role("tooltip")).to_be_hidden()


def test_the_truth_can_be_hidden(page: Page, url: str) -> None:
    player = open_player(page, url)
    player.get_by_role("button", name="Truth").click()
    expect(player.locator(".truth")).to_be_hidden()
    expect(player).to_have_attribute("data-edge-accuracy", "")
    point_at_pair(page, player, receiver=1, sender=0)
    expect(player.get_by_role("tooltip")).to_contain_text("spring")
    expect(player.get_by_role("tooltip")).not_to_contain_text("truth:")
    player.focus()
    page.keyboard.press("t")
    expect(player.locator(".truth")).to_be_visible()
    expect(player).to_have_attribute("data-edge-accuracy", "0.9500")


def test_the_share_right_follows_the_threshold_as_its_colours_do(page: Page, url: str) -> None:
    player = open_player(page, url)
    player.get_by_role("radio", name="difference").check(force=True)
    expect(player.get_by_text(re.compile("right as drawn *95.0 %"))).to_be_visible()
    player.get_by_label("Edge threshold").fill("1")
    expect(player).to_have_attribute("data-edges-shown", "0")
    missed = player.locator(".legend li", has_text="missed").locator("b")
    expect(missed).not_to_have_text("0")
    share = 100 * (1 - int(missed.inner_text()) / 20)
    expect(player.get_by_text(re.compile(f"right as drawn *{share:.1f} %"))).to_be_visible()


def test_of_three_types_the_likeliest_is_drawn_though_none_has_one_half(page: Page, url: str) -> None:
    player = open_player(page, url, "strengths=1")
    expect(player).to_have_attribute("data-edge-accuracy", "0.9500")
    shown = int(read(player, "edges-shown"))
    player.get_by_role("radio", name="difference").check(force=True)
    expect(player.get_by_text(re.compile("right as drawn *95.0 %"))).to_be_visible()
    player.get_by_label("Edge threshold").fill("0.57")  # strong has 0.385, weak 0.315: 0.385 / 0.7 is 0.55
    expect(player).to_have_attribute("data-edges-shown", "0")
    player.get_by_label("Edge threshold").fill("0.53")
    expect(player).to_have_attribute("data-edges-shown", str(shown))


HUES = """element => {
  const canvas = element.querySelector(".main canvas"), found = new Set();
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  for (let k = 0; k < pixels.length; k += 4) {
    const [r, g, b, a] = pixels.slice(k, k + 4), most = Math.max(r, g, b), least = Math.min(r, g, b);
    if (a === 255 && most - least > 90) found.add([r, g, b].join());
  }
  return found.size;
}"""


@pytest.mark.parametrize(("nodes", "coloured"), [(20, True), (21, False)])
def test_particles_have_hues_up_to_twenty(page: Page, url: str, nodes: int, coloured: bool) -> None:
    player = open_player(page, url, f"nodes={nodes}")
    player.get_by_label("Edge threshold").fill("1")
    player.get_by_label("Time step").fill("0")
    page.wait_for_timeout(1500)  # edges fade
    assert (player.evaluate(HUES) > 8) is coloured


def test_new_probabilities_keep_it_playing_and_a_new_system_starts_over(page: Page, url: str) -> None:
    player = open_player(page, url)
    player.evaluate("element => { element.mark = 'same element'; }")
    player.get_by_label("Speed").select_option("0.25")
    player.get_by_label("Edge threshold").fill("0.65")
    expect(player).to_have_attribute("data-edges-shown", "0")
    player.get_by_label("Time step").fill("80")
    player.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Next epoch").click()
    expect(player.get_by_text("epoch 2")).to_be_visible()
    wait_for(page, "d.edgesShown > 0")
    assert int(read(player, "frame")) >= 80
    assert read(player, "playing") == "true"
    frame = int(read(player, "frame"))
    wait_for(page, f"d.frame > {frame}")
    assert player.evaluate("element => element.mark") == "same element"

    page.get_by_text("Other system").click()
    wait_for(page, "d.frame < 20")
    assert player.evaluate("element => element.mark") == "same element"
    expect(player.get_by_label("Edge threshold")).to_have_value("0.65")
    expect(player.get_by_label("Speed")).to_have_value("0.25")


SLOW_IMPORT = """
window.Blob = class extends window.Blob {
  constructor(parts, options) {
    super(options?.type === "text/javascript" ? ["await new Promise((done) => setTimeout(done, 2000));", ...parts] : parts, options);
  }
};
"""


def test_data_that_newer_ones_overtake_while_it_loads_leave_it_playing(page: Page, url: str) -> None:
    """Streamlit gives it both at once then, and cleans up after the first ones last."""
    page.add_init_script(SLOW_IMPORT)
    player = open_player(page, url, "overtaken")
    expect(player.get_by_text("epoch 2")).to_be_visible()
    wait_for(page, "d.frame > 0")
    frame = int(read(player, "frame"))
    wait_for(page, f"d.frame > {frame}")


def test_theme_and_width(page: Page, url: str) -> None:
    page.emulate_media(color_scheme="dark")
    player = open_player(page, url)
    canvas = "element.querySelector('.matrix canvas').getContext('2d')"
    pixel = f"element => {canvas}.getImageData(0, 0, 400, 400).data.reduce((a, b) => a + b, 0)"
    player.get_by_label("Time step").fill("40")
    page.wait_for_timeout(300)
    dark, ink = player.evaluate(pixel), player.evaluate("element => getComputedStyle(element).color")
    page.emulate_media(color_scheme="light")
    expect(player).not_to_have_css("color", ink)
    page.wait_for_timeout(300)
    assert player.evaluate(pixel) != dark

    box = player.bounding_box()
    assert box is not None and box["height"] <= 524
    inferred, true = player.locator(".main").bounding_box(), player.locator(".truth").bounding_box()
    assert inferred and true and inferred["y"] == true["y"]
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(300)
    inferred, true = player.locator(".main").bounding_box(), player.locator(".truth").bounding_box()
    assert inferred and true and true["y"] >= inferred["y"] + inferred["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (["1", "2", "10"], ["1", "2", "10"]),
        (["Buoy α", "Buoy β, north", "3rd one", "drifter/4"], ["Bα", "Bβ", "3r", "dr"]),
        (["node_1", "node_2", "node_12"], ["1", "2", "12"]),
        (["G1", "G9", "G10"], ["1", "9", "10"]),
        (["G1", "G2", "H1"], ["G1", "G2", "H1"]),
        (["left_1", "right_1", "right_2"], ["le", "r1", "r2"]),
        (["same", "same"], ["1", "2"]),
    ],
)
def test_names_in_two_letters_differ_where_they_can(page: Page, names: list[str], tags: list[str]) -> None:
    source = (ROOT / "nri_core" / "player" / "scene.js").read_text(encoding="utf-8")
    assert page.evaluate(f"names => {{ {source}; return tagsOf(names) }}", names) == tags


def test_truth_that_changes(page: Page, url: str) -> None:
    player = open_player(page, url, "turning")
    player.get_by_label("Time step").fill("40")
    expect(player).to_have_attribute("data-edge-accuracy", "0.9500")
    player.get_by_label("Time step").fill("60")
    expect(player).to_have_attribute("data-edge-accuracy", "0.0500")


def test_nothing_known_but_motion(page: Page, url: str) -> None:
    player = open_player(page, url, "blind&frames=6")
    expect(player).to_have_attribute("data-edge-accuracy", "")
    expect(player).to_have_attribute("data-edges-shown", "0")
    wait_for(page, "d.frame > 0")
    expect(player.locator(".matrix")).to_be_hidden()


def test_names_are_only_text(page: Page, url: str) -> None:
    player = open_player(page, url, "hostile")
    point_at_pair(page, player, receiver=1, sender=0)
    expect(player.get_by_role("tooltip")).to_contain_text("<img src=x")
    assert player.locator("img").count() == 0
    assert page.title() != "1"


def test_reduced_motion_starts_still(page: Page, url: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    player = open_player(page, url)
    expect(player).to_have_attribute("data-playing", "false")
    expect(player).to_have_attribute("data-frame", "50")
    player.get_by_role("button", name="Play").click()
    wait_for(page, "d.frame > 52")


def test_a_slider_that_changes_nothing_says_why(page: Page, url: str) -> None:
    player = open_player(page, url)
    words = player.get_by_text("sure of every pair: none between 0.05 and 0.95")
    player.get_by_label("Edge threshold").fill("0.55")
    expect(player).to_have_attribute("data-edges-shown", re.compile(r"[1-9]"))
    expect(words).to_have_count(0)
    for epoch in range(2, 6):  # the beliefs go from 0.6 to 1
        page.get_by_role("button", name="Next epoch").click()
        expect(player.get_by_text(f"epoch {epoch}")).to_be_visible()
    expect(words).to_be_visible()
    player.get_by_label("Edge threshold").fill("0.5")
    expect(words).to_have_count(0)
