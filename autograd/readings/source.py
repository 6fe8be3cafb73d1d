"""Reading 3: the NumPy program of a function and its gradient, as a person would derive it by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.backward import reached
from autograd.readings.c import CPrinter, c_text
from autograd.readings.display import Lines
from autograd.readings.formula import Formula, Formulas, ordered
from autograd.readings.graph import Graph
from autograd.readings.javascript import JavaScriptPrinter, javascript_text
from autograd.readings.listing import Listing, is_long
from autograd.readings.lowering import lowered
from autograd.readings.trace import Trace
from autograd.readings.wrapping import WIDTH, broken, split_bracket


def source(f: Callable[..., Any], *args: Any, language: str = "numpy") -> ProgramText:
    """Return the source text of a function that computes `f` and its gradient: with NumPy alone, in C, or in
    JavaScript.

    The function is called `NAME_and_grad` for an `f` called NAME. Its parameters are those of `f`, and then the Tensors
    that `f` reaches from outside, under their own names. It returns the value and a tuple with the gradient for each
    Tensor among them, in their order: those are the arguments given as Tensors, and the ones from outside. Raises
    ValueError for a value that is not a single number.

    An array that f uses besides its arguments is written out if it is short or regular (np.ones, np.eye, np.arange).
    A long one becomes another parameter, under the name of its variable, or else c1, c2, …; the program's docstring
    says so, and `source(…).arrays` has them all: `program(*args, **source(…).arrays)`.

    The text is read off what `f` and the derivative rules record for these `args`. So Python's own control flow is
    recorded as it ran, and shapes are those of these arguments: the program of a mean over x divides by this length.
    An `if` or a `while` on a value is refused (TypeError), since the program would always take the same branch.

    In C and in JavaScript the same formulas are loops over elements, in one function that needs nothing else:

    "c"           C11. The parameters are those above, a number as a value, an array as a pointer to its elements, row
                  by row; then for each gradient memory to fill. It returns the value. No two may overlap.
    "javascript"  for node and browsers. Arrays are flat typed arrays, row by row: Float64Array for float64, and
                  Float32Array for float32; of integers, any array of numbers. It returns [value, [gradients]]: a number
                  for each gradient that has no axes, and a new typed array for the others.

    They are written for the shapes and dtypes of `args`, and leave out strings and the like. An index in the data that
    is out of range gives nan. An argsort keeps equal elements in their order; NumPy does only with kind="stable".
    Raises LoweringError (a TypeError) for an operation that has no loops.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> def cost(w, x):
    ...     return np.sum(np.tanh(x @ w) ** 2)
    >>> print(source(cost, Tensor([[0.5], [-0.5]]), np.ones((3, 2))), end="")
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def cost_and_grad(w, x):
        t1 = np.tanh(x @ w)
        value = np.sum(t1**2)
        # t1 = np.tanh(x @ w)
        dw = x.T @ (2 * t1 * (1 - t1 * t1))
        return value, (dw,)
    >>> def folded(x):
    ...     return np.where(x > 1, x * x, x)
    >>> print(source(folded, Tensor(3.0)), end="")
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def folded_and_grad(x):
        t1 = x > 1
        value = np.where(t1, x * x, x)
        t2 = np.where(t1, 1.0, 0) * x
        # value = np.where(t1, x * x, x)
        dx = np.where(t1, 0, 1.0) + t2 + t2
        return value, (dx,)
    >>> print(source(lambda x: np.sum(x**2), Tensor([1.0, 2.0]), language="javascript"), end="")
    // The value of f, and its gradient.
    //   x  2, a Float64Array
    // Arrays are typed arrays, row by row. Returns [value, [dx]].
    function f_and_grad(x) {
      const dx = new Float64Array(2);
      // value = np.sum(x**2)
      let value = 0;
      for (let i = 0; i < 2; i++) {
        value += x[i] * x[i];
      }
      // dx = 2 * x
      for (let i = 0; i < 2; i++) {
        dx[i] = 2 * x[i];
      }
      return [value, [dx]];
    }
    """
    if language not in ("numpy", "c", "javascript"):
        raise ValueError(f'source: language is "numpy", "c" or "javascript", not {language!r}')
    trace = Trace(f, args, like_grad=True, is_parameter=is_long)
    return numpy_program(trace)[0] if language == "numpy" else program_of_loops(trace, language)


def numpy_program(trace: Trace) -> tuple[ProgramText, Callable[[Any], int | None]]:
    """Write the program of what was traced; also return where each recorded value is computed, by line numbers from
    0."""
    inputs = [trace.output, *trace.wanted]
    formulas = Formulas(Graph(*inputs), trace.named)
    program = Listing({*trace.parameters})
    value, gradients = formulas[trace.output], [formulas[g] for g in trace.wanted]
    if value.op is not None:
        value.name = value.name or "value"
    whose = trace.name_gradients(formulas, ordered([value, *gradients]))
    backward = [formulas[g] for g in trace.grads.values() if id(formulas[g]) in whose]
    lines = program.body(ordered([value, *backward, *gradients]), [value, *gradients])
    users: dict[int, list[Formula]] = {}
    for node in reached(trace.output):
        for x in node.inputs:
            users.setdefault(id(x), []).append(formulas[node])
    forward = {id(formula) for formula in ordered([value])}
    line_of = {id(formula): line for formula, line in lines}
    arrays = {trace.named[id(x)]: x._value for x in trace.arrays} | program.arrays
    parameters = [*trace.parameters, *program.arrays]
    written = f"import numpy as np\n\n\n{split_bracket(f'def {trace.name}_and_grad(', parameters, '):')}"
    for i, (name, array) in enumerate(arrays.items()):
        quotes = ('"""' * (i == 0), '"""' * (i == len(arrays) - 1))
        written += (
            f"    {quotes[0]}{name} is an array from outside of {trace.name}, of shape {array.shape}.{quotes[1]}\n"
        )
    places: dict[int, int] = {}
    for formula, line in lines:
        if id(formula) in whose and id(formula) not in forward:
            uses = [program.line_of(user, line_of) for user in users.get(id(whose[id(formula)]), ())]
            written += "".join(f"    # {use}\n" for use in dict.fromkeys(uses) if use and len(use) <= WIDTH - 6)
        places[id(formula)] = written.count("\n")
        written += f"    {line}\n" if len(line) <= WIDTH - 4 else broken(line)
    for formula in (value, *gradients):
        if formula.op is not None:
            places.setdefault(id(formula), written.count("\n"))  # what is returned as it is computed
    found = ProgramText(written + program.returns(value, gradients))
    found.arrays = arrays

    def place_of(value: Any) -> int | None:
        formula = formulas[value]
        return None if formula.is_number else program.line_of(formula, places)

    return found, place_of


def program_of_loops(trace: Trace, language: str) -> ProgramText:
    """Write the program as loops over elements."""
    if language == "c":
        found = ProgramText(c_text(lowered(trace, CPrinter)))
    else:
        found = ProgramText(javascript_text(lowered(trace, JavaScriptPrinter)))
    found.arrays = {trace.named[id(x)]: x._value for x in trace.arrays}
    return found


class ProgramText(Lines):
    """The text of a program. `arrays` has what it takes besides the arguments of the function, by name."""

    arrays: dict[str, Any]
