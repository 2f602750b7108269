"""What a figure on Compare does not say by itself: data that the model has seen, or that are unlike those it learned from."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nri_core.checkpoint import CheckpointConfig
from nri_core.player.payload import noun_of
from nri_core.trajectories import ANGLES, Trajectories
from ui.forms import note
from ui.names import called, law_of

TIED = "Both directions of a pair are taken to be alike, so who leads cannot be seen: to ask that, train with “Both directions alike” off (Advanced settings)."

WRONGLY_TIED = "Both directions of a pair are taken to be alike, and in these data each is on its own: where they differ, one of them is wrong. To tell them apart, train with “Both directions alike” off (Advanced settings)."

FAR = 5  # times as wide as what was learned from, or by its square narrower: one small system spans much less than many


def caveats(config: CheckpointConfig, data: Trajectories, *, seen: bool, held_out: bool) -> list[str]:
    """Sentences; none where the data are like the training data and new to the model.

    `seen`: these are the training data themselves. `held_out`: the training set them aside, so equal settings say nothing.
    """
    learned, differing = config.metadata.get("data", {}), _differing(config, data)
    alike = all(name in learned and learned[name] == data.metadata.get(name) for name in ("system", "seed"))
    return [*_seen(seen, alike and not (held_out or differing)), *differing, *tied(config.settings.undirected, data)]


def warn_unlike(config: CheckpointConfig, data: Trajectories) -> None:
    """On a page: what of the data is unlike what the model learned from."""
    warn([*_differing(config, data), *tied(config.settings.undirected, data)])


def warn(sentences: Sequence[str]) -> None:
    """On a page, in one paragraph; nothing for none."""
    if sentences:
        note("orange", "info", " ".join(sentences))


def _differing(config: CheckpointConfig, data: Trajectories) -> list[str]:
    parameters = (metadata.get("parameters", {}) for metadata in (config.metadata.get("data", {}), data.metadata))
    return [*_other_size(config.num_nodes, data), *_other_scale(config, data), *_other_parameters(*parameters)]


def tied(undirected: bool, data: Trajectories) -> list[str]:
    """That a model which takes both directions to be alike cannot tell who leads where neither a law nor a graph is known that has them so, and must be wrong where the law has them apart."""
    if not undirected:
        return []
    if law_of(data.metadata) is None:
        true = data.edge_types
        return [] if true is not None and (true == true.swapaxes(-1, -2)).all() else [TIED]
    return [WRONGLY_TIED] if data.metadata.get("parameters", {}).get("directed") else []


def _seen(surely: bool, perhaps: bool) -> list[str]:
    if surely:
        return ["The model was trained on these systems, so the figures flatter it. Choose what its training held out, or data of another seed."]
    if perhaps:
        return ["These data have the settings and the seed of the training data: the model may have seen these systems. Another seed tells more."]
    return []


def _other_size(learned: int, data: Trajectories) -> list[str]:
    return [] if learned == data.num_nodes else [f"The model learned from systems of {learned} {noun_of(data)}s; these have {data.num_nodes}."]


def _other_scale(config: CheckpointConfig, data: Trajectories) -> list[str]:
    """Where the data span far more, or far less, than what the model learned from, or have another time between frames: a model knows no units."""
    values = data.values.reshape(-1, len(data.feature_names)) if data.observed is None else data.values[data.observed]
    learned, found = 2 * np.array(config.unit.scale), np.ptp(values, axis=0) if len(values) else np.array([])
    ratios = {name: now / then for name, then, now in zip(data.feature_names, learned, found, strict=False) if now > 0 and name not in ANGLES}
    far = max(ratios, key=lambda name: abs(np.log(ratios[name])), default="")
    said = []
    if far and not FAR**-2 < ratios[far] < FAR:
        place = data.feature_names.index(far)
        then, now = (f"{float(f'{span:.3g}'):,.10g}" for span in (learned[place], found[place]))
        said.append(f"What it learned from spans {then} in {far}; these span {now}: bring them to like units, or train a model on them.")
    if not np.isclose(config.dt, data.dt, rtol=0.01):
        said.append(f"It learned from frames {config.dt:g} apart in time; these are {data.dt:g} apart.")
    return said


def _other_parameters(learned: dict[str, Any], found: dict[str, Any]) -> list[str]:
    changed = [name for name in learned if name in found and learned[name] != found[name]]
    if not changed:
        return []
    then, now = ([f"{called(name).lower()} {_listed(values[name])}" for name in changed] for values in (learned, found))
    return [f"It learned from data with {', '.join(then)}; these have {', '.join(now)}."]


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
