"""The Runs page in a real browser: a training goes on without its tab, is found again, compared, put away and taken back, carried elsewhere."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from nri_core.jobs import list_runs, submit
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests.browser.server import ROOT
from tests.runs import ended, trains, wait_for

PATIENCE = 60_000  # ms; a busy machine imports torch for seconds
TINY = TrainConfig(epochs=3, epoch_size=4, batch_size=2, encoder_hidden=4, decoder_hidden=4, window=10)
ROW = 35  # pixels


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=8, num_nodes=3, num_steps=40))


@pytest.fixture(scope="module")
def runs_dir(data: Trajectories, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two short runs; nothing trains on after the tests."""
    runs_dir = tmp_path_factory.mktemp("runs")
    for seed, name in enumerate(("first", "![second](http://example.com/x.png)")):
        submit(data, TINY.model_copy(update={"seed": seed}), watch=data.select(slice(0, 1)), name=name, device="cpu", runs_dir=runs_dir)
    yield runs_dir
    for run in list_runs(runs_dir=runs_dir):
        run.cancel()


@pytest.fixture(scope="module")
def url(serve: Callable[..., str], runs_dir: Path) -> str:
    return serve(ROOT / "app.py", env={"NRI_RUNS_DIR": str(runs_dir)})


def opened(page: Page, url: str) -> Locator:
    """The Runs page and its table."""
    page.goto(f"{url}/runs")
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible(timeout=PATIENCE)
    return table


def choose(table: Locator, *places: int) -> None:
    """Tick the boxes of these rows, counted from 1; they are drawn on a canvas, whose text for screen readers says what is ticked."""
    for place in places:
        row = table.locator(f"[role=row][aria-rowindex='{place + 1}']")
        for _ in range(20):  # a canvas that has just appeared may miss a click
            table.click(position={"x": 18, "y": ROW * place + 18})
            with suppress(AssertionError):
                expect(row).to_have_attribute("aria-selected", "true", timeout=3000)
                break
        expect(row).to_have_attribute("aria-selected", "true")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_an_ended_run_is_renamed_put_away_and_taken_back(page: Page, url: str, runs_dir: Path) -> None:
    table = opened(page, url)
    choose(table, 1)
    expect(page.get_by_role("heading", name="![second](http://example.com/x.png)")).to_be_visible(timeout=PATIENCE)  # as typed: no picture is loaded
    expect(page.get_by_text("Finished after epoch 3")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stCode").first).to_contain_text("python -m nri_core train")
    button(page, "Rename").click()
    page.get_by_role("textbox", name="Name").fill("the second")
    button(page, "Rename it").click()
    expect(page.get_by_role("heading", name="the second")).to_be_visible(timeout=PATIENCE)
    button(page, "Delete").click()
    expect(page.get_by_text("1 run deleted; kept for a day.")).to_be_visible(timeout=PATIENCE)
    assert [run.name for run in list_runs(runs_dir=runs_dir)] == ["first"]
    button(page, "Undo").click()
    expect(page.get_by_text("1 run deleted")).to_be_hidden(timeout=PATIENCE)
    assert sorted(run.name for run in list_runs(runs_dir=runs_dir)) == ["first", "the second"]


def test_several_runs_stand_side_by_side(page: Page, url: str) -> None:
    choose(opened(page, url), 1, 2)
    expect(page.get_by_role("heading", name="2 runs side by side")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Settings that differ, then results")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart").locator(".legendtext")).to_have_count(2, timeout=PATIENCE)
    expect(button(page, "Average these models")).to_be_visible()


def test_a_run_is_loaded_into_explore_and_its_address_says_so(page: Page, url: str) -> None:
    choose(opened(page, url), 1)
    button(page, "Load into Explore").click(timeout=PATIENCE)
    expect(page.get_by_text("Held-out systems")).to_be_visible(timeout=PATIENCE)
    for _ in range(2):  # as it is, and for somebody else who was sent the address
        expect(page.get_by_test_id("player")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_test_id("stSidebar")).to_contain_text(re.compile("Trained on first|the second"))
        assert "run=" in page.url
        page.reload()


def test_a_downloaded_run_opens_on_another_machine(page: Page, url: str, serve: Callable[..., str], tmp_path: Path) -> None:
    choose(opened(page, url), 1)
    with page.expect_download(timeout=PATIENCE) as download:
        button(page, "Download").click(timeout=PATIENCE)
    download.value.save_as(tmp_path / "run.zip")
    there = serve(ROOT / "app.py", env={"NRI_RUNS_DIR": str(tmp_path / "runs")})
    page.goto(f"{there}/runs")
    expect(page.get_by_text("There is none yet")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Open a run from another machine").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "run.zip")
    button(page, "Open it").click(timeout=PATIENCE)
    choose(page.get_by_test_id("stDataFrame").first, 1)
    expect(page.get_by_text("Finished after epoch 3")).to_be_visible(timeout=PATIENCE)
    assert len(list_runs(runs_dir=tmp_path / "runs")) == 1


def test_a_run_goes_on_without_its_tab(page: Page, url: str, runs_dir: Path, data: Trajectories) -> None:
    endless = TINY.model_copy(update={"epochs": 100_000})
    run = submit(data, endless, watch=data.select(slice(0, 1)), name="endless", device="cpu", runs_dir=runs_dir)
    other = page.context.new_page()
    other.goto(f"{url}/train?run={run.id}")
    expect(other.get_by_text(re.compile(r"Epoch \d+ of 100000"))).to_be_visible(timeout=PATIENCE)
    before = run.status().epoch
    other.close()
    choose(opened(page, f"{url}"), 1)
    expect(page.get_by_role("heading", name="endless")).to_be_visible(timeout=PATIENCE)
    deadline = time.monotonic() + PATIENCE / 1000
    while run.status().epoch <= before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.status().active and run.status().epoch > before
    expect(button(page, "Delete")).to_be_disabled()
    button(page, "Stop").click()
    expect(page.get_by_text(re.compile("Stopped after epoch"))).to_be_visible(timeout=PATIENCE)  # without a reload
    expect(button(page, "Delete")).to_be_enabled()
    expect(button(page, "Resume")).to_be_visible()


def test_what_is_pressed_as_the_last_run_ends_is_not_lost(page: Page, url: str, data: Trajectories, runs_dir: Path) -> None:
    """The page then begins anew, without its timer."""
    endless = submit(data, TINY.model_copy(update={"epochs": 1_000_000}), watch=data.select(slice(0, 1)), name="endless", device="cpu", runs_dir=runs_dir)
    wait_for(endless, trains)
    choose(opened(page, url), 2)
    button(page, "Rename").click(timeout=PATIENCE)
    page.get_by_role("textbox", name="Name").fill("pressed in time")
    endless.cancel()
    wait_for(endless, ended)
    button(page, "Rename it").click()
    expect(page.get_by_role("heading", name="pressed in time")).to_be_visible(timeout=PATIENCE)
