"""4. The digit network.

Gradient descent needs two things from a network: its cost and the gradient of its cost. So far both belonged to small
systems. Here the same loop (a mini-batch, `backward()`, a step against the gradient) meets the network of the book's
first chapter: 784 inputs, one for each pixel, a hidden layer of sigmoid neurons, and ten outputs, one for each digit.
The answer is the output that is most active. Nothing is added to the rules for one neuron: the chain rule passes the
error from the ten outputs back to the hidden neurons through the same weights that carried the activations forward.

The settings are the book's own: 30 epochs, mini-batches of 10, eta = 3.0, the quadratic cost, pixels divided by 256,
biases and weights drawn from N(0, 1). They were fixed before this run, so that nothing is chosen here. But the book's
figures are those of one run each, and of its best epoch, which only the test images can name. For an honest picture
every seed of the run is listed, with three figures: the best epoch, the last epoch, and the epoch at which the
*validation* images were answered best, which is a choice that one can make without seeing the test images.

A random start can be a bad one. The weighted input of an output neuron is a sum over all the hidden neurons, and with
weights from N(0, 1) it is often far from zero. There the sigmoid is flat, its derivative all but vanishes, and with it
every gradient that has to pass. An output that is silent for all images, from the start or since a first step that went
too far, can stay silent for many epochs: its digit is not recognised, and about ten points of accuracy are missing
until it wakes up. The more hidden neurons, the larger the sum, and the more often this happens. The table counts the
silent outputs: those that do not reach 0.5 for even a tenth of the images of their own digit. The last rows and the
right panel are the counter-check: the same network and settings, and only the weights start smaller, from N(0, 1/n) for
neurons with n inputs, which is an idea of the book's third chapter.

`python -m nn train --sizes 784,30,10 --seed 0 --dtype float32 --scale 256` repeats a single run. What the learning rate
has to do with it is the next question.
"""

from statistics import median

import numpy as np

from autograd import no_grad
from nn import Network, load_digits
from reproduce import Experiment, run

PUBLISHED = {(30, "gaussian"): 95.42, (100, "gaussian"): 96.59}  # book, chapter 1: the best epoch of one run each
AIM = {30: 95.0, 100: 96.5}
STARTS = {"gaussian": "N(0, 1)", "scaled": "N(0, 1/n)"}
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999"]


def silent_outputs(net, data):
    """Count the outputs that reach 0.5 for less than a tenth of the images of their own digit."""
    with no_grad():
        a = net(data.x).data
    return sum(np.mean(a[data.y == digit, digit] >= 0.5) < 0.1 for digit in range(10))


def train(hidden, init, seed, data, epochs):
    """Train; return test and validation accuracy in percent, and the number of silent outputs, by epoch."""
    training, validation, test = data
    rng = np.random.default_rng(seed)
    net = Network([784, hidden, 10], init=init, dtype=np.float32, rng=rng)
    silent = []
    history = net.SGD(
        training, epochs, 10, 3.0, test_data=test, validation_data=validation, rng=rng,
        report=lambda epoch: silent.append(silent_outputs(net, test)),
    )  # fmt: skip
    on_test, on_validation = ([100 * e.scores[name].accuracy for e in history] for name in ("test", "validation"))
    return on_test, on_validation, silent


def spread(values):
    return f"median {median(values):.2f} %, {min(values):.2f} to {max(values):.2f} %"


def report_network(experiment, hidden, init, runs):
    """Report the rows of one network, from the runs of its seeds, which are 0, 1, 2, …"""
    what, epochs = f"784-{hidden}-10, {STARTS[init]}", len(runs[0][0])
    named = {
        "setting": f"{epochs} epochs, mini-batch 10, eta 3.0, quadratic cost, weights from {STARTS[init]}, float32",
        "seed": f"0 to {len(runs) - 1}",
    }
    best = [max(on_test) for on_test, _, _ in runs]
    last = [on_test[-1] for on_test, _, _ in runs]
    chosen = [on_test[int(np.argmax(on_validation))] for on_test, on_validation, _ in runs]
    aim, poor = AIM[hidden], sum(accuracy < 90 for accuracy in best)
    difference = f"{sum(a >= aim for a in best)} of {len(runs)} seeds reach {aim:g} %, and {poor} never reach 90 %."
    published = PUBLISHED.get((hidden, init))
    if published:
        difference += (
            f" The best seed, {int(np.argmax(best))}, is {max(best) - published:+.2f} points from the published run,"
            f" the median {median(best) - published:+.2f}."
        )
        named |= {"published": f"{published} %", "source": "book, chapter 1"}
    experiment.row(f"{what}: best epoch of each seed", ours=spread(best), difference=difference, **named)
    named |= {"published": "", "source": "", "seconds": 0}
    for name, accuracies in (("last epoch", last), ("epoch chosen on the validation images", chosen)):
        difference = f"{median(accuracies) - median(best):+.2f} points (medians) from the best epochs."
        experiment.row(f"{what}: {name}", ours=spread(accuracies), difference=difference, **named)


def table(runs):
    lines = [
        "                                     test accuracy in %                      silent outputs",
        "network      weights    seed   best (epoch)     last   validation's choice   after epoch 0   at the end",
    ]
    for (hidden, init), of_network in runs.items():
        for seed, (on_test, on_validation, silent) in enumerate(of_network):
            best, choice = int(np.argmax(on_test)), int(np.argmax(on_validation))
            lines.append(
                f"{f'784-{hidden}-10':12} {STARTS[init]:10} {seed:4}  {on_test[best]:6.2f} ({best:2})"
                f"   {on_test[-1]:6.2f}   {on_test[choice]:10.2f} ({choice:2})     {silent[0]:13} {silent[-1]:12}"
            )
    return "\n".join(lines)


def accuracy_by_epoch(runs):
    """Draw a panel for each network. Errors are on a logarithmic scale, so that 96 % and 97 % can be told apart."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, len(runs), sharey=True)
    lines = {}
    for axes, ((hidden, init), of_network) in zip(panels, runs.items(), strict=True):
        for seed, (on_test, _, _) in enumerate(of_network):
            errors = [100 - accuracy for accuracy in on_test]
            dashes = "-" if seed < len(COLOURS) else "--"
            lines[f"seed {seed}"] = axes.plot(errors, dashes, color=COLOURS[seed % len(COLOURS)], lw=1.2)[0]
        published = PUBLISHED.get((hidden, init))
        if published:
            lines["book's best"] = axes.axhline(100 - published, color="black", ls=":", lw=1.4)
        axes.set(title=f"784-{hidden}-10, weights from {STARTS[init]}", xlabel="epoch", yscale="log")
        axes.grid(alpha=0.3)
    lines["book's best"] = lines.pop("book's best")  # the last one of the legend
    accuracies = [50, 60, 70, 80, 90, 95, 96, 97]
    panels[0].set_ylim(60, 2)  # few errors, and so high accuracy, at the top
    panels[0].set_yticks([100 - accuracy for accuracy in accuracies], accuracies)
    panels[0].minorticks_off()
    panels[0].set_ylabel("accuracy on the test images in %")
    figure.legend(lines.values(), lines.keys(), loc="outside right center", fontsize=9)
    return figure


def main(experiment: Experiment) -> None:
    data = load_digits(scale=256, dtype=np.float32)  # the scale of the book's file
    epochs, seeds = 30, {(30, "gaussian"): 5, (100, "gaussian"): 10, (100, "scaled"): 3}
    if experiment.quick:
        data = [type(part)(part.x[:1000], part.y[:1000]) for part in data]
        epochs, seeds = 2, dict.fromkeys(seeds, 2)
    runs = {}
    for (hidden, init), number in seeds.items():
        runs[hidden, init] = list(
            experiment.each(train, [(hidden, init, seed, data, epochs) for seed in range(number)])
        )
        report_network(experiment, hidden, init, runs[hidden, init])
    experiment.block(table(runs))
    experiment.figure("accuracy", accuracy_by_epoch(runs), "Accuracy on the test images after each epoch, by seed.")


if __name__ == "__main__":
    run(main, sweeps=True)
