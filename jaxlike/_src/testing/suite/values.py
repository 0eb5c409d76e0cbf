"""values: makers of random numpy arrays. ``rand_default(rng)`` is a function of (shape, dtype), and so are its sisters.

Each is a distribution (numbers of a size, a share of infinities ...). A shape may be `NUMPY_SCALAR_SHAPE` or
`PYTHON_SCALAR_SHAPE`, for a scalar that is no array. The numbers drawn are those that JAX's own samplers draw from
the same generator, because tolerances of tests are tuned to them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxlike._src import config
from jaxlike._src.dtypes import issubdtype

Sampler = Callable[..., Any]
Post = Callable[[Any], Any]


class ScalarShape:
    """A shape without axes, of a scalar that is no array."""

    def __len__(self) -> int:
        return 0

    def __getitem__(self, i: int) -> int:
        raise IndexError(f"index {i} out of range.")


class _NumpyScalar(ScalarShape):
    """Of a numpy scalar."""


class _PythonScalar(ScalarShape):
    """Of a Python number."""


NUMPY_SCALAR_SHAPE = _NumpyScalar()
PYTHON_SCALAR_SHAPE = _PythonScalar()


def dims_of(shape: Any) -> tuple[int, ...]:
    """The axes of ``shape``, which may be a number or a scalar's shape."""
    if isinstance(shape, ScalarShape):
        return ()
    return tuple(shape) if isinstance(shape, tuple | list) else (shape,)


def _of_shape(value: Any, shape: Any, dtype: Any) -> Any:
    """``value`` as what ``shape`` stands for: an array, a numpy scalar or a Python number."""
    if shape is NUMPY_SCALAR_SHAPE:
        return np.dtype(dtype).type(value)
    if shape is PYTHON_SCALAR_SHAPE:
        return np.asarray(value).item()
    if np.shape(value) != dims_of(shape):
        raise AssertionError(f"made an array of shape {np.shape(value)} where {dims_of(shape)} was asked for")
    return value


def _sampler(draw: Callable[..., Any], scale: float = 1.0, post: Post = lambda x: x) -> Sampler:
    """Draw by ``draw(*dims)``, multiply, convert, and give it to ``post``."""

    def sample(shape: Any, dtype: Any) -> Any:
        def once() -> Any:
            drawn = draw(*dims_of(shape))
            return np.asarray(scale * (abs(drawn) if issubdtype(dtype, np.unsignedinteger) else drawn)).astype(dtype)

        values = once() + 1.0j * once() if issubdtype(dtype, np.complexfloating) else once()
        return _of_shape(np.asarray(post(values), dtype), shape, dtype)

    return sample


def rand_default(rng: Any, scale: float = 3) -> Sampler:
    """Normal numbers times ``scale``."""
    return _sampler(rng.randn, scale)


def rand_nonzero(rng: Any) -> Sampler:
    """Normal numbers, one in the place of zero."""
    return _sampler(rng.randn, 3, lambda x: np.where(x == 0, np.array(1, dtype=x.dtype), x))


def rand_positive(rng: Any) -> Sampler:
    """Numbers from 1 to 3."""
    return _sampler(rng.rand, 2, lambda x: x + 1)


def rand_small(rng: Any) -> Sampler:
    """Normal numbers of about a thousandth."""
    return _sampler(rng.randn, 1e-3)


def rand_not_small(rng: Any, offset: float = 10.0) -> Sampler:
    """Normal numbers, ``offset`` away from zero."""
    return _sampler(rng.randn, 3.0, lambda x: x + np.where(x > 0, offset, -offset))


def rand_small_positive(rng: Any) -> Sampler:
    """Numbers up to 2e-5."""
    return _sampler(rng.rand, 2e-5)


def rand_uniform(rng: Any, low: float = 0.0, high: float = 1.0) -> Sampler:
    """Numbers from ``low`` to ``high``."""
    if not low < high:
        raise AssertionError(f"rand_uniform needs low < high, got {low} and {high}")
    return _sampler(rng.rand, post=lambda x: x * (high - low) + low)


def rand_some_equal(rng: Any) -> Sampler:
    """Normal numbers, about half of which equal the first."""

    def post(x: Any) -> Any:
        first = x.ravel()
        return x if not first.size else np.where(rng.rand(*np.shape(x)) < 0.5, first[0], x)

    return _sampler(rng.randn, 100.0, post)


def _with_special(rng: Any, specials: Callable[[tuple[int, ...]], list[tuple[Any, float]]], complex_too: bool) -> Sampler:
    """Normal numbers, among which ``specials(dims)`` says where which value stands."""
    base = rand_default(rng)

    def sample(shape: Any, dtype: Any) -> Any:
        if issubdtype(dtype, np.complexfloating) and complex_too:
            part = np.real(np.array(0, dtype=dtype)).dtype
            both = sample(shape, part) + np.array(1j, dtype) * sample(shape, part)
            return _of_shape(both, shape, dtype)
        if not issubdtype(dtype, np.floating):
            return base(shape, dtype)
        marks = specials(dims_of(shape))
        values = base(shape, dtype)
        for where, value in marks:
            values = np.where(where, np.array(value, dtype=dtype), values)
        return _of_shape(np.asarray(values, dtype=dtype), shape, dtype)

    return sample


def rand_some_inf(rng: Any) -> Sampler:
    """Normal numbers with a tenth of each infinity; complex numbers stay finite."""
    return _with_special(
        rng, lambda dims: [(rng.rand(*dims) < 0.1, np.inf), (rng.rand(*dims) < 0.1, -np.inf)], complex_too=False
    )


def rand_some_nan(rng: Any) -> Sampler:
    """Normal numbers with a tenth of NaNs, half of them negative."""

    def specials(dims: tuple[int, ...]) -> list[tuple[Any, float]]:
        r = rng.rand(*dims)
        return [(r < 0.1, np.nan), (r < 0.05, -np.nan)]

    return _with_special(rng, specials, complex_too=True)


def rand_some_inf_and_nan(rng: Any) -> Sampler:
    """Normal numbers with a tenth of each infinity and of NaNs; complex numbers stay finite."""
    values = (np.inf, -np.inf, np.nan)
    return _with_special(rng, lambda dims: [(rng.rand(*dims) < 0.1, v) for v in values], complex_too=False)


def rand_some_zero(rng: Any) -> Sampler:
    """Normal numbers, about half of them zero."""
    base = rand_default(rng)

    def sample(shape: Any, dtype: Any) -> Any:
        zeros = rng.rand(*dims_of(shape)) < 0.5
        values = np.where(zeros, np.array(0, dtype=dtype), base(shape, dtype))
        return _of_shape(np.asarray(values, dtype=dtype), shape, dtype)

    return sample


def rand_fullrange(rng: Any, standardize_nans: bool = False) -> Sampler:
    """Random bits of each type's width; ``standardize_nans`` makes all NaNs the usual one."""

    def sample(shape: Any, dtype: Any, post: Post = lambda x: x) -> Any:
        dtype, dims = np.dtype(dtype), dims_of(shape)
        size = dtype.itemsize * math.prod(dims)
        values = post(rng.randint(0, np.iinfo(np.uint8).max, size=size, dtype=np.uint8)).view(dtype)
        if shape is PYTHON_SCALAR_SHAPE:  # a Python number is signed: half of the unsigned ones would not fit
            if dtype == np.uint64:
                values = values.astype(np.int64)
            elif dtype == np.uint32 and not config.enable_x64.value:
                values = values.astype(np.int32)
        values = values.reshape(dims)
        if standardize_nans and np.issubdtype(dtype, np.floating):
            values[np.isnan(values)] = np.nan
        return _of_shape(values, shape, dtype)

    return sample


def rand_int(rng: Any, low: int = 0, high: int | None = None) -> Sampler:
    """Integers from ``low`` to ``high`` (exclusive), which is the type's largest where it is not given."""

    def sample(shape: Any, dtype: Any) -> Any:
        integer = np.issubdtype(dtype, np.integer)
        top = high
        if low == 0 and top is None:
            if not integer:
                raise ValueError("rand_int requires an explicit `high` value for non-integer types.")
            top = np.iinfo(dtype).max
        return rng.randint(low, high=top, size=shape, dtype=dtype if integer else np.int64).astype(dtype)

    return sample


def rand_unique_int(rng: Any, high: int | None = None) -> Sampler:
    """Integers below ``high``, each at most once."""
    return lambda shape, dtype: rng.choice(
        np.arange(high or math.prod(shape), dtype=dtype), size=shape, replace=False
    )


def rand_indices_unique_along_axis(rng: Any) -> Sampler:
    """Indices below ``dim``, each at most once along ``axis``; some of them counted from the end."""

    def sample(dim: int, shape: tuple[int, ...], axis: int, allow_negative: bool = True) -> Any:
        others = shape[:axis] + shape[axis:][1:]
        rows = [rng.choice(dim, size=shape[axis], replace=False) for _ in range(math.prod(others))]
        indices = np.moveaxis(np.array(rows).reshape(*others, shape[axis]), -1, axis)
        if allow_negative:
            indices[rng.choice([False, True], indices.shape)] -= dim
        return indices

    return sample


def rand_bool(rng: Any) -> Sampler:
    """True and False."""
    return lambda shape, dtype: _of_shape(np.asarray(rng.rand(*dims_of(shape)) < 0.5, dtype=dtype), shape, dtype)


def complex_plane_sample(dtype: Any, size_re: int = 10, size_im: int | None = None) -> Any:
    """A grid over the complex plane: infinities, the largest and smallest numbers, zero, and points between.

    Returns:
        An array of shape (3 + 2 * size_im, 3 + 2 * size_re); real parts grow along rows, imaginary ones down columns.
    """
    info = np.finfo(dtype)

    def points(size: int) -> Any:
        digits = np.log2(10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the largest may overflow, and is put right below
            half = np.logspace(info.minexp / digits, info.maxexp / digits, size, dtype=info.dtype)
        if size > 1:
            half[-1] = info.max
        if size > 0:
            half[0] = info.tiny
        return np.concatenate([[-np.inf], -half[::-1], [0], half, [np.inf]]).astype(info.dtype)

    grid = np.empty((3 + 2 * (size_re if size_im is None else size_im), 3 + 2 * size_re), dtype)
    grid.real = points(size_re)
    grid.imag = points(size_re if size_im is None else size_im)[:, None]
    return grid
