"""SportVU: a game in events that overlap, with players who come and go."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise

TEAM = {"home": [(1, "Ann", "Ay"), (2, "Bo", "Be"), (3, "Ann", "Ay")], "visitor": [(11, "Cid", "Ce"), (12, "Dot", "De")]}
START = 1_446_244_802_000


def moment(frame: int, *, quarter: int = 1, home: tuple[int, ...] = (1, 2)) -> list[Any]:
    bodies = [[-1, -1, frame, 1.0, 2.0 + frame], *([7, player, player, frame / 2, 0.0] for player in (*home, 11, 12))]
    return [quarter, START + 40 * frame, 720 - 0.04 * frame, 24.0, None, bodies]


def game(*moments: list[list[Any]]) -> dict[str, Any]:
    players = {side: [{"playerid": number, "firstname": first, "lastname": last} for number, first, last in TEAM[side]] for side in TEAM}
    teams = {side: {"name": side, "players": players[side]} for side in TEAM}
    return {"gameid": "1", "gamedate": "2016-01-01", "events": [{"eventId": str(place), **teams, "moments": one} for place, one in enumerate(moments)]}


def file(folder: Path, content: Any) -> Path:
    (path := folder / "game.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return path


GAME = game(
    [moment(frame) for frame in range(20)],
    [moment(frame) for frame in range(10, 30)],  # ten moments told twice
    [],
    [moment(frame, home=(1, 3)) for frame in range(30, 40)],  # 3 comes for 2
    [moment(frame, quarter=2) for frame in range(200, 210)],
)


def test_a_game(tmp_path: Path) -> None:
    path = file(tmp_path, GAME)
    assert recognise([path]) == "sportvu" and "25 in a second" in " ".join(inspect([path]).understood)
    recording = read([path])
    assert recording.node_names == ("Ann Ay", "Bo Be", "Ann Ay 3", "Cid Ce", "Dot De", "ball") and recording.feature_names == ("x", "y")
    first, second = recording.trials
    assert (first.num_frames, second.num_frames, second.name) == (40, 10, "2 (quarter 2)")
    np.testing.assert_allclose(first.times, np.arange(40) * 0.04, atol=1e-6)
    np.testing.assert_allclose(first.values[:, 5], np.stack([np.arange(40), np.ones(40)], -1))
    assert first.seen[:, 1].tolist() == [True] * 30 + [False] * 10 and first.seen[:, 2].tolist() == [False] * 30 + [True] * 10
    assert "10 moments" in recording.remarks[0].text and recording.metadata["units"] == "ft"


def test_metres_height_and_no_ball(tmp_path: Path) -> None:
    path = file(tmp_path, GAME)
    high = read([path], options={"metres": True, "height": True})
    np.testing.assert_allclose(high.trials[0].values[:, 5, 2], 0.3048 * (2 + np.arange(40)))
    assert high.feature_names == ("x", "y", "z") and high.metadata["units"] == "m"
    assert "ball" not in read([path], options={"ball": False}).node_names


BROKEN = moment(3)
BROKEN[5][2] = [7, 1, "here"]
ENDLESS = moment(3)
ENDLESS[5][2][3] = float("inf")
MISTAKES = {
    "cut off": (json.dumps(GAME)[:-40], "cannot be read"),
    "a place that is none": (game([moment(0), BROKEN]), "moment 2 of event 1"),
    "infinite": (game([moment(0)], [ENDLESS]), "moment 1 of event 2"),
    "no moments": (game([], []), "found none"),
    "events that are none": ('{"events": [1, 2], "visitor": 3}', "a list `events`"),
    "too deep": ('{"events": ' + "[" * 100_000 + '"visitor"', "cannot be read"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    content, words = MISTAKES[what]
    with pytest.raises(DataError) as caught:
        read([file(tmp_path, content)], form="sportvu")
    assert words in str(caught.value) and "game.json" in str(caught.value)
