"""Your data: bring files of anything that moves, see how they are understood, mend them, use them."""

import streamlit as st

from nri_core.command_line.importing import command
from nri_core.exporters import View
from nri_core.preparation.cutting import left_out, suggested_window
from nri_core.snippets import Imported
from ui import seen, share, state
from ui.controls import pressing
from ui.exports import offer_exports
from ui.forms import note
from ui.frame import STAGE_AND_SIDE, frame, mistakes_shown, next_step
from ui.mapping import corrected
from ui.mending import show_findings, show_steps, show_trial
from ui.names import sentence
from ui.player import player
from ui.reading import bring_and_read, correct, offer_samples, say_what_lacks_its_file, take_truth
from ui.upload import Brought, plan_of, preview

WELCOME = (
    "Bring a file of anything that moves: fish, players, particles, joints. No labels are needed. "
    "A row for each individual and time is best (time, who, x, y); most other shapes are understood as well."
)

with frame("upload"):
    brought, off = state.own(Brought), pressing("use_data", "Use this data")
    upload = brought.upload
    st.caption(WELCOME if upload is None else sentence(" ".join(corrected(upload.inspection, upload.options, remembered=upload.remembered))))
    files = st.file_uploader("Files", accept_multiple_files=True, key=f"files {brought.put_aside}", label_visibility="collapsed")
    if files:
        bring_and_read(files)
    if upload is None:
        say_what_lacks_its_file()
        offer_samples()
    else:
        stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
        recording = upload.now.recording
        with side:
            st.markdown(upload.size)
            place = 0
            if len(recording.trials) > 1:
                place = st.number_input("Recording shown", 1, len(recording.trials), 1, key=f"shown {upload.digest} {len(recording.trials)}") - 1
            first, stride = suggested_window(recording)
            meaning = "Models read stretches of equal length; windows of one recording are held out together."
            whole = st.toggle("Cut into windows", value=upload.now.suggested.window is not None, key=f"cut {upload.digest} {len(upload.steps)}", help=meaning)
            window = st.number_input("Frames of a window", 3, 10_000, first, key=f"window {upload.digest} {len(upload.steps)}") if whole else None
            stride = st.number_input("Frames between two starts", 1, 10_000, stride, key=f"stride {upload.digest} {len(upload.steps)}") if whole else None
            if said := left_out(recording, window):
                st.caption(said)
            take_truth(upload)
            use = st.container(key="use_data").button("Use this data", type="primary", disabled=off or recording.num_nodes < 2, width="stretch", icon=":material/check:")
            said = st.container()
        with stage:
            show_trial(upload)
            shown = preview(upload.shown, place)
            if shown is not None:
                trial = upload.shown.trials[min(place, len(upload.shown.trials) - 1)]
                part = f", its first {shown.num_steps:,} frames" if trial.num_frames > shown.num_steps else ""
                player(shown, key="brought", note=f"recording {trial.name}{part}", height=420)
            show_findings(upload)
            show_steps(upload)
        plan = plan_of(upload, window=window, stride=stride)
        names = [path.name for path in upload.paths]
        line = command(names, plan, *upload.known)
        share.repeated_by(Imported(files=names, plan=plan.model_dump(mode="json", exclude_defaults=True), line=line, known=upload.known))
        if use:
            with said, mistakes_shown():
                state.keep_dataset(upload.name, plan.cut(recording))
                upload.used = (recording, window, stride)
                st.rerun()  # the links of the menu ask for what was looked at before
        if state.dataset().name == upload.name:
            with said:
                if upload.used == (recording, window, stride):
                    st.success(f"{state.dataset().size}. Ready.", icon=":material/check:")
                else:
                    note("orange", "history", "In use is how it was before. Press “Use this data” for how it is now.")
                next_step("train", "Train on it", {"data": state.MINE})
                next_step("compare", "Compare", seen.ask_for_mine("compare"))
                offer_exports(View(state.dataset().trajectories, title=upload.name), key="upload", name=upload.name)
        with st.expander("How the file was understood, and correcting that"):
            correct(upload)
        with st.expander("Repeat this without the app"):
            st.code(line, language="bash")
        st.button("Put it aside and choose other files", on_click=brought.forget, type="tertiary", icon=":material/close:")
