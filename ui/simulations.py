"""Simulations for the page: previews that all sessions share, how long a dataset takes, its file, and its recipe in a link."""

import typing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st
from pydantic import BaseModel

from nri_core.errors import DataError
from nri_core.player.payload import NOUNS
from nri_core.snippets import Made, Simulated
from nri_core.systems import SYSTEMS, Simulation, System, simulate
from nri_core.trajectories import Trajectories
from ui.forms import validated
from ui.names import LAWS, called

MOST_SECONDS = 60  # of simulating for a link


def preview(system: System, simulation: Simulation) -> Trajectories:
    """A small simulation to look at, kept by its settings."""
    return _kept(repr(system), simulation.model_dump_json(), system, simulation)


def seconds_to_simulate(simulation: Simulation) -> float:
    """About how long it will take: each frame costs the square of the nodes (measured on one core, within a factor of 3)."""
    return 1e-6 * simulation.num_sims * simulation.num_steps * simulation.num_nodes**2


def title(law: str, system: System, simulation: Simulation) -> str:
    """What the pages call such data: what is unusual in the law belongs to the name."""
    unusual = (called(name).lower() if value is True else f"{called(name).lower()} {_listed(value)}" for name, value in _unusual(system))
    return ", ".join([LAWS[law].title, f"{simulation.num_nodes} {NOUNS[law]}s", *unusual, f"seed {simulation.seed}"])


def _listed(value: Any) -> str:
    return " and ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def recipe(law: str, system: System, simulation: Simulation) -> str:
    """What makes the same data again, short enough for an address: `springs num_sims 300 seed 2`. What is as usual is left out."""
    words = [law]
    for name, value in (*_unusual(system), *_unusual(simulation)):
        words += [name, ",".join(repr(part) for part in value) if isinstance(value, tuple) else str(value)]
    return " ".join(words)


def screen(law: str, system: System, simulation: Simulation) -> Made:
    """Such data as a snippet makes them."""
    return Made(data=Simulated(law=law, parameters=dict(_unusual(system)), amount=dict(_unusual(simulation))))


def read(text: str) -> tuple[str, System, Simulation]:
    """What a recipe says; it comes from an address, so anything may stand in it. Raises NRIError."""
    law, *words = text.split() or [""]
    if law not in SYSTEMS:
        raise DataError(f"The address asks for data of the law “{law[:40]}”; expected one of {', '.join(SYSTEMS)}. The page goes on without them.")
    told = dict(zip(words[::2], words[1::2], strict=False))
    if unknown := [name for name in told if name not in {**SYSTEMS[law].model_fields, **Simulation.model_fields}]:
        raise DataError(f"The address asks for data with “{unknown[0][:40]}”, which {law} does not have. The page goes on without them.")
    return law, _read(SYSTEMS[law], told), _read(Simulation, told)


def remade(text: str) -> tuple[str, Trajectories]:
    """Name and data of a recipe. Raises NRIError, also for more than a link may ask for."""
    law, system, simulation = read(text)
    if (seconds := seconds_to_simulate(simulation)) > MOST_SECONDS:
        raise DataError(f"The address asks for data that take about {seconds:,.0f} s to simulate; a link makes at most {MOST_SECONDS} s of them. Make them under Simulate.")
    with st.spinner(f"Simulating the data of this link: {simulation.num_sims:,} systems, about {max(seconds, 1):.0f} s", show_time=True):
        return title(law, system, simulation), _remade(text, system, simulation)


def as_npz(data: Trajectories) -> bytes:
    """The file `data.npz`."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        data.save(path)
        return path.read_bytes()


def _unusual(settings: BaseModel) -> list[tuple[str, Any]]:
    return [(name, getattr(settings, name)) for name, field in type(settings).model_fields.items() if getattr(settings, name) != field.default]


def _read(model: type[Any], told: dict[str, str]) -> Any:
    fields = {name: field for name, field in model.model_fields.items() if name in told}
    return validated(model, {name: told[name].split(",") if typing.get_origin(field.annotation) is tuple else told[name] for name, field in fields.items()})


@st.cache_resource(show_spinner=False, max_entries=64)  # below a second up to 100 nodes
def _kept(law: str, amount: str, _system: System, _simulation: Simulation) -> Trajectories:
    return simulate(_system, _simulation)


@st.cache_resource(show_spinner=False, max_entries=4)  # a class opens one link
def _remade(recipe: str, _system: System, _simulation: Simulation) -> Trajectories:
    return simulate(_system, _simulation)
