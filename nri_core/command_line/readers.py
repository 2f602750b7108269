"""Who reads the graph on the command line: a trained model, or `baseline:NAME`."""

import argparse
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from nri_core.errors import ConfigError
from nri_core.network_baselines import BASELINES, LAWS, law_fit
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

PREFIX = "baseline:"
OPTIONS = {"window": "--window", "law": "--law", "couplings": "--couplings", "share": "--share", "undirected": "--directed", "lstm": "--lstm"}


def _lstm_correlation(data: Trajectories, *, lstm: Path, share: float = 0.5) -> EdgePosterior:
    from nri_core.checkpoint import Checkpoint  # only this one needs torch
    from nri_core.network_baselines.states import lstm_correlation

    return lstm_correlation(data, lstm=Checkpoint.load(lstm), share=share)


READERS = BASELINES | {"lstm_correlation": _lstm_correlation}


def add_reader(parser: argparse.ArgumentParser) -> None:
    """The first argument of a verb that infers, and the options of the baselines."""
    names = ", ".join(READERS)
    parser.add_argument("reader", metavar="CHECKPOINT_DIR", help=f"folder of a trained model, or {PREFIX}NAME (no model): {names}")
    group = parser.add_argument_group("options of the baselines")
    group.add_argument("--window", type=int, help="read only so many frames, the first, as a model does (default: all)")
    group.add_argument("--law", choices=LAWS, help="the law that known_law takes for true")
    group.add_argument("--couplings", type=float, nargs="+", help="its coupling for each edge type (default: the reference's)")
    group.add_argument("--share", type=float, help="share of pairs that correlation and the like call edges (default: 0.5)")
    group.add_argument("--lstm", type=Path, metavar="CHECKPOINT_DIR", help="the LSTM whose hidden states lstm_correlation compares")
    group.add_argument("--directed", dest="undirected", action="store_false", default=None, help="do not tie the directions of a pair")


def by_baseline(options: argparse.Namespace, data: Trajectories) -> tuple[EdgePosterior, dict[str, Any]] | None:
    """What the named baseline infers, and what else to print of it; None where a trained model is named. Raises ConfigError."""
    given: dict[str, Any] = {name: value for name in OPTIONS if (value := getattr(options, name)) is not None}
    given |= {"couplings": tuple(given["couplings"])} if "couplings" in given else {}
    if not options.reader.startswith(PREFIX):
        if given:
            raise ConfigError(f"Expected no option of a baseline with a trained model; found {_spelled(given)}.")
        return None
    name = options.reader.removeprefix(PREFIX)
    if name not in READERS:
        raise ConfigError(f"Expected {PREFIX}NAME with a name of {', '.join(READERS)}; found {name!r}.")
    window = given.pop("window", data.num_steps)
    if not 1 <= window <= data.num_steps:
        raise ConfigError(f"Expected --window from 1 to {data.num_steps}; found {window}.")
    takes, data = signature(READERS[name]).parameters, data.select(slice(None), frames=slice(0, window))
    if unknown := [option for option in given if option not in takes]:
        raise ConfigError(f"Expected no option of {name} but {_spelled(takes)}; found {_spelled(unknown)}.")
    if missing := [option for option in OPTIONS if option in takes and takes[option].default is Parameter.empty and option not in given]:
        raise ConfigError(f"Expected {_spelled(missing)} with {name}; found none.")
    posterior = READERS[name](data, **given)
    if name != "known_law":
        return posterior, {}
    given.pop("undirected", None)
    return posterior, {"law_fit": law_fit(data, posterior, **given)}


def _spelled(names: Any) -> str:
    return ", ".join(option for name, option in OPTIONS.items() if name in names)
