"""Classical inference: right where it must be, wrong where it must be, the same for every order of the nodes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nri_core.dataset import as_tensor
from nri_core.errors import ConfigError, DataError
from nri_core.graph import off_diagonal
from nri_core.holdout import split
from nri_core.metrics import EdgeScore, score_edges
from nri_core.network_baselines import BASELINES, LAWS, directions, known_law, law_fit, reader_of, state_correlation
from nri_core.network_baselines.autoregression import _scores
from nri_core.network_baselines.states import lstm_correlation
from nri_core.posterior import EdgePosterior
from nri_core.settings import TrainConfig
from nri_core.systems import SYSTEMS, Charged, Kuramoto, Simulation, Springs, couplings, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories

SIMILARITIES = ("correlation", "partial_correlation", "mutual_information")
OPTIONS = {"known_law": {"law": "springs"}}


def random_graph(generator: np.random.Generator, sims: int, nodes: int, *, chance: float = 0.5, directed: bool = False) -> np.ndarray:
    edges = (generator.random((sims, nodes, nodes)) < chance).astype(int)
    upper = np.triu(edges, 1)
    return edges * off_diagonal(nodes) if directed else upper + upper.swapaxes(1, 2)


def labelled(values: np.ndarray, edges: np.ndarray, names: tuple[str, ...] = ()) -> Trajectories:
    names = names or tuple(f"feature {dim}" for dim in range(values.shape[-1]))
    return Trajectories(values, names, edge_types=edges, edge_type_names=("none", "edge"))


def couples(sims: int = 60, frames: int = 60, seed: int = 0) -> Trajectories:
    """Six nodes in three couples that share most of their noise."""
    generator = np.random.default_rng(seed)
    shared = np.repeat(generator.normal(size=(sims, frames, 3, 2)), 2, axis=2)
    edges = np.kron(np.eye(3, dtype=int), np.ones((2, 2), int)) * off_diagonal(6)
    return labelled(2 * shared + generator.normal(size=(sims, frames, 6, 2)), np.repeat(edges[None], sims, axis=0))


def autoregression(sims: int = 40, frames: int = 100, nodes: int = 5, seed: int = 0) -> Trajectories:
    """x_i(t + 1) = 0.3 x_i + 0.4 Σ_j e_ij x_j + noise: directed, no loops of two."""
    generator = np.random.default_rng(seed)
    edges = random_graph(generator, sims, nodes, chance=0.3, directed=True)
    edges = edges * (1 - np.triu(edges).swapaxes(1, 2))
    weights = 0.3 * np.eye(nodes) + 0.4 * edges
    weights /= np.maximum(np.abs(np.linalg.eigvals(weights)).max(-1) / 0.9, 1)[:, None, None]
    state, states = np.zeros((sims, nodes)), []
    for _ in range(frames):
        state = np.einsum("sij,sj->si", weights, state) + generator.normal(size=state.shape)
        states.append(state)
    return labelled(np.stack(states, axis=1)[..., None], edges)


def oscillators(sims: int = 200, nodes: int = 5, frames: int = 49, *, directed: bool = False) -> Trajectories:
    return simulate(Kuramoto(directed=directed), Simulation(num_sims=sims, num_nodes=nodes, num_steps=frames))


@pytest.fixture(scope="module")
def springs() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=300, seed=1))


@pytest.fixture(scope="module")
def charged() -> Trajectories:
    return simulate(Charged(), Simulation(num_sims=300, seed=1))


def score(posterior: EdgePosterior, data: Trajectories) -> EdgeScore:
    found = score_edges(posterior, data)
    assert found is not None
    return found


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarity_finds_who_shares_noise(name: str) -> None:
    data = couples()
    found = score(BASELINES[name](data, share=0.2), data)
    assert found.auroc > 0.99 and found.accuracy_raw > 0.97


def test_the_threshold_lets_through_the_share_asked_for() -> None:
    data = couples()
    for share in (0.1, 0.2, 0.5, 0.8):
        edges = BASELINES["correlation"](data, share=share).edge_types[:, off_diagonal(6)]
        assert edges.mean() == pytest.approx(share, abs=0.01)


def test_partial_correlation_sees_through_a_chain() -> None:
    """a → b → c, with little noise or much: a and c are alike, but not once b is known."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(80, 200, 3, 1))
    noise[:40, :, 1:] *= 0.2
    values = np.cumsum(noise, axis=2)
    edges = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    data = labelled(values, np.repeat(edges[None], 80, axis=0))
    assert score(BASELINES["partial_correlation"](data), data).auroc > 0.99
    assert score(BASELINES["correlation"](data), data).auroc < 0.9


def test_mutual_information_sees_what_correlation_cannot() -> None:
    """Node 2 is the square of node 1: uncorrelated, not independent."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=(100, 100, 3, 1))
    values[:, :, 1] = np.square(values[:, :, 0])
    edges = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    data = labelled(values, np.repeat(edges[None], 100, axis=0))
    assert score(BASELINES["mutual_information"](data), data).auroc > 0.999
    assert score(BASELINES["correlation"](data), data).auroc < 0.9


def test_granger_finds_the_direction() -> None:
    data = autoregression()
    directed = score(BASELINES["granger"](data, undirected=False, share=0.3), data)
    assert directed.auroc > 0.97
    assert score(BASELINES["granger"](data, share=0.3), data).auroc < directed.auroc - 0.05


def test_granger_score_is_what_leaving_the_sender_out_costs() -> None:
    """The closed form against fitting again without each sender."""
    series = np.random.default_rng(0).normal(size=(2, 30, 4, 2)).cumsum(1)
    unit = np.array([1.5, 0.5])
    found = _scores(series, unit, 2, 0.1)
    change = np.diff(series[:, 1:], axis=1) / unit
    past = np.concatenate([series[:, 1:-1], series[:, :-2]], axis=-1)

    def cost(sim: int, receiver: int, kept: list[int]) -> np.ndarray:
        x, y = past[sim][:, kept].reshape(28, -1), change[sim, :, receiver]
        x, y = x - x.mean(0), y - y.mean(0)
        weights = np.linalg.solve(x.T @ x + 0.1 * 28 * np.eye(x.shape[1]), x.T @ y)
        return (np.square(y - x @ weights).sum(0) + 0.1 * 28 * np.square(weights).sum(0)) / 28

    for sim, receiver, sender in np.ndindex(2, 4, 4):
        rest = [node for node in range(4) if node != sender]
        expected = (cost(sim, receiver, rest) - cost(sim, receiver, [0, 1, 2, 3])).mean()
        assert found[sim, receiver, sender] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("directed", [False, True])
def test_known_law_reads_oscillators(directed: bool) -> None:
    data = oscillators(directed=directed)
    assert score(known_law(data, law="kuramoto", undirected=not directed), data).accuracy_raw >= 0.999
    assert (score(known_law(data, law="kuramoto"), data).accuracy_raw < 0.9) == directed, "tied directions contradict a directed graph"


def test_known_law_reads_springs(springs: Trajectories) -> None:
    assert score(known_law(springs, law="springs"), springs).accuracy_raw == 1
    assert score(known_law(springs, law="springs", undirected=False), springs).accuracy_raw >= 0.999


def test_known_law_reads_charges_and_gains_from_both_directions(charged: Trajectories) -> None:
    tied = score(known_law(charged, law="charged"), charged)
    apart = score(known_law(charged, law="charged", undirected=False), charged)
    assert tied.accuracy_raw >= 0.97 and tied.auroc > 0.98
    assert tied.accuracy_raw > apart.accuracy_raw + 0.005 and apart.accuracy_raw > 0.94


def test_known_law_reads_several_strengths() -> None:
    data = simulate(Springs(strengths=(0.1, 0.3)), Simulation(num_sims=50, seed=2))
    posterior = known_law(data, law="springs", couplings=(0.0, 0.1, 0.3))
    assert score(posterior, data).accuracy_raw > 0.999
    assert posterior.edge_type_names == ("coupling 0", "coupling 0.1", "coupling 0.3")


def test_known_law_does_without_velocities_rates_and_frequencies(charged: Trajectories) -> None:
    places = Trajectories(charged.values[..., :2].copy(), ("x", "y"), dt=0.1, edge_types=charged.edge_types.copy())
    assert score(known_law(places, law="charged"), places).accuracy_raw > 0.93
    data = oscillators()
    for kept in (["dphi", "phase"], ["phase", "omega"], ["phase"]):
        columns = [data.feature_names.index(name) for name in kept]
        less = replace(data, values=data.values[..., columns].copy(), feature_names=tuple(kept))
        assert score(known_law(less, law="kuramoto"), less).accuracy_raw > 0.95, kept


def test_a_wrong_law_fails_and_shows_it_without_labels(springs: Trajectories, charged: Trajectories) -> None:
    for data, right, wrong in ((springs, "springs", "charged"), (charged, "charged", "springs")):
        believed, mistaken = known_law(data, law=right), known_law(data, law=wrong)
        assert score(mistaken, data).accuracy < 0.65
        assert law_fit(data, believed, law=right) > 0.99 and law_fit(data, mistaken, law=wrong) < 0
    sparse = simulate(Springs(probability=0.1), Simulation(num_sims=50, seed=1))  # most particles are free
    assert law_fit(sparse, known_law(sparse, law="springs"), law="springs") > 0.99
    assert -1e6 < law_fit(sparse, known_law(sparse, law="charged"), law="charged") < 0


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarity_of_paths_says_little_about_springs(name: str, springs: Trajectories) -> None:
    assert score(BASELINES[name](springs), springs).accuracy < (0.65 if name != "partial_correlation" else 0.7)


@pytest.mark.parametrize("name", BASELINES)
def test_the_order_of_nodes_and_simulations_does_not_matter(name: str) -> None:
    data = simulate(Charged(), Simulation(num_sims=7, num_nodes=4, num_steps=20, seed=4))
    nodes, sims = np.array([2, 0, 3, 1]), np.array([6, 1, 0, 3, 5, 4, 2])
    moved = Trajectories(data.values[sims][:, :, nodes], data.feature_names, dt=data.dt, node_names=tuple("ABCD"))
    options = OPTIONS.get(name, {})
    before, after = (BASELINES[name](each, **options) for each in (data, moved))
    assert np.allclose(after.edge_probs, before.edge_probs[sims][:, nodes][:, :, nodes], atol=1e-6)
    assert after.node_names == tuple("ABCD") and after.inference == name


def test_directions_are_read_apart_unless_a_law_has_both_alike(springs: Trajectories) -> None:
    unknown = replace(springs, metadata={})
    assert directions("granger", springs) == {} and directions("granger", unknown) == directions("known_law", unknown) == {"undirected": False}
    assert directions("granger", simulate(Springs(directed=True), Simulation(num_sims=1))) == {"undirected": False} and directions("correlation", unknown) == {}
    read = reader_of("granger")
    alike, apart = read(springs).edge_probs, read(unknown).edge_probs
    assert np.array_equal(alike, alike.swapaxes(1, 2)) and not np.allclose(apart, apart.swapaxes(1, 2), atol=0.05)


@pytest.mark.parametrize("name", BASELINES)
def test_directions_are_tied_unless_asked(name: str) -> None:
    data = simulate(Charged(), Simulation(num_sims=5, num_nodes=4, num_steps=20, seed=4))
    probs = BASELINES[name](data, **OPTIONS.get(name, {})).edge_probs
    assert np.allclose(probs, probs.swapaxes(1, 2))


@pytest.mark.parametrize("name", BASELINES)
def test_units_do_not_matter_but_for_a_law(name: str) -> None:
    data = simulate(Charged(), Simulation(num_sims=5, num_nodes=4, num_steps=20, seed=4))
    scaled = replace(data, values=data.values * 1000)
    same = np.allclose(*(BASELINES[name](each, **OPTIONS.get(name, {})).edge_probs for each in (data, scaled)), atol=1e-6)
    assert same or name == "known_law"


@pytest.mark.parametrize("name", BASELINES)
def test_all_in_parts_is_all_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulate(Charged(), Simulation(num_sims=7, num_nodes=4, num_steps=20, seed=4))
    whole = BASELINES[name](data, **OPTIONS.get(name, {}))
    monkeypatch.setattr("nri_core.network_baselines.ranking.MOST_VALUES", 3000)
    assert np.allclose(BASELINES[name](data, **OPTIONS.get(name, {})).edge_probs, whole.edge_probs, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "known_law"])
def test_a_node_that_stands_still_resembles_nobody(name: str) -> None:
    values = couples(sims=3).values.copy()
    values[:, :, 0] = 7.0
    probs = BASELINES[name](Trajectories(values, ("a", "b"))).edge_probs[..., 1]
    others = probs[:, 1:, 1:][:, off_diagonal(5)]
    assert probs[:, 0, 1:].max() <= others.min()


def test_an_angle_that_winds_is_compared_by_its_sine_and_cosine() -> None:
    data = oscillators(sims=20)
    turned = data.values.copy()
    turned[..., 2] %= 2 * np.pi
    assert np.allclose(BASELINES["correlation"](data).edge_probs, BASELINES["correlation"](replace(data, values=turned)).edge_probs)


def test_states_that_are_alike_are_joined() -> None:
    generator = np.random.default_rng(0)
    kind = np.array([0, 0, 1, 1])
    states = generator.normal(size=(30, 2, 32))[:, kind] + 0.5 * generator.normal(size=(30, 4, 32))
    edges = np.repeat(((kind[:, None] == kind) & off_diagonal(4)).astype(int)[None], 30, axis=0)
    posterior = state_correlation(states, tuple("abcd"), share=1 / 3)
    assert score(posterior, labelled(np.zeros((30, 5, 4, 1)), edges)).auroc > 0.99
    expected = np.abs([np.corrcoef(each) for each in states])[:, off_diagonal(4)]
    ranked = posterior.edge_probs[:, off_diagonal(4), 1].ravel()[np.argsort(expected, axis=None)]
    assert (np.diff(ranked) >= -0.01).all(), "in the order of NumPy's own correlations, but for ties"
    with pytest.raises(DataError, match="3 channels"):
        state_correlation(states[..., :2], tuple("abcd"))


def test_states_of_an_lstm_are_those_after_the_last_frame_it_reads() -> None:
    """Against the network of torch run over each path by itself."""
    data = simulate(Springs(), Simulation(num_sims=8, num_nodes=3, num_steps=20))
    names = {"encoder": "none", "decoder": "lstm", "objective": "full_graph", "inference": "none", "likelihood": "gaussian"}
    config = TrainConfig(**names, window=15, burn_in=10, epochs=1, epoch_size=2, batch_size=2, decoder_hidden=8)
    checkpoint = next(fit(*split(data), config)).checkpoint
    decoder = checkpoint.model.decoder
    paths = as_tensor(data, checkpoint.config.normalizer, checkpoint.device)[:, :15].movedim(1, 0).flatten(1, 2)
    with torch.no_grad():
        upper = decoder.recurrent(decoder.embed(paths))[0][-1].unflatten(0, (8, 3))
    posterior = lstm_correlation(data, lstm=checkpoint)
    assert np.allclose(posterior.edge_probs, state_correlation(upper.numpy(), data.node_names).edge_probs)


@pytest.mark.parametrize("law", SYSTEMS)
def test_the_laws_are_those_of_the_systems(law: str) -> None:
    """The rate of change over a very small step of the system itself is Σ_j c_ij · pair term."""
    system, own, step = SYSTEMS[law](), LAWS[law], 1e-6
    assert own.edge_type_names == system.edge_type_names and own.couplings == system.coupling_of_type
    generator = torch.Generator().manual_seed(0)
    edges, start = system.draw_edges(6, 5, generator), system.draw_start(6, 5, generator)
    pairs = couplings(system, edges)
    rates = ((system.advance(start, pairs, num_steps=1, time_step=step) - start) / step).numpy()
    where, what = ([2], rates[..., [2]] - start[..., [3]].numpy()) if own.of_phases else ([0, 1], rates[..., 2:])
    explained = np.einsum("sij,sijd->sid", pairs.numpy(), own.pair_term(start[:, None, :, where].numpy())[:, 0])
    assert np.allclose(what, explained, rtol=1e-3, atol=1e-4)


def refuse(data: Trajectories, baseline: str, says: str, **options: object) -> None:
    with pytest.raises((DataError, ConfigError), match=says):
        BASELINES[baseline](data, **options)


@pytest.mark.parametrize("name", BASELINES)
def test_what_cannot_be_compared_is_refused(name: str, springs: Trajectories) -> None:
    options = OPTIONS.get(name, {})
    refuse(springs.select(slice(0, 3), frames=slice(0, 4)), name, "frames", **options)
    observed = np.ones(springs.values.shape[:3], bool)
    observed[2, 3:28, 1] = False
    refuse(replace(springs, observed=observed), name, "node '2' is seen in .* of simulation 3", **options)
    if name == "known_law":
        refuse(Trajectories(springs.values.copy(), ("a", "b", "c", "d")), name, "`x`, `y`.*found `a`, `b`", **options)
        refuse(springs, name, "`phase`", law="kuramoto")
        refuse(springs, name, "springs, charged, kuramoto; found 'gravity'", law="gravity")
        refuse(replace(springs, values=springs.values * 1e40), name, "units of the law", law="charged")
        refuse(springs, name, "different", law="springs", couplings=(1.0, 1.0))
        refuse(oscillators(sims=2, nodes=8, frames=7), name, "at least 8 measured rates", law="kuramoto")
    else:
        refuse(Trajectories(np.ones((2, 30, 3, 2)), ("x", "y")), name, "constant")
        refuse(springs, name, "between 0 and 1", share=1.0)
    if name == "granger":
        refuse(springs, name, "at least 1 lag", lags=0)
