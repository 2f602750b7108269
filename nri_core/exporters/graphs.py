"""Formats of network programs, written by networkx: node-link JSON, GraphML (Cytoscape, yEd, igraph) and GEXF (Gephi)."""

import json
from pathlib import Path

import networkx as nx

from nri_core.exporters.tables import edge_table
from nri_core.posterior import EdgePosterior
from nri_core.storage import write_text, writing

DIRECTION = "source acts on target: source = sender, target = receiver"


def _graph(posterior: EdgePosterior, sims: range, kind: type[nx.DiGraph]) -> nx.DiGraph:
    """Nodes by name; a MultiDiGraph keeps the simulations apart by the edge key."""
    about = {"direction": DIRECTION, "inference": posterior.inference}
    graph = kind(**about, key="simulation") if kind is nx.MultiDiGraph else kind(**about, sim=sims.start)
    graph.add_nodes_from(posterior.node_names)
    for row in edge_table(posterior, sims).to_dict("records"):
        sim, source, target = row.pop("sim"), row.pop("source"), row.pop("target")
        graph.add_edge(source, target, **({"key": sim} if kind is nx.MultiDiGraph else {}), **row)
    return graph


def write_json(posterior: EdgePosterior, sims: range, path: Path) -> None:
    """Node-link JSON of all the simulations in one directed multigraph, the simulation being the edge key."""
    write_text(path, json.dumps(nx.node_link_data(_graph(posterior, sims, nx.MultiDiGraph), edges="edges"), indent=1))


def write_graphml(posterior: EdgePosterior, sims: range, path: Path) -> None:
    """One simulation as a directed graph."""
    with writing(path) as beside:
        nx.write_graphml(_graph(posterior, sims, nx.DiGraph), beside)


def write_gexf(posterior: EdgePosterior, sims: range, path: Path) -> None:
    """One simulation as a directed graph."""
    with writing(path) as beside:
        nx.write_gexf(_graph(posterior, sims, nx.DiGraph), beside)
