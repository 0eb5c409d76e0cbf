"""Names that belong to no table: each once, as JAX has it."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

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


GONE = {
    "": "device_put_replicated device_put_sharded",
    "numpy": "fix",
    "lax": "pvary",
    "ad_checkpoint": "checkpoint remat",
    "interpreters.ad": "reducing_transposes",
    "interpreters.batching": "NotMapped",
    "interpreters.pxla": (
        "thread_resources are_hlo_shardings_equal is_hlo_sharding_replicated op_sharding_to_indices MapTracer PmapExecutable "
        "parallel_callable shard_args Chunked NoSharding Replicated ShardedAxis ShardingSpec Unstacked spec_to_indices"
    ),
}


def said_of(jax: Any, module: str) -> list[str]:
    """What is said of names that are gone, or about to go."""
    home = importlib.import_module(".".join(filter(None, (jax.__name__, module))))
    said: list[str] = []
    for name in GONE[module].split():
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                getattr(home, name)
            said.append(str(caught[0].message))
        except AttributeError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize("module", GONE)
def test_names_that_are_gone(module: str) -> None:
    same_in_both(lambda jax: said_of(jax, module))()
