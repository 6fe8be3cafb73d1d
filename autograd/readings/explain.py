"""Reading 2: the chain rule as it was applied, one step for each value, from the output back."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.readings.chain import Element, GradientStep, Naming, Reading, four_digits, template
from autograd.readings.display import Shown
from autograd.readings.figures import latex_of
from autograd.readings.notation import LATEX
from autograd.readings.text import parsed
from autograd.tensor import Tensor

SHOWN = 3  # paths of a traced element that the text shows


def explain(
    output: Tensor, *, seed: Any = None, differences: bool = False, element: tuple[Tensor, Any] | None = None,
    **constants: Any,
) -> Explanation:  # fmt: skip
    """Show the chain rule as it was applied to `output`: a step for each value, from the output back.

    In the text, `dz` stands for the gradient of the output with respect to z. Each step gives the result, and then
    every use of the value: the rule in symbols, the same with numbers put in (for arrays the shape and the norm), and
    the axes that were summed over because broadcasting had repeated the value along them. A layer that was computed in
    one operation is taken apart: z, and its activation a. Names are those of `equations`; other values are u1, u2, …

    seed         the gradient arriving at an output of several elements
    differences  put a central finite difference beside each gradient, at its largest element: the value is moved there,
                 and everything computed from it is computed again
    element      a Tensor and an index, such as (w1, (3, 5)): trace this one element of its gradient. Each element that
                 its derivative reaches on the way to the output contributes a product; the largest contribution is
                 followed further
    constants    names for arrays that the output was computed from, explain(cost, x=x, y=y); else they are called array

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
    if element is not None and (not isinstance(element, tuple) or len(element) != 2):
        raise ValueError("explain: element is a pair of a Tensor and an index, such as (w1, (3, 5))")
    reading = Reading.of(output, seed, constants)
    steps = {} if element is not None else reading.steps()
    if differences:
        reading.compare(steps)
    traced = [] if element is None else reading.trace(*element)
    called = {called.name: called for called in reading.called.values()}
    return Explanation(reading.called[reading.output].name, list(steps.values()), traced, called)


@dataclass(repr=False)
class Explanation(Shown):
    """The steps of an explanation, from the output back, or one element traced through; as text, what `print` shows."""

    of: str  # what is differentiated
    steps: list[GradientStep]
    elements: list[Element]
    called: dict[str, Naming] = field(repr=False)

    def rows(self) -> list[dict[str, Any]]:
        """Return a dictionary for each contribution, with the sum that it belongs to, for a program or a table; for a
        traced element, one for each path."""
        uses = [
            {
                "name": step.name,
                "gradient": step.gradient,
                "difference": step.difference,
                "operation": use.operation,
                "rule": use.rule,
                "numbers": use.numbers,
                "summed": use.summed,
                "value": use.value,
            }
            for step in self.steps
            for use in step.contributions
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
            lines.append(f"{self.called[step.name].gradient} = {_result(step.gradient)}{_beside(step)}")
            for use in step.contributions:
                numbers = f" = {use.numbers}" if use.numbers else ""
                axes = f", summed over axis {', '.join(map(str, use.summed))}" if use.summed else ""
                lines.append(f"    {use.operation}:  {use.rule}{numbers} = {_result(use.value)}{axes}")
        for element in self.elements:
            at = f"{element.name}{_place(element.element)}"
            gradient = f"{self.called[element.name].gradient}{_place(element.element)}"
            lines.append(f"{gradient} = {four_digits(element.gradient)}")
            for path in element.paths[:SHOWN]:
                place = _place(path.element)
                lines.append(
                    f"    {self.called[path.name].gradient}{place} * (derivative of {path.name}{place} by {at})"
                    f" = {four_digits(path.gradient)} * {four_digits(path.factor)} = {four_digits(path.value)}"
                )
            if element.paths[SHOWN:]:
                lines.append(f"    {_rest(element)}")
        return "\n".join(lines)

    def latex(self) -> str:
        """Return the same as a LaTeX `aligned` environment, without the dollar signs around it."""
        rows = []
        read = template(self.called, self.of).read
        for step in self.steps:
            beside = rf"\quad \text{{{_beside(step).strip()}}}" if step.difference is not None else ""
            rows.append(f"{self._derivative(step.name)} &= {_latex_result(step.gradient)}{beside}")
            for use in step.contributions:
                rule = LATEX.sum(read(use.formula))
                numbers = "" if use.figures is None else f" = {latex_of(use.figures)}"
                axes = rf",\ \text{{summed over axis {', '.join(map(str, use.summed))}}}" if use.summed else ""
                rows.append(rf"&\quad {rule}{numbers} = {_latex_result(use.value)}{axes}")
        for element in self.elements:
            by = self._symbol(element.name, element.element)
            rows.append(f"{self._derivative(element.name, element.element)} &= {_latex_number(element.gradient)}")
            for path in element.paths[:SHOWN]:
                later = self._symbol(path.name, path.element)
                symbols = rf"{self._derivative(path.name, path.element)} \cdot {LATEX.derivative(later, by)}"
                factor = ast.BinOp(parsed(four_digits(path.gradient)), ast.Mult(), parsed(four_digits(path.factor)))
                rows.append(rf"&\quad {symbols} = {latex_of(factor)} = {_latex_number(path.value)}")
            if element.paths[SHOWN:]:
                rows.append(rf"&\quad \text{{{_rest(element)}}}")
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _derivative(self, name: str, element: tuple[int, ...] = ()) -> str:
        return LATEX.derivative(self._symbol(self.of), self._symbol(name, element))

    def _symbol(self, name: str, element: tuple[int, ...] = ()) -> str:
        place = f"{{}}_{{[{','.join(map(str, element))}]}}" if element else ""
        return LATEX.symbol(self.called[name].symbol) + place


def _rest(element: Element) -> str:
    rest = element.paths[SHOWN:]
    return f"and {len(rest)} more, {four_digits(sum(path.value for path in rest))} together"


def _place(element: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, element))}]" if element else ""


def _beside(step: GradientStep) -> str:
    if step.difference is None:
        return ""
    if not step.element:
        return f"  (finite difference {step.difference:.4g})"
    there = float(np.asarray(step.gradient)[step.element])
    return f"  (at {step.element}: {there:.4g}, finite difference {step.difference:.4g})"


def _result(data: Any) -> str:
    if np.ndim(data) == 0:
        return four_digits(data)
    return f"array of shape {np.shape(data)}, norm {float(np.linalg.norm(data)):.4g}"


def _latex_result(data: Any) -> str:
    return _latex_number(data) if np.ndim(data) == 0 else f"\\text{{{_result(data)}}}"


def _latex_number(data: Any) -> str:
    return latex_of(parsed(four_digits(data)))
