"""Encoders: trajectories → a logit for each edge type of each ordered pair."""

from torch import nn

from nri_core.models.encoders.cnn import CNNEncoder
from nri_core.models.encoders.edgewise import EdgewiseEncoder
from nri_core.models.encoders.mlp import MLPEncoder
from nri_core.models.encoders.phase import PhaseEncoder

ENCODERS: dict[str, type[nn.Module]] = {"edgewise": EdgewiseEncoder, "phase": PhaseEncoder, "mlp": MLPEncoder, "cnn": CNNEncoder}
