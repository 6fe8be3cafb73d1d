"""A gallery: seven graphs, each as it is computed and with the gradient that was derived from it.

The pictures are written to examples/pictures, and the page that shows them to examples/gallery.md, or both to the
folder named on the command line.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Tensor, draw, grad, relu, scope, sigmoid, softmax
from nn import Network, load_digits, one_hot


def named(name: str, value: Tensor) -> Tensor:
    """Return the value, with a name."""
    value.name = name
    return value


def neuron() -> tuple[Tensor, dict[str, Any]]:
    """One neuron that is to learn y = 0 for x = 1: C = (a - y)² / 2 for a = σ(w x + b)."""
    w, b = Tensor(0.6, name="w"), Tensor(0.9, name="b")
    x, y = np.float64(1.0), np.float64(0.0)
    z = named("z", w * x + b)
    a = named("a", sigmoid(z))
    return named("C", (a - y) ** 2 / 2), {"x": x, "y": y}


def digits() -> tuple[Tensor, dict[str, Any]]:
    """The book's network 784-30-10, for a mini-batch of ten digits."""
    training, _, _ = load_digits()
    x, y = training.x[:10], one_hot(training.y[:10])
    return named("C", Network([784, 30, 10], rng=0).cost(x, y)), {"x": x, "y": y}


def loop() -> tuple[Tensor, dict[str, Any]]:
    """A loop of five steps, unrolled: h = tanh(u x + w h + b) five times, with the same weights."""
    rng = np.random.default_rng(0)
    u, w = Tensor(rng.standard_normal((8, 4)), name="u"), Tensor(rng.standard_normal((8, 8)), name="w")
    b, v = Tensor(np.zeros(8), name="b"), Tensor(rng.standard_normal(8), name="v")
    x, y = list(rng.standard_normal((5, 4))), np.float64(1.0)
    h: Any = np.zeros(8)
    constants = {"h0": h, "y": y} | {f"x{t}": x_t for t, x_t in enumerate(x, 1)}
    for t in range(5):
        with scope(f"step {t + 1}"):
            h = named(f"h{t + 1}", np.tanh(u @ x[t] + w @ h + b))
    return named("C", (v @ h - y) ** 2 / 2), constants


def convolution() -> tuple[Tensor, dict[str, Any]]:
    """A filter of 2 x 2 weights on an image of 4 x 4 pixels, as four shifted slices, and the largest that it finds."""
    rng = np.random.default_rng(0)
    w, b, x = Tensor(rng.standard_normal((2, 2)), name="w"), Tensor(0.1, name="b"), rng.standard_normal((4, 4))
    image = Tensor(x, name="image")
    with scope("convolution"):
        z: Any = b
        for p in range(2):
            for q in range(2):
                z = z + w[p, q] * image[p : p + 3, q : q + 3]
        named("z", z)
    a = named("a", relu(z))
    return named("C", np.max(a)), {}


def second_derivative() -> tuple[Tensor, dict[str, Any]]:
    """The second derivative of tanh at 0.5: what two backward passes recorded."""
    x = Tensor(0.5, name="x")
    return named("tanh″(x)", grad(grad(np.tanh))(x)), {}


def attention() -> tuple[Tensor, dict[str, Any]]:
    """Attention: each of four tokens takes from all of them what its query finds in their keys."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6))
    wq, wk, wv = (Tensor(rng.standard_normal((6, 3)), name=name) for name in ("wq", "wk", "wv"))
    q, k, v = (named(name, x @ w) for name, w in (("q", wq), ("k", wk), ("v", wv)))
    with scope("attention"):
        weights = named("weights", softmax(q @ k.T / np.sqrt(3)))
        mixed = named("mixed", weights @ v)
    return named("C", np.mean(mixed**2)), {"x": x}


def scalars() -> tuple[Tensor, dict[str, Any]]:
    """A network 3-4-4-1 number by number, as micrograd builds it, with all its values for one example."""
    rng = np.random.default_rng(0)
    values: list[Any] = [2.0, 3.0, -1.0]
    for layer, n_out in enumerate((4, 4, 1), 1):
        outputs = []
        with scope(f"layer {layer}"):
            for j in range(n_out):
                z: Any = Tensor(0.0, name=f"b{layer}_{j}")
                for i, value in enumerate(values):
                    z = z + Tensor(rng.uniform(-1, 1), name=f"w{layer}_{j}{i}") * value
                outputs.append(named(f"a{layer}_{j}", np.tanh(z)))
        values = outputs
    return named("C", (values[0] - 1.0) ** 2), {}


KEY = """\
`python examples/gallery.py` writes this page. Parameters are yellow, constants grey and dashed, computed values white;
what was derived is blue, and a dotted line ties each gradient to its value. Boxes with a shadow are scopes: a graph of
more than 30 boxes is folded by itself."""
GRAPHS = (neuron, digits, loop, convolution, second_derivative, attention, scalars)


def main(folder: Path, page: Path) -> None:
    """Write the pictures, as SVG without the fonts and comments of Graphviz, and the page."""
    lines = ["# Gallery", "", str(__doc__).split("\n\n")[0].replace("\n", " "), ""]
    lines += [KEY, ""]
    for make in GRAPHS:
        output, constants = make()
        lines += [f"## {make.__name__.replace('_', ' ').capitalize()}", "", str(make.__doc__), ""]
        for suffix, backward in (("", False), ("-gradient", True)):
            path = folder / f"gallery-{make.__name__}{suffix}.svg"
            svg = draw(output, backward=backward, **constants).pipe("svg", encoding="utf-8")
            path.write_text(re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL), "utf-8")
            what = "and its derived gradient" if backward else "as it is computed"
            lines += [f"![{make.__doc__} The graph {what}.]({path.relative_to(page.parent).as_posix()})", ""]
        print(f"{make.__name__}: {make.__doc__}")
    page.write_text("\n".join(lines[:-1]) + "\n", "utf-8")


if __name__ == "__main__":
    here = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    (here / "pictures").mkdir(parents=True, exist_ok=True)
    main(here / "pictures", here / "gallery.md")
