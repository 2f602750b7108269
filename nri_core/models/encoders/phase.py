"""The phase encoder: explains the rate of each oscillator by all the others at once."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.layers import Dense, both_ends, from_receivers, reverse_slots, rows
from nri_core.models.phases import OSCILLATORS, oscillators, pair_features, regress
from nri_core.settings import ModelSettings

INFLUENCES = 2


class PhaseEncoder(nn.Module):
    """Not the paper's. A regression inside a network, both learned together.

        dφ_i(t) − g(ω_i) ≈ Σ_j β_ij · f(sin Δ_ij, cos Δ_ij),   Δ = φ_j − φ_i

    g and f (two influences) are small networks, shared by all pairs; β_ij is the ridge regression over the frames of one
    simulation, in closed form. What it finds in both directions of a pair (β, its uncertainty, what stays unexplained) goes
    through a last network to the logits. Assumes oscillators with a rate, a phase and a frequency, and that what acts on
    one adds up and depends on differences of phases only. Knows no law and no label. Reads any number of frames and nodes.
    """

    needs = OSCILLATORS

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        hidden = settings.encoder_hidden
        self.undirected, self.feature_names = settings.undirected, feature_names
        self.influence = Dense(2, hidden, INFLUENCES, activation=nn.SiLU)
        self.own = Dense(1, hidden, 1, activation=nn.SiLU)
        self.log_ridge = nn.Parameter(torch.tensor(-4.0))
        self.edge = Dense(3 * (2 * INFLUENCES + 1), hidden, hidden, settings.num_edge_types, activation=nn.SiLU)
        self.register_buffer("own_rate", torch.tensor([1.0, 0.0]))  # rate ≈ own_rate · (ω, 1), the first guess of g

    def fewest_frames(self, window: int) -> int:
        """Two; the fewer frames, the more the ridge decides."""
        return 2

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Fix the first guess of g from (a sample of) the training data."""
        state = oscillators(rows(values, observed), self.feature_names)
        self.own_rate.copy_(regress(state.rate, state.omega))

    def forward(
        self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None
    ) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot], from the frames in which the receiver was seen, and of senders when they were."""
        found = self._regression(values, observed)
        back = reverse_slots(found)
        both = [found + back, (found - back).abs()] if self.undirected else [found, back]
        return self.edge(torch.cat([*both, found * back], dim=-1))

    def _regression(
        self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None
    ) -> Float[Tensor, "sim node slot found"]:
        """β_ij and the log of its variance, for each influence; the log of the error that is left at i."""
        state = oscillators(values, self.feature_names)
        pull = (state.rate - self.own_rate[0] * state.omega - self.own_rate[1] - self.own(state.omega)).transpose(1, 2)
        influence = self.influence(pair_features(state)[..., :2]).transpose(1, 2)  # [sim, node, time, slot, influence]
        causes, pull, num_frames = influence.flatten(-2).to(values.dtype), pull.to(values.dtype), values.shape[1]
        if observed is not None:
            both = both_ends(observed).transpose(1, 2).repeat_interleave(INFLUENCES, dim=-1)
            there = observed.mT[..., None]
            causes, pull, num_frames = causes * both, pull * there, there.sum(2, keepdim=True).clamp_min(1)
        with torch.autocast(values.device.type, enabled=False):  # rough products would spoil the inverse
            ridge = self.log_ridge.exp() * torch.eye(causes.shape[-1], dtype=causes.dtype, device=causes.device)
            variance = torch.linalg.inv(causes.mT @ causes / num_frames + ridge)
            strength = variance @ (causes.mT @ pull) / num_frames
            left = (pull - causes @ strength).square()
            left = (left.mean(-2) if observed is None else left.sum(-2) / num_frames[..., 0]) + 1e-6
        by_slot = [part.unflatten(-1, influence.shape[-2:]) for part in (strength[..., 0], variance.diagonal(dim1=-2, dim2=-1).log())]
        return torch.cat([*by_slot, from_receivers(left.log())], dim=-1)
