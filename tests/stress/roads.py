"""The roads that a program is sent along, and what each has to agree with.

The value is held against plain NumPy, `backward` against central differences, and every other road against `backward`.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import re
import signal
import traceback
import warnings
from dataclasses import dataclass, replace

import numpy as np
import running
from drawing import DATA_SETS, PLAIN, Program

import autograd
from autograd import Op, Tensor

COSTLY = ("native", "c", "javascript")  # each program is built by a compiler, or runs in a process of its own
ROADS = ("backward", "grad", "compile", "source", "equations", "second", "changed", *COSTLY)
SECONDS = 20  # for one road: a program that takes longer hangs
HOME = os.path.dirname(autograd.__file__)


def _named(value, name):
    if isinstance(value, Tensor):
        value.name = name.encode().decode("unicode_escape") if "\\" in name else name
    return value


def _within(name, make):
    with autograd.scope(name):
        return make()


cube = Op(lambda x: x**3, "x ** 3", lambda g, y, x: g * 3 * x**2, name="cube")
blend = Op(
    lambda a, b, part=0.25: part * a + (1 - part) * b * b,
    "part * a + (1 - part) * b * b",
    lambda g, y, a, b, part=0.25: g * part,
    lambda g, y, a, b, part=0.25: g * (2 * (1 - part)) * b,
    name="blend",
)
EAGER = PLAIN | {"cube": cube, "blend": blend, "named": _named, "within": _within}
EAGER |= {"argsort_in_order": functools.partial(np.argsort, kind="stable")}
EAGER |= {name: getattr(autograd, name) for name in PLAIN if hasattr(autograd, name)}


@dataclass
class Outcome:
    """What came of one road: `right`, `wrong`, `crashed`, `refused`, or `unread` (an equation with no reader)."""

    road: str
    status: str
    message: str = ""
    deviation: float = 0.0  # of a wrong number, relative to the largest
    where: str = ""  # the innermost line of the engine that a crash or a refusal came from


class Wrong(Exception):  # noqa: N818
    def __init__(self, message: str, deviation: float = np.inf):
        super().__init__(message)
        self.deviation = deviation


class Unread(Exception):  # noqa: N818
    """There is no way to tell whether it is right."""


class Unfit(Exception):  # noqa: N818
    """A program that says nothing: its value is not a Tensor, or its gradient is not finite."""


def function(program: Program, space: dict, everything: bool = True, constants: bool = False, result: str = ""):
    """The program as a Python function, with its globals in `space`."""
    namespace = dict(space) | program.constants
    exec(compile_text(program.text(everything, constants, result)), namespace)
    return namespace["f"], namespace


def with_decisions(program: Program):
    """The program in plain NumPy, which gives its value, and the masks and indices on the way as bytes."""
    decided = [s.target for s in program.statements if s.decides]
    f, _ = function(program, PLAIN, result=f"{program.result}, ({''.join(f'{name}, ' for name in decided)})")

    def both(*args):
        value, masks = f(*args)
        return float(value), b"".join(np.asarray(mask).tobytes() for mask in masks)

    return both


@functools.lru_cache(maxsize=64)
def compile_text(text: str):
    return compile(text, "<program>", "exec")


def wider(program: Program) -> Program:
    """The same in double precision throughout."""

    def wide(x):
        if isinstance(x, np.ndarray) and x.dtype == np.float32:
            return x.astype(np.float64)
        return np.float64(x) if isinstance(x, np.float32) else x

    statements = tuple(
        replace(s, expression=s.expression.replace("np.float32", "np.float64")) for s in program.statements
    )
    return replace(
        program,
        arguments={name: [wide(x) for x in values] for name, values in program.arguments.items()},
        constants={name: wide(x) for name, x in program.constants.items()},
        statements=tuple(statements),
        result=program.result.replace("np.float32", "np.float64"),
    )


KINKS = re.compile(
    r"max|min|abs|relu|clip|sort|arg|std|floor|ceil|trunc|rint|sign|heaviside|where|equal|less|greater|logical|is\w+\("
    r"|(?<!-)[<>]|[!=]=|int\(|searchsorted"
)


def moved(program: Program) -> Program:
    """The program a little way beside its data, where no elements are equal by chance."""
    rng = np.random.default_rng(1)

    def beside(x):
        if np.asarray(x).dtype.kind != "f":
            return x
        y = np.asarray(x) + rng.choice([-1, 1], np.shape(x)) * rng.uniform(0.01, 0.03, np.shape(x))
        return float(y) if isinstance(x, float) else y.astype(np.asarray(x).dtype)[()]

    return replace(program, arguments={name: [beside(x) for x in values] for name, values in program.arguments.items()})


@dataclass
class Exact:
    """What `backward` gives on one set of data."""

    value: object
    grads: dict
    size: float  # the largest number on the way, which sets what rounding may do
    warned: bool


NEAR = 24  # neighbours that are tried


def nudged(program: Program, number: int) -> Program:
    """The program with its data moved by two units in the last place at most.

    Numbers that are equal stay equal in half of the neighbours, and zeros are never moved: so a tie of the data stays
    a tie there, and one of sums or quotients, which rounding alone decides, does not.
    """
    rng, together = np.random.default_rng([5, number]), number % 2 == 0
    steps: dict = {}

    def beside(x):
        y = np.asarray(x)
        if y.dtype.kind != "f":
            return x
        if together:
            by = np.array([steps.setdefault(a, rng.integers(-2, 3)) for a in np.abs(y).ravel().tolist()])
        else:
            by = rng.integers(-2, 3, y.size)
        moved = y + by.reshape(y.shape).astype(y.dtype) * np.where(y == 0, 0, np.spacing(y)).astype(y.dtype)
        return float(moved) if isinstance(x, float) and not isinstance(x, np.floating) else moved[()]

    return replace(
        program,
        arguments={name: [beside(x) for x in values] for name, values in program.arguments.items()},
        constants={name: beside(x) for name, x in program.constants.items()},
    )


def in_order(program: Program) -> Program:
    """The program with every argsort one that keeps equal elements in their order.

    NumPy's own leaves that to the processor; loops in C and in JavaScript keep it.
    """
    stable = [
        replace(s, expression=s.expression.replace("np.argsort(", "argsort_in_order(")) for s in program.statements
    ]
    result = program.result.replace("np.argsort(", "argsort_in_order(")
    return replace(program, statements=tuple(stable), result=result)


def eager(program: Program, k: int, finite: bool = True) -> Exact:
    f, _ = function(program, EAGER)
    given = {
        name: Tensor(values[k], name=name) if name in program.differentiated else values[k]
        for name, values in program.arguments.items()
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        output = f(*(given[name] for name in program.signature()))
        if not isinstance(output, Tensor):
            raise Unfit("the value is no Tensor")
        everything = autograd.backprop(output)
        output.backward()
    grads = {}
    for name in program.differentiated:
        t = given[name]
        grads[name] = np.zeros_like(t.data)[()] if t.grad is None else t.grad
        if np.shape(grads[name]) != t.shape or grads[name].dtype != t.dtype:
            raise Wrong(f"the gradient of {name} is {described(grads[name])} for {described(t.data)}")
    sizes = [1.0]
    for node, g in everything.items():
        sizes += [float(np.max(np.abs(node.data), initial=0.0)), float(np.max(np.abs(g), initial=0.0))]
    if finite and not np.all(np.isfinite(sizes)):
        raise Unfit("not finite")
    return Exact(output.data, grads, max(sizes), any(issubclass(w.category, RuntimeWarning) for w in caught))


def described(x) -> str:
    return f"{np.asarray(x).dtype}{np.shape(x)}"


def compare(
    what: str, got, wanted, size: float, single: bool, dtype: bool = True, rtol: float | None = None, near=None
) -> None:  # fmt: skip
    """Raises Wrong where `got` is not `wanted` to rounding, of numbers on the way as large as `size`.

    `near()` gives what else would be right: what the engine gives for data moved by a unit in the last place.
    """
    if isinstance(got, Tensor):
        got = got.data
    if np.shape(got) != np.shape(wanted):
        raise Wrong(f"{what} has shape {np.shape(got)}, not {np.shape(wanted)}")
    if dtype and np.asarray(got).dtype != np.asarray(wanted).dtype:
        raise Wrong(f"{what} is {np.asarray(got).dtype}, not {np.asarray(wanted).dtype}")
    if not np.size(wanted):
        return
    rtol = rtol or (1e-4 if single else 1e-9)
    floor = (2e-6 if single else 2e-13) * size
    largest = float(np.max(np.abs(wanted)))
    found, right = np.asarray(got, float), np.asarray(wanted, float)
    with np.errstate(invalid="ignore"):
        same = (found == right) | (np.isnan(found) & np.isnan(right))  # what f itself gives, infinite or not
        error = np.where(same, 0.0, np.abs(found - right))
    worst = float(np.max(error)) if np.all(np.isfinite(error)) else np.inf
    tolerance = rtol * largest + floor
    if not worst <= tolerance and not (near and is_among(found, [right, *near()], tolerance)):
        i = np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), np.shape(error))
        raise Wrong(
            f"{what} is {float(np.asarray(got)[i])!r}, not {float(np.asarray(wanted)[i])!r}"
            + (f", at {tuple(map(int, i))} of {np.shape(wanted)}" if i else ""),
            worst / max(largest, 1e-3 * size),
        )


def is_among(found, rights: list, tolerance: float) -> bool:
    """Whether every element is between what the engine gives for one neighbour and for another."""
    rights = np.array([np.asarray(x, float) for x in rights])
    strange = np.any(~np.isfinite(rights), axis=0) & ~np.isfinite(found)
    finite = np.where(np.isfinite(rights), rights, rights[0])
    low, high = np.min(finite, axis=0), np.max(finite, axis=0)
    with np.errstate(invalid="ignore"):
        return bool(np.all(strange | ((low - tolerance <= found) & (found <= high + tolerance))))


# Differences.

STEP = 2.0**-9


def slope(values) -> tuple[float, bool]:
    """The derivative at 0 of what `values(t)` gives, and whether it is smooth there: nothing is decided otherwise."""
    h = STEP
    found, decisions = zip(*[values(t) for t in (0.0, h, -h, 2 * h, -2 * h, h / 2, -h / 2)])
    f0, up, down, up2, down2, half, minus = found
    coarse = (8 * (up - down) - (up2 - down2)) / (12 * h)
    fine = (8 * (half - minus) - (up - down)) / (6 * h)
    scale = max(1e-3, abs(fine))
    bend = abs((up + down - 2 * f0) - 4 * (half + minus - 2 * f0))
    noise = 1e-14 * max(1.0, abs(f0)) / h
    smooth = abs(coarse - fine) <= 1e-6 * scale + 10 * noise and bend <= 1e-5 * h * scale + 100 * noise * h
    return fine, bool(smooth and np.isfinite(fine) and len(set(decisions)) == 1)


def against_differences(what: str, at, slopes: dict, arrays: dict, rng, size: float, counts: dict, rtol=1e-6) -> None:
    """Raises Wrong where the derivative of `at(arrays)` along some directions is not what `slopes` say."""
    for name, g in slopes.items():
        x = np.asarray(arrays[name], np.float64)
        if not x.size:
            continue
        directions = [rng.choice([-1.0, -0.5, 0.5, 1.0], x.shape)]
        n = min(x.size, 2)
        for i in rng.choice(x.size, n, replace=False):
            unit = np.zeros(x.size)
            unit[i] = 1.0
            directions.append(unit.reshape(x.shape))
        for u in directions[: 1 if x.size == 1 else 3]:

            def values(t, name=name, x=x, u=u):
                try:
                    return at(arrays | {name: (x + t * u)[()]})
                except (ValueError, IndexError):  # an index that is none any more
                    return np.nan, b""

            wanted, smooth = slope(values)
            counts["smooth" if smooth else "kinks"] = counts.get("smooth" if smooth else "kinks", 0) + 1
            got = float(np.sum(np.asarray(g, float) * u))
            scale = float(np.sum(np.abs(np.asarray(g, float) * u)))
            if smooth and not abs(got - wanted) <= rtol * max(scale, abs(wanted)) + 1e-9 * size:
                raise Wrong(
                    f"the {what} {name} is {got!r} along {u.ravel().tolist()}, differences say {wanted!r}",
                    abs(got - wanted) / max(abs(wanted), 1e-3),
                )


# The layouts in which arrays arrive.


def strided(x):
    if not np.ndim(x):
        return x
    big = np.full([2 * n + 1 for n in x.shape], 7.0).astype(x.dtype)
    inside = tuple(slice(0, 2 * n, 2) for n in x.shape)
    big[inside] = x
    return big[inside]


def backwards(x):
    if not np.ndim(x):
        return x
    return np.flip(np.ascontiguousarray(np.flip(x)))


def read_only(x):
    if not np.ndim(x):
        return x
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = (np.array, np.asfortranarray, strided, backwards, read_only)


def laid_out(x, layout):
    return LAYOUTS[layout % len(LAYOUTS)](x) if isinstance(x, np.ndarray) and x.ndim else x


class Traveller:
    """One program on its way along the roads."""

    def __init__(self, program: Program):
        self.program, self.single = program, program.single
        self.counts: dict = {}
        self.rng = np.random.default_rng([7, len(program.statements)])
        self._wide: Program | None = None
        self._neighbours: dict[int, list[Exact]] = {}

    @property
    def wide(self) -> Program:
        if self._wide is None:
            self._wide = wider(self.program) if self.single else self.program
        return self._wide

    def near(self, k: int, name: str = ""):
        """What is right for the neighbours of data set `k`, as `compare` takes it: the value, or a gradient."""

        def found() -> list:
            if k not in self._neighbours:
                self._neighbours[k] = list(self._around(lambda other: eager(other, k, finite=False)))
            return [exact.grads[name] if name else exact.value for exact in self._neighbours[k]]

        return found

    def _around(self, of):
        """What `of` gives for each of the program's neighbours, and where equal elements are sorted in their order."""
        others = (nudged(self.program, number) for number in range(NEAR))
        for other in [in_order(self.program), *others]:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    yield of(other)
                except (Unfit, Wrong, ValueError, IndexError):  # an index that is none any more
                    continue

    # backward, against NumPy and against differences

    def backward(self) -> None:
        self.exact: dict[int, Exact] = {}
        try:
            self._backward()
        except Wrong:
            if not self._by_a_tie(lambda other: other._backward()):
                raise

    def _by_a_tie(self, road) -> bool:
        """Whether what differs is gone beside a kink or a step of the function, where a derivative, or a number in its
        last digit, may rightly be one or the other."""
        if not KINKS.search(self.program.text()):
            return False
        other = Traveller(moved(self.program))
        other.exact = {}
        try:
            road(other)
        except (Wrong, Unfit, ValueError, IndexError):
            return False
        return True

    def _backward(self) -> None:
        p = self.program
        plain, _ = function(p, PLAIN)
        for k in range(DATA_SETS):
            try:
                self.exact[k] = eager(p, k)
            except Unfit:
                if k == 0:
                    raise
                continue
            with np.errstate(all="ignore"):
                wanted = plain(*(p.arguments[name][k] for name in p.signature()))
            exact = self.exact[k]
            compare(
                "the value",
                exact.value,
                np.asarray(wanted)[()],
                exact.size,
                self.single,
                rtol=None if self.single else 1e-10,
            )
        if p.exact:
            self._differences()

    def _differences(self) -> None:
        p = self.wide
        exact = eager(p, 0) if self.single else self.exact[0]
        if self.single and not abs(exact.value - self.exact[0].value) <= 1e-3 * self.exact[0].size:
            return  # a comparison came out otherwise
        plain = with_decisions(p)

        def at(arrays):
            return plain(*(arrays[name] for name in p.signature()))

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            arrays = {name: values[0] for name, values in p.arguments.items()}
            against_differences("gradient of", at, exact.grads, arrays, self.rng, exact.size, self.counts)
        if self.single:
            for name, g in exact.grads.items():
                compare(
                    f"the gradient of {name} in single precision",
                    self.exact[0].grads[name],
                    g,
                    exact.size,
                    True,
                    False,
                    2e-2,
                )

    # grad

    def grad(self) -> None:
        p = self.program
        f, _ = function(p, EAGER)
        positions = tuple(i for i, name in enumerate(p.signature()) if name in p.differentiated)
        gradient = autograd.value_and_grad(f, positions)
        for k, exact in self.exact.items():
            value, found = gradient(*(p.arguments[name][k] for name in p.signature()))
            compare("the value", value, exact.value, exact.size, self.single, near=self.near(k))
            for i, g in zip(positions, found):
                name = p.signature()[i]
                compare(
                    f"the gradient of {name}", g, exact.grads[name], exact.size, self.single, near=self.near(k, name)
                )

    # compile

    def _given(self, k: int):
        """Tensors for what is differentiated; those from outside once more, as globals. Some have awkward names."""
        p = self.program
        called = dict(p.called)
        tensors = {name: Tensor(p.arguments[name][k], name=called.get(name, name)) for name in p.differentiated}
        return tensors, {name: x for name, x in tensors.items() if p.roles[name] == "outside"}

    def compile(self) -> None:
        order = [k for k in (0, 1, 2, 0, 1) if k in self.exact]
        for overwrite in (False, True):
            self._compiled(order if not overwrite else order[:3], overwrite)

    def native(self) -> None:
        """The same, and `changed`, in C."""
        self._compiled([k for k in (0, 1, 2, 0, 1) if k in self.exact], False, backend="c")
        self._compiled([k for k in (0, 1, 2) if k in self.exact], True, backend="c")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is outside now, whatever it is
            self.changed(backend="c")

    def _compiled(self, order: list[int], overwrite: bool, **how) -> None:
        p = self.program
        tensors, outside = self._given(0)
        f, _ = function(p, EAGER | outside, everything=False)
        step = autograd.compile(f, overwrite=overwrite, **how)
        kept = []
        for call, k in enumerate(order):
            said = f"overwrite, call {call}" if overwrite else f"call {call}"
            for name, t in tensors.items():
                t.data = laid_out(p.arguments[name][k], call)
            args = [tensors[n] if n in tensors else laid_out(p.arguments[n][k], call + 2) for n in p.signature(False)]
            value = step(*args)
            exact = self.exact[k]
            for name, x in [*((n, t.data) for n, t in tensors.items()), *zip(p.signature(False), args)]:
                if not isinstance(x, Tensor) and not np.array_equal(x, p.arguments[name][k]):
                    raise Wrong(f"{said}: {name} was written into")
            compare(f"{said}: the value", value, exact.value, exact.size, self.single, near=self.near(k))
            for name, t in tensors.items():
                g = np.zeros_like(t.data)[()] if t.grad is None else t.grad
                what = f"{said}: the gradient of {name}"
                compare(what, g, exact.grads[name], exact.size, self.single, near=self.near(k, name))
            if not overwrite:
                arrays = [(name, t.grad) for name, t in tensors.items() if isinstance(t.grad, np.ndarray)]
                for i, (name, g) in enumerate(arrays):
                    for other, h in [*arrays[:i], *((n, t.data) for n, t in tensors.items())]:
                        if np.may_share_memory(g, h) and g.size and np.shares_memory(g, h):
                            raise Wrong(f"{said}: the gradient of {name} shares its memory with {other}")
                kept += [(said, name, g, g.copy()) for name, g in arrays]
        for said, name, g, before in kept:
            if not np.array_equal(g, before, equal_nan=True):
                raise Wrong(f"{said}: the gradient of {name} changed afterwards")

    # compile, where what is outside is replaced between calls

    def changed(self, **how) -> None:
        """Parameters and constants from outside are replaced by others: to be followed, or refused."""
        p = self.program
        names = [n for n in p.signature() if p.roles[n] == "outside"] + list(p.constants)
        if not names or 1 not in self.exact:
            return
        tensors, outside = self._given(0)
        f, space = function(p, EAGER | outside, everything=False)
        step = autograd.compile(f, **how)
        args = [tensors[n] if n in tensors else p.arguments[n][0] for n in p.signature(False)]
        step(*args)
        for name in names:
            constant = p.constants.get(name)
            if name in outside:
                space[name] = tensors[name] = Tensor(p.arguments[name][1], name=name)
            elif np.asarray(constant).dtype.kind == "f":
                space[name] = np.flip(constant) * 0.5 + np.asarray(0.25, constant.dtype)
            else:
                space[name] = np.flip(constant).copy()
            for t in tensors.values():
                t.grad = None
            try:
                with np.errstate(all="ignore"):
                    output = f(*args)
            except (TypeError, ValueError, IndexError):
                return  # as an index of something else it is none
            grads = autograd.backprop(output)
            size = float(np.max([np.max(np.abs(y), initial=1.0) for node, g in grads.items() for y in (node.data, g)]))
            if not size <= 1e5:  # nan, which Python's own max would pass over, is not
                return
            values = {n: [tensors[n].data if n in tensors else x[0]] for n, x in p.arguments.items()}
            now = Traveller(replace(p, arguments=values, constants={n: space[n] for n in p.constants}))
            compare(f"{name} replaced: the value", step(*args), output.data, size, self.single, near=now.near(0))
            for other, t in tensors.items():
                found = np.zeros_like(t.data)[()] if t.grad is None else t.grad
                wanted = grads.get(t, np.zeros_like(t.data)[()])
                what = f"{name} replaced: the gradient of {other}"
                compare(what, found, wanted, size, self.single, near=now.near(0, other))

    # source

    def source(self) -> None:
        tensors, outside = self._given(0)
        f, _ = function(self.program, EAGER | outside, everything=False)
        self._emitted(f, tensors, {k: (e.value, e.grads, e.size) for k, e in self.exact.items()}, False)

    def _emitted(self, f, tensors, wanted: dict, everything: bool, more: dict | None = None, near=None) -> None:
        p, more, near = self.program, more or {}, near or self.near
        sig = [*p.signature(everything), *more]
        text = autograd.source(f, *(tensors[n] if n in tensors else self._data(n, 0, more) for n in sig))
        space: dict = {}
        exec(compile(text, "<emitted>", "exec"), space)
        program = next(x for name, x in space.items() if name.endswith("_and_grad"))
        parameters = [name for name in inspect.signature(program).parameters if name not in text.arrays]
        rest = self._whose_are(parameters[len(sig) :], [n for n in p.signature() if n not in sig])
        order = [n for n in [*sig, *rest] if n in p.differentiated]
        for k, (value, grads, size) in wanted.items():
            args = [read_only(self._data(n, k, more)) for n in [*sig, *rest]]
            if [np.shape(x) for x in args] != [np.shape(self._data(n, 0, more)) for n in [*sig, *rest]]:
                continue  # an index of another length: a program is for the shapes that it was written with
            got, found = program(*args, **text.arrays)
            compare(f"data {k}: the value", got, value, size, self.single, dtype=False, near=near(k))
            if len(found) != len(order):
                raise Wrong(f"{len(found)} gradients for {order}")
            for name, g in zip(order, found):
                what = f"data {k}: the gradient of {name}"
                compare(what, g, grads[name], size, self.single, dtype=False, near=near(k, name))

    def _whose_are(self, parameters: list[str], outside: list[str]) -> list[str]:
        """The arguments or constants from outside that the further parameters of an emitted program stand for."""
        if self.program.called and len(parameters) == len(outside):
            return outside  # in the order in which they were made
        return [self._whose(name) for name in parameters]

    def _whose(self, parameter: str) -> str:
        called = {new: name for name, new in self.program.called}
        for name in (parameter, re.sub(r"_\d+$", "", parameter)):
            if name in self.program.arguments or name in self.program.constants or name in called:
                return called.get(name, name)
        if self.program.called:
            raise Unread(f"whether {parameter} is one of {called}")
        raise Wrong(f"the emitted program has a parameter {parameter} that nobody can fill")

    def _data(self, name: str, k: int, more: dict):
        if name in more:
            return more[name]
        return self.program.arguments[name][k] if name in self.program.arguments else self.program.constants[name]

    # source in other languages

    def c(self) -> None:
        self._foreign("c")

    def javascript(self) -> None:
        self._foreign("javascript")

    def _foreign(self, language: str) -> None:
        """The parameters are those of the program in NumPy, in the same order, and the arrays are the last of them."""
        p, sig = self.program, self.program.signature(False)
        tensors, outside = self._given(0)
        f, _ = function(p, EAGER | outside, everything=False)
        args = [tensors[n] if n in tensors else p.arguments[n][0] for n in sig]
        text, numpy_text = (autograd.source(f, *args, language=name) for name in (language, "numpy"))
        space: dict = {}
        exec(compile(numpy_text, "<emitted>", "exec"), space)
        program = next(x for name, x in space.items() if name.endswith("_and_grad"))
        parameters = [name for name in inspect.signature(program).parameters if name not in numpy_text.arrays]
        names = [*sig, *self._whose_are(parameters[len(sig) :], [n for n in p.signature() if n not in sig])]
        order = [n for n in names if n in p.differentiated]
        shapes = [np.shape(self._data(n, 0, {})) for n in names]
        calls = {}
        for k, exact in self.exact.items():
            given = [self._data(n, k, {}) for n in names]
            if [np.shape(x) for x in given] == shapes:
                calls[k] = [*given, *text.arrays.values()], [exact.grads[n] for n in order]
        for k, (value, grads) in zip(calls, running.run(language, text, list(calls.values()))):
            exact = self.exact[k]
            compare(f"data {k}: the value", value, exact.value, exact.size, self.single, dtype=False, near=self.near(k))
            for name, g in zip(order, grads, strict=True):
                what = f"data {k}: the gradient of {name}"
                compare(what, g, exact.grads[name], exact.size, self.single, dtype=False, near=self.near(k, name))

    # second derivatives

    def second(self, differences_only: bool = False) -> None:
        p = self.program
        sig = p.signature()
        positions = tuple(i for i, name in enumerate(sig) if name in p.differentiated)
        rng = np.random.default_rng(len(p.text()))
        V = {i: rng.choice([-1.0, -0.5, 0.5, 1.0], np.shape(p.arguments[sig[i]][0])) for i in positions}  # noqa: N806

        weights = [V[i].astype(np.asarray(p.arguments[sig[i]][0]).dtype) for i in positions]
        f, _ = function(p, EAGER)

        def g(*args):
            found = autograd.grad(f, positions)(*args[: len(sig)])
            total = None
            for dx, by in zip(found, args[len(sig) :]):
                part = np.sum(dx * by)
                total = part if total is None else total + part
            return total

        def once_more(p, k):
            """The value of g, the gradients by name, and all that `backprop` finds."""
            tensors = {n: Tensor(p.arguments[n][k], name=dict(p.called).get(n, n)) for n in p.differentiated}
            output = g(*(tensors[n] if n in tensors else p.arguments[n][k] for n in sig), *weights)
            everything = autograd.backprop(output) if isinstance(output, Tensor) else {}
            return output, {n: everything.get(t, np.zeros_like(t.data)[()]) for n, t in tensors.items()}, everything

        around: dict[int, list] = {}

        def near(k, name=""):
            def found():
                if k not in around:
                    around[k] = list(self._around(lambda other: once_more(other, k)[:2]))
                return [grads[name] if name else getattr(output, "data", output) for output, grads in around[k]]

            return found

        exact: dict[int, tuple] = {}
        for k, first in self.exact.items():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                output, grads, everything = once_more(p, k)
            self.second_warned = any(issubclass(w.category, RuntimeWarning) for w in caught)
            sizes = [first.size] + [
                float(np.max(np.abs(y), initial=0.0)) for n, d in everything.items() for y in (n.data, d)
            ]
            if not np.all(np.isfinite(sizes)) or max(sizes) > 1e6:
                continue
            exact[k] = (output.data if isinstance(output, Tensor) else output, grads, max(sizes))
        if 0 not in exact:
            return
        if p.exact and not self.single:
            decided = with_decisions(p)

            def at(arrays):
                args = [arrays[n] for n in sig]
                return float(g(*args, *weights)), decided(*args)[1]

            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                arrays = {name: values[0] for name, values in p.arguments.items()}
                _, grads, size = exact[0]
                try:
                    against_differences("second derivative by", at, grads, arrays, self.rng, size, self.counts, 1e-5)
                except Wrong:
                    if differences_only or not self._by_a_tie(lambda other: (other._backward(), other.second(True))):
                        raise
        if differences_only:
            return
        if not isinstance(output, Tensor):
            return
        names = [f"by_{sig[i]}" for i in positions]
        errors = []
        for way in (self._second_source, self._second_compiled):
            try:
                way(g, names, weights, exact, near)
            except Exception as error:
                errors.append(error)
        for error in errors:  # a fault rather than a refusal
            if of_error("second", error).status != "refused":
                raise error
        if errors:
            raise errors[0]

    def _second_source(self, g, names: list[str], weights: list, exact: dict, near) -> None:
        with prefixed("source of grad: "):
            named = g_with([*self.program.signature(), *names], g)
            self._emitted(named, self._given(0)[0], exact, True, dict(zip(names, weights)), near)

    def _second_compiled(self, g, names: list[str], weights: list, exact: dict, near) -> None:
        sig = self.program.signature()
        with prefixed("compile of grad: "):
            tensors, _ = self._given(0)
            step = autograd.compile(g)
            for call, (k, (value, grads, size)) in enumerate(exact.items()):
                for name, t in tensors.items():
                    t.data = self.program.arguments[name][k]
                got = step(*(tensors[n] if n in tensors else self.program.arguments[n][k] for n in sig), *weights)
                compare(f"call {call}: the value", got, value, size, self.single, near=near(k))
                for name, t in tensors.items():
                    found = np.zeros_like(t.data)[()] if t.grad is None else t.grad
                    what = f"call {call}: the gradient of {name}"
                    compare(what, found, grads[name], size, self.single, near=near(k, name))

    def equations(self) -> None:
        import reading

        reading.check(self)

    def travel(self, road: str) -> Outcome:
        """The outcome of one road. `backward` comes first."""
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                getattr(self, road)()
            calm = road not in ("backward", "changed") and not any(e.warned for e in self.exact.values())
            if calm and not getattr(self, "second_warned", False):
                for w in caught:
                    if issubclass(w.category, RuntimeWarning):
                        return Outcome(
                            road, "crashed", f"RuntimeWarning: {w.message}", where=os.path.basename(w.filename)
                        )
            return Outcome(road, "right")
        except Wrong as error:
            if self.single and road != "backward" and self._is_rounding(road, error):
                return Outcome(road, "right")
            return Outcome(road, "wrong", str(error), error.deviation)
        except Unfit as error:
            return Outcome(road, "unfit", str(error))
        except Unread as error:
            return Outcome(road, "unread", str(error))
        except Exception as error:
            return of_error(road, error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _is_rounding(self, road: str, error: Wrong) -> bool:
        """Whether a small deviation in single precision is gone in double."""
        if not error.deviation <= 2e-2:
            return False
        wide = Traveller(self.wide)
        wide.backward()
        try:
            getattr(wide, road)()
        except Wrong:
            return False
        return True


def g_with(names: list[str], g):
    """`g` with parameters of these names."""
    space = {"g_": g}
    exec(f"def second({', '.join(names)}):\n    return g_({', '.join(names)})\n", space)
    return space["second"]


class prefixed:  # noqa: N801
    def __init__(self, text: str):
        self.text = text

    def __enter__(self):
        return self

    def __exit__(self, kind, error, where):
        if isinstance(error, Wrong):
            raise Wrong(self.text + str(error), error.deviation) from None
        if error is not None:
            error.stress_prefix = self.text
        return False


def _too_long(*_):
    raise TimeoutError(f"longer than {SECONDS} s")


WORDS = re.compile(
    r"compile|source|equations|Tensor|trac(ed|ing)|program|backward of|\bf:|" + "|".join(autograd.operations())
)


def of_error(road: str, error: Exception) -> Outcome:
    """A refusal is an error that the engine raised on purpose, and that says of what; any other is a crash."""
    inner: BaseException = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    frames = traceback.extract_tb(inner.__traceback__)
    last = frames[-1]
    ours = [frame for frame in frames if frame.filename.startswith(HOME)]
    line = linecache.getline(last.filename, last.lineno).strip()
    on_purpose = last.filename.startswith(HOME) and line.startswith("raise ")
    kinds = (TypeError, ValueError, NotImplementedError, IndexError, autograd.ReplayError)
    where = f"{os.path.relpath(ours[-1].filename, HOME)}, {ours[-1].name}" if ours else ""
    message = f"{getattr(error, 'stress_prefix', '')}{type(error).__name__}: {str(error)[:400]}"
    status = "refused" if isinstance(error, kinds) and on_purpose and WORDS.search(str(error)) else "crashed"
    return Outcome(road, status, message, where=where)


def check(program: Program, roads=ROADS) -> tuple[list[Outcome], dict]:
    """What becomes of a program on these roads; nothing but `backward` where that is not right."""
    traveller = Traveller(program)
    outcomes = [traveller.travel("backward")]
    if outcomes[0].status == "right":
        outcomes += [traveller.travel(road) for road in roads if road != "backward"]
    return outcomes, traveller.counts
