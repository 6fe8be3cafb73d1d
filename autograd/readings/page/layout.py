"""Places the boxes of a graph, with Graphviz: a small graph is one picture; a large one is a picture for each group
that can be opened, with everything else folded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd.readings.draw import NOT_INSTALLED
from autograd.readings.graph import Entry

SMALL = 60  # boxes: a graph up to this size is shown whole
MOST = 30  # parts of a group; of more, neighbours are put into groups of their own
INCH = 72  # points: Graphviz measures boxes in inches, and says in points where they stand
FOLDED = (150, 46)  # the size of the box of a folded group
ROUNDS = "1"  # per box, of Graphviz looking for the shortest edges: unlimited, it takes ten times as long


@dataclass(eq=False)
class Group:
    """What may be folded into one box: a scope, or neighbours where there are too many values.

    scope  the name of a scope; nothing for neighbours
    """

    number: int
    scope: str
    parent: Group | None
    parts: list[Group | Entry] = field(default_factory=list)

    @property
    def path(self) -> list[Group]:
        """The group with those around it, the outermost first."""
        return [*(self.parent.path if self.parent else []), self]

    @property
    def entries(self) -> Iterator[Entry]:
        for part in self.parts:
            if isinstance(part, Group):
                yield from part.entries
            else:
                yield part


def grouped(nodes: Sequence[Entry]) -> list[Group]:
    """Return the groups of a graph, first the whole of it: one for each scope, and for neighbours where there are
    many."""
    groups = [Group(0, "", None)]

    def new(scope: str, parent: Group) -> Group:
        groups.append(Group(len(groups), scope, parent))
        return groups[-1]

    of: dict[tuple[str, ...], Group] = {(): groups[0]}
    for node in nodes:
        for depth in range(1, len(node.scope) + 1):
            path = node.scope[:depth]
            if path not in of:
                of[path] = new(path[-1], of[path[:-1]])
                of[path[:-1]].parts.append(of[path])
        of[node.scope].parts.append(node)
    if len(nodes) > SMALL:
        for group in list(groups):
            while len(group.parts) > MOST:
                parts, group.parts = group.parts, []
                for start in range(0, len(parts), MOST):
                    inner = new("", group)
                    inner.parts = parts[start : start + MOST]
                    for part in inner.parts:
                        if isinstance(part, Group):
                            part.parent = inner
                    group.parts.append(inner)
    return groups


def pictures(
    nodes: Sequence[Entry], groups: Sequence[Group], size: Callable[[Entry], tuple[int, int]]
) -> list[dict[str, Any]]:
    """Return a picture for each group, in which it is open and the others are folded; for a small graph one, with all
    open.

    `size` says how many pixels the box of a value takes. In a picture are

    width, height  of it
    boxes          of values (v3) and of folded groups (f2): centre and size
    frames         of open groups (f2), and the groups in them
    edges          from the box of an input to that of what uses it: their names, and the path as an SVG has it
    """
    try:
        from autograd.readings.drawing import Drawing
    except ImportError:
        raise RuntimeError(NOT_INSTALLED) from None
    home = {part.number: group for group in groups for part in group.parts if isinstance(part, Entry)}
    uses = [(number, node.number) for node in nodes for number in node.inputs if number in home]
    found = []
    for shown in groups if len(nodes) > SMALL else groups[:1]:
        is_open = set(shown.path) if len(nodes) > SMALL else set(groups)
        drawing = Drawing("graph")
        drawing.attr("graph", rankdir="LR", ranksep="0.45", nodesep="0.2")
        if len(nodes) > SMALL:
            drawing.attr("graph", nslimit=ROUNDS)
        drawing.attr("node", shape="box", fixedsize="true", label="")
        _boxes(drawing, groups[0], is_open, size)
        edges = _edges(drawing, uses, home, is_open)
        found.append(_picture(json.loads(drawing.pipe("json")), edges))
    return found


def _boxes(into: Any, group: Group, is_open: set[Group], size: Callable[[Entry], tuple[int, int]]) -> None:
    for part in group.parts:
        if isinstance(part, Group) and part in is_open:
            with into.subgraph(name=f"cluster_{part.number}") as cluster:
                cluster.attr(label="x" * 12, fontsize="12")  # room for the title, which the page writes
                _boxes(cluster, part, is_open, size)
        else:
            name, (width, height) = (f"f{part.number}", FOLDED) if isinstance(part, Group) else _sized(part, size)
            into.node(name, width=f"{width / INCH:.3f}", height=f"{height / INCH:.3f}")


def _sized(entry: Entry, size: Callable[[Entry], tuple[int, int]]) -> tuple[str, tuple[int, int]]:
    return f"v{entry.number}", size(entry)


def _edges(
    drawing: Any, uses: Sequence[tuple[int, int]], home: dict[int, Group], is_open: set[Group]
) -> list[tuple[str, str]]:
    """Draw an edge for each use, and one for all those into or out of a folded group. Return the ends of each."""
    boxes: dict[int, str] = {}
    folded: dict[Group, str | None] = {}
    for number, group in home.items():
        if group not in folded:
            closed = next((outer for outer in group.path if outer not in is_open), None)
            folded[group] = f"f{closed.number}" if closed else None
        boxes[number] = folded[group] or f"v{number}"
    edges: list[tuple[str, str]] = []
    merged: set[tuple[str, str]] = set()
    for used, user in uses:
        ends = boxes[used], boxes[user]
        if ends[0] == ends[1] or ends in merged:
            continue
        if "f" in ends[0] + ends[1]:
            merged.add(ends)
        drawing.edge(*ends, id=str(len(edges)))
        edges.append(ends)
    return edges


def _picture(found: dict[str, Any], edges: list[tuple[str, str]]) -> dict[str, Any]:
    """Read what Graphviz found, from the upper left corner."""
    _, _, width, height = map(float, found["bb"].split(","))

    def point(text: str) -> list[int]:
        x, y = map(float, text.split(","))
        return [round(x), round(height - y)]

    boxes, frames = {}, {}
    for thing in found.get("objects", ()):
        if thing["name"].startswith("cluster_"):
            left, low, right, high = map(float, thing["bb"].split(","))
            frames[f"f{thing['name'][8:]}"] = [*map(round, (left, height - high, right - left, high - low))]
        else:
            size = [round(float(thing[side]) * INCH) for side in ("width", "height")]
            boxes[thing["name"]] = [*point(thing["pos"]), *size]
    paths = []
    for thing in sorted(found.get("edges", ()), key=lambda thing: int(thing["id"])):
        end, *curve = thing["pos"].split(" ")
        paths.append((*edges[int(thing["id"])], _path([point(text) for text in (*curve, end.removeprefix("e,"))])))
    return {"width": width, "height": height, "boxes": boxes, "frames": frames, "edges": paths}


def _path(points: list[list[int]]) -> str:
    """A curve through every third point, and a line to the last, as SVG has it: each from the end of the one before,
    which is shorter, as most steps are short."""
    (x, y), *rest, _ = points
    written = [f"M{x} {y}c"]
    for i, (to_x, to_y) in enumerate(rest, 1):
        written.append(f"{to_x - x} {to_y - y} ")
        if i % 3 == 0:
            x, y = to_x, to_y
    return f"{''.join(written)}l{points[-1][0] - x} {points[-1][1] - y}".replace(" -", "-").replace(" l", "l")
