"""ode: odeint, an adaptive Dormand-Prince solver of initial value problems, with the adjoint gradient.

Steps are as long as an error estimate of order 5 allows; values in between come from a quartic through the step.
The gradient solves the augmented problem (state, cotangent, gradients of the arguments) backward in time
(Chen et al., "Neural Ordinary Differential Equations"), so that memory does not grow with the number of steps.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, is_arraylike, promote_dtypes_inexact
from jaxlike._src.flatten_util import ravel_pytree
from jaxlike._src.lax.scan import scan
from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.numpy.complex_parts import iscomplexobj
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.custom_vjp import closure_convert, custom_vjp
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.reverse import vjp
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_leaves, tree_map

if TYPE_CHECKING:
    from collections.abc import Callable

# The tableau of Dormand and Prince (1980): nodes, coefficients of each stage, weights, error weights.
_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_WEIGHTS = (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0)
_FOURTH = (1951 / 21600, 0, 22642 / 50085, 451 / 720, -12231 / 42400, 649 / 6300, 1 / 60)
# Shampine's weights of the value in the middle of a step.
_MIDDLE = (
    6025192743 / 30085553152 / 2,
    0,
    51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2,
    187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2,
    11237099 / 235043384 / 2,
)


def _combine(weights: Any, k: Array) -> Array:
    return jnp.dot(jnp.array(weights, dtype=k.dtype), k, precision="highest")


def _step(func: Any, y: Array, f: Array, t: Array, dt: Array) -> tuple[Array, Array, Array, Array]:
    """One step: the new state, the derivative there, the error, all stages."""
    stages, size = [f], astype(dt, f.dtype)
    for node, weights in zip(_NODES, _STAGES, strict=True):
        at = y + size * _combine(weights, jnp.stack(stages))
        stages.append(func(at, t + dt * node))
    k = jnp.stack([astype(s, f.dtype) for s in stages])
    error = [a - b for a, b in zip(_WEIGHTS, _FOURTH, strict=True)]
    return size * _combine(_WEIGHTS, k) + y, k[-1], size * _combine(error, k), k


def _quartic(y0: Array, y1: Array, k: Array, dt: Array) -> Array:
    """Coefficients of the quartic through both ends and the middle of a step, with the slopes at the ends."""
    h = astype(dt, y0.dtype)
    middle = y0 + h * _combine(_MIDDLE, k)
    d0, d1 = k[0], k[-1]
    a = -2.0 * h * d0 + 2.0 * h * d1 - 8.0 * y0 - 8.0 * y1 + 16.0 * middle
    b = 5.0 * h * d0 - 3.0 * h * d1 + 18.0 * y0 + 14.0 * y1 - 32.0 * middle
    c = -4.0 * h * d0 + h * d1 - 11.0 * y0 - 5.0 * y1 + 16.0 * middle
    return jnp.stack([a, b, c, h * d0, y0])


def _first_step(func: Any, t: Array, y: Array, rtol: Any, atol: Any, f: Array) -> Array:
    """A first step size (Hairer, Norsett and Wanner, "Solving Ordinary Differential Equations I", II.4)."""
    y, f = promote_dtypes_inexact(y, f)
    scale = astype(atol + jnp.abs(y) * rtol, y.dtype)
    d0, d1 = jnp.norm(y / scale), jnp.norm(f / scale)
    h0 = jnp.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1)
    f1 = func(y + astype(h0, y.dtype) * f, t + h0)
    d2 = jnp.norm((f1 - f) / scale) / h0
    flat = (d1 <= 1e-15) & (d2 <= 1e-15)
    h1 = jnp.where(flat, jnp.maximum(1e-6, h0 * 1e-3), (0.01 / jnp.maximum(d1, d2)) ** (1.0 / 5.0))
    return jnp.minimum(100.0 * h0, h1)


def _error_ratio(error: Array, rtol: Any, atol: Any, y0: Array, y1: Array) -> Array:
    bound = atol + rtol * jnp.maximum(jnp.abs(y0), jnp.abs(y1))
    ratio = error / astype(bound, error.dtype)
    squares = jnp.real(ratio) ** 2 + jnp.imag(ratio) ** 2 if iscomplexobj(ratio) else ratio**2
    return jnp.sqrt(jnp.mean(squares))


def _next_size(dt: Array, ratio: Array) -> Array:
    least = jnp.where(ratio < 1, 1.0, 0.2)
    factor = jnp.minimum(10.0, jnp.maximum(ratio ** (-1.0 / 5.0) * 0.9, least))
    return jnp.where(ratio == 0, dt * 10.0, dt * factor)


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Array,
    *args: Any,
    rtol: float = 1.4e-8,
    atol: float = 1.4e-8,
    mxstep: Any = np.inf,
    hmax: Any = np.inf,
) -> Any:
    """The solution of ``dy/dt = func(y, t, *args)`` at times ``t``, of which the first is that of ``y0``.

    Args:
        func: the derivative, a tree like ``y0``.
        y0: tree of arrays.
        t: ascending times.
        args: trees of arrays that ``func`` also gets; gradients flow to them.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        mxstep: the most steps between two times.
        hmax: the longest step.

    Returns:
        A tree like ``y0`` with a leading axis of times.
    """
    for arg in tree_leaves(args):
        if not is_arraylike(arg):
            raise TypeError(f"The contents of odeint *args must be arrays or scalars, but got {arg}.")
    if not dtypes.issubdtype(t.dtype, np.floating):
        raise TypeError(f"t must be an array of floats, but got {t}.")
    converted, consts = closure_convert(func, y0, t[0], *args)
    return _on_trees(converted, rtol, atol, mxstep, hmax, y0, t, *args, *consts)


@functools.partial(jit, static_argnums=(0, 1, 2, 3, 4))
def _on_trees(func: Any, rtol: Any, atol: Any, mxstep: Any, hmax: Any, y0: Any, ts: Array, *args: Any) -> Any:
    flat, unravel = ravel_pytree(y0)

    def on_vectors(y: Array, t: Array, *args: Any) -> Array:
        return ravel_pytree(func(unravel(y), t, *args))[0]

    return vmap(unravel)(_odeint(on_vectors, rtol, atol, mxstep, hmax, flat, ts, *args))


@functools.partial(custom_vjp, nondiff_argnums=(0, 1, 2, 3, 4))
def _odeint(func: Any, rtol: Any, atol: Any, mxstep: Any, hmax: Any, y0: Array, ts: Array, *args: Any) -> Array:
    def derivative(y: Array, t: Array) -> Array:
        return func(y, t, *args)

    def advance(carry: Any, target: Array) -> Any:
        def going(state: Any) -> Any:
            count, _, _, t, dt, _, _ = state
            return (t < target) & (count < mxstep) & (dt > 0)

        def step(state: Any) -> Any:
            count, y, f, t, dt, last, coefficients = state
            y1, f1, error, k = _step(derivative, y, f, t, dt)
            ratio = _error_ratio(error, rtol, atol, y, y1)
            size = jnp.clip(_next_size(dt, ratio), min=0.0, max=hmax)
            new = (y1, f1, t + dt, size, t, _quartic(y, y1, k, dt))
            old = (y, f, t, size, last, coefficients)
            return [count + 1, *(jnp.where(ratio <= 1.0, n, o) for n, o in zip(new, old, strict=True))]

        _, *carry = while_loop(going, step, [0, *carry])
        _, _, t, _, last, coefficients = carry
        part = astype((target - last) / (t - last), coefficients.dtype)
        return carry, jnp.polyval(coefficients, part)

    f0 = derivative(y0, ts[0])
    dt = jnp.clip(_first_step(derivative, ts[0], y0, rtol, atol, f0), min=0.0, max=hmax)
    _, ys = scan(advance, [y0, f0, ts[0], dt, ts[0], jnp.stack([y0] * 5)], ts[1:])
    return jnp.concatenate((y0[None], ys))


def _forward(func: Any, rtol: Any, atol: Any, mxstep: Any, hmax: Any, y0: Array, ts: Array, *args: Any) -> Any:
    ys = _odeint(func, rtol, atol, mxstep, hmax, y0, ts, *args)
    return ys, (ys, ts, args)


def _backward(func: Any, rtol: Any, atol: Any, mxstep: Any, hmax: Any, residuals: Any, g: Array) -> Any:
    ys, ts, args = residuals

    def augmented(state: Any, t: Array, *args: Any) -> Any:
        """Derivatives in ``-t`` of the state, its cotangent and the gradients so far."""
        y, y_bar, *_ = state
        y_dot, pull = vjp(func, y, -t, *args)
        return (-y_dot, *pull(y_bar))

    def across(carry: Any, i: Array) -> Any:
        """From time i to time i - 1."""
        y_bar, t0_bar, args_bar = carry
        t_bar = jnp.real(jnp.dot(func(ys[i], ts[i], *args), g[i], precision="highest"))
        start = ys[i], y_bar, t0_bar - t_bar, args_bar
        times = jnp.stack([-ts[i], -ts[i - 1]])
        ends = odeint(augmented, start, times, *args, rtol=rtol, atol=atol, mxstep=mxstep, hmax=hmax)
        y_bar, t0_bar, args_bar = tree_map(lambda x: x[1], ends[1:])
        return (y_bar + g[i - 1], t0_bar, args_bar), t_bar

    initial = g[-1], jnp.zeros((), dtype=ts.dtype), tree_map(jnp.zeros_like, args)
    (y_bar, t0_bar, args_bar), ts_bar = scan(across, initial, jnp.arange(len(ts) - 1, 0, -1))
    return y_bar, jnp.concatenate([t0_bar[None], ts_bar[::-1]]), *args_bar


_odeint.defvjp(_forward, _backward)
