"""partial_eval: functions traced to jaxprs, and jaxprs cut down to what is used.

`trace_to_jaxpr_dynamic` traces for given types; `trace_to_jaxpr_nounits` where some arguments have values: what
depends on no unknown argument is computed. Which values a backward pass keeps is decided on graphs, so the tables of
rules for that are kept for those who fill them, and only `dce_rules` is read, by `dce_jaxpr`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src import border
from jaxlike._src.array import Array
from jaxlike._src.effects.names import ensure_compile_time_eval
from jaxlike._src.extending.api_util import shaped_abstractify
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.jaxpr import ClosedJaxpr, DropVar, Jaxpr, JaxprEqn, Literal, Var
from jaxlike._src.graph.trace import trace
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import to_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.extending.linear_util import WrappedFun
    from jaxlike._src.graph.primitive import Primitive

Val = Any
custom_partial_eval_rules: dict[Primitive, Any] = {}
partial_eval_jaxpr_custom_rules: dict[Primitive, Any] = {}
dce_rules: dict[Primitive, Callable[[list[bool], JaxprEqn], tuple[list[bool], JaxprEqn | None]]] = {}


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


def _traced(fun: Callable[..., Any], avals: Sequence[Any], name: str) -> ClosedJaxpr:
    examples = [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type).stand_in() for a in avals]
    graph, _ = trace(lambda inside: [to_array(o) for o in fun(*inside)], examples, name)
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
    closed = _traced(fun.call_wrapped, in_avals, fun.__name__)
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

    closed = _traced(of_unknown, [pvals[k][0] for k in unknown], fun.__name__)
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


def dce_jaxpr(
    jaxpr: Jaxpr, used_outputs: bool | Sequence[bool], instantiate: bool | Sequence[bool] = False
) -> tuple[Jaxpr, list[bool]]:
    """(the jaxpr of the used results alone, which arguments it still has).

    Args:
        jaxpr: the program.
        used_outputs: for each result whether it is wanted.
        instantiate: for each argument whether it stays, used or not.
    """
    wanted = [used_outputs] * len(jaxpr.outvars) if isinstance(used_outputs, bool) else list(used_outputs)
    stays = [instantiate] * len(jaxpr.invars) if isinstance(instantiate, bool) else list(instantiate)
    live = {v for v, w in zip(jaxpr.outvars, wanted, strict=True) if w and isinstance(v, Var)}
    eqns: list[JaxprEqn] = []
    for eqn in reversed(jaxpr.eqns):
        needed = [v in live and type(v) is not DropVar for v in eqn.outvars]
        rule = dce_rules.get(eqn.primitive)
        kept: JaxprEqn | None = eqn
        if not any(needed) and not eqn.effects:
            kept = None
        elif rule is not None:
            _, kept = rule(needed, eqn)
        if kept is not None:
            eqns.append(kept)
            live.update(v for v in kept.invars if isinstance(v, Var))
    used = [v in live or s for v, s in zip(jaxpr.invars, stays, strict=True)]
    outvars = [v for v, w in zip(jaxpr.outvars, wanted, strict=True) if w]
    invars = [v for v, u in zip(jaxpr.invars, used, strict=True) if u]
    return jaxpr.replace(invars=invars, outvars=outvars, eqns=eqns[::-1]), used


def dce_jaxpr_consts(
    jaxpr: Jaxpr, used_outputs: Sequence[bool], instantiate: bool | Sequence[bool] = False
) -> tuple[Jaxpr, list[bool], list[bool]]:
    """As `dce_jaxpr`, for constants too: (the jaxpr, which constants it still has, which arguments)."""
    n = len(jaxpr.constvars)
    stays = [instantiate] * len(jaxpr.invars) if isinstance(instantiate, bool) else list(instantiate)
    opened = jaxpr.replace(constvars=[], invars=[*jaxpr.constvars, *jaxpr.invars])
    smaller, used = dce_jaxpr(opened, used_outputs, [False] * n + stays)
    m = sum(used[:n])
    return smaller.replace(constvars=smaller.invars[:m], invars=smaller.invars[m:]), used[:n], used[n:]


def _dce_call(used_outputs: list[bool], eqn: JaxprEqn, closed: bool) -> tuple[list[bool], JaxprEqn | None]:
    if not any(used_outputs) and not eqn.effects:
        return [False] * len(eqn.invars), None
    inner = eqn.params["call_jaxpr"]
    smaller, used = dce_jaxpr(inner.jaxpr if closed else inner, used_outputs)
    called = ClosedJaxpr(smaller, inner.consts) if closed else smaller
    kept = eqn.replace(
        invars=[v for v, u in zip(eqn.invars, used, strict=True) if u],
        outvars=[v for v, u in zip(eqn.outvars, used_outputs, strict=True) if u],
        params={**eqn.params, "call_jaxpr": called},
    )
    return used, kept


def dce_jaxpr_call_rule(used_outputs: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn | None]:
    """The rule for an equation that calls an open jaxpr."""
    return _dce_call(used_outputs, eqn, False)


def dce_jaxpr_closed_call_rule(used_outputs: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn | None]:
    """The rule for an equation that calls a closed jaxpr."""
    return _dce_call(used_outputs, eqn, True)
