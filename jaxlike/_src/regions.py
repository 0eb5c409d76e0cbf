"""regions: which nodes of a trace together are one operation, so that a jaxpr shows that operation.

`lax.argmax` comes down to half a dozen aten ops; who looks at the jaxpr should see ``argmax``. While it traces, such
a function is called through `as_one` (on tensors) or decorated with `equation` (on Arrays): the nodes that it
records are remembered with the primitive's name, parameters, operands and results. Replay and derivatives know
nothing of this. Under grad a region is what the function computes; over lanes it is remembered where it is known what the
operation is over lanes. One whose inner values are used from outside is forgotten.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
import torch

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.debug_checks import results_only, told_as
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
    lanes: int = 0  # over how many axes of lanes; the parameters are those of one


def _recorder() -> Any:
    """The trace that records what runs now: at once, or what grad and vmap make of it; or the tape of a rule."""
    frame = STATE.frame
    while frame is not None and frame.trace is None and (frame.kind == "vmap" or frame.kind == "grad"):
        frame = frame.parent
    return STATE.tape if frame is None else frame.trace


def is_recorded() -> bool:
    """Whether a trace runs, so that it is worth to say what an equation is."""
    return STATE.frame is not None and STATE.frame.trace is not None


def as_one(name: str, params: dict[str, Any], fun: Callable[..., Any], *args: Any, operands: Any = None) -> Any:
    """``fun(*args)``, in a trace remembered as one equation.

    Its operands, if they are not said, are the tensors among the arguments.
    """
    trace = _recorder() if STATE.frame is not None else None
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
    name: str,
    describe: Callable[..., tuple[Sequence[Any], dict[str, Any]]],
    check: Callable[[Any, Any], None] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of Arrays whose nodes are one equation.

    Args:
        name: the primitive.
        describe: from the function's arguments, operands and parameters as the primitive has them.
        check: called with the arguments where the function has failed; it may raise something that comes before.
    """

    def lift(fun: Callable[P, R]) -> Callable[P, R]:
        under_flags = results_only(fun) if name == JIT else told_as(_MOST.get(name, name), fun)

        @functools.wraps(fun)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            trace = _recorder() if STATE.frame is not None else None
            start = 0 if trace is None else len(trace.nodes)
            try:
                out = fun(*args, **kwargs) if STATE.plain else under_flags(*args, **kwargs)
            except Exception:  # whatever it is, the check decides
                if check is not None:
                    check(args, kwargs)
                raise
            if trace is None:
                return out
            if len(trace.nodes) > start:
                operands, params = describe(*args, **kwargs)
                _remember(trace, start, name, params, operands, out if isinstance(out, list | tuple) else [out])
            return out

        return traced

    return lift


# Regions that a jaxpr writes in a way of their own: a call of their jaxpr; one slice, and axes taken away and added; a
# product of two arrays; reading and writing by an index; a draw of a distribution.
JIT, STATIC_INDEX, PRODUCT, TAKE, UPDATE, DRAW = "jit", "static index", "product", "take", "update", "draw"
_MOST = {TAKE: "gather", UPDATE: "scatter", STATIC_INDEX: "dynamic_slice", PRODUCT: "dot_general"}  # what does their work
# Operations whose parameters are the same over lanes, where all operands have them, or are numbers.
_ELEMENTWISE = frozenset("abs max min sign square cbrt integer_pow pow atan2 is_finite conj real imag clamp div select_n copy device_put".split())


def spelled(
    name: str, describe: Callable[..., tuple[Sequence[Any], tuple[Any, ...]]], call: str | None = ""
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of Arrays of which a jaxpr shows other steps than those that it takes.

    Args:
        name: of the steps, in `graph/spelling`.
        describe: from the function's arguments the steps' operands, and what is fixed.
        call: how the call of them is named, by default so too; None where they are no call.
    """

    def about(*args: Any, **kwargs: Any) -> Any:
        operands, fixed = describe(*args, **kwargs)
        return operands, {"name": call or name, "steps": (name, fixed, call is not None)}

    return equation(JIT, about)


def in_steps(name: str, kernel: Callable[..., Any], *tensors: torch.Tensor, fixed: tuple[Any, ...] = ()) -> Any:
    """``kernel(*tensors)``, of which a jaxpr shows a call of other steps; see `spelled`."""
    return as_one(JIT, {"name": name, "steps": (name, fixed, True)}, kernel, *tensors)


def _remember(trace: Any, start: int, name: str, params: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
    nodes = tuple(trace.nodes[start:])
    if not nodes or _recorder() is not trace:
        return
    found: list[list[int]] = []  # where each operand and result has its lanes
    given = tuple(_variable(trace, x, found) for x in operands)
    made = tuple(_variable(trace, x, found) for x in outs)
    if None in given or None in made:
        return
    lanes = max(map(len, found), default=0)
    if lanes and "steps" in params:  # they are known of one lane
        if params["steps"][2]:
            params = {"name": params["name"]}
        else:
            return
    if lanes and name not in (JIT, STATIC_INDEX, PRODUCT, "dot_general"):
        shaped = {v.shape for v in (*given, *made) if hasattr(v, "shape") and v.shape}
        if name not in _ELEMENTWISE or len(shaped) > 1 or len({tuple(at) for at in found if at}) > 1:
            moved = _over_lanes(params, lanes, found)
            if moved is None:
                return
            params = moved
    trace.regions.append(Region(name, params, given, made, nodes, lanes))


def _over_lanes(params: dict[str, Any], lanes: int, found: Sequence[Sequence[int]]) -> dict[str, Any] | None:
    """The parameters of an operation along axes, where all operands have all lanes in front."""
    if any(at != [0] * lanes for at in found):
        return None
    if isinstance(params.get("kind"), tuple):  # of keys, each of which is an element
        return params
    if "window_dimensions" in params:  # of a window, which has the size 1 along lanes
        beside = {"padding": (0, 0)}
        return {k: (*[beside.get(k, 1)] * lanes, *v) for k, v in params.items()}
    axes = {"axes", "axis", "dimension"} & set(params)
    if len(axes) != 1:
        return None
    (name,) = axes
    value = params[name]
    return {**params, name: tuple(k + lanes for k in value) if isinstance(value, tuple) else value + lanes}


def _number(x: torch.Tensor) -> Any:
    """A tensor of one number that the trace has no use for, as that number; None for others."""
    if x.dim() or x.device.type == "meta" or torch_private.is_wrapped(x):
        return None
    with torch_private.outside():
        return x.item()


def _variable(trace: Any, x: Any, found: list[list[int]]) -> Any:
    """The Var of an operand, or a Python number; None for what is neither.

    ``found`` is told where its lanes are.
    """
    if isinstance(x, Array):
        if id(x) in trace.lifted:
            found.append([])
            return trace.lifted[id(x)][0]
        x = x._t
    if isinstance(x, torch.Tensor):
        at: list[int] = []
        while torch_private.is_wrapped(x):
            axis = torch_private.lanes_axis(x)
            at += [] if axis is None else [axis]
            x = torch_private.wrapped_value(x)
        found.append(at)
        number = None if id(x) in trace.vars else _number(x)
        return trace.known(x) if number is None else number
    if isinstance(x, np.generic):
        x = x.item()
    return x if isinstance(x, bool | int | float | complex) else None
