"""simulate SYSTEM --out data.npz"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_fields, add_json, chosen
from nri_core.systems import SYSTEMS, Simulation, simulate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Each system has the options of its own law."""
    systems = parser.add_subparsers(dest="system", metavar="SYSTEM", required=True)
    for name, law in SYSTEMS.items():
        system = systems.add_parser(name, help=str(law.__doc__).splitlines()[0].replace("%", "%%"))
        add_fields(system, Simulation)
        add_fields(system, law)
        system.add_argument("--out", type=Path, required=True, metavar="data.npz", help="file to write")
        add_json(system)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Simulate and save."""
    data = simulate(chosen(options, SYSTEMS[options.system]), chosen(options, Simulation))
    data.save(options.out)
    return {
        "out": options.out,
        "system": options.system,
        "num_sims": data.num_sims,
        "num_nodes": data.num_nodes,
        "num_steps": data.num_steps,
        "edge_type_names": data.edge_type_names,
    }
