"""Wrong gradients as people write them, of functions from all over, each with its true slip.

A file here holds one function: `f` and `example`, which gives arguments; its gradient by hand in two styles,
`vectorised` and `differently`; and `WRONG`, a list of wrong gradients. Most of these are one of the right ones with a
line changed, and say which text stands in place of which. Others are functions of their own.

The true slip is stated as data: the left side of the equation that it is in, the part of that equation, and the kind.
The names are those of the gradient by hand; `NAMES` says which of them the derivation calls otherwise, such as u1.
`naming` reads what assert_gradient says, and `Case.is_named_by` compares.
"""

import importlib
import inspect
import itertools
import linecache
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograd import GradientError
from autograd.testing import assert_gradient

# The kinds of slips, each with the words that a message has for it.
KINDS = {
    "missing": ("missing", "left out", "forgotten"),
    "sign": ("sign",),
    "transposed": ("transpose",),
    "factor": ("twice", "halved", "divided", "multiplied", "times", "turned over", "power", "should", "squared"),
    "instead": ("taken for", "in place of", "instead of"),
    "sum": ("summed", "mean", "axis", "not a sum"),
    "order": ("order", "swapped"),
    "added": ("added", "too much", "does not belong", "twice"),
}
NUMBER = r"[\d/.e+-]+"


@dataclass(frozen=True)
class Wrong:
    """A wrong gradient.

    what     the slip in words
    written  how it is written: {text of the right gradient: text in its place}, or a function
    line     left sides of the equations that the slip is in, any of which is right to name: "dw1 | dz1"
    kind     any of these: "missing | factor"
    part     what is to be seen in the marked part, or in what is said of it, any of these: "1/5 | 1/n". Any where empty
    says     for what is not told by an equation: words of the message, any of these
    style    which of the two right gradients is changed
    """

    what: str
    written: dict[str, str] | Callable[..., Any]
    line: str = ""
    kind: str = ""
    part: str = ""
    says: str = ""
    style: str = "vectorised"

    def is_slip(self, slip: "Named") -> bool:
        """Whether a slip that is named is the true one."""
        if slip.what.startswith("is missing"):  # which does not say what is
            return False
        return (
            any(line in slip.lines for line in _either(self.line))
            and (not self.kind or any(_of_kind(kind, slip) for kind in _either(self.kind)))
            and (not self.part or any(_compact(part) in slip.part for part in _either(self.part)))
        )


@dataclass(frozen=True)
class Named:
    """A slip as a message names it.

    lines   the names on the left of the equation, those that it is said to be in, too, and what is wrong everywhere
    marked  the part of the equation under the marks
    part    the same, and what is said of it
    what    what is said of it, as it is written
    """

    lines: tuple[str, ...]
    marked: str
    part: str
    what: str


@dataclass(frozen=True)
class Case:
    """A function with its right and its wrong gradients."""

    name: str
    f: Callable[..., Any]
    example: Callable[..., tuple[Any, ...]]
    right: dict[str, Callable[..., Any]]
    wrong: list[Wrong]
    names: dict[str, str]

    def gradient(self, wrong: Wrong) -> Callable[..., Any]:
        """A wrong gradient as a function."""
        if callable(wrong.written):
            return wrong.written
        original = self.right[wrong.style]
        text = inspect.getsource(original)
        for old, new in wrong.written.items():
            if text.count(old) != 1:
                raise ValueError(f"{self.name}, {wrong.what}: {old!r} is there {text.count(old)} times, not once")
            text = text.replace(old, new)
        file = f"<{self.name}: {wrong.what}>"  # so that whoever reads the source of the function finds it
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        scope = dict(original.__globals__)
        exec(compile(text, file, "exec"), scope)
        return scope[original.__name__]

    def message(self, gradient: Callable[..., Any], seed: int = 0) -> str:
        """What assert_gradient says about a gradient; nothing where it accepts it."""
        try:
            assert_gradient(gradient, self.f, *self.example(seed), seed=seed)
        except GradientError as error:
            return str(error)
        return ""

    def is_named_by(self, message: str, wrong: Wrong) -> bool:
        """Whether the slip that a message names first is the true one."""
        if wrong.says and any(words in message for words in _either(wrong.says)):
            return True
        named = naming(message, self.names)
        return bool(named and wrong.line) and wrong.is_slip(named[0])


def naming(message: str, names: dict[str, str] | None = None) -> list[Named]:
    """The slips that a message names, by their marks under an equation, in the names of the gradient by hand."""
    found = []
    for equation, marks in itertools.pairwise(message.splitlines()):
        match = re.fullmatch(r"( *)(\^+) *(.*)", marks)
        if match:
            sides = [_compact(side, names) for side in equation.split(" = ")]
            start = len(match[1])
            marked, what = _compact(equation[start : start + len(match[2])], names), match[3]
            said = re.search(r"(?:and so in|in what) (.*?)(?: is computed|$)", what)
            others = re.findall(r"\w+", _compact(said[1], names)) if said else []
            everywhere = [marked] if "everywhere" in what else []
            lines = (*sides[:-1], *others, *everywhere)
            found.append(Named(lines, marked, marked + " " + _compact(what, names), what))
    return found


def is_named(message: str) -> bool:
    """Whether a message says what the slip is, not only that something is wrong."""
    return bool(message) and "No slip was found" not in message and "from which" not in message


def _of_kind(kind: str, slip: Named) -> bool:
    if kind == "factor" and "missing" in slip.what and re.match(NUMBER + r"(\s|is)", slip.what):
        return True
    if kind == "transposed" and re.match(r"(.+)ᵀ is taken for \1(?!\w)|(.+) is taken for \2ᵀ", slip.what):
        return True
    return any(word in slip.what for word in KINDS[kind])


def _either(texts: str) -> list[str]:
    return [text.strip() for text in texts.split(" | ")]


def _compact(text: str, names: dict[str, str] | None = None) -> str:
    """A formula in plain letters without spaces: δ¹ is delta1, ∂C/∂w¹ is dw1, (w²)ᵀ is w2.T, a ⊙ b is a*b."""
    text = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉−⊙·", "01234567890123456789-**"))
    text = re.sub(r"∂\w+/∂", "d", text.replace("δ", "delta").replace("ᵀ", ".T"))
    text = re.sub(r"Σ[ₙₖ]?", "sum", text)
    for old, new in (names or {}).items():
        text = re.sub(rf"\b(d?){old}\b", rf"\g<1>{new}", text)
    text = text.replace(" ", "")
    return re.sub(r"\((\w+)\)\.T", r"\1.T", text)


def _cases() -> list[Case]:
    found = []
    for info in pkgutil.iter_modules(__path__):
        if info.name != "__main__":
            module = importlib.import_module(f"{__name__}.{info.name}")
            right = {"vectorised": module.vectorised, "differently": module.differently}
            names = getattr(module, "NAMES", {})
            found.append(Case(info.name, module.f, module.example, right, module.WRONG, names))
    return found


CASES = _cases()  # every function of the benchmark; at the end, as each imports Wrong from here
