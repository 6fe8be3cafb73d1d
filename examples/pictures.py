"""Two pictures of computation graphs: a scalar expression, and one neuron with its derived gradient.

They are written to examples/pictures, where the README finds them, or to the folder named on the command line.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Tensor, draw, sigmoid


def expression() -> tuple[Tensor, dict[str, Any]]:
    """c = (a + b)(b + 1): two paths lead from b to c, and its gradient is their sum."""
    a, b = Tensor(2.0, name="a"), Tensor(1.0, name="b")
    c = (a + b) * (b + 1)
    c.name = "c"
    c.backward()
    return c, {}


def neuron() -> tuple[Tensor, dict[str, Any]]:
    """C = (a - y)^2 / 2 for a = sigmoid(w x + b): one neuron that is to learn y = 0 for x = 1."""
    w, b = Tensor(0.6, name="w"), Tensor(0.9, name="b")
    x, y = np.float64(1.0), np.float64(0.0)
    z = w * x + b
    a = sigmoid(z)
    cost = (a - y) ** 2 / 2
    z.name, a.name, cost.name = "z", "a", "C"
    return cost, {"x": x, "y": y}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures"
    for make, backward in ((expression, False), (neuron, True)):
        output, constants = make()
        picture = draw(output, backward=backward, **constants)
        path = picture.render(outfile=folder / f"{make.__name__}.svg", cleanup=True)
        print(f"{make.__doc__}\n    {Path(path).name}")
