"""Which devices there are to train on, and what to do where the one asked for is not there."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nri_core.errors import ConfigError

if TYPE_CHECKING:
    import torch

SMI = ("nvidia-smi", "--query-gpu=uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits")
SMI_SECONDS = 5.0


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

    gpus = nvidia_gpus() if torch.cuda.is_available() else []
    for number in range(len(gpus), torch.cuda.device_count()):
        gpus.append(DeviceInfo(f"cuda:{number}", f"NVIDIA GPU {number}"))
    if not gpus:
        reason = "PyTorch finds no NVIDIA GPU here." if torch.version.cuda else "This PyTorch was built without CUDA."
        gpus.append(DeviceInfo("cuda:0", "NVIDIA GPU", absent=reason))
    mps = "" if torch.backends.mps.is_available() else "There is no Apple GPU here."
    return [_cpu(), *gpus, DeviceInfo("mps", "Apple GPU", absent=mps)]


def nvidia_gpus() -> list[DeviceInfo]:
    """Those that $CUDA_VISIBLE_DEVICES leaves visible, in its order, as the driver knows them: asking through torch would take up memory on each.

    Empty where the driver does not tell; a slice of a GPU (MIG) has no memory of its own to tell of.
    """
    try:
        told = subprocess.run(SMI, capture_output=True, text=True, timeout=SMI_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return _read_smi(told, os.environ.get("CUDA_VISIBLE_DEVICES"))


def _read_smi(told: str, visible: str | None) -> list[DeviceInfo]:
    rows = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.count(",") == 3]
    chosen = map(str, range(len(rows))) if visible is None else visible.split(",")
    found = []
    for number, part in enumerate(part.strip() for part in chosen):
        row = [row for index, row in enumerate(rows) if part == str(index) or (part.startswith("GPU-") and row[0].startswith(part))]
        if not row and not part.startswith("MIG-"):
            break  # as CUDA reads it: whatever follows is hidden
        _, name, memory, free = row[0] if row else ("", "Slice of an NVIDIA GPU", "", "")
        found.append(DeviceInfo(f"cuda:{number}", name, memory=_mebibytes(memory), free=_mebibytes(free)))
    return found


def _mebibytes(text: str) -> int | None:
    return int(text) * 2**20 if text.isdecimal() else None


def choose_device(name: str) -> "torch.device":
    """"auto" takes a CUDA GPU where there is one, else the CPU. Raises ConfigError for a device that is not there."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        if not re.fullmatch(r"cpu|mps|cuda(:[0-9]+)?", name):
            raise RuntimeError("Of no kind that models are trained on.")
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"Expected a device of this machine, such as auto or cpu; found {name!r}. It is not available here.") from error
    return device


def fall_back(name: str) -> tuple[str, str]:
    """The device to use for `name`, and a sentence where that is not the one asked for: the CPU serves as the last resort, never silently."""
    if name == "auto":
        device = choose_device("auto").type
        return device, "There is no NVIDIA GPU here; it trains on the CPU." if device == "cpu" else ""
    try:
        choose_device(name)
    except ConfigError:
        return "cpu", f"There is no {name} here; it trains on the CPU instead."
    return name, ""


def describe(name: str, threads: int) -> str:
    """The device in words; `threads` are those that the settings allow on a CPU, 0 for one a core."""
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
