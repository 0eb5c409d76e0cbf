"""initializers: functions that make starting values of weights: ``init(key, shape, dtype)``.

The variance-scaling family (Glorot, He, LeCun) draws with variance ``scale / fan``, where fan is the number of
inputs, of outputs or their mean, read off the shape's `in_axis`, `out_axis` and the axes they leave over.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.numpy import filled
from jaxlike._src.numpy.arithmetic import add, multiply
from jaxlike._src.numpy.create import array
from jaxlike._src.random import basic, continuous

if TYPE_CHECKING:
    from collections.abc import Sequence


class Initializer(Protocol):
    """``init(key, shape, dtype)`` gives an array of that shape and dtype."""

    def __call__(self, key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array: ...


def _dtype(dtype: Any) -> Any:
    return dtypes.canonicalize_dtype(dtypes.default_float_dtype() if dtype is None else dtype)


def zeros(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
    """Zeros; the key is not used."""
    del key, out_sharding
    return filled.zeros(shape, _dtype(dtype))


def ones(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
    """Ones; the key is not used."""
    del key, out_sharding
    return filled.ones(shape, _dtype(dtype))


def constant(value: Any, dtype: Any = None) -> Initializer:
    """An initializer that gives ``value`` everywhere."""
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del key, out_sharding
        return filled.full(shape, value, dtype=_dtype(default if dtype is None else dtype))

    return init


def uniform(scale: Any = 1e-2, dtype: Any = None) -> Initializer:
    """An initializer that draws uniformly from [0, scale)."""
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del out_sharding
        kind = _dtype(default if dtype is None else dtype)
        return multiply(basic.uniform(key, shape, kind), array(scale, kind))

    return init


def normal(stddev: Any = 1e-2, dtype: Any = None) -> Initializer:
    """An initializer that draws normally with mean 0."""
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del out_sharding
        kind = _dtype(default if dtype is None else dtype)
        return multiply(basic.normal(key, shape, kind), array(stddev, kind))

    return init


def truncated_normal(stddev: Any = 1e-2, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0) -> Initializer:
    """An initializer that draws normally, cut off at ``lower`` and ``upper`` standard deviations."""
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del out_sharding
        kind = _dtype(default if dtype is None else dtype)
        return multiply(continuous.truncated_normal(key, lower, upper, shape, kind), array(stddev, kind))

    return init


def _fans(shape: Sequence[int], in_axis: Any, out_axis: Any, batch_axis: Any) -> tuple[float, float]:
    """Numbers of inputs and outputs of each unit."""

    def size(axis: Any) -> int:
        return shape[axis] if isinstance(axis, int) else math.prod(shape[a] for a in axis)

    if len(shape) <= 1:
        raise ValueError(
            f"Can't compute input and output sizes of a {len(shape)}-dimensional weights tensor. Must be at least 2D."
        )
    n_in, n_out, n_batch = size(in_axis), size(out_axis), size(batch_axis)
    field = math.prod(shape) / n_in / n_out / n_batch
    return n_in * field, n_out * field


def variance_scaling(
    scale: Any,
    mode: str,
    distribution: str,
    in_axis: Any = -2,
    out_axis: Any = -1,
    batch_axis: Any = (),
    dtype: Any = None,
) -> Initializer:
    """An initializer whose values have variance ``scale / fan``.

    Args:
        scale: factor of the variance.
        mode: which fan: "fan_in", "fan_out", "fan_avg" or "fan_geo_avg".
        distribution: "truncated_normal", "normal" or "uniform".
        in_axis: axes of the inputs.
        out_axis: axes of the outputs.
        batch_axis: axes that count for neither.
        dtype: dtype of the values, by default the default float.
    """
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del out_sharding
        kind = _dtype(default if dtype is None else dtype)
        shape = tuple(shape)
        fan_in, fan_out = _fans(shape, in_axis, out_axis, batch_axis)
        fans = {
            "fan_in": fan_in,
            "fan_out": fan_out,
            "fan_avg": (fan_in + fan_out) / 2,
            "fan_geo_avg": (fan_in * fan_out) ** 0.5,
        }
        if mode not in fans:
            raise ValueError(f"invalid mode for variance scaling initializer: {mode}")
        variance = np.array(scale / fans[mode], dtype=kind)
        if distribution == "truncated_normal":
            if dtypes.issubdtype(kind, np.floating):
                # 0.8796... is the standard deviation of a normal cut off at 2.
                stddev = np.sqrt(variance) / np.array(0.87962566103423978, kind)
                return multiply(continuous.truncated_normal(key, -2, 2, shape, kind), stddev)
            raise NotImplementedError("variance_scaling draws truncated normals of real dtypes only")
        if distribution == "normal":
            return multiply(basic.normal(key, shape, kind), np.sqrt(variance))
        if distribution == "uniform":
            if dtypes.issubdtype(kind, np.floating):
                return multiply(basic.uniform(key, shape, kind, -1.0, 1.0), np.sqrt(3 * variance).astype(kind))
            raise NotImplementedError("variance_scaling draws uniform samples of real dtypes only")
        raise ValueError(f"invalid distribution for variance scaling initializer: {distribution}")

    return init


def glorot_uniform(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
    """Variance ``1 / fan_avg``, uniform (Glorot and Bengio 2010)."""
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
    """Variance ``1 / fan_avg``, truncated normal."""
    return variance_scaling(1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def lecun_uniform(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
    """Variance ``1 / fan_in``, uniform (LeCun et al. 1998)."""
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
    """Variance ``1 / fan_in``, truncated normal."""
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def he_uniform(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
    """Variance ``2 / fan_in``, uniform (He et al. 2015)."""
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
    """Variance ``2 / fan_in``, truncated normal."""
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Uniformly distributed orthogonal matrices; other axes than ``column_axis`` make the rows."""
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        from jaxlike._src.numpy.shape import moveaxis, reshape

        del out_sharding
        kind = _dtype(default if dtype is None else dtype)
        if len(shape) < 2:
            raise ValueError("orthogonal initializer requires at least a 2D shape")
        columns = shape[column_axis]
        rows = math.prod(shape) // columns
        q = continuous.orthogonal(key, rows, (), kind, columns)
        rest = tuple(np.delete(shape, column_axis))
        return multiply(scale, moveaxis(reshape(q, (*map(int, rest), columns)), -1, column_axis))

    return init


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Convolution kernels with an orthogonal matrix in the middle and zeros around it (Xiao et al. 2018)."""
    default = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del out_sharding
        kind = _dtype(default if dtype is None else dtype)
        if len(shape) not in (3, 4, 5):
            raise ValueError("Delta orthogonal initializer requires a 3D, 4D or 5D shape.")
        if shape[-1] < shape[-2]:
            raise ValueError("`fan_in` must be less or equal than `fan_out`. ")
        matrix = orthogonal(scale, column_axis, kind)(key, shape[-2:])
        middle = tuple((k - 1) // 2 for k in shape[:-2])
        return add(filled.zeros(shape, kind), 0).at[middle].set(matrix)

    return init
