"""The derivation, broken on purpose: which slip gives somebody's wrong numbers.

The equations of a gradient are lines of sums of products. Each is changed in one place, in every way that `changes`
knows. A change with which the lines, computed again, come to the wrong numbers explains them, and it has a line to
point at. Where something stands in several places, or lines are built alike, a slip may be in all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import zip_longest
from typing import Any

import numpy as np

from autograd.readings.algebra import ONE, Algebra, Atom, Sum, Term, alone, group, scaled, shape_of, times
from autograd.readings.changes import (
    ALIKE,
    FAR,
    LEFT_OUT,
    SIGN,
    TAKEN,
    Change,
    Others,
    atoms,
    changes,
    far_changes,
    name_of,
    names_in,
    of_the_whole,
    one,
    replaced,
    slopes,
)
from autograd.readings.equations import Equation, Equations
from autograd.readings.notation import UNICODE
from autograd.readings.values import value_of

SAME = 1e-7  # relative to the largest element: numbers that a slip gives, and somebody's


@dataclass(frozen=True)
class Slip:
    """A change of the derivation.

    line    the equation that it is in, as it should be
    part    what was changed, as it is written in that line; nothing where the whole line is meant
    what    the change in words: "is missing", "has the wrong sign", "is in place of y"
    right   the right side as it was changed
    also    other equations with the same change, and their right sides
    rank    how far-fetched it is: among slips that give the same numbers, the least is told
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
        what = f"{found} {self.what}" if found and found == text[start : start + len(found)] else self.what
        if self.also:
            what += f", and so in {', '.join(line.left(UNICODE) for line, _ in self.also)}"
        return f"{text}\n{' ' * start}{'^' * (len(found) or len(text) - first)}  {what}"

    def _place(self, text: str, first: int) -> tuple[int, str]:
        """Where the part stands, and as what: where the changed line begins to differ, if it is there twice."""
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


def _built(x: Sum) -> Any:
    """How an expression is built, whatever its symbols are called."""
    return tuple([
        (term.coefficient, tuple([
            (atom.kind, "" if atom.kind in ("symbol", "derivative") else atom.name, n, len(atom.shape),
             tuple([_built(arg) for arg in atom.args]))
            for atom, n in term.factors
        ]))
        for term in x
    ])  # fmt: skip


class _Known(dict[str, Any]):
    """Values by name; those of lines are computed when they are asked for, so that lines may read one another."""

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


def _in_sigmas(line: Equation, cancel: bool = True) -> Equation:
    """An equation in which 1 / (1 + exp(−z)), written by hand, is σ(z), and exp(−z) what it is in terms of that.

    The slips of people are in a (1 − a), and not in exp(−z) / (1 + exp(−z))².
    """
    sigmas: dict[Atom, Atom] = {}  # by 1 + exp(−z), and by exp(−z), which is (1 − a) / a
    for x in atoms(line.right):
        if x.kind == "group" and len(x.args[0]) == 2:
            for one_, other in (x.args[0], x.args[0][::-1]):
                exp = alone((other,))
                if (
                    one_ == Term(ONE)
                    and exp is not None
                    and (exp.kind, exp.name, other.coefficient) == ("call", "exp", 1)
                ):
                    sigmas[x] = sigmas[exp] = Atom("call", "sigmoid", (scaled(exp.args[0], -1),), x.shape)
    if not sigmas:
        return line
    algebra = Algebra(cancel)

    def rewritten(x: Sum) -> Sum:
        return algebra.add(*[product(term) for term in x])

    def product(term: Term) -> Sum:
        found: Sum = (Term(term.coefficient),)
        last: list[Sum] = []  # 1 − a of (1 − a) / a, and sums, in which something may cancel once the rest is together
        powers: dict[Atom, int] = {}
        for factor, n in term.factors:
            if factor in sigmas:
                powers[sigmas[factor]] = powers.get(sigmas[factor], 0) - n
                if factor.kind == "call":
                    last.insert(0, algebra.power((Term(ONE), *scaled(one(sigmas[factor]), -1)), n))
                continue
            if factor.kind == "group":
                new = rewritten(factor.args[0])
            else:
                new = one(Atom(factor.kind, factor.name, tuple(map(rewritten, factor.args)), factor.shape))
            if len(new) > 1 and n == 1:
                last.append(new)
            else:
                found = algebra.multiply(found, algebra.power(new, n))
        for a, n in powers.items():
            found = algebra.multiply(found, algebra.power(one(a), n))
        for new in last:
            found = algebra.multiply(found, new)
        return found

    right = rewritten(line.right)
    return replace(line, right=right, recorded=None)


class Derivation:
    """The equations of a function, which can be computed with other values, and with lines changed."""

    def __init__(self, equations: Equations):
        self.values, self.gradient = (
            [_in_sigmas(line) for line in lines] for lines in (equations.values, equations.gradient)
        )
        self.longer: dict[str, Equation] = {}  # lines in which terms cancelled, as they were before
        for line in equations.gradient:
            before = _in_sigmas(replace(line, right=line.recorded or line.right), cancel=False).right
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
        """The lines that wrong gradients are computed from, and right ones are not: one of them is the first that
        differs. Gradients go by the names of their lines."""
        lines = {line.name: line for line in self.lines}

        def behind(names: Iterable[str]) -> set[str]:
            queue = list(names)
            for name in queue:
                queue += [x for x in names_in(lines[name].right) if x in lines and x not in queue]
            return set(queue)

        suspects = behind(wrong) - behind(right)
        return [line for line in self.lines if line.name in suspects]

    def with_slip(self, slip: Slip) -> Derivation:
        """The same with a slip in it."""
        broken = copy(self)
        broken.changed = self.changed | slip.changed
        return broken

    def compute(self, inputs: Mapping[str, Any], slip: Slip | None = None, known: Any = None) -> dict[str, Any]:
        """The value of every line, with a slip; `known` are those without it, of which most stay what they are."""
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

    def slips(self, inputs: Mapping[str, Any]) -> Iterator[Slip]:
        """Every change: of a line, those of the gradient first; of lines that are built alike; of what is repeated."""
        shapes = {name: np.shape(value) for name, value in {**self.arrays, **inputs}.items()}
        sizes = sorted({n for shape in shapes.values() for n in shape} - {0, 1})
        shapes |= {line.name: line.shape for line in self.lines}
        others: dict[tuple[int, ...], list[Atom]] = {}
        for name, shape in shapes.items():
            others.setdefault(shape, []).append(Atom("symbol", name, (), shape))
        runs = self._products()
        alike: dict[Any, list[tuple[Equation, list[Change]]]] = {}
        for line in [*self.gradient, *self.values]:
            now = self.changed.get(line.name, line.right)
            mine = {shape: [x for x in named if x.name != line.name] for shape, named in others.items()}
            more = runs.get(line.shape, []) if line in self.gradient else []
            found = [*changes(now, mine), *of_the_whole(line.right, line.shape, sizes, more)]
            for right, part, what, rank in found:
                yield Slip(line, part, what, right, rank=rank)
            if line in self.gradient and line.name in self.longer and line.name not in self.changed:
                longer = self.longer[line.name]
                for right, part, what, rank in changes(longer.right, mine):
                    yield Slip(longer, part, what, right, rank=rank)
            alike.setdefault((line in self.gradient, _built(now)), []).append((line, found))
        for lines in alike.values():
            if len(lines) > 1:
                yield from self._in_all(lines)
        yield from self._repeated(others)

    def far_slips(self, inputs: Mapping[str, Any]) -> Iterator[Slip]:
        """Changes that are farther to fetch, those of whole factors of a line first."""
        functions = self._functions()
        material = self._material(functions, inputs)
        lines = [*self.gradient, *self.values[:-1]]
        for line in lines:
            now = self.changed.get(line.name, line.right)
            whole = group(now)
            for term in material.get(line.shape, ()):
                if len(whole.factors) + len(term.factors) < 6:
                    product = (Term(times(whole.coefficient, term.coefficient), (*whole.factors, *term.factors)),)
                    what = f"is multiplied by {UNICODE.term(term)}, which does not belong there"
                    yield Slip(line, "", what, product, rank=FAR)
                added = f"has {UNICODE.term(term)} added, which does not belong there"
                yield Slip(line, "", added, (*now, term), rank=FAR)
        yield from self._of_other_arguments(inputs)
        for deep in (False, True):
            for line in lines:
                itself = {line.name}
                mine = {
                    shape: [term for term in terms if not itself & names_in((term,))]
                    for shape, terms in material.items()
                }
                for right, part, what, rank in far_changes(
                    self.changed.get(line.name, line.right), mine, functions, deep
                ):
                    yield Slip(line, part, what, right, rank=rank)

    def _of_other_arguments(self, inputs: Mapping[str, Any]) -> Iterator[Slip]:
        """A term of one argument's gradient in that of another, such as the decay of the weights for a bias."""
        of = {line.name: line.name.removeprefix("d") for line in self.gradient}
        for line in self.gradient:
            mine, now = of[line.name], self.changed.get(line.name, line.right)
            for other in self.gradient if mine in inputs else ():
                theirs = of[other.name]
                if other is line or theirs not in inputs:
                    continue
                old = Atom("symbol", theirs, (), np.shape(inputs[theirs]))
                new = one(Atom("symbol", mine, (), np.shape(inputs[mine])))
                for term in other.right:
                    (moved,) = replaced((term,), old, new)
                    if moved != term and shape_of((moved,)) == line.shape:
                        what = f"has {UNICODE.term(moved)} added, which does not belong there"
                        yield Slip(line, "", what, (*now, moved), rank=FAR)

    def _functions(self) -> list[str]:
        """The functions of one argument in the equations, element by element."""
        return sorted({
            x.name for line in self.values for x in atoms(line.right)
            if x.kind == "call" and len(x.args) == 1 and shape_of(x.args[0]) == x.shape
        })  # fmt: skip

    def _material(self, functions: list[str], inputs: Mapping[str, Any]) -> dict[tuple[int, ...], list[Term]]:
        """What may stand in place of a product: other products, values, and the slopes of functions at them."""
        found: dict[tuple[int, ...], list[Term]] = {}

        def add(term: Term) -> None:
            here = found.setdefault(shape_of((term,)), [])
            if term not in here and len(here) < 120:
                here.append(term)

        shapes = {name: np.shape(value) for name, value in inputs.items()}
        shapes |= {line.name: line.shape for line in self.lines}
        bases = [one(Atom("symbol", name, (), shape)) for name, shape in shapes.items()]
        for line in self.values:  # the first terms of a line: z of z − y
            bases += [line.right[:n] for n in range(1, len(line.right))]
        coefficients = sorted({abs(t.coefficient) for line in self.gradient for t in line.right} - {ONE}, key=float)[:3]
        for base in bases:
            whole = group(base)
            add(whole)
            for by in coefficients:
                add(Term(times(whole.coefficient, by), whole.factors))
        values = {line.name for line in self.values}
        steps = any(x.kind == "indicator" for line in self.gradient for x in atoms(line.right))
        known = {line.right for line in self.values}  # which have names
        for base in bases:
            if (name_of(base) or "") in values or len(base) > 1:
                for slope in slopes(base, steps):
                    add(slope)
                for name in functions:
                    called = one(Atom("call", name, (base,), shape_of(base)))
                    if called in known:
                        continue
                    add(called[0])
                    for slope in slopes(called, steps):
                        add(slope)
        for terms in self._products().values():
            for term in terms:
                add(term)
        return found

    @staticmethod
    def _in_all(lines: list[tuple[Equation, list[Change]]]) -> Iterator[Slip]:
        """The same slip in lines that are built alike: the same place of each."""
        (first, found), *rest = lines
        for k, (right, part, what, rank) in enumerate(found):
            also = [(line, other[k][0]) for line, other in rest if k < len(other) and other[k][3] == rank]
            if rank != TAKEN and len(also) == len(rest):
                yield Slip(first, part, what, right, tuple(also), rank)

    def _repeated(self, others: Others) -> Iterator[Slip]:
        """What stands in several places, changed in all of them: in a line, and in all lines of the gradient."""
        called = {line.name: line.right[0].factors[0][0].name for line in self.values
                  if len(line.right) == 1 and [x.kind for x, _ in line.right[0].factors] == ["call"]}  # fmt: skip
        groups: dict[tuple[int, ...], list[Atom]] = {}
        for line in self.lines:
            for x in atoms(line.right):
                if x.kind == "group" and x not in groups.setdefault(x.shape, []):
                    groups[x.shape].append(x)
        places = [[line] for line in [*self.gradient, *self.values]] + [self.gradient]
        for lines in places:
            counts: dict[Atom, int] = {}
            for line in lines:
                for x in atoms(self.changed.get(line.name, line.right)):
                    counts[x] = counts.get(x, 0) + 1
            for x in [x for x, n in counts.items() if n > 1 and names_in(one(x))]:
                written = UNICODE.atom(x)
                new: list[tuple[Sum, str, int]] = [((Term(-ONE, ((x, 1),)),), "has the wrong sign everywhere", SIGN)]
                new.append(((), "is left out everywhere", LEFT_OUT))
                if x.kind == "symbol":
                    new.append(((Term(ONE, ()),), "is missing everywhere", LEFT_OUT))
                    candidates = [*others.get(x.shape, ()), *groups.get(x.shape, ())]
                    if len(x.shape) == 2:
                        turns = ["{0}[::-1, ::-1]", "{0}[::-1]", "{0}[:, ::-1]"]
                        turns += ["{0}.T", "{0}[::-1, ::-1].T"] if x.shape[0] == x.shape[1] else []
                        candidates += [Atom("numpy", turn, (one(x),), x.shape) for turn in turns]
                    if x.name in called:
                        candidates.append(Atom("call", called[x.name], (one(x),), x.shape))
                    new += [(one(y), f"is taken for {UNICODE.atom(y)} everywhere", TAKEN) for y in candidates if y != x]
                else:
                    new.append(((Term(ONE, ()),), "is missing everywhere", LEFT_OUT))
                    if x.kind in ("transpose", "call"):
                        new.append((x.args[0], f"is taken for {UNICODE.sum(x.args[0])} everywhere", TAKEN))
                    if x.kind == "call" and x.name in ALIKE:
                        y = Atom("call", ALIKE[x.name], x.args, x.shape)
                        new.append((one(y), f"is taken for {UNICODE.atom(y)} everywhere", TAKEN))
                for by, what, rank in new:
                    itself = name_of(by)
                    group_ = alone(by)
                    inner = group_.args[0] if group_ is not None and group_.kind == "group" else None
                    for but in (None, inner)[: 1 + (inner is not None)]:  # a −= y: a is a − y from there on
                        rights = [(line, replaced(line.right, x, by, but)) for line in lines]
                        rights = [(line, new) for line, new in rights if new != line.right and line.name != itself]
                        if rights:
                            yield Slip(rights[0][0], written, what, rights[0][1], tuple(rights[1:]), rank)

    def _products(self) -> dict[tuple[int, ...], list[Term]]:
        """Products in the lines, by their shapes: what may have been put in too much."""
        found: dict[tuple[int, ...], list[Term]] = {}
        for line in self.lines:
            for term in line.right:
                for length in range(1, len(term.factors) + 1):
                    for i in range(len(term.factors) - length + 1):
                        run = Term(ONE, term.factors[i : i + length])
                        shape = shape_of((run,))
                        if run not in found.setdefault(shape, []) and len(found[shape]) < 40:
                            found[shape].append(run)
        return found


def alike(found: Any, theirs: Any) -> bool:
    """Whether two gradients are the same to rounding."""
    found, theirs = np.asarray(found), np.asarray(theirs)
    if found.shape != theirs.shape:
        return False
    scale = float(np.max(np.abs(theirs), initial=0.0, where=np.isfinite(theirs)))
    tolerance = SAME if theirs.dtype != np.float32 else 1e-4
    return bool(np.all(np.abs(found - theirs) <= tolerance * scale + 1e-300) and np.all(np.isfinite(found)))


def ratio(found: Any, theirs: Any) -> float | None:
    """The number that somebody's gradient is a multiple by; None where it is none."""
    found, theirs = np.asarray(found), np.asarray(theirs)
    if found.shape != theirs.shape or not np.all(np.isfinite(found)) or not np.any(found):
        return None
    worst = np.unravel_index(int(np.argmax(np.abs(found))), found.shape)
    by = float(theirs[worst] / found[worst])
    return by if by and alike(by * found, theirs) else None


def explain_numbers(
    derivation: Derivation, inputs: Mapping[str, Any], theirs: Mapping[str, Any],
    again: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]] | None] = lambda: None, seconds: float = 2.0,
) -> tuple[Slip, ...]:  # fmt: skip
    """The slips that give the numbers `theirs`, by the names of the gradients' lines: one, or several at once, or none.

    again  gives other inputs, and somebody's numbers for them, to tell slips apart that give the same numbers; or None
    """
    until = time.thread_time() + seconds
    right = derivation.compute(inputs)
    wrong = {name for name in theirs if not alike(right[name], theirs[name])}
    if not wrong:
        return ()
    whole: list[tuple[Slip, ...]] = []
    exactly: list[tuple[frozenset[str], Slip]] = []  # those that give some of the wrong numbers, and leave the others
    partly: list[Slip] = []  # those that give multiples of some
    alone: dict[str, list[tuple[Slip, ...]]] = {name: [] for name in theirs if name in wrong}  # of one gradient
    for slip, found in _computed(derivation, derivation.slips(inputs), right, inputs, until):
        same = {name for name in theirs if alike(found[name], theirs[name])}
        if len(same) == len(theirs):
            whole.append((slip,))
        elif same & wrong:
            for name in same & wrong:
                alone[name].append((slip,))
            if all(name in same or alike(found[name], right[name]) for name in theirs):
                exactly.append((frozenset(same & wrong), slip))
            partly.append(slip)
        elif any(ratio(found[name], theirs[name]) is not None for name in wrong):
            partly.append(slip)
    found_ = _told_apart(derivation, whole or _together(exactly, wrong), inputs, theirs, again)
    if found_:
        return found_
    for slip, found in _computed(derivation, derivation.far_slips(inputs), right, inputs, until - seconds / 4):
        if all(alike(found[name], theirs[name]) for name in theirs):
            whole.append((slip,))
        elif alone_of := {name for name in alone if alike(found[name], theirs[name])}:
            for name in alone_of:
                alone[name].append((slip,))
    found_ = _told_apart(derivation, whole, inputs, theirs, again)
    if found_:
        return found_
    found_ = _told_apart(derivation, _multiples(derivation, right, theirs, wrong), inputs, theirs, again)
    if found_:
        return found_
    whole = []
    for slip in sorted(partly, key=lambda slip: slip.rank)[:40]:
        broken = derivation.with_slip(slip)
        known = derivation.compute(inputs, slip, right)
        for second, found in _computed(broken, broken.slips(inputs), known, inputs, until):
            if all(alike(found[name], theirs[name]) for name in theirs):
                whole.append((slip, second))
        if (whole and time.thread_time() > until - seconds / 2) or time.thread_time() > until:
            break
    return _told_apart(derivation, whole, inputs, theirs, again) or _apart(derivation, alone, inputs, theirs, again)


def _multiples(
    derivation: Derivation, right: Mapping[str, Any], theirs: Mapping[str, Any], wrong: set[str]
) -> list[tuple[Slip, ...]]:
    """Each wrong gradient as a multiple of the right one, by a small fraction; nothing where one of them is none."""
    slips = []
    for line in derivation.gradient:
        if line.name in wrong:
            by = ratio(right[line.name], theirs[line.name])
            simple = None if by is None else Fraction(by).limit_denominator(1000)
            if by is None or not simple or abs(float(simple) - by) > 1e-6 * abs(by):
                return []
            whole = group(line.right)
            new = (Term(times(whole.coefficient, simple), whole.factors),)
            slips.append(Slip(line, "", f"is {UNICODE.number(simple)} times what it should be", new, rank=FAR))
    return [tuple(slips)] if len(slips) == len(wrong) else []


def _apart(
    derivation: Derivation, alone: dict[str, list[tuple[Slip, ...]]], inputs: Any, theirs: Any, again: Any
) -> tuple[Slip, ...]:  # fmt: skip
    """A slip for each wrong gradient: what two of them are computed from may be wrong in one of them only."""
    lefts = {line.name: line.left(UNICODE) for line in derivation.lines}
    found: list[Slip] = []
    for name, slips in alone.items():

        def of_one(name: str = name) -> Any:
            other = again()
            return other and (other[0], {name: other[1][name]})

        told = _told_apart(derivation, slips, inputs, {name: theirs[name]}, of_one)
        if not told:
            return ()
        (slip,) = told
        for_one = "" if slip.line.name == name else f", in what {lefts[name]} is computed from"
        found.append(replace(slip, what=f"{slip.what}{for_one}"))
    return tuple(found)


def _together(exactly: list[tuple[frozenset[str], Slip]], wrong: set[str]) -> list[tuple[Slip, ...]]:
    """Slips that explain a part of the gradients each, and all of them together."""
    best: dict[frozenset[str], Slip] = {}
    for names, slip in exactly:
        if names not in best or (slip.rank, not slip.part) < (best[names].rank, not best[names].part):
            best[names] = slip
    chosen, left = [], set(wrong)
    for names, slip in sorted(best.items(), key=lambda item: (-len(item[0]), item[1].rank)):
        if names <= left:
            chosen.append(slip)
            left -= names
    return [tuple(chosen)] if not left else []


def _computed(
    derivation: Derivation, slips: Iterator[Slip], known: Any, inputs: Any, until: float
) -> Iterator[tuple[Slip, dict[str, Any]]]:  # fmt: skip
    """Each of the slips with what it gives, until the time is up."""
    for slip in slips:
        if time.thread_time() > until:
            return
        try:
            yield slip, derivation.compute(inputs, slip, known)
        except Exception:  # shapes that do not go together, or no number
            continue


def _told_apart(
    derivation: Derivation, found: list[tuple[Slip, ...]], inputs: Any, theirs: Any, again: Any
) -> tuple[Slip, ...]:  # fmt: skip
    """The plainest of the slips that give somebody's numbers, for other inputs, too; nothing where none does."""
    for n in range(3):
        left = []
        for slips in found:
            broken = derivation
            for slip in slips:
                broken = broken.with_slip(slip)
            try:
                values = broken.compute(inputs)
            except Exception:
                continue
            if all(alike(values[name], theirs[name]) for name in theirs):
                left.append(slips)
        found = left
        other = again() if found and n < 2 else None
        if other is None:
            break
        inputs, theirs = other

    gradient = {line.name for line in derivation.gradient}

    def far_fetched(slips: tuple[Slip, ...]) -> tuple[int, ...]:
        return (
            len(slips),
            max(slip.rank for slip in slips),
            sum(not slip.part and not (slip.rank == SIGN and slip.line.name in gradient) for slip in slips),
            sum(bool(slip.part) for slip in slips if slip.rank == SIGN),  # of a whole line, not of something deep in it
            max(len(slip.also) for slip in slips),
        )

    return min(found, key=far_fetched) if found else ()
