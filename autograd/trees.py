"""Takes lists, tuples and dicts of arguments apart into leaves, and puts them together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """List the leaves of nested lists, tuples and dicts, in order.

    >>> leaves({"w": [1, 2], "b": (3,)})
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, (list, tuple)) else [tree]


def tree_map(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply `f` to each leaf, together with the leaves at the same place in `others`, and return the same tree of
    results.

    >>> tree_map(lambda a, b: a + b, {"w": [1, 2]}, {"w": [10, 20]})
    {'w': [11, 22]}
    """
    if isinstance(tree, dict):
        if any(not isinstance(other, dict) or other.keys() != tree.keys() for other in others):
            raise ValueError(f"the trees differ: a dict with the keys {list(tree)} meets {others!r:.60}")
        return {key: tree_map(f, part, *[other[key] for other in others]) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        if any(not isinstance(other, (list, tuple)) or len(other) != len(tree) for other in others):
            raise ValueError(f"the trees differ: a {type(tree).__name__} of {len(tree)} meets {others!r:.60}")
        parts = [tree_map(f, *parts) for parts in zip(tree, *others, strict=True)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return f(tree, *others)
