"""The benchmarks of training run at toy size, and what they call before and after computes one and the same loss."""

import pytest
import torch

from benchmarks import memory, training
from benchmarks.training import PAPER, Size

TOY = Size(live_sims=4, sims=4, hidden=8, product=64, live_rounds=1, rounds=1)


@pytest.mark.parametrize("workload", PAPER, ids=lambda workload: "-".join(map(str, workload)))
def test_before_and_after_are_one_loss(workload: tuple[str, int, str, str]) -> None:
    _, losses = training._paper(*workload, TOY)
    with torch.no_grad():
        assert torch.allclose(losses["before float32"](), losses["after float32"](), rtol=1e-4)


def test_live_before_and_after_are_one_loss() -> None:
    _, losses = training._live("charged", 5, TOY)
    with torch.no_grad():
        assert torch.allclose(losses["before float32"](), losses["after float32"](), rtol=1e-4)


@pytest.mark.slow
def test_every_row_has_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "LIVE", (("springs", 4),))
    monkeypatch.setattr(training, "PAPER", (("springs", 3, "mlp", "mlp"),))
    rows = training.main(TOY)["rows"]
    assert [row["variant"] for row in rows] == ["before float32", "after float32", "after bf16", "before float32", "before bf16", "after float32", "after bf16"]
    assert all(row["samples_per_second"] > 0 and 0 < row["share_of_peak"] for row in rows)
    assert rows[0]["times_as_fast"] == 1


@pytest.mark.slow
def test_memory_of_a_step_is_told_for_pieces_and_whole() -> None:
    rows = memory.main((5,), sims=2, hidden=8)["rows"]
    assert [row["pieces"] for row in rows] == [True, False]
    assert all(row["gigabytes"] >= row["gigabytes_before"] > 0 for row in rows)
