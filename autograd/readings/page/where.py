"""Finds the lines of the user's own Python in which each value was made while a function was traced."""

from __future__ import annotations

import inspect
import sys
import types
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd.readings.outside import is_library
from autograd.tensor import Node, next_tick


class Places:
    """Which line ran when: `of(node)` is the code that made a value, and the number of the line, or None.

    A value knows the tick at which it was made. So it is enough to note a tick at each line that is not NumPy's, the
    engine's or the standard library's, and whenever a function returns to the middle of one.
    """

    def __init__(self) -> None:
        self._ticks: list[int] = []
        self._lines: list[tuple[types.CodeType, int] | None] = []
        self._depth = 0  # of calls

    def __bool__(self) -> bool:
        """Whether any line was noted; none is for a value that was computed before."""
        return bool(self._ticks)

    def _note(self, frame: types.FrameType | None) -> None:
        self._ticks.append(next_tick())
        self._lines.append((frame.f_code, frame.f_lineno) if frame else None)

    def _enter(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        if is_library(frame.f_code):
            return None
        self._depth += 1
        self._note(frame)
        return self._step

    def _step(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self._note(frame)
        elif event == "return":
            self._depth -= 1
            caller = frame.f_back
            while caller is not None and is_library(caller.f_code):
                caller = caller.f_back
            self._note(caller if self._depth else None)  # who called the function itself made no value
        return self._step

    def of(self, node: Node) -> tuple[types.CodeType, int] | None:
        i = bisect(self._ticks, node.tick)
        return self._lines[i - 1] if i else None


@contextmanager
def lines_run() -> Iterator[Places]:
    """Note the lines that run in the block. An active debugger sees nothing of it, and goes on after it."""
    places, before = Places(), sys.gettrace()
    sys.settrace(places._enter)
    try:
        yield places
    finally:
        sys.settrace(before)


def text_of(code: types.CodeType) -> tuple[list[str], int]:
    """Return the lines of a function, and the number of the first; no lines if its file is not at hand."""
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        return [], 0
    return [line.rstrip("\n") for line in lines], max(first, 1)
