"""convolution: sliding products of two vectors.

Floats and complex numbers go through torch's convolution, whose precision on a GPU is that of its flag (TF32
allowed, as in JAX); integers, which it lacks there, through windows of the longer vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import astype, conjugate, promote_dtypes, promote_dtypes_inexact, unwrap
from jaxlike._src.lax.precision import canonicalize_precision
from jaxlike._src.numpy.arguments import array_of, user_dtype
from jaxlike._src.numpy.products import exact
from jaxlike._src.numpy.shape import all_arrays
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike


def slide(x: Tensor, y: Tensor) -> Tensor:
    """Sums of products of ``y`` with each window of its length in ``x``: [n], [m] -> [n - m + 1]."""
    if x.dtype.is_floating_point or x.dtype.is_complex:
        return torch.nn.functional.conv1d(x[None, None], y[None, None])[0, 0]
    return exact(lambda a, b: torch.sum(a.unfold(0, b.shape[0], 1) * b, dim=1, dtype=a.dtype), x, y)


def _padding(mode: str, length: int) -> tuple[int, int]:
    """How many zeros go before and behind the longer vector."""
    if mode == "valid":
        return 0, 0
    if mode == "same":
        return length // 2, length - length // 2 - 1
    if mode == "full":
        return length - 1, length - 1
    raise ValueError("mode must be one of ['full', 'same', 'valid']")


def _check_result_dtype(dtype: Any, wanted: Any) -> None:
    """TypeError where products of ``dtype`` may not be given as ``wanted``."""

    def only(kind: Any) -> bool:
        return dtypes.issubdtype(dtype, kind) and not dtypes.issubdtype(wanted, kind)

    if not (dtypes.issubdtype(dtype, np.integer) and dtypes.issubdtype(wanted, np.floating)):
        if only(np.integer) or only(np.floating) or only(np.complexfloating):
            raise TypeError(
                "Input type is incompatible with `preferred_element_type`. The compatible combinations of "
                "(input_type, preferred_element_type) are (integral, integral), (integral, floating), "
                "(floating, floating), (complex, complex."
            )
        if only(np.signedinteger):
            raise TypeError("`preferred_element_type` must have the same signedness as the original type.")
    if np.dtype(wanted).itemsize < np.dtype(dtype).itemsize:
        raise TypeError("`preferred_element_type` must not be narrower than the original type.")


def _slid(name: str, a: Any, v: Any, mode: str, precision: Any, preferred_element_type: Any) -> Array:
    x, y = all_arrays(name, (a, v))
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"{name}() only support 1-dimensional inputs.")
    x, y = (promote_dtypes_inexact if preferred_element_type is None else promote_dtypes)(x, y)
    if x.size == 0 or y.size == 0:
        raise ValueError(f"{name}: inputs cannot be empty, got shapes {x.shape} and {y.shape}.")
    canonicalize_precision(precision)
    out = x.dtype if preferred_element_type is None else user_dtype(preferred_element_type, name)
    _check_result_dtype(x.dtype, out)
    wide, _ = dtypes.promote((x.dtype, False), (out, False))
    long, short = unwrap(astype(x, wide)), unwrap(astype(y, wide))
    if name == "correlate" and short.is_complex():
        short = conjugate(short)
    swapped = long.shape[0] < short.shape[0]
    if swapped:
        long, short = short, long
    if name == "convolve":
        short = unsigned.moved_as_signed(torch.flip, short, (0,))
    before, behind = _padding(mode, short.shape[0])
    long = torch.cat([long.new_zeros(before), long, long.new_zeros(behind)])
    slid = slide(long, short)
    if swapped and name == "correlate":
        slid = unsigned.moved_as_signed(torch.flip, slid, (0,))
    return astype(array_of(slid, wide), out)


@compiled("a", "v")
def convolve(
    a: ArrayLike,
    v: ArrayLike,
    mode: str = "full",
    *,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """The convolution of two vectors.

    Args:
        a: vector.
        v: vector.
        mode: "full", "same" (the length of the longer one) or "valid" (where both overlap fully).
        precision: accepted; a GPU multiplies as torch's flag for convolutions says.
        preferred_element_type: dtype of the result; integers then stay integers.
    """
    return _slid("convolve", a, v, mode, precision, preferred_element_type)


@compiled("a", "v")
def correlate(
    a: ArrayLike,
    v: ArrayLike,
    mode: str = "valid",
    *,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """The correlation of two vectors, ``sum_k a[n + k] * conj(v[k])``; arguments as in `convolve`."""
    return _slid("correlate", a, v, mode, precision, preferred_element_type)
