"""What the player does in a real browser: frames a second with every pair drawn, the processor time of one, and the bytes that reach it."""

import os
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import launched, serving

NODES = (5, 10, 50, 100)
JOINTS = 31  # of a body in space, as motion capture has it
FRAMES = 100
SECONDS = 6.0
VIEWS = (  # of the most nodes: what is added to the query, and the pixels for one on the page
    ("&view=overlaid", 1),
    ("&view=difference", 1),
    ("&view=side by side", 2),
    ("&view=overlaid", 2),
    ("&view=difference", 2),
    ("&view=difference&players=3", 2),
)
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
count, view = int(st.query_params.get("players", 1)), st.query_params.get("view", "side by side")
for key, column in enumerate(st.columns(count)):
    with column:
        player(data, key=f"player {{key}}", posterior=posterior, forecast=forecast, view=view, clock="one", compact=count > 1, height=520 if count == 1 else 300)
"""


def main() -> dict[str, object]:
    """For N particles and 100 frames, all pairs, truth and forecast shown at 1280 × 720: one row each; then a skeleton in space, and the other views of the most."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "app.py"
        script.write_text(SCRIPT, encoding="utf-8")
        with serving(script) as url, sync_playwright() as playwright, launched(playwright) as browser:
            rows = [_measure(browser, url, nodes) for nodes in NODES] + [_measure(browser, url, JOINTS, "&space")]
            rows += [_measure(browser, url, NODES[-1], query, ratio) for query, ratio in VIEWS]
            version = browser.version
    return {"browser": f"headless Chromium {version}", "cores": os.cpu_count(), "load": os.getloadavg()[0], "frames": FRAMES, "rows": rows}


def _measure(browser: Browser, url: str, nodes: int, query: str = "", ratio: int = 1) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 720}, device_scale_factor=ratio)
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.goto(f"{url}/?nodes={nodes}{query}")
    player = page.get_by_test_id("player").first
    first_motion = seconds_to_motion(page)
    for each in page.get_by_test_id("player").all():
        each.locator(".threshold").evaluate("input => { input.value = 0; input.oninput(); }")
        each.locator(".most").evaluate("select => { select.value = 'Infinity'; select.onchange(); }")
    quiet_from = len(received)
    page.wait_for_timeout(2000)
    busy, drawn = _processor_seconds(), _frames(page)
    fps = [_fps(page, player_seconds=1.0) for _ in range(int(SECONDS))]
    busy, drawn = _processor_seconds() - busy, _frames(page) - drawn
    row = {
        "nodes": nodes,
        "dims": 3 if "space" in query else 2,
        "view": player.get_attribute("data-view"),
        "players": page.get_by_test_id("player").count(),
        "pixel_ratio": ratio,
        "pairs": nodes * (nodes - 1),
        "edges_drawn": int(player.get_attribute("data-edges-shown") or 0),
        "fps": round(sum(fps) / len(fps), 1),
        "fps_lowest_second": min(fps),
        "processor_ms_a_frame": round(1000 * busy / drawn, 1) if busy and drawn else None,
        "received_mb": round(sum(received[:quiet_from]) / 1e6, 3),
        "messages_while_playing": len(received) - quiet_from,
        "first_motion_s": round(first_motion, 2),
    }
    page.close()
    return row


def _frames(page: Page) -> int:
    """How many frames the page's clock has shown."""
    page.evaluate("window.shown ??= (requestAnimationFrame(function count() { window.counted = (window.counted ?? 0) + 1; requestAnimationFrame(count); }), true)")
    return int(page.evaluate("window.counted ?? 0"))


def _processor_seconds() -> float:
    """What the browser's processes, all below this one, have used so far; 0 where the system does not tell."""
    parents: dict[int, tuple[int, str, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # it has ended
        fields = rest.split()
        parents[int(stat.parent.name)] = (int(fields[1]), name, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))

    def below(process: int) -> bool:
        return process == os.getpid() or (process in parents and below(parents[process][0]))

    return sum(seconds for process, (_, name, seconds) in parents.items() if "chrom" in name and below(process))


def seconds_to_motion(page: Page) -> float:
    """Since navigation began, until the player is past its first frame."""
    player = page.get_by_test_id("player").first
    while int(player.get_attribute("data-frame") or 0) < 1:
        page.wait_for_timeout(20)
    return float(page.evaluate("performance.now()")) / 1000


def _fps(page: Page, *, player_seconds: float) -> float:
    page.wait_for_timeout(1000 * player_seconds)
    return float(page.get_by_test_id("player").first.get_attribute("data-fps") or 0)
