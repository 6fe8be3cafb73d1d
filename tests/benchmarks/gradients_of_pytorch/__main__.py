"""Are the gradients of PyTorch right? Its layers and losses, judged against the functions of the benchmark beside.

    python tests/benchmarks/gradients_of_pytorch

Each function of wrong_gradients that PyTorch has layers for is written with them. Its gradient is that of PyTorch's own
backward passes, and is judged against the derivation of the same function in NumPy. PyTorch has to be installed.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmark of wrong gradients
sys.path.insert(0, str(Path(__file__).parents[3]))  # and the autograd that it stands beside

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody has it
from wrong_gradients import CASES
from wrong_gradients.embedding import WORDS

from autograd import GradientError
from autograd.testing import assert_gradient


def mlp(inner, outer):
    """A perceptron of any number of layers: w1, b1, w2, b2, …, x, y."""

    def f(*args):
        *parameters, a, y = args
        layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        for w, b in layers[:-1]:
            a = inner(F.linear(a, w, b))
        return outer(F.linear(a, *layers[-1]), y)

    return f


def entropy(z, y):
    return F.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)


def squares(z, y):
    return F.mse_loss(z, y, reduction="sum") / (2 * len(y))


def weight_decay(w1, b1, w2, b2, x, y):
    return mlp(torch.sigmoid, entropy)(w1, b1, w2, b2, x, y) + 0.05 * ((w1**2).sum() + (w2**2).sum())


def lstm_cell(w, b, x, c, y):
    i, o, r, g = torch.chunk(F.linear(x, w, b), 4)
    new = torch.sigmoid(r) * c + torch.sigmoid(i) * torch.tanh(g)
    return ((torch.sigmoid(o) * torch.tanh(new) - y) ** 2).sum() / 2


def recurrent(w, u, b, x, y):
    cell = torch.nn.RNN(3, 3, dtype=torch.float64)
    named = {"weight_hh_l0": w, "weight_ih_l0": u, "bias_hh_l0": b, "bias_ih_l0": torch.zeros(3, dtype=torch.float64)}
    states, _ = torch.func.functional_call(cell, named, (x,))
    return F.mse_loss(states[-1], y, reduction="sum") / 2


def convolution(k, b, x, y):
    return ((F.relu(F.conv2d(x[None, None], k[None, None], b[None])[0, 0]) - y) ** 2).sum() / 2


def cholesky(s, m, y):
    normal = torch.distributions.MultivariateNormal(m, (s + s.T) / 2)
    return -normal.log_prob(y) - 1.5 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64))


def gaussian(w, v, x, y):
    return F.gaussian_nll_loss(x @ w, y, torch.exp(2 * x @ v), eps=1e-300)


def triplet(w, anchor, like, unlike):
    near, far = ((F.linear(anchor - other, w) ** 2).sum(1) for other in (like, unlike))
    return F.margin_ranking_loss(far, near, torch.ones(len(near)), margin=1.0)


IN_PYTORCH = {
    "attention": lambda q, k, v, y: ((F.scaled_dot_product_attention(q, k, v) - y) ** 2).sum() / 2,
    "batch_normalisation": lambda x, gamma, beta, g: (
        g * F.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-2)
    ).sum(),
    "cholesky": cholesky,
    "convolution": convolution,
    "cosine_similarity": lambda u, v: F.cosine_similarity(u, v, dim=0),
    "embedding": lambda table, w, y: F.mse_loss(F.embedding(torch.tensor(WORDS), table) @ w, y),
    "gaussian_log_likelihood": gaussian,
    "hinge_loss": lambda w, b, x, y, strength: (
        F.hinge_embedding_loss(y * (x @ w + b), -torch.ones(len(y)), margin=1.0) + strength * (w**2).sum() / 2
    ),
    "huber_loss": lambda w, x, y: F.huber_loss(x @ w, y, reduction="sum"),
    "layer_normalisation": lambda x, gamma, beta, y: (
        F.mse_loss(F.layer_norm(x, x.shape[1:], gamma, beta, eps=1e-2), y, reduction="sum") / 2
    ),
    "least_squares": lambda w, b, x, y: F.mse_loss(x @ w + b, y) / 2,
    "linear_solve": lambda a, b, y: F.mse_loss(torch.linalg.solve(a, b), y, reduction="sum") / 2,
    "logistic_regression": lambda w, b, x, y: F.binary_cross_entropy_with_logits(x @ w + b, y),
    "lstm_cell": lstm_cell,
    "max_pooling": lambda x, y: F.mse_loss(F.max_pool2d(x[None], 2)[0], y, reduction="sum") / 2,
    "mean_pooling": lambda w, x, y: F.mse_loss(torch.tanh(w * F.avg_pool1d(x[None], 3)[0]), y, reduction="sum") / 2,
    "mlp_cross_entropy": mlp(torch.tanh, entropy),
    "mlp_log_likelihood": mlp(F.relu, F.cross_entropy),
    "mlp_quadratic": mlp(torch.sigmoid, lambda z, y: squares(torch.sigmoid(z), y)),
    "mlp_relu_deep": mlp(F.relu, squares),
    "mlp_tanh_quadratic": mlp(torch.tanh, squares),
    "mlp_weight_decay": weight_decay,
    "poisson_regression": lambda w, b, x, y: F.poisson_nll_loss(x @ w + b, y),
    "recurrent": recurrent,
    "softmax_regression": lambda w, b, x, y: F.cross_entropy(F.linear(x, w, b), y),
    "softplus_regression": lambda w, b, x, y: F.mse_loss(F.softplus(x @ w + b, threshold=1e9), y),
    "triplet_loss": triplet,
}


def gradient_of(f):
    """The gradients by what requires them, as PyTorch computes them."""

    def gradient(*args):
        wanted = [x for x in args if isinstance(x, torch.Tensor) and x.requires_grad]
        return torch.autograd.grad(f(*args), wanted)

    return gradient


def main():
    print(f"PyTorch {torch.__version__}")
    refused = 0
    for case in CASES:
        if case.name not in IN_PYTORCH:
            continue
        start = time.perf_counter()
        said = "right"
        try:
            for seed in (0, 1):
                gradient = gradient_of(IN_PYTORCH[case.name])
                assert_gradient(gradient, case.f, *case.example(seed), seed=seed, against="torch")
        except GradientError as error:
            refused += 1
            said = f"refused\n{error}\n"
        print(f"{case.name:26} {time.perf_counter() - start:6.2f} s  {said}", flush=True)
    print(f"{len(IN_PYTORCH) - refused} of {len(IN_PYTORCH)} are right")
    return bool(refused)


if __name__ == "__main__":
    sys.exit(main())
