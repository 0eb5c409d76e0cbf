"""checkpoint: trade memory for time in reverse mode.

For now a pass-through: results and derivatives are those of the function itself, nothing is recomputed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.transforms.arguments import check_callable, wraps

if TYPE_CHECKING:
    from collections.abc import Callable


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: Any = True,
    policy: Callable[..., bool] | None = None,
    static_argnums: Any = (),
    static_argnames: Any = (),
    concrete: Any = None,
) -> Callable[..., Any]:
    """``fun`` under the promise of recomputation; the arguments say what a recomputing version may keep.

    Args:
        fun: any function.
        prevent_cse: accepted.
        policy: accepted; which values to keep.
        static_argnums: accepted; positions of Python values.
        static_argnames: accepted.
        concrete: accepted.
    """
    del prevent_cse, policy, static_argnums, static_argnames, concrete
    check_callable(fun)

    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        return fun(*args, **kwargs)

    return wraps(fun)(checkpointed)


def remat(
    fun: Callable[..., Any],
    *,
    prevent_cse: bool = True,
    policy: Callable[..., bool] | None = None,
    static_argnums: Any = (),
    concrete: Any = None,
) -> Callable[..., Any]:
    """Older name of `checkpoint`."""
    return checkpoint(
        fun, prevent_cse=prevent_cse, policy=policy, static_argnums=static_argnums, concrete=concrete
    )
