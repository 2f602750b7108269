"""Formats of network programs, written by networkx: node-link JSON, GraphML (Cytoscape, yEd, igraph) and GEXF (Gephi)."""

import json
from pathlib import Path

import networkx as nx

from nri_core.errors import DataError
from nri_core.exporters.names import writable_belief
from nri_core.exporters.tables import edge_table
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.storage import write_text, writing

DIRECTION = "source acts on target: source = sender, target = receiver"


def _graph(posterior: EdgePosterior, sims: range, kind: type[nx.DiGraph], threshold: float) -> nx.DiGraph:
    """Nodes by name; a MultiDiGraph keeps the simulations apart by the edge key."""
    about = {"direction": DIRECTION, "inference": posterior.inference}
    graph = kind(**about, key="simulation") if kind is nx.MultiDiGraph else kind(**about, sim=sims.start)
    graph.add_nodes_from(posterior.node_names)
    for row in edge_table(posterior, sims, threshold).to_dict("records"):
        sim, source, target = row.pop("sim"), row.pop("source"), row.pop("target")
        graph.add_edge(source, target, **({"key": sim} if kind is nx.MultiDiGraph else {}), **row)
    return graph


def write_json(posterior: EdgePosterior, sims: range, path: Path, threshold: float) -> None:
    """Node-link JSON of all the simulations in one directed multigraph, the simulation being the edge key."""
    write_text(path, json.dumps(nx.node_link_data(_graph(posterior, sims, nx.MultiDiGraph, threshold), edges="edges"), indent=1))


def write_graphml(posterior: EdgePosterior, sims: range, path: Path, threshold: float) -> None:
    """One simulation as a directed graph."""
    with writing(path) as beside:
        nx.write_graphml(_graph(posterior, sims, nx.DiGraph, threshold), beside)


def check_graph(posterior: EdgePosterior, sim: int | None) -> None:
    """Raises DataError for a simulation that is not there, and for node names that are not all different."""
    count = len(posterior.edge_probs)
    if sim is not None and not 0 <= sim < count:
        raise DataError(f"Expected a simulation from 0 to {count - 1}; found {sim}.")
    if len(set(posterior.node_names)) < len(posterior.node_names):
        raise DataError("Expected node names that are all different; some occur twice. Rename them in the data.")


def write_dynamic_gexf(over_time: PosteriorOverTime, sim: int, path: Path, *, dt: float, window: int, threshold: float) -> None:
    """One simulation as a directed graph whose edges are there while they are at least `threshold` probable; Gephi plays it.

    A window counts from its start to the next one's; the last one for as long as it is.
    """
    over_time = writable_belief(over_time)
    check_graph(over_time.windows[0], sim)
    graph = nx.DiGraph(mode="dynamic", defaultedgetype="directed", timeformat="double")
    first = over_time.windows[0]
    graph.add_nodes_from(first.node_names)
    bounds = [*over_time.starts, over_time.starts[-1] + window]
    spans = [(bounds[place] * dt, bounds[place + 1] * dt) for place in range(len(over_time.windows))]
    tables = [edge_table(posterior, range(sim, sim + 1)) for posterior in over_time.windows]
    for place, row in enumerate(tables[0].itertuples()):
        weights = [float(table.weight.iloc[place]) for table in tables]
        spells = [span for span, weight in zip(spans, weights, strict=True) if weight >= threshold]
        if spells:
            graph.add_edge(row.source, row.target, spells=spells, probability=[(weight, *span) for weight, span in zip(weights, spans, strict=True)])
    with writing(path) as beside:
        nx.write_gexf(graph, beside)


def write_gexf(posterior: EdgePosterior, sims: range, path: Path, threshold: float) -> None:
    """One simulation as a directed graph."""
    with writing(path) as beside:
        nx.write_gexf(_graph(posterior, sims, nx.DiGraph, threshold), beside)
