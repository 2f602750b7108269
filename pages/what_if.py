"""What if: drag a particle, change an edge, and simulation, inference and forecast follow."""

import streamlit as st

from ui import screens, state
from ui.caveats import warn_unlike
from ui.frame import frame, next_step
from ui.names import literal
from ui.player import player, room
from ui.seen import choose_system

HEIGHT = 508

with frame("what_if"):
    with st.spinner("Loading the laws and the models"):  # torch
        from ui import choices, futures, what_if

    stage = room("stage", HEIGHT + 40)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        data = choices.choose_data()
        model = choices.choose_model(data, needs_graph=True)
        system = choose_system(data.trajectories.num_sims, width=180)
        next_step("compare", "Compare all systems")
        next_step("simulate", "Make your own")
    state.show(data.name, data.size, model.name if model else "none that can read them")

    with stage:
        if model is None:
            st.caption(f"“{literal(data.name)}”, as it was recorded. Choose a model that fits to change anything.")
            player(data.trajectories, key="recorded", sim=system, height=HEIGHT)
        else:
            scene = futures.scene(data, system, model)
            what_if.introduce(scene)
            what_if.explore(scene, height=HEIGHT, source=screens.asked(data, model, system))
    if model is not None:
        warn_unlike(scene.checkpoint.config, data.trajectories)
