"""Says what may enter a graph as data: floats, and what becomes floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import float64, ndarray

NUMBERS = frozenset({ndarray, float, int, float64, np.float32})  # operands that need no second look


def float_data(data: Any, where: str) -> Any:
    """Return `data` as a Tensor holds it: floats as they are, integers and booleans as float64, and arrays without
    axes as scalars, whose arithmetic is many times faster. Raises TypeError for other data, and says `where` it was
    found."""
    if isinstance(data, np.floating):
        return data
    if not isinstance(data, (ndarray, np.generic)):
        if not isinstance(data, (float, int)):
            raise TypeError(f"{where}: a Tensor holds real numbers, not a {type(data).__name__}")
        data = float64(data)
    kind = data.dtype.kind
    if kind in "iub":
        data = data.astype(float64)
    elif kind != "f":
        raise TypeError(f"{where}: a Tensor holds real numbers, not {data.dtype} data")
    return data if data.ndim else data[()]


def array_of(data: Any, where: str) -> Any:
    """Copy the data into an array. Raises TypeError for a masked array, whose mask would be lost."""
    if hasattr(data, "mask"):
        raise TypeError(f"{where}: the mask of a masked array would be lost; fill it first: data.filled(0.0)")
    return np.array(data)


def constant(operand: Any, where: str) -> Any:
    """Return a constant operand as NumPy reads it. Raises TypeError if it does not hold real numbers."""
    if isinstance(operand, np.matrix):
        raise TypeError(f"{where}: * of np.matrix is a product of matrices, which is @ here; use np.asarray(matrix)")
    value = operand if isinstance(operand, np.generic) else array_of(operand, where)
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{where}: the operand {operand!r:.60} ({type(operand).__name__}) is not made of real numbers")
    return value
