"""Where to train: what devices there are, how much memory they have free, and who uses them."""

from typing import NamedTuple

import streamlit as st

from nri_core.devices import DeviceInfo, devices
from nri_core.jobs import Usage, usage
from nri_core.jobs.contract import runs_directory
from nri_core.jobs.engines import RAY_ENGINE

AUTO, RAY = "Automatic", "Ray"


class Backend(NamedTuple):
    """What `submit` is told."""

    device: str
    engine: str


def choose_backend() -> Backend:
    """A choice of devices, those that are not here included, and a line on the chosen one. Imports torch."""
    found = {f"{info.title}{' (not here)' * bool(info.absent)}": info for info in _devices()}
    options = [AUTO, *found, RAY]
    meaning = "Automatic takes a GPU where there is one, else the CPU. What is not here falls back to the CPU, and says so."
    chosen = st.selectbox("Device", options, key="backend", help=meaning)
    used = usage()
    if chosen == RAY:
        about = RAY_ENGINE.about(runs_directory())
        st.caption(about.absent or f"{about.title}.{_users(used.get('ray'))}")
        return Backend("auto", "ray")
    info = found.get(chosen) or _automatic(list(found.values()))
    st.caption(_about(info, used.get(info.name)))
    return Backend("auto" if chosen == AUTO else info.name, "process")


def _devices() -> list[DeviceInfo]:
    return [info for info in devices() if info.name != "ray"]


def _automatic(infos: list[DeviceInfo]) -> DeviceInfo:
    gpus = [info for info in infos if info.name.startswith("cuda") and not info.absent]
    return gpus[0] if gpus else infos[0]


def _about(info: DeviceInfo, used: Usage | None) -> str:
    if info.absent:
        return f"{info.absent} The run would train on the CPU instead."
    memory = f", {info.free / 1e9:.1f} of {info.memory / 1e9:.1f} GB free" if info.memory and info.free else ""
    return f"{info.title}{memory}.{_users(used)}"


def _users(used: Usage | None) -> str:
    running, waiting = used or Usage(0, 0)
    if not running and not waiting:
        return " No run uses it now."
    runs = "1 run uses" if running == 1 else f"{running} runs use"
    return f" {runs} it now, {waiting} wait{'s' * (waiting == 1)} for it." if waiting else f" {runs} it now."
