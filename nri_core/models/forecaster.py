"""Forecasters: a second decoder, for forecasts under a graph that another has read."""

from torch import nn

FORECASTERS: dict[str, type[nn.Module]] = {}
