"""shard_map: the deprecated form of `jax.shard_map`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxlike._src.deprecations import module_getattr
from jaxlike._src.transforms import shard_map as new


def _shard_map(f: Callable[..., Any], mesh: Any, in_specs: Any, out_specs: Any, check_rep: bool = True) -> Any:
    """As `jax.shard_map`."""
    return new.shard_map(f, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=check_rep)


_SAID = "jax.experimental.shard_map is deprecated in v0.8.0. Used jax.shard_map instead."
__getattr__ = module_getattr("jax.experimental.shard_map", {"shard_map": (_SAID, _shard_map)})
