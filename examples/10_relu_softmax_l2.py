"""10. ReLU, softmax, cross-entropy and L2.

Nine examples have asked much of one kind of neuron and one kind of cost. Now every part is exchanged at once: the
hidden neurons are rectified linear units, relu(z) = max(0, z); the ten outputs become probabilities through the
softmax; the cost is the cross-entropy of these probabilities (the book calls it the log-likelihood); and a penalty
holds the weights down. A derivation by hand would now start again from the top. For the engine nothing is new: each
of the parts is an operation with a rule of one line, and the chain rule that joins them is the one that has joined
sigmoids so far.

The derivation by hand is done nevertheless, as a check. `by_hand` in this file is the whole backward pass for a batch
in plain NumPy. Three lines are worth knowing. The softmax and the cross-entropy belong together, because the
exponential of the one and the logarithm of the other cancel: the error of the output layer is (a - y)/n, for n
examples. The derivative of ReLU is 1 where z > 0 and 0 elsewhere, so that an error passes a neuron whole or not at
all. And the penalty adds a multiple of the weights to their gradient. The first block compares it with the engine.

The setting is that of a note that trains 784-20-10 on the 60,000 training images, one at a time and in the order of
the file, for five epochs. Two things have to be read into it:

- *The penalty.* The note adds lambda times the weights to the gradient of each example. Here that is read as the
  gradient of a penalty lambda/2 sum w^2, over the weights and not the biases, and the loss as cost plus penalty. Per
  step the weights so shrink by the factor 1 - eta lambda. (In the book lambda is divided by the number of training
  images; the same step would be written there with a lambda that is 60,000 times as large.)
- *The pixels.* The note does not say how they are scaled. Three readings are tried: the bytes divided by 255, the
  bytes as they are, and the bytes shifted and scaled to mean 0 and standard deviation 1. The rows say which of them
  gives the published figures.

Bytes as they are show what ReLU asks in return for its simple derivative. The first weighted inputs are in the
thousands, and so is the cost; the first steps are so large that they throw hidden neurons to where z < 0 for every
image. There the derivative is 0, no error passes, and a neuron that is dead stays dead: the penalty is all that still
moves its weights. Where all of them die, only the output biases learn, and they can learn no more than how frequent
each digit is.

Weights drawn from N(0, 1) are a bad start in any of these readings: a loss that starts near 100 and has to be brought
down first. The next example starts better, and learns better.
"""

import numpy as np
from tqdm import trange

from autograd import compile
from nn import SGD, Network, load_digits, one_hot
from nn.proof.numbers import relative_difference
from reproduce import Experiment, run

ETA, LAMBDA, EPOCHS = 0.001, 0.01, 5
READINGS = {"bytes / 255": (0.0, 255.0), "bytes 0 to 255": (0.0, 1.0), "mean 0, deviation 1": (33.32, 78.57)}
COLOURS = dict(zip(READINGS, ["#0072B2", "#D55E00", "#009E73"], strict=True))


def by_hand(w1, b1, w2, b2, x, y, lambda_):
    """Compute the loss of a batch and its gradient as a person derives them; x and y have examples as rows."""
    n = len(x)
    z1 = x @ w1.T + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2.T + b2
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    a2 = e / e.sum(axis=1, keepdims=True)
    cost = -np.sum(y * (z2 - z2.max(axis=1, keepdims=True) - np.log(e.sum(axis=1, keepdims=True)))) / n
    loss = cost + lambda_ / 2 * (np.sum(w1**2) + np.sum(w2**2))

    delta2 = (a2 - y) / n
    dw2 = delta2.T @ a1 + lambda_ * w2
    db2 = delta2.sum(axis=0)
    delta1 = (delta2 @ w2) * (z1 > 0)
    dw1 = delta1.T @ x + lambda_ * w1
    db1 = delta1.sum(axis=0)
    return loss, (dw1, db1, dw2, db2)


def new_network(seed):
    """Make a 784-20-10 with weights from N(0, 1) and biases of zero."""
    net = Network([784, 20, 10], activation="relu", cost="log-likelihood", init="gaussian", rng=seed)
    for b in net.biases:
        b.data = np.zeros_like(b.data)
    return net


def penalty(net):
    return sum(LAMBDA / 2 * np.sum(w**2) for w in net.weights)


def apart(net, x, y):
    """Measure the largest relative difference between the engine's gradient and the one by hand."""
    for p in net.parameters():
        p.grad = None
    (net.cost(x, y) + penalty(net)).backward()
    _, by_derivation = by_hand(*(p.data for p in net.parameters()), x, y, LAMBDA)
    pairs = zip(net.parameters(), by_derivation, strict=True)
    return max(relative_difference(p.grad, g) for p, g in pairs)


class Measured:
    """The scores of a network in training after 0, 1, 2, … epochs, and the loss on the way."""

    def __init__(self, net, training, test):
        self.net, self.training, self.test = net, training, test
        self.images, self.loss = [], []  # the curve: mean loss over the last `window` images
        self.epochs = []

    def after_epoch(self, y):
        cost = float(self.net.cost(self.training.x, y).data)
        correct = [100 * np.mean(self.net.predict(part.x) == part.y) for part in (self.training, self.test)]
        hidden = self.net.layers.layers[0](self.training.x).data
        self.epochs.append((cost, float(penalty(self.net).data), *correct, int(np.sum(hidden.max(axis=0) == 0))))

    @property
    def losses(self):
        """Compute the cost on the training images plus penalty, after 0, 1, 2, … epochs."""
        return [cost + penalty for cost, penalty, *_ in self.epochs]


def train(reading, seed, training, test, epochs, window):
    """Train by online gradient descent, in the order of the file."""
    shift, scale = READINGS[reading]
    training, test = (type(part)((part.x - shift) / scale, part.y) for part in (training, test))
    y = one_hot(training.y)
    net = new_network(seed)
    measured = Measured(net, training, test)
    measured.after_epoch(y)
    step = compile(net.cost)
    # weight_decay adds LAMBDA w to the gradient of each weight: the gradient of the penalty.
    optimiser = SGD(net.parameters(), ETA, weight_decay=LAMBDA, decayed=net.weights)
    n = len(training.y)
    for epoch in range(epochs):
        total = 0.0
        for i in trange(n, desc=f"{reading}, seed {seed}, epoch {epoch}", unit="image", leave=False, disable=None):
            total += float(step(training.x[i : i + 1], y[i : i + 1]))
            optimiser.step()
            if (i + 1) % window == 0:
                measured.images.append(epoch * n + i + 1)
                measured.loss.append(total / window + float(penalty(net).data))
                total = 0.0
        measured.after_epoch(y)
    return measured


def table(runs):
    lines = [
        "                                         on the training images            accuracy in %     dead hidden",
        "pixels               seed  epochs        cost + penalty =      loss       training   test        neurons",
    ]
    for (reading, seed), measured in runs.items():
        for epoch, (cost, held, on_training, on_test, dead) in enumerate(measured.epochs):
            lines.append(
                f"{reading:20} {seed:4} {epoch:7} {cost:11.3f} {held:9.3f} {cost + held:11.3f}"
                f" {on_training:13.2f} {on_test:7.2f} {dead:9} of 20"
            )
    return "\n".join(lines)


def starts(training, seeds):
    """Compute the loss that an untrained network starts from, with bytes / 255, for many seeds."""
    shift, scale = READINGS["bytes / 255"]
    x, y = (training.x[:1000] - shift) / scale, one_hot(training.y[:1000])
    return [float(by_hand(*(p.data for p in new_network(seed).parameters()), x, y, LAMBDA)[0]) for seed in seeds]


def curves(runs):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (reading, seed), measured in runs.items():
        style = {"color": COLOURS[reading], "ls": ["-", "--", ":"][seed % 3], "label": f"{reading}, seed {seed}"}
        images = [0, *measured.images]
        left.plot(np.array(images) / len(measured.training.y), [measured.losses[0], *measured.loss], lw=1.2, **style)
        right.plot([scores[3] for scores in measured.epochs], marker="o", ms=4, lw=1.2, **style)
    for y, text, x, side in ((150, "published start: about 150", 5, "right"), (0.6, "published end: 0.6", 0, "left")):
        left.axhline(y, color="black", ls=(0, (1, 2)), lw=1)
        left.annotate(text, (x, y), xytext=(0, 3), textcoords="offset points", ha=side, fontsize=9)
    left.set(yscale="log", xlabel="epochs", ylabel="loss: cost + penalty, mean over 1,000 images")
    ticks = [0.5, 1, 2, 5, 10, 20, 50, 100, 1_000, 10_000]
    left.set_yticks(ticks, [f"{tick:,g}" for tick in ticks])
    left.minorticks_off()
    right.axhline(91.54, color="black", ls=(0, (1, 2)), lw=1)
    right.annotate("published: 91.54 %", (0, 91.54), xytext=(0, 4), textcoords="offset points", fontsize=9)
    right.set(xlabel="epochs", ylabel="accuracy on the test images in %", ylim=(0, 100))
    right.legend(fontsize=8, loc="center right", bbox_to_anchor=(1, 0.4))
    return figure


def main(experiment: Experiment) -> None:
    training, _, test = load_digits(validation=0, scale=1)
    chosen = [("bytes / 255", 0), ("bytes / 255", 1), ("bytes / 255", 2), ("bytes 0 to 255", 0),
              ("mean 0, deviation 1", 0)]  # fmt: skip
    epochs, window, seeds = EPOCHS, 1000, range(100)
    if experiment.quick:
        training, test = (type(part)(part.x[:1000], part.y[:1000]) for part in (training, test))
        epochs, window, seeds = 2, 100, range(5)
    setting = "784-20-10, ReLU, softmax, N(0, 1), biases 0, mini-batch 1, eta 0.001, lambda 0.01, file order, 5 epochs"

    untrained = new_network(0)
    x, y = training.x[:100] / 255, one_hot(training.y[:100])
    differences = {"an untrained network, 1 image": apart(untrained, x[:1], y[:1])}
    differences["an untrained network, 100 images"] = apart(untrained, x, y)
    runs = {}
    for reading, seed in chosen:
        measured = runs[reading, seed] = train(reading, seed, training, test, epochs, window)
        if not differences.get("the trained network, 100 images"):
            differences["the trained network, 100 images"] = apart(measured.net, x, y)
            experiment.row(
                "the backward pass by hand against the engine's, bytes / 255",
                setting="784-20-10, float64, with penalty", ours=f"{max(differences.values()):.0e}", seed=0, seconds=0,
                difference="The largest difference of any element, relative to the largest element of its gradient.",
            )  # fmt: skip
        of = measured.epochs[-1]
        experiment.row(
            f"pixels as {reading}, seed {seed}: test accuracy", setting=setting, ours=f"{of[3]:.2f} %", seed=seed,
            published="91.54 %", source="note", difference=verdict(of[3] - 91.54, of[4]),
        )  # fmt: skip
        experiment.row(
            f"pixels as {reading}, seed {seed}: loss",
            setting="cost + lambda/2 sum w^2, on all training images before the first step; and its mean over the last"
            f" {window:,} images of the training",
            ours=f"{measured.losses[0]:,.0f} to {measured.loss[-1]:.2f}", published="about 150 to 0.6",
            source="note", seed=seed, seconds=0,
            difference=f"The penalty alone goes from {measured.epochs[0][1]:.0f} to {of[1]:.2f}; on all training images"
            f" the last loss is {measured.losses[-1]:.2f}.",
        )  # fmt: skip
    first = starts(training, seeds)
    experiment.row(
        "pixels as bytes / 255: the loss that an untrained network starts from",
        setting="cost + penalty, on the first 1,000 training images",
        ours=f"median {np.median(first):.0f}, from {min(first):.0f} to {max(first):.0f}", published="about 150",
        source="note", seed=f"{seeds[0]} to {seeds[-1]}",
        difference=f"{sum(loss >= 145 for loss in first)} of {len(first)} seeds start at 145 or more.",
    )  # fmt: skip
    conclude(experiment, runs)
    lines = [f"{where:34} {difference:.1e}" for where, difference in differences.items()]
    experiment.block("engine against by_hand, largest relative difference\n" + "\n".join(lines))
    experiment.block(table(runs))
    experiment.figure(
        "loss",
        curves(runs),
        "Left: the loss in training, on a logarithmic scale. Right: accuracy on the test images after each epoch. The"
        " pixels as bytes / 255 come nearest to the published accuracy and end; as they are, they kill the hidden"
        " neurons.",
    )


def conclude(experiment, runs):
    """Say which reading of the pixels gives the published figures: the accuracy and the last loss that are closest."""
    accuracy, last = ({reading: [] for reading in READINGS} for _ in range(2))
    for (reading, _), measured in runs.items():
        accuracy[reading].append(measured.epochs[-1][3])
        last[reading].append(measured.loss[-1])
    means = {reading: (np.mean(accuracy[reading]), np.mean(last[reading])) for reading in READINGS}
    by_accuracy = min(READINGS, key=lambda reading: abs(means[reading][0] - 91.54))
    by_loss = min(READINGS, key=lambda reading: abs(means[reading][1] - 0.6))
    same = "closest in both" if by_accuracy == by_loss else f"closest in accuracy; in the last loss it is {by_loss}"
    doubled = np.mean([m.loss[-1] + m.epochs[-1][1] for (reading, _), m in runs.items() if reading == by_accuracy])
    experiment.row(
        "the reading that gives the published accuracy and loss",
        setting="the mean over the seeds, for each reading of the pixels", seed="those above", seconds=0,
        ours=f"{by_accuracy}: {means[by_accuracy][0]:.2f} %, loss {means[by_accuracy][1]:.2f}",
        published="91.54 %, loss 0.6", source="note",
        difference=f"It is {same}. With lambda sum w^2 for the penalty, twice ours, the last loss would be"
        f" {doubled:.2f}.",
    )  # fmt: skip


def verdict(points, dead):
    """Say how far the result is from the published accuracy, and why if it is far."""
    text = f"{points:+.2f} points."
    if dead:
        text += f" Hidden neurons that answer 0 to every training image in the end: {dead} of 20."
    return text


if __name__ == "__main__":
    run(main)
