"""Finds the BLAS that NumPy itself calls, for the large products of programs in C."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Blas(NamedTuple):
    """Where cblas_sgemm and cblas_dgemm are, what C calls the type of their whole numbers, and which processor they are
    for."""

    sgemm: int
    dgemm: int
    integer: str
    core: str = ""


@cache
def blas() -> Blas | None:
    """Find the OpenBLAS that came with NumPy, or the one of the package scipy-openblas32; None if there is neither.

    NumPy's wheels bring it as a library of their own, which this process has already loaded.
    """
    places: list[tuple[Path, str]] = [(Path(np.__file__).parent.parent / "numpy.libs", "64_")]
    places.append((Path(np.__file__).parent / ".dylibs", "64_"))
    found = importlib.util.find_spec("scipy_openblas32")
    if found is not None and found.origin:
        places.append((Path(found.origin).parent / "lib", ""))
    for folder, end in places:
        for path in sorted(folder.glob("*openblas*")) if folder.is_dir() else []:
            try:
                library = ctypes.CDLL(str(path))
                sgemm, dgemm = (_address(library[f"scipy_cblas_{name}{end}"]) for name in ("sgemm", "dgemm"))
                core = library[f"scipy_openblas_get_corename{end}"]
                core.restype = ctypes.c_char_p
            except (OSError, AttributeError):  # another library, or an older one
                continue
            return Blas(sgemm, dgemm, "long long" if end else "int", core().decode())
    return None


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
