"""One moment of a system as lines, circles and names: drawn as SVG text, or as pixels by Pillow."""

from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from jaxtyping import Float

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

WIDTH, HEIGHT, MARGIN, TRAIL = 800, 600, 60, 25
GROUND, INK, EDGE = "#ffffff", "#16202b", "#0072b2"
HUES = ("#e69f00", "#009e73", "#c8b400", "#30363d", "#56b4e9", "#cc79a7", "#d55e00", "#999933", "#882255", "#44aa99")
NONE = "none"


class Line(NamedTuple):
    """From one point to another, in pixels; `strength` from 0 to 1 is how much it stands out."""

    start: tuple[float, float]
    end: tuple[float, float]
    width: float
    colour: str
    strength: float


class Circle(NamedTuple):
    """A node and its name."""

    middle: tuple[float, float]
    radius: float
    colour: str
    name: str


class Drawing(NamedTuple):
    """What to draw, from back to front."""

    lines: list[Line]
    circles: list[Circle]


def places(data: Trajectories, sim: int) -> Float[np.ndarray, "time node 2"]:
    """Where nodes stand in a picture, in pixels; NaN where unseen. Without x and y, side by side, as high as their first feature is large."""
    names, values = data.feature_names, data.values[sim].astype(float)
    if {"x", "y"} <= set(names):
        plane = values[..., [names.index("x"), names.index("y")]]
    else:
        height = values[..., 0]
        plane = np.stack([np.broadcast_to(np.linspace(np.nanmin(height), np.nanmax(height), data.num_nodes), height.shape), height], axis=-1)
    if data.observed is not None:
        plane = np.where(data.observed[sim][..., None], plane, np.nan)
    known = plane[~np.isnan(plane).any(-1)]
    if not len(known):
        raise DataError("Expected a system in which something was seen; found none. Choose another.")
    low, high = known.min(0), known.max(0)
    scale = min((WIDTH - 2 * MARGIN) / max(high[0] - low[0], 1e-12), (HEIGHT - 2 * MARGIN) / max(high[1] - low[1], 1e-12))
    middle = (low + high) / 2
    return (plane - middle) * scale * (1, -1) + (WIDTH / 2, HEIGHT / 2)


def draw(
    plane: Float[np.ndarray, "time node 2"], data: Trajectories, sim: int, frame: int, *, posterior: EdgePosterior | None, posterior_sim: int, threshold: float
) -> Drawing:
    """Trails, pairs at least `threshold` probable to interact (the true ones where there is no posterior), and nodes."""
    many = data.num_nodes > len(HUES)
    hue = [INK if many else HUES[node] for node in range(data.num_nodes)]
    lines = []
    for node in range(data.num_nodes):
        trail = plane[max(frame - TRAIL, 0) : frame + 1, node]
        for step, (start, end) in enumerate(zip(trail, trail[1:], strict=False), 1):
            if not np.isnan((start, end)).any():
                lines.append(Line(tuple(start), tuple(end), 2.5, hue[node], 0.5 * step / len(trail)))
    weights = _weights(data, sim, frame, posterior, posterior_sim)
    pairs = [] if weights is None else np.argwhere((np.maximum(weights, weights.T) >= threshold) & np.tri(data.num_nodes, k=-1, dtype=bool))
    for first, second in pairs:
        start, end = plane[frame, first], plane[frame, second]
        if not np.isnan((start, end)).any():
            weight = float(max(weights[first, second], weights[second, first]))
            lines.append(Line(tuple(start), tuple(end), 1 + 5 * weight, EDGE, 0.25 + 0.65 * weight))
    seen = [node for node in range(data.num_nodes) if not np.isnan(plane[frame, node]).any()]
    radius = 5 if many else 11
    return Drawing(lines, [Circle(tuple(plane[frame, node]), radius, hue[node], "" if many else data.node_names[node]) for node in seen])


def as_svg(drawing: Drawing, title: str) -> str:
    """Text that any browser shows and any drawing program opens; names are text and nothing else."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">']
    parts += [f"<title>{escape(title)}</title>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{GROUND}"/>']
    for start, end, width, colour, strength in drawing.lines:
        ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
        parts.append(f'<line {ends} stroke="{colour}" stroke-width="{width:.1f}" stroke-opacity="{strength:.2f}" stroke-linecap="round"/>')
    for (x, y), radius, colour, name in drawing.circles:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}" stroke="{GROUND}" stroke-width="2"/>')
        parts += [f'<text x="{x + radius + 4:.1f}" y="{y + 4:.1f}" font-size="13" fill="{INK}">{escape(name[:24])}</text>'] if name else []
    return "\n".join([*parts, "</svg>\n"])


def as_pixels(drawing: Drawing, *, scale: int = 2) -> Any:
    """A picture of Pillow, of `scale` times the size; drawn twice as large and shrunk, which smooths the edges."""
    from PIL import Image, ImageColor, ImageDraw, ImageFont

    fine = 2 * scale
    image = Image.new("RGB", (WIDTH * fine, HEIGHT * fine), GROUND)
    pen = ImageDraw.Draw(image, "RGBA")
    for start, end, width, colour, strength in drawing.lines:
        pen.line([(start[0] * fine, start[1] * fine), (end[0] * fine, end[1] * fine)], (*ImageColor.getrgb(colour), round(255 * strength)), round(width * fine))
    font = ImageFont.load_default(13 * fine)
    for (x, y), radius, colour, name in drawing.circles:
        for r, fill in ((radius + 2, GROUND), (radius, colour)):
            pen.ellipse([(x - r) * fine, (y - r) * fine, (x + r) * fine, (y + r) * fine], fill)
        if name:
            pen.text(((x + radius + 4) * fine, (y - 8) * fine), name[:24], INK, font)
    return image.resize((WIDTH * scale, HEIGHT * scale), Image.Resampling.LANCZOS)


def _weights(
    data: Trajectories, sim: int, frame: int, posterior: EdgePosterior | None, posterior_sim: int
) -> Float[np.ndarray, "node node"] | None:
    """How probable it is that each pair interacts."""
    if posterior is not None:
        silent = [kind for kind, name in enumerate(posterior.edge_type_names) if name == NONE]
        return (1 - posterior.edge_probs[posterior_sim][..., silent].sum(-1)) * off_diagonal(data.num_nodes)
    if data.edge_types is None:
        return None
    truth = data.edge_types[sim][frame] if data.edge_types.ndim == 4 else data.edge_types[sim]
    silent = [kind for kind, name in enumerate(data.edge_type_names) if name == NONE]
    return (~np.isin(truth, silent) & off_diagonal(data.num_nodes)).astype(float)
