"""Reads the equations back as text, and computes with NumPy what they say.

The grammar, from loose to tight. Spaces matter: `σ(z)` is a function of z, `w (a + b)` a product of matrices.

    line     left = right, or left = as recorded = what remains; of an error also δ = ∂C/∂z = …
    sum      terms with + and − between them
    term     a product, or `above / below`
    product  factors with ⊙ or · between them: element by element, broadcast as in NumPy
    matrices factors side by side: numbers scale, arrays are multiplied as matrices, from the left. A vector is a
             column: w x is a vector, x yᵀ a matrix, xᵀ y a number. xᵀ is a row, elsewhere a matrix of one row
    postfix  xᵀ the transpose, x² and x^(y) powers, x₀ and x[…] elements as NumPy has them
    factor   a number, 1/2, a name, ∂C/∂w, (…), f(…) with NumPy's functions and parameters, Σ x over all elements,
             Σₙ x over the first axis of a matrix, Σₖ x over the last, which stays with length one; 𝟙[a > b];
             𝟏₂ₓ₃ and 𝟎₂ₓ₃ of that shape, 𝐈₃ₓ₃
"""

import re

import numpy as np

import autograd
from autograd import Tensor, equations
from autograd.readings.notation import Unicode

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₓ", "0123456789x")
PRECISE = Unicode(digits=17)
SAME = {"rtol": 1e-12, "atol": 1e-12}
COMPARISONS = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal,
               "≠": np.not_equal}  # fmt: skip
UP_TO_ROUNDING = {  # what cancelled may differ in rounding from what was recorded: ties are then ties up to that
    ">": lambda a, b: (a > b) & ~np.isclose(a, b, **SAME), "<": lambda a, b: (a < b) & ~np.isclose(a, b, **SAME),
    "≥": lambda a, b: (a >= b) | np.isclose(a, b, **SAME), "≤": lambda a, b: (a <= b) | np.isclose(a, b, **SAME),
    "=": lambda a, b: np.isclose(a, b, **SAME), "≠": lambda a, b: ~np.isclose(a, b, **SAME),
}  # fmt: skip


class Row:
    """The transpose of a vector, or such a one times a matrix."""

    def __init__(self, array):
        self.array = array


def plain(x):
    return x.array if isinstance(x, Row) else x


def number(x):
    """Truth values as numbers."""
    return np.asarray(x, float)[()] if np.asarray(x).dtype == bool else x


def setting(x):
    """A parameter: whole numbers, also inside lists and tuples."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(setting, x))
    return int(x) if isinstance(x, float) and x.is_integer() else x


def of_two(reduction, elementwise):
    """max(x, axis=0) and max(a, b) are written alike."""
    return lambda *args, **settings: (reduction if len(args) == 1 else elementwise)(*args, **settings)


def scatter(x, index, shape):
    out = np.zeros(shape)
    np.add.at(out, index, x)
    return out


FUNCTIONS = {
    "σ": lambda z: 1 / (1 + np.exp(-z)), "ReLU": lambda z: np.maximum(z, 0), "ln": np.log, "scatter": scatter,
    "softplus": lambda z: np.log1p(np.exp(z)), "softmax": autograd.softmax, "log_softmax": autograd.log_softmax,
    "logsumexp": autograd.logsumexp, "max": of_two(np.max, np.maximum), "min": of_two(np.min, np.minimum),
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view, "power": np.power,
}  # fmt: skip


def product(a, b):
    """Two factors side by side."""
    if np.ndim(plain(a)) == 0:
        return Row(a * b.array) if isinstance(b, Row) else plain(a) * b
    if isinstance(a, Row):
        b = plain(b)
        return (a.array @ b)[0] if b.ndim == 1 else Row(a.array @ b)
    if a.ndim == 1:
        assert np.ndim(plain(b)) == 2 and plain(b).shape[0] == 1, "a column meets what is no row"
        return a[:, None] @ plain(b)
    return a @ plain(b)


class Reading:
    """The value of an expression; `names` has those of names and derivatives, as they are written."""

    def __init__(self, text, names, comparisons=COMPARISONS):
        self.text, self.names, self.at, self.comparisons = text, names, 0, comparisons

    def value(self):
        value = self.sum()
        assert self.at == len(self.text), f"{self.text!r} is not read after {self.text[: self.at]!r}"
        return plain(value)

    def ahead(self, *texts):
        return next((text for text in texts if self.text.startswith(text, self.at)), "")

    def take(self, *texts):
        found = self.ahead(*texts)
        self.at += len(found)
        return found

    def expect(self, text):
        assert self.take(text), f"{text!r} is missing in {self.text!r} after {self.text[: self.at]!r}"

    def match(self, pattern):
        found = re.compile(pattern).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def sum(self):
        total = -number(plain(self.term())) if self.take("−") else self.term()
        while sign := self.take(" + ", " − ", " & ", " | ", " ^ "):
            other = plain(self.term())
            if sign in (" + ", " − "):
                total = number(plain(total)) + (number(other) if sign == " + " else -number(other))
            else:
                kind = {" & ": np.logical_and, " | ": np.logical_or, " ^ ": np.logical_xor}[sign]
                total = kind(plain(total), other)
        return total

    def term(self):
        above = self.product()
        return plain(above) / plain(self.product()) if self.take(" / ") else above

    def product(self):
        value = self.matrices()
        while self.take(" ⊙ ", " · "):
            value = plain(value) * plain(self.matrices())
        return value

    def matrices(self):
        value = self.postfix()
        while (
            self.ahead(" ")
            and not self.ahead(" + ", " − ", " / ", " ⊙ ", " · ", " & ", " | ", " ^ ", " ]")
            and (not re.match(r" [><≥≤=≠] ", self.text[self.at :]))
        ):
            self.at += 1
            value = product(value, self.postfix())
        return value

    def postfix(self):
        value = self.factor()
        while True:
            if self.take("ᵀ"):
                array = plain(value)
                value = Row(array[None, :]) if array.ndim == 1 else array.T
                continue
            if found := self.match("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+"):
                value = plain(value) ** int(found[0].translate(RAISED))
                continue
            if found := self.match("[₀₁₂₃₄₅₆₇₈₉]+"):
                value = plain(value)[int(found[0].translate(LOWERED))]
                continue
            if self.take("^("):
                value = np.power(plain(value), plain(self.sum()))
                self.expect(")")
                continue
            if self.take("["):
                value = plain(value)[self.index()]
                continue
            if found := self.match(r"\.([a-z]+)\("):
                args, settings = self.arguments(found[1])
                value = getattr(np.asarray(plain(value)), found[1])(*map(setting, args), **settings)
                continue
            return value

    def index(self):
        """What stands between brackets, up to the closing one."""
        depth, end = 1, self.at
        while depth:
            depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(self.text[end], 0)
            end += 1
        inside, self.at = self.text[self.at : end - 1], end
        try:
            return eval(f"np.s_[{inside}]", {"__builtins__": {}, "np": np})
        except (NameError, SyntaxError):
            parts = [self.part(part) for part in split(inside, ", ")]
            return tuple(parts) if len(parts) > 1 else parts[0]

    def part(self, text):
        try:
            return eval(f"np.s_[{text}]", {"__builtins__": {}, "np": np})
        except (NameError, SyntaxError):
            value = Reading(text, self.names, self.comparisons).value()
            return value if np.asarray(value).dtype == bool else np.asarray(value).astype(int)

    def factor(self):
        if found := self.match("Σ([ₙₖ]?) "):
            x = plain(self.postfix())
            return {"": np.sum, "ₙ": lambda x: np.sum(x, axis=0), "ₖ": lambda x: np.sum(x, axis=1, keepdims=True)}[
                found[1]
            ](x)
        if self.take("𝟙["):
            a = plain(self.sum())
            comparison = self.match(" ([><≥≤=≠]) ")[1]
            b = plain(self.sum())
            self.expect("]")
            return np.asarray(self.comparisons[comparison](a, b), float)
        if found := self.match("([𝟏𝟎𝐈])([₀-₉ₓ]*)"):
            shape = tuple(int(n) for n in found[2].translate(LOWERED).split("x"))
            return {"𝟏": np.ones, "𝟎": np.zeros, "𝐈": lambda shape: np.eye(*shape)}[found[1]](shape)
        if found := self.match(r"-?\d+/\d+"):
            above, below = found[0].split("/")
            return float(above) / float(below)
        if found := self.match(r"-?\d+(\.\d*)?(e[−+-]?\d+)?"):
            return float(found[0].replace("−", "-"))
        if self.take("∞"):
            return np.inf
        if self.take("~"):
            return np.logical_not(plain(self.postfix()))
        if self.take("s_["):
            return self.index()
        if found := self.match('"([^"]*)"'):
            return found[1]
        if self.take("()"):
            return ()
        if self.take("("):
            value = self.sum()
            if self.ahead(","):
                parts = [plain(value)]
                while self.take(", ", ","):
                    if not self.ahead(")"):
                        parts.append(plain(self.sum()))
                value = setting(tuple(parts))
            self.expect(")")
            return value
        if self.take("["):
            parts = [plain(self.sum())]
            while self.take(", "):
                parts.append(plain(self.sum()))
            self.expect("]")
            return parts
        known = [name for name in self.names if name.startswith("∂") and self.ahead(name)]
        if known:
            return self.names[self.take(max(known, key=len))]
        return self.called(self.match(r"[^\W\d][\w₀-₉⁰-⁹¹²³.]*"))

    def called(self, found):
        assert found, f"nothing is read in {self.text!r} after {self.text[: self.at]!r}"
        run = found[0].rstrip("ᵀ.")
        if run.split(".")[0] in self.names:  # a method of a value
            run = run.split(".")[0]
        self.at = found.start() + len(run)
        if self.take("("):
            return self.call(run)
        known = [run[:n] for n in range(len(run), 0, -1) if run[:n] in self.names]
        assert known, f"{run!r} in {self.text!r} is nobody's name"
        self.at = found.start() + len(known[0])
        return self.names[known[0]]

    def call(self, function):
        args, settings = self.arguments(function)
        called = FUNCTIONS.get(function) or eval(f"np.{function}", {"np": np})
        if function in SMOOTH:  # of truth values NumPy would take it in half precision
            args = [number(x) for x in args]
        whole = [setting(x) if i and function not in ELEMENTS else x for i, x in enumerate(args)]
        if function == "arange":
            whole = setting(whole)
        return called(*whole, **settings)

    def arguments(self, function):
        """What stands between the parentheses of a call."""
        args, settings = [], {}
        while not self.take(")"):
            if found := self.match(r"([a-z_]+)="):
                start = self.at
                end = next(e for e in range(start + 1, len(self.text)) if self.text[e] in ",)" and
                           _balanced(self.text[start:e]))  # fmt: skip
                settings[found[1]] = eval(self.text[start:end], {"np": np, "float32": np.float32})
                self.at = end
            else:
                args.append(plain(self.sum()))
            self.take(", ")
        return args, settings


SMOOTH = {
    "sin",
    "cos",
    "tan",
    "exp",
    "ln",
    "sqrt",
    "tanh",
    "sinh",
    "cosh",
    "arctan",
    "arcsin",
    "arccos",
    "expm1",
    "log1p",
}
ELEMENTS = {"where", "clip", "max", "min", "power", "heaviside", "arctan2"}


def _balanced(text):
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]"))


def split(text, by):
    """The parts of a text between what stands outside of all brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(c, 0)
        if not depth and text.startswith(by, i):
            parts.append(text[start:i])
            start = i + len(by)
    return [*parts, text[start:]]


def check(f, args, parameters=None, names=None, wanted=None):
    """Every line of the equations of f, read back as text, is true, and the gradients are those of backward().

    `parameters` has what f reaches besides its arguments, by name; `names` those of f's parameters, where they cannot
    be seen in it, and `wanted` the gradients by name, from somewhere else.
    """
    reading = equations(f, *args)
    labels = names or f.__code__.co_varnames[: f.__code__.co_argcount]
    given = {**dict(zip(labels, args)), **(parameters or {})}
    try:
        check_lines(reading, f, args, given, wanted, COMPARISONS)
    except AssertionError:
        check_lines(reading, f, args, given, wanted, UP_TO_ROUNDING)
    return reading


def check_lines(reading, f, args, given, wanted, comparisons, rtol=1e-7):
    with np.errstate(all="ignore"):
        output = f(*args)
        exact = autograd.backprop(output)
        called = dict(zip(given, list(reading.inputs.values())[: len(args)]))
        called |= {name: reading.inputs.get(name, name) for name in list(given)[len(args) :]}
        called = {name: PRECISE.symbol(written) for name, written in called.items() if written}
        names = {called[name]: np.asarray(getattr(given[name], "data", given[name])) for name in called}
        names |= {PRECISE.symbol(name): x for name, x in reading.arrays.items()}
        checked = set()
        scale = max(np.max(np.abs(g), initial=0.0) for g in exact.values())
        for equation in [*reading.values, *reading.gradient]:
            lefts, rights = split_sides(equation.text(PRECISE))
            values = [np.broadcast_to(Reading(right, names, comparisons).value(), equation.shape) for right in rights]
            values = [np.asarray(value, float) for value in values]
            for value in values[1:]:
                compare(equation, value, values[0], rtol, scale)
            names |= dict.fromkeys(lefts, values[-1])
            for name in called:
                x = given[name]
                if isinstance(x, Tensor) and f"/∂{called[name]}" == lefts[0][lefts[0].find("/") :]:
                    compare(equation, values[-1], (wanted or {}).get(name, exact[x]), rtol, scale)
                    checked.add(name)
        compare(reading.values[-1], names[split_sides(reading.values[-1].text(PRECISE))[0][0]], output.data, rtol, 1)
    missing = {name for name, x in given.items() if isinstance(x, Tensor) and x in exact} - checked
    assert not missing, f"no line for the gradient of {missing}:\n{reading}"


def split_sides(line):
    sides = split(line, " = ")
    lefts = [side for i, side in enumerate(sides) if i == 0 or (i == 1 and side.startswith("∂") and len(sides) > 2
             and sides[0].startswith("δ") and " " not in side)]  # fmt: skip
    return lefts, sides[len(lefts) :]


def compare(equation, got, wanted, rtol, scale):
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-9 * max(scale, 1.0), err_msg=equation.text(PRECISE))
