"""minimize: scipy's interface to the minimizers, and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.optimize.bfgs import minimize_bfgs
from jaxlike._src.scipy.optimize.lbfgs import minimize_lbfgs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jaxlike._src.array import Array


class OptimizeResults(NamedTuple):
    """Where a minimization ended.

    ``x``, the value ``fun`` and gradient ``jac`` there, the inverse Hessian ``hess_inv`` (or None), whether it
    converged (``success``, ``status``), and the numbers of evaluations and iterations.
    """

    x: Any
    success: Any
    status: Any
    fun: Any
    jac: Any
    hess_inv: Any
    nfev: Any
    njev: Any
    nit: Any


def minimize(
    fun: Callable[..., Any],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    method: str,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:
    """Minimize a smooth function of a vector.

    Args:
        fun: the function, ``fun(x, *args)``, a scalar.
        x0: where to start, ``[n]``.
        args: further arguments of the function.
        method: "BFGS", or "l-bfgs-experimental-do-not-rely-on-this".
        tol: ignored.
        options: of the method, such as ``maxiter`` and ``gtol``.
    """
    del tol
    if not isinstance(args, tuple):
        raise TypeError(f"args argument to jax.scipy.optimize.minimize must be a tuple, got {args}")

    def of_x(x: Any) -> Any:
        return fun(x, *args)

    chosen: Any = {"bfgs": minimize_bfgs, "l-bfgs-experimental-do-not-rely-on-this": minimize_lbfgs}.get(method.lower())
    if chosen is None:
        raise ValueError(f"Method {method} not recognized")
    end = chosen(of_x, x0, **({} if options is None else options))
    return OptimizeResults(
        x=end.x_k,
        success=end.converged & ~jnp.asarray(end.failed),
        status=end.status,
        fun=end.f_k,
        jac=end.g_k,
        hess_inv=getattr(end, "H_k", None),
        nfev=end.nfev,
        njev=end.ngev,
        nit=end.k,
    )
