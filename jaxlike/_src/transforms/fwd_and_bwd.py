"""fwd_and_bwd: a function and its pullback as two functions, each traced and compiled once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.transforms.arguments import check_callable, checked_argnums, split_argnums
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.reverse import vjp

if TYPE_CHECKING:
    from collections.abc import Callable


def fwd_and_bwd(
    fun: Callable[..., Any], argnums: Any, has_aux: bool = False, jitted: bool = True
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The forward and the backward pass of ``fun``.

    Args:
        fun: returns any tree of arrays (with ``has_aux``: a pair of it and anything).
        argnums: which positional arguments to differentiate by.
        has_aux: whether ``fun`` returns ``(value, aux)``.
        jitted: whether to jit both.

    Returns:
        ``fwd(*args)`` gives ``(value, residuals)``, with ``has_aux`` ``(value, residuals, aux)``;
        ``bwd(residuals, cotangent)`` the cotangent of the argument, for a sequence of ``argnums`` a tuple of them.
    """
    check_callable(fun)
    argnums = checked_argnums(argnums)

    def fwd(*args: Any, **kwargs: Any) -> Any:
        del kwargs  # taken and not passed on, as in JAX
        of_chosen, chosen = split_argnums(fun, argnums, args, {})
        return vjp(of_chosen, chosen, has_aux=has_aux)

    def bwd(f_vjp: Any, outgrad: Any) -> Any:
        return f_vjp(outgrad)[0]

    return (jit(fwd), jit(bwd)) if jitted else (fwd, bwd)
