"""Reading 1: a picture of the graph, with Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.backward import backprop, seed_of
from autograd.readings.display import SMALL, numbers_of
from autograd.readings.graph import Entry, Graph
from autograd.recording import tracing
from autograd.tensor import Node, Plain, Tensor, plain

if TYPE_CHECKING:
    from autograd.readings.drawing import Drawing

BLUE = "#2a6099"  # of the derived graph
LONGEST = 60  # characters of a name that are shown
MOST = 150  # boxes of values that a picture is readable with
STYLES = {
    "parameter": {"shape": "box", "style": "filled", "fillcolor": "#fff2cc", "color": "#b58900"},
    "constant": {"shape": "box", "style": "filled,dashed", "fillcolor": "#eeeeee", "color": "#777777"},
    "plain": {"shape": "box", "style": "rounded,filled,dashed", "fillcolor": "#eeeeee", "color": "#777777"},
    "computed": {"shape": "box", "style": "rounded,filled", "fillcolor": "#ffffff", "color": "#333333"},
    "gradient": {"shape": "box", "style": "rounded,filled", "fillcolor": "#dcebfa", "color": BLUE},
    "operation": {
        "shape": "ellipse",
        "style": "filled",
        "fillcolor": "#333333",
        "fontcolor": "#ffffff",
        "margin": "0.05",
    },
    "folded": {"shape": "box3d", "style": "filled", "fillcolor": "#e3f1dc", "color": "#4d7a36"},
}
NOT_INSTALLED = (
    "drawing needs the Python package graphviz: pip install graphviz, or pip install 'handgrad[draw]' for all that"
    " drawing needs (in a checkout: pip install '.[draw]')"
)
Place = int | tuple[str, ...] | str  # where a node is painted: in a box of its own, of a scope, or of what is too much
EARLIER, DERIVED = "earlier values", "their gradients"


def draw(
    output: Tensor, *, backward: bool = False, seed: Any = None, depth: int | None = None, limit: int = 30,
    **constants: Any,
) -> Drawing:  # fmt: skip
    """Draw the graph that `output` was computed by: a `graphviz.Digraph`, which notebooks show as SVG.

    Boxes are values: parameters yellow, constants grey and dashed, computed ones white; what is computed and never
    differentiated, such as a mask, is dashed too. Each says its name, its shape and dtype, its data and, after
    `backward()`, its gradient; small arrays in full, large ones by their range. Ellipses are operations; an edge stands
    for each use, so `x * x` has two.

    backward  draw the graph of the derived gradients as well, in blue, each tied by a dotted line to the value that it
              is the gradient of; `seed` is the gradient arriving at an output of several elements
    depth     how many levels of scopes (layers, `with scope(…)`) to open; what lies deeper is folded into one box
    limit     above this many nodes, scopes are folded by themselves, and the picture says so. What is still more than
              150 nodes (or than `limit`, if that is larger) is cut to those nearest the output: the rest is one box
    constants names for arrays that the output was computed from: draw(cost, x=x, y=y)

    Raises RuntimeError without the Python package graphviz. Rendering (`.render()`, `.pipe()`) uses the program dot, or
    else the package pygraphviz; with neither it raises RuntimeError saying how to get them, and `.source` still holds
    the DOT text.

    >>> x = Tensor(3.0, name="x")
    >>> print(draw(x * x).source.count(" -> "))       # x to the product twice, and the product to its value
    3
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"draw takes a Tensor, whose graph it draws, not {type(output).__name__}")
    try:
        from autograd.readings.drawing import Drawing, label
    except ImportError:
        raise RuntimeError(NOT_INSTALLED) from None
    grads: dict[Tensor, Any] = {}
    if backward:
        with tracing():  # so that masks are drawn as they are computed
            grads = backprop(output, Tensor(seed_of(output, plain(seed))))  # a Tensor, so that all is recorded
    forward = Graph(output)
    graph = Graph(output, *grads.values(), scopes_of=forward)
    for name, array in constants.items():
        if array not in forward:
            raise ValueError(f"draw: {name} is none of the arrays that this value was computed from")
    names = {id(array): name for name, array in constants.items()}
    of: dict[int, list[Tensor]] = {}  # whose a gradient is, by its id: a sum passes one on to all its terms
    for x, g in grads.items():
        of.setdefault(id(g), []).append(x)
    note = ""
    if depth is None and len(graph) > limit:
        deepest = max(len(node.scope) for node in graph)
        if deepest:
            depth = next((level for level in reversed(range(deepest)) if _shown(graph, level) <= limit), 0)
            note = f"{len(graph)} nodes: scopes are folded to depth {depth}; draw(…, depth=…) or limit=… shows more"
    derived = {node.number for node in graph if (node.kind == "computed" and node.value not in forward)
               or id(node.value) in of}  # fmt: skip
    gradients = {graph[x].number: graph[g].number for x, g in grads.items()}
    places, boxes = _places(graph, derived, gradients, depth, max(MOST, limit))
    if EARLIER in places or DERIVED in places:
        note = (
            f"{len(graph)} nodes: the {boxes} nearest the output are shown; draw(…, limit=…) shows more, and what is"
            " computed within autograd.scope(…) is folded"
        )
    drawing = Drawing("graph", format="svg")
    drawing.attr(
        "graph", rankdir="LR", ordering="in", fontname="Helvetica", compound="true", ranksep="0.35", nodesep="0.2"
    )
    drawing.attr("node", fontname="Helvetica", fontsize="11")
    drawing.attr("edge", color="#555555", arrowsize="0.7")
    if note:
        drawing.attr("graph", label=note, labelloc="t")
    _Picture(drawing, label, graph, forward, derived, of, output, places, names).paint()
    return drawing


def _folded(node: Entry, depth: int | None) -> tuple[str, ...] | None:
    """The scope whose box stands for the node, if it is folded."""
    return None if depth is None or len(node.scope) <= depth else node.scope[: depth + 1]


def _shown(graph: Graph, depth: int) -> int:
    places = [_folded(node, depth) for node in graph]
    return sum(place is None for place in places) + len({place for place in places if place is not None})


def _places(
    graph: Graph, derived: set[int], gradients: dict[int, int], depth: int | None, most: int
) -> tuple[list[Place], int]:
    """Where each node is painted, and how many boxes that makes.

    Where there are more than `most`, those stay that are nearest the output: the latest values, and what is derived up
    to their gradients. One box stands for the other values, and one for what else is derived.
    """
    places: list[Place] = [_folded(node, depth) or node.number for node in graph]
    if len(set(places)) <= most:
        return places, len(set(places))

    def boxes(node: Entry) -> list[Place]:
        """That of the node, and those of the leaves that it is computed from."""
        leaves = [number for number in node.inputs if graph.nodes[number].kind != "computed"]
        return [places[number] for number in (node.number, *leaves)]

    near: dict[Place, None] = {}  # what is derived, from the output back
    reach: dict[int, int] = {}  # how many of those boxes lead to a gradient
    for node in graph:
        if node.number in derived:
            near.update(dict.fromkeys(boxes(node)))
            reach[node.number] = len(near)
    kept: dict[Place, None] = {}
    farthest = 0
    for node in reversed(graph.nodes):
        if node.kind == "computed" and node.number not in derived:
            more = kept | dict.fromkeys(boxes(node))
            far = max(farthest, reach.get(gradients.get(node.number, -1), 0))
            if len(more) + far > most:
                break
            kept, farthest = more, far
    kept.update(dict.fromkeys(list(near)[:farthest]))
    used = {number for node in graph if node.number not in derived for number in (node.number, *node.inputs)}
    for node in graph:
        if places[node.number] not in kept:
            places[node.number] = EARLIER if node.number in used else DERIVED
    return places, len(kept)


class _Picture:
    """The parts of one drawing: which node is painted where, and under what name Graphviz knows it."""

    def __init__(
        self,
        drawing: Drawing,
        label: Any,
        graph: Graph,
        forward: Graph,
        derived: set[int],
        of: dict[int, list[Tensor]],
        output: Tensor,
        places: list[Place],
        names: dict[int, str],
    ):
        self.drawing, self.label, self.graph, self.forward, self.names = drawing, label, graph, forward, names
        self.derived, self.of, self.output, self.places = derived, of, output, places
        boxes = dict.fromkeys(place for place in places if not isinstance(place, int))
        order = [*sorted(place for place in boxes if isinstance(place, tuple)),
                 *(place for place in boxes if isinstance(place, str))]  # fmt: skip
        self.numbers = {place: number for number, place in enumerate(order)}  # of the folded boxes
        self.edges: set[tuple[str, str]] = set()  # into and out of folded boxes, where one line is enough
        self.clusters = 0

    def paint(self) -> None:
        self._paint_scope(
            self.drawing, (), [node for node in self.graph if self.places[node.number] not in (EARLIER, DERIVED)]
        )
        for box in (EARLIER, DERIVED):
            hidden = [node for node in self.graph if self.places[node.number] == box]
            if hidden:
                self._paint_folded(self.drawing, box, hidden)
        for node in self.graph:
            self._paint_edges(node)
        for node in self.graph:
            for x in self.of.get(id(node.value), ()):
                self._tie(self.graph[x], node)

    def _tie(self, value: Entry, gradient: Entry) -> None:
        ends = (self._id(value), self._id(gradient))
        if ends[0] != ends[1] and ends not in self.edges:
            self.edges.add(ends)
            self.drawing.edge(*ends, dir="none", style="dotted", color=BLUE, constraint="false")

    def _id(self, node: Entry) -> str:
        place = self.places[node.number]
        return f"v{place}" if isinstance(place, int) else f"fold{self.numbers[place]}"

    def _paint_scope(self, into: Any, path: tuple[str, ...], nodes: list[Entry]) -> None:
        """The nodes of a scope, and its inner scopes as clusters; a folded scope as one box."""
        inner: dict[tuple[str, ...], list[Entry]] = {}
        for node in nodes:
            if len(node.scope) > len(path):
                inner.setdefault(node.scope[: len(path) + 1], []).append(node)
            else:
                self._paint_node(into, node)
        for scope, members in inner.items():
            if self.places[members[0].number] == scope:
                self._paint_folded(into, _cut(scope[-1]), members)
            else:
                self.clusters += 1
                with into.subgraph(name=f"cluster_{self.clusters}") as cluster:
                    cluster.attr(
                        label=self.label(_cut(scope[-1])), style="rounded", color="#888888", fontname="Helvetica"
                    )
                    self._paint_scope(cluster, scope, members)

    def _paint_folded(self, into: Any, title: str, members: list[Entry]) -> None:
        parameters = [node for node in members if node.kind == "parameter"]
        numbers = sum(node.value.size for node in parameters)
        computed = sum(node.kind == "computed" for node in members)
        lines = [title, _count(computed, "operation")]
        if parameters:
            lines.insert(1, f"{_count(len(parameters), 'parameter')} ({_count(numbers, 'number')})")
        into.node(self._id(members[0]), self.label(*lines), **STYLES["folded"])

    def _paint_node(self, into: Any, node: Entry) -> None:
        kind = "plain" if node.kind == "computed" and isinstance(node.value, Plain) else node.kind
        style = STYLES["gradient" if node.number in self.derived and kind != "plain" else kind]
        outline = {"penwidth": "2"} if node.value is self.output else {}
        into.node(self._id(node), self._label(node), **style, **outline)
        if node.kind == "computed":
            into.node(f"op{node.number}", self.label(*operation(node.value)), **STYLES["operation"])

    def _paint_edges(self, node: Entry) -> None:
        alone = isinstance(self.places[node.number], int)
        derived = node.number in self.derived
        if node.kind == "computed" and alone:
            self._edge(f"op{node.number}", self._id(node), derived)
        for number in node.inputs:
            source = self.graph.nodes[number]
            crosses = derived and number not in self.derived and source.value in self.forward
            ends = (self._id(source), f"op{node.number}" if alone else self._id(node))
            if alone and isinstance(self.places[number], int):
                self._edge(*ends, derived, crosses)
            elif ends[0] != ends[1] and ends not in self.edges:
                self.edges.add(ends)
                self._edge(*ends, derived, crosses)

    def _edge(self, tail: str, head: str, derived: bool, crosses: bool = False) -> None:
        """The derived graph runs from right to left, under the values that its gradients belong to; what crosses over
        from the values does not move them."""
        if not derived:
            self.drawing.edge(tail, head)
        elif crosses:
            self.drawing.edge(tail, head, color=BLUE, constraint="false")
        else:
            self.drawing.edge(head, tail, dir="back", color=BLUE)

    def _label(self, node: Entry) -> str:
        value = node.value
        lines = []
        name = node.name or self.names.get(id(value))
        if name:
            lines.append(_cut(name))
        elif id(value) in self.of:
            whose = [x.name or "output" * (x is self.output) for x in self.of[id(value)]]
            whose = [f"∂{_cut(self.output.name or 'output')}/∂{_cut(name)}" for name in whose if name]
            lines += [" = ".join(whose[:SMALL])] if whose else []
            lines += [f"and of {len(whose) - SMALL} more"] if len(whose) > SMALL else []
        data = plain(value)
        if np.size(data) != 1:
            lines.append(f"{tuple(np.shape(data))} {np.asarray(data).dtype}")
        lines.append(numbers_of(data))
        if isinstance(value, Node) and value.grad is not None:
            lines.append(f"grad {numbers_of(value.grad)}")
        return str(self.label(*lines))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}…"


def _count(n: int, what: str) -> str:
    """`1 operation`, `1,200 operations`."""
    return f"{n:,} {what}{'s' * (n != 1)}"


def operation(node: Node) -> list[str]:
    """What an operation is called in a picture, its symbol or its name, and its parameters, a line for each."""
    assert node.op is not None
    parameters = [f"{key}={value}" for key, value in node.params.items() if value is not None and value is not False]
    return [node.op.facts.get("symbol", node.op.name), *[line[:40] for line in parameters]]
