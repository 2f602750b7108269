"""How a file is understood: its first rows, and widgets that correct the guess."""

import typing
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import pandas as pd
import streamlit as st
from pydantic.fields import FieldInfo

from nri_core.importers import READERS, changed, reader_of
from nri_core.importers.axes import WORDS
from nri_core.importers.contract import Inspection
from nri_core.importers.tables import EACH_ROW, GUESSED_RATE, NO_TIME, PLACES
from ui.names import called, sentence

NOBODY = "none"
NAMES = {  # of options, where the field's own name says too little
    "values": "Array of the motion",
    "features": "Names of the features",
    "beside": "Arrays with further features",
    "velocities": "Velocities",
    "more": "Arrays of further recordings",
    "others": "Further numbers",
    "times": "Array of times",
    "rate": "Frames in a second",
    "trials": "What cuts it into recordings",
    "stacked": "Frames in each recording",
    "names": "Array of names",
    "edges": "Array of true edges",
    "rows": "A row of the edges stands for",
    "unit": "Unit of length",
    "time_unit": "Unit of time",
    "delimiter": "Between two cells",
    "decimal": "Decimal mark",
    "header": "The first row names the columns",
    "skipped": "Lines above the table",
    "ignored": "Lines between header and data",
    "duplicates": "Of rows that repeat, this counts",
    "pattern": "How columns are named",
    "part": "Body part",
    "nodes": "A node is",
    "likelihood": "Least likelihood",
    "filtered": "Only tracks that passed the filters",
    "shortest": "Least spots in a track",
    "step": "Time between two frames",
}
LAYOUTS = {"long": "A row for each node and time", "wide": "Columns for each node"}
AXES = {"sim": "recordings", "time": "time: frames", "node": "who: nodes", "dim": "x, y, …"}
UNITS = ("unit", "time_unit")
SECOND_ARRAY = ("beside", "velocities", "more", "others", "edges", "rows")  # asked only where there is another array


def show_understood(inspection: Inspection, understood: Sequence[str]) -> None:
    """What is made of the file, and its first rows."""
    st.markdown("  \n".join(f":small[:material/check: {sentence(one)}]" for one in understood))
    if inspection.preview:
        table = pd.DataFrame([row[: len(inspection.preview.header)] for row in inspection.preview.rows], columns=_different(inspection.preview.header))
        st.dataframe(table, hide_index=True, height=min(36 * (len(table) + 1), 220))


def corrected(inspection: Inspection, options: Mapping[str, Any], *, remembered: bool = False) -> tuple[str, ...]:
    """What was understood, and of a guess that was corrected, what holds instead; `remembered` from an earlier file, or by hand."""
    others = {name: value for name, value in options.items() if inspection.options.get(name, value) != value}
    if not others:
        return inspection.understood
    follow = changed(inspection.options, {name: value for name, value in others.items() if name not in UNITS}, inspection.preview)
    units = {name: value for name, value in others.items() if name in UNITS and follow[name] == value}  # nobody said these: other columns bring them
    wrong = [f"`{guess}`" for name in others if isinstance(guess := inspection.options.get(name), str)]
    wrong += [GUESSED_RATE] * bool(others.keys() & {"rate", "time", "time_unit"}) + [NO_TIME] * ("time" in others) + [EACH_ROW] * ("layout" in others) + [PLACES] * ("unit" in others)
    still = tuple(one for one in inspection.understood if not any(guess in one for guess in wrong))
    chosen = _listed({name: value for name, value in others.items() if name not in units})
    said = [f"But {'as an earlier file of this shape was corrected here' if remembered else 'corrected by hand'}: {chosen}."] * bool(chosen)
    return (*still, *said, *[f"By the names of these columns: {_listed(units)}."] * bool(units))


def _listed(options: Mapping[str, Any]) -> str:
    return "; ".join(f"{NAMES.get(name) or called(name)}: {_told(LAYOUTS.get(value, value) if name == 'layout' else value)}" for name, value in options.items())


def _told(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value)) or NOBODY
    value = f"{value:g}" if isinstance(value, float) else value
    return NOBODY if value in (None, "") else ("yes" if value else "no") if isinstance(value, bool) else f"`{value}`"


def ask_format(form: str, *, key: str) -> str:
    """Which reader reads it."""
    return st.selectbox("Format", READERS, index=list(READERS).index(form), format_func=lambda one: READERS[one].title, key=f"format {key}")


def ask_options(inspection: Inspection, options: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """A widget for each option of the reader, as it stands now."""
    model = reader_of(inspection.format).options
    asked = {name: field for name, field in model.model_fields.items() if _matters(name, options, inspection.choices)}
    answers = dict(options)
    if "axes" in asked and options.get("axes"):
        del asked["axes"]
        answers["axes"] = _ask_axes(inspection, options, key=key)
    with st.grid(2):
        for name, field in asked.items():
            with st.container():
                answers[name] = _widget(name, field, options.get(name, field.default), inspection.choices.get(name, ()), key=f"{key} {name}")
    return answers


def _ask_axes(inspection: Inspection, options: Mapping[str, Any], *, key: str) -> str:
    """A choice for each axis of the array, which says how long it is."""
    rows = inspection.preview.rows if inspection.preview else ()
    shapes = {row[0]: row[1].split(" × ") for row in rows}
    axes = str(options["axes"]).split()
    lengths = shapes.get(options.get("values"), [])
    answers = []
    with st.grid(len(axes)):
        for place, word in enumerate(axes):
            long = f", {lengths[place]} long" if len(lengths) == len(axes) else ""
            label = f"Axis {place + 1}{long}"
            answers.append(st.selectbox(label, WORDS, index=WORDS.index(word), format_func=AXES.get, key=f"{key} axis {place}", help="What this axis of the array goes through."))
    return " ".join(answers)


def _matters(name: str, options: Mapping[str, Any], choices: Mapping[str, tuple[str, ...]]) -> bool:
    """Long and wide tables are asked different things; the layout itself is asked before; where there is nothing to choose from, nothing is asked."""
    long_only, wide_only = ("node", "coordinates", "velocities", "others"), ("pattern", "stacked")
    if name == "layout" or (name in choices and not choices[name]):
        return False
    if "axes" in options and name in SECOND_ARRAY and len(choices.get("values", ())) < 2:
        return False
    if options.get("layout") == "wide":
        return name not in long_only
    return name not in wide_only if options.get("layout") == "long" else True


def _widget(name: str, field: FieldInfo, value: Any, choices: tuple[str, ...], *, key: str) -> Any:
    label, shared = NAMES.get(name) or called(name), {"key": key, "help": field.description}
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
