"""Equations read back: their Unicode text as it is printed, computed with NumPy.

One-dimensional arrays are columns where a product or a transpose says so, and rows where they are spread over the rows
of a matrix; a line is true if one of the two readings, kept up through all lines, makes it so.
"""

from __future__ import annotations

import ast
import re
import warnings

import numpy as np
from drawing import Program, logsumexp, relu, sigmoid, softplus
from roads import EAGER, Unread, Wrong, eager, function

import autograd
from autograd import Tensor
from autograd.readings.notation import UNICODE

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₋", "0123456789-")
SUPERSCRIPT, SUBSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ᴸⁿᵀ", "₀₁₂₃₄₅₆₇₈₉₋₊₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"


def scatter(x, index, shape):
    """Zeros of this shape, with x added at the index."""
    out = np.zeros(shape)
    np.add.at(out, index, x)
    return out


def extreme(several, one):
    """max or min: of several values element by element, or over axes of one."""
    return lambda *xs, **params: several(*xs) if len(xs) > 1 else one(*xs, **params)


FUNCTIONS = {
    "σ": sigmoid,
    "ReLU": relu,
    "ln": np.log,
    "logsumexp": logsumexp,
    "softplus": softplus,
    "scatter": scatter,
    "max": extreme(np.maximum, np.max),
    "min": extreme(np.minimum, np.min),
}
COMPARISONS = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal,
               "≠": np.not_equal}  # fmt: skip


class Reader:
    """Computes expressions from the values of their symbols, by what is printed for them."""

    def __init__(self, names: dict, columns: bool):
        self.names, self.columns = names, columns

    def __call__(self, text: str):
        self.text, self.at = text, 0
        value = self.sum()
        self.space()
        if self.at < len(text):
            raise Unread(f"what is {text[self.at :][:20]!r}")
        return value

    def space(self) -> bool:
        start = self.at
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.at > start

    def take(self, *tokens: str) -> str:
        for token in tokens:
            if self.text.startswith(token, self.at):
                self.at += len(token)
                return token
        return ""

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise Unread(f"{token!r} is missing before {self.text[self.at :][:20]!r}")

    def sum(self):
        self.space()
        total = -self.term() if self.take("−") else self.term()
        while sign := self.take(" + ", " − "):
            term = self.term()
            total = total + term if sign == " + " else total - term
        return total

    def term(self):
        value = self.factor()
        while True:
            if self.take(" · ", " ⊙ "):
                value = value * self.factor()
            elif self.take(" / "):
                value = value / self.factor()
            elif self.text[self.at : self.at + 1] == " " and self.text[self.at + 1 : self.at + 2] not in "+−=<>≤≥≠,)]":
                self.at += 1
                right = self.factor()
                value = value * right if np.ndim(value) == 0 or np.ndim(right) == 0 else value @ right
            else:
                return value

    def factor(self):
        if self.take("Σ"):
            axes = ""
            while self.text[self.at : self.at + 1] in (*SUBSCRIPT, ","):
                axes += self.text[self.at]
                self.at += 1
            self.space()
            return self.total(self.factor(), axes)
        return self.after(self.whole())

    def total(self, x, axes: str):
        if not axes:
            return np.sum(x)
        found = []
        for letter in axes.split(","):
            plain = letter.translate(LOWERED)
            found.append(int(plain) if plain.isdigit() else "ₙₖᵢⱼₗₘ".index(letter))
        return np.sum(x, axis=tuple(found), keepdims=True)

    def whole(self):
        text, rest = self.text, self.text[self.at :]
        if self.take("("):
            value = self.sum()
            self.expect(")")
            return value
        if self.take("inf"):
            return np.inf
        if self.take("𝟙["):
            a = self.sum()
            sign = self.take(*(f" {sign} " for sign in COMPARISONS)).strip()
            if not sign:
                raise Unread("no comparison in 𝟙[…]")
            b = self.sum()
            self.expect("]")
            return COMPARISONS[sign](a, b).astype(float)
        if found := re.match(r"[0-9]+/[0-9]+(?![0-9.])|[0-9]+(\.[0-9]+)?(e[−+]?[0-9]+)?", rest):
            self.at += found.end()
            above, _, below = found[0].replace("−", "-").partition("/")
            return float(above) / float(below or 1)
        for name in sorted(self.names, key=len, reverse=True):
            after = text[self.at + len(name) : self.at + len(name) + 1]
            if text.startswith(name, self.at) and not (after.isalnum() and after not in SUPERSCRIPT + SUBSCRIPT):
                if after == "(":
                    break
                self.at += len(name)
                return self.names[name]
        if found := re.match(r"([^\W\d]|\.)[\w.]*\(", rest):
            name = found[0][:-1]
            self.at += found.end()
            args, params = [], {}
            while not self.take(")"):
                if found := re.match(r"([a-z_]+\d?)=(?!=)", self.text[self.at :]):
                    self.at += found.end()
                    params[found[1]] = self.argument()
                else:
                    args.append(self.argument())
                if not self.take(", "):
                    self.expect(")")
                    break
            return self.call(name.removeprefix("np."), args, params)
        raise Unread(f"{re.match(r'.[^ ()]*', rest)[0] if rest else 'nothing'} has no value")

    def argument(self):
        """An argument of a function: Python's own constants and brackets, or an expression."""
        rest = self.text[self.at :]
        if found := re.match(r"(None|True|False)\b|-?[0-9]+(?=[,)\]])|'[^']*'|\"[^\"]*\"", rest):
            self.at += found.end()
            return ast.literal_eval(found[0])
        if rest[:1] in ("[", "("):
            start = self.at
            self.bracketed()
            try:
                return ast.literal_eval(rest[: self.at - start])
            except (ValueError, SyntaxError):
                if ":" in rest[: self.at - start]:
                    return eval(f"np.s_[{rest[1 : self.at - start - 1]}]", {"np": np})
                self.at = start
            if rest[0] == "[":
                self.at += 1
                parts = [self.argument()]
                while self.take(", "):
                    parts.append(self.argument())
                self.expect("]")
                return parts
        return self.sum()

    def call(self, name: str, args: list, params: dict):
        if name in ("softmax", "log_softmax"):
            column = self.columns and np.ndim(args[0]) == 2 and np.shape(args[0])[1] == 1
            axis = params.get("axis", args[1] if len(args) > 1 else 0 if column else -1)
            e = np.exp(args[0]) / np.sum(np.exp(args[0]), axis=axis, keepdims=True)
            return e if name == "softmax" else np.log(e)
        call = FUNCTIONS.get(name)
        if call is None:
            call = np
            for part in name.split("."):
                call = getattr(call, part, None)
        if call is None:
            raise Unread(f"the function {name}")
        try:
            return call(*args, **params)
        except (TypeError, ValueError, IndexError) as error:
            raise Unread(f"{name}(…) as it is written: {type(error).__name__}") from None

    def after(self, value):
        while True:
            if self.take("ᵀ"):
                value = np.swapaxes(value, -1, -2) if np.ndim(value) > 1 else value
            elif found := re.match("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", self.text[self.at :]):
                self.at += found.end()
                value = value ** float(found[0].translate(RAISED))
            elif found := re.match("[₀₁₂₃₄₅₆₇₈₉₋]+", self.text[self.at :]):
                self.at += found.end()
                value = self.indexed(value, found[0].translate(LOWERED))
            elif self.take("^("):
                exponent = self.sum()
                self.expect(")")
                value = value**exponent
            elif self.text.startswith("[", self.at):
                value = self.indexed(value, self.bracketed())
            else:
                return value

    def bracketed(self) -> str:
        """What stands in the brackets that begin here."""
        depth = 0
        for end in range(self.at, len(self.text)):
            depth += (self.text[end] in "([") - (self.text[end] in ")]")
            if not depth:
                break
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def indexed(self, value, index: str):
        if index.startswith("(") and index.endswith(")") and ":" in index:
            index = index[1:-1]
        try:
            value = value[eval(f"np.s_[{index}]", {"np": np})]
        except Exception:
            raise Unread(f"the index [{index}]") from None
        return self.as_read(value)

    def as_read(self, x):
        return np.reshape(x, (-1, 1)) if self.columns and np.ndim(x) == 1 else np.asarray(x)


def sides(line: str) -> list[str]:
    """The parts of an equation between its equals signs, which may stand in brackets as well."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(line):
        depth += (c in "([") - (c in ")]")
        if depth == 0 and line.startswith(" = ", i):
            parts.append(line[start:i])
            start = i + 3
    return [*parts, line[start:]]


def printed_names(program: Program) -> dict[str, str]:
    """How the arguments and the constants are printed, by their name."""
    names = [*program.signature(), *program.constants]
    found = {}
    for name in names:
        letter = name.rstrip("0123456789")
        below = letter != name and letter.isalpha() and (letter in [*names, "C"])
        found[name] = UNICODE.symbol(f"{letter}_{name[len(letter) :]}" if below else name)
    return found


def holds(got, wanted, size: float, rough: bool) -> bool:
    wanted = np.asarray(wanted)
    try:
        got = np.broadcast_to(np.asarray(got, float), wanted.shape) if np.ndim(got) == 0 else np.asarray(got, float)
    except ValueError:
        return False
    if got.size != wanted.size and wanted.size:
        try:
            got = np.broadcast_to(got, wanted.shape)
        except ValueError:
            return False
    largest = float(np.max(np.abs(wanted), initial=0.0))
    tolerance = (1e-4 if rough else 1e-9) * largest + (1e-5 if rough else 1e-11) * size
    return bool(np.all(np.abs(got.reshape(wanted.shape) - wanted) <= tolerance))


def check(traveller) -> None:
    """Raises Wrong where a line of the equations of a program is false."""
    p = traveller.wide
    exact = eager(p, 0)
    f, _ = function(p, EAGER, constants=True)
    given = [Tensor(p.arguments[n][0]) if n in p.differentiated else p.arguments[n][0] for n in p.signature()]
    text = str(autograd.equations(f, *given, *p.constants.values()))
    printed = printed_names(p)
    data = {printed[n]: x for n, x in [*((n, p.arguments[n][0]) for n in p.signature()), *p.constants.items()]}
    output = next(iter(re.findall("∂(.+?)/∂", text)), None) or re.findall("(?m)^(.*?) = ", text)[-1]
    grads = {f"∂{output}/∂{printed[n]}": g for n, g in exact.grads.items()}
    grads[output] = exact.value
    errors: list[Exception] = []
    for columns in (True, False):
        try:
            return read(text, data, grads, exact, columns)
        except (Wrong, Unread) as error:
            errors.append(error)
        except (
            ValueError,
            IndexError,
            TypeError,
            SyntaxError,
            NameError,
            ArithmeticError,
        ) as error:  # of what is written
            errors.append(Unread(f"{type(error).__name__} in computing it"))
    if all(isinstance(error, Wrong) for error in errors):
        raise errors[0]
    raise next(error for error in errors if isinstance(error, Unread))


def false(name: str, wanted, value, text: str) -> str:
    numbers = [np.round(np.ravel(x)[:4], 6).tolist() for x in (wanted, value)]
    return (
        f"the line of {name} is false: {numbers[0]} of shape {np.shape(wanted)}, and the right side is {numbers[1]} of"
        f" shape {np.shape(value)}, in {' | '.join(text.splitlines()[:8])}"
    )


def read(text: str, data: dict, grads: dict, exact, columns: bool) -> None:
    reader = Reader({}, columns)
    reader.names |= {name: reader.as_read(x) for name, x in data.items()}
    rough = False  # from the first number on that is printed in six digits
    missing = {name for name in grads if name.startswith("∂")}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for line in text.split("\n\nfor ")[0].splitlines():
            if not line:
                continue
            parts = sides(line)
            left = [part for part in parts[:-1] if re.match("∂", part) or part == parts[0]]
            rough = rough or re.search(r"\d\.\d", line) is not None
            values = [reader(part) for part in parts if part not in left]
            for name in left:
                missing.discard(name)
                wanted = grads.get(name)
                for value in values if wanted is not None else []:
                    if not holds(value, wanted, exact.size, rough):
                        raise Wrong(false(name, wanted, value, text))
                reader.names[name] = reader.as_read(values[-1]) if np.ndim(values[-1]) == 1 else values[-1]
    for name in missing:
        if np.any(np.abs(grads[name]) > 1e-9 * exact.size):
            raise Wrong(f"there is no line for {name}")
