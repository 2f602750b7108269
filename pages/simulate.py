"""Simulate: choose a law, see it move at once, make a dataset of it."""

import streamlit as st

from nri_core.player.payload import NOUNS
from ui import seen, share, state
from ui.controls import bound, pressing
from ui.forms import ask, check_choice, validated
from ui.frame import STAGE_AND_SIDE, frame, next_step
from ui.names import LAWS, literal
from ui.player import player, room

HEIGHT = 468
MOST_PREVIEWED = 200  # frames: longer previews would not be immediate
UNASKED = ("box_size", "label_leak")  # few will move the walls; only the paper's features can leak

with frame("simulate"):
    with st.spinner("Loading the laws of motion"):  # torch
        from nri_core.systems import SYSTEMS, Simulation, simulate
        from ui import simulations

    stage, law = st.columns(STAGE_AND_SIDE, gap="medium")
    with law:
        titles = {LAWS[system].title: system for system in SYSTEMS}
        check_choice("System", "law", titles, start=LAWS["springs"].title)
        name = titles[st.selectbox("System", titles, **bound("law", "System"))]
        chosen, start = SYSTEMS[name], Simulation(num_steps=99)
        answers = ask(Simulation, ["num_nodes"], start=start, sliders=["num_nodes"], labels={"num_nodes": f"{NOUNS[name]}s".capitalize()})
        parameters = ask(chosen, [field for field in chosen.model_fields if field not in UNASKED], start=chosen(), sliders=["probability"])
        if parameters.get("features") == "paper":
            parameters |= ask(chosen, ["label_leak"], start=chosen())
        answers |= ask(Simulation, ["seed"], start=start)
    with stage:
        st.caption(LAWS[name].simulated)
        screen = room("screen", HEIGHT)
        amount, length, button = st.columns(3, vertical_alignment="bottom")
        with amount:
            answers |= ask(Simulation, ["num_sims"], start=start)
        with length:
            answers |= ask(Simulation, ["num_steps"], start=start)
        off = pressing("make_dataset", "Make dataset")
        make = button.container(key="make_dataset").button("Make dataset", type="primary", disabled=off, width="stretch", icon=":material/dataset:", help="As many systems of this kind, each with a graph and a start of its own. The one shown is drawn by itself: its motion is none of theirs.")
        made = st.container()

    system, simulation = validated(chosen, parameters), validated(Simulation, answers)
    previewed = simulation.model_copy(update={"num_sims": 1, "num_steps": min(simulation.num_steps, MOST_PREVIEWED)})
    with screen:
        player(simulations.preview(system, previewed), key="preview", height=HEIGHT)

    share.repeated_by(simulations.screen(name, system, simulation))
    if make:
        words = f"Simulating {simulation.num_sims:,} systems, about {max(simulations.seconds_to_simulate(simulation), 1):,.0f} s"
        with made, st.spinner(words, show_time=True):
            data = simulate(system, simulation)
        state.keep_dataset(simulations.title(name, system, simulation), data, made=simulations.recipe(name, system, simulation))
        st.rerun()  # the links of the menu ask for what was looked at before

    data = state.dataset()
    if not data.shipped:
        with made, st.container(horizontal=True, vertical_alignment="center"):
            if data.made == simulations.recipe(name, system, simulation):
                st.badge(f"{data.trajectories.num_sims:,} systems ready", icon=":material/check:", color="green")
            else:
                st.badge(f"Not these: {data.trajectories.num_sims:,} systems {'made with other settings' if data.made else f'of {literal(data.name)}'} are in use", icon=":material/history:", color="orange")
            next_step("train", "Train on them", {"data": state.MINE})
            next_step("compare", "See what a model reads in them", seen.ask_for_mine("compare"))
            download = {"file_name": "data.npz", "on_click": "ignore", "icon": ":material/download:", "type": "tertiary"}
            st.download_button("Download .npz", lambda: simulations.as_npz(data.trajectories), **download)
