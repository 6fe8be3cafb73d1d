"""What may enter a graph as data, what leaves it as a gradient, and what messages call it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import float64, ndarray

from autograd.vocabulary import Vocabulary

NUMBERS = frozenset({ndarray, float, int, float64, np.float32})  # operands that need no second look


def float_data(data: Any, where: str) -> Any:
    """`data` as a node holds it: floats as they are, integers and booleans as float64, 0-d arrays as scalars, whose
    arithmetic is many times faster. Raises TypeError for everything else, naming `where` it was found."""
    kind = data.dtype.kind if isinstance(data, (ndarray, np.generic)) else type(data).__name__
    if kind in "iub":
        data = data.astype(float64)
    elif kind != "f":
        raise TypeError(f"{where}: a Tensor holds real numbers, not {getattr(data, 'dtype', kind)} data")
    return data if data.ndim else data[()]


def array_of(data: Any, where: str) -> Any:
    """A copy of the data as an array; raises TypeError for a masked array, whose mask would be lost."""
    if hasattr(data, "mask"):
        raise TypeError(f"{where}: the mask of a masked array would be lost; fill it first: data.filled(0.0)")
    return np.array(data)


def constant(operand: Any, where: str) -> Any:
    """A constant operand as NumPy reads it; raises TypeError for what is not real numbers."""
    value = operand if isinstance(operand, np.generic) else array_of(operand, where)
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{where}: the operand {operand!r:.60} ({type(operand).__name__}) is not made of real numbers")
    return value


def bind(op: Any, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs and the parameters by name; raises TypeError for parameters that `op` does not have."""
    inputs, by_position = args[: op.arity], args[op.arity :]
    if len(by_position) > len(op.params):
        raise TypeError(f"{op.name} takes at most {op.arity + len(op.params)} arguments, not {len(args)}")
    params = dict(zip(op.params, by_position, strict=False), **params)
    unknown = ", ".join(params.keys() - set(op.params))
    if unknown:
        raise TypeError(
            f"{op.name}: {unknown} is not a parameter that Tensors support (they support"
            f" {', '.join(op.params) or 'none'}); leave it out, or use t.data for a value off the graph"
        )
    return inputs, params


def seed_of(output: Any, seed: Any) -> Any:
    """The gradient to start from: `seed` with the shape and dtype of `output`, by default 1 for one element."""
    if seed is None:
        if isinstance(output.data, np.generic):
            return output.data.dtype.type(1)
        if output.size != 1:
            raise ValueError(
                f"the gradient of a Tensor of shape {output.shape} needs a seed of that shape, the gradient arriving"
                " from outside; for the gradient of the sum of its elements, take .sum() first"
            )
        return np.ones_like(output.data)
    if not isinstance(seed, Vocabulary):
        seed = float_data(array_of(seed, "seed"), "seed").astype(output.dtype)[()]
    if seed.shape != output.shape:
        raise ValueError(f"the seed has shape {seed.shape} and the Tensor {output.shape}: they have to be the same")
    return seed


def memory(array: Any) -> int:
    """What says whether two arrays share their memory: the identity of the array that owns it."""
    return id(array if array.base is None else array.base)


def owned(g: Any, taken: set[int]) -> Any:
    """The gradient `g`, or a copy where its memory is taken or not to be written into; takes that memory."""
    if memory(g) in taken or not g.flags.writeable:
        return g.copy()
    taken.add(memory(g))
    return g


def describe(operand: Any) -> str:
    """`Tensor 'w1' of shape (30, 784)`, `array of shape (10,)`, `2.0`."""
    if isinstance(operand, Vocabulary):
        node: Any = operand
        name = f" {node.name!r}" if node.name else f" made by {node.op.name}" if node.op else ""
        return f"Tensor{name} of shape {node.shape}"
    return f"array of shape {operand.shape}" if isinstance(operand, ndarray) else f"{operand!r:.60}"


def explained(error: Exception, call: str, inputs: tuple[Any, ...]) -> Exception:
    """The same kind of error, naming the operation and its operands."""
    kind = next((kind for kind in (TypeError, IndexError, ValueError) if isinstance(error, kind)), RuntimeError)
    return kind(f"{call}({', '.join(map(describe, inputs))}): {error}")
