"""dlpack: arrays of other libraries taken over without a copy, by the DLPack protocol.

The new Array shares the other's memory: writing there afterwards changes it. Arrays export themselves by
their own `__dlpack__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import constant
from jaxlike._src.border import astype
from jaxlike._src.devices import device_of, to_torch_device

if TYPE_CHECKING:
    from jaxlike._src.array import Array
    from jaxlike._src.typing import DTypeLike

_KNOWN_DEVICES = frozenset([1, 2, 3, 10])  # CPU, CUDA, CUDA host memory, ROCm
SUPPORTED_DTYPES_SET = frozenset(
    d for d in dtypes.TO_TORCH if d.itemsize > 1 or d.kind in "biu"
)  # all of torch's but float8


def is_supported_dtype(dtype: DTypeLike | None) -> bool:
    """Whether arrays of ``dtype`` can be exchanged."""
    if dtype is None:
        raise TypeError(f"Expected a string or dtype-like object; got {dtype=!r}")
    return np.dtype(dtype) in SUPPORTED_DTYPES_SET


def from_dlpack(external_array: Any, device: Any = None, copy: bool | None = None) -> Array:
    """An array of another library as an Array that shares its memory.

    Args:
        external_array: an object with ``__dlpack__`` and ``__dlpack_device__``.
        device: where the result is to be; elsewhere than now needs a copy.
        copy: True for memory of its own; False to refuse where a copy is needed.
    """
    if not (hasattr(external_array, "__dlpack__") and hasattr(external_array, "__dlpack_device__")):
        raise TypeError(
            "The array passed to from_dlpack must have __dlpack__ and __dlpack_device__ methods."
        )
    kind, _ = external_array.__dlpack_device__()
    if int(kind) not in _KNOWN_DEVICES:
        raise TypeError(
            f"Array passed to from_dlpack is on unsupported device type (DLDeviceType: {kind}, "
            f"array: {external_array}"
        )
    with torch_private.outside():
        tensor = torch.from_dlpack(external_array)
        target = tensor.device if device is None else to_torch_device(device)
        if target != tensor.device:
            if copy is False:
                raise ValueError(
                    f"Specified device={device!r} which requires a copy since the source device is "
                    f"{device_of(tensor.device)!r}, however copy=False. Set copy=True or copy=None to perform the "
                    "requested operation."
                )
            tensor = tensor.to(target)
        elif copy:
            tensor = tensor.clone()
    made = constant(tensor)
    return astype(made, dtypes.canonicalize_dtype(made.dtype))
