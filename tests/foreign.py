"""Runs programs in other languages: many in one file of C, compiled at once, and many in one process of node."""

import ctypes
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

GCC, NODE = shutil.which("gcc"), shutil.which("node")
STRICT = ["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]
POINTERS = {"double": ctypes.c_double, "float": ctypes.c_float, "long long": ctypes.c_longlong, "int": ctypes.c_int,
            "_Bool": ctypes.c_bool, "unsigned char": ctypes.c_ubyte, "short": ctypes.c_short,
            "signed char": ctypes.c_byte, "unsigned short": ctypes.c_ushort, "unsigned": ctypes.c_uint,
            "unsigned long long": ctypes.c_ulonglong}  # fmt: skip


def parameters(text):
    """The type that a program of C returns, its name, and its parameters: type, pointer or not, name, const or not."""
    head = re.search(r"^([a-z_ ]+) (\w+)\((.*?)\)\n\{", text, re.MULTILINE | re.DOTALL)
    found = []
    for part in re.sub(r"\s+", " ", head[3]).split(", "):
        kind, pointer, name = re.fullmatch(r"\s*(?:const )?([\w ]+?) (\*restrict )?(\w+)", part.strip()).groups()
        found.append((kind, bool(pointer), name, "const" in part))
    return head[1], head[2], found


def run_c(programs, tmp_path, flags=("-O1", "-ffp-contract=off")):
    """What each (text, arrays, gradients wanted) gives: the value, and the gradients."""
    source = "".join(
        re.sub(r"\b(\w+_and_grad\w*)\(", rf"program{n}_\1(", text) for n, (text, _, _) in enumerate(programs)
    )
    (tmp_path / "programs.c").write_text(source)
    library = tmp_path / "programs.so"
    done = subprocess.run(
        [GCC, *STRICT, *flags, "-fPIC", "-shared", "-o", str(library), str(tmp_path / "programs.c"), "-lm"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:4000]
    loaded = ctypes.CDLL(str(library))
    return [call_c(loaded, f"program{n}_", *program) for n, program in enumerate(programs)]


def call_c(library, prefix, text, arrays, like):
    returns, name, found = parameters(text)
    f = library[f"{prefix}{name}"]
    f.restype = POINTERS[returns]
    outputs = [np.full(np.shape(g), 7.0, np.result_type(g)) for g in like]
    given, kept = [], []
    values = [*arrays, *outputs]
    for (kind, pointer, _, _), value in zip(found, values, strict=True):
        if pointer:
            array = np.ascontiguousarray(value) if np.ndim(value) else value
            assert np.dtype(POINTERS[kind]) == array.dtype
            kept.append(array)
            given.append(array.ctypes.data_as(ctypes.POINTER(POINTERS[kind])))
        else:
            given.append(POINTERS[kind](value))
    return f(*given), outputs


def run_javascript(programs):
    """The same with node, all in one process."""
    lines = ["const results = [];", "const float = (x) => typeof x === 'string' ? Number(x) : x;"]
    for text, arrays, _ in programs:
        name = re.search(r"^function (\w+)\(", text, re.MULTILINE)[1]
        given = ", ".join(map(_as_javascript, arrays))
        lines.append(f"results.push((() => {{\n{text}\nreturn {name}({given});\n}})());")
    lines.append(
        "const plain = (x) => typeof x === 'object' ? Array.from(x, plain) : Number.isFinite(+x) ? +x : String(x);\n"
        "console.log(JSON.stringify(results.map(plain)));"
    )
    done = subprocess.run([NODE, "-"], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = []
    for (_, _, like), (value, gradients) in zip(programs, json.loads(done.stdout), strict=True):
        arrays = [np.array(g, float).reshape(np.shape(x)) for g, x in zip(gradients, like, strict=True)]
        found.append((float(value), arrays))
    return found


def _as_javascript(value):
    if not np.ndim(value):
        return _number(float(value))
    kind = {"float64": "Float64Array", "float32": "Float32Array", "bool": "Uint8Array"}.get(
        value.dtype.name, "Float64Array"
    )
    return f"new {kind}([{', '.join(_number(float(x)) for x in value.ravel())}])"


def _number(x):
    return repr(x).replace("inf", "Infinity").replace("nan", "NaN")


def there(program, name, count):
    """Leave a test out, and say of how many programs, where the machine lacks what runs them; never in CI."""
    if program is None:
        said = f"{count} programs are not run: this machine has no {name}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
