"""What a figure on Compare does not say by itself: data that the model has seen, or that are unlike those it learned from."""

from typing import Any

from nri_core.checkpoint import CheckpointConfig
from nri_core.player.payload import noun_of
from nri_core.trajectories import Trajectories
from ui.names import called, law_of

TIED = "Both directions of a pair are taken to be alike, so who leads cannot be seen: to ask that, train with “Both directions alike” off (Advanced settings)."


def caveats(config: CheckpointConfig, data: Trajectories, *, seen: bool, held_out: bool) -> list[str]:
    """Sentences; none where the data are like the training data and new to the model.

    `seen`: these are the training data themselves. `held_out`: the training set them aside, so equal settings say nothing.
    """
    learned, found = config.metadata.get("data", {}), dict(data.metadata)
    differing = _other_parameters(learned.get("parameters", {}), found.get("parameters", {}))
    alike = all(name in learned and learned[name] == found.get(name) for name in ("system", "seed"))
    size = _other_size(config.num_nodes, data)
    return [*_seen(seen, alike and not (held_out or differing or size)), *size, *differing, *tied(config.settings.undirected, data)]


def tied(undirected: bool, data: Trajectories) -> list[str]:
    """That a model which takes both directions to be alike cannot tell who leads, where no law is known that has them so."""
    return [TIED] if undirected and law_of(data.metadata) is None else []


def _seen(surely: bool, perhaps: bool) -> list[str]:
    if surely:
        return ["The model was trained on these systems, so the figures flatter it. Choose what its training held out, or data of another seed."]
    if perhaps:
        return ["These data have the settings and the seed of the training data: the model may have seen these systems. Another seed tells more."]
    return []


def _other_size(learned: int, data: Trajectories) -> list[str]:
    return [] if learned == data.num_nodes else [f"The model learned from systems of {learned} {noun_of(data)}s; these have {data.num_nodes}."]


def _other_parameters(learned: dict[str, Any], found: dict[str, Any]) -> list[str]:
    changed = [name for name in learned if name in found and learned[name] != found[name]]
    if not changed:
        return []
    then, now = ([f"{called(name).lower()} {_listed(values[name])}" for name in changed] for values in (learned, found))
    return [f"It learned from data with {', '.join(then)}; these have {', '.join(now)}."]


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
