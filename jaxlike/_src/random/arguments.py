"""arguments: what the samplers ask of dtype, shape and parameters, with JAX's words where it is not met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.border import canonicalize_shape

if TYPE_CHECKING:
    from jaxlike._src.random.draws import Shape


def float_dtype(name: str, dtype: Any, kind: Any = np.floating, said: str = "a float") -> Any:
    """The dtype argument of a sampler of floats; None is the default float."""
    if dtype is None:
        return dtypes.default_float_dtype()
    dtype = dtypes.check_and_canonicalize_user_dtype(dtype)
    if not dtypes.issubdtype(dtype, kind):
        raise ValueError(f"dtype argument to `{name}` must be {said} dtype, got {dtype}")
    return dtype


def int_dtype(dtype: Any) -> Any:
    """The dtype argument of a sampler of integers, unchecked; None is the default int."""
    if dtype is None:
        return dtypes.default_int_dtype()
    return dtypes.check_and_canonicalize_user_dtype(dtype)


def broadcast(*shapes: Shape) -> Shape:
    """The common shape of several; ValueError where there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: shapes={list(shapes)}") from None


def check_shape(name: str, shape: Shape, *parameters: Shape) -> None:
    """ValueError where parameters do not broadcast to ``shape``."""
    common = broadcast(shape, *parameters)
    if common != shape:
        raise ValueError(
            f"{name} parameter shapes must be broadcast-compatible with shape argument, and the result of broadcasting "
            f"the shapes must equal the shape argument, but got result {common} for shape argument {shape}."
        )


def shape_of(name: str, shape: Any, *parameters: Any) -> Shape:
    """The shape argument of a sampler with parameters; None is their common shape."""
    shapes = [tuple(np.shape(p)) for p in parameters]
    if shape is None:
        return broadcast(*shapes)
    shape = canonicalize_shape(shape)
    check_shape(name, shape, *shapes)
    return shape


def check_safe_cast(name: str, dtype: Any, *parameters: Any) -> None:
    """TypePromotionError where a parameter would lose precision in ``dtype``."""
    for p in parameters:
        if not dtypes.safe_to_cast(p, dtype):
            raise dtypes.TypePromotionError(
                f"In arguments to {name}, cannot safely cast argument of type {dtypes.dtype_of(p)} to {dtype}"
            )
