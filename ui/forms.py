"""A config model → widgets → a validated config. Ranges, defaults and help come from the model's fields alone."""

import math
import types
import typing
from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeVar

import streamlit as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from nri_core.errors import ConfigError

Config = TypeVar("Config", bound=BaseModel)


def ask(
    model: type[BaseModel], labels: Mapping[str, str], *, start: BaseModel, sliders: Collection[str] = (), prefix: str = ""
) -> dict[str, Any]:
    """Draw a widget for each field in `labels`, starting from `start`, and return the raw answers.

    Each widget lives in the address as `prefix + field`. An address that asks for what the field forbids is refused
    in one sentence and the start value used instead. Feed the answers to `validated`: a browser can send anything.
    """
    return {
        name: _widget(model.model_fields[name], label, getattr(start, name), key=prefix + name, slider=name in sliders)
        for name, label in labels.items()
    }


def validated(model: type[Config], answers: Mapping[str, Any]) -> Config:
    """`model(**answers)`. Raises ConfigError with one sentence."""
    try:
        return model(**answers)
    except ValidationError as error:
        first = error.errors()[0]
        name = " ".join(map(str, first["loc"][:1])) or "settings"
        reason = first["msg"].removeprefix("Value error, ")
        found = f"; found {_plain(first['input'])}" if first["loc"] else ""
        raise ConfigError(f"{label(name)}: {reason[0].lower()}{reason[1:]}{found}. Change it and try again.") from error


def others(model: type[BaseModel], without: Collection[str]) -> dict[str, str]:
    """A label for each remaining field of `model`."""
    return {name: label(name) for name in model.model_fields if name not in without}


def label(name: str) -> str:
    """`num_epochs` → "Number of epochs"."""
    words = name.replace("num_", "number of ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _widget(field: FieldInfo, label: str, start: Any, *, key: str, slider: bool) -> Any:
    _check_address(field, label, start, key)
    shared = {"key": key, "help": field.description, "bind": "query-params"}
    options = typing.get_args(field.annotation)
    if typing.get_origin(field.annotation) is typing.Literal:
        return st.selectbox(label, options, index=options.index(start), **shared)
    if field.annotation is bool:
        return st.toggle(label, value=start, **shared)
    if _is_tuple(field):
        text = st.text_input(label, value=", ".join(f"{number:g}" for number in start), **shared)
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if _kind(field) in (int, float):
        return _number(field, label, start, slider, shared)
    return st.text_input(label, value=start, **shared)


def _number(field: FieldInfo, label: str, start: float | None, slider: bool, shared: dict[str, Any]) -> float | None:
    kind = _kind(field)
    step = 1 if kind is int else _step(start)
    low, high = _bound(field, "ge", "gt"), _bound(field, "le", "lt")
    limits = {"min_value": None if low is None else kind(low), "max_value": None if high is None else kind(high), "step": step}
    if slider:
        return st.slider(label, value=start, **limits, **shared)
    style = {"placeholder": "none"} if kind is int else {"placeholder": "none", "format": "%g"}
    return st.number_input(label, value=start, **limits, **style, **shared)


def _check_address(field: FieldInfo, label: str, start: Any, key: str) -> None:
    asked = st.query_params.get(key)
    if not asked or _is_tuple(field):  # what a text field holds is shown as it is, and left to `validated`
        return
    try:
        TypeAdapter(Annotated[field.annotation, field]).validate_python(asked)
    except ValidationError as error:
        low, high = _bound(field, "ge", "gt"), _bound(field, "le", "lt")
        reason = error.errors()[0]["msg"].removeprefix("Input should be ")
        _refuse(label, asked, expected=reason if low is None or high is None else f"{low:,} to {high:,}", start=start)


def check_choice(label: str, key: str, options: Collection[Any], *, start: Any) -> None:
    """Say in one sentence that the address asks for none of the `options`; the widget itself then falls back to `start`."""
    asked = st.query_params.get(key)
    if asked and asked not in map(str, options):
        few = ", ".join(map(str, options)) if len(options) < 6 else f"{min(options)} to {max(options)}"
        _refuse(label, asked, expected=few, start=start)


def _refuse(label: str, asked: str, *, expected: str, start: Any) -> None:
    st.caption(f":orange[:material/link_off: The address asks for {label.lower()} = {_plain(asked)}; expected {expected}. Using {start}.]")


def _is_tuple(field: FieldInfo) -> bool:
    return typing.get_origin(field.annotation) is tuple


def _kind(field: FieldInfo) -> type:
    kinds = [kind for kind in typing.get_args(field.annotation) if kind is not types.NoneType]  # of `float | None`
    return kinds[0] if kinds else field.annotation


def _plain(value: Any) -> str:
    """What a user gave, short and without meaning to Markdown."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "`" + text[:40].replace("`", "'").replace("\n", " ") + "`"


def _bound(field: FieldInfo, *names: str) -> float | None:
    return next((getattr(limit, name) for name in names for limit in field.metadata if hasattr(limit, name)), None)


def _step(start: float | None) -> float:
    return 1.0 if not start else 10.0 ** math.floor(math.log10(abs(start)))
