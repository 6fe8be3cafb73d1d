"""Knows which operation stands for a name, or for a function of NumPy. `ops` fills these tables; everything else reads
them.

NumPy's functions go by their qualified names: `outer` is np.outer, `linalg.outer` is np.linalg.outer, `add.reduce` is
np.add.reduce. What stands for one of them is bound to its signature once, so that positions and keywords are NumPy's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from inspect import Parameter
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

# Every operation by its own name ("add", "relu", "linalg.inv"), and by the function of NumPy that it stands for.
NAMED: dict[str, Callable[..., Any]] = {}
NUMPY: dict[Any, Callable[..., Any]] = {}
# NumPy's functions whose results have no derivative (np.isnan, np.argsort, …), and what to write for some others.
PLAIN: set[Any] = set()
ADVICE: dict[str, str] = {}

# What people who come from elsewhere call a parameter.
_ELSEWHERE = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "unbiased": "ddof", "correction": "ddof"}


def numpy_function(name: str) -> Any:
    """Look up NumPy's function of this qualified name; return None if this version of NumPy does not have it."""
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def numpy_functions(names: str) -> set[Any]:
    """Look up NumPy's functions of these names, and leave out those that this version does not have."""
    return {numpy_function(name) for name in names.split()} - {None}


def qualified_name(function: Any) -> str:
    """Return the name of NumPy's function, as it is written after `np.`.

    >>> qualified_name(np.add), qualified_name(np.linalg.inv), qualified_name(np.add.reduce)
    ('add', 'linalg.inv', 'add.reduce')
    """
    of = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or "numpy"
    module = "numpy.emath" if module == np.emath.sqrt.__module__ else module  # which has another name in each NumPy
    package = of.__name__ if isinstance(of, np.ufunc) else module[6:]
    return f"{package}.{function.__name__}" if package else str(function.__name__)


def stands_for(*names: str) -> Callable[[F], F]:
    """Decorate an operation, or a composition of operations, that takes Tensors in place of NumPy's functions of these
    names. It may have fewer parameters than they have: the others are refused by name."""

    def enter(call: F) -> F:
        for name in names:
            NAMED.setdefault(name, call)
            function = numpy_function(name)
            if function is not None:
                operands = getattr(call, "operands", ())
                direct = operands == ("*xs",) or (operands and isinstance(function, np.ufunc))
                NUMPY[function] = call if direct else _bound_when_called(name, function, call)
        return call

    return enter


def _bound_when_called(name: str, function: Any, call: Any) -> Callable[..., Any]:
    """Call `bound` on the first call only: to read all signatures takes longer than the rest of `import autograd`."""
    made = cache(lambda: bound(name, function, call))

    def first(*args: Any, **kwargs: Any) -> Any:
        if NUMPY[function] is first:
            NUMPY[function] = made()
        return made()(*args, **kwargs)

    return first


def bound(name: str, function: Any, call: Any) -> Callable[..., Any]:
    """Let `call` be called as NumPy's `function` is. Its parameters are matched with NumPy's by name, or else by
    position."""
    theirs = _parameters(function) or _parameters(call)
    ours = _parameters(call)
    names = [p.name for p in ours if p.kind is not Parameter.VAR_KEYWORD]
    any_keyword = len(names) < len(ours)
    if any(p.kind is Parameter.VAR_POSITIONAL for p in [*theirs, *ours]):
        return call if any_keyword else _of_any_number(name, theirs, ours, call)
    signature = inspect.Signature([p for p in theirs if p.kind is not Parameter.VAR_KEYWORD])
    order = list(signature.parameters)
    if any(p.kind is Parameter.VAR_KEYWORD for p in theirs):
        new = [Parameter(our, Parameter.KEYWORD_ONLY, default=None) for our in names[1:] if our not in order]
        signature = inspect.Signature([*signature.parameters.values(), *new])
        order += [p.name for p in new]
    known = {our: our for our in names if our in order}
    known |= {their: our for their, our in zip(order, names) if their not in names and our not in order}
    in_place = next((i for i, our in enumerate(names) if i == len(order) or known.get(order[i]) != our), len(names))
    operands = getattr(call, "operands", ())
    least, keywords = len(operands), frozenset(names[len(operands) or 1 :])

    def as_numpy(*args: Any, **kwargs: Any) -> Any:
        if least <= len(args) <= in_place and (not kwargs or kwargs.keys() <= keywords):
            return call(*args, **kwargs)
        others = {key: kwargs.pop(key) for key in [*kwargs] if any_keyword and key not in signature.parameters}
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            wrong = next((key for key in kwargs if key not in signature.parameters), None)
            hint = f"; NumPy's name for {wrong} is {_ELSEWHERE[wrong]}" if wrong in _ELSEWHERE else ""
            raise TypeError(f"{name}: {error}{hint}") from None
        for key in given.keys() - known.keys():
            value = given.pop(key)
            if not _says_nothing(value, signature.parameters[key].default):
                if not any_keyword or key == "out":
                    raise _refused(name, key, names[len(operands) or 1 :])
                others[key] = value
        passed = {known[key]: value for key, value in given.items() if value is not np._NoValue}
        missing = [key for key in operands if key not in passed]
        if missing:
            raise TypeError(f"{name}: the argument {missing[0]} is missing")
        inputs = [passed.pop(key) for key in operands]
        return call(*inputs, **passed, **others)

    return as_numpy


def _refused(name: str, parameter: str, supported: list[str]) -> TypeError:
    return TypeError(
        f"{name}: {parameter} is not a parameter that Tensors support (they support {', '.join(supported) or 'none'});"
        " leave it out, or use t.data for a value off the graph"
    )


def _of_any_number(name: str, theirs: list[Parameter], ours: list[Parameter], call: Any) -> Callable[..., Any]:
    """Return `call`, which takes any number of arrays, without the keywords that say nothing."""
    supported = [p.name for p in ours if p.kind is Parameter.KEYWORD_ONLY]
    defaults = {p.name: p.default for p in theirs}

    def as_numpy(*args: Any, **kwargs: Any) -> Any:
        for key in kwargs.keys() - supported if kwargs else ():
            if not _says_nothing(kwargs.pop(key), defaults.get(key)):
                raise _refused(name, key, supported)
        return call(*args, **kwargs)

    return as_numpy


def _parameters(function: Any) -> list[Parameter]:
    """List the parameters of a function or an operation; none if they cannot be found out."""
    if hasattr(function, "operands"):
        either = Parameter.POSITIONAL_OR_KEYWORD
        return [Parameter(name.lstrip("*"), Parameter.VAR_POSITIONAL if name == "*xs" else either)
                for name in function.operands] + [Parameter(name, either) for name in function.params]  # fmt: skip
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:
        return []


def _says_nothing(value: Any, default: Any) -> bool:
    """Say whether an argument changes nothing: None, the default, or a memory order that NumPy may choose itself."""
    return value is None or value is default or (isinstance(value, (str, bool)) and value in (default, "K", "A"))
