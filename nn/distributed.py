"""Trains one model on many machines: each process computes a part of every mini-batch, and their gradients are added
up.

    mpiexec -n 4 python -m nn train --sizes 784,1000,500,10 --batch 1024 --save net.npz
    mpiexec -hosts one,two -n 2 python -m nn train ...

A process is called a rank, and has a number from 0. All ranks read the same data and draw the same order of it. Each
takes its share of every mini-batch, a run of rows, and computes the gradient of their mean cost. Weighted by the
shares, these gradients add up to that of the whole mini-batch. One call (`Allreduce`) adds them up in one buffer, and
gives every rank the sum. So all ranks take the same step, and always have the same parameters: those of a single
process, to rounding. Scores are shared out in the same way. Only rank 0 prints and saves.

The extra `distributed` installs what this needs: mpi4py, and mpich, an MPI with its `mpiexec`. If a machine runs more
than one rank, give each its share of the cores: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from autograd import Tensor
from nn.checkpoint import fingerprint
from nn.equations import Array

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")  # where an mpiexec says how many ranks there are
GRACE = 2.0  # seconds that a rank waits before it ends a run, for rank 0 can say better why


def launched() -> Ranks | None:
    """Return the ranks of this run, or None if `mpiexec` has not started several.

    Raises RuntimeError without mpi4py.
    """
    if not any(os.environ.get(name, "1") not in ("", "0", "1") for name in SIZES):
        return None
    try:
        return Ranks()
    except ImportError:
        raise RuntimeError(
            "training on several ranks needs the package mpi4py: pip install mpi4py mpich, or handgrad with the extra"
            " distributed"
        ) from None


class Ranks:
    """The processes that train a model together; `nn.train(..., ranks=Ranks())` does, in each of them.

    rank     the number of this one, from 0
    size     how many there are
    seconds  how long this one has waited for sums and computed them

    As a block, `with Ranks() as ranks:`, it ends all ranks where one leaves it with an error: the others would wait for
    that one for ever.
    """

    def __init__(self, communicator: Any = None):
        if communicator is None:
            from mpi4py import MPI

            communicator = MPI.COMM_WORLD
        self._all = communicator
        self.rank, self.size = int(self._all.Get_rank()), int(self._all.Get_size())
        self.seconds = 0.0
        self._buffers: Array = np.zeros((2, 0))  # what this rank has, and what all have together

    def share(self, n: int) -> slice:
        """Return which of n rows are this rank's. Shares differ by one row at most; with few rows, some are empty."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def add(self, array: Array) -> Array:
        """Return the sum of an array over all ranks, the same on each of them."""
        total = np.empty_like(array)
        self._add(array, total)
        return total

    def _add(self, array: Array, total: Array) -> None:
        since = time.perf_counter()
        self._all.Allreduce(array, total)
        self.seconds += time.perf_counter() - since

    def add_gradients(self, parameters: Sequence[Tensor], weight: float, cost: float) -> float:
        """Replace the gradients by their sum over all ranks, each times its rank's weight; return that of the costs."""
        given = [p for p in parameters if p.grad is not None]
        dtype, n = np.result_type(*[p.dtype for p in given]), 1 + sum(p.size for p in given)
        if self._buffers.shape != (2, n) or self._buffers.dtype != dtype:
            self._buffers = np.zeros((2, n), dtype)
        mine, total = self._buffers
        ends = list(itertools.accumulate(p.size for p in given))
        for p, end in zip(given, ends, strict=True):
            np.multiply(p.grad, weight, out=mine[end - p.size : end].reshape(p.shape))
        mine[-1] = weight * cost
        self._add(mine, total)
        for p, end in zip(given, ends, strict=True):
            p.grad = total[end - p.size : end].reshape(p.shape).astype(p.dtype, copy=False)
        return float(total[-1])

    def first(self, array: Array) -> Array:
        """Return the array of rank 0, which has the same shape and dtype as this rank's."""
        array = np.array(array, order="C")
        self._all.Bcast(array, root=0)
        return array

    def text_of_first(self, text: str) -> str:
        """Return the text of rank 0."""
        content = np.frombuffer(text.encode(), np.uint8)
        length = int(self.first(np.array(content.size)))
        return self.first(content if self.rank == 0 else np.zeros(length, np.uint8)).tobytes().decode()

    def same(self, what: str, *arrays: Array) -> None:
        """Raise RuntimeError if the arrays differ from those on rank 0."""
        here = fingerprint(*arrays)
        if self.text_of_first(here) != here:
            raise RuntimeError(
                f"rank {self.rank} has {what} that differ from those of rank 0; all ranks need the same files and"
                " versions"
            )

    def end(self, code: int, errors: str = "") -> NoReturn:
        """Say which errors this rank had, and end it and all others with an exit code.

        Another rank than 0 waits first, for 0 may have the same to say, and then ends all at once.
        """
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if self.rank:
            time.sleep(GRACE)
        if errors:
            print(f"rank {self.rank}: {errors.strip()}", file=sys.stderr, flush=True)
        self._all.Abort(code)
        raise SystemExit(code)

    def __enter__(self) -> Ranks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and self.size > 1:
            if isinstance(error, SystemExit):
                self.end(error.code if isinstance(error.code, int) else 1)
            self.end(1, "".join(traceback.format_exception(error)))
