"""Reads what somebody's gradient returns: one array for each argument, in the order of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.check import GradientError
from autograd.tensor import Tensor, plain


def gradients_at(
    gradient: Any, args: tuple[Any, ...], positions: tuple[int, ...], names: list[str], weights: Any
) -> list[ndarray[Any, Any]]:
    """Call somebody's gradient, or take the numbers that it returned, as arrays in the order of the arguments."""
    if callable(gradient):
        given = copies(args, weights)
        before = [np.array(x) if isinstance(x, ndarray) else x for x in given]
        returned = as_arrays(asked(gradient, given, weights), positions, names)
        for x, old, name in zip(given, before, [*names, "the weights"], strict=False):
            if isinstance(x, ndarray) and not np.array_equal(x, old, equal_nan=True):
                raise GradientError(f"the gradient changes its argument {name} in place: work on a copy of it")
        again = as_arrays(asked(gradient, before, weights), positions, names)
        if not all(np.array_equal(p, q, equal_nan=True) for p, q in zip(returned, again, strict=True)):
            raise GradientError(
                "called again with the same arguments, the gradient returns other numbers: it draws random numbers or"
                " keeps something between calls"
            )
        return returned
    return as_arrays(gradient, positions, names)


def copies(args: tuple[Any, ...], weights: Any) -> list[Any]:
    """Copy the arguments for somebody's gradient, which may write into them."""
    given = [np.array(plain(x))[()] if isinstance(x, Tensor | ndarray) else x for x in args]
    return given if weights is None else [*given, weights.copy()]


def asked(gradient: Callable[..., Any], given: list[Any], weights: Any) -> Any:
    """Call a gradient and return what it returns. Raises GradientError if it raises."""
    try:
        return gradient(*given)
    except Exception as error:
        after = ""
        if weights is not None and isinstance(error, TypeError):
            after = (
                f" (the value of f has the shape {weights.shape}: after its arguments, the gradient gets an array of"
                " weights of that shape, and is that of np.sum(weights * f(…)))"
            )
        raise GradientError(f"the gradient raises {type(error).__name__}: {error}{after}") from error


def differentiated_arguments(returned: Any, args: tuple[Any, ...], names: list[str]) -> list[int]:
    """Find out which arguments the gradients belong to where none is a Tensor: the first, or one for each gradient."""
    numbers = [i for i, x in enumerate(args) if np.asarray(x).dtype.kind == "f"]
    numbers = numbers or list(range(len(args)))
    if isinstance(returned, Mapping):
        return [i for i in numbers if names[i] in returned] or numbers[:1]
    inner = without_value(returned, np.shape(args[numbers[0]]) != ())
    if inner is not returned:
        return differentiated_arguments(inner, args, names)
    if isinstance(returned, tuple) or (
        isinstance(returned, list) and all(isinstance(g, ndarray | Tensor) for g in returned)
    ):
        return numbers[: max(1, len(returned))]
    return numbers[:1]


def as_arrays(returned: Any, positions: tuple[int, ...], names: list[str]) -> list[ndarray[Any, Any]]:
    """Turn what was returned into an array for each of the arguments at `positions`. Raises GradientError if it
    cannot."""
    if returned is None:
        raise GradientError("the gradient returns None: is its return statement missing?")
    wanted = [names[i] for i in positions]
    returned = without_value(returned, len(wanted) == 1)
    if isinstance(returned, Mapping):
        missing = [name for name in wanted if name not in returned]
        if missing:
            raise GradientError(f"the gradient of {', '.join(missing)} is missing among those of {', '.join(returned)}")
        returned = [returned[name] for name in wanted]
    elif len(wanted) == 1 and not (
        isinstance(returned, tuple) and (len(returned) == 1 or any(np.ndim(plain(g)) for g in returned))
    ):
        returned = [returned]
    if not isinstance(returned, tuple | list) or len(returned) != len(wanted):
        n = len(returned) if isinstance(returned, tuple | list) else 1
        raise GradientError(f"the gradient returns {n}, where there should be {len(wanted)}: of {', '.join(wanted)}")
    try:
        arrays = [np.array(plain(g)) for g in returned]
    except ValueError as error:
        raise GradientError(f"what the gradient returns cannot be read as an array: {error}") from None
    for array, name, given in zip(arrays, wanted, returned, strict=True):
        if given is None:
            raise GradientError(f"the gradient of {name} is None")
        if array.dtype.kind not in "fiub":
            raise GradientError(f"the gradient of {name} is of dtype {array.dtype}: return floats")
    return arrays


def without_value(returned: Any, alone: bool) -> Any:
    """Take the gradients out of a pair (value, gradients); return anything else as it is.

    alone  whether a number in front of one other thing can only be the value
    """
    pair = isinstance(returned, tuple) and len(returned) == 2
    pair = pair and returned[0] is not None and np.ndim(plain(returned[0])) == 0
    return returned[1] if pair and (alone or isinstance(returned[1], tuple | list | Mapping)) else returned
