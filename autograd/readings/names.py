"""Names each value of a recorded function, and says which part it plays: one pass, before anything is written.

Names that the user gave come first. Two values never share a name, as Python reads names: it folds letters that look
alike (ℎ is h, µ is μ), so that two names which it cannot tell apart are told apart by a number.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from itertools import count

from autograd.readings.formula import Formula, fact, ordered

SPARE = "utsqv"  # letters for values that have no name, the first that nothing else begins with


class Names:
    """The names of the values that `output` is computed from, those of their gradients, and of what is still to be
    named.

    output     the value; it is called `of` if it has no name of its own
    gradients  the formula of each gradient that is to be named, and the value that it is the gradient of
    others     formulas besides those that may have names: what the gradients are computed by
    taken      names that must not be used; then all that are

    `names[formula]` is the name of a formula, or None; `names.role(formula)` is

    * "parameter", what is differentiated, if `parameters` has it, and "input" for other leaves that have a name
    * "constant", a number or an array that has none
    * "weighted input", what goes into an activation function: z, z1, …; it may be named so by the user
    * "activation", what comes out of one: a, a1, …
    * "output", the value itself
    * "gradient" of the value `names.of(formula)`
    * "value", everything else

    Every name is a Python identifier. A gradient is called dw for w, and the error delta2 for a weighted input z2.

    >>> import numpy as np
    >>> from autograd import Tensor, sigmoid
    >>> from autograd.readings.formula import Formulas
    >>> from autograd.readings.graph import Graph
    >>> w, x = Tensor(2.0, name="w"), Tensor(3.0, name="µ")
    >>> cost = sigmoid(w * x) ** 2
    >>> formulas = Formulas(Graph(cost), {id(w): "w", id(x): "µ"})
    >>> names = Names(formulas[cost])
    >>> [(names[f], names.role(f)) for f in ordered([formulas[cost]]) if names[f]]
    [('w', 'input'), ('μ', 'input'), ('z', 'weighted input'), ('a', 'activation'), ('C', 'output')]
    >>> names.gradient(formulas[w]), names.spare()
    ('dw', 'u1')
    """

    def __init__(
        self, output: Formula, gradients: Mapping[Formula, Formula] | None = None, *,
        of: str = "C", parameters: Iterable[Formula] = (), others: Iterable[Formula] = (), taken: Iterable[str] = (),
    ):  # fmt: skip
        self.output, self._gradients = output, dict(gradients or {})
        self._parameters = set(parameters)
        self.taken = set(taken)
        self._names: dict[Formula, str] = {}
        self._roles: dict[Formula, str] = {}
        self._spares = 0
        everything = ordered([output, *self._gradients, *others])
        self._layers = [f for f in everything if fact(f.op, "activation") and f.args[0].op is not None]
        self._find_roles(everything)
        given = [f for f in everything if f.name]
        for formula in sorted(given, key=lambda f: f.op is not None):  # those of the arguments stay as they are
            self.give(formula, formula.name or "")
        if output not in self._names:
            self.give(output, of)
        self._name_layers()
        for formula, value in self._gradients.items():
            if value in self._names and formula not in self._names and formula.op is not None:
                self.give(formula, self.gradient(value))

    def _find_roles(self, values: list[Formula]) -> None:
        for formula in values:
            if formula.op is None:
                named = "parameter" if formula in self._parameters else "input"
                self._roles[formula] = named if formula.name else "constant"
            else:
                self._roles[formula] = "weighted input" if is_weighted_input(formula.name or "") else "value"
        for formula in self._layers:
            self._roles[formula] = "activation"
            if not formula.args[0].name and not fact(formula.args[0].op, "activation"):
                self._roles[formula.args[0]] = "weighted input"
        for formula in self._gradients:
            self._roles.setdefault(formula, "gradient")
        self._roles[self.output] = "output"

    def _name_layers(self) -> None:
        """Call what goes into an activation function z, as in the book, and what comes out a: with the number of the
        layer, if there are several."""
        for layer, formula in enumerate(self._layers, 1):
            z = formula.args[0]
            numbered = str(layer) if len(self._layers) > 1 else ""
            suffix = suffix_of(self._names.get(formula) or self._names.get(z) or numbered)
            for part, wish in ((z, f"z{suffix}"), (formula, f"a{suffix}")):
                if part not in self._names and wish not in self.taken:
                    self.give(part, wish)
                elif part not in self._names and part is z:
                    self._roles[z] = "value"

    def __getitem__(self, formula: Formula) -> str | None:
        return self._names.get(formula)

    def __contains__(self, name: str) -> bool:
        return name in self.taken

    def give(self, formula: Formula, wish: str) -> str:
        """Give a formula the name that it wishes for, or one close to it; return the name."""
        self._names[formula] = unique_name(wish, self.taken)
        return self._names[formula]

    def name(self, formula: Formula) -> str:
        """Return the name of a formula that has one."""
        return self._names[formula]

    def give_spare(self, formula: Formula) -> str:
        """Give a formula the next of u1, u2, …, with the number written below, so that it is not read as a power."""
        self._names[formula] = self.spare("_")
        return self._names[formula]

    def tell_apart(self, written: Callable[[str], str]) -> None:
        """Change names that would look the same, or be misread, as `written` writes them.

        A number at the end is written above, like that of a layer. If there is a w, the number of w2 goes below, so
        that it is not read as a power of w; and that of z2 if there is a delta, since its gradient is called delta2.
        """
        before = set(self._names.values())
        shown = set(map(written, before))
        seen: set[str] = set()
        # Weighted inputs are first, since what their gradients are called is taken then too.
        for formula, name in sorted(self._names.items(), key=lambda item: self.role(item[0]) != "weighted input"):
            letter = name.rstrip("0123456789")
            letters = {letter, "delta"} if self.role(formula) == "weighted input" else {letter}
            if letter.isalpha() and letter != name and (set(map(written, letters)) & shown or formula is self.output):
                name = f"{letter}_{name[len(letter) :]}"
            first, number = name, 1
            while written(name) in seen or (name != self._names[formula] and name in before):
                number += 1
                name = f"{first}_{number}"
            seen.add(written(name))
            self.taken.add(name)
            self._names[formula] = name
            if self.role(formula) == "weighted input":
                seen.add(written(self.gradient(formula)))

    def role(self, formula: Formula) -> str:
        return self._roles.get(formula, "value" if formula.op is not None else "constant")

    def of(self, gradient: Formula) -> Formula:
        """Return the value that a gradient belongs to."""
        return self._gradients[gradient]

    def gradient(self, value: Formula) -> str:
        """Name the gradient with respect to a value: dw, and delta2 for the weighted input z2."""
        name = self._names[value]
        error = self.role(value) == "weighted input" and is_weighted_input(name)
        return f"delta{name[1:]}" if error else f"d{name}"

    def spare(self, between: str = "") -> str:
        """Take the next of u1, u2, … that is not a name yet."""
        letter = next((letter for letter in SPARE if letter not in self.taken), "u")
        self._spares = next(n for n in count(self._spares + 1) if f"{letter}{between}{n}" not in self.taken)
        name = f"{letter}{between}{self._spares}"
        self.taken.add(name)
        return name


class Inner(set[str]):
    """Names that are taken in a nest, and outside of it. It does not copy the names of a long program, which would take
    long."""

    def __init__(self, outer: set[str]):
        super().__init__()
        self.outer = outer

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.outer

    def copy(self) -> Inner:
        other = Inner(self.outer)
        other.update(self)
        return other


def unique_name(wish: str, taken: set[str]) -> str:
    """Take a valid name like `wish` that is not taken yet.

    >>> [unique_name(wish, {"w"}) for wish in ("layer1.weight", "lambda", "w", "")]
    ['layer1_weight', 'lambda_', 'w_2', 't']
    """
    wish = unicodedata.normalize("NFKC", wish)  # as Python itself reads names: ℎ is h
    name = re.sub(r"\W", "_", wish) + "_" * keyword.iskeyword(wish)
    name = first = name if name.isidentifier() else "t"
    number = 1
    while name in taken:
        number += 1
        name = f"{first}_{number}"
    taken.add(name)
    return name


def is_weighted_input(name: str) -> bool:
    """Say whether a value of this name is a weighted input, whose gradient is called its error: z, z1, z_t, …"""
    return re.fullmatch(r"z\d*(?:_\w+)?", name) is not None


def weighted_input(activation: str) -> str | None:
    """Return the name of what goes into the activation a1: z1. Return nothing for other names."""
    return f"z{activation[1:]}" if re.fullmatch(r"a\d*(_\w+)?", activation) else None


def suffix_of(name: str) -> str:
    """Return what numbers a name: "1" of "a1", "_t" of "h_t"; nothing if it has no number.

    >>> suffix_of("a1"), suffix_of("h_t"), suffix_of("answer")
    ('1', '_t', '')
    """
    match = re.fullmatch(r"[^\W\d_]*(\d*(?:_\w+)?)", name)
    return match[1] if match else ""
