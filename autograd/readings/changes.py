"""Lists what somebody may have written in place of an expression: the expression, changed in one place.

A factor, a term, a sign or a transpose is left out, another value of the same shape is used, a sum becomes a mean, …
Nothing here knows a function: only sums, products, and what they are made of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction

from autograd.readings.algebra import ONE, Atom, Sum, Term, alone, column, group, shape_of, spread, times
from autograd.readings.notation import UNICODE

Change = tuple[Sum, str, str, int]  # the changed expression, the part as it was written, what happened to it, the rank
Others = Mapping[tuple[int, ...], list[Atom]]  # what may be taken for a value of a shape
LEFT_OUT, SIGN, FACTOR, TAKEN, ADDED, FAR = range(6)  # how far-fetched a slip is


def changes(x: Sum, others: Others, top: bool = True) -> Iterator[Change]:
    """List what somebody may have written in place of `x`: the expression, changed in one place."""
    for i, term in enumerate(x):
        for new, part, what, rank in _changed_term(term, others):
            yield (*x[:i], *new, *x[i + 1 :]), part, what, rank
        written = UNICODE.term(term)
        if len(x) > 1:
            yield (*x[:i], *x[i + 1 :]), written, "is missing", LEFT_OUT
        for end in range(i + 2, len(x) + (i > 0)):  # several beside one another
            yield (*x[:i], *x[end:]), UNICODE.sum(x[i:end]), "is missing", LEFT_OUT
        if not top or len(x) > 1:
            yield (*x[:i], Term(-term.coefficient, term.factors), *x[i + 1 :]), written, "has the wrong sign", SIGN
            for by, what in ((Fraction(2), "is there twice"), (Fraction(1, 2), "is halved")):
                yield (*x[:i], Term(times(term.coefficient, by), term.factors), *x[i + 1 :]), written, what, FACTOR


def _changed_term(term: Term, others: Others) -> Iterator[tuple[Sum, str, str, int]]:
    coefficient, factors = term
    if abs(coefficient) != 1 and factors:
        sign = 1 if coefficient > 0 else -1
        written = UNICODE.number(abs(coefficient))
        yield (Term(Fraction(sign), factors),), written, "is missing", LEFT_OUT
        if isinstance(coefficient, Fraction) and coefficient.numerator not in (1, -1):
            rest = Fraction(sign, coefficient.denominator)
            yield (Term(rest, factors),), written, f"should not be {abs(rest)}", FACTOR
        turned = ONE / coefficient if isinstance(coefficient, Fraction) else 1 / coefficient
        yield (Term(turned, factors),), written, "is turned over", FACTOR
    for length in range(1, len(factors) + (coefficient != 1)):  # several beside one another, as sigma' is two
        for i in range(len(factors) - length + 1):
            run = factors[i : i + length]
            divides = all(n < 0 for _, n in run)
            written = UNICODE.term(Term(ONE, tuple([(factor, -n) for factor, n in run]) if divides else run))
            yield (Term(coefficient, (*factors[:i], *factors[i + length :])),), written, "is missing", LEFT_OUT
            if length > 1:
                yield (Term(coefficient, (*factors, *run)),), written, "is there twice", ADDED
    for i, (factor, n) in enumerate(factors):
        before, after = factors[:i], factors[i + 1 :]
        written = UNICODE.power(factor, abs(n))
        if n != 1:
            yield (Term(coefficient, (*before, (factor, 1), *after)),), written, "has lost its power", LEFT_OUT
            for m in (n - 1, n + 1):
                if m not in (0, 1):
                    yield (Term(coefficient, (*before, (factor, m), *after)),), written, f"has the power {m}", FACTOR
        if n == 1:
            yield (Term(coefficient, (*before, (factor, 2), *after)),), written, "is there twice", ADDED
            yield (Term(coefficient, (*before, (factor, -1), *after)),), written, "is divided by", FACTOR
        inside = shape_of(factor.args[0]) if factor.kind == "total" else ()
        if n == 1 and factor.name and len(inside) == 2:  # 1/n Σₙ is a mean
            by = Fraction(inside[0], inside[1]) if factor.name == "n" else Fraction(inside[1], inside[0])
            along = Atom("total", OTHER_AXIS[factor.name], factor.args, factor.shape)
            mean = Term(times(coefficient, by), (*before, (along, 1), *after))
            yield (mean,), written, "is a mean along another axis", FACTOR
        for new, part, what, rank in _changed_atom(factor, others):
            if n == 1 and len(new) == 1:
                merged = Term(times(coefficient, new[0].coefficient), (*before, *new[0].factors, *after))
            else:
                merged = Term(coefficient, (*before, (Atom("group", "", (new,), shape_of(new)), n), *after))
            yield (merged,), part, what, rank


def _changed_atom(x: Atom, others: Others) -> Iterator[Change]:
    written = UNICODE.atom(x)
    if x.kind in ("symbol", "derivative"):
        for other in others.get(x.shape, ()):
            if other != x:
                yield one(other), written, f"is taken for {UNICODE.atom(other)}", TAKEN
        for other in others.get(x.shape[:1], ()) if len(x.shape) == 2 and x.shape[1] == 1 else ():
            yield column(one(other)), written, f"is taken for {UNICODE.atom(other)}", TAKEN
        opposite = (Term(ONE), Term(-ONE, ((x, 1),)))
        yield opposite, written, f"is taken for {UNICODE.sum(opposite)}", TAKEN
        if len(x.shape) == 2 and x.shape[0] == x.shape[1]:
            yield one(Atom("transpose", "", (one(x),), x.shape)), written, "is transposed", SIGN
        return
    if x.kind in ("total", "mean"):
        yield x.args[0], written, "is not summed", LEFT_OUT
        yield one(Atom("mean", x.name, x.args, x.shape)), written, "is a mean, not a sum", FACTOR
        if x.name:
            yield one(Atom("total", "", x.args)), written, "is summed over everything", FACTOR
            if x.name in OTHER_AXIS:
                yield (
                    one(Atom("total", OTHER_AXIS[x.name], x.args, x.shape)),
                    written,
                    "is summed along another axis",
                    FACTOR,
                )
        if x.name != "k":
            yield one(Atom("index", "-1", x.args, x.shape)), written, "is of the last one alone, not a sum", TAKEN
    if x.kind == "transpose" and len(x.shape) == 2 and x.shape[0] == x.shape[1]:
        yield x.args[0], written, "is not transposed", SIGN
    if x.kind == "matmul":
        if len(x.shape) == 2 and x.shape[0] == x.shape[1]:
            yield one(Atom("transpose", "", (one(x),), x.shape)), written, "is transposed", SIGN
        for i, arg in enumerate(x.args):
            rest = (*x.args[:i], *x.args[i + 1 :])
            left_out = UNICODE.as_factor(arg)
            if len(rest) > 1:
                yield one(Atom("matmul", "", rest, x.shape)), left_out, "is missing", LEFT_OUT
            elif rest:
                yield rest[0], left_out, "is missing", LEFT_OUT
            ones = one(Atom("ones", "", (), shape_of(arg)))
            yield (
                one(Atom("matmul", "", (*x.args[:i], ones, *x.args[i + 1 :]), x.shape)),
                left_out,
                "is missing",
                TAKEN,
            )
        if len(x.args) == 2:
            a, b = x.args
            yield one(Atom("matmul", "", (b, a), x.shape)), written, "is in the wrong order", SIGN
            last = (one(Atom("index", "..., -1:", (a,), shape_of(a))), one(Atom("index", "-1:", (b,), shape_of(b))))
            what = "is of the last one alone, not summed over all"
            yield one(Atom("matmul", "", last, x.shape)), written, what, TAKEN
    for i, arg in enumerate(x.args):
        for changed, part, what, rank in changes(arg, others, top=x.kind in LINEAR):
            lost = x.kind == "numpy" and shape_of(changed) != shape_of(arg)  # of reshape(…)
            new = spread(changed, shape_of(arg)) if lost else changed
            rank = max(rank, ADDED) if x.kind == "indicator" and rank == FACTOR else rank  # 1/a ≤ 1 is a ≥ 1
            yield one(Atom(x.kind, x.name, (*x.args[:i], new, *x.args[i + 1 :]), x.shape)), part, what, rank
    if x.kind == "call" and x.name == "where":
        for kept in x.args[1:]:
            yield spread(kept, x.shape), UNICODE.sum(x.args[0]), "is missing", LEFT_OUT
    if x.kind == "indicator":
        for comparison in TURNED[x.name]:
            other = Atom("indicator", comparison, x.args, x.shape)
            yield one(other), written, f"is taken for {UNICODE.atom(other)}", TAKEN
    if x.kind == "call" and len(x.args) == 1:
        yield x.args[0], written, f"is taken for {UNICODE.sum(x.args[0])}", TAKEN
        if x.name in ALIKE:
            other = Atom("call", ALIKE[x.name], x.args, x.shape)
            yield one(other), written, f"is taken for {UNICODE.atom(other)}", TAKEN
        if x.name in LAST_AXIS and len(x.shape) == 2:
            across = Atom("call", x.name, (one(Atom("transpose", "", x.args, x.shape[::-1])),), x.shape[::-1])
            yield one(Atom("transpose", "", (one(across),), x.shape)), written, "is along another axis", FACTOR
    function, _, rest_of_call = x.name.partition("(")
    if x.kind == "numpy" and function in ALIKE:
        other = Atom("numpy", f"{ALIKE[function]}({rest_of_call}", x.args, x.shape)
        yield one(other), written, f"is taken for {UNICODE.atom(other)}", SIGN
    if x.kind == "numpy" and x.name.startswith("scatter("):
        other = Atom("numpy", x.name.replace("scatter(", "overwrite(", 1), x.args, x.shape)
        yield one(other), written, "is not summed where an index is there twice, but overwritten", FACTOR
    if x.kind == "numpy" and "axis=" in x.name:
        for axis, turned in (("axis=0", "axis=1"), ("axis=1", "axis=0"), ("axis=-1", "axis=0")):
            if axis in x.name:
                yield (
                    one(Atom("numpy", x.name.replace(axis, turned), x.args, x.shape)),
                    written,
                    f"is along {turned}",
                    FACTOR,
                )


OTHER_AXIS = {"n": "k", "k": "n"}  # of a matrix, by the letters that its sums have
LINEAR = {"matmul", "transpose", "total", "mean", "group", "column", "index"}  # the sign inside is that of the whole
TURNED = {">": "<≤", "<": ">≥", "≥": "≤<", "≤": "≥>", "=": "≠", "≠": "="}  # the other side, without the edge or with it
ALIKE = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "exp": "log", "log": "exp", "max": "min",
         "min": "max", "sigmoid": "tanh", "tanh": "sigmoid", "softmax": "exp"}  # fmt: skip
LAST_AXIS = {"softmax", "log_softmax"}  # functions that put the numbers of the last axis together


def one(x: Atom) -> Sum:
    return (Term(ONE, ((x, 1),)),)


def of_the_whole(
    x: Sum, shape: tuple[int, ...], sizes: Collection[int], more: Collection[Term], smaller: Collection[Atom]
) -> Iterator[Change]:
    """List changes of a right side as a whole.

    more     products of its shape, of which one may have been put in too much
    smaller  values that are repeated to its shape, by which it may have been multiplied or divided
    """
    yield tuple([Term(-term.coefficient, term.factors) for term in x]), "", "the sign is wrong", SIGN
    factors = [(Fraction(2), "is there twice"), (Fraction(1, 2), "is halved")]
    for n in sizes:
        factors.append((Fraction(1, n), f"is divided by {n}, the length of an axis"))
        factors.append((Fraction(n), f"is multiplied by {n}, the length of an axis"))
    for n in sizes:
        for m in sizes:
            if n < m:
                factors += [(Fraction(n, m), f"is {n}/{m} of what it should be, the lengths of two axes"),
                            (Fraction(m, n), f"is {m}/{n} of what it should be, the lengths of two axes")]  # fmt: skip
    whole = group(x)
    for by, what in factors:
        yield (Term(times(whole.coefficient, by), whole.factors),), "", what, FACTOR
    for value in smaller:
        for n, what in ((1, "multiplied"), (-1, "divided")):
            product = Term(whole.coefficient, (*whole.factors, (value, n)))
            yield (product,), "", f"is {what} by {UNICODE.atom(value)}, which does not belong there", ADDED
    if len(shape) == 2 and shape[0] == shape[1]:
        yield one(Atom("transpose", "", (x,), shape)), "", "is transposed", SIGN
    if (function := alone(x)) is not None and function.kind == "call":
        yield (Term(ONE),), UNICODE.sum(x), "is missing", TAKEN
    for i, term in enumerate(x if len(x) > 1 else ()):
        for by, what in factors[2:]:
            yield (
                (*x[:i], Term(times(term.coefficient, by), term.factors), *x[i + 1 :]),
                UNICODE.term(term),
                what,
                FACTOR,
            )
    for term in more:
        if term.factors and (len(term.factors) > 1 or term.factors[0] not in whole.factors):
            written = UNICODE.term(Term(ONE, term.factors))
            product = Term(whole.coefficient, (*whole.factors, *term.factors))
            yield (product,), "", f"is multiplied by {written}, which does not belong there", ADDED
            yield (*x, Term(ONE, term.factors)), "", f"has {written} added, which does not belong there", ADDED


Material = Mapping[tuple[int, ...], list[Term]]  # products that may stand for one another, by their shapes


def far_changes(x: Sum, material: Material, functions: Collection[str], deep: bool) -> Iterator[Change]:
    """List changes that are less likely: another product of the same shape, a function or a factor too much.

    material   the products
    functions  functions of one argument, one of which may have been applied where it does not belong
    deep       whether to change the insides of the factors, or the factors themselves
    """
    for i, (coefficient, factors) in enumerate(x):
        for length in range(1, len(factors) + 1 if not deep else 1):
            for k in range(len(factors) - length + 1):
                run, before, after = factors[k : k + length], factors[:k], factors[k + length :]
                written = UNICODE.term(Term(ONE, run))
                for other in material.get(shape_of((Term(ONE, run),)), ()) if all(n > 0 for _, n in run) else ():
                    if other.factors != run or other.coefficient != 1:
                        new = Term(times(coefficient, other.coefficient), (*before, *other.factors, *after))
                        yield (*x[:i], new, *x[i + 1 :]), written, f"is taken for {UNICODE.term(other)}", FAR
        if len(x) > 1 and not deep:
            for other in material.get(shape_of((Term(ONE, factors),)), ()):
                if len(other.factors) == 1 and other.coefficient == 1:
                    new = Term(coefficient, (*factors, *other.factors))
                    what = f"is multiplied by {UNICODE.term(other)}, which does not belong there"
                    yield (*x[:i], new, *x[i + 1 :]), UNICODE.term(x[i]), what, FAR
        for k, (factor, n) in enumerate(factors):
            before, after = factors[:k], factors[k + 1 :]
            if not deep and factor.kind == "group":
                root = Atom("call", "sqrt", (one(factor),), factor.shape)
                new = Term(coefficient, (*before, (root, n), *after))
                yield (*x[:i], new, *x[i + 1 :]), UNICODE.atom(factor), f"has the power {Fraction(n, 2)}", FAR
            for j, arg in enumerate(factor.args if deep or factor.kind in LINEAR else ()):
                for changed, part, what, rank in (
                    change
                    for inside in (False, True)[: 1 + deep]
                    for change in far_changes(arg, material, functions, inside)
                ):
                    args = (*factor.args[:j], changed, *factor.args[j + 1 :])
                    new = Term(coefficient, (*before, (Atom(factor.kind, factor.name, args, factor.shape), n), *after))
                    yield (*x[:i], new, *x[i + 1 :]), part, what, rank
    for length in range(1, len(x) + 1 if not deep else 1):  # a function of the first terms, as of z in z − y
        start = x[:length]
        for name in functions:
            applied = one(Atom("call", name, (start,), shape_of(start)))
            written = UNICODE.sum(start)
            yield (*applied, *x[length:]), written, f"is taken for {UNICODE.sum(applied)}", FAR


def slopes(x: Sum, steps: bool) -> list[Term]:
    """List the derivatives of functions in terms of their results: σ′ is a (1 − a), tanh′ is 1 − a², with `steps` 𝟙[a >
    0]."""
    a, shape = group(x), shape_of(x)
    below, below_square = (
        Atom("group", "", ((Term(ONE), Term(-ONE, tuple([(f, n * m) for f, n in a.factors]))),), shape) for m in (1, 2)
    )
    above = Atom("indicator", ">", (x, ()), shape)
    found = [Term(ONE, (*a.factors, (below, 1))), Term(ONE, ((below_square, 1),))]
    return [*found, Term(ONE, ((above, 1),))] if steps else found


def replaced(x: Sum, old: Atom, new: Sum, but: Sum | None = None) -> Sum:
    """Replace an atom by another expression, wherever it stands; leave what is `but` as it is."""
    if x == but:
        return x
    terms: list[Term] = []
    for term in x:
        factors: list[tuple[Atom, int]] = []
        coefficient = term.coefficient
        for factor, n in term.factors:
            if factor == old:
                if len(new) == 1 and n == 1:
                    coefficient = times(coefficient, new[0].coefficient)
                    factors += new[0].factors
                else:
                    factors.append((Atom("group", "", (new,), shape_of(new)), n))
            elif factor.args:
                args = tuple([replaced(arg, old, new, but) for arg in factor.args])
                factors.append(
                    (factor if args == factor.args else Atom(factor.kind, factor.name, args, factor.shape), n)
                )
            else:
                factors.append((factor, n))
        terms.append(Term(coefficient, tuple(factors)))
    return tuple(terms)


def atoms(x: Sum) -> Iterator[Atom]:
    """List every atom in an expression, as often as it occurs."""
    for term in x:
        for factor, _ in term.factors:
            yield factor
            for arg in factor.args:
                yield from atoms(arg)


def name_of(x: Sum) -> str:
    """Return the symbol that an expression consists of; nothing if it is anything else."""
    alone = len(x) == 1 and len(x[0].factors) == 1 and x[0].factors[0][0].kind == "symbol"
    return x[0].factors[0][0].name if alone else ""


def names_in(x: Sum) -> set[str]:
    """List the names that an expression reads."""
    return {f"d{a.name.split('/', 1)[1]}" if a.kind == "derivative" else a.name for a in atoms(x)
            if a.kind in ("symbol", "derivative")}  # fmt: skip
