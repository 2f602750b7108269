"""Particles in a box, some pairs joined by springs: the paper's first system, as its reference code defines it."""

from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from nri_core.systems import box


class Springs(BaseModel):
    """F_i = −Σ_j k_ij (r_i − r_j), unit masses, rest length 0, elastic walls at ±box_size (Kipf et al. 2018, section 5.1).

    Each pair carries no spring, or one of `strengths`, in both directions alike. Lengths, times and masses are in the
    simulator's own units.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(0.5, ge=0, le=1, description="Chance that two particles are joined by a spring")
    strengths: tuple[float, ...] = Field((0.1,), min_length=1, max_length=9, description="Spring constant of each type of spring")
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

    def draw_edges(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Int[Tensor, "sim node node"]:
        """A random undirected graph for each simulation; the kinds of spring are equally likely."""
        chance = torch.rand((num_sims, num_nodes, num_nodes), generator=generator, dtype=torch.float64)
        kinds = torch.randint(1, len(self.strengths) + 1, chance.shape, generator=generator)
        upper = torch.triu(torch.where(chance < self.probability, kinds, 0), diagonal=1)
        return upper + upper.mT

    def draw_start(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Float[Tensor, "sim node 4"]:
        """Locations ~ N(0, 0.5²), speed 0.5 in a random direction."""
        return box.draw_start(num_sims, num_nodes, generator, spread=0.5, box_size=self.box_size)

    def couplings(self, edge_types: Int[Tensor, "sim node node"]) -> Float[Tensor, "sim node node"]:
        """The spring constant of each pair."""
        return torch.tensor((0.0, *self.strengths), dtype=torch.float64)[edge_types]

    def advance(
        self, state: Float[Tensor, "sim node 4"], couplings: Float[Tensor, "sim node node"], *, num_steps: int
    ) -> Float[Tensor, "sim node 4"]:
        """`num_steps` small steps; differentiable in the couplings."""
        # Σ_j k_ij (r_i − r_j) = (degree_i r_i − Σ_j k_ij r_j): one product with the graph's Laplacian.
        minus_laplacian = (couplings - torch.diag_embed(couplings.sum(-1))).permute(1, 2, 0).contiguous()
        return box.advance(state, lambda location: (minus_laplacian * location[:, None]).sum(2), num_steps=num_steps, box_size=self.box_size)

    def energy(self, state: Float[Tensor, "*batch node 4"], couplings: Float[Tensor, "*batch node node"]) -> Float[Tensor, "*batch"]:
        """½ Σ_i v_i² + ½ Σ_{i<j} k_ij (r_i − r_j)²."""
        location, velocity = state.chunk(2, dim=-1)
        return 0.5 * velocity.square().sum((-1, -2)) + 0.25 * (couplings * box.distances(location).square()).sum((-1, -2))
