"""Runs: every training at hand; find one, compare several, keep, share or put them away."""

import streamlit as st

from nri_core.jobs import advance
from ui import shelf
from ui.frame import frame, next_step

with frame("runs"):
    advance()
    shelf.show_deleted()
    entries = shelf.entries()
    if not entries:
        st.caption("A run is one training: its settings, its curves, the graphs it found and its model. There is none yet.")
        next_step("train", "Train a model")
    else:
        st.caption("Every training of this server that you may see. Choose one to open it, several to compare them.")
        found = shelf.filtered(entries)
        chosen = shelf.choose(found)
        if len(chosen) == 1:
            shelf.show_one(chosen[0])
        elif chosen:
            shelf.show_several(chosen)
        shelf.show_sweeps(found)
    with st.expander("Open a run from another machine"):
        shelf.upload()
