"""Particles in a box, some pairs joined by springs: the paper's first system, as its reference code defines it."""

from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from nri_core.systems import box
from nri_core.systems.graphs import draw_graph
from nri_core.trajectories import Trajectories


class Springs(BaseModel):
    """F_i = −Σ_j k_ij (r_i − r_j), unit masses, rest length 0, elastic walls at ±box_size (Kipf et al. 2018, section 5.1).

    Each pair carries no spring, or one of `strengths`, in both directions alike. `directed`: k_ij and k_ji are drawn apart,
    k_ij pulls on i only, and neither momentum nor energy is conserved. Lengths, times and masses are in the simulator's
    own units.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(0.5, ge=0, le=1, description="Chance that two particles are joined by a spring")
    strengths: tuple[float, ...] = Field((0.1,), min_length=1, max_length=9, description="Spring constant of each type of spring")
    directed: bool = Field(False, description="Draw both directions of a pair apart: i may pull on j, and j not on i")
    box_size: float = Field(5.0, gt=0, le=1000, description="Distance from the centre to each wall")
    noise: float = Field(0.0, ge=0, le=10, description="Standard deviation of the noise added to what is observed")

    feature_names: ClassVar[tuple[str, ...]] = box.FEATURE_NAMES
    time_step: ClassVar[float] = box.TIME_STEP
    steps_per_frame: ClassVar[int] = box.STEPS_PER_FRAME

    @field_validator("strengths")
    @classmethod
    def _strengths_in_range(cls, strengths: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < strength <= 100 for strength in strengths):
            raise ValueError("each spring constant must be above 0 and at most 100")
        return strengths

    @cached_property
    def edge_type_names(self) -> tuple[str, ...]:
        """"none", then "spring", or "spring k=…" where there are several."""
        if len(self.strengths) == 1:
            return ("none", "spring")
        return ("none", *(f"spring k={strength:g}" for strength in self.strengths))

    @property
    def coupling_of_type(self) -> tuple[float, ...]:
        """0, and the spring constants."""
        return (0.0, *self.strengths)

    def draw_edges(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Int[Tensor, "sim node node"]:
        """A random graph for each simulation; the kinds of spring are equally likely."""
        kinds = len(self.strengths)
        return draw_graph(num_sims, num_nodes, generator, probability=self.probability, directed=self.directed, num_kinds=kinds)

    def draw_start(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Float[Tensor, "sim node 4"]:
        """Locations ~ N(0, 0.5²), speed 0.5 in a random direction."""
        return box.draw_start(num_sims, num_nodes, generator, spread=0.5, box_size=self.box_size)

    def advance(
        self,
        state: Float[Tensor, "sim node 4"],
        couplings: Float[Tensor, "sim node node"],
        *,
        num_steps: int,
        time_step: float = box.TIME_STEP,
    ) -> Float[Tensor, "sim node 4"]:
        """`num_steps` small steps; differentiable in the couplings."""
        # Σ_j k_ij (r_i − r_j) = (degree_i r_i − Σ_j k_ij r_j): one product with the graph's Laplacian.
        minus_laplacian = (couplings - torch.diag_embed(couplings.sum(-1))).permute(1, 2, 0).contiguous()

        def force(location: Float[Tensor, "2 node sim"]) -> Float[Tensor, "2 node sim"]:
            return (minus_laplacian * location[:, None]).sum(2)

        return box.advance(state, force, num_steps=num_steps, time_step=time_step, box_size=self.box_size)

    def observe(self, exact: Trajectories, generator: torch.Generator) -> Trajectories:
        """With noise on locations and velocities."""
        return box.observe(exact, self.noise, generator)

    def energy(self, state: Float[Tensor, "*batch node 4"], couplings: Float[Tensor, "*batch node node"]) -> Float[Tensor, "*batch"]:
        """½ Σ_i v_i² + ½ Σ_{i<j} k_ij (r_i − r_j)²."""
        location, velocity = state.chunk(2, dim=-1)
        return 0.5 * velocity.square().sum((-1, -2)) + 0.25 * (couplings * box.distances(location).square()).sum((-1, -2))
