"""What torch tells of devices: which accelerator there is, names, capabilities, memory."""

from __future__ import annotations

import functools
import platform as host
from typing import Any

import torch


@functools.cache
def torch_type() -> str | None:
    """torch's name of the accelerator here ("cuda" for ROCm too), or None."""
    found = torch.accelerator.current_accelerator(check_available=True)
    return None if found is None else found.type


def accelerator() -> str | None:
    """The name of the accelerator's platform: "cuda", "rocm", "mps", "xpu", ..., or None."""
    kind = torch_type()
    return "rocm" if kind == "cuda" and torch.version.hip else kind


@functools.cache
def device_kind(device: torch.device) -> str:
    """The name of the model."""
    if device.type == "cpu":
        return "cpu"
    if device.type in ("cuda", "xpu"):
        return getattr(torch, device.type).get_device_name(device)
    if device.type == "mps":
        return f"Apple {host.machine()} GPU"
    return device.type


@functools.cache
def gpu_attributes(device: torch.device) -> dict[str, Any]:
    """What JAX's CUDA and ROCm devices have beyond other devices."""
    if device.type != "cuda":
        return {}
    seen = torch.cuda.get_device_properties(device)
    capability = seen.gcnArchName if torch.version.hip else f"{seen.major}.{seen.minor}"
    return {
        "compute_capability": capability,
        "core_count": seen.multi_processor_count,
        "device_vendor": "AMD" if torch.version.hip else "NVIDIA",
        "slice_index": 0,
    }


def memory_stats(device: torch.device) -> dict[str, int] | None:
    """Bytes and allocations of torch's allocator under JAX's names; None where torch has no count."""
    if device.type == "cuda":
        now = torch.cuda.memory_stats(device)
        free, total = torch.cuda.mem_get_info(device)
        reserved = now.get("reserved_bytes.all.current", 0)
        return {
            "bytes_in_use": now.get("allocated_bytes.all.current", 0),
            "peak_bytes_in_use": now.get("allocated_bytes.all.peak", 0),
            "bytes_reserved": reserved,
            "peak_bytes_reserved": now.get("reserved_bytes.all.peak", 0),
            "pool_bytes": reserved,
            "peak_pool_bytes": now.get("reserved_bytes.all.peak", 0),
            "num_allocs": now.get("allocation.all.allocated", 0),
            "largest_free_block_bytes": free,
            "bytes_limit": total,
            "bytes_reservable_limit": total,
        }
    if device.type == "mps":
        return {
            "bytes_in_use": torch.mps.current_allocated_memory(),
            "pool_bytes": torch.mps.driver_allocated_memory(),
            "bytes_limit": torch.mps.recommended_max_memory(),
        }
    return None
