"""The cosine of the angle between two vectors."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(u, v):
    return np.sum(u * v) / (np.sqrt(np.sum(u**2)) * np.sqrt(np.sum(v**2)))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=4)), Tensor(rng.normal(size=4))


def vectorised(u, v):
    nu, nv = np.linalg.norm(u), np.linalg.norm(v)
    cos = u @ v / (nu * nv)
    du = v / (nu * nv) - cos * u / nu**2
    dv = u / (nu * nv) - cos * v / nv**2
    return du, dv


def differently(u, v):
    """With the projection away from the unit vector."""
    nu, nv = np.sqrt(sum(u * u)), np.sqrt(sum(v * v))
    a, b = u / nu, v / nv
    du = (np.eye(4) - np.outer(a, a)) @ b / nu
    dv = (np.eye(4) - np.outer(b, b)) @ a / nv
    return du, dv


WRONG = [
    Wrong("the length is taken for a constant", {" - cos * u / nu**2": ""}, "du", "missing", "u"),
    Wrong("the sign of the second term", {"- cos * u": "+ cos * u"}, "du | dt1", "sign"),
    Wrong("the length is not squared", {"u / nu**2": "u / nu"}, "du | dt1 | dt1", "factor | missing"),
    Wrong("the cosine is forgotten", {"- cos * v": "- v"}, "dv | dt2 | dt5", "missing", "C"),
    Wrong("the lengths are forgotten", {"du = v / (nu * nv)": "du = v"}, "du", "missing", "t3 | t5"),
    Wrong("only one length", {"dv = u / (nu * nv)": "dv = u / nu"}, "dv", "missing | instead"),
    Wrong("the length of the other", {"v / nv**2": "v / nu**2"}, "dv | dt2", "instead"),
    Wrong("u for v", {"du = v / (nu": "du = u / (nu"}, "du", "instead", "v"),
    Wrong("v for u in the second term", {"cos * u / nu**2": "cos * v / nu**2"}, "du", "instead", "u"),
    Wrong("du and dv swapped", {"return du, dv": "return dv, du"}, "du | dv", says="swapped | another order"),
    Wrong("a factor 2 is left", {"- cos * u / nu**2": "- 2 * cos * u / nu**2"}, "du | dt1 | dt1", "factor | missing"),
    Wrong(
        "the projection is forgotten",
        {"(np.eye(4) - np.outer(a, a)) @ b": "b"},
        "du",
        "missing",
        "u",
        style="differently",
    ),
    Wrong("not divided by the length", {"@ b / nu": "@ b"}, "du", "missing | factor", style="differently"),
    Wrong(
        "the projection of the wrong vector", {"np.outer(b, b)": "np.outer(a, a)"}, "dv", "instead", style="differently"
    ),
    Wrong(
        "the sign of the projection", {"- np.outer(a, a)": "+ np.outer(a, a)"}, "du | dt1", "sign", style="differently"
    ),
]
