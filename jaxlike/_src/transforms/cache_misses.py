"""cache_misses: why a call of a jitted function was traced, for the flag ``jax_explain_cache_misses``.

Each trace leaves the signature that it was made for: the tree of the arguments with static values in it, the types of
the leaves, the flags. A miss is told by what differs from the nearest of them.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src import config
from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.static_args import Static
from jaxlike._src.tree import equality_errors_pytreedef, keystr, register_pytree_node, tree_flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jaxlike._src.array import Array, ShapedArray

logger = logging.getLogger("jax._src.interpreters.partial_eval")  # the name that programs configure
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_seen_at: set[str] = set()  # the lines that called a function for the first time

register_pytree_node(Static, lambda static: ((), static), lambda static, _: static)


class Signature(NamedTuple):
    """What a trace was made for."""

    tree: Any
    avals: list[ShapedArray]
    context: config.TraceContext


def signature_of(args: Any, kwargs: Any, static_nums: Any, static_names: Any, arrays: Sequence[Array]) -> Signature:
    """The signature of a call, given which of its arguments are static."""
    places = {k % len(args) for k in static_nums if -len(args) <= k < len(args)} if args else ()
    whole = [Static(a) if k in places else a for k, a in enumerate(args)]
    named = {k: Static(v) if k in static_names else v for k, v in kwargs.items()}
    return Signature(tree_flatten((tuple(whole), named))[1], [x.aval for x in arrays], config.trace_context())


def explain_miss(fun: Any, made: Iterable[Signature], now: Signature, names: Sequence[str]) -> None:
    """Say why a call has to be traced; nothing of functions of this package."""
    code = getattr(fun, "__code__", None)
    if code is not None and code.co_filename.startswith(_PACKAGE):
        return
    place = f" defined at {code.co_filename}:{code.co_firstlineno}" if code is not None else ""
    callsite = _callsite()
    said = f"TRACING CACHE MISS at {callsite}:\n"
    before = list(made)
    if before:
        difference = min(_difference(now, b, names) for b in before)[-1]
        said += (
            f"  for {name_of(fun)}{place}\n  all previously seen cache keys differ. For the closest previous key:\n"
            f"  {difference}"
        )
    else:
        said += f"  never seen function:\n    {name_of(fun)} id={id(fun)}{place}"
        if callsite in _seen_at:
            said += (
                "\n  but seen another function defined on the same line; maybe the function is\n  being re-defined "
                "repeatedly, preventing caching?"
            )
        _seen_at.add(callsite)
    logger.warning("%s", said)


def _callsite() -> str:
    """``file:line:column (function)`` of the innermost code outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    code = frame.f_code
    position = list(code.co_positions())[frame.f_lasti // 2]
    return f"{code.co_filename}:{frame.f_lineno}:{position[2]} ({code.co_qualname})"


def _difference(now: Signature, before: Signature, names: Sequence[str]) -> tuple[int, int, str]:
    """(how far it is from a hit, how many things differ, what is said of them)."""
    if now.context != before.context:
        found = [
            f"  * {name} differs: now {new} and before {old}"
            for name, new, old in zip(
                config.trace_context_names(), now.context.values, before.context.values, strict=False
            )
            if new != old
        ]
        said = "Tracing context doesn't match, e.g. due to config or context manager."
        return 0, len(found), "\n".join([said, *found])
    found = [
        f"  * at input path {keystr(path)}, now {new} and before {old}, so {why}"
        for path, new, old, why in equality_errors_pytreedef(now.tree, before.tree)
    ]
    if found:
        return 1, len(found), "\n".join(["different input pytree:", *found])
    hint = ""
    for name, new, old in zip(names, now.avals, before.avals, strict=True):
        if new == old:
            continue
        # JAX's types have a sharding for each axis, which it shows where the numbers of axes differ.
        shown = [a.str_short(True) + ("({})" if new.ndim != old.ndim else "") for a in (new, old)]
        if new.weak_type != old.weak_type:
            hint = "https://docs.jax.dev/en/latest/type_promotion.html#weak-types"
            shown = [f"{text}{{weak_type={a.weak_type}}}" for text, a in zip(shown, (new, old), strict=True)]
        found.append(f"  * at {name}, now {shown[0]} and before {shown[1]}")
    if found:
        return 3, len(found), "\n".join(["different input types:", *found]) + hint
    return 4, 0, "cache miss explanation unavailable"
