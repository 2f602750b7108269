"""How good is an inferred graph or a forecast: NumPy only, so that a page can score without loading a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int, Real

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import ANGLES, NONE, Trajectories


@dataclass(frozen=True)
class EdgeScore:
    """Agreement of inferred and true edge types over all ordered pairs, under one relabelling for the whole set.

    Without labels a model cannot know what a type is called, so `accuracy` takes the relabelling that agrees best, in which only
    a type that sends nothing ("none" in the belief, by how its reader is made) is not taken for one that acts, if the truth has a "none" too;
    `accuracy_raw` takes the types as numbered. `relabelling[k]` is the true type that inferred type k stands for: where several
    stand for one, their probabilities add up before the most probable type is asked for.
    `auroc` is for two true types (None otherwise): how well p(second type) ranks the pairs. `commonest` is the true type
    that most pairs have, and `commonest_share` what always answering it would get right.
    """

    accuracy: float
    accuracy_raw: float
    relabelling: tuple[int, ...]
    auroc: float | None
    accuracy_by_sim: Float[np.ndarray, " sim"]
    commonest: int
    commonest_share: float


@dataclass(frozen=True)
class Calibration:
    """How often a pair is named rightly, against how sure the model was of it, in bins of equal width from 0 to 1.

    `error` is the expected calibration error: the mean gap between the two, weighted by the pairs in each bin.
    """

    confidence: Float[np.ndarray, " bin"]
    right: Float[np.ndarray, " bin"]
    pairs: Int[np.ndarray, " bin"]
    error: float


def score_edges(posterior: EdgePosterior, truth: Trajectories) -> EdgeScore | None:
    """Score against `truth.edge_types`; None where the truth is unknown. Raises DataError for other simulations or nodes."""
    if truth.edge_types is None:
        return None
    expected = (truth.num_sims, truth.num_nodes)
    if (found := posterior.edge_probs.shape[:2]) != expected:
        raise DataError(f"Expected a posterior of {expected[0]} simulations of {expected[1]} nodes; found {found[0]} of {found[1]}.")
    true = truth.edge_types if truth.edge_types.ndim == 4 else truth.edge_types[:, None]  # [sim, time, node, node]
    inferred = np.broadcast_to(posterior.edge_types[:, None], true.shape)
    pairs = np.broadcast_to(off_diagonal(truth.num_nodes), true.shape)
    types, true_types = posterior.edge_type_names, truth.edge_type_names
    confusion = np.zeros((len(types), len(true_types)), int)
    np.add.at(confusion, (inferred[pairs], true[pairs]), 1)
    relabelling = best_relabelling(confusion, [(types.index(NONE), true_types.index(NONE))] if NONE in types and NONE in true_types else [])
    right = posterior.relabelled(relabelling, truth.edge_type_names).edge_types[:, None] == true  # as it is drawn
    shares = confusion.sum(0) / confusion.sum()
    return EdgeScore(
        accuracy=float(right[pairs].mean()),
        accuracy_raw=float((inferred == true)[pairs].mean()),
        relabelling=relabelling,
        auroc=_auroc_of_second_type(posterior, true, pairs, relabelling) if len(true_types) == 2 else None,
        accuracy_by_sim=np.mean(right, axis=(1, 2, 3), where=pairs),
        commonest=int(shares.argmax()),
        commonest_share=float(shares.max()),
    )


def calibration(posterior: EdgePosterior, truth: Trajectories, *, num_bins: int = 10) -> Calibration | None:
    """Reliability of the most probable type of each pair, up to relabelling; None where the truth is unknown.

    Bins without pairs are left out. Raises DataError as `score_edges` does.
    """
    score = score_edges(posterior, truth)
    if score is None:
        return None
    probs = posterior.relabelled(score.relabelling, truth.edge_type_names).edge_probs
    true = truth.edge_types if truth.edge_types.ndim == 4 else truth.edge_types[:, None]
    right = probs.argmax(-1)[:, None] == true
    pairs = np.broadcast_to(off_diagonal(truth.num_nodes), true.shape)
    confidence = np.broadcast_to(probs.max(-1)[:, None], true.shape)[pairs].astype(float)
    bins = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    count, sure, hits = (np.bincount(bins, weights, num_bins) for weights in (None, confidence, right[pairs].astype(float)))
    there = count > 0
    return Calibration(
        confidence=sure[there] / count[there],
        right=hits[there] / count[there],
        pairs=count[there],
        error=float(np.abs(sure - hits).sum() / count.sum()),
    )


def edge_figures(posterior: EdgePosterior | None, truth: Trajectories) -> dict[str, Any]:
    """What `evaluate --json` says of the graphs, whoever inferred them; None stands for what is unknown, or for no graphs."""
    score = score_edges(posterior, truth) if posterior is not None else None
    reliability = calibration(posterior, truth) if posterior is not None else None
    return {
        "num_sims": truth.num_sims,
        "edge_accuracy": score and score.accuracy,
        "inference": posterior.inference if posterior is not None else "none",
        "relabelling": score and list(score.relabelling),
        "edge_accuracy_raw": score and score.accuracy_raw,
        "auroc": score and score.auroc,
        "calibration_error": reliability and reliability.error,
        "commonest_share": score and score.commonest_share,
    }


def best_relabelling(confusion: Real[np.ndarray, "inferred true"], known: Sequence[tuple[int, int]] = ()) -> tuple[int, ...]:
    """The assignment of inferred to true types with the most agreement, in which the `known` (inferred, true) are not parted; surplus types join their most frequent true type."""
    pairs = nx.Graph()
    for inferred, true in np.ndindex(*confusion.shape):
        if any((inferred == kind) != (true == called) for kind, called in known):
            continue
        pairs.add_edge(("inferred", inferred), ("true", true), weight=float(confusion[inferred, true]))
    matched = dict(sorted(pair, reverse=False) for pair in nx.max_weight_matching(pairs, maxcardinality=True))
    nodes = [matched.get(("inferred", inferred)) for inferred in range(len(confusion))]
    return tuple(int(confusion[inferred].argmax()) if node is None else node[1] for inferred, node in enumerate(nodes))


def _auroc_of_second_type(
    posterior: EdgePosterior, true: Int[np.ndarray, "*shape"], pairs: Bool[np.ndarray, "*shape"], relabelling: tuple[int, ...]
) -> float | None:
    second = [inferred for inferred, label in enumerate(relabelling) if label == 1]
    score = np.broadcast_to(posterior.edge_probs[..., second].sum(-1)[:, None], true.shape)
    return auroc(score[pairs], true[pairs] == 1)


def auroc(score: Float[np.ndarray, " pair"], positive: Bool[np.ndarray, " pair"]) -> float | None:
    """Chance that a positive pair scores above a negative one, ties counting half; None where one class is empty."""
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    if not num_positive or not num_negative:
        return None
    _, place, ties = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (ties.cumsum() - (ties - 1) / 2)[place]
    return float((ranks[positive].sum() - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative))


def forecast_error(forecast: Trajectories, truth: Trajectories) -> Float[np.ndarray, "sim horizon"]:
    """Mean squared error over nodes and dims, in the reference's units, 1, 2, … frames after `forecast.metadata["start"]`.

    Angles are left out: their sine stands beside them. So are horizons beyond the end of the truth, and nodes that were not
    seen then, or not in the frame that the forecast starts from; NaN where that leaves none.
    """
    expected, frames = _aligned(forecast, truth)
    return _mean_squares(forecast.values[:, :frames] - expected, forecast, truth)


def static_error(forecast: Trajectories, truth: Trajectories) -> Float[np.ndarray, "sim horizon"]:
    """The error of a forecast that everything stays where it is: the baseline for `forecast_error`."""
    expected, _ = _aligned(forecast, truth)
    return _mean_squares(truth.values[:, forecast.metadata["start"], None] - expected, forecast, truth)


def mean_over_sims(errors: Float[np.ndarray, "sim horizon"]) -> Float[np.ndarray, " horizon"]:
    """By horizon, over the simulations that have an error there; NaN where none has."""
    there = ~np.isnan(errors)
    return errors.mean(0) if there.all() else np.where(there, errors, 0).sum(0) / np.where(there.any(0), there.sum(0), np.nan)


def _mean_squares(error: Float[np.ndarray, "sim horizon node dim"], forecast: Trajectories, truth: Trajectories) -> Float[np.ndarray, "sim horizon"]:
    dims = [dim for dim, name in enumerate(forecast.feature_names) if name not in ANGLES]
    squares = np.square(error[..., dims] / np.array(forecast.metadata["unit_scale"])[dims])
    if truth.complete:
        return squares.mean((2, 3))
    start, frames = forecast.metadata["start"], squares.shape[1]
    counted = truth.observed[:, start + 1 : start + 1 + frames] & truth.observed[:, start, None]
    total = np.where(counted[..., None], squares, 0).sum((2, 3))
    return total / np.where(counted.any(2), counted.sum(2) * len(dims), np.nan)


def _aligned(forecast: Trajectories, truth: Trajectories) -> tuple[Float[np.ndarray, "sim horizon node dim"], int]:
    first = forecast.metadata["start"] + 1
    frames = min(forecast.num_steps, truth.num_steps - first)
    if frames < 1 or forecast.num_sims != truth.num_sims:
        raise DataError(f"Expected the frames after frame {first - 1} of the same simulations; found {truth.num_steps} frames.")
    return truth.values[:, first : first + frames], frames
