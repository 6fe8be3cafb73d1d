"""A recorded graph as a value: its nodes in order, with their kinds and names. Every reading starts from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy import generic, ndarray, ndim

from autograd.tensor import Node, Tensor


@dataclass(eq=False)
class Entry:
    """One value of a graph.

    number  its place in the graph; inputs have smaller ones
    value   the Tensor or the plain recorded value, or the constant: an array or a number
    inputs  the numbers of what it was computed from, in order, with repeats
    scope   the names of its scopes, the outermost first
    """

    number: int
    value: Any
    inputs: tuple[int, ...]
    scope: tuple[str, ...]

    @property
    def kind(self) -> str:
        """ "parameter" for a leaf, "constant", or "computed"."""
        if isinstance(self.value, Node) and self.value.inputs:
            return "computed"
        return "parameter" if isinstance(self.value, Tensor) and not self.value.is_constant else "constant"

    @property
    def name(self) -> str | None:
        return self.value.name if isinstance(self.value, Node) else None


class Graph:
    """What one or more values were computed from, themselves included, in an order in which it could be computed again.

    An array that several operations use is one node; a Python number is a node for each use.

    >>> x = Tensor(3.0, name="x")
    >>> [(node.kind, node.inputs) for node in Graph(x * x + 1)]
    [('parameter', ()), ('computed', (0, 0)), ('constant', ()), ('computed', (1, 2))]
    """

    def __init__(self, *outputs: Any, scopes_of: Graph | None = None):
        self.outputs = outputs
        self.nodes: list[Entry] = []
        self._numbers: dict[int, int] = {}  # of Tensors and arrays, by id
        for node in computed(outputs):
            self._add(node, tuple([self._input(x) for x in node.inputs]), node.scope)
        for output in outputs:
            self._input(output)
        self._place_leaves()
        for entry in scopes_of or ():  # what is drawn beside a graph does not move that graph's nodes
            if entry.value in self:
                self[entry.value].scope = entry.scope

    def _input(self, x: Any) -> int:
        return self._numbers[id(x)] if id(x) in self._numbers else self._add(x, (), ())

    def _add(self, value: Any, inputs: tuple[int, ...], scope: tuple[str, ...]) -> int:
        self.nodes.append(Entry(len(self.nodes), value, inputs, scope))
        if isinstance(value, (Node, ndarray, generic)):
            self._numbers[id(value)] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def _place_leaves(self) -> None:
        """Put leaves and numbers into the scope of everything that uses them; an array is data, and comes from
        outside."""
        users: dict[int, list[tuple[str, ...]]] = {}
        for node in self.nodes:
            for number in node.inputs:
                users.setdefault(number, []).append(node.scope)
        for node in self.nodes:
            if not node.inputs and node.number in users and (isinstance(node.value, Node) or not ndim(node.value)):
                node.scope = common_prefix(users[node.number])

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, value: Any) -> bool:
        return id(value) in self._numbers

    def __getitem__(self, value: Any) -> Entry:
        """Return the entry of a Tensor or an array."""
        return self.nodes[self._numbers[id(value)]]


def computed(outputs: Iterable[Any]) -> list[Node]:
    """List the computed values that the outputs depend on, themselves included, oldest first, each once."""
    found = list(dict.fromkeys(x for x in outputs if isinstance(x, Node) and x.inputs))
    seen = set(found)
    for node in found:  # grows as it goes
        for x in node.inputs:
            if isinstance(x, Node) and x.inputs and x not in seen:
                seen.add(x)
                found.append(x)
    return sorted(found, key=lambda node: node.tick)


def recomputed(nodes: Sequence[Node], given: Mapping[Node, Any]) -> dict[Node, Any]:
    """Compute the computed `nodes`, oldest first, again where values in `given` have other data; return what
    changes."""
    values = dict(given)
    for node in nodes:
        if node not in values and any(isinstance(x, Node) and x in values for x in node.inputs):
            operands = [values.get(x, value) if isinstance(x, Node) else value
                        for x, value in zip(node.inputs, node.values, strict=True)]  # fmt: skip
            op: Any = node.op
            values[node] = op.forward(*operands, **node.params)
    return values


def common_prefix(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the longest beginning that all the paths share.

    >>> common_prefix([("a", "b"), ("a", "c", "d")])
    ('a',)
    """
    shared = 0
    while all(len(path) > shared for path in paths) and len({path[shared] for path in paths}) == 1:
        shared += 1
    return paths[0][:shared]
