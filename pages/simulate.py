"""Simulate: choose a law, see it move at once, make a dataset of it."""

import streamlit as st

from ui import state
from ui.forms import ask, check_choice, validated
from ui.frame import STAGE_AND_SIDE, frame, next_step
from ui.player import player

MOST_PREVIEWED = 200  # frames: longer previews would not be immediate
LAWS = {"springs": "Springs", "charged": "Charges"}
ABOUT = {
    "springs": "Invisible springs pull some pairs of particles together. Every simulation draws its own.",
    "charged": "Like charges repel each other, unlike ones attract. Every simulation draws its own.",
}
LABELS = {"probability": "Spring probability", "strengths": "Spring strengths", "strength": "Strength", "noise": "Noise"}

with frame("simulate"):
    from nri_core.systems import SYSTEMS, Simulation, simulate  # torch: only after the menu has painted
    from ui import results

    stage, law = st.columns(STAGE_AND_SIDE, gap="medium")
    with law:
        check_choice("System", "law", LAWS.values(), start="Springs")
        name = st.segmented_control("System", LAWS, default="springs", required=True, format_func=LAWS.get, key="law", bind="query-params")
        chosen, start = SYSTEMS[name], Simulation(num_steps=99)
        answers = ask(Simulation, {"num_nodes": "Particles"}, start=start, sliders=("num_nodes",))
        labels = {field: LABELS[field] for field in chosen.model_fields if field in LABELS}
        parameters = ask(chosen, labels, start=chosen(), sliders=("probability",))
        answers |= ask(Simulation, {"seed": "Seed"}, start=start)
    with stage:
        st.caption(ABOUT[name])
        screen = st.container()
        amount, length, button = st.columns(3, vertical_alignment="bottom")
        with amount:
            answers |= ask(Simulation, {"num_sims": "Simulations"}, start=start)
        with length:
            answers |= ask(Simulation, {"num_steps": "Frames"}, start=start)
        make = button.button("Make dataset", type="primary", width="stretch", icon=":material/dataset:")

    system, simulation = validated(chosen, parameters), validated(Simulation, answers)
    previewed = simulation.model_copy(update={"num_sims": 1, "num_steps": min(simulation.num_steps, MOST_PREVIEWED)})
    with screen:
        player(results.preview(system, previewed), key="preview")

    if make:
        words = f"Simulating {simulation.num_sims:,} systems, about {max(results.seconds_to_simulate(simulation), 1):,.0f} s"
        with law, st.spinner(words, show_time=True):
            made = simulate(system, simulation)
        state.keep_dataset(f"{LAWS[name]}, {simulation.num_nodes} particles, seed {simulation.seed}", made)

    data = state.dataset()
    if not data.shipped:
        with law:
            st.badge(f"{data.trajectories.num_sims:,} systems ready", icon=":material/check:", color="green")
            next_step("train", "Train on them")
            download = {"file_name": "data.npz", "on_click": "ignore", "icon": ":material/download:"}
            st.download_button("Download .npz", lambda: results.as_npz(data.trajectories), width="stretch", **download)
