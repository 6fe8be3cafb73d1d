"""An anchor is nearer to what is like it than to what is not, by a margin, after a linear map."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, anchor, like, unlike):
    near = np.sum((anchor @ w.T - like @ w.T) ** 2, axis=1)
    far = np.sum((anchor @ w.T - unlike @ w.T) ** 2, axis=1)
    return np.mean(np.maximum(0, near - far + 1))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=(3, 3)) / 2), *(rng.normal(size=(20, 3)) for _ in range(3))


def vectorised(w, anchor, like, unlike):
    p, q = anchor - like, anchor - unlike
    near, far = np.sum((p @ w.T) ** 2, axis=1), np.sum((q @ w.T) ** 2, axis=1)
    active = (near - far + 1 > 0) / len(anchor)
    dnear = 2 * active[:, None] * (p @ w.T)
    dfar = -2 * active[:, None] * (q @ w.T)
    return dnear.T @ p + dfar.T @ q


def differently(w, anchor, like, unlike):
    dw = np.zeros(w.shape)
    n = len(anchor)
    for a, b, c in zip(anchor, like, unlike):
        near, far = w @ (a - b), w @ (a - c)
        if near @ near - far @ far + 1 > 0:
            dw += 2 * np.outer(near, a - b) / n
            dw -= 2 * np.outer(far, a - c) / n
    return dw


NAMES = {"u1": "anchor_w", "u2": "p", "u3": "q", "u4": "loss"}
WRONG = [
    Wrong("the sign of the far part", {"dfar = -2": "dfar = 2"}, "dq | dw", "sign", "*q | -d"),
    Wrong("the sign of the near part", {"dnear = 2": "dnear = -2"}, "dp | dw", "sign", "*p | dp.T"),
    Wrong("the far part is forgotten", {" + dfar.T @ q": ""}, "dw | dq", "missing"),
    Wrong("the near part is forgotten", {"dnear.T @ p + ": ""}, "dw | dp", "missing"),
    Wrong("the square's 2 is forgotten", {"dnear = 2 * ": "dnear = "}, "dp", "factor"),
    Wrong(
        "the mean is forgotten",
        {"(near - far + 1 > 0) / len(anchor)": "(near - far + 1 > 0)"},
        "dp | dq | dw | dloss",
        "factor",
    ),
    Wrong("every triplet counts", {"(near - far + 1 > 0)": "(near - far + 1 > -np.inf)"}, "dp | dq | dloss", "missing"),
    Wrong("the margin is forgotten", {"(near - far + 1 > 0)": "(near - far > 0)"}, "loss", "missing", "1"),
    Wrong(
        "the wrong side of the margin",
        {"(near - far + 1 > 0)": "(near - far + 1 < 0)"},
        "dp | dq | loss | dloss",
        "order | instead | sign",
    ),
    Wrong("far minus near", {"(near - far + 1 > 0)": "(far - near + 1 > 0)"}, "loss", "sign"),
    Wrong("outer product the other way round", {"dnear.T @ p": "p.T @ dnear"}, "dw", "transposed | order"),
    Wrong("the anchor for the difference", {"dnear.T @ p": "dnear.T @ anchor"}, "dw", "missing", "like"),
    Wrong("p for q", {"dfar.T @ q": "dfar.T @ p"}, "dw", "instead"),
    Wrong("only the last triplet counts", {"dw += 2": "dw = 2"}, "dw", "sum", style="differently"),
    Wrong("both parts are added", {"dw -= 2": "dw += 2"}, "dq | dw", "sign", "*q | dq.T", style="differently"),
    Wrong(
        "the map is forgotten",
        {"np.outer(near, a - b)": "np.outer(a - b, a - b)"},
        "dp | dw",
        "missing",
        "w",
        style="differently",
    ),
]
