"""Neural relational inference: an encoder, a decoder and a likelihood as one variational auto-encoder over graphs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nri_core.errors import ConfigError
from nri_core.models.decoders import DECODERS
from nri_core.models.encoders import ENCODERS
from nri_core.models.layers import reverse_slots
from nri_core.models.likelihoods import LIKELIHOODS
from nri_core.models.prediction import Messages, Prediction
from nri_core.settings import ModelSettings

PLANE = ("x", "y", "vx", "vy")
CALIBRATION_SIMS = 256


class NRI(nn.Module):
    """q(z | x) by the encoder, p(x | z) by decoder and likelihood (Kipf et al. 2018, section 3), in normalised units.

    Values are float [sim, time, node, dim]; edges [sim, node, slot, type] as `layers` lays them out.
    Raises ConfigError where a part needs features (positions and velocities in the plane) that the data lack.
    """

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], window: int) -> None:
        super().__init__()
        self.settings, self.feature_names, self.window = settings, feature_names, window
        self.decoder = DECODERS[settings.decoder](settings, feature_names=feature_names)
        self.encoder = None
        if settings.encoder != "none":
            self.encoder = ENCODERS[settings.encoder](settings, feature_names=feature_names, window=window)
        self.likelihood = LIKELIHOODS[settings.likelihood]()
        for part, name in ((self.encoder, settings.encoder), (self.decoder, settings.decoder)):
            if part is not None and part.needs_positions and not set(PLANE) <= set(feature_names):
                raise ConfigError(
                    f"The {name} model expects the features {', '.join(PLANE)}; found {', '.join(feature_names)}. Choose the mlp model instead."
                )

    def calibrate(self, values: Float[Tensor, "sim time node dim"]) -> None:
        """Let each part fix its scales from training data before the first step."""
        for part in (self.encoder, self.decoder):
            if part is not None and part.needs_positions:
                part.calibrate(values[:CALIBRATION_SIMS])

    def edge_logits(self, values: Float[Tensor, "sim time node dim"]) -> Float[Tensor, "sim node slot type"]:
        """The encoder's logits; where edges are undirected, the mean of both directions."""
        logits = self.encoder(values)
        return (logits + reverse_slots(logits)) / 2 if self.settings.undirected else logits

    def predict(self, state: Float[Tensor, "*#batch node dim"], edges: Float[Tensor, "*#batch node slot type"]) -> Prediction:
        """The next state of each node, given (soft or hard) edges."""
        messages = self.decoder.messages(state)
        return self.decoder.update(state, self.aggregate(messages, edges), messages)

    def aggregate(self, messages: Messages, edges: Float[Tensor, "*#batch node slot type"]) -> Float[Tensor, "*batch node channel"]:
        """Σ_j Σ_k z_ij,k m_ij^k over the types that send."""
        sending = edges[..., 1:] if self.settings.skip_first else edges
        return (messages.values * sending.unsqueeze(-1)).sum((-3, -2))

    def log_prob(
        self, prediction: Prediction, target: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        """log p(next state | prediction) at each node, over the features the decoder answers for."""
        scored = list(self.decoder.scored)
        return self.likelihood.log_prob(target[..., scored] - prediction.mean[..., scored], prediction.log_scale)

    def rollout_log_prob(
        self, values: Float[Tensor, "sim time node dim"], edges: Float[Tensor, "sim node slot type"], *, prediction_steps: int
    ) -> Float[Tensor, " sim"]:
        """log p(x | z) with the true state given only every `prediction_steps` frames (section 3.3), summed over nodes and frames.

        All segments run in parallel. Steps beyond the last frame are not computed (the reference computes and drops them).
        """
        edges = edges[:, None]
        state, total = values[:, :-1:prediction_steps], values.new_zeros(values.shape[0])
        for step in range(1, prediction_steps + 1):
            target = values[:, step::prediction_steps]
            if target.shape[1] == 0:
                break
            prediction = self.predict(state[:, : target.shape[1]], edges)
            total = total + self.log_prob(prediction, target).sum((1, 2))
            state = prediction.mean
        return total

    @torch.no_grad()
    def rollout(
        self, state: Float[Tensor, "sim node dim"], edges: Float[Tensor, "sim node slot type"], *, num_steps: int
    ) -> Float[Tensor, "sim time node dim"]:
        """Feed the decoder its own predictions."""
        frames = []
        for _ in range(num_steps):
            state = self.predict(state, edges).mean
            frames.append(state)
        return torch.stack(frames, dim=1)


class Evidence(NamedTuple):
    """The two terms of the bound, averaged over simulations and nodes as the reference prints them."""

    nll: Float[Tensor, ""]
    kl: Float[Tensor, ""]


def elbo(
    model: NRI,
    values: Float[Tensor, "sim time node dim"],
    *,
    temperature: float,
    hard: bool,
    prediction_steps: int,
    edge_prior: Sequence[float],
    generator: torch.Generator,
) -> Evidence:
    """E_q[−log p(x | z)] by one Gumbel-softmax sample, and KL(q ‖ prior): the paper's objective is their sum (equation 9)."""
    logits = model.edge_logits(values)
    edges = gumbel_softmax(logits, temperature=temperature, hard=hard, generator=generator)
    if model.settings.undirected:
        edges = _same_both_ways(edges)
    log_prob = model.rollout_log_prob(values, edges, prediction_steps=prediction_steps)
    num_sims, _, num_nodes, _ = values.shape
    return Evidence(-log_prob.sum() / (num_sims * num_nodes), kl_divergence(logits, edge_prior).sum() / (num_sims * num_nodes))


def kl_divergence(logits: Float[Tensor, "*batch type"], prior: Sequence[float]) -> Float[Tensor, "*batch"]:
    """KL(softmax(logits) ‖ prior) ≥ 0 at each edge; the reference drops log K, so that it prints a negative number."""
    log_probs = logits.log_softmax(-1)
    log_prior = logits.new_tensor([math.log(max(share, 1e-16)) for share in prior])
    return (log_probs.exp() * (log_probs - log_prior)).sum(-1)


def gumbel_softmax(
    logits: Float[Tensor, "*batch type"], *, temperature: float, hard: bool, generator: torch.Generator
) -> Float[Tensor, "*batch type"]:
    """Softmax((logits + Gumbel noise) / temperature); `hard` gives one-hot values with the soft gradient (straight-through)."""
    uniform = torch.rand(logits.shape, generator=generator).to(logits.device)
    noise = -torch.log(1e-10 - torch.log(uniform + 1e-10))  # the reference's epsilons
    soft = ((logits + noise) / temperature).softmax(-1)
    if not hard:
        return soft
    sharp = nn.functional.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)
    return sharp - soft.detach() + soft


def _same_both_ways(edges: Float[Tensor, "sim node slot type"]) -> Float[Tensor, "sim node slot type"]:
    """Use the sample of the lower-numbered receiver for both directions."""
    num_nodes = edges.shape[1]
    lower = torch.ones(num_nodes, num_nodes - 1, device=edges.device).tril(-1).bool()[..., None]  # slot < node: sender < receiver
    return torch.where(lower, edges, reverse_slots(edges))
