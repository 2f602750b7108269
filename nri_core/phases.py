"""The phase of an oscillator out of its sine: how models that read phases meet the paper's features, which hold none."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from nri_core.errors import DataError
from nri_core.settings import PHASES, ModelSettings
from nri_core.trajectories import Trajectories

REBUILT = ("dphi", "sin_phi", "phase", "omega")
FROM_SINE = "rebuilt from the sine"
FEWEST_FRAMES = 4
TURNS = np.linspace(-2.75, 2.75, 12)  # where the search starts: radians in a mean frame, as many backwards as forwards
SWINGS = (0.1, 0.4)  # and what the given rate adds to them
FIRST_LOOK = 24  # frames that choose among the starts
KEPT, ROUNDS = 2, 4
AT_ONCE = 512  # paths: their arrays stay in the cache


class _Motion(NamedTuple):
    """Phase advance in a frame = turn + swing · (the given rate, averaged over the frame)."""

    turn: Float[np.ndarray, "start path"]
    swing: Float[np.ndarray, "start path"]


class _Fit(NamedTuple):
    """The motion that suits the most likely signs; what it leaves unexplained; the phase at first, and its advances."""

    motion: _Motion
    cost: Float[np.ndarray, "start path"]
    first: Float[np.ndarray, "start path"]
    advance: Float[np.ndarray, "step start path"]


def read_features(settings: ModelSettings, feature_names: tuple[str, ...]) -> tuple[str, ...]:
    """The features that the parts of a model are given, for data with these: phases are rebuilt for those that read them."""
    asks = "phase" in (settings.encoder, settings.decoder)
    return REBUILT if asks and "phase" not in feature_names and set(PHASES) <= set(feature_names) else feature_names


def readable(data: Trajectories, settings: ModelSettings) -> Trajectories:
    """The data with the features that the parts of a model read."""
    return data if read_features(settings, data.feature_names) == data.feature_names else rebuilt_phase(data)


def rebuilt_phase(data: Trajectories) -> Trajectories:
    """`dphi, sin_phi, phase, omega` out of `dphi, sin_phi, omega`, where each rate may have a zero and a unit of its own.

    The sine leaves open, in every frame, whether it rises or falls with the phase. Chosen is the path over both that comes
    closest to advances of a + b · dphi a frame, dphi integrated over it, b ≥ 0; a and b are least squares given the path, in
    turns, from many starts. The rate becomes what a and b make of it. Reads no edge, no ω and no law but that a rate is
    the change of a phase. Where nothing tells the direction (a constant rate), the phase is taken to grow. Expects less
    than half a turn in a frame. Raises DataError where features or frames are missing.
    """
    if missing := [name for name in PHASES if name not in data.feature_names]:
        raise DataError(f"Expected the features {', '.join(PHASES)} to rebuild the phase from; {missing[0]} is missing.")
    if data.num_steps < FEWEST_FRAMES:
        raise DataError(f"Expected at least {FEWEST_FRAMES} frames to rebuild the phase from; found {data.num_steps}.")
    rate, sine, omega = (data.filled().values[..., data.feature_names.index(name)] for name in PHASES)
    paths = (values.swapaxes(0, 1).reshape(data.num_steps, -1) for values in (rate, sine))
    cuts = range(AT_ONCE, data.num_sims * data.num_nodes, AT_ONCE)
    pieces = [_rebuilt(*piece) for piece in zip(*(np.split(path, cuts, axis=1) for path in paths), strict=True)]
    phase, advance = (
        np.concatenate(part, axis=1).reshape(data.num_steps, data.num_sims, -1).swapaxes(0, 1) for part in zip(*pieces, strict=True)
    )
    values = np.stack([advance / data.dt, sine, phase, omega], axis=-1)
    return replace(data, values=values, feature_names=REBUILT, metadata=dict(data.metadata) | {"phase": FROM_SINE})


def as_given(rebuilt: Trajectories, past: Trajectories, rebuilt_past: Trajectories) -> Trajectories:
    """What was forecast in rebuilt features, in those of `past`: each rate in the unit that its past had."""
    given = past.values[..., past.feature_names.index("dphi")]
    true = rebuilt_past.values[..., 0]
    apart = true - true.mean(1, keepdims=True)
    spread = np.square(apart).sum(1, keepdims=True)
    moves = spread > 1e-9
    slope = np.where(moves, (apart * given).sum(1, keepdims=True) / np.where(moves, spread, 1), 0)
    rate = given.mean(1, keepdims=True) + slope * (rebuilt.values[..., 0] - true.mean(1, keepdims=True))
    parts = dict(zip(REBUILT, np.moveaxis(rebuilt.values, -1, 0), strict=True)) | {"dphi": rate}
    return replace(rebuilt, values=np.stack([parts[name] for name in past.feature_names], axis=-1), feature_names=past.feature_names)


def _rebuilt(
    rate: Float[np.ndarray, "time path"], sine: Float[np.ndarray, "time path"]
) -> tuple[Float[np.ndarray, "time path"], Float[np.ndarray, "time path"]]:
    """Phase, and rate in radians a frame."""
    rising = np.arcsin(np.clip(sine, -1, 1)).astype(np.float32)[:, None]
    mean = _over_frames(rate).astype(np.float32)[:, None]
    starts = np.array([(turn, swing) for turn in TURNS for swing in SWINGS], np.float32)
    motion = _Motion(*(np.repeat(part[:, None], rate.shape[1], axis=1) for part in starts.T))
    fit = _refined(rising[:FIRST_LOOK], mean[: FIRST_LOOK - 1], motion)
    half = len(starts) // 2
    kept = np.concatenate([low + np.argpartition(fit.cost[low : low + half], KEPT, axis=0)[:KEPT] for low in (0, half)])
    motion = _Motion(*(np.take_along_axis(part, kept, axis=0) for part in fit.motion))
    for _ in range(ROUNDS):
        fit = _refined(rising, mean, motion)
        motion = fit.motion
    best, path = fit.cost.argmin(0), np.arange(rate.shape[1])
    steps = np.concatenate([fit.first[best, path][None], fit.advance[:, best, path]]).astype(np.float64)
    return steps.cumsum(0), fit.motion.turn[best, path] + fit.motion.swing[best, path] * rate


def _refined(rising: Float[np.ndarray, "time 1 path"], mean: Float[np.ndarray, "step 1 path"], motion: _Motion) -> _Fit:
    """The likeliest signs under a motion, and the motion that they tell."""
    first, advance = _likeliest(rising, motion.turn + motion.swing * mean)
    apart = mean - mean.mean(0)
    spread = np.square(apart).sum(0)
    moves = spread > 1e-6
    swing = np.where(moves, np.maximum((apart * advance).sum(0), 0) / np.where(moves, spread, 1), 0)
    turn = advance.mean(0) - swing * mean.mean(0)
    cost = np.square(advance - turn - swing * mean).mean(0) + 1e-9
    return _Fit(_Motion(turn, swing), np.where(turn < 0, 2 * cost, cost), first, advance)


def _likeliest(
    rising: Float[np.ndarray, "time 1 path"], expected: Float[np.ndarray, "step start path"]
) -> tuple[Float[np.ndarray, "start path"], Float[np.ndarray, "step start path"]]:
    """The phase at first and the advances closest to the expected ones (squared), over all 2^time choices: Viterbi's shortest path."""
    ends = (rising, np.float32(np.pi) - rising)
    cost = [np.zeros(expected.shape[1:], np.float32)] * 2
    from_falling = np.empty((2, *expected.shape), bool)
    for step, hoped in enumerate(expected):
        routes = [[cost[start] + _wrapped(ends[end][step + 1] - ends[start][step] - hoped) ** 2 for start in (0, 1)] for end in (0, 1)]
        from_falling[:, step] = [falling < risen for risen, falling in routes]
        cost = [np.minimum(*route) for route in routes]
    falls = cost[1] < cost[0]
    phase = np.empty((len(rising), *expected.shape[1:]), np.float32)
    for step in reversed(range(len(rising))):
        phase[step] = np.where(falls, ends[1][step], ends[0][step])
        if step:
            falls = np.where(falls, from_falling[1, step - 1], from_falling[0, step - 1])
    return phase[0], expected + _wrapped(np.diff(phase, axis=0) - expected)


def _over_frames(rate: Float[np.ndarray, "time path"]) -> Float[np.ndarray, "step path"]:
    """The mean from each frame to the next, by cubics (parabolas at both ends) through the frames around."""
    inside = (13 * (rate[1:-2] + rate[2:-1]) - rate[:-3] - rate[3:]) / 24
    first = (5 * rate[:1] + 8 * rate[1:2] - rate[2:3]) / 12
    last = (5 * rate[-1:] + 8 * rate[-2:-1] - rate[-3:-2]) / 12
    return np.concatenate([first, inside, last])


def _wrapped(angle: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Into −π … π."""
    return angle - np.float32(2 * np.pi) * np.rint(angle * np.float32(0.5 / np.pi))
