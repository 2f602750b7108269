"""A config model → widgets → a validated config. Ranges, defaults and help come from the model's fields alone."""

import math
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType, NoneType
from typing import Annotated, Any, TypeVar

import streamlit as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import ConfigError
from ui import state
from ui.controls import bound, heed
from ui.names import called

Config = TypeVar("Config", bound=BaseModel)


def ask(
    model: type[BaseModel],
    fields: Iterable[str],
    *,
    start: BaseModel,
    sliders: Collection[str] = (),
    prefix: str = "",
    labels: Mapping[str, str] = MappingProxyType({}),
    notes: DeltaGenerator | None = None,
) -> dict[str, Any]:
    """Draw a widget for each of `fields`, starting from `start`, and return the answers.

    Each widget lives in the address as `prefix + field`; `labels` replace the usual names. An address, or a text, that the field forbids is refused in one
    sentence (in `notes`, where the widget itself may be folded away) and the start value used instead. What only several
    answers together forbid is left to `validated`, and so is a browser that sends anything.
    """
    answers = {}
    for name in fields:
        field, first, label = model.model_fields[name], getattr(start, name), labels.get(name, called(name))
        _check_address(field, label, first, prefix + name, notes)
        answer = _widget(field, label, first, bound(prefix + name, label), slider=name in sliders)
        problem = _problem(model, start, name, answer) if _is_tuple(field) else ""
        if problem:
            note("red", "error", f"{problem} Using {_shown(first)}.", notes)
        answers[name] = first if problem else answer
    return answers


def validated(model: type[Config], answers: Mapping[str, Any]) -> Config:
    """`model(**answers)`. Raises ConfigError with one sentence."""
    try:
        return model(**answers)
    except ValidationError as error:
        raise ConfigError(_sentence(model, error.errors()[0])) from error


def note(colour: str, icon: str, sentence: str, place: DeltaGenerator | None = None) -> None:
    """A small coloured sentence; unlike a caption it is not paled, so that it can be read on dark."""
    (place or st).markdown(f":small[:{colour}[:material/{icon}: {sentence}]]")


def choices_of(model: type[BaseModel], name: str) -> tuple[str, ...]:
    """The values of a field that has a few; empty for others."""
    return _options(model.model_fields[name])


def _problem(model: type[BaseModel], start: BaseModel, name: str, answer: Any) -> str:
    """What is wrong with this answer on its own, in one sentence; empty if nothing."""
    try:
        model(**start.model_dump() | {name: answer})
    except ValidationError as error:
        return next((_sentence(model, one) for one in error.errors() if one["loc"][:1] == (name,)), "")
    return ""


def _sentence(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    """A refusal in our words; those of our own checks are kept."""
    ours = error["type"] == "value_error"
    said = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return f"{said[:1].upper()}{said[1:]}."
    name = str(error["loc"][0])
    field = model.model_fields.get(name)
    expected = said if ours else f"expected {_expected(field)}" if field else "there is no such setting"
    return f"{called(name)}: {expected}; found {plain(error['input'])}."


def _expected(field: FieldInfo) -> str:
    """What a field allows: "a whole number from 2 to 10"."""
    if options := _options(field):
        return "one of " + ", ".join(options)
    if field.annotation is bool:
        return "true or false"
    if _is_tuple(field):
        most = _limit(field, "max_length")
        return "numbers separated by commas" + (f", {most} at most" if most else "")
    what = "a whole number" if _kind(field) is int else "a number"
    low, above, high, below = (_limit(field, name) for name in ("ge", "gt", "le", "lt"))
    lower = "" if low is None and above is None else f"from {low:,}" if low is not None else f"above {above:,}"
    upper = "" if high is None and below is None else f"to {high:,}" if high is not None else f"below {below:,}"
    if lower.startswith("above") and upper.startswith("to"):
        upper = f"and up {upper}"
    elif lower and upper.startswith("below"):
        upper = f"and {upper}"
    return " ".join(part for part in (what, lower, upper) if part)


def _widget(field: FieldInfo, label: str, start: Any, shared: dict[str, Any], *, slider: bool) -> Any:
    shared = {**shared, "help": field.description}
    if options := _options(field):
        return st.selectbox(label, options, index=options.index(start), **shared)
    if field.annotation is bool:
        return st.toggle(label, value=start, **shared)
    if _is_tuple(field):
        text = st.text_input(label, value=", ".join(f"{number:g}" for number in start), **shared)
        return tuple(text.replace(",", " ").split())
    if _kind(field) in (int, float):
        return _number(field, label, start, slider, shared)
    return st.text_input(label, value=start, **shared)


def _number(field: FieldInfo, label: str, start: float | None, slider: bool, shared: dict[str, Any]) -> float | None:
    kind = _kind(field)
    step = 1 if kind is int else _step(start)
    low, high = _bound(field, "ge", "gt", towards=math.inf), _bound(field, "le", "lt", towards=-math.inf)
    limits = {"min_value": None if low is None else kind(low), "max_value": None if high is None else kind(high), "step": step}
    if slider:
        return st.slider(label, value=start, **limits, **shared)
    style = {"placeholder": "none"} if kind is int else {"placeholder": "none", "format": "%g"}
    return st.number_input(label, value=start, **limits, **style, **shared)


def _check_address(field: FieldInfo, label: str, start: Any, key: str, notes: DeltaGenerator | None) -> None:
    asked = st.query_params.get(key)
    if not asked or _is_tuple(field):  # what a text field holds is shown as it is, and checked as it is
        return
    try:
        TypeAdapter(Annotated[field.annotation, field]).validate_python(asked)
    except ValidationError:
        _refuse(label, asked, expected=_expected(field), start=start, notes=notes)


def check_choice(label: str, key: str, options: Collection[Any], *, start: Any) -> None:
    """Say in one sentence that the address asks for none of the `options`; the widget itself then falls back to `start`."""
    asked = st.query_params.get(key)
    if asked and asked not in map(str, options):
        few = f"{min(options)} to {max(options)}" if isinstance(options, range) else "one of " + ", ".join(map(str, options))
        _refuse(label, asked, expected=few, start=start)


def choose_one(label: str, key: str, options: Collection[Any], *, start: Any, known_as: str = "", **style: Any) -> Any:
    """One of a few, side by side, in the address as `key`; `known_as` is what Share calls it, if not by its label.

    What the address asks for and is not there is said. A name without a value, as in `?way=`, asks for nothing: taken for an answer, it would be none of the options.
    """
    shown = style.get("format_func", str)
    check_choice(label, key, [shown(option) for option in options], start=shown(start))
    living = bound(key, known_as or label) | ({"bind": None} if st.query_params.get(key) == "" else {})
    return st.segmented_control(label, options, default=start, required=True, **living, **style)


def choose_system(count: int, *, key: str, start: int = 1, label: str = "System", ask: Callable[..., int] = st.slider, disabled: bool = False, **style: Any) -> int:
    """One of so many systems, in the address as `key`, there counted from 1; the answer is counted from 0. Of a single one nothing is asked."""
    if count == 1:
        heed(key, "System")  # a link from where there are more may name it
        return 0
    check_choice("System", key, range(1, count + 1), start=start)
    state.within(key, 1, count)
    return ask(label, 1, count, start, **bound(key, "System", disabled=disabled), **style) - 1


def check_choices(label: str, key: str, options: Collection[Any]) -> None:
    """The same where several can be chosen: those that are not there are left out."""
    for asked in st.query_params.get_all(key):
        if asked and asked not in map(str, options):
            note("orange", "link_off", f"The address asks for {label.lower()} = {plain(asked)}, of which there is none here. Left out.")


def _refuse(label: str, asked: str, *, expected: str, start: Any, notes: DeltaGenerator | None = None) -> None:
    sentence = f"The address asks for {label.lower()} = {plain(asked)}; expected {expected}. Using {_shown(start)}."
    note("orange", "link_off", sentence, notes)


def _options(field: FieldInfo) -> tuple[str, ...]:
    return typing.get_args(field.annotation) if typing.get_origin(field.annotation) is typing.Literal else ()


def _is_tuple(field: FieldInfo) -> bool:
    return typing.get_origin(field.annotation) is tuple


def _kind(field: FieldInfo) -> type:
    kinds = [kind for kind in typing.get_args(field.annotation) if kind is not NoneType]  # of `float | None`
    return kinds[0] if kinds else field.annotation


def plain(value: Any) -> str:
    """What a user gave, short and without meaning to Markdown."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "`" + text[:40].replace("`", "'").replace("\n", " ") + "`"


def _shown(value: Any) -> str:
    """A start value as its widget shows it."""
    if isinstance(value, tuple):
        return ", ".join(f"{number:g}" for number in value) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _limit(field: FieldInfo, name: str) -> float | None:
    return next((getattr(limit, name) for limit in field.metadata if hasattr(limit, name)), None)


def _bound(field: FieldInfo, closed: str, open_: str, *, towards: float) -> float | None:
    """The limit that a widget may still give; next to one that is itself forbidden."""
    limit = _limit(field, closed)
    if limit is None and (limit := _limit(field, open_)) is not None:
        limit = math.nextafter(limit, towards)
    return limit


def _step(start: float | None) -> float:
    return 1.0 if start is None else 10.0 ** math.floor(math.log10(abs(start))) if start else 0.01
