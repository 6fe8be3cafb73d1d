"""Finds the slip that gives somebody's wrong numbers: the derivation is broken until it gives the same.

If the lines, computed again with a change, give the wrong numbers, the change explains them, and it has a line to point
at. The work is limited by counting, not by time, so that every machine gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from autograd.readings.algebra import Term, group, times
from autograd.readings.changes import FAR, LEFT_OUT, SIGN
from autograd.readings.derivation import Derivation, Slip
from autograd.readings.notation import UNICODE
from autograd.readings.slips import far_slips, slips

SAME = 1e-7  # relative to the largest element: numbers that a slip gives, and somebody's
EACH = 3000  # slips of small equations that are tried in each of the three rounds: about a second
SMALL = 4000  # elements, in all lines: computing twice as many counts as two slips

D = TypeVar("D", bound=Derivation)
Numbers = Mapping[str, Any]  # values, or gradients, by their names in the equations
Again = Callable[[int], tuple[Numbers, Numbers] | None]  # other inputs, and somebody's gradients for them
Together = tuple[Slip, ...]  # one slip, or several at once


def alike(found: Any, theirs: Any) -> bool:
    """Say whether two gradients are the same to rounding."""
    found, theirs = np.asarray(found), np.asarray(theirs)
    if found.shape != theirs.shape:
        return False
    scale = float(np.max(np.abs(theirs), initial=0.0, where=np.isfinite(theirs)))
    tolerance = SAME if theirs.dtype != np.float32 else 1e-4
    return bool(np.all(np.abs(found - theirs) <= tolerance * scale + 1e-300) and np.all(np.isfinite(found)))


def ratio(found: Any, theirs: Any) -> float | None:
    """Return the number by which somebody's gradient is multiplied; None if it is not a multiple."""
    found, theirs = np.asarray(found), np.asarray(theirs)
    if found.shape != theirs.shape or not np.all(np.isfinite(found)) or not np.any(found):
        return None
    worst = np.unravel_index(int(np.argmax(np.abs(found))), found.shape)
    by = float(theirs[worst] / found[worst])
    return by if by and alike(by * found, theirs) else None


def explain_numbers(
    derivation: D, inputs: Numbers, theirs: Numbers, again: Again = lambda n: None,
    slips_of: Callable[[D, Numbers], Iterator[Slip]] = slips,
) -> Together:  # fmt: skip
    """Find the slips that give the numbers `theirs`, by the names of the gradients' lines: one, several at once, or
    none.

    again     returns other inputs, and somebody's numbers for them, to tell slips apart that give the same numbers; or
              None. With 0 they are near the first, with 1 what is not differentiated changes too, with 2 they are far
    slips_of  returns the plain slips of a derivation
    """
    return _Search(derivation, inputs, theirs, again, slips_of).found()


class _Search:
    """Three rounds: the plain slips, the less likely ones, and two plain ones at once."""

    def __init__(self, derivation: Derivation, inputs: Numbers, theirs: Numbers, again: Again, slips_of: Any):
        self.derivation, self.inputs, self.theirs, self.again, self.slips_of = (
            derivation, inputs, theirs, again, slips_of
        )  # fmt: skip
        self.right = derivation.compute(inputs)
        self.wrong = {name for name in theirs if not alike(self.right[name], theirs[name])}
        self.cost = 1 + sum(np.size(self.right[line.name]) for line in derivation.lines) / SMALL  # of one slip
        self.left = 0.0  # of the work of a round
        # What was found for each wrong gradient alone:
        self.alone: dict[str, list[Together]] = {name: [] for name in theirs if name in self.wrong}

    def found(self) -> Together:
        if not self.wrong:
            return ()
        whole, partly = self._plain()
        return (
            self._told_apart(whole)
            or self._told_apart(self._far())
            or self._told_apart(self._multiples())
            or self._told_apart(self._pairs(partly))
            or self._one_for_each()
        )

    def _computed(
        self, derivation: Derivation, tried: Iterator[Slip], known: Numbers
    ) -> Iterator[tuple[Slip, Numbers]]:
        """Yield each of the slips with what it gives, until the work of the round is done."""
        for slip in tried:
            if self.left <= 0:
                return
            self.left -= self.cost
            try:
                yield slip, derivation.compute(self.inputs, slip, known)
            except Exception:  # shapes that do not go together, or no number
                continue

    def _same(self, values: Numbers) -> set[str]:
        """Return the gradients that agree with somebody's."""
        same = set()
        for name, right in ((name, self.right[name]) for name in self.theirs):
            untouched = values[name] is right
            if name not in self.wrong if untouched else alike(values[name], self.theirs[name]):
                same.add(name)
        return same

    def _plain(self) -> tuple[list[Together], list[Slip]]:
        """Find the slips that give all the numbers; and those that give some, or multiples of some, the most first."""
        whole: list[Together] = []
        exactly: list[tuple[frozenset[str], Slip]] = []  # that give some of the wrong numbers, and leave the others
        partly: list[tuple[int, Slip]] = []  # with how many they give, or give multiples of
        self.left = 2 * EACH
        for slip, values in self._computed(self.derivation, self.slips_of(self.derivation, self.inputs), self.right):
            same = self._same(values)
            if len(same) == len(self.theirs):
                whole.append((slip,))
                continue
            given = same & self.wrong
            for name in given:
                self.alone[name].append((slip,))
            if given and all(name in same or alike(values[name], self.right[name]) for name in self.theirs):
                exactly.append((frozenset(given), slip))
            near = {name for name in self.wrong - given if ratio(values[name], self.theirs[name]) is not None}
            if given or near:
                partly.append((len(same) + len(near), slip))
        partly.sort(key=lambda found: (-found[0], found[1].rank))
        return whole or self._side_by_side(exactly), [slip for _, slip in partly]

    def _side_by_side(self, exactly: list[tuple[frozenset[str], Slip]]) -> list[Together]:
        """Find slips that explain a part of the gradients each, and all of them together."""
        best: dict[frozenset[str], Slip] = {}
        for names, slip in exactly:
            if names not in best or (slip.rank, not slip.part) < (best[names].rank, not best[names].part):
                best[names] = slip
        chosen, left = [], set(self.wrong)
        for names, slip in sorted(best.items(), key=lambda item: (-len(item[0]), item[1].rank)):
            if names <= left:
                chosen.append(slip)
                left -= names
        return [tuple(chosen)] if not left else []

    def _far(self) -> list[Together]:
        whole: list[Together] = []
        self.left = EACH
        for slip, values in self._computed(self.derivation, far_slips(self.derivation, self.inputs), self.right):
            same = self._same(values)
            if len(same) == len(self.theirs):
                whole.append((slip,))
            else:
                for name in same & self.wrong:
                    self.alone[name].append((slip,))
        return whole

    def _multiples(self) -> list[Together]:
        """Write each wrong gradient as a simple multiple of the right one; return nothing if one of them is not."""
        found = []
        for line in self.derivation.gradient:
            if line.name in self.wrong:
                by = ratio(self.right[line.name], self.theirs[line.name])
                simple = None if by is None else Fraction(by).limit_denominator(1000)
                if by is None or not simple or abs(float(simple) - by) > 1e-6 * abs(by):
                    return []
                whole = group(line.right)
                new = (Term(times(whole.coefficient, simple), whole.factors),)
                found.append(Slip(line, "", f"is {UNICODE.number(simple)} times what it should be", new, rank=FAR))
        return [tuple(found)] if len(found) == len(self.wrong) else []

    def _pairs(self, partly: list[Slip]) -> list[Together]:
        """Find two plain slips, the first of which gives some of the numbers, or multiples of them."""
        whole: list[Together] = []
        self.left = EACH
        for slip in partly[:40]:
            broken = self.derivation.with_slip(slip)
            known = self.derivation.compute(self.inputs, slip, self.right)
            for second, values in self._computed(broken, self.slips_of(broken, self.inputs), known):
                if len(self._same(values)) == len(self.theirs):
                    whole.append((slip, second))
            if self.left <= (EACH / 2 if whole else 0):
                break
        return whole

    def _one_for_each(self) -> Together:
        """Find a slip for each wrong gradient: what two of them are computed from may be wrong in only one of them."""
        lefts = {line.name: line.left(UNICODE) for line in self.derivation.lines}
        found: list[Slip] = []
        for name, candidates in self.alone.items():
            told = self._told_apart(candidates, {name})
            if not told:
                return ()
            (slip,) = told
            for_one = "" if slip.line.name == name else f", in what {lefts[name]} is computed from"
            found.append(replace(slip, what=f"{slip.what}{for_one}"))
        return tuple(found)

    def _told_apart(self, found: list[Together], names: set[str] | None = None) -> Together:
        """Pick the plainest of the slips that give somebody's numbers for other inputs as well; nothing if none does.

        names  the gradients that count; all of them unless given
        """
        inputs, theirs = self.inputs, self.theirs
        for n in range(4):
            left = [together for together in found if self._give(together, inputs, theirs, names)]
            found = left if n < 2 else left or found  # of a gradient that does not hold there, the others say nothing
            other = self.again(n) if found and n < 3 else None
            if other is None:
                break
            inputs, theirs = other
        return min(found, key=self._far_fetched) if found else ()

    def _give(self, together: Together, inputs: Numbers, theirs: Numbers, names: set[str] | None) -> bool:
        broken = self.derivation
        for slip in together:
            broken = broken.with_slip(slip)
        try:
            values = broken.compute(inputs)
        except Exception:
            return False
        return all(alike(values[name], theirs[name]) for name in names or theirs)

    def _far_fetched(self, together: Together) -> tuple[int, ...]:
        gradient = {line.name for line in self.derivation.gradient}
        return (
            len(together),
            max(slip.rank for slip in together),
            sum(map(self._vanishes, together)),
            sum(slip.line.name not in gradient for slip in together),
            -sum(
                slip.rank == LEFT_OUT and slip.part in map(UNICODE.term, slip.line.right) for slip in together
            ),  # whole
            sum(not slip.part and not (slip.rank == SIGN and slip.line.name in gradient) for slip in together),
            sum(bool(slip.part) for slip in together if slip.rank == SIGN),  # of a whole line, not deep in it
            max(len(slip.also) for slip in together),
            sum(len(slip.part) for slip in together if slip.rank == SIGN and slip.also),
        )

    def _vanishes(self, slip: Slip) -> bool:
        """Say whether a line comes to nothing by its slip: then all of it is left out, and not a factor."""
        value = self.derivation.compute(self.inputs, slip, self.right)[slip.line.name]
        return alike(value + self.right[slip.line.name], self.right[slip.line.name])
