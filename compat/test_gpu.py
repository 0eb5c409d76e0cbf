"""On a machine with a CUDA device: arrays land there by default, stay there, and have JAX's values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.cases import TABLES
from compat.columns import COLUMNS, Column
from compat.same import same_in_both
from compat.table import Table, sample
from compat.test_cases import run_checks, served

pytestmark = pytest.mark.gpu
GPU_COLUMNS = ("eager", "promote", "jit", "vmap", "jvp", "grad", "hvp")
ON_GPU = [column for column in COLUMNS if column.name in GPU_COLUMNS]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
@pytest.mark.parametrize("column", ON_GPU, ids=str)
def test_tables_on_the_gpu(table: Table, column: Column, request: pytest.FixtureRequest) -> None:
    seed = request.config.option.seed
    with (
        frameworks.EXPECTED.default_matmul_precision("highest"),
        frameworks.ACTUAL.default_matmul_precision("highest"),
    ):
        checks = served(table.checks(column, False))
        run_checks(sample(checks, request.config.option.fraction, seed), seed, False, every_shape=False)


def test_arrays_are_made_on_the_gpu_and_stay_there() -> None:
    jax = frameworks.ACTUAL
    x = jax.numpy.arange(6.0).reshape(2, 3)
    made = [x, x @ x.T, jax.jit(jax.numpy.sin)(x), jax.grad(lambda x: (x**2).sum())(x), x.at[0].set(1.0)]
    made += [jax.vmap(jax.numpy.sum)(x), jax.random.normal(jax.random.key(0), (3,)), jax.numpy.array([1, 2])]
    assert [y.platform() for y in made] == ["gpu"] * len(made)
    assert jax.default_backend() == "gpu" and all(d.platform == "gpu" for d in jax.devices())


@same_in_both
def test_moving_between_devices(jax: Any, rng: np.random.Generator) -> Any:
    x = jax.numpy.asarray(rng.normal(size=3).astype("float32"))
    on_cpu = jax.device_put(x, jax.devices("cpu")[0])
    return on_cpu, jax.device_put(on_cpu, jax.devices("gpu")[0]) + x, np.asarray(x)
