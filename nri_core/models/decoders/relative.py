"""The relative decoder: pair forces seen from the line that joins the pair, added up."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.geometry import PAIR_FEATURES, axes, pairs, planes
from nri_core.models.layers import Dense, GroupedDense, both_ends, crowd, heard, rows, twice
from nri_core.models.prediction import Messages, Prediction
from nri_core.settings import PLANE, ModelSettings

LARGEST_LOG = 6.0  # forces reach e^6 times the typical velocity change, no further


class RelativeDecoder(nn.Module):
    """Not the paper's. Velocity change = own term + Σ over senders of a·u + b·u⊥, with a and b from a small network.

        Δv_i = g(x_i, v_i) + Σ_j Σ_k z_ij,k (a_k u + b_k u⊥);   a, b, g = m · sinh(clip(MLP, ±6))
        x_i' = x_i + least-squares combination of v_i and v_i'   (the trapezoid rule, fitted)
        log σ_i = clip(MLP(x_i, v_i, A_i), −4, 6) + clip(A_i, −4, 6),   A_i = logsumexp_j MLP(pair)

    m is the median velocity change. Assumes points in the plane or in space with velocities (x, y, vx, vy, or z and vz
    besides) and pair forces that add up and turn with the picture; knows neither law nor labels, and does not assume that action equals reaction. σ
    depends on geometry, never on the graph. Reads any number of nodes.
    """

    needs = PLANE

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int) -> None:
        super().__init__()
        hidden = settings.decoder_hidden
        self.locations, self.velocities = axes(feature_names)
        self.scored, dims = self.velocities, max(len(self.velocities), 2)
        self.sending = settings.num_edge_types - settings.skip_first
        # One network per sending type for (a, b), and one more for A: the same input, so one batched product.
        self.pair = GroupedDense(self.sending + 1, PAIR_FEATURES, hidden, hidden, 2, small_end=0.1)
        self.own = Dense(2 * dims, hidden, hidden, dims, activation=nn.SiLU)
        self.scale = Dense(2 * dims + 1, hidden, hidden, 1, activation=nn.SiLU)
        with torch.no_grad():
            for network in (self.own, self.scale):
                network[-1].weight.mul_(0.1)
        self.register_buffer("typical_change", torch.ones(()))
        self.register_buffer("mean", torch.zeros(PAIR_FEATURES))
        self.register_buffer("spread", torch.ones(PAIR_FEATURES))
        self.register_buffer("drift", torch.zeros(3))  # x' − x = drift · (v, v', 1)

    @torch.no_grad()
    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Fix feature scales and the rule for locations from (a sample of) the training data."""
        location, velocity = values[..., self.locations], values[..., self.velocities]
        steps = twice(observed)
        self.typical_change.copy_(rows(velocity[:, 1:] - velocity[:, :-1], steps).abs().median().clamp_min(1e-6))
        features = rows(pairs(location, velocity).features, None if observed is None else both_ends(observed))
        self.mean.copy_(features.mean(0))
        self.spread.copy_(features.std(0).clamp_min(1e-6))
        columns_ = [rows(part, steps).flatten().double().cpu() for part in (velocity[:, :-1], velocity[:, 1:])]
        moved = rows(location[:, 1:] - location[:, :-1], steps).flatten().double().cpu()
        design = torch.stack([*columns_, torch.ones_like(moved)], dim=-1)
        self.drift.copy_(torch.linalg.lstsq(design, moved[:, None]).solution[:, 0])

    def messages(self, state: Float[Tensor, "*batch node dim"], observed: Bool[Tensor, "*batch node"] | None = None) -> Messages:
        """The velocity change that each sender would cause, for every sending type; and the scale of the error.

        A sender that nobody saw says nothing, and crowds nobody.
        """
        location, velocity = state[..., self.locations], state[..., self.velocities]
        pair = pairs(location, velocity)
        outputs = self.pair((pair.features - self.mean) / self.spread)
        along, across = self._strength(outputs[:-1]).unbind(-1)
        directions = zip(pair.along.unbind(-1), pair.across.unbind(-1), strict=True)
        values = planes(*(along * unit + across * turned for unit, turned in directions))
        crowding = crowd(outputs[-1][..., 0], observed)
        scale = self.scale(torch.cat([location, velocity, crowding], dim=-1))
        log_scale = scale.clamp(-4, LARGEST_LOG) + crowding.clamp(-4, LARGEST_LOG)
        return Messages(heard(values.movedim(0, -2), observed), log_scale[..., 0])

    def update(
        self, state: Float[Tensor, "*#batch dim"], aggregate: Float[Tensor, "*#batch channel"], messages: Messages
    ) -> Prediction:
        """Velocities by the summed forces, locations by the fitted trapezoid rule, other features unchanged."""
        after = self.scored_mean(state, aggregate)
        location, velocity = state[..., self.locations], state[..., self.velocities]
        moved = location + self.drift[0] * velocity + self.drift[1] * after + self.drift[2]
        mean = state.expand(after.shape[:-1] + state.shape[-1:]).clone()
        mean[..., self.locations], mean[..., self.velocities] = moved, after
        return Prediction(mean, messages.log_scale)

    def scored_mean(self, state: Float[Tensor, "*#batch dim"], aggregate: Float[Tensor, "*#batch channel"]) -> Float[Tensor, "*batch scored"]:
        """The velocities alone, which is all that the likelihood asks for."""
        velocity = state[..., self.velocities]
        return velocity + self._strength(self.own(torch.cat([state[..., self.locations], velocity], dim=-1))) + aggregate

    def _strength(self, logarithm: Tensor) -> Tensor:
        return self.typical_change * torch.sinh(logarithm.clamp(-LARGEST_LOG, LARGEST_LOG))
