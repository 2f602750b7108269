"""Each encoder and decoder at the paper's size against its dense one-hot form: samples a second of processor time, on one thread."""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks import _textbook_pairs as textbook
from nri_core.dataset import Normalizer, as_tensor, edges_as_tensor
from nri_core.models import NRI
from nri_core.models.prediction import Prediction
from nri_core.settings import ModelSettings
from nri_core.systems import Kuramoto, Simulation, Springs, simulate


class Size(NamedTuple):
    """How large a step is, and how often it is timed."""

    hidden: int = 256
    sims: int = 128
    frames: int = 49
    rounds: int = 3


def main(size: Size | None = None) -> dict[str, Any]:
    """Forward and backward of one batch; both forms in turn, round by round, so that a busy machine slows both.

    Each part is also written to stderr as soon as it is there.
    """
    size = size or Size()
    torch.set_num_threads(1)
    parts = [("encoder", name) for name in textbook.ENCODERS] + [("decoder", name) for name in textbook.STEPS]
    compared = {}
    for kind, name in parts:
        compared[f"{name} {kind}"] = _compare(kind, name, size)
        print(f"{name} {kind}: {compared[f'{name} {kind}']}", file=sys.stderr, flush=True)
    return {"threads": 1, **size._asdict(), "parts": compared}


def _compare(kind: str, name: str, size: Size) -> dict[str, float]:
    model, values, edges = _example(kind, name, size)
    steps = _encoder(model, name, values) if kind == "encoder" else _decoder(model, name, values, edges)
    seconds: dict[str, list[float]] = {form: [] for form in steps}
    for _ in range(size.rounds + 1):
        for form, step in steps.items():
            started = time.process_time()
            step().backward()
            seconds[form].append(time.process_time() - started)
    index, dense = seconds["index"][1:], seconds["dense"][1:]  # the first round warms up
    ratios = [slow / fast for fast, slow in zip(index, dense, strict=True)]
    rates = {f"{form}_samples_per_second": round(size.sims / statistics.median(times[1:]), 1) for form, times in seconds.items()}
    return rates | {"ratio": round(statistics.median(ratios), 2), "ratios": [round(ratio, 2) for ratio in ratios]}


def _example(kind: str, name: str, size: Size) -> tuple[NRI, Tensor, Tensor]:
    """A model with the part, five nodes of a system that it reads, and their true graph."""
    law = Kuramoto() if name == "phase" else Springs()
    data = simulate(law, Simulation(num_sims=size.sims, num_steps=size.frames, seed=1))
    values = as_tensor(data, Normalizer.fit(data, "unit"), torch.device("cpu"))
    settings = ModelSettings.model_validate(
        {"encoder": "mlp", "decoder": "mlp", "undirected": False, "encoder_hidden": size.hidden, "decoder_hidden": size.hidden, kind: name}
    )
    torch.manual_seed(0)
    model = NRI(settings, feature_names=data.feature_names, num_nodes=data.num_nodes, window=size.frames)
    model.calibrate(values)
    return model, values, edges_as_tensor(data, 2, torch.device("cpu"))


def _encoder(model: NRI, name: str, values: Tensor) -> dict[str, Callable[[], Tensor]]:
    forms = {"index": model.encoder, "dense": partial(textbook.ENCODERS[name], model.encoder)}
    return {form: lambda encode=encode: encode(values).square().sum() for form, encode in forms.items()}


def _decoder(model: NRI, name: str, values: Tensor, edges: Tensor) -> dict[str, Callable[[], Tensor]]:
    """Every frame of a path: one after another for a decoder with memory, otherwise all at once."""
    forms = {"index": (model.step, edges), "dense": (partial(textbook.STEPS[name], model), edges.flatten(1, 2))}
    run = _one_by_one if model.settings.remembers else _all_at_once
    return {form: partial(run, step, values, graph) for form, (step, graph) in forms.items()}


def _one_by_one(step: Callable[..., Any], values: Tensor, graph: Tensor) -> Tensor:
    memory, total = None, 0.0
    for frame in values[:, :-1].unbind(1):
        prediction, memory = step(frame, graph, memory)
        total = total + _loss(prediction)
    return total


def _all_at_once(step: Callable[..., Any], values: Tensor, graph: Tensor) -> Tensor:
    return _loss(step(values[:, :-1], graph[:, None], None)[0])


def _loss(prediction: Prediction) -> Tensor:
    """Of all that a part predicts: what no loss looks at would cost nothing on the way back."""
    uncertain = 0.0 if prediction.log_scale is None else prediction.log_scale.square().sum()
    return prediction.mean.square().sum() + uncertain
