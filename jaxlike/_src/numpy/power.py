"""power: x**y in its four forms, chosen as JAX chooses them.

A concrete whole number as exponent: repeated multiplication, differentiable at 0, dtype of the base.
Integers to integers: multiplication by squaring on the exponent's low six bits. A floating base with an array
of integers: no promotion, slope 0 where the exponent is 0. Everything else: promotion, then the real power.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    broadcast_shapes,
    cast,
    check_arraylike,
    concrete_tensor,
    kind_of,
    scalar_value,
    tensor_as,
    unwrap,
)
from jaxlike._src.family import COMPLEX, FLOATS, INEXACT, INTEGERS, alias, binary, to_inexact, to_numeric
from jaxlike._src.frames import STATE
from jaxlike._src.numpy import complex_edges
from jaxlike._src.numpy.kinks import const, transformed
from jaxlike._src.regions import as_one, written_as
from jaxlike._src.transforms.custom import is_zero, library_jvp

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_DIRECT = FLOATS | COMPLEX | INTEGERS


def power(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 ** x2``.

    Integers stay integers (a negative exponent given as a number raises TypeError); integer bases with
    floating exponents, and the reverse, promote.
    """
    if type(x2) is int:
        if type(x1) is Array and x1._frame is STATE.fast:
            t = x1._t
            if t.dtype in _DIRECT and (x2 >= 0 or t.dtype not in INTEGERS):
                return Array(_integer_pow(t, x2), x1._tag)
        check_arraylike("power", x1)
        return integer_pow(x1, x2)
    if _is_floating(x2) and _is_floating(x1):
        return _pow(x1, x2)
    check_arraylike("power", x1, x2)
    if not isinstance(x1, Array) and hasattr(x1, "__jax_array__"):
        x1 = asarray(x1)
    if not isinstance(x2, Array) and hasattr(x2, "__jax_array__"):
        x2 = asarray(x2)
    exponent = _concrete_index(x2)
    if exponent is not None:
        return integer_pow(x1, exponent)
    (d1, _), (d2, _) = kind_of(x1), kind_of(x2)
    if dtypes.issubdtype(d2, np.integer) or d2 == np.bool_:
        if not dtypes.issubdtype(d1, np.inexact):
            return _pow_integers(x1, x2)
        if d2 != np.bool_:
            return _pow_inexact_integer(x1, x2)
    return _pow(x1, x2)


pow = alias("pow", power)


@binary(promote=to_inexact, accepts=INEXACT, primitive="pow")
def float_power(x: Tensor, y: Tensor) -> Tensor:
    """``x ** y`` computed as floats."""
    return _real_pow(x, y)


def _is_floating(x: Any) -> bool:
    kind = type(x)
    return kind is float or (kind is Array and x._t.dtype in FLOATS)


def _concrete_index(x: Any) -> int | None:
    """The value of a whole number that is known now."""
    if isinstance(x, Array):
        if x.ndim or x._t.dtype is torch.bool or not dtypes.issubdtype(x.dtype, np.integer):
            return None
        tensor = concrete_tensor(x)
        if tensor is None:
            return None
        with torch_private.outside():
            return int(tensor.item())
    try:
        return operator.index(x)
    except TypeError:
        return None


# A concrete whole exponent


def integer_pow(x: ArrayLike, y: int) -> Array:
    """``x ** y`` for a Python int ``y``; dtype and weak type of ``x`` (int32 for bool)."""
    x = asarray(x)
    want = to_numeric.of(x.dtype)
    if y < 0 and dtypes.issubdtype(want, np.integer):
        raise TypeError(
            f"Integers cannot be raised to negative powers, got integer_pow({x.aval.update(dtype=want)}, {y})"
        )
    tensor = tensor_as(x, want)
    if tensor.dtype in unsigned.WIDE:
        out = unsigned.emulate(_integer_pow, "bits", tensor, y=y)
    else:
        out = _integer_pow(tensor, y)
    made = Array(out, x.weak_type)
    return astype(made, want) if want in dtypes.COMPUTED_IN else made  # which torch keeps in a wider type, or computes there


_UNROLLED = 3  # torch.pow unrolls up to this exponent; beyond, it rounds once where products round each time


def _integer_pow(x: Tensor, y: int) -> Tensor:
    return as_one("integer_pow", {"y": y}, _whole_power, x, y)


def _whole_power(x: Tensor, y: int) -> Tensor:
    if 1 < y <= _UNROLLED and x.dtype.is_floating_point and torch_private.is_wrapped(x):
        return torch.pow(x, y)  # the same products, and one operation for a derivative
    if y == 2:
        return torch.mul(x, x)
    if y == 1:
        return x
    if y == 0:
        return torch.ones_like(x)
    dtype = x.dtype
    if y == -1:
        return complex_edges.inverse(x)
    if y < 0 and dtype.is_floating_point and transformed():
        return torch.pow(x, y)  # of the slope ``y * x**(y - 1)``, which a quotient does not have at 0 and at infinity
    if dtype.is_floating_point and y > _UNROLLED:
        return torch.pow(x, y)
    return _by_squaring(x, y) if y > 0 else complex_edges.inverse(_by_squaring(x, -y))


def _by_squaring(x: Tensor, y: int) -> Tensor:
    product: Tensor | None = None
    while True:
        if y & 1:
            product = x if product is None else torch.mul(product, x)
        y >>= 1
        if not y:
            assert product is not None
            return product
        x = torch.mul(x, x)


# Integers to an array of integers


@binary(promote=to_numeric, primitive="pow", arguments_of="power", result="strong")
def _pow_integers(x: Tensor, y: Tensor) -> Tensor:
    bits = torch.bitwise_and(y, const(y, 63))  # more bits overflow for every base above 1
    zero = const(x, 0)
    of_zero = torch.eq(x, zero) & torch.ne(y, zero)
    return torch.where(of_zero, zero, torch.pow(x, bits))


# Floating base


@binary(promote=to_numeric, accepts=INEXACT, primitive="pow", arguments_of="power")
def _pow(x: Tensor, y: Tensor) -> Tensor:
    return _real_pow(x, y)


@written_as("pow")
def _real_pow(x: Tensor, y: Tensor) -> Tensor:
    """``x ** y`` with JAX's derivatives; torch's are those but where a base or an exponent is 0."""
    if x.dtype.is_complex:
        return _complex_pow(x, y)
    if not transformed() or scalar_value(y) or scalar_value(x):
        return torch.pow(x, y)
    return unwrap(_pow_with_slopes(Array(x), Array(y)))


@library_jvp
def _pow_with_slopes(x: Array, y: Array) -> Array:
    return Array(torch.pow(unwrap(x), unwrap(y)))


def _pow_jvp(primals: Any, tangents: Any) -> Any:
    out = _pow_with_slopes(*primals)
    x, y = map(unwrap, primals)
    terms: list[Tensor] = []
    if not is_zero(tangents[0]):
        terms.append(unwrap(tangents[0]) * (y * _real_pow(x, y - const(y, 1))))
    if not is_zero(tangents[1]):
        safe = torch.where(torch.eq(x, const(x, 0)), const(x, 1), x)
        terms.append(unwrap(tangents[1]) * (torch.log(safe) * unwrap(out)))
    return out, Array(functools.reduce(torch.add, terms))


_pow_with_slopes.defjvp(_pow_jvp, symbolic_zeros=True)


def _complex_pow(x: Tensor, y: Tensor) -> Tensor:
    """torch gives NaN for 0**0, JAX 1; and JAX NaN for 0 to what is not real and positive."""
    zero = const(x, 0)
    one = const(x, 1)
    trivial = torch.eq(y, zero)
    out = torch.where(trivial, one, complex_edges.power(torch.where(trivial, one, x), y))
    real_zero = const(y.real, 0)
    odd = ~trivial & (torch.ne(y.imag, real_zero) | torch.lt(y.real, real_zero))
    return torch.where(torch.eq(x, zero) & odd, const(x, complex(math.nan, math.nan)), out)


def _pow_inexact_integer(x: Any, y: Any) -> Array:
    """A floating or complex base to an array of integers, in the dtype of the base."""
    x, y = asarray(x), asarray(y)
    broadcast_shapes("power", [x.shape, y.shape], "pow")
    dtypes.promote(kind_of(x), kind_of(y))  # an error where strict promotion is asked for
    base = tensor_as(x, x.dtype)
    exponent = cast(tensor_as(y, y.dtype), base.dtype)
    out = _complex_pow(base, exponent) if base.dtype.is_complex else torch.pow(base, exponent)
    return Array(out, x.weak_type and y.weak_type)
