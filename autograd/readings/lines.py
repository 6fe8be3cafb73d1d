"""Finds the line of somebody's source in which each value of their function was computed."""

from __future__ import annotations

import linecache
import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from autograd.readings.outside import PLACES
from autograd.recording import scope
from autograd.tensor import Node

MARK = "line "  # how the scope of a line begins


def recorded_lines(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, dict[Any, str]]:
    """Return the value of `f(*args)`, and for each Tensor behind it the line that computed it, as file:line: text.

    The function runs once, slowly: a trace of Python's says which line it is in. Lines of NumPy, of the engine and of
    the standard library are not shown; the lines that called them are.
    """
    with _lines_as_scopes():
        output = f(*args)
    found: dict[Any, str] = {}
    queue = [output] if isinstance(output, Node) else []
    for node in queue:
        if node in found or not node.inputs:
            continue
        found[node] = next((name.removeprefix(MARK) for name in reversed(node.scope) if name.startswith(MARK)), "")
        queue += [x for x in node.inputs if isinstance(x, Node)]
    return output, {node: text for node, text in found.items() if text}


@contextmanager
def _lines_as_scopes() -> Iterator[None]:
    """Give what is computed in the block the scope "line file:number: text", after its other scopes."""
    inside: list[AbstractContextManager[None]] = []
    is_there = cache(os.path.exists)  # a loop comes to the same line often

    def leave() -> None:
        while inside:
            inside.pop().__exit__(None, None, None)

    def note(frame: types.FrameType, event: str, arg: Any) -> Any:
        file = frame.f_code.co_filename
        if file.startswith(PLACES) or file.startswith("<frozen"):
            return None
        if event == "return":  # the line that called goes on
            back = frame.f_back
            if back is not None and not back.f_code.co_filename.startswith(PLACES):
                mark(back)
        elif event in ("call", "line"):
            mark(frame)
        return note

    def mark(frame: types.FrameType) -> None:
        file, number = frame.f_code.co_filename, frame.f_lineno
        leave()
        place = f"{file}:{number}" if is_there(file) else f"line {number}"  # a notebook's cell is in no file
        entered = scope(f"{MARK}{place}: {linecache.getline(file, number).strip()}")
        entered.__enter__()
        inside.append(entered)

    before = sys.gettrace()
    sys.settrace(note)
    try:
        yield
    finally:
        sys.settrace(before)
        leave()
