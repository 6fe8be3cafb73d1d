"""Handles Ctrl-C and SIGTERM: none is lost, and they wait where something must be finished."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

TERMINATED = 128 + signal.SIGTERM  # the exit code that a shell shows for a program that SIGTERM ended


def _may_handle() -> bool:
    return threading.current_thread() is threading.main_thread()  # the others can neither set a handler nor run one


class Deferred:
    """Holds Ctrl-C and SIGTERM back while its block runs. What arrived is delivered at the end, as it would have
    been."""

    def __enter__(self) -> Deferred:
        self._came: list[int] = []
        self._before: dict[int, Any] = {}
        if _may_handle():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not None:  # a handler that is not Python's could not be put back
                    self._before[number] = signal.signal(number, lambda number, frame: self._came.append(number))
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(self._came):
            signal.raise_signal(number)


class Watch:
    """Makes sure that Ctrl-C ends its block, and that SIGTERM ends it in good order.

    Python swallows an exception that is raised while an object is destroyed, and an error on the way out can take the
    place of KeyboardInterrupt. A watch remembers what came: `check` and the end of the block raise it again. SIGTERM
    becomes SystemExit(143), so that what has been begun is tidied up. Handlers of the caller's own are left alone.
    """

    def __enter__(self) -> Watch:
        self._came: BaseException | None = None
        self._before: dict[int, Any] = {}
        if _may_handle():
            for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
                if signal.getsignal(number) is usual:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(TERMINATED)
        raise self._came

    def check(self) -> None:
        """Raise again what arrived and was swallowed."""
        if self._came is not None:
            raise self._came

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._came is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise self._came
