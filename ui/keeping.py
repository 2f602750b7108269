"""The model of a run, or the mean of those of several, as the model in use."""

from collections.abc import Sequence

import streamlit as st

from nri_core.errors import JobError
from nri_core.jobs import Run
from nri_core.jobs.sweep import averaged
from ui import state


def keep_model_of(runs: Sequence[Run]) -> None:
    """Make it the model in use. Raises JobError for a run without one, and CheckpointError for runs whose models cannot be averaged."""
    first, *others = runs
    if not others:
        if first.checkpoint_dir is None:
            raise JobError(f"Run {first.id[:8]} has no model yet. Wait for it.")
        renamed = first.name != first.data_name
        state.keep_model(first.name if renamed else f"Trained on {first.name}", first.checkpoint_dir, run=first.id)
        return
    with st.spinner("Matching edge types on systems that were held out", show_time=True):
        folder = averaged(runs)
    state.keep_model(f"Mean of {len(runs)} models, {first.name}", folder, run=first.id, beside=tuple(run.id for run in others))
