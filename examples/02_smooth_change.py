"""2. The sigmoid neuron's smooth change.

A perceptron sits still while its weights change a little, and then all at once its answer flips. The example before
this one ended on the cure: a sigmoid in the place of the step. What it buys is stated in one line (book, chapter 1,
equation (5)). If the weights and the bias change a little, the change of the output is nearly

    sum over j of  (da/dw_j) * (change of w_j)  +  (da/db) * (change of b),

which is linear in the changes, and that is what makes learning possible: to move the output, look up in the partial
derivatives which way to go.

How near is nearly? Take one direction in which to change all the weights and the bias, and go ever shorter ways along
it. A step ten times shorter ought to leave an error a hundred times smaller: the linear part is then exactly right, and
what is left over is of second order. If the gradient were wrong by a per cent, the error would shrink by ten only, so
this is a test of the gradient too. The partial derivatives are the engine's. It even says how large the error has to
be: a gradient is a graph of the same kind as the function, so it can be differentiated again, and half the second
derivative along the direction, times the step squared, is the error.

The perceptron stands in the same table. Its weights and its inputs are the same; its bias puts it on the threshold,
where any step in this direction flips it, and where the prediction from its derivatives, no change at all, is as wrong
for the smallest step as for the largest.

Nothing in this depends on its being one neuron. The last rows say the same of the cost of a whole network on real
digits, as a function of its 23,860 weights and biases. A network is a smooth function of all its parameters, and the
next example walks downhill on it.
"""

from itertools import pairwise

import numpy as np

from autograd import hvp, linear, sigmoid, value_and_grad
from nn import load_digits, one_hot, quadratic
from reproduce import Experiment, run

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
STEPS = 10.0 ** -np.arange(7)  # shorter ones leave an error that drowns in the rounding of the output


def smooth_change(f, point, direction, slip=0.0):
    """Measure how f changes from `point` along `direction`, and what its gradient predicts, for each of STEPS.

    `point` and `direction` are tuples of arrays, the arguments of f. `slip` is added to the prediction as a share of
    it, as if the gradient were wrong by so much. Returns the changes, the predicted changes, and their differences.
    """
    value, gradient = value_and_grad(f, tuple(range(len(point))))(*point)
    slope = sum(np.sum(g * d) for g, d in zip(gradient, direction, strict=True))
    moved = [[x + step * d for x, d in zip(point, direction, strict=True)] for step in STEPS]
    changes = np.array([float(f(*arguments)) for arguments in moved]) - float(value)
    predicted = STEPS * float(slope) * (1 + slip)
    return changes, predicted, np.abs(changes - predicted)


def second_order(f, point, direction):
    """Compute half the second derivative of f along `direction`: the error of the prediction over the step squared."""
    products = hvp(f, point, direction)
    return abs(float(sum(np.sum(h * d) for h, d in zip(products, direction, strict=True)))) / 2


def ratios(errors):
    """Divide the error of each step by that of the next, which is ten times shorter."""
    return errors[:-1] / errors[1:]


def neuron(f, x):
    """Make the output of one neuron with the inputs x a function of its weights and bias."""
    return lambda w, b: f(w @ x + b)


def step_function(z):
    return np.heaviside(z, 0.0)


def network_cost(x, y):
    """Make the quadratic cost of a sigmoid network on the examples x, y a function of its weights and biases."""

    def cost(*parameters):
        a = x
        for w, b in zip(parameters[0::2], parameters[1::2], strict=True):
            a = sigmoid(linear(a, w, b))
        return quadratic(a, y)

    return cost


def as_table(smooth, wrong, jump, coefficient):
    """Write the table of changes, predictions and errors as text."""
    lines = [
        "            sigmoid neuron                                                      1 % slip    perceptron",
        "step        change of a    predicted      error      ratio  a''/2 step^2        ratio     change  predicted",
    ]
    for i, step in enumerate(STEPS):
        ratio, slip_ratio = (f"{ratios(errors)[i - 1]:.2f}" if i else "" for errors in (smooth[2], wrong[2]))
        lines.append(
            f"{step:<10g}{smooth[0][i]:13.6e}{smooth[1][i]:13.6e}{smooth[2][i]:11.3e}{ratio:>11}"
            f"{coefficient * step**2:14.3e}{slip_ratio:>13}{jump[0][i]:11g}{jump[1][i]:11g}"
        )
    return "\n".join(lines)


def picture(curves, coefficient):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    for errors, colour, marker, name in curves:
        axes.loglog(
            STEPS, errors, color=colour, marker=marker, linewidth=0 if name == "sigmoid neuron" else 1.2, label=name
        )
    axes.loglog(STEPS, coefficient * STEPS**2, color=BLUE, linestyle="--", zorder=0,
                label="what the second derivative foretells for the neuron")  # fmt: skip
    axes.set(
        xlabel="step (how far the weights and biases go in the chosen direction)",
        ylabel="error of the linear prediction",
    )
    axes.set_ylim(1e-14, 1e5)
    axes.invert_xaxis()
    axes.legend(frameon=False, loc="upper right", fontsize=9)
    return figure


def main(experiment: Experiment) -> None:
    x, w, b = np.array([1.0, 0.5, 0.25]), np.array([0.5, -1.25, 0.75]), 1.0
    direction = (np.array([0.5, -0.25, 1.0]), 0.5)
    f = neuron(sigmoid, x)
    smooth, wrong = smooth_change(f, (w, b), direction), smooth_change(f, (w, b), direction, slip=0.01)
    # The same neuron on the threshold: its weighted input is exactly 0, and it answers 0.
    jump = smooth_change(neuron(step_function, x), (w, -float(w @ x)), direction)
    coefficient = second_order(f, (w, b), direction)
    experiment.block(as_table(smooth, wrong, jump, coefficient))

    setting = "one neuron with three inputs; all weights and the bias change; steps from 0.1 to 0.000001"
    shrunk = ratios(smooth[2])[1:]
    experiment.row(
        "sigmoid neuron: the error shrinks, for a step ten times shorter, by", setting=setting, published="100",
        source="Taylor's theorem, for book, chapter 1, equation (5)",
        ours=f"{shrunk.min():.1f} to {shrunk.max():.1f}",
        difference="Second order: the linear part that the engine gives is exactly right.",
    )  # fmt: skip
    measured = smooth[2][3] / STEPS[3] ** 2
    experiment.row(
        "error over step squared", setting="the same neuron, step 0.001", ours=f"{measured:.5f}",
        difference=f"The engine's gradient of the gradient foretells {coefficient:.5f}, half the second derivative; the"
        f" two differ by {abs(measured / coefficient - 1):.1e} of their size, a rest of third order.",
    )  # fmt: skip
    slipped = ratios(wrong[2])[1:]
    experiment.row(
        "the same with a gradient that is wrong by 1 %", setting=setting, published="10", source="Taylor's theorem",
        ours=f"{slipped[0]:.1f} at first, {slipped[-1]:.1f} at last",
        difference="So small a mistake shows: an error of first order is left.",
    )  # fmt: skip
    experiment.row(
        "perceptron on its threshold: the error shrinks by",
        setting="the same weights and direction; the bias makes the weighted input 0",
        ours=f"{ratios(jump[2]).max():g}",
        difference=f"However small the step, the output changes by {jump[0][-1]:g}, and the derivatives foretell"
        f" {jump[1][-1]:g}.",
    )  # fmt: skip

    seed, neurons = 0, 100 if experiment.quick else 1000
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(neurons):
        n = int(rng.integers(1, 11))
        start = (rng.standard_normal(n), rng.standard_normal())
        along = (rng.standard_normal(n) / np.sqrt(n + 1), rng.standard_normal() / np.sqrt(n + 1))
        found.append(ratios(smooth_change(neuron(sigmoid, rng.random(n)), start, along)[2])[2])
    low, middle, high = np.quantile(found, (0.05, 0.5, 0.95))
    experiment.row(
        "random sigmoid neurons: the error shrinks by", seed=seed, published="100", source="Taylor's theorem",
        setting=f"{neurons:,} neurons with 1 to 10 inputs and random changes; from step 0.01 to 0.001",
        ours=f"{middle:.2f} (median); {low:.1f} to {high:.1f} for the middle 90 %",
        difference="Where it is not quite 100, the second derivative happens to be small, and the third order shows.",
    )  # fmt: skip

    images = load_digits()[0]
    n = 10
    sizes = [784, 30, 10]
    cost = network_cost(images.x[:n], one_hot(images.y[:n]))
    point, along = [], []
    for n_in, n_out in pairwise(sizes):
        point += [rng.standard_normal((n_out, n_in)) / np.sqrt(n_in), rng.standard_normal(n_out)]
        along += [rng.standard_normal((n_out, n_in)) / np.sqrt(n_in), rng.standard_normal(n_out)]
    network = smooth_change(cost, tuple(point), tuple(along))
    shrunk = ratios(network[2])[1:5]
    experiment.row(
        "digit network: the error of the predicted cost shrinks by", seed=seed, published="100",
        source="Taylor's theorem",
        setting=f"784-30-10 on the first {n} digits; all {sum(p.size for p in point):,} parameters change at random;"
        " steps from 0.1 to 0.00001",
        ours=f"{shrunk.min():.1f} to {shrunk.max():.1f}",
        difference="The same law for a whole network: one backward pass gave all the partial derivatives.",
    )  # fmt: skip
    curves = [
        (jump[2], ORANGE, "s", "perceptron on its threshold"),
        (network[2], GREEN, "^", "784-30-10 network, cost on ten digits"),
        (smooth[2], BLUE, "o", "sigmoid neuron"),
    ]
    experiment.figure(
        "error", picture(curves, coefficient),
        "The error of the linear prediction over shrinking steps. Two decades down for every decade to the right:"
        " second order. The perceptron's error stays where it is.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
