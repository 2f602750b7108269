"""The app without a browser, for the tests of its pages."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest

from ui.frame import PAGES

ROOT = Path(__file__).parents[1]


def opened(page: str, *, session: dict[str, object] | None = None, **address: str) -> AppTest:
    """The app at `/page?address`, perhaps with something in the session already."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    for key, value in (session or {}).items():
        app.session_state[key] = value
    app.run()
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(f"pages/{page}.py").run() if page != "explore" else app.run()


def player(app: AppTest) -> bytes:
    """What the player was sent."""
    assert not app.exception
    (shown,) = (component for component in app.get("bidi_component") if "nri_player" in component.proto.component_name)
    return shown.proto.bytes


def headers(app: AppTest, name: str) -> list[dict[str, Any]]:
    """The headers of what the components of that name were sent: the player's and the gallery's bytes begin with one."""
    assert not app.exception
    contents = [shown.proto.bytes for shown in app.get("bidi_component") if name in shown.proto.component_name]
    return [json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")]) for content in contents]


def gallery(app: AppTest) -> dict[str, Any]:
    """The header of what the gallery of systems was sent."""
    (header,) = headers(app, "nri_gallery")
    return header


def follow(app: AppTest, page: str) -> AppTest:
    """As if the menu's link to the page were clicked, with what it asks for."""
    link = next(link for link in app.sidebar.get("page_link") if link.proto.label == PAGES[page].title)
    app.query_params.clear()
    for name, values in parse_qs(link.proto.query_string).items():
        app.query_params[name] = values[0]
    return app.switch_page(f"pages/{page}.py").run()
