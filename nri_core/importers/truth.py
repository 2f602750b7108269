"""A known graph that goes with a recording: an edge list, an adjacency matrix, or GraphML."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from nri_core.errors import DataError
from nri_core.importers.text import DELIMITERS, is_number, start_of
from nri_core.recording import Recording
from nri_core.trajectories import NONE

SENDERS = ("source", "from", "sender", "regulator", "cause", "src", "u")
RECEIVERS = ("target", "to", "receiver", "effect", "dst", "v")
KINDS = ("type", "edge_type", "kind", "label", "weight", "value", "edge")
MAX_BYTES = 32 * 1024**2
MOST_TYPES = 10


def with_truth(recording: Recording, path: Path, *, both_ways: bool = False) -> Recording:
    """The recording with this graph as the truth of all its trials; `both_ways`: who is acted on acts back, where the file does not say otherwise. Raises DataError."""
    edges, names = read_truth(path, recording.node_names)
    edges = np.where(edges, edges, edges.T) if both_ways else edges
    return recording.with_trials((dataclasses.replace(trial, edge_types=edges) for trial in recording.trials), edge_type_names=names)


def read_truth(path: Path, node_names: Sequence[str]) -> tuple[Int[np.ndarray, "node node"], tuple[str, ...]]:
    """Edge types [receiver, sender] and their names; type 0 is "none". Raises DataError naming the row.

    An edge list has the sender first and the receiver second, unless its columns are named; an adjacency matrix has senders in rows
    and receivers in columns, as graph programs write it.
    """
    path = Path(path)
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected a graph of at most {MAX_BYTES >> 20} MB; {path.name} is larger.")
    if path.suffix.lower() in (".graphml", ".xml"):
        return _typed(_graphml(path), node_names, path)
    start = start_of(path)
    rows = _rows(path)
    size = len(node_names)
    numbers = [row for row in rows if sum(map(is_number, row)) >= size]
    if len(numbers) == size and all(sum(map(is_number, row[-size:])) == size for row in numbers):
        return _adjacency(path, numbers, rows, node_names)
    header = [cell.lower() for cell in rows[0]] if rows else []
    named = any(name in SENDERS for name in header) and any(name in RECEIVERS for name in header)
    first, second = (next(place for place, name in enumerate(header) if name in usual) if named else place for place, usual in ((0, SENDERS), (1, RECEIVERS)))
    kind = next((place for place, name in enumerate(header) if name in KINDS), None) if named else (2 if len(start.names) > 2 else None)
    known = set(node_names)
    body = rows[1:] if named or not set(rows[0][:2]) <= known else rows
    edges = []
    for number, row in enumerate(body, len(rows) - len(body) + 1):
        if len(row) <= max(first, second):
            raise DataError(f"Expected a sender and a receiver in row {number} of {path.name}; found {', '.join(row)[:60]!r}.")
        edges.append((row[first], row[second], row[kind] if kind is not None and kind < len(row) else "1"))
    return _typed(edges, node_names, path)


def _typed(edges: Sequence[tuple[str, str, str]], node_names: Sequence[str], path: Path) -> tuple[Int[np.ndarray, "node node"], tuple[str, ...]]:
    """A 0 means no edge; numbers other than 1 are weights and all count as one type, words are types of their own."""
    place = {name: number for number, name in enumerate(node_names)}
    found = np.zeros((len(node_names), len(node_names)), int)
    words = sorted({kind for _, _, kind in edges if not is_number(kind) and kind != NONE})
    if len(words) >= MOST_TYPES:
        raise DataError(f"Expected fewer than {MOST_TYPES} kinds of edges in {path.name}; found {len(words)}, such as {', '.join(words[:4])}.")
    names = (NONE, *(words or ("edge",)))
    for number, (sender, receiver, kind) in enumerate(edges, 1):
        for name in (sender, receiver):
            if name not in place:
                raise DataError(f"Expected nodes of the recording ({', '.join(node_names[:6])}, …) in {path.name}; edge {number} names {name[:40]!r}. Rename it.")
        silent = kind == NONE or (is_number(kind) and float(kind.replace(",", ".")) == 0)
        if sender != receiver and not silent:
            found[place[receiver], place[sender]] = names.index(kind) if kind in names else 1
    return found, names


def _adjacency(
    path: Path, numbers: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], node_names: Sequence[str]
) -> tuple[Int[np.ndarray, "node node"], tuple[str, ...]]:
    size = len(node_names)
    matrix = np.array([[float(cell.replace(",", ".")) for cell in row[-size:]] for row in numbers])
    senders = [row[0] for row in numbers] if all(len(row) > size for row in numbers) else list(node_names)
    receivers = list(rows[0][-size:]) if len(rows) > size else list(node_names)
    if len(receivers) < size:
        raise DataError(f"Expected {size} names in the first row of {path.name}, one for each column; found {len(receivers)}. Complete them, or leave the row out.")
    edges = [(senders[row], receivers[column], f"{matrix[row, column]:g}") for row, column in np.argwhere(matrix != 0)]
    return _typed(edges, node_names, path)


def _graphml(path: Path) -> list[tuple[str, str, str]]:
    """Edges by the labels of their nodes; both directions where the graph is undirected. Never resolves entities."""
    import networkx as nx

    try:
        from defusedxml.ElementTree import parse
    except ImportError as error:
        raise DataError("GraphML needs the package defusedxml: pip install -r requirements-formats.txt, or save the graph as an edge list.") from error
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException

    try:
        parse(path)  # refuses what networkx's parser would expand
        graph = nx.read_graphml(path)
    except (DefusedXmlException, ParseError, nx.NetworkXError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"Expected GraphML; {path.name} cannot be read ({str(error)[:100] or type(error).__name__}). Save it again.") from error
    label = {node: str(about.get("label", about.get("name", node))) for node, about in graph.nodes(data=True)}
    edges = []
    for first, second, about in graph.edges(data=True):
        kind = str(next((about[name] for name in KINDS if name in about), "1"))
        edges.append((label[first], label[second], kind))
        if not graph.is_directed():
            edges.append((label[second], label[first], kind))
    return edges


def _rows(path: Path) -> list[list[str]]:
    """All cells, without empty rows."""
    dialect = start_of(path).dialect
    with open(path, encoding=dialect.encoding, newline="", errors="replace") as file:
        lines = [line for line in file.read().splitlines() if line.strip() and not line.startswith("#")]
    if dialect.delimiter == "spaces":
        return [line.split() for line in lines]
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=DELIMITERS[dialect.delimiter], skipinitialspace=True)]
    except csv.Error as error:
        raise DataError(f"Expected an edge list or a matrix in {path.name}; it cannot be read ({error}). Save it again as CSV (UTF-8).") from error
