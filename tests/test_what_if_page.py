"""What if without a browser: what the player is sent after a change, links, undo, and models that do not fit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories
from tests import pages
from ui import futures, readings, samples, state, what_if
from ui.edits import History
from ui.state import Dataset


def opened(data: Trajectories | None = None, **address: str) -> AppTest:
    session = {"dataset": Dataset("Mine", data)} if data is not None else {}
    return pages.opened("what_if", session=session, **address)


def header(app: AppTest) -> dict[str, Any]:
    return pages.headers(app, "nri_player")[0]


def words(app: AppTest) -> str:
    return "\n".join(str(part.value) for kind in ("caption", "markdown", "error") for part in app.get(kind))


@pytest.fixture(scope="module")
def few() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=2, num_nodes=3, num_steps=60, seed=4))


def test_everything_can_be_changed_where_the_law_is_known(few: Trajectories) -> None:
    app = opened(few)
    assert not app.exception and "Drag a particle, or its arrow" in words(app)
    sent = header(app)
    assert sent["editing"]["allowed"] == ["start", "velocity", "truth", "inferred"] and len(sent["editing"]["velocities"]) == 3
    assert sent["types"] == sent["truthTypes"] == ["none", "spring"] and sent["opening"]["frame"] == 0 and sent["other"] is None
    assert [metric.label for metric in app.metric] == ["Forecast off by"] and len(app.dataframe[0].value) == 3


UNLIKE = Springs(strengths=(0.1, 0.4), directed=True, noise=0.05)  # one type more than springs5 knows


def test_an_inferred_edge_gets_no_type_that_the_model_does_not_know() -> None:
    data = simulate(UNLIKE, Simulation(num_sims=6))
    app = opened(data)
    names, kinds = readings.type_names(samples.folder("springs5"), data)
    known = sorted({*kinds, names.index("none")})
    assert not app.exception and header(app)["editing"]["inferred_types"] == known and len(known) == 2
    assert "the model knows only" in words(app)
    (unknown,) = {0, 1, 2} - {*known}
    app = opened(data, edits=f"g1-2:{unknown}")
    assert any("The model knows no such type" in text.value for text in app.markdown) and header(app)["editing"]["inferred_changed"] == []


def test_types_have_the_names_that_compare_gives_them_however_unlike_the_data_are() -> None:
    data = simulate(UNLIKE, Simulation(num_sims=60, num_steps=99))
    known = readings.readings(readings.by_model(samples.folder("springs5"), None, data), data)
    names, kinds = readings.type_names(samples.folder("springs5"), data)
    assert known.complete and (names, kinds) == (data.edge_type_names, known.score.relabelling)


def test_a_link_restores_changes_and_they_can_be_taken_back(few: Trajectories) -> None:
    receiver, sender = np.argwhere(np.tril(few.edge_types[0]))[0].tolist()
    edits = f"p1:0.5,0.5;g{sender + 1}-{receiver + 1}:0"
    app = opened(few, edits=edits)
    assert not app.exception
    sent = header(app)
    assert sent["editing"]["inferred_changed"] == [[receiver, sender], [sender, receiver]] and sent["other"]["start"] == sent["forecast"]["start"]
    assert len(app.metric) == 3 and app.metric[0].delta.endswith("as far as before the change")
    [undo] = [button for button in app.button if button.label == "Reset"]
    undo.click().run()
    assert not app.exception and header(app)["editing"]["inferred_changed"] == [] and "edits" not in app.query_params
    [undo] = [button for button in app.button if button.label == "Undo"]
    undo.click().run()
    assert app.query_params["edits"] == [edits] or app.query_params["edits"] == edits


def test_an_address_of_nonsense_is_a_sentence_and_changes_nothing(few: Trajectories) -> None:
    app = opened(few, edits="g9-9:3")
    assert not app.exception and "The address asks for changes that cannot be" in words(app)
    assert header(app)["editing"]["inferred_changed"] == []


def test_without_a_law_only_inferred_edges_change(few: Trajectories) -> None:
    app = opened(replace(few, metadata={}))
    assert not app.exception and "only the inferred graph can be changed" in words(app)
    assert header(app)["editing"]["allowed"] == ["inferred"]


def test_sampled_graphs_are_drawn_when_asked(few: Trajectories) -> None:
    app = opened(few, fan="true")
    assert not app.exception and "sampled graphs" in words(app)
    assert header(app)["fan"]["samples"] == 1 and "All 20 sampled graphs agree" in words(app)
    hot = opened(few, fan="true", temperature="10")
    assert header(hot)["fan"]["samples"] > 1 and "different ones" in words(hot)


def test_a_model_that_does_not_fit_is_a_sentence_with_ways_on(few: Trajectories) -> None:
    app = opened(few, by="charged5")
    assert not app.exception and "Choose another model" in words(app)
    assert any(button.label.startswith("Read by") for button in app.button) and header(app)["editing"] is None


def test_what_the_player_tells_is_kept_and_nonsense_is_answered_without_effect(few: Trajectories, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = futures.scene(Dataset("Mine", few), 0, state.shipped_model("springs5"))
    kept = what_if.Kept(History(scene.subject))
    monkeypatch.setattr(what_if, "_keep", lambda history: setattr(kept, "history", history))
    monkeypatch.setattr(what_if.state, "own", lambda _: kept)
    what_if._take(scene, {"kind": "start", "node": 0, "at": [0.5, 0.25], "settled": False, "serial": 1})
    assert kept.history.now == "p1:0.5,0.25" and kept.history.open
    what_if._take(scene, {"kind": "start", "node": 0, "at": [0.75, 0.25], "settled": True, "serial": 2})
    assert kept.history.now == "p1:0.75,0.25" and not kept.history.open and kept.history.past == ("",)
    for nonsense in (None, "x", {"serial": 3, "kind": "truth", "pair": [0, 0], "type": 1}, {"serial": 4, "kind": "start", "node": 9, "at": [0, 0]}):
        what_if._take(scene, nonsense)
        assert kept.history.now == "p1:0.75,0.25"
    assert kept.history.answered == 4
    true = int(few.edge_types[0, 1, 0])
    what_if._take(scene, {"serial": 5, "kind": "truth", "pair": [0, 1], "type": 1 - true})
    assert kept.history.now == f"p1:0.75,0.25;t1-2:{1 - true}"
    what_if._take(scene, {"serial": 6, "kind": "truth", "pair": [1, 0], "type": true})  # all the way round
    assert kept.history.now == "p1:0.75,0.25"
    what_if._take(scene, {"serial": 7, "kind": "undo"})
    assert kept.history.now == f"p1:0.75,0.25;t1-2:{1 - true}" and kept.history.answered == 7
