"""Pictures to be recognised: the formats that people have, and what is refused."""

import gzip
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from nn import DataError
from nn.images import read_images

INK = np.zeros((5, 4), np.uint8)
INK[1:4, 2] = [255, 51, 102]  # a light stroke on a dark ground
ROW = INK.reshape(1, -1) / 255


def idx(array):
    array = np.asarray(array, np.uint8)
    return struct.pack(f">{1 + array.ndim}I", 2048 + array.ndim, *array.shape) + array.tobytes()


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
