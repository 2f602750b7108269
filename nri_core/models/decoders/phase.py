"""The phase decoder: what each oscillator does to another, seen from the difference of their phases, added up."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.dataset import columns
from nri_core.models.layers import Dense, GroupedDense, crowd, heard, rows, twice
from nri_core.models.phases import OSCILLATORS, PAIR_FEATURES, oscillators, pair_features, regress
from nri_core.models.prediction import Messages, Prediction
from nri_core.settings import ModelSettings

LARGEST_LOG = 4.0


class PhaseDecoder(nn.Module):
    """Not the paper's; the relative decoder's counterpart for oscillators.

        (φ_i' − φ_i, dφ_i') = g(ω_i) + Σ_j Σ_k z_ij,k f_k(sin Δ, cos Δ, dφ_j − dφ_i),   Δ = φ_j − φ_i
        log σ_i = clip(MLP(A_i), ±4),   A_i = logsumexp_j MLP(pair)

    Assumes oscillators with a phase and a frequency of their own, and that what acts on one adds up and depends on
    differences only. Knows no law (f is free) and no label. g does not look at the present rate: it would tell the next one
    without any graph, and training then stays there. σ depends on the phases, never on the graph. Reads any number of nodes.
    """

    needs = OSCILLATORS

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int) -> None:
        super().__init__()
        hidden = settings.decoder_hidden
        self.feature_names = feature_names
        self.scored = columns(feature_names, ("phase", "dphi"))
        self.sine = list(columns(feature_names, ("sin_phi",)))
        self.sending = settings.num_edge_types - settings.skip_first
        # One network per sending type for both influences, and one more for A: the same input, so one batched product.
        self.pair = GroupedDense(self.sending + 1, PAIR_FEATURES, hidden, hidden, 2, small_end=0.1)
        self.own = Dense(1, hidden, 2, activation=nn.SiLU)
        self.scale = Dense(1, hidden, 1, activation=nn.SiLU)
        self.register_buffer("alone", torch.tensor([[1.0, 0.0], [1.0, 0.0]]))  # (φ' − φ, dφ') by (ω, 1), the first guess of g
        self.register_buffer("sine_unit", torch.tensor([1.0, 0.0]))  # normalised sin φ by (sin φ, 1)
        with torch.no_grad():
            for network in (self.own, self.scale):
                network[-1].weight.mul_(0.1)

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Fix the first guess of g, and the unit of the sine, from (a sample of) the training data."""
        state, steps = oscillators(values, self.feature_names), twice(observed)
        self.alone[0].copy_(regress(rows(state.phase[:, 1:] - state.phase[:, :-1], steps), rows(state.omega[:, 1:], steps)))
        self.alone[1].copy_(regress(rows(state.rate, observed), rows(state.omega, observed)))
        self.sine_unit.copy_(regress(rows(values[..., self.sine], observed), rows(state.phase.sin(), observed)))

    def messages(self, state: Float[Tensor, "*batch node dim"], observed: Bool[Tensor, "*batch node"] | None = None) -> Messages:
        """What each sender does to phase and rate, for every sending type; and the scale of the error. One that nobody saw does nothing."""
        outputs = self.pair(pair_features(oscillators(state, self.feature_names)))
        crowding = crowd(outputs[-1][..., 0], observed)
        return Messages(heard(outputs[:-1].movedim(0, -2), observed), self.scale(crowding).clamp(-LARGEST_LOG, LARGEST_LOG)[..., 0])

    def update(
        self, state: Float[Tensor, "*#batch dim"], aggregate: Float[Tensor, "*#batch channel"], messages: Messages
    ) -> Prediction:
        """Phases and rates by the sum, the sine from the phase; the frequency stays."""
        after = self.scored_mean(state, aggregate)
        mean = state.expand(after.shape[:-1] + state.shape[-1:]).clone()
        mean[..., list(self.scored)] = after
        mean[..., self.sine] = self.sine_unit[0] * after[..., :1].sin() + self.sine_unit[1]
        return Prediction(mean, messages.log_scale)

    def scored_mean(self, state: Float[Tensor, "*#batch dim"], aggregate: Float[Tensor, "*#batch channel"]) -> Float[Tensor, "*batch scored"]:
        """Phase and rate, which is all that the likelihood asks for."""
        own = oscillators(state, self.feature_names)
        base = own.omega * self.alone[:, 0] + self.alone[:, 1] + self.own(own.omega)
        return base + torch.cat([own.phase, torch.zeros_like(own.phase)], dim=-1) + aggregate
