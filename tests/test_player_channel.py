"""What the player says reaches Python: events once, what it keeps until it says something else."""

from streamlit.testing.v1 import AppTest

from nri_core.player import assets


def _script() -> None:
    import numpy as np
    import streamlit as st

    from nri_core.trajectories import Trajectories
    from ui.player import player

    told = player(Trajectories(np.zeros((1, 3, 2, 2)), ("x", "y")), key="one")
    st.session_state["heard"] = (told.edit, told.guess, told.view)


def test_a_silent_player_tells_nothing() -> None:
    app = AppTest.from_function(_script).run()
    assert not app.exception
    assert app.session_state["heard"] == (None, None, None)


def test_what_the_browser_keeps_is_told_in_every_run() -> None:
    app = AppTest.from_function(_script).run()
    app.session_state["one"] = {"view": {"frame": 7}}
    for _ in range(2):
        app.run()
        assert app.session_state["heard"] == (None, None, {"frame": 7})


def test_the_player_speaks_only_where_somebody_listens() -> None:
    script = assets().js
    assert "setTriggerValue ?? nowhere" in script and "setStateValue ?? nowhere" in script  # the exported file has no server
    assert script.count("setTriggerValue") == 2 and script.count("setStateValue") == 2  # at one place


def test_no_string_of_the_script_goes_over_a_line() -> None:
    assert all(line.count("`") % 2 == 0 for line in assets().js.splitlines()), "indentation is taken out before it travels"
