"""Sweeps on the Runs page: a table each."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from nri_core.jobs import Run
from nri_core.jobs.sweep import sweep_table
from ui.names import called, literal, written


def show_sweeps(found: Sequence[tuple[str, Run]]) -> None:
    """Mean and spread over the seeds of each combination of settings, by sweep; the runs come newest first."""
    for sweep in dict.fromkeys(sweep for sweep, _ in found):
        with st.expander(f"Sweep {literal(sweep)}: mean and spread over seeds"):
            rows = sweep_table([run for other, run in reversed(found) if other == sweep])  # in the order of submission
            st.dataframe(pd.DataFrame([_row(row) for row in rows]), hide_index=True)
            st.caption("Mean ± standard deviation over the seeds that are done; accuracies on validation systems, up to relabelling.")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    states = ", ".join(f"{count} {state}" for state, count in row["states"].items())
    settings = {called(name): written(value) for name, value in row["settings"].items()}
    results = {
        "Edges right (%)": _spread(row, "edge_accuracy", 100, ".1f"),
        "Encoder alone (%)": _spread(row, "edge_accuracy_encoder", 100, ".1f"),
        "Error, 10 frames": _spread(row, "mse_10", 1, ".1e"),
        "Validation loss": _spread(row, "valid_loss", 1, ".3f"),
        "Seconds": _spread(row, "seconds", 1, ".0f"),
    }
    return {"Row": row["row"], **settings, "Seeds": len(row["seeds"]), "State": states, **results}


def _spread(row: dict[str, Any], name: str, factor: float, form: str) -> str:
    if row[name] is None:
        return "–"
    spread = row[f"{name}_sd"]
    return f"{factor * row[name]:{form}}" + ("" if spread is None else f" ± {factor * spread:{form}}")
