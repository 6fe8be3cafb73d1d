"""Which of NumPy's functions take Tensors: the page examples/results/numpy.md, written from the engine's own tables.

python examples/numpy_functions.py FOLDER    writes numpy.md into the folder
"""

import sys
from pathlib import Path

import numpy as np

from autograd.registry import ADVICE, NAMED, NUMPY, PLAIN, numpy_function, qualified_name

# What the package autograd 1.9 of HIPS has a derivative of, for comparison.
HIPS = (  # noqa: SIM905
    "absolute add amax amin angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh array_split astype atleast_1d "
    "atleast_2d atleast_3d broadcast_to clip conjugate cos cosh cross cumsum deg2rad degrees diag diagonal diff "
    "divide dot dsplit einsum exp exp2 expand_dims expm1 fabs fft.fft fft.fft2 fft.fftn fft.fftshift fft.ifft "
    "fft.ifft2 fft.ifftn fft.ifftshift fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn fliplr flipud "
    "fmax fmin full gradient hsplit hypot imag inner kron linalg.cholesky linalg.det linalg.eig linalg.eigh "
    "linalg.inv linalg.norm linalg.pinv linalg.slogdet linalg.solve linalg.svd linspace log log10 log1p log2 "
    "logaddexp logaddexp2 matmul max maximum mean min minimum moveaxis multiply nan_to_num negative outer pad "
    "partition power prod rad2deg radians ravel real real_if_close reciprocal remainder repeat reshape roll rollaxis "
    "rot90 sin sinc sinh sort split sqrt square squeeze std subtract sum swapaxes tan tanh tensordot tile trace "
    "transpose tril triu var vsplit where "
).split()


def supported():
    """NumPy's functions with a derivative, under all their names."""
    packages = {"": np, "linalg.": np.linalg, "fft.": np.fft}
    public = {prefix + name for prefix, package in packages.items() for name in dir(package) if name[0] != "_"}
    names = {name for name in public if _known(name) and getattr(NUMPY[numpy_function(name)], "rules", True)}
    return names | {name for name in NAMED if name.split(".")[-1] in ("reduce", "accumulate")}


def _known(name):
    function = numpy_function(name)
    return callable(function) and not isinstance(function, type) and function in NUMPY


def page():
    """The page, as Markdown."""
    with_derivative = sorted(supported())
    unary = {qualified_name(f) for f, call in NUMPY.items() if not getattr(call, "rules", True)}
    plain = sorted({qualified_name(function) for function in PLAIN} | unary)
    refused = sorted(name for name in ADVICE if not name.startswith("ndarray."))
    lines = [
        "# NumPy's functions of Tensors",
        "",
        "Written by `python examples/numpy_functions.py examples/results`.",
        "",
        "## With a derivative",
        "",
        "Call them as you do for arrays: `np.linalg.solve(t, b)`. Those marked * have one in HIPS autograd, too.",
        "",
        *(f"- np.{name}{' *' if name in HIPS else ''}" for name in with_derivative),
        "",
        "## Plain",
        "",
        "They see the values; nothing flows back. In ordinary use they give arrays; a program computes them anew.",
        "",
        *(f"- np.{name}" for name in plain),
        "",
        "## Refused",
        "",
        "| function | what to write instead |",
        "|---|---|",
        *(f"| np.{name} | {ADVICE[name]} |" for name in refused),
        "",
        "What NumPy itself does not let others define refuses a Tensor too: `np.array([t, …])` (use `np.stack`),"
        " `np.full(shape, t)` (use `np.broadcast_to(t, shape)`), `np.r_` and `np.c_` (use `np.concatenate`).",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    text = page()
    if len(sys.argv) > 1:
        Path(sys.argv[1], "numpy.md").write_text(text, encoding="utf-8")
    print(f"{text.count(chr(10) + '- ')} functions, {text.count(chr(10) + '| np.')} refusals with advice")
