"""Football tracking of many providers, read by kloppy: each period a trial, each player and the ball a node."""

import re
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.recording import MOST_NODES, Recording, Remark, Trial

HEAD_BYTES = 64 * 1024
MAX_BYTES = 1024**3
LOOK_FRAMES = 25
BALL = "ball"
METRES = {"m": 1.0, "cm": 0.01, "y": 0.9144, "ft": 0.3048}
BROKEN = (ValueError, LookupError, TypeError, AttributeError, NameError, ArithmeticError, AssertionError, OSError, SyntaxError, RecursionError)  # by kloppy and lxml


class Provider(NamedTuple):
    """Which function of kloppy reads the files, and by which words each of them is known."""

    title: str
    module: str
    function: str
    coordinates: str
    files: dict[str, bytes]  # the function's argument: a pattern found in the first part of its file


PROVIDERS = (
    Provider("Metrica (CSV)", "metrica", "load_tracking_csv", "metrica", {"home_data": rb"^,,,Home,[\s\S]*Time \[", "away_data": rb"^,,,Away,[\s\S]*Time \["}),
    Provider("Metrica (EPTS)", "metrica", "load_tracking_epts", "metrica", {"meta_data": rb"FIFADataTransferFormatEPTS", "raw_data": rb"^\d+:[-\d.naN]+,"}),
    Provider("TRACAB", "tracab", "load", "tracab", {"meta_data": rb"<TracabMetaData|\"Phase1StartFrame\"", "raw_data": rb"^\d+:[-\d]+,|\"FrameData\""}),
    Provider("Second Spectrum", "secondspectrum", "load", "secondspectrum", {"meta_data": rb"<MetaData |\"pitchLength\"", "raw_data": rb"\"frameIdx\""}),
    Provider("SkillCorner", "skillcorner", "load", "skillcorner", {"meta_data": rb"\"home_team\"", "raw_data": rb"\"possession\""}),
    Provider("Stats Perform", "statsperform", "load_tracking", "sportvu", {"ma1_data": rb"matchInfo", "ma25_data": rb"^\d{10,};\d"}),
    Provider("Sportec (DFL)", "sportec", "load_tracking", "sportec", {"meta_data": rb"<MatchInformation", "raw_data": rb"<Positions"}),
    Provider(
        "PFF", "pff", "load_tracking", "pff",
        {"meta_data": rb"\"homeTeamKit\"", "roster_meta_data": rb"\"positionGroupType\"", "raw_data": rb"\"gameRefId\""},
    ),
)  # fmt: skip


class SportsOptions(Options):
    """How much of a match is kept."""

    rate: float | None = Field(None, gt=0, le=100, description="Frames in a second to keep; none: all")
    most_frames: int = Field(15_000, ge=2, le=1_000_000, description="Frames to read at most: a whole match takes minutes")
    ball: bool = Field(True, description="Keep the ball as a node of its own")
    height: bool = Field(False, description="Keep the height of the ball as z; players have 0")


@dataclass(frozen=True)
class Sports:
    """The files of one match: what describes it, and the tracking."""

    title: str = "Football tracking (kloppy)"
    suffixes: tuple[str, ...] = (".csv", ".txt", ".dat", ".xml", ".json", ".jsonl")
    options: type[Options] = SportsOptions
    packages: tuple[str, ...] = ("kloppy",)

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By words in each file."""
        return _provider(paths) is not None

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """The first second."""
        provider, match = _match(paths, limit=LOOK_FRAMES)
        teams = [f"{len(team.players)} players of `{team.name}`" for team in match.metadata.teams]
        pitch = match.metadata.pitch_dimensions
        size = f"a pitch of {pitch.pitch_length:g} × {pitch.pitch_width:g} m" if pitch.pitch_length and pitch.pitch_width else "a pitch of unknown size"
        understood = (
            f"Tracking by {provider.title}: {' and '.join(teams)}, and the ball, on {size}; {match.metadata.frame_rate:g} frames in a second.",
            f"The first {SportsOptions().most_frames:,} frames are read unless you ask for more. Places in metres where the pitch is known.",
            "Players come and go: gather windows in which the same ones are on the pitch.",
        )
        return Inspection(format="sports", options=SportsOptions().model_dump(), understood=understood, signature=f"sports: {provider.title}")

    def read(self, paths: tuple[Path, ...], options: SportsOptions, progress: Progress) -> Recording:
        """Players who are never seen are left out."""
        provider, match = _match(paths, limit=options.most_frames + 2, rate=options.rate)  # kloppy's limits are off by one here and there
        records = match.records[: options.most_frames]
        progress(0.7)
        players = {player.player_id: player for team in match.metadata.teams for player in team.players}
        seen = {player.player_id for frame in records for player in frame.players_data}
        order = [number for number in players if number in seen]
        if not 1 <= len(order) < MOST_NODES:
            raise DataError(f"Expected 1 to {MOST_NODES - 1} players in {paths[0].name}; found {len(order)}. Are these the files of one match?")
        dims = 3 if options.height else 2
        scale, origin, units = _units(match.metadata.pitch_dimensions)
        names = _names([players[number] for number in order]) + ((BALL,) if options.ball else ())
        trials = []
        for period in sorted({frame.period.id for frame in records}):
            frames = {frame.timestamp.total_seconds(): frame for frame in records if frame.period.id == period}
            values = np.stack([_places(frames[time], order, options.ball)[:, :dims] for time in sorted(frames)])
            trials.append(Trial(np.array(sorted(frames)), (values - origin[:dims]) * scale[:dims], f"period {period}"))
        whole = len(match.records) <= options.most_frames
        remarks = () if whole else (Remark("cut", f"Only the first {options.most_frames:,} frames were read. Ask for more, or for fewer in a second."),)
        metadata = {"provider": provider.title, "up": "z"} | ({"units": units} if units else {})
        return Recording(tuple(trials), ("x", "y", "z")[:dims], names, remarks=remarks, metadata=metadata)


def _provider(paths: tuple[Path, ...]) -> tuple[Provider, dict[str, Path]] | None:
    """Whose files these are, and which is which."""
    heads = []
    for path in paths[:4]:
        with open(path, "rb") as file:
            heads.append(file.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf"))
    for provider in PROVIDERS:
        if len(provider.files) != len(paths):
            continue
        for order in permutations(range(len(paths))):
            if all(re.search(pattern, heads[place]) for pattern, place in zip(provider.files.values(), order, strict=True)):
                return provider, {role: paths[place] for role, place in zip(provider.files, order, strict=True)}
    return None


def _match(paths: tuple[Path, ...], *, limit: int, rate: float | None = None) -> tuple[Provider, Any]:
    """Raises DataError."""
    if (found := _provider(paths)) is None:
        known = ", ".join(provider.title for provider in PROVIDERS)
        raise DataError(f"Expected all files of a match (what describes it, and the tracking) by {known}; found {', '.join(path.name for path in paths[:4])}.")
    provider, roles = found
    for path in paths:
        _safe(path)
    try:
        load = getattr(import_module(f"kloppy.{provider.module}"), provider.function)
        from kloppy.exceptions import KloppyError
    except ImportError as error:
        raise DataError(f"Tracking by {provider.title} needs the package kloppy: pip install -r requirements-formats.txt.") from error
    names = " and ".join(path.name for path in paths)
    try:
        share = None if rate is None else 1 / max(round(_loaded(load, roles, provider, limit=2).metadata.frame_rate / rate), 1)
        match = _loaded(load, roles, provider, limit=limit, sample_rate=share)
    except (KloppyError, *BROKEN) as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise DataError(f"Expected tracking by {provider.title} in {names}; kloppy cannot read it ({why}). Export it again.") from error
    if not match.records:
        raise DataError(f"Expected frames in {names}; found none. Export the tracking again.")
    return provider, match


def _loaded(load: Any, roles: dict[str, Path], provider: Provider, **settings: Any) -> Any:
    """Files are opened here, since kloppy leaves them open where it fails."""
    with ExitStack() as files, warnings.catch_warnings(action="ignore"):
        opened = {role: files.enter_context(open(path, "rb")) for role, path in roles.items()}
        return load(**opened, coordinates=provider.coordinates, **settings)


def _safe(path: Path) -> None:
    """Size, and XML without entities: kloppy's parser would expand them."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected at most {MAX_BYTES >> 20} MB; {path.name} is larger. Export a part of the match.")
    with open(path, "rb") as file:
        if b"<!ENTITY" in file.read(HEAD_BYTES) or (path.suffix.lower() == ".xml" and b"<!DOCTYPE" in path.read_bytes()):
            raise DataError(f"Expected XML without a DOCTYPE in {path.name}; found one, which no provider writes. Export it again.")


def _units(pitch: Any) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"], str]:
    """What to multiply with, what to subtract before, and the unit that comes out."""
    unit = pitch.unit.value
    if unit in METRES:
        return np.full(3, METRES[unit]), np.zeros(3), "m"
    if pitch.pitch_length and pitch.pitch_width:  # a share of the pitch
        return np.array([pitch.pitch_length, pitch.pitch_width, 1.0]), np.array([pitch.x_dim.min, pitch.y_dim.min, 0.0]), "m"
    return np.ones(3), np.zeros(3), ""


def _places(frame: Any, order: list[str], ball: bool) -> Float[np.ndarray, "node 3"]:
    """NaN where someone was not seen."""
    there = {player.player_id: data.coordinates for player, data in frame.players_data.items()}
    rows = [(where.x, where.y, 0.0) if (where := there.get(number)) is not None else (None,) * 3 for number in order]
    if ball:
        where = frame.ball_coordinates
        rows.append((None,) * 3 if where is None else (where.x, where.y, getattr(where, "z", None) or 0.0))
    values = np.array(rows, float)
    return np.where(np.isfinite(values).all(-1, keepdims=True), values, np.nan)


def _names(players: list[Any]) -> tuple[str, ...]:
    """Full names; those of the same name get their number behind it."""
    names: list[str] = []
    for player in players:
        name = str(player)[:80] or str(player.player_id)
        names.append(name if name not in names and name != BALL else f"{name} {player.player_id}")
    return tuple(names)
