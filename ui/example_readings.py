"""What an example shows: its systems, the belief about them, a forecast, and the figures; kept by content. Loads torch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Float

from nri_core.inference import rollout
from nri_core.metrics import score_edges
from nri_core.network_baselines import BASELINES
from nri_core.posterior import EdgePosterior
from nri_core.presets import Preset, measures
from nri_core.trajectories import Trajectories
from ui import samples
from ui.controls import truth_hidden
from ui.names import called
from ui.readings import checkpoint

_HIDDEN_TYPES = "Nobody told the model what its types are called: where the first does not mean “none”, each counts under the name that fits best."


@dataclass(frozen=True, eq=False)
class ExampleReading:
    """The systems as they are seen, the belief under the names of the truth, and the share right in each system."""

    data: Trajectories
    posterior: EdgePosterior
    forecast: Trajectories | None
    reader: str
    right: Float[np.ndarray, " sim"]
    certainty: float

    def figures(self, system: int) -> Iterator[tuple[str, str, str]]:
        """Label, value and meaning."""
        judged = not truth_hidden()
        if judged:
            yield "This system", f"{100 * self.right[system]:.1f} % right", f"Share of ordered pairs named rightly. {_HIDDEN_TYPES}"
        if judged and len(self.right) > 1:
            yield f"All {len(self.right)} systems", f"{100 * self.right.mean():.1f} % right", "The same share over all of them."
        yield "How sure it is", f"{100 * self.certainty:.0f} %", "The mean probability of the type that is named. Being sure is not being right."


def read(preset: Preset) -> ExampleReading:
    """Simulate and read. Raises NRIError."""
    return _read(preset.model_dump_json(), preset)


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(key: str, _preset: Preset) -> ExampleReading:
    data = _preset.data()
    posterior = _preset.read(data, samples.SAMPLE_DATA / "models")
    score = score_edges(posterior, data)
    named, right = posterior.relabelled(score.relabelling, data.edge_type_names), score.accuracy_by_sim
    kind, _, method = _preset.reader.partition(":")
    if kind == "baseline":
        return ExampleReading(data, named, None, called(method).lower() if method in BASELINES else method, right, measures(posterior, data)["certainty"])
    start = min(_preset.frames, data.num_steps - 1) - 1
    model = checkpoint(samples.folder(_preset.reader))
    forecast = rollout(model, data, posterior, start=start, num_steps=data.num_steps - start - 1)
    return ExampleReading(data, named, forecast, f"the shipped {_preset.reader}", right, measures(posterior, data)["certainty"])
