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
# And jax.numpy, of JAX 0.10.2.
JAX = (  # noqa: SIM905
    "abs absolute acos acosh add amax amin angle append apply_along_axis apply_over_axes arccos arccosh arcsin "
    "arcsinh arctan arctan2 arctanh array_split asin asinh astype atan atan2 atanh atleast_1d atleast_2d atleast_3d "
    "average block broadcast_arrays broadcast_to cbrt choose clip column_stack compress concat concatenate conj "
    "conjugate convolve copy copysign corrcoef correlate cos cosh cov cross cumprod cumsum cumulative_prod "
    "cumulative_sum deg2rad degrees delete diag diagflat diagonal diff divide divmod dot dsplit dstack ediff1d einsum "
    "exp exp2 expand_dims expm1 extract fabs fft.fft fft.fft2 fft.fftn fft.fftshift fft.hfft fft.ifft fft.ifft2 "
    "fft.ifftn fft.ifftshift fft.ihfft fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn flip fliplr "
    "flipud float_power fmax fmin fmod frexp full_like geomspace gradient heaviside hsplit hstack hypot i0 imag inner "
    "insert interp intersect1d kron ldexp linalg.cholesky linalg.cond linalg.cross linalg.det linalg.diagonal "
    "linalg.eig linalg.eigh linalg.eigvals linalg.eigvalsh linalg.inv linalg.lstsq linalg.matmul linalg.matrix_norm "
    "linalg.matrix_power linalg.matrix_transpose linalg.multi_dot linalg.norm linalg.outer linalg.pinv linalg.qr "
    "linalg.slogdet linalg.solve linalg.svd linalg.svdvals linalg.tensordot linalg.tensorinv linalg.tensorsolve "
    "linalg.trace linalg.vecdot linalg.vector_norm linspace log log10 log1p log2 logaddexp logaddexp2 logspace matmul "
    "matrix_transpose matvec max maximum mean median meshgrid min minimum mod modf moveaxis multiply nan_to_num "
    "nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar "
    "negative outer pad partition percentile permute_dims piecewise poly polyadd polyder polydiv polyfit polyint "
    "polymul polysub polyval positive pow power prod ptp quantile rad2deg radians ravel real reciprocal remainder "
    "repeat reshape resize roll rollaxis roots rot90 select setdiff1d setxor1d sin sinc sinh sort split sqrt square "
    "squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose trapezoid "
    "tril trim_zeros triu true_divide union1d unique unique_values unstack unwrap vander var vdot vecdot vecmat "
    "vsplit vstack where"
).split()
# And MyGrad 2.5.0.
MYGRAD = (  # noqa: SIM905
    "abs absolute add amax amin arccos arccosh arcsin arcsinh arctan arctan2 arctanh atleast_1d atleast_2d atleast_3d "
    "broadcast_to cbrt clip concatenate cos cosh cumprod cumsum divide einsum exp exp2 expand_dims expm1 linalg.norm "
    "log log10 log1p log2 logaddexp logaddexp2 matmul max maximum mean min minimum moveaxis multiply negative "
    "positive power prod ravel reciprocal repeat reshape roll sin sinc sinh sqrt square squeeze stack std subtract "
    "sum swapaxes tan tanh transpose true_divide var where"
).split()


def supported():
    """List NumPy's functions with a derivative, under all their names."""
    packages = {"": np, "linalg.": np.linalg, "fft.": np.fft}
    public = {prefix + name for prefix, package in packages.items() for name in dir(package) if name[0] != "_"}
    names = {name for name in public if _known(name) and _flows(numpy_function(name))}
    return names | {name for name in NAMED if name.split(".")[-1] in ("reduce", "accumulate")}


def _known(name):
    function = numpy_function(name)
    return callable(function) and not isinstance(function, type) and function in NUMPY


def _flows(function):
    return getattr(NAMED.get(qualified_name(function)), "rules", True)


def page():
    """Write the page as Markdown."""
    with_derivative = sorted(supported())
    known = {qualified_name(function) for function in NUMPY}
    without = {name for name in known if not _flows(numpy_function(name))}
    plain = sorted({qualified_name(function) for function in PLAIN} | without)
    refused = sorted(name for name in ADVICE if not name.startswith("ndarray."))
    others = (HIPS, JAX, MYGRAD)
    both = set(with_derivative).intersection
    lines = [
        "# NumPy's functions of Tensors",
        "",
        "Written by `python examples/numpy_functions.py examples/results`.",
        "",
        "## With a derivative",
        "",
        "Call them as you do for arrays: `np.linalg.solve(t, b)`. Beside each: who else has a derivative of it.",
        "",
        "| function | HIPS autograd | JAX | MyGrad |",
        "|---|---|---|---|",
        *(f"| np.{name} |{''.join(' * |' if name in have else '  |' for have in others)}" for name in with_derivative),
        f"| all {len(with_derivative)} |{''.join(f' {len(both(have))} |' for have in others)}",
        "",
        *(
            f"{name} has besides: {', '.join(f'np.{x}' for x in have if x not in with_derivative) or 'none'}.\n"
            for name, have in zip(("HIPS autograd", "JAX", "MyGrad"), others)
        ),
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
    print(f"{len(supported())} functions with a derivative, {text.count(chr(10) + '- ')} plain")
