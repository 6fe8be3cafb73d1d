"""9. A published slip.

Deriving a backward pass by hand is a page of indices, and pages of indices go into print with slips. One of the notes
on this network has two. Both are written down in this file as they read there, and tried.

- *The backward pass.* The error of a hidden layer is the error of the next layer, sent back through the transposed
  weights of the next layer (the second of the book's four equations, BP2). The note sends it back through the
  transposed *gradient* of those weights. No program can complain: the gradient has the shape of the weights, for
  every size of network, so that everything fits and numbers come out.
- *The update.* Gradient descent takes the learning rate times the gradient *away* from the weights. In the note the
  minus sign is lost, and it is added.

How is such a slip found? Not by looking at whether the cost falls, as the end of this example shows. It is found
by comparing numbers. The engine's gradient is there for the asking, and the first block puts the note's beside it,
on real digits and with two hidden layers. Counted from the output back, the first layer that differs is where to look,
and every layer before it inherits the error. The second block goes further and tests each equation by itself, with
the numbers that the note's own pass has computed up to there; so an equation that is right passes also in a layer
where the numbers are not. What remains is BP2, in every hidden layer, and nothing else. The third block is
`python -m nn check` on the same lines: it tries known slips until one reproduces the numbers.

The lost sign is nowhere in these tables: the gradient is right. It shows in the first step. To first order, a small
step changes the cost by the gradient times the step; for gradient descent that is minus the learning rate times the
squared length of the gradient. The row compares this forecast with what happened to the cost.

Why does the wrong error do harm? The gradient of the output weights is made of the output errors. Put it in their
place in BP2, and for one example each output error is multiplied by itself: whatever the sign of an output's error,
the square is positive, and the hidden neuron is told that it should be less active. All hidden neurons are told so,
by every example; the row of signs counts it. (Over a mini-batch the squares are mixed with products of different
examples, and the signs are no longer all the same.) And as a product of errors it is small, since errors are.

Then both slips are trained with, on the settings of example 4, beside the right pass and beside a network whose hidden
layer is not trained at all. With the slip in the backward pass the network seems to learn at first, since the gradient
of its output layer is right; then it loses again what it knew. The hidden layer falls silent, as the signs foretell:
the rows say how active it is in the end. Left as it was drawn, it would have served much better. And yet the cost ends
far below its start, near what ten outputs come to that answer 0.1 to everything: a cost that falls is no proof of a
gradient. A comparison is. With the minus sign lost, the cost climbs until the outputs are so far out on the sigmoid
that no gradient is left.

With gradients that are derived by the engine there is no page of indices to get wrong. That is worth the more, the
more of the network changes: in the next example, everything does.
"""

import inspect
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from tqdm import trange

from nn import Network, equations, load_digits, one_hot
from nn.equations import sigmoid, sigmoid_prime
from nn.grader import grade
from nn.proof.numbers import engine_gradient, relative_difference
from reproduce import Experiment, run

ETA, BATCH = 3.0, 10
COLOURS = {
    "right": "#000000",
    "hidden layer not trained": "#999999",
    "gradient in place of weights": "#0072B2",
    "minus sign lost": "#D55E00",
    "both slips": "#CC79A7",
}


def forward(w, b, x):
    """Compute the weighted inputs z and the activations a of every layer; a[0] is the input, an example per row."""
    a, z = [x], []
    for weights, biases in zip(w, b):
        z.append(a[-1] @ weights.T + biases)
        a.append(sigmoid(z[-1]))
    return z, a


def published_errors(w, b, x, y):
    """Run the note's backward pass, for the mean over a mini-batch: the errors delta and nabla_w, from layer 1 on."""
    z, a = forward(w, b, x)
    delta = [(a[-1] - y) * sigmoid_prime(z[-1], a[-1]) / len(x)]
    nabla_w = [delta[0].T @ a[-2]]
    for l in range(len(w) - 2, -1, -1):  # noqa: E741
        delta.insert(0, (delta[0] @ nabla_w[0]) * sigmoid_prime(z[l], a[l + 1]))  # nabla_w[0]: w[l + 1] belongs here
        nabla_w.insert(0, delta[0].T @ a[l])
    return delta, nabla_w


def published_backprop(w, b, x, y):
    """Return (nabla_b, nabla_w) as the note has them."""
    delta, nabla_w = published_errors(w, b, x, y)
    return [d.sum(axis=0) for d in delta], nabla_w


def published_update(parameters, gradients, eta):
    """Make the note's update: the step goes up the gradient, where gradient descent goes down."""
    for p, g in zip(parameters, gradients):
        p += eta * g


def update(parameters, gradients, eta):
    for p, g in zip(parameters, gradients):
        p -= eta * g


def parameter_table(net, x, y):
    """Write a line for each parameter: the engine's gradient and the note's at the engine's largest element."""
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    nabla_b, nabla_w = published_backprop(w, b, x, y)
    theirs = {f"w{i}": g for i, g in enumerate(nabla_w, 1)} | {f"b{i}": g for i, g in enumerate(nabla_b, 1)}
    ours = engine_gradient(net, x, y)
    lines = [f"{'':9}{'engine':>14}{'note':>14}{'relative difference':>22}"]
    differences = {}
    for name in sorted(ours, key=lambda name: (-int(name[1:]), name)):
        top = np.unravel_index(np.argmax(np.abs(ours[name])), ours[name].shape)
        differences[name] = relative_difference(ours[name], theirs[name])
        verdict = "pass" if differences[name] <= 1e-12 else "WRONG"
        lines.append(
            f"dC/d{name:5}{ours[name][top]:14.6e}{theirs[name][top]:14.6e}{differences[name]:22.1e}  {verdict}"
        )
    return differences, "\n".join(lines)


def equation_table(net, x, y):
    """Test every equation by itself: what it gives for the note's own numbers so far, against what the note has
    next."""
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    z, a = forward(w, b, x)
    delta, nabla_w = published_errors(w, b, x, y)
    nabla_b, _ = published_backprop(w, b, x, y)
    last = len(w)
    differences = {}
    for l in range(last, 0, -1):  # noqa: E741
        prime = sigmoid_prime(z[l - 1], a[l])
        error = (a[-1] - y) / len(x) if l == last else delta[l] @ w[l]
        name = f"BP1, delta^{l}" if l == last else f"BP2, delta^{l} from delta^{l + 1}"
        differences[name] = relative_difference(delta[l - 1], error * prime)
        differences[f"BP3, dC/db{l} from delta^{l}"] = relative_difference(nabla_b[l - 1], delta[l - 1].sum(axis=0))
        differences[f"BP4, dC/dw{l} from delta^{l}"] = relative_difference(nabla_w[l - 1], delta[l - 1].T @ a[l - 1])
    lines = [f"{'':30}{'relative difference':>20}"]
    lines += [f"{n:30}{d:20.1e}  {'pass' if d <= 1e-12 else 'WRONG'}" for n, d in differences.items()]
    return differences, "\n".join(lines)


def verdict_of_the_grader():
    """Return what `python -m nn check` says of the note's pass, handed in as a learner's file."""
    parts = [inspect.getsource(part) for part in (forward, published_errors, published_backprop)]
    text = "from nn.equations import sigmoid, sigmoid_prime\n\n" + "\n".join(parts)
    text += "\ndef backprop(net, x, y):\n    return published_backprop(net.weights, net.biases, x, y)\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "note.py"
        path.write_text(text, encoding="utf-8")
        return grade(path)


def first_step(net, x, y, eta, step):
    """Return the change of the cost that the gradient forecasts for one step of gradient descent, and what `step`
    does."""
    w, b = [p.data.copy() for p in net.weights], [p.data.copy() for p in net.biases]
    nabla_b, nabla_w = equations.backprop_batch(w, b, x, y)
    before = equations.cost(equations.output_weighted_input(w, b, x), y)
    step(w + b, nabla_w + nabla_b, eta)
    after = equations.cost(equations.output_weighted_input(w, b, x), y)
    return -eta * sum(float(np.sum(g * g)) for g in nabla_w + nabla_b), after - before


def share_of_positive_errors(net, x, y, batch):
    """Count how many of the errors of hidden neurons are positive, by the right BP2 and by the note's."""
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    right, theirs = [], []
    for start in range(0, len(x), batch):
        part = slice(start, start + batch)
        z, a = forward(w, b, x[part])
        delta, _ = published_errors(w, b, x[part], y[part])
        right.append((delta[1] @ w[1]) * sigmoid_prime(z[0], a[1]))
        theirs.append(delta[0])
    right, theirs = np.concatenate(right), np.concatenate(theirs)
    sizes = float(np.linalg.norm(theirs) / np.linalg.norm(right))
    return [100 * float(np.mean(errors > 0)) for errors in (right, theirs)], sizes


def train(kind, data, epochs, seed):
    """Train 784-30-10 as in example 4.

    Returns accuracy (%) on validation and training cost by epoch, and of the trained network the accuracy on test and
    the mean activation of its hidden neurons.
    """
    training, validation, test = data
    rng = np.random.default_rng(seed)
    net = Network([784, 30, 10], dtype=np.float32, rng=rng)
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    backprop = (
        published_backprop if kind in ("gradient in place of weights", "both slips") else equations.backprop_batch
    )
    step = published_update if kind in ("minus sign lost", "both slips") else update
    first = 1 if kind == "hidden layer not trained" else 0
    targets = one_hot(training.y).astype(np.float32)

    def accuracy(part):
        outputs = equations.output_weighted_input(w, b, part.x)
        return 100 * float(np.mean(np.argmax(outputs, axis=1) == part.y))

    def cost():
        return equations.cost(equations.output_weighted_input(w, b, training.x[:10_000]), targets[:10_000])

    accuracies, costs = [accuracy(validation)], [cost()]
    for _ in trange(epochs, desc=f"{kind}, seed {seed}", unit="epoch", leave=False, disable=None):
        order = rng.permutation(len(training.x))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            nabla_b, nabla_w = backprop(w, b, training.x[chosen], targets[chosen])
            step(w[first:] + b[first:], nabla_w[first:] + nabla_b[first:], ETA)
        accuracies.append(accuracy(validation))
        costs.append(cost())
    return accuracies, costs, accuracy(test), float(np.mean(sigmoid(test.x @ w[0].T + b[0])))


def main(experiment: Experiment) -> None:
    from matplotlib.figure import Figure

    sets = load_digits()
    x, y = sets[0].x[:BATCH], one_hot(sets[0].y[:BATCH])
    deep = Network([784, 30, 20, 10], rng=0)
    differences, table = parameter_table(deep, x, y)
    experiment.block(
        "784-30-20-10, ten digits: the note's gradient beside the engine's, from the output back\n\n" + table
    )
    wrong = [name for name, d in differences.items() if d > 1e-12]
    layer = max(int(name[1:]) for name in wrong)
    experiment.row(
        "the note's backward pass, layer by layer", setting="784-30-20-10, quadratic cost; ten digits", seed=0,
        ours=f"differs by {max(differences.values()):.2g} of the largest gradient",
        difference=f"The output layer is right to {max(differences['w3'], differences['b3']):.0e}; from layer {layer}"
        f" on, counted from the output back, {', '.join('dC/d' + name for name in wrong)} are wrong.",
    )  # fmt: skip
    equation, table = equation_table(deep, x, y)
    experiment.block("The same, each equation by itself, fed with the note's own numbers\n\n" + table)
    failing = [name for name, d in equation.items() if d > 1e-12]
    experiment.row(
        "the note's backward pass, equation by equation", setting="as above", seed=0,
        ours=f"{len(equation) - len(failing)} of {len(equation)} hold",
        difference=f"Those that do not: {'; '.join(failing)}; off by {min(equation[n] for n in failing):.2g}"
        f" to {max(equation[n] for n in failing):.2g}.",
    )  # fmt: skip
    report = verdict_of_the_grader()
    experiment.block(f"python -m nn check note.py\n\n{report}")
    experiment.row(
        "the note's backward pass, handed to the grader", setting="python -m nn check", seed=0,
        ours={0: "right", 1: "wrong", 2: "could not be judged"}[report.exit_code],
        difference=" ".join(slip.partition("\n")[0] for slip in report.slips) or "It names no slip.",
    )  # fmt: skip

    net, eta = Network([784, 30, 10], rng=0), 0.01
    x, y = sets[0].x[:1000], one_hot(sets[0].y[:1000])
    forecast, down = first_step(net, x, y, eta, update)
    _, up = first_step(net, x, y, eta, published_update)
    experiment.row(
        "the note's update: the first step", setting=f"784-30-10; 1,000 digits, eta {eta}", seed=0,
        ours=f"cost {up:+.2e}",
        difference=f"Forecast for gradient descent: {forecast:+.2e}. With the minus sign it is {down:+.2e};"
        f" without it, {up / forecast:.2f} times the forecast.",
    )  # fmt: skip
    (right, theirs), size = share_of_positive_errors(net, x, y, 1)
    (_, mixed), mixed_size = share_of_positive_errors(net, x, y, BATCH)
    experiment.row(
        "hidden neurons told to be less active", setting="784-30-10 at the start of training; 1,000 digits", seed=0,
        ours=f"{theirs:.0f} % of the errors are positive",
        difference=f"One example at a time. By the right BP2 it is {right:.0f} %, and the note's errors are"
        f" {size:.2g} times as long as the right ones; over mini-batches of {BATCH} it is {mixed:.0f} %, and"
        f" {mixed_size:.2g} times.",
    )  # fmt: skip

    epochs, seeds = (1, [0]) if experiment.quick else (10, [0, 1, 2])
    data = [type(part)(part.x.astype(np.float32), part.y) for part in sets]
    if experiment.quick:
        data = [type(part)(part.x[:2000], part.y[:2000]) for part in data]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    ends = {}
    for kind, colour in COLOURS.items():
        runs = [train(kind, data, epochs, seed) for seed in seeds]
        for number, (accuracies, costs, _, _) in enumerate(runs):
            style = {"color": colour, "lw": 1.6, "alpha": 0.85, "ls": "--" if kind == "both slips" else "-"}
            left.plot(accuracies, label=None if number else kind, **style)
            right.plot(costs, **style)
        tests = [on_test for _, _, on_test, _ in runs]
        ends[kind] = median(tests)
        if kind == "right":
            said = "What the two slips are to be compared with."
        else:
            said = f"{ends[kind] - ends['right']:+.1f} points from the right pass and update."
        if kind == "gradient in place of weights":
            said += f" Not training the hidden layer at all: {ends['hidden layer not trained']:.1f} %."
        experiment.row(
            f"training: {kind}", setting=f"784-30-10, quadratic cost, {epochs} epochs, mini-batch {BATCH}, eta {ETA}",
            seed=", ".join(map(str, seeds)),
            ours=f"median {ends[kind]:.2f} %, {min(tests):.2f} to {max(tests):.2f} % of test",
            difference=f"{said} Cost {median(r[1][0] for r in runs):.2f} at the start,"
            f" {median(r[1][-1] for r in runs):.2f} at the end; mean activation of the hidden neurons then"
            f" {median(r[3] for r in runs):.2g}.",
        )  # fmt: skip
    left.set(xlabel="epoch", ylabel="accuracy on the validation images (%)", ylim=(0, 100))
    right.set(xlabel="epoch", ylabel="mean cost of 10,000 training images", ylim=(0, None))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    experiment.figure(
        "training", figure,
        "Training with the right backward pass and update, with each slip and with both, and with a hidden layer that"
        f" is left as it was drawn; a line for each of {len(seeds)} seeds.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
