"""5. Learning rates.

Gradient descent knows the direction in which the cost falls, and not how far to go: that is the learning rate, eta. The
network of the example before this one is trained again, from the same start and on the same mini-batches in the same
order, and only eta differs, from 0.001 to 100. The accuracy is that on the validation images, because eta is a setting
to be chosen; the test images are for the network that comes out in the end. Only where the book reports a figure of its
own for a fixed eta do the test images answer too.

Too small an eta is harmless, but slow: the network is on its way, and does not arrive. Too large an eta is worse. The
first steps throw the weights so far that the output neurons end up far out on the sigmoid, where it is flat, and then
there is next to no gradient left to bring them back: the dead step function of the first example has returned by a side
door. The engine keeps the gradient and the activations of every layer, and the table reads both off before and after
training: the length of the gradient, and how steep the sigmoid is where the neurons are, as the mean of a(1 - a), which
is 0.25 at the steepest.

When a training goes nowhere, the accuracy alone does not say whether eta is too small or too large; the gradients do.
What is left to ask is whether the hidden layer earns its keep: the next example takes it away.
"""

import numpy as np

from nn import Network, load_digits, one_hot, train
from reproduce import Experiment, run

ETAS = (0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 100.0)
SIZES = [784, 30, 10]
SOURCE = "book, chapter 1"


def learn(sizes, eta, seed, epochs, data, test_data=None):
    """Train; return the network, and its validation and test accuracy in percent by epoch."""
    training, validation = data
    rng = np.random.default_rng(seed)
    net = Network(sizes, dtype=np.float32, rng=rng)
    history = train(
        net,
        training,
        epochs,
        10,
        eta,
        validation_data=validation,
        test_data=test_data,
        rng=rng,
        report=lambda epoch: None,
    )
    return net, *([100 * epoch.scores[name].accuracy for epoch in history if name in epoch.scores]
                  for name in ("validation", "test"))  # fmt: skip


def condition(net, data):
    """Measure the length of the gradient on `data`, and the mean slope a(1 - a) of the sigmoid in each layer."""
    a, slopes = data.x, []
    for layer in net.layers.layers:
        a = layer(a)
        slopes.append(float(np.mean(a.data * (1 - a.data))))
    net.cost(data.x, one_hot(data.y, net.sizes[-1], data.x.dtype)).backward()
    gradient = np.sqrt(sum(np.sum(p.grad**2.0) for p in net.parameters()))
    return float(gradient), slopes


def tried(eta, seed, epochs, data, test_data):
    """Train with eta; return the accuracies by epoch, and the condition of the network."""
    net, accuracy, on_test = learn(SIZES, eta, seed, epochs, data, test_data)
    return accuracy, on_test, condition(net, data[1])


def learned(*arguments):
    """Return the test accuracy in percent by epoch."""
    return learn(*arguments)[2]


def listed(accuracies):
    """Write accuracies as text, one per seed."""
    return ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)


def as_table(before, results):
    """Write what became of the network with each eta as text."""
    lines = [
        "         validation accuracy                            length of      mean slope a(1 - a)",
        "    eta   first epoch     best (epoch)         last     the gradient   hidden layer   output layer",
    ]
    gradient, (hidden, output) = before
    lines.append(f"{'before':>7}{gradient:57.1e}{hidden:15.1e}{output:15.1e}")
    for eta, accuracy, gradient, (hidden, output) in results:
        best = int(np.argmax(accuracy))
        lines.append(
            f"{eta:7g}{accuracy[0]:12.2f} %{accuracy[best]:10.2f} % ({best:2}){accuracy[-1]:11.2f} %"
            f"{gradient:15.1e}{hidden:15.1e}{output:15.1e}"
        )
    return "\n".join(lines)


def picture(results):
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    whole, top = figure.subplots(1, 2)
    colours = colormaps["viridis"](np.linspace(0, 0.92, len(results)))
    for (eta, accuracy, *_), colour, marker in zip(results, colours, "ov^s*DX"):
        for axes in (whole, top):
            axes.plot(range(len(accuracy)), accuracy, color=colour, marker=marker, markersize=4, label=f"eta {eta:g}")
    whole.set(xlabel="epoch", ylabel="accuracy on the validation images (%)", ylim=(0, 100))
    top.set(xlabel="epoch", ylabel="the same, the top of it (%)", ylim=(90, 96))
    handles, labels = whole.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    return figure


def main(experiment: Experiment) -> None:
    seed, epochs = 0, 2 if experiment.quick else 30
    training, validation, test = load_digits(scale=256.0, dtype=np.float32)
    if experiment.quick:
        training = type(training)(training.x[:1500], training.y[:1500])
        validation, test = (type(data)(data.x[:500], data.y[:500]) for data in (validation, test))
    data = training, validation
    setting = f"784-30-10, {epochs} epochs, mini-batch 10, quadratic cost, float32"
    before = condition(Network(SIZES, dtype=np.float32, rng=seed), validation)
    results, on_tests = [], []
    settings = [(eta, seed, epochs, data, test if eta == max(ETAS) else None) for eta in ETAS]
    for eta, (accuracy, on_test, state) in zip(ETAS, experiment.each(tried, settings), strict=True):
        results.append((eta, accuracy, *state))
        on_tests.append(on_test)
        experiment.row(
            f"eta {eta:g}: validation accuracy", setting=setting, seed=seed,
            ours=f"{max(accuracy):.2f} % (best epoch), {accuracy[-1]:.2f} % (last)",
            difference=f"{accuracy[0]:.2f} % after the first epoch.",
        )  # fmt: skip
    experiment.row(
        "eta 100: test accuracy", setting=setting, seed=seed, published="10.09 % (first epoch), 9.82 % (last)",
        source=SOURCE, ours=f"{on_tests[-1][0]:.2f} % (first epoch), {on_tests[-1][-1]:.2f} % (last)",
        difference="Hardly better than guessing (10 %), as in the book."
        if max(on_tests[-1]) < 15 else "The book's learned less.",
    )  # fmt: skip
    seeds = range(1 if experiment.quick else 4)
    slow = list(experiment.each(learned, [([784, 100, 10], 0.001, start, epochs, data, test) for start in seeds]))
    firsts, lasts = ([accuracy[i] for accuracy in slow] for i in (0, -1))
    experiment.row(
        "eta 0.001, 784-100-10: test accuracy", setting=f"{epochs} epochs, mini-batch 10, quadratic cost, float32",
        seed=f"0 to {max(seeds)}", published="11.39 % (first epoch), 21.42 % (last)", source=SOURCE,
        ours=f"{listed(firsts)} % (first epoch), {listed(lasts)} % (last)",
        difference="So far from arriving, everything depends on the start; the book's last figure lies "
        + ("among ours." if min(lasts) <= 21.42 <= max(lasts) else "outside ours."),
    )  # fmt: skip
    chosen = max(results, key=lambda result: max(result[1]))
    experiment.row(
        "eta with the best validation accuracy", setting=f"of {', '.join(f'{eta:g}' for eta in ETAS)}", seed=seed,
        published="3.0", source=SOURCE, ours=f"{chosen[0]:g}", seconds=0.0,
        difference="One seed only: between neighbours, the luck of the start decides as well.",
    )  # fmt: skip
    experiment.block(as_table(before, results))
    experiment.figure(
        "accuracy", picture(results),
        "Accuracy on the validation images by epoch, for seven learning rates; on the right, the top of the left.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main, sweeps=True)
