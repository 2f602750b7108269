"""Encoders, decoders, likelihoods, and the models they make."""

from nri_core.models.nri import NRI
from nri_core.settings import ModelSettings

__all__ = ["NRI", "ModelSettings"]
