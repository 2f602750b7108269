"""The only home of streamlit and plotly: what the pages are drawn with."""
