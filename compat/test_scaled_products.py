"""jax.nn's products of quantized operands. JAX computes them on some GPUs only: values are held against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

import jaxlike
from compat.same import Tolerance, assert_same, run_both

RNG = np.random.default_rng(3)
LEFT = RNG.normal(size=(2, 32, 64)).astype("float32")
RIGHT = RNG.normal(size=(2, 96, 64)).astype("float32")
NUMBERS = (((2,), (2,)), ((0,), (0,)))

PROGRAMS = [
    lambda jax: jax.nn.scaled_dot_general(LEFT, RIGHT, NUMBERS),
    lambda jax: jax.nn.scaled_dot_general(LEFT, RIGHT, NUMBERS, implementation="cudnn"),
    lambda jax: jax.nn.get_scaled_dot_general_config("x"),
    lambda jax: [repr(jax.nn.get_scaled_dot_general_config("mxfp8"))],
    lambda jax: jax.nn.get_scaled_dot_general_config("nvfp4").global_scale,
    lambda jax: jax.nn.scaled_matmul(LEFT[0], RIGHT, LEFT, RIGHT),
    lambda jax: jax.nn.scaled_matmul(LEFT, RIGHT[:, :, :32], LEFT, RIGHT),
    lambda jax: jax.nn.scaled_matmul(LEFT, RIGHT, LEFT, RIGHT[:, :, :2]),
    lambda jax: jax.nn.scaled_matmul(LEFT, RIGHT, LEFT[:, :2, :2], RIGHT[:, :, :2]),
]


def test_programs() -> None:
    for program in PROGRAMS:
        assert_same(*run_both(program), Tolerance(20, normwise=True))


@pytest.mark.parametrize(("mode", "error"), [("mxfp8", 0.05), ("nvfp4", 0.2)])
def test_products_and_gradients_are_near_those_of_the_operands(mode: str, error: float) -> None:
    configs = [jaxlike.nn.get_scaled_dot_general_config(mode) for _ in range(3)]

    def product(a, b):
        return jaxlike.nn.scaled_dot_general(a, b, NUMBERS, configs=configs)

    def distance(actual, expected) -> float:
        return float(np.abs(np.asarray(actual) - expected).max() / np.abs(expected).max())

    exact = np.einsum("bmk,bnk->bmn", LEFT, RIGHT)
    assert 0 < distance(product(LEFT, RIGHT), exact) < error
    assert 0 < distance(jaxlike.jit(product)(LEFT, RIGHT), exact) < error
    weights = RNG.normal(size=exact.shape).astype("float32")
    grads = jaxlike.grad(lambda a, b: (product(a, b) * weights).sum(), (0, 1))(LEFT, RIGHT)
    assert distance(grads[0], np.einsum("bmn,bnk->bmk", weights, RIGHT)) < error
    assert distance(grads[1], np.einsum("bmn,bmk->bnk", weights, LEFT)) < error


def test_scales_multiply_blocks() -> None:
    scales = [2.0 ** RNG.integers(-2, 3, (*x.shape[:2], 2)).astype("float32") for x in (LEFT, RIGHT)]
    spread = [x * np.repeat(s, 32, axis=-1) for x, s in zip((LEFT, RIGHT), scales, strict=True)]
    operands = map(jaxlike.numpy.asarray, (LEFT, RIGHT, *scales))
    out = jaxlike.nn.scaled_matmul(*operands, preferred_element_type="float16")
    assert out.dtype == np.float16
    np.testing.assert_allclose(out, np.einsum("bmk,bnk->bmn", *spread), rtol=2e-3, atol=0.1)
