"""debug_checks: what the flags debug_nans and debug_infs ask of every result.

While one of them is on, every Array is looked at as it is made (`Array.__init__` is then `_made`), but for those that
plumbing wraps anew, and no Array matches `STATE.fast`, so that every op makes its result here. A function that JAX's library
compiles is looked at by its results alone (`results_only`); where they are bad it runs once more, to find the operation.
An error is told of what `told_as` says, else of the innermost function on the stack that has a primitive's name.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, TypeVar

import torch

from jaxlike._src import config, torch_private
from jaxlike._src.array import Array
from jaxlike._src.frames import STATE, current_trace, running, set_checked
from jaxlike._src.tree import tree_leaves

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from torch import Tensor

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE: Final = __name__.rpartition(".")[0] + "."
# Where values are wrapped, moved and replayed, and none is computed that an operation has not made.
_PLUMBING: Final = tuple(
    _PACKAGE + module
    for module in "transforms graph tree array border device_put interop lax.scan lax.while_loop lax.cond lax.loop".split()
)
_HELPERS: Final = frozenset(["like", "array_of"])  # they make arrays for the function that calls them
_WRAPPERS: Final = frozenset("called traced compiled named general op operator reraising find_op".split())
_LOOKS: Final = "Invalid nan value encountered in the output of a jax.jit function. Calling the de-optimized version."


def find(tensor: Tensor) -> str | None:
    """What a flag forbids and a payload has in any lane, "nan" or "inf"; values that are not known are passed by."""
    while torch_private.is_wrapped(tensor):
        tensor = torch_private.wrapped_value(tensor)
    if tensor.device.type == "meta" or not (tensor.is_floating_point() or tensor.is_complex()):
        return None
    if config.debug_nans.value and bool(tensor.isnan().any()):
        return "nan"
    return "inf" if config.debug_infs.value and bool(tensor.isinf().any()) else None


def check_tensor(name: str, tensor: Tensor) -> None:
    """FloatingPointError, told of ``name``, where a payload has what a flag forbids."""
    what = find(tensor)
    if what is not None:
        raise _error(what, name)


def find_in(tree: Any) -> str | None:
    """What a flag forbids and a leaf has."""
    found = (find(x._t) for x in tree_leaves(tree) if isinstance(x, Array))
    return next((what for what in found if what is not None), None)


def _error(what: str, name: str) -> FloatingPointError:
    if any(frame.manual for frame in running()):
        return FloatingPointError(f"Invalid value ({what}) encountered in sharded computation.")
    return FloatingPointError(f"invalid value ({what}) encountered in {name}")


# An array is made

_ALSO: Final = {
    **{"mean": "div", "angle": "atan2", "_where": "select_n", "astype": "convert_element_type", "getitem": "gather"},
    **dict.fromkeys("matmul dot vdot inner tensordot einsum matvec vecmat vecdot".split(), "dot_general"),
    **{"linspace": "mul", "inv": "transpose", "full": "stage", "full_like": "stage", "roll": "concatenate", "_update": "scatter", "_changed_copy": "scatter"},
}
_original: Final = Array.__init__
_unnamed: Final = "unnamed"  # an attribute of errors of which an outer layer may know better what they are told of


@functools.cache
def _names() -> dict[str, str]:
    """What a function's results are told of, for functions named as a primitive, and some others."""
    from jaxlike._src.lax import primitive_names  # looked up when something is found

    return {n.removesuffix("_p"): getattr(primitive_names, n).name for n in vars(primitive_names) if n.endswith("_p")} | _ALSO



def _made(self: Array, tensor: Tensor, weak_type: Any = False) -> None:
    _original(self, tensor, weak_type)
    if STATE.plain or STATE.results_only or current_trace() is not None:
        return
    what = find(tensor)
    if what is not None:
        name = _maker(sys._getframe(1))
        if name is not None:
            error = _error(what, name)
            setattr(error, _unnamed, what)
            raise error


def _maker(frame: FrameType | None) -> str | None:
    """The primitive that makes an array for ``frame``; None where it is only moved about."""
    name, names, moved = "", _names(), True
    while frame is not None and (module := frame.f_globals.get("__name__", "")).startswith(_PACKAGE):
        function = frame.f_code.co_name
        if function in names:
            return names[function]
        if function not in _HELPERS:
            if moved and module.startswith(_PLUMBING):
                return None
            moved = False
            if function not in _WRAPPERS:
                name = function
        frame = frame.f_back
    return name


def told_as(name: str, make: Callable[P, T], compiled: bool = False) -> Callable[P, T]:
    """``make``, of which ``name`` is told what a flag forbids in an array that it made and no step of it has named.

    ``compiled`` says whether JAX has a compiled function for it, of which it prints that it looks at its steps.
    """

    @functools.wraps(make)
    def named(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return make(*args, **kwargs)
        except FloatingPointError as error:
            if compiled:
                print(_LOOKS)
            raise renamed(name, error) from None

    return named


def renamed(name: str, error: FloatingPointError) -> FloatingPointError:
    """``error``, told of ``name`` unless it is told of a primitive already."""
    what = getattr(error, _unnamed, None)
    return error if what is None else _error(what, name)


class looking(torch_private.TorchDispatchMode):
    """While torch computes what makes no Arrays, such as derivatives of its own: its operations are looked at."""

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        out = op(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and not STATE.results_only and current_trace() is None:
            what = find(out)
            if what is not None:
                from jaxlike._src.graph.names import primitive_of  # looked up when something is found

                name = primitive_of(op)  # a NaN that torch gets from a quotient is a product in JAX's chain rule
                raise _error(what, "mul" if name == "div" and what == "nan" else name)
        return out


def executed(name: str, run: Callable[..., list[Array]], args: Any) -> list[Array]:
    """``run(args)``, which is one primitive: its results are looked at and not its steps."""
    before, STATE.results_only = STATE.results_only, True
    try:
        outs = run(args)
    finally:
        STATE.results_only = before
    if not before:
        for x in outs:
            check_tensor(name, x._t)
    return outs


# A compiled function


def results_only(fun: Callable[P, T]) -> Callable[P, T]:
    """``fun``, at whose results a flag looks, but not at its steps."""

    @functools.wraps(fun)
    def compiled(*args: P.args, **kwargs: P.kwargs) -> T:
        if STATE.plain or STATE.results_only or current_trace() is not None:
            return fun(*args, **kwargs)
        STATE.results_only = True
        try:
            out = fun(*args, **kwargs)
        finally:
            STATE.results_only = False
        if find_in(out) is not None:
            find_op(getattr(fun, "__name__", ""), fun, out, args, kwargs)
        return out

    return compiled


def find_op(name: str, fun: Any, out: Any, args: Any, kwargs: Any, is_graph: bool = False) -> NoReturn:
    """Find the operation in a compiled function, or graph, that made what a flag forbids in ``out``."""
    print(_LOOKS)
    with looking() if is_graph else contextlib.nullcontext():
        fun(*args, **kwargs)
    raise FloatingPointError(
        f"{(f'jit({name})', find_in(out))}. Because jax_config.debug_nans.value and/or config.jax_debug_infs is set, the "
        "de-optimized function (i.e., the function as if the `jit` decorator were removed) was called in an attempt to "
        "get a more precise error message. However, the de-optimized function did not produce invalid values during its "
        "execution. The value may have been written as a constant, or `jit` may have computed in another order."
    ) from None


def _follow_flags() -> None:
    flags, ranks = (config.debug_nans, config.debug_infs), config.numpy_rank_promotion
    looked_at, by_others = any(f.value for f in flags), any(f.get_global() for f in flags)
    set_checked(looked_at or ranks.value != "allow", by_others or ranks.get_global() != "allow")
    if looked_at:  # and stays, since it may be on in another thread: from now on an array costs a look at `STATE.plain`
        Array.__init__ = _made


for _state in (config.debug_nans, config.debug_infs, config.numpy_rank_promotion):
    _state.on_change(_follow_flags)
