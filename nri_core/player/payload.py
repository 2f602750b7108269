"""What the player is sent: one block of bytes, a JSON header and then plain arrays."""

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace

import numpy as np
from jaxtyping import Float32, UInt8

from nri_core.errors import DataError
from nri_core.player.editing import Editing
from nri_core.player.guessing import Guessing
from nri_core.player.opening import VIEWS, Opening
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories

NOUNS = {"springs": "particle", "charged": "particle", "kuramoto": "oscillator"}  # what the nodes of a law are called
NO_EDGE = "none"  # the edge type of this name is not drawn
INNERMOST = 0.5  # radius of the last oscillator's circle, where the first has 1: those in step stay apart


def payload(
    trajectories: Trajectories,
    *,
    sim: int = 0,
    posterior: EdgePosterior | PosteriorOverTime | None = None,
    posterior_sim: int | None = None,
    forecast: Trajectories | None = None,
    forecast_sim: int | None = None,
    caption: str = "",
    whose: str = "",
    height: int = 520,
    note: str = "",
    view: str | None = None,
    opening: Opening | None = None,
    remember: Collection[str] = (),
    clock: str = "",
    compact: bool = False,
    guess: Guessing | None = None,
    editing: Editing | None = None,
    fan: Trajectories | None = None,
    other: Trajectories | None = None,
) -> bytes:
    """u32 length of the header | header (JSON) | positions | forecast | edge probabilities | other | fan | truth; little-endian, all 4-byte aligned.

    positions, forecast   float32 [time, node, 2 or 3]: the features named x, y and, if there is one, z; else `phase` as a point on a circle; else `sin_phi`, or
                          a single feature, as a height; else the first two. NaN where unseen
    edge probabilities    float32 [slice, receiver, sender, edge type]: one slice, or one for each window of a graph over time
    other                 float32 [time, node, 2 or 3]: what would truly happen after the frame that the forecast starts from
    fan                   float32 [sample, time, node, 2 or 3]: forecasts under sampled graphs
    truth                 uint8 [1 or time, receiver, sender]

    Only what is drawn travels. `whose` graph the posterior is, if not an inferred one ("Your guess"). `view` is the one of `VIEWS` that is seen first unless the opening names one; None: what was chosen last; when one of the settings in `remember` is another than before, the player tells all that the user set;
    players of one `clock` play, pause and seek together; a `compact` one has neither settings nor matrix. Where whoever looks
    is to `guess` the graph, none travels. Raises DataError when the parts do not belong together.
    """
    _require_sim(trajectories, sim, "trajectories")
    if guess is not None:
        trajectories, posterior = replace(trajectories, edge_types=None), None
    positions = positions_of(trajectories, sim)
    blocks: list[np.ndarray] = [positions]
    header: dict[str, object] = {"caption": caption or _caption(trajectories, posterior, forecast), "note": note, "height": height, "whose": whose or ("Your guess" if guess is not None else "")}
    header |= {"names": list(trajectories.node_names), "round": _is_round(trajectories), "placed": _is_placed(trajectories), "forecast": None, "types": [], "probFrames": [], "truthTypes": [], "truthFrames": 0}
    if forecast is not None:
        start, predicted = _forecast(trajectories, sim, forecast, sim if forecast_sim is None else forecast_sim)
        blocks[0] = _lengthened(positions, start + 1 + len(predicted))
        blocks.append(predicted)
        header["forecast"] = {"start": start, "frames": len(predicted)}
    if posterior is not None:
        windows = posterior.windows if isinstance(posterior, PosteriorOverTime) else (posterior,)
        blocks.append(np.stack([_probs(trajectories, window, sim if posterior_sim is None else posterior_sim) for window in windows]))
        header |= {"types": list(windows[0].edge_type_names), "probFrames": first_frames(trajectories, posterior)}
    header |= {"other": _ahead(trajectories, sim, other, blocks), "fan": _ahead(trajectories, sim, fan, blocks), "editing": asdict(editing) if editing else None}
    if trajectories.edge_types is not None:
        truth = _truth(trajectories, sim)
        blocks.append(truth)
        header |= {"truthTypes": list(trajectories.edge_type_names), "truthFrames": len(truth)}
    header |= {"frames": len(blocks[0]), "nodes": trajectories.num_nodes, "dims": positions.shape[-1], "digest": editing.subject if editing else _digest(positions, trajectories)}
    header |= {"bones": bones_of(trajectories), "up": "z" if trajectories.metadata.get("up") == "z" else "y", "units": _units(trajectories), "noun": noun_of(trajectories)}
    opens = opening or Opening()
    header |= {"opening": asdict(replace(opens, view=opens.view or view)), "remember": list(remember), "clock": clock, "compact": compact, "guess": asdict(guess) if guess else None}
    return packed(header, blocks)


def packed(header: Mapping[str, object], blocks: Iterable[np.ndarray]) -> bytes:
    """u32 length of the header | header (JSON), filled up to 4 bytes | the arrays one after another."""
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join((len(text).to_bytes(4, "little"), text, *(np.ascontiguousarray(block).tobytes() for block in blocks)))


def positions_of(trajectories: Trajectories, sim: int, span: tuple[float, float] | None = None) -> Float32[np.ndarray, "time node space"]:
    """Where each node is drawn, NaN where unseen. `span`: where nodes that have only a height stand side by side, if not as far apart as they are high."""
    names, values = trajectories.feature_names, trajectories.values[sim]
    if _is_placed(trajectories):
        plane = values[..., [names.index(axis) for axis in ("x", "y", "z") if axis in names]]
    elif _is_round(trajectories):
        phase = values[..., names.index("phase")]
        plane = np.linspace(1.0, INNERMOST, trajectories.num_nodes)[:, None] * np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    elif "sin_phi" in names or values.shape[-1] == 1:  # one number a node: side by side, each moving up and down
        height = values[..., names.index("sin_phi") if "sin_phi" in names else 0]
        side = np.broadcast_to(np.linspace(*(span or (np.nanmin(height), np.nanmax(height))), trajectories.num_nodes), height.shape)
        plane = np.stack([side, height], axis=-1)
    else:
        plane = values[..., :2]
    if trajectories.observed is not None:
        plane = np.where(trajectories.observed[sim][..., None], plane, np.nan)
    return plane.astype("<f4")


def _is_round(trajectories: Trajectories) -> bool:
    """Whether a node is a phase and nothing else is known of where it is."""
    return "phase" in trajectories.feature_names and not _is_placed(trajectories)


def _is_placed(trajectories: Trajectories) -> bool:
    """Whether it is known where a node is: what is drawn are places."""
    return {"x", "y"} <= set(trajectories.feature_names)


def _forecast(trajectories: Trajectories, shown: int, forecast: Trajectories, sim: int) -> tuple[int, Float32[np.ndarray, "time node space"]]:
    _require_sim(forecast, sim, "forecast")
    start = forecast.metadata.get("start")
    if not isinstance(start, int) or not 0 <= start < trajectories.num_steps:
        raise DataError(f"Expected a forecast that starts at one of the {trajectories.num_steps} frames; found start {start!r}.")
    if forecast.num_nodes != trajectories.num_nodes:
        raise DataError(f"Expected a forecast of {trajectories.num_nodes} nodes; found {forecast.num_nodes}.")
    seen = positions_of(trajectories, shown)
    ahead = positions_of(forecast, sim, (float(np.nanmin(seen[..., 0])), float(np.nanmax(seen[..., 0]))))
    if ahead.shape[-1] != seen.shape[-1]:
        raise DataError(f"Expected a forecast in {seen.shape[-1]} dimensions, as the recording; found {ahead.shape[-1]}.")
    return start, ahead


def _ahead(trajectories: Trajectories, sim: int, paths: Trajectories | None, blocks: list[np.ndarray]) -> dict[str, int] | None:
    """Adds the block of all `paths`, and says what the header tells of them; None where there are none."""
    if paths is None:
        return None
    found = [_forecast(trajectories, sim, paths, place) for place in range(paths.num_sims)]
    blocks.append(np.stack([ahead for _, ahead in found]))
    return {"start": found[0][0], "frames": paths.num_steps, "samples": paths.num_sims}


def bones_of(trajectories: Trajectories) -> list[list[int]]:
    """Pairs of nodes to be drawn as a skeleton; what anybody may have written into the metadata is read with care."""
    told, nodes = trajectories.metadata.get("bones"), range(trajectories.num_nodes)
    pairs = [bone for bone in told if isinstance(bone, list | tuple) and len(bone) == 2] if isinstance(told, list | tuple) else []
    return [list(pair) for pair in pairs if all(type(node) is int and node in nodes for node in pair)]


def _units(trajectories: Trajectories) -> str:
    told = trajectories.metadata.get("units")
    return told[:20] if isinstance(told, str) else ""


def _lengthened(positions: Float32[np.ndarray, "time node space"], frames: int) -> Float32[np.ndarray, "longer node space"]:
    """A forecast may go on after the recording ends: nothing is seen there."""
    missing = max(frames - len(positions), 0)
    return np.pad(positions, ((0, missing), (0, 0), (0, 0)), constant_values=np.nan)


def _probs(trajectories: Trajectories, posterior: EdgePosterior, sim: int) -> Float32[np.ndarray, "node node type"]:
    sims, nodes = posterior.edge_probs.shape[:2]
    if not 0 <= sim < sims or nodes != trajectories.num_nodes:
        wanted = f"system {sim} with {trajectories.num_nodes} nodes"
        raise DataError(f"Expected edge probabilities of {wanted}; found {sims} systems of {nodes}.")
    return posterior.edge_probs[sim].astype("<f4")


def first_frames(trajectories: Trajectories, posterior: EdgePosterior | PosteriorOverTime) -> list[int]:
    """The first frame at which each slice is shown: a window tells about its middle, so it is shown while no other's middle is nearer."""
    if isinstance(posterior, EdgePosterior):
        return [0]
    starts, frames = posterior.starts, trajectories.num_steps
    if list(starts) != sorted({*starts}) or starts[0] < 0 or starts[-1] >= frames:
        raise DataError(f"Expected windows that start one after another within {frames} frames; found {starts[0]} … {starts[-1]}.")
    half = (frames - starts[-1]) / 2  # the last window ends where the recording does
    return [0, *(math.ceil((before + after) / 2 + half - 0.5) for before, after in zip(starts, starts[1:], strict=False))]


def _truth(trajectories: Trajectories, sim: int) -> UInt8[np.ndarray, "slice node node"]:
    truth = trajectories.edge_types[sim].astype(np.uint8)
    return truth if truth.ndim == 3 else truth[None]


def _require_sim(trajectories: Trajectories, sim: int, what: str) -> None:
    if not 0 <= sim < trajectories.num_sims:
        raise DataError(f"Expected system 0 to {trajectories.num_sims - 1} of the {what}; found {sim}.")


def _digest(positions: np.ndarray, trajectories: Trajectories) -> str:
    """What tells one scene from another: new beliefs about the same motion keep the player where it is."""
    state = hashlib.sha256(positions.tobytes())
    state.update("\0".join(trajectories.node_names).encode())
    return state.hexdigest()[:16]


def noun_of(trajectories: Trajectories) -> str:
    """What one of those that move is called: of data that no law made, nothing more is known than that they are nodes."""
    return NOUNS.get(str(trajectories.metadata.get("system")), "node")


def _caption(trajectories: Trajectories, posterior: EdgePosterior | PosteriorOverTime | None, forecast: Trajectories | None) -> str:
    shape = ""
    if _is_round(trajectories):
        shape = " The angle of a point is its phase."
    elif "sin_phi" in trajectories.feature_names:
        shape = " The height of a point is the sine of its phase; these data hold no phase."
    ahead = f" Dashed {'' if shape else 'paths and '}rings: the forecast." if forecast is not None else ""
    if isinstance(posterior, PosteriorOverTime):
        return f"Thick lines: pairs believed to act on each other around this moment.{ahead}{shape}"
    if posterior is not None:
        return f"Thick lines: pairs believed to act on each other.{ahead}{shape}"
    if trajectories.edge_types is not None:
        return f"Lines: pairs that truly act on each other.{ahead}{shape}"
    return f"The {noun_of(trajectories)}s and their recent paths.{ahead}{shape}"
