"""removed: what jax.numpy says of a function that is no longer there."""

from __future__ import annotations

from jaxlike._src.deprecations import module_getattr

numpy_getattr = module_getattr(
    "jax.numpy",
    {
        "fix": (
            "jax.numpy.fix was deprecated in JAX v0.9.0, and will be removed in JAX v0.10.0. jax.numpy.trunc does the "
            "same.",
            None,
        )
    },
)
