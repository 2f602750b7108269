"""What there is to train on is told as it is, and what is not there falls back to the CPU with a sentence."""

import re

import pytest
import torch

from nri_core.devices import _read_smi, choose_device, describe, devices, fall_back
from nri_core.errors import ConfigError

TWO = "GPU-aa11-22, NVIDIA H200, 143771, 143000\nGPU-bb11-22, NVIDIA T4, 15360, [N/A]\n"


def test_every_device_is_there_or_says_why_not() -> None:
    found = devices()
    names = [info.name for info in found]
    assert names[0] == "cpu" and names[-1] == "mps" and "cuda:0" in names and len(set(names)) == len(names)
    for info in found:
        if info.absent:
            assert info.absent.endswith(".")
            with pytest.raises(ConfigError):
                choose_device(info.name)
        else:
            assert choose_device(info.name) == torch.device(info.name)
    cpu = found[0]
    assert re.fullmatch(r"CPU, \d+ cores?", cpu.title) and not cpu.absent
    assert cpu.memory is None or 0 < cpu.free <= cpu.memory


@pytest.mark.parametrize(
    ("visible", "titles"),
    [
        (None, ["NVIDIA H200", "NVIDIA T4"]),
        ("1,0", ["NVIDIA T4", "NVIDIA H200"]),
        ("GPU-bb", ["NVIDIA T4"]),
        ("0,-1,1", ["NVIDIA H200"]),
        ("", []),
        ("-1", []),
        ("MIG-cc", ["Slice of an NVIDIA GPU"]),
    ],
)
def test_gpus_as_the_driver_tells_of_them(visible: str | None, titles: list[str]) -> None:
    found = _read_smi(TWO, visible)
    assert [info.title for info in found] == titles
    assert [info.name for info in found] == [f"cuda:{number}" for number in range(len(titles))]


def test_memory_of_a_gpu() -> None:
    first, second = _read_smi(TWO, None)
    assert (first.memory, first.free) == (143771 * 2**20, 143000 * 2**20)
    assert (second.memory, second.free) == (15360 * 2**20, None)
    assert _read_smi("No devices were found\n", None) == []


@pytest.mark.parametrize("name", ["cuda:99", "meta", "cpu:3", "gpu", "", "CPU", "hpu", "cuda:-1"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(ConfigError, match="Expected a device of this machine"):
        choose_device(name)
    assert fall_back(name) == ("cpu", f"There is no {name} here; it trains on the CPU instead.")


def test_what_is_there_is_taken_as_it_is() -> None:
    assert fall_back("cpu") == ("cpu", "")
    assert describe("cpu", 1) == "CPU, 1 thread" and describe("cpu", 3) == "CPU, 3 threads"
    device, sentence = fall_back("auto")
    assert device == choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert bool(sentence) == (device == "cpu")
