"""Reading 2: the chain rule as it was applied, a step for each value, from the output back."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from autograd.backward import backprop, fit, reached
from autograd.readings.algebra import Algebra, atom
from autograd.readings.notation import LATEX
from autograd.readings.reader import Template
from autograd.readings.text import expression, parsed, text
from autograd.recording import recording, tracing
from autograd.tensor import Node, Tensor, plain_input

SHOWN = 3  # paths of a traced element that the text shows


@dataclass
class Contribution:
    """What one use of a value adds to its gradient: the rule, in symbols and in numbers, and what it came to."""

    operation: str  # the use, such as "z = w * x + b"
    rule: str  # such as "dz * x"
    numbers: str  # the same with numbers put in, where all are scalars
    summed: tuple[int, ...]  # the axes that broadcasting had repeated, and that were summed over
    value: Any


@dataclass
class Step:
    """How the gradient of one value came about: the sum of what each of its uses contributes."""

    name: str
    value: Any
    gradient: Any
    contributions: list[Contribution] = field(default_factory=list)
    element: tuple[int, ...] = ()  # where the finite difference was taken: at the largest element of the gradient
    difference: float | None = None


@dataclass
class Path:
    """One way by which one element of a gradient flows back into one element of another: `factor` is the derivative of
    the later element with respect to the earlier one, `value` their product."""

    name: str
    element: tuple[int, ...]
    gradient: float
    factor: float
    value: float


@dataclass
class Element:
    """How one element of the gradient of a value came about: the sum over paths, the largest first."""

    name: str
    element: tuple[int, ...]
    gradient: float
    paths: list[Path]


def explain(
    output: Tensor, *, seed: Any = None, differences: bool = False, element: tuple[Tensor, Any] | None = None,
    **constants: Any,
) -> Explanation:  # fmt: skip
    """The chain rule as it was applied to `output`: a step for each value, from the output back.

    In the text, `dz` stands for the gradient of the output with respect to z. Each step gives the result, and then
    every use of the value: the rule in symbols, the same with numbers put in (for arrays the shape and the norm), and
    the axes that were summed over because broadcasting had repeated the value along them. Values without a name of
    their own are called u1, u2, …

    seed         the gradient arriving at an output of several elements
    differences  put a central finite difference beside each gradient, at its largest element: the value is moved there,
                 and everything computed from it is computed again
    element      a Tensor and an index, such as (w1, (3, 5)): that one element of its gradient traced through. Every
                 element that its derivative reaches on the way to the output contributes a product; from there the
                 largest contribution is followed
    constants    names for arrays that the output was computed from, explain(cost, x=x, y=y); else they are "array"

    `print` it, take `latex()`, or take the `steps` for a program; `rows()` gives them as dictionaries.

    >>> x = Tensor(3.0, name="x")
    >>> y = x * x
    >>> y.name = "y"
    >>> print(explain(y, differences=True))
    dy = 1
    dx = 6  (finite difference 6)
        y = x * x:  dy * x = 1 * 3 = 3
        y = x * x:  dy * x = 1 * 3 = 3
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"explain takes a Tensor, whose gradients it explains, not {type(output).__name__}")
    grads = backprop(output, seed)
    nodes = reached(output)
    names = _names(list(grads), output)
    if element is not None:
        if not isinstance(element, tuple) or len(element) != 2:
            raise ValueError("explain: element is a pair of a Tensor and an index, such as (w1, (3, 5))")
        return Explanation(names[output], [], _trace(output, *element, grads, names))
    arrays = {id(x): "array" for node in nodes for x in node.inputs if isinstance(x, np.ndarray)}
    for name, array in constants.items():
        if id(array) not in arrays:
            raise ValueError(f"explain: {name} is none of the arrays that this value was computed from")
        arrays[id(array)] = name
    latest_first = sorted(grads, key=lambda x: (x.op is None, -x.tick))  # the leaves at the end
    steps = {x: Step(names[x], x.data, grads[x]) for x in latest_first}
    for node in nodes:
        for i, x in enumerate(node.inputs):
            if isinstance(x, Tensor):
                steps[x].contributions.append(_contribution(node, i, grads[node], names, arrays))
    if differences:
        for x, step in steps.items():
            if x is not output:
                step.element, step.difference = _difference(x, nodes, grads)
    return Explanation(names[output], list(steps.values()))


def _names(tensors: list[Tensor], output: Tensor) -> dict[Tensor, str]:
    """A name for every Tensor: its own, or u1, u2, … in the order of their making; every name once."""
    names: dict[Tensor, str] = {}
    given = {tensor.name for tensor in tensors}
    spare = (name for n in count(1) if (name := f"u{n}") not in given)
    taken: set[str] = set()
    for tensor in sorted(tensors, key=lambda tensor: tensor.tick):
        name = tensor.name or ""
        if not name.isidentifier() or keyword.iskeyword(name) or name in taken:
            name = "output" if tensor is output and "output" not in given else next(spare)
        names[tensor] = name
        taken.add(name)
    return names


def _symbol(data: Any) -> Tensor:
    """A leaf that stands for a value in a rule; its data may be that of a constant, of any kind."""
    symbol = Tensor(0.0)
    symbol._value = data
    return symbol


def _trace(output: Tensor, x: Tensor, index: Any, grads: dict[Tensor, Any], names: dict[Tensor, str]) -> list[Element]:
    """From one element back to the output, always along the largest contribution."""
    if not isinstance(x, Tensor) or x not in grads:
        raise ValueError("explain: the Tensor whose element is to be traced is none that the output was computed from")
    places = np.arange(x.size).reshape(x.shape)
    try:
        at = tuple(map(int, np.unravel_index(places[index].item(), x.shape)))
    except (IndexError, TypeError, ValueError, AttributeError):
        raise ValueError(f"explain: {index!r} is not one element of a Tensor of shape {x.shape}") from None
    nodes, steps = reached(output), []
    while x is not output:
        paths = []
        for node in nodes:
            for i, operand in enumerate(node.inputs):
                if operand is x:
                    paths += [(path, node) for path in _paths(node, i, at, grads[node], names)]
        paths.sort(key=lambda pair: -abs(pair[0].value))
        steps.append(Element(names[x], at, float(np.asarray(grads[x])[at]), [path for path, _ in paths]))
        if not paths:
            break
        at, x = paths[0][0].element, paths[0][1]
    return steps


def _paths(node: Tensor, i: int, at: tuple[int, ...], g: Any, names: dict[Tensor, str]) -> list[Path]:
    """A rule is linear in the arriving gradient: its own gradient says how much of each element of that comes in."""
    op: Any = node.op
    arriving = Tensor(g)
    twin = _symbol(node._value)
    twin.op, twin.params = op, node.params
    twin.inputs = tuple([_symbol(x._value) if isinstance(x, Tensor) else x for x in node.inputs])
    with recording():
        found = fit(op.pull(arriving, twin, True)[i], node.values[i])
    factors = np.asarray(backprop(found[at] if at else found).get(arriving, 0.0)) if isinstance(found, Tensor) else None
    if factors is None:
        return []
    g = np.asarray(g)
    return [
        Path(names[node], tuple(map(int, j)), float(g[tuple(j)]), float(factors[tuple(j)]),
             float(g[tuple(j)] * factors[tuple(j)]))
        for j in np.argwhere(factors != 0)
    ]  # fmt: skip


def _contribution(node: Tensor, i: int, g: Any, names: dict[Tensor, str], arrays: dict[int, str]) -> Contribution:
    """Run the rule on symbols, which reads it off, and on the arrays, which gives its value."""
    op: Any = node.op
    g_, y_ = _symbol(g), _symbol(node._value)
    known = {id(g_): f"d{names[node]}", id(y_): names[node]}
    operands: list[Any] = []
    for x, value in zip(node.inputs, node.values, strict=True):
        if isinstance(x, Tensor) or np.ndim(value):
            operands.append(_symbol(value) if isinstance(x, Tensor) else plain_input(value))
            known[id(operands[-1])] = names[x] if isinstance(x, Tensor) else arrays.get(id(x), "array")
        else:
            operands.append(value)
    y_.op, y_.inputs, y_.params = op, tuple(operands), node.params
    with tracing():
        found = op.pull(g_, y_, True)[i]
    numbers = {id(s): s for s in (g_, y_, *operands)}

    def in_symbols(value: Any) -> str | None:
        return known.get(id(value))

    def in_numbers(value: Any) -> str | None:
        return _number(numbers[id(value)]._value) if isinstance(numbers.get(id(value)), Node) else in_symbols(value)

    data = found._value if isinstance(found, Node) else found
    like = node.values[i]
    scalars = all(np.ndim(x._value if isinstance(x, Node) else x) == 0 for x in (g_, y_, *operands))
    by_name = {id(x): names[x] for x in node.inputs if isinstance(x, Tensor)}
    by_name |= arrays
    use = text(expression(node, lambda value: by_name.get(id(value))))
    in_figures = text(expression(found, in_numbers)) if scalars else ""
    return Contribution(
        operation=f"{names[node]} = {use}",
        rule=text(expression(found, in_symbols)),
        numbers=in_figures if scalars and in_figures != text(parsed(_number(data))) else "",
        summed=_summed(np.shape(data), np.shape(like)),
        value=fit(data, like) if np.shape(data) != np.shape(like) else data,
    )


def _difference(x: Tensor, nodes: list[Tensor], grads: dict[Tensor, Any]) -> tuple[tuple[int, ...], float]:
    """Move the largest element of the gradient of x a little either way, and compute again what depends on it."""
    output, seed = nodes[0], grads[nodes[0]]
    element = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(grads[x]))), np.shape(grads[x])))
    h = float(np.finfo(x.dtype).eps) ** (1 / 3) * max(1.0, abs(float(np.asarray(x.data)[element])))
    ends = []
    for sign in (1, -1):
        moved = np.array(x.data)
        moved[element] += sign * h
        values: dict[Tensor, Any] = {x: moved[()]}
        for node in reversed(nodes):
            op: Any = node.op
            if node is not x and any(isinstance(operand, Tensor) and operand in values for operand in node.inputs):
                operands = [
                    values.get(operand, value) if isinstance(operand, Tensor) else value
                    for operand, value in zip(node.inputs, node.values)
                ]
                values[node] = op.forward(*operands, **node.params)
        ends.append((float(moved[element]), float(np.sum(values[output] * seed))))
    (right, above), (left, below) = ends
    return element, (above - below) / (right - left)


def _summed(given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    extra = len(given) - len(wanted)
    return tuple(range(extra)) + tuple(extra + i for i, n in enumerate(wanted) if n == 1 != given[extra + i])


def _number(data: Any) -> str:
    return f"{float(data):.4g}"


@dataclass
class Explanation:
    """The steps of an explanation, from the output back, or one element traced through; as text, what `print` shows."""

    of: str  # what is differentiated
    steps: list[Step]
    elements: list[Element] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """A dictionary for each contribution, with what it adds up to, for a program or a table; of a traced element,
        one for each path."""
        uses = [
            {"name": step.name, "gradient": step.gradient, "difference": step.difference, **vars(contribution)}
            for step in self.steps
            for contribution in step.contributions
        ]
        return uses + [
            {"name": step.name, "element": step.element, "gradient": step.gradient,
             "from": path.name, "from_element": path.element, "from_gradient": path.gradient,
             "factor": path.factor, "value": path.value}
            for step in self.elements
            for path in step.paths
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = []
        for step in self.steps:
            lines.append(f"d{step.name} = {_result(step.gradient)}{_beside(step)}")
            for use in step.contributions:
                numbers = f" = {use.numbers}" if use.numbers else ""
                axes = f", summed over axis {', '.join(map(str, use.summed))}" if use.summed else ""
                lines.append(f"    {use.operation}:  {use.rule}{numbers} = {_result(use.value)}{axes}")
        for element in self.elements:
            place = _place(element.element)
            lines.append(f"d{element.name}{place} = {_number(element.gradient)}")
            for path in element.paths[:SHOWN]:
                later = f"{path.name}{_place(path.element)}"
                lines.append(
                    f"    d{later} * (derivative of {later} by {element.name}{place})"
                    f" = {_number(path.gradient)} * {_number(path.factor)} = {_number(path.value)}"
                )
            if element.paths[SHOWN:]:
                lines.append(f"    {_rest(element)}")
        return "\n".join(lines)

    def latex(self) -> str:
        """The same as a LaTeX `aligned` environment, without the dollar signs around it."""
        rows = []
        for step in self.steps:
            beside = rf"\quad \text{{{_beside(step).strip()}}}" if step.difference is not None else ""
            rows.append(f"{self._derivative(step.name)} &= {_latex_result(step.gradient)}{beside}")
            for use in step.contributions:
                numbers = f" = {_latex_numbers(use.numbers)}" if use.numbers else ""
                axes = rf",\ \text{{summed over axis {', '.join(map(str, use.summed))}}}" if use.summed else ""
                rows.append(rf"&\quad {self._rule(use.rule)}{numbers} = {_latex_result(use.value)}{axes}")
        for element in self.elements:
            by = f"{LATEX.symbol(element.name)}{_latex_place(element.element)}"
            rows.append(f"{self._derivative(element.name, element.element)} &= {_number(element.gradient)}")
            for path in element.paths[:SHOWN]:
                later = f"{LATEX.symbol(path.name)}{_latex_place(path.element)}"
                symbols = rf"{self._derivative(path.name, path.element)} \cdot {LATEX.derivative(later, by)}"
                numbers = rf"{_number(path.gradient)} \cdot {_number(path.factor)}"
                rows.append(rf"&\quad {symbols} = {numbers} = {_number(path.value)}")
            if element.paths[SHOWN:]:
                rows.append(rf"&\quad \text{{{_rest(element)}}}")
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _derivative(self, name: str, element: tuple[int, ...] = ()) -> str:
        return LATEX.derivative(LATEX.symbol(self.of), LATEX.symbol(_indexed(name)) + _latex_place(element))

    def _rule(self, rule: str) -> str:
        """A rule, in which dz stands for the gradient with respect to z."""
        places: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for step in self.steps:
            name, shape = _indexed(step.name), np.shape(step.value)
            places[step.name] = atom("symbol", name, shape=shape)
            places[f"d{step.name}"] = atom("derivative", f"{self.of}/{name}", shape=shape)
            values |= {step.name: step.value, f"d{step.name}": step.gradient}
        return LATEX.sum(Template(Algebra(cancel=False), places, values).read(parsed(rule)))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def _rest(element: Element) -> str:
    rest = element.paths[SHOWN:]
    return f"and {len(rest)} more, {_number(sum(path.value for path in rest))} together"


def _place(element: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, element))}]" if element else ""


def _indexed(name: str) -> str:
    """u3, a name of ours, with its number below, so that it does not look like a power."""
    return re.sub(r"^u(\d+)$", r"u_\1", name)


def _latex_place(element: tuple[int, ...]) -> str:
    return f"{{}}_{{[{','.join(map(str, element))}]}}" if element else ""


def _latex_numbers(numbers: str) -> str:
    raised = re.sub(r" ?\*\* ?(\(.*?\)|-?[\w.]+)", r"^{\1}", numbers)
    named = re.sub(r"np\.(\w+)", lambda match: LATEX.function(match[1]), raised)
    return named.replace("*", "\\cdot").replace("==", "=").replace("<=", "\\le").replace(">=", "\\ge")


def _latex_result(data: Any) -> str:
    if np.ndim(data) == 0:
        return _number(data)
    return f"\\text{{array of shape {np.shape(data)}, norm {float(np.linalg.norm(data)):.4g}}}"


def _beside(step: Step) -> str:
    if step.difference is None:
        return ""
    if not step.element:
        return f"  (finite difference {step.difference:.4g})"
    there = float(np.asarray(step.gradient)[step.element])
    return f"  (at {step.element}: {there:.4g}, finite difference {step.difference:.4g})"


def _result(data: Any) -> str:
    if np.ndim(data) == 0:
        return f"{float(data):.4g}"
    return f"array of shape {np.shape(data)}, norm {float(np.linalg.norm(data)):.4g}"
