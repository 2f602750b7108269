"""Evidence that adds up over time: what the encoders that look at every pair at every step share."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.layers import Dense, from_receivers, from_senders, reverse_slots, rows
from nri_core.settings import ModelSettings


class Evidence(nn.Module):
    """Features of each pair at each step → two layers → plus a context of the receiver's other senders → summed over time →
    one node-to-edge round → logits. Reads any number of steps and nodes.
    """

    def __init__(self, num_features: int, settings: ModelSettings) -> None:
        super().__init__()
        hidden = settings.encoder_hidden
        self.undirected = settings.undirected
        self.step = nn.Sequential(Dense(num_features, hidden, hidden), nn.ReLU(inplace=True))
        self.context = nn.Sequential(Dense(hidden, hidden, hidden), nn.ReLU(inplace=True))
        self.evidence = nn.Linear(hidden, hidden)
        self.edge = Dense(3 * hidden, hidden, settings.num_edge_types)
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("spread", torch.ones(num_features))

    @torch.no_grad()
    def calibrate(self, features: Float[Tensor, "sim step node slot feature"], counted: Bool[Tensor, "sim step node slot"] | None = None) -> None:
        """Fix the scale of each feature."""
        flat = rows(features, counted)
        self.mean.copy_(flat.mean(0))
        self.spread.copy_(flat.std(0).clamp_min(1e-6))

    def forward(
        self, features: Float[Tensor, "sim step node slot feature"], counted: Bool[Tensor, "sim step node slot"] | None = None
    ) -> Float[Tensor, "sim node slot type"]:
        """Edge logits of each [receiver, slot], from the steps that count: neither they nor their context hear of the others."""
        step = self.step(((features - self.mean) / self.spread).flatten(0, -2)).unflatten(0, features.shape[:-1])
        step = step if counted is None else step * counted[..., None]
        others = step.sum(-2, keepdim=True) - step
        context = self.context(others.flatten(0, -2)).unflatten(0, features.shape[:-1])
        context = context if counted is None else context * counted[..., None]
        # Each is summed over time by itself: nothing as large as `step` is written, nor read on the way back.
        evidence = self.evidence(step.sum(1) + context.sum(1))
        if self.undirected:
            evidence = (evidence + reverse_slots(evidence)) / 2
        evidence = torch.asinh(evidence)
        nodes = evidence.sum(-2)
        receiver, sender = from_receivers(nodes), from_senders(nodes)
        if self.undirected:
            receiver, sender = receiver + sender, (receiver - sender).abs()
        return self.edge(torch.cat([evidence, receiver, sender], dim=-1))
