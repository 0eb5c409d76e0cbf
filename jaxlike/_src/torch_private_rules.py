"""torch_private_rules: torch's shape rules that are Python, without what they import for shapes that are symbols.

The first rule that runs imports sympy, by `torch.fx.experimental.symbolic_shapes` or by itself, and one that is wrapped
for torch.compile imports that: a second and more, for what numbers answer at once. Until somebody asks for the rest of
that module, another one stands in its place that knows the few functions that rules ask, where all is numbers.
"""

from __future__ import annotations

import functools
import importlib
import operator
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import torch
from torch._decomp import global_decomposition_table
from torch._prims_common import elementwise_dtypes

if TYPE_CHECKING:
    from collections.abc import Callable

_SYMPY = "sympy"
_SYMBOLS = "torch.fx.experimental.symbolic_shapes"


@functools.cache
def free_shape_rules() -> None:
    """Let torch's shape rules run as they are, without sympy and torch._dynamo."""
    if _SYMBOLS not in sys.modules:
        package, _, name = _SYMBOLS.rpartition(".")
        sys.modules[_SYMBOLS] = stand_in = _Numbers(_SYMBOLS)
        setattr(importlib.import_module(package), name, stand_in)
    if _SYMPY not in sys.modules:
        # It asks whether an operand is an expression, and imports them all for that.
        sys.modules[_NoExpressions.__name__] = _NoExpressions(_NoExpressions.__name__)
        names = elementwise_dtypes.__code__.co_names
        names = tuple(_NoExpressions.__name__ if name == _SYMPY else name for name in names)
        elementwise_dtypes.__code__ = elementwise_dtypes.__code__.replace(co_names=names)
    if "torch._dynamo" in sys.modules:
        return
    modules = [m for name, m in sys.modules.items() if name.startswith("torch._refs")]
    for table in (*global_decomposition_table.values(), *map(vars, modules)):
        rule: Any
        for rule in table.values():
            while (code := getattr(rule, "__code__", None)) is not None and "fn" in code.co_freevars:  # a decorator's
                inside = rule.__closure__[code.co_freevars.index("fn")].cell_contents
                if code.co_qualname.startswith("_disable_dynamo."):
                    inside.__dict__.setdefault("__dynamo_disable", inside)
                rule = inside


class _NoExpressions(types.ModuleType):
    """sympy, to ask whether something is an expression: nothing is while it is not imported."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what inspect asks of every module
            raise AttributeError(name)
        return getattr(sys.modules[_SYMPY], name) if _SYMPY in sys.modules else _NoExpressions


def _is_number(x: Any) -> bool:
    """Whether what depends on ``x`` depends on no symbol."""
    if isinstance(x, tuple | list):
        return all(map(_is_number, x))
    if isinstance(x, torch.Tensor):
        return type(x) is torch.Tensor and not x._has_symbolic_sizes_strides
    return type(x) is bool or type(x) is int


def _equal(x: Any, y: Any) -> bool:
    if isinstance(x, tuple | list) and isinstance(y, tuple | list):
        return len(x) == len(y) and all(map(_equal, x, y))
    return x == y


def _first(x: Any, *_: Any) -> Any:
    return x


# What each function says of numbers.
_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("guard_or_false", "guard_or_true", "guard_size_oblivious", "statically_known_true"), _first),
    **dict.fromkeys(("expect_true", "guard_int", "guarding_hint_or_throw"), _first),
    "has_guarding_hint": lambda _: True,
    "is_nested_int": lambda _: False,
    "free_unbacked_symbols": lambda _: frozenset[Any](),
    "sym_eq": _equal,
    "sym_and": lambda *flags: functools.reduce(operator.and_, flags),
    "sym_or": lambda *flags: functools.reduce(operator.or_, flags),
}
_LOADING = threading.RLock()


class _Numbers(types.ModuleType):
    """The module where all is numbers; anything else that is asked of it imports the real one, which takes its place."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        answer = _OF_NUMBERS.get(name)
        if answer is None:
            return getattr(_symbols(), name)

        def of_any(*args: Any, **kwargs: Any) -> Any:
            if not kwargs and all(map(_is_number, args)):
                return answer(*args)
            return getattr(_symbols(), name)(*args, **kwargs)

        of_any.__name__ = of_any.__qualname__ = name
        setattr(self, name, of_any)
        return of_any


def _symbols() -> Any:
    """The real module."""
    with _LOADING:
        if isinstance(sys.modules.get(_SYMBOLS), _Numbers):
            del sys.modules[_SYMBOLS]
        return importlib.import_module(_SYMBOLS)
