"""The one HTML file, opened from the disk in a browser without any network: the player in it works, in light and dark, and names stay text."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from nri_core.exporters import View, write_html
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories

EVIL = ('</script><script>window.hurt = 1</script>', '<img src=x onerror="window.hurt = 1">', "'; window.hurt = 1; //", "<!-- ", "\ud800\x00")
FRAMES = 60


def made(dims: str, nodes: tuple[str, ...], **more: object) -> tuple[Trajectories, EdgePosterior]:
    """A small system that moves, and a belief of it."""
    generator = np.random.default_rng(0)
    data = Trajectories(generator.normal(size=(1, FRAMES, len(nodes), len(dims))).cumsum(1), tuple(dims), node_names=nodes, **more)
    belief = generator.uniform(0, 1, (1, len(nodes), len(nodes)))
    return data, EdgePosterior(np.stack([1 - belief, belief], axis=-1) * off_diagonal(len(nodes))[..., None], ("none", EVIL[1]), nodes, "encoder")


@pytest.fixture(params=["light", "dark"])
def offline(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of a browser that is offline. A request to anywhere, an error, or a message of the console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True, color_scheme=request.param, reduced_motion="reduce", accept_downloads=True)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda sent: None if sent.url.startswith(("file:", "data:", "blob:")) else faults.append(sent.url))
    yield page
    assert page.evaluate("window.hurt") is None
    context.close()
    assert not faults, "\n".join(faults)


def test_the_file_plays_without_a_network(offline: Page, tmp_path: Path) -> None:
    data, posterior = made("xy", EVIL)
    path = tmp_path / "view.html"
    write_html(View(data, posterior=posterior, title=EVIL[0]), path)
    offline.goto(path.as_uri())
    player = offline.get_by_test_id("player")
    expect(player).to_have_attribute("data-num-frames", str(FRAMES))
    expect(offline).to_have_title(EVIL[0])
    assert int(player.get_attribute("data-edges-shown") or 0) == (posterior.edge_probs[0, ..., 1] >= 0.5).sum()

    player.get_by_label("Time step").fill("40")
    expect(player).to_have_attribute("data-frame", "40")
    ground = offline.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(15, 21, 28)" if offline.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "rgb(255, 255, 255)")
    assert offline.evaluate("document.documentElement.scrollWidth <= innerWidth")

    player.get_by_role("button", name="Play", exact=True).click()
    expect(player).to_have_attribute("data-playing", "true")
    expect(player).not_to_have_attribute("data-frame", "40")


def test_a_picture_can_be_kept_from_the_file(offline: Page, tmp_path: Path) -> None:
    data, posterior = made("xy", ("a", "b", "c"))
    write_html(View(data, posterior=posterior), tmp_path / "view.html")
    offline.goto((tmp_path / "view.html").as_uri())
    with offline.expect_download() as kept:
        offline.get_by_role("button", name="Picture").click()
    kept.value.save_as(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > 600 and len(picture.convert("RGB").quantize(64).getcolors()) > 5


def test_a_skeleton_whose_edges_change(offline: Page, tmp_path: Path) -> None:
    """Space, bones and beliefs over time travel with the file; it can be turned."""
    data, posterior = made("xyz", tuple("abcde"), metadata={"bones": [[0, 1], [1, 2]], "up": "y"})
    silent = EdgePosterior(off_diagonal(5)[None, ..., None] * np.array([1.0, 0.0]), posterior.edge_type_names, posterior.node_names, "encoder")
    write_html(View(data, posterior=PosteriorOverTime((0, 30), (posterior, silent))), tmp_path / "view.html")
    offline.goto((tmp_path / "view.html").as_uri())
    player = offline.get_by_test_id("player")
    player.get_by_label("Time step").fill("5")
    expect(player).not_to_have_attribute("data-edges-shown", "0")
    player.get_by_label("Time step").fill("59")
    expect(player).to_have_attribute("data-edges-shown", "0")
    before = player.get_attribute("data-turn")
    player.focus()
    offline.keyboard.press("Shift+ArrowLeft")
    expect(player).not_to_have_attribute("data-turn", before or "")
