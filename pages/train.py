"""Train: choose data and a recipe, watch the graph form, keep the model."""

import streamlit as st

from nri_core.jobs import prepare, submit
from nri_core.settings import TrainConfig
from ui import kinds, recipes, share, state, visitor
from ui.backends import choose_backend
from ui.caveats import tied
from ui.controls import pressing
from ui.forms import ask, choose_one
from ui.frame import STAGE_AND_SIDE, frame, mistakes_shown
from ui.loading import choose_data, choose_watched, load_model
from ui.player import player
from ui.run_links import list_runs_at_hand, offer_run_under_way
from ui.runs import show_run

RECIPES = {
    "live": "For a laptop: a good graph within seconds, a fine one within a minute or two.",
    "paper": "The model and recipe of Kipf et al. (2018): many hours without a GPU.",
}
MAIN = ("max_seconds", "epochs")

with frame("train"):
    if state.just_entered() and "data" in st.query_params and "run" not in st.query_params:  # a link to the form
        state.unfollow_run()
    followed = state.followed_run()
    if followed:
        show_run(followed)
    else:
        stage, settings = st.columns(STAGE_AND_SIDE, gap="medium")
        said = stage.empty()
        with settings:
            data = choose_data()
            state.show(data.name, f"{data.watchable.num_nodes} nodes · {data.watchable.num_steps} frames", "yet to be trained")
            preset = choose_one("Recipe", "preset", RECIPES, start="live")
            st.caption(RECIPES[preset])
            start = recipes.suited_to(preset, data.watch, prefix=f"{preset}_")
            with st.grid(2):
                answers = ask(TrainConfig, MAIN, start=start, prefix=f"{preset}_")
            train = st.container()
        with stage:
            said.caption("To predict such motion, the model must find out who acts on whom. The graph of this system will form here.")
            screen = st.container()
            watched = choose_watched(data)
            with screen:
                player(watched, key="forming", note="before training", height=468)
            with st.expander("Advanced settings"):
                answers |= recipes.ask_others(without=MAIN, start=start, prefix=f"{preset}_", notes=train)
            unlabelled = st.container()
        with train:
            backend = choose_backend()
            config = recipes.settled(answers, data.watch, start=start, prefix=f"{preset}_")
            if config is not None:
                for sentence in tied(config.undirected, data.watch):
                    st.caption(sentence)
                share.repeated_by(recipes.screen(data.source, preset, config, start))
        with unlabelled:
            kinds.show(data, config, start, backend, prefix=f"{preset}_")
        # The key changes with each run, so that a double click starts one run and not two.
        if config is not None:
            prepare()
        with train:
            offer_run_under_way()
        off = pressing("start_training", "Train", disabled=config is None)
        pressed = train.container(key="start_training").button("Train", type="primary", disabled=off, width="stretch", key=f"train {len(state.runs())}")
        if pressed and config is not None:
            said.caption("Getting the data ready: a second or two.")
            with said, mistakes_shown():
                run = submit(data.make(), config, watch=watched, name=data.name, device=backend.device, engine=backend.engine, user=visitor.who())
                state.follow_run(run.id)
                st.rerun()

    with st.expander("Earlier runs"):
        list_runs_at_hand()
    with st.expander("Load a trained model"):
        load_model()
