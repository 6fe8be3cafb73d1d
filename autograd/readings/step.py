"""A whole step of training as one program: the value, the gradient, and the update that an optimiser makes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.readings.program import Program, guarded, kinds
from autograd.readings.updates import Update
from autograd.recording import is_tracing
from autograd.tensor import Tensor, last_change, next_tick


class Step:
    """What `compile(f, update=optimiser)` returns: each call moves the parameters, and returns f's value before that.

    source  the text of the programs
    """

    def __init__(self, f: Callable[..., Any], update: Update, backend: str):
        self.f, self.update, self.backend = f, update, backend
        self._programs: dict[Any, Program] = {}
        self._lock = Lock()
        self._like_before: Callable[..., Any] = f  # a call like the one before, which takes `_arity` arguments
        self._arity = -1

    def __call__(self, *args: Any) -> Any:
        if is_tracing():
            raise TypeError("compile: a step moves parameters, and cannot be a part of another function")
        if len(args) == self._arity:
            value = self._like_before(*args)
            if value is not None:
                return value
        numbers = self.update.numbers()
        program = self._program(args, numbers)
        if program.direct is not None:  # that of another shape, in turn with this one
            value = program.direct(*args)
            if value is not None:
                self._like_before, self._arity = program.direct, len(args)
                return value
        values = [x._value if isinstance(x, Tensor) else x for x in (*args, *program.outside)]
        moved = [self._old(move) for move in program.moves]
        values[: len(args)] = [_apart(x, [*values[len(args) :], *moved]) for x in values[: len(args)]]
        remembered = [x for x, move in zip(moved, program.moves, strict=True) if move.memory is not None]
        given = [dtype.type(numbers[name]) for name, dtype in program.numbers]
        with self._lock:
            value, returned = program.run(*values, *program.arrays, *remembered, *given)
        self._moved(program, list(returned))
        program.direct = self.without_loops(program, args, numbers)
        if program.direct is not None:
            self._like_before, self._arity = program.direct, len(args)
        return value.copy() if type(value) is ndarray else value

    def build(self, *args: Any) -> None:
        """Make the program for such arguments, and take no step."""
        self._program(args, self.update.numbers())

    def epoch(
        self, *arrays: Any, order: Any, size: int, prepare: Callable[[int], object] = lambda n: None,
        report: Callable[[int], object] = lambda n: None,
    ) -> ndarray[Any, Any]:  # fmt: skip
        """Take a step for one mini-batch after the other, and return the value of each, in an array of shape (n,).

        arrays   the arguments, with all their rows
        order    the indices of the rows, in the order in which they are taken
        size     the number of rows in a mini-batch; the last one may be shorter
        prepare  called before each step with its number, to set a learning rate
        report   called with the number of steps taken, at least ten times a second

        In C many steps run without Python. Ctrl-C, and what `report` raises, stop them within a tenth of a second.

        >>> from autograd import Tensor, compile
        >>> from nn import SGD
        >>> w = Tensor([0.0], name="w")
        >>> step = compile(lambda x, y: np.mean((x @ w - y) ** 2), update=SGD([w], eta=0.1))
        >>> step.epoch(np.ones((5, 1)), np.full(5, 3.0), order=np.arange(5), size=2)
        array([9.    , 5.76  , 3.6864])
        """
        order = np.asarray(order)
        if order.dtype.kind not in "iu" and order.size:
            raise TypeError(f"epoch: the order is of {order.dtype}, and the indices of rows are whole numbers")
        order = np.ascontiguousarray(order, np.int64)
        rows = min((len(x) for x in arrays), default=0)
        if order.ndim != 1 or size < 1 or any(len(x) != rows for x in arrays):
            raise ValueError(
                f"epoch: arrays of {[len(x) for x in arrays]} rows, an order of shape {order.shape}, and size={size};"
                " the arrays have to be equally long, the order of shape (n,), and the size at least 1"
            )
        if order.size and (order.min() < 0 or order.max() >= rows):
            raise IndexError(
                f"epoch: the order has indices from {order.min()} to {order.max()}, and there are {rows} rows"
            )
        steps, whole = -(-len(order) // size), len(order) // size
        values, n, many = np.empty(steps), 0, 1
        while n < steps:
            since, last = time.perf_counter(), min(n + many, whole)
            if last > n and self._together(arrays, order, size, n, last, values, prepare):
                taken = last - n
                many = max(1, int(taken * min(2.0, 0.05 / max(time.perf_counter() - since, 1e-9))))
            else:
                prepare(n)
                values[n] = self(*[x[order[n * size : (n + 1) * size]] for x in arrays])
                taken = 1
            n += taken
            report(n)
        return values

    def _together(
        self, arrays: tuple[Any, ...], order: Any, size: int, first: int, last: int, values: Any, prepare: Any
    ) -> bool:  # fmt: skip
        """Take several steps in C; return False, and take none, if that cannot be done."""
        if self.backend != "c" or not all(
            type(x) is ndarray and x.flags.c_contiguous and x.flags.aligned for x in arrays
        ):
            return False
        batch = tuple([x[order[first * size : (first + 1) * size]] for x in arrays])
        program = self._program(batch, self.update.numbers())
        old = {move.name: self._old(move) for move in program.moves}
        if program.native is None or not program.native.rows or not all(x.flags.carray for x in old.values()):
            return False
        if any(np.may_share_memory(x, p) for x in arrays for p in old.values()):
            return False
        held = dict(zip(program.parameters[len(arrays) :], [p._value for p in program.outside] + program.arrays)) | old
        held = {name: np.ascontiguousarray(x) for name, x in held.items() if np.ndim(x)}
        if len(held) < len(program.parameters) - len(arrays) - len(program.numbers):
            return False
        steps: list[dict[str, float]] = []
        for n in range(first, last):
            prepare(n)
            steps.append(self.update.numbers())
            self.update.steps += 1
        if any(step.keys() != steps[0].keys() for step in steps):
            raise ValueError("epoch: a number of the update, such as the learning rate, is there in some steps only")
        names = program.parameters[len(program.parameters) - len(program.numbers) :]
        for name, (number, dtype) in zip(names, program.numbers, strict=True):
            held[name] = np.array([step[number] for step in steps], dtype)
        found = np.empty(len(values), program.native.program.value.dtype)
        program.native.epoch(list(arrays), order, first, last, held, found)
        values[first:last] = found[first:last]
        self.update.steps -= 1  # `_moved` counts one
        self._moved(program, [])
        return True

    def without_loops(self, program: Program, args: tuple[Any, ...], numbers: dict[str, float]) -> Any:
        """Write out all that another call with such arguments does, as `guarded` does; None where that cannot be.

        What is moved has to be where it was.
        """
        held = {move.name: self._old(move) for move in program.moves}
        held |= dict(zip(program.parameters[len(args) + len(program.outside) :], program.arrays))
        arrays = [*held.values(), *args]
        apart = all(type(x) is ndarray and x.base is None and x.flags.carray for x in arrays)
        moved = [(move.name, self.update.parameters[move.index]) for move in program.moves if move.memory is None]
        if (
            not apart
            or len(moved) < len(program.outside)
            or program.gives_array
            or any(p.changed < 0 for _, p in moved)
        ):
            return None
        xs = program.parameters[: len(args)]
        known: dict[str, Any] = {
            "ndarray_": ndarray, "same_": program.unchanged, "tick_": next_tick, "last_": last_change,
            "lock_": program.native.lock if program.native else self._lock,
            "update_": self.update, "ids_": {*map(id, held.values())}, "names_": numbers.keys(),
            "settings_": self._settings(numbers), "now_": lambda: self._settings(numbers), **held,
        }  # fmt: skip
        known |= {f"{x}_type": arg.dtype for x, arg in zip(xs, args)}
        known |= {f"{x}_shape": arg.shape for x, arg in zip(xs, args)}
        known |= {f"{name}_tensor": p for name, p in moved}
        fits = ["same_()", "(numbers_ := update_.numbers()).keys() == names_", "now_() == settings_"]
        fits += [f"type({x}) is ndarray_ and {x}.dtype is {x}_type and {x}.shape == {x}_shape and {x}.base is None"
                 f" and {x}.flags.carray and id({x}) not in ids_" for x in xs]  # fmt: skip
        fits += [f"{name}_tensor._value is {name}" for name, _ in moved]
        fits += [f"update_.memory[{move.index}][{move.memory}] is {move.name}" for move in program.moves
                 if move.memory is not None]  # fmt: skip
        lines = []
        for name, (number, dtype) in zip(program.parameters[-len(program.numbers) :], program.numbers):
            known[f"{name}_type"] = dtype.type
            lines.append(f"{name} = {name}_type(numbers_[{number!r}])")
        run, more = program.called(held)
        lines += [
            f"with lock_: value_ = {run}",
            f"{''.join(f'{name}_tensor.grad = ' for name, _ in moved)}None",
            f"{''.join(f'{name}_tensor.changed = ' for name, _ in moved)}last_[0] = tick_()",
            "update_.steps += 1",
            "return value_",
        ]
        return guarded(xs, fits, lines, known | more)

    def _settings(self, numbers: dict[str, float]) -> dict[str, Any]:
        """Return what a program is made for."""
        return {name: value for name, value in self.update.settings().items() if name not in numbers}

    def _program(self, args: tuple[Any, ...], numbers: dict[str, float]) -> Program:
        """Return the program for such arguments."""
        settings = repr(self._settings(numbers))
        key = (*kinds(args), settings, *numbers)
        program = self._programs.get(key)
        if program is None or not program.fits():
            for i, arg in enumerate(args):
                if isinstance(arg, Tensor):
                    raise TypeError(
                        f"compile: argument {i} of a step with an update is a Tensor; pass arrays, and let the function"
                        " reach its parameters by itself"
                    )
            program = self._programs[key] = Program(self.f, args, True, self.backend, self.update, numbers)
        for move in program.moves:
            value = self._old(move)
            if type(value) is ndarray and not value.flags.writeable:
                raise ValueError(f"compile: {move.name} cannot be written into, and a step would move it")
        return program

    def _old(self, move: Any) -> Any:
        if move.memory is None:
            return self.update.parameters[move.index]._value
        return self.update.memory[move.index][move.memory]

    def _moved(self, program: Program, returned: list[Any]) -> None:
        """Store what has no memory to be written into, and let graphs notice that data has changed."""
        self.update.steps += 1
        now = last_change[0] = next_tick()
        for move in program.moves:
            if move.memory is None:
                p = self.update.parameters[move.index]
                if not np.ndim(p._value):
                    p._value = p.dtype.type(returned.pop(0))
                p.grad, p.changed = None, now if p.changed >= 0 else -now
            elif not np.ndim(self._old(move)):
                remembered = list(self.update.memory[move.index])
                remembered[move.memory] = returned.pop(0)
                self.update.memory[move.index] = tuple(remembered)

    @property
    def source(self) -> str:
        return "\n\n".join(program.source for program in self._programs.values())


def _apart(x: Any, others: list[Any]) -> Any:
    """Return an argument that shares no memory with a parameter."""
    if type(x) is ndarray and any(type(p) is ndarray and np.may_share_memory(x, p) for p in others):
        return x.copy()
    return x
