"""convert: between dtypes by value or by bits, to fewer bits of precision, and arrays filled with one value."""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, canonicalize_shape, concrete_or_error, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.lax.strict import FLOAT, check_kind, check_shapelike, operand
from jaxlike._src.narrow_bits import reinterpreted
from jaxlike._src.numpy.arguments import array_of, like, user_dtype
from jaxlike._src.numpy.filled import full as numpy_full
from jaxlike._src.numpy.kinks import const
from jaxlike._src.regions import equation
from jaxlike._src.transforms.stop_gradient import stop_gradient
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.frames import Frame
    from jaxlike._src.typing import ArrayLike, DTypeLike, Shape


def dtype(x: Any) -> Any:
    """The dtype of an array or a number, or the one that a dtype or a scalar type stands for."""
    return dtypes.dtype_of(x)


def convert_element_type(operand: ArrayLike, new_dtype: DTypeLike) -> Array:
    """``operand`` in another dtype, strongly typed.

    Floats become integers by truncation and saturate, integers wrap around, complex numbers lose their imaginary
    part (with a warning).
    """
    wanted = dtypes.check_and_canonicalize_user_dtype(new_dtype, "convert_element_type")
    if type(operand) is int and not isinstance(wanted, dtypes.ExtendedDType):  # of any size
        return asarray(np.asarray(operand).astype(wanted))
    if not isinstance(operand, Array) and hasattr(operand, "__jax_array__"):  # which JAX asks here alone
        operand = asarray(operand)
    x = _value("convert_element_type", operand)
    if dtypes.issubdtype(x.dtype, np.complexfloating) and not dtypes.issubdtype(wanted, np.complexfloating):
        message = "Casting complex values to real discards the imaginary part"
        warnings.warn(message, np.exceptions.ComplexWarning, stacklevel=2)
    return astype(x, wanted)


_value = operand


def bitcast_convert_type(operand: ArrayLike, new_dtype: DTypeLike) -> Array:
    """The same bits read as another dtype.

    A narrower dtype gives one more axis at the end, a wider one takes it away.
    """
    wanted = dtypes.check_and_canonicalize_user_dtype(new_dtype, "bitcast_convert_type")
    x = _value("bitcast_convert_type", operand)
    if dtypes.issubdtype(wanted, np.inexact):
        x = stop_gradient(x)  # bits have no derivative, read as floats of any dtype neither
    old = x.dtype
    opaque = (np.bool_, np.complexfloating)
    if old != wanted and (dtypes.any_of(opaque, old) or dtypes.any_of(opaque, wanted)):
        raise TypeError(
            "lax.bitcast_convert_type does not support bool or complex values unless the operand and destination types "
            f"match. Got operand dtype={old}, new_dtype={wanted!r}. Consider using the arr.view() method instead."
        )
    now, then = dtypes.itemsize_bits(old), dtypes.itemsize_bits(wanted)
    if now == then:
        return reinterpreted(x, wanted)
    if now > then:
        return reinterpreted(like(x, unwrap(x).unsqueeze(-1)), wanted)
    last = x.shape[-1] if x.ndim else 1
    if last * now != then:
        raise ValueError(
            f"Attempting to convert array of shape {x.shape} from {old} of size {now} bits to {wanted} of size {then}, "
            f"bits but {last} * {now} != {then}"
        )
    made = reinterpreted(x, wanted)
    return like(made, unwrap(made).squeeze(-1))


# Precision


class _ReducePrecision(Structured):
    """Rounding to fewer bits; tangents and cotangents are rounded likewise."""

    name = "reduce_precision"
    is_executed = True

    def __init__(self, exponent_bits: int, mantissa_bits: int) -> None:
        self.exponent_bits, self.mantissa_bits = exponent_bits, mantissa_bits

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"exponent_bits": self.exponent_bits, "mantissa_bits": self.mantissa_bits}

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Round to nearest even; beyond the largest exponent is infinity, below the smallest zero."""
        (x,) = args
        return [like(x, _rounded(unwrap(x), self.exponent_bits, self.mantissa_bits))]

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """The operation on both."""
        return apply(self, primals), [None if t is None else apply(self, [t])[0] for t in tangents]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The operation on the cotangent."""
        del perturbed
        return apply(self, primals), lambda cts: [None if c is None else apply(self, [c])[0] for c in cts]

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Elementwise."""
        del frame
        return apply(self, args), mapped

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """There is nothing to close over."""
        del run, more
        return self


def _rounded(x: Tensor, exponent_bits: int, mantissa_bits: int) -> Tensor:
    wide = x.to(torch.float64) if x.dtype is torch.float64 else x.to(torch.float32)
    own = dtypes.finfo(dtypes.from_torch(wide.dtype))
    out = wide
    bits = {torch.float32: torch.int32, torch.float64: torch.int64}[wide.dtype]
    dropped = int(own.nmant) - mantissa_bits
    if dropped > 0:
        raw = wide.view(bits)
        odd = (raw >> const(raw, dropped)) & const(raw, 1)
        kept = (raw + const(raw, (1 << (dropped - 1)) - 1) + odd) & const(raw, -(1 << dropped))
        out = torch.where(wide.isfinite(), kept.view(wide.dtype), wide)
    bias = (1 << (exponent_bits - 1)) - 1
    if bias < int(own.maxexp) - 1:
        size = out.abs()
        zero = torch.copysign(const(out, 0.0), out)
        infinite = torch.copysign(const(out, float("inf")), out)
        out = torch.where(size < const(out, 2.0 ** (1 - bias)), zero, out)
        out = torch.where((size >= const(out, 2.0 ** (bias + 1))) & wide.isfinite(), infinite, out)
    return out.to(x.dtype)


def reduce_precision(operand: ArrayLike, exponent_bits: int, mantissa_bits: int) -> Array:
    """``operand`` rounded to a float with so many bits of exponent and mantissa, in its own dtype."""
    e = concrete_or_error(operator.index, exponent_bits, "exponent_bits argument of lax.reduce_precision")
    m = concrete_or_error(operator.index, mantissa_bits, "mantissa_bits argument of lax.reduce_precision")
    x = _value("reduce_precision", operand)
    if e < 1:
        raise ValueError(f"reduce_precision: exponent_bits must be positive; got {e}")
    if m < 0:
        raise ValueError(f"reduce_precision: mantissa_bits must be non-negative; got {m}")
    check_kind("reduce_precision", x.dtype, FLOAT)
    return apply(_ReducePrecision(e, m), [x])[0]


# Filled arrays


def full(shape: Shape, fill_value: ArrayLike, dtype: DTypeLike | None = None, *, sharding: Any = None) -> Array:
    """An array of one value.

    Args:
        shape: sizes of the axes.
        fill_value: a scalar; weakly typed ones give a weakly typed array.
        dtype: what ``fill_value`` is converted to.
        sharding: accepted; where the array is kept does not change.
    """
    del sharding
    sizes = canonicalize_shape(shape)
    if np.shape(fill_value) if not isinstance(fill_value, Array) else fill_value.shape:
        raise TypeError(f"full must be called with scalar fill_value, got fill_value.shape {np.shape(fill_value)}.")
    if dtype is not None and not isinstance(dtype, dtypes.ExtendedDType):
        wanted = user_dtype(dtype, "full")
        value = convert_element_type(fill_value, wanted)
    elif dtype is not None:
        return numpy_full(sizes, fill_value, dtype=dtype)
    else:
        value = _value("full", fill_value)
    return _broadcast_scalar(value, sizes)


def _broadcast_scalar(value: Array, sizes: tuple[int, ...]) -> Array:
    for size in sizes:
        if size < 0:
            raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {sizes}.")
    tensor = unwrap(value)
    return like(value, tensor.expand([*sizes, *tensor.shape]))


def full_like(
    x: Any, fill_value: ArrayLike, dtype: DTypeLike | None = None, shape: Shape | None = None, sharding: Any = None
) -> Array:
    """`full` with the shape, dtype and weak type of ``x``, except for what is given."""
    del sharding
    known = x if hasattr(x, "shape") and hasattr(x, "dtype") else _value("full_like", x)
    sizes = tuple(known.shape) if shape is None else canonicalize_shape(shape)
    weak = dtype is None and bool(getattr(known, "weak_type", False))
    wanted: Any = known.dtype if dtype is None else dtypes.jax_dtype(dtype)
    if isinstance(wanted, dtypes.ExtendedDType):
        return numpy_full(sizes, fill_value, dtype=known.dtype if dtype is None else dtype)
    wanted = dtypes.canonicalize_dtype(wanted)
    value = convert_element_type(fill_value, wanted)
    return full(sizes, astype(value, wanted, weak))


def iota(dtype: DTypeLike, size: int) -> Array:
    """``0, 1, ..., size - 1``."""
    return broadcasted_iota(dtype, (size,), 0)


def broadcasted_iota(dtype: DTypeLike, shape: Shape, dimension: int, *, out_sharding: Any = None) -> Array:
    """The position along ``dimension``, for each place of ``shape``."""
    del out_sharding
    wanted = dtypes.check_and_canonicalize_user_dtype(dtype, "broadcasted_iota")
    sizes = canonicalize_shape(shape)
    at = concrete_or_error(int, dimension, "dimension argument of lax.broadcasted_iota")
    if not dtypes.any_of((np.integer, np.floating, np.complexfloating), wanted):
        raise TypeError(
            f"iota does not accept dtype {wanted}. Accepted dtypes are subtypes of integer, floating, complexfloating."
        )
    check_shapelike("iota", "shape", sizes)
    if not 0 <= at < len(sizes):
        raise ValueError(f"iota dimension must be between 0 and len(shape), got dimension={at} for shape={sizes}")
    return _iota(wanted, sizes, at)


@equation("iota", lambda dtype, shape, at: ((), {"dtype": dtype, "shape": shape, "dimension": at, "sharding": None}))
def _iota(wanted: Any, sizes: tuple[int, ...], at: int) -> Array:
    place = torch.arange(sizes[at], dtype=torch.int64, device=default_torch_device())
    row = unwrap(astype(Array(place), wanted))
    return array_of(row.reshape([-1 if k == at else 1 for k in range(len(sizes))]).expand(sizes), wanted)


def empty(shape: Shape, dtype: DTypeLike, *, out_sharding: Any = None) -> Array:
    """An array whose values may be anything (they are zeros)."""
    del out_sharding
    return full(shape, 0, dtype)
