"""How much a reader of graphs needs: its accuracy against the number of frames seen, the noise on them, and the number of nodes.

A `Question` makes systems for each value of one of these, `measure` answers it for one value, so that whoever asks can show
point after point. Pure and seeded: equal arguments give equal points.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nri_core.checkpoint import Checkpoint
from nri_core.errors import DataError, NRIError
from nri_core.graph import num_edges
from nri_core.inference import infer_edges, infer_windows
from nri_core.metrics import score_edges
from nri_core.posterior import EdgePosterior
from nri_core.systems import Simulation, System, simulate, system_of
from nri_core.trajectories import Trajectories

Read = Callable[[Trajectories], EdgePosterior]

SHARES = (0.06, 0.1, 0.2, 0.3, 0.45, 0.65, 1.0, 2.0, 4.0)  # of the frames that a model reads at once
NOISES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # standard deviations, in the units of the simulator, or in those of each feature
NODES = (3, 4, 5, 6, 8, 10, 15, 20)
FEWEST_FRAMES, FEWEST_SIMS = 3, 6
MOST_EDGES = 4000  # read for one loaded point
NOISE_SEED = 20


class Effort(BaseModel):
    """How many systems a point rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_sims: int = Field(32, ge=2, le=2000, description="Simulated systems of five nodes for each point; fewer of larger ones")
    seed: int = Field(20, ge=0, le=2**31 - 1, description="The same seed gives the same systems; not the seed of the training data")


@dataclass(frozen=True)
class Point:
    """Accuracy at one value, over systems: mean, standard deviation, and the accuracies that 10 % and 90 % of the systems stay below.

    Up to one relabelling for the whole set. `to_beat` is what always naming the commonest type would get right. Where the reader refuses,
    the numbers are None and `why` holds its sentence.
    """

    at: float
    num_sims: int
    accuracy: float | None = None
    spread: float | None = None
    low: float | None = None
    high: float | None = None
    to_beat: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Question:
    """What changes, over which values, and the systems at each of them; `key` tells it from every other."""

    by: str
    values: tuple[float, ...]
    systems: Callable[[float], Trajectories] = field(repr=False)
    key: str = ""


def measure(read: Read, question: Question, at: float) -> Point:
    """One point of the curve."""
    data = question.systems(at)
    try:
        score = score_edges(read(data), data)
    except NRIError as error:  # such as too few frames for it
        return Point(at, data.num_sims, why=str(error))
    if score is None:
        raise DataError("Expected systems whose true graph is known; these come without one. Choose fresh systems, or data with a known graph.")
    each = score.accuracy_by_sim
    low, high = np.quantile(each, (0.1, 0.9))
    return Point(at, data.num_sims, score.accuracy, float(each.std()), float(low), float(high), score.commonest_share)


def curve(read: Read, question: Question) -> Iterator[Point]:
    """Point after point."""
    return (measure(read, question, at) for at in question.values)


def as_reader(checkpoint: Checkpoint, inference: str | None = None) -> Read:
    """The model's belief; of data longer than it reads at once, that of all whole windows together."""

    def read(data: Trajectories) -> EdgePosterior:
        window = checkpoint.config.window
        if data.num_steps < 2 * window:
            return infer_edges(checkpoint, data, inference=inference)
        return infer_windows(checkpoint, data, stride=window, inference=inference).combined()

    return read


def law_learned(checkpoint: Checkpoint) -> System:
    """The law, with its parameters, that moved the model's training data. Raises DataError where the model does not tell."""
    try:
        return system_of(checkpoint.config.metadata.get("data", {}))
    except DataError as error:
        raise DataError("The law that moved this model's training data is not known here, so no fresh systems can be simulated for it.") from error


def by_frames(data: Trajectories, frames: Sequence[int]) -> Question:
    """The first frames of systems that are there: as many systems as keep a point quick. Raises DataError without a truth, or for more frames than there are."""
    some = _known(data)
    wrong = [count for count in frames if not 1 <= count <= data.num_steps]
    if wrong or not frames:
        raise DataError(f"Expected numbers of frames from 1 to {data.num_steps}; found {', '.join(map(str, wrong)) or 'none'}.")
    return Question("frames", _rising(frames), lambda count: some.select(slice(None), frames=slice(0, int(count))), f"{some.digest} {_rising(frames)}")


def fresh_by_frames(law: System, frames: Sequence[int], *, nodes: int, effort: Effort | None = None) -> Question:
    """The first frames of fresh systems. Raises DataError as `by_frames` does."""
    return by_frames(simulate(law, _simulation(nodes, max([*frames, 1]), effort)), frames)


def by_noise(law: System, noises: Sequence[float] = NOISES, *, frames: int, nodes: int, effort: Effort | None = None) -> Question:
    """The same fresh systems, seen with more and more noise. Raises DataError for a noise that the law does not take."""
    _check_noises(noises)
    simulation = _simulation(nodes, frames, effort)
    return Question("noise", _rising(noises), lambda noise: simulate(law.model_copy(update={"noise": noise}), simulation), f"{law!r} {simulation!r} {_rising(noises)}")


def noise_on(data: Trajectories, noises: Sequence[float] = NOISES, *, frames: int) -> Question:
    """The first frames of systems that are there, seen with more and more noise, in shares of each feature's standard deviation: no law is needed.

    Raises DataError without a truth, or for a noise that is none.
    """
    _check_noises(noises)
    some = _known(data).select(slice(None), frames=slice(0, frames))
    unit = np.random.default_rng(NOISE_SEED).normal(size=some.values.shape) * np.nanstd(some.values, axis=(0, 1, 2))
    return Question("noise", _rising(noises), lambda noise: replace(some, values=some.values + noise * unit), f"{some.digest} {_rising(noises)}")


def by_nodes(law: System, nodes: Sequence[int] = NODES, *, frames: int, effort: Effort | None = None) -> Question:
    """Fresh systems of more and more nodes. Raises DataError for fewer than 2 nodes or more than 100."""
    if wrong := [count for count in nodes if not 2 <= count <= 100]:
        raise DataError(f"Expected systems of 2 to 100 nodes; found {', '.join(map(str, wrong))}.")
    return Question("nodes", _rising(nodes), lambda count: simulate(law, _simulation(int(count), frames, effort)), f"{law!r} {frames} {effort!r} {_rising(nodes)}")


def usual_frames(window: int, most: int) -> tuple[int, ...]:
    """Numbers of frames to try: parts and multiples of what a model reads at once, as far as there are so many."""
    tried = {max(round(share * window), FEWEST_FRAMES) for share in SHARES}
    return tuple(count for count in sorted(tried) if count <= most) or (most,)


def enough(points: Sequence[Point], share: float = 0.95) -> float | None:
    """The smallest value from which on the accuracy stays at `share` or more; None where it does not end there."""
    known = [point for point in points if point.accuracy is not None]
    reached = None
    for point in reversed(known):
        if point.accuracy < share:
            break
        reached = point.at
    return reached


def _known(data: Trajectories) -> Trajectories:
    """As many systems as keep a point quick. Raises DataError without a truth."""
    if data.edge_types is None:
        raise DataError("Expected systems whose true graph is known; these come without one. Choose fresh systems, or add a known graph.")
    return data.select(slice(0, max(MOST_EDGES // num_edges(data.num_nodes), FEWEST_SIMS)))


def _check_noises(noises: Sequence[float], most: float = 10.0) -> None:
    if wrong := [noise for noise in noises if not 0 <= noise <= most]:
        raise DataError(f"Expected noise from 0 to {most:g}; found {', '.join(f'{noise:g}' for noise in wrong)}.")


def _simulation(nodes: int, frames: int, effort: Effort | None) -> Simulation:
    """Fewer of larger systems: a point reads about as many pairs, whatever their size."""
    chosen = effort or Effort()
    count = min(max(round(chosen.num_sims * 20 / num_edges(nodes)), FEWEST_SIMS), 2 * chosen.num_sims)
    return Simulation(num_sims=max(count, 1), num_nodes=nodes, num_steps=frames, seed=chosen.seed)


def _rising(values: Sequence[int] | Sequence[float]) -> tuple[float, ...]:
    """Raises DataError unless each value is larger than the one before."""
    if not values or any(one >= other for one, other in pairwise(values)):
        raise DataError(f"Expected values that rise; found {', '.join(f'{value:g}' for value in values) or 'none'}.")
    return tuple(map(float, values))
