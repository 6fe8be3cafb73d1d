"""The recording switch, the one piece of state outside the graph. Every thread and asyncio task has its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_switch: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _switch.get


@contextmanager
def recording(on: bool) -> Iterator[None]:
    """Switch recording on or off until the block ends."""
    token = _switch.set(on)
    try:
        yield
    finally:
        _switch.reset(token)


def no_grad() -> AbstractContextManager[None]:
    """Compute without recording: the results in a `with no_grad():` block are constants of any later graph.

    >>> from autograd import Tensor
    >>> x = Tensor(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.inputs
    ()
    """
    return recording(False)
