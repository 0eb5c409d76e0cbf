"""summaries: functions of samples: the most frequent value, ranks, the standard error of the mean."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, canonicalize_axis, check_arraylike
from jaxlike._src.lax.sort import sort_key_val
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.stats.arguments import NAN, promote_args_inexact
from jaxlike._src.transforms.compiled import compiled
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.typing import ArrayLike


class ModeResult(NamedTuple):
    """The most frequent values, and how often they occur."""

    mode: Array
    count: Any


def _check_policy(name: str, nan_policy: str) -> None:
    if nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(
            f"Illegal nan_policy value {nan_policy!r}; expected one of {{'propagate', 'omit', 'raise'}}"
        )
    if nan_policy == "omit":
        raise NotImplementedError(f"Logic for `nan_policy` of {nan_policy} is not implemented")
    if nan_policy == "raise":
        raise NotImplementedError(
            f"In order to best JIT compile `{name}`, we cannot know whether `x` contains nans. Please check if nans "
            f"exist in `x` outside of the `{name}` function."
        )


@compiled("a")
def mode(a: ArrayLike, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False) -> ModeResult:
    """The most frequent value along ``axis`` (the smallest of several), with its count.

    Args:
        a: array.
        axis: an axis; None: the flattened array.
        nan_policy: "propagate"; NaN is a value like others.
        keepdims: keep the axis with size 1.
    """
    check_arraylike("mode", a)
    x = jnp.atleast_1d(a)
    _check_policy("mode", nan_policy)
    shape = x.shape
    if axis is None:
        out_shape = (1,) * x.ndim if keepdims else ()
        axis, x = 0, x.ravel()
    else:
        axis = canonicalize_axis(axis, x.ndim)
        out_shape = shape[:axis] + ((1,) if keepdims else ()) + shape[axis + 1 :]
    x = jnp.moveaxis(x, axis, 0)
    x = x.reshape(x.shape[0], math.prod(x.shape[1:]))
    values, counts = vmap(_mode_of_vector, in_axes=1)(x)
    return ModeResult(values.reshape(out_shape), counts.reshape(out_shape))


def _mode_of_vector(x: Array) -> tuple[Array, Array]:
    if x.size == 0:
        dtype = dtypes.default_float_dtype()
        return jnp.full((), NAN, dtype), jnp.full((), 0, dtype)
    values, counts = jnp.unique(x, return_counts=True, size=x.size)
    return values[jnp.argmax(counts)], counts.max()


@compiled("a")
def rankdata(
    a: ArrayLike, method: str = "average", *, axis: int | None = None, nan_policy: str = "propagate"
) -> Array:
    """The rank of each entry, counted from 1, as a float; NaN everywhere if an entry is NaN.

    Args:
        a: array.
        method: what equal entries get: "average", "min", "max", "dense" (no gaps) or "ordinal" (in order).
        axis: rank along an axis; None: the flattened array.
        nan_policy: "propagate".
    """
    check_arraylike("rankdata", a)
    _check_policy("rankdata", nan_policy)
    if method not in ("average", "min", "max", "dense", "ordinal"):
        raise ValueError(f"unknown method '{method}'")
    if axis is not None:
        return jnp.apply_along_axis(rankdata, axis, a, method)
    x = jnp.ravel(a)
    dtype = dtypes.default_float_dtype()
    return jnp.where(jnp.any(jnp.isnan(x)), jnp.full(x.shape, NAN, dtype), _ranks(x, method, dtype))


def _ranks(x: Array, method: str, dtype: object) -> Array:
    order, sorter = sort_key_val(x, jnp.arange(x.size))
    place = jnp.argsort(sorter)
    if method == "ordinal":
        return astype(place + 1, dtype)
    first = jnp.concatenate([jnp.full((1,), True), order[1:] != order[:-1]])
    dense = jnp.cumsum(first)[place]
    if method == "dense":
        return astype(dense, dtype)
    start = astype(jnp.nonzero(first, size=x.size + 1, fill_value=first.size)[0], dtype)
    if method == "max":
        return start[dense]
    if method == "min":
        return start[dense - 1] + 1
    return 0.5 * (start[dense] + start[dense - 1] + 1)


@compiled("a", "ddof")
def sem(
    a: ArrayLike, axis: int | None = 0, ddof: int = 1, nan_policy: str = "propagate", *, keepdims: bool = False
) -> Array:
    """The standard error of the mean, ``std(a) / sqrt(n)``.

    Args:
        a: array.
        axis: an axis; None: the flattened array.
        ddof: what is taken off the count in the variance.
        nan_policy: "propagate", or "omit" to leave out NaN.
        keepdims: keep the axis with size 1.
    """
    (x,) = promote_args_inexact("sem", a)
    if nan_policy == "propagate":
        size = x.size if axis is None else x.shape[axis]
        return jnp.std(x, axis, ddof=ddof, keepdims=keepdims) / astype(jnp.sqrt(size), x.dtype)
    if nan_policy == "omit":
        count = jnp.sum(~jnp.isnan(x), axis, keepdims=keepdims)
        return jnp.nanstd(x, axis, ddof=ddof, keepdims=keepdims) / astype(jnp.sqrt(count), x.dtype)
    raise ValueError(f"{nan_policy} is not supported")
