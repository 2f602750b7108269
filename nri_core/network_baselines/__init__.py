"""Classical network inference, with the result of `infer_edges`: what users would try before a neural network.

All but `known_law` rank pairs by a score. Their probabilities are those ranks (see `ranking`), fit for AUROC and for a
threshold, but not calibrated. `known_law` is told the physics; the others know nothing of it.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from nri_core.network_baselines.autoregression import granger
from nri_core.network_baselines.laws import LAWS, known_law, law_fit
from nri_core.network_baselines.similarity import correlation, mutual_information, partial_correlation, state_correlation
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

BASELINES: dict[str, Callable[..., EdgePosterior]] = {
    "correlation": correlation,
    "partial_correlation": partial_correlation,
    "mutual_information": mutual_information,
    "granger": granger,
    "known_law": known_law,
}

__all__ = ["BASELINES", "LAWS", "directions", "known_law", "law_fit", "reader_of", "state_correlation"]


def directions(name: str, data: Trajectories) -> dict[str, bool]:
    """What a method that can tell the directions of a pair apart is told on these data: to do so, unless a law is known that has both alike."""
    alike = data.metadata.get("system") in LAWS and not data.metadata.get("parameters", {}).get("directed")
    return {} if alike or "undirected" not in signature(BASELINES[name]).parameters else {"undirected": False}


def reader_of(name: str, **options: Any) -> Callable[[Trajectories], EdgePosterior]:
    """The method `name` as a function of data alone, with the directions that fit them."""
    return lambda data: BASELINES[name](data, **directions(name, data), **options)
