"""Writes expressions as people read them: Unicode for a terminal, LaTeX, and MathML for a browser."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from html import escape
from typing import Any

import numpy as np

from autograd.readings.algebra import Atom, Sum, Term, alone

RAISED = str.maketrans("0123456789-+()Ln", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ᴸⁿ")
LOWERED = str.maketrans("0123456789-+()aehijklmnoprstuvx×", "₀₁₂₃₄₅₆₇₈₉₋₊₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓₓ")
TIMES = " \\times "
DIGITS = 6  # of a number that is no simple fraction


def split_name(name: str) -> tuple[str, str, str]:
    """Split a name into the letter, the number above it and the index below it: w2 is w², h_3 is h₃.

    >>> split_name("w2"), split_name("h_3"), split_name("cost")
    (('w', '2', ''), ('h', '', '3'), ('cost', '', ''))
    """
    match = re.fullmatch(r"([^\W\d_]+?)(\d*)(?:_(\w+))?", name)
    return (match[1], match[2], match[3] or "") if match else (name, "", "")


def greek(word: str) -> str:
    """Return the Greek letter of this name, or nothing.

    >>> greek("delta"), greek("w")
    ('δ', '')
    """
    size = "SMALL" if word.islower() else "CAPITAL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {word.upper()}")
    except KeyError:
        return ""


class Unicode:
    """Writes expressions as text for a terminal; numbers that are not simple fractions get `digits` digits."""

    def __init__(self, digits: int = DIGITS):
        self.digits = digits

    minus, times, hadamard, plus = "−", " · ", " ⊙ ", "+"
    equals, beside, infinity = " = ", " ", "∞"
    marks = {"ones": "𝟏", "zeros": "𝟎", "eye": "𝐈"}  # noqa: RUF012
    functions = {"sigmoid": "σ", "relu": "ReLU", "log": "ln"}  # noqa: RUF012

    def symbol(self, name: str) -> str:
        word, above, below = split_name(name)
        lowered = below.translate(LOWERED)
        if lowered.isascii() or (len(below) > 2 and not below.isdigit()):  # a word below the line is hard to read
            lowered = f"_{below}"
        return (greek(word) or word) + above.translate(RAISED) + (lowered if below else "")

    def derivative(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}{exponent.translate(RAISED)}"

    def transposed(self, base: str) -> str:
        return f"{base}ᵀ"

    def fraction(self, above: str, below: str, above_is_one: bool, below_is_one: bool) -> str:
        return f"{above if above_is_one else f'({above})'} / {below if below_is_one else f'({below})'}"

    def number(self, value: Any) -> str:
        return str(value) if isinstance(value, Fraction) else self.decimal(value).replace("-", self.minus)

    def decimal(self, value: float) -> str:
        """Write a number with enough digits not to look like a whole number that it is not."""
        if np.isinf(value):
            return self.infinity
        short = f"{value:.{self.digits}g}"
        return short if float(short) == value or not float(short).is_integer() else repr(float(value))

    def call(self, function: str, args: list[str]) -> str:
        return f"{self.functions.get(function, function)}({', '.join(args)})"

    def any_power(self, base: str, exponent: str) -> str:
        return f"{base if base.isalpha() else self.parenthesised(base)}^({exponent})"

    def total(self, axes: str, x: str) -> str:
        return f"Σ{axes.translate(LOWERED)} {x}"

    def of_shape(self, kind: str, shape: tuple[int, ...]) -> str:
        """Write 𝟏₂ₓ₃, the array of ones of this shape, and in the same way 𝟎 and I."""
        return self.marks[kind] + "×".join(map(str, shape)).translate(LOWERED)

    def indicator(self, comparison: str, a: str, b: str) -> str:
        return f"𝟙[{a} {comparison} {b}]"

    def index(self, x: str, index: str) -> str:
        return f"{x}[{index}]"

    def element(self, x: str, index: str) -> str:
        return f"{x}{index.translate(LOWERED)}"

    def parenthesised(self, x: str) -> str:
        return f"({x})"

    # How a sum is written; the notations differ only in the parts above.

    def sum(self, x: Sum) -> str:
        if not x:
            return self.number(Fraction(0))
        first, *rest = sorted(x, key=lambda term: term.coefficient < 0)  # a − y rather than −y + a
        text = f"{self.minus if first.coefficient < 0 else ''}{self.term(first)}"
        for term in rest:
            text += f" {self.minus if term.coefficient < 0 else self.plus} {self.term(term)}"
        return text

    def term(self, term: Term) -> str:
        """Write a term without its sign."""
        coefficient = abs(term.coefficient)
        above = [self.power(factor, n) for factor, n in term.factors if n > 0]
        below = [self._under(factor, -n) for factor, n in term.factors if n < 0]
        arrays = [factor.array for factor, n in term.factors if n > 0]
        if isinstance(coefficient, Fraction) and coefficient.denominator > 1 and below:
            below.insert(0, self.number(Fraction(coefficient.denominator)))
            coefficient = Fraction(coefficient.numerator)
        if len(term.factors) > 1:  # a product of matrices or a sum stands in parentheses among other factors
            positive = [factor for factor, n in term.factors if n > 0]
            for i, factor in enumerate(positive):
                last = i == len(positive) - 1
                if factor.kind == "matmul" or (factor.kind == "total" and (below or not last)):
                    above[i] = self.parenthesised(above[i])
        product = self._product(above, arrays)
        if coefficient != 1 or not above:
            product = self.number(coefficient) + (f" {product}" if above else "")
        if not below:
            return product
        one = len(above) + (coefficient != 1) <= 1
        arrays = [factor.array for factor, n in term.factors if n < 0]
        under = self._product(below, [False] * (len(below) - len(arrays)) + arrays)
        return self.fraction(product, under, one, len(below) == 1)

    def _under(self, factor: Atom, n: int) -> str:
        """Write a power below the fraction bar, where a product of matrices or a sum stands in parentheses."""
        text = self.power(factor, n)
        return self.parenthesised(text) if n == 1 and factor.kind in ("matmul", "total") else text

    def _product(self, texts: list[str], arrays: list[bool]) -> str:
        product = ""
        for i, text in enumerate(texts):
            product += ("" if not i else self.hadamard if arrays[i] and arrays[i - 1] else self.times) + text
        return product

    def power(self, factor: Atom, n: int) -> str:
        text = self.atom(factor)
        if n == 1:
            return text if factor.kind != "numpy" or self._is_one(factor.name) else self.parenthesised(text)
        return self.raised(text if self._is_whole(factor) else self.parenthesised(text), str(n))

    def _is_whole(self, factor: Atom) -> bool:
        """Say whether something may be written above the atom without parentheses around it."""
        plain = factor.kind == "symbol" and not split_name(factor.name)[1]
        return plain or factor.kind in ("group", "indicator", "element")

    @staticmethod
    def _is_one(text: str) -> bool:
        """Say whether an expression of NumPy is a call, an index or the like, rather than an operation."""
        before = ""
        while before != text:  # leaves out what is in brackets, from the inside
            before, text = text, re.sub(r"[\[(][^\[\]()]*[\])]", "", text)
        return not re.search(r"[-+*/|&^~<>=@]", text)

    def atom(self, x: Atom) -> str:
        if x.kind == "symbol":
            return self.symbol(x.name)
        if x.kind == "derivative":
            return self.derivative(*map(self.symbol, x.name.split("/")))
        if x.kind == "group":
            return self.parenthesised(self.sum(x.args[0]))
        if x.kind == "matmul":
            return self.beside.join(self.as_factor(arg) for arg in x.args)
        if x.kind == "transpose":
            (inner,) = x.args
            found = alone(inner)
            whole = found is not None and inner[0].coefficient == 1 and self._is_whole(found)
            return self.transposed(self.sum(inner) if whole else self.parenthesised(self.sum(inner)))
        if x.kind == "total":
            return self.total(x.name, self.as_factor(x.args[0]))
        if x.kind == "indicator":
            return self.indicator(x.name, self.sum(x.args[0]), self.sum(x.args[1]))
        if x.kind == "element":
            return self.element(self.as_factor(x.args[0]), x.name)
        if x.kind == "index":
            return self.index(self.as_factor(x.args[0]), x.name)
        if x.name == "power":
            return self.any_power(self.as_factor(x.args[0]), self.sum(x.args[1]))
        if x.kind in ("ones", "zeros", "eye"):
            return self.of_shape(x.kind, x.shape)
        if x.kind == "column":
            return self.index(self.as_factor(x.args[0]), ":, None")
        if x.kind == "numpy":
            return self.numpy(x.name, x.args)
        return self.call(x.name, [self.sum(arg) for arg in x.args])

    def numpy(self, template: str, args: tuple[Sum, ...]) -> str:
        """Write an expression of NumPy with its values put in: in parentheses, unless there are some already."""
        pieces = [piece.replace("{{", "{").replace("}}", "}") for piece in re.split(r"(?<!\{)\{(\d+)\}", template)]
        text = self.literal(pieces[0])
        for i in range(1, len(pieces), 2):
            x = args[int(pieces[i])]
            inside = re.search(r"[(\[,=] ?$", pieces[i - 1]) and re.match(r"[)\],]", pieces[i + 1])
            text += (self.sum(x) if inside else self.as_factor(x)) + self.literal(pieces[i + 1])
        return text

    def literal(self, piece: str) -> str:
        """Write a part of an expression of NumPy."""
        return piece

    def as_factor(self, x: Sum) -> str:
        """Write a sum as a factor of a product: in parentheses, unless it is a single atom."""
        single = len(x) == 1 and x[0].coefficient == 1 and len(x[0].factors) == 1 and x[0].factors[0][1] > 0
        whole = single and x[0].factors[0][0].kind not in ("matmul", "total")  # and a power is one
        return self.sum(x) if whole else self.parenthesised(self.sum(x))


class LaTeX(Unicode):
    """Writes expressions as LaTeX, without the dollar signs."""

    minus, times, hadamard = "-", " \\, ", " \\odot "
    infinity = "\\infty"
    marks = {"ones": "\\mathbf{1}", "zeros": "\\mathbf{0}", "eye": "\\mathbf{I}"}  # noqa: RUF012
    functions = {"sigmoid": "\\sigma", "log": "\\ln", "relu": "\\operatorname{ReLU}"} | {
        name: f"\\{name}" for name in ("exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "max", "min")
    }

    def symbol(self, name: str) -> str:
        word, above, below = split_name(name)
        letter = f"\\{word}" if greek(word) and word not in ("omicron",) else word
        if len(word) > 1 and not greek(word):
            letter = f"\\mathrm{{{word}}}" if word.isalnum() else f"\\text{{{_escaped(word)}}}"
        return letter + (f"^{{{above}}}" if above else "") + (f"_{{{_lowered(below)}}}" if below else "")

    def derivative(self, of: str, by: str) -> str:
        return f"\\frac{{\\partial {of}}}{{\\partial {by}}}"

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def transposed(self, base: str) -> str:
        return f"{base}^\\top"

    def fraction(self, above: str, below: str, above_is_one: bool, below_is_one: bool) -> str:
        return f"\\frac{{{above}}}{{{below}}}"

    def number(self, value: Any) -> str:
        if isinstance(value, Fraction) and value.denominator > 1:
            return f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
        return str(value) if isinstance(value, Fraction) else re.sub(r"e([+-]\d+)", _ten_to, self.decimal(value))

    def of_shape(self, kind: str, shape: tuple[int, ...]) -> str:
        return f"{self.marks[kind]}_{{{TIMES.join(map(str, shape))}}}"

    def literal(self, piece: str) -> str:
        texts = re.split(r"(\"[^\"]*\"|[^\W\d]\w*)", piece)
        for i in range(1, len(texts), 2):
            inner = _escaped(texts[i])
            texts[i] = f"\\mathrm{{{inner}}}" if texts[i].isidentifier() else f"\\text{{{inner}}}"
        rest = [re.sub(r"([{}&#%])", r"\\\1", part) if not i % 2 else part for i, part in enumerate(texts)]
        return "".join(rest)

    def any_power(self, base: str, exponent: str) -> str:
        return f"{self.parenthesised(base)}^{{{exponent}}}"

    def call(self, function: str, args: list[str]) -> str:
        if function == "sqrt":
            return f"\\sqrt{{{args[0]}}}"
        if function == "abs":
            return f"\\left|{args[0]}\\right|"
        return f"{self.function(function)}\\left({', '.join(args)}\\right)"

    def function(self, name: str) -> str:
        return self.functions.get(name, f"\\operatorname{{{name}}}".replace("_", "\\_"))

    def total(self, axes: str, x: str) -> str:
        return f"\\sum_{{{axes}}} {x}" if axes else f"\\sum {x}"

    def indicator(self, comparison: str, a: str, b: str) -> str:
        signs = {"≥": "\\geq", "≤": "\\leq", "≠": "\\neq"}
        return f"\\mathbb{{1}}[{a} {signs.get(comparison, comparison)} {b}]"

    def index(self, x: str, index: str) -> str:
        return f"{x}[{self.literal(index)}]"

    def element(self, x: str, index: str) -> str:
        return f"{x}_{{{index}}}"

    def parenthesised(self, x: str) -> str:
        return f"\\left({x}\\right)"


class MathML(Unicode):
    """Writes expressions as what stands inside a `<math>` element.

    >>> print(MathML().symbol("w2"))
    <msup><mi>w</mi><mn>2</mn></msup>
    """

    minus, times, hadamard, plus = (f"<mo>{sign}</mo>" for sign in "−·⊙+")
    equals, beside, infinity = "<mo>=</mo>", '<mspace width="0.2em"/>', "<mi>∞</mi>"

    def symbol(self, name: str) -> str:
        word, above, below = split_name(name)
        letter = f"<mi>{escape(greek(word) or word)}</mi>"
        number, index = f"<mn>{escape(above)}</mn>", f"<mi>{escape(below)}</mi>"
        if above and below:
            return f"<msubsup>{letter}{index}{number}</msubsup>"
        return f"<msup>{letter}{number}</msup>" if above else f"<msub>{letter}{index}</msub>" if below else letter

    def derivative(self, of: str, by: str) -> str:
        return f"<mfrac><mrow><mo>∂</mo>{of}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>"

    def raised(self, base: str, exponent: str) -> str:
        return f"<msup>{_row(base)}{_row(_mathml_number(exponent))}</msup>"

    def transposed(self, base: str) -> str:
        return f'<msup>{_row(base)}<mi mathvariant="normal">T</mi></msup>'

    def fraction(self, above: str, below: str, above_is_one: bool, below_is_one: bool) -> str:
        return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"

    def number(self, value: Any) -> str:
        if isinstance(value, Fraction) and value.denominator > 1:
            return f"<mfrac>{_row(_mathml_number(str(value.numerator)))}<mn>{value.denominator}</mn></mfrac>"
        if not isinstance(value, Fraction) and np.isinf(value):
            return self.infinity
        return _mathml_number(str(value) if isinstance(value, Fraction) else self.decimal(value))

    def of_shape(self, kind: str, shape: tuple[int, ...]) -> str:
        return f"<msub><mi>{self.marks[kind]}</mi><mtext>{'×'.join(map(str, shape))}</mtext></msub>"

    def literal(self, piece: str) -> str:
        return f"<mtext>{escape(piece.replace(' ', chr(0xA0)))}</mtext>" if piece else ""

    def any_power(self, base: str, exponent: str) -> str:
        return f"<msup>{self.parenthesised(base)}{_row(exponent)}</msup>"

    def call(self, function: str, args: list[str]) -> str:
        if function == "sqrt":
            return f"<msqrt>{args[0]}</msqrt>"
        if function == "abs":
            return f"<mrow><mo>|</mo>{args[0]}<mo>|</mo></mrow>"
        name = escape(self.functions.get(function, function))
        return f"<mrow><mi>{name}</mi>{self.parenthesised('<mo>,</mo>'.join(args))}</mrow>"

    def total(self, axes: str, x: str) -> str:
        return f"<msub><mo>∑</mo><mi>{escape(axes)}</mi></msub>{x}" if axes else f"<mo>∑</mo>{x}"

    def indicator(self, comparison: str, a: str, b: str) -> str:
        return f"<mrow><mn>𝟙</mn><mo>[</mo>{a}<mo>{escape(comparison)}</mo>{b}<mo>]</mo></mrow>"

    def index(self, x: str, index: str) -> str:
        return f"<mrow>{x}<mo>[</mo>{self.literal(index)}<mo>]</mo></mrow>"

    def element(self, x: str, index: str) -> str:
        return f"<msub>{_row(x)}<mi>{escape(index)}</mi></msub>"

    def parenthesised(self, x: str) -> str:
        return f"<mrow><mo>(</mo>{x}<mo>)</mo></mrow>"


def _row(x: str) -> str:
    return f"<mrow>{x}</mrow>"


def _mathml_number(text: str) -> str:
    """Write a number; MathML has elements for its sign and its power of ten."""
    sign = "<mo>−</mo>" if text.startswith("-") else ""
    digits, _, power = text.removeprefix("-").partition("e")
    ten = f"<mo>·</mo><msup><mn>10</mn>{_row(_mathml_number(str(int(power))))}</msup>" if power else ""
    return f"{sign}<mn>{digits}</mn>{ten}"


def _ten_to(match: re.Match[str]) -> str:
    return f" \\cdot 10^{{{int(match[1])}}}"


def _lowered(index: str) -> str:
    """Write an index for LaTeX, where an underscore would begin another index."""
    return index.replace("_", ",").strip(",") or "\\_"


def _escaped(word: str) -> str:
    """Write a word for LaTeX's \\text, so that characters with a meaning there look as they are."""
    return "".join({"\\": "/", "^": "", "~": "-"}.get(c, f"\\{c}" if c in "{}$&#_%" else c) for c in word)


UNICODE, LATEX = Unicode(), LaTeX()
