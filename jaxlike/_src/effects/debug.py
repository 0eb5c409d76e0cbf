"""debug: looking at values while a program runs: debug.print, debug.callback, debug.log, sharding of values.

Each is a callback without results that only looks: differentiation passes it by, a vmap calls it for each lane in
order, and a graph keeps it. Arguments that are no arrays are kept as they are and given back at the call.
"""

from __future__ import annotations

import logging
import string
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import concrete_tensor, is_traced, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.effects.callback import Callback, bare, callback_error, on_host
from jaxlike._src.effects.draw import visualize_sharding
from jaxlike._src.graph.effects import (
    OwnEffect,
    allow,
    control_flow_allowed_effects,
    custom_derivatives_allowed_effects,
    lowerable_effects,
    ordered_effects,
    partial_eval_kept_effects,
    remat_allowed_effects,
)
from jaxlike._src.sharding import sharding_of
from jaxlike._src.transforms.arguments import check_leaf, is_float0, to_array
from jaxlike._src.transforms.structured import apply
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame

logger = logging.getLogger("jax._src.debugging")  # the name that programs configure


class DebugEffect(OwnEffect):
    """A program shows values."""


class OrderedDebugEffect(OwnEffect):
    """A program shows values, in its own order."""

    of_one_device = True


for _effect in (DebugEffect, OrderedDebugEffect):
    allow(_effect, lowerable_effects, control_flow_allowed_effects, custom_derivatives_allowed_effects)
    allow(_effect, remat_allowed_effects, partial_eval_kept_effects)
ordered_effects.add_type(OrderedDebugEffect)


class DebugCallback(Callback):
    """A call that looks at values."""

    only_looks = is_constant = True

    def __init__(self, name: str, call: Callable[[Sequence[Array]], Any], ordered: bool, shown: dict[str, Any]) -> None:
        super().__init__(call, [])
        self.name, self.ordered, self.shown = name, ordered, shown
        self.effects = frozenset([OrderedDebugEffect() if ordered else DebugEffect()])

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Call it."""
        try:
            on_host(self.call, bare(args) if self.in_graph else args)
        except BaseException as error:
            logger.exception("jax.debug.callback failed")
            if self.in_graph and isinstance(error, Exception):
                raise callback_error(error) from error
            raise
        return []

    def like(self, results: Sequence[Any]) -> DebugCallback:
        """The same callback."""
        del results
        return DebugCallback(self.name, self.call, self.ordered, self.shown)

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return self.shown

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], Sequence[bool]]:
        """One call a lane, in order."""
        for lane in range(frame.axis_size):
            apply(self, [_lane(a, lane) if m else a for a, m in zip(args, mapped, strict=True)])
        return [], []


def _lane(x: Array, lane: int) -> Array:
    return type(x)(unwrap(x)[lane], x._tag)


class Arguments:
    """Arguments of which the arrays go through a program, while the rest waits here."""

    def __init__(self, args: Any, kwargs: dict[str, Any]) -> None:
        leaves, self.tree = tree_flatten((args, kwargs))
        self.static: dict[int, Any] = {}
        self.arrays: list[Array] = []
        for k, x in enumerate(leaves):
            array = _as_array(x)
            if array is None:
                self.static[k] = x
            else:
                self.arrays.append(array)
        self.count = len(leaves)

    def filled(self, arrays: Sequence[Any]) -> Any:
        """(args, kwargs) with these arrays in their places."""
        rest = iter(arrays)
        return tree_unflatten(self.tree, [self.static[k] if k in self.static else next(rest) for k in range(self.count)])


def _as_array(x: Any) -> Array | None:
    """A leaf as an Array; None where it is no value that a program computes with."""
    try:
        check_leaf(x)
    except (TypeError, ValueError):
        return None
    return None if is_float0(x) else to_array(x)


# debug.callback


def callback(
    callback: Callable[..., Any] | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    **kwargs: Any,
) -> Callable[..., None] | None:
    """Call a Python function with values of a running program, in jit at each run.

    Two forms: ``debug.callback(ordered=True)(callback, *args, **kwargs)``, and all in one call.

    Args:
        callback: any function; what it returns is ignored.
        *args: anything; arrays arrive with their values.
        ordered: accepted: calls are always made in the order of the program.
        partitioned: accepted: values are whole.
        **kwargs: as args.
    """

    def call_later(callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if not callable(callback):
            raise TypeError(
                f"first argument to jax.debug.callback must be callable, but got an object of type {type(callback)}"
            )
        given = Arguments(args, kwargs)

        def flat_callback(values: Sequence[Array]) -> None:
            positional, named = given.filled(values)
            callback(*positional, **named)

        effect = OrderedDebugEffect() if ordered else DebugEffect()
        shown = {"callback": flat_callback, "effect": effect, "partitioned": partitioned}
        apply(DebugCallback("debug_callback", flat_callback, ordered, shown), given.arrays)

    if callback is not None:
        call_later(callback, *args, **kwargs)
        return None
    if args or kwargs:
        raise TypeError(f"debug_callback received unexpected arguments in the two-call form: {args=} {kwargs=}")
    return call_later


# debug.print


class _FormatCheck(string.Formatter):
    """Formats nothing; complains where fields and arguments do not match."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Nothing: a value of a trace cannot be formatted yet."""
        del value, format_spec
        return ""

    def check_unused_args(self, used_args: Any, args: Sequence[Any], kwargs: Any) -> None:
        """ValueError for arguments that no field shows."""
        positional = [a for k, a in enumerate(args) if k not in used_args]
        named = [k for k in kwargs if k not in used_args]
        if positional:
            raise ValueError(f"Unused positional arguments to `jax.debug.print`: {positional}")
        if named:
            raise ValueError(
                f"Unused keyword arguments to `jax.debug.print`: {named}. You may be passing an f-string (i.e, "
                '`f"{x}"`) into `jax.debug.print` and instead should pass in a regular string.'
            )


_check = _FormatCheck()


def print(
    fmt: str | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    _use_logging: bool = False,
    **kwargs: Any,
) -> Callable[..., None] | None:
    """Print ``fmt.format(*args, **kwargs)`` with values of a running program, in jit at each run.

    Two forms: ``debug.print(ordered=True)("x {x}", x=x)``, and all in one call. An f-string does not work, since
    values are formatted when they are known.

    Args:
        fmt: a format string.
        *args: what its fields show; any trees.
        ordered: accepted: lines come in the order of the program.
        partitioned: accepted: values are whole.
        skip_format_check: accept arguments that no field shows.
        **kwargs: as args.
    """

    def print_later(fmt: str, *args: Any, **kwargs: Any) -> None:
        if not skip_format_check:
            _check.format(fmt, *args, **kwargs)
        given = Arguments(args, kwargs)
        options = np.get_printoptions()
        record = _record_of_caller() if _use_logging else None
        has_fields = bool(fmt) and next(iter(string.Formatter().parse(fmt)))[1] is not None

        def show(values: Sequence[Array]) -> None:
            positional, named = given.filled(values)
            if has_fields:
                with np.printoptions(**options):
                    text = fmt.format(*positional, **named)
            else:
                text = " ".join((fmt, *map(str, positional)))
            if record is None:
                sys.stdout.write(text + "\n")
            else:
                logger.handle(logger.makeRecord(logger.name, logging.INFO, *record, text, (), None))

        shown = {
            "fmt": fmt,
            "has_placeholders": has_fields,
            "in_tree": given.tree,
            "logging_record": record,
            "np_printoptions": tuple(options.items()),
            "ordered": ordered,
            "partitioned": partitioned,
            "static_args": tuple(given.static.items()),
        }
        apply(DebugCallback("debug_print", show, ordered, shown), given.arrays)

    if fmt is not None:
        print_later(fmt, *args, **kwargs)
        return None
    if args or kwargs:
        raise TypeError(f"debug_print received unexpected arguments in the two-call form: {args=} {kwargs=}")
    return print_later


def _record_of_caller() -> tuple[str, int]:
    """File and line of the user's call."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("jaxlike._src"):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def log(
    fmt: str | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    _use_logging: bool = True,
    **kwargs: Any,
) -> Callable[..., None] | None:
    """As `print`, to the logger ``jax._src.debugging`` at level INFO.

    Args:
        fmt: a format string.
        *args: what its fields show; any trees.
        ordered: accepted: lines come in the order of the program.
        partitioned: accepted: values are whole.
        skip_format_check: accept arguments that no field shows.
        **kwargs: as args.
    """
    return print(
        fmt,
        *args,
        ordered=ordered,
        partitioned=partitioned,
        skip_format_check=skip_format_check,
        _use_logging=_use_logging,
        **kwargs,
    )


# Shardings


def inspect_array_sharding(value: Any, *, callback: Callable[[Any], None]) -> None:
    """Call ``callback`` with the sharding of each array of a tree: at once, in jit when it is traced.

    Args:
        value: tree of arrays.
        callback: takes a sharding.
    """
    for leaf in tree_leaves(value):
        array = to_array(leaf)
        known = concrete_tensor(array)
        if known is not None and not is_traced(array):
            callback(array.sharding)
        else:
            callback(sharding_of(default_torch_device() if known is None else known.device))


def visualize_array_sharding(arr: Any, **kwargs: Any) -> None:
    """Print which device holds which part of an array of one or two axes; see `visualize_sharding`."""
    inspect_array_sharding(arr, callback=lambda sharding: visualize_sharding(arr.shape, sharding, **kwargs))
