"""The player: particles, inferred and true graph and forecast, moving in a browser that asks nobody. Needs no server: a page with its parts and a payload is enough."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from nri_core.player.opening import CONTROLS, VIEWS, Opening

__all__ = ["CONTROLS", "VIEWS", "Assets", "Opening", "assets"]

_HERE = Path(__file__).parent
_SCRIPTS = "camera gaps scene palette edges overtime skeleton stage picking matrix timeline words detail guess views temperature selection describe clock pointing controls picture opening fan closeup telling marks editing player"  # joined to one module: no build step


class Assets(NamedTuple):
    """The parts of a page. `js` is a module whose default export is called with `{parentElement, data}`: the element that holds `html`, and the bytes of `payload`."""

    html: str
    css: str
    js: str


@cache
def assets() -> Assets:
    """The player as text, the same for every scene."""
    return Assets(_text("player.html"), _text("player.css"), _lean(_text(*(f"{name}.js" for name in _SCRIPTS.split()))))


def _text(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def _lean(script: str) -> str:
    """Without indentation and lines of comment, a sixth of what would travel; no string in it goes over a line."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
