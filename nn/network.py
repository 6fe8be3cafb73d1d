"""The book's multilayer perceptron, with the names of the book's network.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

import autograd
from autograd import Tensor, no_grad
from nn.costs import COSTS, Values
from nn.equations import Array
from nn.exchange import as_own_names, is_safetensors, read_model
from nn.files import FileError
from nn.layers import Linear, Module, Sequential, activations, initial_weights, real
from nn.scoring import DataSet, Epoch, as_examples, correct, targets_of
from nn.sgd import SGD
from nn.training import train

Lists = tuple[list[Array], list[Array]]  # (nabla_b, nabla_w), an entry per layer after the input


def _with_shape(x: Any) -> Any:
    """Turn lists into an array; return what has a shape (an array, a Tensor, an input of a trace) as it is."""
    return x if hasattr(x, "shape") else np.asarray(x)


class Network(Module):
    """The book's multilayer perceptron: `Network([784, 30, 10])` has 784 inputs, 30 hidden neurons and 10 outputs.

    sizes       the number of neurons in each layer, from the input to the output
    activation  of the hidden layers, by its name in `nn.layers.activations()`: "sigmoid", "tanh" or "relu"
    cost        "quadratic" and "cross-entropy" have a sigmoid output layer, "log-likelihood" a softmax
    init        "gaussian": biases and weights from N(0, 1), the biases first and then the weights, as the book draws
                them; "scaled": the weights from N(0, 1/n_in)
    rng         draws the numbers: a numpy.random.Generator, or a seed for one

    The methods of the book's network.py take here what they take there: columns x of shape (n_in, 1) and y of shape
    (n_out, 1), and lists of such pairs. Only the biases differ: they have the shape (n,), where the book has (n, 1).

    A call returns the output activations, of shape (n_out,) for one example of shape (n_in,), (n, n_out) for a batch
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
        for what, name, names in (("activation", activation, activations()), ("cost", cost, COSTS)):
            if name not in names:
                raise ValueError(f"there is no {what} {name!r}; there are {', '.join(names)}")
        self.sizes = [int(n) for n in sizes]
        self.activation, self.cost_name, dtype = activation, cost, real(dtype)
        rng = np.random.default_rng(rng)
        biases = [rng.standard_normal(n) for n in self.sizes[1:]]
        pairs = zip(self.sizes[1:], self.sizes[:-1], strict=True)
        weights = [initial_weights(n_out, n_in, init, rng) for n_out, n_in in pairs]
        functions = [activations()[activation]] * (len(self.sizes) - 2) + [COSTS[cost].output]
        layers = []
        for number, (w, b, f) in enumerate(zip(weights, biases, functions, strict=True), 1):
            layer = Linear(w.shape[1], w.shape[0], activation=f, name=str(number), dtype=dtype, rng=0)
            layer.w.data, layer.b.data = w.astype(dtype), b.astype(dtype)
            layers.append(layer)
        self.layers = Sequential(*layers)
        self._before_cost, self._cost = self.layers, COSTS[cost].of
        if (of_weighted_input := COSTS[cost].of_weighted_input) is not None:
            self._before_cost, self._cost = Sequential(*layers[:-1], layers[-1].weighted_input), of_weighted_input

    @property
    def weights(self) -> list[Tensor]:
        """The weights: a Tensor of shape (n_out, n_in) for each layer after the input.

        A list of arrays can be assigned, as the book does: `net.weights = [w - eta * nw for w, nw in ...]`.
        """
        return self.parameters()[0::2]

    @weights.setter
    def weights(self, arrays: Sequence[Values]) -> None:
        self._assign("w", arrays)

    @property
    def biases(self) -> list[Tensor]:
        """The biases: a Tensor of shape (n_out,) for each layer after the input. A list of arrays can be assigned."""
        return self.parameters()[1::2]

    @biases.setter
    def biases(self, arrays: Sequence[Values]) -> None:
        self._assign("b", arrays)

    def _assign(self, letter: str, arrays: Sequence[Values]) -> None:
        """Set all weights, or all biases. Nothing changes if one does not fit."""
        state, data = self.state_dict(), [a.data if isinstance(a, Tensor) else np.asarray(a) for a in arrays]
        if len(data) != len(self.sizes) - 1:
            raise ValueError(f"{len(data)} arrays do not fit a network with {len(self.sizes) - 1} layers of parameters")
        new = {f"{letter}{layer}": array for layer, array in enumerate(data, 1)}
        if letter == "b":  # the book's are columns
            new = {name: a[:, 0] if a.shape == (*state[name].shape, 1) else a for name, a in new.items()}
        self.load_state_dict(state | new)

    @property
    def replayable(self) -> bool:
        """Whether `autograd.compile` may replay the cost: that of a subclass may do what cannot be replayed."""
        return type(self).cost is Network.cost

    def __call__(self, x: Values | ArrayLike) -> Any:
        values = _with_shape(x)
        if self._is_column(values):
            return self.layers(values[:, 0])[:, np.newaxis]
        if not values.ndim or values.shape[-1] != self.sizes[0]:
            raise ValueError(
                f"the network takes {self.sizes[0]} inputs, of shape ({self.sizes[0]},) for one example or"
                f" (n, {self.sizes[0]}) for a batch, not {values.shape}"
            )
        return self.layers(values)

    def _is_column(self, x: Values) -> bool:
        return bool(x.shape == (self.sizes[0], 1) != (1, 1))

    def cost(self, x: Values, y: Values) -> Any:
        """Compute the mean cost of the examples x, of shape (n, n_in), with the targets y, of shape (n, n_out)."""
        return self._cost(self._before_cost(x), y)

    def predict(self, x: Values | ArrayLike) -> NDArray[np.int64]:
        """Return the label of each example: the most active output; of a single output, whether it reaches 0.5."""
        values = _with_shape(x)
        with no_grad():
            a = self.layers(values[:, 0] if self._is_column(values) else values).data
        labels: NDArray[np.int64] = (
            (a[..., 0] >= 0.5).astype(np.int64) if self.sizes[-1] == 1 else np.argmax(a, axis=-1)
        )
        return labels

    def __repr__(self) -> str:
        return f"Network({self.sizes}, activation={self.activation!r}, cost={self.cost_name!r})"

    # The book's network.py

    @property
    def num_layers(self) -> int:
        """The number of layers, that of the inputs included."""
        return len(self.sizes)

    def feedforward(self, a: ArrayLike) -> Array:
        """Return the output activations for the input `a`, as an array; shapes as in a call of the network.

        >>> Network([784, 30, 10]).feedforward(np.zeros((784, 1))).shape
        (10, 1)
        """
        with no_grad():
            output: Array = self(np.asarray(a, self.weights[0].dtype)).data
        return output

    def evaluate(self, test_data: DataSet) -> int:
        """Count the examples that are labelled correctly: the book's list of pairs (x, label), or a pair of arrays."""
        return correct(self, test_data, "test data")

    def update_mini_batch(self, mini_batch: DataSet, eta: float) -> None:
        """Take one step of gradient descent on a mini-batch, with the learning rate eta. Leaves no gradient behind."""
        x, y = self._examples(mini_batch, "mini-batch")
        optimiser = SGD(self.parameters(), eta)
        optimiser.zero_grad()
        self.cost(x, y).backward()
        optimiser.step()
        optimiser.zero_grad()

    def backprop(self, x: Array, y: Array) -> Lists:
        """Derive the gradient of the cost of one example: (nabla_b, nabla_w), lists with an array per layer.

        nabla_b[l] has the shape (n, 1) of a column, and nabla_w[l] that of weights[l]. The engine derives them; by hand
        they are in `nn.equations.backprop`.

        >>> net = Network([784, 30, 10])
        >>> nabla_b, nabla_w = net.backprop(np.ones((784, 1)), np.ones((10, 1)))
        >>> nabla_b[0].shape, nabla_w[0].shape
        ((30, 1), (30, 784))
        """
        gradient = autograd.backprop(self.cost(*self._examples([(x, y)], "example")))
        return [gradient[b][:, np.newaxis] for b in self.biases], [gradient[w] for w in self.weights]

    def cost_derivative(self, output_activations: ArrayLike, y: ArrayLike) -> Array:
        """Derive dC/da of one example, of the shape of its output activations a, such as a - y for the quadratic cost.

        Raises ValueError for other sizes than the number of outputs.
        """
        a, y = np.asarray(output_activations), np.asarray(y)
        if not a.size == y.size == self.sizes[-1]:
            raise ValueError(
                f"cost_derivative takes the {self.sizes[-1]} output activations of one example and as many targets, not"
                f" arrays of shape {a.shape} and {y.shape}"
            )
        derivative: Array = autograd.grad(COSTS[self.cost_name].of)(a.reshape(-1), y.reshape(-1))
        return derivative.reshape(a.shape)

    def _examples(self, data: DataSet, what: str) -> tuple[Array, Array]:
        """Lay a data set in rows, in the dtype of the parameters."""
        x, y = as_examples(data, self.sizes[0], what)
        dtype = self.weights[0].dtype
        return x.astype(dtype, copy=False), targets_of(y, self.sizes[-1], dtype, what)

    def SGD(
        self, training_data: DataSet, epochs: int, mini_batch_size: int, eta: float | None = None, **options: Any
    ) -> list[Epoch]:
        """Train by stochastic gradient descent on mini-batches, as in the book; `nn.train` explains the options."""
        return train(self, training_data, epochs, mini_batch_size, eta, **options)

    def description(self) -> dict[str, Array]:
        """Return what a file says of the network besides its parameters: sizes, activation and cost, as arrays."""
        return {
            "sizes": np.array(self.sizes),
            "activation": np.array(self.activation),
            "cost": np.array(self.cost_name),
        }

    def _paths(self) -> Iterator[tuple[str, Tensor]]:
        return self.layers._paths()  # those of PyTorch's nn.Sequential

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network from a file that `save` wrote, the method or the option of a training.

        Raises FileError, naming the file, for any other file. One that PyTorch wrote does not say what the activation
        and the cost are: make a network that has them, and call its `load_parameters`.
        """
        description, arrays = read_model(path)
        described = description or arrays
        try:
            if is_safetensors(path) and not description:
                raise ValueError("it does not say what its sizes, activation and cost are; load_parameters takes it")
            sizes, activation, cost = (described.pop(key) for key in ("sizes", "activation", "cost"))
            if sizes.ndim != 1 or sizes.dtype.kind not in "iu":
                raise ValueError("its sizes are not a list of whole numbers")
            layers = range(1, len(sizes))
            places = [f"{2 * (layer - 1)}.{kind}" for layer in layers for kind in ("weight", "bias")]
            arrays = as_own_names(arrays, [f"{letter}{layer}" for layer in layers for letter in "wb"], places)
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
