"""Models in .safetensors files: what comes back is what was saved, ours and PyTorch's names both ways, nothing else."""

import builtins
import json

import numpy as np
import pytest
from conftest import complaint
from safetensors.numpy import load_file, save_file

from autograd import Tensor
from nn import FileError, Linear, Module, Network, Sequential, train
from nn.costs import COSTS
from nn.exchange import as_own_names
from nn.layers import activations

X = np.random.default_rng(0).random((7, 5))


class Recurrent(Module):
    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.u, self.w = (Tensor(rng.standard_normal((3, 3)), name=name) for name in "uw")
        self.outputs = [Linear(3, 2, name="1", rng=rng), Linear(2, 2, name="2", rng=rng)]

    def __call__(self, x):
        return self.outputs[1](self.outputs[0](np.tanh(x @ self.u.T @ self.w.T)))


def parameters(model):
    return [p.data for p in model.parameters()]


def same(one, other):
    return all(p.dtype == q.dtype and np.array_equal(p, q) for p, q in zip(one, other, strict=True))


@pytest.mark.parametrize("names", ["own", "pytorch"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cost", COSTS)
def test_a_network_comes_back(tmp_path, cost, dtype, names):
    for activation in activations():
        net = Network([5, 4, 3], rng=1, cost=cost, activation=activation, dtype=dtype)
        net.save(tmp_path / "net.safetensors", names=names)
        again = Network.load(str(tmp_path / "net.safetensors"))
        assert (again.sizes, again.cost_name, again.activation) == ([5, 4, 3], cost, activation)
        assert same(parameters(net), parameters(again))
        assert np.array_equal(net(X).data, again(X).data)


def test_the_same_network_is_the_same_file(tmp_path):
    for name in "ab":
        Network([5, 4, 3], rng=1).save(tmp_path / f"{name}.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_others_read_the_names_of_pytorch(tmp_path):
    net = Network([5, 4, 3], rng=1)
    net.save(tmp_path / "net.safetensors", names="pytorch")
    found = load_file(tmp_path / "net.safetensors")
    assert found.keys() == {"0.weight", "0.bias", "2.weight", "2.bias"}  # Linear, Sigmoid, Linear, Sigmoid
    assert np.array_equal(found["2.weight"], net.weights[1].data)


def test_what_pytorch_wrote_is_taken_by_place(tmp_path):
    net, other = Network([5, 4, 3], rng=1), Network([5, 4, 3], rng=2)
    w1, b1, w2, b2 = parameters(net)
    # Flatten, Linear, Dropout, ReLU, ..., Linear
    save_file({"1.weight": w1, "1.bias": b1, "10.weight": w2, "10.bias": b2}, tmp_path / "theirs.safetensors")
    with pytest.raises(FileError, match="load_parameters takes it"):
        Network.load(tmp_path / "theirs.safetensors")
    other.load_parameters(tmp_path / "theirs.safetensors")
    assert same(parameters(other), parameters(net))


def test_layers_are_put_in_order_by_number():
    state = {f"stack.{n}.weight": np.full(1, n) for n in (10, 9, 0)}
    found = as_own_names(state, ["w1", "w2", "w3"], [])
    assert [found[f"w{n}"].item() for n in (1, 2, 3)] == [0, 9, 10]


@pytest.mark.parametrize("names", ["own", "pytorch"])
@pytest.mark.parametrize("make", [
    Recurrent,
    lambda seed: Sequential(Linear(5, 4, activation=np.tanh, rng=seed), Sequential(Linear(4, 4, rng=seed), np.tanh)),
])  # fmt: skip
def test_any_module_comes_back(tmp_path, make, names):
    model, other = make(1), make(2)
    model.save(tmp_path / "model.safetensors", names=names)
    other.load_parameters(tmp_path / "model.safetensors")
    assert same(parameters(model), parameters(other))
    model.save(tmp_path / "model.npz")
    other = make(3)
    other.load_parameters(tmp_path / "model.npz")
    assert same(parameters(model), parameters(other))


def test_the_names_of_pytorch_are_the_ways_to_the_parameters():
    assert [name for name, _ in Recurrent(0).named_parameters()] == [
        "u", "w", "outputs.0.weight", "outputs.0.bias", "outputs.1.weight", "outputs.1.bias",
    ]  # fmt: skip
    twice = Linear(2, 2, rng=0)
    assert [name for name, _ in Sequential(twice, np.tanh, twice).named_parameters()] == ["0.weight", "0.bias"]


def test_the_parameters_of_a_training_are_taken_from_its_file(tmp_path):
    net = Network([5, 4, 3], rng=1)
    train(net, (X, np.arange(7) % 3), 1, 3, 0.5, rng=0, report=None, save=tmp_path / "run.npz")
    other = Network([5, 4, 3], rng=2)
    other.load_parameters(tmp_path / "run.npz")
    assert same(parameters(net), parameters(other))


def test_a_checkpoint_is_no_safetensors_file(tmp_path):
    with pytest.raises(FileError, match=r"run\.safetensors: .*\.npz"):
        train(Network([5, 3]), (X, np.arange(7) % 3), 1, 3, 0.5, report=None, save=tmp_path / "run.safetensors")
    assert not list(tmp_path.iterdir())


# What does not fit


def test_parameters_that_do_not_fit_change_nothing(tmp_path):
    net, other = Network([5, 4, 3], rng=1), Network([5, 6, 3], rng=2)
    before = parameters(other)
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(FileError, match=r"net\.safetensors: the state does not fit: w1 has shape \(4, 5\)"):
        other.load_parameters(tmp_path / "net.safetensors")
    with pytest.raises(FileError, match=r"lacks \['u', 'w'\]"):
        Recurrent(0).load_parameters(tmp_path / "net.safetensors")
    assert same(parameters(other), before)


def test_names_that_there_are_not(tmp_path):
    with pytest.raises(ValueError, match="'own' or 'pytorch'"):
        Network([2, 1]).save(tmp_path / "net.safetensors", names="jax")
    with pytest.raises(FileError, match=r"for a \.safetensors file"):
        Network([2, 1]).save(tmp_path / "net.npz", names="pytorch")


def saved(path, change):
    """A good file with its header changed: `change` gets it as a table."""
    Network([5, 4, 3], rng=1).save(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = json.dumps(change(header) or header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def set_in(header, name, **values):
    header[name] |= values


@pytest.mark.parametrize(("change", "says"), [
    (lambda h: set_in(h, "w1", dtype="BF16"), "w1 is of dtype BF16"),
    (lambda h: set_in(h, "w1", dtype=["F64"]), "damaged"),
    (lambda h: set_in(h, "w1", shape=[1 << 40, 1 << 40]), "memory"),
    (lambda h: set_in(h, "w1", shape=[1] * 40), "axes"),
    (lambda h: set_in(h, "w1", shape=[5, 4]), "checksum"),
    (lambda h: set_in(h, "w1", data_offsets=[0, 8]), "damaged"),
    (lambda h: h.pop("w1") and None, "damaged"),
    (lambda h: set_in(h, "__metadata__", handgrad="{}"), "table"),
    (lambda h: set_in(h, "__metadata__", handgrad="[" * 5000), "damaged"),
    (lambda h: set_in(h, "__metadata__", **{k: v.replace("moid", "moi") for k, v in h["__metadata__"].items()}), "sum"),
    (lambda h: [h], "table"),
])  # fmt: skip
def test_a_header_that_is_wrong(tmp_path, change, says):
    saved(tmp_path / "x.safetensors", change)
    assert says in complaint(tmp_path / "x.safetensors")


def test_an_array_that_is_there_twice(tmp_path):
    path = tmp_path / "x.safetensors"
    Network([5, 4, 3], rng=1).save(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    text = content[8 : 8 + length].rstrip()
    text = text[:-1] + b',"w1"' + text[text.index(b'"w1"') + 4 :]
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    assert "'w1' is in it twice" in complaint(path)


def test_every_change_of_a_file_is_found(tmp_path):
    path = tmp_path / "x.safetensors"
    Network([3, 2], rng=0).save(path)
    good = path.read_bytes()
    start = good.index(b"sha256")  # what is before and behind can be white space, or a name of the checksum
    for at in [*range(8), *range(start, len(good))]:
        if good[at : at + 1] == b" ":
            continue
        path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        complaint(path)
    for content in (good + b"\0", good[:-1], good[:-72], b"\0" + good, b"", b"\0" * 8, good[:8]):
        path.write_bytes(content)
        complaint(path)


def test_a_file_that_is_not_there(tmp_path):
    assert "no such file" in complaint(tmp_path / "x.safetensors")
    assert "damaged" in complaint_of_folder(tmp_path)


def complaint_of_folder(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    return complaint(tmp_path / "folder.safetensors")


def test_a_package_that_is_not_there(tmp_path, monkeypatch):
    Network([5, 3]).save(tmp_path / "x.safetensors")
    usual = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("safetensors"):
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install safetensors" in complaint(tmp_path / "x.safetensors")
    with pytest.raises(FileError, match="pip install safetensors"):
        Network([5, 3]).save(tmp_path / "x.safetensors")
