"""The solution of a linear system, with a quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(a, b, y):
    x = np.linalg.solve(a, b)
    return np.sum((x - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=(3, 3)) + 3 * np.eye(3)), Tensor(rng.normal(size=3)), rng.normal(size=3)


def vectorised(a, b, y):
    x = np.linalg.solve(a, b)
    db = np.linalg.solve(a.T, x - y)
    da = -np.outer(db, x)
    return da, db


def differently(a, b, y):
    inverse = np.linalg.inv(a)
    error = inverse @ b - y
    dinverse = np.outer(error, b)
    return -inverse.T @ dinverse @ inverse.T, error @ inverse


NAMES = {"u1": "b", "u2": "x", "u3": "error"}
WRONG = [
    Wrong(
        "the transpose is forgotten",
        {"np.linalg.solve(a.T, x - y)": "np.linalg.solve(a, x - y)"},
        "db | da | dx",
        "transposed",
        "a",
    ),
    Wrong("the sign of da", {"da = -np": "da = np"}, "da", "sign", "solve | db"),
    Wrong("outer product the other way round", {"np.outer(db, x)": "np.outer(x, db)"}, "da", "transposed | order"),
    Wrong("target minus output", {"x - y": "y - x"}, "dx | da | db | x", "sign", "-y | error"),
    Wrong("b for x", {"np.outer(db, x)": "np.outer(db, b)"}, "da", "instead"),
    Wrong("y for x", {"np.outer(db, x)": "np.outer(db, y)"}, "da", "instead"),
    Wrong("the error for the solved error", {"-np.outer(db, x)": "-np.outer(x - y, x)"}, "da", "missing | instead"),
    Wrong(
        "multiplied instead of solved",
        {"np.linalg.solve(a.T, x - y)": "a.T @ (x - y)"},
        "db | da | dx",
        "instead | factor",
    ),
    Wrong("the target is forgotten", {"x - y": "x"}, "db | da | dx | error", "missing", "y"),
    Wrong(
        "a factor 2", {"db = np": "db = 2 * np", "da = -np.outer(db, x)": "da = -np.outer(db, x) / 2"}, "db", "factor"
    ),
    Wrong(
        "in-place aliasing",
        {"db = np.linalg.solve(a.T, x - y)": "x -= y; db = np.linalg.solve(a.T, x)"},
        "da",
        "instead | added",
    ),
    Wrong(
        "the second inverse is not transposed",
        {"@ dinverse @ inverse.T": "@ dinverse @ inverse"},
        "da",
        "transposed",
        style="differently",
    ),
    Wrong(
        "the first inverse is not transposed", {"-inverse.T @": "-inverse @"}, "da", "transposed", style="differently"
    ),
    Wrong(
        "the inverse is multiplied from the wrong side",
        {"error @ inverse": "inverse @ error"},
        "db",
        "transposed",
        style="differently",
    ),
    Wrong("the second inverse is forgotten", {" @ inverse.T, ": ", "}, "da", "missing | instead", style="differently"),
]
