"""How one moving point sees another: the features that do not change when the picture is turned or shifted."""

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
    offset = from_receivers(location) - from_senders(location)
    distance = offset.norm(dim=-1, keepdim=True).clamp_min(NEAREST)
    along = offset / distance
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    receiver, sender = from_receivers(velocity), from_senders(velocity)
    toward, away = dot(receiver, along), dot(sender, along)
    parts = [distance, distance.log(), (-distance).exp(), toward - away, dot(receiver - sender, across), toward, away]
    return Pairs(along, across, torch.cat(parts, dim=-1))


def dot(first: Float[Tensor, "*batch 2"], second: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 1"]:
    """The inner product, keeping the axis."""
    return (first * second).sum(-1, keepdim=True)
