"""Derivatives at NaN, infinities, both zeros, ties and bounds: first ones in both modes, and second ones.

There the libraries have conventions of their own, and JAX's are the ones to keep: torch passes a cotangent on where a
maximum is NaN, for example. A function that is compared is one expression of ``x``; one program runs many.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both, same_in_both

POINTS = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3.5, 6, -3], np.float32)
WEIGHTS = np.cos(2 * np.arange(14)).astype(np.float32) + 1.5

GROUPS = {
    "orders": """jnp.maximum(x, 0); jnp.minimum(x, 0.5); jnp.maximum(x, x); lax.max(x, -x); jnp.fmax(x, 0.); jnp.clip(x, 0, 1);
        jnp.clip(x, max=0.5); lax.clamp(-1., x, 1.); jnp.sort(x); jnp.max(x[1:]); jnp.min(x[3:]); lax.cummax(x); lax.cummin(x);
        lax.cummax(x, 0, True); jnp.median(x[3:]); jnp.nanmax(x[1:]); jnp.sqrt(jax.nn.relu(x[3:]))""",
    "sizes": """jnp.abs(x); jnp.fabs(x); lax.abs(x); jnp.sign(x); jnp.copysign(x, -1.); jnp.square(x); jnp.reciprocal(x); jnp.sqrt(x);
        lax.round(x); jnp.round(x); jnp.floor(x); jnp.trunc(x); jnp.heaviside(x, 0.5); jnp.hypot(x, 0.); jnp.arctan2(x, 1.)""",
    "activations": """jax.nn.relu(x); jax.nn.relu6(x); jax.nn.leaky_relu(x); jax.nn.hard_tanh(x); jax.nn.hard_sigmoid(x);
        jax.nn.sparse_sigmoid(x); jax.nn.sparse_plus(x); jax.nn.elu(x); jax.nn.celu(x, 0.7); jax.nn.selu(x); jax.nn.softplus(x);
        jax.nn.log_sigmoid(x); jax.nn.silu(x); jax.nn.gelu(x); jax.nn.squareplus(x); jax.nn.soft_sign(x)""",
    "powers": """x**-1; x**-2; x**-3; x**2; x**3; x**0.5; x**1.5; x**2.; 2.**x; lax.integer_pow(x, -4); lax.pow(x, 3);
        jnp.abs(x[3:])**jnp.arange(11.); jnp.abs(x[3:])**x[3:]; jnp.maximum(x[3:], 0.25)**x[3:]""",
    "special": """jsp.logit(x); jsp.ndtri(x); jsp.entr(x); jsp.dawsn(x); jsp.i0(x); jnp.i0(x); jsp.i0e(x); jsp.erfinv(x);
        jsp.gammaln(x); jsp.digamma(x); jsp.log_ndtr(x); jsp.ndtr(x); jsp.erf(x); jsp.erfc(x); jnp.sinc(x[3:]); jnp.log1p(x);
        jnp.expm1(x); jnp.piecewise(x, [x < 0, x > 1], [lambda v: v * v, lambda v: jnp.sqrt(v), lambda v: v])""",
}  # fmt: skip

def programs(group: str) -> list[str]:
    return [" ".join(p.split()) for p in GROUPS[group].split(";")]


def derivatives(jax: Any, expression: str, column: str, x: Any) -> Any:
    known = {"jax": jax, "jnp": jax.numpy, "lax": jax.lax, "jsp": jax.scipy.special}
    fun: Any = eval(f"lambda x: {expression}", known)

    def total(x: Any) -> Any:
        out = fun(x)
        return jax.numpy.sum(out * WEIGHTS[: out.size].reshape(out.shape))

    if column == "jvp":
        return jax.jvp(fun, (x,), (WEIGHTS,))
    if column == "grad":
        return jax.grad(total)(x)
    return jax.jvp(jax.grad(total), (x,), (WEIGHTS,))[1]


@pytest.mark.parametrize("column", ["jvp", "grad", "hvp"])
@pytest.mark.parametrize("group", list(GROUPS))
def test_edges(group: str, column: str) -> None:
    def program(jax: Any) -> Any:
        return jax.jit(lambda x: {e: derivatives(jax, e, column, x) for e in programs(group)})(jax.numpy.asarray(POINTS))

    assert_same(*run_both(program), Tolerance(100))


@same_in_both
def test_powers_of_both(jax):
    """Second derivatives where a base or an exponent is 0."""

    def second(x, y):
        return jax.hessian(lambda x, y: x**y, (0, 1))(x, y)

    x, y = (jax.numpy.array(v) for v in ([4.0, 0.0, 1.0, -0.0, 2.0], [0.0, 2.0, 0.0, 3.0, 0.5]))
    return jax.vmap(second)(x, y), jax.vmap(jax.grad(jax.grad(lambda y: 0.0**y)))(x[:3] + 1)


@same_in_both
def test_no_derivative_of_spacing(jax):
    return jax.grad(jax.numpy.spacing)(1.0)
