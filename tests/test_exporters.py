"""Each format is opened again by the program that people would open it with."""

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from nri_core.errors import DataError
from nri_core.exporters import EXPORTERS, write_graph
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior

NODES = ("ant", "bee", "cat")
TYPES = ("none", "spring k=0.5")


@pytest.fixture
def posterior() -> EdgePosterior:
    spring = np.random.default_rng(0).uniform(size=(2, 3, 3)).round(3)
    probs = np.stack([1 - spring, spring], -1) * off_diagonal(3)[..., None]
    return EdgePosterior(probs, TYPES, NODES, "encoder")


def check_edge(posterior: EdgePosterior, sim: int, source: str, target: str, edge: dict) -> None:
    """[receiver, sender] in the array is sender → receiver in the file."""
    none, spring = posterior.edge_probs[sim, NODES.index(target), NODES.index(source)]
    assert (edge["p_none"], edge["p_spring k=0.5"]) == pytest.approx((none, spring))
    assert edge["weight"] == pytest.approx(spring)
    assert edge["edge_type"] == (TYPES[1] if spring > none else TYPES[0])


@pytest.mark.parametrize("form", EXPORTERS)
def test_every_format_is_written_whole(form: str, posterior: EdgePosterior, tmp_path: Path) -> None:
    write_graph(posterior, tmp_path / f"graph.{form}")
    assert [path.name for path in tmp_path.iterdir()] == [f"graph.{form}"]


def test_csv(posterior: EdgePosterior, tmp_path: Path) -> None:
    write_graph(posterior, tmp_path / "graph.csv")
    rows = pd.read_csv(tmp_path / "graph.csv", keep_default_na=False).to_dict("records")
    assert len(rows) == 2 * 3 * 2
    for row in rows:
        check_edge(posterior, row["sim"], row["source"], row["target"], row)


def test_npz(posterior: EdgePosterior, tmp_path: Path) -> None:
    write_graph(posterior, tmp_path / "graph.npz", sim=1)
    assert np.array_equal(EdgePosterior.load(tmp_path / "graph.npz").edge_probs, posterior.edge_probs[1:])


def test_json_opens_as_a_multigraph_of_all_simulations(posterior: EdgePosterior, tmp_path: Path) -> None:
    write_graph(posterior, tmp_path / "graph.json")
    graph = nx.node_link_graph(json.loads((tmp_path / "graph.json").read_text()), edges="edges")
    assert graph.is_directed() and set(graph) == set(NODES) and graph.number_of_edges() == 2 * 3 * 2
    for source, target, sim, edge in graph.edges(keys=True, data=True):
        check_edge(posterior, sim, source, target, edge)


@pytest.mark.parametrize(("form", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
@pytest.mark.parametrize("sim", [None, 1])
def test_graph_formats_hold_one_simulation(form: str, read, sim: int | None, posterior: EdgePosterior, tmp_path: Path) -> None:
    write_graph(posterior, tmp_path / f"graph.{form}", sim=sim)
    graph = read(tmp_path / f"graph.{form}")
    assert graph.is_directed() and set(graph) == set(NODES) and graph.number_of_edges() == 3 * 2
    for source, target, edge in graph.edges(data=True):
        check_edge(posterior, sim or 0, source, target, edge)


@pytest.mark.parametrize(("name", "sim"), [("graph.xyz", None), ("graph", None), ("graph.csv", 2), ("graph.csv", -1)])
def test_what_cannot_be_written_is_said(name: str, sim: int | None, posterior: EdgePosterior, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Expected"):
        write_graph(posterior, tmp_path / name, sim=sim)
    assert not list(tmp_path.iterdir())


def test_node_names_must_differ(posterior: EdgePosterior, tmp_path: Path) -> None:
    twins = EdgePosterior(posterior.edge_probs, TYPES, ("ant", "ant", "cat"), "encoder")
    with pytest.raises(DataError, match="occur twice"):
        write_graph(twins, tmp_path / "graph.csv")
