"""The app without a browser, for the tests of its pages."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]


def opened(page: str, *, session: dict[str, object] | None = None, **address: str) -> AppTest:
    """The app at `/page?address`, perhaps with something in the session already."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in (session or {}).items():
        app.session_state[key] = value
    app.run()
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(f"pages/{page}.py").run() if page != "explore" else app.run()
