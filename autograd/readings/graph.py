"""A recorded graph as a value: its nodes in order, with their kinds and names. What every reading starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy import generic, ndarray

from autograd.backward import reached
from autograd.tensor import CONSTANT, Tensor


@dataclass(eq=False)
class Node:
    """One value of a graph.

    number  its place in the graph; inputs have smaller ones
    value   the Tensor, or the constant: an array or a number
    inputs  the numbers of what it was computed from, in order, with repeats
    scope   the names of the scopes that it belongs to, the outermost first
    """

    number: int
    value: Any
    inputs: tuple[int, ...]
    scope: tuple[str, ...]

    @property
    def kind(self) -> str:
        """ "parameter" for a leaf, "constant", or "computed"."""
        if not isinstance(self.value, Tensor) or self.value.op is CONSTANT:
            return "constant"
        return "parameter" if self.value.op is None else "computed"

    @property
    def name(self) -> str | None:
        return self.value.name if isinstance(self.value, Tensor) else None


class Graph:
    """What one or more values were computed from, themselves included, in an order in which it could be computed again.

    An array that several operations use is one node; a Python number is a node for each use.

    >>> x = Tensor(3.0, name="x")
    >>> [(node.kind, node.inputs) for node in Graph(x * x + 1)]
    [('parameter', ()), ('computed', (0, 0)), ('constant', ()), ('computed', (1, 2))]
    """

    def __init__(self, *outputs: Any, scopes_of: Graph | None = None):
        self.outputs = outputs
        self.nodes: list[Node] = []
        self._numbers: dict[int, int] = {}  # of Tensors and arrays, by id
        computed = {tensor for output in outputs if isinstance(output, Tensor) for tensor in reached(output)}
        for tensor in sorted(computed, key=lambda tensor: tensor.tick):
            self._add(tensor, tuple([self._input(x) for x in tensor.inputs]), tensor.scope)
        for output in outputs:
            self._input(output)
        self._place_leaves()
        for node in scopes_of or ():  # what is drawn beside a graph does not move that graph's nodes
            if node.value in self:
                self[node.value].scope = node.scope

    def _input(self, x: Any) -> int:
        return self._numbers[id(x)] if id(x) in self._numbers else self._add(x, (), ())

    def _add(self, value: Any, inputs: tuple[int, ...], scope: tuple[str, ...]) -> int:
        self.nodes.append(Node(len(self.nodes), value, inputs, scope))
        if isinstance(value, (Tensor, ndarray, generic)):
            self._numbers[id(value)] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def _place_leaves(self) -> None:
        """Leaves and constants belong to the scope of all that uses them."""
        users: dict[int, list[tuple[str, ...]]] = {}
        for node in self.nodes:
            for number in node.inputs:
                users.setdefault(number, []).append(node.scope)
        for node in self.nodes:
            if not node.inputs and node.number in users:
                node.scope = common_prefix(users[node.number])

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, value: Any) -> bool:
        return id(value) in self._numbers

    def __getitem__(self, value: Any) -> Node:
        """The node of a Tensor or an array."""
        return self.nodes[self._numbers[id(value)]]


def common_prefix(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest beginning that all the paths share.

    >>> common_prefix([("a", "b"), ("a", "c", "d")])
    ('a',)
    """
    shared = 0
    while all(len(path) > shared for path in paths) and len({path[shared] for path in paths}) == 1:
        shared += 1
    return paths[0][:shared]
