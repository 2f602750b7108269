"""The parts of What if: the player that is edited, undo, and what the numbers say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import ConfigError, DataError, NRIError
from nri_core.player import Opening
from nri_core.player.editing import ARROW_FRAMES, Editing
from nri_core.player.payload import noun_of
from nri_core.snippets import Changed
from nri_core.what_if import HORIZON, SAMPLES, SampledForecasts
from ui import futures, share, state
from ui.controls import bound, hidden
from ui.edits import Edits, History, told
from ui.forms import note
from ui.frame import STAGE_AND_SIDE, mistakes_shown
from ui.futures import Picture, Scene
from ui.names import literal, sentence
from ui.player import player

KEY = "what if"
EDITS = "edits"  # in the address
_STEADY = "<style>.st-key-room-what-if [data-stale=true] { opacity: 1; transition: none; }</style>"  # while a hand drags, nothing pales
KEYS = (
    "By the keyboard, in the player: N selects a particle, Alt with an arrow moves its start, with Shift as well its velocity; P selects a pair, "
    "Enter changes it in the inferred graph, Shift and Enter in the true one. Ctrl and Z takes the last change back."
)
MOST_RANKED = 12  # nodes: more pairs than these have are not cut one by one


@dataclass
class Kept:
    """Of one session: what was changed, and what can be undone."""

    history: History | None = None


def introduce(scene: Scene) -> None:
    """One sentence on what can be dragged and clicked."""
    fewer = f"; the model knows only {', '.join(literal(scene.types[kind]) for kind in scene.known)}" if len(scene.known) < len(scene.types) else ""
    cut = "to cut or join a pair" if len(scene.types) == 2 else f"to take a pair to its next type ({', '.join(map(literal, scene.types))}{fewer})"
    choose = f"Choose a line or a cell {cut}: in the inferred graph for the model, in the true one for the world."
    if not scene.limits.allowed and scene.one.num_nodes > futures.MOST_NODES:
        st.caption(f"Systems of more than {futures.MOST_NODES} nodes are shown as they are: there is no room to take hold of anything. Choose a smaller one.")
    elif scene.law is None:
        behind = "No law and graph are known behind these data" if scene.one.edge_types is None else f"The true graph is known, and no law by which the {noun_of(scene.one)}s would move under another one"
        unknown = "This link hides the truth" if hidden("truth") else behind
        only = f"{unknown}, so only the inferred graph can be changed: choose a line{', or a cell of the matrix,' * (not hidden('matrix'))} {cut}, and the forecast follows."
        st.caption(only if scene.forecasts else "Nothing can be changed here: no law is known behind these data, and the model forecasts nothing.")
    elif not scene.forecasts:
        st.caption("Drag a particle, or its arrow, to change how it starts. Choose a line of the true graph to change it. This model forecasts nothing.")
    else:
        st.caption(f"Drag {'an oscillator round its circle' if scene.limits.round else 'a particle, or its arrow,'} to change how it starts. {choose}", help=KEYS)


def explore(scene: Scene, *, height: int, source: Changed) -> None:
    """The player, the buttons and the numbers: only this part runs again after a change."""
    if history := state.own(Kept).history:  # this is a run of the whole page
        asked = st.query_params.get(EDITS, "")
        gone_back = asked != history.now and asked in history.past and history.subject == scene.subject and (asked or not state.just_entered())
        _keep(replace(history.to(asked) if gone_back else history, open=False, fresh=False))
    st.html(_STEADY)
    _explore(scene, height, source)


@st.fragment
def _explore(scene: Scene, height: int, source: Changed) -> None:
    """A change is shown roughly at once, then as the law has it."""
    with mistakes_shown():
        history, edits = _history(scene)
        share.repeated_by(_changed(source, scene, edits))
        stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
        fan = _buttons(scene, history, side)
        try:
            found = futures.picture(scene.subject, edits.text, history.open or history.fresh, scene, edits)
        except NRIError as error:  # such a system cannot be: what was changed can be undone
            st.error(sentence(str(error)), icon=":material/error:")
            edits = Edits()
            found = futures.picture(scene.subject, "", False, scene, edits)
        sampled = futures.sampled(scene.subject, edits.text, _temperature(), scene, edits, found) if fan and scene.forecasts and not history.open and not history.fresh else None
        with stage:
            player(
                found.world,
                key=KEY,
                posterior=found.shown,
                forecast=found.forecast,
                other=found.other,
                fan=None if sampled is None else sampled.different,
                caption=_caption(found, fan=sampled is not None),
                height=height,
                opening=Opening(frame=0),
                remember=("temperature",) if fan else (),
                editing=_editing(scene, edits, found, history),
                on_edit=partial(_take, scene),
            )
        if sampled is not None:
            side.caption(_agreement(sampled))
        if scene.forecasts:
            with side:
                _say(scene, edits, found)
                ranking = st.container()
        if history.fresh and not history.open:
            _keep(replace(history, fresh=False))
            st.rerun(scope="fragment")
        if scene.forecasts and not history.open and scene.one.num_nodes <= MOST_RANKED:
            with ranking:
                _rank(scene, edits, found)


def _changed(before: Changed, scene: Scene, edits: Edits) -> Changed:
    """What was changed, in the words of a snippet."""
    inferred = tuple((*pair, kind) for pair, kind in scene.to_model(edits.inferred).items())
    changed = {"starts": tuple(edits.placed(round=scene.limits.round)), "truth": tuple((*pair, kind) for pair, kind in edits.truth.items()), "inferred": inferred}
    ends = {(pair, kind) for ends, kind in edits.inferred.items() for pair in (ends, *([ends[::-1]] if scene.both_ways else []))}
    followed = () if scene.law is None else tuple((*pair, int(scene.to_law(np.array(kind)))) for pair, kind in sorted(ends))
    return before.model_copy(update={**changed, "both_ways": "truth" in scene.limits.tied, "followed": followed})


def _history(scene: Scene) -> tuple[History, Edits]:
    """The changes in force: those of the session, or, for a link that was opened, those of the address."""
    history, asked = state.own(Kept).history, st.query_params.get(EDITS, "")
    if history is None or history.subject != scene.subject:
        answered = history.answered if history else 0
        history = History.opened(scene.subject, "" if history else asked, answered=answered)
    try:
        edits = Edits.parse(history.now, scene.limits)
    except ConfigError as error:
        note("orange", "link_off", f"The address asks for changes that cannot be: {error} Nothing is changed.")
        history, edits = replace(history, now=""), Edits()
    _keep(history)
    return history, edits


def _keep(history: History) -> None:
    """Remember it, and put what is changed into the address, where a link finds it."""
    state.own(Kept).history = history
    if history.now == st.query_params.get(EDITS, ""):
        return  # told twice, it would be two steps back
    if history.now:
        st.query_params[EDITS] = history.now
    else:
        st.query_params.pop(EDITS, None)


def _take(scene: Scene, event: Any) -> None:
    """The player told a change; what nobody could have made is left out, and the player answered all the same."""
    history = state.own(Kept).history
    serial = event.get("serial") if isinstance(event, Mapping) else None
    answered = serial if type(serial) is int and 0 < serial < 2**31 else history.answered
    if answered > history.answered and event.get("kind") in ("undo", "redo"):
        return _keep(replace(history.undone() if event["kind"] == "undo" else history.redone(), answered=answered))
    try:
        before = Edits.parse(history.now, scene.limits)
        edits = before.joined(told(event, scene.limits))
    except ConfigError:
        return _keep(replace(history, answered=answered))
    if edits.truth != before.truth:
        edits = edits.without("truth", {pair: int(scene.one.edge_types[0][pair]) for pair in edits.truth})
    if edits.inferred != before.inferred:
        anyway = futures.picture(scene.subject, before.text, False, scene, before).graph
        edits = edits.without("inferred", {pair: scene.of_model[anyway[pair]] for pair in edits.inferred})
    return _keep(history.to(edits.text, settled=event.get("settled") is not False, answered=answered))


def _editing(scene: Scene, edits: Edits, found: Picture, history: History) -> Editing:
    velocities: tuple[tuple[float, float], ...] = ()
    if "velocity" in scene.limits.allowed:
        names, ahead = found.world.feature_names, ARROW_FRAMES * found.world.dt
        velocities = tuple((float(x) * ahead, float(y) * ahead) for x, y in found.world.values[0, 0][:, [names.index("vx"), names.index("vy")]])
    changed = {name: tuple(_directions(getattr(edits, name), both_ways=name in scene.limits.tied)) for name in ("truth", "inferred")}
    return Editing(
        subject=scene.subject,
        inferred_types=scene.known,
        allowed=scene.limits.allowed,
        answered=history.answered,
        velocities=velocities,
        truth_both_ways="truth" in scene.limits.tied,
        inferred_both_ways=scene.both_ways,
        truth_changed=changed["truth"],
        inferred_changed=changed["inferred"],
    )


def _directions(pairs: Mapping[tuple[int, int], int], *, both_ways: bool) -> list[tuple[int, int]]:
    return [ends for receiver, sender in pairs for ends in ((receiver, sender), *([(sender, receiver)] if both_ways else []))]


def _temperature() -> float:
    """That of the player: as it told, else as the address opened it."""
    view = state.heard(KEY, "view")
    asked = view.get("temperature") if isinstance(view, Mapping) else st.query_params.get("temperature")
    try:
        return Opening(temperature=float(asked)).temperature
    except (TypeError, ValueError, DataError):  # none, or none that a player can show: it says so itself
        return 1.0


def _caption(found: Picture, *, fan: bool) -> str:
    if found.forecast is None:
        return "Thin: the whole motion. Dashed rings and arrows: where and how fast it starts."
    sampled, truly = ", faint under sampled graphs", " Dotted: what would truly follow."
    return f"Thin: what happens. Dashed: the model's forecast{sampled * fan}.{truly * (found.other is not None)}"


def _buttons(scene: Scene, history: History, place: DeltaGenerator) -> bool:
    """Undo, redo, reset; and whether forecasts under sampled graphs are asked for."""
    steps = place.container(horizontal=True, gap="small")
    undo, redo = ("Take the last change back", history.undone()), ("Make it again", history.redone())
    for label, icon, (meaning, to) in (("Undo", "undo", undo), ("Redo", "redo", redo), ("Reset", "restart_alt", ("Take all changes back", history.to("")))):
        style = {"icon": f":material/{icon}:", "type": "tertiary", "help": meaning}
        steps.button(label, on_click=_keep, args=(to,), disabled=to == history, key=f"{KEY} {label}", **style)
    if not scene.forecasts:
        return False
    meaning = f"{SAMPLES} graphs drawn from what the model believes, at the temperature set in the player, and its forecast under each."
    return place.toggle("Sampled graphs", help=meaning, **bound("fan", "Sampled graphs"))


def _agreement(sampled: SampledForecasts) -> str:
    if sampled.distinct == 1:
        return f"All {len(sampled.graphs)} sampled graphs agree: the model is sure. A higher temperature makes it doubt."
    return f"{len(sampled.graphs)} sampled graphs, {sampled.distinct} different ones: where the thin dashes part, the model is unsure."


def _percent(error: float) -> str:
    """The root of a mean square in the reference's units, in which the range of the training data is 2."""
    return f"{_digits(50 * error**0.5)} %"


def _digits(number: float) -> str:
    """Two that count, without an exponent."""
    return f"{float(f'{number:.2g}'):,.10g}"


def _say(scene: Scene, edits: Edits, found: Picture) -> None:
    """How far off the forecast is, before and after the change, and what the law says to it."""
    numbers = found.figures
    ahead = min(HORIZON, found.forecast.num_steps)
    scale = f"Root mean square over {ahead} frames after frame {scene.start}; 100 % is the whole range of the training data."
    unit = f"{scale} Places and velocities count, each against its own range. Over the timeline stand places alone, all frames, so one may grow while the other falls."
    if not edits.inferred:
        st.metric("Forecast off by", _percent(numbers["after"]), help=f"How far the forecast is from what happens. {unit}")
        return
    ratio = (numbers["after"] / max(numbers["before"], 1e-12)) ** 0.5
    more = "as before the change" if abs(ratio - 1) < 0.005 else f"{f'{ratio:.3g}' if ratio < 2 else _digits(ratio)}× as far as before the change"
    grown = f"Before it was {_percent(numbers['before'])}. The more it grows, the more the edge matters. {unit}"
    st.metric("Changed forecast off by", _percent(numbers["after"]), more, delta_color="off", delta_arrow="off", help=grown)
    if "moved" in numbers:
        truly = "Had the same pairs truly changed where the forecast starts, the paths (dotted) would end up this far from what happens without the change."
        anew = "Both are simulated by the law from that frame on." if numbers["moved"] else "Nothing truly changes, so what was recorded follows."
        knows = "How far the changed forecast is from these moved paths. Where it is small, the model knows what the changed pairs do."
        st.metric("True paths would move by", _percent(numbers["moved"]), help=f"{truly} {anew} {scale}")
        st.metric("Forecast off the moved paths by", _percent(numbers["missed"]), help=f"{knows} {anew} {scale}")


def _rank(scene: Scene, edits: Edits, found: Picture) -> None:
    """All pairs by how much they matter."""
    importance, names = futures.ranked(scene.subject, edits.text, scene, edits, found), scene.one.node_names
    link = "–" if scene.both_ways else "→"
    rows = {"Pair": [f"{names[sender]} {link} {names[receiver]}" for receiver, sender in importance.pairs]}
    rows["Without"] = np.sqrt(importance.without / max(importance.error, 1e-12))
    if importance.truly is not None:
        rows["Truly"] = 50 * np.sqrt(importance.truly)
    table = pd.DataFrame(rows).iloc[np.argsort(-importance.change, kind="stable")]
    without = f"How many times as far off the forecast is when the pair is cut. As it is now, with the changes made so far, it is off by {_percent(importance.error)}."
    truly = "How far the true system would be from itself, had the pair been cut where the forecast starts."
    st.caption(f"How much each pair matters ({len(table)})", help="Each pair is cut in turn, and the forecast made again.")
    st.dataframe(
        table,
        hide_index=True,
        height=min(35 * (len(table) + 1) + 3, 126 if edits.inferred else 196),  # half a row shows that there are more; nothing below moves when there is more to say above
        column_config={
            "Pair": st.column_config.TextColumn(width=56),
            "Without": st.column_config.NumberColumn("Without it", format="%.3g×", width=76, help=without),
            "Truly": st.column_config.NumberColumn("Truly moves", format="%.2g %%", width=86, help=truly),
        },
        alt="How much each pair matters, the one that matters most first",
    )
