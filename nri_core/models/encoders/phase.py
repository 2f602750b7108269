"""The phase encoder: looks at every pair of oscillators in every frame, then adds up the evidence over time."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nri_core.models.encoders.evidence import Evidence
from nri_core.models.layers import from_receivers, from_senders
from nri_core.models.phases import OSCILLATORS, PAIR_FEATURES, oscillators, pair_features, regress
from nri_core.settings import ModelSettings


class PhaseEncoder(nn.Module):
    """Not the paper's. Phase difference and rates of each pair, and how far each rate is from what the frequency explains, as `Evidence` adds them up.

    Assumes oscillators with a rate, a phase and a frequency, that only differences of phases matter, and that evidence
    adds up over time. Knows no law and no label. Reads any number of frames and nodes.
    """

    needs = OSCILLATORS

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        self.feature_names = feature_names
        self.evidence = Evidence(PAIR_FEATURES + 4, settings)
        self.register_buffer("own_rate", torch.tensor([1.0, 0.0]))  # rate ≈ own_rate · (ω, 1) where nothing acts
        self.register_buffer("typical_pull", torch.ones(()))

    def fewest_frames(self, window: int) -> int:
        """A frame shows rates and phases; two, that they change."""
        return 2

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"]) -> None:
        """Fix the scales of the features, and what the frequency explains of the rate, from (a sample of) the training data."""
        state = oscillators(values, self.feature_names)
        self.own_rate.copy_(regress(state.rate, state.omega))
        self.typical_pull.copy_(self._pull(values).abs().median().clamp_min(1e-6))
        self.evidence.calibrate(self._features(values))

    def forward(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot]."""
        return self.evidence(self._features(values))

    def _pull(self, values: Tensor) -> Float[Tensor, "sim time node 1"]:
        state = oscillators(values, self.feature_names)
        return state.rate - self.own_rate[0] * state.omega - self.own_rate[1]

    def _features(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim step node slot feature"]:
        state = oscillators(values, self.feature_names)
        pull = self._pull(values) / self.typical_pull
        rates = [from_receivers(state.rate), from_senders(state.rate)]
        return torch.cat([pair_features(state), from_receivers(pull), from_senders(pull), *rates], dim=-1)
