"""Inside the model: every encoder and decoder tells its stages, and what is told is what the model computes."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from nri_core.checkpoint import Checkpoint, CheckpointConfig
from nri_core.command_line import main
from nri_core.dataset import Normalizer
from nri_core.errors import ConfigError, DataError
from nri_core.inference import infer_edges, rollout
from nri_core.models import NRI
from nri_core.models.decoders import DECODERS
from nri_core.models.encoders import ENCODERS
from nri_core.settings import ADDITIVE_DECODERS, WITHOUT_GRAPH, ModelSettings
from nri_core.stages import DECODER_STEPS, ENCODER_STEPS, Stage, read, stages
from nri_core.systems import SYSTEMS, Simulation, simulate
from nri_core.trajectories import Trajectories

ROOT = Path(__file__).parents[1]
FRAMES, FRAME, EDGE = 16, 9, (2, 0)


@cache
def data(system: str = "springs", num_nodes: int = 4) -> Trajectories:
    return simulate(SYSTEMS[system](), Simulation(num_sims=3, num_nodes=num_nodes, num_steps=FRAMES, seed=3))


def model(paths: Trajectories, *, inference: str = "encoder", **settings: object) -> Checkpoint:
    """Of random weights, calibrated: nothing here depends on what it learned."""
    torch.manual_seed(0)
    chosen = ModelSettings(**{"encoder_hidden": 8, "decoder_hidden": 8, "law": paths.metadata.get("system", "springs")} | settings)
    normalizer = Normalizer.fit(paths, "standard")
    network = NRI(chosen, feature_names=paths.feature_names, num_nodes=paths.num_nodes, window=FRAMES)
    config = CheckpointConfig(
        settings=chosen, inference=inference, feature_names=paths.feature_names, window=FRAMES, num_nodes=paths.num_nodes, dt=paths.dt,
        normalizer=normalizer, unit=normalizer,
    )  # fmt: skip
    checkpoint = Checkpoint(network, config)
    network.calibrate(checkpoint.tensor(paths), checkpoint.sightings(paths))
    if chosen.decoder == "simulated":
        network.decoder.use_units(normalizer)
    return replace(checkpoint, model=network.eval())


def keyed(found: list[Stage]) -> dict[str, Stage]:
    return {stage.key: stage for stage in found}


def tells(found: list[Stage], checkpoint: Checkpoint, paths: Trajectories, sim: int = 1) -> None:
    """The contract: whole sentences, both equations, named finite numbers; belief and prediction are the model's own."""
    by_key = keyed(found)
    assert len(by_key) == len(found) and found[0].key == "paths"
    for stage in found:
        assert stage.sentence.endswith((".", "?")) and "{i}" not in stage.sentence and stage.equation and stage.filled and stage.symbols and stage.numbers
        assert stage.filled.count("{") == stage.filled.count("}") and stage.equation.count("{") == stage.equation.count("}")
        for numbers in stage.numbers.values():
            assert np.isfinite(numbers.values).all() and len(numbers.rows) == len(numbers.values) and numbers.about
            assert len(numbers.columns) in (0, numbers.values.shape[1])
    if checkpoint.model.encoder is not None:
        probs = infer_edges(checkpoint, paths, inference="encoder").edge_probs[sim, *EDGE]
        assert np.allclose(by_key["posterior"].numbers["posterior"].values[0], probs, atol=1e-6)
    if checkpoint.model.decoder is not None:
        posterior = None if checkpoint.config.inference == "none" else infer_edges(checkpoint, paths)
        after = rollout(checkpoint, paths, posterior, start=FRAME, num_steps=1).values[sim, 0, EDGE[0]]
        assert np.allclose(found[-1].numbers["state"].values[1], after, rtol=1e-5, atol=1e-5)


PAIRS = [(encoder, "mlp") for encoder in ENCODERS] + [("mlp", decoder) for decoder in DECODERS if decoder not in ("mlp", *WITHOUT_GRAPH)]


@pytest.mark.parametrize(("encoder", "decoder"), PAIRS)
@pytest.mark.parametrize(("num_edge_types", "skip_first"), [(2, True), (3, False)])
def test_every_encoder_and_decoder_tells_what_the_model_computes(encoder: str, decoder: str, num_edge_types: int, skip_first: bool) -> None:
    paths = data("kuramoto" if "phase" in (encoder, decoder) else "springs")
    if decoder == "simulated" and num_edge_types != 2:
        pytest.skip("the reference's law has two types")
    checkpoint = model(paths, encoder=encoder, decoder=decoder, num_edge_types=num_edge_types, skip_first=skip_first)
    tells(stages(checkpoint, paths, 1, EDGE, frame=FRAME, passed="most probable"), checkpoint, paths)


@pytest.mark.parametrize("decoder", WITHOUT_GRAPH)
def test_a_decoder_without_a_graph_tells_of_its_memory(decoder: str) -> None:
    checkpoint = model(data(), encoder="none", decoder=decoder, inference="none")
    found = stages(checkpoint, data(), 1, EDGE, frame=FRAME)
    tells(found, checkpoint, data())
    assert [stage.key for stage in found] == ["paths", "sum", "next"]


@pytest.mark.parametrize("decoder", ADDITIVE_DECODERS)
@pytest.mark.parametrize("undirected", [True, False])
def test_a_graph_read_through_the_decoder_is_told_with_its_candidates(decoder: str, undirected: bool) -> None:
    paths = data("kuramoto" if decoder == "phase" else "springs")
    checkpoint = model(paths, encoder="none", decoder=decoder, undirected=undirected, inference="decoder")
    found = stages(checkpoint, paths, 1, EDGE, frame=FRAME, passed="most probable")
    tells(found, checkpoint, paths)
    graphs = keyed(found)["graphs"].numbers
    assert np.allclose(graphs["posterior"].values[0], infer_edges(checkpoint, paths).edge_probs[1, *EDGE], atol=1e-6)
    assert graphs["candidates"].values.max() == 0 == graphs["best"].values.max()


def test_a_part_without_a_story_is_told_in_general_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ENCODER_STEPS, "mlp")
    monkeypatch.delitem(DECODER_STEPS, "mlp")
    checkpoint = model(data(), encoder="mlp", decoder="mlp")
    found = stages(checkpoint, data(), 1, EDGE, frame=FRAME, passed="most probable")
    tells(found, checkpoint, data())
    assert [stage.key for stage in found] == ["paths", "parts", "posterior", "sample", "sum", "next"]


def test_every_part_has_a_story() -> None:
    assert set(ENCODER_STEPS) == set(ENCODERS) and set(DECODER_STEPS) == set(DECODERS)


@pytest.mark.parametrize("encoder", ["edgewise", "mlp"])
def test_space_and_gaps(encoder: str) -> None:
    plane = data()
    values = np.concatenate([plane.values[..., :2], plane.values[..., 1:2], plane.values[..., 2:], plane.values[..., 3:]], -1)
    observed = np.ones(values.shape[:3], bool)
    observed[:, FRAME + 1, EDGE[0]] = observed[:, 3, 1] = False
    paths = Trajectories(values, ("x", "y", "z", "vx", "vy", "vz"), plane.dt, node_names=("a{}\\b", "$x$", "c", "d"), observed=observed)
    checkpoint = model(paths, encoder=encoder, decoder="relative")
    found = stages(checkpoint, paths, 1, EDGE, frame=FRAME, passed="most probable")
    assert found[-1].numbers["state"].rows == ("now", "predicted"), "nobody saw the true one"
    tells(found, checkpoint, paths)


def test_the_sample_is_noise_and_temperature_applied_to_the_belief() -> None:
    checkpoint = model(data(), encoder="mlp", decoder="mlp")

    def drawn(**options: object) -> np.ndarray:
        return keyed(stages(checkpoint, data(), 1, EDGE, frame=FRAME, **options))["sample"].numbers["sample"].values

    belief, noise, edge = drawn(temperature=0.7, seed=4)
    raised = np.exp((belief + noise) / 0.7)
    assert np.allclose(edge, raised / raised.sum(), atol=1e-5)
    assert (drawn(temperature=0.7, seed=4)[2] == edge).all() and (drawn(temperature=0.7, seed=5)[1] != noise).any()
    assert sorted(drawn(passed="one-hot sample")[2]) == [0, 1]


@pytest.mark.parametrize("decoder", ["mlp", "relative"])
def test_messages_add_up_to_what_arrives(decoder: str) -> None:
    checkpoint = model(data(), encoder="mlp", decoder=decoder, num_edge_types=3)
    told = keyed(stages(checkpoint, data(), 1, EDGE, frame=FRAME))
    arrived = told["sum"].numbers["sum"].values
    assert np.allclose(arrived[:-1].sum(0), arrived[-1], atol=1e-5)
    sent = told["messages"].numbers
    assert np.allclose(sent["shares"].values[:, 1:] @ sent["messages"].values[:-1], sent["messages"].values[-1:], atol=1e-5)
    assert np.allclose(sent["messages"].values[-1], arrived[0], atol=1e-6), "the sender is the first of the others"


@pytest.mark.parametrize(("skip_first", "called", "word"), [(True, "pull", r"\text{pull}"), (True, "pull_5%", "1"), (False, "pull", r"\text{pull}")])
def test_a_message_bears_the_name_of_its_type(skip_first: bool, called: str, word: str) -> None:
    checkpoint = model(data(), encoder="mlp", decoder="relative", num_edge_types=2, skip_first=skip_first)
    names = ("none", called) if skip_first else (called, called)
    (line, *_) = keyed(stages(checkpoint, data(), 1, EDGE, frame=FRAME, type_names=names))["messages"].filled.split(r"\\")
    assert f"m^{{{word}}}_" in line, "not counted from 1 where others count from 0"


def test_what_was_read_before_gives_the_same_and_the_model_is_left_alone() -> None:
    checkpoint = model(data(), encoder="cnn", decoder="rnn")
    before = set(vars(checkpoint.model)) | set(vars(checkpoint.model.encoder))
    reading = read(checkpoint, data(), 1)
    again, anew = (stages(checkpoint, data(), 1, EDGE, frame=FRAME, reading=known) for known in (reading, None))
    assert [stage.filled for stage in again] == [stage.filled for stage in anew]
    assert set(vars(checkpoint.model)) | set(vars(checkpoint.model.encoder)) == before


def test_a_search_among_many_nodes_is_not_waited_for_where_the_encoder_can_say() -> None:
    many = data(num_nodes=24)
    both = model(many, encoder="edgewise", decoder="relative", inference="decoder")
    reading = read(both, many, 0)
    assert reading.way == "encoder" and reading.belief is reading.logits
    assert [stage.key for stage in stages(both, many, 0, EDGE, reading=reading)].count("graphs") == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [({"sim": 3}, "simulation from 0 to 2"), ({"edge": (1, 1)}, "two different nodes"), ({"edge": (0, 4)}, "from 0 to 3"), ({"frame": 16}, "frame from 0 to 15")],
)
def test_what_is_not_there_is_refused(options: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        stages(model(data(), encoder="mlp", decoder="mlp"), data(), **{"sim": 0, "edge": EDGE} | options)


def test_a_temperature_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="temperature above 0"):
        stages(model(data(), encoder="mlp", decoder="mlp"), data(), 0, EDGE, temperature=0.0)


def test_the_command_prints_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    folder, file = str(ROOT / "sample_data" / "models" / "springs5"), str(ROOT / "sample_data" / "springs5.npz")
    assert main(["stages", folder, file, "--sim", "0", "--edge", "3-2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = stages(Checkpoint.load(Path(folder)), Trajectories.load(Path(file)), 0, (1, 2))
    assert [stage["key"] for stage in printed["stages"]] == [stage.key for stage in found]
    assert [stage["filled"] for stage in printed["stages"]] == [stage.filled for stage in found]
    assert printed["receiver"] == "2" and printed["sender"] == "3"
    assert main(["stages", folder, file, "--edge", "2-9"]) == 2
    assert "1, 2, 3, 4, 5" in capsys.readouterr().err


def test_a_graph_that_is_read_again_is_told_before_and_after() -> None:
    """Ten charges, of which the law turns a pair round: what the candidates say is not what the model ends with."""
    checkpoint, paths = Checkpoint.load(ROOT / "sample_data" / "models" / "charged10"), Trajectories.load(ROOT / "sample_data" / "charged10.npz").select(slice(21, 22))
    graphs = keyed(stages(checkpoint, paths, 0, (0, 1)))["graphs"]
    first, again = graphs.filled.split(r"\text{read again: }")
    assert r"&= (1,\ \approx 0)" in first and r"&= (\approx 0,\ 1)" in again and "the last word" in graphs.sentence
    assert graphs.numbers["posterior"].values[0].round(3).tolist() == [0, 1]
