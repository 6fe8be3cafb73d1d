"""A recorded function as an ONNX graph, which other programs run.

Beside each operation stands how ONNX says it, as its fact `onnx`: `Add(MatMul(x, Transpose(w)), b)`. What is written
here is how such a text is read, how an index becomes slices, and how a graph is made that takes any number of examples.

A recorded graph has shapes, and these are of one batch. So the function is recorded twice, for two numbers of examples:
a length that differs between the two is that number, or a multiple of it. Anything else that differs is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.ops.indexing import is_basic
from autograd.readings.formula import Formula, Formulas, fact, ordered
from autograd.readings.graph import Graph, computed
from autograd.readings.names import unique_name
from autograd.readings.text import parsed
from autograd.readings.trace import apart
from autograd.recording import no_grad, tracing
from autograd.tensor import Node, Tensor, plain_input

OPSET, IR = 18, 8  # the vocabulary, of 2022, and the layout of the file: what programs of the last years read
COUNTS = 61, 67  # examples in the two recordings: primes that are hardly a length of anything else
LARGEST = (1 << 31) - (1 << 20)  # bytes: no such file is longer than 2 GB
END = (1 << 63) - 1  # as far as a slice can go
OF_OPERANDS = ("Less", "Greater", "Equal", "Not(Equal", "IsNaN", "Arg", "Cast")  # keep the dtype of what they take


class OnnxError(TypeError):
    """Raised for what cannot be written as ONNX; names it."""


def to_onnx(f: Callable[[Any], Any], x: Any, *, metadata: dict[str, str] | None = None, name: str = "model") -> Any:
    """Make an ONNX model, an `onnx.ModelProto`, of a function of one array whose first axis holds the examples.

    x         an example of what f takes, for its shape and dtype; the model's input `x` takes any number of examples
    metadata  texts to be kept in the model, by name

    The output is called `y`. Tensors that f reaches are parameters of the model, under their own names. Dropouts hand
    on what they are given. Raises OnnxError (a TypeError) for an operation that ONNX does not have, or where what is
    computed depends on the number of examples in another way than by a length; ImportError without the package onnx.

    >>> w = Tensor(np.ones((3, 2)), name="w")
    >>> model = to_onnx(lambda x: np.tanh(x @ w.T), np.zeros((1, 2)))
    >>> [node.op_type for node in model.graph.node]
    ['Transpose', 'MatMul', 'Tanh']
    """
    x = np.asarray(x)
    if not x.ndim or x.dtype.kind not in "fiub":
        raise OnnxError(f"{name}: x is an array with an example per row, not of shape {x.shape} and dtype {x.dtype}")
    return _Writer(*[_Recorded(f, np.resize(x, (n, *x.shape[1:]))) for n in COUNTS]).model(name, metadata or {})


class _Recorded:
    """What f computes from some examples, as formulas in order."""

    def __init__(self, f: Callable[[Any], Any], x: Any):
        given = plain_input(x, "x")
        with tracing(), no_grad():
            y = f(given)
        if not isinstance(y, Node) or not y.inputs:
            raise OnnxError(f"the value has to be computed from x, and is {y!r:.80}")
        output = apart(y)  # type: ignore[arg-type]  # here, what is not differentiated
        leaves = {z for node in computed([output]) for z in node.inputs if isinstance(z, Tensor) and not z.inputs}
        self.named, taken = {id(given): "x"}, {"x", "y"}
        for leaf in sorted(leaves, key=lambda leaf: leaf.tick):
            self.named[id(leaf)] = unique_name(leaf.name or "w", taken)
        formulas = Formulas(Graph(output), self.named, exact=True)
        self.output, self.shape = formulas[output], x.shape
        self.order = ordered([self.output])
        self.kept = given, leaves  # so that their ids are no others'


class _Ref:
    """A value in the graph: its name there, and its dtype."""

    def __init__(self, name: str, dtype: Any):
        self.name, self.dtype = name, np.dtype(dtype)


class _Writer:
    """Writes what was recorded for the first number of examples, and finds in the second what depends on that
    number."""

    def __init__(self, one: _Recorded, other: _Recorded):
        import onnx

        self.onnx, self.one, self.other = onnx, one, other
        self.nodes: list[Any] = []
        self.constants: dict[Any, Any] = {}  # by what is in them
        self.parameters: list[Any] = []
        self.taken = {"x", "y", "n"}
        self.values: dict[int, Any] = {}  # by the formulas' ids
        self.count: _Ref | None = None  # the number of examples, as the graph finds it
        if len(one.order) != len(other.order):
            self._depends("which operations there are")
        place = {id(b): a for a, b in zip(one.order, other.order, strict=True)}
        for a, b in zip(one.order, other.order, strict=True):
            if a.op is not b.op or [id(arg) for arg in a.args] != [id(place[id(arg)]) for arg in b.args]:
                self._depends("which operations there are")
        for a, b in zip(one.order, other.order, strict=True):
            self.values[id(a)] = self._leaf(a, b) if a.op is None else self._computed(a, b)

    def _depends(self, what: str) -> None:
        raise OnnxError(f"{what} depends on the number of examples, and an ONNX graph is the same for any number")

    # Leaves: the input, parameters, arrays, numbers

    def _leaf(self, a: Formula, b: Formula) -> Any:
        if a.name == "x":
            return _Ref("x", a.value.dtype)
        if a.name is not None:
            data, name = np.asarray(a.value), unique_name(a.name, self.taken)
            self.parameters.append(self._tensor(data, name))
            return _Ref(name, data.dtype)
        if np.ndim(a.value) == np.ndim(b.value) == 0:
            if not np.array_equal(a.value, b.value, equal_nan=True):
                self._depends(f"a number in it, such as {a.value!r}, which")
            return a.value
        return self._array(np.asarray(a.value), np.asarray(b.value))

    def _array(self, a: Any, b: Any) -> _Ref:
        """Write a constant array. If it has a row for each example, all of them equal, it is one row that is
        expanded."""
        same = a.ndim == b.ndim
        apart = [i for i, (n, m) in enumerate(zip(a.shape, b.shape)) if n != m]
        row = tuple([slice(0, 1) if i in apart else slice(None) for i in range(a.ndim)])
        if not same or not (np.all(a == a[row]) and np.all(b == b[row]) and np.array_equal(a[row], b[row])):
            self._depends(f"an array of shape {a.shape} that is computed outside of the graph")
        if not apart:
            return self.constant(a)
        return self.node("Expand", [self.constant(a[row]), self._length(a.shape, b.shape)], a.dtype)

    def constant(self, value: Any, dtype: Any = None) -> _Ref:
        """Return a constant of the graph; the same one for the same content."""
        data = np.asarray(value, dtype)
        key = (data.shape, data.dtype.str, data.tobytes())
        if key not in self.constants:
            self.constants[key] = self._tensor(data, unique_name(f"c{len(self.constants) + 1}", self.taken))
        return _Ref(self.constants[key].name, data.dtype)

    def _tensor(self, data: Any, name: str) -> Any:
        if data.nbytes > LARGEST:
            raise OnnxError(f"{name} has {data.nbytes:,} bytes, more than the limit of an ONNX file, {LARGEST:,}")
        return self.onnx.numpy_helper.from_array(np.array(data, data.dtype.newbyteorder("="), order="C"), name)

    # Shapes

    def _factors(self, a: tuple[int, ...], b: tuple[int, ...]) -> list[tuple[int, bool]]:
        """Return the lengths of a shape, or how many times the number of examples they are."""
        found = []
        for n, m in zip(a, b, strict=True):
            if n != m and (n * COUNTS[1] != m * COUNTS[0] or n % COUNTS[0]):
                self._depends(f"a length of {n} that is not a multiple of that number")
            found.append((n // COUNTS[0], True) if n != m else (n, False))
        return found

    def _length(self, a: tuple[int, ...], b: tuple[int, ...], may_be_found: bool = False) -> _Ref:
        """Return a shape as a value of the graph. One length may be -1, to be found from the others."""
        lengths = self._factors(a, b)
        varying = [factor for factor, varies in lengths if varies]
        if not varying or (may_be_found and len(varying) == 1 and 0 not in a):
            return self.constant([-1 if varies else n for n, varies in lengths], np.int64)
        if self.count is None:
            self.count = self.node("Shape", [_Ref("x", np.int64)], np.int64, start=0, end=1)
        parts = []
        for n, varies in lengths:
            if varies and n == 1:
                parts.append(self.count)
            else:
                number = self.constant([n], np.int64)
                parts.append(self.node("Mul", [self.count, number], np.int64) if varies else number)
        return self.node("Concat", parts, np.int64, axis=0)

    # Operations

    def node(self, kind: str, inputs: list[_Ref], dtype: Any, wish: str = "", **attributes: Any) -> _Ref:
        output = _Ref(unique_name(wish or kind.lower(), self.taken), dtype)
        given = {key: value for key, value in attributes.items() if value is not None}
        made = self.onnx.helper.make_node(kind, [x.name for x in inputs], [output.name], output.name, **given)
        self.nodes.append(made)
        return output

    def cast(self, x: Any, dtype: Any) -> _Ref:
        """Return a value in a dtype: a number as a constant of it."""
        if not isinstance(x, _Ref):
            return self.constant(x, dtype)
        return x if x.dtype == dtype else self.node("Cast", [x], dtype, to=self._kind(dtype))

    def _kind(self, dtype: Any) -> int:
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _computed(self, a: Formula, b: Formula) -> _Ref:
        op: Any = a.op
        operands = [self.values[id(arg)] for arg in a.args]
        if a.calls("getitem") and "index" in a.params:
            return self._picked(a, b, operands[0])
        text = fact(op, "onnx")
        if text is None:
            raise OnnxError(
                f"{op.name} ({op.template}) has no ONNX form: compute it before the model, or after it; an Op of your"
                ' own takes one, such as onnx="Tanh(x)"'
            )
        free = {"shape", *(["axis"] if "axis" in a.params else [])}
        for key in a.params.keys() - free:
            if repr(a.params[key]) != repr(b.params[key]):
                self._depends(f"{op.name}: {key}={a.params[key]!r}")
        dtype = np.asarray(a.value).dtype
        masked = a.calls("where")
        met = np.result_type(*[arg.value for arg in a.args[masked:]]) if a.args else dtype
        common = met if text.startswith(OF_OPERANDS) else dtype
        operands = [x if masked and i == 0 else self.cast(x, common) for i, x in enumerate(operands)]
        known: dict[str, Any] = {**op.defaults, **a.params, **self._said(a, b)}
        known |= {"xs": operands} if op.operands == ("*xs",) else dict(zip(op.operands, operands, strict=True))
        if masked:
            known["mask"] = self.cast(operands[0], bool)
        return self._read(parsed(text), known, common, dtype, a.name or "")

    def _said(self, a: Formula, b: Formula) -> dict[str, Any]:
        """List what a text may read of an operation besides its operands and parameters: shape, axes, perm, pads."""
        op: Any = a.op
        found: dict[str, Any] = {
            "shape": lambda of: self._length(np.shape(a.value), np.shape(b.value), of == "Reshape")
        }
        ndim = np.ndim(a.args[0].value)
        settings = {**op.defaults, **a.params}
        if "ax" in fact(op, "onnx") and "axis" in settings:
            axis = settings["axis"]
            axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
            found["axes"] = lambda of: self.constant(list(axes), np.int64)
            found["axis"] = axes[0] if len(axes) == 1 else None
        if "perm" in fact(op, "onnx"):
            turned = op.forward(np.empty(range(1, ndim + 1)), **a.params).shape
            found["perm"] = [n - 1 for n in turned]
        if "pad_width" in settings:
            widths = np.broadcast_to(settings["pad_width"], (ndim, 2))
            found["pads"] = lambda of: self.constant(np.transpose(widths).reshape(-1), np.int64)
            found["constant_values"] = lambda of: self.constant(settings["constant_values"], np.asarray(a.value).dtype)
        return found

    def _read(self, call: ast.expr, known: dict[str, Any], inner: Any, dtype: Any, wish: str = "") -> _Ref:
        """Write the nodes of a text: a call with operands and numbers, then attributes by keyword."""
        assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        kind, inputs = call.func.id, []
        for part in call.args:
            if isinstance(part, ast.Call):
                inputs.append(self._read(part, known, inner, bool if kind == "Not" else inner))
                continue
            value: Any = known[part.id] if isinstance(part, ast.Name) else ast.literal_eval(part)
            if callable(value):
                value = value(kind)
            several = value if isinstance(value, list) else [value]
            inputs += [x if isinstance(x, _Ref) else self.cast(x, inner) for x in several]
        attributes = {str(word.arg): known[word.value.id] for word in call.keywords if isinstance(word.value, ast.Name)}
        for key, value in attributes.items():
            if key == "axis" and value is None:
                raise OnnxError(f"{kind} takes one axis: say which, for instance axis=-1")
            attributes[key] = self._kind(value) if key == "to" else int(value) if isinstance(value, bool) else value
        return self.node(kind, inputs, dtype, wish, **attributes)

    def _picked(self, a: Formula, b: Formula, x: _Ref) -> _Ref:
        """Write an index: slices, then single elements, then new axes."""
        index, dtype, ndim = a.params["index"], a.value.dtype, np.ndim(a.args[0].value)
        if repr(index) != repr(b.params["index"]):
            self._depends(f"the index [{index}]")
        parts = list(index) if isinstance(index, tuple) else [index]
        lists = [part for part in parts if not is_basic(part)]
        if len(lists) > 1 or any(np.ndim(part) != 1 or np.asarray(part).dtype.kind not in "iu" for part in lists):
            raise OnnxError(f"the index [{index}] has no ONNX form: use slices, whole numbers, or one list of these")
        used = sum(part is not None and part is not Ellipsis for part in parts)
        rest = [slice(None)] * (ndim - used)
        at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
        parts[at : at + 1] = rest
        axes: list[int] = []
        starts, ends, steps, single, new = [], [], [], [], []
        axis = place = 0
        for part in parts:
            if part is None:
                new.append(place)
            elif isinstance(part, slice):
                if part != slice(None):
                    step = 1 if part.step is None else part.step
                    axes.append(axis)
                    steps.append(step)
                    starts.append((0 if step > 0 else END) if part.start is None else part.start)
                    ends.append((END if step > 0 else -END) if part.stop is None else part.stop)
                axis += 1
            else:
                single.append((axis, part))
                axis += 1
                place -= np.ndim(part) == 0
            place += 1
        if axes:
            x = self.node("Slice", [x, *[self.constant(z, np.int64) for z in (starts, ends, axes, steps)]], dtype)
        for axis, part in reversed(single):
            x = self.node("Gather", [x, self.constant(part, np.int64)], dtype, axis=axis)
        return self.node("Unsqueeze", [x, self.constant(new, np.int64)], dtype) if new else x

    # The model

    def model(self, name: str, metadata: dict[str, str]) -> Any:
        helper, one, other = self.onnx.helper, self.one, self.other
        y: _Ref = self.values[id(one.output)]
        if self.nodes and self.nodes[-1].output[0] == y.name:
            self.nodes[-1].output[0] = "y"
        else:
            self.nodes.append(helper.make_node("Identity", [y.name], ["y"], "y"))

        def described(of: str, dtype: Any, a: tuple[int, ...], b: tuple[int, ...]) -> Any:
            known = {(n, n): n for n in a} | {COUNTS: "n"}
            lengths = [known.get(pair) for pair in zip(a, b, strict=True)]
            return helper.make_tensor_value_info(of, self._kind(dtype), lengths)

        tensors = [*self.parameters, *self.constants.values()]
        if sum(len(tensor.raw_data) for tensor in tensors) > LARGEST:
            raise OnnxError(f"the parameters have more bytes than the limit of an ONNX file, {LARGEST:,}")
        value = np.asarray(one.output.value)
        graph = helper.make_graph(
            self.nodes, name, [described("x", self._dtype_of_x(), one.shape, other.shape)],
            [described("y", value.dtype, value.shape, np.shape(other.output.value))], tensors,
        )  # fmt: skip
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="handgrad"
        )
        helper.set_model_props(model, metadata)
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def _dtype_of_x(self) -> Any:
        return self.one.kept[0].dtype
