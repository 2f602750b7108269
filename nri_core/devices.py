"""Which devices there are to train on, and what to do where the one asked for is not there."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nri_core.errors import ConfigError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DeviceInfo:
    """A device by its name in settings; `absent` says in a sentence why it cannot be used, empty if it can. Memory in bytes, where known."""

    name: str
    title: str
    absent: str = ""
    memory: int | None = None
    free: int | None = None


def devices() -> list[DeviceInfo]:
    """The CPU, each NVIDIA GPU (one absent entry if there is none) and Apple's. Imports torch, which takes seconds the first time."""
    import torch

    found = [_cpu()]
    for number in range(torch.cuda.device_count()):
        free, memory = torch.cuda.mem_get_info(number)
        found.append(DeviceInfo(f"cuda:{number}", torch.cuda.get_device_name(number), memory=memory, free=free))
    if not torch.cuda.is_available():
        reason = "PyTorch finds no NVIDIA GPU here." if torch.version.cuda else "This PyTorch was built without CUDA."
        found.append(DeviceInfo("cuda:0", "NVIDIA GPU", absent=reason))
    mps = "" if torch.backends.mps.is_available() else "There is no Apple GPU here."
    return [*found, DeviceInfo("mps", "Apple GPU", absent=mps)]


def choose_device(name: str) -> "torch.device":
    """"auto" takes a CUDA GPU where there is one, else the CPU. Raises ConfigError for a device that is not there."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"Expected a device of this machine, such as auto or cpu; found {name!r}. It is not available here.") from error
    return device


def fall_back(name: str) -> tuple[str, str]:
    """The device to use for `name`, and a sentence where that is not the one asked for: the CPU serves as the last resort, never silently."""
    if name == "auto":
        device = choose_device("auto").type
        return device, "There is no GPU here; it trains on the CPU." if device == "cpu" else ""
    try:
        choose_device(name)
    except ConfigError:
        return "cpu", f"There is no {name} here; it trains on the CPU instead."
    return name, ""


def describe(name: str, threads: int) -> str:
    """The device in words."""
    import torch

    if name.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(name))
    if name == "mps":
        return "Apple GPU"
    threads = threads or os.cpu_count() or 1
    return f"CPU, {threads} thread{'s' * (threads > 1)}"


def _cpu() -> DeviceInfo:
    cores = os.cpu_count() or 1
    memory = _memory()
    return DeviceInfo("cpu", f"CPU, {cores} core{'s' * (cores > 1)}", memory=memory.get("MemTotal"), free=memory.get("MemAvailable"))


def _memory() -> dict[str, int]:
    """Bytes by Linux's own names; nothing elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: 1024 * int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
