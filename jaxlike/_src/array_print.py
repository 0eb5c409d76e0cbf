"""array_print: repr, str and format of Arrays, text for text as JAX prints them."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxlike._src import border, torch_private
from jaxlike._src.array import Array, constant


def array_repr(x: Array) -> str:
    """``Array([0., 1.], dtype=float32)``; a traced value shows what is known of it."""
    if border.is_traced(x):
        return traced_repr(x)
    prefix = "Array("
    name = x.dtype.name
    tail = f"dtype={name}, weak_type=True)" if x.weak_type else f"dtype={name})"
    width = np.get_printoptions()["linewidth"]
    if x.size == 0:
        body = f"[], shape={x.shape}"
    else:
        values = border.to_numpy(x)
        body = np.array2string(values, prefix=prefix, suffix=",", separator=", ", max_line_width=width)
    last_line = len(body) - body.rfind("\n") + 1
    gap = "\n" + " " * len(prefix) if last_line + len(tail) + 1 > width else " "
    return f"{prefix}{body},{gap}{tail}"


def traced_repr(x: Array) -> str:
    """As JAX 0.10 shows tracers: the transformation, and the value where there is one."""
    tensor = x._t
    while torch_private.is_wrapped(tensor):
        if torch_private.is_batched(tensor):
            inner = below(x, torch_private.wrapped_value(tensor))
            return f"VmapTracer(aval={x.aval}, batched={inner.aval})"
        if tensor.requires_grad or torch_private.has_tangent(tensor):
            break
        tensor = torch_private.wrapped_value(tensor)
    else:
        return f"JitTracer({x.aval})"
    if tensor.requires_grad:
        value = below(x, torch_private.wrapped_value(tensor))
        return f"GradTracer(primal={shown(value)}, typeof(tangent)={x.aval.str_short(short_dtypes=True)})"
    primal, tangent = torch_private.dual_parts(tensor)
    return f"JVPTracer(primal={shown(below(x, primal))}, tangent={shown(below(x, tangent))})"


def below(x: Array, tensor: Any) -> Array:
    """A payload of an outer level as an Array of that level."""
    made = constant(tensor, x._tag, type(x))
    made._frame = x._frame.parent if x._frame is not None else None
    return made


def shown(x: Array) -> str:
    """A value as it stands inside another's repr."""
    return traced_repr(x) if border.raw_parts(x._t) is not None else str(border.tensor_to_numpy(plain(x), x.dtype))


def plain(x: Array) -> Any:
    """The tensor under all grad and jvp levels."""
    found = border.concrete_tensor(x)
    assert found is not None
    return found


def array_str(x: Array) -> str:
    """As numpy prints the values."""
    return traced_repr(x) if border.is_traced(x) else str(border.to_numpy(x))


def array_format(x: Array, format_spec: str) -> str:
    """A 0-d array formats as its number."""
    if border.is_traced(x):
        return format(traced_repr(x), format_spec)
    values = border.to_numpy(x)
    return format(values[()], format_spec) if x.ndim == 0 else format(values, format_spec)


for _name, _function in (("__repr__", array_repr), ("__str__", array_str), ("__format__", array_format)):
    setattr(Array, _name, _function)
