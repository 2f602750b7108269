"""The player: particles, inferred and true graph and forecast, moving in the browser without asking the server."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from nri_core.player import assets
from nri_core.player.payload import payload
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories

_mount = st.components.v2.component("nri_player", **assets()._asdict())


def player(
    trajectories: Trajectories,
    *,
    key: str,
    sim: int = 0,
    posterior: EdgePosterior | PosteriorOverTime | None = None,
    posterior_sim: int | None = None,
    forecast: Trajectories | None = None,
    forecast_sim: int | None = None,
    caption: str = "",
    height: int = 520,
    note: str = "",
) -> Mapping[str, Any]:
    """Show one system. Calling again with the same `key` and new probabilities keeps it playing where it is.

    The posterior and the forecast may hold one system only: say `posterior_sim=0`. A posterior whose type names are those of
    the truth (see `EdgePosterior.relabelled`) can be coloured right and wrong. `height` is of the whole, on a screen at least
    640 pixels wide. Never sends anything back. Raises DataError when the parts do not belong together.
    """
    content = payload(
        trajectories,
        sim=sim,
        posterior=posterior,
        posterior_sim=posterior_sim,
        forecast=forecast,
        forecast_sim=forecast_sim,
        caption=caption,
        height=height,
        note=note,
    )
    return _mount(key=key, data=content)
