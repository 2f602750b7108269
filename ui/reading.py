"""Files from the browser to a recording: looked into and read apart, corrected, remembered."""

import hashlib
import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path, PurePath
from tempfile import mkdtemp
from typing import Any, BinaryIO

import streamlit as st

from nri_core.errors import DataError, NRIError
from nri_core.importers.apart import inspect_apart, read_apart
from nri_core.importers.memory import recall, remember
from nri_core.importers.samples import SAMPLES
from nri_core.jobs.contract import runs_directory
from ui import state
from ui.mapping import ask_options, show_understood
from ui.names import literal
from ui.upload import Upload

REMEMBERED = "understood.json"


def bring(files: Sequence[BinaryIO], form: str | None) -> Upload:
    """The files as they are understood; what was brought before goes only once this one could be. Raises DataError."""
    digest = hashlib.sha256(repr((form, [(file.name, hashlib.sha256(file.getbuffer()).hexdigest()) for file in files])).encode()).hexdigest()
    before = state.upload()
    if before is not None and before.digest == digest:
        return before
    folder = Path(mkdtemp(prefix="nri-upload-"))
    try:
        paths = tuple(_write(folder, file) for file in files)
        with st.spinner("Looking into the file"):
            inspection = inspect_apart(paths, form=form)
    except BaseException:  # whatever ends it, its files go
        shutil.rmtree(folder, ignore_errors=True)
        raise
    options = inspection.options | recall(runs_directory() / REMEMBERED, inspection.signature)
    upload = Upload(digest, folder, paths, inspection, options)
    weakref.finalize(upload, shutil.rmtree, folder, ignore_errors=True)
    return upload


def show_reading(upload: Upload) -> None:
    """Read a file that was just brought; where that fails, say why and let the user correct how it is understood."""
    try:
        _read(upload, upload.options)
    except NRIError as error:
        st.error(literal(str(error)), icon=":material/error:")
        correct(upload)
    else:
        st.rerun()


def offer_samples() -> None:
    """A file of each shape to download and look into."""
    st.caption("No file at hand? Take one of these, look into it, and drop it above.")
    with st.grid(3):
        for sample in SAMPLES.values():
            with st.container():
                st.download_button(sample.file, sample.text, file_name=sample.file, on_click="ignore", icon=":material/download:", width="stretch")
                st.caption(sample.about)


def take_truth(upload: Upload) -> None:
    """A known graph, if there is one: only to compare with, never to learn from."""
    meaning = "An edge list (source, target), an adjacency matrix, or GraphML, with the names of the nodes. It is only compared with; training never sees it."
    with st.popover("Known graph", icon=":material/share:", width="stretch", help="If you know who acts on whom."):
        st.caption(meaning)
        file = st.file_uploader("Known graph", ["csv", "tsv", "txt", "graphml"], label_visibility="collapsed", key=f"truth {upload.digest}")
        if file is not None and st.button("Compare with it", type="primary"):
            try:
                upload.know(_write(Path(mkdtemp(dir=upload.folder)), file))
            except NRIError as error:
                st.error(literal(str(error)), icon=":material/error:")
            else:
                st.rerun()


def correct(upload: Upload) -> None:
    """What was understood, and a form to correct it."""
    show_understood(upload.inspection)
    options = dict(upload.options)
    if "layout" in options:  # by itself: the other questions depend on it
        words = {"long": "A row for each node and time", "wide": "Columns for each node"}
        options["layout"] = st.segmented_control("Layout", words, default=options["layout"], required=True, format_func=words.get, key=f"layout {upload.digest}")
    with st.form(f"options {upload.digest}", border=False):
        answers = ask_options(upload.inspection, options, key=upload.digest)
        again = st.form_submit_button("Read it again like this", icon=":material/refresh:")
    if again:
        try:
            _read(upload, answers)
        except NRIError as error:
            st.error(literal(str(error)), icon=":material/error:")
        else:
            st.rerun()


def _read(upload: Upload, options: dict[str, Any]) -> None:
    """In full, with progress; pressing anything stops it, and what was read before stays. Raises DataError."""
    with st.empty().container():
        bar = st.empty()
        cancel = st.empty()
        cancel.button("Cancel", icon=":material/close:", key="cancel reading", on_click=state.forget_upload)
        try:
            recording = read_apart(
                upload.paths, form=upload.inspection.format, options=options, progress=lambda share: bar.progress(share, f"Reading the file, {share:.0%}")
            )
        finally:
            bar.empty()
            cancel.empty()
    upload.options = options
    upload.start(recording)
    state.keep_upload(upload)
    if options != upload.inspection.options:
        remember(runs_directory() / REMEMBERED, upload.inspection.signature, options)


def _write(folder: Path, file: BinaryIO) -> Path:
    """Under its own name without any folder: a name may try to leave."""
    name = PurePath(file.name.replace("\\", "/")).name.replace("\0", "")[-120:]
    if name in ("", ".", ".."):
        raise DataError(f"Expected a file with a name; found {file.name!r}. Rename it.")
    path = folder / name
    if path.exists():
        raise DataError(f"Expected files with different names; {name} came twice. Rename one of them.")
    path.write_bytes(file.getbuffer())
    return path
