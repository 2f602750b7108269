"""How much a reader needs: curves that must rise or fall, one relabelling a set, and what is refused."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError, DataError
from nri_core.network_baselines import known_law
from nri_core.sensitivity import Effort, Point, as_reader, by_frames, by_nodes, by_noise, curve, enough, fresh_by_frames, law_learned, measure, noise_on, usual_frames
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories

MODELS = Path(__file__).parents[1] / "sample_data" / "models"
FEW = Effort(num_sims=2, seed=7)


@cache
def springs5() -> Checkpoint:
    return Checkpoint.load(MODELS / "springs5")


@cache
def systems() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=4, num_nodes=4, num_steps=100, seed=3))


@pytest.mark.slow
def test_noise_hides_the_graph_and_its_absence_does_not() -> None:
    clear, noisy = curve(as_reader(springs5()), by_noise(law_learned(springs5()), (0.0, 1.0), frames=49, nodes=5, effort=FEW))
    assert clear.accuracy > 0.95 > 0.75 > noisy.accuracy
    assert clear.num_sims == noisy.num_sims and 0 < noisy.spread < 0.5
    assert noisy.low <= noisy.accuracy <= noisy.high


@pytest.mark.slow
def test_the_same_arguments_give_the_same_points() -> None:
    question = by_noise(law_learned(springs5()), (0.03,), frames=20, nodes=4, effort=FEW)
    assert list(curve(as_reader(springs5(), "encoder"), question)) == list(curve(as_reader(springs5(), "encoder"), question))
    other = by_noise(law_learned(springs5()), (0.03,), frames=20, nodes=4, effort=Effort(num_sims=2, seed=8))
    assert other.key != question.key and not np.array_equal(other.systems(0.03).values, question.systems(0.03).values)


def test_the_systems_stay_the_same_under_more_noise() -> None:
    question = by_noise(Springs(), (0.0, 0.1), frames=5, nodes=4, effort=FEW)
    clear, noisy = (question.systems(value) for value in question.values)
    assert np.array_equal(clear.edge_types, noisy.edge_types)
    assert np.std(noisy.values - clear.values) == pytest.approx(0.1, rel=0.1)


def test_noise_on_systems_that_are_there_goes_by_the_spread_of_each_feature() -> None:
    wide = replace(systems(), values=systems().values * np.array([1000, 1, 1, 1], systems().values.dtype))
    question = noise_on(wide, (0.0, 0.1, 0.2), frames=49)
    clear, some, more = (question.systems(noise).values for noise in question.values)
    assert np.array_equal(clear, wide.values[:, :49])
    assert np.allclose((some - clear).std((0, 1, 2)), 0.1 * clear.std((0, 1, 2)), rtol=0.05)
    assert np.allclose(more - clear, 2 * (some - clear), rtol=1e-3, atol=1e-3)
    law = partial(known_law, law="springs")
    points = list(curve(law, noise_on(systems(), (0.0, 1.0), frames=49)))
    assert points[0].accuracy > points[1].accuracy


@pytest.mark.slow
def test_frames_are_the_first_of_the_same_systems() -> None:
    question = by_frames(systems(), (3, 49))
    few, all_of_one_window = curve(as_reader(springs5()), question)
    assert few.num_sims == 4 and all_of_one_window.accuracy >= few.accuracy
    assert np.array_equal(question.systems(3).values, systems().values[:, :3])


def test_of_longer_data_all_windows_count() -> None:
    posterior = as_reader(springs5(), "encoder")(systems())
    assert posterior.inference.endswith("2 windows")


@pytest.mark.slow
def test_sizes_differ_and_larger_systems_are_fewer() -> None:
    small, large = curve(as_reader(springs5()), by_nodes(law_learned(springs5()), (3, 6), frames=49, effort=Effort(num_sims=12)))
    assert small.num_sims > large.num_sims
    assert small.accuracy > 0.9 and large.to_beat == pytest.approx(0.5, abs=0.15)


def test_a_reader_that_refuses_says_so_at_that_point_only() -> None:
    def picky(data: Trajectories):
        if data.num_nodes > 3:
            raise CheckpointError("This model reads 3 nodes together.")
        return known_law(data, law="springs")

    small, large = curve(picky, by_nodes(Springs(), (3, 4), frames=10, effort=FEW))
    assert small.accuracy > 0.9 and not small.why
    assert large.accuracy is None and large.why == "This model reads 3 nodes together."


def test_the_right_law_needs_few_frames() -> None:
    question = fresh_by_frames(Springs(), (4, 20), nodes=4, effort=FEW)
    points = list(curve(partial(known_law, law="springs"), question))
    assert points[-1].accuracy > 0.95 and enough(points) is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: by_frames(replace(systems(), edge_types=None, edge_type_names=()), (5,)), "come without one"),
        (lambda: by_frames(systems(), (5, 101)), "from 1 to 100; found 101"),
        (lambda: by_frames(systems(), ()), "found none"),
        (lambda: by_frames(systems(), (9, 5)), "values that rise"),
        (lambda: by_noise(Springs(), (-1.0,), frames=5, nodes=3), "noise from 0 to 10; found -1"),
        (lambda: noise_on(systems(), (0.0, 11.0), frames=5), "noise from 0 to 10; found 11"),
        (lambda: noise_on(replace(systems(), edge_types=None, edge_type_names=()), frames=5), "come without one"),
        (lambda: by_nodes(Springs(), (1, 5), frames=5), "2 to 100 nodes; found 1"),
    ],
)
def test_questions_without_an_answer_are_one_sentence(wrong, said: str) -> None:
    with pytest.raises(DataError, match=said):
        wrong()


@pytest.mark.parametrize("data", [{}, {"system": "moons"}, {"system": "springs", "parameters": {"strengths": "many"}}, {"system": "springs", "parameters": 3}])
def test_a_model_whose_law_is_not_known_says_so(data: dict) -> None:
    config = springs5().config.model_copy(update={"metadata": {"data": data}})
    with pytest.raises(DataError, match="is not known here"):
        law_learned(replace(springs5(), config=config))


def test_frames_to_try_are_parts_and_multiples_of_a_window() -> None:
    assert usual_frames(49, 99) == (3, 5, 10, 15, 22, 32, 49, 98)
    assert usual_frames(49, 2) == (2,)


def test_enough_is_where_it_stays_good() -> None:
    def points(*accuracies: float | None) -> list[Point]:
        return [Point(float(at), 4, accuracy) for at, accuracy in enumerate(accuracies)]

    assert enough(points(0.5, 0.96, 0.7, 0.97, None, 0.99)) == 3
    assert enough(points(0.99, 0.5)) is None and enough([]) is None


def test_measuring_without_a_truth_is_refused() -> None:
    question = by_frames(systems(), (5,))
    with pytest.raises(DataError, match="true graph is known"):
        measure(partial(known_law, law="springs"), replace(question, systems=lambda _: replace(systems(), edge_types=None, edge_type_names=())), 5.0)
