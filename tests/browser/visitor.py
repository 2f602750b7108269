"""A user without a browser: speaks to the server as the page does, so that many fit on one machine."""

import time
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.browser.server import ROOT

PAGES = tuple(path.stem for path in sorted((ROOT / "pages").glob("*.py")))


class Visitor:
    """One session on a server. As a context manager; leaving it closes the tab."""

    def __init__(self, url: str) -> None:
        self._socket = connect(f"{url.replace('http', 'ws', 1)}/_stcore/stream", subprotocols=["streamlit"], max_size=None, open_timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def visit(self, page: str, query: str = "", *, patience: float = 120) -> float:
        """Ask for a page; the seconds until the server has sent all of it. Raises RuntimeError if the page stopped at a fault of the program."""
        asked = BackMsg()
        asked.rerun_script.page_name, asked.rerun_script.query_string = page, query
        start = time.monotonic()
        self._socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self._socket.recv(timeout=patience))
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(f"{page}: {message.delta.new_element.exception.type}")
            if kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return time.monotonic() - start
