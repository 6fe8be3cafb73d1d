"""What C and JavaScript there is: the page examples/results/languages.md, written from what `source` writes.

python examples/languages.py FOLDER    writes languages.md into the folder

The calls that every operation is asked for are those of the tests (tests/operations_table.py).
"""

import runpy
import sys
from pathlib import Path

import numpy as np

import autograd
from autograd import Tensor, sigmoid, source

TABLE = Path(__file__).parent.parent / "tests" / "operations_table.py"
LANGUAGES = ("c", "javascript", "numpy")
# Other names of operations, and methods of NumPy's ufuncs: the calls are those of the operation itself.
SAME = {
    "add.reduce": "sum", "multiply.reduce": "prod", "maximum.reduce": "max", "minimum.reduce": "min",
    "add.accumulate": "cumsum", "multiply.accumulate": "cumprod", "row_stack": "vstack", "amax": "max", "amin": "min",
}  # fmt: skip


def digits(x, y, w1, b1, w2, b2):
    """Make the book's network, 784-30-10, and its cost for a mini-batch of ten."""
    z1 = x @ w1.T + b1
    a1 = sigmoid(z1)
    z2 = a1 @ w2.T + b2
    a2 = sigmoid(z2)
    cost = np.sum((a2 - y) ** 2) / (2 * len(x))
    for value, name in ((z1, "z1"), (a1, "a1"), (z2, "z2"), (a2, "a2"), (cost, "cost")):
        value.name = name
    return cost


def program(language):
    """Write the digit network and its gradient in a language."""
    shapes = ((10, 784), (10, 10), (30, 784), (30,), (10, 30), (10,))
    x, y, *parameters = (np.ones(shape) for shape in shapes)
    return source(digits, x, y, *map(Tensor, parameters), language=language)


def answer(row, language):
    """Say whether a call of an operation has loops, in value and gradient: nothing, or why there are none."""

    def f(*operands):
        y = row.f(*operands)
        parts = y if isinstance(y, (list, tuple)) else [y]
        return sum(np.sum(part * part) for part in parts)

    try:
        with np.errstate(all="ignore"):
            source(f, *map(Tensor, row.operands), language=language)
    except TypeError as error:  # a LoweringError, or of what a program cannot be written at all
        return str(error)
    return ""


def findings():
    """Count, for every operation and language, the calls that have loops and all calls; keep a refusal."""
    rows = runpy.run_path(str(TABLE))["EVERY_ROW"]
    found = {}
    for name in autograd.operations():
        of = [row for row in rows if row.operation == SAME.get(name, name)]
        if not of:  # this NumPy has none
            continue
        answers = {language: [answer(row, language) for row in of] for language in LANGUAGES}
        found[name] = {
            language: (said.count(""), len(said), next(filter(None, said), "")) for language, said in answers.items()
        }
    return found


def share(found):
    """Count the operations that have loops for at least one call, those that a program can be written of, and all."""
    loops = sum(of["c"][0] > 0 and of["javascript"][0] > 0 for of in found.values())
    return loops, sum(of["numpy"][0] > 0 for of in found.values()), len(found)


def cell(good, calls):
    return "loops" if good == calls else "refused" if not good else f"loops, {good} of {calls} calls"


def reason(said):
    """Return the part of a refusal that says what it refuses."""
    return said.partition(": its text is")[0].partition(", whose ")[0].replace("|", "\\|")


def page(found=None):
    """Write the page as Markdown."""
    found = found or findings()
    have, programs, every = share(found)
    lines = [
        "# C and JavaScript",
        "",
        "Written by `python examples/languages.py examples/results`.",
        "",
        "`source(f, *args, language=\"c\")` and `language=\"javascript\"` write a function and its gradient as loops.",
        "",
        "## The digit network in C",
        "",
        "784-30-10, ten digits at a time: the value of the cost, and its gradient.",
        "",
        "```c",
        program("c").rstrip(),
        "```",
        "",
        "## The digit network in JavaScript",
        "",
        "```javascript",
        program("javascript").rstrip(),
        "```",
        "",
        "## Which operations have loops",
        "",
        f"{have} of the {programs} operations that a program can be written of: {100 * have / programs:.0f} %. The"
        f" other {every - programs} of all {every} give a result whose length depends on the values, and `source`"
        " refuses them in NumPy too. Each is asked for the calls of the tests, and for its gradient. What has no loops"
        " is refused by name: mostly linear algebra that iterates until it is near enough.",
        "",
        "| operation | C | JavaScript | refused as |",
        "|---|---|---|---|",
    ]  # fmt: skip
    for name, of in found.items():
        c, javascript = (of[language] for language in ("c", "javascript"))
        lines.append(f"| {name} | {cell(*c[:2])} | {cell(*javascript[:2])} | {reason(c[2] or javascript[2])} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    found = findings()
    if len(sys.argv) > 1:
        Path(sys.argv[1], "languages.md").write_text(page(found), encoding="utf-8")
    print("{} of {} operations have loops, and there are {}".format(*share(found)))
