"""Writes a page in which a digit is drawn, and a network recognises it, shows its gradients, and learns.

The page is one file. What it computes, it computes with the programs that the engine writes in JavaScript: nothing of
the network, and no derivative, is written by hand in the player (`digit.html`, `digit.css`, `*.js`).
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Tensor, no_grad, source
from nn.costs import COSTS
from nn.digits import Examples, load_digits
from nn.equations import Array
from nn.files import write_bytes
from nn.images import SIDE
from nn.layers import Dropout, Layer, Linear, Module, Sequential
from nn.network import Network

HERE = Path(__file__).parent
SCRIPTS = ("strokes.js", "archive.js", "pictures.js", "player.js")
REPLAYED, HELD_OUT = 800, 1000  # digits that the page carries: to train on, and to measure the accuracy by
TOGETHER = {"learn": 10, "answer": 50}  # examples that these programs take at once
ETA, FLAT = 0.03, ("sigmoid", "quadratic")  # a learning rate that spoils no other digit; with these it is 1


def digit_page(
    model: Network | Module, path: str | Path, *, cost: Callable[[Any, Any], Any] | None = None,
    shape: Sequence[int] = (SIDE * SIDE,), data: tuple[Examples, Examples] | None = None, scale: float = 255.0,
) -> Path:  # fmt: skip
    """Write a self-contained page in which a digit is drawn, and the model recognises it, shows its gradients, and
    learns.

    model  a Network, or a Sequential of layers (its parts are shown one by one; a Dropout drops nothing in a page), or
           any Module (its outputs are shown)
    path   the HTML file to write; it needs no other file and asks for nothing over a network
    cost   the mean cost from the outputs and the targets, as for `nn.train`; a Network has its own
    shape  of one example as the model takes it: (784,), (28, 28) or (1, 28, 28)
    data   (training, held out): digits in rows of 784 pixels, with their labels. The page carries some of both, to
           train on and to measure the accuracy by. MNIST by default
    scale  the pixel bytes 0 to 255 were divided by it

    Returns the path. Raises ValueError for a model that does not take 784 pixels, and FileError if the file cannot be
    written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = digit_page(Network([784, 30, 10], rng=0), f"{folder}/digits.html")
    ...     path.stat().st_size < 1_500_000
    True
    """
    shape = tuple(shape)
    if np.prod(shape) != SIDE * SIDE or (isinstance(model, Network) and model.sizes[0] != SIDE * SIDE):
        takes = f"{model.sizes[0]} inputs" if isinstance(model, Network) else f"examples of shape {shape}"
        raise ValueError(f"digit_page: what is drawn becomes {SIDE} x {SIDE} pixels, and the model takes {takes}")
    if cost is None and not isinstance(model, Network):
        raise ValueError("digit_page: the page differentiates a cost: give it as cost=, such as softmax_log_likelihood")
    training, held_out = data or load_digits(scale=scale)[::2]
    content = _Programs(model, cost, shape, np.asarray(training.x[:1])).content()
    content |= {
        "scale": scale,
        "replayed": _digits(training, REPLAYED, scale),
        "held_out": _digits(held_out, HELD_OUT, scale),
    }
    path = Path(path)
    write_bytes(path, page_text(content, content.pop("programs")).encode())
    return path


def page_text(content: dict[str, Any], programs: str) -> str:
    """Put the parts of a page together: the player's files, the programs, and the content as JSON."""
    script = "\n".join([*((HERE / name).read_text("utf-8") for name in SCRIPTS[:-1]), programs])
    script += (HERE / SCRIPTS[-1]).read_text("utf-8")
    parts = {
        "/*STYLE*/": (HERE / "digit.css").read_text("utf-8"),
        "/*SCRIPT*/": re.sub("</(?=script)", r"<\\/", script, flags=re.IGNORECASE),
        '"CONTENT"': json.dumps(content, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c"),
    }
    text = (HERE / "digit.html").read_text("utf-8")
    return re.sub("|".join(map(re.escape, parts)), lambda match: parts[match[0]], text)


class _Programs:
    """The programs of a page, and what the player needs to know about them.

    look    a digit x and a label y, one example: the gradients are dC/dx, then for every layer shown its activations
            and its error. `logit` is the same for the weighted input of the label's output in place of the cost
    learn   a mini-batch: the gradients of the parameters
    answer  a batch: the outputs

    Activations come out as gradients: that of the sum of k * a with respect to k is a. With k = 0 it changes nothing
    else. So does what is added to a weighted input, zero, to be differentiated: its gradient is the error dC/dz.
    """

    def __init__(self, model: Network | Module, cost: Callable[[Any, Any], Any] | None, shape: tuple[int, ...], x: Any):
        self.model, self.shape = model, shape
        self.parameters = model.parameters()
        self.dtype = self.parameters[0].dtype if self.parameters else np.dtype(np.float64)
        self.layers: list[dict[str, Any]] = []
        if isinstance(model, Network):
            self.parts: list[Any] = list(model.layers.layers)
            self.cost, self.on_z = COSTS[model.cost_name].of, COSTS[model.cost_name].of_weighted_input
        else:
            self.parts = list(_parts(model)) if isinstance(model, Sequential) else [model]
            assert cost is not None
            self.cost, self.on_z = cost, None
        with no_grad():
            outputs, _ = self.through(np.zeros((1, *shape), self.dtype), self._note)
        if outputs.ndim != 2 or outputs.shape[1] < 2:
            raise ValueError(
                f"digit_page: the model has to give an output for each label, of shape (n, labels), not {outputs.shape}"
            )
        self.labels = outputs.shape[1]

    def _note(self, label: str, value: Any, error: str, weights: Tensor | None) -> Any:
        shape = list(value.shape[1:])
        name = weights.name if weights is not None and weights.shape[0] == shape[0] else None
        self.layers.append({"label": label, "error": error, "shape": shape, "weights": name})
        return value

    def through(self, a: Any, meet: Callable[[str, Any, str, Tensor | None], Any]) -> tuple[Any, Any]:
        """Go through the layers. `meet` is told each layer's value and error, and returns the value to go on with.

        Returns the outputs, and what the cost is computed from.
        """
        z = a
        for number, layer in enumerate(self.parts, 1):
            if isinstance(layer, Linear) and layer.activation is not None:
                z = meet(f"layer {number}", layer.weighted_input(a), "dC/dz", layer.w)
                a = layer.activation(z)
            else:
                z = a = meet(_name_of(layer, number), layer(a), "dC/da", getattr(layer, "w", None))
        return a, (a if self.on_z is None else z)

    def _bars(self, outputs: Any) -> Any:
        """Return the outputs as they are shown: for a cost of weighted inputs, the activations that belong to it."""
        known = next((c for c in COSTS.values() if c.of_weighted_input == self.cost), None)
        return known.output(outputs) if known and not isinstance(self.model, Network) else outputs

    def content(self) -> dict[str, Any]:
        """Return what the player is given, with the text of all the programs."""
        n, dtype = self.labels, self.dtype
        x, y = Tensor(np.zeros((1, *self.shape), dtype), name="x"), np.zeros((1, n), dtype)
        seen: list[Array] = []

        def values(label: str, value: Any, error: str, weights: Tensor | None) -> Any:
            seen.append(np.zeros((1, *self.layers[len(seen)]["shape"]), dtype))
            return value

        with no_grad():
            self.through(x.data, values)
        pushes = [Tensor(array, name=f"push{i}") for i, array in enumerate(seen, 1)]
        keeps = [Tensor(array, name=f"keep{i}") for i, array in enumerate([*seen, y], 1)]
        m = len(seen)

        def shown(x: Any, y: Any, rest: tuple[Any, ...], of_logit: bool) -> Any:
            pushed, kept = rest[:m], rest[m:]
            met: list[Any] = []

            def meet(label: str, value: Any, error: str, weights: Tensor | None) -> Any:
                met.append(value + pushed[len(met)])
                return met[-1]

            outputs, before = self.through(x, meet)
            if of_logit:
                found = np.sum((met[-1] if isinstance(self.model, Network) else outputs) * y)
            else:
                found = (self.on_z or self.cost)(before, y)
            activations = [self._activation(i, value) for i, value in enumerate(met)]
            for k, a in zip(kept, [*activations, self._bars(outputs)], strict=True):
                found = found + np.sum(k * a)
            return found

        def look(x: Any, y: Any, *rest: Any) -> Any:
            return shown(x, y, rest, of_logit=False)

        def logit(x: Any, y: Any, *rest: Any) -> Any:
            return shown(x, y, rest, of_logit=True)

        def learn(x: Any, y: Any) -> Any:
            _, before = self.through(x, lambda label, value, error, weights: value)
            return (self.on_z or self.cost)(before, y)

        def answer(x: Any, keep: Any) -> Any:
            with no_grad():
                outputs, _ = self.through(x, lambda label, value, error, weights: value)
            return np.sum(keep * self._bars(outputs))

        many = {name: np.zeros((count, *self.shape), dtype) for name, count in TOGETHER.items()}
        written = {
            "look": source(look, x, y, *pushes, *keeps, language="javascript"),
            "logit": source(logit, x, y, *pushes, *keeps, language="javascript"),
            "learn": source(learn, many["learn"], np.zeros((TOGETHER["learn"], n), dtype), language="javascript"),
            "answer": source(answer, many["answer"], Tensor(np.zeros((TOGETHER["answer"], n), dtype), name="keep"),
                             language="javascript"),
        }  # fmt: skip
        programs = {name: self._described(text) for name, text in written.items()}
        described = {key: _npy(array) for key, array in self.model.description().items()}
        cost_name = getattr(self.model, "cost_name", getattr(self.cost, "__name__", "cost"))
        return {
            "title": repr(self.model),
            "labels": n,
            "layers": self.layers,
            "together": TOGETHER,
            "eta": 1.0 if (getattr(self.model, "activation", None), cost_name) == FLAT else ETA,
            "parameters": [{"name": p.name, "shape": list(p.shape), "npy": _npy(p.data)} for p in self.parameters],
            "description": described,
            "calls": programs,
            "programs": "\n".join(f"const {name}Program = (() => {{\n{text}return {_function(text)};\n}})();\n"
                                  for name, text in written.items()),
        }  # fmt: skip

    def _activation(self, place: int, value: Any) -> Any:
        """Return the activations of a layer that is shown, from its value in the graph."""
        layer = [layer for layer in self.parts if not isinstance(layer, Dropout)][place]
        return layer.activation(value) if isinstance(layer, Linear) and layer.activation is not None else value

    def _described(self, text: str) -> list[str]:
        """Return the names of a program's parameters, after a check that the player knows them."""
        names = re.search(r"^function \w+\(([^)]*)\)", text, re.MULTILINE)
        assert names is not None
        found = re.findall(r"\w+", names[1])
        known = {p.name for p in self.parameters} | {"x", "y", "keep"}
        for name in found:
            if name not in known and not re.fullmatch(r"(push|keep)\d+", name):
                raise ValueError(
                    f"digit_page: the model computes with {name}, which is not one of its parameters, or has a name"
                    f" that JavaScript cannot take; its parameters are {', '.join(sorted(map(str, known - {'keep'})))}"
                )
        return found


def _function(text: str) -> str:
    name = re.search(r"^function (\w+)\(", text, re.MULTILINE)
    assert name is not None
    return name[1]


def _parts(model: Sequential) -> Iterator[Layer]:
    """List the layers of a Sequential and of those in it. A dropout does nothing when a digit is only looked at."""
    for layer in model.layers:
        if isinstance(layer, Sequential):
            yield from _parts(layer)
        elif not isinstance(layer, Dropout):
            yield layer


def _name_of(layer: Layer, number: int) -> str:
    name = getattr(layer, "__name__", None) or getattr(layer, "name", None) or type(layer).__name__
    return f"layer {number}, {name}"


def _npy(array: Array) -> str:
    """Write an array as the bytes of a .npy file, in base64."""
    file = io.BytesIO()
    np.save(file, np.asarray(array, order="C"), allow_pickle=False)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _digits(examples: Examples, most: int, scale: float) -> dict[str, Any]:
    """Pick some digits for a page: as many of each label as there are, and of each only the box around it.

    In base64: for each digit its label, the first row and column of its box, the rows and columns that it has, and
    their bytes.
    """
    chosen = examples.x[:most]
    packed = bytearray()
    for pixels, label in zip(chosen, examples.y, strict=False):
        image = np.clip(np.rint(pixels.reshape(SIDE, SIDE) * scale), 0, 255).astype(np.uint8)
        box = np.argwhere(image)
        (top, left), (bottom, right) = (box.min(axis=0), box.max(axis=0) + 1) if len(box) else ((0, 0), (0, 0))
        packed += bytes([int(label), top, left, bottom - top, right - left]) + image[top:bottom, left:right].tobytes()
    return {"count": len(chosen), "packed": base64.b64encode(packed).decode("ascii")}
