"""Finds what a function reads besides its arguments: its closure, globals and defaults, and what can be reached from
them.

A program that was traced keeps what these were at the time. So each place that the code could read is noted with its
content, and looked at again before the program runs: the globals that the code names, its closures and defaults; of
objects found there, the attributes that it names; of lists and dicts, the items. NumPy, the engine and the standard
library are left out.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.operation import Op
from autograd.tensor import Node

PLAIN = (int, float, complex, str, bytes, type(None), np.generic)  # what is compared by its value
LIBRARIES = sys.stdlib_module_names | {"numpy", "autograd"}
PLACES = tuple([os.path.dirname(inspect.getfile(thing)) + os.sep for thing in (os, np, Op)])  # of the libraries
GONE = "(KeyError, AttributeError, IndexError, ValueError)"
FEW = 8  # items that are looked at one by one


@contextmanager
def code_run() -> Iterator[set[types.CodeType]]:
    """Collect the code of every function that is called in the block."""
    codes: set[types.CodeType] = set()

    def note(frame: types.FrameType, event: str, arg: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield codes
    finally:
        sys.setprofile(before if callable(before) else None)
        if not callable(before) and before is not None:  # cProfile, which goes on by itself
            before.enable()


class Outside:
    """What the code `ran` reads from outside, as it is now: everything that a function and its arguments lead to.

    names  the variables in which arrays were found, by the arrays' ids
    """

    def __init__(self, ran: set[types.CodeType], *functions: Any):
        self.names: dict[int, str] = {}
        self._tests: list[str] = []
        self._known: dict[str, Any] = {"is_": is_, "equal": _equal, "len": len}
        self._arrays: dict[int, ndarray[Any, Any]] = {}
        self._seen: dict[int, Any] = {}  # kept, so that no id is taken again
        self._placed: set[tuple[int, str]] = set()
        self._ran = ran = {code for code in ran if not is_library(code)}
        self._attributes = sorted({name for code in ran for name in _names(code)})
        for f in functions:
            if not isinstance(f, ndarray):  # an array that is an argument is read anew at each call
                self._see(f)
        queue = list(self._seen.values())
        for value in queue:  # grows as it goes
            before = len(self._seen)
            self._look_into(value)
            queue += list(self._seen.values())[before:]
        self._copies = [(x, x.copy()) for x in self._arrays.values()]
        tests = " and ".join(self._tests) or "True"
        exec(f"def same():\n    try:\n        return {tests}\n    except {GONE}:\n        return False", self._known)
        self._same: Callable[[], bool] = self._known["same"]

    def test(self) -> Callable[[], bool]:
        """Make a function that says whether everything is still there, and arrays have the contents that they had."""
        return self.unchanged if self._copies else self._same

    def unchanged(self) -> bool:
        if not self._same():
            return False
        for x, before in self._copies:  # noqa: SIM110 (a generator takes longer)
            if not _equal_arrays(x, before):
                return False
        return True

    def _hold(self, value: Any) -> str:
        name = f"k{len(self._known)}"
        self._known[name] = value
        return name

    def _see(self, value: Any, variable: str = "") -> None:
        if isinstance(value, ndarray) and value.dtype.kind in "fiub":
            self._arrays.setdefault(id(value), value)
            if variable:
                self.names.setdefault(id(value), variable)
        elif not isinstance(value, (*PLAIN, ndarray, Node, Op)) and id(value) not in self._seen:
            self._seen[id(value)] = value

    def _place(self, holder: Any, access: str, value: Any, variable: str = "") -> None:
        """Note that `value` is at `access` of the holder."""
        if (id(holder), access) in self._placed:
            return
        self._placed.add((id(holder), access))
        self._see(value, variable)
        if not isinstance(value, types.ModuleType):
            self._test(f"{self._hold(holder)}{access}", value)

    def _test(self, place: str, value: Any) -> None:
        held = self._hold(value)
        same = f"{place} is {held}"
        self._tests.append(f"({same} or equal({place}, {held}))" if isinstance(value, PLAIN) else same)

    def _look_into(self, value: Any) -> None:
        if isinstance(value, types.FunctionType):
            self._look_into_function(value)
        elif isinstance(value, types.MethodType):
            self._see(value.__self__)
            self._see(value.__func__)
        elif isinstance(value, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._see(part)
        elif isinstance(value, dict):
            self._look_into_items(value, list(value), list(value.values()))
        elif isinstance(value, list | tuple):
            self._look_into_items(value, list(range(len(value))), list(value))
        elif isinstance(value, set):
            self._tests.append(f"{self._hold(value)} == {self._hold(value.copy())}")
        elif isinstance(value, types.ModuleType):
            if value.__name__.split(".")[0] not in LIBRARIES:
                self._look_into_attributes(value, value)
        elif isinstance(value, type):
            if value.__module__.split(".")[0] not in LIBRARIES:
                self._look_into_attributes(value, value)
        elif not isinstance(value, types.BuiltinFunctionType | np.ufunc | types.CodeType):
            self._look_into_attributes(value, type(value))
            self._see(getattr(value, "__wrapped__", None))
            if type(value).__module__.split(".")[0] == "autograd":  # a compiled function, for instance
                for part in getattr(value, "__dict__", {}).values():
                    if isinstance(part, types.FunctionType | types.MethodType):
                        self._see(part)

    def _look_into_function(self, f: types.FunctionType) -> None:
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:  # not there yet
                continue
            self._place(cell, ".cell_contents", content, name)
        if f.__code__ not in self._ran:
            return
        for part in (f.__defaults__ or (), (f.__kwdefaults__ or {}).values()):
            for default in part:
                self._see(default)
        if f.__defaults__:
            self._place(f, ".__defaults__", f.__defaults__)
        for name in _names(f.__code__):
            if name in f.__globals__:
                self._place(f.__globals__, f"[{name!r}]", f.__globals__[name], name)

    def _look_into_items(self, holder: Any, keys: list[Any], values: list[Any]) -> None:
        if (id(holder), "items") in self._placed:
            return
        self._placed.add((id(holder), "items"))
        for key, value in zip(keys, values, strict=True):
            self._see(value, key if isinstance(key, str) else "")
        if isinstance(holder, tuple):
            return
        name = self._hold(holder)
        self._tests.append(f"len({name}) == {len(keys)}")
        if len(keys) <= FEW and all(isinstance(key, int | str) for key in keys):
            for key, value in zip(keys, values, strict=True):
                self._test(f"{name}[{key!r}]", value)
        else:
            items = name if isinstance(holder, list) else f"{name}.values()"
            self._tests.append(f"all(map(is_, {items}, {self._hold(values)}))")
            if isinstance(holder, dict):
                self._tests.append(f"all(map(is_, {name}, {self._hold(keys)}))")

    def _look_into_attributes(self, value: Any, kind: Any) -> None:
        """Look into the attributes that the code names, and the methods that ran, which it need not name."""
        for cls in getattr(kind, "__mro__", ()):
            for found in vars(cls).values():
                if inspect.isfunction(found) and found.__code__ in self._ran:
                    self._see(found)
        for name in self._attributes:
            found = inspect.getattr_static(value, name, None)
            if isinstance(found, types.MemberDescriptorType):  # a slot
                self._place(value, f".{name}", getattr(value, name, None), name)
            elif isinstance(found, staticmethod | classmethod):
                self._see(found.__func__)
            elif isinstance(found, property):
                self._see(found.fget)
            elif isinstance(found, functools.cached_property):
                self._see(found.func)
            elif inspect.isfunction(found):
                self._see(found)
                if name in getattr(value, "__dict__", {}):
                    self._place(value, f".{name}", found)
            elif found is not None and not inspect.isdatadescriptor(found) and not inspect.isroutine(found):
                self._place(value, f".{name}", found, name)
            elif name in getattr(value, "__dict__", {}):  # None
                self._place(value, f".{name}", found)


@functools.cache
def is_library(code: types.CodeType) -> bool:
    """Say whether the code belongs to the standard library, NumPy or the engine."""
    standard, *ours = PLACES
    path = code.co_filename
    return path.startswith((*ours, "<frozen")) or (path.startswith(standard) and "-packages" not in path)


@functools.cache
def _names(code: types.CodeType) -> frozenset[str]:
    """List the names in the code of a function and of those inside it; strings too, for getattr."""
    inside = [_names(part) for part in code.co_consts if isinstance(part, types.CodeType)]
    strings = {part for part in code.co_consts if isinstance(part, str) and part.isidentifier() and part[:2] != "__"}
    return frozenset(strings.union(code.co_names, *inside))


def _equal(value: Any, before: Any) -> bool:
    return type(value) is type(before) and (value is before or bool(value == before))


def _equal_arrays(x: Any, before: Any) -> bool:
    return x.shape == before.shape and np.array_equal(x, before, equal_nan=x.dtype.kind == "f")
