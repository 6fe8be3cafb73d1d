"""handgrad's engine: reverse-mode automatic differentiation over NumPy that shows its work.

A `Tensor` records what is computed from it, and `backward()` derives the gradient of the result:

>>> import numpy as np
>>> from autograd import Tensor
>>> w = Tensor([0.5, -1.0], name="w")
>>> x = np.array([[1.0, 2.0], [3.0, 4.0]])       # arrays and numbers are constants
>>> cost = np.mean(np.tanh(x @ w) ** 2)
>>> cost
Tensor(0.896...)
>>> cost.backward()
>>> w.grad
array([-0.242..., -0.432...])

`grad` and its relatives turn a function into its derivative, of any order:

>>> from autograd import grad
>>> print(grad(grad(np.sin))(1.0))
-0.841...
"""

from typing import TYPE_CHECKING, Any

from autograd.backward import backprop
from autograd.check import GradientError, check_gradients
from autograd.operation import Op
from autograd.ops import operations
from autograd.ops.activations import (
    log_softmax,
    logsumexp,
    relu,
    relu_layer,
    sigmoid,
    sigmoid_layer,
    softmax,
    softplus,
    tanh_layer,
)
from autograd.ops.products import linear
from autograd.recording import no_grad, scope
from autograd.registry import NAMED
from autograd.tensor import Tensor
from autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from autograd.readings.draw import draw
    from autograd.readings.elements import LoweringError
    from autograd.readings.equations import equations
    from autograd.readings.explain import explain
    from autograd.readings.native import CompilerError
    from autograd.readings.page.write import page
    from autograd.readings.replay import ReplayError, compile
    from autograd.readings.source import source

__all__ = [
    "CompilerError",
    "GradientError",
    "LoweringError",
    "Op",
    "ReplayError",
    "Tensor",
    "backprop",
    "check_gradients",
    "compile",
    "draw",
    "equations",
    "explain",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linear",
    "log_softmax",
    "logsumexp",
    "no_grad",
    "operations",
    "page",
    "relu",
    "relu_layer",
    "scope",
    "sigmoid",
    "sigmoid_layer",
    "softmax",
    "softplus",
    "source",
    "tanh_layer",
    "value_and_grad",
    "vjp",
]

# The readings, which are loaded when they are first used: who only trains a network need not wait for them.
_READINGS = {
    "CompilerError": "native",
    "LoweringError": "elements",
    "ReplayError": "replay",
    "compile": "replay",
    "draw": "draw",
    "equations": "equations",
    "explain": "explain",
    "page": "page.write",
    "source": "source",
}


def __getattr__(name: str) -> Any:
    room = "version" if name == "__version__" else f"readings.{_READINGS[name]}" if name in _READINGS else None
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"autograd.{room}"), name)
    return found


def _html(tensor: Tensor) -> str:
    from autograd.readings.display import tensor_html

    return tensor_html(tensor)


NAMED["html"] = _html  # what a notebook shows of a Tensor: a reading, too


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
