"""How a file is understood: its first rows, and widgets that correct the guess."""

import typing
from collections.abc import Mapping
from types import NoneType
from typing import Any

import pandas as pd
import streamlit as st
from pydantic.fields import FieldInfo

from nri_core.importers import reader_of
from nri_core.importers.contract import Inspection
from ui.names import called, literal

NOBODY = "none"


def show_understood(inspection: Inspection) -> None:
    """The first rows and what was made of them."""
    for sentence in inspection.understood:
        st.markdown(f":small[:material/check: {literal(sentence)}]")
    if inspection.preview:
        table = pd.DataFrame([row[: len(inspection.preview.header)] for row in inspection.preview.rows], columns=_different(inspection.preview.header))
        st.dataframe(table, hide_index=True, height=min(36 * (len(table) + 1), 220))


def ask_options(inspection: Inspection, options: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """A widget for each option of the reader, as it stands now."""
    model = reader_of(inspection.format).options
    asked = {name: field for name, field in model.model_fields.items() if _matters(name, options)}
    answers = dict(options)
    with st.grid(2):
        for name, field in asked.items():
            with st.container():
                answers[name] = _widget(name, field, options.get(name, field.default), inspection.choices.get(name, ()), key=f"{key} {name}")
    return answers


def _matters(name: str, options: Mapping[str, Any]) -> bool:
    """Long and wide tables are asked different things; the layout itself is asked before."""
    long_only, wide_only = ("node", "coordinates", "velocities", "others"), ("pattern", "stacked")
    if name == "layout":
        return False
    if options.get("layout") == "wide":
        return name not in long_only
    return name not in wide_only if options.get("layout") == "long" else True


def _widget(name: str, field: FieldInfo, value: Any, choices: tuple[str, ...], *, key: str) -> Any:
    label, shared = called(name), {"key": key, "help": field.description}
    kinds = [kind for kind in (typing.get_args(field.annotation) or (field.annotation,)) if kind is not NoneType]
    if typing.get_origin(field.annotation) is typing.Literal:
        return st.selectbox(label, kinds, index=kinds.index(value) if value in kinds else 0, **shared)
    if typing.get_origin(field.annotation) is tuple:
        if choices:
            return st.multiselect(label, choices, default=[one for one in value if one in choices], placeholder="none", **shared)
        text = st.text_input(label, value=", ".join(value), **shared)
        return [part.strip() for part in text.split(",") if part.strip()]
    if choices:
        optional = NoneType in typing.get_args(field.annotation)
        offered = ([None] if optional else []) + list(choices)
        return st.selectbox(label, offered, index=offered.index(value) if value in offered else 0, format_func=lambda one: NOBODY if one is None else one, **shared)
    if field.annotation is bool:
        return st.toggle(label, value=bool(value), **shared)
    if kinds[0] in (int, float):
        return st.number_input(label, value=value, step=1 if kinds[0] is int else None, format=None if kinds[0] is int else "%g", **shared)
    text = st.text_input(label, value=value or "", **shared)
    return text or (None if NoneType in typing.get_args(field.annotation) else "")


def _different(names: tuple[str, ...]) -> list[str]:
    """A table on screen needs different names."""
    return [name if names.index(name) == place else f"{name} ({place + 1})" for place, name in enumerate(names)]
