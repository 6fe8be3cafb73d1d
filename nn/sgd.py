"""The optimisers: stochastic gradient descent with momentum and weight decay, and Adam."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from autograd import Tensor
from nn.equations import Array


class Optimiser:
    """Moves parameters by their gradients: a subclass says in `change` by how much, and in `numbers` at what rate.

    parameters  what is moved
    memory      for each of them the arrays that are remembered from step to step; `remembers` has their names
    decay       for each of them the weight decay
    steps       the number of steps taken
    """

    eta: float
    remembers: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float, decayed: Iterable[Tensor] | None):
        name = type(self).__name__
        self.parameters = list(parameters)
        if not self.parameters or not all(isinstance(p, Tensor) and p.op is None for p in self.parameters):
            raise ValueError(f"{name} takes a list of parameters: Tensors that were not computed from others")
        decayed = set(self.parameters if decayed is None else decayed)
        self.decay = [float(weight_decay) if p in decayed else 0.0 for p in self.parameters]
        self.steps = 0
        self.memory: list[tuple[Array, ...]] = [
            tuple([np.zeros_like(p.data) for _ in self.remembers]) for p in self.parameters
        ]

    def change(self, i: int, p: Any, g: Any, memory: Any, **numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return what to subtract from the i-th parameter p with the gradient g, and its new memory.

        Write it with NumPy's functions and operators alone: `autograd.compile` records it.
        """
        raise NotImplementedError

    def numbers(self) -> dict[str, float]:
        """Return the numbers that change from step to step, for the next one, by the names that `change` takes them
        by."""
        return {"eta": self.eta}

    def step(self) -> None:
        """Move every parameter that has a gradient. Raises ValueError for a gradient of another shape."""
        change: Any = self.change
        if numbers := self.numbers():
            change = partial(change, **numbers)
        for i, p in enumerate(self.parameters):
            g = p.grad
            if g is None:
                continue
            data = p.data
            if getattr(g, "shape", ()) != data.shape:
                raise ValueError(f"the gradient of {p.name or 'a parameter'} has shape {g.shape}, not {p.shape}")
            by, memory = change(i, data, g, self.memory[i])
            if memory:
                self.memory[i] = tuple([x.copy() if np.may_share_memory(x, data) or x is g else x for x in memory])
            data -= by
            p.data = data
        self.steps += 1

    def settings(self) -> dict[str, Any]:
        """Return what the optimiser was told, by name: it must be the same when a training goes on."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of what is remembered, as `velocity/0` and so on."""
        pairs = [(name, i) for name in self.remembers for i in range(len(self.parameters))]
        return {f"{name}/{i}": np.array(self.memory[i][self.remembers.index(name)]) for name, i in pairs}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Set what a `state_dict` holds. Raises ValueError, and changes nothing, if it does not fit."""
        known = {f"{name}/{i}": p for i, p in enumerate(self.parameters) for name in self.remembers}
        for name, array in state.items():
            if name.partition("/")[0] not in self.remembers:
                raise ValueError(f"{type(self).__name__} remembers nothing called {name}")
            if name not in known or array.shape != known[name].shape:
                raise ValueError(f"there is no parameter for the {name}, of shape {array.shape}, of the optimiser")
        self.memory = [
            tuple([
                np.array(state[f"{name}/{i}"], p.dtype) if f"{name}/{i}" in state else np.zeros_like(p.data)
                for name in self.remembers
            ])
            for i, p in enumerate(self.parameters)
        ]  # fmt: skip

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
        refuse_negative(eta=eta, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        self.eta, self.momentum, self.nesterov = float(eta), float(momentum), nesterov
        if momentum:
            self.remembers = ("velocity",)
        super().__init__(parameters, weight_decay, decayed)

    def numbers(self) -> dict[str, float]:
        """Return eta, unless it is 1, since nothing is multiplied by it then."""
        return {} if self.eta == 1.0 else {"eta": self.eta}

    def change(  # type: ignore[override]  # the numbers by name
        self, i: int, p: Any, g: Any, memory: Any, eta: Any = None
    ) -> tuple[Any, tuple[Any, ...]]:
        """Return eta times the gradient with weight decay and momentum; and the velocity, if there is one."""
        if self.decay[i]:
            g = g + self.decay[i] * p
        if self.momentum:
            memory = (self.momentum * memory[0] + g,)
            g = g + self.momentum * memory[0] if self.nesterov else memory[0]
        return (g if eta is None else eta * g), memory

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

    remembers = ("mean", "square")

    def __init__(
        self, parameters: Iterable[Tensor], eta: float = 0.001, *, beta1: float = 0.9, beta2: float = 0.999,
        epsilon: float = 1e-8, weight_decay: float = 0.0, decayed: Iterable[Tensor] | None = None,
    ):  # fmt: skip
        super().__init__(parameters, weight_decay, decayed)
        refuse_negative(eta=eta, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay)
        if beta1 >= 1 or beta2 >= 1:
            raise ValueError(f"beta1 and beta2 are less than 1; they are {beta1} and {beta2}")
        self.eta, self.beta1, self.beta2, self.epsilon = float(eta), float(beta1), float(beta2), float(epsilon)

    def numbers(self) -> dict[str, float]:
        """Return eta, and the factors `first` and `second` that make up for m and s having started at 0."""
        t = self.steps + 1
        return {"eta": self.eta, "first": 1 - self.beta1**t, "second": 1 - self.beta2**t}

    def change(  # type: ignore[override]  # the numbers by name
        self, i: int, p: Any, g: Any, memory: Any, eta: Any = 0.0, first: Any = 1.0, second: Any = 1.0
    ) -> tuple[Any, tuple[Any, ...]]:
        """Return eta m' / (sqrt(s') + epsilon) and eta times the weight decay; and the new m and s."""
        m, s = memory
        m = self.beta1 * m + (1 - self.beta1) * g
        s = self.beta2 * s + (1 - self.beta2) * g**2
        by = eta * (m / first) / (np.sqrt(s / second) + self.epsilon)
        return (by + eta * self.decay[i] * p if self.decay[i] else by), (m, s)

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the means, as `mean/0`, `square/0` and so on, and of the number of steps."""
        return {"steps": np.array(self.steps), **super().state_dict()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Set what a `state_dict` holds. Raises ValueError, and changes nothing, if it does not fit."""
        state = dict(state)
        steps = state.pop("steps", None)
        fitting = steps is not None and steps.shape == () and steps.dtype.kind in "iu" and steps >= 0
        if not fitting or steps is None or len(state) < 2 * len(self.parameters):
            raise ValueError("the means, the squares and the steps of Adam are not all there")
        super().load_state_dict(state)
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
