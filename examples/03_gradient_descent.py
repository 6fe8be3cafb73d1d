"""3. Gradient descent, stochastic and online.

The example before this one measured how well the gradient foretells what a small step does to the cost. So take a small
step against the gradient, look again, and take the next: that is gradient descent.

The cost is a mean over all training images, and so is its gradient; *full-batch* gradient descent has to look at every
image before it moves at all. *Stochastic* gradient descent estimates the gradient from a mini-batch of a few images and
moves at once: the direction is off, but there are many more steps for the same number of images seen. At the extreme,
with a mini-batch of a single image, it is called *online* learning.

Here the three start from the same network, and may look at the same number of images: what does each make of that
budget? The learning rate that suits one does not suit the others, so each is tried with several, and the rate with the
lowest cost on the validation images is shown. Mind the times, too. A processor works through the images of a mini-batch
together, so that online learning, which has to take them one by one, needs longer for the same number.

The loop is always the same: the gradient of a mini-batch, a step, the next mini-batch. It does not ask what function it
walks down on, and it trains everything that follows. Next it trains the book's network in full.
"""

from dataclasses import dataclass
from time import process_time

import numpy as np
from tqdm import tqdm

from autograd import compile
from nn import SGD, Examples, Network, Score, load_digits, one_hot, score
from nn.training import mini_batches
from reproduce import Experiment, run

SIZES = [784, 30, 10]
ETAS = {"full batch": (3.0, 10.0, 30.0, 100.0), "mini-batch 10": (1.0, 3.0, 10.0), "online": (0.1, 0.3, 1.0)}
COLOURS = {"full batch": "#d55e00", "mini-batch 10": "#0072b2", "online": "#009e73"}


@dataclass
class Descent:
    """One run: its setting, its cost curve (images seen, cost) and its result."""

    name: str
    eta: float
    curve: list[tuple[int, float]]
    steps: int
    seconds: float  # of processor time
    net: Network
    validation: Score


def descend(net, training, size, eta, budget, rng, watched):
    """Train `net` on mini-batches of `size` until it has seen `budget` images.

    Returns the points of its cost curve, pairs of images seen and the cost on `watched`, at roughly equal distances on
    a logarithmic scale, and the number of steps.
    """
    x, y = training.x, one_hot(training.y, net.sizes[-1])
    gradient, optimiser = compile(net.cost), SGD(net.parameters(), eta)
    seen, steps, curve = 0, 0, [(0, score(net, watched).cost)]
    with tqdm(total=budget, desc=f"mini-batch {size}, eta {eta:g}", unit="image", leave=False, disable=None) as bar:
        while seen < budget:
            for batch in mini_batches(len(x), size, rng):
                gradient(x[batch], y[batch])
                optimiser.step()
                seen, steps = seen + len(batch), steps + 1
                if seen >= 1.25 * curve[-1][0] or seen >= budget:
                    curve.append((seen, score(net, watched).cost))
                    bar.update(seen - bar.n)
                if seen >= budget:
                    break
    return curve, steps


def gradient_of(net, x, y):
    """Compute the gradient of the cost of `net` on some examples, as one long vector."""
    net.cost(x, y).backward()
    vector = np.concatenate([p.grad.ravel() for p in net.parameters()])
    for p in net.parameters():
        p.grad = None
    return vector


def agreement(net, data, sizes, rng, samples=100):
    """Average the cosine of the angle between the gradient of a mini-batch and that of all images, for each size."""
    x, y = data.x, one_hot(data.y, net.sizes[-1])
    whole = gradient_of(net, x, y)
    cosines = []
    for size in sizes:
        parts = [gradient_of(net, x[batch], y[batch]) for batch in mini_batches(len(x), size, rng)[:samples]]
        cosines.append(np.mean([part @ whole / np.sqrt((part @ part) * (whole @ whole)) for part in parts]))
    return cosines


def as_table(runs, best):
    """Write all runs as text, with the chosen ones marked."""
    lines = ["                  eta     steps   cost: training  validation   validation accuracy   seconds"]
    for r in runs:
        lines.append(
            f"{r.name:14}{r.eta:7g}{r.steps:10,}{r.curve[-1][1]:17.4f}{r.validation.cost:12.4f}"
            f"{r.validation.accuracy:22.2%}{r.seconds:10.1f}{'  *' if r in best.values() else ''}"
        )
    return "\n".join([*lines, "* the lowest validation cost for this size of mini-batch"])


def picture(runs, best):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    for r in runs:
        chosen = r is best[r.name]
        # A logarithmic axis has no 0: the cost before the first step is drawn up to the first image.
        seen, costs = zip(*[(max(seen, 1), cost) for seen, cost in r.curve], strict=True)
        axes.plot(
            seen, costs, color=COLOURS[r.name], linewidth=2.2 if chosen else 1, alpha=1 if chosen else 0.35,
            drawstyle="steps-post" if r.name == "full batch" else "default",
            label=f"{r.name}, eta {r.eta:g}: {r.steps:,} steps" if chosen else None, zorder=3 if chosen else 2,
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="training images seen", ylabel="quadratic cost on training images")
    axes.set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2], labels=["0.05", "0.1", "0.2", "0.5", "1", "2"])
    axes.minorticks_off()
    axes.legend(frameon=False, loc="lower left")
    return figure


def main(experiment: Experiment) -> None:
    seed = 0
    training, validation, _ = load_digits()
    if experiment.quick:
        training, validation = Examples(training.x[:1000], training.y[:1000]), Examples(*(a[:500] for a in validation))
    n = len(training.x)
    budget = 5 * n
    watched = Examples(training.x[:10_000], training.y[:10_000])
    runs, best = [], {}
    for name, size in (("full batch", n), ("mini-batch 10", 10), ("online", 1)):
        for eta in ETAS[name][1:2] if experiment.quick else ETAS[name]:
            rng = np.random.default_rng(seed)  # the same network, and the same order of the images, for every run
            net = Network(SIZES, rng=rng)
            start = process_time()
            curve, steps = descend(net, training, size, eta, budget, rng, watched)
            runs.append(Descent(name, eta, curve, steps, process_time() - start, net, score(net, validation)))
        best[name] = min((r for r in runs if r.name == name), key=lambda r: r.validation.cost)
    lowest = min(best.values(), key=lambda r: r.curve[-1][1])
    for name, r in best.items():
        tried = ", ".join(f"{other.eta:g}" for other in runs if other.name == name)
        cost = r.curve[-1][1]
        experiment.row(
            f"{name}: cost after {budget:,} images", seed=seed, seconds=r.seconds,
            setting=f"784-30-10, quadratic cost, eta {r.eta:g} (of {tried}, by validation cost), {r.steps:,} steps",
            ours=f"{cost:.3f}; validation accuracy {r.validation.accuracy:.2%}",
            difference=f"From {r.curve[0][1]:.2f} at the start, "
            + (f"the lowest of the three, in {r.seconds:.0f} s." if r is lowest
               else f"{cost / lowest.curve[-1][1]:.2f} times the lowest of the three, in {r.seconds:.0f} s."),
        )  # fmt: skip
    angles = [
        agreement(net, watched, (10, 1), np.random.default_rng(seed))
        for net in (Network(SIZES, rng=seed), best["mini-batch 10"].net)
    ]
    experiment.row(
        "cosine of the angle between the gradient of a mini-batch and that of all images", seed=seed,
        setting=f"before training, and after that on mini-batches of 10; the mean over 100 mini-batches, against"
        f" {len(watched.x):,} images",
        ours="; ".join(f"{when}: {tens:.2f} for 10 images, {ones:.2f} for one"
                       for when, (tens, ones) in zip(("before", "after"), angles, strict=True)),
        difference="1 would be the same direction, and 0 a right angle. What is left to learn after training does not"
        " show in a typical mini-batch; but the mean of all their gradients is still the whole gradient.",
    )  # fmt: skip
    experiment.block(as_table(runs, best))
    experiment.figure(
        "cost", picture(runs, best),
        f"The cost on the first {len(watched.x):,} training images, by the number of images seen, for the same budget."
        " Bold: the learning rate chosen on the validation images; faint: the others that were tried. With eta 3 for"
        " ten images, or 0.3 for one, the network goes equally far for each image. A cost of 0.5 is that of a network"
        " whose ten outputs all say 0.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
