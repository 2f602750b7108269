"""Files from the browser to a recording: looked into and read apart, corrected, remembered."""

import hashlib
import shutil
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path, PurePath
from tempfile import mkdtemp
from typing import Any, BinaryIO

import streamlit as st

from nri_core.errors import DataError, JobError, NRIError
from nri_core.importers import READERS, changed, reader_of
from nri_core.importers.apart import inspect_apart, read_apart
from nri_core.importers.contract import Inspection
from nri_core.importers.memory import recall, remember
from nri_core.importers.samples import SAMPLES
from nri_core.jobs import open_run
from nri_core.jobs.contract import runs_directory
from ui import state
from ui.forms import note
from ui.frame import mistakes_shown
from ui.mapping import LAYOUTS, UNITS, ask_format, ask_options, corrected, show_understood
from ui.names import literal, sentence
from ui.temporary import new_folder
from ui.upload import Brought, Upload

REMEMBERED = "understood.json"
OF_ONE_FILE = (*UNITS, "rate", "step")  # the next file, perhaps somebody else's, may be in other units


def bring(files: Sequence[BinaryIO], form: str | None = None) -> Upload:
    """The files as they are understood; what was brought before goes only once this one could be. Raises DataError."""
    digest = hashlib.sha256(repr([(file.name, file.size, file.file_id) for file in files]).encode()).hexdigest()
    brought = state.own(Brought)
    for before in (brought.upload, brought.unread):
        if before is not None and before.digest == digest:
            return before
    folder = new_folder()
    try:
        paths = tuple(_write(folder, file) for file in files)
        with st.spinner("Looking into the file"):
            guess = inspection = inspect_apart(paths, form=form)
            options = _recalled(inspection)
            written = {name: options[name] for name in getattr(reader_of(inspection.format), "written", ()) if options[name] != inspection.options[name]}
            if written:
                inspection = inspect_apart(paths, form=inspection.format, written=options)
    except BaseException:  # whatever ends it, its files go
        shutil.rmtree(folder, ignore_errors=True)
        raise
    upload = Upload(digest, folder, paths, inspection, options, guess=guess, recalled=options)
    weakref.finalize(upload, shutil.rmtree, folder, ignore_errors=True)
    return upload


def _recalled(inspection: Inspection) -> dict[str, Any]:
    """The guess, but for what was corrected in a file of this shape; other columns bring their own units."""
    return changed(inspection.options, recall(runs_directory() / REMEMBERED, inspection.signature), inspection.preview)


def bring_and_read(files: Sequence[BinaryIO]) -> None:
    """New files, from the browser to a recording; a mistake is said, and how to go on."""
    try:
        brought = bring(files)
    except NRIError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        form = choose_format(files)
        if form is None:
            return
        with mistakes_shown():
            brought = bring(files, form)
            if brought is not state.own(Brought).upload:
                show_reading(brought)
        return
    if brought is not state.own(Brought).upload:
        show_reading(brought)


def choose_format(files: Sequence[BinaryIO]) -> str | None:
    """Where nobody recognised the files: by which reader to read them all the same."""
    name = " ".join(file.file_id for file in files)
    return st.selectbox(
        "Read it as", READERS, index=None, format_func=lambda form: READERS[form].title, placeholder="Choose a format", key=f"read as {name}", label_visibility="collapsed"
    )


def show_reading(upload: Upload) -> None:
    """Read a file that was just brought; where that fails, say why and let the user correct how it is understood."""
    if not upload.mistake:
        _read_or_say(upload, lambda: upload.options)
    st.error(sentence(upload.mistake), icon=":material/error:")
    correct(upload)


def _read_or_say(upload: Upload, settled: Callable[[], dict[str, Any]]) -> None:
    """Read with these options, and draw the page anew; where that fails, keep why, for a file that was not read yet, or show it."""
    try:
        _read(upload, settled())
    except NRIError as error:
        if state.own(Brought).upload is upload:
            st.error(sentence(str(error)), icon=":material/error:")
            return
        upload.mistake = str(error)
        state.own(Brought).keep(upload, read=False)
    st.rerun()


def offer_samples() -> None:
    """A file of each shape to download and look into."""
    largest = st.get_option("server.maxUploadSize")
    command = "`python -m nri_core import FILE --suggested --out data.npz`"
    st.caption(f"For files of more than {largest} MB run {command} and bring `data.npz`.")
    with st.expander("Which files can be read?"), st.grid(3):
        for reader in READERS.values():
            missing = " and ".join(name for name in reader.packages if find_spec(name) is None)
            st.markdown(f"**{reader.title}**  \n{' '.join(reader.suffixes)}" + (f"  \n:orange[{missing} is missing: `pip install -r requirements-formats.txt`]" if missing else ""))
    st.markdown("No file at hand? Take one of these, look into it, and drop it above.")
    for kind in dict.fromkeys(sample.kind for sample in SAMPLES.values()):
        st.markdown(f"**{kind}**")
        with st.grid(3):
            for sample in SAMPLES.values():
                if sample.kind == kind:
                    with st.container(gap="xxsmall"):
                        st.download_button(sample.file, sample.text, file_name=sample.file, on_click="ignore", icon=":material/download:", type="tertiary")
                        st.caption(sample.about)


def say_what_lacks_its_file() -> None:
    """Where what is in use has no true graph, and the file that one could be given to is not here: after a reload, by a link, or put aside."""
    own, model = state.own_dataset(), state.own_model()
    lacking = own.name if own and own.trajectories.edge_types is None else ""
    with suppress(JobError):  # the run's folder may be gone
        if own is None and model and model.run and (run := open_run(model.run)).watched().edge_types is None:
            lacking = run.data_name
    if lacking:
        note("gray", "info", f"“{literal(lacking)}” is in use without its file. To give it a known graph, bring the file once more, and the graph with it.")


def take_truth(upload: Upload) -> None:
    """A known graph, if there is one, as soon as it is chosen: only to compare with, never to learn from."""
    meaning = "An edge list (source, target), an adjacency matrix, or GraphML, with the names of the nodes. It is only compared with; training never sees it."
    with st.popover("Known graph", icon=":material/share:", width="stretch", help="If you know who acts on whom."):
        st.caption(meaning)
        file = st.file_uploader("Known graph", ["csv", "tsv", "txt", "graphml"], label_visibility="collapsed", key=f"truth {upload.digest}")
        mutual = "Else an edge acts from its source to its target alone, and a model that takes both directions to be alike cannot be right about it."
        both_ways = st.toggle("Each edge acts both ways", key=f"mutual {upload.digest}", help=mutual)
        if upload.known_graph:
            st.markdown(f":small[:material/check: {upload.known_graph}]")
    if file is None:
        return
    asked = (file.file_id, both_ways)
    if asked != upload.asked or not (upload.known_graph or upload.refused):  # also where a step was taken back that had it
        upload.asked, upload.refused = asked, ""
        try:
            upload.know(_write(Path(mkdtemp(dir=upload.folder)), file), both_ways=both_ways)
        except NRIError as error:
            upload.refused = str(error)
        else:
            st.rerun()
    if upload.refused:
        st.error(sentence(upload.refused), icon=":material/error:")


def correct(upload: Upload) -> None:
    """What was understood, and a form to correct it."""
    show_understood(upload.inspection, corrected(upload.inspection, upload.options, remembered=upload.remembered))
    key = f"{upload.digest} {upload.inspection.signature} {upload.looks}"
    options = dict(upload.options)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if "layout" in options:  # by itself: the other questions depend on it
            options["layout"] = st.segmented_control("Layout", LAYOUTS, default=options["layout"], required=True, format_func=LAYOUTS.get, key=f"layout {key}")
        form = ask_format(upload.inspection.format, key=key)
    if form != upload.inspection.format:
        _read_or_say(upload, lambda: _in_format(upload, form))
    with st.form(f"options {key}", border=False):
        answers = ask_options(upload.inspection, options, key=key)
        again = st.form_submit_button("Read it again like this", icon=":material/refresh:")
    if again:
        _read_or_say(upload, lambda: _as_written(upload, answers))


def _in_format(upload: Upload, form: str) -> dict[str, Any]:
    """As another reader understands it. Raises DataError."""
    inspection = inspect_apart(upload.paths, form=form)
    upload.look(inspection, _recalled(inspection))
    return upload.options


def _as_written(upload: Upload, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers, with the unit of another column of time; where it is written otherwise than was thought, looked into again, with another guess of its columns
    if they are others. Raises DataError."""
    before = upload.inspection
    written = {name: answers[name] for name in getattr(reader_of(before.format), "written", ())}
    if all(upload.options.get(name) == value for name, value in written.items()):
        made = changed(upload.options, {name: value for name, value in answers.items() if value != upload.options.get(name)}, before.preview)
        if made != answers:
            upload.look(before, made)
        return made
    inspection = inspect_apart(upload.paths, form=before.format, written=written)
    same = before.preview is not None and inspection.preview is not None and before.preview.header == inspection.preview.header
    upload.look(inspection, inspection.options | (answers if same else written))
    return upload.options


def _read(upload: Upload, options: dict[str, Any]) -> None:
    """In full, with progress; pressing anything stops it, and what was read before stays. Raises DataError."""
    with st.empty().container():
        bar = st.empty()
        cancel = st.empty()
        cancel.button("Cancel", icon=":material/close:", key=f"cancel reading {upload.digest} {upload.looks}", on_click=state.own(Brought).drop)
        try:
            recording = read_apart(
                upload.paths, form=upload.inspection.format, options=options, progress=lambda share: bar.progress(share, f"Reading the file, {share:.0%}")
            )
        finally:
            bar.empty()
            cancel.empty()
    guess = upload.guess if upload.guess.format == upload.inspection.format else upload.inspection
    upload.options = options
    upload.start(recording)
    state.own(Brought).keep(upload)
    if options != guess.options:
        remember(runs_directory() / REMEMBERED, guess.signature, {name: value for name, value in options.items() if name not in OF_ONE_FILE and value != guess.options.get(name)})


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
