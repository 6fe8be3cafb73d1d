"""What is recorded: the one piece of state outside the graph. Every thread and asyncio task has its own.

It holds the names of the scopes that the program is in, or None where nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_scope: ContextVar[tuple[str, ...] | None] = ContextVar("scope", default=())
current_scope = _scope.get


@contextmanager
def _within(value: tuple[str, ...] | None) -> Iterator[None]:
    token = _scope.set(value)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def recording() -> Iterator[None]:
    """Record until the block ends, also inside `no_grad()`."""
    with _within(current_scope() or ()):
        yield


def no_grad() -> AbstractContextManager[None]:
    """Compute without recording: the results in a `with no_grad():` block are constants of any later graph.

    >>> from autograd import Tensor
    >>> x = Tensor(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.inputs
    ()
    """
    return _within(None)


_tracing: ContextVar[bool] = ContextVar("tracing", default=False)
is_tracing = _tracing.get


@contextmanager
def tracing() -> Iterator[None]:
    """Record comparisons of Tensors as well, as 1 and 0, until the block ends: for reading off what a rule does."""
    token = _tracing.set(True)
    try:
        yield
    finally:
        _tracing.reset(token)


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Give what is computed in a `with scope("encoder"):` block a name, under which drawings group it. Scopes nest.

    >>> from autograd import Tensor
    >>> with scope("encoder"):
    ...     y = Tensor(3.0) * 2
    >>> y.scope
    ('encoder',)
    """
    outer = current_scope()
    with _within(None if outer is None else (*outer, str(name))):
        yield
