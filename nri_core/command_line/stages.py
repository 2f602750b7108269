"""stages CHECKPOINT_DIR DATA.npz --sim 0 --edge FROM-TO"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.errors import DataError
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model, data, and the edge to follow."""
    parser.add_argument("model", type=Path, metavar="CHECKPOINT_DIR", help="folder of a trained model")
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories that it reads")
    parser.add_argument("--sim", type=int, default=0, help="which simulation, counted from 0 (default: 0)")
    parser.add_argument("--edge", default="", metavar="FROM-TO", help="names of two nodes: 2 acts on 3 is 2-3 (default: the second acts on the first)")
    parser.add_argument("--frame", type=int, help="predict the frame after this one, counted from 0 (default: the last that the model reads)")
    parser.add_argument("--temperature", type=float, default=0.5, help="softness of the sampled graph (default: 0.5)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampled graph (default: 0)")
    parser.add_argument("--passed", choices=("soft", "one-hot", "likeliest"), default="soft", help="the graph that the decoder gets (default: soft)")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Each stage: its sentence, its equation with and without numbers, and the numbers by name."""
    from nri_core.checkpoint import Checkpoint
    from nri_core.stages import PASSED, stages

    data = Trajectories.load(options.data)
    edge = _edge(options.edge, data.node_names)
    passed = dict(zip(("soft", "one-hot", "likeliest"), PASSED, strict=True))[options.passed]
    drawn = {"temperature": options.temperature, "seed": options.seed, "passed": passed}
    found = stages(Checkpoint.load(options.model), data, options.sim, edge, frame=options.frame, **drawn)
    described = [
        {
            **{name: getattr(stage, name) for name in ("key", "title", "sentence", "equation", "filled", "source")},
            "numbers": {name: {"rows": one.rows, "columns": one.columns, "values": one.values.tolist()} for name, one in stage.numbers.items()},
        }
        for stage in found
    ]
    names = {"receiver": data.node_names[edge[0]], "sender": data.node_names[edge[1]]}
    if options.json:
        return {"sim": options.sim, **names, "stages": described}
    return {"sim": options.sim, **names, **{stage["title"]: f"{stage['sentence']}  {stage['filled']}" for stage in described}}


def _edge(text: str, names: tuple[str, ...]) -> tuple[int, int]:
    """(receiver, sender) out of their names, which may hold a hyphen themselves."""
    if not text:
        return 0, 1
    for place in (place for place, letter in enumerate(text) if letter == "-"):
        sender, receiver = text[:place], text[place + 1 :]
        if receiver in names and sender in names and receiver != sender:
            return names.index(receiver), names.index(sender)
    few = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    raise DataError(f"Expected --edge FROM-TO with two different names of {few}; found {text!r}.")
