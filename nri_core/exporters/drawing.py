"""One moment of a system as lines, circles and names: drawn as SVG text, or as pixels by Pillow."""

from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from jaxtyping import Float, Int

from nri_core.errors import DataError
from nri_core.player.payload import NO_EDGE, bones_of, first_frames, positions_of
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories

WIDTH, HEIGHT, MARGIN, TRAIL = 800, 600, 60, 25
GROUND, INK = "#ffffff", "#16202b"
HUES = ("#e69f00", "#009e73", "#c8b400", "#30363d", "#56b4e9", "#cc79a7", "#d55e00", "#999933", "#882255", "#44aa99")  # as in the player
EDGE_HUES = ("#0072b2", "#009e73", "#c8b400", "#56b4e9", "#882255")
MOST_LINES = 200  # of edges; of more, the strongest
TURN = (-0.6, 0.28)  # from where a system in space is looked at, in radians, as the player does at first
RADIUS, SMALL = 11.0, 5.0


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


class Scene(NamedTuple):
    """What does not change from frame to frame: where nodes stand in the picture, in pixels (NaN where unseen), and the pairs that bones join."""

    data: Trajectories
    sim: int
    plane: Float[np.ndarray, "time node 2"]
    bones: list[list[int]]


def scene_of(data: Trajectories, sim: int) -> Scene:
    """As the player shows it: the plane, or space from its first point of view; a skeleton stays in the middle wherever it walks."""
    places, bones = positions_of(data, sim).astype(float), bones_of(data)
    if places.shape[-1] == 3:
        places = _seen_from(places, TURN, up=data.metadata.get("up"), followed=bool(bones))
    known = places[~np.isnan(places).any(-1)]
    if not len(known):
        raise DataError("Expected a system in which something was seen; found none. Choose another.")
    low, high = known.min(0), known.max(0)
    scale = min((WIDTH - 2 * MARGIN) / max(high[0] - low[0], 1e-12), (HEIGHT - 2 * MARGIN) / max(high[1] - low[1], 1e-12))
    return Scene(data, sim, (places - (low + high) / 2) * scale * (1, -1) + (WIDTH / 2, HEIGHT / 2), bones)


def _seen_from(
    space: Float[np.ndarray, "time node 3"], turn: tuple[float, float], *, up: object, followed: bool
) -> Float[np.ndarray, "time node 2"]:
    """To the side and upwards, from afar: what is near is no larger."""
    (yaw, pitch), (across, height, along) = turn, (space[..., axis] for axis in ((0, 2, 1) if up == "z" else (0, 1, 2)))
    along = -along if up == "z" else along
    if followed:
        seen = ~np.isnan(across)
        share = seen / np.maximum(seen.sum(1, keepdims=True), 1)
        across, along = (axis - (np.where(seen, axis, 0) * share).sum(1, keepdims=True) for axis in (across, along))
    side, forth = across * np.cos(yaw) + along * np.sin(yaw), along * np.cos(yaw) - across * np.sin(yaw)
    return np.stack([side, height * np.cos(pitch) - forth * np.sin(pitch)], axis=-1)


def draw(scene: Scene, frame: int, *, belief: EdgePosterior | PosteriorOverTime | None, belief_sim: int, threshold: float) -> Drawing:
    """Bones, trails, pairs at least `threshold` probable to interact (the true ones where nothing is believed), and nodes.

    The colour is the edge type, the width the probability; an arrow means that only this direction reaches the threshold.
    """
    data, plane = scene.data, scene.plane
    many = data.num_nodes > len(HUES)
    hue = [INK if many else HUES[node] for node in range(data.num_nodes)]
    lines = [Line(tuple(plane[frame, one]), tuple(plane[frame, other]), 2.5, INK, 0.35) for one, other in scene.bones]
    for node in range(0 if scene.bones else data.num_nodes):
        trail = plane[max(frame - TRAIL, 0) : frame + 1, node]
        lines += [Line(tuple(start), tuple(end), 2.5, hue[node], 0.5 * step / len(trail)) for step, (start, end) in enumerate(zip(trail, trail[1:], strict=False), 1)]
    radius = SMALL if many else RADIUS
    if (believed := _believed(scene, frame, belief, belief_sim)) is not None:
        lines += _edges(plane[frame], *believed, threshold=threshold, radius=radius)
    seen = [node for node in range(data.num_nodes) if not np.isnan(plane[frame, node]).any()]
    circles = [Circle(tuple(plane[frame, node]), radius, hue[node], "" if many else data.node_names[node]) for node in seen]
    return Drawing([line for line in lines if not np.isnan((line.start, line.end)).any()], circles)


def _believed(
    scene: Scene, frame: int, belief: EdgePosterior | PosteriorOverTime | None, belief_sim: int
) -> tuple[Float[np.ndarray, "node node"], Int[np.ndarray, "node node"]] | None:
    """How probable it is that each pair interacts, and as which of the drawn types."""
    data = scene.data
    if isinstance(belief, PosteriorOverTime):
        belief = belief.windows[int(np.searchsorted(first_frames(data, belief), frame, side="right")) - 1]
    if belief is not None:
        kinds = np.array([name != NO_EDGE for name in belief.edge_type_names])
        probs = belief.edge_probs[belief_sim][..., kinds]
        return (probs.sum(-1), probs.argmax(-1)) if kinds.any() else None
    if data.edge_types is None:
        return None
    truth = data.edge_types[scene.sim][frame] if data.edge_types.ndim == 4 else data.edge_types[scene.sim]
    kinds = np.array([name != NO_EDGE for name in data.edge_type_names])
    return (kinds[truth] & ~np.eye(len(truth), dtype=bool)).astype(float), np.maximum(kinds.cumsum() - 1, 0)[truth]


def _edges(
    places: Float[np.ndarray, "node 2"], weights: Float[np.ndarray, "node node"], kinds: Int[np.ndarray, "node node"], *, threshold: float, radius: float
) -> list[Line]:
    """The strongest pairs, weakest first, so that strong ones lie on top."""
    strongest = np.maximum(weights, weights.T)
    pairs = np.argwhere((strongest >= threshold) & (strongest > 0) & np.tri(len(weights), k=-1, dtype=bool))
    pairs = pairs[np.argsort(strongest[tuple(pairs.T)], kind="stable")][-MOST_LINES:]
    lines = []
    for receiver, sender in pairs:
        if weights[receiver, sender] < weights[sender, receiver]:
            receiver, sender = sender, receiver
        weight, colour = float(weights[receiver, sender]), EDGE_HUES[kinds[receiver, sender] % len(EDGE_HUES)]
        pen = (1 + 5 * weight, colour, 0.25 + 0.65 * weight)
        lines.append(Line(tuple(places[sender]), tuple(places[receiver]), *pen))
        if weights[sender, receiver] < threshold:
            lines += [Line(*ends, *pen) for ends in _arrow(places[sender], places[receiver], radius + 3)]
    return lines


def _arrow(tail: Float[np.ndarray, " 2"], head: Float[np.ndarray, " 2"], gap: float) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Two strokes that end `gap` pixels before the head."""
    along = (head - tail) / max(float(np.hypot(*(head - tail))), 1e-9)
    tip, aside = head - along * gap, np.array([-along[1], along[0]])
    return [(tuple(tip - along * 13 + side * aside * 8), tuple(tip)) for side in (-1, 1)]


def as_svg(drawing: Drawing, title: str) -> str:
    """Text that any browser shows and any drawing program opens; names are text and nothing else."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">']
    parts += [f"<title>{escape(title)}</title>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{GROUND}"/>']
    for start, end, width, colour, strength in drawing.lines:
        ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
        parts.append(f'<line {ends} stroke="{colour}" stroke-width="{width:.1f}" stroke-opacity="{strength:.2f}" stroke-linecap="round"/>')
    for (x, y), radius, colour, name in drawing.circles:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}" stroke="{GROUND}" stroke-width="2"/>')
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
            pen.text(((x + radius + 4) * fine, (y - 8) * fine), name[:24].replace("\n", " "), INK, font)
    return image.reduce(2)
