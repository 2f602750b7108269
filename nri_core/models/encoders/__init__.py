"""Encoders: trajectories → a logit for each edge type of each ordered pair."""

from nri_core.models.encoders.edgewise import EdgewiseEncoder
from nri_core.models.encoders.mlp import MLPEncoder

ENCODERS: dict[str, type[MLPEncoder] | type[EdgewiseEncoder]] = {"edgewise": EdgewiseEncoder, "mlp": MLPEncoder}
