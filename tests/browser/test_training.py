"""Training as one lives with it, in a real browser: the first picture, pause and step, looking back, a closed tab, a link for somebody else."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nri_core.jobs import Run, list_runs, open_run
from tests.runs import ended, wait_for

PATIENCE = 180_000  # ms; on a busy machine an epoch takes long, and torch its time to be imported
ONE_AT_A_TIME = "cpu_slots = 1\nruns_per_user = 2\n"


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs of training")


@pytest.fixture(scope="module")
def url(serve: Callable[..., str], runs_dir: Path) -> str:
    """The app on a server with one slot, and two runs for each user."""
    limits = runs_dir.parent / "limits.toml"
    limits.write_text(ONE_AT_A_TIME)
    return serve("app.py", env={"NRI_RUNS_DIR": str(runs_dir), "NRI_LIMITS": str(limits)})


@pytest.fixture(autouse=True)
def nothing_runs_on(runs_dir: Path) -> Iterator[None]:
    """A test that fails must not take the only slot from the next one."""
    yield
    runs = list_runs(runs_dir=runs_dir)
    for run in runs:
        run.cancel()
    for run in runs:
        wait_for(run, ended)


def form(page: Page, url: str, *, epochs: int) -> Locator:
    """The form on a warm server, ready to start; gives the button."""
    page.goto(f"{url}/train")
    field = page.get_by_role("spinbutton", name="Epochs")
    expect(field).to_be_visible(timeout=PATIENCE)
    field.fill(str(epochs))
    field.press("Enter")
    expect(page.get_by_text("CPU,")).to_be_visible(timeout=PATIENCE)  # torch is there
    return page.get_by_role("button", name="Train", exact=True)


def test_back_from_a_run_leads_to_the_page_before_the_form(page: Page, url: str) -> None:
    page.goto(f"{url}/simulate")
    expect(page.get_by_role("button", name="Make dataset")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_text("CPU,")).to_be_visible(timeout=PATIENCE)
    click(page, "Train")
    expect(page).to_have_url(re.compile(r"/train\?.*run="), timeout=PATIENCE)
    click(page, "Stop")
    page.go_back()
    expect(page.get_by_role("button", name="Make dataset")).to_be_visible(timeout=PATIENCE)


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def epoch(page: Page) -> int:
    said = page.get_by_text(re.compile(r"^Epoch \d+ of")).inner_text()
    return int(re.findall(r"\d+", said)[0])


def started(page: Page, button: Locator) -> str:
    """Press Train and wait for the run's page; its address."""
    button.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=PATIENCE)
    return page.url


def stopped(page: Page) -> None:
    click(page, "Stop")
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible(timeout=PATIENCE)


def comes_to(run: Run, epoch: int) -> None:
    """Wait, without a browser and without touching the queue, until the run has finished this epoch."""
    deadline = time.monotonic() + 2 * PATIENCE / 1000
    while (status := run.status()).epoch < epoch:
        assert time.monotonic() < deadline, f"{status}\n{run.log()}"
        time.sleep(0.2)


def run_id(address: str) -> str:
    return re.findall(r"run=([0-9a-f]{32})", address)[0]


def test_the_first_picture_pause_step_looking_back_and_resume(page: Page, url: str) -> None:
    button = form(page, url, epochs=2000)
    page.wait_for_timeout(4000)  # the server has warmed up
    began = time.perf_counter()
    started(page, button)
    expect(page.get_by_text("Inferred graph", exact=True)).to_be_visible(timeout=PATIENCE)
    seconds, load = time.perf_counter() - began, os.getloadavg()[0]
    print(f"\nFirst inferred graph {seconds:.1f} s after pressing Train, at a load of {load:.1f} on {os.cpu_count()} cores")
    expect(page.get_by_text(re.compile(r"after epoch [4-9]"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("The address names")).to_be_hidden()  # it still holds what the form was told, for the next run

    page.get_by_text("Look back").click()
    history = page.get_by_role("slider", name="Epoch")
    expect(history).to_be_visible(timeout=PATIENCE)
    history.press("Home")
    expect(page.get_by_text("before the first epoch: a guess")).to_be_visible(timeout=PATIENCE)
    was = epoch(page)
    expect(page.get_by_text(re.compile(rf"^Epoch (?!{was} )\d+ of"))).to_be_visible(timeout=PATIENCE)  # it trains on
    expect(page.get_by_text("before the first epoch: a guess")).to_be_visible()  # and stays where one looks

    page.get_by_role("button", name="Pause run").evaluate("button => { button.dataset.seen = 'before' }")
    click(page, "Pause run")
    expect(page.get_by_text(re.compile(r"^Epoch \d+ of 2000, paused"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Resume run")).to_have_attribute("data-seen", "before")  # the same one: none jumps under the mouse
    was = epoch(page)
    click(page, "One epoch")
    expect(page.get_by_text(f"Epoch {was + 1} of 2000, paused")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Look back").click()
    expect(page.get_by_text(f"after epoch {was + 1}")).to_be_visible(timeout=PATIENCE)
    click(page, "Resume run")
    expect(page.get_by_text(re.compile(rf"^Epoch (?!{was + 1} )\d+ of"))).to_be_visible(timeout=PATIENCE)
    stopped(page)
    last = history.get_attribute("max") or ""
    expect(history).to_have_value(last)  # nobody looks back
    click(page, "Resume run")  # what was stopped goes on from its last saved state
    expect(page.get_by_text(re.compile(r"^Epoch \d+ of 2000, (?!paused)"))).to_be_visible(timeout=PATIENCE)
    assert epoch(page) >= was
    expect(page.get_by_text(re.compile(rf"^after epoch (?!{last}$)\d+"))).to_be_visible(timeout=PATIENCE)
    stopped(page)
    expect(history).to_have_value(history.get_attribute("max") or "")


def test_a_closed_tab_a_dead_worker_and_somebody_else(page: Page, browser: Browser, url: str, runs_dir: Path) -> None:
    address = started(page, form(page, url, epochs=2000))
    expect(page.get_by_text(re.compile(r"after epoch \d+"))).to_be_visible(timeout=PATIENCE)
    run = open_run(run_id(address), runs_dir=runs_dir)
    was = run.status().epoch
    page.goto("about:blank")  # nobody looks
    comes_to(run, was + 2)
    os.kill(run.stored_status().pid, signal.SIGKILL)  # nor does anybody see its process die: the server starts another
    was = run.status().epoch
    comes_to(run, was + 1)

    context = browser.new_context()
    other = context.new_page()
    other.goto(address)  # somebody else, who was sent the address
    expect(other.get_by_text(re.compile(r"after epoch \d+"))).to_be_visible(timeout=PATIENCE)
    assert epoch(other) > was
    stopped(other)
    context.close()
    assert run.status().state == "cancelled"


def test_the_queue_says_the_place_and_a_limit_loses_nothing(page: Page, url: str) -> None:
    addresses = [started(page, form(page, url, epochs=2000))]
    click_new = page.context.new_page()
    addresses.append(started(click_new, form(click_new, url, epochs=1999)))
    expect(click_new.get_by_text("Waiting for a free device: 1st in the queue")).to_be_visible(timeout=PATIENCE)
    expect(click_new.get_by_text("1 run trains here now")).to_be_visible()

    third = page.context.new_page()
    form(third, url, epochs=77).click()
    expect(third.get_by_text(re.compile("as many as this server allows"))).to_be_visible(timeout=PATIENCE)
    expect(third.get_by_role("spinbutton", name="Epochs")).to_have_value("77")
    expect(third.get_by_role("button", name="Train", exact=True)).to_be_enabled()

    stopped(click_new)  # at once: it only waited
    stopped(page)
