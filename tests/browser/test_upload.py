"""Your data in a real browser: two clicks for a tidy file, a walk through mending, a skeleton in space, a broken file."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nri_core.importers.samples import SAMPLES

PATIENCE = 60_000  # ms


@pytest.fixture
def drop(page: Page, app_url: str, tmp_path: Path) -> Callable[..., None]:
    """Drop samples on the page."""

    def dropped(*names: str) -> None:
        page.goto(f"{app_url}/upload")
        paths = []
        for name in names:
            (path := tmp_path / SAMPLES[name].file).write_text(SAMPLES[name].text(), encoding="utf-8")
            paths.append(path)
        page.locator("input[type=file]").first.set_input_files(paths, timeout=PATIENCE)
        expect(page.get_by_test_id("player")).to_be_visible(timeout=PATIENCE)

    return dropped


def test_two_clicks_to_a_dataset_and_on_to_training(page: Page, drop: Callable[..., None]) -> None:
    drop("tidy")
    expect(page.get_by_text("Nothing stands in the way").or_(page.get_by_text("There are only 2 recordings"))).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Use this data").click()
    expect(page.get_by_text(re.compile("Ready"))).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Train on it").click()
    expect(page.get_by_test_id("stSidebar").get_by_text("tidy.csv")).to_be_visible(timeout=PATIENCE)


def test_mending_and_undoing(page: Page, drop: Callable[..., None]) -> None:
    drop("pedestrians")
    page.get_by_role("button", name="Do what is suggested").click()
    expect(page.get_by_text("Done so far")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Undo the last").click()
    expect(page.get_by_role("button", name="Do what is suggested")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Repeat this without the app").click()
    expect(page.get_by_text("python -m nri_core import pedestrians.txt")).to_be_visible(timeout=PATIENCE)


def test_what_was_applied_leaves_nothing_open(page: Page, drop: Callable[..., None]) -> None:
    """The next fix moves into its place, and must not stand open there."""
    drop("pedestrians")
    fixes = page.get_by_test_id("stPopoverButton").filter(has_not_text=re.compile("Share|Other changes|Export|Known graph"))
    assert fixes.count() > 1
    fixes.first.click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Done so far")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0, timeout=5_000)


def test_a_skeleton_turns_in_space(page: Page, drop: Callable[..., None]) -> None:
    drop("skeleton", "swing")
    expect(page.get_by_text("drag to turn")).to_be_visible(timeout=PATIENCE)


def test_a_broken_file_leaves_what_was_there(page: Page, drop: Callable[..., None], tmp_path: Path) -> None:
    drop("tidy")
    (broken := tmp_path / "broken.csv").write_text("time,id,x,y\n0,1,2,3\n0,2,north,3\n")
    page.get_by_role("button", name=re.compile("Remove")).first.click()
    page.locator("input[type=file]").first.set_input_files(broken)
    expect(page.get_by_text(re.compile("found 'north' in row 3"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Use this data")).to_be_visible()  # of the file before
