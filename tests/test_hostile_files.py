"""Files that somebody damaged, or made to do harm: one line, and no more memory than their size justifies."""

import gzip
import io
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nn import DataError, FileError, Network, load_digits
from nn.digits import IMAGES, read_idx
from nn.files import read_arrays, write_arrays
from nn.images import read_images


def peak_of(read, path, error, words):
    """The memory that reading a file takes until it is refused."""
    tracemalloc.start()
    try:
        with pytest.raises(error, match=words) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_mutated_files_are_answered_or_refused_in_one_line():
    script = Path(__file__).parent / "stress" / "files.py"
    done = subprocess.run([sys.executable, script, "--files", "120", "--seed", "1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("each was answered, or refused in one line\n")


def test_a_lot_of_zeros_packed_into_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.zeros(10_000_000))
        archive.writestr("w1.npy", buffer.getvalue())
    del buffer
    assert peak_of(Network.load, tmp_path / "x.npz", FileError, "its size justifies 67,108,864") < 4 << 20

    images = (2051).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in (100_000, 28, 28))
    for part, n in (("train", 100_000), ("t10k", 100_000)):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images + bytes(n * 784), 9))
        labels = (2049).to_bytes(4, "big") + n.to_bytes(4, "big") + bytes(n)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    read_idx(tmp_path / "train-images-idx3-ubyte.gz", IMAGES, each=0)
    assert peak_of(load_digits, tmp_path, DataError, "reading it would take 705,600,000 bytes of memory") < 20 << 20

    Image.new("L", (4000, 4000)).save(tmp_path / "x.png")
    assert peak_of(read_images, tmp_path / "x.png", DataError, "would take 512,000,000 bytes of memory") < 4 << 20


def test_what_a_real_file_packs_to_is_justified(tmp_path):
    assert len(load_digits()[0].x) == 50_000  # 9.9 MB, which take 423 MB
    np.savez_compressed(tmp_path / "zeros.npz", w1=np.zeros(10_000))
    assert read_arrays(tmp_path / "zeros.npz")["w1"].shape == (10_000,)


def test_a_member_that_is_there_twice(tmp_path):
    net = Network([2, 1], rng=0)
    net.save(tmp_path / "x.npz")
    other = io.BytesIO()
    np.save(other, np.ones((1, 2)))
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "twice.npz", "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in [*members, ("w1.npy", other.getvalue())]:
            archive.writestr(name, content)
    with pytest.raises(FileError, match=r"w1.npy is in it twice"):
        Network.load(tmp_path / "twice.npz")
    with zipfile.ZipFile(tmp_path / "names.npz", "w") as archive:  # the same array under two names
        for name, content in [*members, ("w1", other.getvalue())]:
            archive.writestr(name, content)
    with pytest.raises(FileError, match="w1 is in it twice"):
        Network.load(tmp_path / "names.npz")


HEADERS = [
    "", "{", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)", "{'descr': '<f8', 'shape': (3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,), }", "{'descr': '<f8', 'fortran_order': 0, 'shape': 3, }",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }", "(" * 5000, "'" * 9, "\x00", "\xff",
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "__import__('os').getcwd()",
    "{'descr': '<q9', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999999,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4), }",
    "{'descr': '<U0', 'fortran_order': False, 'shape': (4611686018427387904,), }",
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_with_a_right_checksum_and_wrong_grammar(tmp_path, header):
    text = header.encode("latin1")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("w1.npy", b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(24))
    with pytest.raises(FileError) as caught:
        read_arrays(tmp_path / "x.npz")
    assert "\n" not in str(caught.value)


def test_every_change_of_a_saved_network_is_found(tmp_path):
    Network([3, 2], rng=0).save(tmp_path / "x.npz")
    good = (tmp_path / "x.npz").read_bytes()
    for at in range(0, len(good), 3):
        (tmp_path / "x.npz").write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        with pytest.raises(FileError):
            read_arrays(tmp_path / "x.npz")
    for content in (good + b"\0", good[:-1], good[:-72], b"\0" + good):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(FileError):
            read_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize("array", [np.arange(6).reshape(2, 3).T, np.zeros((0, 3)), np.array("text"), np.float32(2),
                                   np.arange(4, dtype=">i4"), np.ones((2, 3, 4), bool)])  # fmt: skip
def test_arrays_of_all_kinds_come_back(tmp_path, array):
    write_arrays(tmp_path / "x.npz", {"ä/x": array})
    [(name, found)] = read_arrays(tmp_path / "x.npz").items()
    assert (name, found.dtype, found.shape) == ("ä/x", array.dtype, array.shape)
    assert np.array_equal(found, array)
    with np.load(tmp_path / "x.npz") as arrays:
        assert np.array_equal(arrays["ä/x"], array)
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert archive.testzip() is None


def test_pictures_that_another_program_would_have_to_read(tmp_path):
    (tmp_path / "x.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match="not a picture that can be read"):
        read_images(tmp_path / "x.eps")
