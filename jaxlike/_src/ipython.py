"""`%load_ext jaxlike`: in this notebook `import jax` is jaxlike; `%unload_ext jaxlike` ends it."""

from typing import Any

from jaxlike._src.substitute import install, uninstall


def load_ipython_extension(ipython: Any) -> None:
    """Serve jaxlike as ``jax`` in this kernel. Run it before the first ``import jax``."""
    install()


def unload_ipython_extension(ipython: Any) -> None:
    """Let ``import jax`` find the real package again."""
    uninstall()
