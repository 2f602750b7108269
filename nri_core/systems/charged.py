"""Charged particles in a box: like charges repel, unlike attract; the paper's second system, as its reference code defines it."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from nri_core.systems import box
from nri_core.trajectories import Trajectories


class Charged(BaseModel):
    """F_i = strength · Σ_j c_ij (r_i − r_j) / |r_i − r_j|³, unit masses, elastic walls (Kipf et al. 2018, section 5.1).

    Charges are ±1 with equal chance and c_ij is their product: every pair interacts, and the edges of one system are
    not independent of each other. It has no directed variant: c_ij = q_i q_j is the same both ways. Close encounters
    make the motion chaotic.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float = Field(1.0, gt=0, le=100, description="Force between two charges at distance 1")
    box_size: float = Field(5.0, gt=0, le=1000, description="Distance from the centre to each wall")
    noise: float = Field(0.0, ge=0, le=10, description="Standard deviation of the noise added to what is observed")

    edge_type_names: ClassVar[tuple[str, ...]] = ("attract", "repel")
    feature_names: ClassVar[tuple[str, ...]] = box.FEATURE_NAMES
    time_step: ClassVar[float] = box.TIME_STEP
    steps_per_frame: ClassVar[int] = box.STEPS_PER_FRAME

    @property
    def coupling_of_type(self) -> tuple[float, ...]:
        """− strength for unlike charges, + strength for like ones."""
        return (-self.strength, self.strength)

    def draw_edges(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Int[Tensor, "sim node node"]:
        """1 (repel) where two charges are alike, 0 (attract) where they differ; the diagonal is 0 too."""
        positive = torch.randint(0, 2, (num_sims, num_nodes), generator=generator).bool()
        alike = positive[:, :, None] == positive[:, None, :]
        return alike.long() * (1 - torch.eye(num_nodes, dtype=torch.long))

    def draw_start(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Float[Tensor, "sim node 4"]:
        """Locations ~ N(0, 1), speed 0.5 in a random direction."""
        return box.draw_start(num_sims, num_nodes, generator, spread=1.0, box_size=self.box_size)

    def advance(
        self,
        state: Float[Tensor, "sim node 4"],
        couplings: Float[Tensor, "sim node node"],
        *,
        num_steps: int,
        time_step: float = box.TIME_STEP,
    ) -> Float[Tensor, "sim node 4"]:
        """`num_steps` small steps; differentiable in the couplings."""
        pairs = couplings.permute(1, 2, 0).contiguous()
        eye = torch.eye(pairs.shape[0], dtype=pairs.dtype, device=pairs.device)[..., None]

        def force(location: Float[Tensor, "2 node sim"]) -> Float[Tensor, "2 node sim"]:
            offset = location[:, :, None] - location[:, None, :]
            squared = offset.square().sum(0) + eye
            return (offset * (pairs / (squared * squared.sqrt()))).sum(2)

        return box.advance(state, force, num_steps=num_steps, time_step=time_step, box_size=self.box_size)

    def observe(self, exact: Trajectories, generator: torch.Generator) -> Trajectories:
        """With noise on locations and velocities."""
        return box.observe(exact, self.noise, generator)

    def energy(self, state: Float[Tensor, "*batch node 4"], couplings: Float[Tensor, "*batch node node"]) -> Float[Tensor, "*batch"]:
        """½ Σ_i v_i² + Σ_{i<j} strength · c_ij / |r_i − r_j|."""
        location, velocity = state.chunk(2, dim=-1)
        return 0.5 * velocity.square().sum((-1, -2)) + 0.5 * (couplings / box.distances(location)).sum((-1, -2))
