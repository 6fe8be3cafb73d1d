"""Writes a recorded graph as one self-contained HTML file: data and a player."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from autograd.readings.algebra import size
from autograd.readings.display import shortened
from autograd.readings.elements import LoweringError
from autograd.readings.graph import Entry
from autograd.readings.javascript import JavaScriptPrinter, javascript_text, type_of
from autograd.readings.listing import is_long
from autograd.readings.lowering import lowered
from autograd.readings.page.layout import grouped, pictures
from autograd.readings.page.steps import Linked, PageStep, PageSteps, Text
from autograd.readings.page.where import Places, lines_run, text_of
from autograd.readings.source import numpy_program, program_of_loops
from autograd.readings.trace import Trace
from autograd.tensor import Node, Plain, Tensor, plain

HERE = Path(__file__).parent
TEXT, PLAIN = Text(), Linked({})
LONG = 60  # symbols: what is longer is not written into a step
SHORT = 26  # characters of an expression that a box has room for


def page(f: Any, /, *args: Any, path: str | os.PathLike[str] = "backprop.html", **constants: Any) -> Path:
    """Write a page that steps through the graph of `f(*args)` and through its gradient; return the path of the file.

    The page is one HTML file that opens in any browser, and asks for nothing over a network. It shows the graph, and
    goes through it step by step, forwards and back: first each value, then what each use of it adds to its gradient.
    Beside it stand the rule in symbols and in numbers, the equations, the NumPy program, and the lines of your own
    Python that made the values. The value has to be a single number.

    f          a function, differentiated with respect to the Tensors among `args` (to the first argument, if there are
               none); or a computed Tensor, `page(cost, x=x, y=y)`, without the lines of Python
    path       where to write the file
    constants  names for arrays that the Tensor was computed from

    Raises ValueError for a value of several elements, and RuntimeError without Graphviz, which finds the places of the
    boxes.

    >>> import numpy as np, tempfile
    >>> from autograd import Tensor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = page(lambda w, x: np.tanh(w * x), Tensor(0.5), 2.0, path=f"{folder}/tanh.html")
    ...     print(found.name, found.read_text("utf-8")[:15])
    tanh.html <!doctype html>
    """
    if isinstance(f, Tensor):
        if args:
            raise TypeError("page of a computed Tensor takes no more arguments; name its arrays: page(cost, x=x)")
        places, trace = Places(), Trace.of(f, constants)
    elif callable(f):
        if constants:
            raise TypeError(f"page: {', '.join(constants)} would name arrays of a Tensor; a function has its arguments")
        with lines_run() as places:
            trace = Trace(f, args, like_grad=True, is_parameter=is_long)
    else:
        raise TypeError(f"page takes a function and its arguments, or a computed Tensor, not {type(f).__name__}")
    path = Path(path)
    written = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        written.write_bytes(_html(trace, places).encode("utf-8", "replace"))
        written.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # the name that was asked for
    finally:
        written.unlink(missing_ok=True)
    return path


def _html(trace: Trace, places: Places) -> str:
    data = Data(trace, places)
    found = data.everything()
    parts = {
        "title": _escaped(found["title"]),
        "style": (HERE / "player.css").read_text("utf-8"),
        "data": _inside_script(json.dumps(found, ensure_ascii=False, separators=(",", ":"))),
        "program": data.script.replace("</", "<\\/").replace("<!--", "<\\!--"),
        "player": (HERE / "player.js").read_text("utf-8"),
    }
    text = (HERE / "player.html").read_text("utf-8")
    return re.sub(r"/\* \{\{(\w+)\}\} \*/|\"?\{\{(\w+)\}\}\"?", lambda match: parts[match[1] or match[2]], text)


def _inside_script(text: str) -> str:
    """Escape JSON for a script element: no `</` ends it, and no comment or element begins in it."""
    return re.sub(r"<(?=[!sS])", r"\\u003c", text.replace("</", "<\\/"))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Data:
    """What the player is given, as JSON, and the program that computes in the page."""

    def __init__(self, trace: Trace, places: Places):
        self.trace, self.places = trace, places
        self.steps = PageSteps(trace)
        self.notation, self.brief = Linked(self.steps.links), Linked(self.steps.links, brief=True)
        self.script, self.refused = "", ""
        self._codes: dict[Any, int] = {}
        self._first: dict[Any, int] = {}
        self.sources: list[dict[str, Any]] = []
        made_from = {id(made): node for node, made in trace.made.items()}
        self._lines = self.steps.of_values(lambda x: self._source_line(made_from.get(id(x), x)))

    def everything(self, pictured: bool = True) -> dict[str, Any]:
        """Return all of it. Without the pictures, nothing has to be rendered."""
        steps = self.steps
        program, line_of = numpy_program(self.trace)
        grads = self.trace.grads
        self._value_lines = steps.of_values(steps.line_of_value), steps.of_values(line_of)
        self._gradient_lines = (
            steps.of_gradients(steps.line_of_gradient), steps.of_gradients(lambda x: line_of(grads[x]))
        )  # fmt: skip
        inputs = self._program()
        groups = grouped(steps.nodes)
        nodes = [self._node(entry) for entry in steps.nodes]
        titles = [
            {"title": shortened(group.scope), "parent": group.parent.number if group.parent else None,
             "nodes": [entry.number for entry in group.entries]}
            for group in groups
        ]  # fmt: skip
        return {
            "title": steps.writer.of,
            "output": steps.graph[self.trace.output].number,
            "nodes": nodes,
            "steps": [self._step(step) for step in steps.steps],
            "inputs": inputs,
            "live": not self.refused,
            "refused": self.refused,
            "equations": [
                {"math": line.text(PLAIN, PLAIN.equals), "text": line.text(TEXT)}
                for line in [*steps.values, *steps.gradients]
            ],
            "values": len(steps.values),
            "notes": [line.text(PLAIN, PLAIN.equals) for line in steps.notes],
            "programs": {"NumPy": str(program), **self._other_programs()},
            "sources": self.sources,
            "followed": bool(self.places),
            "groups": titles,
            "pictures": pictures(steps.nodes, groups, self.size) if pictured else [],
        }

    def _program(self) -> list[dict[str, Any]]:
        """Write the program that computes all values, and all that is added to gradients; return what it takes."""
        trace, graph = self.trace, self.steps.graph
        leaves = [*trace.inputs, *trace.outside, *trace.arrays]
        given = [x for x in leaves if isinstance(plain(x), np.ndarray | np.generic | float | int)]
        results = {f"{'v' if step.position is None else 'p'}{k}": step.data for k, step in enumerate(self.steps.steps)}
        try:
            program = lowered(trace, JavaScriptPrinter, exact=True, results=results)
            text = javascript_text(program)
            self.script = f'"use strict";\n{text}const compute = {program.name};\n'
        except LoweringError as error:
            self.script, self.refused = "const compute = null;\n", str(error)
        return [
            {
                "node": graph[x].number if isinstance(x, Node) and x in graph else None,
                "data": _numbers(plain(x)),
                "array": type_of(np.result_type(plain(x))) if np.ndim(plain(x)) else "",
            }
            for x in given
        ]

    def _other_programs(self) -> dict[str, str]:
        """Return the text in C and in JavaScript, if there is one."""
        found = {}
        for name in ("C", "JavaScript"):
            try:
                found[name] = str(program_of_loops(self.trace, name.lower()))
            except LoweringError:
                continue
        return found

    def _node(self, entry: Entry) -> dict[str, Any]:
        x, steps = entry.value, self.steps
        called = steps.called[x]
        kind = "plain" if entry.kind == "computed" and isinstance(x, Plain) else entry.kind
        found = {
            "id": entry.number,
            "kind": kind,
            "name": TEXT.symbol(called.symbol),
            "given": shortened(entry.name or ""),
            "symbol": self.notation.sum(steps.symbol(x)),
            "title": self.title(entry),
            "shape": list(np.shape(x._value)),
            "dtype": np.result_type(x._value).name,
            "inputs": [i if isinstance(steps.graph.nodes[i].value, Node) else None for i in entry.inputs],
            "equation": self._value_lines[0][x],
            "line": self._value_lines[1][x],
            "source": self._lines[x],
        }
        if not entry.inputs or self.refused:
            found["data"] = _numbers(x._value)
        if isinstance(x, Tensor) and x in self.trace.grads:
            gradient = steps.gradient(x)
            found["gradient"] = {
                "symbol": self.notation.sum(gradient),
                "name": TEXT.sum(gradient),
                "equation": self._gradient_lines[0][x],
                "line": self._gradient_lines[1][x],
            }
        return found

    def title(self, entry: Entry) -> str:
        """Write what stands in the box of a value."""
        name = shortened(TEXT.symbol(self.steps.called[entry.value].symbol), SHORT)
        if not entry.inputs:
            return name
        right = self._right(entry)
        short = (
            right
            if right is not None and len(right) <= SHORT
            else f"{entry.value.op.facts.get('symbol', entry.value.op.name)} (…)"
        )
        return f"{name} = {short}"

    def _right(self, entry: Entry) -> str | None:
        step = self.steps.value_of[entry.number]
        return TEXT.sum(step.right) if size(step.right) <= LONG else None

    def _step(self, step: PageStep) -> dict[str, Any]:
        readable = size(step.right) <= LONG
        found = {
            "node": step.node.number,
            "right": self.brief.sum(step.right) if readable else "<mo>…</mo>",
            "text": TEXT.sum(step.right) if readable else "…",
        }
        if step.position is not None:
            found |= {"position": step.position, "summed": list(step.summed)}
            if self.refused:
                found["data"] = _numbers(plain(step.data))
        return found

    def _source_line(self, node: Node) -> list[int] | None:
        """Find which of the functions that are shown made a value, and the number of the line in it."""
        where = self.places.of(node) if node.inputs else None
        if where is None:
            return None
        code, line = where
        if code not in self._codes:
            text, first = text_of(code)
            self._codes[code] = len(self.sources) if text else -1
            if text:
                self.sources.append(
                    {"name": code.co_name, "file": Path(code.co_filename).name, "first": first, "text": text}
                )
                self._first[code] = first
        number = self._codes[code]
        if number < 0 or line - self._first[code] >= len(self.sources[number]["text"]):
            return None
        return [number, line - self._first[code]]

    def size(self, entry: Entry) -> tuple[int, int]:
        """Measure the box of a value in pixels: a line of text for what it is, its data, and its gradient."""
        lines = 2 + (isinstance(entry.value, Tensor) and not entry.value.is_constant)
        pictures = 34 if np.size(entry.value._value) > 1 else 0
        return max(168 if pictures else 128, 22 + round(7.3 * len(self.title(entry)))), 12 + 17 * lines + pictures


def _numbers(data: Any) -> Any:
    """Write data as the player reads it: a number, or its name if JSON has none; for an array the bytes of its
    float64."""
    if np.ndim(data):
        return base64.b64encode(np.asarray(data, "<f8").tobytes()).decode("ascii")
    number = float(data)
    return number if np.isfinite(number) else str(number)
