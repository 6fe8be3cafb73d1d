"""What Tensors do not support, by the name of NumPy's function or of the method, and what to write instead.

The code in the first backticks of an entry works for a Tensor t; a test runs it.
"""

_ASSIGNED = "use `np.where(mask, a, t)`, which gives a new value"
_COMPLEX = "Tensors are real; for a convolution use `np.convolve(t, v)`"

REFUSED = {
    # What writes into an array
    "copyto":                 _ASSIGNED,
    "putmask":                _ASSIGNED,
    "place":                  _ASSIGNED,
    "put":                    _ASSIGNED,
    "put_along_axis":         _ASSIGNED,
    "fill_diagonal":          "use `np.where(np.eye(n) > 0, a, t)`, which gives a new value",
    "add.at":                 "use `(np.arange(n)[:, None] == indices) @ t`, which sums what has the same index",
    # Methods of ufuncs
    "add.reduceat":           "use `np.stack([np.sum(part, axis=0) for part in np.split(t, [1])])`",
    "ufunc.reduce":           "along the first axis use `functools.reduce(np.hypot, t)`",
    "ufunc.accumulate":       "along the first axis use `np.stack([*itertools.accumulate(t, np.hypot)])`",
    # Complex numbers
    **{f"fft.{name}{n}": _COMPLEX for name in ("fft", "ifft", "rfft", "irfft") for n in ("", "2", "n")},
    "fft.hfft":               _COMPLEX,
    "fft.fftshift":           "use `np.roll(t, t.shape[0] // 2, axis=0)`, for each axis",
    "fft.ifftshift":          "use `np.roll(t, -(t.shape[0] // 2), axis=0)`, for each axis",
    "fft.ihfft":              _COMPLEX,
    "roots":                  "Tensors are real, and roots may be complex; use `np.polyval(t, x)` to look for them",
    **{f"emath.{name}": f"Tensors are real; use `np.{name}(t)`" for name in ("sqrt", "log", "log2", "log10")},
    # Other functions
    "polynomial.polynomial.polyval": "use `np.polyval(np.flip(t), x)`",
    "sort_complex":           "use `np.sort(t)`",
    "lib.stride_tricks.as_strided": "use `np.lib.stride_tricks.sliding_window_view(t, (1, 1))`",
    "save":                   "use `np.copy(t).data`",
    "savetxt":                "use `np.copy(t).data`",
    # Methods of arrays that change them in place, or that belong to PyTorch
    "ndarray.sort":           "a Tensor is never changed in place: use `np.sort(t)`",
    "ndarray.partition":      "a Tensor is never changed in place: use `np.partition(t, 1)`",
    "ndarray.resize":         "a Tensor is never changed in place: use `np.resize(t, (n, n))`",
    "ndarray.fill":           "a Tensor is never changed in place: use `np.full_like(t, 1.0)`",
    "ndarray.put":            "a Tensor is never changed in place: " + _ASSIGNED,
    "ndarray.flat":           "use `np.ravel(t)`",
    "ndarray.view":           "use `t.reshape(-1)`, or t.astype(dtype)",
    "ndarray.unsqueeze":      "use `np.expand_dims(t, 0)`",
    "ndarray.permute":        "use `np.transpose(t, (1, 0))`",
    "ndarray.t":              "use `t.T`",
    "ndarray.dim":            "use `t.ndim`",
    "ndarray.numel":          "use `t.size`",
    "ndarray.expand":         "use `np.broadcast_to(t, t.shape)`",
    "ndarray.clone":          "use the Tensor itself, which is never changed in place, or `t.copy()`",
    "ndarray.norm":           "use `np.linalg.norm(t)`",
    "ndarray.pow":            "use `t**2`",
    "ndarray.mul":            "use `t * t`",
    "ndarray.add":            "use `t + t`",
    "ndarray.sub":            "use `t - t`",
    "ndarray.div":            "use `t / t`",
    "ndarray.mm":             "use `t @ t.T`",
    "ndarray.matmul":         "use `t @ t.T`",
    "ndarray.clamp":          "use `t.clip(0, 1)`",
    "ndarray.gather":         "use `np.take_along_axis(t, np.argsort(t), 1)`",
    "ndarray.double":         "use `t.astype(np.float64)`",
    "ndarray.float":          "use `t.astype(np.float32)`",
    "ndarray.to":             "use `t.astype(np.float32)`",
    "ndarray.zero_":          "use `t.grad = None` where it is a gradient that starts afresh",
    "ndarray.requires_grad":  "every Tensor is differentiated; `t.detach()` is a constant",
    "ndarray.cpu":            "it is in the machine's memory: use `t.data`",
    "ndarray.value":          "use `t.data`",
}  # fmt: skip
