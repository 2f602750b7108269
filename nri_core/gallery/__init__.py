"""The gallery: many systems as thumbnails, each a button, drawn in the browser. A page with its parts and a payload is enough."""

from functools import cache
from pathlib import Path

from nri_core.player import Assets
from nri_core.player import __file__ as player_file

_HERE = Path(__file__).parent


@cache
def assets() -> Assets:
    """The gallery as text, with the player's colours; `js` is called with `{parentElement, data, setTriggerValue}`."""
    palette = Path(player_file).with_name("palette.js")
    script = "\n".join(path.read_text(encoding="utf-8") for path in (palette, _HERE / "thumbnail.js", _HERE / "gallery.js"))
    return Assets(*((_HERE / f"gallery.{kind}").read_text(encoding="utf-8") for kind in ("html", "css")), script)
