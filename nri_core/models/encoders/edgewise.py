"""The edge-wise encoder: looks at every pair of moving points at every step, then adds up the evidence over time."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nri_core.dataset import LOCATIONS, VELOCITIES, columns
from nri_core.models.encoders.evidence import Evidence
from nri_core.models.geometry import PAIR_FEATURES, dot, pairs
from nri_core.models.layers import from_receivers, from_senders
from nri_core.settings import PLANE, ModelSettings


class EdgewiseEncoder(nn.Module):
    """Not the paper's. Relative geometry and velocity changes of each pair at each step, as `Evidence` adds them up.

    Assumes points in the plane with velocities (x, y, vx, vy), that velocity changes carry the evidence, that evidence
    adds up over time, and, where `undirected`, that both directions of a pair share their type. Knows no law and no
    label. Reads any number of frames and nodes.
    """

    needs = PLANE

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        self.locations, self.velocities = columns(feature_names, LOCATIONS[:2]), columns(feature_names, VELOCITIES[:2])
        self.evidence = Evidence(PAIR_FEATURES + 9, settings)
        self.register_buffer("typical_change", torch.ones(()))

    def fewest_frames(self, window: int) -> int:
        """Two changes of velocity, whatever the window."""
        return 3

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"]) -> None:
        """Fix the scales of the features from (a sample of) the training data."""
        velocity = values[..., self.velocities]
        self.typical_change.copy_((velocity[:, 1:] - velocity[:, :-1]).abs().median().clamp_min(1e-6))
        self.evidence.calibrate(self._features(values))

    def forward(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot]."""
        return self.evidence(self._features(values))

    def _features(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim step node slot feature"]:
        """Geometry at the middle of each step, distance to the walls, and velocity changes on an asinh scale."""
        location, velocity = values[..., self.locations], values[..., self.velocities]
        change = (velocity[:, 1:] - velocity[:, :-1]) / self.typical_change
        middle = (location[:, 1:] + location[:, :-1]) / 2
        pair = pairs(middle, (velocity[:, 1:] + velocity[:, :-1]) / 2)
        outermost = middle.abs().amax(-1, keepdim=True)
        receiver, sender = from_receivers(change), from_senders(change)
        forces = [
            dot(receiver, pair.along), dot(receiver, pair.across), dot(sender, pair.along), dot(sender, pair.across),
            receiver.norm(dim=-1, keepdim=True), sender.norm(dim=-1, keepdim=True), dot(receiver - sender, pair.along),
        ]  # fmt: skip
        walls = [from_receivers(outermost), from_senders(outermost)]
        return torch.cat([pair.features, *walls, torch.asinh(torch.cat(forces, dim=-1))], dim=-1)
