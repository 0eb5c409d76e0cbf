"""regions: which nodes of a trace together are one operation, so that a jaxpr shows that operation.

`lax.argmax` comes down to half a dozen aten ops; who looks at the jaxpr should see ``argmax``. While it traces, such
a function is called through `as_one` (on tensors) or decorated with `equation` (on Arrays): the nodes that it
records are remembered with the primitive's name, parameters, operands and results. Replay and derivatives know
nothing of this. A region whose inner values are used from outside, or that a transformation took part in, is forgotten.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.frames import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.graph import Node, Var

P = ParamSpec("P")
R = TypeVar("R")


class Region(NamedTuple):
    """Nodes that are one equation."""

    name: str
    params: dict[str, Any]
    operands: tuple[Any, ...]  # Vars, and numbers
    outs: tuple[Var, ...]
    nodes: tuple[Node, ...]


def is_recorded() -> bool:
    """Whether a trace runs, so that it is worth to say what an equation is."""
    return STATE.frame is not None and STATE.frame.trace is not None


def as_one(name: str, params: dict[str, Any], fun: Callable[..., Any], *args: Any, operands: Any = None) -> Any:
    """``fun(*args)``, in a trace remembered as one equation.

    Its operands, if they are not said, are the tensors among the arguments.
    """
    trace = STATE.frame.trace if STATE.frame is not None else None
    if trace is None:
        return fun(*args)
    start = len(trace.nodes)
    out = fun(*args)
    given = [a for a in args if isinstance(a, torch.Tensor)] if operands is None else operands
    _remember(trace, start, name, params, given, [out])
    return out


def written_as(name: str, **params: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a kernel of tensors whose nodes are one equation with these parameters."""

    def lift(kernel: Callable[..., Any]) -> Any:
        return functools.wraps(kernel)(functools.partial(as_one, name, params, kernel))

    return lift


def equation(
    name: str, describe: Callable[..., tuple[Sequence[Any], dict[str, Any]]]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of Arrays whose nodes are one equation.

    Args:
        name: the primitive.
        describe: from the function's arguments, operands and parameters as the primitive has them.
    """

    def lift(fun: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(fun)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            trace = STATE.frame.trace if STATE.frame is not None else None
            if trace is None:
                return fun(*args, **kwargs)
            start = len(trace.nodes)
            out = fun(*args, **kwargs)
            if len(trace.nodes) > start:
                operands, params = describe(*args, **kwargs)
                _remember(trace, start, name, params, operands, out if isinstance(out, list | tuple) else [out])
            return out

        return traced

    return lift


# Regions that a jaxpr writes in a way of their own: a call of their jaxpr; one slice, and axes taken away and added.
JIT, STATIC_INDEX = "jit", "static index"


def jitted(
    name: str, describe: Callable[..., Sequence[Any]] = lambda *args: args
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of Arrays that JAX's library compiles for itself: a jaxpr shows a call of its jaxpr.

    Args:
        name: what the call is named.
        describe: from the function's arguments those that are arrays or numbers.
    """
    return equation(JIT, lambda *args, **kwargs: (describe(*args, **kwargs), {"name": name}))


def _remember(trace: Any, start: int, name: str, params: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
    nodes = tuple(trace.nodes[start:])
    if STATE.frame is None or STATE.frame.trace is not trace or not nodes:
        return
    given = tuple(_variable(trace, x) for x in operands)
    made = tuple(_variable(trace, x) for x in outs)
    if None not in given and None not in made:
        trace.regions.append(Region(name, params, given, made, nodes))


def _variable(trace: Any, x: Any) -> Any:
    """The Var of an operand, or a Python number; None for what is neither."""
    if isinstance(x, Array):
        found = trace.vars.get(id(x._t))
        if found is None and id(x) in trace.lifted:
            found = trace.lifted[id(x)][0]
        return found
    if isinstance(x, torch.Tensor):
        return trace.vars.get(id(x))
    if isinstance(x, np.generic):
        x = x.item()
    return x if isinstance(x, bool | int | float | complex) else None
