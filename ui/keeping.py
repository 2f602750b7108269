"""The model of a run, or the mean of those of several, as the model in use."""

from collections.abc import Sequence

import streamlit as st

from nri_core.jobs import Run
from nri_core.jobs.sweep import averaged, newest_models
from ui import state


def keep_model_of(runs: Sequence[Run]) -> None:
    """Make it the model in use. Raises JobError for a run without one, and CheckpointError for runs whose models cannot be averaged."""
    first, *others = runs
    if others:
        with st.spinner("Matching edge types on systems that were held out", show_time=True):
            name, folder = f"Mean of {len(runs)} models, {first.name}", averaged(runs)
    else:
        name = f"Trained on {first.name}" if first.name == first.data_name else first.name
        (folder,) = newest_models(runs)
    state.keep_model(name, folder, run=first.id, beside=tuple(run.id for run in others))
