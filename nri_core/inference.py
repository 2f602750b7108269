"""Reading the graph out of trajectories, and running them on."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nri_core.checkpoint import Checkpoint, CheckpointConfig
from nri_core.dataset import slots_of
from nri_core.errors import CheckpointError, DataError
from nri_core.graph import off_diagonal
from nri_core.metrics import best_relabelling
from nri_core.models.marginal import countable, marginal, num_sets
from nri_core.models.nri import NRI
from nri_core.models.rereading import reread
from nri_core.models.search import search
from nri_core.phases import as_given, readable
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.settings import MOST_SETS
from nri_core.trajectories import Trajectories

SIMS_AT_ONCE = 128


def infer_edges(checkpoint: Checkpoint, data: Trajectories, *, inference: str | None = None) -> EdgePosterior:
    """p(z_ij | x) of every pair, from the first frames that the model reads.

    `inference` is "encoder", "decoder", "law" (through the decoder and, where that leaves a path unexplained, once more through
    the law that the forecaster learned), or None for the checkpoint's own way. Through the decoder, the posterior is
    exact over all undirected graphs where these can be counted (N = 5), else exact for each receiver with the log-odds
    of both directions added, else found by search; `EdgePosterior.inference` says which. An ensemble's belief is the
    mean of its members'. Raises CheckpointError.
    """
    checkpoint.check(data)
    if checkpoint.others:
        return _mean([infer_edges(member, data, inference=inference) for member in checkpoint.members], checkpoint.config.relabellings)
    how = inference or checkpoint.config.inference
    if how not in ("encoder", "decoder", "law"):
        raise CheckpointError(f"Expected inference by the encoder, the decoder or the law; found {how!r}.")
    if how == "law" and checkpoint.model.forecaster is None:
        raise CheckpointError("This model has no forecaster, whose law could be read through. Read it through the decoder.")
    if how == "encoder" and checkpoint.model.encoder is None:
        raise CheckpointError("This model has no encoder: it was trained by maximum marginal likelihood. Read it through the decoder.")
    if how != "encoder" and not checkpoint.config.settings.additive:
        raise CheckpointError(f"The {checkpoint.config.settings.decoder} decoder adds up no messages to read the graph from. Read it by the encoder.")
    model = checkpoint.model.eval()
    window = data.select(slice(None), frames=slice(0, checkpoint.config.window))
    values, observed, at_once = checkpoint.tensor(window), checkpoint.sightings(window), _at_once(data.num_nodes)
    seen = repeat(None) if observed is None else observed.split(at_once)
    with torch.no_grad():
        probs = torch.cat([read_edges(model, part, inference=how, observed=there) for part, there in zip(values.split(at_once), seen, strict=False)])
    return as_posterior(checkpoint, data, probs, how)


def as_posterior(checkpoint: Checkpoint, data: Trajectories, edge_probs: Float[Tensor, "sim node slot type"], inference: str) -> EdgePosterior:
    """What the model read of `data` by the encoder, the decoder or the law, with names."""
    way = "encoder" if inference == "encoder" else way_through_decoder(checkpoint.model, data.num_nodes) + ", read again" * (inference == "law")
    return EdgePosterior(_matrix(edge_probs), checkpoint.edge_type_names, data.node_names, way)


def infer_windows(checkpoint: Checkpoint, data: Trajectories, *, stride: int, inference: str | None = None) -> PosteriorOverTime:
    """The graph of every window of the model's length, one starting each `stride` frames: for graphs that change, or to see when it is clear.

    Raises DataError for a stride below 1, and CheckpointError as `infer_edges` does.
    """
    if stride < 1:
        raise DataError(f"Expected a stride of at least 1 frame; found {stride}.")
    checkpoint.check(data)
    length = min(checkpoint.config.window, data.num_steps)
    starts = tuple(range(0, data.num_steps - length + 1, stride))
    parts = (data.select(slice(None), frames=slice(start, start + length)) for start in starts)
    return PosteriorOverTime(starts, tuple(infer_edges(checkpoint, part, inference=inference) for part in parts))


def ensemble(posteriors: Sequence[EdgePosterior]) -> EdgePosterior:
    """The mean belief of several models about the same data, types numbered as the first one does.

    Models number their types as they like, so each is relabelled to agree best with the first. Raises DataError where they differ in shape.
    """
    return _mean(posteriors, _agreeing(posteriors))


def combine(checkpoints: Sequence[Checkpoint], data: Trajectories) -> Checkpoint:
    """Several trainings of one recipe as one model, whose belief is the mean of theirs, and whose forecast is that of their forecasts.

    Types are matched once, by what the models believe about `data`; no label is read. Raises CheckpointError for models
    of different settings, features, windows or training data.
    """
    members = [member for checkpoint in checkpoints for member in checkpoint.members]
    first = members[0].config
    for member in members[1:]:
        compared = (set(CheckpointConfig.model_fields) - {"metadata"}, first.model_dump(), member.config.model_dump())
        if different := sorted(name for name in compared[0] if compared[1][name] != compared[2][name]):
            raise CheckpointError(f"Expected trainings of one recipe on the same data; they differ in {', '.join(different)}. Combine others.")
    relabellings = () if len(members) == 1 else _agreeing([infer_edges(member, data) for member in members])
    config = first.model_copy(update={"relabellings": relabellings})
    return Checkpoint(members[0].model, config, tuple(member.model for member in members[1:]))


def _agreeing(posteriors: Sequence[EdgePosterior]) -> tuple[tuple[int, ...], ...]:
    """For each but the first: what the first one calls its types."""
    first, *others = posteriors
    for posterior in others:
        if posterior.edge_probs.shape != first.edge_probs.shape:
            raise DataError(f"Expected beliefs of one shape, {first.edge_probs.shape}; found {posterior.edge_probs.shape}. Combine models of equal types.")
    return tuple(best_relabelling(np.einsum("sijk,sijl->kl", other.edge_probs, first.edge_probs, dtype=np.float64)) for other in others)


def _mean(posteriors: Sequence[EdgePosterior], relabellings: Sequence[tuple[int, ...]]) -> EdgePosterior:
    first, *others = posteriors
    aligned = [posterior.relabelled(relabelling, first.edge_type_names).edge_probs for posterior, relabelling in zip(others, relabellings, strict=True)]
    return replace(first, edge_probs=np.mean([first.edge_probs, *aligned], axis=0), inference=f"mean of {len(posteriors)} models")


def _at_once(num_nodes: int) -> int:
    return max(SIMS_AT_ONCE * 20 // (num_nodes * (num_nodes - 1)), 1)


def way_through_decoder(model: NRI, num_nodes: int) -> str:
    """"exact", "per receiver" or "search": how a graph of this size is read through the decoder."""
    settings = model.settings
    if settings.undirected and countable(num_nodes, settings.num_edge_types):
        return "exact"
    return "per receiver" if num_sets(num_nodes, settings.num_edge_types) <= MOST_SETS else "search"


def read_edges(
    model: NRI, values: Float[Tensor, "sim time node dim"], *, inference: str, observed: Bool[Tensor, "sim time node"] | None = None
) -> Float[Tensor, "sim node slot type"]:
    """The posterior of normalised values, as far as they were observed, on the model's device."""
    if inference == "encoder":
        return model.edge_logits(values, observed).softmax(-1)
    by_search = way_through_decoder(model, values.shape[2]) == "search"
    edge_probs = search(model, values, observed) if by_search else marginal(model, values, observed).edge_probs
    if inference != "law":
        return edge_probs
    return reread(model.forecaster, values, edge_probs, undirected=model.settings.undirected, observed=observed)


def _matrix(probs: Float[Tensor, "sim node slot type"]) -> Float[np.ndarray, "sim node node type"]:
    num_sims, num_nodes, _, num_edge_types = probs.shape
    matrix = np.zeros((num_sims, num_nodes, num_nodes, num_edge_types), np.float32)
    matrix[:, off_diagonal(num_nodes)] = probs.flatten(1, 2).cpu().numpy()
    return matrix


def forecast_start(checkpoint: Checkpoint, data: Trajectories) -> int:
    """The last frame that inference reads; the middle of data that end there."""
    return checkpoint.config.window - 1 if data.num_steps > checkpoint.config.window + 1 else data.num_steps // 2


def rollout(
    checkpoint: Checkpoint,
    data: Trajectories,
    posterior: EdgePosterior | Int[np.ndarray, "sim node node"] | None,
    *,
    start: int,
    num_steps: int,
    dynamic: bool = False,
) -> Trajectories:
    """`num_steps` frames after the true frame `start`, the decoder fed with its own predictions under the most probable graph.

    In the units of `data`; metadata holds `start`, and `unit_scale` for errors in the reference's units. `posterior`
    names its types as the model does (relabel for display only); in its place may stand graphs, of which a negative type is no
    interaction at all. None stands for every pair of the last type, or for no
    edge at all, as a model without a graph was trained. `dynamic` asks the encoder again at each step, of the last frames, predicted
    ones included (Kipf et al. 2018, section 5.2). An ensemble gives the mean of its members' paths. Raises DataError where `start` is not a frame of the data, and
    CheckpointError for a model that cannot forecast.
    """
    checkpoint.check(data)
    if checkpoint.others:
        return _mean_rollout(checkpoint, data, posterior, start=start, num_steps=num_steps, dynamic=dynamic)
    config = checkpoint.config
    if checkpoint.model.decoder is None:
        raise CheckpointError("This model has no decoder: it reads graphs but forecasts nothing. Choose a model trained with one.")
    if not 0 <= start < data.num_steps:
        raise DataError(f"Expected a start between frame 0 and {data.num_steps - 1}; found {start}.")
    if dynamic:
        _check_dynamic(checkpoint, start)
    remembered = start + 1 if config.settings.remembers else config.window if dynamic else 1
    seen = data.select(slice(None), frames=slice(0, start + 1))
    read = readable(seen, config.settings)
    past, observed = checkpoint.tensor(read)[:, -remembered:], checkpoint.sightings(read)
    edges = one_hot_edges(checkpoint, data, posterior)
    run = partial(_dynamic_rollout, checkpoint) if dynamic else checkpoint.model.eval().rollout
    there = repeat(None) if observed is None else observed[:, -remembered:].split(SIMS_AT_ONCE)
    pieces = zip(past.split(SIMS_AT_ONCE), edges.split(SIMS_AT_ONCE), there, strict=False)
    frames = torch.cat([run(part, graph, num_steps=num_steps, observed=sighted) for part, graph, sighted in pieces])
    forecast = Trajectories(
        values=config.normalizer.undo(frames.cpu().numpy().astype(np.float64)),
        feature_names=read.feature_names,
        dt=data.dt,
        node_names=data.node_names,
        metadata={"start": start, "unit_scale": list(config.unit.scale)},
    )
    return forecast if read is seen else as_given(forecast, seen, read)


def _mean_rollout(
    checkpoint: Checkpoint, data: Trajectories, posterior: EdgePosterior | Int[np.ndarray, "sim node node"] | None, **options: Any
) -> Trajectories:
    """Each member under the same graph, in its own numbering of types."""
    same = tuple(range(checkpoint.config.settings.num_edge_types))
    paths = []
    for member, relabelling in zip(checkpoint.members, (same, *checkpoint.config.relabellings), strict=True):
        back = tuple(relabelling.index(kind) for kind in same)
        if isinstance(posterior, EdgePosterior):
            renumbered = posterior.relabelled(back, posterior.edge_type_names)
        else:
            renumbered = None if posterior is None else np.where(posterior < 0, posterior, np.array(back)[posterior])
        paths.append(rollout(member, data, renumbered, **options))
    return replace(paths[0], values=np.mean([path.values for path in paths], axis=0))


def _check_dynamic(checkpoint: Checkpoint, start: int) -> None:
    if checkpoint.model.encoder is None:
        raise CheckpointError("This model has no encoder to ask for the graph again at each step. Forecast under one graph.")
    if start + 1 < checkpoint.config.window:
        raise DataError(f"Expected {checkpoint.config.window} frames before the forecast, to ask the encoder; found {start + 1}. Start later.")


def one_hot_edges(
    checkpoint: Checkpoint, data: Trajectories, posterior: EdgePosterior | Int[np.ndarray, "sim node node"] | None
) -> Float[Tensor, "sim node slot type"]:
    """The graph under which `rollout` predicts, by the most probable types; a negative type is no interaction at all."""
    num_edge_types = checkpoint.config.settings.num_edge_types
    if posterior is None and checkpoint.objective == "empty_graph":
        return torch.zeros(data.num_sims, data.num_nodes, data.num_nodes - 1, num_edge_types, device=checkpoint.device)
    if posterior is None:
        kinds = np.full((data.num_sims, data.num_nodes, data.num_nodes), num_edge_types - 1)
    else:
        kinds = posterior.edge_types if isinstance(posterior, EdgePosterior) else posterior
    return slots_of(np.maximum(kinds, -1) + 1, num_edge_types + 1, checkpoint.device)[..., 1:].contiguous()  # slot 0: no interaction at all


@torch.no_grad()
def _dynamic_rollout(
    checkpoint: Checkpoint, past: Tensor, edges: Tensor, *, num_steps: int, observed: Tensor | None
) -> Float[Tensor, "sim time node dim"]:
    model, window = checkpoint.model.eval(), checkpoint.config.window
    memory, frames = None, list(past.unbind(1))
    ever = None if observed is None else observed.any(1)
    seen = [] if observed is None else list(observed.unbind(1))
    for frame in frames[:-1] if model.settings.remembers else ():
        _, memory = model.step(frame, edges, memory, ever)
    for _ in range(num_steps):
        logits = model.edge_logits(torch.stack(frames[-window:], dim=1), torch.stack(seen[-window:], dim=1) if seen else None)
        graph = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
        prediction, memory = model.step(frames[-1], graph, memory, ever)
        frames.append(prediction.mean)
        seen += [] if ever is None else [ever]  # what was once seen goes on as predicted
    return torch.stack(frames[-num_steps:], dim=1)
