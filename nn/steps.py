"""Takes the steps of a training, one for each mini-batch: as a program in C or in NumPy, or by building a graph each
time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Tensor, compile
from autograd.readings.replay import has_compiler
from autograd.readings.step import Step
from nn.checkpoint import Checkpoint
from nn.digits import Examples
from nn.distributed import Ranks
from nn.equations import Array
from nn.layers import Dropout
from nn.sgd import Optimiser

ENOUGH = 250  # mini-batches in an epoch for which it pays to build a program in C, which takes a second


def backend_of(backend: str, batches: int, resume: str | Path | None = None) -> str:
    """Say what the mini-batches of an epoch run in: "c" or "numpy"; for "auto" the fastest that there is.

    That is C if there is a compiler and something to gain. A training that goes on runs in what it ran in before, so
    that it ends bit for bit where it would have.
    """
    if backend not in ("auto", "numpy", "c"):
        raise ValueError(f'backend is "auto", "numpy" or "c", not {backend!r}')
    if backend != "auto":
        return backend
    if resume is not None:
        wanted = Checkpoint.read(resume).settings.get("backend", "numpy") == "c"
    else:
        wanted = batches >= ENOUGH
    return "c" if wanted and has_compiler() else "numpy"


class Steps:
    """Takes the steps of a training: the gradient of a cost on each mini-batch, and the update by an optimiser.

    data      all examples; a mini-batch has `size` of them
    compiled  whether to run a program; with `longest` or `ranks` it computes only the gradient
    backend   what the steps should run in; the attribute says what they do run in, "c" or "numpy"
    resume    the file of a training that goes on, in what it ran in before
    augment   changes the inputs of a mini-batch at random, with `rng`; with a method `draw`, each rank's own only
    longest   the length to which a longer gradient is scaled down
    ranks     the processes that share each mini-batch; each `Dropout` is told which rows are its own
    """

    def __init__(
        self, cost: Callable[[Array, Array], Any], optimiser: Optimiser, data: Examples, size: int, *,
        compiled: bool, backend: str, resume: str | Path | None, rng: np.random.Generator,
        augment: Callable[[Array, Any], Array] | None, longest: float | None, ranks: Ranks | None,
        dropouts: Sequence[Dropout],
    ):  # fmt: skip
        self._cost, self._optimiser, self._data, self._size = cost, optimiser, data, size
        self._augment, self._rng, self._longest = augment, rng, longest
        self._ranks, self._dropouts = ranks, dropouts
        batches = -(-len(data.x) // size)
        first = data.x[:size], data.y[:size]
        self.backend, self._step = (
            _step(cost, optimiser, first, backend_of(backend, batches, resume), backend == "auto")
            if compiled and longest is None and ranks is None
            else ("numpy", None)
        )
        self._gradient: Callable[[Array, Array], Any] = compile(cost, overwrite=True) if compiled else self._anew

    def take(
        self, batches: Sequence[NDArray[np.int64]], total: float,
        rate: Callable[[int], None], taken: Callable[[int], None],
    ) -> float:  # fmt: skip
        """Take a step for each mini-batch, given by the places of its examples, and return `total` with their costs.

        `rate(n)` is called before the update by mini-batch n, counted from 0, and `taken(n)` when n of them are done.
        """
        x, y = self._data
        if self._step is not None and self._augment is None:
            order = np.concatenate(batches)
            values = self._step.epoch(x, y, order=order, size=self._size, prepare=rate, report=taken)
            for value in values.tolist():  # not by sum, which adds floats up in a way of its own from Python 3.12 on
                total += value
            return total
        for n, batch in enumerate(batches):
            rows, weight = self._share(len(batch))
            inputs, wanted = self._inputs(batch, rows), y[batch[rows]]
            if self._step is not None:
                rate(n)
                total += float(self._step(inputs, wanted))
            else:
                self._optimiser.zero_grad()
                cost = float(self._gradient(inputs, wanted))
                if self._ranks is not None:
                    cost = self._ranks.add_gradients(self._optimiser.parameters, weight, cost)
                total += cost
                if self._longest is not None:
                    _limit(self._optimiser.parameters, self._longest)
                rate(n)
                self._optimiser.step()
            taken(n + 1)
        return total

    def _share(self, n: int) -> tuple[slice, float]:
        """Say which of the n rows of a mini-batch are computed here, and how much of the whole they are.

        With more ranks than rows, some ranks have none. They compute one that does not count: there is no mean of
        nothing, and a dropout has to draw.
        """
        if self._ranks is None:
            return slice(0, n), 1.0
        rows = self._ranks.share(n)
        weight = (rows.stop - rows.start) / n
        rows = rows if weight else slice(0, 1)
        for module in self._dropouts:
            module.rows = n, rows
        return rows, weight

    def _inputs(self, batch: NDArray[np.int64], rows: slice) -> Array:
        """Return the inputs of these rows of a mini-batch. Random numbers are drawn for all its rows, on every rank."""
        x = self._data.x
        if self._augment is None:
            return x[batch[rows]]
        draw = getattr(self._augment, "draw", None)
        if draw is None:
            return self._augment(x[batch], self._rng)[rows]
        return self._augment(x[batch[rows]], draw(len(batch), self._rng)[rows])

    def _anew(self, x: Array, y: Array) -> Any:
        value = self._cost(x, y)
        value.backward()
        return value.data


def _step(
    cost: Callable[[Array, Array], Any], optimiser: Optimiser, batch: tuple[Array, Array], backend: str, may_fall: bool
) -> tuple[str, Step | None]:
    """Decide what the steps run in, and make the program of a whole step; None for an optimiser with a step of its own.

    C is built here, so that errors show before the training. With `may_fall`, a cost that cannot be written in C runs
    in NumPy.
    """
    from autograd import CompilerError, LoweringError  # what a compiler needs is imported where it is needed

    if type(optimiser).step is not Optimiser.step:
        return "numpy", None
    step = compile(cost, update=optimiser, backend=backend)
    if backend == "c":
        try:
            step.build(*batch)
        except (CompilerError, LoweringError):
            if not may_fall:
                raise
            return "numpy", compile(cost, update=optimiser)
    return backend, step


def _limit(parameters: list[Tensor], longest: float) -> None:
    """Scale the gradient of all parameters together down to the length `longest`, if it is longer."""
    length = np.sqrt(sum(np.vdot(p.grad, p.grad) for p in parameters if p.grad is not None))
    if length > longest:
        for p in parameters:
            if p.grad is not None:
                p.grad = p.grad * (longest / length)
