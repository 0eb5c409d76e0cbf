"""checkify: conditions that a program checks while it runs, as values that it returns.

A check is a `Structured` operation with an effect. Outside of graphs it raises at once. `checkify` traces a function
and runs its graph with every check made a value (`discharge`); a graph with checks that nobody made values refuses
to run.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.effects.discharge import discharged
from jaxlike._src.effects.errors import (
    DivisionByZeroError,
    Error,
    ErrorCategory,
    ErrorEffect,
    FailedCheckError,
    JaxException,
    JaxRuntimeError,
    Maker,
    NaNError,
    OOBError,
    maker_of_check,
)
from jaxlike._src.index_watch import index_watch
from jaxlike._src.numpy.logic import logical_not
from jaxlike._src.transforms.arguments import wraps
from jaxlike._src.transforms.inspect import traced
from jaxlike._src.transforms.structured import Structured, apply
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame

user_checks: frozenset[ErrorCategory] = frozenset({FailedCheckError})
nan_checks: frozenset[ErrorCategory] = frozenset({NaNError})
index_checks: frozenset[ErrorCategory] = frozenset({OOBError})
div_checks: frozenset[ErrorCategory] = frozenset({DivisionByZeroError})
float_checks = nan_checks | div_checks
automatic_checks = float_checks | index_checks
all_checks = automatic_checks | user_checks

init_error = Error({}, {}, {}, {})
next_code = itertools.count(1).__next__


class Check(Structured):
    """Raises where an `Error` says that a check failed; its flat arguments are the leaves of the Error."""

    name = "check"
    only_looks = is_constant = True

    def __init__(self, tree: Any, effects: frozenset[ErrorEffect], debug: bool, in_graph: bool = False) -> None:
        self.tree, self.debug, self.in_graph = tree, debug, in_graph
        self.effects = effects

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Raise if a check failed."""
        if self.debug:
            return []
        if self.in_graph:
            raise ValueError(
                "Cannot abstractly evaluate a checkify.check which was not functionalized. This probably means you "
                "tried to stage (jit/scan/pmap/...) a `check` without functionalizing it through `checkify.checkify`."
            )
        found = self.error(args).get_exception()
        if found is not None:
            raise JaxRuntimeError(str(found)) from found
        return []

    def error(self, args: Sequence[Any]) -> Error:
        """The arguments as an Error."""
        return tree_unflatten(self.tree, list(args))

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node, without results."""
        del args
        return Check(self.tree, self.effects, self.debug, True), lambda: None, [], []  # pyright: ignore[reportArgumentType]

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"debug": self.debug}

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], Sequence[bool]]:
        """One check of all lanes: the last that failed speaks."""
        size = frame.axis_size
        whole = [
            a if m else type(a)(unwrap(a).expand([size, *unwrap(a).shape]), a._tag)
            for a, m in zip(args, mapped, strict=True)
        ]
        raise_where(self.error(whole), debug=self.debug)
        return [], []


def raise_where(error: Error, debug: bool = False) -> None:
    """The check of an Error; one with lanes has them brought together first."""
    if any(np.shape(p) for p in error._pred.values()):
        error = _of_last_lane(error)
    leaves, tree = tree_flatten(error)
    effects = frozenset(error._pred)
    apply(Check(tree, effects, debug), [asarray(x) for x in leaves])


def _of_last_lane(error: Error) -> Error:
    """Of each kind of finding, that of the last lane that has one."""
    pred, code, payload = {}, {}, {}
    for effect, flags in error._pred.items():
        flat = unwrap(asarray(flags)).flatten()
        order = flat.to(dtype=_int32()).sort(stable=True).indices[-1:]

        def chosen(x: Any, order: Any = order, lanes: int = unwrap(asarray(flags)).dim()) -> Array:
            tensor = unwrap(asarray(x)).flatten(0, lanes - 1)
            return Array(tensor.index_select(0, order).squeeze(0))

        pred[effect], code[effect] = chosen(flags), chosen(error._code[effect])
        payload[effect] = [chosen(x) for x in error._payload[effect]]
    return Error(pred, code, error._metadata, payload)


def _int32() -> Any:
    import torch

    return torch.int32


def assert_that(failed: Any, error_type: ErrorCategory, values: Sequence[Array], make: Maker, debug: bool) -> None:
    """Add a check that finds something where ``failed``."""
    code = next_code()
    effect = ErrorEffect(error_type, [(tuple(v.shape), v.dtype) for v in values])
    error = Error(
        {effect: asarray(failed)}, {effect: asarray(np.int32(code))}, {code: make}, {effect: [asarray(v) for v in values]}
    )
    raise_where(error, debug)


# The public functions


def check(pred: Any, msg: str, *fmt_args: Any, debug: bool = False, **fmt_kwargs: Any) -> None:
    """Check a condition while the program runs.

    Outside of `jit` and its kin it raises at once; elsewhere `checkify` must make it a value.

    Args:
        pred: a bool, or a bool scalar.
        msg: what to say where it does not hold; a format string.
        *fmt_args: trees of arrays for its fields.
        debug: drop the check where `checkify` does not see it.
        **fmt_kwargs: as fmt_args.
    """
    if not (isinstance(pred, bool) or (isinstance(pred, Array) and pred.shape == () and pred.dtype == np.bool_)):
        name = "debug_check" if debug else "check"
        raise TypeError(f"{name} takes a scalar pred as argument, got {pred}")
    for arg in tree_leaves((fmt_args, fmt_kwargs)):
        if not isinstance(arg, Array | np.ndarray):
            raise TypeError(
                "Formatting arguments to checkify.check need to be PyTrees of arrays, but got "
                f"{arg!r} of type {type(arg)}."
            )
    leaves, tree = tree_flatten((fmt_args, fmt_kwargs))
    failed = logical_not(asarray(pred))
    assert_that(failed, FailedCheckError, [asarray(x) for x in leaves], maker_of_check(msg, tree), debug)


def debug_check(pred: Any, msg: str, *fmt_args: Any, **fmt_kwargs: Any) -> None:
    """As `check`, but nothing at all where `checkify` does not see it.

    Args:
        pred: a bool, or a bool scalar.
        msg: what to say where it does not hold; a format string.
        *fmt_args: trees of arrays for its fields.
        **fmt_kwargs: as fmt_args.
    """
    check(pred, msg, *fmt_args, debug=True, **fmt_kwargs)


def check_error(error: Error) -> None:
    """Raise if a check failed, which is a check again: the inverse of `checkify`.

    Args:
        error: what a function of `checkify` returned.
    """
    if not isinstance(error, Error):
        raise TypeError(f"check_error takes an Error as argument, got type {type(error)} instead.")
    raise_where(error)


def checkify(
    f: Callable[..., Any], errors: frozenset[ErrorCategory] = user_checks
) -> Callable[..., tuple[Error, Any]]:
    """A function that returns ``(error, f(...))``: checks that fail are in the `Error` and raise nothing.

    Args:
        f: any function; it is traced.
        errors: which checks: ``user_checks`` (calls of `check`), ``nan_checks`` (operations that give NaN),
            ``div_checks`` (divisors that are 0), ``index_checks`` (indices out of bounds), or a union of these.

    Returns:
        A function of the same arguments. ``error.get()`` is the message of the first check that failed, or None;
        ``error.throw()`` raises it.
    """

    def checked(*args: Any, **kwargs: Any) -> tuple[Error, Any]:
        with index_watch(_watch_index if OOBError in errors else None):
            entry = traced(wraps(f)(lambda: f(*args, **kwargs)), (), {})
        error, outs = discharged(entry.graph, entry.kinds, errors, next_code)
        return error, tree_unflatten(entry.out_tree, outs)

    return wraps(f)(checked)


def _watch_index(shape: Sequence[int], failed: Any, found: Sequence[Any]) -> None:
    """Told of each index; ``found`` are position, axis and size of the first that is out of bounds."""

    def make(values: Sequence[Any]) -> JaxException:
        (payload,) = values
        return OOBError(shape, *(payload[k] for k in range(3)))

    assert_that(failed, OOBError, found, make, False)


