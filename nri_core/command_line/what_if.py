"""what-if CHECKPOINT_DIR DATA.npz --sim 0 --cut 2-3 [--set-edge 2-3=spring]"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nri_core.command_line.fields import add_json
from nri_core.errors import ConfigError
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.what_if import EdgeImportance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model, data, one simulation, and what to change in its inferred graph."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT_DIR", help="folder of a trained model that forecasts")
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories, longer than what the model reads")
    parser.add_argument("--sim", type=int, default=0, help="which simulation, counted from 0 (default: 0)")
    parser.add_argument("--cut", nargs="+", default=[], metavar="FROM-TO", help="pairs, nodes counted from 1, that no longer act: 2 acts on 3 is 2-3")
    parser.add_argument("--set-edge", nargs="+", default=[], metavar="FROM-TO=TYPE", help="pairs of another type, by its name (or its number, from 0)")
    parser.add_argument("--horizon", type=int, default=20, help="frames after the model's window over which errors are averaged (default: 20)")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Forecast errors (mean squared, in the reference's units) with and without the change, and for every pair what its loss would do after that.

    Types go by the names of the truth where it is known (as `evaluate` matches them). Where the law is known too,
    `moved_truly` says how far the true system would be from itself, `error_against_truth` how well the model tells where.
    """
    data = Trajectories.load(options.data)
    if not 0 <= options.sim < data.num_sims:
        raise ConfigError(f"Expected --sim from 0 to {data.num_sims - 1}; found {options.sim}.")
    if options.horizon < 1:
        raise ConfigError(f"Expected --horizon of at least 1 frame; found {options.horizon}.")
    cuts, kinds = [_pair(text) for text in options.cut], [_pair_and_type(text) for text in options.set_edge]
    from nri_core.checkpoint import Checkpoint  # torch takes seconds to import: faults of the input are told before
    from nri_core.inference import forecast_start, infer_edges
    from nri_core.metrics import score_edges
    from nri_core.what_if import CUT, answer_of_law, answer_to_cut, edge_importance, edited, law_of

    checkpoint = Checkpoint.load(options.checkpoint)
    one = data.select(slice(options.sim, options.sim + 1))
    read, place = (one, 0) if data.edge_types is None else (data, options.sim)  # all systems together tell how the types are called
    posterior = infer_edges(checkpoint, read)
    names = tuple(posterior.edge_type_names)
    if score := score_edges(posterior, read):
        names = tuple(data.edge_type_names[kind] for kind in score.relabelling)
    graph, start, law = posterior.edge_types[place], forecast_start(checkpoint, data), law_of(one)
    changes = {pair: CUT for pair in cuts} | {pair: _numbered(kind, names) for pair, kind in kinds}
    asked = edited(graph, changes, both_ways=checkpoint.config.settings.undirected)
    importance = edge_importance(checkpoint, one, asked, start=start, horizon=options.horizon, system=law)
    forecast, errors = answer_to_cut(checkpoint, one, graph, changes, start=start, num_steps=min(options.horizon, one.num_steps - start - 1))
    result = {"sim": options.sim, "start": start, "horizon": forecast.num_steps, "inference": posterior.inference, "edge_types": names, **errors}
    if changes and law is not None and one.edge_types is not None and one.edge_types.ndim == 3:
        alike = {pair: kind if kind == CUT else one.edge_type_names.index(names[kind]) for pair, kind in changes.items()}
        true = one.edge_types[0]
        _, moved, missed = answer_of_law(law, one, true, edited(true, alike, both_ways=checkpoint.config.settings.undirected), forecast)
        result |= {"moved_truly": moved, "error_against_truth": missed}
    return result | {"edges": _rows(importance, asked, posterior.edge_probs[place], names)}


def _rows(importance: "EdgeImportance", graph: np.ndarray, probs: np.ndarray, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The pair that matters most comes first; `type` is what it is in the graph, changes made, and `prob` what the model believed of that type."""
    rows = []
    for place in np.argsort(-importance.change, kind="stable").tolist():
        receiver, sender = importance.pairs[place].tolist()
        kind = int(graph[receiver, sender])
        truly = None if importance.truly is None else float(importance.truly[place])
        row = {"pair": f"{sender + 1}-{receiver + 1}", "type": names[kind] if kind >= 0 else "cut", "prob": float(probs[receiver, sender, kind]) if kind >= 0 else None}
        rows.append(row | {"error_without": float(importance.without[place]), "change": float(importance.change[place]), "moved_truly": truly})
    return rows


def _pair(text: str) -> tuple[int, int]:
    """(receiver, sender), counted from 0."""
    ends = text.split("-")
    if len(ends) != 2 or not all(end.isdecimal() for end in ends) or "0" in ends:
        raise ConfigError(f"Expected two nodes counted from 1, as in 2-3; found {text!r}.")
    return int(ends[1]) - 1, int(ends[0]) - 1


def _pair_and_type(text: str) -> tuple[tuple[int, int], str]:
    pair, equals, kind = text.partition("=")
    if not equals or not kind:
        raise ConfigError(f"Expected a pair and a type, as in 2-3=none; found {text!r}.")
    return _pair(pair), kind


def _numbered(kind: str, names: tuple[str, ...]) -> int:
    if kind in names:
        return names.index(kind)
    if kind.isdecimal() and int(kind) < len(names):
        return int(kind)
    raise ConfigError(f"Expected a type of {', '.join(names)}; found {kind!r}.")
