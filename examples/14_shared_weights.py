"""14. Shared weights.

A stroke is a stroke wherever in the image it is. A layer in which every neuron has weights of its own to all pixels has
to learn that anew at every place. In a convolutional layer each neuron sees only a window, here of 5 x 5 pixels, and
all the neurons of a *map* have the same 25 weights and one bias: a filter that is laid over the image at every place
(book, chapter 6). The network below has 8 such maps, then 16 whose windows lie over all the 8, then a hidden layer of
100 and ten softmax outputs. The windows move by two pixels at a time, which makes the maps smaller as they go up.

In the loop of the example before, a weight was used once at each time step. Here it is used once at each place. What
is to be done about it is the same: the gradient is the sum over the uses. With delta_ij the error of the neuron at the
place (i, j) of a map,

    dC/dw_pq = sum_ij delta_ij x_(2i + p, 2j + q)        dC/db = sum_ij delta_ij

that is a BP3 and a BP4 at each place, added up; and a pixel gets its share of the error, BP2, from every window that it
is in. `nn.equations.backprop_convolution` says so by hand, place by place. The engine was not told. `convolve` below is
made of what NumPy has: 25 shifted slices, stacked, and one matrix product. The rule of a slice puts the gradient back
where the slice was cut, that of a product is a product, and a pixel that was cut out many times collects them all. The
first row of the table says how far the two are apart, for the whole network.

Whenever an image is used for training it is first shifted at random, by up to two pixels in each direction, so that
there are 25 places in which the network may see it. The learning rate is the one that does best on the validation
images after a short training; the test images are looked at once, at the end.

This is the last of the systems. The first was a neuron whose derivative is zero, and it could not learn. Then its step
became a smooth curve, and a small change of the output the sum of partial derivatives times changes. From there on
nothing was added. Layers, deep stacks and shortcuts, other costs, loops and filters are all compositions of a few
operations. Each of these knows its own derivative, in one line. The chain rule goes back along the graph, multiplies
along each path and adds where paths meet. The four equations of backpropagation are what this comes to for layers,
backpropagation through time what it comes to for loops, and the gradient of a convolution what it comes to for filters.
What to compute is the only thing that an architecture has to say. `backward()` is the same for all of them.
"""

import numpy as np

import nn
from autograd import Tensor, no_grad, relu
from nn import Module, equations, load_digits, one_hot
from nn.costs import softmax_log_likelihood
from nn.proof.numbers import relative_difference
from reproduce import Experiment, run, training_curve

SIDE = 29  # the images with a row and a column of zeros, so that the windows fit: 29 -> 13 -> 5 places a side
MAPS, HIDDEN, WINDOW, STRIDE = (8, 16), 100, 5, 2
BATCH, MOMENTUM, SHIFT = 20, 0.9, 2
ETAS = (0.003, 0.01, 0.03)


def convolve(x, w, b, stride):
    """Compute z of shape (n, maps, rows, columns), for x of shape (n, channels, …, …) and filters w (maps, channels, k,
    k)."""
    maps, _, k, _ = w.shape
    rows, columns = ((length - k) // stride + 1 for length in x.shape[2:])
    # What the weight (p, q) of a filter meets at all its places is one slice of the image.
    slices = [
        x[:, :, p : p + stride * rows : stride, q : q + stride * columns : stride] for p in range(k) for q in range(k)
    ]
    windows = np.reshape(np.stack(slices, axis=2), (x.shape[0], -1, rows * columns))
    z = np.reshape(w, (maps, -1)) @ windows + np.reshape(b, (maps, 1))
    return np.reshape(z, (x.shape[0], maps, rows, columns))


class Convolutional(Module):
    """Two convolutional layers, a hidden layer and a softmax. Weights from N(0, 2/n_in), for relu; biases zero."""

    def __init__(self, rng, dtype=np.float32):
        size = SIDE
        for _ in MAPS:
            size = (size - WINDOW) // STRIDE + 1
        shapes = [(MAPS[0], 1, WINDOW, WINDOW), (MAPS[1], MAPS[0], WINDOW, WINDOW)]
        shapes += [(HIDDEN, MAPS[1] * size * size), (10, HIDDEN)]
        self.weights, self.biases = [], []
        for layer, shape in enumerate(shapes, 1):
            w = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
            self.weights.append(Tensor(w.astype(dtype), name=f"w{layer}"))
            self.biases.append(Tensor(np.zeros(shape[0], dtype), name=f"b{layer}"))

    def maps(self, x):
        """Compute the activations of the first layer, for images x of shape (n, rows, columns)."""
        return relu(convolve(np.expand_dims(x, 1), self.weights[0], self.biases[0], STRIDE))

    def __call__(self, x):
        """Compute the weighted inputs of the output layer."""
        _, w2, w3, w4 = self.weights
        _, b2, b3, b4 = self.biases
        a = relu(convolve(self.maps(x), w2, b2, STRIDE))
        a = relu(np.reshape(a, (x.shape[0], -1)) @ w3.T + b3)
        return a @ w4.T + b4

    def predict(self, x):
        with no_grad():
            parts = [self(x[i : i + 500]).data for i in range(0, len(x), 500)]
        return np.argmax(np.concatenate(parts), axis=1)


def gradient_by_hand(weights, biases, x, y):
    """Apply BP1 to BP4 to the same network: the gradients of the weights, and those of the biases."""
    (w1, w2, w3, w4), (b1, b2, b3, b4) = weights, biases
    x = x[:, np.newaxis]
    z1 = equations.convolution(x, w1, b1, STRIDE)
    a1 = equations.relu(z1)
    z2 = equations.convolution(a1, w2, b2, STRIDE)
    a2 = equations.relu(z2).reshape(len(x), -1)
    z3 = a2 @ w3.T + b3
    a3 = equations.relu(z3)

    delta4 = equations.output_error(a3 @ w4.T + b4, y, "log-likelihood", axis=1) / len(x)
    delta3 = delta4 @ w4 * (z3 > 0)
    delta2 = (delta3 @ w3).reshape(z2.shape) * (z2 > 0)
    nabla_a1, nabla_w2, nabla_b2 = equations.backprop_convolution(delta2, a1, w2, STRIDE)
    _, nabla_w1, nabla_b1 = equations.backprop_convolution(nabla_a1 * (z1 > 0), x, w1, STRIDE)
    nabla_w = [nabla_w1, nabla_w2, delta3.T @ a2, delta4.T @ a3]
    return nabla_w, [nabla_b1, nabla_b2, delta3.sum(axis=0), delta4.sum(axis=0)]


class Shifting:
    """Moves each image by up to `most` pixels, in a direction of its own; all become one row and one column larger."""

    def __init__(self, most):
        self.most = most

    def draw(self, n, rng):
        """Draw the number of rows and columns to move by."""
        return rng.integers(0, 2 * self.most + 1, (2, n)).T

    def __call__(self, images, by):
        wide = np.pad(images, ((0, 0), (self.most, self.most + 1), (self.most, self.most + 1)))
        rows, columns = (by[:, k, np.newaxis] + np.arange(SIDE) for k in range(2))
        return wide[np.arange(len(images))[:, np.newaxis, np.newaxis], rows[:, :, np.newaxis], columns[:, np.newaxis]]


def train(net, training, validation, eta, epochs, rng):
    """Train by SGD with momentum, with eta falling linearly to zero. Return cost and validation errors by epoch."""
    errors = []
    history = nn.train(
        net, softmax_log_likelihood, (training.x, one_hot(training.y, dtype=np.float32)), epochs, BATCH, eta,
        momentum=MOMENTUM, schedule=lambda step, steps: 1 - step / steps, rng=rng, compiled=True,
        augment=Shifting(SHIFT),
        report=lambda epoch: errors.append(100 * np.mean(net.predict(validation.x) != validation.y)),
    )  # fmt: skip
    return [epoch.cost for epoch in history], errors


def main(experiment: Experiment) -> None:
    training, validation, test = (
        type(part)(part.x.reshape(-1, 28, 28), part.y) for part in load_digits(dtype=np.float32)
    )
    trial, epochs, etas = 2, 30, ETAS
    if experiment.quick:
        training, validation, test = (type(p)(p.x[:1000], p.y[:1000]) for p in (training, validation, test))
        trial, epochs, etas = 1, 2, ETAS[:2]
    validation, test = (type(p)(np.pad(p.x, ((0, 0), (0, 1), (0, 1))), p.y) for p in (validation, test))

    # The engine against the equations, in float64.
    net = Convolutional(np.random.default_rng(0), np.float64)
    x, y = np.pad(training.x[:20], ((0, 0), (0, 1), (0, 1))).astype(np.float64), one_hot(training.y[:20])
    softmax_log_likelihood(net(x), y).backward()
    nabla_w, nabla_b = gradient_by_hand([w.data for w in net.weights], [b.data for b in net.biases], x, y)
    ours = [p.grad for p in net.weights + net.biases]
    apart = [relative_difference(one, other) for one, other in zip(ours, nabla_w + nabla_b, strict=True)]
    name = f"{MAPS[0]} maps, {MAPS[1]} maps, {HIDDEN}, 10"
    experiment.row(
        "The gradient of a convolutional network: engine against hand", seed=0,
        setting=f"{name}; 5 x 5 windows, stride 2; 20 digits, float64; all 8 parameters",
        ours=f"largest relative difference {max(apart):.1e}",
        difference="Equal to 1e-12." if max(apart) <= 1e-12 else "NOT equal to 1e-12, which was to be shown.",
    )  # fmt: skip

    tried = {}
    for eta in etas:
        rng = np.random.default_rng(0)
        _, errors = train(Convolutional(rng), training, validation, eta, trial, rng)
        tried[eta] = 100 - errors[-1]
    eta = max(tried, key=tried.get)
    experiment.row(
        "The choice of eta", setting=f"{trial} epochs each, on the validation images", seed=0,
        ours=", ".join(f"eta {e}: {accuracy:.2f} %" for e, accuracy in tried.items()),
        difference=f"The training below takes eta = {eta}.",
    )  # fmt: skip

    rng = np.random.default_rng(1)
    net = Convolutional(rng)
    before = net.weights[0].data.copy()
    costs, errors = train(net, training, validation, eta, epochs, rng)
    on_test = 100 * np.mean(net.predict(test.x) == test.y)
    size = sum(p.size for p in net.parameters())
    experiment.row(
        f"{name}: on the test images", seed=1,
        setting=f"{epochs} epochs, mini-batch {BATCH}, eta {eta} falling to 0, momentum {MOMENTUM}, shifts by up to"
        f" {SHIFT} pixels, float32; {size:,} parameters",
        published="99.37 %", source="book, chapter 6: 20 and 40 maps, pooling, ReLU, shifted images",
        ours=f"{on_test:.2f} %",
        difference=f"{on_test - 99.37:+.2f} points, with fewer maps and without pooling. Validation"
        f" {100 - errors[-1]:.2f} %.",
    )  # fmt: skip

    figure = training_curve(costs, errors, "errors on the validation images in %")
    figure.axes[0].set_yscale("log")
    figure.axes[1].set_ylim(bottom=0)
    experiment.figure("training", figure, "Training cost, and errors on the validation images.")
    digit = validation.x[:1]
    with no_grad():
        maps = net.maps(digit).data[0]
    experiment.figure(
        "filters", filters(before, net.weights[0].data, digit[0], maps),
        "The filters of the first layer before and after training (blue is negative, red positive, on the same scale),"
        " and the maps that the trained ones make of the digit on the left.",
    )  # fmt: skip


def filters(before, after, digit, maps):
    """Draw a column for each map: its filter before and after training, and its activations."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    grid = figure.subplots(3, len(maps) + 1)
    largest = max(np.max(np.abs(before)), np.max(np.abs(after)))
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    for axes, text in zip(grid[:2, 0], ("before", "after"), strict=True):
        axes.axis("off")
        axes.text(1, 0.5, f"filters\n{text}\ntraining", ha="right", va="center", transform=axes.transAxes)
    grid[2, 0].imshow(digit, cmap="gray")
    for number, column in enumerate(grid[:, 1:].T):
        for axes, w in zip(column, (before, after), strict=False):
            axes.imshow(w[number, 0], cmap="RdBu_r", vmin=-largest, vmax=largest)
        column[2].imshow(maps[number], cmap="gray", vmin=0, vmax=np.max(maps))
        column[0].set_title(f"map {number + 1}", fontsize=10)
    return figure


if __name__ == "__main__":
    run(main)
