"""pjit: the deprecated name of `jax.jit`."""

from __future__ import annotations

from jaxlike._src.deprecations import module_getattr
from jaxlike._src.transforms.jit import jit

_SAID = "jax.experimental.pjit.pjit has been deprecated. Please use `jax.jit` instead."
__getattr__ = module_getattr("jax.experimental.pjit", {"pjit": (_SAID, jit)})
