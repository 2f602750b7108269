"""One training in two processes under torchrun: the loss and the weights of one process, and no hang when one of them dies."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from nri_core.checkpoint import Checkpoint
from nri_core.errors import ConfigError
from nri_core.holdout import split
from nri_core.models.objectives import Batch
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import Ranks, fit
from nri_core.trajectories import Trajectories

LAUNCHER = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "nri_core")
TINY = {"epochs": 3, "epoch_size": 40, "batch_size": 8, "encoder_hidden": 8, "decoder_hidden": 8, "window": 20, "threads": 1}
RECIPES = {
    "live": TINY,
    "paper": TINY | {"encoder": "cnn", "encoder_dropout": 0.3, "decoder": "rnn", "burn_in": 5, "hard": True},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """33 simulations to learn from: the last batch of a pass has one, fewer than there are processes."""
    path = tmp_path_factory.mktemp("data") / "springs.npz"
    data().save(path)
    return path


def data() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=37, num_nodes=4, num_steps=20, seed=1))


def started(file: Path, out: Path, preset: str, **changes: object) -> subprocess.Popen[str]:
    settings = [f"{name}={str(value).lower()}" for name, value in changes.items()]
    command = [*LAUNCHER, "train", str(file), "--out", str(out), "--device", "cpu", "--json", "--preset", preset, "--set", *settings]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def ranks_of(launcher: int) -> dict[int, int]:
    """Process ids by rank."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    said = {int(pid): Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in children}
    return {int(value.removeprefix(b"RANK=")): pid for pid, values in said.items() for value in values if value.startswith(b"RANK=")}


@pytest.mark.slow
@pytest.mark.parametrize("preset", RECIPES)
def test_two_processes_train_as_one(preset: str, file: Path, tmp_path: Path) -> None:
    """Symmetries, Gumbel noise, dropout and batch norm are those of the whole batch, so only rounding differs."""
    process = started(file, tmp_path / "model", preset, **RECIPES[preset])
    config = suited(PRESETS[preset], data().edge_type_names, data().feature_names).model_dump() | RECIPES[preset]
    *_, alone = fit(*split(data()), TrainConfig(**config), device="cpu")
    output, said = process.communicate(timeout=300)
    assert said.count("epoch 1/3") == 1, said
    together = json.loads(output)
    for name in ("loss", "nll", "kl", "valid_loss"):
        assert together[name] == pytest.approx(alone.metrics()[name], rel=1e-4), name
    assert together["samples"] == alone.samples == 3 * 33
    weights = Checkpoint.load(tmp_path / "model").model.state_dict()
    for name, value in alone.checkpoint.model.state_dict().items():
        if name != "encoder.attend.bias":  # a softmax does not see it: its gradient is rounding alone, which Adam scales up
            assert torch.allclose(weights[name], value, rtol=1e-2, atol=2e-4), name


@pytest.mark.slow
@pytest.mark.parametrize("slow", [False, True])
def test_a_process_that_dies_ends_the_other_with_a_sentence(file: Path, tmp_path: Path, slow: bool) -> None:
    """Also where torchrun is quicker to end the other one than the exchange is to fail."""
    process = started(file, tmp_path / "model", "live", **TINY | {"epochs": 1_000_000})
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    workers = ranks_of(process.pid)
    if slow:
        os.kill(workers[0], signal.SIGSTOP)
    os.kill(workers[1], signal.SIGKILL)
    if slow:
        pending = Path(f"/proc/{workers[0]}/status")
        while not re.search(r"ShdPnd:\s+0*4000\b", pending.read_text()):  # SIGTERM
            time.sleep(0.05)
        os.kill(workers[0], signal.SIGCONT)
    _, said = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "one of its 2 processes is gone" in said and said.count("Start them again") == 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers.values())


@pytest.mark.slow
def test_two_processes_end_together_at_a_time_limit(file: Path, tmp_path: Path) -> None:
    """Their clocks differ; the first one's counts."""
    process = started(file, tmp_path / "model", "live", **TINY | {"epochs": 1_000_000, "max_seconds": 1})
    output, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert json.loads(output)["seconds_left"] == 0


LOOKED_AT = """
import atexit, os, sys
from pathlib import Path

told = Path(os.environ["TOLD"]) / os.environ["RANK"]  # a file each: lines of two processes may run into each other
atexit.register(lambda: told.write_text("".join(task.read_text() for task in Path("/proc/self/task").glob("*/comm"))))  # as the last thing
from nri_core.command_line import main

sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_no_thread_of_the_exchange_outlives_it(file: Path, tmp_path: Path) -> None:
    """It would meet an interpreter that ends, which aborts the process now and then."""
    script = tmp_path / "looked_at.py"
    script.write_text(LOOKED_AT)
    settings = [f"{name}={value}" for name, value in (TINY | {"epochs": 1}).items()]
    command = [*LAUNCHER[:-2], str(script), "train", str(file), "--out", str(tmp_path / "model"), "--device", "cpu", "--set", *settings]
    (told := tmp_path / "threads").mkdir()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ".", "TOLD": str(told)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    threads = {rank.name: rank.read_text().splitlines() for rank in told.iterdir()}
    assert sorted(threads) == ["0", "1"] and all("python" in names and not any("gloo" in name for name in names) for names in threads.values())


def test_each_process_takes_its_share_of_every_batch() -> None:
    batch = Batch(torch.arange(7.0).reshape(7, 1, 1, 1))
    ranks = [Ranks(rank, 3) for rank in range(3)]
    shares = [rank.own(batch).values for rank in ranks]
    assert torch.equal(torch.cat(shares), batch.values)
    assert sum(rank.weight * share.mean() for rank, share in zip(ranks, shares, strict=True)) == pytest.approx(3.0)
    few = batch._replace(values=batch.values[:2])
    assert all(torch.equal(rank.own(few).values, few.values) and rank.weight == pytest.approx(1 / 3) for rank in ranks)
    assert Ranks().own(batch) is batch


def test_what_several_processes_cannot_do_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose forecaster none"):
        Ranks(0, 2).check(TrainConfig(forecaster="stepped"))
    with pytest.raises(ConfigError, match="auto, cpu or cuda for 2 processes; found 'cuda:1'"):
        Ranks(0, 2).connect("cuda:1")
    Ranks().check(TrainConfig(forecaster="stepped"))
