"""Reading 1: a picture of the graph, with Graphviz."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import graphviz
import numpy as np

from autograd.backward import backprop, seed_of
from autograd.readings.graph import Entry, Graph
from autograd.tensor import Tensor, plain

SMALL = 6  # elements: arrays up to this size are shown in full
SYMBOLS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "power": "^", "negative": "−", "matmul": "@"}
BLUE = "#2a6099"  # of the derived graph
MANY = 150  # nodes that no picture is readable with
STYLES = {
    "parameter": {"shape": "box", "style": "filled", "fillcolor": "#fff2cc", "color": "#b58900"},
    "constant": {"shape": "box", "style": "filled,dashed", "fillcolor": "#eeeeee", "color": "#777777"},
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
ADVICE = (
    "drawing needs Graphviz: install its program dot (graphviz in the system's packages), or the Python package with"
    " pip install 'handgrad[draw]'; the drawing's .source is the DOT text, which any Graphviz renders"
)


class Drawing(graphviz.Digraph):
    """A `graphviz.Digraph` that renders with the program dot if there is one, else with pygraphviz."""

    def _with_pygraphviz(self, format: str) -> bytes:
        try:
            import pygraphviz
        except ImportError:
            raise RuntimeError(ADVICE) from None
        rendered: bytes = pygraphviz.AGraph(string=self.source).draw(format=format, prog="dot")
        return rendered

    def pipe(self, format: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """The rendered picture as bytes, or as text where `encoding` is given."""
        if shutil.which("dot"):
            return super().pipe(format, *args, **kwargs)
        rendered = self._with_pygraphviz(format or self.format)
        return rendered.decode(kwargs["encoding"]) if kwargs.get("encoding") else rendered

    def render(
        self, filename: Any = None, directory: Any = None, view: bool = False, cleanup: bool = False,
        format: str | None = None, *args: Any, outfile: Any = None, **kwargs: Any,
    ) -> str:  # fmt: skip
        """Write the DOT text to `filename` and the picture beside it, or to `outfile`; returns the picture's path."""
        if shutil.which("dot"):
            path = super().render(filename, directory, view, cleanup, format, *args, outfile=outfile, **kwargs)
            return str(path)
        rendered = self._with_pygraphviz(format or (Path(outfile).suffix[1:] if outfile else "") or self.format)
        if outfile:
            picture = Path(outfile)
            source = picture.with_suffix(".gv")
        else:
            source = Path(directory or self.directory or "", filename or self.filename)
            picture = source.with_name(f"{source.name}.{format or self.format}")
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(rendered)
        if not cleanup:
            source.write_text(self.source, "utf-8")
        if view:
            graphviz.view(str(picture))
        return str(picture)

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        return {"image/svg+xml": self.pipe("svg", encoding="utf-8")}


def draw(
    output: Tensor, *, backward: bool = False, seed: Any = None, depth: int | None = None, limit: int = 30,
    **constants: Any,
) -> Drawing:  # fmt: skip
    """A picture of the graph that `output` was computed by: a `graphviz.Digraph`, which notebooks show as SVG.

    Boxes are values: parameters yellow, constants grey and dashed, computed ones white. Each says its name, its shape
    and dtype, its data and, after `backward()`, its gradient; small arrays in full, large ones by their range. Ellipses
    are operations; an edge stands for each use, so `x * x` has two.

    backward  draw the graph of the derived gradients as well, in blue, each tied by a dotted line to the value that it
              is the gradient of; `seed` is the gradient arriving at an output of several elements
    depth     how many levels of scopes (layers, `with scope(…)`) to open; what lies deeper is folded into one box
    limit     above this many nodes, scopes are folded by themselves, and the picture says so
    constants names for arrays that the output was computed from: draw(cost, x=x, y=y)

    Rendering (`.render()`, `.pipe()`) uses the program dot, or else the package pygraphviz; with neither it raises
    RuntimeError saying how to get them, and `.source` still holds the DOT text.

    >>> x = Tensor(3.0, name="x")
    >>> print(draw(x * x).source.count(" -> "))       # x to the product twice, and the product to its value
    3
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"draw takes a Tensor, whose graph it draws, not {type(output).__name__}")
    grads = backprop(output, Tensor(seed_of(output, plain(seed)))) if backward else {}  # a Tensor: all is recorded
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
        if (len(graph) if depth is None else _shown(graph, depth)) > MANY:
            note = f"{len(graph)} nodes are many: name parts of them with autograd.scope to have them folded"
    drawing = Drawing("graph", format="svg")
    drawing.attr(
        "graph", rankdir="LR", ordering="in", fontname="Helvetica", compound="true", ranksep="0.35", nodesep="0.2"
    )
    drawing.attr("node", fontname="Helvetica", fontsize="11")
    drawing.attr("edge", color="#555555", arrowsize="0.7")
    if note:
        drawing.attr("graph", label=graphviz.escape(note), labelloc="t")
    _Picture(drawing, graph, forward, of, output, depth, names).paint()
    return drawing


def _folded(node: Entry, depth: int | None) -> tuple[str, ...] | None:
    """The scope whose box stands for the node, if it is folded."""
    return None if depth is None or len(node.scope) <= depth else node.scope[: depth + 1]


def _shown(graph: Graph, depth: int) -> int:
    places = [_folded(node, depth) for node in graph]
    return sum(place is None for place in places) + len({place for place in places if place is not None})


class _Picture:
    """The parts of one drawing: which node is painted where, and under what name Graphviz knows it."""

    def __init__(
        self,
        drawing: Drawing,
        graph: Graph,
        forward: Graph,
        of: dict[int, list[Tensor]],
        output: Tensor,
        depth: int | None,
        names: dict[int, str],
    ):
        self.drawing, self.graph, self.forward, self.names = drawing, graph, forward, names
        self.of, self.output, self.depth = of, output, depth
        self.scopes = sorted({path for node in graph if (path := _folded(node, depth)) is not None})
        self.edges: set[tuple[str, str]] = set()  # into and out of folded boxes, where one line is enough

    def paint(self) -> None:
        self._paint_scope(self.drawing, (), list(self.graph))
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
        folded = _folded(node, self.depth)
        return f"v{node.number}" if folded is None else f"fold{self.scopes.index(folded)}"

    def _paint_scope(self, into: graphviz.Digraph, path: tuple[str, ...], nodes: list[Entry]) -> None:
        """The nodes of a scope, and its inner scopes as clusters; a folded scope as one box."""
        inner: dict[tuple[str, ...], list[Entry]] = {}
        for node in nodes:
            if len(node.scope) > len(path):
                inner.setdefault(node.scope[: len(path) + 1], []).append(node)
            else:
                self._paint_node(into, node)
        for scope, members in inner.items():
            if self.depth is not None and len(scope) > self.depth:
                self._paint_folded(into, scope, members)
            else:
                with into.subgraph(name="cluster_" + "_".join(map(str, map(ord, "/".join(scope))))) as cluster:
                    cluster.attr(
                        label=graphviz.escape(scope[-1]), style="rounded", color="#888888", fontname="Helvetica"
                    )
                    self._paint_scope(cluster, scope, members)

    def _paint_folded(self, into: graphviz.Digraph, scope: tuple[str, ...], members: list[Entry]) -> None:
        parameters = [node for node in members if node.kind == "parameter"]
        numbers = sum(node.value.size for node in parameters)
        computed = sum(node.kind == "computed" for node in members)
        operations = "1 operation" if computed == 1 else f"{computed} operations"
        label = f"{scope[-1]}\n{len(parameters)} parameters ({numbers:,} numbers)\n{operations}"
        into.node(self._id(members[0]), graphviz.escape(label).replace("\n", "\\n"), **STYLES["folded"])

    def _paint_node(self, into: graphviz.Digraph, node: Entry) -> None:
        style = STYLES["gradient" if self._is_derived(node) else node.kind]
        outline = {"penwidth": "2"} if node.value is self.output else {}
        into.node(self._id(node), self._label(node), **style, **outline)
        if node.kind == "computed":
            into.node(f"op{node.number}", graphviz.escape(operation(node.value)), **STYLES["operation"])

    def _paint_edges(self, node: Entry) -> None:
        folded = _folded(node, self.depth)
        derived = self._is_derived(node)
        if node.kind == "computed" and folded is None:
            self._edge(f"op{node.number}", self._id(node), derived)
        for number in node.inputs:
            source = self.graph.nodes[number]
            crosses = derived and not self._is_derived(source) and source.value in self.forward
            if folded is None and _folded(source, self.depth) is None:
                self._edge(self._id(source), f"op{node.number}", derived, crosses)
            else:
                ends = (self._id(source), self._id(node) if folded else f"op{node.number}")
                if ends[0] != ends[1] and ends not in self.edges:
                    self.edges.add(ends)
                    self._edge(*ends, derived, crosses)

    def _is_derived(self, node: Entry) -> bool:
        return (node.kind == "computed" and node.value not in self.forward) or id(node.value) in self.of

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
            lines.append(name)
        elif id(value) in self.of:
            whose = [x.name or "output" * (x is self.output) for x in self.of[id(value)]]
            whose = [name for name in whose if name]
            lines += [" = ".join(f"∂{self.output.name or 'output'}/∂{name}" for name in whose)] if whose else []
        data = value.data if isinstance(value, Tensor) else value
        if np.size(data) != 1:
            lines.append(f"{tuple(np.shape(data))} {np.asarray(data).dtype}")
        lines.append(numbers_of(data))
        if isinstance(value, Tensor) and value.grad is not None:
            lines.append(f"grad {numbers_of(value.grad)}")
        return "\\n".join(graphviz.escape(line) for line in lines for line in line.splitlines())


def numbers_of(data: Any) -> str:
    """A value for people to read: in full if it is small, else its range.

    >>> numbers_of(np.float64(0.1) + 0.2), numbers_of(np.arange(100.0))
    ('0.3', '0 … 99')
    """
    array = np.asarray(data)
    if array.size == 0:
        return "empty"
    if array.size <= SMALL:
        return (
            np.array2string(array, precision=4, suppress_small=False, separator=", ")
            if array.ndim
            else f"{array[()]:.4g}"
        )
    return f"{array.min():.4g} … {array.max():.4g}"


def operation(tensor: Tensor) -> str:
    """What an operation is called in a picture: its symbol or its name, and its parameters."""
    assert tensor.op is not None
    name = SYMBOLS.get(tensor.op.name, tensor.op.name)
    parameters = [f"{key}={value}" for key, value in tensor.params.items() if value is not None and value is not False]
    return "\n".join([name, *[line[:40] for line in parameters]])
