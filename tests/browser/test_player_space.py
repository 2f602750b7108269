"""The player in a real browser where there is more to show: three dimensions, bones, nodes that come and go."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

SCRIPT = '''
import numpy as np
import streamlit as st
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui.player import player

st.set_page_config(layout="wide")
query, generator = st.query_params, np.random.default_rng(0)
nodes, frames = int(query.get("nodes", 31)), 90
height, phase = np.linspace(0, 1.8, nodes), np.arange(frames)[:, None] / 8
swing = 0.3 * np.sin(phase + np.arange(nodes))
values = np.stack([0.02 * np.arange(frames)[:, None] + swing, np.broadcast_to(height, swing.shape), 0.2 * np.cos(phase + np.arange(nodes))], axis=-1)[None]
observed = np.ones(values.shape[:3], dtype=bool)
observed[:, 20:60, 0] = False
bones = [[node, node + 1] for node in range(nodes - 1)]
about = {"bones": bones, "up": "y", "units": "m"} if "bones" in query else {"up": query.get("up", "y")}
data = Trajectories(values, ("x", "y", "z"), observed=observed if "gaps" in query else None, metadata=about)
belief = generator.uniform(0, 1, (1, nodes, nodes))
probs = np.stack([1 - belief, belief], axis=-1) * ~np.eye(nodes, dtype=bool)[..., None]
forecast = Trajectories(values[:, 50:] + 0.05, ("x", "y", "z"), metadata={"start": 49})
player(data, key="player", posterior=EdgePosterior(probs, ("none", "acts"), data.node_names, "encoder"), forecast=forecast)
'''

INK = """(element) => {
  const canvas = element.querySelector(".main canvas"), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0, sum = 0;
  for (let k = 0; k < pixels.length; k += 4) if (pixels[k + 3] > 40) { count++; sum = (sum * 31 + k + pixels[k] + pixels[k + 1]) % 1000000007; }
  return [count, sum];
}"""


def still(page: Page, url: str, query: str, *, frame: int = 10) -> Locator:
    """The player at rest on a frame: what is drawn does not change by itself."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{url}/?{query}")
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-num-frames", re.compile(r"\d+"), timeout=60_000)
    player.get_by_label("Time step").fill(str(frame))
    return player


def picture(page: Page, player: Locator) -> list[int]:
    """How much is drawn on the stage, and a sum over it that differs with what."""
    page.wait_for_timeout(250)
    return player.evaluate(INK)


def test_a_skeleton_is_turned_by_dragging_and_by_keys(page: Page, url: str) -> None:
    player = still(page, url, "bones")
    expect(player.get_by_text(re.compile(r"^drag to turn · grid 0\.\d m$"))).to_be_visible()
    before = picture(page, player)
    assert before == picture(page, player)
    box = player.locator(".main canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 230, steps=4)
    page.mouse.up()
    expect(player).to_have_attribute("data-turn", "0.48 0.49")
    page.mouse.move(2, 2)
    turned = picture(page, player)
    assert turned != before
    expect(player.get_by_text(re.compile(r"^grid 0\.\d m$"))).to_be_visible()

    player.focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(player).to_have_attribute("data-turn", "0.33 0.49")
    expect(player).to_have_attribute("data-frame", "10")  # time is the arrows' without shift
    page.keyboard.press("Shift+Home")
    expect(player).to_have_attribute("data-turn", "-0.60 0.28")
    assert picture(page, player) == before


@pytest.mark.parametrize("up", ["y", "z"])
def test_what_is_up_stands_up(page: Page, url: str, up: str) -> None:
    """Particles stacked along y fill the stage from top to bottom where y is up; where z is, they lie along the ground."""
    player = still(page, url, f"nodes=8&up={up}", frame=40)
    player.get_by_label("Edge threshold").fill("1")
    page.wait_for_timeout(250)
    tall = player.evaluate("""element => {
      const canvas = element.querySelector(".main canvas"), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, rows = [];
      for (let k = 0; k < pixels.length; k += 4) {
        const [r, g, b, a] = pixels.slice(k, k + 4);
        if (a === 255 && Math.max(r, g, b) - Math.min(r, g, b) > 90) rows.push(Math.floor(k / 4 / canvas.width) / canvas.height);
      }
      return rows.reduce((a, b) => Math.max(a, b), 0) - rows.reduce((a, b) => Math.min(a, b), 1);
    }""")
    assert tall > 0.5 if up == "y" else tall < 0.5, tall


def test_a_node_that_is_not_seen_stays_where_it_was_and_fades(page: Page, url: str) -> None:
    """Node 1 is seen until frame 19 and from frame 60."""
    player = still(page, url, "nodes=8&gaps", frame=19)
    box = player.locator(".main canvas").bounding_box()
    assert box is not None
    places = ((box["width"] * x / 60, box["height"] * y / 40) for x in range(20, 44) for y in range(28, 40))
    place = next((x, y) for x, y in places if hovered(page, player, box["x"] + x, box["y"] + y) == "1")
    there = {}
    for frame in (19, 21, 23, 30, 40):
        player.get_by_label("Time step").fill(str(frame))
        page.wait_for_timeout(150)
        page.mouse.move(2, 2)
        there[frame] = hovered(page, player, box["x"] + place[0], box["y"] + place[1]) == "1"
    assert there == {19: True, 21: True, 23: True, 30: False, 40: False}
    expect(player.get_by_text("7 of 8 nodes seen")).to_be_visible()
    player.get_by_label("Time step").fill("80")
    expect(player.get_by_text("8 of 8 nodes seen")).to_be_visible()


def hovered(page: Page, player: Locator, x: float, y: float) -> str | None:
    """What the player says is under the pointer at this place."""
    page.mouse.move(x, y)
    return player.get_attribute("data-hover")
