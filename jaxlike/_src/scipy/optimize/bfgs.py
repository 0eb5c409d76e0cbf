"""bfgs: minimization by the method of Broyden, Fletcher, Goldfarb and Shanno, with a dense inverse Hessian.

Nocedal and Wright, "Numerical Optimization", algorithm 6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.optimize.line_search import dot, line_search
from jaxlike._src.transforms.reverse import value_and_grad

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.array import Array


class BFGSResults(NamedTuple):
    """The state; ``status``: 0 converged, 1 out of iterations, 2 and more: the line search failed."""

    converged: Any
    failed: Any
    k: Any
    nfev: Any
    ngev: Any
    nhev: Any
    x_k: Any
    f_k: Any
    g_k: Any
    H_k: Any
    old_old_fval: Any
    status: Any
    line_search_status: Any


def minimize_bfgs(
    fun: Callable[..., Any],
    x0: Array,
    maxiter: int | None = None,
    norm: Any = np.inf,
    gtol: float = 1e-5,
    line_search_maxiter: int = 10,
) -> BFGSResults:
    """Minimize a function of a vector until its gradient's ``norm`` is below ``gtol``."""
    limit = np.size(x0) * 200 if maxiter is None else maxiter
    eye = jnp.eye(x0.shape[0], dtype=x0.dtype)
    value, gradient = value_and_grad(fun)(x0)
    initial = BFGSResults(
        converged=jnp.norm(gradient, ord=norm) < gtol,
        failed=False,
        k=0,
        nfev=1,
        ngev=1,
        nhev=0,
        x_k=x0,
        f_k=value,
        g_k=gradient,
        H_k=eye,
        old_old_fval=value + jnp.norm(gradient) / 2,
        status=0,
        line_search_status=0,
    )

    def going(state: BFGSResults) -> Any:
        return ~state.converged & ~state.failed & (state.k < limit)

    def step(state: BFGSResults) -> BFGSResults:
        direction = -dot(state.H_k, state.g_k)
        found = line_search(
            fun, state.x_k, direction, state.f_k, state.old_old_fval, state.g_k, maxiter=line_search_maxiter
        )
        s = found.a_k * direction
        y = found.g_k - state.g_k
        rho = jnp.reciprocal(dot(y, s))
        w = eye - rho * (s[:, None] * y[None, :])
        inverse = dot(dot(w, state.H_k), w.T) + rho * s[:, None] * s[None, :]
        return state._replace(
            converged=jnp.norm(found.g_k, ord=norm) < gtol,
            failed=found.failed,
            k=state.k + 1,
            nfev=state.nfev + found.nfev,
            ngev=state.ngev + found.ngev,
            x_k=state.x_k + s,
            f_k=found.f_k,
            g_k=found.g_k,
            H_k=jnp.where(jnp.isfinite(rho), inverse, state.H_k),
            old_old_fval=state.f_k,
            line_search_status=found.status,
        )

    end = while_loop(going, step, initial)
    failure = jnp.where(end.failed, 2 + end.line_search_status, -1)
    status = jnp.where(end.converged, 0, jnp.where(end.k == limit, 1, failure))
    return end._replace(status=status)
