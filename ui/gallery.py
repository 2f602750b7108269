"""The gallery of systems on a page: thumbnails drawn in the browser; pressing one tells its number."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from nri_core.gallery import assets
from nri_core.gallery.payload import Thumbnail, payload
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import state

_mount = st.components.v2.component("nri_gallery", **assets()._asdict())


def gallery(
    data: Trajectories, posterior: EdgePosterior, thumbnails: Sequence[Thumbnail], *, key: str, chosen: int, on_choose: Callable[[int], None]
) -> None:
    """Show some systems, in this order; `on_choose` is called with the one that was pressed, counted from 0, before the page runs again.

    As `payload` says; raises DataError as it does.
    """
    shown = frozenset(thumbnail.system for thumbnail in thumbnails)
    _mount(key=key, data=payload(data, posterior, thumbnails, chosen=chosen), on_chosen_change=partial(_heard, key, shown, on_choose))


def _heard(key: str, shown: frozenset[int], on_choose: Callable[[int], None]) -> None:
    """It comes from a browser: only a system that was shown is taken."""
    number = state.heard(key, "chosen")
    if isinstance(number, int | float) and number - 1 in shown:
        on_choose(int(number) - 1)
