"""The paper's MLP encoder: whole trajectories in, one round of messages, edge logits out."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nri_core.models.layers import ReferenceMLP, from_receivers, from_senders
from nri_core.settings import ModelSettings


class MLPEncoder(nn.Module):
    """Kipf et al. 2018, equations 5 to 8; sees every frame of a window of fixed length as one vector.

        h_j = f_emb(x_j);  h_ij = f_e1([h_i, h_j]);  h_j' = f_v(Σ_i h_ij / N);  h_ij' = f_e2([h_i', h_j', h_ij]);  logits = W h_ij'

    Assumes nothing about the features. Keeps the reference's order [sender, receiver], its division by N, its Xavier
    weights and its biases of 0.1.
    """

    needs = ()

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        hidden, dropout = settings.encoder_hidden, settings.encoder_dropout
        self.embed = ReferenceMLP(window * len(feature_names), hidden, dropout)
        self.edge_first = ReferenceMLP(2 * hidden, hidden, dropout)
        self.node = ReferenceMLP(hidden, hidden, dropout)
        self.edge_second = ReferenceMLP(3 * hidden, hidden, dropout)
        self.logits = nn.Linear(hidden, settings.num_edge_types)
        nn.init.xavier_normal_(self.logits.weight)
        nn.init.constant_(self.logits.bias, 0.1)

    def fewest_frames(self, window: int) -> int:
        """Every frame of the window is an input of its own."""
        return window

    def calibrate(self, values: Float[Tensor, "sim time node dim"]) -> None:
        """Nothing depends on the data."""

    def forward(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot]."""
        nodes = self.embed(values.transpose(1, 2).flatten(2))
        first = self.edge_first(_pairs(nodes))
        nodes = self.node(first.sum(-2) / values.shape[2])
        return self.logits(self.edge_second(torch.cat([_pairs(nodes), first], dim=-1)))


def _pairs(nodes: Float[Tensor, "sim node channel"]) -> Float[Tensor, "sim node slot pair"]:
    return torch.cat([from_senders(nodes), from_receivers(nodes)], dim=-1)
