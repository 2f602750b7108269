"""The benchmark of a GPU at toy size on the CPU: its two forms are one model, and each part reports what it says."""

import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks._paper_step import FORMS, Example, example, paper_model, variants
from benchmarks.gpu import TOY, agreement, main, peaks, speed
from nri_core.models.objectives import OBJECTIVES, Batch
from nri_core.settings import PRESETS

CPU = torch.device("cpu")


def batch() -> Example:
    return example(8).to(torch.float64)


def test_both_forms_are_the_objective_that_training_minimises() -> None:
    model, given = paper_model(8, CPU, torch.float64), batch()
    drawn = torch.Generator().manual_seed(0)  # of which the example's noise is made
    expected = OBJECTIVES["elbo"](model, Batch(given.values), PRESETS["paper"], drawn).terms["loss"]
    for form in FORMS.values():
        assert form(model, given).item() == pytest.approx(expected.item(), rel=1e-6)


def test_agreement_is_measured_against_double_precision() -> None:
    errors = agreement(CPU, TOY)
    assert set(errors) == {"cpu index float32", "cpu dense float32", "cpu index tf32", "cpu index bf16"}
    assert max(errors["cpu index float32"].values()) < 1e-4 and max(errors["cpu dense float32"].values()) < 1e-4
    assert 1e-4 < errors["cpu index bf16"]["gradient"] < 0.1


@pytest.mark.slow  # counting takes seconds
def test_the_index_form_needs_fewer_products() -> None:
    counts = {}
    for name, form in FORMS.items():
        with FlopCounterMode(display=False) as counter:
            form(paper_model(64, CPU), example(8)).backward()
        counts[name] = counter.get_total_flops()
    assert 0.5 * counts["dense"] < counts["index"] < counts["dense"]


def test_a_step_trains() -> None:
    model, given = paper_model(8, CPU), example(8)
    before = [parameter.clone() for parameter in model.parameters()]
    assert set(variants(CPU)) == {f"{form} {precision}" for form in ("dense", "index") for precision in ("float32", "tf32", "bf16")}
    variants(CPU)["index float32"](model, given)()
    assert all((old != new).any() for old, new in zip(before, model.parameters(), strict=True))


@pytest.mark.slow
def test_speed_is_told_for_each_variant() -> None:
    rows = speed(CPU, TOY)
    assert {row["variant"] for row in rows} == set(variants(CPU))
    assert all(row["samples_per_second"] > 0 and row["best"] >= row["samples_per_second"] for row in rows)
    assert min(peaks(CPU, TOY).values()) > 0


@pytest.mark.slow
def test_the_whole_benchmark_runs_at_toy_size() -> None:
    report = json.loads(json.dumps(main(TOY)))
    assert not [name for name, difference in report["recipes_agree"].items() if not isinstance(difference, float) or difference > 1e-3]
    assert {"tf32", "bf16"} == set(report["training"]) and report["training"]["tf32"]["draws"] > 0
    assert all("share_of_peak" in row for row in report["speed"])
