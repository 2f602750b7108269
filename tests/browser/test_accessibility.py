"""What axe, the usual checker of accessibility, finds on every page, in light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.server import SETTLED
from tests.browser.test_walk import PATIENCE
from ui.frame import PAGES


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, app_url: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page, found = context.new_page(), []
    for name in PAGES:
        page.goto(f"{app_url}/{name}")
        expect(page.get_by_role("heading", level=1, name=PAGES[name].title, exact=True)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_test_id("stSidebar").get_by_role("link").last).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(1000)  # the last parts are drawn, and nothing fades any more
        page.wait_for_function(SETTLED, timeout=PATIENCE)
        faults = (fault for fault in Axe().run(page).response["violations"] if fault["impact"] in ("serious", "critical"))
        found += [f"{name}: {fault['help']}: {node['html'][:150]}" for fault in faults for node in fault["nodes"]]
    context.close()
    assert not found, "\n".join(found)
