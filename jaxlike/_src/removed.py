"""removed: names that JAX no longer has, with the words it says of them; and some that it has for the last time."""

from __future__ import annotations

from typing import Any

from jaxlike._src.deprecations import module_getattr
from jaxlike._src.mesh import thread_resources
from jaxlike._src.tile_assignment import are_hlo_shardings_equal, is_hlo_sharding_replicated, op_sharding_to_indices


def _gone(module: str, names: str, said: str) -> dict[str, tuple[str, Any]]:
    return {name: (f"{module}.{name} {said.replace('NAME', name)}", None) for name in names.split()}


jax_getattr = module_getattr(
    "jax",
    _gone(
        "jax",
        "device_put_replicated device_put_sharded",
        "is deprecated; use jax.device_put instead. See "
        "https://docs.jax.dev/en/latest/migrate_pmap.html#drop-in-replacements for a drop-in replacement.",
    ),
)
numpy_getattr = module_getattr(
    "jax.numpy",
    _gone(
        "jax.numpy",
        "fix",
        "was deprecated in JAX v0.9.0, and will be removed in JAX v0.10.0. Use jax.numpy.trunc instead.",
    ),
)
lax_getattr = module_getattr(
    "jax.lax",
    _gone(
        "jax.lax",
        "pvary",
        "was deprecated in JAX v0.8.2 and removed in JAX v0.10.0; use `jax.lax.pcast(..., to='varying')",
    ),
)
ad_checkpoint_getattr = module_getattr(
    "jax.ad_checkpoint",
    _gone(
        "jax.ad_checkpoint",
        "checkpoint remat",
        "was deprecated in JAX v0.8.2 and removed in JAX v0.10.0; use jax.NAME instead.",
    ),
)
ad_getattr = module_getattr(
    "jax.interpreters.ad",
    _gone(
        "jax.interpreters.ad",
        "reducing_transposes",
        "was deprecated in v0.9.0. and removed in v0.10.0. It has been unused since JAX v0.4.38.",
    ),
)
batching_getattr = module_getattr(
    "jax.interpreters.batching", _gone("jax.interpreters.batching", "NotMapped", "is deprecated.")
)
_LATE = "is deprecated as of JAX v0.8.2."
_SWITCH = (
    f"{_LATE} Please switch to using `with jax.set_mesh(mesh)` instead of `with mesh:` and then use "
    "`jax.sharding.get_abstract_mesh()` to get the current mesh."
)
_PXLA = "jax.interpreters.pxla"
pxla_getattr = module_getattr(
    _PXLA,
    {
        **_gone(_PXLA, "MapTracer PmapExecutable parallel_callable shard_args", "was removed in JAX v0.10.0."),
        **_gone(
            _PXLA,
            "Chunked NoSharding Replicated ShardedAxis ShardingSpec Unstacked spec_to_indices",
            "was removed in JAX v0.10.0. Please use `jax.shard_map` instead of `jax.pmap`.",
        ),
        "thread_resources": (f"{_PXLA}.thread_resources {_SWITCH}", thread_resources),
        "are_hlo_shardings_equal": (f"{_PXLA}.are_hlo_shardings_equal {_LATE}", are_hlo_shardings_equal),
        "is_hlo_sharding_replicated": (f"{_PXLA}.is_hlo_sharding_replicated {_LATE}", is_hlo_sharding_replicated),
        "op_sharding_to_indices": (f"{_PXLA}.op_sharding_to_indices {_LATE}", op_sharding_to_indices),
    },
)
