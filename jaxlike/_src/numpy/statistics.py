"""statistics: covariance and correlation, counts of integers and of values in bins."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    cast,
    concrete_or_error,
    promote_args_inexact,
    promote_dtypes,
    promote_dtypes_inexact,
    to_numpy,
    unwrap,
)
from jaxlike._src.numpy import create
from jaxlike._src.numpy.arguments import array_of, astype, new_shape, one_array, user_dtype
from jaxlike._src.numpy.arithmetic import absolute, multiply, true_divide
from jaxlike._src.numpy.averages import average
from jaxlike._src.numpy.calculus import diff
from jaxlike._src.numpy.compare import greater_equal
from jaxlike._src.numpy.filled import full, ones_like, zeros_like
from jaxlike._src.numpy.find import in_order, places_in
from jaxlike._src.numpy.ranges import ix_, linspace
from jaxlike._src.numpy.reduce import max, min
from jaxlike._src.numpy.shape import all_arrays, atleast_2d, reshape, squeeze, transpose
from jaxlike._src.numpy.stacking import concatenate
from jaxlike._src.numpy.triangles import diag
from jaxlike._src.transforms.compiled import compiled, jitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

# Covariance


def _sample_weights(name: str, given: Any, count: int) -> Array:
    w = one_array("cov", given)
    if w.ndim > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if w.shape[0] != count:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    if name == "fweights" and not dtypes.issubdtype(w.dtype, np.integer):
        raise TypeError("fweights must be integer.")
    return absolute(w)


@jitted("cov", "m y fweights aweights")
def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """Covariance of the rows of ``m``: [variables, samples] -> [variables, variables].

    Args:
        m: one row for each variable; a vector is one variable.
        y: more variables.
        rowvar: False if the variables are the columns.
        bias: divide by the number of samples, not by one less.
        ddof: what is taken off the number of samples, instead of ``bias``.
        fweights: how often each sample was seen.
        aweights: how important each sample is.
        dtype: dtype to compute in and to return.
    """
    if y is not None:
        m, y = promote_args_inexact("cov", m, y)
        if y.ndim > 2:
            raise ValueError("y has more than 2 dimensions")
    else:
        (m,) = promote_args_inexact("cov", m)
    if m.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    if dtype is not None and not dtypes.issubdtype(dtype, np.inexact):
        raise ValueError(f"cov: dtype must be a subclass of float or complex; got {dtype=!r}")
    x = atleast_2d(m)
    if not rowvar and m.ndim != 1:
        x = transpose(x)
    if x.shape[0] == 0:
        return reshape(create.array([]), (0, 0))
    if y is not None:
        more = atleast_2d(y)
        if not rowvar and more.shape[0] != 1:
            more = transpose(more)
        x = concatenate((x, more), axis=0)
    variables, samples = x.shape
    if samples == 0:
        return full(() if variables == 1 else (variables, variables), np.nan, dtype=x.dtype)
    off = (0 if bias else 1) if ddof is None else ddof
    weights = None if fweights is None else _sample_weights("fweights", fweights, samples)
    importance = None if aweights is None else _sample_weights("aweights", aweights, samples)
    if importance is not None:
        weights = importance if weights is None else multiply(weights, importance)
    if dtype is not None:
        want = user_dtype(dtype, "astype")
        x = astype(x, want)
        weights = None if weights is None else astype(weights, want)
    return _covariance(x, weights, importance, off)


def _covariance(x: Array, weights: Array | None, importance: Array | None, off: Any) -> Array:
    samples = x.shape[1]
    center, total = average(x, axis=1, weights=weights, returned=True)
    tensor = unwrap(x) - unwrap(center).unsqueeze(1)
    w_sum = unwrap(total)[0]
    if weights is None:
        count: Any = samples - off
        right = tensor
    else:
        right_array = multiply(Array(tensor), weights)
        right = unwrap(right_array)
        tensor = cast(tensor, right.dtype)
        if isinstance(off, int) and off == 0:
            count = w_sum
        elif importance is None:
            count = w_sum - off
        else:
            count = w_sum - off * unwrap(multiply(weights, importance)).sum() / w_sum
    product = torch.matmul(tensor, right.transpose(0, 1).conj())
    divisor = asarray(count) if isinstance(count, int | float) else Array(count)
    return squeeze(true_divide(Array(product), divisor))


@compiled("x", "y")
def corrcoef(x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, dtype: DTypeLike | None = None) -> Array:
    """Correlation of the rows of ``x`` (and ``y``): `cov` divided by the standard deviations of both."""
    one_array("corrcoef", x)
    if dtype is not None and not dtypes.issubdtype(dtype, np.inexact):
        raise ValueError(f"corrcoef: dtype must be a subclass of float or complex; got {dtype=!r}")
    from jaxlike._src.numpy.select import clip  # imported here: only this needs it

    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return true_divide(c, c)
    variance = unwrap(diag(c))
    deviation = cast(torch.sqrt(variance.real if variance.is_complex() else variance), variance.dtype)
    tensor = unwrap(c) / deviation.unsqueeze(1) / deviation
    if not tensor.is_complex():
        return clip(Array(tensor), -1, 1)
    real, imag = clip(Array(tensor.real), -1, 1), clip(Array(tensor.imag), -1, 1)
    return Array(torch.complex(unwrap(real), unwrap(imag)))


# Counts


def _added_at(length: int, places: Tensor, amounts: Tensor) -> Tensor:
    """Zeros of a length, with each amount added at its place; what lies outside is dropped."""
    inside = torch.where((places >= 0) & (places < length), places, length)
    total = torch.zeros(length + 1, dtype=amounts.dtype, device=amounts.device)
    return total.index_add(0, inside, amounts)[:length]


def bincount(
    x: ArrayLike,
    weights: ArrayLike | None = None,
    minlength: int = 0,
    *,
    length: int | None = None,
    out_sharding: Any = None,
) -> Array:
    """How often each number from 0 on occurs in a vector of integers; negative ones count as 0.

    Args:
        x: vector of integers.
        weights: what each element counts, instead of 1.
        minlength: least length of the result.
        length: its length, with which ``x`` may be traced; larger numbers are then not counted.
        out_sharding: accepted and ignored.
    """
    a = one_array("bincount", x)
    if a.dtype == dtypes.BOOL:
        a = astype(a, np.dtype("int32"))
    if not dtypes.issubdtype(a.dtype, np.integer):
        raise TypeError(f"x argument to bincount must have an integer type; got {a.dtype}")
    if a.ndim != 1:
        raise ValueError("only 1-dimensional input supported.")
    minlength = concrete_or_error(
        operator.index, minlength, "The error occurred because of argument 'minlength' of jnp.bincount."
    )
    if length is None:
        known = to_numpy(
            concrete_or_error(
                None,
                a,
                "The error occurred because of argument 'x' of jnp.bincount. To avoid this error, pass a "
                "static "
                "`length` argument.",
            )
        )
        length = int(np.max([minlength, int(known.max(initial=0)) + 1 if known.size else 0]))
    else:
        length = int(
            concrete_or_error(
                operator.index, length, "The error occurred because of argument 'length' of jnp.bincount."
            )
        )
        new_shape(length)
    places = unwrap(a).to(torch.int64).clamp(min=0)
    if weights is None:
        amounts = torch.ones_like(places, dtype=dtypes.to_torch(dtypes.default_int_dtype()))
        return Array(_added_at(length, places, amounts))
    w = asarray(weights)
    if w.shape != a.shape:
        raise ValueError(
            "type of weights must match type of x. Got "
            f"typeof(x)={a.aval.str_short(True)} and typeof(weights)={w.aval.str_short(True)}"
        )
    tensor = unwrap(w)
    if tensor.dtype is torch.bool:
        raise TypeError(
            "add does not accept dtype bool at position 0. Accepted dtypes at position 0 are subtypes of "
            "integer, "
            "floating, complexfloating."
        )
    if tensor.dtype in unsigned.WIDE:
        return array_of(cast(_added_at(length, places, tensor.to(torch.int64)), tensor.dtype), w.dtype)
    return array_of(_added_at(length, places, tensor), w.dtype)


@compiled("x", "bins")
def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False, *, method: str | None = None) -> Array:
    """The bin that each element lies in; 0 is before the first edge.

    Args:
        x: values.
        bins: sorted edges, rising or falling.
        right: whether a bin contains its right edge instead of its left one.
        method: accepted and ignored.
    """
    values, edges = all_arrays("digitize", (x, bins))
    right = concrete_or_error(bool, right, "right argument of jnp.digitize()")
    if edges.ndim != 1:
        raise ValueError(f"digitize: bins must be a 1-dimensional array; got {bins=!r}")
    count = edges.shape[0]
    if count == 0:
        return zeros_like(values, dtype=np.int32)
    edges, values = promote_dtypes(edges, values)
    ends, t = unwrap(edges), unwrap(values)
    if not ends.is_complex():
        ends, t = in_order(ends), in_order(t)
    places = places_in(ends, t, not right)
    falling = count - places_in(ends.flip(0), t, not right)
    rises = greater_equal(edges[-1], edges[0])
    place = torch.where(unwrap(rises), places, falling)
    return Array(place.to(torch.int32))


# Histograms


def histogram_bin_edges(
    a: ArrayLike, bins: ArrayLike = 10, range: Any = None, weights: ArrayLike | None = None
) -> Array:
    """The edges of the bins of a histogram.

    Args:
        a: values.
        bins: how many bins, or the edges themselves.
        range: (least, largest) edge; those of the values if none is given.
        weights: accepted and ignored.
    """
    if isinstance(bins, str):
        raise NotImplementedError("string values for `bins` not implemented.")
    x, given = all_arrays("histogram_bin_edges", (a, bins))
    want = dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(x.dtype))
    if given.ndim == 1:
        return astype(given, want)
    count = concrete_or_error(operator.index, bins, "bins argument of histogram_bin_edges")
    ends = create.asarray([min(x), max(x)] if range is None else range, dtype=want)
    if ends.shape != (2,):
        raise ValueError(f"`range` must be either None or a sequence of scalars, got {ends}")
    low, high = unwrap(ends)[0], unwrap(ends)[1]
    flat = (high - low) == 0
    low, high = torch.where(flat, low - 0.5, low), torch.where(flat, high + 0.5, high)
    return linspace(Array(low), Array(high), count + 1, dtype=want)


def histogram(
    a: ArrayLike,
    bins: ArrayLike = 10,
    range: Sequence[ArrayLike] | None = None,
    weights: ArrayLike | None = None,
    density: bool | None = None,
) -> tuple[Array, Array]:
    """How many values lie in each bin, and the edges of the bins.

    Args:
        a: values, of any shape.
        bins: how many bins, or their edges; each contains its left edge, the last one both.
        range: (least, largest) edge; those of the values if none is given.
        weights: what each value counts.
        density: divide, so that the integral is 1.
    """
    if weights is None:
        x, _ = all_arrays("histogram", (a, bins))
        (x,) = promote_dtypes_inexact(x)
        w = ones_like(x)
    else:
        x, _, w = all_arrays("histogram", (a, bins, weights))
        if x.shape != w.shape:
            raise ValueError("weights should have the same shape as a.")
        x, w = promote_dtypes_inexact(x, w)
    edges = histogram_bin_edges(x, bins, range, w)
    count = edges.shape[0]
    place = _bin_of(x, edges, count - 1)
    counts = _added_at(count, place.reshape(-1), unwrap(w).reshape(-1))[1:]
    if density:
        counts = counts / unwrap(diff(edges)) / counts.sum()
    return Array(counts), edges


def _bin_of(x: Array, edges: Array, last: int) -> Tensor:
    """The bins of values, from 1; the largest edge belongs to bin ``last``."""
    both = promote_dtypes(edges, x)
    e, t = (unwrap(x) for x in both)
    return torch.where(t == e[-1], last, places_in(e, t, True))


def histogram2d(
    x: ArrayLike,
    y: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    weights: ArrayLike | None = None,
    density: bool | None = None,
) -> tuple[Array, Array, Array]:
    """`histogramdd` of pairs: the counts, and the edges along both axes."""
    first, second = all_arrays("histogram2d", (x, y))
    try:
        count = len(bins)
    except TypeError:
        count = 1
    if count not in (1, 2):
        bins = [create.asarray(bins)] * 2
    sample = transpose(create.asarray([first, second]))
    counts, edges = histogramdd(sample, bins, range, weights, density)
    return counts, edges[0], edges[1]


def histogramdd(
    sample: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    weights: ArrayLike | None = None,
    density: bool | None = None,
) -> tuple[Array, list[Array]]:
    """How many points lie in each box of a grid, and the edges along each axis.

    Args:
        sample: points; [n, dimensions].
        bins: how many bins, or their edges: one for all axes, or a list with one for each.
        range: a pair of least and largest edge, or None, for each axis.
        weights: what each point counts.
        density: divide, so that the integral is 1.
    """
    if weights is None:
        (points,) = promote_dtypes_inexact(one_array("histogramdd", sample))
        w = None
    else:
        points, w = all_arrays("histogramdd", (sample, weights))
        if w.shape != points.shape[:1]:
            raise ValueError("should have one weight for each sample.")
        points, w = promote_dtypes_inexact(points, w)
    n, rank = points.shape
    if range is not None and (len(range) != rank or any(r is not None and np.shape(r)[0] != 2 for r in range)):
        raise ValueError(
            f"For sample.shape={(n, rank)}, range must be a sequence of {rank} pairs or Nones; got {range=!r}"
        )
    try:
        bins_of = list(bins)
    except TypeError:
        bins_of = [bins] * rank
    else:
        if len(bins_of) != rank:
            raise ValueError("should be a bin for each dimension.")
    edges: list[Array] = []
    place: Any = 0
    sizes: list[int] = []
    for i, one in enumerate(bins_of):
        values = Array(unwrap(points)[:, i])
        edges.append(histogram_bin_edges(values, one, None if range is None else range[i], w))
        sizes.append(edges[i].shape[0] + 1)
        place = place * sizes[i] + _bin_of(values, edges[i], edges[i].shape[0] - 1)
    counts = bincount(Array(place), w, length=math.prod(sizes))
    inner = unwrap(counts).reshape(sizes)[(slice(1, -1),) * rank]
    if density:
        inner = inner.to(unwrap(points).dtype)
        inner = inner / inner.sum()
        for width in ix_(*map(diff, edges)):
            inner = inner / unwrap(width)
    return Array(inner), edges
