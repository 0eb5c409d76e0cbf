"""complex_parts: real and imaginary parts, conjugates, angles, and questions about complex numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, cast, unwrap
from jaxlike._src.family import alias, unary
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.create import asarray
from jaxlike._src.numpy.trig import angle_of, rad2deg
from jaxlike._src.regions import as_one
from jaxlike._src.transforms.compiled import jitted

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


@unary(uint64="own")
def real(val: Tensor) -> Tensor:
    """The real part."""
    return as_one("real", {}, torch.real, val) if val.dtype.is_complex else val


@unary(uint64="own")
def imag(val: Tensor) -> Tensor:
    """The imaginary part; 0 for real ``val``."""
    return as_one("imag", {}, torch.imag, val) if val.dtype.is_complex else torch.zeros_like(val)


@unary(uint64="own")
def conjugate(x: Tensor) -> Tensor:
    """``x`` with the sign of its imaginary part changed."""
    return border.conjugate(x) if x.dtype.is_complex else x


conj = alias("conj", conjugate)


@jitted("angle", "z")
def angle(z: ArrayLike, deg: bool = False) -> Array:
    """The angle of complex numbers, in radians or degrees; 0 or pi for real ones."""
    z = one_array("angle", z)
    re, im = real(z), imag(z)
    dtype, weak = re.dtype, re.weak_type
    if not dtypes.issubdtype(dtype, np.inexact) or (dtypes.issubdtype(z.dtype, np.floating) and not z.ndim):
        dtype, weak = dtypes.default_float_dtype(), False
    kind = dtypes.COMPUTED_IN.get(dtype) or dtypes.to_torch(dtype)
    out = astype(Array(angle_of(cast(unwrap(im), kind), cast(unwrap(re), kind))), dtype, weak)
    return rad2deg(out) if deg else out


@unary(primitive="imag", uint64="own", keywords=True)
def iscomplex(x: Tensor) -> Tensor:
    """Whether the imaginary part is not 0."""
    return x.imag != 0 if x.dtype.is_complex else torch.zeros_like(x, dtype=torch.bool)


@unary(primitive="imag", uint64="own", keywords=True)
def isreal(x: Tensor) -> Tensor:
    """Whether the imaginary part is 0."""
    return x.imag == 0 if x.dtype.is_complex else torch.ones_like(x, dtype=torch.bool)


def iscomplexobj(x: Any) -> bool:
    """Whether ``x`` has a complex dtype, whatever its values."""
    if isinstance(x, complex | np.complexfloating):
        return True
    if x is None or isinstance(x, bool | int | float | str | np.generic):
        return False
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        dtype = asarray(x).dtype
    return dtypes.issubdtype(dtype, np.complexfloating)


def isrealobj(x: Any) -> bool:
    """Whether ``x`` has a dtype that is not complex, whatever its values."""
    return not iscomplexobj(x)


def isscalar(element: Any) -> bool:
    """Whether ``element`` is a number or an array without axes."""
    if np.isscalar(element):
        return True
    if isinstance(element, np.ndarray | Array):
        return element.ndim == 0
    return hasattr(element, "__jax_array__") and asarray(element).ndim == 0
