"""Basketball as SportVU's JSON: a game in events, whose moments hold ten players and the ball."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.once import once
from nri_core.importers.tables import one_of
from nri_core.recording import MOST_NODES, Recording, Remark, Trial

MAX_BYTES = 256 * 1024**2
HEAD_BYTES = 64 * 1024
FOOT = 0.3048  # metres
BALL = "ball"
TEAMS = ("home", "visitor")
SOONEST = 0.02  # seconds between two moments; closer ones are the same, told twice


class SportVuOptions(Options):
    """What is kept of a game."""

    metres: bool = Field(False, description="Turn feet into metres")
    ball: bool = Field(True, description="Keep the ball as a node of its own")
    height: bool = Field(False, description="Keep the height of the ball as z; players have 0")
    pause: float = Field(0.5, gt=0, le=60, description="Seconds without a moment after which a new recording begins")


class Moment(NamedTuple):
    """Seconds, quarter, and who is where: number of a player (-1: the ball) to x, y, z."""

    time: float
    quarter: int
    places: dict[int, tuple[float, float, float]]


@dataclass(frozen=True)
class SportVu:
    """A game: each stretch without a pause is a trial, each player who appears a node."""

    title: str = "Basketball: SportVU JSON"
    suffixes: tuple[str, ...] = (".json",)
    options: type[Options] = SportVuOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By its first words."""
        with open(paths[0], "rb") as file:
            head = file.read(HEAD_BYTES)
        return len(paths) == 1 and head.lstrip()[:1] == b"{" and b'"events"' in head and (b'"visitor"' in head or b'"moments"' in head)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """All of it: JSON cannot be read in part."""
        path = one_of(paths)
        game = _game(path)
        names, moments = _names(game), _moments(path, game)
        times = [moment.time for moment in moments]
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
        seen = {player for moment in moments for player in moment.places}
        understood = (
            f"{len(seen - {-1})} players ({', '.join(f'`{names[player]}`' for player in sorted(seen - {-1})[:4] if player in names)}, …) and the ball.",
            f"{len(moments):,} moments of {len({moment.quarter for moment in moments})} quarter(s), {1 / step:.3g} in a second; places in feet.",
            "Players come and go: gather windows in which the same ones are on the court.",
        )
        return Inspection(format="sportvu", options=SportVuOptions().model_dump(), understood=understood, signature="sportvu")

    def read(self, paths: tuple[Path, ...], options: SportVuOptions, progress: Progress) -> Recording:
        """Moments that several events share are counted once."""
        path = one_of(paths)
        game = _game(path)
        progress(0.5)
        names, moments = _names(game), _moments(path, game)
        seen = sorted({player for moment in moments for player in moment.places} - (set() if options.ball else {-1}), key=lambda player: (player == -1, player))
        if not 1 <= len(seen) <= MOST_NODES:
            raise DataError(f"Expected 1 to {MOST_NODES} players in {path.name}; found {len(seen)}. Is it the tracking of one game?")
        scale, dims = FOOT if options.metres else 1.0, 3 if options.height else 2
        place = {player: node for node, player in enumerate(seen)}
        trials = []
        for stretch in _stretches(moments, options.pause):
            values = np.full((len(stretch), len(seen), dims), np.nan)
            for frame, moment in enumerate(stretch):
                for player, where in moment.places.items():
                    if player in place:
                        values[frame, place[player]] = where[:dims]
            times = np.array([moment.time - stretch[0].time for moment in stretch])
            trials.append(Trial(times, values * scale, f"{len(trials) + 1} (quarter {stretch[0].quarter})"))
        progress(1.0)
        told = sum(len(event["moments"]) for event in game["events"] if isinstance(event.get("moments"), list))
        again = f"{told - len(moments):,} moments are told by several events, or empty; each is counted once."
        remarks = (Remark("duplicates", again),) if told > len(moments) else ()
        labels = tuple(names.get(player, f"player {player}") for player in seen)
        return Recording(tuple(trials), ("x", "y", "z")[:dims], labels, remarks=remarks, metadata={"units": "m" if options.metres else "ft", "up": "z"})


@once
def _game(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected at most {MAX_BYTES >> 20} MB; {path.name} is larger. Cut it into several events.")
    try:
        game = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"Expected JSON; {path.name} cannot be read ({str(error)[:120]}). Download it again.") from error
    if not isinstance(game, dict) or not isinstance(game.get("events"), list) or not all(isinstance(event, dict) for event in game["events"]):
        raise DataError(f"Expected a game with a list `events` in {path.name}; found none. Is it SportVU's?")
    return game


def _names(game: dict[str, Any]) -> dict[int, str]:
    """Of players by number; those of the same name get their number behind it."""
    names: dict[int, str] = {-1: BALL}
    for event in game["events"]:
        for side in TEAMS:
            team = event.get(side)
            for player in team.get("players", ()) if isinstance(team, dict) else ():
                if isinstance(player, dict) and isinstance(number := player.get("playerid"), int) and number not in names:
                    name = f"{player.get('firstname', '')} {player.get('lastname', '')}".strip()[:80] or f"player {number}"
                    names[number] = f"{name} {number}" if name in names.values() else name
    return names


def _moments(path: Path, game: dict[str, Any]) -> list[Moment]:
    """In the order of time, each once. Raises DataError naming event and moment."""
    found: dict[float, Moment] = {}
    for number, event in enumerate(game["events"], 1):
        for place, moment in enumerate(event.get("moments") or (), 1):
            try:
                time, bodies = float(moment[1]) / 1000, moment[5]
                if time in found:
                    continue
                places = {int(body[1]): (float(body[2]), float(body[3]), float(body[4])) for body in bodies}
                if not math.isfinite(time + sum(map(sum, places.values()))):
                    raise ValueError("a number is not finite")
                if places:
                    found[time] = Moment(time, int(moment[0]), places)
            except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
                why = f"moment {place} of event {number} cannot be understood ({str(error)[:80]})"
                raise DataError(f"Expected [quarter, milliseconds, …, [[team, player, x, y, z], …]] in {path.name}; {why}. Download it again.") from error
    if not found:
        raise DataError(f"Expected moments in the events of {path.name}; found none. Choose another game.")
    return list(_apart(found[time] for time in sorted(found)))


def _apart(moments: Iterator[Moment]) -> Iterator[Moment]:
    """Without those that follow too soon."""
    last = -np.inf
    for moment in moments:
        if moment.time - last >= SOONEST:
            last = moment.time
            yield moment


def _stretches(moments: list[Moment], pause: float) -> Iterator[list[Moment]]:
    """Cut where nothing is told for a while, or a quarter begins."""
    start = 0
    for place in range(1, len(moments) + 1):
        if place == len(moments) or moments[place].time - moments[place - 1].time > pause or moments[place].quarter != moments[start].quarter:
            yield moments[start:place]
            start = place
