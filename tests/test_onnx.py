"""ONNX: what a network is written as is checked by onnx, and onnxruntime gives what the network gives."""

import importlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest

import autograd
from autograd import Op, Tensor, no_grad, sigmoid, softmax
from autograd.readings.onnx import OnnxError, to_onnx
from autograd.registry import NAMED
from nn import Dropout, FileError, Linear, Module, Network, Sequential, export, train
from nn.cli import main
from nn.costs import COSTS
from nn.exchange import checksum
from nn.layers import activations

onnxruntime.set_default_logger_severity(3)


def answer(model, x):
    content = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (given,), (y,) = session.get_inputs(), session.run(None, {"x": x})
    assert given.shape[0] == "n"
    return y


def agree(f, shape, dtype=np.float32, scale=1.0):
    """The model of f, which gives what f gives for several numbers of examples."""
    model = to_onnx(f, np.zeros((1, *shape), dtype))
    onnx.checker.check_model(model, full_check=True)
    for n in (1, 2, 61, 100):
        x = (scale * np.random.default_rng(n).standard_normal((n, *shape))).astype(dtype)
        with no_grad():
            ours = np.asarray(getattr(f(x), "data", f(x)))
        theirs = answer(model, x)
        assert (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype)
        assert np.array_equal(np.isnan(theirs), np.isnan(ours))
        apart = np.nan_to_num(np.abs(theirs.astype(float) - ours.astype(float)))
        assert np.max(apart) <= 1e-6 * max(1.0, np.max(np.abs(np.nan_to_num(ours.astype(float)))))
    return model


# The networks of the course


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [name for name, op in activations().items() if "onnx" in op.facts])
@pytest.mark.parametrize("cost", COSTS)
def test_the_digit_network(cost, activation, dtype):
    for sizes in ([784, 30, 10], [784, 10], [20, 8, 7, 6, 4]):
        net = Network(sizes, cost=cost, activation=activation, init="scaled", dtype=dtype, rng=1)
        agree(net, sizes[:1], dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loops_and_convolutions(dtype):
    rng = np.random.default_rng(0)
    agree(importlib.import_module("13_loops").Recurrent(28, 128, 10, rng, dtype=dtype), (28, 28), dtype)
    agree(importlib.import_module("14_shared_weights").Convolutional(rng, dtype), (29, 29), dtype)


def test_deep_networks():
    deep = importlib.import_module("12_deep")
    for kind in deep.KINDS:
        agree(deep.Deep(5, kind, np.random.default_rng(0)), (784,))


def test_a_sequential_of_all_kinds_of_layers():
    layers = [Linear(6, 5, rng=0), np.tanh, Dropout(0.5), Sequential(Linear(5, 4, activation=sigmoid, rng=1))]
    model = agree(Sequential(*layers, Linear(4, 3, rng=2), softmax), (6,))
    assert {tensor.name for tensor in model.graph.initializer} >= {"w1", "b1", "w2", "b2", "w3", "b3"}


# Operations


@pytest.mark.parametrize(
    "name", sorted(name for name, op in NAMED.items() if isinstance(op, Op) and "onnx" in op.facts)
)
def test_an_operation_with_a_form(name):
    op = NAMED[name]
    w = Tensor(np.random.default_rng(1).uniform(0.1, 0.9, (4, 4)).astype(np.float32), name="w")
    own = {
        "where": lambda x: np.where(x > 0, x, w[0]), "pick": lambda x: np.where(x > 0, x, w[0]),
        "clip": lambda x: np.clip(x, -0.5, 0.5), "limit": lambda x: np.clip(x, -0.5, 0.5),
        "astype": lambda x: x.astype(np.float64), "cast": lambda x: (x > 0).astype(np.float32),
        "reshape": lambda x: np.reshape(x, (x.shape[0] * 2, -1)), "expand_dims": lambda x: np.expand_dims(x, (0, 2)),
        "squeeze": lambda x: np.squeeze(np.expand_dims(x, 1), 1),
        "broadcast_to": lambda x: np.broadcast_to(x, (3, *x.shape)),
        "swapaxes": lambda x: np.swapaxes(x, 0, 1), "moveaxis": lambda x: np.moveaxis(x[:, None], 0, 2),
        "pad_constant": lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=3.0),
        "pad": lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=3.0),
        "join": lambda x: np.concatenate([x, 2 * x], axis=1),
        "concatenate": lambda x: np.concatenate([x, 2 * x], axis=1),
        "linear": lambda x: autograd.linear(x, w, w[0]), "matmul": lambda x: x @ w,
        "einsum": lambda x: np.einsum("ij,jk->ki", x, w), "sum_products": lambda x: np.einsum("ij,jk->ki", x, w),
        "power": lambda x: np.abs(x) ** w[0], "log": lambda x: np.log(np.exp(x)),
        "sqrt": lambda x: np.sqrt(np.exp(x)), "log1p": lambda x: np.log1p(np.exp(x)),
        "arccosh": lambda x: np.arccosh(1 + np.exp(x)), "tan": lambda x: np.tan(0.3 * np.tanh(x)),
        "divide": lambda x: x / w[0], "reciprocal": lambda x: np.reciprocal(np.exp(x)),
        "logical_and": lambda x: np.logical_and(x > 0, x < 1), "logical_or": lambda x: np.logical_or(x < 0, x > 1),
        "logical_not": lambda x: np.logical_not(x > 0), "argmax": lambda x: np.argmax(x, axis=1),
        "argmin": lambda x: np.argmin(x, axis=-1, keepdims=True), "isnan": lambda x: np.isnan(np.sqrt(x)),
        **{name: lambda x, name=name: getattr(np, name)(0.9 * np.tanh(x)) for name in ("arcsin", "arccos", "arctanh")},
    }  # fmt: skip
    one = {1: lambda x: op(1 * x), 2: lambda x: op(x, w[0])}
    with np.errstate(invalid="ignore"):
        agree(own.get(name) or one[min(op.arity, 2)], (4,))


def test_reductions_along_axes():
    for reduce in (np.sum, np.mean, np.max, np.min, np.prod):
        for options in ({"axis": 1}, {"axis": (1, 2), "keepdims": True}, {"axis": -1}):
            agree(lambda x, r=reduce, o=options: r(x, **o), (3, 4))


@pytest.mark.parametrize("index", [
    np.s_[:, 1], np.s_[..., -1], np.s_[:, ::-1], np.s_[:, 1:-1, ::2], np.s_[:, None, 2, ::-2], np.s_[1:], np.s_[0],
    np.s_[:, [2, 0]], np.s_[..., None], np.s_[None, :, 1, None, 2], np.s_[:, 3:0:-1],
])  # fmt: skip
def test_an_index(index):
    model = to_onnx(lambda x: 2 * x[index], np.zeros((1, 5, 6)))
    x = np.random.default_rng(0).random((7, 5, 6))
    assert np.array_equal(answer(model, x), 2 * x[index])


def test_what_is_made_anew_for_each_batch():
    agree(lambda x: np.concatenate([np.ones((x.shape[0], 2), np.float32), x], axis=1), (3,))
    agree(lambda x: np.reshape(x, (-1, 2)) * np.float32(2), (4,))
    agree(lambda x: np.broadcast_to(x[:, None], (x.shape[0], 3, 4)), (4,))


# What has no form


class Sorting(Module):
    def __init__(self):
        self.w = Tensor(np.ones(3), name="w")

    def __call__(self, x):
        return np.cumsum(x * self.w, axis=1)


@pytest.mark.parametrize(("f", "says"), [
    (Sorting(), r"cumsum \(np\.cumsum"),
    (lambda x: x / x.shape[0], "a number in it, such as 61"),
    (lambda x: x * np.arange(x.shape[0])[:, None], "an array of shape"),
    (lambda x: x[: x.shape[0] // 2], "the index"),
    (lambda x: x + 1 if x.shape[0] > 61 else x * 2, "which operations there are"),
    (lambda x: np.reshape(x[1:], (-1,)), "a length of 180"),
    (lambda x: x[:, np.argmax(x, axis=1)], "getitem"),
    (lambda x: x[[0, 1], [1, 2]], "the index"),
    (lambda x: np.argmax(x), "one axis"),
    (lambda x: np.ones((3, 3)), "has to be computed from x"),
])  # fmt: skip
def test_what_has_no_form_is_refused_by_name(f, says):
    with pytest.raises(OnnxError, match=says):
        to_onnx(f, np.zeros((1, 3)))


def test_a_value_that_decides_is_refused():
    with pytest.raises(TypeError, match="while the function is traced"):
        to_onnx(lambda x: x if x[0, 0] > 0 else 2 * x, np.zeros((1, 3)))


# Files


def test_a_file_of_a_network(tmp_path):
    net = Network([5, 4, 3], rng=1, cost="log-likelihood")
    export(net, tmp_path / "a.onnx", about={"scale": 255})
    export(net, tmp_path / "b.onnx", about={"scale": 255})
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    (entry,) = onnx.load(tmp_path / "a.onnx").metadata_props
    text = json.loads(entry.value)
    assert (entry.key, text["about"]) == ("handgrad", {"scale": 255})
    assert text["description"] == {"sizes": [5, 4, 3], "activation": "sigmoid", "cost": "log-likelihood"}
    assert text["sha256"] == checksum(text, net.state_dict())
    x = np.random.default_rng(0).random((6, 5))
    assert np.allclose(answer(str(tmp_path / "a.onnx"), x), net(x).data, atol=1e-12)


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match=r"x\.pt: a model is exported to"):
        export(Network([2, 1]), tmp_path / "x.pt")
    with pytest.raises(OnnxError, match=r"x\.onnx: cannot be written: cumsum"):
        export(Sorting(), tmp_path / "x.onnx", np.zeros((1, 3)))
    with pytest.raises(ValueError, match="needs x, an example"):
        export(Sorting(), tmp_path / "x.onnx")
    with pytest.raises(FileError, match="cannot be written"):
        export(Network([2, 1]), tmp_path / "none" / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path, capsys):
    model, file = str(tmp_path / "net.npz"), str(tmp_path / "net.onnx")
    net = Network([784, 5, 10], rng=0)
    x, y = np.random.default_rng(0).random((4, 784)), np.arange(4)
    train(net, (x, y), 1, 2, 1.0, report=None, save=model, notes={"options": ["--scale", "256.0"]})
    assert main(["export", model, file]) == 0
    assert capsys.readouterr().out == f"written to {file}\n"
    assert np.allclose(answer(file, x), net(x).data, atol=1e-12)
    about = json.loads(onnx.load(file).metadata_props[0].value)["about"]
    assert about["pixel bytes divided by"] == 256.0
    assert main(["export", model, str(tmp_path / "net.safetensors"), "--names", "pytorch"]) == 0
    assert (
        main(["evaluate", str(tmp_path / "net.safetensors")]) == main(["info", str(tmp_path / "net.safetensors")]) == 0
    )
    capsys.readouterr()
    for arguments in ([model, str(tmp_path / "net.txt")], [model, file, "--names", "pytorch"], [file, file]):
        assert main(["export", *arguments]) == 2
        out, err = capsys.readouterr()
        assert not out and err.startswith("handgrad: error: ") and err.count("\n") == 1


def test_an_operation_of_ones_own_says_its_onnx_form():
    def own(**facts):
        return Op(np.tanh, "np.tanh(x)", lambda g, y, x: g * (1 - y * y), name="own", **facts)

    x = np.array([[0.5, -1.0]])
    model = to_onnx(own(onnx="Tanh(x)"), x)
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {model.graph.input[0].name: x})[0]
    np.testing.assert_allclose(found, np.tanh(x), rtol=1e-12)
    with pytest.raises(OnnxError, match=r'an Op of your own takes one, such as onnx="Tanh\(x\)"'):
        to_onnx(own(), x)
