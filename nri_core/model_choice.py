"""How many kinds of interaction? Answered by how likely each number makes motion that was held out; no label is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError, ConfigError
from nri_core.inference import way_through_decoder
from nri_core.models import NRI
from nri_core.models.marginal import countable, marginal, one_hot
from nri_core.models.nri import kl_divergence
from nri_core.models.objectives import complete_graph
from nri_core.settings import UNREAD, TrainConfig
from nri_core.trajectories import Trajectories

SIMS_AT_ONCE = 64
DRAWS = 2000  # of the bootstrap


@dataclass(frozen=True)
class Mean:
    """An average over recordings, and the range in which 95 % of the averages of as many recordings drawn anew lie; no range from one alone."""

    value: float
    low: float | None
    high: float | None


class Kinds(NamedTuple):
    """A number of edge types, and whether the first is silent; (1, True) is no interaction at all. In their order, the simpler come first."""

    num_edge_types: int
    skip_first: bool = True

    @property
    def words(self) -> str:
        """As a person would say it."""
        if self.num_edge_types == 1:
            return "no interaction"
        sending = self.num_edge_types - self.skip_first
        return f"{sending} kind{'s' if sending > 1 else ''} of interaction" + (", or none" if self.skip_first else "")


@dataclass(frozen=True)
class Candidate:
    """`log_likelihood` is of held-out motion, one frame ahead, in nats per node and frame; `behind` is what the best has more."""

    kinds: Kinds
    log_likelihood: float
    behind: float
    spread: float  # standard error of `behind`


CANDIDATES = (Kinds(1), Kinds(2), Kinds(2, False), Kinds(3), Kinds(4))


@dataclass(frozen=True)
class TypeChoice:
    """The candidates, the simplest first; `best` is likeliest, `chosen` the simplest that cannot be told from it."""

    candidates: tuple[Candidate, ...]
    best: Kinds
    chosen: Kinds


def without_interaction(config: TrainConfig) -> TrainConfig:
    """The same decoder, trained where nobody acts on anybody: what a graph must beat. Raises ConfigError for recipes without a decoder to compare."""
    if config.objective not in ("distilled", "marginal", "elbo") or config.decoder == "simulated":
        raise ConfigError(
            f"Expected a recipe that infers graphs without labels by a decoder that learns; found objective {config.objective}, decoder "
            f"{config.decoder}. Choose the objective distilled or elbo."
        )
    steps = config.prediction_steps if config.objective == "elbo" else 1  # sums over graphs look one frame ahead
    parts = {"objective": "empty_graph", "encoder": "none", "inference": "none", "forecaster": "none"}
    return TrainConfig.model_validate(config.model_dump() | parts | {"prediction_steps": steps})


def with_kinds(config: TrainConfig, kinds: Kinds) -> TrainConfig:
    """The same recipe with these types, all alike before the data speak. Raises ConfigError as `without_interaction` does."""
    alone = without_interaction(config)
    changes = {"num_edge_types": kinds.num_edge_types, "skip_first": kinds.skip_first, "edge_prior": ()}
    return alone if kinds.num_edge_types == 1 else TrainConfig.model_validate(config.model_dump() | changes)


def choose_types(scores: Mapping[Kinds, Float[np.ndarray, " sim"]], groups: Int[np.ndarray, " sim"]) -> TypeChoice:
    """From `log_likelihood` of the same held-out simulations by candidate: the simplest within a standard error of the best.

    Errors are over `groups`, the recordings that simulations were cut from: windows of one recording are no independent witnesses.
    """
    means = {kinds: by_group(scores[kinds], groups) for kinds in sorted(scores, key=lambda kinds: (kinds.num_edge_types, not kinds.skip_first))}
    best = max(means, key=lambda kinds: means[kinds].mean())
    candidates = []
    for kinds, mean in means.items():
        behind = means[best] - mean
        spread = float(behind.std(ddof=1) / np.sqrt(len(behind))) if len(behind) > 1 else 0.0
        candidates.append(Candidate(kinds, float(mean.mean()), float(behind.mean()), spread))
    chosen = next(candidate.kinds for candidate in candidates if candidate.behind <= candidate.spread)
    return TypeChoice(tuple(candidates), best, chosen)


def recordings(data: Trajectories) -> Int[np.ndarray, " sim"]:
    """Which of them each simulation comes from."""
    return np.arange(data.num_sims) if data.trials is None else data.trials


def by_group(values: Float[np.ndarray, " sim"], groups: Int[np.ndarray, " sim"]) -> Float[np.ndarray, " group"]:
    """The mean of each recording, without what is not a number."""
    known = ~np.isnan(values)
    return np.array([values[(groups == group) & known].mean() for group in np.unique(groups[known])])


def mean_of(values: Float[np.ndarray, " sim"], groups: Int[np.ndarray, " sim"]) -> Mean | None:
    """With the range that a bootstrap over recordings gives; None where nothing is known."""
    means = by_group(values, groups)
    if not len(means):
        return None
    if len(means) == 1:
        return Mean(float(means[0]), None, None)
    drawn = np.random.default_rng(0).integers(0, len(means), (DRAWS, len(means)))
    low, high = np.quantile(means[drawn].mean(1), (0.025, 0.975))
    return Mean(float(means.mean()), float(low), float(high))


@torch.no_grad()
def log_likelihood(checkpoint: Checkpoint, data: Trajectories) -> Float[np.ndarray, " sim"]:
    """log p(x) of each simulation, one frame ahead in the model's window, in nats per node and frame that was seen; NaN where none was.

    Summed over graphs by their prior where they can be counted, node by node where not; else the evidence lower bound
    under the encoder's most probable graph, which never flatters. The density is of what the decoder answers for, in
    normalised units: compare models of one recipe and one training set. Raises CheckpointError.
    """
    checkpoint.check(data)
    window = data.select(slice(None), frames=slice(0, checkpoint.config.window))
    values, observed = checkpoint.tensor(window), checkpoint.sightings(window)
    totals = []
    for member in checkpoint.members:
        for first in range(0, len(values), SIMS_AT_ONCE):
            part = slice(first, first + SIMS_AT_ONCE)
            totals.append(_log_prob(member, values[part], None if observed is None else observed[part]))
    total = torch.cat(totals).view(len(checkpoint.members), -1).mean(0).cpu().numpy().astype(np.float64)
    steps = np.full(data.num_sims, (window.num_steps - 1) * data.num_nodes)
    if not window.complete:
        steps = (window.observed[:, 1:] & window.observed[:, :-1]).sum((1, 2))
    return total / np.where(steps > 0, steps, np.nan)


def _log_prob(checkpoint: Checkpoint, values: Tensor, observed: Tensor | None) -> Float[Tensor, " sim"]:
    model, num_nodes, kinds = checkpoint.model.eval(), values.shape[2], checkpoint.config.settings.num_edge_types
    one_step = {"prediction_steps": 1, "burn_in": values.shape[1], "observed": observed}
    if checkpoint.objective in UNREAD:
        edges = complete_graph(values, kinds)
        return model.rollout_log_prob(values, edges if checkpoint.objective == "full_graph" else torch.zeros_like(edges), **one_step)
    if model.decoder is None:
        raise CheckpointError("This model has no decoder, so it says nothing of how likely motion is. Choose one trained to predict.")
    if model.settings.additive and way_through_decoder(model, num_nodes) != "search":
        return marginal(model, values, observed).log_prob + _log_prior_share(model, num_nodes)
    if model.encoder is None:
        raise CheckpointError("This model has no encoder, and too many graphs to sum over. Choose one with an encoder.")
    logits = model.edge_logits(values, observed)
    known = kl_divergence(logits, model.settings.prior).sum((1, 2)) / (2 if model.settings.undirected else 1)
    return model.rollout_log_prob(values, one_hot(logits.argmax(-1), kinds).to(values), **one_step) - known


def _log_prior_share(model: NRI, num_nodes: int) -> float:
    """What `marginal` leaves out of the prior over graphs, the same for every graph."""
    settings, pairs = model.settings, num_nodes * (num_nodes - 1)
    whole = settings.undirected and countable(num_nodes, settings.num_edge_types)
    if not settings.edge_prior:
        return -(pairs / 2 if whole else pairs) * float(np.log(settings.num_edge_types))
    half = settings.undirected and not whole
    return -pairs * float(np.log(np.sqrt(settings.prior).sum())) if half else 0.0
