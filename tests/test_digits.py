"""The data: MNIST as shipped, other sets in the same IDX form, and every way in which a file can be wrong."""

import gzip
import shutil
import struct
import tracemalloc

import numpy as np
import pytest
from conftest import idx

from nn import DataError, digits, load_data_wrapper, load_digits, one_hot
from nn.digits import IMAGES, LABELS, MNIST, SHA256, read_idx, read_part

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def small_set(rows=3, columns=4, training=20, test=8, classes=10):
    """The contents of the four files of a random set, by name."""
    rng = np.random.default_rng(0)
    parts = []
    for n in (training, test):
        parts.append(rng.integers(0, 256, (n, rows, columns)))
        parts.append(np.arange(n) % classes)
    return {name: idx(part) for name, part in zip(NAMES, parts, strict=True)}


def write_set(directory, contents, rename=lambda name: name, pack=lambda content: content):
    directory.mkdir(exist_ok=True)
    for name, content in contents.items():
        (directory / rename(name)).write_bytes(pack(content))
    return directory


def the_error(directory, **options):
    """The message of the one error that loading gives; it is a single line."""
    with pytest.raises(DataError) as caught:
        load_digits(directory, **{"validation": 5, **options})
    message = str(caught.value)
    assert "\n" not in message
    return message


# MNIST


def test_mnist_is_split_as_in_the_book():
    training, validation, test = load_digits()
    assert [part.x.shape for part in (training, validation, test)] == [(50000, 784), (10000, 784), (10000, 784)]
    assert [part.y.shape for part in (training, validation, test)] == [(50000,), (10000,), (10000,)]
    assert training.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.y[:5].tolist() == [7, 2, 1, 0, 4]
    images, labels = read_part(MNIST, "train")
    assert np.array_equal(validation.y, labels[-10000:])
    assert np.array_equal(validation.x[0], images[50000].reshape(-1) / 255)
    assert {int(label) for label in training.y} == set(range(10))


def test_pixels_reach_from_0_to_1_and_the_scale_is_a_choice():
    training, _, test = load_digits(dtype=np.float32)
    assert training.x.dtype == np.float32
    assert training.x.min() == 0
    assert training.x.max() == test.x.max() == 1
    _, _, book = load_digits(scale=256, dtype=np.float32)
    assert book.x.max() == np.float32(255 / 256)


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none(scale):
    with pytest.raises(ValueError, match="scale is a finite number greater than 0"):
        load_digits(scale=scale)


def test_the_book_wrapper_gives_lists_of_columns():
    training, validation, test = load_data_wrapper()
    assert [len(part) for part in (training, validation, test)] == [50000, 10000, 10000]
    x, y = training[0]
    assert (x.shape, y.shape) == ((784, 1), (10, 1))
    assert y[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert x.max() < 1  # the book's file divides by 256
    x, y = test[0]
    assert x.shape == (784, 1)
    assert int(y) == 7
    assert int(validation[0][1]) == 3


def test_every_shipped_file_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "MNIST", tmp_path)
    assert set(SHA256) == set(NAMES)
    for name in NAMES:
        shutil.copy(MNIST / f"{name}.gz", tmp_path)
    read_part(tmp_path, "t10k")
    for kind in ("images-idx3", "labels-idx1"):
        name = f"t10k-{kind}-ubyte"
        content = bytearray(gzip.decompress((MNIST / f"{name}.gz").read_bytes()))
        content[-1] ^= 1  # still a valid file, with one pixel or label another one
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        with pytest.raises(DataError, match=rf"{name}.gz: the checksum .* is wrong"):
            read_part(tmp_path, "t10k")
        shutil.copy(MNIST / f"{name}.gz", tmp_path)
    read_part(tmp_path, "t10k")


# Other sets


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name,
        lambda name: f"emnist-letters-{name}".replace("t10k", "test"),
        lambda name: name.replace("-idx", ".idx"),
    ],
)
@pytest.mark.parametrize("gzipped", [False, True])
def test_any_set_by_any_usual_name_gzipped_or_not(tmp_path, rename, gzipped):
    contents = small_set()
    if gzipped:
        write_set(tmp_path, contents, lambda name: rename(name) + ".gz", gzip.compress)
    else:
        write_set(tmp_path, contents, rename)
    training, validation, test = load_digits(tmp_path, validation=5)
    assert [part.x.shape for part in (training, validation, test)] == [(15, 12), (5, 12), (8, 12)]
    pixels = np.frombuffer(contents[NAMES[0]], np.uint8, offset=16).reshape(20, 12)
    assert np.array_equal(np.concatenate([training.x, validation.x]), pixels / 255)
    assert validation.y.tolist() == [5, 6, 7, 8, 9]


def test_a_file_and_its_gzipped_twin_are_one(tmp_path):
    write_set(tmp_path, small_set())
    write_set(tmp_path, small_set(), lambda name: name + ".gz", gzip.compress)
    assert load_digits(str(tmp_path), validation=0)[1].x.shape == (0, 12)


def test_two_sets_in_one_directory_are_not_guessed_between(tmp_path):
    for which in ("letters", "digits"):
        write_set(tmp_path, small_set(), lambda name: f"emnist-{which}-{name}.gz", gzip.compress)  # noqa: B023
    message = the_error(tmp_path)
    assert message.startswith(f"{tmp_path}: several files could be the train images: emnist-digits-train-images")


def test_the_letters_of_emnist_take_27_classes(tmp_path):
    contents = small_set(training=60, test=60, classes=26)
    for name in (NAMES[1], NAMES[3]):
        contents[name] = idx(np.arange(60) % 26 + 1)  # labels 1 to 26
    write_set(tmp_path, contents)
    message = the_error(tmp_path, classes=26)
    assert message == (
        f"{tmp_path / NAMES[1]}: the label 26 is out of range: 26 classes have the labels 0 to 25;"
        " take 27 classes, that is as many outputs"
    )
    training, _, _ = load_digits(tmp_path, validation=5, classes=27)
    assert one_hot(training.y, 27).shape == (55, 27)


# Bad input: one error, that names the file and what is wrong with it


def test_a_directory_that_is_not_there(tmp_path):
    assert the_error(tmp_path / "none") == f"{tmp_path / 'none'}: there is no such directory"
    (tmp_path / "file").write_bytes(b"")
    assert the_error(tmp_path / "file") == f"{tmp_path / 'file'}: there is no such directory"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_there(tmp_path, name):
    contents = small_set()
    del contents[name]
    write_set(tmp_path, contents)
    assert the_error(tmp_path) == f"{tmp_path}: there is no file {name}, gzipped or not"


GOOD = small_set()[NAMES[0]]
PACKED = gzip.compress(GOOD, mtime=0)
BAD = {
    "empty file": (b"", "truncated: 0 bytes, and the header alone has 16"),
    "truncated header": (GOOD[:15], "truncated: 15 bytes, and the header alone has 16"),
    "no data": (GOOD[:16], "truncated: 0 bytes of data, and the header promises 240"),
    "truncated data": (GOOD[:-1], "truncated: 239 bytes of data, and the header promises 240"),
    "trailing data": (GOOD + b"\0", "holds more data than the 240 bytes that its header promises"),
    "labels in place of images": (idx(range(40)), "wrong magic number 2049 (labels); 2051 was expected"),
    "random bytes": (bytes(range(1, 99)), "wrong magic number 16909060 (no IDX file of images or labels)"),
    "floats": (struct.pack(">I", 0x0D03) + GOOD[4:], "wrong magic number 3331"),
    "gigabytes": (struct.pack(">4I", IMAGES, 2**32 - 1, 2**32 - 1, 2**32 - 1), "the header promises 79,228,162,"),
    "truncated gzip": (PACKED[:-20], "cannot be read: Compressed file ended before the end-of-stream marker"),
    "gzip header only": (PACKED[:10], "cannot be read: "),
    "two bytes of gzip": (PACKED[:2], "cannot be read: "),
    "corrupt gzip": (PACKED[:40] + bytes(30) + PACKED[70:], "cannot be read: "),
    "wrong CRC": (PACKED[:-8] + bytes(4) + PACKED[-4:], "cannot be read: CRC check failed"),
    "trailing garbage after gzip": (PACKED + b"garbage", "cannot be read: Not a gzipped file"),
    "two gzip members": (PACKED + PACKED, "holds more data than the 240 bytes"),
    "empty gzip": (gzip.compress(b""), "truncated: 0 bytes, and the header alone has 16"),
    "truncated inside gzip": (gzip.compress(GOOD[:-1]), "truncated: 239 bytes of data"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_of_images(tmp_path, case):
    content, complaint = BAD[case]
    write_set(tmp_path, small_set() | {NAMES[0]: content})
    message = the_error(tmp_path)
    assert message.startswith(f"{tmp_path / NAMES[0]}: {complaint}")


def test_a_directory_in_place_of_a_file(tmp_path):
    contents = small_set()
    del contents[NAMES[3]]
    write_set(tmp_path, contents)
    (tmp_path / NAMES[3]).mkdir()
    assert the_error(tmp_path).startswith(f"{tmp_path / NAMES[3]}: cannot be read: ")


def test_images_where_labels_belong(tmp_path):
    write_set(tmp_path, small_set() | {NAMES[1]: GOOD})
    assert the_error(tmp_path) == f"{tmp_path / NAMES[1]}: wrong magic number 2051 (images); 2049 was expected"


def test_a_different_count_of_images_and_labels(tmp_path):
    write_set(tmp_path, small_set() | {NAMES[3]: idx(np.zeros(9))})
    message = the_error(tmp_path)
    assert message == f"{tmp_path / NAMES[2]} holds 8 images, and {tmp_path / NAMES[3]} 9 labels"


def test_labels_out_of_range(tmp_path):
    write_set(tmp_path, small_set() | {NAMES[3]: idx([0, 1, 2, 3, 4, 5, 6, 200])})
    message = the_error(tmp_path)
    assert message.startswith(
        f"{tmp_path / NAMES[3]}: the label 200 is out of range: 10 classes have the labels 0 to 9"
    )


@pytest.mark.parametrize("shape", [(0, 3, 4), (0, 0, 0), (5, 0, 4)])
def test_an_empty_set(tmp_path, shape):
    contents = {NAMES[0]: idx(np.zeros(shape)), NAMES[1]: idx(np.zeros(shape[0]))}
    write_set(tmp_path, small_set() | contents)
    assert the_error(tmp_path) == f"{tmp_path / NAMES[0]}: there are no images in it"


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (4, 3)])  # 4 x 3 has as many pixels as 3 x 4
def test_test_images_of_another_size(tmp_path, rows, columns):
    other = small_set(rows, columns)
    write_set(tmp_path, small_set() | {name: other[name] for name in NAMES[2:]})
    message = the_error(tmp_path)
    assert message == f"{tmp_path}: the training images have 3 x 4 pixels, and the test images {rows} x {columns}"


@pytest.mark.parametrize("validation", [20, 21, -1, 10_000])
def test_more_validation_images_than_there_are(tmp_path, validation):
    write_set(tmp_path, small_set())
    message = the_error(tmp_path, validation=validation)
    assert message.startswith(f"{tmp_path}: {validation:,} of its 20 training images cannot be kept for validation")


def peak_of_reading(path):
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read_idx(path, IMAGES)
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(struct.pack(">4I", IMAGES, 10, 10, 10))
        for _ in range(256):
            file.write(bytes(1 << 20))  # 256 MB of zeros where 1,000 bytes were promised
    message, peak = peak_of_reading(bomb)
    assert message == f"{bomb}: holds more data than the 1,000 bytes that its header promises"
    assert peak < 1 << 22


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress])
def test_no_memory_is_taken_for_what_a_header_only_promises(tmp_path, pack):
    liar = tmp_path / "liar"
    liar.write_bytes(pack(struct.pack(">4I", IMAGES, 1 << 10, 1 << 10, 1 << 10) + bytes(100)))
    message, peak = peak_of_reading(liar)
    assert message == f"{liar}: truncated: 100 bytes of data, and the header promises 1,073,741,824"
    assert peak < 1 << 22


def test_read_idx_takes_exactly_what_the_file_holds(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx([3, 1, 4]))
    assert read_idx(path, LABELS).tolist() == [3, 1, 4]
    with pytest.raises(DataError, match="labels: the checksum"):
        read_idx(path, LABELS, sha256="0" * 64)


def test_damage_anywhere_is_one_error_or_no_damage(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "images.gz"
    expected = read_idx_of(path, PACKED)
    for _ in range(300):
        content = bytearray(PACKED)
        for position in rng.integers(0, len(content), rng.integers(1, 4)):
            content[position] = rng.integers(0, 256)
        cut = len(content) if rng.random() < 0.7 else int(rng.integers(0, len(content)))
        try:
            found = read_idx_of(path, bytes(content[:cut]))
        except DataError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
        else:
            assert np.array_equal(found, expected)  # only the time or the name in the gzip header was hit


def read_idx_of(path, content):
    path.write_bytes(content)
    return read_idx(path, IMAGES)


# Targets


def test_one_hot():
    assert one_hot([], 4).shape == (0, 4)
    assert one_hot(np.array([1, 0], np.uint8), 2, np.float32).dtype == np.float32
    for labels, complaint in (([3], "0 to 2, not 3 to 3"), ([-1, 0], "not -1 to 0"), ([0.5], "dtype float64")):
        with pytest.raises(ValueError, match=complaint):
            one_hot(labels, 3)
    with pytest.raises(ValueError, match="labels are whole numbers"):
        one_hot(["three"], 3)
