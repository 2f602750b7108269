"""The paper's CNN encoder: slides over time along each pair, then pools by attention."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.encoders.mlp import FactorGraph
from nri_core.models.layers import ReferenceMLP, from_receivers, from_senders, reference_linear
from nri_core.settings import ModelSettings

KERNEL, POOL = 5, 2


class CNNEncoder(nn.Module):
    """Kipf et al. 2018, appendix B.1; reads any number of frames from 14 on and any number of nodes.

        [x_j, x_i] → conv 5, ReLU, batch norm, dropout → max-pool 2 → conv 5, ReLU, batch norm → p, a (conv 1)
        h_ij = f_e1(Σ_t softmax_t(a) p / T');  then as in the MLP encoder, or straight to the logits without the factor graph

    Assumes nothing about the features. Keeps the reference's mean over time of the attended p: a factor 1/T' more than
    the sum that attention asks for. Keeps its normal and Xavier weights and its biases of 0.1. The first convolution is
    applied to senders and receivers apart and added for each edge: equal to the reference's on the concatenated pair,
    at a fraction of the work.
    """

    needs = ()

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        hidden, dropout, dims = settings.encoder_hidden, settings.encoder_dropout, len(feature_names)
        self.from_sender = nn.Conv1d(dims, hidden, KERNEL)
        self.from_receiver = nn.Conv1d(dims, hidden, KERNEL, bias=False)
        self.second = nn.Conv1d(hidden, hidden, KERNEL)
        self.predict, self.attend = nn.Conv1d(hidden, hidden, 1), nn.Conv1d(hidden, 1, 1)
        for layer in (self.from_sender, self.from_receiver, self.second, self.predict, self.attend):
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / (layer.kernel_size[0] * layer.out_channels)))
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.1)
        self.first_norm, self.second_norm = nn.BatchNorm1d(hidden), nn.BatchNorm1d(hidden)
        self.dropout, self.pool = nn.Dropout(dropout), nn.MaxPool1d(POOL)
        self.edge = ReferenceMLP(hidden, hidden, dropout)
        self.factor = FactorGraph(hidden, dropout) if settings.factor_graph else nn.Identity()
        self.logits = reference_linear(hidden, settings.num_edge_types)

    def fewest_frames(self, window: int) -> int:
        """So many that one is left after both convolutions and the pooling."""
        return POOL * KERNEL + KERNEL - 1

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Nothing depends on the data."""

    def forward(
        self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None
    ) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot]; what nobody saw stands at 0, the middle of the data."""
        values = values if observed is None else values * observed[..., None]
        num_sims, _, num_nodes, _ = values.shape
        paths = values.permute(0, 2, 3, 1).flatten(0, 1)  # [sim · node, dim, time]
        sent, received = (
            layer(paths).unflatten(0, (num_sims, num_nodes)).flatten(2) for layer in (self.from_sender, self.from_receiver)
        )
        pairs = from_senders(sent) + from_receivers(received)
        hidden = self.first_norm(torch.relu_(pairs.flatten(0, 2).unflatten(-1, (self.second.in_channels, -1))))
        hidden = self.second_norm(torch.relu_(self.second(self.pool(self.dropout(hidden)))))
        pooled = (self.predict(hidden) * self.attend(hidden).softmax(-1)).mean(-1)
        edges = self.edge(pooled.unflatten(0, (num_sims, num_nodes, num_nodes - 1)))
        return self.logits(self.factor(edges))
