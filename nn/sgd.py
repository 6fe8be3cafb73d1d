"""The optimisers: stochastic gradient descent with momentum and weight decay, and Adam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import Tensor
from nn.equations import Array


class Optimiser:
    """What moves parameters by their gradients: a subclass says in `step` how."""

    eta: float

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float, decayed: Iterable[Tensor] | None):
        name = type(self).__name__
        self.parameters = list(parameters)
        if not self.parameters or not all(isinstance(p, Tensor) and p.op is None for p in self.parameters):
            raise ValueError(f"{name} takes a list of parameters: Tensors that were not computed from others")
        decayed = set(self.parameters if decayed is None else decayed)
        self.decay = [float(weight_decay) if p in decayed else 0.0 for p in self.parameters]

    def step(self) -> None:
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Return what the optimiser was told, by name: what has to be the same for a training to go on."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Array]:
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Array]) -> None:
        raise NotImplementedError

    def _refuse_shape(self, p: Tensor) -> None:
        raise ValueError(f"the gradient of {p.name or 'a parameter'} has shape {np.shape(p.grad)}, not {p.shape}")

    def _placed(self, state: dict[str, Array], of: str) -> list[Array | None]:
        """Return the arrays `of/0`, `of/1`, ... of a state, by place. Raises ValueError if they do not fit."""
        found: list[Array | None] = [None] * len(self.parameters)
        for name, array in state.items():
            kind, _, place = name.partition("/")
            if kind == of:
                i = int(place) if place.isdigit() else len(found)
                if i >= len(found) or array.shape != self.parameters[i].shape:
                    raise ValueError(f"there is no parameter for the {name}, of shape {array.shape}, of the optimiser")
                found[i] = np.array(array, self.parameters[i].dtype)
        return found

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward pass starts from nothing."""
        for p in self.parameters:
            p.grad = None


class SGD(Optimiser):
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
        super().__init__(parameters, weight_decay, decayed)
        refuse_negative(eta=eta, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        self.eta, self.momentum, self.nesterov = float(eta), float(momentum), nesterov
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
                self._refuse_shape(p)
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
        if unknown := [name for name in state if not name.startswith("velocity/")]:
            raise ValueError(f"{unknown[0]} is nothing that SGD remembers")
        self.velocities = [0.0 if array is None else array for array in self._placed(state, "velocity")]

    def settings(self) -> dict[str, Any]:
        """Return what the optimiser was told, by name."""
        return {"optimiser": "SGD", "eta": self.eta, "momentum": self.momentum, "nesterov": self.nesterov,
                "decay": self.decay}  # fmt: skip


class Adam(Optimiser):
    """Adam (Kingma and Ba, 2015): each parameter has a step of its own, about eta whatever the size of its gradient.

    eta           the learning rate
    beta1, beta2  how slowly the means of the gradient g and of its square are forgotten:
                  m <- beta1 m + (1 - beta1) g, s <- beta2 s + (1 - beta2) g^2
    epsilon       in p <- p - eta m' / (sqrt(s') + epsilon), where m' = m / (1 - beta1^t) and s' = s / (1 - beta2^t)
                  after t steps, as m and s begin at 0
    weight_decay  in p <- (1 - eta weight_decay) p, beside the step (AdamW; Loshchilov and Hutter, 2019)
    decayed       the parameters that decay, all by default

    >>> p = Tensor([1.0, 200.0])
    >>> optimiser = Adam([p], eta=0.5)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p
    Tensor([  0.5, 199.5])
    """

    def __init__(
        self, parameters: Iterable[Tensor], eta: float = 0.001, *, beta1: float = 0.9, beta2: float = 0.999,
        epsilon: float = 1e-8, weight_decay: float = 0.0, decayed: Iterable[Tensor] | None = None,
    ):  # fmt: skip
        super().__init__(parameters, weight_decay, decayed)
        refuse_negative(eta=eta, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay)
        if beta1 >= 1 or beta2 >= 1:
            raise ValueError(f"beta1 and beta2 are less than 1; they are {beta1} and {beta2}")
        self.eta, self.beta1, self.beta2, self.epsilon = float(eta), float(beta1), float(beta2), float(epsilon)
        self.steps = 0
        self.means = [np.zeros_like(p.data) for p in self.parameters]
        self.squares = [np.zeros_like(p.data) for p in self.parameters]

    def step(self) -> None:
        """Move every parameter that has a gradient. Raises ValueError for a gradient of another shape."""
        self.steps += 1
        first, second = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps
        for i, p in enumerate(self.parameters):
            g, data = p.grad, p.data
            if g is None:
                continue
            if getattr(g, "shape", ()) != data.shape:
                self._refuse_shape(p)
            m = self.means[i] = self.beta1 * self.means[i] + (1 - self.beta1) * g
            s = self.squares[i] = self.beta2 * self.squares[i] + (1 - self.beta2) * g**2
            if self.decay[i]:
                data *= 1 - self.eta * self.decay[i]
            data -= self.eta * (m / first) / (np.sqrt(s / second) + self.epsilon)

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the means, as `mean/0`, `square/0` and so on, and of the number of steps."""
        found = {"steps": np.array(self.steps)}
        for of, arrays in (("mean", self.means), ("square", self.squares)):
            found |= {f"{of}/{i}": np.array(array) for i, array in enumerate(arrays)}
        return found

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Set what a `state_dict` holds. Raises ValueError, and changes nothing, if it does not fit."""
        means, squares, steps = self._placed(state, "mean"), self._placed(state, "square"), state.get("steps")
        fitting = steps is not None and steps.shape == () and steps.dtype.kind in "iu" and steps >= 0
        if not fitting or steps is None or any(array is None for array in (*means, *squares)):
            raise ValueError("the means, the squares and the steps of Adam are not all there")
        self.means, self.squares = ([a for a in arrays if a is not None] for arrays in (means, squares))
        self.steps = int(steps)

    def settings(self) -> dict[str, Any]:
        """Return what the optimiser was told, by name."""
        return {"optimiser": "Adam", "eta": self.eta, "beta1": self.beta1, "beta2": self.beta2,
                "epsilon": self.epsilon, "decay": self.decay}  # fmt: skip


def refuse_negative(**settings: float) -> None:
    """Raise ValueError for a setting that is not a finite number of at least 0, and name it."""
    for name, value in settings.items():
        if not (isinstance(value, (int, float, np.number)) and np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is a finite number, not negative; it is {value!r}")
