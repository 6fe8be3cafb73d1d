"""Mutated files: is each read rightly, or refused in one line?

    python tests/stress/files.py --files 10000 --seed 0         so many of each kind, in some minutes
    python tests/stress/files.py --kinds npz --only 1234        one file again, by its number

Models (.npz, .safetensors), IDX files (plain and gzipped), and pictures (PNG, PGM) are damaged at random: bytes
changed, cut out, put in or repeated, the end cut off. Others are made anew from damaged parts, with right checksums:
headers with wrong grammar or wrong sizes, members that are there twice, a lot of zeros packed into nothing. Each is
given to the command `predict`. Exit code 0 and an answer, or 2 and one line, is right. A traceback is a fault, and so
is more memory than the size of the file justifies, and a damaged model that is taken for another model. The exit code
is 1 where there is a fault.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import argparse
import contextlib
import gzip
import io
import json
import re
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load

from nn import Network
from nn.cli import main as command
from nn.exchange import KEY, checksum
from nn.files import FREE, TIMES

SLACK = 32 << 20  # bytes of memory that come and go without a file


def good_files(folder):
    """A good file of each kind, by its name; the network takes pictures of 4 x 3 pixels."""
    rng = np.random.default_rng(0)
    net = Network([12, 5, 3], rng=1)
    net.save(folder / "good.npz")
    net.save(folder / "good.safetensors")
    np.savez_compressed(folder / "packed.npz", sizes=[12, 5, 3], activation="sigmoid", cost="quadratic",
                        **net.state_dict())  # fmt: skip
    images = rng.integers(0, 256, (6, 4, 3)).astype(np.uint8)
    idx = struct.pack(">4I", 2051, *images.shape) + images.tobytes()
    (folder / "good.idx").write_bytes(idx)
    (folder / "good.idx.gz").write_bytes(gzip.compress(idx, mtime=0))
    for name in ("good.png", "good.pgm"):
        Image.fromarray(images[0]).save(folder / name)
    return {
        "npz": (folder / "good.npz").read_bytes(), "packed": (folder / "packed.npz").read_bytes(), "idx": idx,
        "gz": (folder / "good.idx.gz").read_bytes(), "png": (folder / "good.png").read_bytes(),
        "pgm": (folder / "good.pgm").read_bytes(), "safetensors": (folder / "good.safetensors").read_bytes(),
    }  # fmt: skip


KINDS = ("npz", "packed", "idx", "gz", "png", "pgm", "safetensors")


def damaged(content, rng):
    """Some bytes changed, cut out, put in or repeated, or the end cut off."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(content) + 1))
        length = int(rng.integers(1, 9))
        way = rng.integers(0, 7)
        if way <= 1 and at < len(content):
            content[at] = int(rng.integers(0, 256))
        elif way == 2 and at < len(content):
            content[at] ^= 1 << int(rng.integers(0, 8))
        elif way == 3:
            del content[at : at + length]
        elif way == 4:
            content[at:at] = rng.bytes(length)
        elif way == 5:
            content[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
            )
        elif rng.random() < 0.5:
            del content[at:]
        else:
            start = int(rng.integers(0, len(content) + 1))
            content[at:at] = content[start : start + 20 * length]
        if not content:
            break
    return bytes(content)


def made_anew(kind, good, rng):
    """A file of damaged parts, put together with right checksums."""
    if kind in ("npz", "packed"):
        return _archive(good, rng)
    if kind == "safetensors":
        return _tensors(good, rng)
    if kind == "png":
        return _png(good, rng)
    content = gzip.decompress(good) if kind == "gz" else good
    if kind in ("gz", "idx"):
        shape = [int(rng.choice([0, 1, 3, 4, 6, 255, 65535, 1 << 24, (1 << 32) - 1])) for _ in range(3)]
        body = bytes(int(rng.choice([0, 1, 72, 1 << 16, 1 << 22]))) if rng.random() < 0.5 else content[16:]
        if rng.random() < 0.3:
            shape = [len(body) // 12, 4, 3]
        content = struct.pack(">4I", 2051, *shape) + body
        return gzip.compress(content, 1, mtime=0) if kind == "gz" else content
    sizes = [b"0", b"1", b"3", b"4", b"99999", b"4294967297", b"-1", b"3.5", b"x", b"#"]
    width, height, most = (rng.choice(sizes) for _ in range(3))
    return rng.choice([b"P5", b"P2", b"P6", b"P4", b"Pf"]) + b"\n%s %s\n%s\n" % (width, height, most) + good[-12:]


def _archive(good, rng):
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    at = int(rng.integers(len(members)))
    name, content = members[at]
    way = rng.integers(0, 8)
    if way <= 2:  # grammar of the header
        start, end = 10, content.index(b"\n") + 1
        header = damaged(content[start:end], rng)
        members[at] = name, content[:8] + struct.pack("<H", len(header)) + header + content[end:]
    elif way == 3:
        shape = ", ".join(str(rng.choice([0, 1, 3, 5, 12, -1, 1 << 31, 1 << 62])) for _ in range(rng.integers(0, 5)))
        header = f"{{'descr': '{rng.choice(['<f8', '<f4', '|O', '<U9', '|V1', '<c16', 'f8,f8'])}', 'fortran_order':"
        header = f"{header} {rng.choice(['True', 'False', '1'])}, 'shape': ({shape}), }}\n".encode()
        members[at] = name, content[:8] + struct.pack("<H", len(header)) + header + content[-int(rng.integers(1, 99)) :]
    elif way == 4:
        members.append((name, damaged(content, rng)))
    elif way == 5:
        members[at] = name, damaged(content, rng)
    elif way == 6:  # a bomb
        n = int(rng.choice([1 << 17, 1 << 20, 1 << 22]))
        buffer = io.BytesIO()
        np.save(buffer, np.zeros(n))
        members.append((rng.choice(["w3.npy", "x", "training.npy", name]), buffer.getvalue()))
    else:
        members[at] = str(rng.choice(["w1.npy", "..", "/", "training", "training/now/w1", "sizes.npy", "w1"])), content
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def _tensors(good, rng):
    length = int.from_bytes(good[:8], "little")
    header, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    names = [name for name in header if name != "__metadata__"]
    name, other = (str(rng.choice(names)) for _ in range(2))
    way = rng.integers(0, 8)
    if way == 0:
        lengths = [0, 1, 3, 5, 12, -1, 1 << 31, 1 << 62]
        header[name]["shape"] = [lengths[rng.integers(8)] for _ in range(rng.integers(0, 40))]
    elif way == 1:
        header[name]["dtype"] = str(rng.choice(["F64", "F32", "BF16", "F8_E5M2", "C64", "BOOL", "U8", "O", ""]))
    elif way == 2:
        header[name]["data_offsets"] = [int(rng.choice([0, 1, 24, 1 << 40, -1, len(body)])) for _ in range(2)]
    elif way == 3:  # what is said of the model, with a right checksum
        said = {"sizes": [12, 5, 3], "activation": "sigmoid", "cost": "quadratic"}
        wrong = [None, [], {}, "relu", 3.5, [12, 5], [12, 1 << 40, 3], [[12]], ["a"], "log-likelihood", True]
        said[str(rng.choice([*said, "w1", "more"]))] = wrong[rng.integers(len(wrong))]
        text = {"description": said if rng.random() < 0.8 else wrong[rng.integers(len(wrong))], "version": "1"}
        text["sha256"] = checksum(text, load(good))
        header["__metadata__"] = {KEY: json.dumps(text)}
    elif way == 4:
        header["__metadata__"] = [None, {}, {"format": "pt"}, {KEY: "[" * 9999}, {KEY: "{}"}, [KEY], {KEY: 3}, KEY][
            rng.integers(8)
        ]
    elif way == 5:
        header[str(rng.choice(["0.weight", "w3", "", other]))] = header.pop(name)
    elif way == 6:  # a long text of nothing
        header["__metadata__"] = {str(i): "" for i in range(int(rng.choice([10, 10_000])))}
    text = json.dumps(header).encode() + b" " * int(rng.choice([0, 0, 7, 1 << 20]))
    if way == 7:
        twice = text.rstrip()[:-1] + b', "w1": {}}'
        text = [damaged(text, rng), b"[" * 100_000, twice, b"", b"3", b"NaN"][rng.integers(6)]
    length = len(text) if rng.random() < 0.9 else [0, 1, 1 << 20, 1 << 40, (1 << 64) - 1][rng.integers(5)]
    return length.to_bytes(8, "little") + text + body


def _png(good, rng):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    side = [0, 1, 3, 4, 100, 3000, 1 << 16, (1 << 31) - 1]
    width, height = (int(rng.choice(side)) for _ in range(2))
    if rng.random() < 0.5:
        width, height = 3, 4
    depth, colour, interlace = (int(rng.choice(of)) for of in ([8, 1, 2, 4, 16, 3], [0, 2, 3, 4, 6], [0, 0, 0, 1, 7]))
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, interlace)
    pixels = zlib.compress(rng.bytes(int(rng.choice([0, 16, 64]))) if rng.random() < 0.7 else bytes(1 << 22))
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    for extra in (b"PLTE", b"tRNS", b"zTXt", b"iCCP", b"tEXt", b"gAMA", b"acTL", b"fcTL", b"eXIf"):
        if rng.random() < 0.15:
            content = (
                rng.bytes(int(rng.choice([0, 1, 3, 8, 26])))
                + (b"\0\0" + zlib.compress(bytes(1 << 20)))[: int(rng.choice([0, 2000]))]
            )
            chunks.insert(int(rng.integers(1, len(chunks))), (extra, content))
    return good[:8] + b"".join(chunk(*parts) for parts in chunks)


def peak(reset=False):
    """The most memory that this process has held since it was reset, in bytes; 0 where Linux does not say it."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    except OSError:
        return 0


def outcome(arguments, size):
    """What a command did: its exit code, its output, and what is wrong with it (nothing: None)."""
    out, err = io.StringIO(), io.StringIO()
    before = peak(reset=True)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(arguments)
    except Exception:
        return None, "", traceback.format_exc(limit=-3)
    held = peak() - before
    out, err = out.getvalue(), err.getvalue()
    if held > max(FREE, TIMES * size) + SLACK:
        return code, out, f"{held:,} bytes of memory for a file of {size:,}"
    if not (code == 0 and not err) and not (code == 2 and err.endswith("\n") and err.count("\n") == 1):
        return code, out, f"exit code {code}, and it says {err!r}"
    return code, out, None


def run(kinds, numbers, seed, folder, report=lambda line: None):
    """Return the faults, as sentences."""
    good, faults = good_files(folder), []
    expected = outcome(["predict", str(folder / "good.npz"), str(folder / "good.png")], 0)
    for kind in kinds:
        since, counts = time.perf_counter(), Counter()
        model = kind in ("npz", "packed", "safetensors")
        path = folder / f"damaged.{kind}"
        for number in numbers:
            rng = np.random.default_rng([seed, KINDS.index(kind), number])
            anew = rng.random() < 0.3
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # zipfile warns of what is in a file twice
                content = made_anew(kind, good[kind], rng) if anew else damaged(good[kind], rng)
            path.write_bytes(content)
            arguments = [str(path), str(folder / "good.png")] if model else [str(folder / "good.npz"), str(path)]
            code, out, fault = outcome(["predict", *arguments], len(content))
            if not fault and code == 0 and model and not anew and out != expected[1]:
                fault = f"a damaged model answers {out!r}"
            counts["fault" if fault else "answered" if code == 0 else "refused"] += 1
            if fault:
                faults.append(f"{kind} {number}: {fault}")
        report(f"{kind:>6}  {dict(counts)}, {time.perf_counter() - since:.0f} s")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000, help="how many of each kind (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="of the damage (default: 0)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="which (default: all)")
    parser.add_argument("--only", type=int, help="the number of one file")
    args = parser.parse_args()
    numbers = range(args.files) if args.only is None else [args.only]
    with tempfile.TemporaryDirectory() as folder:
        faults = run(args.kinds, numbers, args.seed, Path(folder), lambda line: print(line, flush=True))
    print("\n".join(faults) or "each was answered, or refused in one line")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
