"""Stochastic gradient descent: the optimiser, with momentum and weight decay."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autograd import Tensor
from nn.equations import Array


class SGD:
    """Gradient descent on some parameters, in place: each `step` moves them by -eta times their gradient.

    eta           the learning rate
    momentum      mu in v <- mu v + g, p <- p - eta v. Book, chapter 3, "Momentum-based gradient descent", where the
                  velocity is -eta v
    nesterov      p <- p - eta (g + mu v) instead: the gradient looked up ahead (Sutskever et al., 2013)
    weight_decay  lambda/n in p <- (1 - eta lambda/n) p - eta g: the gradient of an L2 penalty lambda/2n sum p^2. Book,
                  chapter 3, equation (93)
    decayed       the parameters that decay, all by default (in the book, the weights alone)

    >>> p = Tensor([1.0, 2.0])
    >>> optimiser = SGD([p], eta=0.5)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p
    Tensor([0., 0.])
    """

    def __init__(
        self, parameters: Iterable[Tensor], eta: float, *, momentum: float = 0.0, nesterov: bool = False,
        weight_decay: float = 0.0, decayed: Iterable[Tensor] | None = None,
    ):  # fmt: skip
        self.parameters = list(parameters)
        if not self.parameters or not all(isinstance(p, Tensor) and p.op is None for p in self.parameters):
            raise ValueError("SGD takes a list of parameters: Tensors that were not computed from others")
        refuse_negative(eta=eta, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        self.eta, self.momentum, self.nesterov = float(eta), float(momentum), nesterov
        decayed = set(self.parameters if decayed is None else decayed)
        self.decay = [float(weight_decay) if p in decayed else 0.0 for p in self.parameters]
        self.velocities: list[Array | float] = [0.0] * len(self.parameters)
        self._plain = not (momentum or any(self.decay))

    def step(self) -> None:
        """Move every parameter that has a gradient. Raises ValueError for a gradient of another shape."""
        eta, plain = self.eta, self._plain
        for i, p in enumerate(self.parameters):
            g = p.grad
            if g is None:
                continue
            data = p.data
            if getattr(g, "shape", ()) != data.shape:
                raise ValueError(f"the gradient of {p.name or 'a parameter'} has shape {np.shape(g)}, not {p.shape}")
            if not plain:
                g = self._direction(i, g, data)
            data -= g if eta == 1.0 else eta * g
            p.data = data

    def _direction(self, i: int, g: Array, data: Array) -> Array:
        """Return the gradient of the i-th parameter with weight decay and momentum."""
        if self.decay[i]:
            g = g + self.decay[i] * data
        if self.momentum:
            velocity = self.velocities[i] = self.momentum * self.velocities[i] + g
            g = g + self.momentum * velocity if self.nesterov else velocity
        return g

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the velocities, as `velocity/0` and so on. Before a step there are none."""
        return {f"velocity/{i}": np.array(v) for i, v in enumerate(self.velocities) if isinstance(v, np.ndarray)}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Set the velocities to those of a `state_dict`. Raises ValueError, and changes nothing, if they do not fit."""
        velocities: list[Array | float] = [0.0] * len(self.parameters)
        for name, array in state.items():
            of, _, place = name.partition("/")
            i = int(place) if place.isdigit() else len(velocities)
            if of != "velocity" or i >= len(velocities) or array.shape != self.parameters[i].shape:
                raise ValueError(f"there is no parameter for the {name}, of shape {array.shape}, of the optimiser")
            velocities[i] = np.array(array, self.parameters[i].dtype)
        self.velocities = velocities

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward pass starts from nothing."""
        for p in self.parameters:
            p.grad = None


def refuse_negative(**settings: float) -> None:
    """Raise ValueError for a setting that is not a finite number of at least 0, and name it."""
    for name, value in settings.items():
        if not (isinstance(value, (int, float, np.number)) and np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is a finite number, not negative; it is {value!r}")
