"""narrow_bits: reading the bits of an array as another dtype, also of dtypes that torch lacks.

An array of a narrow dtype (int4, some 8-bit floats) holds values in a wider tensor. Its codes are what JAX would
store: uint8 numbers of as many bits as the dtype has, the lowest first. Codes are cut or joined to the width of
the dtype that is wanted, and read as its values.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.border import device_of, unwrap

if TYPE_CHECKING:
    from torch import Tensor


def reinterpreted(x: Array, want: Any) -> Array:
    """The bits of ``x`` as ``want``: [..., n] becomes [..., n * width / new width], a multiple of the new width."""
    if want == x.dtype:
        return x
    tensor = unwrap(x).contiguous()
    if not isinstance(x, NarrowArray) and want not in dtypes.STORAGE:
        tensor = tensor.to(torch.uint8) if tensor.dtype is torch.bool else tensor
        return Array((tensor.view(torch.uint8) != 0) if want == dtypes.BOOL else tensor.view(dtypes.to_torch(want)))
    now, then = dtypes.itemsize_bits(x.dtype), dtypes.itemsize_bits(want)
    if isinstance(x, NarrowArray):
        codes = _codes(tensor, x.dtype) & ((1 << now) - 1)
    else:
        codes, now = (tensor if tensor.dtype is torch.uint8 else tensor.view(torch.uint8)), 8
    made = _recut(codes, now, min(then, 8))
    if want in dtypes.STORAGE:
        return NarrowArray(_values(made, want), want)
    return Array(made != 0 if want == dtypes.BOOL else made.view(dtypes.to_torch(want)))


def _recut(codes: Tensor, now: int, then: int) -> Tensor:
    """Codes of ``now`` bits, [..., n], as codes of ``then`` bits, [..., n * now / then]."""
    if now == then:
        return codes
    parts = torch.arange(0, max(now, then), min(now, then), device=device_of(codes), dtype=torch.uint8)
    if now > then:
        return ((codes.unsqueeze(-1) >> parts) & ((1 << then) - 1)).flatten(-2)
    return (codes.unflatten(-1, (-1, then // now)) << parts).sum(-1, dtype=torch.uint8)


@functools.cache
def _table(dtype: Any, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Of a float dtype kept as float32: the value of each code, their bits in order, and the codes in that order."""
    codes = np.arange(1 << dtypes.itemsize_bits(dtype), dtype=np.uint8)
    values = codes.view(dtype).astype(np.float32)
    bits = values.view(np.int32)
    order = np.argsort(bits, kind="stable")
    with torch_private.outside():
        made = (values, np.ascontiguousarray(bits[order]), order.astype(np.int64))
        values_there, bits_there, order_there = (torch.from_numpy(a).to(device) for a in made)
    return values_there, bits_there, order_there


def _is_float(dtype: Any) -> bool:
    return dtypes.STORAGE[dtype] is torch.float32


def _codes(tensor: Tensor, dtype: Any) -> Tensor:
    if not _is_float(dtype):
        return tensor.view(torch.uint8)
    _, bits, order = _table(dtype, device_of(tensor))
    nan = int(np.asarray(np.nan, dtype).view(np.uint8))
    wanted = tensor.view(torch.int32)
    at = torch.searchsorted(bits, wanted).clamp(max=len(bits) - 1)
    return torch.where(torch.isnan(tensor), nan, order[at]).to(torch.uint8)


def _values(codes: Tensor, dtype: Any) -> Tensor:
    if _is_float(dtype):
        return _table(dtype, device_of(codes))[0][codes.to(torch.int64)]
    if dtypes.STORAGE[dtype] is torch.uint8:
        return codes
    unused = 8 - dtypes.itemsize_bits(dtype)
    return (codes << unused).view(torch.int8) >> unused  # the sign bit moves back over those unused
