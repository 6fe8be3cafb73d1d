"""Lists every possible slip of a derivation: its lines, changed in one place.

The equations of a gradient are lines of sums of products. Each is changed in one place, in every way that `changes`
knows. Where something stands in several places, or lines are built alike, a slip may be in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd.readings.algebra import ONE, Atom, Sum, Term, alone, group, shape_of, times
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
from autograd.readings.derivation import Derivation, Slip
from autograd.readings.equations import Equation
from autograd.readings.notation import UNICODE, split_name


def slips(derivation: Derivation, inputs: Mapping[str, Any]) -> Iterator[Slip]:
    """List every change: of a line, those of the gradient first; of lines that are built alike; of what is repeated."""
    shapes = {name: np.shape(value) for name, value in {**derivation.arrays, **inputs}.items()}
    sizes = sorted({n for shape in shapes.values() for n in shape} - {0, 1})
    shapes |= {line.name: line.shape for line in derivation.lines}
    others: dict[tuple[int, ...], list[Atom]] = {}
    for name, shape in shapes.items():
        others.setdefault(shape, []).append(Atom("symbol", name, (), shape))
    runs = _products(derivation)
    alike: dict[Any, list[tuple[Equation, list[Change]]]] = {}
    for line in [*derivation.gradient, *derivation.values]:
        now = derivation.changed.get(line.name, line.right)
        mine = {shape: [x for x in named if x.name != line.name] for shape, named in others.items()}
        more, smaller = [], []
        if line in derivation.gradient:
            more = runs.get(line.shape, [])
            smaller = [x for shape, named in mine.items() if _is_repeated(shape, line.shape) for x in named]
        found = [*changes(now, mine), *of_the_whole(line.right, line.shape, sizes, more, smaller)]
        for right, part, what, rank in found:
            yield Slip(line, part, what, right, rank=rank)
        if line in derivation.gradient and line.name in derivation.longer and line.name not in derivation.changed:
            longer = derivation.longer[line.name]
            for right, part, what, rank in changes(longer.right, mine):
                yield Slip(longer, part, what, right, rank=rank)
        alike.setdefault((line in derivation.gradient, _built(now)), []).append((line, found))
    for lines in alike.values():
        if len(lines) > 1:
            yield from _in_all(lines)
    yield from _repeated(derivation, others)
    for line in derivation.gradient:
        yield from _in_all_terms(line, derivation.changed.get(line.name, line.right), others)
    yield from _wherever_alike(derivation)


def _is_repeated(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Say whether an array of a shape is repeated to become one of another."""
    repeated = all(n in (1, m) for n, m in zip(shape[::-1], wanted[::-1], strict=False))
    return shape != wanted and len(shape) <= len(wanted) and repeated


def _built(x: Sum) -> Any:
    """Describe how an expression is built, whatever its symbols are called."""
    return tuple([
        (term.coefficient, tuple([
            (atom.kind, "" if atom.kind in ("symbol", "derivative") else re.sub(r"\d+", "0", atom.name), n,
             len(atom.shape), tuple([_built(arg) for arg in atom.args]))
            for atom, n in term.factors
        ]))
        for term in x
    ])  # fmt: skip


def far_slips(derivation: Derivation, inputs: Mapping[str, Any]) -> Iterator[Slip]:
    """List less likely changes, those of whole factors of a line first."""
    functions = _functions(derivation)
    material = _material(derivation, functions, inputs)
    lines = [*derivation.gradient, *derivation.values[:-1]]
    for line in lines:
        now = derivation.changed.get(line.name, line.right)
        whole = group(now)
        for term in material.get(line.shape, ()):
            if len(whole.factors) + len(term.factors) < 6:
                product = (Term(times(whole.coefficient, term.coefficient), (*whole.factors, *term.factors)),)
                what = f"is multiplied by {UNICODE.term(term)}, which does not belong there"
                yield Slip(line, "", what, product, rank=FAR)
            added = f"has {UNICODE.term(term)} added, which does not belong there"
            yield Slip(line, "", added, (*now, term), rank=FAR)
    yield from _of_other_arguments(derivation, inputs)
    for deep in (False, True):
        for line in lines:
            itself = {line.name}
            mine = {
                shape: [term for term in terms if not itself & names_in((term,))] for shape, terms in material.items()
            }
            for right, part, what, rank in far_changes(
                derivation.changed.get(line.name, line.right), mine, functions, deep
            ):
                yield Slip(line, part, what, right, rank=rank)


def _of_other_arguments(derivation: Derivation, inputs: Mapping[str, Any]) -> Iterator[Slip]:
    """Put a term of one argument's gradient into that of another, such as the decay of the weights for a bias."""
    of = {line.name: line.name.removeprefix("d") for line in derivation.gradient}
    for line in derivation.gradient:
        mine, now = of[line.name], derivation.changed.get(line.name, line.right)
        for other in derivation.gradient if mine in inputs else ():
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


def _functions(derivation: Derivation) -> list[str]:
    """List the functions of one argument in the equations, element by element."""
    return sorted({
        x.name for line in derivation.values for x in atoms(line.right)
        if x.kind == "call" and len(x.args) == 1 and shape_of(x.args[0]) == x.shape
    })  # fmt: skip


def _material(
    derivation: Derivation, functions: list[str], inputs: Mapping[str, Any]
) -> dict[tuple[int, ...], list[Term]]:
    """List what may stand in place of a product: other products, values, and the slopes of functions at them."""
    found: dict[tuple[int, ...], list[Term]] = {}

    def add(term: Term) -> None:
        here = found.setdefault(shape_of((term,)), [])
        if term not in here and len(here) < 120:
            here.append(term)

    shapes = {name: np.shape(value) for name, value in inputs.items()}
    shapes |= {line.name: line.shape for line in derivation.lines}
    bases = [one(Atom("symbol", name, (), shape)) for name, shape in shapes.items()]
    for line in derivation.values:  # the first terms of a line: z of z − y
        bases += [line.right[:n] for n in range(1, len(line.right))]
    coefficients = {abs(term.coefficient) for line in derivation.gradient for term in line.right} - {ONE}
    for base in bases:
        whole = group(base)
        add(whole)
        for by in sorted(coefficients, key=float)[:3]:
            add(Term(times(whole.coefficient, by), whole.factors))
    values = {line.name for line in derivation.values}
    steps = any(x.kind == "indicator" for line in derivation.gradient for x in atoms(line.right))
    known = {line.right for line in derivation.values}  # which have names
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
    for terms in _products(derivation).values():
        for term in terms:
            add(term)
    return found


def _alike(found: Iterable[Iterable[Change]]) -> Iterator[tuple[Change, ...]]:
    """Change several expressions that are built alike in the same place."""
    for versions in zip(*found, strict=False):
        if len({rank for *_, rank in versions}) == 1:
            yield versions


def _in_all(lines: list[tuple[Equation, list[Change]]]) -> Iterator[Slip]:
    """Make the same slip in lines that are built alike."""
    first, *rest = (line for line, _ in lines)
    for versions in _alike(found for _, found in lines):
        (right, part, what, rank), *others = versions
        if rank != TAKEN:
            yield Slip(first, part, what, right, tuple(zip(rest, (other[0] for other in others), strict=True)), rank)


def _in_all_terms(line: Equation, now: Sum, others: Others) -> Iterator[Slip]:
    """Make the same slip in the terms of a sum that are built alike, such as those of the steps of a loop."""
    families: dict[Any, list[int]] = {}
    for i, term in enumerate(now):
        families.setdefault(_built((Term(ONE, term.factors),)), []).append(i)
    for places in families.values():
        if len(places) < 2:
            continue
        for kept in (places[:1], places[-1:]):
            new = tuple([term for i, term in enumerate(now) if i in kept or i not in places])
            left_out = UNICODE.sum(tuple([now[i] for i in places if i not in kept]))
            yield Slip(line, left_out, "is missing", new, rank=LEFT_OUT)
        for versions in _alike(changes((now[i],), {}) for i in places):
            _, part, what, rank = versions[0]
            yield Slip(line, part, f"{what}, and so in the terms like it", _with(now, places, versions), rank=rank)
        for by in (1, -1):
            yield from _shifted(line, now, places, by, others)


def _with(now: Sum, places: list[int], versions: Any) -> Sum:
    """Return a sum with other terms in some places."""
    new = dict(zip(places, (version[0] for version in versions), strict=True))
    return tuple([term for i, old in enumerate(now) for term in new.get(i, (old,))])


def _shifted(line: Equation, now: Sum, places: list[int], by: int, others: Others) -> Iterator[Slip]:
    """Put a value of the step before, or after, in place of that of the step, in terms that are built alike."""
    stems = {split_name(x.name)[0] for x in atoms((now[places[0]],)) if x.kind == "symbol"}
    for stem in sorted(stems):
        versions, part = [], ""
        for i in places:
            term = now[i]
            for x in [x for x in atoms((term,)) if x.kind == "symbol" and split_name(x.name)[0] == stem]:
                number = split_name(x.name)[1]
                name = f"{stem}{int(number) + by}" if number else ""
                if any(y.name == name for y in others.get(x.shape, ())):
                    (term,) = replaced((term,), x, one(Atom("symbol", name, (), x.shape)))
                    part = part or UNICODE.atom(x)
                    break
            versions.append(((term,),))
        new = _with(now, places, versions)
        if new != now:
            which = "after" if by > 0 else "before"
            yield Slip(line, part, f"is taken for that of the step {which}, in all terms like it", new, rank=TAKEN)


def _wherever_alike(derivation: Derivation) -> Iterator[Slip]:
    """Make the same slip in factors that are built alike, wherever they stand in the gradient: tanh' of every step."""
    families: dict[Any, list[Atom]] = {}
    for line in derivation.gradient:
        for x in atoms(derivation.changed.get(line.name, line.right)):
            if x.kind in ("group", "call", "indicator"):
                family = families.setdefault(_built(one(x)), [])
                if x not in family:
                    family.append(x)
    for family in families.values():
        if len(family) < 2:
            continue
        left_out = [((Term(ONE),), UNICODE.atom(x), "is missing", LEFT_OUT) for x in family]
        for versions in (left_out, *_alike(changes(one(x), {}) for x in family)):
            _, part, what, rank = versions[0]
            changed = []
            for line in derivation.gradient:
                right = now = derivation.changed.get(line.name, line.right)
                for x, (new, *_) in zip(family, versions, strict=True):
                    right = replaced(right, x, new)
                if right != now:
                    changed.append((line, right))
            if changed:
                (line, right), *also = changed
                what = what if also else f"{what}, and so wherever the like stands"
                yield Slip(line, part, what, right, tuple(also), rank)


def _repeated(derivation: Derivation, others: Others) -> Iterator[Slip]:
    """Change what stands in several places in all of them: in a line, and in all lines of the gradient."""
    called = {line.name: line.right[0].factors[0][0].name for line in derivation.values
              if len(line.right) == 1 and [x.kind for x, _ in line.right[0].factors] == ["call"]}  # fmt: skip
    groups: dict[tuple[int, ...], list[Atom]] = {}
    for line in derivation.lines:
        for x in atoms(line.right):
            if x.kind == "group" and x not in groups.setdefault(x.shape, []):
                groups[x.shape].append(x)
    places = [[line] for line in derivation.lines] + [derivation.gradient, derivation.values]
    for lines in places:
        counts: dict[Atom, int] = {}
        for line in lines:
            for x in atoms(derivation.changed.get(line.name, line.right)):
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


def _products(derivation: Derivation) -> dict[tuple[int, ...], list[Term]]:
    """List the products in the lines, by their shapes: one of them may have been put in by mistake."""
    found: dict[tuple[int, ...], list[Term]] = {}
    for line in derivation.lines:
        for term in line.right:
            for length in range(1, len(term.factors) + 1):
                for i in range(len(term.factors) - length + 1):
                    run = Term(ONE, term.factors[i : i + length])
                    shape = shape_of((run,))
                    if run not in found.setdefault(shape, []) and len(found[shape]) < 40:
                        found[shape].append(run)
    return found
