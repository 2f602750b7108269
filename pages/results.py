"""Results: the paper's tables, run again."""

import streamlit as st

from nri_core.reproduction.paper import HORIZONS
from nri_core.reproduction.tables import features_note, markdown
from nri_core.snippets import Reproduced, project_path
from ui import share, tables
from ui.controls import bound
from ui.figures import PLAIN
from ui.forms import check_choice, choose_one
from ui.frame import frame
from ui.names import sample_title

with frame("results"):
    with st.container(horizontal=True):
        name = choose_one("Table", "table", tables.TITLES, start="table1", format_func=tables.TITLES.get)
        sources, faults = tables.found(name)
        if len(sources) > 1:
            source = choose_one("Run", "run_by", sources, start="Yours")
        else:
            source = next(iter(sources), None)
        table = tables.table_at(sources[source]) if source else None
        horizon = 10
        if table:
            systems = {sample_title(system): system for system in table.systems}
            check_choice("System", "system_of", systems, start=next(iter(systems)))
            system = systems[st.selectbox("System", systems, **bound("system_of", "System"), width=240)]
        if table and name == "table2":
            horizon = choose_one("Frames ahead", "ahead", HORIZONS, start=horizon)

    for fault in faults:
        st.error(fault, icon=":material/error:")
    if table is None:
        st.info(
            "Nothing has been run yet. This command runs the table for an hour and goes on where it stopped:", icon=":material/terminal:"
        )
        st.code(tables.command(name, "springs5"), language="bash")
    else:
        share.repeated_by(Reproduced(path=project_path(sources[source]), line=tables.command(name, system)))
        st.caption(tables.SENTENCES[name].format(ahead=f"{horizon} frame{'s' * (horizon > 1)}"))
        figure = tables.chart(table, system, horizon)
        st.plotly_chart(figure, key="chart", config=PLAIN, alt=f"{tables.TITLES[name]} of each method, {sample_title(system)}")
        st.caption(
            "Hollow diamonds are quoted from Kipf et al. (2018), who trained 500 times over 50,000 systems. The rest was run here, "
            "on the budget beside it: what was cut short says little about what the method can do. “Marginal likelihood” is not NRI "
            "but its own way of training."
        )
        if note := features_note(table, system):
            st.caption(note)
        tables.show_written(tables.written(table, system))
        st.caption("Run it again, for as long as you like; it goes on where it stopped:")
        st.code(tables.command(name, system), language="bash")
        with st.container(horizontal=True):
            style = {"on_click": "ignore", "icon": ":material/download:"}
            st.download_button("Download JSON", sources[source].read_bytes(), f"{name}.json", "application/json", **style)
            st.download_button("Download Markdown", markdown(table), f"{name}.md", "text/markdown", **style)
