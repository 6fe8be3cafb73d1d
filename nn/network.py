"""Networks, built from reusable pieces: layers in sequence, and the multilayer perceptron of the book.

A layer is anything that can be called with activations: a `Linear`, a function such as `autograd.sigmoid` or `np.tanh`,
or a `Sequential` of layers. Activations have an example per row, or are those of one example alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd import Tensor, linear, no_grad, relu, relu_layer, scope, sigmoid, sigmoid_layer, tanh_layer
from nn.costs import COSTS
from nn.files import FileError, read_arrays, write_arrays
from nn.sgd import Epoch, train

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": relu}
LAYERS: dict[Any, Any] = {sigmoid: sigmoid_layer, np.tanh: tanh_layer, relu: relu_layer}
INITIALISATIONS = ("gaussian", "scaled")


class Module:
    """Something with parameters: the Tensors among its attributes, and those of the modules, lists and tuples there."""

    def parameters(self) -> list[Tensor]:
        """The parameters, each once, in the order in which the attributes were made."""
        return list(dict.fromkeys(_tensors(list(vars(self).values()))))

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of every parameter's data, by the parameter's name."""
        return {name: np.array(parameter.data) for name, parameter in self._named().items()}

    def load_state_dict(self, state: dict[str, NDArray[Any]]) -> None:
        """Set every parameter to the array of its name. All is checked first: on an error nothing has changed.

        Raises ValueError for names that are missing or too many, for another shape, and for data that is not finite.
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

    def _named(self) -> dict[str, Tensor]:
        parameters = self.parameters()
        named = {parameter.name or "": parameter for parameter in parameters}
        if "" in named or len(named) < len(parameters):
            raise ValueError(f"every parameter needs a name of its own; there are {[p.name for p in parameters]}")
        return named


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)
    elif isinstance(value, Module):
        yield from value.parameters()


def _real(dtype: DTypeLike) -> np.dtype[Any]:
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"the dtype of a network is float32 or float64, not {np.dtype(dtype)}")
    return np.dtype(dtype)


def initial_weights(n_out: int, n_in: int, init: str, rng: np.random.Generator) -> NDArray[Any]:
    """Weights of shape (n_out, n_in): N(0, 1) for "gaussian", N(0, 1/n_in) for "scaled"."""
    if init not in INITIALISATIONS:
        raise ValueError(f"there is no initialisation {init!r}; there are {', '.join(INITIALISATIONS)}")
    return rng.standard_normal((n_out, n_in)) / (np.sqrt(n_in) if init == "scaled" else 1.0)


class Linear(Module):
    """a = f(x w^T + b): weights `w` of shape (n_out, n_in), biases `b` of shape (n_out,), and no f by default.

    With an `activation` of autograd's sigmoid, relu or np.tanh the layer is one node of the graph, which is faster.

    `name` is appended to the names of the parameters: Linear(2, 3, name="1") has w1 and b1. `init` is "gaussian" (all
    N(0, 1), as in the book's chapter 1) or "scaled" (weights N(0, 1/n_in), chapter 3, "Weight initialization").

    >>> layer = Linear(2, 3, rng=0)
    >>> layer(np.array([1.0, 2.0])).shape, layer(np.ones((5, 2))).shape
    ((3,), (5, 3))
    """

    def __init__(
        self, n_in: int, n_out: int, *, activation: Callable[[Any], Any] | None = None, name: str = "",
        init: str = "gaussian", dtype: DTypeLike = np.float64, rng: np.random.Generator | int | None = None,
    ):  # fmt: skip
        if n_in < 1 or n_out < 1:
            raise ValueError(f"a layer needs at least one neuron on each side, not {n_in} and {n_out}")
        dtype = _real(dtype)
        rng = np.random.default_rng(rng)
        biases = rng.standard_normal(n_out)  # before the weights, as the book draws them
        self.w = Tensor(initial_weights(n_out, n_in, init, rng).astype(dtype))
        self.b = Tensor(biases.astype(dtype))
        self.activation = activation
        self._fused = LAYERS.get(activation)
        self.named = bool(name)
        self.rename(name)

    def rename(self, name: str) -> None:
        """Call the parameters w and b with `name` appended; in graphs, the layer's values z and a, and itself."""
        self.w.name, self.b.name, self._z, self._a = (letter + name for letter in "wbza")
        self._scope = (f"layer {name}".rstrip(),)

    def weighted_input(self, x: Any) -> Any:
        """z = x w^T + b, of shape (n_out,) for one example of shape (n_in,), (n, n_out) for a batch."""
        z = linear(x, self.w, self.b)
        z.name, z.scope = self._z, z.scope + self._scope
        return z

    def __call__(self, x: Any) -> Any:
        if self._fused is not None:
            a = self._fused(x, self.w, self.b)
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


class Sequential(Module):
    """Layers, one after the other. The parameters of an unnamed `Linear` are numbered by its place: w1, b1, w2, …

    >>> net = Sequential(Linear(2, 3), sigmoid, Linear(3, 1), sigmoid)
    >>> [p.name for p in net.parameters()]
    ['w1', 'b1', 'w2', 'b2']
    """

    def __init__(self, *layers: Callable[[Any], Any]):
        self.layers = list(layers)
        for number, layer in enumerate(self._linears(), 1):
            if not layer.named:
                layer.rename(str(number))

    def _linears(self) -> Iterator[Linear]:
        """The linear layers, also those in a `Sequential` among the layers."""
        for layer in self.layers:
            if isinstance(layer, Sequential):
                yield from layer._linears()
            elif isinstance(layer, Linear):
                yield layer

    def __call__(self, a: Any) -> Any:
        for layer in self.layers:
            a = layer(a)
        return a

    def __repr__(self) -> str:
        names = [
            getattr(layer, "__name__", None) or getattr(layer, "name", None) or repr(layer) for layer in self.layers
        ]
        return f"Sequential({', '.join(names)})"


class Network(Module):
    """The book's multilayer perceptron: `Network([784, 30, 10])` has 784 inputs, 30 hidden neurons and 10 outputs.

    sizes       the number of neurons in each layer, from the input to the output
    activation  of the hidden layers: "sigmoid", "tanh" or "relu"
    cost        "quadratic" and "cross-entropy" have a sigmoid output layer, "log-likelihood" a softmax
    init        "gaussian": biases and weights from N(0, 1), the biases first and then the weights, as the book draws
                them; "scaled": the weights from N(0, 1/n_in)
    rng         where the numbers come from: a numpy.random.Generator, or a seed for one

    Calling it gives the output activations, of shape (n_out,) for one example of shape (n_in,), (n, n_out) for a batch
    of shape (n, n_in), and a column of shape (n_out, 1) for the book's column of shape (n_in, 1).

    >>> net = Network([784, 30, 10], rng=np.random.default_rng(1))
    >>> [w.shape for w in net.weights], [b.shape for b in net.biases]
    ([(30, 784), (10, 30)], [(30,), (10,)])
    >>> net(np.zeros((5, 784))).shape
    (5, 10)
    """

    def __init__(
        self, sizes: Sequence[int], *, activation: str = "sigmoid", cost: str = "quadratic", init: str = "gaussian",
        dtype: DTypeLike = np.float64, rng: np.random.Generator | int | None = None,
    ):  # fmt: skip
        if len(sizes) < 2 or any(int(n) != n or n < 1 for n in sizes):
            raise ValueError(f"sizes are the neurons of two layers or more, such as [784, 30, 10], not {list(sizes)}")
        for what, name, names in (("activation", activation, ACTIVATIONS), ("cost", cost, COSTS)):
            if name not in names:
                raise ValueError(f"there is no {what} {name!r}; there are {', '.join(names)}")
        self.sizes = [int(n) for n in sizes]
        self.activation, self.cost_name, dtype = activation, cost, _real(dtype)
        rng = np.random.default_rng(rng)
        biases = [rng.standard_normal(n) for n in self.sizes[1:]]
        pairs = zip(self.sizes[1:], self.sizes[:-1], strict=True)
        weights = [initial_weights(n_out, n_in, init, rng) for n_out, n_in in pairs]
        output = COSTS[cost].output
        activations = [ACTIVATIONS[activation]] * (len(self.sizes) - 2) + [output]
        layers = []
        for number, (w, b, f) in enumerate(zip(weights, biases, activations, strict=True), 1):
            layer = Linear(w.shape[1], w.shape[0], activation=f, name=str(number), dtype=dtype, rng=0)
            layer.w.data, layer.b.data = w.astype(dtype), b.astype(dtype)
            layers.append(layer)
        self.layers = Sequential(*layers)
        # Some costs are computed from the weighted inputs of the output layer, and not from its activations.
        last = layers[-1] if COSTS[cost].takes_activations else layers[-1].weighted_input
        self._before_cost = Sequential(*layers[:-1], last)
        self._cost = COSTS[cost].of

    @property
    def weights(self) -> list[Tensor]:
        """A Tensor of shape (n_out, n_in) for each layer after the input."""
        return self.parameters()[0::2]

    @property
    def biases(self) -> list[Tensor]:
        """A Tensor of shape (n_out,) for each layer after the input."""
        return self.parameters()[1::2]

    def __call__(self, x: Any) -> Any:
        x = x if hasattr(x, "shape") else np.asarray(x)
        if self._is_column(x):
            return self.layers(x[:, 0])[:, np.newaxis]
        if not x.ndim or x.shape[-1] != self.sizes[0]:
            raise ValueError(
                f"the network takes {self.sizes[0]} inputs, of shape ({self.sizes[0]},) for one example or"
                f" (n, {self.sizes[0]}) for a batch, and not {x.shape}"
            )
        return self.layers(x)

    def _is_column(self, x: Any) -> bool:
        return bool(x.shape == (self.sizes[0], 1) != (1, 1))

    def cost(self, x: Any, y: Any) -> Any:
        """The mean cost of the examples x, of shape (n, n_in), with the targets y, of shape (n, n_out)."""
        return self._cost(self._before_cost(x), y)

    def predict(self, x: Any) -> NDArray[np.int64]:
        """The label of each example: the most active output, or with a single output whether it reaches 0.5."""
        x = x if hasattr(x, "shape") else np.asarray(x)
        with no_grad():
            a = self.layers(x[:, 0] if self._is_column(x) else x).data
        labels: NDArray[np.int64] = (
            (a[..., 0] >= 0.5).astype(np.int64) if self.sizes[-1] == 1 else np.argmax(a, axis=-1)
        )
        return labels

    def __repr__(self) -> str:
        return f"Network({self.sizes}, activation={self.activation!r}, cost={self.cost_name!r})"

    def SGD(self, training_data: Any, epochs: int, mini_batch_size: int, eta: float, **options: Any) -> list[Epoch]:
        """Train by mini-batch stochastic gradient descent, as in the book; see `nn.sgd.train` for the options."""
        return train(self, training_data, epochs, mini_batch_size, eta, **options)

    def save(self, path: str | Path) -> None:
        """Write the network to a `.npz` file: whole, or not at all."""
        settings = {
            "sizes": np.array(self.sizes),
            "activation": np.array(self.activation),
            "cost": np.array(self.cost_name),
        }
        write_arrays(path, settings | self.state_dict())

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """The network in a file that `save` wrote. Raises FileError, naming the file, for anything else."""
        arrays = read_arrays(path)
        try:
            sizes, activation, cost = (arrays.pop(key) for key in ("sizes", "activation", "cost"))
            if sizes.ndim != 1 or sizes.dtype.kind not in "iu":
                raise ValueError("its sizes are not a list of whole numbers")
            dtype = arrays["w1"].dtype.type
            if dtype not in (np.float32, np.float64):
                raise ValueError(f"w1 is of dtype {arrays['w1'].dtype}, neither float32 nor float64")
            # Before a network is made: a file of a few bytes could promise one that no memory holds.
            for layer, (n_in, n_out) in enumerate(zip(sizes[:-1].tolist(), sizes[1:].tolist(), strict=True), 1):
                for name, shape in ((f"w{layer}", (n_out, n_in)), (f"b{layer}", (n_out,))):
                    if arrays[name].shape != shape or arrays[name].dtype.type is not dtype:
                        raise ValueError(
                            f"{name} is {arrays[name].dtype} of shape {arrays[name].shape}, not"
                            f" {np.dtype(dtype)} of shape {shape}"
                        )
            net = cls(sizes.tolist(), activation=str(activation), cost=str(cost), dtype=dtype, rng=0)
            net.load_state_dict(arrays)
        except KeyError as error:
            raise FileError(f"{path}: not a saved network: it lacks {error}") from None
        except (ValueError, TypeError) as error:
            raise FileError(f"{path}: not a saved network: {error}") from error
        return net
