"""Random programs: functions of several arguments that end in one number, as statements that can be dropped.

A program is drawn statement by statement, and every statement is computed at once with plain NumPy on several sets of
data, so that its shapes are known and its values are finite. `Program.text` is the Python function.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

DATA_SETS = 3  # the first is what a program is traced with, the others flip its comparisons
LARGEST = 300.0  # a value beyond this would hide everything else behind its rounding
MOST = 150  # elements of one value


# The functions that NumPy does not have, written again: what the engine's own are held against.


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.where(x > 0, x, x * 0)


def softplus(x):
    return np.logaddexp(x, 0 * x)


def logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def softmax(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    return np.log(softmax(x, axis))


def linear(x, w, b):
    return x @ w.T + b


PLAIN = {
    "np": np,
    "math": math,
    "sigmoid": sigmoid,
    "relu": relu,
    "softplus": softplus,
    "logsumexp": logsumexp,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "linear": linear,
    "sigmoid_layer": lambda x, w, b: sigmoid(linear(x, w, b)),
    "tanh_layer": lambda x, w, b: np.tanh(linear(x, w, b)),
    "relu_layer": lambda x, w, b: relu(linear(x, w, b)),
    "cube": lambda x: x**3,
    "blend": lambda a, b, part=0.25: part * a + (1 - part) * b * b,
    "named": lambda value, name: value,
    "within": lambda name, make: make(),
}


@dataclass(frozen=True)
class Statement:
    target: str
    expression: str
    kind: str  # which line of the table drew it
    decides: bool = False  # whether its values are truth values or indices

    @property
    def uses(self) -> set[str]:
        return set(re.findall(r"[^\W\d]\w*", re.sub(r'"[^"\n]*"', "", self.expression)))


@dataclass(frozen=True)
class Program:
    """A function as data.

    arguments  the name of every argument, with its values in each of the data sets
    roles      how each argument is given: "tensor" (differentiated), "outside" (a Tensor that is no argument but a
               global), "array", "number" (a Python float) or "integers" (labels, indices or a mask)
    constants  arrays and numbers from outside, by name
    called     the names that some Tensors are given, other than those of the arguments
    exact      whether finite differences can be asked (not where a value leaves the graph on purpose)
    """

    label: str
    arguments: dict[str, list]
    roles: dict[str, str]
    constants: dict[str, object]
    statements: tuple[Statement, ...]
    result: str
    exact: bool = True
    called: tuple = ()  # awkward names for some of the differentiated arguments, as pairs

    @property
    def differentiated(self) -> list[str]:
        return [name for name, role in self.roles.items() if role in ("tensor", "outside")]

    @property
    def single(self) -> bool:
        """Whether float32 is anywhere in it."""
        return "float32" in self.text() or any(
            getattr(x, "dtype", None) == np.float32
            for x in [*(v[0] for v in self.arguments.values()), *self.constants.values()]
        )

    def signature(self, everything: bool = True) -> list[str]:
        return [name for name, role in self.roles.items() if everything or role != "outside"]

    def text(self, everything: bool = True, constants: bool = False, result: str = "") -> str:
        names = [*self.signature(everything), *(self.constants if constants else ())]
        lines = [f"    {s.target} = {s.expression}\n" for s in self.statements]
        return f"def f({', '.join(names)}):\n{''.join(lines)}    return {result or self.result}\n"

    def without_dead_code(self) -> Program:
        def names(text):
            return set(re.findall(r"[^\W\d]\w*", text))

        needed, kept = names(self.result), []
        for s in reversed(self.statements):
            if s.target in needed:
                kept.append(s)
                needed |= names(s.expression)
        statements = tuple(reversed(kept))
        return replace(
            self,
            statements=statements,
            arguments={k: v for k, v in self.arguments.items() if k in needed},
            roles={k: v for k, v in self.roles.items() if k in needed},
            constants={k: v for k, v in self.constants.items() if k in needed},
            called=tuple((k, v) for k, v in self.called if k in needed),
        )

    def shown(self) -> str:
        """The program as a person can run it."""
        header = "import numpy as np\n"
        used = set(re.findall(r"[^\W\d]\w*", self.text()))
        ours = sorted(used & (set(PLAIN) - {"np", "math", "named", "within", "cube", "blend"}))
        header += f"from autograd import {', '.join(['Tensor', *ours])}\n"
        header += "import math\n" if "math" in used else ""
        if "named" in used:
            header += "def named(value, name):\n    value.name = name\n    return value\n"
        if "within" in used:
            header += (
                "from autograd import scope\ndef within(name, make):\n    with scope(name):\n        return make()\n"
            )
        if used & {"cube", "blend"}:
            header += "from autograd import Op\n"
        if "cube" in used:
            header += 'cube = Op(lambda x: x**3, "x ** 3", lambda g, y, x: g * 3 * x**2, name="cube")\n'
        if "blend" in used:
            header += (
                'blend = Op(lambda a, b, part=0.25: part * a + (1 - part) * b * b, "part * a + (1 - part) * b * b",\n'
                "           lambda g, y, a, b, part=0.25: g * part,\n"
                '           lambda g, y, a, b, part=0.25: g * (2 * (1 - part)) * b, name="blend")\n'
            )
        for name, value in self.constants.items():
            header += f"{name} = {written(value)}\n"
        data = ""
        for k in range(len(next(iter(self.arguments.values()), []))):
            row = ", ".join(f"{n}={written(v[k])}" for n, v in self.arguments.items())
            data += f"# data {k}: {row}\n"
        roles = ", ".join(f"{n}: {r}" for n, r in self.roles.items())
        roles += "".join(f"; {n} is called {name!r}" for n, name in self.called)
        return f"{header}{self.text()}# given as {roles}\n{data}"


def written(x) -> str:
    if isinstance(x, np.ndarray):
        dtype = {"float64": "", "bool": "", "int64": ""}.get(str(x.dtype), f", np.{x.dtype}")
        if x.size == 0:
            return f"np.zeros({x.shape}{dtype})"
        return f"np.array({x.tolist()}{dtype})"
    if isinstance(x, np.floating):
        return repr(float(x)) if x.dtype == np.float64 else f"np.float32({float(x)!r})"
    return repr(x)


class Rejected(Exception):  # noqa: N818
    """A statement that plain NumPy refuses, or whose values are not finite, too large or too many."""


ARGUMENT_NAMES = ["w", "x", "y", "b", "u", "v", "z", "a", "h", "w1", "w2", "b_1", "value", "dw", "t1", "delta", "c1",
                  "index", "out", "lambda_", "μ", "θ", "C", "z1", "e", "pi", "sum", "n", "k", "x_t", "buffer", "c_1",
                  "u_1", "loss", "alpha", "I", "shape"]  # fmt: skip
VALUE_NAMES = ["h", "ℎ", "µ", "μ", "h", "w", "value", "t1", "lambda", "np", "a b", "", "1", "w_2", "dx", "z", "z1",
               "a1", "delta", "σ", "w²", "C", "x\\ny", "%s", "$x$", "_", "__class__", "None", "é", "e\u0301", "a",
               "layer.w", "f", "c_1", "u_1"]  # fmt: skip
STEPS = 8.0  # data are multiples of 1/8, which float32 holds exactly and print short


class Drawer:
    """Draws one program."""

    def __init__(self, seed: int, number: int):
        self.rng = np.random.default_rng([seed, number])
        self.label = f"--seed {seed}, program {number}"
        self.spaces: list[dict] = [dict(PLAIN) for _ in range(DATA_SETS)]
        self.arguments: dict[str, list] = {}
        self.roles: dict[str, str] = {}
        self.constants: dict[str, object] = {}
        self.statements: list[Statement] = []
        self.exact = True
        self.single = self.rng.random() < 0.15  # float32 throughout
        self.mixed = self.rng.random() < 0.15
        self.awkward = self.rng.random() < 0.2
        self.ties = self.rng.random() < 0.3
        self.empty = self.rng.random() < 0.08

    # Random choices.

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def one(self, options):
        return options[int(self.rng.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def length(self) -> int:
        if self.empty and self.chance(0.3):
            return 0
        return self.one([1, 2, 2, 3, 3, 4])

    def shape(self) -> tuple[int, ...]:
        return tuple(self.length() for _ in range(self.one([0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4])))

    def dtype(self):
        if self.mixed:
            return self.one([np.float32, np.float64])
        return np.float32 if self.single else np.float64

    def data(self, shape, kind: str = ""):
        kind = kind or ("ties" if self.ties and self.chance(0.8) else self.one(["any", "any", "positive"]))
        if kind == "ties":
            x = (
                self.rng.choice([-1.0, -0.5, 0.5, 1.0, 2.0], shape)
                if self.chance(0.7)
                else self.rng.choice([-1.0, 0.0, 1.0], shape)
            )
        else:
            x = np.round(self.rng.normal(0, 1, shape) * STEPS) / STEPS
            x = np.abs(x) + 0.25 if kind == "positive" else x
        return np.asarray(x)

    # What there is.

    def value(self, name: str, k: int = 0):
        return self.spaces[k][name]

    def names(self, test=lambda x: True) -> list[str]:
        """The float values, so far, for which `test` holds on the first data."""
        candidates = [*self.arguments, *(s.target for s in self.statements)]
        return [n for n in candidates if np.asarray(self.value(n)).dtype.kind == "f" and test(self.value(n))]

    def pick(self, test=lambda x: True) -> str:
        """A float value, the latest rather than the first."""
        found = self.names(test)
        if not found:
            raise Rejected
        return found[-1 - min(int(self.rng.geometric(0.4)) - 1, len(found) - 1)]

    def everywhere(self, name: str, test) -> bool:
        return all(bool(np.all(test(np.asarray(self.value(name, k))))) for k in range(DATA_SETS))

    def fresh_name(self) -> str:
        pool = ARGUMENT_NAMES if self.awkward else ARGUMENT_NAMES[:9]
        free = [n for n in pool if n not in self.spaces[0]]
        return self.one(free) if free else f"x{len(self.arguments)}"

    def argument(self, shape, kind: str = "", role: str = "") -> str:
        name = self.fresh_name()
        dtype = self.dtype()
        if not role:
            role = self.one(["tensor"] * 6 + ["outside"] * 2 + ["array"] * 2)
            if role == "array" and shape == ():
                role = self.one(["number", "array"])
        values = [self.data(shape, kind).astype(dtype) for _ in range(DATA_SETS)]
        if role == "number":
            values = [float(x) for x in values]
        elif shape == ():
            values = [x[()] for x in values]
        self.arguments[name], self.roles[name] = values, role
        for space, x in zip(self.spaces, values):
            space[name] = x
        return name

    def integers(self, values_of) -> str:
        name = self.fresh_name()
        values = [values_of() for _ in range(DATA_SETS)]
        self.arguments[name], self.roles[name] = values, "integers"
        for space, x in zip(self.spaces, values):
            space[name] = x
        return name

    def constant(self, shape, kind: str = "") -> str:
        """An array that is no argument: from outside, written in place, or made by a function."""
        x = self.data(shape, kind).astype(self.dtype())
        how = self.one(["outside", "outside", "literal", "made", "integers"])
        if how == "literal" and 0 < x.size <= 6 and x.dtype == np.float64:
            return f"np.array({x.tolist()})"
        if how == "made":
            return self.one([f"np.ones({shape})", f"np.zeros({shape})", f"np.full({shape}, 0.5)",
                             f"np.arange({math.prod(shape)}.0).reshape({shape})",
                             f"np.linspace(-1.0, 1.0, {math.prod(shape)}).reshape({shape})"])  # fmt: skip
        if how == "integers":
            x = self.rng.integers(-2, 3, shape) if self.chance(0.7) else self.rng.random(shape) < 0.5
            x = np.asarray(x)
        return self.outside(x)

    def outside(self, x) -> str:
        name = f"K{len(self.constants)}"
        self.constants[name] = x
        for space in self.spaces:
            space[name] = x
        return name

    def operand(self, shape, kind: str = "") -> str:
        """Something of this shape: a value, a new argument, or a constant."""
        found = self.names(lambda x: np.shape(x) == shape)
        if found and self.chance(0.6):
            return self.one(found)
        if self.chance(0.6) and len(self.arguments) < 6:
            return self.argument(shape, kind)
        return self.constant(shape, kind)

    def number(self) -> str:
        return self.one(["2", "3", "0.5", "-1.5", "1", "0.25", "-2", "2.0", "1.0", "0.0", "0", "np.float64(0.75)",
                         "np.float32(0.5)", "True", "10"])  # fmt: skip

    # Statements.

    def add(self, expression: str, kind: str) -> str:
        target = f"v{len(self.statements)}"
        if expression in self.spaces[0]:
            raise Rejected
        code = compile(expression, "<statement>", "eval")
        found = []
        with np.errstate(all="raise", under="ignore"):
            for space in self.spaces:
                try:
                    value = eval(code, space)
                except (ValueError, TypeError, IndexError, ArithmeticError, AttributeError) as error:
                    raise Rejected(f"{expression}: {error}") from None
                x = np.asarray(value)
                if x.dtype.kind not in "fiub" or x.ndim > 5 or x.size > MOST:
                    raise Rejected(f"{expression}: {x.dtype}, {x.shape}")
                if x.dtype.kind == "f" and not (np.all(np.isfinite(x)) and np.max(np.abs(x), initial=0) <= LARGEST):
                    raise Rejected(f"{expression}: not finite, or large")
                found.append(value)
        for space, value in zip(self.spaces, found):
            space[target] = value
        decides = np.asarray(found[0]).dtype.kind in "biu"
        self.statements.append(Statement(target, expression, kind, decides))
        return target

    def draw(self) -> Program:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return self._draw()

    def _draw(self) -> Program:
        for _ in range(self.integer(1, 3)):
            self.argument(self.shape(), role="" if self.arguments else "tensor")
        wanted = self.integer(1, 12)
        tries = 0
        while len(self.statements) < wanted and tries < 60:
            tries += 1
            kind = TABLE_KINDS[int(np.searchsorted(TABLE_WEIGHTS, self.rng.random()))]
            try:
                expression = KINDS[kind][0](self)
                if expression is None:
                    continue
                made = self.add(self.decorated(expression), kind)
            except (Rejected, RuntimeWarning, DeprecationWarning):
                continue
            if np.asarray(self.value(made)).dtype.kind in "biu":
                self.use(made)
        last = self.ending()
        program = Program(self.label, self.arguments, self.roles, self.constants, tuple(self.statements), last,
                          self.exact, self.called())  # fmt: skip
        return program.without_dead_code()

    def called(self) -> tuple:
        """Names for some of the Tensors, which need not be those of the arguments."""
        if not self.awkward or self.chance(0.5):
            return ()
        return tuple((name, self.one(VALUE_NAMES)) for name in self.arguments if self.chance(0.5))

    def decorated(self, expression: str) -> str:
        """With a name given to the value, or within a scope."""
        if self.chance(0.04) and not expression.startswith("np.split"):
            expression = f'within("{self.one(["layer", "enc", "a b"])}", lambda: {expression})'
        if self.chance(0.25 if self.awkward else 0.05):
            expression = f'named({expression}, "{self.one(VALUE_NAMES)}")'
        return expression

    def use(self, made: str) -> None:
        """A statement that uses a mask, or indices."""
        for _ in range(5):
            try:
                expression = use_of_plain(self, made)
                if expression is not None:
                    self.add(expression, "mask")
                    return
            except (Rejected, RuntimeWarning, DeprecationWarning):
                continue

    def ending(self) -> str:
        """One number of the last values."""
        found = self.names()
        values = [n for n in found if n not in self.arguments] or found
        chosen = [values[-1]]
        for n in reversed(found[:-1]):
            if self.chance(0.2) and n not in chosen:
                chosen.append(n)
        parts = []
        for n in chosen:
            x = self.value(n)
            ends = [f"np.sum({n})", f"np.sum({n} * {n}) / 2", f"np.sum({n} ** 2)", f"{n}.sum()", f"np.sum(np.sin({n}))"]
            if np.size(x) and all(np.size(self.value(n, k)) for k in range(DATA_SETS)):
                ends += [f"np.mean({n})", f"np.max({n})", f"np.mean({n} ** 2)"]
            if np.ndim(x) == 0:
                ends = [n, f"{n} * {n}", f"np.sin({n})", f"np.sum({n})"]
            parts.append(self.one(ends))
        return " + ".join(parts)


# The table: what a statement may be.

KINDS: dict[str, tuple] = {}


def kind(weight: float):
    def enter(function):
        KINDS[function.__name__] = (function, weight)
        return function

    return enter


@kind(3)
def smooth(d):
    x = d.pick()
    f = d.one(["np.sin", "np.cos", "np.tanh", "np.arctan", "sigmoid", "softplus", "np.square", "np.negative", "cube",
               "np.exp", "np.expm1", "np.sinh", "np.cosh"])  # fmt: skip
    return f"{f}({x})" if d.everywhere(x, lambda a: np.abs(a) < 4) else f"np.tanh({x})"


@kind(1.5)
def of_positive(d):
    x = d.pick()
    if d.everywhere(x, lambda a: a > 0.2):
        return d.one([f"np.log({x})", f"np.sqrt({x})", f"np.log1p({x})", f"{x} ** 0.5", f"1 / {x}", f"{x} ** -0.5",
                      f"{x} ** 1.5"])  # fmt: skip
    return d.one([f"np.log({x} * {x} + 0.5)", f"np.sqrt(np.abs({x}) + 0.25)", f"np.log1p({x} ** 2)",
                  f"np.sqrt({x} ** 2 + 1)", f"1 / (1 + {x} * {x})", f"np.exp({x}) + 0.5"])  # fmt: skip


@kind(0.7)
def of_a_range(d):
    x = d.pick()
    return d.one([f"np.arcsin(0.5 * np.sin({x}))", f"np.arccos(0.5 * np.tanh({x}))", f"np.tan(0.5 * np.sin({x}))",
                  f"np.clip({x}, -0.5, 1.0)", f"np.clip({x}, 0, None)",
                  f"np.clip({x}, None, np.abs({x}))"])  # fmt: skip


@kind(1.5)
def kinked(d):
    x = d.pick()
    return d.one([f"np.abs({x})", f"relu({x})", f"abs({x})", f"np.sign({x}) * {x}", f"np.floor({x}) * {x}",
                  f"{x} - np.rint({x})", f"np.trunc({x}) + {x}", f"np.ceil({x}) * {x}",
                  f"np.heaviside({x}, 0.5) * {x}", f"{x} * np.sign({x}) + {x}", f"np.sign({x})"])  # fmt: skip


@kind(5)
def arithmetic(d):
    x = d.pick()
    shape = np.shape(d.value(x))
    how = d.integer(0, 5)
    if how == 0:
        a, b = x, d.number()
    elif how == 1:
        others = d.names(lambda y: broadcasts(np.shape(y), shape))
        a, b = x, d.one(others)
    elif how == 2:  # an operand of a shape that is stretched
        cut = tuple(1 if d.chance(0.4) else n for n in shape)[d.integer(0, len(shape)) :]
        a, b = x, d.operand(cut)
    elif how == 3:
        a, b = x, d.operand((*([d.length()] if d.chance(0.3) and len(shape) < 4 else []), *shape))
    elif how == 4:
        a, b = x, f"{d.one(['np.sin', 'np.tanh', 'np.abs', '-'])}({d.pick()})"
    else:
        a, b = x, x
    if d.chance(0.4):
        a, b = b, a
    sign = d.one(["+", "-", "*", "*", "/", "/"])
    if sign == "/":
        safe = b in d.spaces[0] and d.everywhere(b, lambda v: np.abs(v) > 0.2)
        return f"{a} / {b}" if safe and a != b else f"{a} / ({b} * {b} + 1)"
    if d.chance(0.1):
        return f"np.{ {'+': 'add', '-': 'subtract', '*': 'multiply'}[sign] }({a}, {b})"
    return f"{a} {sign} {b}" if not b.startswith("-") else f"{a} {sign} ({b})"


@kind(1.5)
def powers(d):
    x = d.pick()
    shape = np.shape(d.value(x))
    if d.everywhere(x, lambda a: np.abs(a) > 0.2) and d.chance(0.3):
        return f"{x} ** {d.one(['-1', '-2', '-3', '-1.0'])}"
    if d.everywhere(x, lambda a: a > 0.2) and d.chance(0.5):
        return d.one([f"{x} ** {d.operand(shape)}", f"{x} ** np.sin({d.pick()})", f"np.power({x}, 0.3)",
                      f"{x} ** {x}", f"{x} ** np.float64(2.5)"])  # fmt: skip
    ints = d.outside(np.asarray(d.rng.integers(0, 4, shape)))
    floats = d.outside(np.asarray(d.rng.integers(0, 4, shape)).astype(float))
    return d.one([f"{x} ** 2", f"{x} ** 3", f"{x} ** 2.0", f"{x} ** 1", f"{x} ** 0", f"np.power({x}, 2)",
                  f"2.0 ** {x}", f"2 ** np.tanh({x})", f"{x} ** {ints}", f"{x} ** {floats}", f"{x} ** np.float64(3)",
                  f"np.array([2.0]) ** {x}", f"(np.abs({x}) + 0.25) ** {x}"])  # fmt: skip


@kind(1.5)
def extremes(d):
    x = d.pick()
    y = d.one([d.operand(np.shape(d.value(x))), x, "0.5", "0", f"np.flip({x})" if np.ndim(d.value(x)) else "0.0"])
    return f"np.{d.one(['maximum', 'minimum'])}({d.one([f'{x}, {y}', f'{y}, {x}'])})"


@kind(2.5)
def comparison(d):
    x = d.pick()
    y = d.one(["0", "0.5", d.operand(np.shape(d.value(x))), "0.0", f"np.mean({x})"])
    sign = d.one([">", "<", ">=", "<=", "==", "!="])
    ufunc = d.one(["greater", "less", "greater_equal", "less_equal", "equal", "not_equal"])
    mask = d.one([f"{x} {sign} {y}", f"np.{ufunc}({x}, {y})", f"np.{ufunc}({y}, {x})"])
    other = f"({d.pick()} > 0.25)"
    return d.one([mask, mask, mask, f"({mask}) & {other}", f"({mask}) | {other}", f"~({mask})",
                  f"np.logical_and({mask}, {other})", f"np.logical_not({mask})", f"np.isnan({x})",
                  f"np.isfinite({x})", f"np.signbit({x} - 1.5)", f"np.any({mask}, axis=-1)",
                  f"np.logical_xor({mask}, {other})", f"np.logical_or({x}, {y})"])  # fmt: skip


@kind(1.5)
def positions(d):
    x = d.pick(lambda a: np.ndim(a) > 0 and np.size(a) > 0)
    axis = d.integer(-np.ndim(d.value(x)), np.ndim(d.value(x)) - 1)
    return d.one([f"np.argmax({x})", f"np.argmin({x})", f"np.argmax({x}, axis={axis})", f"np.argmin({x}, axis={axis})",
                  f"np.argsort({x}, axis={axis})", f"np.argsort({x})", f"np.argsort(-{x}, axis={axis})",
                  f"np.count_nonzero({x} > 0)", f"np.searchsorted(np.array([-1.0, 0.0, 1.0]), {x})",
                  f"np.argsort({x}, axis=None)"])  # fmt: skip


def use_of_plain(d, m):
    """What is done with a mask or with indices called m."""
    value = np.asarray(d.value(m))
    shape = value.shape
    if value.dtype.kind == "b":
        fits = d.names(lambda a: broadcasts(np.shape(a), shape))
        x = d.one(fits) if fits and d.chance(0.8) else d.operand(shape)
        y = d.one(["0", "0.0", "1.5", d.one(fits) if fits else "0.0", f"-{x}", d.operand(shape)])
        alike = [n for n in fits if np.shape(d.value(n)) == shape and shape]
        options = [f"np.where({m}, {x}, {y})", f"np.where({m}, {x} * {x}, {y})", f"np.where({m}, {y}, {x})",
                   f"{m} * {x}", f"{x} * {m}", f"{x} - {m}", f"np.sum({m}) * {x}", f"{x} * np.mean({m})",
                   f"np.where(~{m}, {x}, 0)", f"{x} + {m}.astype(float)"]  # fmt: skip
        if alike:
            a = d.one(alike)
            options += [f"{a}[{m}]", f"np.sum({a}[{m}])", f"{a}[~{m}]", f"np.mean({a}[{m}] ** 2)",
                        f"{a}[np.nonzero({m})]"]  # fmt: skip
        return d.one(options)
    high = max(int(np.max(d.value(m, k), initial=0)) for k in range(DATA_SETS))
    x = d.pick(lambda a: np.ndim(a) > 0 and np.shape(a)[0] > high)
    n = np.shape(d.value(x))
    options = [f"{x}[{m}]", f"{x}[{m}] ** 2", f"{x}[..., {m}]", f"{x} * {m}", f"np.ravel({x})[{m}]", f"{m} * {x}"]
    if len(shape) == 1 and len(n) == 2 and n[0] == shape[0]:
        options += [f"{x}[np.arange({n[0]}), {m}]"] * 4
    if len(shape) == len(n) and shape:
        options += [f"np.ravel({x})[{m}]"]
    if d.chance(0.1):
        options = [f"{x} * (np.arange({n[-1]}) == {m})", f"{x} * np.eye({n[-1]})[{m}]"]
    return d.one(options)


@kind(0.6)
def labels(d):
    """Integers or a mask that are arguments."""
    x = d.pick(lambda a: np.ndim(a) > 0 and np.size(a) > 0)
    shape = np.shape(d.value(x))
    if d.chance(0.4):
        m = d.integers(lambda: np.asarray(d.rng.random(shape) < 0.5))
        return d.one([f"np.where({m}, {x}, 0)", f"{x} * {m}", f"np.sum({x}[{m}])"])
    if len(shape) == 2 and d.chance(0.6):
        k = d.integers(lambda: np.asarray(d.rng.integers(0, shape[1], shape[0])))
        return d.one([f"{x}[np.arange({shape[0]}), {k}]", f"{x} * np.eye({shape[1]})[{k}]"])
    k = d.integers(lambda: np.asarray(d.rng.integers(0, shape[0], d.integer(1, 4))))
    return d.one([f"{x}[{k}]", f"np.sum({x}[{k}])"])


def axes_of(d, x, several=True):
    """An axis, several, or None, for a value that has some."""
    n = np.ndim(d.value(x))
    if not n or d.chance(0.2):
        return None
    if several and n > 1 and d.chance(0.3):
        axes = [int(i) for i in d.rng.permutation(n)[: d.integer(1, n)]]
        return tuple(i - n if d.chance(0.3) else i for i in axes)
    return d.integer(-n, n - 1)


@kind(4)
def reduction(d):
    x = d.pick()
    axis, keep = axes_of(d, x), d.chance(0.3)
    options = f"axis={axis}" + (", keepdims=True" if keep else "")
    if axis is None:
        options = "keepdims=True" if keep else ""
    size = np.size(d.value(x))
    f = d.one(["sum", "sum", "mean", "max", "min", "var", "std", "prod"])
    if f in ("max", "min", "mean", "var", "std") and not size:
        f = "sum"
    if f == "std" and not d.ties and d.chance(0.5):
        f = "var"
    comma = ", " if options else ""
    if f in ("var", "std"):
        ddof = ", ddof=1" if d.chance(0.3) else ""
        return f"np.{f}({x}{comma}{options}{ddof})"
    if f in ("sum", "mean", "max", "min") and d.chance(0.3):
        return f"{x}.{f}({options})"
    return f"np.{f}({x}{comma}{options})"


@kind(0.8)
def running(d):
    x = d.pick()
    axis = axes_of(d, x, several=False)
    return f"np.cumsum({x}" + ("" if axis is None else f", axis={axis}") + ")"


@kind(1.5)
def soft(d):
    x = d.pick(lambda a: np.ndim(a) > 0 and np.size(a) > 0)
    axis = d.integer(-np.ndim(d.value(x)), np.ndim(d.value(x)) - 1)
    several = axes_of(d, x)
    return d.one([f"softmax({x})", f"softmax({x}, axis={axis})", f"log_softmax({x}, axis={axis})", f"log_softmax({x})",
                  f"logsumexp({x})", f"logsumexp({x}, axis={axis})", f"logsumexp({x}, axis={several}, keepdims=True)",
                  f"softmax({x}, axis={several})"])  # fmt: skip


def factored(d, n: int) -> tuple[int, ...]:
    shape = []
    for p in (2, 2, 2, 3, 3, 5, 7):
        if n % p == 0 and n:
            n //= p
            shape.append(p)
    if n != 1:
        shape.append(n)
    d.rng.shuffle(shape)
    while len(shape) > 3 or (len(shape) > 1 and d.chance(0.5)):
        shape[:2] = [shape[0] * shape[1]]
    if d.chance(0.3):
        shape.insert(d.integer(0, len(shape)), 1)
    return tuple(int(i) for i in shape)


@kind(4)
def view(d):
    x = d.pick()
    shape = np.shape(d.value(x))
    n, size = len(shape), int(np.prod(shape))
    new = factored(d, size) if size else tuple(d.rng.permutation(shape).tolist())
    options = [f"np.reshape({x}, {new})", f"{x}.reshape({new})", f"np.ravel({x})", f"np.reshape({x}, -1)", f"{x}.T",
               f"np.expand_dims({x}, {d.integer(-n - 1, n)})", f"{x}.reshape(-1)", f"np.transpose({x})",
               f"np.broadcast_to({x}, {(d.length(), *shape)})"]  # fmt: skip
    if size == 1:
        options += [
            f"np.reshape({x}, ())",
            f"np.squeeze({x})",
            f"{x}.reshape(())",
            f"{x}[{', '.join('0' * n) or '()'}]",
        ] * 2
    if n and size:
        options += [f"{x}[(0,) * {n} + (...,)]", f"{x}[{'0, ' * n}...]", f"{x}[0]", f"{x}[-1, ...]"]
    if 1 in shape:
        axis = d.one([i for i, k in enumerate(shape) if k == 1])
        wide = tuple(d.integer(1, 3) if k == 1 and d.chance(0.7) else k for k in shape)
        options += [f"np.squeeze({x})", f"np.squeeze({x}, axis={axis})", f"np.squeeze({x}, axis={axis - n})",
                    f"np.broadcast_to({x}, {wide})", f"np.broadcast_to({x}, {wide})"]  # fmt: skip
    else:
        options += [f"np.squeeze({x})"]
    if n > 1:
        order = tuple(int(i) - (n if d.chance(0.2) else 0) for i in d.rng.permutation(n))
        i, j = d.integer(-n, n - 1), d.integer(0, n - 1)
        options += [f"np.transpose({x}, {order})", f"{x}.transpose{order}", f"np.swapaxes({x}, {i}, {j})",
                    f"np.moveaxis({x}, {i}, {j})", f"{x}.mT"]  # fmt: skip
    if n == 1:
        options += [f"{x}.transpose(0)"] if d.chance(0.3) else []
    axis = axes_of(d, x)
    if n:
        options += [f"np.flip({x})" if axis is None else f"np.flip({x}, {axis})",
                    f"np.roll({x}, {d.integer(-3, 3)})",
                    f"np.roll({x}, {d.integer(-3, 3)}, axis={d.integer(0, n - 1)})"]  # fmt: skip
    return d.one(options)


def an_index(d, n: int, fancy: bool) -> str:
    """An index into an axis of length n."""
    how = d.one(["slice", "slice", "slice", "all", "integer", *(["array"] * 2 if fancy else [])])
    if how == "integer" and n:
        return str(d.integer(-n, n - 1))
    if how == "array" and n:
        return str([d.integer(-n, n - 1) for _ in range(d.integer(1, 4))])
    if how == "all":
        return ":"
    start, stop, step = (d.one(["", str(d.integer(-n - 1, n + 1))]) for _ in range(3))
    step = d.one(["", "", "2", "-1", "-2", "1"])
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


@kind(3.5)
def indexing(d):
    x = d.pick(lambda a: np.ndim(a) > 0)
    shape = np.shape(d.value(x))
    fancy = d.chance(0.4)
    parts = [an_index(d, n, fancy) for n in shape[: d.integer(1, len(shape))]]
    if d.chance(0.2):
        parts.insert(d.integer(0, len(parts)), "None")
    if d.chance(0.2):
        parts.insert(d.integer(0, len(parts)), "...")
    if fancy and d.chance(0.15) and np.size(d.value(x)):
        mask = d.outside(np.asarray(d.rng.random(shape) < 0.6))
        return f"{x}[{mask}]"
    if fancy and d.chance(0.2) and shape[0]:
        array = d.outside(np.asarray(d.rng.integers(-shape[0], shape[0], (2, d.integer(1, 2)))))
        return f"{x}[{array}]"
    return f"{x}[{', '.join(parts)}]"


@kind(2.5)
def joined(d):
    x = d.pick()
    shape = np.shape(d.value(x))
    n = len(shape)
    same = d.operand(shape)
    if not n:
        return d.one([f"np.stack([{x}, {same}])", f"np.stack([{x}, {x}, {same}])"])
    axis = d.integer(-n, n - 1)
    other = list(shape)
    other[axis] = d.length()
    part = d.operand(tuple(other))
    reps = d.one(["2", "3", str(tuple(d.integer(1, 2) for _ in range(d.integer(1, n + 1))))])
    k = shape[axis]
    widths = d.one(["1", "(1, 2)", str([(d.integer(0, 2), d.integer(0, 1)) for _ in shape])])
    mode = d.one(["edge", "wrap", "reflect", "symmetric"])
    counts = [d.integer(0, 2) for _ in range(k)]
    return d.one([f"np.concatenate([{x}, {part}], axis={axis})", f"np.concatenate([{part}, {x}, {x}], axis={axis})",
                  f"np.concatenate([{x}, {same}], axis=None)", f"np.stack([{x}, {same}], axis={d.integer(-n - 1, n)})",
                  f"np.stack([{x}, {x} * 2, {same}], {axis})", f"np.split({x}, {max(1, k)}, axis={axis})[0]",
                  f"np.split({x}, [{d.integer(0, k)}], axis={axis})[{d.integer(0, 1)}]", f"np.tile({x}, {reps})",
                  f"np.repeat({x}, 2)", f"np.repeat({x}, {counts}, axis={axis})", f"np.repeat({x}, 2, axis={axis})",
                  f"np.pad({x}, {widths})", f"np.pad({x}, 1, constant_values=0.5)",
                  f"np.pad({x}, 1, mode={mode!r})"])  # fmt: skip


@kind(4)
def products(d):
    x = d.pick(lambda a: np.ndim(a) > 0)
    shape = np.shape(d.value(x))
    n, m = shape[-1], d.length()
    if d.chance(0.15) and len(shape) == 2:
        return d.one([f"{x} @ {x}.T", f"{x}.T @ {x}", f"np.dot({x}, {x}.T)"])
    how = d.integer(0, 9)
    if how == 0:
        return f"{x} @ {d.operand((n,))}"
    if how == 1:
        return f"{x} @ {d.operand((n, m))}"
    if how == 2 and len(shape) == 1:
        return f"{d.operand((m, n))} @ {x}"
    if how == 3:
        return f"{x} @ {d.operand((*shape[:-2], n, m) if d.chance(0.5) else (2, n, m))}"
    if how == 4:
        return f"np.dot({x}, {d.operand(d.one([(n,), (n, m), (2, n, m)]))})"
    if how == 5:
        return f"np.outer({x}, {d.operand((m,))})"
    if how == 6:
        return f"{x}.T @ {d.operand((shape[0],))}" if len(shape) > 1 else f"{x} @ {d.operand((n,))}"
    if how == 7 and len(shape) > 1:
        return f"{d.operand((shape[-2],))} @ {x}"
    if how == 8 and len(shape) > 1:
        return f"{d.operand((m, shape[-2]))} @ {x}"
    return f"np.matmul({x}, {d.operand((n,))})"


@kind(2)
def contraction(d):
    x = d.pick(lambda a: np.ndim(a) > 0)
    shape = np.shape(d.value(x))
    n = len(shape)
    if d.chance(0.5):
        how = d.integer(0, 4)
        if how == 0:
            return f"np.tensordot({x}, {d.operand(shape)}, {n})"
        if how == 1:
            return f"np.tensordot({x}, {d.operand((shape[-1], d.length()))}, 1)"
        if how == 2:
            return f"np.tensordot({x}, {d.operand((d.length(), shape[0]))}, axes=([0], [1]))"
        if how == 3:
            return f"np.tensordot({x}, {d.operand((2,))}, 0)"
        return f"np.tensordot({x}, {d.operand(shape)}, axes=({list(range(n))}, {list(range(n))}))"
    letters = "ijkl"[:n]
    if n > 4:
        raise Rejected
    options = [(f"{letters}->{letters[::-1]}", None), (f"{letters}->", None), (f"{letters}->{letters[0]}", None),
               (f"{letters},{letters}->", shape), (f"{letters},{letters}->{letters[-1]}", shape),
               (f"{letters},{letters[-1]}m->{letters[:-1]}m", (shape[-1], 2)), (f"{letters},m->{letters}m", (2,)),
               (f"...{letters[-1]},{letters[-1]}->...", (shape[-1],)),
               (f"{letters},{letters[-1]}", (shape[-1],))]  # fmt: skip
    if n == 2 and shape[0] == shape[1]:
        options += [("ii", None), ("ii->i", None), ("ij,ji->", shape)]
    subscripts, other = d.one(options)
    return f'np.einsum("{subscripts}", {x}' + (f", {d.operand(other)})" if other is not None else ")")


@kind(1.5)
def layers(d):
    x = d.pick(lambda a: np.ndim(a) > 0)
    n, m = np.shape(d.value(x))[-1], d.length()
    w = d.operand((m, n))
    b = d.operand((m,))
    return f"{d.one(['linear', 'sigmoid_layer', 'tanh_layer', 'relu_layer'])}({x}, {w}, {b})"


@kind(0.5)
def precision(d):
    return f"{d.pick()}.astype(np.{d.one(['float32', 'float64'])})"


@kind(0.5)
def own(d):
    x = d.pick()
    return d.one([f"cube({x})", f"blend({x}, {d.operand(np.shape(d.value(x)))})", f"blend({x}, {x}, part=0.5)"])


@kind(0.4)
def like(d):
    x = d.pick()
    options = [f"np.zeros_like({x}) + {x}", f"np.ones_like({x}) * {x}", f"{x} + np.zeros(np.shape({x}))", f"+{x}"]
    options += [f"{x} * len({x})", f"{x} * {x}.shape[0]"] if np.ndim(d.value(x)) else []
    return d.one([*options, f"{x} / {x}.size"] if np.size(d.value(x)) else options)


@kind(0.4)
def from_python(d):
    """What leaves the graph, or is decided by Python: to be followed, or refused."""
    x, s = d.pick(), d.pick(lambda a: np.size(a) > 0)
    one = d.pick(lambda a: np.size(a) == 1)
    how = d.integer(0, 7)
    if how in (0, 1, 2):
        d.exact = False
    return [f"{x} * float(np.sum({s}))", f"{x} * math.exp(-abs(float(np.mean({s}))))", f"{x} * int(np.sum({s} > 0))",
            f"({x} if np.sum({s}) > 0 else {x} * 2)", f"max(np.sum({x}), np.mean({s}))",
            f"({x} * {one} if {one} > 0 else {x} - 1)", f"min(np.max({s}), 0.5)",
            f"sorted([np.sum({x}), np.mean({s})])[0]"][how]  # fmt: skip


@kind(0.4)
def windows(d):
    x = d.pick(lambda a: np.ndim(a) > 0 and np.size(a) > 0)
    n = np.ndim(d.value(x))
    axis = d.integer(0, n - 1)
    return f"np.lib.stride_tricks.sliding_window_view({x}, {d.integer(1, 2)}, axis={axis})"


def broadcasts(a, b) -> bool:
    return all(m == n or m == 1 or n == 1 for m, n in zip(a[::-1], b[::-1]))


TABLE_KINDS = list(KINDS)
TABLE_WEIGHTS = np.cumsum([weight for _, weight in KINDS.values()]) / sum(weight for _, weight in KINDS.values())


def draw(seed: int, number: int) -> Program:
    return Drawer(seed, number).draw()
