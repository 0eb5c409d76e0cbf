"""state: jaxprs of programs that read and write refs, as libraries' interpreters meet them.

`discharge_state` makes of such a jaxpr one of values: what refs hold goes in, and last values come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.array import ShapedArray
from jaxlike._src.extending.partial_eval import traced_with_refs
from jaxlike._src.graph.jaxpr import ClosedJaxpr, eval_jaxpr
from jaxlike._src.transforms.ref_state import AbstractRef

if TYPE_CHECKING:
    from collections.abc import Sequence


def shaped_array_ref(shape: Sequence[int], dtype: Any, weak_type: bool = False) -> AbstractRef:
    """The type of a ref to an array of this type."""
    return AbstractRef(ShapedArray(tuple(shape), dtype, weak_type))


def discharge_state(
    closed_jaxpr: ClosedJaxpr, *, should_discharge: bool | Sequence[bool] = True, lower: bool = True
) -> ClosedJaxpr:
    """The jaxpr of values: where an argument was a ref, a value; last values follow the results.

    Args:
        closed_jaxpr: the program.
        should_discharge: for each argument whether it becomes a value, where it is a ref.
        lower: accepted.
    """
    del lower
    jaxpr, consts = closed_jaxpr.jaxpr, closed_jaxpr.consts
    chosen = [should_discharge] * len(jaxpr.invars) if isinstance(should_discharge, bool) else should_discharge
    return traced_with_refs(
        lambda *args: eval_jaxpr(jaxpr, consts, *args),
        [v.aval for v in jaxpr.invars],
        jaxpr.debug_info.func_name,
        [c and isinstance(v.aval, AbstractRef) for c, v in zip(chosen, jaxpr.invars, strict=True)],
    )
