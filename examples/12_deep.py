"""12. Deep.

If a hidden layer helps, do ten help more? Nothing in backpropagation minds: the chain rule has one more factor for
each layer, and the engine multiplies them. But look at the factors. On its way from layer l + 1 to layer l the error
is multiplied by the weights between them and by the derivative of the activation:

    delta^l = ((w^(l+1))^T delta^(l+1)) * f'(z^l)

The derivative of the sigmoid is 1/4 at most. Ten layers multiply ten such factors, and what arrives at the first
layer is next to nothing: the *vanishing gradient*. The layers next to the pixels, which have to make sense of the
image, are told least about how to change.

Here this is measured and not argued. After `backward()` the engine keeps the gradient of every value on the way, and
not only those of the parameters, so the error of a hidden layer is just `z.grad` of its weighted inputs. Each hidden
layer has 30 neurons, and three kinds of network are compared:

- *sigmoid*: a = sigmoid(z), as in the book;
- *ReLU*: a = relu(z), whose derivative is 1 where it is not 0;
- *ReLU with residual connections*: a + relu(z), so that a layer adds to what it was given. The derivative of the sum
  is 1 for the part that is handed on, plus that of relu(z): the error has a way back on which nothing is multiplied.
  The engine needs no rule for this. `a` is used twice, and the gradients of two uses add up.

The first figure shows the norm of the error in each layer of untrained networks, one line for each depth: a straight
line that climbs from left to right on this logarithmic scale is a constant factor lost per layer. The second shows
what the networks learn in a few epochs. Each of them is trained with several learning rates, and the one that does
best on the validation images is reported, so that no kind has to live with the learning rate of another. The book
trains one to four hidden layers of sigmoid neurons for longer, and finds that more than two do not help; its settings
are repeated here.

A network that reads its input step by step is deep in another direction: it has a layer for each step, all of them
with the same weights. The product of many factors will be met again in the next example.
"""

from itertools import pairwise

import numpy as np

import nn
from autograd import no_grad, relu, sigmoid
from nn import SGD, Linear, Module, load_digits, one_hot, sigmoid_cross_entropy
from reproduce import Experiment, run

KINDS = ("sigmoid", "ReLU", "ReLU, residual")
COLOURS = dict(zip(KINDS, ["#D55E00", "#0072B2", "#009E73"], strict=True))
ETAS = (0.02, 0.05, 0.2, 0.8)
DECAY = 5.0 / 50_000  # lambda/n with the book's lambda
BOOK = {1: 96.48, 2: 96.90, 3: 96.57, 4: 96.53}  # chapter 5: accuracy on the validation images, by hidden layers
BOOK_NORMS = {2: (0.07, 0.31), 3: (0.012, 0.060, 0.283), 4: (0.003, 0.017, 0.070, 0.285)}  # of the error, by layer


class Deep(Module):
    """`depth` hidden layers of 30 neurons between 784 inputs and 10 sigmoid outputs."""

    def __init__(self, depth, kind, rng):
        self.f = sigmoid if kind == "sigmoid" else relu
        self.residual = kind == "ReLU, residual"
        sizes = [784, *[30] * depth, 10]
        self.layers = [
            Linear(n_in, n_out, name=str(number), init="scaled", dtype=np.float32, rng=rng)
            for number, (n_in, n_out) in enumerate(pairwise(sizes), 1)
        ]
        if kind == "sigmoid":
            return
        for layer in self.layers:
            layer.b.data = np.zeros_like(layer.b.data)
            if not self.residual:  # half of the inputs are 0: N(0, 2/n_in) makes up for it (He et al., 2015)
                layer.w.data = layer.w.data * np.float32(np.sqrt(2))
        if self.residual:  # so that what `depth` layers add up to does not grow with their number
            for layer in self.layers[1:-1]:
                layer.w.data = layer.w.data / np.float32(np.sqrt(depth))

    def forward(self, x):
        """Compute the weighted inputs z of every layer, those of the output layer last."""
        z, a = [], x
        for layer in self.layers[:-1]:
            z.append(layer.weighted_input(a))
            same_size = layer is not self.layers[0]  # the first layer turns 784 inputs into 30
            a = a + self.f(z[-1]) if self.residual and same_size else self.f(z[-1])
        return [*z, self.layers[-1].weighted_input(a)]

    def __call__(self, x):
        return self.forward(x)[-1]

    @np.errstate(over="ignore", invalid="ignore")
    def accuracy(self, data):
        with no_grad():
            z = self(data.x).data
        return 100 * float(np.mean(np.argmax(z, axis=1) == data.y))


def norms_of_errors(net, x, y):
    """Measure the norm of the mean error delta = dC/dz of each hidden layer, over the images x: from the interior
    gradients."""
    z = net.forward(x)
    sigmoid_cross_entropy(z[-1], y).backward()
    return [float(np.linalg.norm(layer.grad.sum(axis=0))) for layer in z[:-1]]


def train(net, training, eta, epochs, rng, size):
    """Train by mini-batch stochastic gradient descent with weight decay."""
    data = training.x, one_hot(training.y, dtype=np.float32)
    optimiser = SGD(net.parameters(), eta, weight_decay=DECAY, decayed=[layer.w for layer in net.layers])
    try:
        nn.train(
            net, sigmoid_cross_entropy, data, epochs, size, optimiser=optimiser, compiled=True, rng=rng, report=None
        )
    except FloatingPointError:  # a learning rate that is too large: let the accuracy say so
        for p in net.parameters():
            p.data = np.full_like(p.data, np.nan)
    return net


def initial_norms(depths, x, y, seeds):
    """Measure, by kind and depth, the norm of the error in each hidden layer before training, the median over the
    seeds."""
    found = {}
    for kind in KINDS:
        for depth in depths:
            of_seeds = [norms_of_errors(Deep(depth, kind, np.random.default_rng(seed)), x, y) for seed in seeds]
            found[kind, depth] = np.median(of_seeds, axis=0)
    return found


def norms_figure(norms):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, len(KINDS), sharey=True)
    for axes, kind in zip(panels, KINDS, strict=True):
        for (which, depth), by_layer in norms.items():
            if which == kind:
                layers = range(1, depth + 1)
                axes.plot(layers, by_layer, marker="o", ms=3, lw=1.2, color=COLOURS[kind], alpha=0.25 + 0.075 * depth)
                if kind == "sigmoid":  # elsewhere the lines lie on each other
                    axes.annotate(f"{depth}", (depth, by_layer[-1]), xytext=(4, 4), textcoords="offset points",
                                  fontsize=8)  # fmt: skip
        axes.set(title=kind, xlabel="hidden layer, from the input", yscale="log", xticks=range(1, 11))
        axes.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("norm of the mean error dC/dz (before training)")
    panels[0].annotate("the numbers at the ends of the\nlines: how many hidden layers", (0.97, 0.04), fontsize=8,
                       xycoords="axes fraction", ha="right")  # fmt: skip
    return figure


def accuracy_figure(chosen, book):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    for kind in KINDS:
        errors = [(depth, 100 - test) for (which, depth), (_, test, _) in chosen.items() if which == kind]
        axes.plot(*zip(*errors, strict=True), marker="o", lw=1.6, color=COLOURS[kind], label=f"{kind}, 3 epochs")
    axes.plot(list(book), [100 - a for a in book.values()], "s--", lw=1, ms=4, color="black",
              label="sigmoid with the book's settings, 30 epochs")  # fmt: skip
    axes.axhline(100 - 11.35, color="grey", lw=0.8, ls=":")
    axes.annotate("always the most frequent digit", (1, 100 - 11.35), xytext=(0, 4), textcoords="offset points",
                  fontsize=8)  # fmt: skip
    accuracies = [10, 50, 70, 80, 85, 90, 93, 94, 95, 96, 97]
    axes.set(xlabel="hidden layers of 30 neurons", ylabel="accuracy on the test images in %", xticks=range(1, 11))
    axes.set(yscale="log", ylim=(105, 2.8))  # few errors, and so high accuracy, at the top
    axes.set_yticks([100 - a for a in accuracies], [str(a) for a in accuracies])
    axes.minorticks_off()
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=9, loc="center right")
    return figure


def table(norms, chosen, depths):
    lines = [
        "         validation's choice of eta,     norm of the error dC/dz before training,",
        "hidden   then accuracy on test in %      first hidden layer / last hidden layer",
        "layers   " + "".join(f"{kind:>16}" for kind in KINDS) + "    " + "".join(f"{kind:>20}" for kind in KINDS),
    ]
    for depth in depths:
        accuracies = (f"{chosen[kind, depth][2]:g}: {chosen[kind, depth][1]:6.2f}" for kind in KINDS)
        ends = (f"{norms[kind, depth][0]:.1e} / {norms[kind, depth][-1]:.1e}" for kind in KINDS)
        lines.append(f"{depth:6}   " + "".join(f"{a:>16}" for a in accuracies) + "    "
                     + "".join(f"{e:>20}" for e in ends))  # fmt: skip
    return "\n".join(lines)


def main(experiment: Experiment) -> None:
    training, validation, test = load_digits(dtype=np.float32)
    depths, epochs, size, etas, seeds, book_epochs = range(1, 11), 3, 20, ETAS, range(20), 30
    if experiment.quick:
        training, validation, test = (type(part)(part.x[:500], part.y[:500]) for part in (training, validation, test))
        depths, epochs, etas, seeds, book_epochs = (1, 2, 4, 10), 1, (0.1, 0.5), range(2), 1

    x, y = training.x[:1000], one_hot(training.y[:1000], dtype=np.float32)
    norms = initial_norms(depths, x, y, seeds)
    setting = "before training, on 1,000 training images; weights N(0, 1/n), or N(0, 2/n) for plain ReLU"
    for depth, published in BOOK_NORMS.items():
        if depth in depths:
            experiment.row(
                f"norm of the error by layer, {depth} hidden layers of sigmoid neurons", setting=setting,
                ours=", ".join(f"{norm:.3f}" for norm in norms["sigmoid", depth]),
                published=", ".join(map(str, published)), source="book, chapter 5", seed=f"median of {len(seeds)}",
                difference="From the input to the output. The book's are of one random network.",
            )  # fmt: skip
    for kind in KINDS:
        first, last = norms[kind, depths[-1]][[0, -1]]
        experiment.row(
            f"norm of the error, {depths[-1]} hidden layers, {kind}: first layer / last layer", setting=setting,
            ours=f"{first / last:.2g}", seed=f"median of {len(seeds)}",
            difference=f"From {last:.2g} in the last hidden layer to {first:.2g} in the first: a factor of"
            f" {(first / last) ** (1 / (depths[-1] - 1)):.2f} per layer.",
        )  # fmt: skip

    chosen = {}
    for kind in KINDS:
        for depth in depths:
            best = None
            for eta in etas:
                rng = np.random.default_rng(0)
                net = train(Deep(depth, kind, rng), training, eta, epochs, rng, size)
                reached = net.accuracy(validation)
                if best is None or reached > best[0]:
                    best = reached, net, eta
            chosen[kind, depth] = best[0], best[1].accuracy(test), best[2]
        accuracies = {depth: chosen[kind, depth][1] for depth in depths}
        experiment.row(
            f"1 to {depths[-1]} hidden layers of 30, {kind}: accuracy on test",
            setting=f"{epochs} epochs, mini-batch {size}, cross-entropy, lambda 5.0, eta of {', '.join(map(str, etas))}"
            " by validation",
            ours=f"{accuracies[1]:.2f} % with 1, {accuracies[4]:.2f} % with 4, {accuracies[depths[-1]]:.2f} % with"
            f" {depths[-1]}", seed=0,
            difference=learns(accuracies),
        )  # fmt: skip

    book = {}
    for depth, published in BOOK.items():
        if depth in depths:
            rng = np.random.default_rng(0)
            net = train(Deep(depth, "sigmoid", rng), training, 0.1, book_epochs, rng, 10)
            book[depth] = net.accuracy(test)
            ours = net.accuracy(validation)
            experiment.row(
                f"{depth} hidden layer{'s' * (depth > 1)} of 30 sigmoid neurons, the book's settings: validation",
                setting="30 epochs, mini-batch 10, eta 0.1, lambda 5.0, cross-entropy, last epoch",
                ours=f"{ours:.2f} %", published=f"{published:.2f} %", source="book, chapter 5",
                seed=0, difference=f"{round(ours - published, 2) + 0.0:+.2f} points; {book[depth]:.2f} % on test.",
            )  # fmt: skip
    experiment.block(table(norms, chosen, depths))
    experiment.figure(
        "gradient", norms_figure(norms),
        "The norm of the error in each hidden layer of untrained networks, a line for each number of hidden layers, on"
        " a logarithmic scale.",
    )  # fmt: skip
    experiment.figure(
        "accuracy", accuracy_figure(chosen, book),
        "Accuracy on the test images by the number of hidden layers, each with the learning rate that did best on the"
        " validation images.",
    )  # fmt: skip


def learns(accuracies):
    """Say in a sentence how depth changes the accuracy."""
    best = max(accuracies, key=accuracies.get)
    stuck = [depth for depth, accuracy in accuracies.items() if accuracy < 50]
    text = f"Best with {best}: {accuracies[best]:.2f} %."
    return text + (f" Below 50 % with {', '.join(map(str, stuck))} hidden layers." if stuck else " Every depth learns.")


if __name__ == "__main__":
    run(main)
