"""What training minimises. Each returns named terms, of which `loss` is followed downhill; two baselines alone read labels."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.marginal import marginal, one_hot
from nri_core.models.nri import NRI, Rows, elbo, kl_divergence
from nri_core.settings import TrainConfig

Terms = dict[str, Float[Tensor, ""]]
LABELLED = ("supervised", "true_graph")


class Batch(NamedTuple):
    """Normalised simulations, their true edges (one-hot) for the objectives that are told them, which part of a larger batch they are,
    and which nodes were seen when: a step counts where its receiver was seen at both ends, as far as senders were seen at its start.
    """

    values: Float[Tensor, "sim time node dim"]
    edges: Float[Tensor, "sim node slot type"] | None = None
    rows: Rows | None = None
    observed: Bool[Tensor, "sim time node"] | None = None  # None: everything was


class Outcome(NamedTuple):
    """The terms, and the graphs that were read on the way: the decoder's posterior, the encoder's logits."""

    terms: Terms
    edge_probs: Float[Tensor, "sim node slot type"] | None = None
    edge_logits: Float[Tensor, "sim node slot type"] | None = None


def evidence_bound(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """NRI proper: the negative evidence lower bound with the multi-step objective (Kipf et al. 2018, sections 3.2 to 3.4)."""
    nll, kl = elbo(
        model,
        batch.values,
        temperature=settings.temperature,
        hard=settings.hard,
        prediction_steps=settings.prediction_steps,
        burn_in=settings.burn_in,
        generator=generator,
        rows=batch.rows,
        observed=batch.observed,
    )
    return Outcome({"loss": nll + kl, "nll": nll, "kl": kl})


def marginal_likelihood(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """Not NRI: maximum marginal likelihood, −log Σ_z p(x | z) p(z) one step ahead, per node and frame. Needs no encoder."""
    exact = marginal(model, batch.values, batch.observed)
    nll = -exact.log_prob.mean() / _node_frames(batch)
    terms = {"loss": nll, "nll": nll, "kl": _divergence(model, exact.edge_probs.clamp_min(1e-12).log())}
    return Outcome(_with_forecaster(terms, model, batch, exact.edge_probs, generator), exact.edge_probs)


def distilled(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """Not NRI: maximum marginal likelihood, and an encoder that learns the decoder's own posterior (no labels) by cross-entropy."""
    exact = marginal(model, batch.values, batch.observed)
    nll = -exact.log_prob.mean() / _node_frames(batch)
    logits = model.edge_logits(batch.values, batch.observed)
    imitation = _cross_entropy(logits, exact.edge_probs.detach())
    terms = {"loss": nll + imitation, "nll": nll, "imitation": imitation, "kl": _divergence(model, logits)}
    return Outcome(_with_forecaster(terms, model, batch, exact.edge_probs, generator), exact.edge_probs, logits)


def supervised(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """A baseline that is told the labels: cross-entropy of the encoder against the true edges; no decoder."""
    logits = model.edge_logits(batch.values, batch.observed)
    return Outcome({"loss": _cross_entropy(logits, batch.edges)}, edge_logits=logits)


def true_graph(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """A baseline that is told the labels: the decoder learns to predict under the true graph; no encoder."""
    return _given_graph(model, batch, settings, batch.edges)


def full_graph(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """A baseline without inference: the decoder learns to predict with every pair of the last type (or, as an LSTM, with no graph)."""
    return _given_graph(model, batch, settings, complete_graph(batch.values, settings.num_edge_types))


def empty_graph(model: NRI, batch: Batch, settings: TrainConfig, generator: torch.Generator) -> Outcome:
    """What there is to beat: the decoder learns to predict where nobody acts on anybody."""
    return _given_graph(model, batch, settings, torch.zeros_like(complete_graph(batch.values, settings.num_edge_types)))


def complete_graph(values: Float[Tensor, "sim time node dim"], num_edge_types: int) -> Float[Tensor, "sim node slot type"]:
    """Every edge of the last type."""
    num_sims, _, num_nodes, _ = values.shape
    edges = values.new_zeros(num_sims, num_nodes, num_nodes - 1, num_edge_types)
    edges[..., -1] = 1
    return edges


def _given_graph(model: NRI, batch: Batch, settings: TrainConfig, edges: Tensor) -> Outcome:
    log_prob = model.rollout_log_prob(
        batch.values, edges, prediction_steps=settings.prediction_steps, burn_in=settings.burn_in, observed=batch.observed
    )
    nll = -log_prob.mean() / _node_frames(batch)
    return Outcome({"loss": nll, "nll": nll})


def _with_forecaster(terms: Terms, model: NRI, batch: Batch, edge_probs: Tensor, generator: torch.Generator) -> Terms:
    """The forecaster learns beside the rest, under the most probable graph of the moment; they share no weights."""
    if model.forecaster is None:
        return terms
    graph = one_hot(edge_probs.detach().argmax(-1), model.settings.num_edge_types).to(batch.values)
    forecast = model.forecaster.loss(batch.values, graph, generator, batch.observed)
    return terms | {"loss": terms["loss"] + forecast, "forecast": forecast}


@torch.no_grad()
def _divergence(model: NRI, logits: Float[Tensor, "sim node slot type"]) -> Float[Tensor, ""]:
    """KL(q ‖ prior) per node, as the bound has it; here it is no part of the loss and only tells how sure the model is."""
    return kl_divergence(logits, model.settings.prior).sum() / (logits.shape[0] * logits.shape[1])


def _cross_entropy(logits: Float[Tensor, "sim node slot type"], target: Float[Tensor, "sim node slot type"]) -> Float[Tensor, ""]:
    return nn.functional.cross_entropy(logits.flatten(0, -2), target.flatten(0, -2))


def _node_frames(batch: Batch) -> int:
    return batch.values.shape[2] * (batch.values.shape[1] - 1)


OBJECTIVES: dict[str, Callable[[NRI, Batch, TrainConfig, torch.Generator], Outcome]] = {
    "distilled": distilled,
    "marginal": marginal_likelihood,
    "elbo": evidence_bound,
    "supervised": supervised,
    "true_graph": true_graph,
    "full_graph": full_graph,
    "empty_graph": empty_graph,
}
