"""Runs a file with a function and its gradient, in a process of its own: calls both, and hands their numbers over.

The file is EXECUTED here. What is found wrong here is only a hint; `judge` decides outside whether the gradient is
right.
"""

from __future__ import annotations

import runpy
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from autograd.answers import as_arrays, copies, differentiated_arguments
from autograd.check import GradientError
from autograd.grading.fence import MEMORY, Arrays, Fence, FenceError, Message, serve
from autograd.grading.gradebook import Row
from autograd.readings.trace import argument_names
from autograd.tensor import Tensor, plain
from autograd.testing import assert_gradient

DIRECTIONS = 8  # along which the value is compared with the gradient
APART = 1e-3  # how far the two may be apart: finite differences are no more than a guard here


class _UnreadableError(Exception):
    """Raised for a file that lacks something; says what."""


class Called:
    """A file with a function and its gradient, loaded."""

    path = ""

    def answer(self, question: dict[str, Any], arrays: Arrays) -> Message:
        """Answer a question with numbers, or with {"failed": why}."""
        try:
            found: Message = getattr(self, f"_{question['do']}")(question, arrays)
            return found
        except BaseException as error:  # whatever a file does, SystemExit too
            if isinstance(error, _UnreadableError):
                return {"failed": str(error)}, []
            lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == self.path]
            where = f" (line {lines[-1]} of {Path(self.path).name})" if lines else ""
            return {"failed": f"{type(error).__name__}: {error}{where}"}, []

    def _load(self, question: dict[str, Any], arrays: Arrays) -> Message:
        """Run the file, and find the functions and the arguments. Answer with those that are differentiated."""
        self.path = question["path"]
        names = runpy.run_path(self.path, run_name="checked")
        wanted = [question["function"], question["gradient"], *([] if question["shapes"] else ["example"])]
        missing = [name for name in wanted if not callable(names.get(name))]
        if missing:
            raise _UnreadableError(
                f"it has no function {' and no function '.join(missing)}; give other names with --function and"
                " --gradient, and shapes of arguments with --shape"
            )
        self.f, self.gradient = names[wanted[0]], names[wanted[1]]
        if question["shapes"]:
            rng = np.random.default_rng(question["seed"])
            given: tuple[Any, ...] = tuple([rng.standard_normal(shape)[()] for shape in question["shapes"]])
        else:
            example = names["example"]()
            given = example if isinstance(example, tuple) else (example,)
        given = tuple([np.asarray(x) if isinstance(x, list) else x for x in given])
        if not any(isinstance(x, Tensor) for x in given):
            given = _differentiated(self.f, self.gradient, given)
        self.given = given
        self.positions = [i for i, x in enumerate(given) if isinstance(x, Tensor)]
        if not self.positions:
            raise _UnreadableError("none of its arguments is an array of floats")
        return {}, [np.asarray(plain(given[i])) for i in self.positions]

    def _at(self, arrays: Arrays) -> list[Any]:
        """Return the arguments, with these arrays in place of those that are differentiated."""
        given = [np.copy(x) if isinstance(x, np.ndarray) else x for x in self.given]
        for i, x in zip(self.positions, arrays, strict=False):
            given[i] = x[()].copy() if x.ndim else x[()]
        return given

    def _value(self, question: dict[str, Any], arrays: Arrays) -> Message:
        return {}, [np.asarray(plain(self.f(*self._at(arrays))), float)]

    def _gradients(self, question: dict[str, Any], arrays: Arrays) -> Message:
        """Return the gradients of the file, in the order of the arguments. Weights of the value come after those."""
        returned = self.gradient(*self._at(arrays), *arrays[len(self.positions) :])
        names = argument_names(self.f, self.given)
        return {}, [g.astype(float) for g in as_arrays(returned, tuple(self.positions), names)]

    def _explain(self, question: dict[str, Any], arrays: Arrays) -> Message:
        """Say in words what is wrong with the gradient; nothing if it seems to be right."""
        try:
            assert_gradient(self.gradient, self.f, *self.given, hint_only=question["hint"], seed=question["seed"])
        except GradientError as error:
            return {"told": str(error)}, []
        return {"told": ""}, []


def _differentiated(f: Any, gradient: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments, with Tensors for those that the gradient belongs to: the first ones, or by name."""
    try:
        value = np.asarray(plain(f(*copies(given, None))))
        returned = gradient(*copies(given, np.ones(value.shape) if value.ndim else None))
    except Exception:  # assert_gradient says so
        returned = None
    chosen = differentiated_arguments(returned, given, argument_names(f, given))
    return tuple([Tensor(x) if i in chosen else x for i, x in enumerate(given)])


def main() -> None:
    """Run the process of the file."""
    serve(Called().answer)


def judge(
    path: Path, *, function: str = "f", gradient: str | None = None, shapes: list[tuple[int, ...]] | None = None,
    seed: int = 0, hint: bool = False, timeout: float = 60.0, memory: int = MEMORY,
) -> tuple[int, str, str]:  # fmt: skip
    """Judge the gradient in a file, which is EXECUTED in fences. Return the exit code, a message, and what it
    printed."""
    if not path.is_file():
        return 2, "there is no such file", ""
    path = path.absolute()
    start = {"do": "load", "path": str(path), "function": function, "gradient": gradient or f"{function}_gradient",
             "shapes": shapes or [], "seed": seed}  # fmt: skip
    code = "from autograd.grading.called import main; main()"
    with Fence(code, path.parent, timeout=timeout, memory=memory) as fence:
        try:
            _, arguments = _asked(fence, start, [], "while the file itself was being run")
            told, _ = _asked(fence, {"do": "explain", "hint": hint, "seed": seed}, [], DOING)
            text = str(told["told"]) or _apart(fence, arguments, seed)
            found = (int(bool(text)), text)
        except (FenceError, LookupError, TypeError, ValueError) as error:
            found = (2, str(error))
        fence.close()
        return (*found, fence.printed)


def row_of(told: dict[str, Any], path: Path) -> Row:
    """Judge a file, and return a row of a gradebook. It stands here because other processes do not load a
    `__main__`."""
    return Row(str(path), *judge(path, **told))


DOING = "while its functions were being called"


def _asked(fence: Fence, question: dict[str, Any], arrays: Arrays, doing: str) -> Message:
    answer, found = fence.ask(question, arrays, doing=doing)
    if "failed" in answer:
        raise FenceError(str(answer["failed"]))
    return answer, found


def _apart(fence: Fence, arguments: Arrays, seed: int) -> str:
    """Compare a file's gradient with its value, out of the file's reach. Return what is wrong, or nothing."""
    rng = np.random.default_rng(seed + 1)

    def ask(do: str, arrays: Arrays) -> Arrays:
        return _asked(fence, {"do": do}, arrays, DOING)[1]

    (value,) = ask("value", arguments)
    weights = [rng.uniform(0.5, 1.5, value.shape)] if value.ndim else []
    gradients = ask("gradients", [*arguments, *weights])
    shapes, wanted = [g.shape for g in gradients], [x.shape for x in arguments]
    if shapes != wanted:
        return f"the gradients have the shapes {shapes}, and the arguments {wanted}"
    if not all(np.all(np.isfinite(g)) for g in gradients):
        return "" if not np.all(np.isfinite(value)) else "the gradients are not finite numbers (NaN or infinity)"

    def number(step: float, directions: Arrays) -> float:
        moved = [(x + step * v).astype(x.dtype) for x, v in zip(arguments, directions, strict=True)]
        (found,) = ask("value", moved)
        return float(np.sum(found * weights[0]) if weights else found)

    single = any(x.dtype == np.float32 for x in arguments)
    for _ in range(DIRECTIONS):
        directions = [rng.standard_normal(x.shape) * np.maximum(np.abs(x), 0.1) for x in arguments]
        mine = float(sum(np.sum(g * v) for g, v in zip(gradients, directions, strict=True)))
        scale = float(np.sqrt(sum(np.sum((g * v) ** 2) for g, v in zip(gradients, directions, strict=True))))
        step = 1e-2 if single else 1e-5
        at, left, right = number(0.0, directions), number(-step, directions), number(step, directions)
        slope, sides = (right - left) / (2 * step), ((at - left) / step, (right - at) / step)
        noise = 100 * float(np.finfo(np.float32 if single else float).eps) * max(abs(at), abs(left), abs(right)) / step
        allowed = (10 * APART if single else APART) * (scale + abs(slope)) + noise + abs(sides[1] - sides[0])
        if np.isfinite(slope) and abs(mine - slope) > allowed:
            return (
                "the gradient is not that of the function: along a random direction the value changes by"
                f" {slope:.6g}, and the gradient says {mine:.6g}"
            )
    return ""
