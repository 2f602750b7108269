"""The examples: named systems as cards with one line “look for …”, and the one that is open, with what can be moved in it. Loads no torch by itself."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import NRIError
from nri_core.player import Opening
from nri_core.presets import Preset, preset_files
from ui import samples, screens, share, state
from ui.controls import bound, hidden
from ui.forms import check_choice, choose_system, note
from ui.frame import STAGE_AND_SIDE, mistakes_shown, next_step
from ui.lessons import address
from ui.lessons.systems import moved
from ui.names import LAWS, literal
from ui.player import player

FOLDER = samples.SAMPLE_DATA / "presets"
_COLUMNS, _COLUMNS_BELOW_A_STAGE, _HEIGHT = 4, 3, 424
_FEWEST = 3  # frames to read


def show_examples(folder: Path = FOLDER) -> None:
    """The open one, if the address names one, with the others folded away: a page left long would stay scrolled down to them; else all as cards."""
    presets, refused = _all(folder)
    name = address.example()
    if name in presets:
        with mistakes_shown():
            stage = _show(folder / f"{name}.json", presets[name])
            with stage.expander("Other examples", icon=":material/apps:", key=f"others than {name}"):
                _show_cards(presets, name, columns=_COLUMNS_BELOW_A_STAGE)
    else:
        if name:
            note("orange", "link_off", literal(refused.get(name) or f"There is no example named “{name[:40]}”. Choose one of these."))
        look = "find out who acts on whom" if hidden("truth") else "look for what it says"
        st.markdown(f"**{len(presets)} systems worth a look, failures among them.** Open one, {look}, then move something.")
        _show_cards(presets, name)
    for sentence in refused.values():
        note("orange", "warning", literal(sentence))


def _all(folder: Path) -> tuple[dict[str, Preset], dict[str, str]]:
    """By name, in their order; and for each that cannot be read, why."""
    found, refused = {}, {}
    for path in preset_files(folder):
        try:
            found[path.stem] = Preset.load(path)
        except NRIError as error:
            refused[path.stem] = str(error)
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0]))), refused


def _show_cards(presets: dict[str, Preset], name: str, columns: int = _COLUMNS) -> None:
    names = list(presets)
    for first in range(0, len(names), columns):
        for column, other in zip(st.columns(columns), names[first : first + columns], strict=False):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{literal(presets[other].title)}**" + ("" if hidden("truth") else f"  \n:small[Look for: {literal(presets[other].look_for)}]"))
                label = f"Open “{presets[other].title}”"
                st.button("Open", key=f"open {other}", on_click=address.open_example, args=(other,), disabled=other == name, icon=":material/play_arrow:", help=label)


def _show(path: Path, preset: Preset) -> DeltaGenerator:
    """Simulated and read at once; frames, noise and seed can be moved, and stay in the address. Gives the column of the player."""
    told = "Find out who acts on whom, how sure the model is, and whether its forecast holds. (What else to look for would tell what this link hides.)"
    what = told if hidden("truth") else f"Look for: {literal(preset.look_for)}"
    st.markdown(f"**{literal(preset.title)}{'' if preset.title.endswith('?') else '.'}** {what}")
    with st.container(key="screen"):
        stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
    name = path.stem
    with moved(side):
        varied = _vary(name, preset)
    with stage, st.spinner("Simulating, and reading the graphs"):
        from ui.example_readings import read  # torch

        found = read(varied)
    state.show(preset.title, state.Dataset(preset.title, found.data).size, found.reader)
    with side:
        system = choose_system(found.data.num_sims, key=f"{name}_system", start=preset.shown)
        share.repeated_by(screens.example(path, preset, varied, system))
        for label, value, meaning in found.figures(system):
            st.metric(label, value, help=meaning)
    with stage:
        caption = f"Read by {found.reader} from the first {varied.frames} frames."
        shown = {"caption": caption, "height": _HEIGHT, "view": preset.view, "opening": Opening(hidden=("keep", "temperature", "loop", "threshold"))}
        player(found.data, key=f"example {name}", sim=system, posterior=found.posterior, forecast=found.forecast, **shown)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("All examples", on_click=address.leave, icon=":material/arrow_back:", type="tertiary")
            next_step("simulate", _simulated(varied), _as_address(varied))
    return stage


def _vary(name: str, preset: Preset) -> Preset:
    """The preset as it is moved: what stands in the address is checked, and refused in a sentence."""
    most = samples.window(preset.reader)
    longest = min(preset.num_steps, most or 99)
    changes: dict[str, object] = {}
    key = f"{name}_frames"
    check_choice("Frames read", key, range(_FEWEST, longest + 1), start=preset.frames)
    changes["frames"] = st.slider("Frames read", _FEWEST, longest, min(preset.frames, longest), **bound(key, "Frames read"), help=f"The model reads {most} at most." if most else None)
    if not preset.start:
        key, noise = f"{name}_noise", float(preset.parameters.get("noise", 0))
        steps = sorted({0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, noise})
        check_choice("Noise", key, steps, start=noise)
        about = "Standard deviation of what is added to what is seen, in the units of the simulator."
        seen_with = st.select_slider("Noise", steps, noise, **bound(key, "Noise"), help=about)
        changes["parameters"] = preset.parameters if seen_with == noise else {**preset.parameters, "noise": seen_with}
        key = f"{name}_seed"
        check_choice("Seed", key, range(1000), start=preset.seed)
        changes["seed"] = st.number_input("Seed", 0, 999, preset.seed, **bound(key, "Seed"), help="Other systems under the same law.")
    return preset.model_copy(update=changes)


def _simulated(preset: Preset) -> str:
    """What the page Simulate makes of it: it sets no start, hides no particle and cuts nothing short, and where these are what fails, the link says so."""
    otherwise = {
        "with random starts and graphs": bool(preset.start),
        f"all {preset.num_nodes} particles seen": bool(preset.hidden),
        "to be read in full": preset.frames < Preset.model_fields["frames"].default,
    }
    return ", ".join(["Simulate such systems", *(words for words, holds in otherwise.items() if holds)])


def _as_address(preset: Preset) -> dict[str, str]:
    """What the page Simulate reads of it."""
    told = {"law": LAWS[preset.system].title, "num_nodes": preset.num_nodes, "seed": preset.seed} | preset.parameters
    return {name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value) for name, value in told.items()}
