"""The only home of streamlit and plotly: what the pages are drawn with."""

import os

# The server and the training processes that it starts share a few cores. Threads of torch that wait by spinning would then
# slow both down more than tenfold; this must be said before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
