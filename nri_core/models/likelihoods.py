"""Likelihoods: how far a prediction may be off."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

REFERENCE_VARIANCE = 5e-5


class Gaussian(nn.Module):
    """The paper's: N(x; μ, 5e-5) in normalised units, a fixed variance for every feature, node and frame."""

    def log_prob(self, error: Float[Tensor, "*batch dim"], log_scale: Float[Tensor, "*#batch"] | None) -> Float[Tensor, "*batch"]:
        """−|error|² / 2σ²; like the reference, without the constant."""
        return -error.square().sum(-1) / (2 * REFERENCE_VARIANCE)


class StudentT(nn.Module):
    """Not the paper's. Heavy tails (ν = 3) and a learned scale: some steps may be unpredictable without ruining the rest.

    log p = −d log σ − (ν + d)/2 · log(1 + |error|² / (ν σ²)) + constant, log σ = c + the decoder's own log scale.
    """

    degrees = 3.0

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(0.1)))

    def log_prob(self, error: Float[Tensor, "*batch dim"], log_scale: Float[Tensor, "*#batch"] | None) -> Float[Tensor, "*batch"]:
        """Log-density of the error at each node and frame."""
        dims = error.shape[-1]
        scale = self.log_scale if log_scale is None else self.log_scale + log_scale
        squared = error.square().sum(-1)
        tail = torch.log1p(squared * torch.exp(-2 * scale) / self.degrees)
        half = (self.degrees + dims) / 2
        constant = math.lgamma(half) - math.lgamma(self.degrees / 2) - dims / 2 * math.log(self.degrees * math.pi)
        return constant - dims * scale - half * tail


LIKELIHOODS: dict[str, type[Gaussian] | type[StudentT]] = {"student_t": StudentT, "gaussian": Gaussian}
