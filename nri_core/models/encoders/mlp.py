"""The paper's MLP encoder: whole trajectories in, one round of messages, edge logits out."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.layers import ReferenceMLP, reference_linear
from nri_core.settings import ModelSettings


class MLPEncoder(nn.Module):
    """Kipf et al. 2018, equations 5 to 8; sees every frame of a window of fixed length as one vector.

        h_j = f_emb(x_j);  h_ij = f_e1([h_i, h_j]);  h_j' = f_v(Σ_i h_ij / N);  h_ij' = f_e2([h_i', h_j', h_ij]);  logits = W h_ij'

    Without the factor graph, h_ij' = f_e2([f_v(h_ij), h_ij]): each pair by itself, as in the reference's option. Assumes
    nothing about the features. Keeps the reference's order [sender, receiver], its division by N, its Xavier weights and
    its biases of 0.1.
    """

    needs = ()

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        hidden, dropout = settings.encoder_hidden, settings.encoder_dropout
        self.embed = ReferenceMLP(window * len(feature_names), hidden, dropout)
        self.edge_first = ReferenceMLP(2 * hidden, hidden, dropout)
        self.factor = FactorGraph(hidden, dropout) if settings.factor_graph else PairAlone(hidden, dropout)
        self.logits = reference_linear(hidden, settings.num_edge_types)

    def fewest_frames(self, window: int) -> int:
        """Every frame of the window is an input of its own."""
        return window

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Nothing depends on the data."""

    def forward(
        self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None
    ) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot]; what nobody saw stands at 0, the middle of the data."""
        values = values if observed is None else values * observed[..., None]
        nodes = self.embed(values.transpose(1, 2).flatten(2))
        return self.logits(self.factor(self.edge_first.of_pairs(nodes)))


class FactorGraph(nn.Module):
    """One round from edges to nodes and back, with a skip: f_e2([h_j', h_i', h_ij]), h_j' = f_v(Σ_i h_ij / N)."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.node = ReferenceMLP(hidden, hidden, dropout)
        self.edge = ReferenceMLP(3 * hidden, hidden, dropout)

    def forward(self, edges: Float[Tensor, "sim node slot channel"]) -> Float[Tensor, "sim node slot channel"]:
        """What each edge learns from the others at its ends."""
        nodes = self.node(edges.sum(-2) / edges.shape[1])
        return self.edge.of_pairs(nodes, edges)


class PairAlone(nn.Module):
    """The reference's encoder without a factor graph: f_e2([f_v(h_ij), h_ij])."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.first = ReferenceMLP(hidden, hidden, dropout)
        self.second = ReferenceMLP(2 * hidden, hidden, dropout)

    def forward(self, edges: Float[Tensor, "sim node slot channel"]) -> Float[Tensor, "sim node slot channel"]:
        """Two more blocks for each edge by itself."""
        return self.second(torch.cat([self.first(edges), edges], dim=-1))
