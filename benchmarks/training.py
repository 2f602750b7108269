"""Training steps before and after what made them faster, and against the measured peak of matrix products, on one thread.

Before: for the paper's models their dense one-hot form, for `live` the form that it was first written in. A step is
forward, backward, clipping and Adam. All variants of a workload run in turn, round by round, in one process; seconds
are the processor's own, so that a busy machine distorts the ratios least.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import _plain_live, _textbook
from nri_core.dataset import Normalizer, as_tensor
from nri_core.models import NRI
from nri_core.models.likelihoods import REFERENCE_VARIANCE
from nri_core.models.objectives import OBJECTIVES, Batch
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.systems import SYSTEMS, Simulation, simulate
from nri_core.training.allocation import keep_freed_memory

TEMPERATURE = 0.5
LIVE = (("springs", 5), ("charged", 5), ("springs", 10))
PAPER = (("springs", 5, "mlp", "mlp"), ("springs", 5, "cnn", "mlp"), ("springs", 5, "mlp", "rnn"), ("charged", 5, "mlp", "mlp"), ("springs", 10, "mlp", "mlp"))


class Size(NamedTuple):
    """How large a step is, and how often it is timed. The paper's batch is 128; a quarter of it shows the same ratios sooner."""

    live_sims: int = 16
    sims: int = 32
    hidden: int = 256
    product: int = 1024
    live_rounds: int = 12
    rounds: int = 4


Loss = Callable[[], Tensor]


def main(size: Size | None = None) -> dict[str, Any]:
    """Samples a second of every workload; each row is also written to stderr as soon as it is there."""
    size = size or Size()
    torch.set_num_threads(1)
    keep_freed_memory()
    rows = []
    for system, num_nodes in LIVE:
        rows += _compare(f"{system}-{num_nodes} live", *_live(system, num_nodes, size), size.live_sims, size.live_rounds, size)
    for system, num_nodes, encoder, decoder in PAPER:
        rows += _compare(f"{system}-{num_nodes} {encoder}+{decoder}", *_paper(system, num_nodes, encoder, decoder, size), size.sims, size.rounds, size)
    return {"threads": 1, **size._asdict(), "processor": torch.backends.cpu.get_cpu_capability(), "amx": torch.cpu._is_amx_tile_supported(), "rows": rows}


def _compare(name: str, model: NRI, losses: dict[str, Loss], sims: int, rounds: int, size: Size) -> list[dict[str, Any]]:
    """Losses by variant, the first of them the one before; the last word of a variant is its precision."""
    with FlopCounterMode(display=False) as counter:
        losses["after float32"]().backward()
    flops = counter.get_total_flops()
    runs = {variant: _step(model, loss, bf16=variant.endswith("bf16")) for variant, loss in losses.items()}
    runs |= {f"peak {precision}": _product(precision, size.product) for precision in ("float32", "bf16")}
    seconds: dict[str, list[float]] = {variant: [] for variant in runs}
    for _ in range(rounds + 1):
        for variant, run in runs.items():
            started = time.process_time()
            run()
            seconds[variant].append(time.process_time() - started)
    seconds = {variant: times[1:] for variant, times in seconds.items()}  # the first round warms up
    rows = []
    for variant, times in seconds.items():
        if variant in losses:
            peak = 2 * size.product**3 / min(seconds[f"peak {variant.split()[-1]}"])
            rows.append(_row(name, variant, sims, times, seconds["before float32"], flops, peak))
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def _row(name: str, variant: str, sims: int, times: Sequence[float], before: Sequence[float], flops: int, peak: float) -> dict[str, Any]:
    middle = statistics.median(times)
    return {
        "workload": name,
        "variant": variant,
        "samples_per_second": round(sims / middle, 1),
        "best": round(sims / min(times), 1),
        "times_as_fast": round(statistics.median(slow / fast for slow, fast in zip(before, times, strict=True)), 2),
        "share_of_peak": round(flops / middle / peak, 3),  # of the products that are necessary, whatever the variant does
        "peak_gflops": round(peak / 1e9),
    }


def _step(model: NRI, loss: Loss, *, bf16: bool) -> Callable[[], None]:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1000.0, foreach=True)
        optimizer.step()

    return step


def _product(precision: str, width: int) -> Callable[[], Tensor]:
    left, right = (torch.randn(width, width, dtype=torch.bfloat16 if precision == "bf16" else torch.float32) for _ in range(2))
    return lambda: left @ right


def _example(system: str, num_nodes: int, sims: int, recipe: TrainConfig, **changes: Any) -> tuple[NRI, Tensor, TrainConfig]:
    data = simulate(SYSTEMS[system](), Simulation(num_sims=max(sims, 16), num_nodes=num_nodes, seed=1))
    values = as_tensor(data, Normalizer.fit(data, recipe.normalization), torch.device("cpu"))
    recipe = TrainConfig.model_validate(suited(recipe, data.edge_type_names, data.feature_names).model_dump() | changes)
    torch.manual_seed(0)
    model = NRI(recipe, feature_names=data.feature_names, num_nodes=num_nodes, window=data.num_steps)
    model.calibrate(values)
    return model, values[:sims], recipe


def _live(system: str, num_nodes: int, size: Size) -> tuple[NRI, dict[str, Loss]]:
    model, values, recipe = _example(system, num_nodes, size.live_sims, PRESETS["live"])
    after = lambda: OBJECTIVES["distilled"](model, Batch(values), recipe, torch.Generator()).terms["loss"]  # noqa: E731
    return model, {"before float32": lambda: _plain_live.distilled(model, values), "after float32": after, "after bf16": after}


def _paper(system: str, num_nodes: int, encoder: str, decoder: str, size: Size) -> tuple[NRI, dict[str, Loss]]:
    parts = {"encoder": encoder, "decoder": decoder, "encoder_hidden": size.hidden, "decoder_hidden": size.hidden}
    model, values, recipe = _example(system, num_nodes, size.sims, PRESETS["paper"], **parts)
    uniform = torch.rand((len(values), num_nodes, num_nodes - 1, recipe.num_edge_types), generator=torch.Generator().manual_seed(0))
    noise = -torch.log(1e-10 - torch.log(uniform + 1e-10))
    before = lambda: _dense(model, values, noise.flatten(1, 2), recipe)  # noqa: E731
    after = lambda: _index(model, values, noise, recipe)  # noqa: E731
    return model, {"before float32": before, "before bf16": before, "after float32": after, "after bf16": after}


def _index(model: NRI, values: Tensor, noise: Tensor, recipe: TrainConfig) -> Tensor:
    """The negative bound as the elbo objective has it, with the noise given."""
    logits = model.edge_logits(values)
    edges = ((logits + noise) / TEMPERATURE).softmax(-1)
    log_prob = model.rollout_log_prob(values, edges, prediction_steps=recipe.prediction_steps, burn_in=recipe.burn_in)
    return (_divergence(logits) - log_prob.sum()) / values[:, 0, :, 0].numel()


def _dense(model: NRI, values: Tensor, noise: Tensor, recipe: TrainConfig) -> Tensor:
    """The same by one-hot products; segments run to their end, and what lies beyond the last frame is dropped, as the reference does."""
    logits = _textbook.ENCODERS[recipe.encoder](model.encoder, values)
    edges, step = ((logits + noise) / TEMPERATURE).softmax(-1), _textbook.STEPS[recipe.decoder]
    predicted: list[Tensor] = []
    if recipe.remembers:
        memory = None
        for frame in range(values.shape[1] - 1):
            prediction, memory = step(model, values[:, frame] if frame < recipe.burn_in else predicted[-1], edges, memory)
            predicted.append(prediction.mean)
        paths = torch.stack(predicted, dim=1)
    else:
        state = values[:, :: recipe.prediction_steps]
        for _ in range(recipe.prediction_steps):
            state = step(model, state, edges[:, None])[0].mean
            predicted.append(state)
        paths = torch.stack(predicted, dim=2).flatten(1, 2)[:, : values.shape[1] - 1]
    squared = (values[:, 1:] - paths).square().sum()
    return (_divergence(logits) + squared / (2 * REFERENCE_VARIANCE)) / values[:, 0, :, 0].numel()


def _divergence(logits: Tensor) -> Tensor:
    log_probs = logits.log_softmax(-1)
    return (log_probs.exp() * (log_probs + math.log(logits.shape[-1]))).sum()
