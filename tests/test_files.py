"""Saved networks: what comes back is what was saved, a file is whole or not there, and nothing else is let in."""

import io
import pickle
import stat
import tracemalloc
import zipfile

import numpy as np
import pytest
from conftest import complaint

from nn import FileError, Network, files
from nn.costs import COSTS
from nn.files import check_writable, read_arrays, write_arrays
from nn.layers import activations

X = np.random.default_rng(0).random((7, 5))


def network(**options):
    return Network([5, 4, 3], rng=1, **options)


def saved_arrays(net):
    return {
        "sizes": np.array(net.sizes), "activation": np.array(net.activation), "cost": np.array(net.cost_name),
        **net.state_dict(),
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", activations())
@pytest.mark.parametrize("cost", COSTS)
def test_what_comes_back_is_what_was_saved(tmp_path, cost, activation, dtype):
    net = network(cost=cost, activation=activation, dtype=dtype)
    net.save(tmp_path / "net.npz")
    again = Network.load(str(tmp_path / "net.npz"))
    assert (again.sizes, again.cost_name, again.activation) == ([5, 4, 3], cost, activation)
    for p, q in zip(net.parameters(), again.parameters(), strict=True):
        assert (q.name, q.dtype) == (p.name, dtype)
        assert np.array_equal(p.data, q.data)
    assert np.array_equal(net(X).data, again(X).data)
    y = np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    assert net.cost(X, y).item() == again.cost(X, y).item()


def test_numpy_reads_it_and_it_reads_what_numpy_writes(tmp_path):
    net = network()
    net.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["activation", "b1", "b2", "cost", "sizes", "w1", "w2"]
        assert np.array_equal(arrays["w2"], net.weights[1].data)
    np.savez_compressed(tmp_path / "packed.npz", **saved_arrays(net))
    assert np.array_equal(Network.load(tmp_path / "packed.npz")(X).data, net(X).data)


def test_the_same_network_is_the_same_file(tmp_path):
    network().save(tmp_path / "a")
    network().save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# Writing


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "net.npz"
    network().save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(path, {"w1": np.ones(100_000), "w2": np.array([object()])})  # fails when half is written
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    network().save(path)
    before = path.read_bytes()

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_arrays(path, {"w1": np.ones(10)})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_others_may_read_the_file_as_any_other(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    network().save(tmp_path / "net.npz")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "net.npz")]
    assert modes[0] == modes[1]


def test_writing_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.npz").symlink_to(tmp_path / "there" / "net.npz")
    network().save(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert (tmp_path / "there" / "net.npz").is_file()


@pytest.mark.parametrize("write", [check_writable, lambda path: network().save(path)])
def test_where_nothing_can_be_written(tmp_path, write):
    for path, why in ((tmp_path / "none" / "net.npz", "No such file"), (tmp_path, "directory or a device")):
        with pytest.raises(FileError, match=f"^{path}: cannot be written: .*{why}"):
            write(path)
    with pytest.raises(FileError, match="File name too long"):
        write(tmp_path / ("n" * 300))
    with pytest.raises(FileError, match=r"^/dev/null: cannot be written: it is a directory or a device"):
        write("/dev/null")  # and not: replaced by a file
    assert list(tmp_path.iterdir()) == []


def test_check_writable_leaves_everything_as_it_was(tmp_path):
    check_writable(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_bytes(b"old")
    check_writable(tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


# What is refused


def test_no_file_no_zip_and_a_directory(tmp_path):
    assert complaint(tmp_path / "none.npz") == f"{tmp_path / 'none.npz'}: there is no such file"
    assert complaint(tmp_path) == f"{tmp_path}: not a .npz file of arrays, or damaged: Is a directory"
    for content in (b"", b"PK", b"not a zip" * 100):
        (tmp_path / "x.npz").write_bytes(content)
        assert "not a .npz file of arrays, or damaged: File is not a zip file" in complaint(tmp_path / "x.npz")


class Evil:
    ran = False

    def __reduce__(self):
        return (exec, ("import test_files; test_files.Evil.ran = True",))


def test_pickled_objects_are_not_unpickled(tmp_path):
    arrays = saved_arrays(network()) | {"w1": np.array([Evil()], dtype=object)}
    np.savez(tmp_path / "evil.npz", **arrays)
    assert "does not fit" in complaint(tmp_path / "evil.npz")
    with zipfile.ZipFile(tmp_path / "evil2.npz", "w") as archive:
        archive.writestr("w1.npy", pickle.dumps(Evil()))
    assert "not a .npz file of arrays" in complaint(tmp_path / "evil2.npz")
    assert not Evil.ran


def npy(header_shape, dtype="<f8", data=b""):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": header_shape})
    return out.getvalue() + data


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def peak(path):
    tracemalloc.start()
    try:
        message = complaint(path)
        return message, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_zip_bombs_are_not_unpacked(tmp_path, monkeypatch):
    zeros = bytes(64 << 20)
    bomb = zipped(tmp_path / "bomb.npz", {"w1.npy": npy((3,)) + zeros})  # 64 MB behind a header of three numbers
    message, memory = peak(bomb)
    assert "does not fit its 67108" in message
    assert memory < 4 << 20
    monkeypatch.setattr(files, "LARGEST", 100 << 20)
    honest = npy((8 << 20,)) + zeros
    many = zipped(tmp_path / "many.npz", {f"w{i}.npy": honest for i in range(2)})  # each is allowed, both are not
    message, memory = peak(many)
    assert "unpacks to 134,217,984 bytes, more than the limit of 104,857,600" in message
    assert memory < 4 << 20


def test_a_size_in_the_directory_that_is_a_lie(tmp_path):
    path = zipped(tmp_path / "liar.npz", {"w1.npy": npy((4,)) + bytes(32)})
    content = path.read_bytes()
    true = (160).to_bytes(4, "little")
    assert content.count(true) == 2
    for size in (96, 128, 159, 161, 1 << 20):
        path.write_bytes(content.replace(true, size.to_bytes(4, "little")))
        assert "not a .npz file of arrays" in complaint(path)


@pytest.mark.parametrize("shape", [(-1,), (-2, -2), (1 << 40,), (3,), (5,)])
def test_headers_that_do_not_fit(tmp_path, shape):
    path = zipped(tmp_path / "x.npz", {"w1.npy": npy(shape) + bytes(32)})
    assert "not a .npz file of arrays" in complaint(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("n", [4, 512, 100_003])
def test_the_checksum_of_an_array_is_compared(tmp_path, n, compression):
    values = np.random.default_rng(0).random(n)
    path = zipped(tmp_path / "x.npz", {"w1.npy": npy((n,), data=values.tobytes())}, compression)
    assert np.array_equal(read_arrays(path)["w1"], values)
    with zipfile.ZipFile(path) as archive:
        checksum = archive.infolist()[0].CRC.to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(checksum, b"\1\2\3\4"))
    assert "Bad CRC-32" in complaint(path)


def test_a_packing_that_npz_files_do_not_use(tmp_path):
    members = {"w1.npy": npy((4,)) + bytes(32)}
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "packed in a way" in complaint(zipped(tmp_path / "x.npz", members, compression))


GOOD = saved_arrays(network())
WRONG = {
    "no weights": ({"w2": None}, "it lacks 'w2'"),
    "no first weights": ({"w1": None}, "it lacks 'w1'"),
    "no biases": ({"b1": None}, "it lacks 'b1'"),
    "no sizes": ({"sizes": None}, "it lacks 'sizes'"),
    "no cost": ({"cost": None}, "it lacks 'cost'"),
    "one too many": ({"w3": np.ones((3, 3))}, "has ['w3'] too many"),
    "transposed": ({"w1": np.ones((5, 4))}, "w1 is float64 of shape (5, 4), not float64 of shape (4, 5)"),
    "column": ({"b2": np.ones((3, 1))}, "b2 is float64 of shape (3, 1), not float64 of shape (3,)"),
    "nan": ({"w2": np.full((3, 4), np.nan)}, "w2 holds values that are not finite"),
    "inf": ({"b1": np.full(4, -np.inf)}, "b1 holds values that are not finite"),
    "complex": ({"w1": np.ones((4, 5), complex)}, "w1 is of dtype complex128"),
    "integers": ({"w1": np.ones((4, 5), int)}, "w1 is of dtype int64"),
    "half": ({"w1": np.ones((4, 5), np.float16)}, "w1 is of dtype float16"),
    "mixed": ({"w2": np.ones((3, 4), np.float32)}, "w2 is float32 of shape (3, 4), not float64"),
    "text": ({"b1": np.array(["a"] * 4)}, "b1 is <U1 of shape (4,), not float64"),
    "activation": ({"activation": np.array("swish")}, "there is no activation 'swish'"),
    "activations": ({"activation": np.array(["relu", "tanh"])}, "there is no activation"),
    "cost": ({"cost": np.array(3.0)}, "there is no cost '3.0'"),
    "other sizes": ({"sizes": np.array([5, 4, 2])}, "w2 is float64 of shape (3, 4), not float64 of shape (2, 4)"),
    "fewer sizes": ({"sizes": np.array([5, 4])}, "has ['b2', 'w2'] too many"),
    "more sizes": ({"sizes": np.array([5, 4, 3, 2])}, "it lacks 'w3'"),
    "no size": ({"sizes": np.array([], int)}, "sizes are the neurons of two layers or more"),
    "one number": ({"sizes": np.array(5)}, "its sizes are not a list of whole numbers"),
    "fractions": ({"sizes": np.array([5.5, 4, 3])}, "its sizes are not a list of whole numbers"),
    "endless": ({"sizes": np.array([5, np.inf, 3])}, "its sizes are not a list of whole numbers"),
    "huge": ({"sizes": np.array([10**6, 10**6, 10**6])}, "w1 is float64 of shape (4, 5), not"),
    "negative": ({"sizes": np.array([5, -4, 3])}, "w1 is float64 of shape (4, 5), not float64 of shape (-4, 5)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_arrays_that_make_no_network(tmp_path, case):
    change, words = WRONG[case]
    arrays = {name: array for name, array in (GOOD | change).items() if array is not None}
    write_arrays(tmp_path / "x.npz", arrays)
    message = complaint(tmp_path / "x.npz")
    assert message.startswith(f"{tmp_path / 'x.npz'}: not a saved network: ")
    assert words in message


def test_arrays_of_the_other_byte_order_are_the_same_numbers(tmp_path):
    net = network()
    swapped = {name: p.astype(p.dtype.newbyteorder()) for name, p in net.state_dict().items()}
    write_arrays(tmp_path / "x.npz", saved_arrays(net) | swapped)
    assert np.array_equal(Network.load(tmp_path / "x.npz")(X).data, net(X).data)


def test_damage_anywhere_is_one_error_or_no_damage(tmp_path):
    rng = np.random.default_rng(3)
    net = network()
    for name in ("stored.npz", "packed.npz"):
        path = tmp_path / name
        (np.savez if name == "stored.npz" else np.savez_compressed)(path, **saved_arrays(net))
        good = path.read_bytes()
        for _ in range(150):
            content = bytearray(good)
            for position in rng.integers(0, len(content), rng.integers(1, 4)):
                content[position] = rng.integers(0, 256)
            path.write_bytes(content[: len(content) if rng.random() < 0.8 else rng.integers(len(content))])
            try:
                found = Network.load(path)
            except FileError as error:
                assert str(error).startswith(f"{path}: ")  # noqa: PT017
            else:
                assert np.array_equal(found(X).data, net(X).data)


def test_read_arrays_gives_every_array(tmp_path):
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.float32(0.5), "c": np.array("text"), "d": np.zeros((0, 3))}
    write_arrays(tmp_path / "x.npz", arrays)
    found = read_arrays(tmp_path / "x.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == np.asarray(array).dtype
        assert np.array_equal(found[name], array)
