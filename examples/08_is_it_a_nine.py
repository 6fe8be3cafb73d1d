"""8. Is it a nine?

The smallest question one can ask about a digit has a yes and a no for an answer, and takes one output neuron: at 0.5
or more it says "a nine". The chapter's own illustration is a picture of 64 x 64 pixels, and so 4,096 input neurons.
The digits here have 28 x 28; so both are shown: the digits as they are, and enlarged to 64 x 64, which adds pixels but
nothing that was not there.

Enlarging is linear: every new pixel is a weighted mean of its nearest old ones (bilinear interpolation), so that rows
and columns are each one product with a fixed 64 x 28 matrix. It is done for one mini-batch at a time, since 50,000
enlarged images would fill the better part of a gigabyte. The loop of training is written out for that below, in four
lines; what `Network.SGD` does in the other examples is the same. The gradient has 4,096 columns now in place of 784,
and its rule has not changed.

One digit in ten is a nine. A program that always says no is therefore right nine times out of ten, and accuracy alone
says little. Two figures say more: *precision*, how many of those called nines are nines, and *recall*, how many of the
nines are found. The threshold trades one for the other, as the figure shows.

Weights start from N(0, 1/n) with n inputs, for with N(0, 1) the weighted input of a neuron that sums 4,096 pixels
would be far out where the sigmoid is flat. The learning rate is chosen on the validation images, for each size on its
own: every old pixel is about five new ones now, and a step of the same eta moves the weighted input about five times
as far.

So far the gradient has always been the engine's. What happens if a gradient is written down by hand, and wrongly?
"""

from functools import cache
from statistics import median

import numpy as np
from tqdm import tqdm

from autograd import compile, no_grad
from nn import SGD, Network, load_digits
from reproduce import Experiment, run

ETAS = {28: [0.3, 1.0, 3.0, 10.0], 64: [0.1, 0.3, 1.0, 3.0]}


@cache
def interpolation(n_out, n_in):
    """Make the matrix (n_out, n_in) that resamples a row of n_in pixels to n_out, linearly between the centres of
    pixels."""
    position = np.clip((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0, n_in - 1)
    return np.maximum(0, 1 - np.abs(position[:, np.newaxis] - np.arange(n_in))).astype(np.float32)


def enlarge(x, side):
    """Turn images of shape (n, 784) into images of shape (n, side * side)."""
    if side == 28:
        return x
    matrix = interpolation(side, 28)
    wide = (x.reshape(-1, 28) @ matrix.T).reshape(len(x), 28, side)  # every row of every image in one product
    return (matrix @ wide).reshape(len(x), -1)


def train(side, training, epochs, eta, seed):
    rng = np.random.default_rng(seed)
    net = Network([side * side, 30, 1], init="scaled", dtype=np.float32, rng=rng)
    nines = (training.y == 9).astype(np.float32)[:, np.newaxis]
    gradient, optimiser = compile(net.cost), SGD(net.parameters(), eta)
    for _ in tqdm(range(epochs), desc=f"{side} x {side}, eta {eta:g}, seed {seed}", unit="epoch", disable=None):
        for batch in np.split(rng.permutation(len(nines)), range(10, len(nines), 10)):
            optimiser.zero_grad()
            gradient(enlarge(training.x[batch], side), nines[batch])
            optimiser.step()
    return net


def outputs(net, side, x):
    """Compute the output for each image; a thousand images are enlarged at a time."""
    with no_grad():
        parts = [net(enlarge(x[i : i + 1000], side)).data for i in range(0, len(x), 1000)]
    return np.concatenate(parts)[:, 0]


def judge(a, nines, threshold=0.5):
    """Compute accuracy, precision and recall in percent. Precision is nan if nothing is called a nine."""
    called = a >= threshold
    hits = np.sum(called & nines)
    precision = hits / np.sum(called) if called.any() else np.nan
    return 100 * np.mean(called == nines), 100 * precision, 100 * hits / np.sum(nines)


def picture(nine, found, nines):
    """Draw one nine in both sizes, and precision and recall for every threshold. `found` has the outputs for each
    size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1)
    small, large, axes = figure.subplots(1, 3, width_ratios=[1, 1, 2])
    for panel, side in ((small, 28), (large, 64)):
        panel.imshow(enlarge(nine[np.newaxis], side).reshape(side, side), cmap="Greys")
        panel.set(xticks=[], yticks=[], title=f"{side} x {side}")
    thresholds = np.linspace(0.02, 0.98, 97)
    for side, dashes in ((28, "-"), (64, "--")):
        _, precision, recall = np.transpose([judge(found[side], nines, threshold) for threshold in thresholds])
        axes.plot(thresholds, precision, dashes, color="#0072B2", label=f"precision, {side} x {side}")
        axes.plot(thresholds, recall, dashes, color="#D55E00", label=f"recall, {side} x {side}")
    axes.axvline(0.5, color="black", lw=0.8)
    axes.set(xlabel="threshold", ylabel="on the test images in %")
    axes.legend(fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main(experiment: Experiment) -> None:
    training, validation, test = load_digits(scale=256, dtype=np.float32)
    epochs, etas, seeds = 10, ETAS, range(3)
    if experiment.quick:
        training, validation, test = (type(part)(part.x[:500], part.y[:500]) for part in (training, validation, test))
        epochs, etas, seeds = 2, {28: [1.0], 64: [0.3]}, range(1)
    nines = test.y == 9
    always_no = 100 * (1 - np.mean(nines))
    experiment.row(
        "always no", setting="no image is called a nine", ours=f"{always_no:.2f} %, recall 0 %",
        difference=f"{np.sum(nines):,} of the {len(nines):,} test images are nines, and none is found.",
    )  # fmt: skip

    first, before = {}, None
    lines = [f"seed 0, {epochs} epochs: accuracy on the validation images in %"]
    table = ["                on the test images in %", "size      seed   accuracy   precision   recall"]
    for side in (28, 64):
        tried = {eta: train(side, training, epochs, eta, seed=0) for eta in etas[side]}
        on_validation = {
            eta: judge(outputs(net, side, validation.x), validation.y == 9)[0] for eta, net in tried.items()
        }
        eta = max(on_validation, key=on_validation.get)
        lines.append(
            f"{side} x {side}   " + ", ".join(f"{value:.2f} (eta {eta:g})" for eta, value in on_validation.items())
        )
        found = [outputs(tried[eta] if seed == 0 else train(side, training, epochs, eta, seed), side, test.x)
                 for seed in seeds]  # fmt: skip
        first[side] = found[0]
        results = [judge(a, nines) for a in found]
        table += [f"{side} x {side}   {seed:4} {a:10.2f} {p:11.2f} {r:8.2f}"
                  for seed, (a, p, r) in zip(seeds, results, strict=True)]  # fmt: skip
        accuracy, precision, recall = (median(values) for values in zip(*results, strict=True))
        lowest, highest = (extreme(result[0] for result in results) for extreme in (min, max))
        difference = f"{accuracy - always_no:+.2f} points against always no"
        if before is not None:
            difference += f", and {accuracy - before:+.2f} against the same digits in 28 x 28"
        before = accuracy
        experiment.row(
            f"one output, {side * side:,} inputs ({side} x {side}), last epoch",
            setting=f"{side * side}-30-1, {epochs} epochs, mini-batch 10, eta {eta:g} (chosen on validation), quadratic"
            " cost, N(0, 1/n), threshold 0.5, float32",
            ours=f"accuracy {accuracy:.2f} % ({lowest:.2f} to {highest:.2f}), precision {precision:.2f} %, recall"
            f" {recall:.2f} %; medians",
            seed=f"{seeds[0]} to {seeds[-1]}", difference=difference + ".",
        )  # fmt: skip
    experiment.block("\n".join(lines))
    experiment.block("\n".join(table))
    experiment.figure(
        "threshold", picture(test.x[nines][0], first, nines),
        "The first nine of the test images in both sizes, and what the threshold does to precision and recall; seed 0.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
