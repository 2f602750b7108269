"""What can be concluded without knowing the truth: whether graphs come out again, and whether they help to predict what was held out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError, DataError
from nri_core.graph import off_diagonal
from nri_core.holdout import halves
from nri_core.inference import forecast_start, infer_edges, rollout
from nri_core.metrics import best_relabelling, forecast_error
from nri_core.model_choice import Mean, log_likelihood, mean_of, recordings, without_interaction
from nri_core.posterior import EdgePosterior
from nri_core.settings import TrainConfig
from nri_core.trajectories import Trajectories

LONGEST = 10  # frames ahead over which forecasts are compared
EQUAL = 0.01  # nats per node and frame, below which nothing is said to be gained or lost
SAME, MOSTLY = 0.9, 0.4  # agreement beyond chance from which graphs are called the same, or mostly so
SEED, FIRST, SECOND, ALONE = "another seed", "first half", "second half", "no interaction"
PURPOSES = (SEED, FIRST, SECOND, ALONE)  # of further trainings, in the order of `trainings`


@dataclass(frozen=True)
class Agreement:
    """How alike two readings of the same data are, under the relabelling of types that suits best.

    `share` of the ordered pairs have the same type; `by_chance` would, if both drew types at random as often as they use
    them; `kappa` = (share − by_chance) / (1 − by_chance): 1 is the same graph, 0 no more than chance (Cohen 1960). None
    where both give all pairs one type: then there is nothing to agree on.
    """

    share: float
    by_chance: float
    kappa: float | None


@dataclass(frozen=True)
class Assessment:
    """None stands for what could not be compared. `forecast` is the share of the forecast error that the graph saves (0.3: 30 % less)
    over so many `frames_ahead`; `likelihood` what it gains, one frame ahead, in nats per node and frame.
    """

    seeds: Agreement | None
    halves: Agreement | None
    forecast: Mean | None
    frames_ahead: int
    likelihood: Mean | None
    num_recordings: int


@dataclass(frozen=True)
class Conclusion:
    """A plain sentence: "yes" says what the data support, "no" what they speak against, "open" what they leave open."""

    verdict: Literal["yes", "no", "open"]
    sentence: str


def trainings(train: Trajectories, config: TrainConfig) -> dict[str, tuple[Trajectories, TrainConfig]]:
    """The further trainings that `assess` compares a model with: on what, and how. Raises ConfigError and DataError where they cannot be."""
    first, second = halves(train)
    again = config.model_copy(update={"seed": config.seed + 1})
    return {SEED: (train, again), FIRST: (first, config), SECOND: (second, config), ALONE: (train, without_interaction(config))}


def assess(checkpoint: Checkpoint, others: Mapping[str, Checkpoint], held_out: Trajectories) -> Assessment:
    """Compare the model with the `trainings` that there are, on data that none of them learned from. No label is read."""
    seeds = agreement(infer_edges(checkpoint, held_out), infer_edges(others[SEED], held_out)) if SEED in others else None
    split = agreement(infer_edges(others[FIRST], held_out), infer_edges(others[SECOND], held_out)) if {FIRST, SECOND} <= set(others) else None
    likelihood, forecast, ahead = None, None, 0
    if ALONE in others:
        gained = log_likelihood(checkpoint, held_out) - log_likelihood(others[ALONE], held_out)
        likelihood = mean_of(gained, recordings(held_out))
        forecast, ahead = forecast_gain(checkpoint, others[ALONE], held_out)
    return Assessment(seeds, split, forecast, ahead, likelihood, len(np.unique(recordings(held_out))))


def agreement(first: EdgePosterior, second: EdgePosterior) -> Agreement:
    """Of the most probable types. Raises DataError for readings of other simulations, nodes or numbers of types."""
    if first.edge_probs.shape != second.edge_probs.shape:
        raise DataError(f"Expected two readings of one shape; found {first.edge_probs.shape} and {second.edge_probs.shape}. Read the same data by both.")
    pairs = np.broadcast_to(off_diagonal(len(first.node_names)), first.edge_types.shape)
    confusion = np.zeros((len(first.edge_type_names),) * 2)
    np.add.at(confusion, (second.edge_types[pairs], first.edge_types[pairs]), 1)
    together = np.zeros_like(confusion)
    for kind, called in enumerate(best_relabelling(confusion)):
        together[called] += confusion[kind] / confusion.sum()
    share, by_chance = float(np.trace(together)), float(together.sum(0) @ together.sum(1))
    return Agreement(share, by_chance, (share - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-9 else None)


def forecast_gain(checkpoint: Checkpoint, alone: Checkpoint, data: Trajectories) -> tuple[Mean | None, int]:
    """The share of the forecast error that the inferred graph saves, and over how many frames ahead; None where nothing is left to forecast.

    The graph is read from frames before the forecast only. 1 − exp of the mean log ratio of errors, so that no recording
    outweighs the others.
    """
    start = forecast_start(checkpoint, data)
    ahead = min(LONGEST, data.num_steps - start - 1)
    past = data.select(slice(None), frames=slice(0, start + 1))
    try:
        checkpoint.check(past)
    except CheckpointError:
        return None, 0  # it reads all frames at once, and none is left
    if ahead < 1 or checkpoint.model.decoder is None:
        return None, 0
    graph = infer_edges(checkpoint, past)
    errors = [
        forecast_error(rollout(model, data, posterior, start=start, num_steps=ahead), data)
        for model, posterior in ((checkpoint, graph), (alone, None))
    ]
    ratio = np.log(np.maximum(_over_horizons(errors[0]), 1e-30) / np.maximum(_over_horizons(errors[1]), 1e-30))
    found = mean_of(ratio, recordings(data))
    if found is None:
        return None, ahead
    low, high = (None if end is None else 1 - float(np.exp(end)) for end in (found.high, found.low))
    return Mean(1 - float(np.exp(found.value)), low, high), ahead


def _over_horizons(errors: Float[np.ndarray, "sim horizon"]) -> Float[np.ndarray, " sim"]:
    there = ~np.isnan(errors)
    return np.where(there, errors, 0).sum(1) / np.where(there.any(1), there.sum(1), np.nan)


def conclude(found: Assessment) -> tuple[Conclusion, ...]:
    """In plain words, and always what no such comparison can tell."""
    sentences = [
        _repeated(found.seeds, "Trained again from another random start, the model reads {how} graph", "so the result is no accident of the start"),
        _repeated(found.halves, "Two models that learned from different halves of the data read {how} graph", "so it is a property of all of the data"),
        _gained(found),
    ]
    stable = [part.kappa for part in (found.seeds, found.halves) if part is not None and part.kappa is not None]
    if found.likelihood and (found.likelihood.low or 0) > 0 and stable and min(stable) < MOSTLY:
        sentences.append(Conclusion("open", "There is interaction in these data, but which pairs interact is not settled by them: record more, or look at fewer nodes."))
    if found.num_recordings < 5:
        sentences.append(
            Conclusion("open", f"Only {found.num_recordings} recording{'s were' if found.num_recordings != 1 else ' was'} held out: ranges over so few say little.")
        )
    sentences.append(
        Conclusion(
            "open",
            "Without a known graph nobody can say how many pairs are right. An edge means that one node helps to predict another, which "
            "something unseen that moves both would do as well; only an intervention shows a cause.",
        )
    )
    return tuple(sentence for sentence in sentences if sentence is not None)


def _repeated(found: Agreement | None, sentence: str, then: str) -> Conclusion | None:
    if found is None:
        return None
    if found.kappa is None:
        return Conclusion("open", f"{sentence.format(how='the same')}: every pair has one type, so there is nothing that could differ.")
    figures = f"{100 * found.share:.0f} % of the pairs alike, {100 * found.by_chance:.0f} % by chance, agreement beyond chance {found.kappa:.2f}"
    if found.kappa >= SAME:
        return Conclusion("yes", f"{sentence.format(how='the same')} ({figures}), {then}.")
    if found.kappa >= MOSTLY:
        return Conclusion("open", f"{sentence.format(how='mostly the same')} ({figures}): believe the clear edges, not each of them.")
    return Conclusion("no", f"{sentence.format(how='another')} ({figures}): no single edge should be believed.")


def _gained(found: Assessment) -> Conclusion | None:
    gain = found.likelihood
    if gain is None:
        return None
    forecast = ""
    if found.forecast is not None:
        forecast = f" Forecasts of {found.frames_ahead} frames {_saved(found.forecast)}{_range(found.forecast, 100.0, ' %')}."
    figures = f"{gain.value:+.3f} nats per node and frame{_range(gain, 1.0, '')}"
    if gain.low is not None and gain.low > 0:
        return Conclusion("yes", f"Held-out motion is likelier with the graph than without any interaction ({figures}): somebody acts on somebody.{forecast}")
    if gain.low is None:
        how = "about as likely with the graph as without" if abs(gain.value) < EQUAL else "likelier with the graph than without" if gain.value > 0 else "likelier without"
        return Conclusion("open", f"Held-out motion is {how} any interaction ({figures}), but a single held-out recording gives no range, so it may be chance.{forecast}")
    if gain.high > 0:
        return Conclusion("open", f"Held-out motion is about as likely without any interaction ({figures}).{forecast}")
    return Conclusion("no", f"Held-out motion is likelier without any interaction ({figures}): the model has learned of none that helps to predict.{forecast}")


def _saved(forecast: Mean) -> str:
    percent = 100 * forecast.value
    if abs(percent) < 0.5:
        return "are as good either way"
    if percent < 0:
        return f"have {-percent:.0f} % more error"
    return "save more than 99 % of the error" if percent > 99.5 else f"save {percent:.0f} % of the error"


def _range(mean: Mean, factor: float, unit: str) -> str:
    return "" if mean.low is None else f" (95 % range {factor * mean.low:.3g} to {factor * mean.high:.3g}{unit})"


def figures(found: Assessment) -> dict[str, Any]:
    """For JSON: every number, and the sentences."""
    parts: dict[str, Any] = {name: part and vars(part) for name, part in vars(found).items() if not isinstance(part, int)}
    numbers: Sequence[tuple[str, int]] = [(name, part) for name, part in vars(found).items() if isinstance(part, int)]
    return parts | dict(numbers) | {"conclusions": [vars(conclusion) for conclusion in conclude(found)]}
