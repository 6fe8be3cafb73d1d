"""Proves the engine in numbers: its gradients, the equations derived by hand, and finite differences, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nn import equations
from nn.digits import one_hot
from nn.equations import Array
from nn.network import Network

# The largest difference between engine and equations, relative to the largest gradient of the parameter.
TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}
# The same for finite differences, whose formula is exact only to the square of the step.
DIFFERENCE_TOLERANCE = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-5}
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


def relative_difference(a: ArrayLike, b: ArrayLike) -> float:
    """Compute max |a - b| / max(|a|, |b|): 0 for equal arrays, inf or nan if one of them is not finite.

    >>> relative_difference(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    scale = max(float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0)))
    difference = float(np.max(np.abs(np.subtract(a, b)), initial=0.0))
    return difference / scale if scale else difference


@dataclass
class Comparison:
    """One parameter: the largest element of its gradient, computed in three ways, and how far these differ."""

    name: str
    shape: tuple[int, ...]
    engine: float
    equations: float
    differences: float
    engine_equations: float
    engine_differences: float
    equations_differences: float
    tolerance: float
    difference_tolerance: float
    compared: int  # how many elements the finite differences were taken for

    @property
    def passed(self) -> bool:
        return (
            self.engine_equations <= self.tolerance
            and self.engine_differences <= self.difference_tolerance
            and self.equations_differences <= self.difference_tolerance
        )


def engine_gradient(net: Network, x: Array, y: Array) -> dict[str, Array]:
    """Derive the gradient of the cost with the engine, by the parameter's name."""
    for parameter in net.parameters():
        parameter.grad = None
    net.cost(x, y).backward()
    return {str(parameter.name): parameter.grad for parameter in net.parameters()}


def equations_gradient(net: Network, x: Array, y: Array) -> dict[str, Array]:
    """Compute the same gradient with BP1 to BP4."""
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    nabla_b, nabla_w = equations.backprop_batch(w, b, x, y, net.cost_name, net.activation)
    gradients = {f"w{layer}": nabla for layer, nabla in enumerate(nabla_w, 1)}
    return gradients | {f"b{layer}": nabla for layer, nabla in enumerate(nabla_b, 1)}


def finite_differences(
    net: Network, x: Array, y: Array, name: str, elements: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """Take central differences of the equations' cost for some elements (flat indices) of a parameter, in float64.

    The second result is the error that rounding alone may make in each. An element comes out as nan if its difference
    depends on the step, because the step crosses a kink such as that of relu.
    """
    state = {key: array.astype(np.float64) for key, array in net.state_dict().items()}
    w = [state[f"w{layer}"] for layer in range(1, len(net.sizes))]
    b = [state[f"b{layer}"] for layer in range(1, len(net.sizes))]
    x, y = x.astype(np.float64), y.astype(np.float64)
    flat = state[name].reshape(-1)

    def cost() -> float:
        return equations.cost(equations.output_weighted_input(w, b, x, net.activation), y, net.cost_name)

    def quotient(i: int, h: float) -> float:
        kept = flat[i]
        flat[i] = kept + h
        above, right = cost(), flat[i]
        flat[i] = kept - h
        below, left = cost(), flat[i]
        flat[i] = kept
        return float((above - below) / (right - left))

    steps = [STEP * max(1.0, abs(float(flat[i]))) for i in elements]
    found = np.array([quotient(int(i), h) for i, h in zip(elements, steps, strict=True)])
    noise = 10 * float(np.finfo(np.float64).eps) * cost() / STEP
    if net.activation in equations.KINKED:
        again = np.array([quotient(int(i), h / 3) for i, h in zip(elements, steps, strict=True)])
        found[np.abs(found - again) > 10 * noise + 1e-7 * np.max(np.abs(found), initial=0.0)] = np.nan
    return found, noise


def compare(
    sizes: Sequence[int],
    *,
    cost: str = "quadratic",
    activation: str = "sigmoid",
    init: str = "gaussian",
    batch: int = 10,
    dtype: DTypeLike = np.float64,
    seed: int = 0,
    elements: int = 25_000,
) -> list[Comparison]:
    """Compare the three for each parameter of a random network, on a random mini-batch.

    Finite differences are taken for at most `elements` elements of each parameter, picked at random.

    >>> all(row.passed for row in compare([4, 3, 2], batch=5))
    True
    """
    rng = np.random.default_rng(seed)
    net = Network(sizes, activation=activation, cost=cost, init=init, dtype=dtype, rng=rng)
    x = rng.random((batch, net.sizes[0])).astype(dtype)
    y = one_hot(rng.integers(0, net.sizes[-1], batch), net.sizes[-1]).astype(dtype)
    from_engine, from_equations = engine_gradient(net, x, y), equations_gradient(net, x, y)
    rows = []
    for parameter in net.parameters():
        name = str(parameter.name)
        a, b = from_engine[name].reshape(-1), from_equations[name].reshape(-1)
        picked = rng.permutation(a.size)[:elements]
        top = int(np.argmax(np.abs(b)))
        picked = np.concatenate([[top], picked[picked != top]])
        differences, noise = finite_differences(net, x, y, name, picked)
        smooth = ~np.isnan(differences)
        scale = float(np.max(np.abs(b)))
        rows.append(
            Comparison(
                name=name,
                shape=parameter.shape,
                engine=float(a[top]),
                equations=float(b[top]),
                differences=float(differences[0]),
                engine_equations=relative_difference(a, b),
                engine_differences=relative_difference(a[picked][smooth], differences[smooth]),
                equations_differences=relative_difference(b[picked][smooth], differences[smooth]),
                tolerance=TOLERANCE[np.dtype(dtype)],
                difference_tolerance=DIFFERENCE_TOLERANCE[np.dtype(dtype)] + (noise / scale if scale else np.inf),
                compared=int(np.sum(smooth)),
            )
        )
    return rows


def as_table(rows: Sequence[Comparison]) -> str:
    """Lay the comparison out as text for a terminal."""
    lines = [
        f"{'':9}{'':12}{'the largest element of the gradient':^41}{'largest relative difference':^37}",
        f"{'':9}{'shape':12}{'engine':>13} {'equations':>13} {'differences':>13}"
        f"{'engine-equations':>18}{'engine-diff.':>14}{'equations-diff.':>17}",
    ]
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        lines.append(
            f"dC/d{row.name:5}{shape:12}{row.engine:13.6e} {row.equations:13.6e} {row.differences:13.6e}"
            f"{row.engine_equations:18.1e}{row.engine_differences:14.1e}{row.equations_differences:17.1e}"
            f"  {'pass' if row.passed else 'FAIL'}"
        )
    return "\n".join(lines)
