"""removed: names of jax.lax that JAX no longer has, with the words it says of them."""

from __future__ import annotations

from jaxlike._src.deprecations import module_getattr

lax_getattr = module_getattr(
    "jax.lax",
    {
        "pvary": (
            "jax.lax.pvary was deprecated in JAX v0.8.2 and removed in JAX v0.10.0; use `jax.lax.pcast(..., "
            "to='varying')",
            None,
        )
    },
)
