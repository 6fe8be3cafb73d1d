"""Decides what of a graph is drawn: which values get a box, and what is written into the operation that uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.readings.display import numbers_of
from autograd.readings.graph import Entry, Graph, common_prefix
from autograd.tensor import Node, Tensor

WRITTEN = (0, 1, 2)  # numbers that are written into the operation, with either sign
WIDEST = 40  # characters of a parameter


class Boxes(Graph):
    """A graph without the values that need no box of their own. The others have the numbers of their boxes.

    * A number 0, 1 or 2 without a name is written into the operation that uses it: ÷ 2.
    * A transpose that one operation uses is written there, too: ·ᵀ @ ·. The edge comes from what is transposed.
    * An identity, by which a transform sets its argument apart, is not drawn: what uses it uses the argument.

    graph  the whole graph
    of     for each gradient, by its id, the Tensors that it belongs to
    names  the names of arrays and numbers, by id
    """

    def __init__(self, graph: Graph, output: Tensor, of: Mapping[int, Sequence[Tensor]], names: Mapping[int, str]):
        self.outputs, self.nodes, self._numbers = graph.outputs, [], {}
        self.operands: list[list[str]] = []  # of each box, how its operation writes them: "" for one with an edge
        users = [0] * len(graph)
        for node in graph:
            for i in node.inputs:
                users[i] += 1
        stands_for: list[int | None] = []  # the box that stands for a node of the graph
        written: list[str] = []  # how a node is written by what uses it; "" where an edge says it all
        layouts: dict[Any, int] = {}  # of the arrays so far
        for node in graph:
            box: int | None = len(self.nodes)
            text, value = "", node.value
            if not (node.name or id(value) in names or id(value) in of or value is output):
                if node.kind == "constant" and users[node.number] and _is_written(value):
                    box, text = None, numbers_of(value)
                elif node.kind == "constant" and _layout(value, transposed=True) in layouts:
                    box, text = layouts[_layout(value, transposed=True)], "·ᵀ"
                elif node.kind == "computed" and not written[node.inputs[0]]:
                    if value.op.name == "identity":
                        box = stands_for[node.inputs[0]]
                    elif users[node.number] == 1 and _is_transpose(value):
                        box, text = stands_for[node.inputs[0]], "·ᵀ"
            if box == len(self.nodes):
                sources = [stands_for[i] for i in node.inputs]
                self.operands.append([written[i] for i in node.inputs])
                inputs = tuple([source for source in sources if source is not None])
                self.nodes.append(Entry(box, value, inputs, node.scope))
                if node.kind == "constant" and isinstance(value, np.ndarray) and value.ndim == 2:
                    layouts[_layout(value)] = box
            if box is not None and isinstance(value, (Node, np.ndarray, np.generic)):
                self._numbers[id(value)] = box
            stands_for.append(box)
            written.append(text)

    def operation(self, entry: Entry) -> list[str]:
        """Label the box of an operation: its symbol or name, what is written into it, and its parameters."""
        op, params = entry.value.op, entry.value.params
        symbol, operands = op.facts.get("symbol"), self.operands[entry.number]
        name = symbol or op.name
        lines = [f"[{op.facts['index']}]"[:WIDEST]] if "index" in op.facts else []
        for key, value in params.items():
            if key == "index":
                lines.append(index_text(value))
            elif value is not None and value is not False and not (name == "scatter" and key == "shape"):
                lines.append(f"{key}={value}"[:WIDEST])
        if name == "getitem" and lines:
            return lines
        if not any(operands):
            return [name, *lines]
        if symbol and len(operands) == 2:
            left, right = operands
            if left.endswith("ᵀ") or right.endswith("ᵀ"):
                left, right = left or "·", right or "·"
            return [f"{left}{symbol}{right}" if symbol == "^" else f"{left} {symbol} {right}".strip(), *lines]
        return [f"{name}({', '.join(operand or '·' for operand in operands)})", *lines]


def _is_transpose(node: Node) -> bool:
    return node.ndim == 2 and node.op.name in ("transpose", "swapaxes") and node.params.get("axes") is None


def _layout(value: Any, transposed: bool = False) -> Any:
    """Say how the elements of a matrix lie in memory; if asked, those of the matrix that it is the transpose of."""
    if not isinstance(value, np.ndarray) or value.ndim != 2:
        return None
    layout = value.T if transposed else value
    return value.__array_interface__["data"][0], layout.shape, layout.strides


def _is_written(value: Any) -> bool:
    return np.ndim(value) == 0 and not isinstance(value, Node) and bool(np.isin(np.abs(value), WRITTEN))


def index_text(index: Any) -> str:
    """Write an index as it stands in brackets; for an array of many indices say how many there are, for a mask how many
    hold.

    >>> index_text((slice(None), None, slice(1, 4))), index_text((0, slice(None, None, 2))), index_text(slice(-2, None))
    ('[:, None, 1:4]', '[0, ::2]', '[-2:]')
    >>> index_text((Ellipsis, np.array([2, 0]))), index_text(np.arange(100))
    ('[..., [2, 0]]', '[100 indices]')
    >>> index_text(np.arange(6).reshape(2, 3) > 2)
    '[3 of 6 true]'
    """
    parts = index if isinstance(index, tuple) else (index,)
    return f"[{', '.join(map(_one_index, parts))}]"[:WIDEST]


def _one_index(part: Any) -> str:
    if isinstance(part, slice):
        start, stop, step = ("" if x is None else str(x) for x in (part.start, part.stop, part.step))
        return f"{start}:{stop}{f':{step}' if step and step != '1' else ''}"
    if part is Ellipsis:
        return "..."
    if isinstance(part, (list, np.ndarray)):
        array = np.asarray(part)
        if array.dtype == bool and array.size > 3:
            return f"{np.count_nonzero(array)} of {array.size} true"
        return numbers_of(array) if array.size <= 3 else f"{array.size} indices"
    return str(part)


def place_gradients(graph: Graph, forward: Graph, of: Mapping[int, Sequence[Tensor]]) -> None:
    """Give each derived value the scopes of the value that it is derived from.

    A gradient belongs to the scope of its value. What its rule computes from the gradient arriving at a value belongs
    to the scope of that value, and what does not depend on that gradient, such as 1 − a, to the scope of everything
    that uses it.
    """

    def common(values: Sequence[Tensor]) -> tuple[str, ...]:
        return common_prefix([forward[x].scope for x in values])

    known: dict[int, tuple[str, ...]] = {}  # the scope in which the rule works that computes a derived value
    for node in graph:
        value = node.value
        whose = of.get(id(value), ())
        if whose:
            node.scope = common(whose)
            known[node.number] = common([x for x in whose if x.inputs] or whose)
        elif node.inputs and value not in forward:
            derived = [number for number in node.inputs if number in known]
            if derived:
                node.scope = known[node.number] = known[max(derived)]
    users: dict[int, list[tuple[str, ...]]] = {}
    for node in reversed(graph.nodes):
        if node.number not in known and node.value not in forward and node.number in users:
            node.scope = common_prefix(users[node.number])
        for number in node.inputs:
            users.setdefault(number, []).append(node.scope)
