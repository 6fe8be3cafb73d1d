"""Pictures to be recognised: the formats that people have, and what is refused."""

import gzip
import struct
import sys
import zlib

import numpy as np
import pytest
from conftest import idx
from PIL import Image

from nn import DataError, load_digits
from nn.images import looks_prepared, prepare, read_images

INK = np.zeros((5, 4), np.uint8)
INK[1:4, 2] = [255, 51, 102]  # a light stroke on a dark ground
ROW = INK.reshape(1, -1) / 255


@pytest.mark.parametrize("name", ["digit.png", "digit.pgm", "digit.bmp", "digit.tif"])
def test_a_picture_is_a_row_of_pixels(tmp_path, name):
    Image.fromarray(INK).save(tmp_path / name)
    assert np.array_equal(read_images(tmp_path / name), ROW)


def test_dark_ink_on_light_paper_is_turned_into_its_negative(tmp_path):
    Image.fromarray(255 - INK).save(tmp_path / "digit.png")
    np.testing.assert_allclose(read_images(str(tmp_path / "digit.png")), ROW, atol=1e-15)


def test_a_pgm_as_text(tmp_path):
    rows = "\n".join(" ".join(map(str, row)) for row in INK)
    (tmp_path / "digit.pgm").write_text(f"P2\n# by hand\n4 5\n255\n{rows}\n")
    assert np.array_equal(read_images(tmp_path / "digit.pgm"), ROW)


def test_colours_are_made_grey(tmp_path):
    Image.fromarray(np.stack([INK] * 3, axis=-1)).save(tmp_path / "digit.png")
    assert np.array_equal(read_images(tmp_path / "digit.png"), ROW)


def test_black_and_white(tmp_path):
    Image.fromarray(INK).convert("1", dither=Image.Dither.NONE).save(tmp_path / "digit.png")
    assert np.array_equal(read_images(tmp_path / "digit.png"), (ROW > 0.5).astype(float))


@pytest.mark.parametrize("name", ["digit.png", "digit.pgm"])
def test_sixteen_bits_keep_their_shades(tmp_path, name):
    Image.fromarray(INK.astype(np.uint16) * 257).save(tmp_path / name)
    np.testing.assert_allclose(read_images(tmp_path / name), ROW, atol=1e-15)


@pytest.mark.parametrize("name", ["digit.jpg", "digit.png"])
def test_a_photograph_is_upright_as_its_file_says(tmp_path, name):
    paper = np.full((160, 120), 220, np.uint8)
    paper[40:120, 56:64] = 20  # a one
    sideways = Image.fromarray(np.rot90(paper))  # as the sensor of a telephone that was held upright saw it
    exif = sideways.getexif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    sideways.save(tmp_path / name, exif=exif)
    box = np.argwhere(read_images(tmp_path / name, 784).reshape(28, 28) > 0.5)
    down, right = np.ptp(box, axis=0) + 1
    assert down == 20 and right <= 3


def test_black_ink_on_nothing_is_ink_on_paper(tmp_path):
    drawn = np.zeros((5, 4, 4), np.uint8)
    drawn[..., 3] = INK  # black everywhere, and transparent where there is no ink
    Image.fromarray(drawn).save(tmp_path / "digit.png")
    np.testing.assert_allclose(read_images(tmp_path / "digit.png"), ROW, atol=1 / 255)


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress])
def test_an_idx_file_holds_many(tmp_path, pack):
    (tmp_path / "images").write_bytes(pack(idx([INK, 255 - INK, INK])))
    pixels = read_images(tmp_path / "images")
    assert pixels.shape == (3, 20)
    assert np.array_equal(pixels[1], 1 - ROW[0])  # as it is: data sets are not second-guessed


def png_header(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b"not a picture at all", "not a picture that can be read"),
        (b"P5\n4 5\n255\n\0\0", "not a picture that can be read"),
        (b"P5\n-4 5\n255\n", "not a picture that can be read"),
        (png_header(5000, 5000), "5000 x 5000 pixels, more than the limit of 16,777,216"),
        (png_header(12000, 12000), "12000 x 12000 pixels, more than the limit"),  # here Pillow warns by itself
        (png_header(60000, 60000), "not a picture that can be read: Image size"),  # and here it refuses
        (idx(np.zeros((0, 5, 4))), "there are no images in it"),
        (idx([1, 2, 3]), r"wrong magic number 2049 \(labels\); 2051 was expected"),
        (idx([INK])[:-1], "truncated: 19 bytes of data"),
    ],
    ids=["empty", "text", "cut", "minus", "large", "larger", "huge", "no images", "labels", "cut IDX"],
)
def test_what_is_no_picture(tmp_path, content, complaint):
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=complaint) as caught:
        read_images(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_no_file_and_a_directory(tmp_path):
    with pytest.raises(DataError, match=r"none\.png: cannot be read: No such file"):
        read_images(tmp_path / "none.png")
    with pytest.raises(DataError, match=f"{tmp_path}: cannot be read: "):
        read_images(tmp_path)


def test_without_pillow_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    Image.fromarray(INK).save(tmp_path / "digit.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"digit\.png: reading pictures needs Pillow: pip install pillow$"):
        read_images(tmp_path / "digit.png")


@pytest.mark.parametrize("form", ["png", "pgm", "gif", "tiff", "jpeg"])
def test_a_damaged_picture_is_one_error_or_a_picture(tmp_path, form):
    rng = np.random.default_rng(2)
    path = tmp_path / f"digit.{form}"
    Image.fromarray(INK).save(path, format="ppm" if form == "pgm" else form)
    good = path.read_bytes()
    for _ in range(60):
        content = bytearray(good)
        for position in rng.integers(0, len(content), rng.integers(1, 6)):
            content[position] = rng.integers(0, 256)
        path.write_bytes(content[: rng.integers(1, len(content) + 1)])
        try:
            pixels = read_images(path)
        except DataError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
        else:
            assert pixels.min() >= 0
            assert pixels.max() <= 1


# Preparation


@pytest.fixture(scope="module")
def digits():
    return load_digits()[2].x[:40].reshape(-1, 28, 28)


def drawn(shape=(200, 160), middle=(70, 100), size=40):
    """A ring with a stroke across it, from 0 to 1."""
    v, u = np.mgrid[: shape[0], : shape[1]].astype(float)
    v, u = (v - middle[0]) / size, (u - middle[1]) / size
    ring = np.clip((0.15 - np.abs(np.hypot(v, 1.6 * u) - 0.8)) * size, 0, 1)
    stroke = np.clip((0.12 - np.abs(u - v / 2)) * size, 0, 1) * (np.abs(v) < 0.9)
    return np.maximum(ring, stroke)


def apart(one, other):
    """How far two images differ on the average; one pixel to a side does not count, where rounding decides."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(np.mean(np.abs(np.roll(one, by, (0, 1)) - other)) for by in moves)


def test_nearly_nothing_happens_to_an_image_of_mnist(digits):
    for digit in digits:
        again = prepare(digit)
        assert again.shape == (28, 28) and again.min() >= 0 and again.max() == 1
        assert np.mean(np.abs(again - digit)) < 0.05
        assert looks_prepared(digit) and looks_prepared(again)


def test_a_prepared_image_is_as_mnist_describes_its_own():
    image = prepare(drawn())
    box = np.argwhere(image > 0)
    assert np.max(np.ptp(box, axis=0)) + 1 == 20
    middle = [np.arange(28) @ image.sum(axis=axis) / image.sum() for axis in (1, 0)]
    assert np.all(np.abs(np.array(middle) - 14) <= 0.5 + 1e-5)


def test_where_a_digit_is_and_how_light_makes_no_difference():
    expected = prepare(drawn())
    np.testing.assert_allclose(prepare(drawn(middle=(130, 60))), expected, atol=1e-12)
    np.testing.assert_allclose(prepare(drawn(shape=(300, 400))), expected, atol=1e-12)
    np.testing.assert_allclose(prepare(1 - drawn()), expected, atol=1e-12)
    np.testing.assert_allclose(prepare(90 + 40 * drawn()), expected, atol=1e-12)  # bytes, grey on grey


def test_the_size_of_a_digit_makes_little_difference():
    expected = prepare(drawn())
    for size in (30, 60, 90):
        assert apart(prepare(drawn((500, 500), (200, 250), size)), expected) < 0.04
    large = drawn((1500, 1200), (600, 700), 320)
    assert apart(prepare(large), expected) < 0.02


def test_uneven_light_noise_lines_and_specks_are_taken_away():
    expected, rng = prepare(drawn()), np.random.default_rng(0)
    v, u = np.mgrid[:200, :160] / 200
    light = 0.9 - 0.3 * v - 0.2 * u
    lines = 1 - 0.4 * ((np.mgrid[:200, :160][0] + np.round(0.02 * np.arange(160))) % 25 < 2)
    specks = np.zeros((200, 160))
    specks[180:184, 20:23] = specks[5:8, 100:103] = 0.8
    for spoilt in (light, light * lines, light.T.copy().T * lines * (1 - specks)):
        paper = spoilt * (1 - 0.8 * drawn()) + 0.01 * rng.standard_normal((200, 160))
        assert apart(prepare(paper), expected) < 0.03
        assert apart(prepare(1 - paper), expected) < 0.03


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 4), (1000, 2), (28, 28)])
def test_a_picture_of_any_shape_without_ink_is_empty(shape):
    assert np.array_equal(prepare(np.full(shape, 0.7)), np.zeros((28, 28)))


@pytest.mark.parametrize("side", [60, 300, 900])
@pytest.mark.parametrize("noise", [0.003, 0.03])
def test_a_photograph_of_empty_paper_has_no_digit(tmp_path, side, noise):
    paper = np.clip(0.8 + noise * np.random.default_rng(0).normal(size=(side, side)), 0, 1)
    assert not prepare(paper).any()
    Image.fromarray((255 * paper).astype(np.uint8)).save(tmp_path / "empty.png")
    with pytest.raises(DataError, match="no digit can be seen in it: it is nearly the same all over"):
        read_images(tmp_path / "empty.png", 784)


@pytest.mark.parametrize("seed", range(20))
def test_any_picture_gives_numbers_from_0_to_1(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 60, 2)
    for picture in (rng.random(shape), rng.integers(0, 2, shape), rng.random(shape) > 0.95, rng.normal(0, 9, shape)):
        image = prepare(picture)
        assert image.shape == (28, 28) and np.all((image >= 0) & (image <= 1))


@pytest.mark.parametrize("wrong", [np.zeros(784), np.zeros((0, 5)), np.zeros((2, 3, 4)), np.full((5, 5), np.nan)])
def test_what_cannot_be_prepared_is_refused(wrong):
    with pytest.raises(ValueError, match=r"prepare: a picture is an array of shape \(rows, columns\) of finite"):
        prepare(wrong)
