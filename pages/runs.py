"""Runs: every training at hand; find one, compare several, keep, share or put them away."""

import streamlit as st

from ui import shelf
from ui.frame import frame

with frame("runs"):
    shelf.show_deleted()
    shelf.show_runs()
    with st.expander("Open a run from another machine"):
        shelf.upload()
