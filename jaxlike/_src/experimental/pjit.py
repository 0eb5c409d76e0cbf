"""pjit: the deprecated name of `jax.jit`, whose options may be given by position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxlike._src.deprecations import module_getattr
from jaxlike._src.transforms.jit import jit


def _pjit(
    fun: Callable[..., Any],
    in_shardings: Any = None,
    out_shardings: Any = None,
    static_argnums: Any = None,
    static_argnames: Any = None,
    donate_argnums: Any = None,
    donate_argnames: Any = None,
    keep_unused: bool = False,
    device: Any = None,
    backend: str | None = None,
    inline: bool = False,
    compiler_options: dict[str, Any] | None = None,
) -> Any:
    """As `jax.jit`."""
    return jit(
        fun,
        in_shardings=in_shardings,
        out_shardings=out_shardings,
        static_argnums=static_argnums,
        static_argnames=static_argnames,
        donate_argnums=donate_argnums,
        donate_argnames=donate_argnames,
        keep_unused=keep_unused,
        device=device,
        backend=backend,
        inline=inline,
        compiler_options=compiler_options,
    )


_SAID = "jax.experimental.pjit.pjit has been deprecated. Please use `jax.jit` instead."
__getattr__ = module_getattr("jax.experimental.pjit", {"pjit": (_SAID, _pjit)})
