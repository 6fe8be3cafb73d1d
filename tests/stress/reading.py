"""Equations read back: their text as it is printed, computed with NumPy by tests/reading_back.py."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from roads import EAGER, Wrong, eager, function

from autograd import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))

import reading_back


def check(traveller) -> None:
    """Raises Wrong where a line of the equations of a program is false, or is no equation."""
    program = traveller.wide
    exact = eager(program, 0)
    f, _ = function(program, EAGER, constants=True)
    names = [*program.signature(), *program.constants]
    data = {name: values[0] for name, values in program.arguments.items()} | program.constants
    args = [Tensor(data[name]) if name in program.differentiated else data[name] for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reading_back.check(f, args, names=names, wanted=exact.grads)
        except AssertionError as error:
            raise Wrong(str(error)) from error
