"""Ratings as products of users and films, of those ratings that are known, with a penalty."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(u, v, ratings, known):
    return np.sum(known * (u @ v.T - ratings) ** 2) / 2 + 0.1 * (np.sum(u**2) + np.sum(v**2))


def example(seed=0):
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=(4, 2)), rng.normal(size=(5, 2))
    return Tensor(u), Tensor(v), rng.normal(size=(4, 5)), rng.integers(0, 2, (4, 5)) * 1.0


def vectorised(u, v, ratings, known):
    error = known * (u @ v.T - ratings)
    du = error @ v + 0.2 * u
    dv = error.T @ u + 0.2 * v
    return du, dv


def differently(u, v, ratings, known):
    du, dv = 0.2 * u, 0.2 * v
    for i in range(4):
        for j in range(5):
            if known[i, j]:
                e = u[i] @ v[j] - ratings[i, j]
                du[i] += e * v[j]
                dv[j] += e * u[i]
    return du, dv


NAMES = {"t1": "residual"}
WRONG = [
    Wrong("unknown ratings count", {"error = known * (": "error = ("}, "du | dv | dresidual", "missing", "known"),
    Wrong("rating minus product", {"(u @ v.T - ratings)": "(ratings - u @ v.T)"}, "du | dv | dresidual", "sign"),
    Wrong(
        "the transpose is forgotten by taking the other's shape",
        {"error.T @ u": "error.T @ u[::-1]"},
        "dv",
        "instead | order",
    ),
    Wrong("the penalty is forgotten for the users", {"error @ v + 0.2 * u": "error @ v"}, "du", "missing", "u"),
    Wrong("the penalty's 2 is forgotten", {"0.2 * v": "0.1 * v"}, "dv", "factor", "1/5"),
    Wrong("the sign of the penalty", {"+ 0.2 * u": "- 0.2 * u"}, "du", "sign", "u"),
    Wrong("the square's 2 is kept", {"error @ v": "2 * error @ v"}, "du", "factor"),
    Wrong(
        "the ratings are forgotten", {"(u @ v.T - ratings)": "(u @ v.T)"}, "du | dv | residual", "missing", "ratings"
    ),
    Wrong(
        "only the unknown count", {"known * (u": "(1 - known) * (u"}, "du | dv | dresidual", "instead | added", "known"
    ),
    Wrong("the mean of the known", {"error @ v": "error @ v / known.sum()"}, "du", "factor"),
    Wrong("the mean in both", {"(u @ v.T - ratings)": "(u @ v.T - ratings) / known.sum()"}, "du | dv", "factor"),
    Wrong("swapped", {"return du, dv": "return dv, du"}, says="swapped | another order"),
    Wrong(
        "in-place aliasing: v sees the new u",
        {"dv = error.T @ u": "u = u - du; dv = error.T @ u"},
        "dv",
        "instead",
        "u",
    ),
    Wrong(
        "the penalty is left out of both",
        {"du, dv = 0.2 * u, 0.2 * v": "du, dv = 0 * u, 0 * v"},
        "du | dv",
        "missing",
        "u | v",
        style="differently",
    ),
    Wrong("only the last rating counts", {"du[i] += e": "du[i] = e"}, "du", "sum", style="differently"),
    Wrong(
        "the error is forgotten",
        {"dv[j] += e * u[i]": "dv[j] += u[i]"},
        "dv",
        "missing | instead",
        "u*v.T | ratings | dresidual",
        style="differently",
    ),
]
