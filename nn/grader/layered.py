"""A derivation whose lines belong to layers, such as delta2 and dw1, and can be changed in several of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograd.readings.algebra import ONE, Atom, Sum, Term
from autograd.readings.changes import atoms, one, replaced
from autograd.readings.derivation import Derivation, Slip
from autograd.readings.equations import Equation, Equations
from autograd.readings.notation import UNICODE

Change = Callable[[int], Sum | None]  # the right side of a layer's line when it is changed; None where it is not

KNOWN = -1  # how far-fetched: less than any other


def _names(x: Atom) -> set[str]:
    return {found.name for found in atoms(one(x)) if found.kind == "symbol"}


class Layered(Derivation):
    """The equations of a network of `layers` layers, and how the lines of a layer are changed."""

    def __init__(self, equations: Equations, layers: int, activation: str, cost: str):
        super().__init__(equations)
        self.layers, self.activation, self.cost = layers, activation, cost
        self.named = {line.name: line for line in self.lines}
        self.inputs: Mapping[str, Any] = {}
        self.likely = False

    def _right(self, name: str) -> Sum:
        return self.changed.get(name, self.named[name].right)

    def _symbol(self, letter: str, layer: int) -> Atom | None:
        """The value of a layer as it stands in equations: x for the activation of layer 0."""
        name = "x" if layer == 0 and letter in ("a", "z") else f"{letter}{layer}"
        if name in self.named:
            return Atom("symbol", name, (), self.named[name].shape)
        return Atom("symbol", name, (), self.inputs[name].shape) if name in self.inputs else None

    def _symbol_of(self, name: str) -> Atom | None:
        return Atom("symbol", name, (), self.inputs[name].shape) if name in self.inputs else None

    def _slip(
        self, what: str, letter: str, change: Change, layers: list[int], rank: int = KNOWN,
        part: Callable[[int], str] = lambda layer: "",
    ) -> Iterator[Slip]:  # fmt: skip
        """Make a slip in the lines of one kind, of some layers; `part` is what it is about, as it is written there."""
        changed: list[tuple[Equation, Sum]] = []
        for layer in layers:
            line = self.named.get(f"{letter}{layer}")
            right = change(layer) if line else None
            if line and right is not None and right != self._right(line.name):
                changed.append((line, right))
        if changed:
            (line, right), *also = changed
            yield Slip(line, part(int(line.name[len(letter) :])), what, right, tuple(also), rank)
        for line, right in changed if len(changed) > 1 else []:  # and in one of them
            if "wrong sign" in what and line.name == f"delta{self.layers}":
                continue  # that is y - a in place of a - y
            alone = what.replace(", in the hidden layers", "").replace(", in every layer", "")
            yield Slip(line, part(int(line.name[len(letter) :])), alone, right, (), rank)

    def _written(self, letter: str, shift: int) -> Callable[[int], str]:
        """How a value is written in the line of a layer."""

        def written(layer: int) -> str:
            x = self._symbol(letter, layer + shift)
            return UNICODE.atom(x) if x else ""

        return written

    def _written_prime(self, layer: int) -> str:
        right = self.named[f"delta{layer}"].right
        run = self._prime_factors(right, layer) if len(right) == 1 else ()
        return UNICODE.term(Term(ONE, run)) if run else ""

    @staticmethod
    def _prime_factors(right: Sum, layer: int) -> tuple[tuple[Atom, int], ...]:
        """List the factors of an error that are sigma'."""
        own = {f"a{layer}", f"z{layer}"}
        return tuple([(x, n) for x, n in right[0].factors if _names(x) and _names(x) <= own])

    def _in_place_of(self, line: str, old: tuple[str, int], new: tuple[str, int], place: int) -> Change:
        """Put another value in place of one in a line: letters, and layers counted from that of the line."""

        def change(layer: int) -> Sum | None:
            before = self._symbol(old[0], layer + old[1])
            after = self._symbol(new[0], place or layer + new[1])
            return replaced(self._right(f"{line}{layer}"), before, one(after)) if before and after else None

        return change

    def _prime(self, new: Callable[[int], Sum | None]) -> Change:
        """Put another expression in place of sigma' in the error of a layer."""

        def change(layer: int) -> Sum | None:
            right, other = self._right(f"delta{layer}"), new(layer)
            if len(right) != 1 or other is None:
                return None
            prime = self._prime_factors(right, layer)
            rest = tuple([factor for factor in right[0].factors if factor not in prime])
            if not prime and layer < self.layers:
                return None
            if other == ():
                return (Term(right[0].coefficient, rest),)
            added = ((Atom("group", "", (other,), self.named[f"delta{layer}"].shape), 1),)
            return (Term(right[0].coefficient, (*rest, *added)),)

        return change
