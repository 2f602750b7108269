"""Classical network inference, with the result of `infer_edges`: what users would try before a neural network.

All but `known_law` rank pairs by a score. Their probabilities are those ranks (see `ranking`), fit for AUROC and for a
threshold, but not calibrated. `known_law` is told the physics; the others know nothing of it.
"""

from collections.abc import Callable

from nri_core.network_baselines.autoregression import granger
from nri_core.network_baselines.laws import LAWS, known_law, law_fit
from nri_core.network_baselines.similarity import correlation, mutual_information, partial_correlation, state_correlation
from nri_core.posterior import EdgePosterior

BASELINES: dict[str, Callable[..., EdgePosterior]] = {
    "correlation": correlation,
    "partial_correlation": partial_correlation,
    "mutual_information": mutual_information,
    "granger": granger,
    "known_law": known_law,
}

__all__ = ["BASELINES", "LAWS", "known_law", "law_fit", "state_correlation"]
