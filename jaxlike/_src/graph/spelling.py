"""spelling: what an op of torch is in operations that JAX has, where it is more than one of them.

A kernel is chosen for its speed; JAX's function of that name is a program of smaller steps. A spelling (`spells`, in
`lax/spellings`) is that program as a function of Arrays. A jaxpr shows its equations, or a call of them, traced for the
types at hand; nothing else runs it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.graph.trace import trace
from jaxlike._src.shape_struct import ShapeDtypeStruct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.graph.graph import Graph

_SPELLINGS: dict[str, Callable[..., Any]] = {}
RULES: dict[str, Any] = {}  # of functions with a derivative of their own, as their equation has it


def spells(name: str, rule: Any = None) -> Callable[[Any], Any]:
    """Declare the steps of what has this name: a function of its operands and of what is fixed.

    ``rule``: the derivative, of a function that JAX has with one of its own.
    """

    def register(fun: Callable[..., Any]) -> Any:
        _SPELLINGS[name] = fun
        if rule is not None:
            RULES[name] = rule
        return fun

    return register


def graph_of(name: str, avals: Sequence[Any], fixed: tuple[Any, ...]) -> Graph:
    """The steps for operands of these types."""
    return _traced(name, tuple(avals), fixed, config.enable_x64.value)


@functools.lru_cache(1024)
def _traced(name: str, avals: tuple[Any, ...], fixed: tuple[Any, ...], x64: bool) -> Graph:
    del x64  # the types of numbers in the steps depend on it

    def steps(inside: list[Array]) -> list[Array]:
        out = _SPELLINGS[name](*inside, *fixed)
        return list(out) if isinstance(out, tuple) else [out]

    examples = [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type).stand_in() for a in avals]
    return trace(steps, examples, name, whole=True)[0]
