"""custom_jvp_refs: a custom_jvp function of refs, as one of the other arguments that closes over them.

A rule gets the ref itself among the primals, and among the tangents a ref to zeros. As in JAX a trace that must make
values of the refs refuses the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.frames import current_trace
from jaxlike._src.transforms.ref_state import is_ref
from jaxlike._src.transforms.tables import zeros_like_aval
from jaxlike._src.transforms.types import SymbolicZero
from jaxlike._src.tree import tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NO_DISCHARGE = "No state discharge rule implemented for primitive: custom_jvp_call"


def without_refs(
    rule: Any, leaves: Sequence[Any], in_tree: Any, static: Sequence[Any], whole: Callable[[Sequence[Any]], list[Any]]
) -> Any:
    """The value of a custom_jvp function for arguments with these leaves, refs among them."""
    if current_trace() is not None:  # JAX's refusal: refs get through what is traced as values
        raise NotImplementedError(NO_DISCHARGE)  # as JAX

    def filled(values: Sequence[Any], of_ref: Callable[[Any], Any] = lambda ref: ref) -> Any:
        rest = iter(values)
        return tree_unflatten(in_tree, [of_ref(x) if is_ref(x) else next(rest) for x in leaves])

    def zero(ref: Any) -> Any:
        aval = ref.aval.inner_aval.to_tangent_aval()
        return SymbolicZero(aval) if rule.symbolic_zeros else type(ref)(zeros_like_aval(aval))

    def fun(*values: Any) -> Any:
        return rule.fun(*whole(filled(values)))

    def jvp(primals: Any, tangents: Any) -> Any:
        return rule.jvp(*static, filled(primals), filled(tangents, zero))

    fun.__name__, jvp.__name__ = getattr(rule.fun, "__name__", "fun"), getattr(rule.jvp, "__name__", "jvp")
    made = type(rule)(fun)
    made.defjvp(jvp, rule.symbolic_zeros)
    return made(*(x for x in leaves if not is_ref(x)))
