"""6. Baselines.

The network of example 4 answers most of the test images rightly. Is that good? A figure means something beside other
figures: what does one get for nothing, for a very simple idea, for a network without its hidden layer, and for a
well-made method of another kind? Five answers, from nothing to much, on the 10,000 test images:

- *Random guessing*: any digit, as likely as any other.
- *Average darkness*: a 1 takes less ink than an 8. From the training images, how much ink each digit takes on average;
  the answer is the digit whose average is nearest.
- *Nearest class mean*: the same idea with 784 numbers in place of one. The answer is the digit whose average *image*
  is nearest.
- *No hidden layer*: ten sigmoid neurons, each looking at the pixels directly. It is the network of example 4 without
  its middle, and the same loop trains it: with one layer less, the chain rule just takes one step less. It is trained
  twice, with the book's start and eta, and with small weights from N(0, 1/n) at the start and a learning rate chosen
  on the validation images. The second is needed because the silent outputs of example 4 return: with weights from
  N(0, 1), a sum over 784 pixels is often far from zero. The row counts the digits that are not recognised. What the
  ten neurons weigh can be drawn as images, and these are templates: pixels that speak for a digit, and pixels that
  speak against it.
- *A support vector machine*, scikit-learn's with its default settings, which the book measured as well. It is run
  where scikit-learn is installed. Its default for gamma, the width of the kernel, is another one since version 0.22;
  the setting of the book's time is gamma = "auto", and both are measured. The book's program takes 50,000 training
  images for it, as this one does.

Everything learns from the first 50,000 training images. How much of an answer is in the way that the outputs are
written down is seen next.
"""

from statistics import median

import numpy as np
from tqdm import tqdm

from nn import Network, load_digits, score
from reproduce import Experiment, run

PUBLISHED = {"random guessing": 10, "average darkness": 22.25, "SVM, the default until version 0.22": 94.35}
ETAS = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


def accuracy(answers, labels):
    return 100 * float(np.mean(answers == labels))


def unrecognised(answers, labels):
    """Count the digits that are the answer for less than a tenth of their images."""
    return sum(np.mean(answers[labels == digit] == digit) < 0.1 for digit in range(10))


def average_darkness(training, images):
    """Answer the digit whose images have, on average, the sum of pixels nearest to that of the image."""
    ink = training.x.sum(axis=1)
    averages = np.array([ink[training.y == digit].mean() for digit in range(10)])
    return np.argmin(np.abs(images.sum(axis=1)[:, np.newaxis] - averages), axis=1)


def class_means(training):
    """Average the images of each digit, to shape (10, 784)."""
    return np.array([training.x[training.y == digit].mean(axis=0) for digit in range(10)])


def nearest(means, images):
    """The row of `means` with the least distance to each image: |x - m|^2 = |x|^2 - 2 x m + |m|^2, where |x|^2 is the
    same for all."""
    return np.argmin(np.sum(means**2, axis=1) - 2 * images @ means.T, axis=1)


def no_hidden_layer(training, epochs, eta, seed, init):
    rng = np.random.default_rng(seed)
    net = Network([784, 10], init=init, dtype=np.float32, rng=rng)
    net.SGD(training, epochs, 10, eta, rng=rng, report=lambda epoch: None)
    return net


def support_vectors(training, images, gamma):
    """Return the answers of scikit-learn's SVC, or None if it is not installed."""
    try:
        from sklearn.svm import SVC
    except ImportError:
        return None
    return SVC(gamma=gamma).fit(training.x, training.y).predict(images)


def bars(accuracies):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.45 * len(accuracies) + 1), layout="constrained")
    axes = figure.subplots()
    drawn = axes.barh(list(accuracies), list(accuracies.values()), color="#56B4E9")
    axes.bar_label(drawn, fmt="%.2f", padding=7)
    known = [name for name in accuracies if name in PUBLISHED]
    axes.plot([PUBLISHED[name] for name in known], known, "D", color="#D55E00", label="book", zorder=3)
    axes.legend()
    axes.invert_yaxis()
    axes.set(xlabel="accuracy on the test images in %", xlim=(0, 108))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def templates(means, weights, training):
    """Draw the average images above, the weights of the ten output neurons below; pixels hardly ever used are grey."""
    from matplotlib.figure import Figure

    unused = (np.mean(training.x > 0, axis=0) < 0.01).reshape(28, 28)
    largest = np.percentile(np.abs(weights[:, ~unused.ravel()]), 99)
    figure = Figure(figsize=(11, 2.7), layout="constrained")
    panels = figure.subplots(2, 10)
    for digit, column in enumerate(panels.T):
        column[0].imshow(means[digit].reshape(28, 28), cmap="Greys")
        image = np.ma.masked_array(weights[digit].reshape(28, 28), mask=unused)
        shown = column[1].imshow(image, cmap="RdBu_r", vmin=-largest, vmax=largest)
        column[0].set_title(digit)
        for axes in column:
            axes.set(xticks=[], yticks=[], facecolor="#dddddd")
    panels[0, 0].set_ylabel("average image")
    panels[1, 0].set_ylabel("weights")
    figure.colorbar(shown, ax=panels[1], label="weight")
    return figure


def percent(value):
    return f"{value:.2f} %"


def main(experiment: Experiment) -> None:
    training, validation, test = load_digits(scale=256, dtype=np.float32)
    epochs, etas, seeds = 30, ETAS, range(5)
    if experiment.quick:
        training, validation, test = (type(part)(part.x[:500], part.y[:500]) for part in (training, validation, test))
        epochs, etas, seeds = 2, [0.3, 1.0], range(2)
    images = f"{len(training.y):,} training images"
    shown = {}

    def row(what, value, *, setting, difference, ours="", **rest):
        """Report a row, and a bar of the figure; both with the book's figure if there is one."""
        if value is not None:
            shown[what] = value
        if what in PUBLISHED:
            rest |= {"published": f"{PUBLISHED[what]} %", "source": "book, chapter 1"}
        experiment.row(what, ours=ours or percent(value), setting=setting, difference=difference, **rest)

    right = accuracy(np.random.default_rng(0).integers(0, 10, len(test.y)), test.y)
    row("random guessing", right, setting="each digit equally likely", seed=0,
        difference="Nothing was learnt, and what differs from the book's expected value is chance.")  # fmt: skip

    right = accuracy(average_darkness(training, test.x), test.y)
    apart = right - PUBLISHED["average darkness"]
    row("average darkness", right, setting=images,
        difference=f"{apart:+.2f} points: the book's rule on the book's images.")  # fmt: skip

    means = class_means(training)
    right = accuracy(nearest(means, test.x), test.y)
    row("nearest class mean", right, setting=images,
        difference=f"{right / shown['average darkness']:.1f} times the accuracy of the average darkness.")  # fmt: skip

    def no_hidden_layer_row(what, eta, init, start):
        """Report the row of the network of all seeds; return the weights of the first."""
        nets = [no_hidden_layer(training, epochs, eta, seed, init) for seed in tqdm(seeds, desc=what, disable=None)]
        found = [100 * score(net, test).accuracy for net in nets]
        missed = ", ".join(str(unrecognised(net.predict(test.x), test.y)) for net in nets)
        row(what, median(found), setting=f"784-10, {epochs} epochs, mini-batch 10, {start}, quadratic cost, float32",
            ours=f"median {percent(median(found))}, {min(found):.2f} to {percent(max(found))}",
            seed=f"0 to {seeds[-1]}",
            difference=f"{median(found) - shown['nearest class mean']:+.2f} points (median) from the nearest class"
            f" mean. Digits not recognised, by seed: {missed}.")  # fmt: skip
        return nets[0].weights[0].data

    no_hidden_layer_row("no hidden layer, the book's settings", 3.0, "gaussian", "eta 3.0, weights from N(0, 1)")
    on_validation = {}
    for eta in tqdm(etas, desc="choosing eta", unit="network", disable=None):
        net = no_hidden_layer(training, epochs, eta, 0, "scaled")
        on_validation[eta] = 100 * score(net, validation).accuracy
    eta = max(on_validation, key=on_validation.get)
    experiment.block(
        f"784-10, weights from N(0, 1/n), seed 0, {epochs} epochs: accuracy on the validation images in %\n"
        + "eta     " + "".join(f"{eta:8g}" for eta in on_validation) + "\n"
        + "accuracy" + "".join(f"{value:8.2f}" for value in on_validation.values())
    )  # fmt: skip
    start = f"eta {eta:g} (chosen on validation), weights from N(0, 1/n)"
    weights = no_hidden_layer_row("no hidden layer, small weights", eta, "scaled", start)

    for gamma, when in (("auto", "the default until version 0.22"), ("scale", "today's default")):
        answers = support_vectors(training, test.x, gamma)
        what, setting = f"SVM, {when}", f'scikit-learn\'s SVC, gamma = "{gamma}", {images}'
        if answers is None:
            row(
                what, None, setting=setting, ours="not installed", difference="Install scikit-learn to measure it here."
            )
        else:
            right = accuracy(answers, test.y)
            row(
                what,
                right,
                setting=setting,
                difference=f"{right - max(PUBLISHED.values()):+.2f} points from the book's.",
            )

    experiment.figure("accuracy", bars(shown), "Accuracy of simple ideas; of the networks, the median of the seeds.")
    experiment.figure(
        "templates", templates(means, weights, training),
        "Above the average training image of each digit; below what its output neuron weighs (small weights, seed 0):"
        " red speaks for the digit, blue against it. Pixels that fewer than one image in a hundred uses are grey.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
