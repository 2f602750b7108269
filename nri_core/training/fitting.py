"""`fit`: the training itself, an epoch at a time."""

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Int
from torch import Tensor

from nri_core.checkpoint import Checkpoint, CheckpointConfig
from nri_core.dataset import Normalizer, as_tensor, edges_as_tensor, sightings, turn_and_flip
from nri_core.errors import ConfigError, DataError
from nri_core.inference import infer_edges
from nri_core.models import NRI
from nri_core.models.marginal import num_sets
from nri_core.models.objectives import LABELLED, OBJECTIVES, Batch
from nri_core.phases import readable
from nri_core.posterior import EdgePosterior
from nri_core.settings import MOST_SETS, UNREAD, ModelSettings, TrainConfig
from nri_core.training.allocation import keep_freed_memory
from nri_core.training.parallel import Ranks
from nri_core.training.record import EpochRecord
from nri_core.training.report import epochs_between_forecasts, forecast_errors, looked_at, quick, report, steps_of_an_epoch
from nri_core.training.state import Progress, TrainingState
from nri_core.training.whole_batch import see_whole_batch
from nri_core.trajectories import Trajectories

WARM_UP = 0.05  # share of the training over which the learning rate rises
LARGEST_GRADIENT = 1000.0  # very loose: only close encounters reach it


def fit(
    train: Trajectories,
    valid: Trajectories,
    config: TrainConfig,
    *,
    device: str = "auto",
    watch: Trajectories | None = None,
    resume: TrainingState | None = None,
) -> Iterator[EpochRecord]:
    """Train on `train`, yielding a record an epoch; the graphs inferred for the simulations of `watch` go with it.

    On one CPU the run is determined by data, config and seed, unless the time limit cuts it short: then the learning
    rate falls with the time that is left. Started by torchrun, several processes train it together, and the first one
    alone yields records. Continued from the state `resume`, it equals the unbroken run to the bit; the
    time in between does not count. Raises DataError and ConfigError before the first step where data and settings do
    not fit, CheckpointError for a state of another training, and DataError if the loss stops being finite.
    """
    _check(train, valid, config)
    ranks = Ranks.launched()
    ranks.check(config)
    where = ranks.connect(device)
    keep_freed_memory()
    # Threads that wait for each other on a busy machine cost a small model far more than they bring.
    torch.set_num_threads(config.threads or ranks.threads)
    valid = looked_at(valid, config)
    checkpoint, data = _untrained(train, config, where)
    model, kept = checkpoint.model, checkpoint.config
    see_whole_batch(model, ranks)
    held_out = _read(readable(valid, config), kept.window, kept.normalizer, where)
    known, held_known = (
        edges_as_tensor(part, config.num_edge_types, where) if config.objective in LABELLED else None for part in (train, valid)
    )
    digest = train.digest
    if resume is not None:
        resume.check(config, digest)
    yield from _epochs(model, data._replace(edges=known), held_out._replace(edges=held_known), config, kept, valid, watch, digest, resume, ranks)


def first_look(train: Trajectories, config: TrainConfig, watch: Trajectories) -> EdgePosterior | None:
    """The graphs that the untrained model of `fit` sees: something to look at before the first epoch is done. None without a graph."""
    _check(train, train, config)
    if config.inference == "none":
        return None
    torch.set_num_threads(config.threads or Ranks.launched().threads)
    return infer_edges(_untrained(train, config, torch.device("cpu"))[0], watch, inference=quick(config.inference))


def _read(data: Trajectories, window: int, normalizer: Normalizer, where: torch.device) -> Batch:
    """The first frames, and where in them there was something to see."""
    first = data.select(slice(None), frames=slice(0, window))
    return Batch(as_tensor(first, normalizer, where), observed=sightings(first, where))


def _untrained(given: Trajectories, config: TrainConfig, where: torch.device) -> tuple[Checkpoint, Batch]:
    """The model at its start, and the data as it reads them."""
    train = readable(given, config)
    normalizer, window = Normalizer.fit(train, config.normalization), min(config.window, train.num_steps)
    data = _read(train, window, normalizer, where)
    kept = CheckpointConfig(
        settings=ModelSettings(**config.model_dump(include=set(ModelSettings.model_fields))),
        inference=config.inference,
        feature_names=given.feature_names,
        window=window,
        num_nodes=train.num_nodes,
        dt=train.dt,
        normalizer=normalizer,
        unit=Normalizer.fit(given, "unit"),
        metadata={"recipe": config.model_dump(mode="json"), "data": dict(given.metadata), "simulations": train.num_sims},
    )
    return Checkpoint(_build(config, train, window, data, normalizer), kept), data


def check(data: Trajectories, config: TrainConfig) -> None:
    """Say of data (a few of the simulations tell) what `fit` would refuse before its first step: raises DataError and ConfigError."""
    _check(data, data, config)
    if config.objective in LABELLED:
        edges_as_tensor(data, config.num_edge_types, torch.device("cpu"))
    _untrained(data, config, torch.device("cpu"))


def _check(train: Trajectories, valid: Trajectories, config: TrainConfig) -> None:
    if (train.feature_names, train.num_nodes) != (valid.feature_names, valid.num_nodes):
        raise DataError("Expected training and validation data with the same features and number of nodes; they differ.")
    if train.num_steps < 3 or valid.num_steps < min(config.window, train.num_steps):
        raise DataError(f"Expected at least {min(config.window, max(train.num_steps, 3))} frames; found {min(train.num_steps, valid.num_steps)}.")
    sets = num_sets(train.num_nodes, config.num_edge_types)
    if config.objective in ("marginal", "distilled") and sets > MOST_SETS:
        most = 1 + int(math.log(MOST_SETS, config.num_edge_types) + 1e-9)
        raise ConfigError(
            f"The {config.objective} objective sums over all incoming edges of a node, which {most} nodes allow with {config.num_edge_types} edge "
            f"types; these data have {train.num_nodes} nodes. Train on fewer nodes of the same kind, since such a model reads larger systems too; "
            "or choose the elbo objective, which learns slowly here."
        )
    frames = min(config.window, train.num_steps)
    if config.objective in ("elbo", "true_graph", *UNREAD):
        name, steps = ("burn-in", config.burn_in) if config.remembers else ("prediction", config.prediction_steps)
        if steps >= frames:
            raise ConfigError(f"Expected fewer {name} steps than frames; found {steps} steps and {frames} frames. Lower the steps or bring longer data.")


def _build(config: TrainConfig, train: Trajectories, window: int, data: Batch, normalizer: Normalizer) -> NRI:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = NRI(config, feature_names=train.feature_names, num_nodes=train.num_nodes, window=window)
    if config.decoder == "simulated":
        model.decoder.use_units(normalizer)
    model.to(data.values.device).calibrate(data.values, data.observed)
    return model


def _learning_rate(config: TrainConfig, progress: float) -> float:
    if config.schedule == "halving":
        return config.learning_rate * 0.5 ** int(progress / 0.4)
    return config.learning_rate * min(progress / WARM_UP, 1) * (0.5 + 0.5 * math.cos(math.pi * progress))


def _epochs(
    model: NRI,
    data: Batch,
    held_out: Batch,
    config: TrainConfig,
    kept: CheckpointConfig,
    valid: Trajectories,
    watch: Trajectories | None,
    digest: str,
    resume: TrainingState | None,
    ranks: Ranks,
) -> Iterator[EpochRecord]:
    generator = torch.Generator().manual_seed(config.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    draws = _Draws(data.values.shape[0], config.batch_size, generator)
    steps_per_epoch, forecasts_every = steps_of_an_epoch(config), epochs_between_forecasts(config)
    best_model = copy.deepcopy(model) if config.keep_best else model
    before, samples, seconds, best, of_best = 0, 0, 0.0, math.inf, None
    if resume is not None:
        resume.restore(model, best_model, optimizer, generator)
        draws.left = resume.left(data.values.shape[0])
        said = resume.progress
        before, samples, seconds, best = said.epoch, said.samples, said.seconds, math.inf if said.best is None else said.best
        if said.finished:
            return
    started = time.perf_counter() - seconds
    for epoch in range(before + 1, config.epochs + 1):
        sums: dict[str, float] = {}
        for step in range(steps_per_epoch):
            done = ((epoch - 1) * steps_per_epoch + step + 1) / (config.epochs * steps_per_epoch)
            progress = done if config.max_seconds is None else ranks.agree(_progress(done, started, config.max_seconds), data.values.device)
            rate = _learning_rate(config, progress)
            index = next(draws).to(data.values.device)
            batch = Batch(*(part if part is None else part[index] for part in data))
            terms = _step(model, optimizer, batch, config, rate, generator, ranks)
            samples += len(index)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            if progress >= 1:
                break
        if not ranks.first:
            if progress >= 1:
                return
            continue
        losses = {name: value / (step + 1) for name, value in sums.items()}
        checkpoint = Checkpoint(best_model.eval(), kept)
        told = report(Checkpoint(model, kept), held_out, valid, config)
        if not config.keep_best:
            of_best = told
        elif told.loss < best:
            best, of_best = told.loss, told
            best_model.load_state_dict(model.state_dict())
        elif of_best is None:  # it was found before a break
            of_best = report(checkpoint, held_out, valid, config)
        forecasts = progress >= 1 or (epoch - 1) % forecasts_every == 0
        mse = forecast_errors(checkpoint, valid, of_best.own) if forecasts else None
        watched = None if watch is None or config.inference == "none" else infer_edges(checkpoint, watch, inference=quick(config.inference))
        seconds = time.perf_counter() - started
        left = seconds * (1 - progress) / progress
        stands = Progress(
            config=config, data=digest, epoch=epoch, samples=samples, seconds=seconds, best=best if math.isfinite(best) else None, finished=progress >= 1
        )
        state = partial(TrainingState.take, stands, model, best_model, optimizer, generator, draws.left)
        paused = time.perf_counter()
        yield EpochRecord(
            epoch, config.epochs, seconds, left, samples, samples / seconds, rate, losses, told.loss, mse,
            of_best.edge_accuracy, of_best.edge_accuracy_encoder, of_best.relabelling, valid.num_sims, watched, checkpoint, state,
        )
        started += time.perf_counter() - paused  # what the caller does with a record is not training time
        if progress >= 1:
            return


def _progress(done: float, started: float, max_seconds: float) -> float:
    return min(max(done, (time.perf_counter() - started) / max_seconds), 1.0)


class _Draws:
    """Positions of the simulations of each step: shuffled passes (the reference does not shuffle); a short last batch is kept."""

    def __init__(self, num_sims: int, batch_size: int, generator: torch.Generator) -> None:
        self._num_sims, self._batch_size, self._generator = num_sims, batch_size, generator
        self.left = torch.empty(0, dtype=torch.int64)

    def __next__(self) -> Int[Tensor, " batch"]:
        if not len(self.left):
            self.left = torch.randperm(self._num_sims, generator=self._generator)
        batch, self.left = self.left.tensor_split([self._batch_size])
        return batch


def _step(
    model: NRI, optimizer: torch.optim.Optimizer, batch: Batch, config: TrainConfig, rate: float, generator: torch.Generator, ranks: Ranks
) -> dict[str, float]:
    model.train()
    if config.symmetries:
        batch = batch._replace(values=turn_and_flip(batch.values, model.feature_names, generator))
    batch = ranks.own(batch)
    optimizer.zero_grad(set_to_none=True)
    with _products(config.precision), _dropout_from(generator, config):
        with torch.autocast(batch.values.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            terms = OBJECTIVES[config.objective](model, batch, config, generator).terms
        (ranks.weight * terms["loss"]).backward()
    terms = ranks.add_up(model.parameters(), terms)
    steepness = torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT, foreach=True)
    *figures, steepness = torch.stack([*terms.values(), steepness]).tolist()  # one wait for the device, not one for each
    if not all(map(math.isfinite, (*figures, steepness))):
        raise DataError("Expected a finite loss; found NaN or infinity. The last model before it is kept; lower the learning rate.")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return dict(zip(terms, figures, strict=True))


@contextmanager
def _products(precision: str) -> Iterator[None]:
    """Matrix products in TF32 where asked for; weights and sums stay float32 in any case."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _dropout_from(generator: torch.Generator, config: TrainConfig) -> Iterator[None]:
    """Dropout draws from torch's global state, which is seeded here for a step and put back."""
    if not config.encoder_dropout:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        yield
