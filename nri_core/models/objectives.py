"""What training minimises; all without labels. Each returns named terms, of which `loss` is followed downhill."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nri_core.models.marginal import marginal
from nri_core.models.nri import NRI, elbo
from nri_core.settings import TrainConfig

Terms = dict[str, Float[Tensor, ""]]


def evidence_bound(model: NRI, values: Float[Tensor, "sim time node dim"], settings: TrainConfig, generator: torch.Generator) -> Terms:
    """NRI proper: the negative evidence lower bound with the multi-step objective (Kipf et al. 2018, sections 3.2 to 3.4)."""
    nll, kl = elbo(
        model,
        values,
        temperature=settings.temperature,
        hard=settings.hard,
        prediction_steps=settings.prediction_steps,
        edge_prior=(1 / settings.num_edge_types,) * settings.num_edge_types,
        generator=generator,
    )
    return {"loss": nll + kl, "nll": nll, "kl": kl}


def marginal_likelihood(model: NRI, values: Float[Tensor, "sim time node dim"], settings: TrainConfig, generator: torch.Generator) -> Terms:
    """Not NRI: maximum marginal likelihood, −log Σ_z p(x | z) one step ahead, per node and frame. Needs no encoder."""
    nll = -marginal(model, values).log_prob.mean() / (values.shape[2] * (values.shape[1] - 1))
    return {"loss": nll, "nll": nll}


def distilled(model: NRI, values: Float[Tensor, "sim time node dim"], settings: TrainConfig, generator: torch.Generator) -> Terms:
    """Not NRI: maximum marginal likelihood, and an encoder that learns the decoder's own posterior (no labels) by cross-entropy."""
    exact = marginal(model, values)
    nll = -exact.log_prob.mean() / (values.shape[2] * (values.shape[1] - 1))
    logits = model.edge_logits(values)
    imitation = nn.functional.cross_entropy(logits.flatten(0, -2), exact.edge_probs.detach().flatten(0, -2))
    return {"loss": nll + imitation, "nll": nll, "imitation": imitation}


OBJECTIVES: dict[str, Callable[[NRI, Tensor, TrainConfig, torch.Generator], Terms]] = {
    "distilled": distilled,
    "marginal": marginal_likelihood,
    "elbo": evidence_bound,
}
