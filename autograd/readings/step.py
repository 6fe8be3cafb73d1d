"""A whole step of training as one program: the value, the gradient, and what an optimiser makes of it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.readings.program import Program, kind_of
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

    def __call__(self, *args: Any) -> Any:
        if is_tracing():
            raise TypeError("compile: a step moves parameters, and cannot be a part of another function")
        numbers = self.update.numbers()
        program = self._program(args, numbers)
        values = [x._value if isinstance(x, Tensor) else x for x in (*args, *program.outside)]
        moved = [self._old(move) for move in program.moves]
        values[: len(args)] = [_apart(x, [*values[len(args) :], *moved]) for x in values[: len(args)]]
        remembered = [x for x, move in zip(moved, program.moves, strict=True) if move.memory is not None]
        given = [dtype.type(numbers[name]) for name, dtype in program.numbers]
        with self._lock:
            value, returned = program.run(*values, *remembered, *given)
        self._moved(program, list(returned))
        return value.copy() if type(value) is ndarray else value

    def _program(self, args: tuple[Any, ...], numbers: dict[str, float]) -> Program:
        """The program for such arguments."""
        settings = repr({name: value for name, value in self.update.settings().items() if name not in numbers})
        key = (*map(kind_of, args), settings, *numbers)
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
        """Take over what has no memory to be written into, and let graphs notice that data has changed."""
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
    """An argument that no parameter lies in the memory of."""
    if type(x) is ndarray and any(type(p) is ndarray and np.may_share_memory(x, p) for p in others):
        return x.copy()
    return x
