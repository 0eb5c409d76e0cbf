"""lbfgs: the limited-memory form of BFGS, whose inverse Hessian is a product of the last few updates.

Nocedal and Wright, "Numerical Optimization", algorithms 7.4 (two loops over the history) and 7.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.border import astype
from jaxlike._src.lax.while_loop import fori_loop, while_loop
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.optimize.line_search import dot, line_search
from jaxlike._src.transforms.reverse import value_and_grad

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.array import Array


class LBFGSResults(NamedTuple):
    """The state; ``status``: 0 converged, 1 to 3 a limit was met, 4 no progress, 5 the line search failed."""

    converged: Any
    failed: Any
    k: Any
    nfev: Any
    ngev: Any
    x_k: Any
    f_k: Any
    g_k: Any
    s_history: Any
    y_history: Any
    rho_history: Any
    gamma: Any
    status: Any
    ls_status: Any


def minimize_lbfgs(
    fun: Callable[..., Any],
    x0: Array,
    maxiter: float | None = None,
    norm: Any = np.inf,
    maxcor: int = 10,
    ftol: float = 2.220446049250313e-09,
    gtol: float = 1e-5,
    maxfun: float | None = None,
    maxgrad: float | None = None,
    maxls: int = 20,
) -> LBFGSResults:
    """Minimize a function of a vector, remembering ``maxcor`` updates."""
    d, dtype = len(x0), x0.dtype
    if maxiter is None and maxfun is None and maxgrad is None:
        maxiter = d * 200
    limits = [np.inf if limit is None else limit for limit in (maxiter, maxfun, maxgrad)]
    value, gradient = value_and_grad(fun)(x0)
    initial = LBFGSResults(
        converged=jnp.asarray(False),
        failed=jnp.asarray(False),
        k=0,
        nfev=1,
        ngev=1,
        x_k=x0,
        f_k=value,
        g_k=gradient,
        s_history=jnp.zeros((maxcor, d), dtype=dtype),
        y_history=jnp.zeros((maxcor, d), dtype=dtype),
        rho_history=jnp.zeros((maxcor,), dtype=dtype),
        gamma=1.0,
        status=0,
        ls_status=0,
    )

    def step(state: LBFGSResults) -> LBFGSResults:
        direction = _direction(state)
        found = line_search(fun, state.x_k, direction, old_fval=state.f_k, gfk=state.g_k, maxiter=maxls)
        s = astype(found.a_k, direction.dtype) * direction
        y = found.g_k - state.g_k
        curvature = jnp.real(dot(y, s))
        gamma = curvature / jnp.real(dot(jnp.conj(y), y))
        status = jnp.where(state.f_k - found.f_k < ftol, 4, 0)
        for code, reached in ((3, state.ngev >= limits[2]), (2, state.nfev >= limits[1]), (1, state.k >= limits[0])):
            status = jnp.where(reached, code, status)
        status = jnp.where(found.failed, 5, status)
        converged = jnp.norm(found.g_k, ord=norm) < gtol
        return state._replace(
            converged=converged,
            failed=(status > 0) & ~converged,
            k=state.k + 1,
            nfev=state.nfev + found.nfev,
            ngev=state.ngev + found.ngev,
            x_k=astype(state.x_k + s, state.x_k.dtype),
            f_k=astype(found.f_k, state.f_k.dtype),
            g_k=astype(found.g_k, state.g_k.dtype),
            s_history=_remembered(state.s_history, s),
            y_history=_remembered(state.y_history, y),
            rho_history=_remembered(state.rho_history, astype(jnp.reciprocal(curvature), y.dtype)),
            gamma=astype(gamma, state.g_k.dtype),
            status=jnp.where(converged, 0, status),
            ls_status=found.status,
        )

    return while_loop(lambda state: ~state.converged & ~state.failed, step, initial)


def _remembered(history: Array, new: Array) -> Array:
    return jnp.roll(history, -1, axis=0).at[-1].set(new)


def _direction(state: LBFGSResults) -> Any:
    """Minus the inverse Hessian times the gradient, by two loops over the history."""
    rho, size = state.rho_history, len(state.rho_history)
    count = jnp.where(state.k < size, state.k, size)

    def back(j: Any, carry: Any) -> Any:
        i = size - 1 - j
        q, weights = carry
        weight = rho[i] * astype(jnp.real(dot(jnp.conj(state.s_history[i]), q)), rho.dtype)
        return q - weight * jnp.conj(state.y_history[i]), weights.at[i].set(weight)

    def forth(j: Any, q: Any) -> Any:
        i = size - count + j
        weight = rho[i] * astype(jnp.real(dot(state.y_history[i], q)), rho.dtype)
        return q + (weights[i] - weight) * state.s_history[i]

    q, weights = fori_loop(0, count, back, (-jnp.conj(state.g_k), jnp.zeros_like(rho)))
    return fori_loop(0, count, forth, state.gamma * q)
