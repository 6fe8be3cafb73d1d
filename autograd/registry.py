"""Which operation a name, or a function of NumPy, stands for. `ops` fills these tables; everything else reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# Every operation by its own name ("add", "relu"), and by the NumPy function that it stands for (np.add).
NAMED: dict[str, Callable[..., Any]] = {}
NUMPY: dict[Any, Callable[..., Any]] = {}
# NumPy's functions whose results have no derivative (np.isnan, np.argsort, …), and what to write for some others.
PLAIN: set[Any] = set()
ADVICE: dict[Any, str] = {}


def stands_for(function: Any) -> Callable[[F], F]:
    """Decorator: this operation, or composition of operations, is what NumPy's `function` does with Tensors."""

    def enter(composition: F) -> F:
        NAMED[function.__name__] = NUMPY[function] = composition
        return composition

    return enter
