"""The small charts beside the player of a lesson."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from ui.controls import truth_hidden
from ui.figures import BASELINE_COLOUR, MODEL_COLOUR, PLAIN, SECOND_COLOUR

_DASHES = ("solid", "dash", "dot")
_HUES = (MODEL_COLOUR, SECOND_COLOUR, BASELINE_COLOUR)


def shares(values: Mapping[str, float], *, title: str, key: str, chosen: str = "", chance: float | None = 0.5) -> None:
    """A bar for each share of pairs, its number written on it; the chosen one stands out. None where a link hides the truth."""
    if truth_hidden():
        return
    names, percents = list(values), [100 * share for share in values.values()]
    colours = [MODEL_COLOUR if not chosen or name == chosen else BASELINE_COLOUR for name in names]
    figure = go.Figure(go.Bar(
        x=percents, y=names, orientation="h", marker_color=colours, text=[f"{number:.0f} %" for number in percents], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    ))  # fmt: skip
    if chance is not None:
        figure.add_vline(x=100 * chance, line={"dash": "dot", "color": BASELINE_COLOUR})
    _small(figure, title, height=66 + 26 * len(names), below="" if chance is None else "dotted: chance").update_xaxes(range=[0, 130], showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", ticksuffix=" ", automargin=True)
    st.plotly_chart(figure, key=f"chart {key}", config=PLAIN, alt=f"{title}: " + ", ".join(f"{name} {number:.0f} %" for name, number in zip(names, percents, strict=True)))


def curves(
    at: Sequence[float], lines: Mapping[str, Sequence[float]], *, title: str, x_title: str, y_title: str, key: str, mark: float | None = None, log: bool = False
) -> None:
    """Lines with their own dashes; `mark` is where the slider stands."""
    figure = go.Figure()
    for place, (name, values) in enumerate(lines.items()):
        style = {"color": _HUES[place % len(_HUES)], "dash": _DASHES[place % len(_DASHES)]}
        figure.add_scatter(x=list(at), y=list(values), name=name, mode="lines+markers", line=style, marker={"size": 5, "symbol": place})
    if mark is not None:
        figure.add_vline(x=mark, line={"dash": "dot", "color": BASELINE_COLOUR})
    _small(figure, title, height=232).update_layout(xaxis_title=x_title, yaxis_title=y_title, hovermode="x unified", showlegend=True)
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}, margin={"l": 4, "r": 4, "t": 78, "b": 4})
    if log:
        figure.update_yaxes(type="log", exponentformat="power", nticks=5)
    st.plotly_chart(figure, key=f"chart {key}", config=PLAIN, alt=title)


def _small(figure: go.Figure, title: str, *, height: int, below: str = "") -> go.Figure:
    room = 16 * bool(below)
    words = {"text": title, "font": {"size": 13}, "subtitle": {"text": below, "font": {"size": 11}}, "x": 0.01, "xref": "container", "y": 0.98, "yanchor": "top"}
    return figure.update_layout(title=words, height=height + room, margin={"l": 4, "r": 4, "t": 34 + room, "b": 4}, showlegend=False)
