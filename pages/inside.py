"""Inside the model: from motion to the next state, stage by stage, with the numbers of one edge."""

import streamlit as st

from ui import screens, share, state
from ui.caveats import warn_unlike
from ui.frame import frame, next_step
from ui.player import room

HEIGHT = 444

with frame("inside"):
    with st.spinner("Loading what reads graphs"):  # torch
        from ui import choices, inside, readings

    stage, notes = room("stage", HEIGHT), st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen_data = choices.choose_data()
        data = chosen_data.trajectories
        model = choices.choose_model(chosen_data)
        state.show(chosen_data.name, chosen_data.size, model.name if model else "none that can read them")
        checkpoint = readings.checkpoint(model.folder) if model else None
        followed = inside.follow(data, checkpoint.config.window) if checkpoint else None

    if checkpoint is not None:
        with stage:
            reading, names = inside.known(model, data, followed.system), inside.names_of(model, checkpoint, data)
            found = inside.told(checkpoint, data, followed, reading, names)
            here = inside.step(found)
            share.repeated_by(screens.inside(chosen_data, model, followed, here.title))
            inside.show(here, followed, data, *inside.beliefs(checkpoint, data, followed, reading, names))
        with notes:
            inside.explain_gaps(checkpoint, reading)
        inside.offer_numbers(here)
        warn_unlike(checkpoint.config, data)
    with st.container(horizontal=True):
        next_step("explore", "See the whole graph move")
        next_step("compare", "Compare it, system by system")
        next_step("train", "Train a model of your own")
