"""11. Better learning.

A network can be right about its gradient and still learn badly. Example 4 had starts that lost whole digits, and
example 10 spent its first epochs on undoing its own weights. The book's third chapter changes three things, none of
which is about backpropagation:

- *The cost.* With the quadratic cost the error of an output neuron carries the factor sigma'(z), so that a neuron
  that is badly wrong and sure of it hardly learns. In the derivative of the cross-entropy this factor cancels, and
  the error is a - y: the more wrong, the faster.
- *The start.* Weights from N(0, 1/n_in) in place of N(0, 1), for n_in inputs, give weighted inputs of order one. The
  sigmoid is steep there, and nothing has to be undone.
- *Regularisation.* A penalty lambda/2n sum w^2 keeps the weights small, so that the network has to explain the digits
  and not the noise. lambda is an example of a setting that cannot be learnt from the training images: they would
  always say zero. The book chose it on the validation images, and whatever is chosen in this example is chosen there.
  The test images are looked at when the choice is made, and change nothing. Once the settings are chosen, the
  validation images have done their work, and may be trained on like the others.

The first network is the book's 784-100-10. The second is the best plain multilayer perceptron that this file knows
how to train within minutes on one core. It has ReLU neurons, a softmax, two hidden layers, and Nesterov's momentum;
its learning rate falls to zero along half a cosine, as large steps find the valley and small ones its floor. At the
end the parameters are averaged over the last epochs. But most of what it gains it owes to its data: the network
hardly ever sees the same image twice. Each time, an image is turned, stretched, sheared and shifted a little, and its
pixels are pushed around by a smooth random field (Simard, Steinkraus and Platt, 2003). To a person it stays the same
digit, and that is the point: this is how the network is told what does *not* matter. The first figure shows such
images, and three short runs show what each kind of distortion is worth; the long run takes the one that did best on
the validation images. How far to distort was found in the same way. Sizes, learning rate and momentum are what is
usual for such networks, and were not searched for: there is more to be had.

A distorted image is computed by a gather: for each pixel of the new image, a place in the old one, which lies between
four pixels that are mixed. The places of a few thousand random distortions are computed together once per epoch.

Two hidden layers did well. The next example has up to ten, and meets a problem that is in the gradient itself.
"""

import time
from dataclasses import dataclass, replace

import numpy as np

from nn import SGD, Network, load_digits
from reproduce import Experiment, run

SIDE = 28  # the images are SIDE x SIDE pixels


@dataclass(frozen=True)
class Distortion:
    """How much training images are distorted at random: uniform up to these bounds, in both directions."""

    rotation: float = 0.0  # degrees
    scale: float = 0.0  # relative, of height and width by themselves
    shear: float = 0.0  # columns per row
    shift: float = 0.0  # pixels
    elastic: float = 0.0  # standard deviation of the displacement of a pixel, in pixels
    smooth: float = 4.0  # standard deviation of the bell that makes neighbours move together, in pixels


def displaced(count, how, rng):
    """Choose where each pixel of `count` distorted images is read: rows and columns, of shape (count, SIDE, SIDE)."""
    middle = (SIDE - 1) / 2
    rows, columns = np.mgrid[:SIDE, :SIDE] - middle

    def bounded(by):
        return rng.uniform(-by, by, (count, 1, 1))

    angle, shear = np.radians(bounded(how.rotation)), bounded(how.shear)
    height, width = 1 + bounded(how.scale), 1 + bounded(how.scale)
    r = height * (np.cos(angle) * rows - np.sin(angle) * columns) + bounded(how.shift)
    c = width * (np.sin(angle) * rows + np.cos(angle) * columns) + shear * rows + bounded(how.shift)
    if how.elastic:
        apart = np.subtract.outer(np.arange(SIDE), np.arange(SIDE))
        bell = np.exp(-0.5 * (apart / how.smooth) ** 2)
        bell /= np.sqrt((bell**2).sum(axis=1, keepdims=True))  # so that what is smoothed keeps its deviation
        r = r + how.elastic * (bell @ rng.standard_normal((count, SIDE, SIDE)) @ bell.T)
        c = c + how.elastic * (bell @ rng.standard_normal((count, SIDE, SIDE)) @ bell.T)
    return r + middle, c + middle


class Maps:
    """A pool of random distortions, each as the places that its pixels are read from, between four pixels."""

    def __init__(self, count, how, rng):
        places = [np.clip(place, -1, SIDE).reshape(count, -1) for place in displaced(count, how, rng)]
        (top, left), (self.down, self.right) = zip(*[self._split(place) for place in places], strict=True)
        self.corner = (top + 1) * (SIDE + 3) + left + 1  # in an image with a black frame, below

    @staticmethod
    def _split(place):
        whole = np.floor(place)
        return whole.astype(np.intp), (place - whole).astype(np.float32)

    def __call__(self, images, which):
        """Distort each of the images, of shape (n, SIDE * SIDE), by one of the maps, with bilinear interpolation."""
        n = len(images)
        framed = np.zeros((n, SIDE + 3, SIDE + 3), images.dtype)
        framed[:, 1:-2, 1:-2] = images.reshape(n, SIDE, SIDE)
        corner = self.corner[which] + np.arange(n)[:, np.newaxis] * framed[0].size
        right, down = self.right[which], self.down[which]
        upper = self._between(framed, corner, right)
        lower = self._between(framed, corner + framed.shape[2], right)
        return upper + down * (lower - upper)

    @staticmethod
    def _between(framed, left, how_far):
        values = framed.reshape(-1)
        at_left = values.take(left)
        return at_left + how_far * (values.take(left + 1) - at_left)


@dataclass(frozen=True)
class Recipe:
    """How a multilayer perceptron is trained."""

    sizes: tuple = (784, 1000, 500, 10)
    epochs: int = 35
    batch: int = 128
    eta: float = 0.1  # at the start; it falls to 0 along half a cosine
    momentum: float = 0.9
    decay: float = 1e-5  # lambda/n
    distortion: Distortion | None = None
    averaged: int = 4  # over how many of the last epochs the parameters are averaged
    pool: int = 2000  # random distortions to choose from in an epoch


def new_network(sizes, rng):
    """Draw weights from N(0, 2/n_in), as half of the inputs of a ReLU layer are 0 (He et al., 2015); biases are
    zero."""
    net = Network(sizes, activation="relu", cost="log-likelihood", init="scaled", dtype=np.float32, rng=rng)
    for w, b in zip(net.weights, net.biases, strict=True):
        w.data, b.data = w.data * np.float32(np.sqrt(2)), np.zeros_like(b.data)
    return net


def accuracy(net, data):
    return 100 * float(np.mean(net.predict(data.x) == data.y))


class Distorting:
    """Distorts each image of a mini-batch by one of a pool of random distortions, which is new in each epoch."""

    def __init__(self, how, pool):
        self.how, self.pool = how, pool

    def begin(self, rng):
        self.maps = Maps(self.pool, self.how, rng)

    def draw(self, n, rng):
        return rng.integers(0, self.pool, n)

    def __call__(self, images, which):
        return self.maps(images, which)


def train(recipe, training, rng, report=lambda net: None):
    """Train a network by a recipe; `report` is called with it after every epoch."""
    net = new_network(recipe.sizes, rng)
    kept = []

    def half_cosine(step, steps):
        batches = steps // recipe.epochs
        return 0.5 * (1 + np.cos(np.pi * ((step // batches + step % batches / batches) / recipe.epochs)))

    def after(epoch):
        if epoch.number >= recipe.epochs - recipe.averaged:
            kept.append(net.state_dict())
        report(net)

    net.SGD(
        training, recipe.epochs, recipe.batch, schedule=half_cosine, rng=rng, report=after,
        augment=Distorting(recipe.distortion, recipe.pool) if recipe.distortion else None,
        optimiser=SGD(net.parameters(), recipe.eta, momentum=recipe.momentum, nesterov=True,
                      weight_decay=recipe.decay, decayed=net.weights),
    )  # fmt: skip
    net.load_state_dict({name: np.mean([state[name] for state in kept], axis=0) for name in kept[0]})
    return net


# ---- 1. The book's network


SETTINGS = {  # initialisation, (eta, epochs) one after the other, published accuracy on the validation images
    "N(0, 1), eta 0.5, 30 epochs": ("gaussian", [(0.5, 30)], 97.92),
    "N(0, 1/n), eta 0.1, 60 epochs": ("scaled", [(0.1, 60)], 98.04),
    "N(0, 1/n), eta 0.25, 0.05, 0.01 for 20, 15, 10 epochs": ("scaled", [(0.25, 20), (0.05, 15), (0.01, 10)], None),
}


def book_network(init, stages, training, validation):
    """Train 784-100-10 with the cross-entropy and lambda 5.0; return it, and its validation accuracy by epoch."""
    rng = np.random.default_rng(0)
    net = Network([784, 100, 10], cost="cross-entropy", init=init, dtype=np.float32, rng=rng)
    curve = []
    for eta, epochs in stages:
        net.SGD(
            training, epochs, 10, eta, weight_decay=5.0 / len(training.y), rng=rng, validation_data=validation,
            report=lambda epoch: curve.append(100 * epoch.scores["validation"].accuracy),
        )  # fmt: skip
    return net, curve


def book_parameters(*arguments):
    """Do the same, and return plain data."""
    net, curve = book_network(*arguments)
    return net.state_dict(), curve


def book(experiment, training, validation, test, quick):
    """Try the settings of the book and one more; those that are best on the validation images meet the test images."""
    common = "784-100-10, sigmoid, cross-entropy, lambda 5.0, mini-batch 10"
    states, curves = {}, {}
    stages_of = {name: [(eta, 1 if quick else epochs) for eta, epochs in of] for name, (_, of, _) in SETTINGS.items()}
    settings = [(init, stages_of[name], training, validation) for name, (init, _, _) in SETTINGS.items()]
    trained = experiment.each(book_parameters, settings)
    for (name, (init, _, published)), (state, curve) in zip(SETTINGS.items(), trained, strict=True):
        states[name], curves[name] = state, curve
        difference = f"Best epoch {max(curve):.2f} %."
        if published:
            difference = f"{round(curve[-1] - published, 2) + 0.0:+.2f} points. " + difference
        if published and init == "scaled":
            difference += " The book comes to its better initialisation only later; this run starts from it."
        experiment.row(
            f"784-100-10, {name}: validation, last epoch", setting=common, ours=f"{curve[-1]:.2f} %", seed=0,
            published=f"{published} %" if published else "", source="book, chapter 3" if published else "",
            difference=difference,
        )  # fmt: skip
    best = max(curves, key=lambda name: curves[name][-1])
    net = Network([784, 100, 10], cost="cross-entropy", dtype=np.float32)
    net.load_state_dict(states[best])
    reached = accuracy(net, test)
    experiment.row(
        "784-100-10: test accuracy of the settings that are best on validation",
        setting=f"{common}; {best}; last epoch", ours=f"{reached:.2f} %", seed=0, seconds=0,
        difference=against(reached, 97.92),
    )  # fmt: skip
    everything = type(training)(*(np.concatenate(parts) for parts in zip(training, validation, strict=True)))
    net, _ = book_network(SETTINGS[best][0], stages_of[best], everything, validation)
    reached = accuracy(net, test)
    experiment.row(
        "784-100-10: test accuracy of the same settings, trained on the validation images as well",
        setting=f"{common}; {best}; last epoch, {len(everything.y):,} images", ours=f"{reached:.2f} %",
        seed=0, difference=against(reached, 97.92),
    )  # fmt: skip
    return curves


def against(reached, published):
    points = round(reached - published, 2) + 0.0
    return f"{points:+.2f} points from the {published} % that the book's chapter 3 has on validation images."


# ---- 2. The best multilayer perceptron


AFFINE = Distortion(rotation=10, scale=0.1, shear=0.1, shift=0.5)
ELASTIC = replace(AFFINE, elastic=1.0, smooth=4)
DISTORTIONS = {"none": None, "turned, stretched, sheared, shifted": AFFINE, "and elastic": ELASTIC}


def short_run(recipe, training, validation):
    """Return the accuracy on the validation images by epoch and at the end, and on some undistorted training images."""
    curve = []
    net = train(recipe, training, np.random.default_rng(0), lambda net: curve.append(accuracy(net, validation)))
    some = type(training)(training.x[:10_000], training.y[:10_000])
    return curve, accuracy(net, validation), accuracy(net, some)


def compared(experiment, recipe, training, validation):
    """Make a short run for each kind of distortion; return how they do on the validation images by epoch."""
    curves = {}
    recipes = [replace(recipe, distortion=distortion) for distortion in DISTORTIONS.values()]
    runs = experiment.each(short_run, [(short, training, validation) for short in recipes])
    for name, short, (curve, reached, on_training) in zip(DISTORTIONS, recipes, runs, strict=True):
        curves[name] = curve
        experiment.row(
            f"{short.epochs} epochs, distortions of the training images: {name}",
            setting=described(short), ours=f"{reached:.2f} % on validation", seed=0,
            difference=f"{on_training:.2f} % on the first 10,000 training images, undistorted.",
        )  # fmt: skip
    return curves


def described(recipe):
    return (
        f"{'-'.join(map(str, recipe.sizes))}, ReLU, softmax, mini-batch {recipe.batch}, eta {recipe.eta} to 0, Nesterov"
        f" momentum {recipe.momentum}, weight decay {recipe.decay:g}, average of {recipe.averaged} epochs, float32"
    )


def final(experiment, recipe, training, validation, test):
    """Make the long run, with the distortions that did best; the test images are looked at once, at the end."""
    curve = []
    since = time.perf_counter()
    net = train(recipe, training, np.random.default_rng(0), lambda net: curve.append(accuracy(net, validation)))
    seconds = time.perf_counter() - since
    on_validation, on_test = accuracy(net, validation), accuracy(net, test)
    setting = f"{described(recipe)}; {recipe.epochs} epochs of {len(training.y):,} images, distorted anew each time"
    experiment.row(
        "the best recipe: validation accuracy", setting=setting, ours=f"{on_validation:.2f} %", seed=0, seconds=0,
        difference=f"The last epoch without averaging: {curve[-1]:.2f} %.",
    )  # fmt: skip
    experiment.row(
        "the best recipe: test accuracy", setting=setting, ours=f"{on_test:.2f} %", seed=0, seconds=seconds,
        difference=f"{np.sum(net.predict(test.x) != test.y)} of {len(test.y):,} images are"
        f" answered wrongly. Trained in {seconds / 60:.1f} minutes.",
    )  # fmt: skip
    return net, curve


# ---- Figures


def images_figure(rows, titles):
    """Draw a grid of images, each row with a title on its left or each image with its own."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(len(rows[0]), 1.05 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for line, images, names in zip(grid, rows, titles, strict=True):
        for axes, image, name in zip(line, images, names, strict=True):
            axes.imshow(image.reshape(SIDE, SIDE), cmap="gray_r", vmin=0, vmax=1)
            axes.set_title(name, fontsize=9, pad=2)
            axes.set(xticks=[], yticks=[])
    return figure


def distorted_figure(training):
    rng = np.random.default_rng(0)
    shown = training.x[:12]
    rows = [shown, *(Maps(12, how, rng)(shown, np.arange(12)) for how in (AFFINE, AFFINE, ELASTIC, ELASTIC))]
    titles = [[str(label) for label in training.y[:12]]] + [[""] * 12] * 4
    figure = images_figure(rows, titles)
    names = ["as they are", "turned, stretched", "turned, stretched", "and elastic", "and elastic"]
    for number, name in enumerate(names):
        figure.axes[12 * number].set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
    return figure


def mistakes_figure(net, test):
    answers = net.predict(test.x)
    wrong = np.flatnonzero(answers != test.y)[:48]
    rows = [wrong[i : i + 16] for i in range(0, len(wrong) - len(wrong) % 16, 16)] or [wrong]
    titles = [[f"{test.y[i]} as {answers[i]}" for i in row] for row in rows]
    return images_figure([test.x[row] for row in rows], titles)


def curves_figure(of_book, of_distortions, of_final):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (name, curve), colour in zip(of_book.items(), ["#E69F00", "#0072B2", "#009E73"], strict=True):
        left.plot(range(1, len(curve) + 1), [100 - a for a in curve], lw=1.3, color=colour, label=name)
    for (name, curve), colour in zip(of_distortions.items(), ["#D55E00", "#CC79A7", "#56B4E9"], strict=True):
        right.plot(range(1, len(curve) + 1), [100 - a for a in curve], lw=1.5, color=colour, marker="o", ms=3,
                   label=f"distortions: {name}, {len(curve)} epochs")  # fmt: skip
    right.plot(range(1, len(of_final) + 1), [100 - a for a in of_final], lw=1.5, color="black", label="the final run")
    for axes, title in ((left, "784-100-10, sigmoid"), (right, "784-1000-500-10, ReLU")):
        ticks = [0.7, 0.8, 1, 1.2, 1.5, 2, 3, 4, 5, 6]
        axes.set(title=title, xlabel="epoch", yscale="log", ylabel="errors on the validation images in %")
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def main(experiment: Experiment) -> None:
    training, validation, test = load_digits(dtype=np.float32)
    recipe, short = Recipe(), 6
    if experiment.quick:
        training, validation, test = (type(part)(part.x[:200], part.y[:200]) for part in (training, validation, test))
        recipe, short = Recipe(sizes=(784, 100, 50, 10), epochs=3, averaged=2, pool=50), 2
    of_book = book(experiment, training, validation, test, experiment.quick)
    brief = replace(recipe, epochs=short, averaged=1)
    of_distortions = compared(experiment, brief, training, validation)
    best = max(of_distortions, key=lambda name: of_distortions[name][-1])
    net, of_final = final(experiment, replace(recipe, distortion=DISTORTIONS[best]), training, validation, test)
    experiment.figure(
        "distortions", distorted_figure(training), "Training images as they are, and four random distortions of each."
    )
    experiment.figure(
        "curves", curves_figure(of_book, of_distortions, of_final),
        "Errors on the validation images after each epoch, on logarithmic scales. A training that ends sooner has"
        " lowered its learning rate sooner.",
    )  # fmt: skip
    experiment.figure(
        "mistakes", mistakes_figure(net, test),
        "Test images that the best network gets wrong: the label, and its answer.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main, sweeps=True)
