"""Names that belong to no table: each once, as JAX has it."""

from __future__ import annotations

from typing import Any

from compat.same import same_in_both


@same_in_both
def test_ds(jax: Any) -> Any:
    return jax.numpy.arange(6.0)[jax.ds(2, 3)]


@same_in_both
def test_itemsize_bits(jax: Any) -> Any:
    return [jax.dtypes.itemsize_bits(d) for d in ("int8", "float32", "complex64", "bool")]


@same_in_both
def test_array_module(jax: Any) -> Any:
    return jax.numpy.ones(3).__array_module__((int,)) is NotImplemented
