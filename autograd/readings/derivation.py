"""The equations of a gradient as a program: computed with other values, and with lines changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Self

import numpy as np

from autograd.readings.algebra import ONE, Algebra, Atom, Sum, Term, alone, scaled
from autograd.readings.changes import atoms, names_in, one
from autograd.readings.equations import Equation, Equations
from autograd.readings.notation import UNICODE
from autograd.readings.values import value_of


@dataclass(frozen=True)
class Slip:
    """A change of the derivation.

    line    the equation that it is in, as it should be
    part    what was changed, as it is written in that line; nothing if the whole line is meant
    what    the change in words: "is missing", "has the wrong sign", "is in place of y"
    right   the right side as it was changed
    also    other equations with the same change, and their right sides
    rank    how unlikely it is: of the slips that give the same numbers, the one with the least is told
    """

    line: Equation
    part: str
    what: str
    right: Sum
    also: tuple[tuple[Equation, Sum], ...] = ()
    rank: int = 0

    @property
    def changed(self) -> dict[str, Sum]:
        """The right sides that are changed, by the names of the lines."""
        return {self.line.name: self.right, **{line.name: right for line, right in self.also}}

    def __str__(self) -> str:
        text = self.line.text(UNICODE)
        first = len(text) - len(UNICODE.sum(self.line.right))
        start, found = self._place(text, first)
        what = f"{found or self.part} {self.what}".lstrip()  # what stands in several places is not marked
        if self.also:
            what += f", and so in {', '.join(line.left(UNICODE) for line, _ in self.also)}"
        return f"{text}\n{' ' * start}{'^' * (len(found) or len(text) - first)}  {what}"

    def _place(self, text: str, first: int) -> tuple[int, str]:
        """Find where the part stands, and how it is written there; if it occurs twice, where the changed line begins to
        differ."""
        other = f"{text[:first]}{UNICODE.sum(self.right)}"
        differs = next((i for i, (a, b) in enumerate(zip_longest(text, other)) if a != b), first)
        for part in (self.part, self.part.removeprefix("1/")):  # what divides has no numerator of its own there
            found = []
            start = text.find(part, first) if part else -1
            while start >= 0:
                found.append(start)
                start = text.find(part, start + 1)
            if found:
                end = len(part)
                return min(found, key=lambda at: (not at <= differs <= at + end, abs(at - differs))), part
        return first, ""


class _Known(dict[str, Any]):
    """Values by name. Those of lines are computed when they are first read, so that lines may read one another."""

    def __init__(self, values: Mapping[str, Any], lines: Mapping[str, Equation], changed: Mapping[str, Sum]):
        super().__init__(values)
        self.lines, self.changed = lines, changed
        self.open: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.lines

    def __missing__(self, name: str) -> Any:
        line = self.lines[name]
        if name in self.open:
            raise ValueError(f"{name} is computed from itself")
        self.open.add(name)
        value = np.asarray(value_of(self.changed.get(name, line.right), self), float)
        self[name] = np.broadcast_to(value, line.shape) if value.shape != line.shape else value
        return self[name]


def _in_sigmas(line: Equation, named: dict[Atom, Atom], cancel: bool = True) -> Equation:
    """Write σ(z) for 1 / (1 + exp(−z)), and exp(−z) in terms of it.

    People make slips in a (1 − a), not in exp(−z) / (1 + exp(−z))². `named` are the sigmoids that have a name.
    """
    sigmas: dict[Atom, tuple[Atom, int, int]] = {}  # 1 + exp(…) and exp(…) as σ to a power times 1 − σ to another
    for x in atoms(line.right):
        if x.kind == "group" and len(x.args[0]) == 2:
            for one_, other in (x.args[0], x.args[0][::-1]):
                exp = alone((other,))
                if (
                    one_ == Term(ONE)
                    and exp is not None
                    and (exp.kind, exp.name, other.coefficient) == ("call", "exp", 1)
                ):
                    z = exp.args[0]
                    negative = z[0].coefficient < 0
                    a = Atom("call", "sigmoid", (scaled(z, -1) if negative else z,), x.shape)
                    a = named.get(a, a)
                    if negative:  # exp(−z) is (1 − a) / a
                        sigmas[x], sigmas[exp] = (a, -1, 0), (a, -1, 1)
                    else:  # exp(z) is a / (1 − a)
                        sigmas[x], sigmas[exp] = (a, 0, -1), (a, 1, -1)
    if not sigmas:
        return line
    algebra = Algebra(cancel)

    def rewritten(x: Sum) -> Sum:
        return algebra.add(*[product(term) for term in x])

    def product(term: Term) -> Sum:
        found: Sum = (Term(term.coefficient),)
        last: list[Sum] = []  # 1 − a of (1 − a) / a, and sums, in which something may cancel once the rest is together
        powers: dict[Atom, tuple[int, int]] = {}
        for factor, n in term.factors:
            if factor in sigmas:
                a, of_a, of_rest = sigmas[factor]
                before = powers.get(a, (0, 0))
                powers[a] = before[0] + n * of_a, before[1] + n * of_rest
                continue
            if factor.kind == "group":
                new = rewritten(factor.args[0])
            else:
                new = one(Atom(factor.kind, factor.name, tuple(map(rewritten, factor.args)), factor.shape))
            if len(new) > 1 and n == 1:
                last.append(new)
            else:
                found = algebra.multiply(found, algebra.power(new, n))
        for a, (of_a, of_rest) in powers.items():
            found = algebra.multiply(found, algebra.power(one(a), of_a)) if of_a else found
            if of_rest:
                last.insert(0, algebra.power((Term(ONE), *scaled(one(a), -1)), of_rest))
        for new in last:
            found = algebra.multiply(found, new)
        return found

    right = rewritten(line.right)
    return replace(line, right=right, recorded=None)


class Derivation:
    """The equations of a function, which can be computed with other values, and with changed lines."""

    def __init__(self, equations: Equations):
        sigmas: dict[Atom, Atom] = {}
        self.values = []
        for line in equations.values:
            self.values.append(_in_sigmas(line, sigmas))
            a = alone(self.values[-1].right)
            if a is not None and a.name == "sigmoid" and self.values[-1].right[0].coefficient == 1:
                sigmas.setdefault(a, Atom("symbol", line.name, (), line.shape))
        self.gradient = [_in_sigmas(line, sigmas) for line in equations.gradient]
        self.longer: dict[str, Equation] = {}  # lines in which terms cancelled, as they were before
        for line in equations.gradient:
            before = _in_sigmas(replace(line, right=line.recorded or line.right), sigmas, cancel=False).right
            if before != line.right or line.recorded is not None:
                self.longer[line.name] = replace(line, right=before, recorded=None)
        self.arrays = equations.arrays
        self.changed: dict[str, Sum] = {}
        self._read_by: dict[str, set[str]] = {}  # the lines that read a line
        for line in self.lines:
            for name in names_in(line.right):
                self._read_by.setdefault(name, set()).add(line.name)

    @property
    def lines(self) -> list[Equation]:
        return [*self.values, *self.gradient]

    def parting(self, right: Iterable[str], wrong: Iterable[str]) -> list[Equation]:
        """Return the lines behind wrong gradients but not behind right ones: one of them is the first to differ.
        Gradients go by the names of their lines."""
        lines = {line.name: line for line in self.lines}

        def behind(names: Iterable[str]) -> set[str]:
            queue = list(names)
            for name in queue:
                queue += [x for x in names_in(lines[name].right) if x in lines and x not in queue]
            return set(queue)

        suspects = behind(wrong) - behind(right)
        return [line for line in self.lines if line.name in suspects]

    def with_slip(self, slip: Slip) -> Self:
        """Return the derivation with a slip in it."""
        broken = copy(self)
        broken.changed = self.changed | slip.changed
        return broken

    def compute(self, inputs: Mapping[str, Any], slip: Slip | None = None, known: Any = None) -> dict[str, Any]:
        """Compute every line, with a slip if there is one; `known` are the values without it, most of which stay the
        same."""
        lines = {line.name: line for line in self.lines}
        changed = self.changed | (slip.changed if slip else {})
        start: dict[str, Any] = {**self.arrays, **inputs}
        if known is not None and slip is not None:
            behind, queue = set(slip.changed), list(slip.changed)
            for name in queue:
                queue += self._read_by.get(name, set()) - behind
                behind |= self._read_by.get(name, set())
            start |= {name: value for name, value in known.items() if name not in behind}
        values = _Known(start, lines, changed)
        with np.errstate(all="ignore"):
            for name in lines:
                values[name]
        return values
