"""What the tour says is so: each sentence under “What you should see” that can be counted, counted."""

import numpy as np
import pytest

from nri_core.candidates import Candidates
from nri_core.systems import Springs, simulate
from ui import samples
from ui.lessons import LESSONS, charges, degenerate, frames, hidden, kinds, physics
from ui.lessons.systems import by_method
from ui.readings import checkpoint

pytestmark = pytest.mark.slow

SEES = {lesson.name: lesson.see for lesson in LESSONS}


def test_correlation_stays_near_a_coin_and_a_law_needs_few_frames() -> None:
    assert "near a coin toss, however long" in SEES["physics"] and "goes wrong, and nothing warns" in SEES["physics"]
    data = samples.sample("springs5").trajectories
    for length in (6, 12, 25, 49, 99):
        right = {way: by_method(method, data, length, **options)[1].mean() for way, (method, options) in physics._WAYS.items()}
        assert right["Correlation"] < 0.65 and right["Right law"] > 0.99 and right["Wrong law"] < 0.7
    sure = by_method("known_law", data, 49, law="charged")[0].edge_probs.max(-1)[:, ~np.eye(5, dtype=bool)].mean()
    assert sure > 0.95


def test_of_all_graphs_the_hidden_one_predicts_best() -> None:
    assert "Of all 1,024 graphs the hidden one predicts best" in SEES["without_labels"]
    data, model = samples.sample("springs5").trajectories, checkpoint(samples.folder("springs5"))
    for system in range(data.num_sims):
        found = Candidates.of(model, data.select(slice(system, system + 1)))
        assert len(found.log_probs) == 1024 and found.rank(data.edge_types[system]) == 1
        graph, better = None, np.zeros((5, 5), int)
        while graph is None or not np.array_equal(graph, better):
            graph, better = better, found.better(better)
        assert found.rank(graph) == 1, f"the search of system {system + 1} gets stuck"


def test_one_model_infers_one_graph_for_all_systems_and_the_other_needs_that_of_each() -> None:
    assert "one graph for all, as good as a coin toss" in SEES["degenerate"] and "beats the guess that nothing moves" in SEES["degenerate"]
    data = samples.sample("springs5").trajectories
    settled, needing = (degenerate._kept(data.digest, who, data) for who in degenerate._MODELS)
    assert 0.4 < settled.right.mean() < 0.6 and needing.right.mean() > 0.99
    assert settled.alike.all() and len(np.unique(settled.drawn["Its own"].edge_types, axis=0)) == 1
    own, other = settled.errors.values()
    np.testing.assert_array_equal(own, other)
    assert own[0] * 3 < np.median(degenerate.static_error(settled.forecasts["Its own"], data)[:, 0])
    own, other = needing.errors.values()
    assert (other > 1000 * own).all() and not needing.alike.any()


def test_too_few_kinds_are_mixed_and_one_too_many_is_unused() -> None:
    assert "leaves one word unused" in SEES["kinds"] and "counts the weak springs as none" in SEES["kinds"]
    data = simulate(kinds._LAW, kinds._SIZE)
    two, three, four = (kinds._kept(data.digest, number, data) for number in kinds._KINDS)
    assert two.right.mean() < 0.75 and "spring\u00a0k=0.05" in two.words[0] and "no effect" in two.words[0]
    assert three.right.mean() > 0.99
    assert four.right.mean() > 0.99 and sum("never used" in words for words in four.words) == 1


def test_three_frames_are_enough_without_noise_and_not_with_it() -> None:
    assert "Without noise three frames are enough for the way through the decoder" in SEES["frames"]
    exact, noisy = (simulate(Springs(noise=noise), frames._SIZE) for noise in (0.0, 0.005))
    assert frames._read(exact, 3, "Decoder").right.mean() > 0.99 > 0.95 > frames._read(exact, 3, "Encoder").right.mean()
    right = [frames._read(noisy, length, "Decoder").right.mean() for length in (3, 12, 49)]
    assert right[0] < 0.85 and right == sorted(right) and right[-1] > 0.99


@pytest.mark.parametrize(("size", "length"), [("5", 8), ("10", 8), ("10", 20)])
def test_one_charge_each_corrects_edges(size: str, length: int) -> None:
    assert "on average more edges come right" in SEES["charges"]
    model = charges._SIZES[size]
    data = samples.sample(model).trajectories
    apart, together = (charges._kept(data.digest, length, way, model, data) for way in charges._WAYS)
    assert together.right.mean() > apart.right.mean() + 0.02
    broken = [sum(len(charges.impossible_triangles(kinds)) for kinds in reading.posterior.edge_types) for reading in (apart, together)]
    assert broken[0] > 0 == broken[1]


@pytest.mark.parametrize("unseen", ["1", "4", "6"])
def test_false_edges_lie_where_the_hidden_particle_acts(unseen: str) -> None:
    assert "elsewhere hardly any do. The model is often just as sure of them" in SEES["hidden"]
    whole = simulate(Springs(), hidden._SIZE)
    reading = hidden._kept(whole.digest, unseen, whole)
    shared, others = reading.false_edges.values()
    assert shared > 0.25 and others < 0.03
    false = (reading.posterior.edge_types > 0) & (reading.seen.edge_types == 0)
    assert (reading.posterior.edge_probs[false].max(-1) > 0.99).mean() > 0.3
    assert hidden._kept(whole.digest, hidden._NOBODY, whole).false_edges == {"All pairs": 0.0}
