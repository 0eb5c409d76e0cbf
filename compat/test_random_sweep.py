"""jax.random: a thousand keys, drawn from the run's seed, for each sampler and a shape; one program over lanes of keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, same_in_both

SHAPES = [(), (3,), (2, 5)]
SAMPLERS: dict[str, Any] = {
    "normal": lambda r, k, s: r.normal(k, s),
    "normal in half": lambda r, k, s: r.normal(k, s, "bfloat16"),
    "uniform": lambda r, k, s: r.uniform(k, s, minval=-2.0, maxval=3.0),
    "bits": lambda r, k, s: [r.bits(k, s, t) for t in ("uint8", "uint16", "uint32")],
    "permutation": lambda r, k, s: r.permutation(k, 11),
    "categorical": lambda r, k, s: r.categorical(k, np.log(np.arange(1.0, 6.0, dtype="float32")), shape=s),
    "gamma": lambda r, k, s: r.gamma(k, 1.7, s),
    "randint": lambda r, k, s: r.randint(k, s, -7, 1000, "int16"),
    "choice": lambda r, k, s: r.choice(k, 9, (4,), replace=False),
    "poisson": lambda r, k, s: r.poisson(k, 3.0, s),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SAMPLERS)
@same_in_both(tolerance=Tolerance(factor=4))
def test_thousand_keys(jax, rng, name, shape):
    seeds = rng.integers(0, 2**32, 1000, dtype=np.uint32)
    keys = jax.vmap(jax.random.key)(jax.numpy.array(seeds))
    return jax.jit(jax.vmap(lambda k: SAMPLERS[name](jax.random, k, shape)))(keys)
