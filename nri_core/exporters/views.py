"""What one sees, to keep: pictures, a film, and one HTML file with the player that opens without a network."""

import base64
import io
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from nri_core.errors import DataError
from nri_core.exporters.drawing import Drawing, Scene, as_pixels, as_svg, draw, scene_of
from nri_core.exporters.names import writable, writable_belief, writable_text
from nri_core.player import assets
from nri_core.player.payload import payload
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.storage import write_text, writing
from nri_core.trajectories import Trajectories

MOST_FILM_FRAMES = 300
THEMES = {
    "light": {"background": "#ffffff", "secondary-background": "#f2f5f8", "text": "#16202b", "primary": "#0072b2", "border": "#d5dde5"},
    "dark": {"background": "#0f151c", "secondary-background": "#19222c", "text": "#e4ebf2", "primary": "#2b8ac6", "border": "#2c3846"},
}


@dataclass(frozen=True)
class View:
    """One system with what is believed and forecast of it; `posterior` (which may change over time) and `forecast` may hold this system only."""

    data: Trajectories
    sim: int = 0
    posterior: EdgePosterior | PosteriorOverTime | None = None
    posterior_sim: int = 0
    forecast: Trajectories | None = None
    forecast_sim: int = 0
    frame: int = 0
    threshold: float = 0.5
    title: str = "NRI Explorer"

    def __post_init__(self) -> None:
        """Raises DataError for a system or a frame that is not there."""
        if not 0 <= self.sim < self.data.num_sims or not 0 <= self.frame < self.data.num_steps:
            found = f"simulation {self.sim}, frame {self.frame}"
            raise DataError(f"Expected a simulation below {self.data.num_sims} and a frame below {self.data.num_steps}; found {found}.")
        if self.posterior is not None:
            object.__setattr__(self, "posterior", writable_belief(self.posterior))
            first = self.posterior.windows[0] if isinstance(self.posterior, PosteriorOverTime) else self.posterior
            sims, nodes = first.edge_probs.shape[:2]
            if not 0 <= self.posterior_sim < sims or nodes != self.data.num_nodes:
                wanted = f"simulation {self.posterior_sim} with {self.data.num_nodes} nodes"
                raise DataError(f"Expected edge probabilities of {wanted}; found {sims} simulations of {nodes}. Infer them from these data.")
        object.__setattr__(self, "data", writable(self.data))
        object.__setattr__(self, "title", writable_text(self.title))


def write_html(view: View, path: Path) -> None:
    """The player with its scene in one file: no font, script or picture from elsewhere, and none can be loaded (content security policy)."""
    parts = assets()
    content = payload(
        view.data, sim=view.sim, posterior=view.posterior, posterior_sim=view.posterior_sim, forecast=view.forecast, forecast_sim=view.forecast_sim, height=640
    )
    script = parts.js.replace("export default function", "const mount = function", 1)
    if script == parts.js:
        raise DataError("Expected the player's script to export its function; this copy of the program is damaged. Install it again.")
    colours = {theme: "".join(f"--st-{name}-color:{colour};" for name, colour in values.items()) for theme, values in THEMES.items()}
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; media-src blob:">
<title>{escape(view.title)}</title>
<style>:root{{--st-font:system-ui,sans-serif;color-scheme:light dark;{colours["light"]}}}
@media(prefers-color-scheme:dark){{:root{{{colours["dark"]}}}}}
body{{margin:0 auto;max-width:1200px;padding:16px;background:var(--st-background-color);color:var(--st-text-color);font-family:var(--st-font)}}
{_inside(parts.css)}</style></head>
<body><h1 style="font-size:20px">{escape(view.title)}</h1><main id="stage">{parts.html}</main>
<script type="module">
{_inside(script)}
const bytes = Uint8Array.from(atob({json.dumps(base64.b64encode(content).decode())}), (letter) => letter.charCodeAt(0));
const show = () => mount({{ data: bytes, parentElement: document.getElementById("stage") }});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
show();
</script></body></html>
"""
    write_text(path, page)


def write_svg(view: View, path: Path) -> None:
    """One frame, as lines."""
    write_text(path, as_svg(_drawn(view, view.frame), view.title))


def write_png(view: View, path: Path) -> None:
    """One frame, as pixels."""
    with writing(path) as beside:
        as_pixels(_drawn(view, view.frame)).save(beside, "PNG")


def write_gif(view: View, path: Path) -> None:
    """All frames as a film; of long recordings as many, evenly spread, as a film may have."""
    frames = np.unique(np.linspace(0, view.data.num_steps - 1, min(view.data.num_steps, MOST_FILM_FRAMES)).astype(int))
    scene = scene_of(view.data, view.sim)
    colours = as_pixels(_drawn(view, int(frames[-1]), scene), scale=1).quantize(128)  # one palette for all: no flicker, and far faster than one each
    film = io.BytesIO()
    pictures = (as_pixels(_drawn(view, int(frame), scene), scale=1).quantize(palette=colours, dither=0) for frame in frames)
    next(pictures).save(film, "GIF", save_all=True, append_images=pictures, duration=60, loop=0)
    with writing(path) as beside:
        beside.write_bytes(film.getvalue())


def _drawn(view: View, frame: int, scene: Scene | None = None) -> Drawing:
    scene = scene_of(view.data, view.sim) if scene is None else scene
    return draw(scene, frame, belief=view.posterior, belief_sim=view.posterior_sim, threshold=view.threshold)


def _inside(text: str) -> str:
    """Safe between tags: nothing in it may end the element."""
    return text.replace("</", "<\\/")
