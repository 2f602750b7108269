"""The parts of Results: the paper's tables as they were run here, drawn and written out. Needs no torch."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nri_core.errors import NRIError
from nri_core.jobs.run import runs_directory
from nri_core.reproduction.paper import HORIZONS, METHODS, figures
from nri_core.reproduction.results import FOLDER
from nri_core.reproduction.tables import Entry, Figure, Table, budget_text, entry_text, method_title, paper_text, read_table
from ui.figures import BASELINE_COLOUR, MODEL_COLOUR, SECOND_COLOUR

SHIPPED_RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
TITLES = {"table1": "Edge accuracy", "table2": "Forecast error"}
SENTENCES = {
    "table1": "How many pairs are inferred rightly, up to relabelling, from 49 frames of systems that no training saw.",
    "table2": "How far a forecast is off, {ahead} after the last true frame. Less is better.",
}
_MARGIN = {"l": 8, "r": 12, "t": 8, "b": 8}


def found(table: str) -> tuple[dict[str, Path], list[str]]:
    """The results at hand by the name of their source, own ones first; and a sentence for each file that is none."""
    paths = {"Yours": runs_directory() / FOLDER / f"{table}.json", "Shipped": SHIPPED_RESULTS / f"{table}.json"}
    usable, faults = {}, []
    for source, path in paths.items():
        if not path.exists():
            continue
        try:
            _read(path, path.stat().st_mtime_ns)
            usable[source] = path
        except NRIError as error:
            faults.append(str(error))
    return usable, faults


def table_at(path: Path) -> Table:
    """Read once for each change of the file."""
    return _read(path, path.stat().st_mtime_ns)


@st.cache_data(show_spinner=False, max_entries=8)
def _read(path: Path, changed: int) -> Table:
    return read_table(path)


def chart(table: Table, system: str, horizon: int) -> go.Figure:
    """A line a method: the paper's figure hollow and neutral, ours full, by its recipe and by ours."""
    figure = go.Figure()
    methods = table.methods(system)[::-1]
    names = [method_title(table.table, method) for method in methods]
    index = HORIZONS.index(horizon) if table.table == "table2" else 0
    quoted = [figures(table.table, system, method) for method in methods]
    paper = [values and values[index] for values in quoted]
    hollow = {"color": BASELINE_COLOUR, "symbol": "diamond-open", "size": 13, "line": {"width": 2}}
    figure.add_scatter(x=paper, y=names, name="the paper's figure", mode="markers", marker=hollow, cliponaxis=False)
    for recipe, label, colour, symbol in (
        ("paper", "paper's recipe, run here", SECOND_COLOUR, "square"),
        ("ours", "our recipe", MODEL_COLOUR, "circle"),
    ):
        entries = [table.entry(system, method, recipe) for method in methods]
        _points(figure, names, [_at(entry, index) for entry in entries], label, {"color": colour, "symbol": symbol, "size": 11})
    alone = [entry and entry.encoder_alone for entry in (table.entry(system, method, "ours") for method in methods)]
    if any(alone):
        _points(
            figure,
            names,
            alone,
            "our recipe, encoder alone",
            {"color": MODEL_COLOUR, "symbol": "circle-open", "size": 11, "line": {"width": 2}},
        )
    axis = (
        {"title": "Right pairs (%)", "range": [45, 101.5]}
        if table.table == "table1"
        else {"title": "Mean squared error", **_logarithmic(figure)}
    )
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    return figure.update_layout(
        height=96 + 34 * len(methods),
        margin=_MARGIN,
        legend=legend,
        xaxis=axis,
        yaxis={"type": "category", "categoryarray": names, "automargin": True},
    )


def _logarithmic(figure: go.Figure) -> dict[str, object]:
    values = [value for trace in figure.data for value in trace.x if value]
    decades = math.log10(max(values) / min(values)) if values else 1
    return {"type": "log", "exponentformat": "power", "dtick": 2 if decades > 4 else 1}


def _at(entry: Entry | None, index: int) -> Figure | None:
    return entry.figures[index] if entry and entry.figures else None


def _points(figure: go.Figure, names: list[str], values: list[Figure | None], label: str, marker: Mapping[str, object]) -> None:
    means, bars = [value and value.mean for value in values], [value and (value.standard_error or 0.0) for value in values]
    shown = {"type": "data", "array": bars, "thickness": 1.5, "width": 4}
    figure.add_scatter(x=means, y=names, name=label, mode="markers", marker=marker, cliponaxis=False, error_x=shown if any(bars) else None)


def written(table: Table, system: str) -> pd.DataFrame:
    """The same as text, with what each figure had to learn with."""
    rows = []
    for method in table.methods(system):
        paper, ours = (table.entry(system, method, recipe) for recipe in ("paper", "ours"))
        rows.append(
            {
                "Method": method_title(table.table, method),
                "Paper (quoted)": paper_text(table.table, system, method),
                "Paper's recipe, here": entry_text(table.table, paper),
                "Our recipe": entry_text(table.table, ours),
                "Budget of the paper's recipe": budget_text(paper),
                "Budget of ours": budget_text(ours),
                "What it is": METHODS[method].meaning,
            }
        )
    return pd.DataFrame(rows)


def show_written(rows: pd.DataFrame) -> None:
    """Figures first; what they cost and what they are further right."""
    widths = dict(zip(rows.columns, (200, 180, 240, 240, 380, 380, 700), strict=True))
    columns = {name: st.column_config.TextColumn(name, width=width, pinned=name == "Method") for name, width in widths.items()}
    st.dataframe(rows, hide_index=True, key="figures", column_config=columns)


def command(table: str, system: str) -> str:
    """What runs it again, for an hour."""
    return f"python -m nri_core reproduce {table} --budget 60 --systems {system}"
