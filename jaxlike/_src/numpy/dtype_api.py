"""dtype_api: the functions of jax.numpy that are about dtypes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import border, dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.numpy.arguments import as_asked, like, one_array, user_dtype
from jaxlike._src.placement import follow

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike, DTypeLike


def astype(x: ArrayLike, dtype: DTypeLike | None, /, *, copy: bool = False, device: Any = None) -> Array:
    """``x`` converted to ``dtype`` (None: the default float).

    Floats to integers are cut towards zero and saturate, NaN gives 0; integers wrap around; complex numbers
    lose their imaginary part, with a warning.
    """
    a = one_array("astype", x)
    want = user_dtype(dtype, "astype")
    if dtypes.issubdtype(a.dtype, np.complexfloating) and dtypes.isdtype(want, ("integral", "real floating")):
        warnings.warn(
            "Casting from complex to real dtypes will soon raise a ValueError. Please first use jnp.real or "
            "jnp.imag to take the real/imaginary component of your input.",
            DeprecationWarning,
            stacklevel=2,
        )
    made = border.astype(a, want)
    if device is not None:
        return as_asked(made, device)
    return follow("astype", like(made, unwrap(made)) if copy else made, a)


def issubdtype(arg1: DTypeLike, arg2: DTypeLike) -> bool:
    """Whether a dtype is another, or below it in the hierarchy of numpy's scalar classes.

    bfloat16, the float8 types and int4 are below ``jnp.floating`` and ``jnp.integer`` as one would expect.
    """
    return dtypes.issubdtype(arg1, arg2)


def isdtype(dtype: DTypeLike, kind: Any) -> bool:
    """Whether ``dtype`` is of a kind.

    Args:
        dtype: a dtype.
        kind: a dtype, or "bool", "signed integer", "unsigned integer", "integral", "real floating",
            "complex floating" or "numeric", or a tuple of these.
    """
    return dtypes.isdtype(dtype, kind)


def promote_types(a: DTypeLike, b: DTypeLike) -> Any:
    """The dtype to which an operation on arrays of dtypes ``a`` and ``b`` brings both."""
    return dtypes.promote_types(a, b)


def result_type(*args: Any) -> Any:
    """The dtype of an operation on ``args``: arrays, numbers or dtypes."""
    return dtypes.result_type(*args)
