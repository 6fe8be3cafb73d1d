"""13. Loops.

The networks so far looked at a digit all at once. This one reads it as we read a page: one row of 28 pixels after the
other, with a state h that it carries along.

    h_t = tanh(u x_t + w h_(t-1) + b),  for t = 1 to 28,    and in the end    a = softmax(v h_28 + c)

In the equation there is a loop: h depends on h. In what is computed there is none. Unrolled, the loop is a network of
28 hidden layers, each fed with its row and with the layer below, and the deep networks of the example before have shown
how an error travels down through those. The only new thing is that all the layers have the same weights. To this the
chain rule has the answer that it always had: the gradient of what is used several times is the sum over the uses. So
dC/dw = sum_t delta_t h_(t-1)^T, a BP4 for each step, added up. As a method this has a name, backpropagation through
time. As a program it needs none: the network below is a `for` loop over NumPy expressions, and `backward()` is the one
that we had. `nn.equations.backprop_through_time` is the derivation by hand, and the first row of the table says how far
the two are apart.

Interior nodes keep their gradients, so that one can watch the error on its way back through time. Each step multiplies
it by w^T and by the slope of tanh, which is at most 1. With an orthogonal w the first factor leaves its length alone.
With all weights half as large, each step at least halves it, and hardly anything arrives at the first rows; with
weights one and a half times as large it can grow from step to step. (The first rows of most images are empty. There h
is still 0 and the slope exactly 1, so that the factor of w shows undiluted at the left end of the figure.) This is the
vanishing gradient of deep networks, with its opposite, the exploding one, and how w starts decides between them.

The training starts from an orthogonal w. That is a start and no more: as w changes, a gradient may still become so
large that one step throws the weights far away. Therefore a gradient longer than 1 is scaled down to the length 1. The
learning rate is the one of three that does best on the validation images after a short training, and a row of the table
shows what the same rate does without that limit. The test images are looked at once, at the very end. Here weights are
shared in time. The next example shares them in space.
"""

import numpy as np

import nn
from autograd import Tensor, no_grad
from nn import Module, load_digits, one_hot
from nn.costs import softmax_log_likelihood
from nn.equations import backprop_through_time
from nn.proof.numbers import relative_difference
from reproduce import Experiment, run, training_curve

STEPS, HIDDEN, BATCH, MOMENTUM, LONGEST = 28, 128, 50, 0.9, 1.0
ETAS = (0.01, 0.03, 0.1)
SCALES = {0.5: "#56B4E9", 1.0: "#0072B2", 1.5: "#D55E00"}  # of the orthogonal w at the start, and a colour


class Recurrent(Module):
    """h_t = tanh(u x_t + w h_(t-1) + b), and a softmax of v h_T + c. w starts as `scale` times an orthogonal matrix."""

    def __init__(self, n_in, n_h, n_out, rng, scale=1.0, dtype=np.float32):
        orthogonal, _ = np.linalg.qr(rng.standard_normal((n_h, n_h)))
        self.u = Tensor((rng.standard_normal((n_h, n_in)) / np.sqrt(n_in)).astype(dtype), name="u")
        self.w = Tensor((scale * orthogonal).astype(dtype), name="w")
        self.b = Tensor(np.zeros(n_h, dtype), name="b")
        self.v = Tensor((rng.standard_normal((n_out, n_h)) / np.sqrt(n_h)).astype(dtype), name="v")
        self.c = Tensor(np.zeros(n_out, dtype), name="c")

    def states(self, x):
        """Compute h_1 to h_T, each of shape (n, n_h), for sequences x of shape (n, T, n_in)."""
        h = [np.zeros((x.shape[0], self.b.size), self.b.dtype)]
        for t in range(x.shape[1]):
            h.append(np.tanh(x[:, t] @ self.u.T + h[t] @ self.w.T + self.b))
        return h[1:]

    def weighted_input(self, h):
        return h @ self.v.T + self.c

    def __call__(self, x):
        return self.weighted_input(self.states(x)[-1])

    def accuracy(self, x, labels):
        """Measure the accuracy in percent."""
        with no_grad():
            z = self(x).data
        return 100 * np.mean(np.argmax(z, axis=1) == labels)


def train(net, training, validation, eta, epochs, rng, longest=LONGEST):
    """Train by SGD with momentum, with eta falling linearly to zero. Return cost and validation accuracy by epoch."""
    accuracies = []
    history = nn.train(
        net, softmax_log_likelihood, (training.x, one_hot(training.y, dtype=np.float32)), epochs, BATCH, eta,
        momentum=MOMENTUM, schedule=lambda step, steps: 1 - step / steps, longest=longest, rng=rng,
        compiled=True,  # the loop is traced once, and then replayed as a straight line of 28 steps
        report=lambda epoch: accuracies.append(net.accuracy(validation.x, validation.y)),
    )  # fmt: skip
    return [epoch.cost for epoch in history], accuracies


def gradient_by_step(net, x, y):
    """Average the length of an example's dC/dh_t, for each t, from the gradients that the interior nodes keep."""
    h = net.states(x)
    softmax_log_likelihood(net.weighted_input(h[-1]), y).backward()
    for parameter in net.parameters():
        parameter.grad = None
    return [float(np.mean(np.linalg.norm(len(x) * state.grad, axis=1))) for state in h]


def compare(net, x, y):
    """Measure the largest relative difference between engine and hand, in the parameters and in all dC/dh_t, in
    float64."""
    parameters = net.parameters()
    h = net.states(x)
    softmax_log_likelihood(net.weighted_input(h[-1]), y).backward()
    nabla, nabla_h = backprop_through_time(*[p.data for p in parameters], x, y)
    ours = [p.grad for p in parameters] + [state.grad for state in h]
    return max(relative_difference(one, other) for one, other in zip(ours, [*nabla, *nabla_h], strict=True))


def main(experiment: Experiment) -> None:
    sets = [type(part)(part.x.reshape(-1, STEPS, 28), part.y) for part in load_digits(dtype=np.float32)]
    trial, epochs, etas = 2, 20, ETAS
    if experiment.quick:
        sets = [type(part)(part.x[:1000], part.y[:1000]) for part in sets]
        trial, epochs, etas = 1, 2, ETAS[:2]
    training, validation, test = sets
    some = training.x[:200], one_hot(training.y[:200])

    net = Recurrent(28, HIDDEN, 10, np.random.default_rng(0), dtype=np.float64)
    apart = compare(net, some[0].astype(np.float64), some[1])
    experiment.row(
        "Backpropagation through time: engine against hand", seed=0,
        setting=f"28-{HIDDEN}-10, 28 steps, 200 digits, float64; the 5 parameters and dC/dh_t of all steps",
        ours=f"largest relative difference {apart:.1e}",
        difference="Equal to 1e-12." if apart <= 1e-12 else "NOT equal to 1e-12, which was to be shown.",
    )  # fmt: skip

    # How far the error gets back through time before any training, by the size of w.
    by_step = {}
    for scale in SCALES:
        net = Recurrent(28, HIDDEN, 10, np.random.default_rng(0), scale)
        by_step[scale] = gradient_by_step(net, some[0], some[1].astype(np.float32))
    experiment.row(
        "Length of dC/dh_1 over that of dC/dh_28, before training", seed=0,
        setting="w an orthogonal matrix, times 0.5, 1 and 1.5; mean over 200 digits",
        ours=", ".join(f"{scale:g} w: {lengths[0] / lengths[-1]:.2g}" for scale, lengths in by_step.items()),
        difference="The error that the last state gets arrives at the first so much smaller, or larger.",
    )  # fmt: skip

    def try_out(eta, longest=LONGEST):
        rng = np.random.default_rng(0)
        _, accuracies = train(Recurrent(28, HIDDEN, 10, rng), training, validation, eta, trial, rng, longest)
        return accuracies[-1]

    tried = {eta: try_out(eta) for eta in etas}
    eta = max(tried, key=tried.get)
    experiment.row(
        "The choice of eta", setting=f"{trial} epochs each, on the validation images", seed=0,
        ours=", ".join(f"eta {e}: {accuracy:.2f} %" for e, accuracy in tried.items()),
        difference=f"The training below takes eta = {eta}.",
    )  # fmt: skip
    unlimited = try_out(eta, longest=np.inf)
    experiment.row(
        "Without a limit on the length of the gradient", setting=f"the same with eta {eta}", seed=0,
        ours=f"{unlimited:.2f} %", difference=f"{unlimited - tried[eta]:+.2f} points from that with the limit.",
    )  # fmt: skip

    rng = np.random.default_rng(1)
    net = Recurrent(28, HIDDEN, 10, rng)
    costs, accuracies = train(net, training, validation, eta, epochs, rng)
    on_test = net.accuracy(test.x, test.y)
    experiment.row(
        f"28-{HIDDEN}-10, row by row, on the test images", seed=1,
        setting=f"{epochs} epochs, mini-batch {BATCH}, eta {eta} falling to 0, momentum {MOMENTUM}, gradient no"
        f" longer than {LONGEST:g}, float32",
        ours=f"{on_test:.2f} %",
        difference=f"Validation {accuracies[-1]:.2f} %.",
    )  # fmt: skip
    trained = gradient_by_step(net, some[0], some[1].astype(np.float32))

    figure = training_curve(costs, accuracies, "accuracy on the validation images in %")
    figure.axes[0].set_ylim(bottom=0)
    experiment.figure("training", figure, "Cost and accuracy by epoch.")
    experiment.figure(
        "gradient", gradient_figure(by_step, trained),
        "How long the error dC/dh_t of an example is at each time step, the row of the image that is read at step t. It"
        " starts at the right, after the last row, and is passed on to the left.",
    )  # fmt: skip


def gradient_figure(by_step, trained):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(1, len(trained) + 1)
    for scale, lengths in by_step.items():
        axes.plot(steps, lengths, color=SCALES[scale], label=f"before training, w = {scale:g} × orthogonal")
    axes.plot(steps, trained, "--", color="black", label="after training from 1 × orthogonal")
    axes.set(xlabel="time step t (row of the image)", ylabel="mean length of dC/dh$_t$", yscale="log")
    axes.annotate("the way of the error", (0.6, 0.93), (0.97, 0.93), xycoords="axes fraction", ha="right", va="center",
                  arrowprops={"arrowstyle": "->"}, fontsize=9)  # fmt: skip
    axes.legend(fontsize=9)
    axes.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    run(main)
