"""partial_eval: functions traced to jaxprs.

`trace_to_jaxpr_dynamic` traces for given types; `trace_to_jaxpr_nounits` where some arguments have values: what
depends on no unknown argument is computed. Which values a backward pass keeps is decided on graphs, so the tables of
rules for that are kept for those who fill them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src import border
from jaxlike._src.array import Array
from jaxlike._src.effects.names import ensure_compile_time_eval
from jaxlike._src.extending.api_util import shaped_abstractify
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.jaxpr import ClosedJaxpr, Jaxpr, Literal, Var, eval_jaxpr
from jaxlike._src.graph.ref_events import note_coming
from jaxlike._src.graph.trace import trace
from jaxlike._src.lax.refs import Ref
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.ref_state import AbstractRef

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.extending.linear_util import WrappedFun
    from jaxlike._src.graph.primitive import Primitive

Val = Any
custom_partial_eval_rules: dict[Primitive, Any] = {}
partial_eval_jaxpr_custom_rules: dict[Primitive, Any] = {}


class _OfKind(type):
    kinds: tuple[str, ...] = ()

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Array) and border.is_traced(instance) and border.raw_parts(instance._t) in cls.kinds


class DynamicJaxprTracer(metaclass=_OfKind):
    """``isinstance`` tells values inside of a trace (of `jit` and its like). Never made itself."""

    kinds = ("jit",)


class JaxprTracer(metaclass=_OfKind):
    """No value is one: partial evaluation is done on graphs."""


class JVPTracer(metaclass=_OfKind):
    """``isinstance`` tells values inside of forward-mode differentiation. Never made itself."""

    kinds = ("jvp",)


class LinearizeTracer(metaclass=_OfKind):
    """``isinstance`` tells values inside of reverse-mode differentiation and of `linearize`. Never made itself."""

    kinds = ("grad",)


class BatchTracer(metaclass=_OfKind):
    """``isinstance`` tells values inside of `vmap`. Never made itself."""

    kinds = ("vmap",)


class PartialVal(tuple[Any, Any]):
    """``(None, value)`` where a value is known, ``(type, None)`` where it is not."""

    __slots__ = ()

    @classmethod
    def known(cls, const: Any) -> PartialVal:
        """A known value."""
        return cls((None, const))

    @classmethod
    def unknown(cls, aval: Any) -> PartialVal:
        """A value of a type."""
        return cls((aval, None))

    def is_known(self) -> bool:
        """Whether the value is known."""
        return self[0] is None

    def get_known(self) -> Any:
        """The value, or None."""
        return self[1] if self[0] is None else None

    def get_aval(self) -> Any:
        """The type."""
        return shaped_abstractify(self[1]) if self[0] is None else self[0]


def traced_with_refs(
    fun: Callable[..., Any], avals: Sequence[Any], name: str, discharged: Sequence[bool] = ()
) -> ClosedJaxpr:
    """The jaxpr of a function of leaves, for refs where a type is that of one.

    ``discharged``: which of them are values, whose last ones follow the results.
    """
    examples = [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type).stand_in() for a in avals]

    def of_leaves(inside: Sequence[Array]) -> list[Array]:
        given: list[Any] = list(inside)
        last: list[Ref] = []
        for k, aval in enumerate(avals):
            if isinstance(aval, AbstractRef):
                given[k] = Ref(inside[k])
                if discharged and discharged[k]:
                    last.append(given[k])
                else:
                    note_coming("given", given[k], inside[k])
        return [*map(to_array, fun(*given)), *(ref.value() for ref in last)]

    graph, _ = trace(of_leaves, examples, name, whole=any(isinstance(a, AbstractRef) for a in avals))
    return jaxpr_of(graph)


def trace_to_jaxpr_dynamic(
    fun: WrappedFun,
    in_avals: Sequence[Any],
    *,
    keep_inputs: Any = None,
    lower: bool = False,
    auto_dce: bool = False,
) -> tuple[Jaxpr, list[Any], list[Any]]:
    """(jaxpr, types of the results, constants) of a function of leaves for arguments of these types."""
    del keep_inputs, lower, auto_dce
    closed = traced_with_refs(fun.call_wrapped, in_avals, fun.__name__)
    return closed.jaxpr, closed.out_avals, closed.consts


def trace_to_jaxpr_nounits(
    fun: WrappedFun, pvals: Sequence[PartialVal], instantiate: bool | Sequence[bool] = False
) -> tuple[Jaxpr, list[PartialVal], list[Any]]:
    """(jaxpr of what depends on unknown arguments, results as far as they are known, its constants).

    Results that are known are in the jaxpr only where ``instantiate`` says so.
    """
    unknown = [k for k, p in enumerate(pvals) if not p.is_known()]

    def of_unknown(*inside: Any) -> Any:
        given = iter(inside)
        with ensure_compile_time_eval():
            return fun.call_wrapped(*(next(given) if k in unknown else p.get_known() for k, p in enumerate(pvals)))

    closed = _with_known_results(traced_with_refs(of_unknown, [pvals[k][0] for k in unknown], fun.__name__))
    kept = [instantiate] * len(closed.outvars) if isinstance(instantiate, bool) else list(instantiate)
    values = dict(zip(closed.constvars, closed.consts, strict=True))
    outs = [
        PartialVal.unknown(v.aval)
        if keep or not (isinstance(v, Literal) or v in values)
        else PartialVal.known(v.val if isinstance(v, Literal) else values[v])
        for v, keep in zip(closed.outvars, kept, strict=True)
    ]
    rest = [v for v, o in zip(closed.outvars, outs, strict=True) if not o.is_known()]
    return closed.jaxpr.replace(outvars=rest), outs, closed.consts


def _with_known_results(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same with results that depend on constants alone, some of them traced values, computed to be constants."""
    dependent, eqns = set(closed.invars), dict[Any, Any]()
    for eqn in closed.eqns:
        eqns.update(dict.fromkeys(eqn.outvars, eqn))
        if eqn.effects or any(isinstance(v, Var) and v in dependent for v in eqn.invars):
            dependent.update(eqn.outvars)
    known = [v for v in dict.fromkeys(closed.outvars) if isinstance(v, Var) and v in eqns and v not in dependent]
    if not known:
        return closed
    needed, first = set(known), []
    for eqn in reversed(closed.eqns):
        if not needed.isdisjoint(eqn.outvars):
            needed.update(v for v in eqn.invars if isinstance(v, Var))
            first.append(eqn)
    free = closed.jaxpr.replace(invars=[], outvars=known, eqns=first[::-1])
    values = eval_jaxpr(free, closed.consts)
    rest = [eqn for eqn in closed.eqns if not set(eqn.outvars) <= set(known)]
    jaxpr = closed.jaxpr.replace(constvars=[*closed.constvars, *known], eqns=rest)
    return ClosedJaxpr(jaxpr, [*closed.consts, *values])
