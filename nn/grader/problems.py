"""The problems for a learner's `backprop`, and the conventions that its arrays may follow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from nn import equations
from nn.digits import one_hot
from nn.equations import Array
from nn.network import Network

Lists = tuple[list[Array], list[Array]]  # (nabla_b, nabla_w)
Told = dict[str, str]  # what was told, by its name in CHOICES
Networks = Sequence[tuple[Sequence[int], bool]]  # sizes, and whether the function has to be right on them

# What may be told by an option, or by a constant in the file with the name in capitals. Of the first three, the first
# choice is taken if nothing is told; the others are found out by trying.
CHOICES: dict[str, Collection[str]] = {
    "cost": equations.COSTS,
    "activation": equations.ACTIVATIONS,
    "reduction": ("mean", "sum"),
    "examples": ("batch", "one"),
    "orientation": ("columns", "rows", "vector"),
    "weights": ("out,in", "in,out"),
    "order": ("b,w", "w,b"),
}
SETTINGS = ("cost", "activation", "reduction")


def activate(z: Array, name: str) -> Array:
    return equations.softmax(z, -1) if name == "softmax" else equations.ACTIVATIONS[name][0](z)


def output_activation(cost: str) -> str:
    return equations.COSTS[cost].output


@dataclass
class Case:
    """A network and some examples, one per row, whose gradient is asked for. Shapes as in `backprop_batch`."""

    sizes: tuple[int, ...]
    w: list[Array]
    b: list[Array]
    x: Array
    y: Array
    told: Told
    primary: bool = False  # it has to be right here; on the others only if it runs
    derived: Lists | None = None  # the gradient by the engine, once it is known

    def network(self) -> Network:
        net = Network(self.sizes, activation=self.told["activation"], cost=self.told["cost"], rng=0)
        named = {
            f"{letter}{layer}": p for letter, ps in (("w", self.w), ("b", self.b)) for layer, p in enumerate(ps, 1)
        }
        net.load_state_dict(named)
        return net

    @property
    def factor(self) -> float:
        """Return the factor from the mean over the examples, which the engine derives, to what is asked for."""
        return float(len(self.x)) if self.told["reduction"] == "sum" else 1.0


@dataclass(frozen=True)
class Convention:
    """How the learner's function takes its arrays."""

    examples: str
    orientation: str
    weights: str
    bias: str

    def __str__(self) -> str:
        how = {"columns": "in columns", "rows": "in rows", "vector": "as a vector"}[self.orientation]
        what = f"{'a mini-batch' if self.examples == 'batch' else 'one example'} {how}"
        bias = {"column": "(n_out, 1)", "row": "(1, n_out)", "flat": "(n_out,)"}[self.bias]
        weights = "(n_out, n_in)" if self.weights == "out,in" else "(n_in, n_out)"
        return f"{what}, weights {weights}, biases {bias}"

    def lay(self, rows: Array) -> Array:
        """Copy an array of examples into the shape that the learner's function takes."""
        return np.array(rows[0] if self.orientation == "vector" else rows.T if self.orientation == "columns" else rows)

    def lay_parameters(self, case: Case) -> Lists:
        shape = {"column": (-1, 1), "row": (1, -1), "flat": (-1,)}[self.bias]
        return [b.reshape(shape).copy() for b in case.b], [
            np.array(w if self.weights == "out,in" else w.T, order="C") for w in case.w
        ]


def conventions(told: Told) -> list[Convention]:
    """List the conventions that agree with what was told, the book's and the likely ones first.

    Mini-batches come before single examples: a function of mini-batches takes one example too, and a slip in the sum
    over examples would not show there.
    """
    found = []
    for examples, weights in product(CHOICES["examples"], CHOICES["weights"]):
        for orientation, bias in (
            ("columns", "column"), ("rows", "flat"), ("rows", "row"), ("vector", "flat"), ("rows", "column"),
            ("columns", "flat"), ("vector", "column"),
        ):  # fmt: skip
            if examples == "one" or orientation != "vector":
                found.append(Convention(examples, orientation, weights, bias))
    return [c for c in found if all(told.get(key, value) == value for key, value in vars(c).items())]


def make_cases(networks: Networks, told: Told, seed: int) -> list[Case]:
    """Make two random problems for each network, as mini-batches, and two examples of each by themselves.

    One has targets of 0 and 1, the other any between, except for the log-likelihood, which is for labels.
    """
    rng, cases = np.random.default_rng(seed), []
    for (sizes, primary), (m, soft) in product(networks, ((8, False), (11, True))):
        while m in sizes:  # no size of a mini-batch is to be mistaken for that of a layer
            m += 1
        pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
        w = [1.5 * rng.standard_normal(shape) / np.sqrt(shape[1]) for shape in pairs]
        b = [0.5 * rng.standard_normal(n) for n, _ in pairs]
        x = rng.standard_normal((m, sizes[0]))
        y = one_hot(rng.integers(0, sizes[-1], m), sizes[-1])
        if sizes[-1] == 1 or (soft and told["cost"] != "log-likelihood"):
            y = rng.random(y.shape)  # y and y * y are the same where all targets are 0 or 1
        for part in (slice(None), slice(0, 1), slice(1, 2)):
            cases.append(Case(tuple(sizes), w, b, x[part], y[part], told, primary))
    return cases
