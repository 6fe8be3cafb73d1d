"""Comparisons as operations, 1 where they hold and 0 elsewhere. Tensors use them only while a rule is being read off
(`recording.tracing`); otherwise a comparison of Tensors is a plain array of truth values, and a constant.
"""

from typing import Any

import numpy as np

from autograd.tensor import Op


def _mask(compare: Any, template: str) -> Op:
    def forward(a: Any, b: Any, out: Any = None) -> Any:
        return compare(a, b).astype(np.result_type(a, b)) if out is None else compare(a, b, out=out)

    return Op(
        forward,
        template,
        lambda g, y, a, b: g * 0,
        lambda g, y, a, b: g * 0,
        name=compare.__name__,
    )


# fmt: off
less          = _mask(np.less,          "a < b")
less_equal    = _mask(np.less_equal,    "a <= b")
greater       = _mask(np.greater,       "a > b")
greater_equal = _mask(np.greater_equal, "a >= b")
equal         = _mask(np.equal,         "a == b")
not_equal     = _mask(np.not_equal,     "a != b")
logical_and   = _mask(np.logical_and,   "a & b")
logical_or    = _mask(np.logical_or,    "a | b")
# fmt: on
