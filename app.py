"""The door: `streamlit run app.py`."""

import streamlit as st

from ui.frame import PAGES, page

# Each page draws its own menu, because a cold deep link runs it without this file.
st.navigation([page(name) for name in PAGES], position="hidden").run()
