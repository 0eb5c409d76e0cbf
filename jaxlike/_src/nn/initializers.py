"""initializers: functions of (key, shape, dtype) that draw the first weights of a layer.

`variance_scaling` is the common form: samples whose variance is ``scale`` over the number of inputs, outputs
or their mean ("fan"), so that activations keep their size from layer to layer. Its named special cases are
Glorot's (Xavier's), LeCun's and He's (Kaiming's).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_shape
from jaxlike._src.numpy.arithmetic import multiply, negative, sqrt, subtract, true_divide
from jaxlike._src.numpy.create import array
from jaxlike._src.numpy.dtype_api import astype
from jaxlike._src.numpy.exponential import exp, log
from jaxlike._src.numpy.filled import full
from jaxlike._src.numpy.filled import ones as ones_array
from jaxlike._src.numpy.filled import zeros as zeros_array
from jaxlike._src.numpy.shape import moveaxis, reshape
from jaxlike._src.random import basic, continuous
from jaxlike._src.random.keys import split

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike, DTypeLike

Axes = int | Sequence[int]
FanMode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]
Distribution = Literal["truncated_normal", "normal", "uniform"]


@runtime_checkable
class Initializer(Protocol):
    """A function that makes the initial value of an array."""

    def __call__(
        self, key: Array, shape: Sequence[int], dtype: DTypeLike | None = None, out_sharding: Any = None
    ) -> Array:
        """An array of the shape, drawn with the key."""
        raise NotImplementedError


def _float(dtype: Any) -> Any:
    return dtypes.default_float_dtype() if dtype is None else dtype


def _is_real(dtype: Any) -> bool:
    return dtypes.issubdtype(dtype, np.floating)


def zeros(key: Array, shape: Sequence[int], dtype: DTypeLike | None = None, out_sharding: Any = None) -> Array:
    """Zeros, whatever the key."""
    del key
    return zeros_array(shape, _float(dtype), out_sharding=out_sharding)


def ones(key: Array, shape: Sequence[int], dtype: DTypeLike | None = None, out_sharding: Any = None) -> Array:
    """Ones, whatever the key."""
    del key
    return ones_array(shape, _float(dtype), out_sharding=out_sharding)


def constant(value: ArrayLike, dtype: DTypeLike | None = None) -> Initializer:
    """An initializer that gives ``value`` everywhere."""

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        del key, out_sharding
        return full(shape, value, dtype=_float(dtype))

    return init


def uniform(scale: Any = 1e-2, dtype: DTypeLike | None = None) -> Initializer:
    """An initializer that draws uniformly from [0, scale)."""

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        kind = _float(dtype)
        return multiply(basic.uniform(key, shape, kind, out_sharding=out_sharding), array(scale, kind))

    return init


def normal(stddev: Any = 1e-2, dtype: DTypeLike | None = None) -> Initializer:
    """An initializer that draws from the normal distribution of mean 0."""

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        kind = _float(dtype)
        return multiply(basic.normal(key, shape, kind, out_sharding=out_sharding), array(stddev, kind))

    return init


def truncated_normal(
    stddev: Any = 1e-2, dtype: DTypeLike | None = None, lower: Any = -2.0, upper: Any = 2.0
) -> Initializer:
    """An initializer that draws from the normal distribution, cut at ``lower`` and ``upper`` before scaling."""

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        kind = _float(dtype)
        drawn = continuous.truncated_normal(key, lower, upper, shape, kind, out_sharding=out_sharding)
        return multiply(drawn, array(stddev, kind))

    return init


# Scaling by the number of inputs and outputs


def _size(shape: Sequence[int], axes: Axes) -> int:
    return shape[axes] if isinstance(axes, int) else math.prod(shape[a] for a in axes)


def compute_fans(
    shape: Sequence[int], in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = ()
) -> tuple[float, float]:
    """How many inputs and how many outputs a weight array has; axes that are neither count for both."""
    if isinstance(in_axis, int) and in_axis == -2 and len(shape) <= 1:
        raise ValueError(
            f"Can't compute input and output sizes of a {len(shape)}-dimensional weights tensor with default in_axis. "
            "Must be at least 2D or specify in_axis explicitly."
        )
    inputs, outputs, batch = _size(shape, in_axis), _size(shape, out_axis), _size(shape, batch_axis)
    receptive_field = math.prod(shape) / inputs / outputs / batch
    return inputs * receptive_field, outputs * receptive_field


def _denominator(mode: str, fan_in: float, fan_out: float) -> float:
    match mode:
        case "fan_in":
            return fan_in
        case "fan_out":
            return fan_out
        case "fan_avg":
            return (fan_in + fan_out) / 2
        case "fan_geo_avg":
            return (fan_in * fan_out) ** 0.5
        case _:
            raise ValueError(f"invalid mode for variance scaling initializer: {mode}")


def _on_disk(key: Array, shape: Sequence[int], dtype: Any, squared_radius: Any) -> Array:
    """Complex numbers of uniform angle; ``squared_radius`` makes |z|**2 of uniform samples in [0, 1)."""
    radius_key, angle_key = split(key)
    inexact = dtypes.issubdtype(dtype, np.inexact)
    real = dtypes.to_floating_dtype(dtype) if inexact else dtype  # which `uniform` refuses
    drawn = basic.uniform(radius_key, shape, real)
    kind = dtypes.to_complex_dtype(real)
    radius = sqrt(squared_radius(drawn, kind))
    angle = astype(basic.uniform(angle_key, shape, real), kind)
    return multiply(radius, exp(multiply(1j, multiply(2 * math.pi, angle))))


def _complex_uniform(key: Array, shape: Sequence[int], dtype: Any) -> Array:
    """Uniform in the disk of variance 1."""
    return _on_disk(key, shape, dtype, lambda unit, kind: astype(multiply(2, unit), kind))


def _complex_truncated_normal(key: Array, upper: float, shape: Sequence[int], dtype: Any) -> Array:
    """The complex normal distribution of variance 1, cut at the radius ``upper``."""

    def squared_radius(unit: Array, kind: Any) -> Array:
        inside = subtract(1, exp(array(-(upper**2), kind)))
        return negative(log(subtract(1, multiply(inside, astype(unit, kind)))))

    return _on_disk(key, shape, dtype, squared_radius)


def variance_scaling(
    scale: Any,
    mode: FanMode,
    distribution: Distribution,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
    dtype: DTypeLike | None = None,
) -> Initializer:
    """An initializer whose samples have the variance ``scale`` over the fan.

    Args:
        scale: the variance times the fan.
        mode: what the fan is: "fan_in", "fan_out", their mean "fan_avg" or geometric mean "fan_geo_avg".
        distribution: "truncated_normal" (at two standard deviations), "normal" or "uniform".
        in_axis: the axis or axes of inputs.
        out_axis: the axis or axes of outputs.
        batch_axis: axes that count for neither.
        dtype: dtype of the samples if the initializer gets none; complex ones fill a disk.

    Returns:
        A function of (key, shape, dtype).
    """

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        sizes = canonicalize_shape(shape)
        kind = _float(dtype)
        fans = compute_fans(sizes, in_axis, out_axis, batch_axis)
        variance = array(scale / _denominator(mode, *fans), dtype=kind)
        if distribution == "truncated_normal":
            # What remains of the standard deviation 1 after the cut at 2.
            if _is_real(kind):
                stddev = true_divide(sqrt(variance), array(0.87962566103423978, kind))
                drawn = continuous.truncated_normal(key, -2, 2, sizes, kind, out_sharding=out_sharding)
            else:
                stddev = true_divide(sqrt(variance), array(0.95311164380491208, kind))
                drawn = _complex_truncated_normal(key, 2, sizes, kind)
            return multiply(drawn, stddev)
        if distribution == "normal":
            return multiply(basic.normal(key, sizes, kind, out_sharding=out_sharding), sqrt(variance))
        if distribution == "uniform":
            if _is_real(kind):
                drawn = basic.uniform(key, sizes, kind, -1, out_sharding=out_sharding)
                return multiply(drawn, sqrt(multiply(3, variance)))
            return multiply(_complex_uniform(key, sizes, kind), sqrt(variance))
        raise ValueError(f"invalid distribution for variance scaling initializer: {distribution}")

    return init


def glorot_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike | None = None
) -> Initializer:
    """Glorot and Bengio's: `variance_scaling` of 1 over the mean fan, uniform."""
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike | None = None
) -> Initializer:
    """Glorot and Bengio's: `variance_scaling` of 1 over the mean fan, truncated normal."""
    return variance_scaling(1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def lecun_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike | None = None
) -> Initializer:
    """LeCun's: `variance_scaling` of 1 over the inputs, uniform."""
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike | None = None
) -> Initializer:
    """LeCun's: `variance_scaling` of 1 over the inputs, truncated normal."""
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def he_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike | None = None
) -> Initializer:
    """He's: `variance_scaling` of 2 over the inputs, uniform."""
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike | None = None
) -> Initializer:
    """He's: `variance_scaling` of 2 over the inputs, truncated normal."""
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


xavier_uniform = glorot_uniform
xavier_normal = glorot_normal
kaiming_uniform = he_uniform
kaiming_normal = he_normal


# Orthogonal


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: DTypeLike | None = None) -> Initializer:
    """An initializer of orthogonal matrices: ``column_axis`` against all other axes, times ``scale``."""

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        if out_sharding is not None:
            raise NotImplementedError
        kind = _float(dtype)
        if len(shape) < 2:
            raise ValueError("orthogonal initializer requires at least a 2D shape")
        if any(size == 0 for size in shape):
            return zeros_array(shape, dtype=kind)
        columns = shape[column_axis]
        matrix = continuous.orthogonal(key, math.prod(shape) // columns, (), kind, columns)
        rest = list(shape)
        del rest[column_axis]
        return multiply(array(scale, kind), moveaxis(reshape(matrix, (*rest, columns)), -1, column_axis))

    return init


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: DTypeLike | None = None) -> Initializer:
    """An initializer of convolution kernels: an orthogonal matrix at the centre, 0 elsewhere.

    Its arrays have one to three spatial axes, then inputs and outputs, of which there are at least as many.
    """

    def init(
        key: Array, shape: Sequence[int], dtype: DTypeLike | None = dtype, out_sharding: Any = None
    ) -> Array:
        if out_sharding is not None:
            raise NotImplementedError
        kind = _float(dtype)
        if len(shape) not in (3, 4, 5):
            raise ValueError("Delta orthogonal initializer requires a 3D, 4D or 5D shape.")
        if shape[-1] < shape[-2]:
            raise ValueError("`fan_in` must be less or equal than `fan_out`. ")
        matrix = orthogonal(scale=scale, column_axis=column_axis, dtype=kind)(key, shape[-2:])
        centre = tuple((size - 1) // 2 for size in shape[:-2])
        return zeros_array(shape, dtype=kind).at[centre].set(matrix)

    return init
