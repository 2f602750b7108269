"""How one moving point sees another: the features that do not change when the picture is turned or shifted.

Every component is a plane of its own in memory (the last axis is the outermost): long runs of numbers, instead of
loops over two, are what a CPU is fast at.
"""

import functools
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from nri_core.dataset import LOCATIONS, VELOCITIES, columns
from nri_core.models.layers import from_receivers, from_senders

NEAREST = 1e-3  # distances below this (in standard deviations) are treated as this

PAIR_FEATURES = 7


class Pairs(NamedTuple):
    """Receiver i and sender j of each edge, in the frame of the line that joins them."""

    along: Float[Tensor, "*batch node slot dim"]  # u: unit vector from the sender to the receiver
    across: Float[Tensor, "*batch node slot dim"]  # u⊥: in the plane u turned by 90 degrees, in space the way the receiver passes the sender
    features: Float[Tensor, "*batch node slot 7"]


def axes(feature_names: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which features are locations, and which velocities: of the plane, or of space where both have a third."""
    number = 3 if {LOCATIONS[2], VELOCITIES[2]} <= set(feature_names) else 2
    return columns(feature_names, LOCATIONS[:number]), columns(feature_names, VELOCITIES[:number])


def pairs(location: Float[Tensor, "*batch node dim"], velocity: Float[Tensor, "*batch node dim"]) -> Pairs:
    """r = x_i − x_j, R = max(|r|, NEAREST), u = r / R, w = v_i − v_j → (R, log R, e^−R, w·u, w·u⊥, v_i·u, v_j·u)."""
    apart = difference(*ends(location))
    receiver, sender = ends(velocity)
    distance = dot(apart, apart).clamp_min(NEAREST**2).sqrt()
    along = tuple(part / distance for part in apart)
    relative = difference(receiver, sender)
    across = (-along[1], along[0]) if len(along) == 2 else _past(relative, along)
    toward, away = dot(receiver, along), dot(sender, along)
    features = planes(distance, distance.log(), (-distance).exp(), toward - away, dot(relative, across), toward, away)
    return Pairs(planes(*along), planes(*across), features)


Vector = tuple[Tensor, ...]  # a plane for each component


def _past(relative: Vector, along: Vector) -> Vector:
    """The direction of what is left of w without its part along u; no direction where nothing is left."""
    closing = dot(relative, along)
    left = tuple(part - closing * unit for part, unit in zip(relative, along, strict=True))
    size = dot(left, left).clamp_min(NEAREST**2).sqrt()
    return tuple(part / size for part in left)


def ends(nodes: Float[Tensor, "*batch node dim"]) -> tuple[Vector, Vector]:
    """A vector of the receiver and of the sender of each edge, in planes [..., node, slot]."""
    stacked = nodes.movedim(-1, 0).unsqueeze(-1).contiguous()
    received, sent = from_receivers(stacked)[..., 0], from_senders(stacked)[..., 0]
    return received.contiguous().unbind(0), sent.unbind(0)


def planes(*parts: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch channel"]:
    """Stack along a last axis that is the outermost in memory."""
    return torch.stack(parts).movedim(0, -1)


def dot(first: Vector, second: Vector) -> Float[Tensor, "*batch"]:
    """The inner product."""
    products = [one * other for one, other in zip(first, second, strict=True)]
    return functools.reduce(torch.add, products)


def difference(first: Vector, second: Vector) -> Vector:
    """Component by component."""
    return tuple(one - other for one, other in zip(first, second, strict=True))
