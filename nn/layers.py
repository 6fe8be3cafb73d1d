"""Layers: the pieces that networks are made of, and the parameters that they hold.

A layer is anything that can be called with activations: a `Linear`, a function such as `autograd.sigmoid` or `np.tanh`,
a `Sequential` of layers, or a `Module` of your own. Activations have an example per row, or are those of one example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd import Op, Tensor, linear, scope
from autograd.ops.activations import ACTIVATIONS
from autograd.ops.activations import layer as one_node
from autograd.recording import is_recording, is_tracing
from nn.costs import Values
from nn.equations import Array
from nn.exchange import as_own_names, is_safetensors, read_model, write_model
from nn.files import FileError

Layer = Callable[[Any], Any]
INITIALISATIONS = ("gaussian", "scaled")


def activations() -> dict[str, Op]:
    """Return the activations that hidden layers can have, by name.

    >>> list(activations())[:3]
    ['sigmoid', 'tanh', 'relu']
    """
    return ACTIVATIONS


def fused(activation: Layer | None) -> Op | None:
    """Return a whole layer with this activation as one operation of x, w and b; None if it is not in `activations()`.

    >>> fused(np.tanh).name
    'tanh_layer'
    """
    return next((one_node(op) for op in activations().values() if activation in (op, op.forward)), None)


class Module:
    """Base of everything with parameters: the Tensors in its attributes, also inside modules, lists, tuples and
    dictionaries.

    To write a layer, keep its parameters in attributes and say in `__call__` what it computes:

    >>> class Scale(Module):
    ...     def __init__(self, n):
    ...         self.s = Tensor(np.ones(n))
    ...     def __call__(self, x):
    ...         return x * self.s
    >>> Sequential(Linear(2, 3), np.tanh, Scale(3)).parameters()[-1].name
    's2'
    """

    def parameters(self) -> list[Tensor]:
        """Return the parameters, each once, in the order in which the attributes were made."""
        return list(dict.fromkeys(_tensors(list(vars(self).values()))))

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the parameters under the names that they have in PyTorch: the attributes on the way to each.

        >>> [name for name, _ in Sequential(Linear(2, 3), np.tanh, Linear(3, 1)).named_parameters()]
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        seen: set[Tensor] = set()
        for name, parameter in self._paths():
            if parameter not in seen:
                seen.add(parameter)
                yield name, parameter

    def _paths(self) -> Iterator[tuple[str, Tensor]]:
        for attribute, value in vars(self).items():
            yield from _under(attribute, value)

    def modules(self) -> Iterator[Module]:
        """Yield the module and those in its attributes, at any depth.

        >>> len(list(Sequential(Linear(2, 3), np.tanh, Sequential(Dropout(0.5))).modules()))
        4
        """
        yield self
        for value in vars(self).values():
            for module in _modules(value):
                yield from module.modules()

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters, so that the next backward pass starts from nothing."""
        for p in self.parameters():
            p.grad = None

    def description(self) -> dict[str, Array]:
        """Return what a file says of the model besides its parameters, as arrays by name. Usually nothing."""
        return {}

    def number(self, place: int) -> None:
        """Append the layer's place in a `Sequential`, from 1, to the names of the attributes: w becomes w1.

        A parameter that has a name already keeps it.
        """
        for attribute, value in vars(self).items():
            if isinstance(value, Tensor) and value.name is None:
                value.name = f"{attribute}{place}"

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the data of every parameter, by the parameter's name."""
        return {name: np.array(parameter.data) for name, parameter in self._named().items()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Set every parameter to the array of its name.

        Raises ValueError if a name is missing or unknown, a shape differs, or a number is not finite. Then nothing has
        changed.
        """
        named = self._named()
        if named.keys() != state.keys():
            missing, surplus = sorted(named.keys() - state.keys()), sorted(state.keys() - named.keys())
            raise ValueError(
                f"the state does not fit: it lacks {missing or 'nothing'}, and has {surplus or 'nothing'} too many"
            )
        new = {}
        for name, parameter in named.items():
            array = np.asarray(state[name])
            if array.shape != parameter.shape:
                raise ValueError(f"the state does not fit: {name} has shape {array.shape}, not {parameter.shape}")
            with np.errstate(over="ignore"):
                new[name] = array.astype(parameter.dtype) if array.dtype.kind in "fiu" else np.array(np.nan)
            if not np.all(np.isfinite(new[name])):
                raise ValueError(
                    f"the state does not fit: {name} holds values that are not finite numbers as {parameter.dtype}"
                )
        for name, parameter in named.items():
            parameter.data = new[name]

    def save(self, path: str | Path, *, names: str = "own") -> None:
        """Write the parameters to a `.safetensors` or `.npz` file, whole or not at all.

        names  of the parameters in a `.safetensors` file: "own" (w1, b1, …), or "pytorch" as `named_parameters` gives
               them, so that a PyTorch model of the same layers takes the file

        Raises FileError if it cannot be written.
        """
        if names not in ("own", "pytorch"):
            raise ValueError(f"names are 'own' or 'pytorch', not {names!r}")
        if names == "pytorch" and not is_safetensors(path):
            raise FileError(f"{path}: cannot be written with PyTorch's names; they are for a .safetensors file")
        state = self.state_dict()
        if names == "pytorch":
            state = {name: np.array(parameter.data) for name, parameter in self.named_parameters()}
        write_model(path, self.description(), state)

    def load_parameters(self, path: str | Path) -> None:
        """Set every parameter to the one in a file that `save`, a training or PyTorch wrote, by the same name.

        The names may be our own or PyTorch's. Raises FileError if they do not fit, or for what is wrong with the file.
        Then nothing has changed.
        """
        described, state = read_model(path)
        self._take(path, {name: array for name, array in state.items() if described or name not in self.description()})

    def _take(self, path: str | Path, state: dict[str, Array]) -> None:
        """Set every parameter to the one in a file, by our own name or PyTorch's."""
        theirs = {parameter: name for name, parameter in self.named_parameters()}
        own = self._named()
        try:
            self.load_state_dict(as_own_names(state, list(own), [theirs[parameter] for parameter in own.values()]))
        except ValueError as error:
            raise FileError(f"{path}: {error}") from error

    def _named(self) -> dict[str, Tensor]:
        parameters = self.parameters()
        named = {parameter.name or "": parameter for parameter in parameters}
        if "" in named or len(named) < len(parameters):
            raise ValueError(f"every parameter needs a name of its own; there are {[p.name for p in parameters]}")
        return named


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)
    elif isinstance(value, Module):
        yield from value.parameters()


def _under(name: str, value: object) -> Iterator[tuple[str, Tensor]]:
    """List the Tensors in an attribute, each under the path to it: `name`, `name.0`, `name.key`."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, (list, tuple, dict)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _under(f"{name}.{key}", part)
    elif isinstance(value, Module):
        for inside, parameter in value._paths():
            yield f"{name}.{inside}", parameter


def _modules(value: object) -> Iterator[Module]:
    if isinstance(value, Module):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _modules(part)


def real(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the dtype of parameters, float32 or float64. Raises ValueError for any other."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"the dtype of a network is float32 or float64, not {np.dtype(dtype)}")
    return np.dtype(dtype)


def initial_weights(n_out: int, n_in: int, init: str, rng: np.random.Generator) -> Array:
    """Draw weights of shape (n_out, n_in): from N(0, 1) for "gaussian", from N(0, 1/n_in) for "scaled"."""
    if init not in INITIALISATIONS:
        raise ValueError(f"there is no initialisation {init!r}; there are {', '.join(INITIALISATIONS)}")
    return rng.standard_normal((n_out, n_in)) / (np.sqrt(n_in) if init == "scaled" else 1.0)


class Linear(Module):
    """A layer of neurons, a = f(x w^T + b), with weights `w` of shape (n_out, n_in) and biases `b` of shape (n_out,).

    activation  f, none by default. With one of `activations()` the layer is one node of the graph, which is faster
    name        is appended to the names of the parameters: Linear(2, 3, name="1") has w1 and b1
    init        "gaussian": all from N(0, 1), as in chapter 1 of the book; "scaled": the weights from N(0, 1/n_in),
                chapter 3, "Weight initialization"
    rng         a numpy.random.Generator, or a seed for one

    >>> layer = Linear(2, 3, rng=0)
    >>> layer(np.array([1.0, 2.0])).shape, layer(np.ones((5, 2))).shape
    ((3,), (5, 3))
    """

    def __init__(
        self, n_in: int, n_out: int, *, activation: Layer | None = None, name: str = "",
        init: str = "gaussian", dtype: DTypeLike = np.float64, rng: np.random.Generator | int | None = None,
    ):  # fmt: skip
        if n_in < 1 or n_out < 1:
            raise ValueError(f"a layer needs at least one neuron on each side, not {n_in} and {n_out}")
        dtype = real(dtype)
        rng = np.random.default_rng(rng)
        biases = rng.standard_normal(n_out)  # before the weights, as the book draws them
        self.w = Tensor(initial_weights(n_out, n_in, init, rng).astype(dtype))
        self.b = Tensor(biases.astype(dtype))
        self.activation = activation
        self._fused = fused(activation)
        self.named = bool(name)
        self.rename(name)

    def rename(self, name: str) -> None:
        """Append `name` to the names of w and b, and in graphs to those of the values z and a and of the layer."""
        self.w.name, self.b.name, self._z, self._a = (letter + name for letter in "wbza")
        self._scope = (f"layer {name}".rstrip(),)

    def number(self, place: int) -> None:
        """Rename the layer by its place in a `Sequential`, unless it was given a name."""
        if not self.named:
            self.rename(str(place))

    def _paths(self) -> Iterator[tuple[str, Tensor]]:
        yield from (("weight", self.w), ("bias", self.b))

    def weighted_input(self, x: Values) -> Tensor:
        """Compute z = x w^T + b, of shape (n_out,) for one example of shape (n_in,), or (n, n_out) for a batch."""
        z: Tensor = linear(x, self.w, self.b)
        z.name, z.scope = self._z, z.scope + self._scope
        return z

    def __call__(self, x: Values) -> Tensor:
        if self._fused is not None:
            a: Tensor = self._fused.call(x, self.w, self.b)
            a.name, a.scope = self._a, a.scope + self._scope
            return a
        z = self.weighted_input(x)
        if self.activation is None:
            return z
        with scope(*self._scope):
            a = self.activation(z)
        a.name = a.name or self._a
        return a

    def __repr__(self) -> str:
        return f"Linear({self.w.shape[1]}, {self.w.shape[0]})"


class Dropout(Module):
    """Leaves out each activation with the probability `rate`, and divides the others by 1 - rate. Book, chapter 3.

    It does so while a graph is recorded. Under `no_grad()`, as when a model is scored, it passes all of them on
    unchanged.

    >>> from autograd import no_grad
    >>> Dropout(0.5, rng=0)(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> with no_grad():
    ...     Dropout(0.5)(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, rate: float, *, rng: np.random.Generator | int | None = None):
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of a dropout is at least 0 and less than 1, not {rate}")
        self.rate = float(rate)
        self.rng = np.random.default_rng(rng)
        self.rows: tuple[int, slice] | None = None  # of how many examples these are which, where others have the rest

    def __call__(self, a: Values) -> Any:
        if not is_recording():
            return a
        if is_tracing():
            raise TypeError("a dropout draws anew each time, and a compiled function would not: train without compiled")
        kept = self._draw(a.shape) >= self.rate
        return a * (kept / (1 - self.rate)).astype(a.dtype)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        """Draw a number for each activation; if other ranks have the rest of the examples, for theirs as well."""
        if self.rows is None:
            return self.rng.random(shape)
        n, rows = self.rows
        if shape[:1] != (rows.stop - rows.start,):
            raise ValueError(
                f"a dropout that is shared out needs an example per row: {rows.stop - rows.start}, not shape {shape}"
            )
        return self.rng.random((n, *shape[1:]))[rows]

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


class Sequential(Module):
    """Layers, one after the other. Layers without a name are numbered by their place: w1, b1, w2, …

    >>> net = Sequential(Linear(2, 3), np.tanh, Linear(3, 1), np.tanh)
    >>> [p.name for p in net.parameters()]
    ['w1', 'b1', 'w2', 'b2']
    """

    def __init__(self, *layers: Layer):
        self.layers = list(layers)
        for place, layer in enumerate(self._with_parameters(), 1):
            layer.number(place)

    def _with_parameters(self) -> Iterator[Module]:
        """Yield the layers that have parameters, also those of a `Sequential` among the layers."""
        for layer in self.layers:
            if isinstance(layer, Sequential):
                yield from layer._with_parameters()
            elif isinstance(layer, Module) and layer.parameters():
                yield layer

    def _paths(self) -> Iterator[tuple[str, Tensor]]:
        """Yield them by place. In PyTorch an activation is a layer of its own."""
        place = 0
        for layer in self.layers:
            yield from _under(str(place), layer)
            place += 2 if isinstance(layer, Linear) and layer.activation is not None else 1

    def __call__(self, a: Values) -> Any:
        for layer in self.layers:
            a = layer(a)
        return a

    def __repr__(self) -> str:
        names = [
            getattr(layer, "__name__", None) or getattr(layer, "name", None) or repr(layer) for layer in self.layers
        ]
        return f"Sequential({', '.join(names)})"
