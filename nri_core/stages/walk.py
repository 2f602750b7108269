"""All stages of one model on one edge: the encoder's, the posterior's, the sample's, the decoder's."""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nri_core.checkpoint import Checkpoint
from nri_core.errors import ConfigError, DataError
from nri_core.inference import one_hot_edges
from nri_core.models.layers import heard as heard_edges
from nri_core.models.marginal import one_hot
from nri_core.models.nri import NRI, gumbel_noise, gumbel_softmax, same_both_ways
from nri_core.phases import readable
from nri_core.stages.contract import PAPER, Numbers, Place, Stage
from nri_core.stages.decoders import decoder_steps
from nri_core.stages.encoders import encoder_steps
from nri_core.stages.forecast import forecast_stage
from nri_core.stages.listening import listen
from nri_core.stages.reading import Reading, graphs_stage, posterior_stage, read
from nri_core.stages.writing import lines, number, shares, signed, vector
from nri_core.trajectories import Trajectories

Passing = Literal["soft sample", "one-hot sample", "most probable"]
PASSED: tuple[Passing, ...] = ("soft sample", "one-hot sample", "most probable")
OF_THE_ENCODER = (
    "As in training, this is the encoder's belief of the stage Posterior, not that of Graphs, which is the model's answer: choose the graph “most probable” to go on with that one."
)


def stages(
    checkpoint: Checkpoint,
    data: Trajectories,
    sim: int,
    edge: tuple[int, int],
    *,
    frame: int | None = None,
    temperature: float = 0.5,
    seed: int = 0,
    passed: Passing = "soft sample",
    reading: Reading | None = None,
    type_names: tuple[str, ...] = (),
) -> list[Stage]:
    """From motion to the next state, by what the model itself computed for `edge` = (receiver, sender), as recorded in real passes.

    `frame` is the one from which the next is predicted (default: the last that the model reads); `passed` says which graph the
    decoder gets. Every array is float [row, column]; the stages and their names depend on the parts of the model:

        paths       receiver, sender [time, feature], in the units of the data
        …           what the encoder says of its steps (see `encoders`)
        posterior   logits, posterior [1, type]                           with an encoder
        graphs      candidates [1, candidate], best, posterior [1, type]   where the model reads through its decoder
        sample      sample [logit · noise · sample, type]                  where there is a graph to draw
        …           what the decoder says of its steps (see `decoders`)
        next        predicted [now · next, feature] normalised; state [now · predicted · true, feature] in the units of the data
        law         force [type, distance], state                          with a forecaster

    `type_names` is what to call the model's types (default: as its card matched them with the true ones, else as they are numbered).
    `reading`, from `read`, saves the pass over the paths where only edge, frame or sample change. Of an ensemble the first
    member is asked. Raises CheckpointError where the model cannot read the data, DataError for a simulation, edge or frame that is not there.
    """
    checkpoint = checkpoint.members[0]
    checkpoint.check(data)
    place = _place(checkpoint, data, sim, edge, frame, type_names or _type_names(checkpoint, data))
    if not 0 < temperature <= 100:
        raise ConfigError(f"Expected a temperature above 0, up to 100; found {temperature:g}.")
    reading = reading or read(checkpoint, data, sim)
    found, settings = [_paths(checkpoint, data, sim, place)], checkpoint.config.settings
    if reading.encoder is not None:
        found += [step.stage(reading.encoder, place) for step in encoder_steps(settings.encoder, settings.factor_graph)]
        found.append(posterior_stage(reading, place))
    if reading.belief is not None and reading.way != "encoder":
        found.append(graphs_stage(reading, checkpoint, place))
    if reading.belief is None:
        edges = one_hot_edges(checkpoint, data.select(slice(sim, sim + 1)), None).cpu()  # of a model that infers no graph, as its rollouts have it
    else:
        belief = reading.belief if passed == "most probable" or reading.logits is None else reading.logits  # samples are the encoder's, as in training
        edges, stage = _sample(belief, settings.undirected, place, temperature, seed, passed)
        found.append(replace(stage, sentence=f"{stage.sentence} {OF_THE_ENCODER}") if belief is not reading.belief else stage)
    if checkpoint.model.decoder is None:
        return found
    past, observed = _past(checkpoint, data, sim, place.frame)
    edges = edges if observed is None else heard_edges(edges, observed.any(1))  # as the rollout has it
    steps = decoder_steps(settings.decoder)
    hears = dict.fromkeys(["step", *(part for step in steps for part in step.hears)])
    after, heard = listen(checkpoint.model, hears, lambda model: _by_decoder(model, past, edges, observed), edges=edges)
    found += [step.stage(heard, place) for step in steps]
    found[-1] = _with_truth(found[-1], checkpoint, data, sim, after, place)
    if checkpoint.model.forecaster is not None:
        law, after = forecast_stage(checkpoint, past, edges, observed, place)
        found.append(_with_truth(law, checkpoint, data, sim, after, place))
    return found


def _place(checkpoint: Checkpoint, data: Trajectories, sim: int, edge: tuple[int, int], frame: int | None, type_names: tuple[str, ...]) -> Place:
    receiver, sender = edge
    if not 0 <= sim < data.num_sims:
        raise DataError(f"Expected a simulation from 0 to {data.num_sims - 1}; found {sim}.")
    if receiver == sender or not all(0 <= node < data.num_nodes for node in edge):
        raise DataError(f"Expected two different nodes from 0 to {data.num_nodes - 1}; found {receiver} and {sender}.")
    last = min(checkpoint.config.window, data.num_steps) - 1
    frame = min(last, max(data.num_steps - 2, 0)) if frame is None else frame
    if not 0 <= frame < data.num_steps:
        raise DataError(f"Expected a frame from 0 to {data.num_steps - 1}; found {frame}.")
    return Place(receiver, sender, data.node_names, type_names, checkpoint.model.feature_names, frame)


def _type_names(checkpoint: Checkpoint, data: Trajectories) -> tuple[str, ...]:
    """What the model calls its types and, where its card says which true ones they turned out to be, those."""
    known = known_relabelling(checkpoint, data)
    return checkpoint.edge_type_names if known is None else tuple(data.edge_type_names[kind] for kind in known)


def known_relabelling(checkpoint: Checkpoint, data: Trajectories) -> tuple[int, ...] | None:
    """Inferred type → true type, as the model's card has it from when it was measured; None where that says nothing of these data."""
    count = checkpoint.config.settings.num_edge_types
    figures = checkpoint.config.metadata.get("figures")
    found = figures.get("relabelling") if isinstance(figures, dict) else None
    fits = isinstance(found, list) and set(found) == set(range(count)) and len(found) == count == len(data.edge_type_names)
    return tuple(found) if fits and checkpoint.config.metadata.get("data", {}).get("system") == data.metadata.get("system") else None


def _paths(checkpoint: Checkpoint, data: Trajectories, sim: int, place: Place) -> Stage:
    window = readable(data.select(slice(sim, sim + 1), frames=slice(0, checkpoint.config.window)), checkpoint.config.settings)
    values, normalizer = window.filled().values[0].astype(np.float64), checkpoint.config.normalizer
    at = min(place.frame, len(values) - 1)
    raw, scaled = values[at, place.receiver], normalizer.apply(values[at, place.receiver])
    filled = lines(
        rf"\tilde x_{{{place.i}}}^{{{at}}} &= \big({vector(raw)}",
        rf"&\quad - {vector(normalizer.shift)}\big)",
        rf"&\quad / {vector(normalizer.scale)}",
        rf"&= {vector(scaled)}",
    )
    numbers = {
        name: Numbers(f"Path of the {name}, row by row in time", values[:, node], tuple(str(step) for step in range(len(values))), window.feature_names, "none")
        for name, node in (("receiver", place.receiver), ("sender", place.sender))
    }
    names = place.node_names[place.receiver], place.node_names[place.sender]
    sentence = f"The model is given motion and nothing else: {len(values)} frames. We follow one question: does {names[1]} act on {names[0]}?"
    symbols = {"x_i^t": "state of a node in a frame", r"\tilde x": "the same as the model reads it", "c, s": "shift and scale of each feature, from the training data"}
    return Stage("paths", "Paths", sentence, r"\tilde x_i^t = (x_i^t - c) / s", filled, symbols, "", numbers)


def _sample(belief: Tensor, undirected: bool, place: Place, temperature: float, seed: int, passed: Passing) -> tuple[Tensor, Stage]:
    """The graph that goes on to the decoder, and how one of its edges came about."""
    drawn = {"temperature": temperature, "hard": passed == "one-hot sample"}
    noise = gumbel_noise(belief, generator=torch.Generator().manual_seed(seed))
    edges = gumbel_softmax(belief, **drawn, generator=torch.Generator().manual_seed(seed))
    if undirected:
        edges, noise = same_both_ways(edges), same_both_ways(noise)
    if passed == "most probable":
        edges = one_hot(belief.argmax(-1), belief.shape[-1])
    logits, noise, edge = (part[0, place.receiver, place.slot].numpy() for part in (belief - belief.logsumexp(-1, keepdim=True), noise, edges))
    if passed == "most probable":
        sentence = f"No dice: {place.arrow} takes its most probable type, as forecasts do."
        equation, filled = r"z_{ij} = \mathrm{onehot}(\arg\max_k\, q_k)", rf"z_{{{place.ij}}} = {shares(edge)}"
    else:
        sentence = f"A graph is drawn: noise is added to the log-probabilities of {place.arrow}; the colder, the closer the result is to a single type."
        whole = r"\mathrm{onehot}\arg\max" if passed == "one-hot sample" else r"\mathrm{softmax}"
        equation = rf"z_{{ij}} = {whole}\big((\log q_{{ij}} + g) / \tau\big)"
        terms = [rf"{number(logit)} {signed(one)}" for logit, one in zip(logits[:3], noise[:3], strict=True)] + [r"\ldots"] * (len(logits) > 3)
        between = r",\\ &\qquad "
        filled = lines(rf"z_{{{place.ij}}} &= {whole}\big(({between.join(terms)}) / {temperature:g}\big)", rf"&= {shares(edge)}")
    rows = ("log-probability", "Gumbel noise", "sample")
    shown = Numbers("How the edge was drawn", np.stack([logits, noise, edge]).astype(float), rows, place.type_names, "bars")
    symbols = {r"\log q": "logarithm of the belief", "g": "Gumbel noise, drawn anew for each edge and type", r"\tau": "temperature: how soft the sample is", "z_{ij}": "the edge that the decoder gets"}
    return edges, Stage("sample", "Sample", sentence, equation, filled, symbols, f"{PAPER}, section 3.2", {"sample": shown})


def _past(checkpoint: Checkpoint, data: Trajectories, sim: int, frame: int) -> tuple[Tensor, Tensor | None]:
    """What the decoder reads: the frame itself or, where it remembers, all up to it."""
    seen = readable(data.select(slice(sim, sim + 1), frames=slice(0, frame + 1)), checkpoint.config.settings)
    kept = frame + 1 if checkpoint.config.settings.remembers else 1
    observed = checkpoint.sightings(seen)
    return checkpoint.tensor(seen)[:, -kept:].cpu(), None if observed is None else observed[:, -kept:].cpu()


def _by_decoder(model: NRI, past: Tensor, edges: Tensor, observed: Tensor | None) -> Tensor:
    """One frame of the rollout by the decoder itself, whoever makes the forecasts."""
    model.forecaster = None
    return model.rollout(past, edges, num_steps=1, observed=observed)


def _with_truth(stage: Stage, checkpoint: Checkpoint, data: Trajectories, sim: int, after: Tensor, place: Place) -> Stage:
    """The same stage, with the state in the units of the data and, where somebody saw it, the true next one."""
    shown = data.select(slice(sim, sim + 1), frames=slice(0, place.frame + 2))
    path, node = readable(shown, checkpoint.config.settings).filled().values[0, :, place.receiver].astype(np.float64), place.receiver
    rows = {"now": path[place.frame], "predicted": checkpoint.config.normalizer.undo(after[0, 0, node].numpy().astype(np.float64))}
    if len(path) > place.frame + 1 and (shown.complete or shown.observed[0, -1, node]):
        rows |= {"true": path[-1], "error": rows["predicted"] - path[-1]}
    numbers = Numbers("Change from this frame to the next, in the units of the data", np.stack(list(rows.values())), tuple(rows), place.feature_names, "change")
    told = f"{stage.sentence} The equation has everything in the model's own scale, table and bars in that of the data."
    return replace(stage, sentence=told, numbers=dict(stage.numbers) | {"state": numbers})
