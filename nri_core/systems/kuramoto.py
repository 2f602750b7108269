"""Phase-coupled oscillators: the paper's third system."""

from dataclasses import replace
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from nri_core.errors import DataError
from nri_core.systems.graphs import draw_graph
from nri_core.trajectories import Trajectories

FREQUENCIES = (1.0, 10.0)
PAPER_FEATURES = ("dphi", "sin_phi", "omega")
TIME_STEP = 0.01


class Kuramoto(BaseModel):
    """dφ_i/dt = ω_i + Σ_j k_ij sin(φ_j − φ_i): each oscillator has a frequency of its own (Kipf et al. 2018, section 5.1).

    ω ~ U[1, 10), φ ~ U[0, 2π) at the start. What is seen: the rate dφ/dt at the frame, sin φ, φ (not wrapped) and ω.
    Noise is on the rate and on the phase, whose sine is taken afterwards; ω is given exactly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(0.5, ge=0, le=1, description="Chance that an oscillator is coupled to another")
    coupling: float = Field(1.0, gt=0, le=100, description="Strength of the coupling of two oscillators")
    directed: bool = Field(False, description="Draw both directions of a pair apart (the paper's graphs are undirected)")
    noise: float = Field(0.0, ge=0, le=10, description="Standard deviation of the noise added to the observed rates and phases")
    features: Literal["physical", "paper"] = Field(
        "physical",
        description="What is stored: rate, sine, phase and frequency; or the paper's, without the phase and with each rate scaled",
    )
    label_leak: bool = Field(
        False,
        description="Paper features only: the rate of oscillators that nothing acts on is 0, as in one published generator",
    )

    edge_type_names: ClassVar[tuple[str, ...]] = ("none", "coupled")
    feature_names: ClassVar[tuple[str, ...]] = ("dphi", "sin_phi", "phase", "omega")
    time_step: ClassVar[float] = TIME_STEP
    steps_per_frame: ClassVar[int] = 10

    @model_validator(mode="after")
    def _only_paper_features_leak(self) -> Self:
        if self.label_leak and self.features != "paper":
            raise ValueError("label_leak belongs to the paper's features; choose features paper, or leave label_leak off")
        return self

    @property
    def coupling_of_type(self) -> tuple[float, ...]:
        """0, and the coupling."""
        return (0.0, self.coupling)

    def draw_edges(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Int[Tensor, "sim node node"]:
        """A random graph for each simulation."""
        return draw_graph(num_sims, num_nodes, generator, probability=self.probability, directed=self.directed)

    def draw_start(self, num_sims: int, num_nodes: int, generator: torch.Generator) -> Float[Tensor, "sim node 4"]:
        """Any phase, any frequency; the rate is the frequency, as if nothing acted yet."""
        phase = 2 * torch.pi * torch.rand((num_sims, num_nodes), generator=generator, dtype=torch.float64)
        low, high = FREQUENCIES
        omega = low + (high - low) * torch.rand(phase.shape, generator=generator, dtype=torch.float64)
        return torch.stack([omega, phase.sin(), phase, omega], dim=-1)

    def advance(
        self, state: Float[Tensor, "sim node 4"], couplings: Float[Tensor, "sim node node"], *, num_steps: int, time_step: float = TIME_STEP
    ) -> Float[Tensor, "sim node 4"]:
        """`num_steps` steps of the fourth-order Runge–Kutta rule from φ and ω; differentiable in the couplings."""
        phase, omega = state.permute(2, 1, 0)[2:].contiguous()
        pairs = couplings.permute(1, 2, 0).contiguous()

        def rate(phase: Float[Tensor, "node sim"]) -> Float[Tensor, "node sim"]:
            # sin(φ_j − φ_i) = sin φ_j cos φ_i − cos φ_j sin φ_i: N sines and cosines instead of N².
            sine, cosine = phase.sin(), phase.cos()
            return omega + cosine * (pairs * sine).sum(1) - sine * (pairs * cosine).sum(1)

        for _ in range(num_steps):
            first = rate(phase)
            second = rate(phase.add(first, alpha=time_step / 2))
            third = rate(phase.add(second, alpha=time_step / 2))
            fourth = rate(phase.add(third, alpha=time_step))
            phase = phase.add(first + 2 * (second + third) + fourth, alpha=time_step / 6)
        return torch.stack([rate(phase), phase.sin(), phase, omega]).permute(2, 1, 0).contiguous()

    def observe(self, exact: Trajectories, generator: torch.Generator) -> Trajectories:
        """With noise on rates and phases, and as the features that were asked for."""
        seen = exact
        if self.noise:
            values = exact.values.copy()
            error = self.noise * torch.randn((*values.shape[:3], 2), generator=generator, dtype=torch.float64).numpy()
            values[..., [0, 2]] += error
            values[..., 1] = np.sin(values[..., 2])
            seen = replace(exact, values=values)
        return paper_features(seen, label_leak=self.label_leak) if self.features == "paper" else seen


def paper_features(data: Trajectories, *, label_leak: bool = False) -> Trajectories:
    """`dphi, sin_phi, omega` as in the paper's data: each oscillator's rate onto [−1, 1] by its own extremes over all
    frames, ω from [1, 10] onto [−1, 1]. A constant rate becomes 0.

    `label_leak` sets the rate of oscillators that nothing acts on to 0 whatever was observed. In data without noise their
    rate is constant, hence 0 anyway; under noise it tells the model which nodes have no incoming edge.
    Raises DataError where a feature, or the graph that would leak, is absent.
    """
    missing = [name for name in PAPER_FEATURES if name not in data.feature_names]
    if missing:
        raise DataError(f"Expected the features {', '.join(PAPER_FEATURES)}; found {', '.join(data.feature_names)}.")
    rate, sine, omega = (data.values[..., data.feature_names.index(name)] for name in PAPER_FEATURES)
    rate = _scaled_by_node(rate, data.observed)
    if label_leak:
        if data.edge_types is None:
            raise DataError("Expected a graph, to know which oscillators have no edge; found none. Leave label_leak off.")
        isolated = ~data.edge_types.any(-1)
        rate = np.where(isolated if isolated.ndim == 3 else isolated[:, None], 0.0, rate)
    low, high = FREQUENCIES
    values = np.stack([rate, sine, 2 * (omega - low) / (high - low) - 1], axis=-1)
    return replace(data, values=values, feature_names=PAPER_FEATURES)


def _scaled_by_node(
    rate: Float[np.ndarray, "sim time node"], observed: Bool[np.ndarray, "sim time node"] | None
) -> Float[np.ndarray, "sim time node"]:
    """Onto [−1, 1] by the extremes over time of what was observed."""
    seen = True if observed is None else observed
    low = np.min(rate, axis=1, keepdims=True, where=seen, initial=np.inf)
    high = np.max(rate, axis=1, keepdims=True, where=seen, initial=-np.inf)
    moves = high - low > 1e-9 * np.maximum(np.abs(high), np.abs(low))  # less is rounding
    return np.where(moves, (2 * rate - low - high) / np.where(moves, high - low, 1.0), 0.0)
