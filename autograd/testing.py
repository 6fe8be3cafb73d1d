"""Tests somebody's gradient: is it right, and if not, why? Puts their numbers beside the derived ones.

At a kink the slopes of the two sides differ, and each number between them is right: `assert_gradient` accepts them all.
This is what each library chooses there:

    at the kink                            here        PyTorch     JAX
    relu(x), x = 0                         0           0           0
    abs(x), x = 0                          0           0           1
    maximum(x, y), minimum(x, y), x = y    1/2, 1/2    1/2, 1/2    1/2, 1/2
    maximum(x, 0), x = 0                   1/2         1/2         1/2
    the largest of two that are equal      1/2, 1/2    1/2, 1/2    1/2, 1/2    PyTorch: amax(x), max(x); along a dim,
                                                                               max(x, dim) takes one of them alone
    clip(x, low, high), x = low or high    1           1           1/2         PyTorch: clamp
    the length of a vector of zeros        0           0           nan

The column "here" is tested; the others are what PyTorch 2.13.0 and JAX 0.10.2 gave.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.answers import asked, copies, differentiated_arguments, gradients_at
from autograd.check import GradientError
from autograd.differences import between_slopes, by_differences, refutation
from autograd.frameworks import from_framework, refuse_missing, to_framework
from autograd.readings.changes import names_in
from autograd.readings.derivation import Derivation, Slip
from autograd.readings.equations import Equation, equations_in_steps
from autograd.readings.lines import recorded_lines
from autograd.readings.notation import UNICODE
from autograd.readings.search import explain_numbers
from autograd.readings.trace import argument_names
from autograd.tensor import Tensor, plain
from autograd.transforms import tree_inner, value_and_grad

RELATIVE = {8: 1e-6, 4: 1e-3}  # by the bytes of the less exact dtype: how far an element may be off, relative to itself
LINES = 8  # of the derivation in a message
ROUNDING = {8: 1e-12, 4: 1e-5}  # on top, relative to the largest element: what rounding may leave where terms cancel


def assert_gradient(
    gradient: Any, f: Callable[..., Any], *args: Any, hint_only: bool = False, seed: int = 0, against: str | None = None
) -> None:
    """Compare somebody's gradient of `f` at `args` with the derived one, and say which slip explains the difference.

    gradient   a function of the same arguments, as plain arrays, that returns the gradients of the Tensors among
               `args`: an array for one, a tuple or a list for several, a dict by the names of f's parameters, or
               (value, gradients); or the gradients themselves. Where no argument is a Tensor, they are those of as
               many arrays as there are gradients
    f          the function, of a single number as its value. An array is contracted with random weights, which
               `gradient` gets after the arguments
    hint_only  say which equation is wrong, but not what is wrong in it
    seed       of the random weights, and of the other arguments at which slips are told apart
    against    "torch" or "jax": `gradient` is written for arrays of that framework. Its arguments are converted, and
               what it returns. `f` may be too: its derivative is then that of finite differences, without slips

    Raises GradientError, an AssertionError, with the worst element, its index and both values, the slip, and the line
    of the function that it belongs to. At a kink, such as relu at 0, any slope between those of the two sides is right.
    Before anything is called wrong, finite differences are taken: where it is the derived gradient that they part from,
    the error says so.

    >>> f = lambda w, x: np.sum(np.tanh(w * x) ** 2)
    >>> w, x = Tensor([0.5, -0.3]), np.array([1.0, 2.0])
    >>> assert_gradient(lambda w, x: 2 * np.tanh(w * x) * (1 - np.tanh(w * x) ** 2) * x, f, w, x)
    >>> assert_gradient(lambda w, x: 2 * np.tanh(w * x) * (1 - np.tanh(w * x) ** 2), f, w, x)
    Traceback (most recent call last):
        ...
    autograd.check.GradientError: dC/dw is wrong at [1]: yours ..., derived ...
    """
    __tracebackhide__ = True
    rng = np.random.default_rng(seed)
    if against is not None:
        refuse_missing(against)
        gradient, f = _against(gradient, f, args, against)
    if not args:
        raise ValueError("assert_gradient needs the arguments to differentiate at: assert_gradient(gradient, f, x, …)")
    names = argument_names(f, args)
    value = np.asarray(plain(f(*args)))
    if value.dtype.kind not in "fiub":
        raise TypeError(f"f returns {value[()]!r:.60}, not a number or an array of numbers")
    weights = rng.uniform(0.5, 1.5, value.shape) if value.ndim else None
    if not any(isinstance(x, Tensor) for x in args):
        returned = asked(gradient, copies(args, weights), weights) if callable(gradient) else gradient
        wanted = differentiated_arguments(returned, args, names)
        args = tuple([Tensor(x) if i in wanted else x for i, x in enumerate(args)])
    positions = tuple(i for i, x in enumerate(args) if isinstance(x, Tensor))

    def number(*xs: Any) -> Any:
        return f(*xs) if weights is None else tree_inner(f(*xs), weights)

    number.__name__ = getattr(f, "__name__", "f")
    number.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # so that the equations have f's names
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    theirs = gradients_at(gradient, args, positions, names, weights)
    derived = _derived(number, args, positions)
    found = []
    for i, mine, other in zip(positions, derived, theirs, strict=True):
        text = _difference(number, args, i, np.asarray(mine), other, names[i])
        if text:
            found.append(text)
    if not found:
        return
    for i, mine, other in zip(positions, map(np.asarray, derived), theirs, strict=True):
        parted = None if _close(mine, other) else refutation(number, args, i, mine, other, rng)
        if parted:
            raise GradientError(f"{_parted(*parted, mine, other, names[i])}\n(seed {seed})")
    same = [np.shape(mine) == other.shape for mine, other in zip(derived, theirs, strict=True)]
    order = _order([np.asarray(mine) for mine in derived], theirs)
    if order:
        called = [names[positions[i]] for i in order]
        raise GradientError(
            f"the gradients are right, but in another order, {', '.join(called)}: return them in the order of the"
            f" arguments, {', '.join(names[k] for k in positions)}"
            if len(order) > 2
            else f"the gradients of {called[1]} and {called[0]} are right, but swapped: return them in the order of the"
            f" arguments, {', '.join(names[k] for k in positions)}"
        )
    why = Why()
    wrong = [
        i for i, mine, other in zip(positions, derived, theirs, strict=True) if not _close(np.asarray(mine), other)
    ]
    if all(same):
        why = _why(
            gradient if callable(gradient) else None, number, args, positions, wrong, names, weights, theirs, rng
        )
    places = _places(f, args, names, why, wrong[0] if wrong else positions[0])
    raise GradientError("\n".join([*found, *_told(why, hint_only), *places, f"(seed {seed})"]))


class Why(NamedTuple):
    """Why somebody's numbers differ; everything is empty if the function has no equations that can be computed.

    slips    those that give their numbers
    values   the values of the function, by their names in its equations
    parting  the lines of which one is the first to differ, as text
    where    the equations of values that nobody named, by the names that they were given
    """

    slips: tuple[Slip, ...] = ()
    values: Mapping[str, Any] = {}
    parting: Sequence[str] = ()
    where: Mapping[str, Equation] = {}


def _against(gradient: Any, f: Any, args: tuple[Any, ...], against: str) -> tuple[Any, Any]:
    """Convert the gradient and the function of another framework: to functions of NumPy's arrays, and of Tensors."""
    kinds = [isinstance(x, Tensor) for x in args]
    kinds = kinds if any(kinds) else [True, *kinds[1:]]

    def converted(function: Callable[..., Any], names_from: Any) -> Callable[..., Any]:
        def of_arrays(*xs: Any) -> Any:
            wrapped = [Tensor(x) if kind else x for x, kind in zip(xs, kinds)] + list(xs[len(kinds) :])
            return from_framework(function(*[to_framework(x, against) for x in wrapped]))

        return functools.wraps(names_from)(of_arrays)

    if callable(gradient):
        gradient = converted(gradient, gradient)
    try:
        plain(f(*args))
    except Exception:  # it does not take Tensors of ours: then it is for those of the framework
        return gradient, by_differences(converted(f, f), kinds)
    return gradient, f


def _order(derived: list[Any], theirs: list[Any]) -> list[int]:
    """If all gradients are right, but in another order, return that order; else nothing."""
    order: list[int] = []
    for other in theirs:
        fits = [i for i, mine in enumerate(derived) if i not in order and _close(mine, other)]
        if not fits:
            return []
        order.append(fits[0])
    return [] if order == sorted(order) else order


def _derived(number: Callable[..., Any], args: tuple[Any, ...], positions: tuple[int, ...]) -> list[Any]:
    _, found = value_and_grad(number, positions)(*[plain(x) for x in args])
    return [plain(g) for g in found]


def _tolerance(mine: Any, other: Any) -> Any:
    size = 4 if np.float32 in (mine.dtype, other.dtype) else 8
    largest = float(np.max(np.abs(mine), initial=0.0, where=np.isfinite(mine)))
    return RELATIVE[size] * np.abs(mine) + ROUNDING[size] * largest


def _close(mine: Any, other: Any) -> bool:
    return mine.shape == other.shape and bool(np.all(np.abs(mine - other) <= _tolerance(mine, other)))


def _difference(
    number: Callable[..., Any], args: tuple[Any, ...], position: int, mine: Any, other: Any, name: str
) -> str:
    """Say what is wrong with the gradient of one argument; nothing if it is right."""
    if mine.shape != other.shape:
        what = ""
        if other.ndim == 2 and mine.shape == other.shape[::-1] and _close(mine, other.T):
            what = ": it is transposed"
        elif other.ndim > mine.ndim and _close(mine, other.sum(axis=tuple(range(other.ndim - mine.ndim)))):
            what = ": a sum over axis 0 is missing"
        return f"dC/d{name} has shape {other.shape}, and {name} has {mine.shape}{what}"
    with np.errstate(invalid="ignore"):
        excess = np.abs(mine - other) - _tolerance(mine, other)
    excess = np.where(np.isnan(excess), np.inf, excess)
    for index in zip(*np.nonzero(excess > 0), strict=True) if excess.ndim else ([()] if excess > 0 else []):
        if not between_slopes(number, args, position, index, float(other[index])):
            break
    else:
        return ""
    worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
    place = f" at [{', '.join(str(int(i)) for i in worst)}]" if worst else ""
    text = f"dC/d{name} is wrong{place}: yours {float(other[worst]):.6g}, derived {float(mine[worst]):.6g}"
    if other.dtype.kind in "iub":
        return f"{text}; the dtype is {other.dtype}, which cuts off the decimals: use floats"
    shape = _shape_of_error(mine, other, excess > 0)
    return f"{text}; {shape}" if shape else text


def _shape_of_error(mine: Any, other: Any, wrong: Any) -> str:
    square = float(np.sum(mine * mine))
    by = float(np.sum(mine * other)) / square if square else 0.0
    if mine.size > 1 and by and _close(by * mine, other):
        if abs(by + 1) < 1e-6:
            return "everything has the wrong sign"
        return f"everything is {by:.6g} times what it should be"
    if mine.ndim == 2 and mine.shape[0] == mine.shape[1] and _close(mine, other.T):
        return "it is transposed"
    if wrong.all():
        return "it is wrong everywhere" if wrong.size > 1 else ""
    if wrong.ndim == 2:
        rows, columns = (np.unique(x) for x in np.nonzero(wrong))
        if len(rows) == 1:
            return f"only row {rows[0]} is wrong"
        if len(columns) == 1:
            return f"only column {columns[0]} is wrong"
    return f"{int(wrong.sum())} of {wrong.size} elements are wrong"


def _parted(along: Any, slope: float, mine: Any, other: Any, name: str) -> str:
    """Say where finite differences contradict the derived gradient, and by how much."""
    place = " along a random direction"
    if np.count_nonzero(along) == 1:
        (index,) = np.argwhere(along)
        place = f" at [{', '.join(map(str, index))}]" if along.ndim else ""
    derived, yours = float(np.sum(mine * along)), float(np.sum(other * along))
    return (
        f"the engine and finite differences part{place} of dC/d{name}: derived {derived:.6g}, finite differences"
        f" {slope:.6g}, yours {yours:.6g}. So yours may be right: check a rule of your own, detach(),"
        " or what the function reads from .data"
    )


def _places(f: Callable[..., Any], args: tuple[Any, ...], names: list[str], why: Why, position: int) -> list[str]:
    """Find the lines of the function that the slips belong to; without slips, those that use the argument.

    The equation of a value belongs to the line that computes it. That of a gradient, ∂C/∂z, belongs to the lines that
    use z, since it is made of their rules.
    """
    try:
        fresh = [Tensor(plain(x)) if isinstance(x, Tensor) else x for x in args]
        _, lines = recorded_lines(f, fresh)
        symbols = {UNICODE.symbol(name): x for name, x in zip(names, fresh, strict=True)}
        told: list[str] = []
        lefts = [slip.line.left(UNICODE) for slip in why.slips] or [f"∂C/∂{UNICODE.symbol(names[position])}"]
        for left in lefts:
            *of, name = left.rsplit("/∂", 1)
            value = np.asarray(plain(symbols[name] if name in symbols else why.values[name]))
            same = [x for x in lines if np.shape(plain(x)) == value.shape and np.allclose(plain(x), value, 1e-12)]
            nodes = [symbols[name]] if name in symbols else same
            if of:
                nodes = [node for node in lines if any(x is y for x in node.inputs for y in nodes)]
            told += dict.fromkeys(f"It belongs to {lines[node]}" for node in nodes)
        return list(dict.fromkeys(told))[:3]
    except Exception:  # a help; that the numbers are wrong is certain
        return []


def _why(
    gradient: Any, number: Any, args: Any, positions: Any, wrong: list[int], names: list[str], weights: Any,
    theirs: Any, rng: np.random.Generator,
) -> Why:  # fmt: skip
    """Find the slips that give these numbers, or the lines that may be the first to differ."""
    try:
        read = equations_in_steps(number, *[x if isinstance(x, Tensor | np.ndarray) else np.asarray(x) for x in args])
        derivation = Derivation(read)
        called = [read.inputs.get(name) for name in names]
        inputs = {new: plain(x) for new, x in zip(called, args, strict=True) if new}
        lines = {line.name for line in derivation.lines}
        wanted = [(f"d{called[i]}", other) for i, other in zip(positions, theirs, strict=True)]
        if not all(name in lines for name, _ in wanted):
            return Why()

        def again(n: int) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
            if gradient is None:
                return None
            moved = [Tensor(_moved(plain(x), rng, n > 1)) if isinstance(x, Tensor) else x for x in args]
            if n:
                moved = [
                    _moved(x, rng, n > 1) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in moved
                ]
            try:
                new = gradients_at(gradient, tuple(moved), positions, names, weights)
            except GradientError:  # it is not for these numbers
                return None
            return (
                {name: plain(x) for name, x in zip(called, moved, strict=True) if name},
                {name: g for (name, _), g in zip(wanted, new, strict=True)},
            )

        computed = derivation.compute(inputs)
        values = {line.left(UNICODE): computed[line.name] for line in derivation.values}
        bad = [f"d{called[i]}" for i in wrong]
        parting = [
            f"{line.left(UNICODE)} = {UNICODE.sum(line.right)}    {_summed_up(computed[line.name])}"
            for line in derivation.parting([name for name, _ in wanted if name not in bad], bad)
        ]
        where = {line.name: line for line in derivation.lines if line.spare}
        return Why(explain_numbers(derivation, inputs, dict(wanted), again), values, parting, where)
    except (TypeError, ValueError, KeyError, ArithmeticError):  # a help; that the numbers are wrong is certain
        return Why()


def _summed_up(value: Any) -> str:
    """Show a value that somebody else can print, too: a number, or the norm of an array."""
    value = np.asarray(value, float)
    return f"({value:.6g})" if not value.ndim else f"(shape {value.shape}, norm {np.linalg.norm(value):.6g})"


def _moved(x: Any, rng: np.random.Generator, far: bool) -> Any:
    """Draw other numbers for an argument: zeros stay zero, and a symmetric positive definite matrix stays one.

    What has both signs gets other signs, if it is to be `far`.
    """
    x = np.asarray(x)
    if x.ndim == 2 and x.shape[0] == x.shape[1] and np.array_equal(x, x.T):
        d = rng.uniform(0.85, 1.15, len(x))
        return (d[:, None] * x * d).astype(x.dtype)
    far = far and bool(np.min(x, initial=0) < 0 < np.max(x, initial=0))
    low, high = (-3.0, 3.0) if far else (0.7, 1.3)
    return (x * rng.uniform(low, high, x.shape)).astype(x.dtype)[()]


def _told(why: Why, hint_only: bool) -> list[str]:
    if not why.slips and not why.parting:
        return ["No slip was found that gives your numbers: compare your lines with those that equations(f, …) prints."]
    if not why.slips:
        shown = why.parting if len(why.parting) <= LINES else [*why.parting[: LINES - 1], "…", why.parting[-1]]
        return [
            "No slip was found that gives your numbers. Print what you have for each of these, from the first on: it is"
            " wrong where yours differs.",
            *(f"    {line}" for line in shown),
        ]
    if hint_only:
        lines = ["Look at this equation again:", *(f"    {slip.line.text(UNICODE)}" for slip in why.slips)]
    else:
        lines = ["Your numbers are those of the derivation with this slip:"]
        lines += [f"    {line}" for slip in why.slips for line in str(slip).splitlines()]
    read = {name.removeprefix("d") for slip in why.slips for name in (slip.line.name, *names_in(slip.line.right))}
    read -= {slip.line.name for slip in why.slips}
    return [*lines, *(f"    where {line.text(UNICODE)}" for name, line in why.where.items() if name in read)]
