"""The simulated decoder: the true law in place of a learned one, as in the paper's Table 1."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.dataset import Normalizer, columns
from nri_core.models.layers import to_matrix
from nri_core.models.prediction import Memory, Prediction
from nri_core.settings import ModelSettings
from nri_core.systems import SYSTEMS, soft_couplings


class SimulatedDecoder(nn.Module):
    """Kipf et al. 2018, Table 1, "NRI (sim.)": one frame of the law, differentiable in the edges; nothing in it is learned.

    Assumes the law with the reference's constants, and edge types numbered as the law numbers them. `law_steps` inner
    steps cover a frame, where the data were made with more; the reference's own decoder takes one coarse step.
    """

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int) -> None:
        super().__init__()
        self.law, self.steps = SYSTEMS[settings.law](), settings.law_steps
        self.needs = self.law.feature_names
        self.order = columns(feature_names, self.needs)
        self.scored = tuple(range(len(feature_names)))
        self.register_buffer("shift", torch.zeros(len(feature_names)))
        self.register_buffer("scale", torch.ones(len(feature_names)))

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Nothing depends on the data but the units."""

    def use_units(self, normalizer: Normalizer) -> None:
        """The law speaks the units of the source."""
        self.shift.copy_(torch.tensor(normalizer.shift))
        self.scale.copy_(torch.tensor(normalizer.scale))

    def step(
        self, state: Float[Tensor, "*batch node dim"], edges: Float[Tensor, "*#batch node slot type"], memory: Memory | None
    ) -> tuple[Prediction, Memory]:
        """One frame of the law under couplings mixed by the edge weights."""
        physical = (state * self.scale + self.shift)[..., self.order]
        couplings = soft_couplings(self.law, to_matrix(edges)).expand(*state.shape[:-2], -1, -1)
        duration = self.law.time_step * self.law.steps_per_frame
        after = self.law.advance(
            physical.flatten(0, -3), couplings.flatten(0, -3), num_steps=self.steps, time_step=duration / self.steps
        ).unflatten(0, state.shape[:-2])
        mean = state.clone()
        mean[..., self.order] = (after - self.shift[list(self.order)]) / self.scale[list(self.order)]
        return Prediction(mean), ()
