"""What the gallery is sent: one block of bytes, a JSON header and then plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8, UInt16

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.player.payload import NO_EDGE, packed, positions_of
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

MOST = 60  # thumbnails at once
TRAIL = 30  # frames of a path, the last ones
UNSEEN = 65535
YAW, PITCH = -0.6, 0.28  # how a body in space is looked at, as the player does at first
NOTHING, RIGHT, WRONG, MISSED, BELIEVED = range(5)  # of a pair; BELIEVED where nobody knows the truth


@dataclass(frozen=True)
class Thumbnail:
    """One system, counted from 0, and what stands below it; `about` is said to who cannot see it."""

    system: int
    first: str
    second: str = ""
    about: str = ""


def payload(data: Trajectories, posterior: EdgePosterior, thumbnails: Sequence[Thumbnail], *, chosen: int | None = None) -> bytes:
    """u32 length of the header | header (JSON) | paths | verdicts | types; little-endian.

    paths      uint16 [thumbnail, frame, node, 2]: 0 to 65534 over the side of a square that holds them, y upwards; 65535 where unseen
    verdicts   uint8 [thumbnail, receiver, sender]: nothing, right, wrong, missed, or believed where the truth is unknown
    types      uint8 [thumbnail, receiver, sender]: the edge type that is drawn

    `posterior` goes by the names of the truth (see `EdgePosterior.relabelled`) where it is to be judged. Raises DataError where the
    parts do not belong together, or for more than 60 thumbnails.
    """
    systems = [thumbnail.system for thumbnail in thumbnails]
    if not 1 <= len(systems) <= MOST or not all(0 <= system < data.num_sims for system in systems):
        raise DataError(f"Expected 1 to {MOST} systems of {data.num_sims}; found {len(systems)}, up to system {max(systems, default=0)}.")
    if posterior.edge_probs.shape[:2] != (data.num_sims, data.num_nodes):
        raise DataError(f"Expected beliefs about {data.num_sims} systems of {data.num_nodes} nodes; found shape {posterior.edge_probs.shape}.")
    some, beliefs = data.select(np.array(systems), frames=slice(max(data.num_steps - TRAIL, 0), None)), posterior.select(np.array(systems))
    verdicts, types, names = judged(some, beliefs)
    header = {
        "systems": [{"number": one.system + 1, "first": one.first, "second": one.second, "about": one.about} for one in thumbnails],
        "frames": some.num_steps,
        "nodes": some.num_nodes,
        "types": list(names),
        "judged": bool(data.edge_types is not None and posterior.edge_type_names == data.edge_type_names),
        "chosen": None if chosen is None else chosen + 1,
    }
    paths = np.stack([_within_square(_flat(positions_of(some, place), some)) for place in range(len(systems))])
    return packed(header, (paths, verdicts, types))


def judged(data: Trajectories, posterior: EdgePosterior) -> tuple[UInt8[np.ndarray, "sim node node"], UInt8[np.ndarray, "sim node node"], tuple[str, ...]]:
    """Verdict and drawn type of each pair, and the names of the types. A graph that changes is held against its last frame."""
    names, believed = posterior.edge_type_names, posterior.edge_types
    acts, pairs = np.array([name != NO_EDGE for name in names]), off_diagonal(data.num_nodes)
    drawn = acts[believed] & pairs
    if data.edge_types is None or names != data.edge_type_names:
        return np.where(drawn, BELIEVED, NOTHING).astype(np.uint8), believed.astype(np.uint8), names
    true = data.edge_types if data.edge_types.ndim == 3 else data.edge_types[:, -1]
    there = acts[true] & pairs
    verdict = np.select([drawn & (believed == true), drawn, there], [RIGHT, WRONG, MISSED], NOTHING)
    return verdict.astype(np.uint8), np.where(drawn, believed, true).astype(np.uint8), names


def mistakes(data: Trajectories, posterior: EdgePosterior) -> tuple[Int[np.ndarray, " sim"], Int[np.ndarray, " sim"]]:
    """How many pairs of each system are drawn wrongly, and how many are missed."""
    verdicts, _, _ = judged(data, posterior)
    return (verdicts == WRONG).sum((1, 2)), (verdicts == MISSED).sum((1, 2))


def _flat(positions: Float32[np.ndarray, "time node space"], data: Trajectories) -> Float[np.ndarray, "time node 2"]:
    """Seen from a little aside and above, where there are three dimensions."""
    if positions.shape[-1] == 2:
        return positions.astype(float)
    first, second, third = np.moveaxis(positions.astype(float), -1, 0)
    height, along = (third, -second) if data.metadata.get("up") == "z" else (second, third)
    side, forth = first * np.cos(YAW) + along * np.sin(YAW), along * np.cos(YAW) - first * np.sin(YAW)
    return np.stack([side, height * np.cos(PITCH) - forth * np.sin(PITCH)], axis=-1)


def _within_square(points: Float[np.ndarray, "time node 2"]) -> UInt16[np.ndarray, "time node 2"]:
    """Centred in a square, shape kept."""
    seen = np.isfinite(points).all(-1)
    if not seen.any():
        return np.full(points.shape, UNSEEN, np.uint16)
    low, high = points[seen].min(0), points[seen].max(0)
    side = max(float((high - low).max()), 1e-12)
    share = np.where(seen[..., None], (points - (low + high) / 2) / side + 0.5, 0)
    return np.where(seen[..., None], np.clip(np.round(share * (UNSEEN - 1)), 0, UNSEEN - 1), UNSEEN).astype(np.uint16)
