"""Regression on a law that the user picks: what inference could reach if the physics were known, or how a wrong guess fails."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nri_core.errors import ConfigError, DataError
from nri_core.graph import off_diagonal
from nri_core.network_baselines.ranking import num_parts, observed_values
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

MOTION = (("x", "vx"), ("y", "vy"), ("z", "vz"))
REWEIGHTINGS = 5
MOST = 1e30  # larger values overflow when distances are cubed
FREEDOM = 3.0  # degrees of freedom of the Student-t that the reweighting fits: walls and close encounters are outliers

Positions = Float[np.ndarray, "sim time node dim"]
PairTerms = Float[np.ndarray, "sim time receiver sender dim"]


@dataclass(frozen=True)
class Law:
    """rate of i = Σ_j c_ij · pair_term(i, j), where c_ij is one of `couplings`, by edge type."""

    pair_term: Callable[[Positions], PairTerms]
    couplings: tuple[float, ...]
    edge_type_names: tuple[str, ...]
    of_phases: bool = False


def _offsets(location: Positions) -> PairTerms:
    return location[:, :, :, None] - location[:, :, None, :]


def _away(location: Positions) -> PairTerms:
    offset = _offsets(location)
    distance = np.sqrt(np.square(offset).sum(-1, keepdims=True)) + np.eye(location.shape[2])[..., None]
    return offset / np.maximum(distance, 1e-6) ** 3


# The pair terms of `nri_core.systems` with coupling 1, for NumPy; the tests hold the two equal.
LAWS: dict[str, Law] = {
    "springs": Law(lambda location: -_offsets(location), (0.0, 0.1), ("none", "spring")),
    "charged": Law(_away, (-1.0, 1.0), ("attract", "repel")),
    "kuramoto": Law(lambda phase: -np.sin(_offsets(phase)), (0.0, 1.0), ("none", "coupled"), of_phases=True),
}


def known_law(
    data: Trajectories, *, law: str, couplings: tuple[float, ...] = (), undirected: bool = True
) -> EdgePosterior:
    """What the graph must be if this law moved the nodes: least squares of accelerations, or phase rates, on its pair terms.

    For each receiver, the change of velocity (or dφ/dt − ω) is fitted by the pair terms with every other node, robustly.
    p(type) ∝ exp(−Σ (ĉ − c_type)² / 2 se²) with the estimated coupling ĉ and its standard error, the sum over both directions
    if `undirected`, which weights each by its precision. So the threshold between two types is the midpoint of their
    `couplings` (default: the reference's). As sure as Gaussian errors and a true law allow; a wrong law is as sure and wrong:
    `law_fit` shows it without labels.
    Raises ConfigError for an unknown law, DataError where features that it needs are absent or frames too few.
    """
    chosen = _chosen(law)
    values = couplings or chosen.couplings
    if len(values) < 2 or len(set(values)) < len(values):
        raise ConfigError(f"Expected at least two couplings, all different; found {couplings}.")
    alike = np.array_equal(np.sign(values), np.sign(chosen.couplings))
    names = chosen.edge_type_names if alike else tuple(f"coupling {value:g}" for value in values)
    parts = [_misfits(*_equations(part, chosen), np.array(values)) for part in _parts(data)]
    misfit = np.concatenate(parts)
    misfit = misfit + misfit.swapaxes(1, 2) if undirected else misfit
    odds = np.exp(misfit.min(-1, keepdims=True) - misfit) * off_diagonal(data.num_nodes)[..., None]
    return EdgePosterior(odds / np.maximum(odds.sum(-1, keepdims=True), 1), names, data.node_names, "known_law")


def law_fit(data: Trajectories, posterior: EdgePosterior, *, law: str, couplings: tuple[float, ...] = ()) -> float:
    """1 − (median squared error of the rates that the law gives with the inferred graph) / (median squared rate).

    Medians over everything that moves: frames, nodes, features. Near 1 where the law is true and the noise small; 0 is no
    better than no interaction at all, and a wrong law is often below.
    """
    chosen = _chosen(law)
    values = np.array(couplings or chosen.couplings, dtype=float)
    errors, rates = [], []
    for part, kinds in zip(_parts(data), np.array_split(posterior.edge_types, num_parts(data.values.shape)), strict=True):
        rate, terms, _ = _equations(part, chosen)
        graph = values[kinds] * off_diagonal(data.num_nodes)
        errors.append(np.square(rate - np.einsum("sij,stijd->stid", graph, terms)).ravel())
        rates.append(np.square(rate).ravel())
    error, rate = np.concatenate(errors), np.concatenate(rates)
    moving = rate > 1e-18 * rate.max()
    return 1 - float(np.median(error[moving]) / np.median(rate[moving])) if moving.any() else 0.0


def _chosen(law: str) -> Law:
    if law not in LAWS:
        raise ConfigError(f"Expected a law of {', '.join(LAWS)}; found {law!r}.")
    return LAWS[law]


def _parts(data: Trajectories) -> list[Trajectories]:
    return [data.select(sims) for sims in np.array_split(np.arange(data.num_sims), num_parts(data.values.shape))]


Rates = Float[np.ndarray, "sim time receiver dim"]
Weights = Float[np.ndarray, "sim time receiver"]


def _equations(data: Trajectories, law: Law) -> tuple[Rates, PairTerms, Weights]:
    """What the law explains, its pair terms, and how much each frame is worth."""
    seen = observed_values(data, fewest_frames=5)
    if (largest := np.abs(seen).max()) > MOST:
        raise DataError(f"Expected values in the units of the law; found {largest:.0e}. Rescale them, or choose another baseline.")
    values = dict(zip(data.feature_names, np.moveaxis(seen, -1, 0), strict=True))
    rate, terms, weights = _of_phases(values, law, data.dt) if law.of_phases else _of_motion(values, law, data.dt)
    needed = data.num_nodes + law.of_phases * ("omega" not in values)
    if (found := rate.shape[1] * rate.shape[3]) < needed:
        raise DataError(
            f"Expected at least {needed} measured rates of each node, to fit {data.num_nodes - 1} couplings; found {found}. "
            "Choose longer windows."
        )
    return rate, terms, weights


def _listed(values: dict[str, np.ndarray]) -> str:
    return ", ".join(f"`{name}`" for name in values)


def _of_motion(values: dict[str, np.ndarray], law: Law, dt: float) -> tuple[Rates, PairTerms, Weights]:
    """The change of velocity between two frames is dt times the mean force: the trapezoid rule.

    Where forces change fast, the rule is off; the squared change of the pair terms says by how much, so a frame counts
    by its inverse.
    """
    axes = [pair for pair in MOTION if pair[0] in values]
    if not axes:
        raise DataError(f"Expected the locations `x`, `y` for this law; found {_listed(values)}. Choose another law.")
    location = np.stack([values[place] for place, _ in axes], axis=-1)
    if all(speed in values for _, speed in axes):
        velocity = np.stack([values[speed] for _, speed in axes], axis=-1)
    else:
        location, velocity = location[:, 1:-1], (location[:, 2:] - location[:, :-2]) / (2 * dt)
    terms = law.pair_term(location)
    change = np.square(np.diff(terms, axis=1)).sum((3, 4))
    floor = 0.1 * np.median(change, axis=1, keepdims=True) + 1e-300
    return np.diff(velocity, axis=1) / dt, (terms[:, 1:] + terms[:, :-1]) / 2, floor / (floor + change)


def _of_phases(values: dict[str, np.ndarray], law: Law, dt: float) -> tuple[Rates, PairTerms, Weights]:
    """dφ/dt − ω, frame by frame; without ω, everything is centred over time instead."""
    if "phase" not in values:
        raise DataError(f"Expected the feature `phase` for this law; found {_listed(values)}. Choose another law.")
    phase = np.unwrap(values["phase"], axis=1)
    rate = values["dphi"] if "dphi" in values else np.gradient(phase, dt, axis=1)
    terms = law.pair_term(phase[..., None])
    if "omega" in values:
        rate = rate - values["omega"]
    else:
        rate, terms = rate - rate.mean(1, keepdims=True), terms - terms.mean(1, keepdims=True)
    return rate[..., None], terms, np.ones(rate.shape)


def _misfits(
    rate: Rates, terms: PairTerms, weights: Weights, couplings: Float[np.ndarray, " type"]
) -> Float[np.ndarray, "sim node node type"]:
    """(ĉ − c_type)² / 2 se² of every ordered pair, by least squares reweighted for a Student-t error."""
    num_sims, num_steps, num_nodes, num_dims = rate.shape
    rows = num_steps * num_dims
    others = np.moveaxis(terms, 1, 3)[:, off_diagonal(num_nodes)].reshape(num_sims, num_nodes, num_nodes - 1, rows)
    target = np.moveaxis(rate, 1, 2).reshape(num_sims, num_nodes, rows)
    prior = np.repeat(weights.swapaxes(1, 2), num_dims, axis=-1)
    weight = prior
    for _ in range(1 + REWEIGHTINGS):
        weighted = others * weight[:, :, None]
        gram = weighted @ others.swapaxes(-1, -2)
        gram = gram + (1e-12 * np.trace(gram, axis1=-2, axis2=-1) + 1e-300)[..., None, None] * np.eye(num_nodes - 1)
        inverse = np.linalg.inv(gram)
        estimate = (inverse @ (weighted @ target[..., None]))[..., 0]
        squared = np.square(target - (estimate[:, :, None] @ others)[:, :, 0])
        noise = (weight * squared).sum(-1, keepdims=True) / (rows - num_nodes + 1)
        scale = 2 * np.median(prior * squared, axis=-1, keepdims=True) + 1e-300
        weight = prior * (FREEDOM + 1) / (FREEDOM + prior * squared / scale)
    variance = noise * np.diagonal(inverse, axis1=-2, axis2=-1)
    floor = (1e-6 * np.ptp(couplings)) ** 2  # rounding errors: data without noise are not known beyond these
    misfit = np.square(estimate[..., None] - couplings) / (2 * (variance + floor)[..., None])
    matrix = np.zeros((num_sims, num_nodes, num_nodes, len(couplings)))
    matrix[:, off_diagonal(num_nodes)] = misfit.reshape(num_sims, -1, len(couplings))
    return matrix
