"""jax.image, jax.ops, jax.scipy.ndimage beside their tables (compat/cases/image.py): arguments and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.calls import SUMS
from compat.same import Tolerance, assert_same, run_both

LOOSE = Tolerance(factor=40, normwise=True)
BLOCKS = {
    "image": """
        jax.image.resize(m, (3, 9), "linear")
        jax.image.resize(m.astype("int32"), (3, 9), "cubic")
        jax.image.resize(m, (4, 6), "linear")
        jax.image.resize(np.asarray(m), (3, 9), "linear")
        jax.image.resize(m, (3,), "linear")
        jax.image.resize(m, (3, 3), "foo")
        jax.image.resize(m, (3, 0), "linear")
        jax.image.resize(m, (3, 0), "nearest")
        jax.image.resize(m > 0, (8, 3), jax.image.ResizeMethod.NEAREST)
        jax.image.resize(m[:1], (4, 6), "cubic-pytorch", antialias=False)
        [str(x) for x in jax.image.ResizeMethod]
        [jax.image.ResizeMethod.from_string(s).name for s in ("bilinear", "trilinear", "tricubic", "area")]
        jax.image.scale_and_translate(m, (3, 3), (0,), jnp.ones(1), jnp.ones(1), "nearest")
        jax.image.scale_and_translate(m, (3,), (0,), jnp.ones(1), jnp.ones(1), "linear")
        jax.image.scale_and_translate(m, (4, 3), (-1,), jnp.ones(1) * 2, jnp.ones(1), "linear")
        jax.image.scale_and_translate(m, (4, 6), (), jnp.ones(0), jnp.ones(0), "linear")
        jax.jit(lambda s: jax.image.scale_and_translate(m, (4, 5), (1,), s, -s, "lanczos3"))(jnp.array([0.7]))
        jax.grad(lambda t: jax.image.scale_and_translate(m, (4, 5), (1,), t, t, "cubic").sum())(jnp.array([0.7]))
    """,
    "ops": """
        jax.ops.segment_sum(jnp.ones(3), jnp.array([0, 1, 2]), -1)
        jax.ops.segment_sum([1.0, 2.0], jnp.array([0, 1]))
        jax.ops.segment_sum(jnp.arange(4.0), jnp.array([0, 2, 2, 0]))
        jax.ops.segment_max(np.arange(4.0), np.array([0, 2, 2, 0]))
        jax.jit(jax.ops.segment_sum)(jnp.ones(3), jnp.array([0, 1, 2]))
        jax.jit(lambda x, i, n: jax.ops.segment_sum(x, i, n))(jnp.ones(3), jnp.array([0, 1, 2]), 3)
        jax.ops.segment_sum(jnp.ones((0, 2)), jnp.zeros(0, "int32"), 3)
        jax.ops.segment_min(jnp.ones((2, 3, 2)), jnp.array([[0, 1, 2], [2, 1, 0]]), 3)
        jax.ops.segment_prod(jnp.arange(4.0), jnp.array([0, 2, 2, 0]), 3, indices_are_sorted=False, bucket_size=2)
        jax.ops.segment_min(jnp.arange(4) > 1, jnp.array([0, 2, 2, 0]), 4)
        jax.ops.segment_max(jnp.arange(4, dtype="uint8"), jnp.array([0, 2, 2, 0]), 4)
        jax.ops.segment_sum(jnp.arange(4, dtype="uint8"), jnp.array([0, 2, 2, 0]), 4, mode="promise_in_bounds")
        jax.grad(lambda x: jax.ops.segment_prod(x, jnp.array([0, 2]), 3, unique_indices=True).sum())(jnp.ones(2))
        jax.vmap(lambda x, i: jax.ops.segment_sum(x, i, 3))(jnp.ones((2, 4)), jnp.array([[0, 1, 1, 9], [2, 2, 0, -1]]))
    """,
    "ndimage": """
        jax.scipy.ndimage.map_coordinates(m, [jnp.array([1.0])], 1)
        jax.scipy.ndimage.map_coordinates(m, [jnp.array([1.0]), jnp.array([1.0])], 2)
        jax.scipy.ndimage.map_coordinates(m, [jnp.array([1.0]), jnp.array([1.0])], 1, "foo")
        jax.scipy.ndimage.map_coordinates(m, [jnp.array([1, 2]), jnp.array([1, 2])], 1)
        jax.scipy.ndimage.map_coordinates(m, [np.array([1, 2]), np.array([1, 2])], 0)
        jax.scipy.ndimage.map_coordinates(m.astype("int32"), [jnp.array([1.5, 2.3]), jnp.array([1.2, 9.0])], 1)
        jax.scipy.ndimage.map_coordinates(m.astype("uint8"), [jnp.array([1.5, 2.5]), jnp.array([0.5, 9.0])], 0, "wrap")
    """,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_lines(name: str) -> None:
    for line in BLOCKS[name].strip().splitlines():

        def program(jax: Any, line: str = line) -> Any:
            m = jax.numpy.asarray(np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32))
            return eval(line.strip(), {"jax": jax, "jnp": jax.numpy, "np": np, "m": m})

        assert_same(*run_both(program), LOOSE if name == "image" else SUMS, line.strip())
