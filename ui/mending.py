"""What is wrong with a recording and what mends it: findings with their fixes, what was done, undo, windows."""

import typing
from typing import Any

import streamlit as st

from nri_core.errors import NRIError
from nri_core.preparation import FIXES, Finding, Fix
from ui.forms import validated
from ui.names import called, literal, sentence
from ui.upload import Upload

LOOKS = {"problem": ("error", "red"), "warning": ("warning", "orange"), "note": ("info", "blue")}


def show_findings(upload: Upload) -> None:
    """One line each, problems first, with the fixes beside it; and one button that does what is suggested."""
    findings = upload.now.findings
    if not any(finding.severity != "note" for finding in findings):
        st.markdown(":green[:material/check_circle: Nothing stands in the way.]")
    plan = upload.now.suggested
    if plan.fixes and upload.now.recording.num_nodes > 1:  # nothing mends the lack of somebody else
        titles = ", then ".join(fix.title.lower() for fix in plan.fixes)
        st.button(
            "Do what is suggested", icon=":material/auto_fix_high:", type="primary", on_click=_do, args=(upload, *plan.fixes), help=f"{titles[:1].upper()}{titles[1:]}."
        )
        if {"jumps", "outliers"} & {finding.code for finding in findings}:
            st.caption("Jumps and outliers may be real, so this leaves them to you: look at them first, velocities are derived through them.")
    for number, finding in enumerate(findings):
        _show(upload, finding, number)


def show_trial(upload: Upload) -> None:
    """That the player shows a preview, and what to do about it."""
    if upload.trial is None:
        return
    fix = upload.trial.fix
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":orange[:material/visibility: **Preview:**] {fix.title}{literal(_settings(fix))}. Nothing is changed yet.")
        st.button("Keep it", icon=":material/check:", type="primary", on_click=upload.keep)
        st.button("Discard", icon=":material/close:", on_click=upload.discard)


def show_steps(upload: Upload) -> None:
    """What was done, and a way back; further fixes."""
    if upload.fixes:
        said = "  \n".join(f"{number}. {fix.title}{literal(_settings(fix))}" for number, fix in enumerate(upload.fixes, 1))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":small[Done so far:]  \n:small[{said}]" if len(upload.fixes) == 1 else f":small[Done so far:]  \n{said}")
            st.button("Undo the last", icon=":material/undo:", on_click=upload.undo)
    with st.popover("Other changes", icon=":material/build:", key=f"other changes {len(upload.steps)}"):
        kind = st.selectbox("What", FIXES, format_func=lambda kind: FIXES[kind].title, key="other fix")
        _ask_and_do(upload, FIXES[kind], {}, key=f"other {kind}")


def _show(upload: Upload, finding: Finding, number: int) -> None:
    icon, colour = LOOKS[finding.severity]
    words, mending = st.columns((3, 2), vertical_alignment="center") if finding.fixes else (st.container(), None)
    words.markdown(f":small[:{colour}[:material/{icon}:] {sentence(finding.sentence)}]")
    for place, fix in enumerate(finding.fixes):
        key = f"{finding.code} {number} {place} {len(upload.steps)}"
        with mending, st.popover(fix.title, width="stretch", key=f"mend {key}"):  # by its key it closes when it is done, else the next one would stand open in its place
            _ask_and_do(upload, type(fix), fix.model_dump(exclude={"kind"}), key=key)


def _ask_and_do(upload: Upload, kind: type[Fix], start: dict[str, Any], *, key: str) -> None:
    """The settings of a fix and a button."""
    st.caption(str(kind.__doc__).splitlines()[0])
    answers = {name: _ask(upload, name, kind, start.get(name), key=f"{key} {name}") for name in kind.model_fields if name != "kind"}
    with st.container(horizontal=True):
        seen = st.button("Preview", key=f"{key} preview", icon=":material/visibility:", help="Only show it in the player.")
        applied = st.button("Apply", key=f"{key} apply", type="primary")
    if seen or applied:
        try:
            fix = validated(kind, {name: answer for name, answer in answers.items() if answer is not None})
            if seen:
                upload.attempt(fix)
            else:
                upload.do(fix)
        except NRIError as error:
            st.error(sentence(str(error)), icon=":material/error:")
        else:
            st.rerun()


def _ask(upload: Upload, name: str, kind: type[Fix], start: Any, *, key: str) -> Any:
    field = kind.model_fields[name]
    start = start if start is not None else (None if field.is_required() else field.default)
    shared = {"key": key, "help": field.description}
    if typing.get_origin(field.annotation) is tuple:
        names = upload.now.recording.node_names
        return tuple(st.multiselect(called(name), names, default=[one for one in start or () if one in names], **shared))
    if typing.get_origin(field.annotation) is typing.Literal:
        options = typing.get_args(field.annotation)
        return st.selectbox(called(name), options, index=options.index(start), **shared)
    if field.annotation is str:
        return st.text_input(called(name), value=start or "", **shared)
    if field.annotation is int:
        return st.number_input(called(name), value=start, step=1, **shared)
    return st.number_input(called(name), value=None if start is None else float(start), format="%g", **shared)


def _do(upload: Upload, *fixes: Fix) -> None:
    """For a callback: an error is shown by the page."""
    try:
        upload.do(*fixes)
    except NRIError as error:
        st.toast(sentence(str(error)), icon=":material/error:")


def _settings(fix: Fix) -> str:
    given = fix.model_dump(exclude={"kind"}, exclude_none=True)
    return f" ({', '.join(f'{called(name).lower()}: {_short(value)}' for name, value in given.items())})" if given else ""


def _short(value: Any) -> str:
    return ", ".join(map(str, value[:5])) + ("…" if len(value) > 5 else "") if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
