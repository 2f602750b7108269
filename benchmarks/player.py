"""What the player does in a real browser: frames a second with every pair drawn, and the bytes that reach it."""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import launched, serving

NODES = (5, 10, 50, 100)
JOINTS = 31  # of a body in space, as motion capture has it
FRAMES = 100
SECONDS = 6.0
SCRIPT = f"""
import numpy as np
import streamlit as st
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui.player import player

st.set_page_config(layout="wide")
nodes, frames, space = int(st.query_params["nodes"]), {FRAMES}, "space" in st.query_params
generator = np.random.default_rng(0)
angle = np.arange(frames)[None, :, None] * generator.uniform(0.02, 0.1, (1, 1, nodes)) + generator.uniform(0, 6, (1, 1, nodes))
values = generator.normal(size=(1, 1, nodes, 2)) * 2 + np.stack([np.cos(angle), np.sin(angle)], axis=-1)
features, about = ("x", "y"), {{}}
if space:
    values = np.concatenate([values, generator.normal(size=(1, frames, nodes, 1)).cumsum(1) / 20], axis=-1)
    features, about = ("x", "y", "z"), {{"bones": [[node, node + 1] for node in range(nodes - 1)]}}
edges = generator.integers(0, 2, (1, nodes, nodes))
data = Trajectories(values, features, metadata=about, edge_types=edges, edge_type_names=("none", "spring"))
belief = generator.uniform(0, 1, (1, nodes, nodes))
probs = np.stack([1 - belief, belief], axis=-1) * ~np.eye(nodes, dtype=bool)[..., None]
posterior = EdgePosterior(probs, ("none", "spring"), data.node_names, "encoder")
forecast = Trajectories(values[:, frames // 2 :] + 0.1, features, metadata={{"start": frames // 2 - 1}})
player(data, key="player", posterior=posterior, forecast=forecast)
"""


def main() -> dict[str, object]:
    """For N particles and 100 frames, all pairs, truth and forecast shown at 1280 × 720: one row each; the last is a skeleton in space."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "app.py"
        script.write_text(SCRIPT, encoding="utf-8")
        with serving(script) as url, sync_playwright() as playwright, launched(playwright) as browser:
            rows = [_measure(browser, url, nodes) for nodes in NODES] + [_measure(browser, url, JOINTS, space=True)]
            version = browser.version
    return {"browser": f"headless Chromium {version}", "cores": os.cpu_count(), "frames": FRAMES, "rows": rows}


def _measure(browser: Browser, url: str, nodes: int, *, space: bool = False) -> dict[str, float]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.goto(f"{url}/?nodes={nodes}{'&space' * space}")
    player = page.get_by_test_id("player")
    player.get_by_label("Edge threshold").fill("0")
    if space:
        player.get_by_label("Strongest edges").select_option("all")
    first_motion = seconds_to_motion(page)
    quiet_from = len(received)
    page.wait_for_timeout(2000)
    fps = [_fps(page, player_seconds=1.0) for _ in range(int(SECONDS))]
    row = {
        "nodes": nodes,
        "dims": 3 if space else 2,
        "pairs": nodes * (nodes - 1),
        "edges_drawn": int(player.get_attribute("data-edges-shown") or 0),
        "fps": round(sum(fps) / len(fps), 1),
        "fps_lowest_second": min(fps),
        "received_mb": round(sum(received[:quiet_from]) / 1e6, 3),
        "messages_while_playing": len(received) - quiet_from,
        "first_motion_s": round(first_motion, 2),
    }
    page.close()
    return row


def seconds_to_motion(page: Page) -> float:
    """Since navigation began, until the player is past its first frame."""
    player = page.get_by_test_id("player")
    while int(player.get_attribute("data-frame") or 0) < 1:
        page.wait_for_timeout(20)
    return float(page.evaluate("performance.now()")) / 1000


def _fps(page: Page, *, player_seconds: float) -> float:
    page.wait_for_timeout(1000 * player_seconds)
    return float(page.get_by_test_id("player").get_attribute("data-fps") or 0)
