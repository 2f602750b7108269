"""The records of a training → plotly figures: the raw curve faint behind a smoothed one. Imports no streamlit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from ui.figures import CURVE_COLOURS, MODEL_COLOUR, SECOND_COLOUR, line_chart, mode, small

Records = Sequence[Mapping[str, Any]]
MOST_POINTS = 400  # of a curve; more cannot be seen
SMOOTHED_OVER = 1 / 25  # of the curve: a mean over more would lag behind what is seen
RAW_OPACITY = 0.28
TERMS = {"nll": "NLL", "kl": "KL", "imitation": "encoder's imitation", "forecast": "forecaster"}
DASHES = ("solid", "dash", "dot", "dashdot")
COMPARED: dict[str, tuple[str, Callable[[Mapping[str, Any]], float | None]]] = {
    "Edge accuracy": ("Right pairs (%)", lambda record: None if record.get("edge_accuracy") is None else 100 * record["edge_accuracy"]),
    "Validation loss": ("Loss", lambda record: record.get("valid_loss")),
    "Error 10 frames ahead": ("Mean squared error", lambda record: (record.get("valid_mse") or {}).get("10")),
}


def known(runs: Mapping[str, Records]) -> list[str]:
    """Those of COMPARED of which any run tells something: without a truth nobody knows the accuracy."""
    return [name for name, (_, value) in COMPARED.items() if any(value(record) is not None for records in runs.values() for record in records)] or ["Validation loss"]


def accuracies(records: Records) -> go.Figure:
    """Edge accuracy on the validation systems after each epoch, read both ways."""
    figure = _chart("Edge accuracy", "Right pairs (%)")
    ways = (("edge_accuracy", "best way", MODEL_COLOUR, "solid"), ("edge_accuracy_encoder", "encoder alone", SECOND_COLOUR, "dash"))
    for name, label, colour, dash in ways:
        _curve(figure, records, lambda record, name=name: None if record.get(name) is None else 100 * record[name], label, colour, dash)
    lowest = min((value for curve in figure.data for value in curve.y), default=50)
    return figure.update_yaxes(range=[min(45, lowest - 3), 101])


def losses(records: Records) -> go.Figure:
    """The loss after each epoch, on the training and on the validation systems."""
    figure = _chart("Loss", "Lower is better")
    for name, label, colour, dash in (("loss", "training", MODEL_COLOUR, "solid"), ("valid_loss", "validation", SECOND_COLOUR, "dash")):
        _curve(figure, records, lambda record, name=name: record.get(name), label, colour, dash)
    return figure


def terms(records: Records) -> go.Figure:
    """What the loss is made of, each against time."""
    figure = _chart("Loss terms", "Nats")
    for place, (name, label) in enumerate(TERMS.items()):
        _curve(figure, records, lambda record, name=name: record.get(name), label, CURVE_COLOURS[place], DASHES[place])
    return figure


def errors(records: Records) -> go.Figure:
    """Error of free forecasts on validation systems, by frames ahead."""
    figure = _chart("Forecast error", "Mean square")
    for place, horizon in enumerate(("1", "10", "20")):
        label = f"{horizon} frame{'s' * (horizon != '1')} ahead"
        _curve(figure, records, lambda record, horizon=horizon: (record.get("valid_mse") or {}).get(horizon), label, CURVE_COLOURS[place], DASHES[place], smooth=False)
    return figure.update_yaxes(type="log", exponentformat="power", nticks=4)


def learning_rate(records: Records) -> go.Figure:
    """The step size of the optimiser."""
    figure = _chart("Learning rate", "Step size")
    _curve(figure, records, lambda record: record.get("learning_rate"), "learning rate", MODEL_COLOUR, "solid", smooth=False)
    return figure.update_layout(showlegend=False).update_yaxes(rangemode="tozero")


def runs_compared(runs: Mapping[str, Records], quantity: str) -> go.Figure:
    """One of COMPARED for several runs, named by the keys: a colour and a dash each."""
    title, value = COMPARED[quantity]
    figure = line_chart(quantity, "Training time (s)", title)
    for place, (name, records) in enumerate(runs.items()):
        _curve(figure, records, value, name, CURVE_COLOURS[place % len(CURVE_COLOURS)], DASHES[place // len(CURVE_COLOURS) % len(DASHES)])
    if quantity == "Error 10 frames ahead":
        figure.update_yaxes(type="log", exponentformat="power")
    return figure.update_layout(legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -0.25, "yanchor": "top"}, height=300)


def _chart(title: str, y_title: str) -> go.Figure:
    """The seconds stand at the ticks: a title would take a quarter of so small a chart."""
    figure = small(line_chart(title, "", y_title))
    return figure.update_layout(legend_y=-0.32).update_xaxes(ticksuffix=" s", title=None)


def _curve(
    figure: go.Figure, records: Records, value: Callable[[Mapping[str, Any]], float | None], label: str, colour: str, dash: str, *, smooth: bool = True
) -> None:
    """Nothing where no record has the value: runs of other recipes and older versions lack some."""
    points = _thinned([(record["seconds"], found) for record in records if (found := value(record)) is not None])
    if not points:
        return
    seconds, values = zip(*points, strict=True)
    line = {"color": colour, "dash": dash, "width": 2}
    if not smooth or len(points) < 3:
        figure.add_scatter(x=seconds, y=values, name=label, mode=mode(points), line=line)
        return
    figure.add_scatter(x=seconds, y=values, name=label, mode="lines", line={"color": colour, "width": 1}, opacity=RAW_OPACITY, showlegend=False, hoverinfo="skip")
    figure.add_scatter(x=seconds, y=_smoothed(values), name=label, mode="lines", line=line, customdata=values, hovertemplate="%{customdata:.4g}")


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Every so manieth point, and the last."""
    step = -(-len(points) // MOST_POINTS)
    return points[::step] + points[-1:] * (step > 1 and (len(points) - 1) % step != 0) if points else points


def _smoothed(values: Sequence[float]) -> list[float]:
    """Exponential moving average, unbiased at the start."""
    total, weight, smoothed = 0.0, 0.0, []
    memory = max(1 - 1 / max(SMOOTHED_OVER * len(values), 1), 0.3)
    for value in values:
        total, weight = memory * total + value, memory * weight + 1
        smoothed.append(total / weight)
    return smoothed
