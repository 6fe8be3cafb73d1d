"""Reading 1: a picture of the graph, with Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.backward import backprop, reached, seed_of
from autograd.readings.boxes import Boxes, place_gradients
from autograd.readings.display import SMALL, numbers_of, shortened
from autograd.readings.graph import Entry, Graph, computed
from autograd.readings.trace import apart
from autograd.recording import tracing
from autograd.stale import refuse_changed_data
from autograd.tensor import Node, Plain, Tensor, plain

if TYPE_CHECKING:
    from autograd.readings.drawing import Drawing

BLUE = "#2a6099"  # of the derived graph
PALE = "#8fb0d4"  # of what leads from the values into it
WEIGHT = "8"  # of what ties a gradient to its value, where an edge has 1
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
        "margin": "0.03,0.01",
    },
    "folded": {"shape": "box3d", "margin": "0.1,0.07", "style": "filled", "fillcolor": "#e3f1dc", "color": "#4d7a36"},
    "folded gradient": {
        "shape": "box3d",
        "margin": "0.1,0.07",
        "style": "filled",
        "fillcolor": "#dcebfa",
        "color": BLUE,
    },
}
NOT_INSTALLED = (
    "drawing needs the Python package graphviz: pip install graphviz, or pip install 'handgrad[draw]' for all that"
    " drawing needs (in a checkout: pip install '.[draw]')"
)
PAGE = 160  # characters that stand in a row on a page
MARGINS, GAP = 2, 4  # characters that a box has around its text, and that an arrow is long
Scope = tuple[Any, ...]  # whether it is derived, and the names of the scopes
Place = int | Scope | str  # where a node is painted: in a box of its own, of a scope, or of what is too much
EARLIER, DERIVED = "earlier values", "their gradients"


def draw(
    output: Tensor, *, backward: bool = False, seed: Any = None, depth: int | None = None, limit: int = 30,
    direction: str | None = None, **constants: Any,
) -> Drawing:  # fmt: skip
    """Draw the graph that `output` was computed by: a `graphviz.Digraph`, which notebooks show as SVG.

    Boxes are values: parameters yellow, constants grey and dashed, computed ones white. What is computed but never
    differentiated, such as a mask, is dashed too. Each box shows the name, the shape and dtype, the data and, after
    `backward()`, the gradient, unless that has a box; small arrays in full, large ones by their range. Ellipses are
    operations. An edge stands for each use, so `x * x` has two. The numbers 0, 1 and 2, and a transpose, are written
    into the operation that uses them: ÷ 2, ·ᵀ @ ·. A layer that was computed in one operation is taken apart, so that
    its z is a box.

    backward  draw the graph of the derived gradients as well, in blue. It runs back below the values, or at their
              right: each gradient is tied by a dotted line to its value, and belongs to the value's scope. What a
              folded gradient takes from the values is not drawn. `seed` is the gradient arriving at an output of
              several elements
    depth     how many levels of scopes (layers, `with scope(…)`) to open; what lies deeper is folded into one box
    limit     above this many boxes, scopes are folded by themselves, and the picture says so. What is still more than
              150 boxes (or than `limit`, if that is larger) is cut to those nearest the output: the rest is one box
    direction "LR" from left to right, "TB" from top to bottom; by default from left to right if that fits on a page
    constants names for arrays that the output was computed from: draw(cost, x=x, y=y)

    Raises RuntimeError without the Python package graphviz. Rendering (`.render()`, `.pipe()`) uses the program dot, or
    else the package pygraphviz; with neither it raises RuntimeError saying how to get them, and `.source` still holds
    the DOT text.

    >>> x = Tensor(3.0, name="x")
    >>> print(draw(x * x).source.count(" -> "))       # x to the product twice, and the product to its value
    3
    """
    if direction not in (None, "LR", "TB"):
        raise ValueError(f'draw: direction is "LR", from left to right, or "TB", from top to bottom, not {direction!r}')
    if not isinstance(output, Tensor):
        raise TypeError(f"draw takes a Tensor, whose graph it draws, not {type(output).__name__}")
    try:
        from autograd.readings.drawing import Drawing, label
    except ImportError:
        raise RuntimeError(NOT_INSTALLED) from None
    if backward:
        refuse_changed_data(reached(output))
    output, gradients = _apart(output)
    grads: dict[Tensor, Any] = {}
    if backward:
        with tracing():  # so that masks are drawn as they are computed
            grads = backprop(output, Tensor(seed_of(output, plain(seed))))  # a Tensor, so that all is recorded
    forward = Graph(output)
    for name, array in constants.items():
        if array not in forward:
            raise ValueError(f"draw: {name} is not one of the arrays that this value was computed from")
    names = {id(array): name for name, array in constants.items()}
    of: dict[int, list[Tensor]] = {}  # whose a gradient is, by its id: a sum passes one on to all its terms
    for x, g in grads.items():
        of.setdefault(id(g), []).append(x)
    everything = Graph(output, *grads.values(), scopes_of=forward)
    place_gradients(everything, forward, of)
    graph = Boxes(everything, output, of, names)
    derived = _derived(graph, forward, of)
    note = ""
    if depth is None and len(graph) > limit:
        deepest = max(len(node.scope) for node in graph)
        if deepest:
            depth = next((level for level in reversed(range(deepest)) if _shown(graph, derived, level) <= limit), 0)
            note = f"{len(graph)} values: scopes are folded to depth {depth}; draw(…, depth=…) or limit=… shows more"
    numbers = {graph[x].number: graph[g].number for x, g in grads.items()}
    places, boxes = _places(graph, derived, numbers, depth, max(MOST, limit))
    if EARLIER in places or DERIVED in places:
        note = (
            f"{len(graph)} values: the {boxes} nearest the output are shown; draw(…, limit=…) shows more, and what is"
            " computed within autograd.scope(…) is folded"
        )
    drawing = Drawing("graph", format="svg")
    drawing.attr("graph", fontname="Helvetica", fontsize="11", ranksep="0.22", nodesep="0.12")
    if derived:  # ranks go through all clusters, so that a gradient can stand below its value
        drawing.attr("graph", newrank="true")
    else:  # what is subtracted stands below; together the two can keep Graphviz busy for good
        drawing.attr("graph", ordering="in")
    drawing.attr("node", fontname="Helvetica", fontsize="11", margin="0.07,0.03", width="0.35", height="0.3")
    drawing.attr("edge", color="#555555", arrowsize="0.6")
    if note:
        drawing.attr("graph", label=note, labelloc="t")
    kept = {} if backward else gradients  # a gradient that is drawn is not written as well
    picture = _Picture(drawing, label, graph, forward, derived, of, output, places, names, kept)
    picture.paint()
    drawing.graph_attr["rankdir"] = direction or ("LR" if picture.length() <= PAGE else "TB")
    return drawing


def _apart(output: Tensor) -> tuple[Tensor, dict[Any, Any]]:
    """Take the fused layers of the graph apart, so that z is a box; return the gradients of its values as well."""
    made: dict[Node, Any] = {}
    nodes = computed([output])
    leaves = [x for node in nodes for x in node.inputs if isinstance(x, Tensor)]
    found = apart(output, made=made)
    gradients: dict[Any, Any] = {x: x.grad for x in (*leaves, *nodes, output)}
    for node, other in made.items():
        other._value = node._value  # as it was recorded, whatever the data is now
        gradients[other] = node.grad
    return found, gradients


def _derived(graph: Boxes, forward: Graph, of: dict[int, list[Tensor]]) -> set[int]:
    """Find the numbers of what was derived, and of the numbers and arrays that only it uses."""
    derived = {node.number for node in graph
               if (node.kind == "computed" and node.value not in forward) or id(node.value) in of}  # fmt: skip
    used = {number for node in graph if node.number not in derived for number in node.inputs}
    there = {number for node in graph if node.number in derived for number in node.inputs}
    return derived | {number for number in there - used if graph.nodes[number].kind == "constant"}


def _folded(node: Entry, derived: set[int], depth: int | None) -> Scope | None:
    """Return the scope whose box stands for the node, if it is folded; what is derived has boxes of its own."""
    if depth is None or len(node.scope) <= depth:
        return None
    return node.number in derived, *node.scope[: depth + 1]


def _shown(graph: Graph, derived: set[int], depth: int) -> int:
    places = [_folded(node, derived, depth) for node in graph]
    return sum(place is None for place in places) + len({place for place in places if place is not None})


def _places(
    graph: Graph, derived: set[int], gradients: dict[int, int], depth: int | None, most: int
) -> tuple[list[Place], int]:
    """Say where each node is painted, and how many boxes that makes.

    If there are more than `most`, those nearest the output stay: the latest values, and what is derived up to their
    gradients. One box stands for the other values, and one for what else is derived.
    """
    places: list[Place] = [_folded(node, derived, depth) or node.number for node in graph]
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
    """One drawing: which node is painted where, and under what name Graphviz knows it."""

    def __init__(
        self,
        drawing: Drawing,
        label: Any,
        graph: Boxes,
        forward: Graph,
        derived: set[int],
        of: dict[int, list[Tensor]],
        output: Tensor,
        places: list[Place],
        names: dict[int, str],
        gradients: dict[Any, Any],
    ):
        self.drawing, self.label, self.graph, self.forward, self.names = drawing, label, graph, forward, names
        self.derived, self.of, self.output, self.places = derived, of, output, places
        self.gradients = gradients
        boxes = dict.fromkeys(place for place in places if not isinstance(place, int))
        order = [*sorted(place for place in boxes if isinstance(place, tuple)),
                 *(place for place in boxes if isinstance(place, str))]  # fmt: skip
        self.numbers = {place: number for number, place in enumerate(order)}  # of the folded boxes
        self.edges: set[tuple[str, str]] = set()  # into and out of folded boxes, where one line is enough
        self.clusters = 0
        self.widths: dict[str, int] = {}  # of boxes and operations, in characters

    def length(self) -> int:
        """Measure the longest way to a value, or back to a gradient, in characters."""
        ways = [0] * len(self.graph)
        for node in self.graph:
            step = self.widths[self._id(node)] + GAP
            if node.kind == "computed" and isinstance(self.places[node.number], int):
                step += self.widths[f"op{node.number}"] + GAP
            for number in node.inputs:
                if (number in self.derived) == (node.number in self.derived):
                    inside = self.places[number] == self.places[node.number]
                    ways[node.number] = max(ways[node.number], ways[number] + (0 if inside else step))
            ways[node.number] = ways[node.number] or step
        return max(ways)

    def _box(self, into: Any, name: str, lines: list[str], **style: str) -> None:
        self.widths[name] = max(map(len, lines)) + MARGINS
        into.node(name, self.label(*lines), **style)

    def paint(self) -> None:
        """Paint the values, and apart from them what was derived, so that neither gets between the other."""
        ties = [(self.graph[x], node) for node in self.graph for x in self.of.get(id(node.value), ())]
        if ties:  # Graphviz places first what it meets first: the values above what was derived, or at its left
            self.drawing.node("start", "", style="invis", width="0", height="0", fixedsize="true")
            for end in ties[-1]:
                self.drawing.edge("start", self._id(end), style="invis", weight="0")
        for side in (False, True) if self.derived else (False,):
            nodes = [node for node in self.graph if (node.number in self.derived) == side]
            if self.derived:
                with self.drawing.subgraph(name=f"cluster_{'derived' if side else 'values'}") as cluster:
                    cluster.attr(peripheries="0", label="")
                    self._paint_side(cluster, nodes)
            else:
                self._paint_side(self.drawing, nodes)
        for node in self.graph:
            self._paint_edges(node)
        for tie in ties:
            self._tie(*tie)

    def _paint_side(self, into: Any, nodes: list[Entry]) -> None:
        self._paint_scope(into, (), [node for node in nodes if self.places[node.number] not in (EARLIER, DERIVED)])
        for box in (EARLIER, DERIVED):
            hidden = [node for node in nodes if self.places[node.number] == box]
            if hidden and self.places.index(box) == hidden[0].number:
                self._paint_folded(into, box, [node for node in self.graph if self.places[node.number] == box])

    def _tie(self, value: Entry, gradient: Entry) -> None:
        """Keep a gradient below its value, or beside it."""
        ends = (self._id(value), self._id(gradient))
        if ends[0] != ends[1] and ends not in self.edges:
            self.edges.add(ends)
            self.drawing.edge(*ends, dir="none", style="dotted", color=BLUE, minlen="0", weight=WEIGHT)

    def _id(self, node: Entry) -> str:
        place = self.places[node.number]
        return f"v{place}" if isinstance(place, int) else f"fold{self.numbers[place]}"

    def _paint_scope(self, into: Any, path: tuple[str, ...], nodes: list[Entry]) -> None:
        """Paint the nodes of a scope, and its inner scopes as clusters; a folded scope is one box."""
        inner: dict[tuple[str, ...], list[Entry]] = {}
        for node in nodes:
            if len(node.scope) > len(path):
                inner.setdefault(node.scope[: len(path) + 1], []).append(node)
            else:
                self._paint_node(into, node)
        for scope, members in inner.items():
            derived = members[0].number in self.derived
            title = f"gradient of {shortened(scope[-1])}" if derived else shortened(scope[-1])
            if self.places[members[0].number] == (derived, *scope):
                self._paint_folded(into, title, members)
            else:
                self.clusters += 1
                with into.subgraph(name=f"cluster_{self.clusters}") as cluster:
                    color = BLUE if derived else "#888888"
                    cluster.attr(
                        label=self.label(title), style="rounded", color=color, fontcolor=color, peripheries="1"
                    )
                    self._paint_scope(cluster, scope, members)

    def _paint_folded(self, into: Any, title: str, members: list[Entry]) -> None:
        parameters = [node for node in members if node.kind == "parameter" and id(node.value) not in self.of]
        numbers = sum(node.value.size for node in parameters)
        operations = sum(node.kind == "computed" for node in members)
        lines = [title, _count(operations, "operation")]
        if parameters:
            lines.insert(1, f"{_count(len(parameters), 'parameter')} ({_count(numbers, 'number')})")
        derived = members[0].number in self.derived
        self._box(into, self._id(members[0]), lines, **STYLES["folded gradient" if derived else "folded"])

    def _paint_node(self, into: Any, node: Entry) -> None:
        kind = "plain" if node.kind == "computed" and isinstance(node.value, Plain) else node.kind
        gradient = node.number in self.derived and (kind == "computed" or id(node.value) in self.of)
        outline = {"penwidth": "2"} if node.value is self.output else {}
        self._box(into, self._id(node), self._lines(node), **STYLES["gradient" if gradient else kind], **outline)
        if node.kind == "computed":
            self._box(into, f"op{node.number}", self.graph.operation(node), **STYLES["operation"])

    def _paint_edges(self, node: Entry) -> None:
        alone = isinstance(self.places[node.number], int)
        derived = node.number in self.derived
        if node.kind == "computed" and alone:
            self._edge(f"op{node.number}", self._id(node), derived)
        for number in node.inputs:
            source = self.graph.nodes[number]
            crosses = derived and number not in self.derived
            ends = (self._id(source), f"op{node.number}" if alone else self._id(node))
            if crosses and not alone:
                continue  # what a folded gradient takes from the values would be a tangle; it is tied to its own
            if alone and isinstance(self.places[number], int):
                self._edge(*ends, derived, crosses, source.scope != node.scope)
            elif ends[0] != ends[1] and ends not in self.edges:
                self.edges.add(ends)
                self._edge(*ends, derived, crosses)

    def _edge(self, tail: str, head: str, derived: bool, crosses: bool = False, enters: bool = False) -> None:
        """Draw an edge. The derived graph runs from right to left, below the values of its gradients; edges that cross
        over from the values do not move them. An edge between scopes leaves room for the parameters of the next one, or
        for their gradients, so that scopes stand in a row."""
        if not derived:
            self.drawing.edge(tail, head, **({"minlen": "2"} if enters else {}))
        elif crosses:
            self.drawing.edge(tail, head, color=PALE, constraint="false")
        else:
            self.drawing.edge(head, tail, dir="back", color=BLUE, **({"minlen": "3"} if enters else {}))

    def _lines(self, node: Entry) -> list[str]:
        value = node.value
        lines = []
        name = node.name or self.names.get(id(value))
        if name:
            lines.append(shortened(name))
        elif id(value) in self.of:
            whose = [x.name or "output" * (x is self.output) for x in self.of[id(value)]]
            whose = [f"∂{shortened(self.output.name or 'output')}/∂{shortened(name)}" for name in whose if name]
            lines += [" = ".join(whose[:SMALL])] if whose else []
            lines += [f"and of {len(whose) - SMALL} more"] if len(whose) > SMALL else []
        data = plain(value)
        if np.size(data) != 1:
            lines.append(f"{tuple(np.shape(data))} {np.asarray(data).dtype}")
        lines.append(numbers_of(data))
        grad = self.gradients.get(value) if isinstance(value, Tensor) else None
        if grad is not None:
            lines.append(f"grad {numbers_of(grad)}")
        return lines


def _count(n: int, what: str) -> str:
    """`1 operation`, `1,200 operations`."""
    return f"{n:,} {what}{'s' * (n != 1)}"
