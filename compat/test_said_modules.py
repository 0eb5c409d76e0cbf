"""The module that public functions and classes say they are of, while jaxlike is in JAX's place: what JAX's say."""

import importlib
import types
import warnings
from typing import Any

from compat.inventory import names
from jaxlike._src import said_modules

# One object of ours is two in JAX, under two public names: it can say one of them.
SHARED = {"jax.scipy.integrate.trapezoid", "jax.experimental.sparse.test_util.is_sparse", "jax.debug.log"}


def _in(module: str) -> dict[str, Any]:
    try:
        return vars(importlib.import_module(module))
    except ModuleNotFoundError:  # the inventory's classes and functions have rows as modules have; some are not served
        return {}


def _says(value: Any) -> str:
    own = isinstance(value, type | types.FunctionType) or "__module__" in getattr(value, "__dict__", {})
    module = getattr(value, "__module__", None) if own else None
    return module if isinstance(module, str) else ""


def test_each_name_says_what_that_of_jax_says() -> None:
    """All names at once, since the first module that serves an object decides what it says."""
    wrong: list[str] = []
    checked = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for public in sorted({row.module for row in names()}):
            ours, theirs = _in("jaxlike" + public.removeprefix("jax")), _in(public)
            for row in (row for row in names() if row.module == public and row.path not in SHARED):
                if not (_says(ours.get(row.name)).startswith("jaxlike") and _says(theirs.get(row.name))):
                    continue
                checked += 1
                said = said_modules.said_by(public, row.name)
                expected = _says(theirs[row.name])
                if public == "jax.tree":  # the functions of jax.tree_util, which are others in JAX
                    expected = expected.replace("jax._src.tree", said)
                if said != expected:
                    wrong.append(f"{row.path}: {said} instead of {expected}")
    assert not wrong
    assert checked > 1500


def test_the_table_lists_what_is_served() -> None:
    """A name that went, or never was, has no row."""
    listed = {
        f"{public}.{name}"
        for public, table in said_modules.SAID.items()
        for line in table.values()
        for name in line.split()
        if name != "*"
    }
    served = {f"{public}.{name}" for public in said_modules.SAID for name in _in("jaxlike" + public.removeprefix("jax"))}
    assert listed <= served
