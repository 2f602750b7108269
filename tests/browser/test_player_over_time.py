"""The player in a real browser where the graph changes over time, and what it lets one keep: a picture, a film."""

import base64
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

SCRIPT = '''
import numpy as np
import streamlit as st
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories
from ui.player import player

st.set_page_config(layout="wide")
query, generator = st.query_params, np.random.default_rng(0)
nodes, frames = int(query.get("nodes", 5)), 80
angle = np.arange(frames)[None, :, None] * generator.uniform(0.02, 0.1, (1, 1, nodes)) + generator.uniform(0, 6, (1, 1, nodes))
values = generator.normal(size=(1, 1, nodes, 2)) * 2 + np.stack([np.cos(angle), np.sin(angle)], axis=-1)
edges = np.zeros((1, frames, nodes, nodes), dtype=int)
edges[:, 40:, 1, 0] = 1  # 1 acts on 2 from frame 40
edges[:, :, 3, 2] = 1  # 3 on 4 always
names = ("<b>one</b>", "two", "three", "four", "five") if nodes == 5 else ()
data = Trajectories(values, ("x", "y"), node_names=names, edge_types=edges, edge_type_names=("none", "spring"))
windows = []
for start in range(0, frames, 10):
    belief = 0.1 + 0.8 * edges[:, start : start + 10].mean(axis=1)
    probs = np.stack([1 - belief, belief], axis=-1) * ~np.eye(nodes, dtype=bool)[..., None]
    windows.append(EdgePosterior(probs, ("none", "spring"), data.node_names, "encoder"))
player(data, key="player", posterior=PosteriorOverTime(tuple(range(0, frames, 10)), tuple(windows)))
'''


def still(page: Page, url: str, query: str = "") -> Locator:
    """The player at rest: nothing moves by itself."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{url}/?{query}")
    player = page.get_by_test_id("player")
    expect(player).to_have_attribute("data-num-frames", "80", timeout=60_000)
    return player


def test_the_graph_follows_the_time_in_stage_matrix_and_words(page: Page, url: str) -> None:
    player = still(page, url)
    for frame, shown in ((10, 1), (39, 1), (40, 2), (79, 2), (20, 1)):
        player.get_by_label("Time step").fill(str(frame))
        expect(player).to_have_attribute("data-edges-shown", str(shown))
        expect(player).to_have_attribute("data-edge-accuracy", "1.0000")


def test_pairs_that_change_lie_over_the_time_line(page: Page, url: str) -> None:
    player = still(page, url)
    band = player.locator(".timeline canvas")
    box = band.bounding_box()
    assert box is not None and box["height"] == 36 + 12, "one pair changes"
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 4)
    expect(player).to_have_attribute("data-hover", "<b>one</b> → two")
    assert player.locator("b", has_text="one").count() == 0, "names are only text"
    page.mouse.down()
    page.mouse.up()
    expect(player).to_have_attribute("data-frame", re.compile("^(59|60)$"))
    expect(player.get_by_role("tooltip")).to_contain_text("spring 0.900")
    player.get_by_label("Time step").focus()
    page.keyboard.press("Home")
    expect(player.get_by_role("tooltip")).to_contain_text("spring 0.100")
    bright = """element => { const canvas = element.querySelector(".timeline canvas"), pen = canvas.getContext("2d");
      return [0.3, 0.9].map((part) => pen.getImageData(canvas.width * part, 4, 1, 1).data[3]); }"""
    before, after = player.evaluate(bright)
    assert before < 60 < 200 < after
    total = player.bounding_box()
    assert total is not None and total["height"] <= 524 + 12
    player.get_by_role("radio", name="difference").check(force=True)
    legend, band_now = player.locator(".legend").bounding_box(), band.bounding_box()
    assert legend is not None and band_now is not None and legend["y"] + legend["height"] <= band_now["y"], "nothing is drawn over the legend"
    player.get_by_role("button", name="Truth").click()
    expect(player).to_have_attribute("data-edge-accuracy", "")
    assert player.evaluate(bright)[1] > 200, "the belief stays on the line"


def test_only_the_strongest_where_there_are_many(page: Page, url: str) -> None:
    player = still(page, url, "nodes=25")
    player.get_by_label("Edge threshold").fill("0.1")
    expect(player).to_have_attribute("data-edges-shown", "600")
    player.get_by_label("Strongest edges").select_option("20")
    expect(player).to_have_attribute("data-edges-shown", "20")
    player.get_by_label("Edge threshold").fill("0.8")
    expect(player).to_have_attribute("data-edges-shown", "2")
    still(page, url)
    expect(player.get_by_label("Strongest edges")).to_be_hidden()


def test_a_picture_to_keep(page: Page, url: str, tmp_path: Path) -> None:
    player = still(page, url)
    player.get_by_label("Time step").fill("7")
    with page.expect_download() as waiting:
        player.get_by_role("button", name="Picture").click()
    assert waiting.value.suggested_filename == "nri-frame-7.png"
    waiting.value.save_as(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        width, height = picture.size
        colours = picture.convert("RGB").getcolors(maxcolors=1 << 20)
    box = player.bounding_box()
    assert box is not None and width == pytest.approx(2 * (box["width"] + 24), abs=3) and 800 < height < 1050
    assert colours is not None and len(colours) > 200


def test_a_film_to_keep(page: Page, url: str, tmp_path: Path) -> None:
    player = still(page, url)
    player.get_by_label("Speed").select_option("4")
    with page.expect_download(timeout=60_000) as waiting:
        player.get_by_role("button", name="Film").click()
        expect(player).to_have_attribute("data-filming", "true")
    assert waiting.value.suggested_filename == "nri.webm"
    expect(player).to_have_attribute("data-filming", "false")
    expect(player).to_have_attribute("data-frame", "79")
    waiting.value.save_as(tmp_path / "film.webm")
    film = base64.b64encode((tmp_path / "film.webm").read_bytes()).decode()
    size = page.evaluate(
        """film => new Promise((done, fail) => {
          const video = document.createElement("video");
          video.onloadeddata = () => done([video.videoWidth, video.videoHeight]);
          video.onerror = () => fail(new Error("no film"));
          video.src = `data:video/webm;base64,${film}`;
        })""",
        film,
    )
    assert size[0] > 1000 and size[1] > 400
