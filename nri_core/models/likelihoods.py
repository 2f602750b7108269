"""Likelihoods: how far a prediction may be off."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

REFERENCE_VARIANCE = 5e-5
SCALED_VARIANCE = 0.01  # share of the variance of one-frame changes


class Gaussian(nn.Module):
    """The paper's: N(x; μ, 5e-5) in normalised units, a fixed variance for every feature, node and frame."""

    def __init__(self, num_dims: int) -> None:
        super().__init__()

    def calibrate(self, changes: Float[Tensor, "change dim"]) -> None:
        """Nothing depends on the data."""

    def log_prob(self, error: Float[Tensor, "*batch dim"], log_scale: Float[Tensor, "*#batch"] | None) -> Float[Tensor, "*batch"]:
        """−|error|² / 2σ²; like the reference, without the constant."""
        return -error.square().sum(-1) / (2 * REFERENCE_VARIANCE)


class ScaledGaussian(nn.Module):
    """Not the paper's. σ² is a hundredth of the variance of one-frame changes, for each feature: what hardly moves counts as much as what moves fast."""

    def __init__(self, num_dims: int) -> None:
        super().__init__()
        self.register_buffer("variance", torch.ones(num_dims))

    def calibrate(self, changes: Float[Tensor, "change dim"]) -> None:
        """Fix σ² from one-frame changes of the training data."""
        self.variance.copy_(SCALED_VARIANCE * changes.var(0).clamp_min(1e-12))

    def log_prob(self, error: Float[Tensor, "*batch dim"], log_scale: Float[Tensor, "*#batch"] | None) -> Float[Tensor, "*batch"]:
        """−Σ error² / 2σ², without the constant."""
        return -(error.square() / (2 * self.variance)).sum(-1)


class StudentT(nn.Module):
    """Not the paper's. Heavy tails (ν = 3) and a learned scale: some steps may be unpredictable without ruining the rest.

    log p = −d log σ − (ν + d)/2 · log(1 + |error|² / (ν σ²)) + constant, log σ = c + the decoder's own log scale.
    """

    degrees = 3.0

    def __init__(self, num_dims: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(0.1)))

    def calibrate(self, changes: Float[Tensor, "change dim"]) -> None:
        """The scale is learned."""

    def log_prob(self, error: Float[Tensor, "*batch dim"], log_scale: Float[Tensor, "*#batch"] | None) -> Float[Tensor, "*batch"]:
        """Log-density of the error at each node and frame."""
        dims = error.shape[-1]
        scale = self.log_scale if log_scale is None else self.log_scale + log_scale
        first, *others = error.unbind(-1)
        squared = first.square()
        for other in others:
            squared = squared + other.square()
        tail = torch.log1p(squared * (torch.exp(-2 * scale) / self.degrees))
        half = (self.degrees + dims) / 2
        constant = math.lgamma(half) - math.lgamma(self.degrees / 2) - dims / 2 * math.log(self.degrees * math.pi)
        return torch.sub(constant - dims * scale, tail, alpha=half)


LIKELIHOODS: dict[str, type[Gaussian] | type[ScaledGaussian] | type[StudentT]] = {"student_t": StudentT, "gaussian": Gaussian, "scaled": ScaledGaussian}
