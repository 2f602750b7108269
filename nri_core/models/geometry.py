"""How one moving point sees another: the features that do not change when the picture is turned or shifted.

Every component is a plane of its own in memory (the last axis is the outermost): long runs of numbers, instead of
loops over two, are what a CPU is fast at.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from nri_core.models.layers import from_receivers, from_senders

NEAREST = 1e-3  # distances below this (in standard deviations) are treated as this

PAIR_FEATURES = 7


class Pairs(NamedTuple):
    """Receiver i and sender j of each edge, in the frame of the line that joins them."""

    along: Float[Tensor, "*batch node slot 2"]  # u: unit vector from the sender to the receiver
    across: Float[Tensor, "*batch node slot 2"]  # u turned by 90 degrees
    features: Float[Tensor, "*batch node slot 7"]


def pairs(location: Float[Tensor, "*batch node 2"], velocity: Float[Tensor, "*batch node 2"]) -> Pairs:
    """r = x_i − x_j, R = max(|r|, NEAREST), u = r / R, w = v_i − v_j → (R, log R, e^−R, w·u, w·u⊥, v_i·u, v_j·u)."""
    (x, y), (x_sent, y_sent) = ends(location)
    receiver, sender = ends(velocity)
    x, y = x - x_sent, y - y_sent
    distance = (x * x + y * y).clamp_min(NEAREST**2).sqrt()
    along = x / distance, y / distance
    across = -along[1], along[0]
    toward, away = dot(receiver, along), dot(sender, along)
    sideways = dot((receiver[0] - sender[0], receiver[1] - sender[1]), across)
    features = planes(distance, distance.log(), (-distance).exp(), toward - away, sideways, toward, away)
    return Pairs(planes(*along), planes(*across), features)


Vector = tuple[Tensor, Tensor]  # two planes


def ends(nodes: Float[Tensor, "*batch node 2"]) -> tuple[Vector, Vector]:
    """A vector of the receiver and of the sender of each edge, in planes [..., node, slot]."""
    stacked = nodes.movedim(-1, 0).unsqueeze(-1).contiguous()
    received, sent = from_receivers(stacked)[..., 0], from_senders(stacked)[..., 0]
    return received.contiguous().unbind(0), sent.unbind(0)


def planes(*parts: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch channel"]:
    """Stack along a last axis that is the outermost in memory."""
    return torch.stack(parts).movedim(0, -1)


def dot(first: Vector, second: Vector) -> Float[Tensor, "*batch"]:
    """The inner product."""
    return first[0] * second[0] + first[1] * second[1]
