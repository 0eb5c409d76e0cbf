"""activations: elementwise functions of neural networks, and normalisations along an axis.

Each is JAX's own definition, written from jax.numpy functions, so that its derivatives at kinks are JAX's. Where no
transformation is running (`plain` tells), torch's fused kernel gives the same values in one pass.
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    canonicalize_axis,
    check_arraylike,
    check_arraylike_or_none,
    concrete_or_error,
    promote_args_inexact,
    unwrap,
)
from jaxlike._src.family import FLOATS
from jaxlike._src.frames import STATE
from jaxlike._src.lax.elementwise import logistic
from jaxlike._src.lax.parallel import axis_index, axis_size
from jaxlike._src.nn.logsumexp import logsumexp
from jaxlike._src.numpy.arithmetic import (
    abs as absolute,
)
from jaxlike._src.numpy.arithmetic import (
    add,
    multiply,
    negative,
    sqrt,
    square,
    subtract,
    true_divide,
)
from jaxlike._src.numpy.averages import mean as mean_of
from jaxlike._src.numpy.compare import equal, maximum, minimum
from jaxlike._src.numpy.exponential import exp, expm1, log, log1p, logaddexp
from jaxlike._src.numpy.kinks import const, rectified, rectified_to_6, transformed
from jaxlike._src.numpy.reduce import max as max_of
from jaxlike._src.numpy.reduce import sum as sum_of
from jaxlike._src.numpy.select import clip, where
from jaxlike._src.numpy.stacking import split
from jaxlike._src.numpy.trig import tanh
from jaxlike._src.regions import in_steps, spelled
from jaxlike._src.special import beside
from jaxlike._src.transforms.compiled import jitted
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Axis


def plain(x: Any) -> Tensor | None:
    """The tensor of a floating Array while no transformation is running, else None."""
    if STATE.fast is None and type(x) is Array and x._frame is None and x._t.dtype in FLOATS:
        return x._t
    return None


@jitted("identity")
def identity(x: ArrayLike) -> Array:
    """``x``."""
    check_arraylike("identity", x)
    return asarray(x)


def relu(x: ArrayLike) -> Array:
    """``max(x, 0)``; the derivative at 0 is 0."""
    if type(x) is Array and x._t.dtype in FLOATS:
        t = unwrap(x)
        return Array(in_steps("relu", rectified, t) if transformed() else torch.relu(t), x._tag)
    return maximum(x, 0)


def relu6(x: ArrayLike) -> Array:
    """``min(max(x, 0), 6)``; the derivative at 0 and 6 is 0."""
    if (t := plain(x)) is not None:
        return Array(functional.relu6(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("maximum", x)
    return _relu6(asarray(x))


@spelled("relu6", lambda v: ((v,), ()))
def _relu6(v: Array) -> Array:
    if v._t.dtype in FLOATS:
        return Array(rectified_to_6(unwrap(v)), v._tag)
    return where(v <= 0, 0, where(v >= 6, 6.0, v))


def sigmoid(x: ArrayLike) -> Array:
    """``1 / (1 + exp(-x))``; integers are refused."""
    return logistic(x)


@jitted("softplus")
def softplus(x: ArrayLike) -> Array:
    """``log(1 + exp(x))``."""
    if (t := plain(x)) is not None:
        return Array(torch.logaddexp(*beside(t, const(t, 0))), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    return logaddexp(x, 0)


@jitted("squareplus")
def squareplus(x: ArrayLike, b: ArrayLike = 4) -> Array:
    """``(x + sqrt(x**2 + b)) / 2``."""
    check_arraylike("squareplus", x)
    return true_divide(add(x, sqrt(add(square(x), b))), 2)


def sparse_plus(x: ArrayLike) -> Array:
    """0 up to -1, ``x`` from 1 on, and ``(x + 1)**2 / 4`` between."""
    check_arraylike("sparse_plus", x)
    v = asarray(x)
    return where(v <= -1.0, 0.0, where(v >= 1.0, v, true_divide(square(add(v, 1.0)), 4)))


@jitted("soft_sign")
def soft_sign(x: ArrayLike) -> Array:
    """``x / (|x| + 1)``."""
    if (t := plain(x)) is not None:
        return Array(functional.softsign(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("soft_sign", x)
    return true_divide(x, add(absolute(x), 1))


@jitted("sparse_sigmoid")
def sparse_sigmoid(x: ArrayLike) -> Array:
    """``(x + 1) / 2`` cut to [0, 1]."""
    check_arraylike("sparse_sigmoid", x)
    return multiply(0.5, clip(add(x, 1.0), 0.0, 2.0))


@jitted("silu")
def silu(x: ArrayLike) -> Array:
    """``x * sigmoid(x)``."""
    if (t := plain(x)) is not None:
        return Array(functional.silu(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("silu", x)
    return multiply(x, sigmoid(x))


swish = silu


@jitted("mish")
def mish(x: ArrayLike) -> Array:
    """``x * tanh(softplus(x))``."""
    if (t := plain(x)) is not None:
        return Array(functional.mish(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("mish", x)
    return multiply(x, tanh(softplus(x)))


@jitted("log_sigmoid")
def log_sigmoid(x: ArrayLike) -> Array:
    """``log(sigmoid(x))``."""
    if (t := plain(x)) is not None:
        return Array(functional.logsigmoid(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("log_sigmoid", x)
    return negative(softplus(negative(x)))


@jitted("elu")
def elu(x: ArrayLike, alpha: ArrayLike = 1.0) -> Array:
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below."""
    if (t := plain(x)) is not None and type(alpha) is float:
        return Array(functional.elu(t, alpha), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("elu", x)
    v = asarray(x)
    above = v > 0
    return where(above, v, multiply(alpha, expm1(where(above, 0.0, v))))


@jitted("leaky_relu")
def leaky_relu(x: ArrayLike, negative_slope: ArrayLike = 1e-2) -> Array:
    """``x`` from 0 on, ``negative_slope * x`` below."""
    if (t := plain(x)) is not None and type(negative_slope) is float:
        return Array(functional.leaky_relu(t, negative_slope), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("leaky_relu", x)
    v = asarray(x)
    return where(v >= 0, v, multiply(negative_slope, v))


@jitted("hard_tanh")
def hard_tanh(x: ArrayLike) -> Array:
    """``x`` cut to [-1, 1]; the derivative at the ends is 1."""
    if (t := plain(x)) is not None:
        return Array(functional.hardtanh(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("hard_tanh", x)
    v = asarray(x)
    return where(v > 1, 1, where(v < -1, -1, v))


@jitted("celu")
def celu(x: ArrayLike, alpha: ArrayLike = 1.0) -> Array:
    """``max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)``."""
    if (t := plain(x)) is not None and type(alpha) is float:
        return Array(functional.celu(t, alpha), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    return add(maximum(x, 0.0), multiply(alpha, expm1(true_divide(minimum(x, 0.0), alpha))))


@jitted("selu")
def selu(x: ArrayLike) -> Array:
    """``elu`` with the two constants of self-normalising networks (Klambauer et al. 2017)."""
    if (t := plain(x)) is not None:
        return Array(torch.selu(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    return multiply(1.0507009873554804934193349852946, elu(x, 1.6732632423543772848170429916717))


def gelu(x: ArrayLike, approximate: bool = True) -> Array:
    """``x`` times the normal distribution function of ``x``, by a tanh formula if ``approximate``."""
    if approximate and (t := plain(x)) is not None:  # torch's other form gives NaN at infinity
        return Array(functional.gelu(t, approximate="tanh"))
    (v,) = promote_args_inexact("gelu", x)
    t = unwrap(v)
    half = const(t, 0.5)
    if approximate:
        cubic = t + const(t, 0.044715) * (t * t * t)
        share = half * (const(t, 1) + torch.tanh(const(t, math.sqrt(2 / math.pi)) * cubic))
        return Array(t * share)
    return Array(half * t * torch.special.erfc(-t * const(t, math.sqrt(0.5))))


@jitted("glu", "x")
def glu(x: ArrayLike, axis: int = -1) -> Array:
    """The first half along ``axis`` times the sigmoid of the second."""
    check_arraylike("glu", x)
    v = asarray(x)
    if v.shape[axis] % 2:
        raise AssertionError("axis size must be divisible by 2")
    first, second = split(v, 2, axis)
    return multiply(first, sigmoid(second))


@jitted("hard_sigmoid")
def hard_sigmoid(x: ArrayLike) -> Array:
    """``relu6(x + 3) / 6``."""
    if (t := plain(x)) is not None:
        return Array(functional.hardsigmoid(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    return true_divide(relu6(add(x, 3.0)), 6.0)


@jitted("hard_silu")
def hard_silu(x: ArrayLike) -> Array:
    """``x * hard_sigmoid(x)``."""
    if (t := plain(x)) is not None:
        return Array(t * functional.hardsigmoid(t), x._tag)  # pyright: ignore[reportAttributeAccessIssue]
    check_arraylike("hard_silu", x)
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


def _log1mexp(x: Array) -> Array:
    small = log(negative(expm1(negative(x))))
    return where(x < math.log(2.0), small, log1p(negative(exp(negative(x)))))


_log1mexp_with_slope = library_jvp(_log1mexp)
_log1mexp_with_slope.defjvps(lambda g, _, x: true_divide(g, expm1(x)))


def log1mexp(x: ArrayLike) -> Array:
    """``log(1 - exp(-x))`` without cancellation."""
    check_arraylike("log1mexp", x)
    return (_log1mexp if STATE.frame is None else _log1mexp_with_slope)(asarray(x))


# Along an axis


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    given = range(ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(canonicalize_axis(a, ndim) for a in given)


def _one_axis(x: Any, axis: Any, mask: Any) -> int | None:
    """The axis number where torch's own kernel does it; None otherwise."""
    if STATE.frame is not None or not STATE.plain:  # torch has no forward derivative of their backward
        return None
    if type(x) is not Array or mask is not None or isinstance(axis, tuple | list) or axis is None or not x.ndim:
        return None
    t = unwrap(x)
    if t.dtype not in (torch.float32, torch.float64) or type(axis) is not int or not t.numel():
        return None
    return canonicalize_axis(axis, x.ndim)


def softmax(x: ArrayLike, axis: Axis = -1, where: ArrayLike | None = None) -> Array:
    """``exp(x) / sum(exp(x))`` over ``axis``; entries outside of ``where`` count for nothing and give 0."""
    check_arraylike("max", x)
    if (dim := _one_axis(x, axis, where)) is not None:
        assert isinstance(x, Array)
        return Array(torch.softmax(unwrap(x), dim), x.weak_type)
    top = max_of(x, axis, where=where, initial=-np.inf, keepdims=True)
    safe = x if where is None else _where(where, x, -np.inf)
    weights = exp(subtract(safe, stop_gradient(top)))
    result = true_divide(weights, sum_of(weights, axis, where=where, keepdims=True))
    return result if where is None else _where(where, result, 0)


_where = where


@jitted("log_softmax", "x where")
def log_softmax(x: ArrayLike, axis: Axis = -1, where: ArrayLike | None = None) -> Array:
    """``log(softmax(x))`` over ``axis``; -inf outside of ``where``."""
    check_arraylike("log_softmax", x)
    if (dim := _one_axis(x, axis, where)) is not None:
        assert isinstance(x, Array)
        return Array(torch.log_softmax(unwrap(x), dim), x.weak_type)
    top = max_of(x, axis, where=where, initial=-np.inf, keepdims=True)
    safe = x if where is None else _where(where, x, -np.inf)
    shifted = subtract(safe, stop_gradient(top))
    result = subtract(shifted, log(sum_of(exp(shifted), axis, where=where, keepdims=True)))
    return result if where is None else _where(where, result, -np.inf)


@jitted("logmeanexp", "x where")
def logmeanexp(x: ArrayLike, axis: Axis = None, where: ArrayLike | None = None, keepdims: bool = False) -> Array:
    """``log(mean(exp(x)))`` over ``axis``."""
    total = logsumexp(x, axis=axis, where=where, keepdims=keepdims)
    array = asarray(x)
    if where is None:
        count: Any = math.prod(array.shape[a] for a in _axes(axis, array.ndim))
        return subtract(total, log(float(count)))
    ones = _where(where, Array(torch.ones_like(unwrap(astype(array, total.dtype)))), 0)
    return subtract(total, log(sum_of(ones, axis=axis, keepdims=keepdims)))


@jitted("standardize", "x mean variance epsilon where")
def standardize(
    x: ArrayLike,
    axis: Axis = -1,
    mean: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    epsilon: ArrayLike = 1e-5,
    where: ArrayLike | None = None,
    *,
    algorithm: str = "fast",
) -> Array:
    """``(x - mean) / sqrt(variance + epsilon)`` over ``axis``.

    Args:
        x: array.
        axis: axes over which mean and variance are taken.
        mean: used instead of the mean of ``x``.
        variance: used instead of the variance of ``x``.
        epsilon: added to the variance.
        where: entries that count for mean and variance.
        algorithm: "fast" (mean of squares minus square of mean) or "stable" (two passes).
    """
    check_arraylike("standardize", x)
    check_arraylike_or_none("standardize", mean, variance, where)
    if mean is None:
        mean = mean_of(x, axis, keepdims=True, where=where)
    if variance is None:
        if algorithm == "stable":
            variance = mean_of(square(subtract(x, mean)), axis, keepdims=True, where=where)
        elif algorithm == "fast":
            variance = subtract(mean_of(square(x), axis, keepdims=True, where=where), square(mean))
            variance = clip(variance, 0)
        else:
            raise ValueError(f"Unknown algorithm '{algorithm}'. Expected 'fast' or 'stable'.")
    spread = add(variance, epsilon)
    return multiply(subtract(x, mean), Array(torch.rsqrt(unwrap(spread)), spread.weak_type))


def one_hot(x: Any, num_classes: int, *, dtype: Any = None, axis: Any = -1) -> Array:
    """1 at position ``x`` of a new ``axis``, 0 elsewhere and where ``x`` is out of range.

    Args:
        x: integers.
        num_classes: size of the new axis.
        dtype: dtype of the result, by default the default float.
        axis: where the new axis goes, or the name of a vmap axis.
    """
    where_arose = "The error arose in jax.nn.one_hot argument `num_classes`."
    num_classes = concrete_or_error(operator.index, num_classes, where_arose)
    check_arraylike("one_hot", x)
    array = asarray(x)
    if not dtypes.isdtype(array.dtype, "integral"):
        warnings.warn(
            f"jax.nn.one_hot input should be integer-typed; got dtype={array.dtype}", DeprecationWarning, stacklevel=2
        )
    kind = dtypes.default_float_dtype() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype, "one_hot")
    if not isinstance(axis, int | np.integer):
        size = axis_size(axis)
        if num_classes != size:
            raise ValueError(f"Expected num_classes to match the size of axis {axis}, but {num_classes} != {size}")
        return astype(equal(array, axis_index(axis)), kind)
    place = canonicalize_axis(axis, array.ndim + 1)
    t = unwrap(array)
    shape = [1] * array.ndim
    shape.insert(place, num_classes)
    if num_classes < 0:
        raise TypeError(f"iota shape must have every element be nonnegative, got {tuple(shape)}.")
    classes = torch.arange(num_classes, dtype=torch.int64, device=t.device).reshape(shape)
    wide = t if t.dtype.is_floating_point else t.to(torch.int64)
    return astype(Array(wide.unsqueeze(place) == classes), kind)
