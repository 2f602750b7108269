"""Named systems worth a look, failures among them: each a JSON file that says what is simulated, who reads it, and what must come out.

The tests run every one, so what a preset tells people to look for is there.
"""

import json
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

FORMAT = 1  # of the files; older and newer ones are refused in a sentence
LONGEST = 64_000  # bytes

Measure = Literal["accuracy", "certainty", "joined"]
View = Literal["side by side", "overlaid", "difference"]


class Preset(BaseModel):
    """What is simulated, who reads it, and the ranges that the figures must lie in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = Field(description="Version of this form")
    title: str = Field(min_length=1, max_length=48, description="Its name on the card")
    look_for: str = Field(min_length=1, max_length=240, description="What one will see, in a sentence or two")
    order: int = Field(100, ge=0, le=1000, description="Place among the others")
    system: Literal["springs", "charged", "kuramoto"] = Field(description="The law")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Parameters of the law, where they are not its defaults")
    num_sims: int = Field(12, ge=1, le=100, description="Systems simulated")
    num_nodes: int = Field(5, ge=2, le=20, description="Particles in each system")
    num_steps: int = Field(99, ge=5, le=500, description="Frames simulated")
    seed: int = Field(3, ge=0, le=2**31 - 1, description="Of the simulation")
    frames: int = Field(49, ge=3, le=500, description="Frames that are read, from the first")
    start: tuple[tuple[float, float, float, float], ...] = Field((), max_length=20, description="x, y, vx, vy of each particle, where the start is not random")
    edges: tuple[tuple[int, int, int], ...] = Field((), max_length=400, description="(receiver, sender, type), counted from 0, of the system that begins at `start`")
    hidden: int = Field(0, ge=0, le=5, description="So many particles, the last ones, act but are not seen")
    reader: str = Field(pattern=r"^[a-z0-9_]+(:[a-z_]+)?$", max_length=60, description="A shipped model, or baseline:NAME")
    options: dict[str, str] = Field(default_factory=dict, description="Of the baseline, or `inference` of the model")
    shown: int = Field(1, ge=1, le=100, description="The system that is seen first")
    view: View = Field("side by side", description="How truth and belief are held against each other")
    expect: dict[Measure, tuple[float, float]] = Field(min_length=1, description="Lowest and highest value that each figure may have")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a preset. Raises DataError for a file that is missing, damaged, or of another version."""
        name = path.stem
        try:
            raw = path.read_bytes()[: LONGEST + 1]
            told = json.loads(raw) if len(raw) <= LONGEST else None
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"Expected an example named “{name[:40]}”; its file is missing or damaged. Choose another example.") from error
        if not isinstance(told, dict):
            raise DataError(f"Expected the example “{name[:40]}” as one JSON object; found something else. Choose another example.")
        version = told.get("format")
        if version != FORMAT:
            age = "a newer version of this app" if isinstance(version, int) and version > FORMAT else "another version of this app"
            raise DataError(f"The example “{name[:40]}” was written for {age}: expected format {FORMAT}, found {str(version)[:20]}. Choose another example.")
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"])) or "its parts"
            raise DataError(f"The example “{name[:40]}” is damaged at `{place[:60]}`: {error.errors()[0]['msg'][:120]}. Choose another example.") from error

    def law(self) -> Any:
        """The system with its parameters. Raises DataError for parameters that the law does not have."""
        from nri_core.systems import SYSTEMS  # torch: cards are drawn without it

        try:
            return SYSTEMS[self.system].model_validate(self.parameters)
        except ValidationError as error:
            raise DataError(f"The example “{self.title}” asks for a law that there is not: {error.errors()[0]['msg'][:120]}. Choose another example.") from error

    def whole(self) -> Trajectories:
        """The systems as they are, hidden particles included: seeded, equal each time."""
        from nri_core.systems import Simulation, simulate

        if self.start:
            return self._from_start()
        return simulate(self.law(), Simulation(num_sims=self.num_sims, num_nodes=self.num_nodes, num_steps=self.num_steps, seed=self.seed))

    def data(self) -> Trajectories:
        """What is seen of them."""
        from nri_core.unseen import without_node

        data = self.whole()
        for _ in range(self.hidden):
            data = without_node(data, data.num_nodes - 1)
        return data

    def read(self, data: Trajectories, models: Path) -> EdgePosterior:
        """The belief from the first `frames` frames of `data`; `models` is the folder of the shipped models. Raises NRIError."""
        seen = data.select(slice(None), frames=slice(0, self.frames))
        kind, _, name = self.reader.partition(":")
        if kind == "baseline":
            from nri_core.network_baselines import BASELINES

            if name not in BASELINES:
                raise DataError(f"Expected a method of {', '.join(BASELINES)}; found {name!r}. Choose another example.")
            return BASELINES[name](seen, **self.options)
        from nri_core.checkpoint import Checkpoint
        from nri_core.inference import infer_edges

        return infer_edges(Checkpoint.load(models / self.reader), seen, **self.options)

    def _from_start(self) -> Trajectories:
        from nri_core.what_if import simulate_from

        law, count = self.law(), len(self.start)
        graph = np.zeros((1, count, count), np.int64)
        for receiver, sender, kind in self.edges:
            if max(receiver, sender) >= count or min(receiver, sender, kind) < 0 or kind >= len(law.edge_type_names):
                raise DataError(f"The example “{self.title}” is damaged: there is no pair {receiver}, {sender} of type {kind}. Choose another example.")
            graph[0, receiver, sender] = kind
        return simulate_from(law, np.array(self.start)[None], graph, num_steps=self.num_steps)


def measures(posterior: EdgePosterior, data: Trajectories) -> dict[Measure, float]:
    """Accuracy up to relabelling; certainty, the mean probability of the type that is named; joined, the share of pairs not named by the first type."""
    from nri_core.metrics import score_edges

    off, score = off_diagonal(data.num_nodes), score_edges(posterior, data)
    named = posterior.relabelled(score.relabelling, data.edge_type_names)
    return {
        "accuracy": score.accuracy,
        "certainty": float(named.edge_probs.max(-1)[:, off].mean()),
        "joined": float((named.edge_types[:, off] > 0).mean()),
    }


def preset_files(folder: Path) -> tuple[Path, ...]:
    """The files of a folder of presets, by name."""
    return tuple(sorted(folder.glob("*.json")))
