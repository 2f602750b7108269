"""Names of columns that pandas keeps in HDF5 as a pickle: its words are read off, and nothing of it is run."""

import pickletools
from typing import Any

from nri_core.errors import DataError

MAX_BYTES = 4 * 1024**2
TEXTS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"}
KEEPS, FETCHES = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
MARK = object()


def names_in(pickled: bytes, where: str) -> list[tuple[str, ...]]:
    """The list of tuples of texts in a pickle. Raises DataError for a pickle of anything else: only lists, tuples, texts and whole numbers are understood."""
    refusal = DataError(f"Expected names of columns in {where}; found something else. Save the table as CSV.")
    if len(pickled) > MAX_BYTES:
        raise refusal
    try:
        found = _value(pickled)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeDecodeError, OverflowError) as error:
        raise refusal from error
    if not isinstance(found, list) or not found or not all(isinstance(one, tuple) and all(isinstance(word, str) for word in one) for one in found):
        raise refusal
    return found


def _value(pickled: bytes) -> Any:
    """What a pickle of lists, tuples, texts and whole numbers holds. Raises ValueError at any other operation, such as the call of a function."""
    stack: list[Any] = []
    kept: dict[int, Any] = {}
    for operation, argument, _ in pickletools.genops(pickled):
        name = operation.name
        if name in TEXTS | NUMBERS:
            stack.append(argument)
        elif name in FETCHES:
            stack.append(kept[int(argument)])
        elif name in KEEPS or name == "MEMOIZE":
            kept[len(kept) if name == "MEMOIZE" else int(argument)] = stack[-1]
        elif name == "MARK":
            stack.append(MARK)
        elif name in ("TUPLE", "LIST"):
            stack.append((tuple if name == "TUPLE" else list)(_since_mark(stack)))
        elif name in TUPLES:
            count = TUPLES[name]
            parts = [stack.pop() for _ in range(count)][::-1]
            stack.append(tuple(parts))
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "APPEND":
            one = stack.pop()
            stack[-1].append(one)
        elif name == "APPENDS":
            several = _since_mark(stack)
            stack[-1].extend(several)
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"{name} is not read")
    raise ValueError("it has no end")


def _since_mark(stack: list[Any]) -> list[Any]:
    parts = []
    while (one := stack.pop()) is not MARK:
        parts.append(one)
    return parts[::-1]
