"""What passes between decoder and likelihood."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Messages(NamedTuple):
    """What each sender would say to each receiver, for every edge type that sends (the first is left out if it is silent)."""

    values: Float[Tensor, "*batch node slot sending channel"]
    log_scale: Float[Tensor, "*batch node"] | None = None  # how uncertain the step is, whatever the graph


class Prediction(NamedTuple):
    """The expected next state, and the logarithm of the error to expect (None where the likelihood has its own)."""

    mean: Float[Tensor, "*batch dim"]
    log_scale: Float[Tensor, "*batch node"] | None = None


Memory = tuple[Tensor, ...]  # what a decoder carries from frame to frame; empty where it forgets
