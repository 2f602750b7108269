"""The tour through the lessons: where one is, on and back, and what is said around the player."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import state
from ui.controls import held, hidden
from ui.forms import choose_one
from ui.frame import STAGE_AND_SIDE, mistakes_shown, next_step, seen_from_top
from ui.lessons import LESSONS, Lesson, address

EXAMPLES = "Examples"
PLACES = (*(str(number) for number in range(1, len(LESSONS) + 1)), EXAMPLES)
_KEY = "lesson"
_COLUMN = ".st-key-screen > * > * > [data-testid=stColumn]"
_ON_A_PHONE = f"""<style>@media (max-width: 640px) {{
{_COLUMN}, {_COLUMN} > [data-testid=stVerticalBlock] {{ display: contents; }}
.st-key-screen > * > :has(> [data-testid=stColumn]) {{ flex-direction: column; flex-wrap: nowrap; }}
:has(> .st-key-moved) {{ order: -1; }}
:has(> .st-key-words) {{ order: 1; }}
.st-key-places [data-testid=stButtonGroup] button {{ min-width: 0; padding: 0 0.55rem; }}
}}
@media (min-width: 641px) {{ .st-key-onward {{ display: none; }} }}</style>"""  # first what one moves, then the player, last what is said of it


def choose_place() -> str:
    """A number for each lesson, then the examples; Back, Next and Skip, also by keys that the player leaves free. The address holds the place."""
    st.html(_ON_A_PHONE)
    with st.container(key="places", horizontal=True, vertical_alignment="center", gap="small"):
        chosen = choose_one("Lesson", _KEY, PLACES, start=PLACES[0], on_change=address.leave, label_visibility="collapsed", wrap=True)
        here = PLACES.index(chosen)
        seen_from_top(f"{chosen} {address.example()} {address.restarts()}")
        if held(_KEY):  # a teacher's link keeps to this one
            return chosen
        before, after = PLACES[max(here - 1, 0)], PLACES[min(here + 1, len(PLACES) - 1)]
        back = {"on_click": address.leave} if address.example() and chosen == EXAMPLES else {"on_click": _go, "args": (before,)}
        st.button("Back", **back, disabled=here == 0, shortcut="b", icon=":material/arrow_back:")
        if chosen != EXAMPLES:
            st.button("Next", on_click=_go, args=(after,), type="primary", shortcut="f", icon=":material/arrow_forward:")
            st.button("Skip the tour", on_click=_go, args=(EXAMPLES,), type="tertiary")
    return chosen


def _go(place: str) -> None:
    address.leave()
    state.choose({_KEY: place})


def show_lesson(place: str) -> None:
    """Aim, what is moved, what one should see, and a question whose answer waits."""
    number = PLACES.index(place) + 1
    lesson = LESSONS[number - 1]
    title = lesson.title if lesson.title.endswith("?") else f"{lesson.title}."
    st.markdown(f"**{number} of {len(LESSONS)} · {title}** {lesson.aim}")
    with st.container(key="screen"):
        stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
    with mistakes_shown(), st.spinner("Getting the lesson ready"):
        lesson.show(stage, side)
    _show_words(lesson, stage.container(key="words"))


def _show_words(lesson: Lesson, stage: DeltaGenerator) -> None:
    unseen = hidden("truth") and not lesson.blind
    stage.info(f"**{'What you should see; some of it only beside the true graph, which this link hides.' if unseen else 'What you should see.'}** {lesson.see}", icon=":material/visibility:")
    with stage.expander(f"**{lesson.question}**", icon=":material/help:", key=f"answer {lesson.name}"):
        st.write(lesson.answer)
    if lesson.further:
        with stage:
            next_step(*lesson.further)
    if held(_KEY):
        return
    after = PLACES[PLACES.index(str(LESSONS.index(lesson) + 1)) + 1]
    stage.button(f"Next: {_called(after)}", key="onward", on_click=_go, args=(after,), type="primary", icon=":material/arrow_forward:")  # on a phone, where the first one is far above


def _called(place: str) -> str:
    return place.lower() if place == EXAMPLES else LESSONS[int(place) - 1].title
