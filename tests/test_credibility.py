"""What can be concluded without truth: agreement beyond chance, likelihood of held-out motion by number of types, and what the words say."""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nri_core.checkpoint import Checkpoint
from nri_core.command_line import main
from nri_core.credibility import ALONE, FIRST, SECOND, SEED, Agreement, Assessment, agreement, assess, conclude, trainings
from nri_core.errors import ConfigError, DataError
from nri_core.graph import off_diagonal
from nri_core.holdout import halves
from nri_core.inference import rollout
from nri_core.model_choice import Kinds, Mean, choose_types, log_likelihood, mean_of, recordings, with_kinds, without_interaction
from nri_core.models.marginal import one_hot
from nri_core.posterior import EdgePosterior
from nri_core.settings import PRESETS, TrainConfig
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories

TINY = TrainConfig(epochs=1, epoch_size=8, batch_size=4, encoder_hidden=8, decoder_hidden=8, window=12)
PAPER = TrainConfig.model_validate(
    TINY.model_dump() | {"encoder": "mlp", "decoder": "mlp", "objective": "elbo", "inference": "encoder", "undirected": False, "prediction_steps": 3}
)


def springs(*, num_sims: int = 8, num_nodes: int = 3, num_steps: int = 24, seed: int = 0) -> Trajectories:
    """Nobody knows the graph."""
    made = simulate(Springs(), Simulation(num_sims=num_sims, num_nodes=num_nodes, num_steps=num_steps, seed=seed))
    return replace(made, edge_types=None, edge_type_names=())


def trained(data: Trajectories, config: TrainConfig) -> Checkpoint:
    *_, record = fit(data, data, config, device="cpu")
    return record.checkpoint


def belief(edge_types: np.ndarray, kinds: int) -> EdgePosterior:
    nodes = edge_types.shape[1]
    probs = np.eye(kinds)[edge_types] * off_diagonal(nodes)[..., None]
    return EdgePosterior(probs, tuple(map(str, range(kinds))), tuple(map(str, range(nodes))), "encoder")


@pytest.mark.parametrize("kinds", [2, 3])
def test_agreement_is_up_to_relabelling_and_beyond_chance(kinds: int) -> None:
    generator = np.random.default_rng(kinds)
    edges, others = generator.integers(0, kinds, (2, 50, 6, 6))
    for order in itertools.permutations(range(kinds)):
        same = agreement(belief(edges, kinds), belief(np.array(order)[edges], kinds))
        assert same.share == pytest.approx(1) and same.kappa == pytest.approx(1)
    unrelated = agreement(belief(edges, kinds), belief(others, kinds))
    assert unrelated.share == pytest.approx(1 / kinds, abs=0.05)
    assert abs(unrelated.kappa) < 0.06
    half = np.where(np.arange(50)[:, None, None] < 25, edges, others)
    assert agreement(belief(edges, kinds), belief(half, kinds)).kappa == pytest.approx(0.5, abs=0.06)


def test_sparse_graphs_do_not_agree_by_being_sparse() -> None:
    """Nine in ten pairs are without interaction: two random such graphs have four in five pairs alike, and agree on nothing."""
    edges, others = (np.random.default_rng(seed).random((60, 8, 8)) < 0.1 for seed in (1, 2))
    found = agreement(belief(edges.astype(int), 2), belief(others.astype(int), 2))
    assert found.share > 0.78 and abs(found.kappa) < 0.06


def test_nothing_to_agree_on_is_said() -> None:
    empty, some = np.zeros((4, 5, 5), int), np.random.default_rng(0).integers(0, 2, (4, 5, 5))
    assert agreement(belief(empty, 2), belief(empty, 2)).kappa is None
    assert agreement(belief(empty, 2), belief(some, 2)).kappa == pytest.approx(0)
    with pytest.raises(DataError, match="one shape"):
        agreement(belief(empty, 2), belief(empty, 3))


@pytest.mark.slow
def test_halves_share_no_recording() -> None:
    data = replace(springs(num_sims=9), trials=np.array([4, 4, 4, 4, 4, 1, 1, 7, 7]))
    first, second = halves(data)
    assert not set(first.trials) & set(second.trials)
    assert first.num_sims + second.num_sims == 9 and min(first.num_sims, second.num_sims) >= 4
    assert [part.num_sims for part in halves(springs(num_sims=9))] in ([5, 4], [4, 5])
    with pytest.raises(DataError, match="at least 2 recordings"):
        halves(replace(data, trials=np.ones(9, int)))


@pytest.mark.parametrize(
    ("num_nodes", "undirected", "prior"),
    [
        (3, True, (0.7, 0.3)),
        pytest.param(3, True, (), marks=pytest.mark.slow),
        pytest.param(3, False, (), marks=pytest.mark.slow),
        pytest.param(3, False, (0.7, 0.3), marks=pytest.mark.slow),
    ],
)
def test_the_likelihood_is_the_sum_over_all_graphs(num_nodes: int, undirected: bool, prior: tuple[float, ...]) -> None:
    """Against one rollout for each graph, weighted by the prior: so it can be compared between numbers of types."""
    data = springs(num_nodes=num_nodes, num_sims=3)
    config = TINY.model_copy(update={"undirected": undirected, "edge_prior": prior})
    checkpoint = trained(data, config)
    values = checkpoint.tensor(data.select(slice(None), frames=slice(0, 12)))
    terms = []
    with torch.no_grad():
        for flat in itertools.product(range(2), repeat=6):
            edges = np.zeros((3, 3), int)
            edges[off_diagonal(3)] = flat
            if undirected and (edges != edges.T).any():
                continue
            graph = torch.tensor([[edges[i, j] for j in range(3) if j != i] for i in range(3)])
            prob = checkpoint.model.rollout_log_prob(values, one_hot(graph, 2).expand(3, 3, 2, 2), prediction_steps=1)
            shares = np.array(prior or (0.5, 0.5))[list(flat)]
            terms.append(prob + float(np.log(shares).sum()) / (2 if undirected else 1))
    expected = torch.stack(terms).logsumexp(0).numpy() / (3 * 11)
    assert np.allclose(log_likelihood(checkpoint, data), expected, rtol=1e-4)


@pytest.mark.slow
def test_a_bound_is_not_above_the_sum() -> None:
    """What a model with an encoder reports without summing is the bound that its training raises."""
    data = springs()
    checkpoint = trained(data, TINY)
    exact = log_likelihood(checkpoint, data)
    settings = checkpoint.config.settings
    values = checkpoint.tensor(data.select(slice(None), frames=slice(0, 12)))
    with torch.no_grad():
        logits = checkpoint.model.edge_logits(values)
        path = checkpoint.model.rollout_log_prob(values, one_hot(logits.argmax(-1), 2), prediction_steps=1).numpy()
    sure = path - 3 * math.log(settings.num_edge_types)  # all of q on one graph
    assert (exact * 33 >= sure - 1e-3).all()


@pytest.mark.slow
def test_empty_graph_learns_and_forecasts_without_anybody() -> None:
    data = springs()
    for config in (TINY, PAPER):
        alone = trained(data, without_interaction(config))
        assert np.isfinite(log_likelihood(alone, data)).all()
        forecast = rollout(alone, data, None, start=11, num_steps=3)
        moved = data.values.copy()
        moved[:, :12, 1:] += 0.1
        other = rollout(alone, replace(data, values=moved), None, start=11, num_steps=3)
        assert np.allclose(forecast.values[:, :, 0], other.values[:, :, 0])  # whatever the others do
    with pytest.raises(ConfigError, match="infers graphs without labels"):
        without_interaction(TrainConfig(objective="supervised", decoder="none", inference="encoder"))


def test_the_simplest_that_cannot_be_told_from_the_best_is_chosen() -> None:
    base, noise = np.random.default_rng(0).normal(size=40), 0.2 * (-1.0) ** np.arange(40)
    scores = {Kinds(3): base + 1.01 + noise, Kinds(2): base + 1, Kinds(1): base}
    found = choose_types(scores, np.arange(40))
    assert [candidate.kinds for candidate in found.candidates] == [Kinds(1), Kinds(2), Kinds(3)]
    assert found.chosen == Kinds(2)
    scores[Kinds(2, False)] = base + 3
    assert choose_types(scores, np.arange(40)).chosen == Kinds(2, False)
    assert with_kinds(TINY, Kinds(3, False)).num_edge_types == 3


def test_windows_of_one_recording_are_one_witness() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 5.0, np.nan])
    assert mean_of(values, np.array([0, 0, 0, 0, 1, 2])).value == 3
    assert mean_of(values, np.zeros(6, int)) == Mean(9 / 5, None, None)
    assert mean_of(np.array([np.nan]), np.zeros(1, int)) is None


def test_an_assessment_uses_no_label_and_says_what_it_found() -> None:
    data = springs(num_sims=12)
    train, held_out = data.select(slice(0, 8)), data.select(slice(8, None))
    further = trainings(train, TINY)
    assert list(further) == [SEED, FIRST, SECOND, ALONE]
    others = {name: trained(part, config) for name, (part, config) in further.items()}
    found = assess(trained(train, TINY), others, held_out)
    assert found.frames_ahead == 10 and found.num_recordings == 4
    assert found.likelihood.low <= found.likelihood.value <= found.likelihood.high
    assert found.forecast.low <= found.forecast.value <= found.forecast.high
    words = " ".join(conclusion.sentence for conclusion in conclude(found))
    for said in ("another random start", "different halves", "Held-out motion", "Only 4 recordings", "nobody can say how many pairs are right"):
        assert said in words


@pytest.mark.parametrize(
    ("kappa", "low", "verdicts"),
    [(0.95, 0.1, ["yes", "yes", "yes", "open"]), (0.1, 0.1, ["no", "no", "yes", "open", "open"]), (0.6, -0.5, ["open", "open", "open", "open"])],
)
def test_words_follow_the_figures(kappa: float, low: float, verdicts: list[str]) -> None:
    same = Agreement(0.9, 0.5, kappa)
    found = Assessment(same, same, Mean(0.3, 0.2, 0.4), 10, Mean(low + 0.3, low, low + 0.6), 20)
    said = conclude(found)
    assert [conclusion.verdict for conclusion in said] == verdicts
    assert "save 30 % of the error (95 % range 20 to 40 %)" in said[2].sentence


@pytest.mark.parametrize(("gain", "words"), [(0.39, "is likelier with the graph"), (-0.2, "is likelier without any"), (0.001, "is about as likely")])
def test_a_single_held_out_recording_leaves_it_open_and_says_which_way(gain: float, words: str) -> None:
    said = conclude(Assessment(None, None, Mean(0.94, None, None), 10, Mean(gain, None, None), 1))[0]
    assert said.verdict == "open" and words in said.sentence and "gives no range" in said.sentence


@pytest.mark.slow
@pytest.mark.parametrize("verb", [["assess"], ["types", "--most", "2"]])
def test_the_command_line_says_it_as_json(verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    springs().save(tmp_path / "data.npz")
    tiny = ["epochs=1", "epoch_size=4", "batch_size=2", "encoder_hidden=4", "decoder_hidden=4", "window=12"]
    assert main([*verb, str(tmp_path / "data.npz"), "--set", *tiny, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    if verb == ["assess"]:
        assert result["conclusions"] and result["seeds"]["share"] <= 1
    else:
        assert result["chosen"] in [row["kinds"] for row in result["candidates"]]
        assert [row["num_edge_types"] for row in result["candidates"]] == [1, 2, 2]


@pytest.mark.slow
def test_springs_have_one_kind_of_interaction_and_free_points_none() -> None:
    for probability, expected in ((0.5, Kinds(2)), (0.0, Kinds(1))):
        made = simulate(Springs(probability=probability), Simulation(num_sims=120, num_nodes=4, seed=1))
        data = replace(made, edge_types=None, edge_type_names=())
        train, held_out = data.select(slice(0, 100)), data.select(slice(100, None))
        config = PRESETS["live"].model_copy(update={"epochs": 5})
        scores = {}
        for kinds in (Kinds(1), Kinds(2)):
            *_, record = fit(train, held_out, with_kinds(config, kinds), device="cpu")
            scores[kinds] = log_likelihood(record.checkpoint, held_out)
        assert choose_types(scores, recordings(held_out)).chosen == expected
