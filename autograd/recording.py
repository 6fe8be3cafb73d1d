"""Switches recording on and off: the one piece of state outside the graph. Every thread and asyncio task has its own.

It is the list of the `with` blocks that the program is in: `no_grad()`, `scope("encoder")`, and the engine's own. A
block that ends takes itself off the list, even from the middle, so generators can leave theirs in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Block(NamedTuple):
    """One `with` block: what it switches on or off (None leaves that as it is), and the name that it adds."""

    records: bool | None = None
    traces: bool = False
    name: str | None = None


class Traced(tuple[str, ...]):
    """The names of the scopes while a function is traced: operations without a derivative are recorded then, too."""

    records = True  # False under no_grad: what is computed is recorded, and not differentiated


_blocks: ContextVar[tuple[list[Block], ...]] = ContextVar("blocks", default=())  # each in a list, to have an identity
# What the blocks come to: the names of the scopes; None where nothing is recorded. It is asked for at every operation.
_scope: ContextVar[tuple[str, ...] | None] = ContextVar("scope", default=())
_scope.set(())  # Python finds what is set faster than the default
current_scope = _scope.get


def _enter(blocks: tuple[list[Block], ...]) -> None:
    _blocks.set(blocks)
    names = tuple([block.name for [block] in blocks if block.name is not None])
    records = ([True] + [block.records for [block] in blocks if block.records is not None])[-1]
    if any(block.traces for [block] in blocks):
        traced = Traced(names)
        traced.records = records
        _scope.set(traced)
    else:
        _scope.set(names if records else None)


@contextmanager
def _within(block: Block) -> Iterator[None]:
    entry = [block]
    try:  # already here: an interrupt behind it must not leave the block switched on
        _enter((*_blocks.get(), entry))
        yield
    finally:
        _enter(tuple([other for other in _blocks.get() if other is not entry]))


def recording() -> AbstractContextManager[None]:
    """Record until the block ends, also inside `no_grad()`."""
    return _within(Block(records=True))


def no_grad() -> AbstractContextManager[None]:
    """Compute without recording: the results in a `with no_grad():` block are constants of any later graph.

    >>> from autograd import Tensor
    >>> x = Tensor(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.inputs
    ()
    """
    return _within(Block(records=False))


def tracing() -> AbstractContextManager[None]:
    """Record operations without a derivative as well, until the block ends: comparisons, indices, how constants are
    made."""
    return _within(Block(records=True, traces=True))


class TracedValueError(TypeError):
    """Raised where a function that is being traced looks at a value: a program would keep the value it had then."""


def is_tracing() -> bool:
    """Say whether a function is being traced."""
    return type(current_scope()) is Traced


def is_recording() -> bool:
    """Say whether what is computed now can be differentiated later. Under `no_grad()` it cannot, not even in a
    trace."""
    scope = current_scope()
    return scope is not None and getattr(scope, "records", True)


def scope(name: str) -> AbstractContextManager[None]:
    """Name what is computed in a `with scope("encoder"):` block. Drawings group it under that name. Scopes nest.

    >>> from autograd import Tensor
    >>> with scope("encoder"):
    ...     y = Tensor(3.0) * 2
    >>> y.scope
    ('encoder',)
    """
    return _within(Block(name=str(name)))
