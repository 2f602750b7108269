"""Several readers of one system, on Compare: players on one clock, and a table of what each gets right."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Float
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import NRIError
from nri_core.metrics import EdgeScore, calibration, score_edges
from nri_core.player import VIEWS
from nri_core.posterior import EdgePosterior
from nri_core.snippets import Method, Model
from nri_core.trajectories import Trajectories
from ui import browsing, choices, screens, share, state
from ui.comparison import RANKING
from ui.controls import bound, truth_hidden
from ui.forms import check_choice, check_choices, note
from ui.names import law_of, literal
from ui.player import player
from ui.readings import Reader, Reading, comparable, readings
from ui.seen import choose_by_number
from ui.state import Dataset

MOST = 4
READERS, AGAINST, FORECASTS = "readers", "against", "forecasts"  # keys of widgets, and so names in the address
HEIGHTS = {1: 458, 2: 400, 3: 250, 4: 250}  # of each player, by how many there are
_VIEW_WORDS = {"difference": "Right and wrong", "overlaid": "Over the truth", "side by side": "Beside the truth"}


@dataclass(frozen=True)
class Entry:
    """What one reader made of all systems; the score is None where the truth is unknown."""

    name: str
    source: Model | Method
    reading: Reading
    posterior: EdgePosterior  # by the names of the truth, or by what its types do
    score: EdgeScore | None
    errors: Float[np.ndarray, "sim horizon"] | None  # of its forecasts


def show_several(side: DeltaGenerator, dataset: Dataset) -> None:
    """The choice of readers and system beside, the players, and the table below."""
    data = comparable(dataset.trajectories)
    with side:
        options = choices.offered(dataset)
        names = _choose_readers(options, data)
        system = choose_by_number(data.num_sims)
        view = _choose_view() if data.edge_types is not None else VIEWS[0]
        forecasts = st.toggle("Forecasts", help="Of readers that make any. Paths that run away make the picture smaller.", **bound(FORECASTS, "Forecasts"))
    state.show(dataset.name, dataset.size, f"{len(names)} readers" if len(names) > 1 else literal(", ".join(names)) or "none chosen")
    if not names:
        st.info(f"Choose up to {MOST} readers beside: models, the quick half of a model alone (its encoder), classical methods, a method that is told the law.", icon=":material/group:")
        player(data, key="several none", sim=system, height=HEIGHTS[1])
        return
    truth = "One coloured line: right. Double: wrong. Dashed: missed." if view == "difference" else "The truth is the same for all." if data.edge_types is not None else ""
    st.caption(f"System {system + 1} of “{literal(dataset.name)}” on one clock, read by each. {truth}".strip())
    entries = _read(names, options, data, st.empty())
    _show_players(entries, data, system, view, forecasts=forecasts)
    if entries:
        share.repeated_by(screens.side_by_side(dataset, [entry.source for entry in entries], data, system))
        st.space("small")  # where the table shows its buttons
        show_table(entries, data, system)


def _choose_readers(options: dict[str, Callable[[], Reader]], data: Trajectories) -> list[str]:
    check_choices("Readers", READERS, options)
    start, before = _first_readers(list(options), data), state.answer(READERS)
    keep = [name for name in before or () if name in options]
    if before is not None and keep != before:  # other data: some readers are not there, others are
        state.choose({READERS: list(dict.fromkeys([*start, *keep]))[:MOST]})
        start = []
    hint = f"Up to {MOST}. “Encoder alone” reads the graph off the motion at once; a known law is told the physics and fits one strength for each pair; a learned model may even do better."
    return st.multiselect("Readers", options, start or None, max_selections=MOST, select_all=False, wrap=True, help=hint, **bound(READERS, "Readers"))


def _first_readers(options: list[str], data: Trajectories) -> list[str]:
    """The model, its encoder alone, a classical method, and the law that is true, as far as they are there."""
    law = law_of(data.metadata)
    wanted = [options[0], f"{options[0]}, encoder alone", "Correlation of paths", f"Known law: {law.title.lower()}" if law else "Granger causality"]
    return [name for name in dict.fromkeys(wanted) if name in options][:MOST]


def _choose_view() -> str:
    words = {_VIEW_WORDS[view]: view for view in _VIEW_WORDS}
    first = next(iter(words))
    check_choice("Edges", AGAINST, words, start=first)
    return words[st.selectbox("Edges", words, **bound(AGAINST, "Edges"))]


def _read(names: list[str], options: dict[str, Callable[[], Reader]], data: Trajectories, place: DeltaGenerator) -> list[Entry]:
    """Every reader on every system, saying how long it takes; one that cannot read them says so and is left out."""
    entries = []
    for name in names:
        try:
            known = readings(options[name](), data)
            if not known.complete:
                with place.container():
                    st.caption(f"{literal(name)} reads.")
                    known.finish(st.empty())
            entries.append(Entry(name, known.reader.source, known.whole, known.call(known.whole.posterior), known.score, known.errors))
        except NRIError as error:
            note("red", "error", f"{literal(name)}: {literal(str(error))}")
    place.empty()
    return entries


def _show_players(entries: list[Entry], data: Trajectories, system: int, view: str, *, forecasts: bool) -> None:
    """Two beside each other; a single one has the width."""
    height = HEIGHTS[max(len(entries), 1)]
    for start in range(0, len(entries), 2):
        row = entries[start : start + 2]
        for at, (place, entry) in enumerate(zip(st.columns(2 if len(entries) > 1 else 1, gap="small"), row, strict=False), start):
            with place:
                right = f"{browsing.share_right(float(entry.score.accuracy_by_sim[system]))} right" if entry.score else ""
                shown = {"posterior": entry.posterior, "forecast": entry.reading.forecast if forecasts else None, "caption": entry.name, "note": right}
                player(data, key=f"several {at}", sim=system, height=height, view=view, clock="several", compact=True, **shown)


def show_table(entries: list[Entry], data: Trajectories, system: int) -> None:
    """A row for each reader: this system and all of them."""
    judged = data.edge_types is not None
    columns = {
        "Reader": st.column_config.TextColumn(width="medium"),
        "This system": st.column_config.NumberColumn(format="%.1f %%", help="Share of ordered pairs of this system inferred rightly, up to relabelling"),
        "All systems": st.column_config.NumberColumn(format="%.1f %%", help="The same share over all systems, under one relabelling for all of them"),
        "AUROC": st.column_config.NumberColumn(format="%.4f", help=RANKING),
        "ECE": st.column_config.NumberColumn(format="%.2f %%", help="Expected calibration error: how far certainty and share right are apart. Ranks of a classical method are no probabilities"),
        "Unsure": st.column_config.NumberColumn(format="%.2f bits", help="Mean entropy of the belief in a pair, over all systems: 0 is sure, 1 is torn between two types"),
        "Like the first": st.column_config.NumberColumn(format="%.1f %%", help="Share of pairs that get the same type as from the first reader, up to relabelling"),
        "Forecast error": st.column_config.TextColumn("Forecast error, mean", help="Mean squared error over all systems and frames ahead, scaled units; only a model with a decoder forecasts", alignment="right"),
    }
    table = pd.DataFrame([_row(entry, entries[0], data, system, judged=judged) for entry in entries])
    st.dataframe(table, hide_index=True, column_config=columns, key="several table", alt="What each reader gets right")
    if judged and entries[0].score:
        score = entries[0].score
        words = f"Always answering “{literal(data.edge_type_names[score.commonest])}” would be {100 * score.commonest_share:.1f} % right: the share to beat."
        st.caption(f"{data.num_sims:,} system{'s' * (data.num_sims > 1)}. {words}")
    elif not truth_hidden():
        st.caption("The true graph is not known, so nobody can say how many pairs are right; readers that agree may all be wrong.")


def _row(entry: Entry, first: Entry, data: Trajectories, system: int, *, judged: bool) -> dict[str, object]:
    row: dict[str, object] = {"Reader": entry.name}
    if judged and entry.score:
        reliability = calibration(entry.reading.posterior, data)
        row |= {"This system": round(100 * entry.score.accuracy_by_sim[system], 1), "All systems": round(100 * entry.score.accuracy, 1)} | ({} if entry.score.auroc is None else {"AUROC": entry.score.auroc})
        row |= {"ECE": 100 * reliability.error if reliability else None}
    else:
        likened = replace(data, edge_types=first.reading.posterior.edge_types, edge_type_names=first.reading.posterior.edge_type_names)
        agreement = score_edges(entry.reading.posterior, likened)
        row["Like the first"] = 100 * agreement.accuracy if agreement else None
    row["Unsure"] = float(entry.reading.posterior.entropy.mean())
    errors = None if entry.errors is None else np.ma.masked_invalid(entry.errors)
    return row | {"Forecast error": "–" if errors is None or errors.count() == 0 else f"{errors.mean():.1e}"}
