"""Artefact → plotly figure. Imports no streamlit: the page's theme colours whatever is left unset here."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float, Int

from nri_core.exporters.drawing import EDGE_HUES
from nri_core.metrics import Calibration

if TYPE_CHECKING:  # it needs torch, and the landing page paints without
    from nri_core.sensitivity import Point

# Okabe and Ito's colours, readable on light and dark grounds alike. One hue per edge type, one per curve; "none" recedes.
NONE_COLOUR = "rgba(128, 140, 155, 0.18)"
CURVE_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
MODEL_COLOUR, BASELINE_COLOUR, SECOND_COLOUR = "#0072B2", "#8A97A6", "#E69F00"
PLAIN = {"displayModeBar": False}  # `config` of every chart: no bar of tools above it
CERTAIN = 0.995  # rounds to 1.00: a cell without a number
_MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}
_LEGEND = {"orientation": "h", "x": 1.0, "xanchor": "right", "y": 1.0, "yanchor": "bottom"}


def true_matrix(edge_types: Int[np.ndarray, "node node"], type_names: Sequence[str], node_names: Sequence[str]) -> go.Figure:
    """The true type of each pair, a hue per type, a row per receiver and a column per sender."""
    return _matrix("True graph", edge_types.astype(float), None, type_names, node_names)


def inferred_matrix(edge_probs: Float[np.ndarray, "node node type"], type_names: Sequence[str], node_names: Sequence[str]) -> go.Figure:
    """The most probable type of each pair; the number in a cell is its probability, where that is not all but 1."""
    return _matrix("Inferred graph", edge_probs.argmax(-1).astype(float), edge_probs.max(-1), type_names, node_names)


def errors_by_horizon(
    one: Float[np.ndarray, " horizon"], model: Float[np.ndarray, "sim horizon"], still: Float[np.ndarray, "sim horizon"], *, system: int
) -> go.Figure:
    """Forecast error against frames ahead: one system, median and mean of all, and the forecast that nothing moves.

    Where paths are chaotic, few systems make the mean; the median is the typical one. Systems that nobody saw at a horizon do not count there.
    """
    typical, mean, typical_still = (
        measure(np.ma.masked_invalid(errors), axis=0).filled(np.nan) for measure, errors in ((np.ma.median, model), (np.ma.mean, model), (np.ma.median, still))
    )
    figure = line_chart("Forecast error", "Frames ahead", "Mean squared error (scaled units)")
    ahead = np.arange(1, model.shape[1] + 1)
    lines = (
        (typical, "median of all systems", MODEL_COLOUR, "solid"),
        (mean, "mean of all systems", MODEL_COLOUR, "dot"),
        (one, f"system {system}", SECOND_COLOUR, "dash"),
        (typical_still, "nothing moves, median", BASELINE_COLOUR, "solid"),
    )
    for values, name, colour, dash in lines:
        figure.add_scatter(x=ahead, y=values, name=name, line={"color": colour, "dash": dash})
    return figure.update_yaxes(type="log", exponentformat="power", dtick=1)


def reliability(calibration: Calibration) -> go.Figure:
    """Share right against certainty, a point a bin, its area by the pairs in it."""
    figure = line_chart("Calibration", "How sure (%)", "Right (%)")
    sure, right = 100 * calibration.confidence, 100 * calibration.right
    low = min(40.0, sure.min(), right.min())
    figure.add_scatter(x=[low, 100], y=[low, 100], name="as sure as right", mode="lines", line={"color": BASELINE_COLOUR, "dash": "dot"})
    sizes = {"size": 6 + 22 * np.sqrt(calibration.pairs / calibration.pairs.max()), "color": MODEL_COLOUR, "opacity": 0.85}
    number = "%{customdata:,} pairs: %{x:.1f} % sure, %{y:.1f} % right<extra></extra>"
    figure.add_scatter(
        x=sure, y=right, customdata=calibration.pairs, name="pairs, in bins", mode="lines+markers", marker=sizes,
        line={"color": MODEL_COLOUR, "width": 1}, hovertemplate=number,
    )  # fmt: skip
    return figure.update_layout(hovermode="closest").update_xaxes(range=[low - 2, 103]).update_yaxes(range=[low - 2, 106])


def accuracy_by(points: "Mapping[str, Sequence[Point]]", values: Sequence[float], x_title: str, *, spaced: bool = False) -> go.Figure:
    """Share right of each reader against what changes, over the middle 80 % of the systems as a band, and the share to beat.

    `spaced`: values beside each other whatever their size, since one of them is 0. Points still to come have their place already.
    """
    figure = line_chart("", x_title, "Right (%)").update_layout(height=400, hovermode="closest")
    place = {value: f"{value:g}" if spaced else value for value in values}
    looks = ((MODEL_COLOUR, "rgba(0, 114, 178, 0.2)", "solid", "circle"), (SECOND_COLOUR, "rgba(230, 159, 0, 0.18)", "dash", "diamond"))
    for (name, found), (colour, band, dash, symbol) in zip(points.items(), looks, strict=False):
        there = [point for point in found if point.accuracy is not None]
        at = [place[point.at] for point in there]
        for edge, fill in (([point.low for point in there], None), ([point.high for point in there], "tonexty")):
            line = {"width": 0, "color": colour}
            figure.add_scatter(x=at, y=[100 * (share or 0) for share in edge], line=line, mode="lines", fill=fill, fillcolor=band, showlegend=False, hoverinfo="skip")
        number = "%{x}: %{y:.1f} % right, ± %{customdata[0]:.1f} over %{customdata[1]} systems<extra>" + escape(name) + "</extra>"
        data = [[100 * (point.spread or 0), point.num_sims] for point in there]
        figure.add_scatter(
            x=at, y=[100 * point.accuracy for point in there], customdata=data, name=escape(name), mode="lines+markers", hovertemplate=number,
            line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 8},
        )  # fmt: skip
    beat = {point.at: point.to_beat for found in points.values() for point in found if point.to_beat is not None}
    figure.add_scatter(
        x=[place[value] for value in sorted(beat)], y=[100 * beat[value] for value in sorted(beat)], name="commonest type", mode="lines",
        line={"color": BASELINE_COLOUR, "dash": "dot"}, hoverinfo="skip",
    )  # fmt: skip
    if spaced:
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(place.values()), range=[-0.3, len(values) - 0.7])
    else:
        pad = 1.06
        figure.update_xaxes(type="log", tickvals=list(values), ticktext=[f"{value:g}" for value in values], range=[math.log10(values[0] / pad), math.log10(values[-1] * pad)])
    lowest = min([40.0, *(100 * point.low for found in points.values() for point in found if point.low is not None)])
    return figure.update_yaxes(range=[lowest - 3, 103])


def mode(points: Sequence[Any]) -> str:
    """A line, but a single point would be invisible as one."""
    return "lines" if len(points) > 1 else "markers"


def line_chart(title: str, x_title: str, y_title: str) -> go.Figure:
    """An empty chart of lines."""
    figure = go.Figure()
    return figure.update_layout(
        title={"text": title, "font": {"size": 15}},
        height=270,
        margin=_MARGIN,
        hovermode="x unified",
        legend=_LEGEND,
        xaxis_title=x_title,
        yaxis_title=y_title,
    )


def small(figure: go.Figure) -> go.Figure:
    """For the side column: no room to spare, so the legend lies below."""
    legend = {"orientation": "h", "x": 0.0, "xanchor": "left", "y": -0.66, "yanchor": "top"}
    return figure.update_layout(height=210, legend=legend, margin=_MARGIN | {"t": 30})


def _matrix(
    title: str,
    kinds: Float[np.ndarray, "node node"],
    certainty: Float[np.ndarray, "node node"] | None,
    type_names: Sequence[str],
    node_names: Sequence[str],
) -> go.Figure:
    """[receiver, sender] with an empty diagonal."""
    kinds = np.where(np.eye(len(kinds), dtype=bool), np.nan, kinds)
    figure = go.Figure()
    hues = iter(EDGE_HUES * len(type_names))
    for kind, name in enumerate(type_names):
        colour = NONE_COLOUR if name == "none" else next(hues)
        figure.add_trace(_cells(kinds == kind, certainty, colour, name, node_names))
        figure.add_scatter(x=[None], y=[None], mode="markers", marker={"symbol": "square", "size": 12, "color": colour}, name=name)
    axis = {"type": "category", "constrain": "domain", "showgrid": False, "zeroline": False}
    figure.update_layout(title={"text": title, "font": {"size": 15}}, height=300 + 16 * min(max(len(kinds) - 5, 0), 10), margin=_MARGIN, legend=_LEGEND, hovermode="closest")
    down = axis | {"title": "Receiver", "autorange": "reversed", "scaleanchor": "x"}
    return figure.update_layout(xaxis=axis | {"title": "Sender"}, yaxis=down)


def _cells(
    chosen: Bool[np.ndarray, "node node"],
    certainty: Float[np.ndarray, "node node"] | None,
    colour: str,
    name: str,
    node_names: Sequence[str],
) -> go.Heatmap:
    """The cells of one edge type in its colour."""
    gap = 2 if len(chosen) <= 30 else 0
    written = certainty is not None and len(chosen) <= 10
    font = {"size": 12 if len(chosen) <= 6 else 10} | ({"color": BASELINE_COLOUR} if colour == NONE_COLOUR else {})
    return go.Heatmap(
        z=np.where(chosen, 1.0, np.nan),
        x=list(node_names),
        y=list(node_names),
        colorscale=[(0, colour), (1, colour)],
        showscale=False,
        hoverongaps=False,
        xgap=gap,
        ygap=gap,
        customdata=certainty,
        text=np.where(chosen & (certainty < CERTAIN), np.char.mod("%.2f", certainty), "") if written else None,
        texttemplate="%{text}" if written else None,
        hovertemplate=f"%{{x}} acts on %{{y}}: {name}{'' if certainty is None else ', probability %{customdata:.3f}'}<extra></extra>",
        textfont=font,
    )
