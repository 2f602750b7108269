"""Known graphs: edge lists, adjacency matrices and GraphML, always [receiver, sender]."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import read
from nri_core.importers.truth import read_truth, with_truth

NODES = ("a", "b", "c")
GRAPH = [[0, 0, 1], [1, 0, 0], [0, 0, 0]]  # a acts on b, c acts on a

TEXTS = {
    "named columns": "target,source\nb,a\na,c\n",
    "no header": "a\tb\nc\ta\n",
    "with zeros": "a b 1\nc a 1\na c 0\n",
    "weights": "from;to;weight\na;b;0,5\nc;a;2,5\n",
    "matrix": "0,1,0\n0,0,0\n1,0,0\n",
    "matrix with names": ",a,b,c\na,0,1,0\nb,0,0,0\nc,1,0,0\n",
    "matrix in another order": ",c,b,a\na,0,1,0\nc,0,0,1\nb,0,0,0\n",
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts(what: str, tmp_path: Path) -> None:
    (path := tmp_path / "graph.csv").write_text(TEXTS[what])
    edges, names = read_truth(path, NODES)
    assert (edges.tolist(), names) == (GRAPH, ("none", "edge"))


def test_types(tmp_path: Path) -> None:
    (path := tmp_path / "graph.csv").write_text("source,target,type\na,b,repels\nc,a,attracts\na,c,none\n")
    edges, names = read_truth(path, NODES)
    assert (edges.tolist(), names) == ([[0, 0, 1], [2, 0, 0], [0, 0, 0]], ("none", "attracts", "repels"))


@pytest.mark.parametrize("directed", [True, False])
def test_graphml(directed: bool, tmp_path: Path) -> None:
    graph = nx.DiGraph() if directed else nx.Graph()
    graph.add_nodes_from(NODES)
    graph.add_edges_from([("a", "b"), ("c", "a")])
    nx.write_graphml(graph, tmp_path / "graph.graphml")
    edges, _ = read_truth(tmp_path / "graph.graphml", NODES)
    expected = np.array(GRAPH)
    np.testing.assert_array_equal(edges, expected if directed else expected | expected.T)


def test_dream4(shared_data: Path) -> None:
    folder = shared_data / "dream4"
    recording = with_truth(read([folder / "insilico_size10_1_timeseries.tsv"], options={"stacked": 21}), folder / "insilico_size10_1_goldstandard.tsv")
    assert len(recording.trials) == 5
    assert all(trial.edge_types.sum() == 15 for trial in recording.trials)  # 15 edges, as its source says


MISTAKES = {
    "a stranger": ("graph.csv", "source,target\na,b\na,zorro\n", "edge 2 names 'zorro'"),
    "one column": ("graph.csv", "a\nb\n", "at least 2 columns"),
    "a bomb": ("graph.graphml", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><graphml>&b;</graphml>', "Expected GraphML"),
    "no xml": ("graph.graphml", "a,b\n", "Expected GraphML"),
    "too many kinds": ("graph.csv", "source,target,type\n" + "".join(f"a,b,k{number}\n" for number in range(12)), "fewer than 10 kinds"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    name, text, words = MISTAKES[what]
    (path := tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        read_truth(path, NODES)
    assert words in str(caught.value)


def test_a_matrix_with_too_few_names_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "graph.csv").write_text("a,b\n0,1,0\n0,0,0\n1,0,0\n")
    with pytest.raises(DataError, match="3 names in the first row of graph.csv"):
        read_truth(path, NODES)
