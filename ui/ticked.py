"""Runs that are ticked in the table of runs, in the address: so a link opens the same comparison."""

from collections.abc import Sequence

import streamlit as st

from ui.controls import heed
from ui.forms import note
from ui.names import literal

_KEY = "ticked"
_ENOUGH = 10  # characters of an id tell runs apart


def asked(run: str) -> bool:
    """Whether the address names this run."""
    return run[:_ENOUGH] in _names()


def keep(runs: Sequence[str], *, listed: Sequence[str]) -> None:
    """Put those of the listed runs into the address; those that a search leaves out stay in it."""
    among = {run[:_ENOUGH] for run in listed}
    if names := [*(name for name in _names() if name not in among), *(run[:_ENOUGH] for run in runs)]:
        st.query_params[_KEY] = ",".join(names)
    else:
        st.query_params.pop(_KEY, None)


def say_unknown(runs: Sequence[str]) -> None:
    """A sentence on those that the address names and that are not among the runs here."""
    here = {run[:_ENOUGH] for run in runs}
    if unknown := [name for name in _names() if name not in here]:
        note("orange", "link_off", f"The address asks for {len(unknown)} run{'s' * (len(unknown) > 1)} that this server does not have, such as {literal(unknown[0][:12])}. Left out.")


def forget(runs: Sequence[str]) -> None:
    """Runs that are about to go."""
    keep([], listed=runs)


def _names() -> list[str]:
    heed(_KEY, "Ticked runs")
    return [name for name in st.query_params.get(_KEY, "").split(",") if name]
