"""donation: arguments of a jitted function that are given up: their Arrays are deleted after the call.

As in JAX an argument can be donated where a result has its type, or else its number of bytes; a warning names the
others, which stay. Nothing is computed in place: what is gained is that the memory is free sooner.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from jaxlike._src.errors import JaxRuntimeError
from jaxlike._src.frames import DELETED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.graph.graph import Graph


def usable_donations(graph: Graph, donated: Sequence[int], keep_unused: bool) -> list[int]:
    """The leaves among ``donated`` that make room for a result; warns of the others."""
    read = {v for n in graph.nodes for v in n.reads()} | set(graph.outputs)
    left = [k for k in donated if keep_unused or graph.inputs[k] in read]
    results = [a.strip_weak_type() for a in graph.out_avals]
    usable: list[int] = []
    for same in (lambda a, b: a == b, lambda a, b: a.size * a.dtype.itemsize == b.size * b.dtype.itemsize):
        for k in list(left):
            aval = graph.in_avals[k].strip_weak_type()
            found = next((r for r in results if same(aval, r)), None)
            if found is not None:
                results.remove(found)
                left.remove(k)
                usable.append(k)
    if left:
        shown = ", ".join(graph.in_avals[k].str_short() for k in left)
        warnings.warn(
            f"Some donated buffers were not usable: {shown}.\n"
            "See an explanation at https://docs.jax.dev/en/latest/faq.html#buffer-donation.",
            UserWarning,
            stacklevel=5,
        )
    return sorted(usable)


def check_donations(arrays: Sequence[Array], donated: Sequence[int]) -> None:
    """JaxRuntimeError where one array is donated and given once more in a call."""
    places = {id(arrays[k]._t): k for k in reversed(donated)}
    for place, x in enumerate(arrays):
        first = places.get(id(x._t), place)
        if first == place:
            continue
        if place in donated:
            raise JaxRuntimeError(
                "INVALID_ARGUMENT: Attempt to donate the same buffer twice in Execute() (flattened argument "
                f"{place}, replica 0, partition 0, first use: {first}). Toy example for this bug: "
                "`f(donate(a), donate(a))`."
            )
        raise JaxRuntimeError(
            "INVALID_ARGUMENT: Attempt to use a buffer that was previously donated in the same call to Execute() "
            f"(flattened argument {place}, replica 0, partition 0, first use: {first}). Toy example for this bug: "
            "`f(donate(a), a)`."
        )


def deleted_argument(arrays: Sequence[Array]) -> ValueError | None:
    """What is said where one of the arguments was deleted or donated before."""
    for place, x in enumerate(arrays):
        if x._frame is DELETED:
            return ValueError(
                f"INVALID_ARGUMENT: Invalid buffer passed to Execute() as argument {place} to replica 0: "
                "INVALID_ARGUMENT: Buffer has been deleted or donated."
            )
    return None
