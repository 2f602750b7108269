"""How one oscillator sees another: by the difference of their phases, whatever the phase they share."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from nri_core.dataset import columns
from nri_core.models.layers import from_receivers, from_senders

OSCILLATORS = ("dphi", "sin_phi", "phase", "omega")
PAIR_FEATURES = 3


class Oscillators(NamedTuple):
    """The columns of the state, each with a channel axis; rate and frequency normalised, the phase in radians."""

    rate: Float[Tensor, "*batch node 1"]
    phase: Float[Tensor, "*batch node 1"]
    omega: Float[Tensor, "*batch node 1"]


def oscillators(values: Float[Tensor, "*batch node dim"], feature_names: tuple[str, ...]) -> Oscillators:
    """Take the columns apart."""
    rate, phase, omega = (values[..., list(columns(feature_names, (name,)))] for name in ("dphi", "phase", "omega"))
    return Oscillators(rate, phase, omega)


def pair_features(state: Oscillators) -> Float[Tensor, "*batch node slot 3"]:
    """sin Δ, cos Δ with Δ = φ_j − φ_i, and how fast Δ grows: the difference of the rates."""
    ahead = from_senders(state.phase) - from_receivers(state.phase)
    return torch.cat([ahead.sin(), ahead.cos(), from_senders(state.rate) - from_receivers(state.rate)], dim=-1)


def regress(target: Tensor, *causes: Tensor) -> Float[Tensor, " cause"]:
    """Least squares of all values of the target on the causes and a constant."""
    columns_ = [*(cause.flatten().double().cpu() for cause in causes), torch.ones(target.numel(), dtype=torch.float64)]
    return torch.linalg.lstsq(torch.stack(columns_, dim=-1), target.flatten().double().cpu()[:, None]).solution[:, 0]
