"""Calls functions written for PyTorch or JAX: converts their arguments, and what they return."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from autograd.tensor import Node, Tensor, plain

FRAMEWORKS = ("torch", "jax")


def refuse_missing(against: str) -> None:
    """Raise ValueError for an unknown framework, and ImportError for one that is not installed."""
    if against not in FRAMEWORKS:
        raise ValueError(f"against is one of {', '.join(map(repr, FRAMEWORKS))}, not {against!r}")
    if importlib.util.find_spec(against) is None:
        raise ImportError(f"against={against!r} needs {against}, which is not installed here: pip install {against}")


def to_framework(x: Any, against: str) -> Any:
    """Convert an array or a Tensor to the framework; pass anything else on as it is.

    In PyTorch, what was a Tensor here requires a gradient.
    """
    if not isinstance(x, Node | np.ndarray | np.generic):
        return x
    value = np.array(plain(x))
    if against == "torch":
        import torch

        converted = torch.from_numpy(value) if value.ndim else torch.tensor(value.item(), dtype=_torch_type(value))
        return converted.requires_grad_() if isinstance(x, Tensor) else converted
    import jax.numpy

    return jax.numpy.asarray(value)


def _torch_type(value: Any) -> Any:
    import torch

    return torch.from_numpy(value.reshape(1)).dtype


def from_framework(x: Any) -> Any:
    """Convert what a framework returned to NumPy's arrays, also inside lists, tuples and dicts."""
    if isinstance(x, tuple | list):
        return (
            type(x)(from_framework(part) for part in x) if not hasattr(x, "_fields") else tuple(map(from_framework, x))
        )
    if isinstance(x, dict):
        return {key: from_framework(part) for key, part in x.items()}
    if hasattr(x, "detach") and hasattr(x, "cpu"):
        return x.detach().cpu().numpy()
    return np.asarray(x) if hasattr(x, "__array__") and not isinstance(x, Node) else x
