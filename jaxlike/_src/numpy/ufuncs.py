"""ufuncs: the functions of jax.numpy that are `ufunc` objects, with faster reductions where there are.

The package itself uses the plain functions that they hold: a call through an object costs more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, check_arraylike
from jaxlike._src.family import BITS, check_kinds
from jaxlike._src.lax.reduce import folded
from jaxlike._src.nn.logsumexp import logsumexp
from jaxlike._src.numpy import arithmetic, bitwise, compare, exponential, logic
from jaxlike._src.numpy.arguments import user_dtype
from jaxlike._src.numpy.cumulative import cumprod, cumsum
from jaxlike._src.numpy.reduce import all, any, max, min, prod, sum
from jaxlike._src.numpy.reduction import Reduction, mask_of
from jaxlike._src.numpy.ufunc import ufunc

if TYPE_CHECKING:
    from collections.abc import Callable


def _binary(op: Any, identity: Any = None, **faster: Any) -> ufunc:
    return ufunc(op, 2, 1, identity=identity, call=op, **faster)


# Updates at places: repeated ones count each time


def _with_at(method: str) -> Callable[..., Array]:
    def at(a: Any, indices: Any, b: Any) -> Array:
        if a.dtype == dtypes.BOOL:  # "or" and "and", by way of numbers
            counted = border.astype(asarray(a), np.dtype("int32"))
            by = border.astype(border.astype(asarray(b), dtypes.BOOL), np.dtype("int32"))
            return border.astype(getattr(counted.at[indices], method)(by), dtypes.BOOL)
        return getattr(asarray(a).at[indices], method)(b)

    return at


def _subtract_at(a: Any, indices: Any, b: Any) -> Array:
    return asarray(a).at[indices].subtract(b)


# Reductions that are no functions of jax.numpy


def _by_halves(name: str, op: Callable[..., torch.Tensor], identity: int) -> Callable[..., Array]:
    """The reduction by an associative and commutative operation on bits."""

    def reduce(a: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Array:
        x = asarray(a)
        if not dtypes.any_of((np.bool_, np.integer), x.dtype):
            raise ValueError(f"integer argument required; got dtype={x.dtype}")
        wanted = x.dtype if dtype is None else user_dtype(dtype, f"reduce_{name}")
        if not dtypes.any_of((np.bool_, np.integer), wanted):
            check_kinds(name.removeprefix("bitwise_"), BITS, wanted, wanted)
        start = int(np.array(identity).astype(wanted))
        by = Reduction(f"reduce_{name}", folded(op, start), start, op)
        return by.general(x, axis, dtype, None, keepdims, initial, where)

    return reduce


def _general(reduction: Any) -> Callable[..., Array]:
    def reduce(a: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Array:
        out = reduction.general(a, axis, dtype, None, keepdims, initial, where)
        return out if dtype is None else border.astype(out, user_dtype(dtype, "convert_element_type"))

    return reduce


_odd = Reduction("reduce_logical_xor", folded(torch.logical_xor), False, torch.logical_xor, truth=True)


def _logsumexp(a: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    if dtype is not None:
        dtypes.check_and_canonicalize_user_dtype(dtype, "jnp.logaddexp.reduce")
    check_arraylike("logsumexp", a)
    mask_of("logsumexp", where)
    total = logsumexp(a, axis, keepdims=keepdims, where=where)
    return total if initial is None else exponential.logaddexp(initial, total)


def _logsumexp2(a: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    ln2 = math.log(2)
    scaled = None if initial is None else initial * ln2
    total = _logsumexp(a * ln2, axis=axis, dtype=dtype, keepdims=keepdims, initial=scaled, where=where)
    return total / ln2


negative = ufunc(arithmetic.negative, 1, 1, call=arithmetic.negative)

add = _binary(arithmetic.add, 0, reduce=sum, accumulate=cumsum, at=_with_at("add"))
multiply = _binary(arithmetic.multiply, 1, reduce=prod, accumulate=cumprod, at=_with_at("multiply"))
subtract = _binary(arithmetic.subtract, at=_subtract_at)
maximum = _binary(compare.maximum, reduce=_general(max))
minimum = _binary(compare.minimum, reduce=_general(min))

bitwise_and = _binary(bitwise.bitwise_and, -1, reduce=_by_halves("bitwise_and", torch.bitwise_and, -1))
bitwise_or = _binary(bitwise.bitwise_or, 0, reduce=_by_halves("bitwise_or", torch.bitwise_or, 0))
bitwise_xor = _binary(bitwise.bitwise_xor, 0, reduce=_by_halves("bitwise_xor", torch.bitwise_xor, 0))

logical_and = _binary(logic.logical_and, True, reduce=_general(all))
logical_or = _binary(logic.logical_or, False, reduce=_general(any))
logical_xor = _binary(logic.logical_xor, False, reduce=_general(_odd))

logaddexp = _binary(exponential.logaddexp, -math.inf, reduce=_logsumexp)
logaddexp2 = _binary(exponential.logaddexp2, -math.inf, reduce=_logsumexp2)
