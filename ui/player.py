"""The player: particles, inferred and true graph and forecast, moving in the browser without asking the server."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.player import CONTROLS, Opening, assets
from nri_core.player.editing import Editing
from nri_core.player.guessing import Guessing
from nri_core.player.payload import payload
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories
from ui import state
from ui.address import opening_asked
from ui.controls import hidden_among, locked_among, without_hidden_truth
from ui.seen import keep_selected, selected_before

EVENTS = ("edit", "guess")  # told once: None again in the next run
STATE = ("view",)  # remembered until the player says something else

_mount = st.components.v2.component("nri_player", **assets()._asdict())


def room(key: str, height: int) -> DeltaGenerator:
    """A place of `height` pixels at least, there before what comes into it, so that nothing below it moves."""
    return st.container(key=f"room {key}", height=height, border=False)  # ui/frame.py lets it grow


@dataclass(frozen=True)
class Told:
    """What the player in the browser said; None where it said nothing. It comes from a browser: check it before use."""

    edit: Any = None
    guess: Any = None
    view: Any = None


def player(
    trajectories: Trajectories,
    *,
    key: str,
    sim: int = 0,
    posterior: EdgePosterior | PosteriorOverTime | None = None,
    posterior_sim: int | None = None,
    forecast: Trajectories | None = None,
    forecast_sim: int | None = None,
    caption: str = "",
    whose: str = "",
    height: int = 520,
    note: str = "",
    view: str | None = None,
    opening: Opening | None = None,
    remember: Collection[str] = (),
    clock: str = "",
    compact: bool = False,
    guess: Guessing | None = None,
    editing: Editing | None = None,
    fan: Trajectories | None = None,
    other: Trajectories | None = None,
    shared: bool = False,
    on_edit: Callable[[Any], None] | None = None,
) -> Told:
    """Show one system. Calling again with the same `key` and new probabilities keeps it playing where it is.

    The posterior and the forecast may hold one system only: say `posterior_sim=0`. A posterior whose type names are those of
    the truth (see `EdgePosterior.relabelled`) can be coloured right and wrong. `height` is of the whole, on a screen at least
    640 pixels wide; of a compact one (no settings, no matrix, for small multiples) about 220 is enough.

    `view` is one of `VIEWS`; None: the one that was last chosen in this tab, on whichever page. `opening` says how it starts, unless the address says otherwise; repeating what the player itself told changes nothing. Players with the same `clock` play, pause and
    seek together. `.view` is what the user last set, told with a rerun each time that one of those in `remember` is another, never for each frame: {frame, view,
    threshold, temperature, selected}, as an `Opening` takes them. What is selected in a `shared` one is so on the next page too. With `guess` the player asks for the graph, and `.guess`
    is [[receiver, sender, type], …] once it was told. With `editing` what is shown can be changed; `on_edit` is called with
    the change, before the run that shows it. `fan`: forecasts under sampled graphs; `other`: what would truly happen. Raises DataError when the parts do not belong together.
    """
    if shared:
        opening, remember = replace(opening or Opening(), selected=selected_before()), ("selected",)
    content = payload(
        without_hidden_truth(trajectories),
        sim=sim,
        posterior=posterior,
        posterior_sim=posterior_sim,
        forecast=forecast,
        forecast_sim=forecast_sim,
        caption=caption,
        whose=whose,
        height=height,
        note=note,
        view=view,
        opening=_opening(opening or Opening(), compact),
        remember=remember,
        clock=clock,
        compact=compact,
        guess=guess,
        editing=editing,
        fan=fan,
        other=other,
    )
    callbacks = {f"on_{name}_change": _heard for name in (*EVENTS, *STATE)}  # without one a value never arrives
    if on_edit is not None:
        callbacks["on_edit_change"] = lambda: on_edit(state.heard(key, "edit"))
    if shared:
        callbacks["on_view_change"] = lambda: keep_selected(state.heard(key, "view"))
    with room(key, height):
        said = (st.fragment(_mount) if shared else _mount)(key=key, data=content, **callbacks)
    return Told(**{name: (said or {}).get(name) for name in (*EVENTS, *STATE)})


def _opening(opening: Opening, compact: bool) -> Opening:
    """As the page wants it, the address knows better, and a teacher's link hides and locks."""
    opening = opening if compact else opening_asked(opening)
    return replace(opening, hidden=(*opening.hidden, *hidden_among(CONTROLS)), locked=(*opening.locked, *locked_among(CONTROLS)))


def _heard() -> None:
    """The run that follows reads what was said."""
