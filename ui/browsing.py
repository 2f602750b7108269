"""All systems at a glance, on Compare: the order, the sheet of thumbnails, and the one that is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Float

from nri_core.gallery.payload import Thumbnail, mistakes
from nri_core.metrics import EdgeScore
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import state
from ui.controls import bound
from ui.forms import check_choice
from ui.frame import seen_from_top
from ui.gallery import gallery
from ui.readings import Reading
from ui.seen import show_system

A_SHEET = 24
ORDER, SHEET = "order", "sheet"  # keys of widgets, and so names in the address
IN_ORDER, WORST, UNSURE, ERROR = "As numbered", "Worst first", "Most uncertain first", "Forecast error first"
_UNSURE = "Uncertainty is the mean entropy of the belief in a pair, in bits: 0 is sure, 1 is torn between two types. It needs no truth."

Facts = Mapping[str, Float[np.ndarray, " sim"]]


def facts(score: EdgeScore | None, reading: Reading, errors: Float[np.ndarray, "sim horizon"] | None) -> Facts:
    """What is known of each system, under the name of the order that it gives: the first comes first where it is largest."""
    found = {UNSURE: reading.posterior.entropy}
    if score is not None:
        found = {WORST: 1 - score.accuracy_by_sim} | found
    if errors is not None:
        found[ERROR] = np.ma.masked_invalid(errors).mean(1).filled(np.nan)
    return found


def ordered(known: Facts, order: str, num_sims: int) -> list[int]:
    """All systems, counted from 0; equals stay as numbered, what is not known comes last."""
    if order not in known:
        return list(range(num_sims))
    value = np.asarray(known[order])
    return [int(system) for system in np.argsort(np.where(np.isnan(value), np.inf, -value), kind="stable")]


def show_gallery(known: Facts, named: EdgePosterior, data: Trajectories, system: int) -> None:
    """The sheet of thumbnails in the chosen order; pressing one shows it in the player."""
    seen_from_top(f"{state.own(_Pressed).count} pressed")  # the player is there
    options = (*known, IN_ORDER)  # what went wrong first, else what is in doubt
    check_choice("Order", ORDER, options, start=options[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        reorder = {"on_change": _reorder, "args": (known, data.num_sims), **bound(ORDER)}
        order = st.selectbox("Order", options, width=220, label_visibility="collapsed", **reorder)
        sheets = -(-data.num_sims // A_SHEET)
        first = (_choose_sheet(sheets) - 1) * A_SHEET
        st.caption(f"{first + 1:,} to {min(first + A_SHEET, data.num_sims):,} of {data.num_sims:,} system{'' if data.num_sims == 1 else 's'}. Press one to see it above.", help=_UNSURE)
    sheet = ordered(known, order, data.num_sims)[first : first + A_SHEET]
    gallery(data, named, thumbnails(sheet, known, named, data, order), key="gallery", chosen=system, on_choose=_choose)


def thumbnails(sheet: list[int], known: Facts, named: EdgePosterior, data: Trajectories, order: str) -> list[Thumbnail]:
    """What stands below each picture: how much is right, else how unsure; and what the order goes by."""
    wrong, missed = mistakes(data.select(np.array(sheet)), named.select(np.array(sheet)))
    judged = WORST in known
    made = []
    for place, system in enumerate(sheet):
        bits = f"{known[UNSURE][system]:.2f} bits"
        right = share_right(1 - known[WORST][system]) if judged else bits
        error = _error(known[ERROR][system]) if ERROR in known else ""
        second = error if order == ERROR else f"{bits} unsure" if judged else "unsure"
        about = [f"{right} right, {wrong[place]} wrong, {missed[place]} missed"] * judged + [f"{bits} unsure", *([error.replace("error", "forecast error")] if error else [])]
        made.append(Thumbnail(system, right, second, f"System {system + 1}: {', '.join(about)}"))
    return made


def share_right(share: float) -> str:
    """In per cent; only what is all right is 100 %."""
    rounded = round(100 * share)
    return f"{100 * share:.1f} %" if rounded == 100 and share < 0.9995 else f"{99.9 if rounded == 100 and share < 1 else rounded} %"


def _error(value: float) -> str:
    return "no error (not seen)" if np.isnan(value) else f"error {value:.0e}"


def _choose_sheet(sheets: int) -> int:
    if sheets == 1:
        return 1
    state.within(SHEET, 1, sheets)
    check_choice("Sheet", SHEET, range(1, sheets + 1), start=1)
    return st.pagination(sheets, width=260, **bound(SHEET))


@dataclass
class _Pressed:
    """Of one session: how often a thumbnail was pressed."""

    count: int = 0


def _choose(system: int) -> None:
    show_system(system)
    state.own(_Pressed).count += 1


def _reorder(known: Facts, num_sims: int) -> None:
    """Another order begins with its first sheet, and shows what comes first."""
    order = state.answer(ORDER)
    state.choose({SHEET: 1})
    if num_sims > 1:
        show_system(ordered(known, order, num_sims)[0])
