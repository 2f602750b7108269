"""The numbers of a stage → plotly figures. Imports no streamlit: the page's theme colours whatever is left unset here."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nri_core.stages import Numbers
from ui.figures import BASELINE_COLOUR, CURVE_COLOURS, MODEL_COLOUR, SECOND_COLOUR

BELOW, ABOVE, NOTHING = "#0072B2", "#D55E00", "rgba(128, 140, 155, 0.12)"  # of a heat strip: Okabe and Ito's, apart for everybody
MOST_WRITTEN = 8  # columns of a strip whose numbers are written into the cells
MOST_NAMED = 12  # rows of a strip that are named at its side
ROW, FRAME = 26, 64  # pixels of a row, and of what stands around the rows
_MARGIN = {"l": 8, "r": 8, "t": 48, "b": 24}
TIGHTER = {"strips": {"t": 30}, "arrows": {"t": 30}}
LONG = 12  # letters of a name below a bar
LETTER = 0.05  # of the way from the origin to the edge: room for the name at a tip
SHARES = ("probability", "sample", "share")  # rows that add up to one
QUIET = "rgba(128, 140, 155, 0.65)"


def picture(numbers: Numbers, height: int, *, lit: str = "") -> go.Figure:
    """The picture that suits the numbers; `lit` names the row that is the chosen edge."""
    drawn = {"strips": _strips, "lines": _lines, "bars": _bars, "arrows": _arrows, "change": _change}[numbers.picture](numbers, lit)
    title = {"text": numbers.about, "font": {"size": 13}, "x": 0, "xref": "container", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 6, "l": 8}}
    drawn.update_layout(title=title, height=height, margin=_MARGIN | TIGHTER.get(numbers.picture, {}), showlegend=drawn.layout.showlegend or False)
    return drawn.update_xaxes(zeroline=False).update_yaxes(zeroline=False)


def wanted_height(numbers: Numbers) -> int:
    """So many pixels as show it well."""
    return FRAME + ROW * min(len(numbers.rows), MOST_NAMED) if numbers.picture == "strips" else 250


def _strips(numbers: Numbers, lit: str) -> go.Figure:
    """Zero has no colour; above and below it have one each, and the value is on hover or in the cell."""
    rows = [f"<b>{_plain(row)}</b>" if row == lit else _plain(row) for row in numbers.rows]
    values, columns = numbers.values, columns_of(numbers)
    most = float(np.abs(values).max()) or 1.0
    few = values.shape[1] <= MOST_WRITTEN and len(rows) <= MOST_NAMED
    figure = go.Figure(
        go.Heatmap(
            z=values, x=columns, y=np.arange(len(rows)), customdata=np.tile(np.array(rows)[:, None], (1, values.shape[1])), zmin=-most, zmax=most,
            colorscale=[(0, BELOW), (0.5, NOTHING), (1, ABOVE)], texttemplate="%{z:.3g}" if few else None, xgap=1, ygap=3 if len(rows) <= MOST_NAMED else 0,
            hovertemplate="%{customdata}, %{x}: %{z:.4g}<extra></extra>", colorbar={"thickness": 8, "outlinewidth": 0, "nticks": 3, "tickfont": {"size": 10}},
        )
    )  # fmt: skip
    named = len(rows) <= MOST_NAMED or bool(numbers.columns and not numbers.rows[0].isdigit())
    ticks = {"tickmode": "array", "tickvals": np.arange(len(rows)), "ticktext": rows, "tickfont": {"size": 11}} if named and len(rows) <= 20 else {"showticklabels": False}
    figure.update_yaxes(autorange="reversed", showgrid=False, **ticks)
    return figure.update_xaxes(showgrid=False, type="category", nticks=10, showticklabels=bool(numbers.columns), tickangle=0)


def _lines(numbers: Numbers, lit: str) -> go.Figure:
    """A dash for each curve as well as a colour."""
    figure = go.Figure()
    dashes = ("solid", "dash", "dot", "dashdot")
    at = [float(column) for column in numbers.columns]
    for place, (row, values) in enumerate(zip(numbers.rows, numbers.values, strict=True)):
        line = {"color": (MODEL_COLOUR, *CURVE_COLOURS[1:])[place % len(CURVE_COLOURS)], "dash": dashes[place % len(dashes)]}
        figure.add_scatter(x=at, y=values, name=_plain(row), mode="lines", line=line)
    legend = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
    return figure.update_layout(showlegend=len(numbers.rows) > 1, legend=legend, hovermode="x unified")


def _bars(numbers: Numbers, lit: str) -> go.Figure:
    """A panel a row, each with its own scale, a bar a column; every number is written at its bar."""
    names, count = [_plain(column) for column in columns_of(numbers)], len(numbers.rows)
    columns = [name.replace(" ", "<br>") if max(map(len, names)) > LONG else name for name in names]  # a word below the other, so that every bar keeps its name
    titles = [_plain(row) for row in numbers.rows] if count > 1 else None
    figure = make_subplots(1, count, subplot_titles=titles, horizontal_spacing=0.12 / count)
    for place, (row, values) in enumerate(zip(numbers.rows, numbers.values, strict=True)):
        figure.add_trace(_bar(row, values, names, MODEL_COLOUR, ""), 1, place + 1)
        whole = 1.0 if row in SHARES else 0.0
        figure.update_yaxes(range=_range(values, whole), showticklabels=False, nticks=4, col=place + 1)
    ticks = {"tickmode": "array", "tickvals": np.arange(len(columns)), "ticktext": columns, "tickfont": {"size": 11}}
    figure.update_annotations(font_size=12)
    return figure.update_xaxes(showgrid=False, range=[-0.6, len(columns) - 0.4], tickangle=0, automargin=True, **ticks).update_layout(bargap=0.4)


def _bar(row: str, values: np.ndarray, columns: Sequence[str], colour: str, pattern: str) -> go.Bar:
    texts = [written(value, float(np.abs(values).max())) for value in values]
    marker = {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.6)"}}
    return go.Bar(
        x=np.arange(len(columns)), y=values, name=_plain(row), marker=marker, text=texts, textposition="outside", cliponaxis=False, customdata=list(columns),
        hovertemplate=f"{_plain(row)}, %{{customdata}}: %{{y:.4g}}<extra></extra>", textfont={"size": 11}, textangle=0,
    )  # fmt: skip


def _arrows(numbers: Numbers, lit: str) -> go.Figure:
    """From one point: every row an arrow, the chosen edge thick, the last row dashed; in space as seen along the third axis."""
    figure, values = go.Figure(), numbers.values[:, :2]
    last = len(values) - 1
    for place, (row, (across, up)) in enumerate(zip(numbers.rows, values, strict=True)):
        chosen, total = row == lit, place == last
        colour, width, dash = (MODEL_COLOUR, 4, "solid") if chosen else (SECOND_COLOUR, 3, "dash") if total else (QUIET, 1.5, "solid")
        named = chosen or total or (len(values) <= MOST_NAMED and float(np.hypot(across, up)) > 0.03 * np.abs(values).max())
        figure.add_scatter(
            x=[0, across], y=[0, up], mode="lines+markers+text" if named else "lines+markers", line={"color": colour, "width": width, "dash": dash},
            cliponaxis=False, marker={"symbol": ["circle", "arrow"], "size": [3, 11], "angleref": "previous", "color": colour}, name=_plain(row), text=["", _plain(row)],
            textposition=("middle right" if across >= 0 else "middle left") if total else "top center" if up >= 0 else "bottom center", hovertemplate=f"{_plain(row)}: (%{{x:.3g}}, %{{y:.3g}})<extra></extra>",
        )  # fmt: skip
    far = 1.25 * (float(np.abs(values).max()) or 1.0)
    names = columns_of(numbers)
    room = [1 + LETTER * len(numbers.rows[last]) * (values[last, 0] * side > 0) for side in (-1, 1)]
    figure.update_xaxes(title={"text": names[0], "font": {"size": 11}}, range=[-far * room[0], far * room[1]], nticks=5)
    return figure.update_yaxes(title={"text": names[1], "font": {"size": 11}}, range=[-far, far], scaleanchor="x", constrain="domain", nticks=5)


def _change(numbers: Numbers, lit: str) -> go.Figure:
    """How much each feature changes: as predicted and, where it is known, truly."""
    rows = dict(zip(numbers.rows, numbers.values, strict=True))
    shown = {"predicted": rows["predicted"] - rows["now"]} | ({"true": rows["true"] - rows["now"]} if "true" in rows else {})
    figure = make_subplots(1, len(numbers.columns), subplot_titles=[_plain(column) for column in numbers.columns], horizontal_spacing=0.2 / len(numbers.columns))
    for place in range(len(numbers.columns)):
        values = np.array([change[place] for change in shown.values()])
        for at, (name, value) in enumerate(zip(shown, values, strict=True)):
            bar = _bar(name, np.array([value]), [numbers.columns[place]], MODEL_COLOUR if name == "predicted" else BASELINE_COLOUR, "" if name == "predicted" else "/")
            figure.add_trace(bar.update(x=[at]), 1, place + 1)
        figure.update_yaxes(range=_range(values), showticklabels=False, nticks=3, col=place + 1)
    figure.update_annotations(font_size=12)
    figure.add_hline(y=0, line_width=1, line_color=QUIET)
    return figure.update_xaxes(tickmode="array", tickvals=list(range(len(shown))), ticktext=list(shown), showgrid=False, tickfont={"size": 10}, tickangle=0)


def _range(values: np.ndarray, whole: float = 0.0) -> list[float]:
    """From zero to the values, with room for the numbers at the bars; as far as `whole` at least."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), whole)
    room = 0.2 * (high - low or 1)
    return [low - room * (low < 0), high + room * (high > 0)]


def written(value: float, most: float = 0.0) -> str:
    """Three significant digits, or what is as good as nothing beside the largest."""
    if 0 < abs(value) < 1e-9 * most:
        return "≈ 0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def columns_of(numbers: Numbers) -> Sequence[str]:
    """Their names, else their numbers."""
    return numbers.columns or tuple(str(place + 1) for place in range(numbers.values.shape[1]))


def _plain(text: str) -> str:
    """Names are data: what Plotly would take for markup stands as it is."""
    return escape(text, quote=False)
