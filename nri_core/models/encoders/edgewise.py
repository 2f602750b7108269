"""The edge-wise encoder: looks at every pair of moving points at every step, then adds up the evidence over time."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.encoders.evidence import Evidence
from nri_core.models.geometry import PAIR_FEATURES, axes, dot, ends, pairs, planes
from nri_core.models.layers import both_ends, rows, twice
from nri_core.settings import PLANE, ModelSettings


class EdgewiseEncoder(nn.Module):
    """Not the paper's. Relative geometry and velocity changes of each pair at each step, as `Evidence` adds them up.

    Assumes points in the plane or in space with velocities (x, y, vx, vy, or z and vz besides), that velocity changes carry the evidence, that evidence
    adds up over time, and, where `undirected`, that both directions of a pair share their type. Knows no law and no
    label. Reads any number of frames and nodes.
    """

    needs = PLANE

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        self.locations, self.velocities = axes(feature_names)
        self.evidence = Evidence(PAIR_FEATURES + 9, settings)
        self.register_buffer("typical_change", torch.ones(()))

    def fewest_frames(self, window: int) -> int:
        """Two changes of velocity, whatever the window."""
        return 3

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Fix the scales of the features from (a sample of) the training data."""
        velocity = values[..., self.velocities]
        self.typical_change.copy_(rows(velocity[:, 1:] - velocity[:, :-1], twice(observed)).abs().median().clamp_min(1e-6))
        self.evidence.calibrate(self._features(values), _counted(observed))

    def forward(
        self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None
    ) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot], from the steps at both ends of which both were seen."""
        return self.evidence(self._features(values), _counted(observed))

    def _features(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim step node slot feature"]:
        """Geometry at the middle of each step, distance to the walls, and velocity changes on an asinh scale."""
        location, velocity = values[..., self.locations], values[..., self.velocities]
        change = (velocity[:, 1:] - velocity[:, :-1]) / self.typical_change
        middle = (location[:, 1:] + location[:, :-1]) / 2
        pair = pairs(middle, (velocity[:, 1:] + velocity[:, :-1]) / 2)
        along, across = pair.along.unbind(-1), pair.across.unbind(-1)
        receiver, sender = ends(change)
        pulled, pushed = dot(receiver, along), dot(sender, along)
        sizes = torch.stack([change.norm(dim=-1), middle.abs().amax(-1)], dim=-1)
        (size, wall), (size_sent, wall_sent) = ends(sizes)
        forces = [pulled, dot(receiver, across), pushed, dot(sender, across), size, size_sent, pulled - pushed]
        return torch.cat([pair.features, planes(wall, wall_sent), _asinh(planes(*forces))], dim=-1)


def _counted(observed: Bool[Tensor, "sim time node"] | None) -> Bool[Tensor, "sim step node slot"] | None:
    return None if observed is None else both_ends(twice(observed))


def _asinh(values: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """torch.asinh to rounding, ten times as fast on a CPU, where that one is not vectorised."""
    squared = values.square()
    return torch.log1p(values.abs() + squared / (1 + (1 + squared).sqrt())).copysign(values)
