"""Forecasters: a second decoder, for forecasts under a graph that another has read."""

from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from nri_core.models.geometry import NEAREST, axes, dot
from nri_core.models.layers import both_ends, from_receivers, from_senders, heard, rows, twice
from nri_core.settings import PLANE, ModelSettings

LEVELS = 6
KNOTS = 2**LEVELS + 1  # of each force, at equal ratios of distance
RARE = 1e-3  # share of distances below the first and beyond the last knot
LARGEST_LOG = 9.0  # forces reach e^9 / 2 times the typical velocity change, no further
TABLE_SCALE = 3.0  # the table learns faster than the weights of a network at the same learning rate
TRAINING_STEPS, FORECAST_STEPS = 10, 20  # small steps in a frame
TRANSITIONS = 256  # pairs of frames compared in one step of the optimiser
SAMPLED_DISTANCES = 1_000_000
ALTERNATIONS = 10
FEWEST_BOUNCES = 8  # seen at a wall before it is believed
START_SPREAD = 1e-3  # of the paths that a forecast averages, in standard deviations
FAR = 1e6  # where a wall stands that is not there
FOLLOW = 0.02  # how fast the error scale follows the batches


class State(NamedTuple):
    """Where points are and how fast they move, one row a point."""

    location: Float[Tensor, "row *dim"]
    velocity: Float[Tensor, "row *dim"]


class Pairs(NamedTuple):
    """Each two nodes once: which they are, and of which types what the other does to them is."""

    first: Int[Tensor, " pair"]
    second: Int[Tensor, " pair"]
    is_first: Float[Tensor, "pair node"]
    is_second: Float[Tensor, "pair node"]
    on_first: Float[Tensor, "*batch pair sending"]
    on_second: Float[Tensor, "*batch pair sending"]

    @classmethod
    def of(cls, sending: Float[Tensor, "*batch node slot sending"]) -> Self:
        num_nodes = sending.shape[-3]
        first, second = torch.triu_indices(num_nodes, num_nodes, 1, device=sending.device)
        which = torch.eye(num_nodes, dtype=sending.dtype, device=sending.device)
        return cls(first, second, which[first], which[second], sending[..., first, second - 1, :], sending[..., second, first, :])  # slots leave the node itself out


class SteppedForecaster(nn.Module):
    """Not the paper's. Newton's equation with a learned force for each edge type, in small symplectic steps between frames.

        dv_i/dt = Σ_j Σ_k z_ij,k a_k(|r|) r / |r|,   r = x_i − x_j,   dx_i/dt = v_i,   a_k = m · sinh(clip(table_k(log |r|), ±9))

    m is the median velocity change. Where asinh(a / m) is straight in log |r| the force is a power law; beyond the last knot it
    goes straight on, below the first it stays as it is there. Walls are measured, not assumed: where points that would
    leave the seen range come back instead, motion is reflected there; data without bounces have no walls. It learns one
    frame ahead, the error relative to the change and its logarithm in the loss, so that a few wrong edges do not matter.

    Assumes points in the plane or in space that go straight on at constant speed unless a neighbour or a wall acts, forces along the
    line that joins a pair that depend on its distance alone, and velocities that are the change of location.
    Knows no law and no labels. Reads any number of nodes.
    """

    needs = PLANE

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...]) -> None:
        super().__init__()
        self.locations, self.velocities = axes(feature_names)
        dims = len(self.velocities)
        self.sending = settings.num_edge_types - settings.skip_first
        self.members = settings.forecast_members
        self.weights = nn.Parameter(torch.zeros(sum(2**level + 1 for level in range(LEVELS + 1)), self.sending))
        self.register_buffer("levels", _levels(), persistent=False)
        self.register_buffer("reach", torch.tensor([0.0, 1.0]))  # log distance of the first and the last knot
        self.register_buffer("typical_change", torch.ones(()))
        self.register_buffer("frame_length", torch.ones(()))  # dx = frame_length · (v − rest)
        self.register_buffer("rest", torch.zeros(dims))  # the normalised value of velocity 0
        self.register_buffer("walls", torch.tensor([[-FAR] * dims, [FAR] * dims]))  # low, high
        self.register_buffer("error_scale", torch.ones(()))  # median relative error, one frame ahead

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Measure the frame length, the range of distances and the walls."""
        location, velocity, steps = values[..., self.locations], values[..., self.velocities], twice(observed)
        before, after = (State(rows(location[:, part], steps), rows(velocity[:, part], steps)) for part in (slice(None, -1), slice(1, None)))
        self.typical_change.copy_((after.velocity - before.velocity).abs().median().clamp_min(1e-6))
        self._measure_motion(*(State(state.location.double(), state.velocity.double()) for state in (before, after)))
        distances = (from_receivers(location) - from_senders(location)).norm(dim=-1).clamp_min(NEAREST)
        distances = distances.flatten() if observed is None else distances[both_ends(observed)]
        distances = distances[:: max(len(distances) // SAMPLED_DISTANCES, 1)].log()
        low, high = torch.quantile(distances, torch.tensor([RARE, 1 - RARE]).to(distances))
        self.reach.copy_(torch.stack([low, torch.maximum(high, low + 1)]))
        for side, sign in ((0, -1.0), (1, 1.0)):
            for dim in range(len(self.velocities)):
                ends = (State(sign * end.location[:, dim], sign * (end.velocity[:, dim] - self.rest[dim])) for end in (before, after))
                self.walls[side, dim] = sign * self._wall(*ends)

    def _measure_motion(self, before: "State", after: "State") -> None:
        """Medians, one after the other: the ratio of the change of location to the mean velocity (of the faster half), and what is left."""
        middle, moved = (after.velocity + before.velocity) / 2, after.location - before.location
        fast = middle.abs() > middle.abs().median()
        if not fast.any():
            return  # velocities tell nothing of locations
        left = torch.zeros_like(middle[0])
        for _ in range(ALTERNATIONS):
            length = ((moved - left) / middle)[fast].median()
            left = (moved - length * middle).median(0).values
        self.frame_length.copy_(length)
        if length != 0:
            self.rest.copy_(-left / length)

    def _wall(self, before: "State", after: "State") -> Float[Tensor, ""]:
        """Where points turn back: halfway between where they would be and where they are; far away where they do not."""
        would_be = before.location + self.frame_length * before.velocity
        leaving = would_be > torch.maximum(before.location.max(), after.location.max())
        back = leaving & (after.velocity < 0)
        if back.sum() < FEWEST_BOUNCES or back.sum() < 0.5 * leaving.sum():
            return would_be.new_tensor(FAR)
        return (would_be + after.location)[back].median() / 2

    def frame(
        self, state: Float[Tensor, "*batch node dim"], edges: Float[Tensor, "*batch node slot type"], *, num_steps: int = FORECAST_STEPS
    ) -> Float[Tensor, "*batch node dim"]:
        """The state one frame later: drift, kick, drift in each small step."""
        location, velocity = state[..., self.locations], state[..., self.velocities]
        pairs = Pairs.of(edges[..., -self.sending :])
        for _ in range(num_steps):
            location, velocity = self._drift(location, velocity, 0.5 / num_steps)
            velocity = velocity + self._force(location, pairs) / num_steps
            location, velocity = self._drift(location, velocity, 0.5 / num_steps)
        after = state.clone()
        after[..., self.locations], after[..., self.velocities] = location, velocity
        return after

    def _drift(self, location: Tensor, velocity: Tensor, share: float) -> tuple[Tensor, Tensor]:
        location = location + share * self.frame_length * (velocity - self.rest)
        inside = torch.minimum(torch.maximum(location, self.walls[0]), self.walls[1])
        return 2 * inside - location, torch.where(inside == location, velocity, 2 * self.rest - velocity)

    def _force(self, location: Float[Tensor, "*batch node dim"], pairs: "Pairs") -> Float[Tensor, "*batch node dim"]:
        """Two nodes are equally far from each other: half of the ordered pairs is enough to know how far, and how strong."""
        x = location.movedim(-1, 0)
        offset = x.index_select(-1, pairs.first) - x.index_select(-1, pairs.second)
        distance = offset.square().sum(0).clamp_min(NEAREST**2).sqrt()
        force = self.force(distance).unbind(-1)
        on_first, on_second = (dot(force, acting.unbind(-1)) / distance * offset for acting in (pairs.on_first, pairs.on_second))
        return (on_first @ pairs.is_first - on_second @ pairs.is_second).movedim(0, -1)

    def force(self, distance: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch sending"]:
        """a_k at these distances, for every sending type: velocity change per frame, positive where it repels."""
        place = (distance.log() - self.reach[0]).clamp_min(0) * ((KNOTS - 1) / (self.reach[1] - self.reach[0]))
        knot = place.detach().clamp(0, KNOTS - 2).long()
        table = TABLE_SCALE * (self.levels.to(distance) @ self.weights.to(distance))
        below, rise = nn.functional.embedding(knot, torch.cat([table[:-1], table.diff(dim=0)], dim=1)).split(self.sending, dim=-1)
        logarithm = below + (place - knot).unsqueeze(-1) * rise
        return self.typical_change * torch.sinh(logarithm.clamp(-LARGEST_LOG, LARGEST_LOG))

    def relative_error(
        self,
        before: Float[Tensor, "*batch node dim"],
        after: Float[Tensor, "*batch node dim"],
        edges: Float[Tensor, "*batch node slot type"],
        seen: Bool[Tensor, "2 *batch node"] | None = None,
    ) -> Float[Tensor, "*batch node"]:
        """|predicted − observed|² / (m² + |velocity change|²); 0 where the node was not `seen` both before and after."""
        moving = list(self.locations + self.velocities)
        edges = edges if seen is None else heard(edges, seen[0])
        missed = (self.frame(before, edges, num_steps=TRAINING_STEPS) - after)[..., moving].square().sum(-1)
        change = (after - before)[..., self.velocities].square().sum(-1)
        error = missed / (self.typical_change**2 + change)
        return error if seen is None else error * seen.all(0)

    def loss(
        self,
        values: Float[Tensor, "sim time node dim"],
        edges: Float[Tensor, "sim node slot type"],
        generator: torch.Generator,
        observed: Bool[Tensor, "sim time node"] | None = None,
    ) -> Float[Tensor, ""]:
        """Mean log(1 + error / 3 error_scale²) over random frames of each simulation; the scale follows the median error."""
        num_sims, num_frames = values.shape[:2]
        each = max(TRANSITIONS // num_sims, 1)
        frames = torch.randint(0, num_frames - 1, (num_sims, each), generator=generator).to(values.device)
        sims = torch.arange(num_sims, device=values.device)[:, None]
        graph = edges.detach()[:, None].expand(-1, each, -1, -1, -1)
        seen = None if observed is None else torch.stack([observed[sims, frames], observed[sims, frames + 1]])
        error = self.relative_error(values[sims, frames], values[sims, frames + 1], graph, seen)
        if seen is not None:
            error = error[seen.all(0)] if seen.all(0).any() else error
        scale = error.detach().median().clamp_min(1e-14)
        if self.training:
            self.error_scale.lerp_(scale.sqrt(), FOLLOW)
        return torch.log1p(error / (3 * scale)).mean()

    @torch.no_grad()
    def forecast(
        self, state: Float[Tensor, "sim node dim"], edges: Float[Tensor, "sim node slot type"], *, num_steps: int
    ) -> Float[Tensor, "sim time node dim"]:
        """The mean of several rollouts from starts that differ by a thousandth: in chaos the expected path, else the path itself.

        All simulations differ by the same numbers, and float64 carries them, so the forecast of one is that forecast whoever is forecast beside it:
        how float32 rounds depends on how many there are, and ten frames of close encounters make 0.5 of its last digit.
        """
        exact = torch.float32 if state.device.type == "mps" else torch.float64  # Apple's GPUs know no more
        generator = torch.Generator().manual_seed(0)
        members = state.to(exact).expand(self.members, *state.shape).clone()
        if self.members > 1:
            noise = START_SPREAD * torch.randn((self.members, 1, *state.shape[1:]), generator=generator)
            members += (noise - noise.mean(0)).to(members)
        edges, frames = edges.to(exact).expand(self.members, *edges.shape), []
        for _ in range(num_steps):
            members = self.frame(members, edges)
            frames.append(members.mean(0))
        return torch.stack(frames, dim=1).to(state)


def _levels() -> Float[Tensor, "knot weight"]:
    """Hat functions on 2, 3, 5, … knots, each sampled at the finest: a piecewise linear function is a sum of coarse and fine ones."""
    place = torch.linspace(0, 1, KNOTS)[:, None]
    hats = [(1 - (place * 2**level - torch.arange(2**level + 1)).abs()).clamp_min(0) for level in range(LEVELS + 1)]
    return torch.cat(hats, dim=1)


FORECASTERS: dict[str, type[SteppedForecaster]] = {"stepped": SteppedForecaster}
