"""Shows values at the prompt and in a notebook: a Tensor as a table, an array as a heat map, long output cut short.

A notebook keeps what it shows. So no output is longer than 256 kB, and one that is cut says what was left out.
"""

from __future__ import annotations

import ast
import base64
import html
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.readings.text import applied, text
from autograd.tensor import Node, Tensor

MOST = 256_000  # bytes of one output
SMALL = 6  # elements: arrays up to this size are written in one line
CELLS, COLUMNS = 36, 8  # elements and columns that a table shows as numbers
POINTS, SIDES, NARROWEST = 1 << 16, (480, 1024), 16  # of a heat map: all, its height and width, and pixels across
LONGEST, LONGEST_CALL = 60, 400  # characters of a name, and of how a Tensor was made
RED, BLUE, WHITE, GREY = (178, 24, 43), (33, 102, 172), (255, 255, 255), (153, 153, 153)
LEVELS = 127  # shades on each side of white


class Shown:
    """Base of what is read as text: the prompt shows what `print` shows, a notebook its LaTeX."""

    def latex(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return capped(str(self))

    def _repr_latex_(self) -> str | None:
        """Return what a notebook shows in place of the text; nothing if that would be too long."""
        found = f"$\\displaystyle {self.latex()}$"
        return found if len(found.encode(errors="replace")) <= MOST else None


class Lines(str):
    """A text that the prompt shows line by line, as `print` does. Otherwise it is a str."""

    def __repr__(self) -> str:
        return capped(str(self))


def capped(output: str, all_of_it: str = "print shows all of it") -> str:
    """Cut an output that is longer than 256 kB after a whole line, and say what was left out.

    >>> capped("short")
    'short'
    >>> print(capped("line\\n" * 100_000)[-71:])
    line
    … 48,800 lines (244,000 bytes) are left out: print shows all of it
    """
    content = output.encode(errors="replace")
    if len(content) <= MOST:
        return output
    start = content[:MOST].decode(errors="ignore")
    kept = start.rpartition("\n")[0] or start
    rest = output[len(kept) :].removeprefix("\n")
    left = f"{len(rest.splitlines()):,} lines ({len(rest.encode(errors='replace')):,} bytes)"
    return f"{kept}\n… {left} are left out: {all_of_it}"


def numbers_of(data: Any) -> str:
    """Show a value in one line: in full if it is small, else its range; for truth values, how many hold.

    Values that are not numbers are counted; they do not hide the range of the others.

    >>> numbers_of(np.float64(0.1) + 0.2), numbers_of(np.arange(100.0)), numbers_of(np.arange(9) > 2)
    ('0.3', '0 … 99', '6 of 9 true')
    >>> numbers_of(np.array([[1.5, -2.0], [1 / 3, 0]]))
    '[[1.5, -2], [0.3333, 0]]'
    """
    array = np.asarray(data)
    if array.size == 0:
        return "empty"
    if array.size > SMALL:
        if array.dtype == bool:
            return f"{np.count_nonzero(array)} of {array.size} true"
        known = array[~np.isnan(array)]
        span = [f"{known.min():.4g} … {known.max():.4g}"] if known.size else []
        return ", ".join([*span, *([f"{array.size - known.size:,} nan"] if known.size < array.size else [])])
    if array.ndim:
        return f"[{', '.join(map(numbers_of, array))}]"
    return f"{array[()]:.4g}" if array.dtype.kind == "f" else str(array[()])


# A Tensor in a notebook


def tensor_html(tensor: Tensor) -> str:
    """Return a Tensor as a table in HTML: what it is called, its value, its gradient, and how it was made."""
    name = f"<b>{html.escape(shortened(tensor.name))}</b>: " if tensor.name else ""
    what = "constant" if tensor.is_constant else "leaf" if tensor.op is None else "computed"
    shape = f" of shape {tensor.shape}" if tensor.ndim else ""
    no_gradient = "none: nothing flows through a constant" if tensor.is_constant else "none: no backward() reached it"
    rows = {
        "value": _as_html(tensor._value),
        "gradient": f"<i>{no_gradient}</i>" if tensor.grad is None else _as_html(tensor.grad),
    }
    if tensor.inputs:
        rows["op"] = f"<code>{html.escape(made_by(tensor))}</code>"
    if tensor.scope:
        rows["scope"] = html.escape(shortened(" / ".join(tensor.scope)))
    cells = "".join(f'<tr><th style="text-align: left">{key}</th><td style="text-align: left">{value}</td></tr>'
                    for key, value in rows.items())  # fmt: skip
    return f"<div>{name}Tensor{shape}, {tensor.dtype}, {what}</div><table>{cells}</table>"


def made_by(tensor: Node) -> str:
    """Write how a Tensor was made, as an expression of its inputs; a value without a name is …

    >>> w, x = Tensor(2.0, name="w"), Tensor(3.0, name="x")
    >>> made_by(w * x), made_by(np.tanh(w * x)), made_by(w + 1)
    ('w * x', 'np.tanh(…)', 'w + 1')
    """
    operands: list[ast.expr] = []
    for x in tensor.inputs:
        operand = shortened(x.name or "…") if isinstance(x, Node) else "array" if np.ndim(x) else numbers_of(x)
        operands.append(ast.Name(operand))
    op: Any = tensor.op
    try:
        made = text(applied(op, operands, tensor.params))
    except ValueError:  # a parameter that has no short text
        made = f"{op.name}({', '.join(map(text, operands))})"
    return made if len(made) <= LONGEST_CALL else f"{made[:LONGEST_CALL]}… ({len(operands):,} inputs)"


def shortened(name: str, longest: int = LONGEST) -> str:
    """Cut a name that has more characters than are shown."""
    return name if len(name) <= longest else f"{name[:longest]}…"


def _as_html(data: Any) -> str:
    """Show an array in a table: as numbers if it is small, else as a heat map, if it has one axis or two."""
    array = np.asarray(data)
    if not array.ndim or not array.size or array.ndim > 2:
        return html.escape(numbers_of(array))
    rows = array.reshape(-1, array.shape[-1])
    if array.size <= CELLS and rows.shape[1] <= COLUMNS:
        return _table(rows)
    return f"{heat_map(rows)}<br>{html.escape(numbers_of(array))}"


def _levels(rows: NDArray[Any]) -> NDArray[np.uint8]:
    """Say how red or blue each number is: 127 is zero and white, 0 the bluest, 254 the reddest, 255 not a number."""
    values = rows.astype(np.float64)
    finite = np.isfinite(values)
    largest = np.max(np.abs(values), where=finite, initial=0.0)
    share = np.clip(np.nan_to_num(values / (largest or 1.0)), -1, 1)
    return np.where(np.isnan(values), 255, np.rint(LEVELS * (1 + share))).astype(np.uint8)


def _colour(level: int) -> tuple[int, ...]:
    if level == 255:
        return GREY
    share, end = abs(level - LEVELS) / LEVELS, RED if level > LEVELS else BLUE
    return tuple(round(white + share * (colour - white)) for white, colour in zip(WHITE, end))


def _table(rows: NDArray[Any]) -> str:
    """Write numbers in cells of their colours, pale enough to be readable."""

    def cell(value: Any, level: int) -> str:
        red, green, blue = (round(255 + 0.6 * (part - 255)) for part in _colour(level))
        style = f"background: rgb({red}, {green}, {blue}); color: black; text-align: right"
        return f'<td style="{style}">{html.escape(numbers_of(value))}</td>'

    lines = ["".join(map(cell, values, levels)) for values, levels in zip(rows, _levels(rows).tolist())]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def heat_map(rows: NDArray[Any]) -> str:
    """Return an array of two axes as an image in HTML: red is positive, blue negative, white zero, grey not a number.

    A large array is averaged over blocks, and the image says so.
    """
    n_rows, n_columns = rows.shape
    block = [-(-n // side) for n, side in zip(rows.shape, SIDES)]
    while -(-n_rows // block[0]) * -(-n_columns // block[1]) > POINTS:
        block[n_columns // block[1] > n_rows // block[0]] += 1
    note = ""
    if block != [1, 1]:
        sums, starts = rows.astype(np.float64), [np.arange(0, n, size) for n, size in zip(rows.shape, block)]
        for axis, start in enumerate(starts):
            sums = np.add.reduceat(sums, start, axis=axis)
        counts = [np.diff([*start, n]) for start, n in zip(starts, rows.shape)]
        rows = sums / np.outer(*counts)
        note = f"<br>each point is the mean of {block[0]} × {block[1]} numbers"
    height, width = rows.shape
    scale = max(1, min(16, 480 // width, 240 // height))
    image = base64.b64encode(_png(_levels(rows))).decode()
    wide, high = (max(NARROWEST, scale * n) for n in (width, height))
    style = f"width: {wide}px; max-width: 100%; height: auto; aspect-ratio: {wide} / {high}; image-rendering: pixelated"
    alt = f"heat map of {n_rows} × {n_columns} numbers, red is positive and blue negative"
    return f'<img style="{style}" alt="{alt}" title="{alt}" src="data:image/png;base64,{image}">{note}'


def _png(levels: NDArray[np.uint8]) -> bytes:
    """Make a PNG file with one byte per pixel, an index into a palette."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    height, width = levels.shape
    palette = bytes(part for level in range(256) for part in _colour(level))
    pixels = np.column_stack([np.zeros(height, np.uint8), levels])  # each line says first how it is filtered: not
    return b"".join([
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)),
        chunk(b"PLTE", palette),
        chunk(b"IDAT", zlib.compress(pixels.tobytes(), 9)),
        chunk(b"IEND", b""),
    ])  # fmt: skip
