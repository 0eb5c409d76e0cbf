"""windows: the window functions of signal processing, each a vector of the default float dtype."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import concrete_or_error
from jaxlike._src.devices import default_torch_device
from jaxlike._src.numpy.arithmetic import divide, multiply
from jaxlike._src.numpy.waves import i0

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def _points(name: str, M: Any) -> tuple[int, Tensor | None]:
    """How many points, and 0 .. M-1; None where there are fewer than two."""
    count = concrete_or_error(int, M, f"M argument of jnp.{name}")
    if count <= 1:
        return count, None
    dtype = dtypes.to_torch(dtypes.default_float_dtype())
    return count, torch.arange(count, dtype=dtype, device=default_torch_device())


def _of_one(count: int) -> Array:
    if count < 0:
        raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {(count,)}.")
    dtype = dtypes.to_torch(dtypes.default_float_dtype())
    return Array(torch.ones(count, dtype=dtype, device=default_torch_device()))


def bartlett(M: int) -> Array:
    """The triangular window with zeros at its ends, ``M`` points."""
    count, n = _points("bartlett", M)
    if n is None:
        return _of_one(count)
    return Array(1 - torch.abs(2 * n + 1 - count) / (count - 1))


def blackman(M: int) -> Array:
    """The Blackman window, ``M`` points."""
    count, n = _points("blackman", M)
    if n is None:
        return _of_one(count)
    turn = 2 * math.pi * n / (count - 1)
    return Array(0.42 - 0.5 * torch.cos(turn) + 0.08 * torch.cos(4 * math.pi * n / (count - 1)))


def hamming(M: int) -> Array:
    """The Hamming window, ``M`` points."""
    count, n = _points("hamming", M)
    if n is None:
        return _of_one(count)
    return Array(0.54 - 0.46 * torch.cos(2 * math.pi * n / (count - 1)))


def hanning(M: int) -> Array:
    """The Hann window, ``M`` points."""
    count, n = _points("hanning", M)
    if n is None:
        return _of_one(count)
    return Array(0.5 * (1 - torch.cos(2 * math.pi * n / (count - 1))))


def kaiser(M: int, beta: ArrayLike) -> Array:
    """The Kaiser window of shape parameter ``beta``, ``M`` points."""
    count, n = _points("kaiser", M)
    if n is None:
        return _of_one(count)
    alpha = 0.5 * (count - 1)
    arch = Array(torch.sqrt(1 - ((n - alpha) / alpha) ** 2))
    return divide(i0(multiply(beta, arch)), i0(beta))
