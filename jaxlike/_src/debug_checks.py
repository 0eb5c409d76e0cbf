"""debug_checks: what the flags debug_nans and debug_infs ask of every result.

While one of them is on, no Array matches `STATE.fast`, so every op goes through its general path, which ends
in `check_finite`; `jit` runs its function op by op.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from jaxlike._src import config, torch_private
from jaxlike._src.array import Array
from jaxlike._src.frames import STATE, running, set_checked
from jaxlike._src.tree import tree_leaves

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

P = ParamSpec("P")
T = TypeVar("T")


def check_finite(name: str, out: Array) -> Array:
    """``out``; FloatingPointError where it, in any lane, has NaN or infinities and a flag forbids them."""
    check_tensor(name, out._t)
    return out


def check_tensor(name: str, tensor: Tensor) -> None:
    """The same of a payload; values that are not known are passed by."""
    while torch_private.is_wrapped(tensor):
        tensor = torch_private.wrapped_value(tensor)
    if tensor.device.type == "meta" or not (tensor.is_floating_point() or tensor.is_complex()):
        return
    if config.debug_nans.value and bool(tensor.isnan().any()):
        raise FloatingPointError(_found("nan", name))
    if config.debug_infs.value and bool(tensor.isinf().any()):
        raise FloatingPointError(_found("inf", name))


def _found(what: str, name: str) -> str:
    if any(frame.manual for frame in running()):
        return f"Invalid value ({what}) encountered in sharded computation."
    return f"invalid value ({what}) encountered in {name}"


def told_as(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a loop or branch: what is found inside is told of it, whose steps run singly only for the flags."""

    def lift(fun: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(fun)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return fun(*args, **kwargs)
            except FloatingPointError as error:
                if STATE.plain:
                    raise
                raise FloatingPointError(f"{str(error).rpartition(' ')[0]} {name}") from None

        return called

    return lift


def all_finite(tree: Any) -> bool:
    """Whether no leaf has what a flag forbids."""
    try:
        for x in tree_leaves(tree):
            if isinstance(x, Array):
                check_finite("", x)
    except FloatingPointError:
        return False
    return True


def _follow_flags() -> None:
    set_checked(
        config.debug_nans.value or config.debug_infs.value or config.numpy_rank_promotion.value != "allow"
    )


for _state in (config.debug_nans, config.debug_infs, config.numpy_rank_promotion):
    _state.on_change(_follow_flags)
