"""Neural relational inference: an encoder, a decoder and a likelihood as one variational auto-encoder over graphs."""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nri_core.errors import ConfigError, DataError
from nri_core.models.decoders import DECODERS
from nri_core.models.encoders import ENCODERS
from nri_core.models.forecaster import FORECASTERS
from nri_core.models.layers import both_ends, heard, reverse_slots, rows, twice
from nri_core.models.likelihoods import LIKELIHOODS
from nri_core.models.prediction import Memory, Messages, Prediction
from nri_core.settings import ModelSettings

MOST_PAIR_VALUES = 2**24  # hidden numbers of all pairs held at once by a step of a decoder: 64 MB
CALIBRATION_SIMS = 256
FORECASTER_SIMS = 1024  # walls are rare events


class NRI(nn.Module):
    """q(z | x) by the encoder, p(x | z) by decoder and likelihood (Kipf et al. 2018, section 3), in normalised units.

    Values are float [sim, time, node, dim]; edges [sim, node, slot, type] as `layers` lays them out.
    Raises ConfigError where a part needs features that the data lack, or more frames than `window`.
    """

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int, window: int) -> None:
        super().__init__()
        self.settings, self.feature_names, self.window = settings, feature_names, window
        self.decoder = self.encoder = None
        if settings.decoder != "none":
            self.decoder = DECODERS[settings.decoder](settings, feature_names=feature_names, num_nodes=num_nodes)
            self.likelihood = LIKELIHOODS[settings.likelihood](len(self.decoder.scored))
        if settings.encoder != "none":
            self.encoder = ENCODERS[settings.encoder](settings, feature_names=feature_names, window=window)
        self.forecaster = FORECASTERS[settings.forecaster](settings, feature_names=feature_names) if settings.forecaster != "none" else None
        for kind, part in (("encoder", self.encoder), ("decoder", self.decoder), ("forecaster", self.forecaster)):
            if part is not None and not set(part.needs) <= set(feature_names):
                raise ConfigError(
                    f"The {getattr(settings, kind)} {kind} expects the features {', '.join(part.needs)}; found {', '.join(feature_names)}. "
                    f"Choose {'none' if kind == 'forecaster' else f'the mlp {kind}'} instead."
                )
        if self.encoder is not None and window < (fewest := self.encoder.fewest_frames(window)):
            raise ConfigError(f"The {settings.encoder} encoder expects at least {fewest} frames; found {window}. Choose another encoder or longer data.")

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Let each part fix its scales from (normalised) training data, as far as they were observed, before the first step.

        Raises DataError where the sample shows nobody twice in a row.
        """
        sample, seen = values[:CALIBRATION_SIMS], None if observed is None else observed[:CALIBRATION_SIMS]
        steps = twice(seen)
        if steps is not None and not both_ends(steps).any():
            raise DataError("Expected two nodes that are seen together in two frames in a row; found none. Choose complete windows or interpolate the gaps.")
        for part in (self.encoder, self.decoder):
            if part is not None:
                part.calibrate(sample, seen)
        if self.forecaster is not None:
            self.forecaster.calibrate(values[:FORECASTER_SIMS], None if observed is None else observed[:FORECASTER_SIMS])
        if self.decoder is not None:
            changes = (sample[:, 1:] - sample[:, :-1])[..., list(self.decoder.scored)]
            self.likelihood.calibrate(rows(changes, steps))

    def edge_logits(
        self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None
    ) -> Float[Tensor, "sim node slot type"]:
        """The encoder's logits; where edges are undirected, the mean of both directions."""
        logits = self.encoder(values) if observed is None else self.encoder(values, observed)
        return (logits + reverse_slots(logits)) / 2 if self.settings.undirected else logits

    def step(
        self,
        state: Float[Tensor, "*#batch node dim"],
        edges: Float[Tensor, "*#batch node slot type"],
        memory: Memory | None = None,
        observed: Bool[Tensor, "*#batch node"] | None = None,
    ) -> tuple[Prediction, Memory]:
        """The next state of each node, given (soft or hard) edges, and what to remember; no memory at the first frame.

        Nodes that are not `observed` act on nobody.
        Where the pairs of all simulations would fill the memory, a few simulations at a time, computed again on the way
        back: the same to rounding, since simulations do not see each other here.
        """
        at_once = self._sims_at_once(state)
        if state.ndim < 3 or at_once >= state.shape[0] or edges.shape[0] != state.shape[0]:
            return self._step(state, edges, memory, observed)
        carried = [()] * state.shape[0] if memory is None else zip(*(part.split(at_once) for part in memory), strict=True)
        again = partial(checkpoint, self._step, use_reentrant=False, preserve_rng_state=False)
        seen = [None] * state.shape[0] if observed is None else observed.split(at_once)
        found = [again(*part, past or None, there) for *part, past, there in zip(state.split(at_once), edges.split(at_once), carried, seen)]
        predictions, memories = zip(*found, strict=True)
        mean, log_scale = zip(*predictions, strict=True)
        joined = Prediction(torch.cat(mean), None if log_scale[0] is None else torch.cat(log_scale))
        return joined, tuple(torch.cat(parts) for parts in zip(*memories, strict=True))

    def _step(self, state: Tensor, edges: Tensor, memory: Memory | None, observed: Tensor | None) -> tuple[Prediction, Memory]:
        if not self.settings.additive:
            return self.decoder.step(state, edges if observed is None else heard(edges, observed), memory)
        messages = self.decoder.messages(state, observed)
        return self.decoder.update(state, self.aggregate(messages, edges), messages), ()

    def _sims_at_once(self, state: Float[Tensor, "*#batch node dim"]) -> int:
        """So many that what a step writes of all pairs stays small: beyond that, a step is computed again on the way back, in pieces."""
        num_nodes = state.shape[-2]
        of_one = state[0].numel() // state.shape[-1] * (num_nodes - 1) * self.settings.decoder_hidden
        return max(MOST_PAIR_VALUES // max(of_one, 1), 1)

    def aggregate(self, messages: Messages, edges: Float[Tensor, "*#batch node slot type"]) -> Float[Tensor, "*batch node channel"]:
        """Σ_j Σ_k z_ij,k m_ij^k over the types that send."""
        sending = edges[..., 1:] if self.settings.skip_first else edges
        said = messages.values.flatten(-3, -2)
        with torch.autocast(said.device.type, enabled=False):  # in the precision of the messages: a product here is a sum
            return (sending.flatten(-2).unsqueeze(-2).to(said.dtype) @ said).squeeze(-2)

    def log_prob(
        self, prediction: Prediction, target: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        """log p(next state | prediction) at each node, over the features the decoder answers for."""
        error = target - prediction.mean
        if len(self.decoder.scored) < error.shape[-1]:
            error = torch.stack([error[..., dim] for dim in self.decoder.scored], dim=-1)  # a list as index would be copied to a GPU at each step
        return self.likelihood.log_prob(error, prediction.log_scale)

    def rollout_log_prob(
        self,
        values: Float[Tensor, "sim time node dim"],
        edges: Float[Tensor, "sim node slot type"],
        *,
        prediction_steps: int,
        burn_in: int = 1,
        observed: Bool[Tensor, "sim time node"] | None = None,
    ) -> Float[Tensor, " sim"]:
        """log p(x | z), summed over nodes and frames, the decoder fed with its own predictions between true states (section 3.3).

        A decoder without memory gets the true state every `prediction_steps` frames; all segments run in parallel, and steps
        beyond the last frame are not computed (the reference computes and drops them). One with memory gets the first
        `burn_in` frames and then runs alone. What was not `observed` neither counts nor begins a segment; a decoder with
        memory is fed its own prediction of it.
        """
        if self.settings.remembers:
            return self._sequential_log_prob(values, edges, burn_in, observed)
        edges = edges[:, None]
        state, total = values[:, :-1:prediction_steps], values.new_zeros(values.shape[0])
        started = None if observed is None else observed[:, :-1:prediction_steps]
        for step in range(1, prediction_steps + 1):
            target = values[:, step::prediction_steps]
            if target.shape[1] == 0:
                break
            begun = None if started is None else started[:, : target.shape[1]]
            prediction, _ = self.step(state[:, : target.shape[1]], edges, None, begun)
            log_prob = self.log_prob(prediction, target)
            total = total + (log_prob if begun is None else log_prob * (begun & observed[:, step::prediction_steps])).sum((1, 2))
            state = prediction.mean
        return total

    def _sequential_log_prob(self, values: Tensor, edges: Tensor, burn_in: int, observed: Tensor | None) -> Float[Tensor, " sim"]:
        state, memory, total = values[:, 0], None, values.new_zeros(values.shape[0])
        known = None if observed is None else torch.zeros_like(observed[:, 0])
        state = state if known is None else torch.zeros_like(state)
        for frame in range(values.shape[1] - 1):
            given = values[:, frame] if frame < burn_in else state
            if observed is not None and frame < burn_in:
                given, known = torch.where(observed[:, frame, :, None], given, state), known | observed[:, frame]
            prediction, memory = self.step(given, edges, memory, known)
            log_prob = self.log_prob(prediction, values[:, frame + 1])
            total = total + (log_prob if known is None else log_prob * (known & observed[:, frame + 1])).sum(1)
            state = prediction.mean
        return total

    @torch.no_grad()
    def rollout(
        self,
        history: Float[Tensor, "sim past node dim"],
        edges: Float[Tensor, "sim node slot type"],
        *,
        num_steps: int,
        observed: Bool[Tensor, "sim past node"] | None = None,
    ) -> Float[Tensor, "sim time node dim"]:
        """The frames after the last of `history`: by the forecaster, or the decoder fed with its own predictions.

        A decoder with memory reads all of `history` first. Nodes never `observed` in what is read act on nobody.
        """
        edges = edges if observed is None else heard(edges, observed.any(1))
        if self.forecaster is not None:
            return self.forecaster.forecast(history[:, -1], edges, num_steps=num_steps)
        memory, frames = None, []
        if self.settings.remembers:
            for frame in range(history.shape[1] - 1):
                _, memory = self.step(history[:, frame], edges, memory)
        state = history[:, -1]
        for _ in range(num_steps):
            prediction, memory = self.step(state, edges, memory)
            state = prediction.mean
            frames.append(state)
        return torch.stack(frames, dim=1)


class Rows(NamedTuple):
    """The simulations that one of several processes takes of a whole batch: its noise is cut from noise for all of them."""

    start: int
    stop: int
    total: int


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
    burn_in: int = 1,
    generator: torch.Generator,
    rows: Rows | None = None,
    observed: Bool[Tensor, "sim time node"] | None = None,
) -> Evidence:
    """E_q[−log p(x | z)] by one Gumbel-softmax sample, and KL(q ‖ prior): the paper's objective is their sum (equation 9)."""
    logits = model.edge_logits(values, observed)
    edges = gumbel_softmax(logits, temperature=temperature, hard=hard, generator=generator, rows=rows)
    if model.settings.undirected:
        edges = same_both_ways(edges)
    log_prob = model.rollout_log_prob(values, edges, prediction_steps=prediction_steps, burn_in=burn_in, observed=observed)
    num_sims, _, num_nodes, _ = values.shape
    return Evidence(-log_prob.sum() / (num_sims * num_nodes), kl_divergence(logits, model.settings.prior).sum() / (num_sims * num_nodes))


def kl_divergence(logits: Float[Tensor, "*batch type"], prior: Sequence[float]) -> Float[Tensor, "*batch"]:
    """KL(softmax(logits) ‖ prior) ≥ 0 at each edge; the reference drops log K, so that it prints a negative number."""
    log_probs = logits.log_softmax(-1)
    log_prior = logits.new_tensor([math.log(max(share, 1e-16)) for share in prior])
    return (log_probs.exp() * (log_probs - log_prior)).sum(-1)


def gumbel_softmax(
    logits: Float[Tensor, "*batch type"], *, temperature: float, hard: bool, generator: torch.Generator, rows: Rows | None = None
) -> Float[Tensor, "*batch type"]:
    """Softmax((logits + Gumbel noise) / temperature); `hard` gives one-hot values with the soft gradient (straight-through)."""
    soft = ((logits + gumbel_noise(logits, generator=generator, rows=rows)) / temperature).softmax(-1)
    if not hard:
        return soft
    sharp = nn.functional.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)
    return sharp - soft.detach() + soft


def gumbel_noise(logits: Float[Tensor, "*batch type"], *, generator: torch.Generator, rows: Rows | None = None) -> Float[Tensor, "*batch type"]:
    """Standard Gumbel noise, a number for each logit; the largest of noisy logits falls on a type as often as its softmax says."""
    start, stop, total = rows or Rows(0, len(logits), len(logits))
    uniform = torch.rand((total, *logits.shape[1:]), generator=generator, device=generator.device)[start:stop].to(logits.device)
    return -torch.log(1e-10 - torch.log(uniform + 1e-10))  # the reference's epsilons


def same_both_ways(edges: Float[Tensor, "sim node slot type"]) -> Float[Tensor, "sim node slot type"]:
    """Use the sample of the lower-numbered receiver for both directions."""
    num_nodes = edges.shape[1]
    lower = torch.ones(num_nodes, num_nodes - 1, device=edges.device).tril(-1).bool()[..., None]  # slot < node: sender < receiver
    return torch.where(lower, edges, reverse_slots(edges))
