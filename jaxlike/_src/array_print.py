"""array_print: repr, str and format of Arrays, text for text as JAX prints them.

A traced value shows its transformations, outermost last: each level of its payload is one, and holds the value
of the level below. A level that the value does not depend on is not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import border, torch_private
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.dtypes import ExtendedDType

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX = "Array("


def array_repr(x: Array) -> str:
    """``Array([0., 1.], dtype=float32)``; a traced value shows what is known of it."""
    if border.is_traced(x):
        return traced_repr(x)
    values = border.to_numpy(x)
    kind = f"dtype={x.dtype.name}, weak_type=True" if x.weak_type else f"dtype={x.dtype.name}"
    width = np.get_printoptions()["linewidth"]
    if x.size == 0:
        body = f"[], shape={x.shape}"
    else:
        body = np.array2string(values, prefix=_PREFIX, suffix=",", separator=", ", max_line_width=width)
    last_line = len(body) - body.rfind("\n") + 1
    gap = " " if last_line + len(kind) + 2 <= width else " " * len(_PREFIX)
    return f"{_PREFIX}{body},{gap}{kind})"


def array_str(x: Array) -> str:
    """As numpy prints the values."""
    return traced_repr(x) if border.is_traced(x) else str(border.to_numpy(x))


def array_format(x: Array, format_spec: str) -> str:
    """A 0-d array formats as its number."""
    if border.is_traced(x) or isinstance(x.dtype, ExtendedDType):
        if format_spec:
            name = border.tracer_kind(x) if border.is_traced(x) else type(x).__name__
            raise TypeError(f"unsupported format string passed to {name}.__format__")
        return str(x)
    values = border.to_numpy(x)
    return format(values if x.ndim else values[()], format_spec)


# Traced values


def traced_repr(x: Array) -> str:
    """``JitTracer(float32[3])``, ``GradTracer(primal=1.0, typeof(tangent)=f32[])`` and so on."""
    return _shown(x, x._t)


def _aval(x: Array, tensor: Tensor) -> ShapedArray:
    """Of a payload of the kind of ``x``, at whichever level it is."""
    below = object.__new__(type(x))
    below._t, below._tag, below._frame = tensor, x._tag, x._frame
    return below.aval


def _shown(x: Array, tensor: Tensor) -> str:
    """The payload of ``x``, or of one of its levels, in words."""
    while torch_private.is_wrapped(tensor):
        below = torch_private.wrapped_value(tensor)
        if torch_private.is_batched(tensor):
            return f"VmapTracer(aval={_aval(x, tensor)}, batched={_aval(x, below)})"
        if tensor.requires_grad:
            kind = _aval(x, tensor).str_short(short_dtypes=True).removeprefix("~")
            return f"GradTracer(primal={_shown(x, below)}, typeof(tangent)={kind})"
        if torch_private.has_tangent(tensor):
            primal, tangent = torch_private.dual_parts(tensor)
            return f"JVPTracer(primal={_shown(x, primal)}, tangent={_shown(x, tangent)})"
        tensor = below
    if tensor.device.type == "meta":
        return f"JitTracer({_aval(x, tensor)})"
    return str(border.tensor_to_numpy(tensor, x.dtype))


_BOUND: dict[str, Any] = {"__repr__": array_repr, "__str__": array_str, "__format__": array_format}
for _name, _function in _BOUND.items():
    setattr(Array, _name, _function)
