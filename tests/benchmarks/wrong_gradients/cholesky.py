"""The negative log-likelihood of a Gaussian with a full covariance, through its Cholesky factor."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(s, m, y):
    lower = np.linalg.cholesky((s + s.T) / 2)  # which NumPy reads one triangle of
    r = np.linalg.solve(lower, y - m)
    return np.sum(r**2) / 2 + np.sum(np.log(np.diag(lower)))


def example(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(3, 3))
    return Tensor(a @ a.T + np.eye(3)), Tensor(rng.normal(size=3)), rng.normal(size=3)


def vectorised(s, m, y):
    inverse = np.linalg.inv(s)
    r = inverse @ (y - m)
    ds = (inverse - np.outer(r, r)) / 2
    dm = -r
    return ds, dm


def differently(s, m, y):
    lower = np.linalg.cholesky(s)
    li = np.linalg.inv(lower)
    ds = 0.5 * li.T @ li
    r = np.zeros(len(m))
    for i in range(len(m)):
        for j in range(len(m)):
            r[i] += (li.T @ li)[i, j] * (y[j] - m[j])
    for i in range(len(m)):
        for j in range(len(m)):
            ds[i, j] -= 0.5 * r[i] * r[j]
    return ds, -r


NAMES = {"u2": "l", "u3": "e", "u4": "half_r", "u5": "inner", "u7": "triangle"}
WRONG = [
    Wrong("the sign of the quadratic part", {"(inverse - np": "(inverse + np"}, "ds | inner", "sign"),
    Wrong(
        "the half is forgotten",
        {"(inverse - np.outer(r, r)) / 2": "inverse - np.outer(r, r)"},
        "ds | triangle",
        "factor | missing",
    ),
    Wrong(
        "the log's part is forgotten",
        {"(inverse - np.outer(r, r))": "(-np.outer(r, r))"},
        "ds | triangle | inner",
        "missing",
        "1/",
    ),
    Wrong("the quadratic part is forgotten", {"(inverse - np.outer(r, r))": "inverse"}, "ds | inner", "missing"),
    Wrong("the inverse is forgotten", {"(inverse - np": "(s - np"}, "ds", "missing | instead"),
    Wrong("the sign of dm", {"dm = -r": "dm = r"}, "dm", "sign"),
    Wrong("the residual is not solved", {"r = inverse @ (y - m)": "r = y - m"}, "ds | dm | r", "missing | instead"),
    Wrong(
        "solved by the factor only",
        {"r = inverse @ (y - m)": "r = np.linalg.solve(np.linalg.cholesky(s), y - m)"},
        "dm | ds",
        "missing",
    ),
    Wrong("mean minus data", {"(y - m)": "(m - y)"}, "dm | r", "sign"),
    Wrong("the mean is forgotten", {"(y - m)": "y"}, "dm | r | ds | e", "missing", "m"),
    Wrong("a factor 2 in dm", {"dm = -r": "dm = -2 * r"}, "dm", "factor"),
    Wrong("the log determinant twice", {"ds = 0.5 * li": "ds = li"}, "ds | inner", "factor", style="differently"),
    Wrong(
        "the factor's transpose on the wrong side",
        {"0.5 * li.T @ li": "0.5 * li @ li.T"},
        "ds",
        "transposed | order",
        style="differently",
    ),
    Wrong("only the lower triangle", {"return ds, -r": "return np.tril(ds), -r"}, "ds", "missing", style="differently"),
    Wrong("only the last term of the sum", {"r[i] += (": "r[i] = ("}, "dm | r | ds", "sum", style="differently"),
]
