"""One run on a GPU: agreement with the CPU, speed against the dense textbook form, share of the matmul peak, training at the paper's scale.

Without a GPU all of it runs at toy size on the CPU, which shows that it runs and nothing else.
`python -m benchmarks.gpu --seconds 1500` trains for longer.
"""

import argparse
import json
import statistics
import sys
import time
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks._paper_step import FORMS, PRECISIONS, Example, Step, arithmetic, example, index_form, paper_model, springs, variants
from nri_core.devices import choose_device
from nri_core.inference import infer_edges
from nri_core.metrics import score_edges
from nri_core.models import NRI
from nri_core.reproduction.cells import cells_of, law_of, settings_of
from nri_core.settings import PRESETS, TrainConfig
from nri_core.systems import Simulation, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories


class Scale(NamedTuple):
    """How large the parts of a run are."""

    hidden: int
    batches: tuple[int, ...]
    product: int  # side of the square matrices whose product measures the peak
    steps: int  # of training in a timed round
    rounds: int
    train_sims: int
    fresh_sims: int
    seconds: float


PAPER_SCALE = Scale(
    hidden=256, batches=(128, 1024, 8192), product=8192, steps=20, rounds=5, train_sims=50_000, fresh_sims=1000, seconds=300.0
)
TOY = Scale(hidden=16, batches=(8,), product=64, steps=1, rounds=2, train_sims=64, fresh_sims=16, seconds=1.0)


def main(scale: Scale | None = None) -> dict[str, Any]:
    """Everything; each part is also written to stderr as soon as it is there."""
    device = choose_device("auto")
    scale = scale or (PAPER_SCALE if device.type == "cuda" else TOY)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU: toy size on the CPU"
    report: dict[str, Any] = {"device": name, "torch": torch.__version__, "scale": scale._asdict()}
    parts = {"agreement": agreement, "recipes_agree": recipes_agree, "peak_tflops": peaks, "speed": speed, "training": training}
    for part, measure in parts.items():
        report[part] = measure(device, scale)
        print(json.dumps({part: report[part]}), file=sys.stderr, flush=True)
    for row in report["speed"]:
        if peak := report["peak_tflops"].get(row["precision"]):
            row["share_of_peak"] = row["tflops"] and round(row["tflops"] / peak, 4)
    return report


def agreement(device: torch.device, scale: Scale) -> dict[str, dict[str, float]]:
    """Loss, whole gradient and posterior against float64 on the CPU: relative errors, and the largest difference of a probability."""
    batch = example(scale.batches[0])
    exact = _loss_gradient_posterior(
        "index", "float32", paper_model(scale.hidden, torch.device("cpu"), torch.float64), batch.to(torch.float64)
    )
    errors = {}
    for where, form, precision in [
        ("cpu", "index", "float32"),
        (device, "dense", "float32"),
        *((device, "index", name) for name in PRECISIONS),
    ]:
        place = torch.device(where)
        loss, gradient, posterior = _loss_gradient_posterior(form, precision, paper_model(scale.hidden, place), batch.to(place))
        errors[f"{place.type} {form} {precision}"] = {
            "loss": float((loss - exact[0]).abs() / exact[0].abs()),
            "gradient": float((gradient - exact[1]).norm() / exact[1].norm()),
            "posterior": float((posterior - exact[2]).abs().max()),
        }
    return errors


def _loss_gradient_posterior(form: str, precision: str, model: NRI, batch: Example) -> tuple[Tensor, Tensor, Tensor]:
    with arithmetic(precision, batch.values.device):
        loss = FORMS[form](model, batch)
        posterior = model.edge_logits(batch.values).float().softmax(-1)
    loss.backward()
    gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    return tuple(part.detach().double().cpu() for part in (loss, gradient, posterior))


def recipes_agree(device: torch.device, scale: Scale) -> dict[str, Any]:
    """One step of every recipe of the paper's tables here and on the CPU: the relative difference of its loss, which tries every part."""
    differences: dict[str, Any] = {}
    small = {"encoder_hidden": 16, "encoder_dropout": 0.0, "decoder_hidden": 16, "epochs": 1, "epoch_size": 8, "batch_size": 8}
    for cell in dict.fromkeys(
        cells_of("table1", ("springs5", "charged5", "kuramoto5"), 1) + cells_of("table2", ("springs5", "kuramoto5"), 1)
    ):
        if settings := settings_of(cell):
            data = simulate(law_of(cell), Simulation(num_sims=12, seed=3))
            recipe = settings.model_copy(update=small)
            try:
                here, there = (_first_loss(data, recipe, place) for place in (device.type, "cpu"))
            except RuntimeError as error:
                differences[cell.name] = f"failed: {str(error).splitlines()[0]}"
            else:
                differences[cell.name] = abs(here - there) / max(abs(there), 1e-12)
    return differences


def _first_loss(data: Trajectories, recipe: TrainConfig, device: str) -> float:
    *_, record = fit(data.select(slice(8)), data.select(slice(8, 12)), recipe, device=device)
    return record.losses["loss"]


def peaks(device: torch.device, scale: Scale) -> dict[str, float]:
    """TFLOP/s of one large square product, the best of several rounds: the ceiling for everything else."""
    found = {}
    for precision in PRECISIONS:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        left, right = (torch.randn(scale.product, scale.product, device=device, dtype=dtype) for _ in range(2))
        with arithmetic("tf32" if precision == "tf32" else "float32", device):
            seconds = min(_seconds(lambda: left @ right, device, scale.steps) for _ in range(scale.rounds))
        found[precision] = round(2 * scale.product**3 / seconds / 1e12, 3)
    return found


def speed(device: torch.device, scale: Scale) -> list[dict[str, Any]]:
    """Samples a second of a training step (forward, backward, Adam), forms interleaved round by round; median and best."""
    rows = []
    for batch_size in scale.batches:
        batch = example(batch_size).to(device)
        steps, failures = {}, {}
        for name, make in variants(device).items():
            try:
                steps[name] = make(paper_model(scale.hidden, device), batch)
                _seconds(steps[name], device, 2)  # compilation and warm-up are not timed
            except RuntimeError as error:
                steps.pop(name, None)
                failures[name] = str(error).splitlines()[0]
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(scale.rounds):
            for name, step in steps.items():
                times[name].append(_seconds(step, device, scale.steps))
        flops = _flops(scale, batch)
        rows += [_row(name, batch_size, found, flops) for name, found in times.items()]
        rows += [
            {"variant": name, "batch": batch_size, "precision": "", "tflops": None, "failed": reason} for name, reason in failures.items()
        ]
    return rows


def _row(name: str, batch_size: int, seconds: list[float], flops: int) -> dict[str, Any]:
    middle, best = statistics.median(seconds), min(seconds)
    rates = {"samples_per_second": round(batch_size / middle), "best": round(batch_size / best)}
    return {"variant": name, "batch": batch_size, "precision": name.split()[1], **rates, "tflops": round(flops / middle / 1e12, 3)}


def _flops(scale: Scale, batch: Example) -> int:
    """Of the matrix products of one step of the index form, which are the necessary ones."""
    model = paper_model(scale.hidden, batch.values.device)
    with FlopCounterMode(display=False) as counter:
        index_form(model, batch).backward()
    return counter.get_total_flops()


def _seconds(step: Step, device: torch.device, times: int) -> float:
    """Of one of `times` calls in a row, the device's work included."""
    _wait(device)
    started = time.perf_counter()
    for _ in range(times):
        step()
    _wait(device)
    return (time.perf_counter() - started) / times


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def training(device: torch.device, scale: Scale) -> dict[str, Any]:
    """The paper's recipe on its number of simulations, in TF32 (and bf16 for a third of the time): accuracy on fresh simulations."""
    data, fresh = springs(scale.train_sims, seed=101), springs(scale.fresh_sims, seed=202)
    valid = springs(64, seed=102)
    return {
        precision: _trained(data, valid, fresh, precision, share * scale.seconds, scale)
        for precision, share in (("tf32", 0.7), ("bf16", 0.3))
    }


def _trained(data: Trajectories, valid: Trajectories, fresh: Trajectories, precision: str, seconds: float, scale: Scale) -> dict[str, Any]:
    changes = {"encoder_hidden": scale.hidden, "decoder_hidden": scale.hidden, "batch_size": scale.batches[0], "precision": precision}
    curve, last = [], None
    for last in fit(data, valid, PRESETS["paper"].model_copy(update={**changes, "max_seconds": seconds})):
        curve.append([round(last.seconds, 1), last.samples, last.edge_accuracy])
    accuracy = score_edges(infer_edges(last.checkpoint, fresh), fresh).accuracy
    figures = {"seconds": round(last.seconds, 1), "draws": last.samples, "passes": round(last.samples / data.num_sims, 2)}
    rate = {"samples_per_second": round(last.samples / last.seconds), "edge_accuracy_on_fresh": accuracy}
    return figures | rate | {"curve": curve[:: max(len(curve) // 30, 1)]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, help="of training")
    parser.add_argument("--toy", action="store_true", help="toy size, on whatever device there is")
    options = parser.parse_args()
    chosen = TOY if options.toy or not torch.cuda.is_available() else PAPER_SCALE
    print(json.dumps(main(chosen._replace(seconds=options.seconds or chosen.seconds))))
