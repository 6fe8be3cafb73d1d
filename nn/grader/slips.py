"""Finds the slip that gives a learner's numbers: the derivation of the cost, broken on purpose, in the book's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from autograd.readings.derivation import Slip
from autograd.readings.equations import equations
from autograd.readings.search import alike, explain_numbers
from nn.equations import ACTIVATIONS, COSTS, Array
from nn.grader.backpropagation import Backpropagation
from nn.grader.layered import KNOWN
from nn.grader.problems import Case, Lists
from nn.grader.report import TOLERANCE
from nn.grader.trials import distance
from nn.proof.numbers import relative_difference

Again = Callable[[], tuple[Case, Lists] | None]  # other problems of the same shapes, and the learner's answer
# What sigma' is written as in the derived equations, and what stands for it in the book.
PRIMES = ((r"(a[⁰¹²³⁴⁵⁶⁷⁸⁹]+) ⊙ \(1 − \1\)", "σ′"), (r"\(1 − \(?(a[⁰¹²³⁴⁵⁶⁷⁸⁹]+)\)?²\)", "σ′"),
          (r"1\(z([⁰¹²³⁴⁵⁶⁷⁸⁹]+) > 0\)", "σ′"))  # fmt: skip


def _inputs(case: Case) -> dict[str, Array]:
    one = len(case.x) == 1
    named = {f"{letter}{layer}": p for letter, ps in (("w", case.w), ("b", case.b)) for layer, p in enumerate(ps, 1)}
    return named | {"x": case.x[0] if one else case.x, "y": case.y[0] if one else case.y}


def _gradients(case: Case, lists: Lists) -> dict[str, Array]:
    return {f"d{letter}{layer}": g / case.factor for letter, gs in zip("bw", lists, strict=True)
            for layer, g in enumerate(gs, 1)}  # fmt: skip


def another_network(case: Case, theirs: Lists) -> str:
    """Say whether what was returned is right for another activation, or for another cost; "" if not."""
    for key, names, text in (
        ("activation", ACTIVATIONS, "Forward and BP2: the hidden layers are {} layers."),
        ("cost", COSTS, "BP1, delta^L: the error is that of the {} cost, the other cost."),
    ):
        for name in names:
            if name != case.told[key]:
                other = replace(case, told=case.told | {key: name}, derived=None)
                if distance(theirs, other) <= TOLERANCE:
                    return text.format(name)
    return ""


def find_slips(case: Case, theirs: Lists, again: Again, likely: bool) -> list[str]:
    """Find the slips that reproduce what was returned for one case, in words; [] if there are none.

    likely  look only for those that go through layers, which takes no time; a single one is found, or none
    """
    inputs = _inputs(case)
    try:
        read = equations(case.network().cost, inputs["x"], inputs["y"])
        derivation = Backpropagation(read, len(case.w), case.told["activation"], case.told["cost"])

        def other(n: int) -> tuple[Mapping[str, Array], Mapping[str, Array]] | None:
            found = again() if n < 2 else None  # these are far from the first already
            return found and (_inputs(found[0]), _gradients(*found))

        derivation.likely = likely
        slips = explain_numbers(derivation, inputs, _gradients(case, theirs), other, Backpropagation.slips)
        if likely and len(slips) == 1:
            found = derivation.compute(inputs, slips[0])
            slips = slips if all(alike(found[name], g) for name, g in _gradients(case, theirs).items()) else ()
    except (TypeError, ValueError, KeyError, ArithmeticError):  # a help; that the numbers are wrong is certain
        return []
    return [in_words(slip, case) for slip in slips] if not likely or len(slips) == 1 else []


def summed_up(names: Sequence[str]) -> str:
    """List words, and for more than three say how many more there are.

    >>> summed_up(["w1", "b1", "w2", "b2", "w3"])
    'w1, b1 and 3 more'
    """
    if len(names) > 3:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _equation(slip: Slip, layers: int) -> str:
    """Return the book's equation that a line of the derivation belongs to, with its layer."""
    kind, layer = re.fullmatch(r"([a-z]+)(\d*)", slip.line.name).groups()  # type: ignore[union-attr]
    number = int(layer or 0)
    if kind == "delta" and len(slip.also) == layers - 1:
        return "BP1 and BP2, delta^l"
    if kind in ("db", "dw") and {line.name[:2] for line, _ in slip.also} == {"db", "dw"}:
        return "BP3 and BP4, dC/db and dC/dw"
    if {line.name[0] for line in (slip.line, *[line for line, _ in slip.also])} == {"a", "d"}:
        return "Forward and BP2"
    if slip.also and kind != "cost":
        numbers = [str(number), *(re.sub("[a-z]", "", line.name) for line, _ in slip.also)]
        where = f"layers {summed_up(list(dict.fromkeys(numbers)))}"
    else:
        where = f"layer {number}"
    if kind == "delta":
        return "BP1, delta^L" if number == layers else f"BP2, delta^l, {where}"
    named = {"db": "BP3, dC/db^l", "dw": "BP4, dC/dw^l", "z": "Forward, z^l",
             "a": "Forward, a^l"}  # fmt: skip
    return f"{named[kind]}, {where}" if kind in named else "The cost"


def in_words(slip: Slip, case: Case) -> str:
    """Describe a slip: the book's equation, what is wrong in it, and on lines below the place in the derived
    equation."""
    line, marked = str(slip).splitlines()
    marks, what = re.fullmatch(r"( *\^+) *(.*)", marked).groups()  # type: ignore[union-attr]
    for pattern, name in PRIMES:
        what = re.sub(pattern, lambda found, name=name: f"{name}(z{found[1].lstrip('a')})", what)
    if slip.rank == KNOWN:
        what = slip.what
    elif found := re.fullmatch(r"([a-zδ]+)[⁰¹²³⁴⁵⁶⁷⁸⁹]* is taken for ([a-zδ]+)[⁰¹²³⁴⁵⁶⁷⁸⁹]*( everywhere)?", what):
        off = {found[1], found[2]} in ({"a"}, {"w"}, {"z"}, {"δ"}, {"a", "x"})
        what = f"{what}, one layer off" if off else what
    return f"{_equation(slip, len(case.w))}: {what}.\n{line}\n{marks}"


def times_something(theirs: Lists, ours: Lists) -> str:
    """Say by which number all gradients are multiplied; "" if by none."""
    mine, other = ([g.reshape(-1) for gs in lists for g in gs] for lists in (ours, theirs))
    squares = sum(float(g @ g) for g in mine)
    by = sum(float(g @ h) for g, h in zip(mine, other, strict=True)) / squares if squares else 0.0
    if by and all(relative_difference(by * g, h) <= TOLERANCE for g, h in zip(mine, other, strict=True)):
        return f"In all gradients, everything is {by:.6g} times what it should be."
    return ""


def reversed_lists(theirs: Lists, ours: Lists) -> bool:
    """Say whether the lists begin with the output layer."""
    pairs = [(p, q) for mine, other in zip(ours, theirs, strict=True) for p, q in zip(mine, other[::-1], strict=True)]
    return all(p.shape == q.shape and relative_difference(p, q) <= TOLERANCE for p, q in pairs)


def zero(theirs: Lists) -> bool:
    return not any(g.any() for gs in theirs for g in gs)
