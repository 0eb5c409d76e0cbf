"""dce: jaxprs cut down to what is used.

`dce_jaxpr` goes through a jaxpr from its end. What an ordinary equation reads is needed if any of its results is; of
a call, a branch or a loop the program inside is cut down in its turn, and with it the operands and results around it.
A while loop stays whole, as in JAX.
"""

from __future__ import annotations

import operator
from itertools import compress
from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.jaxpr import ClosedJaxpr, DropVar, Jaxpr, JaxprEqn, Var
from jaxlike._src.graph.primitive import Primitive, builtin
from jaxlike._src.graph.reader import Applying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


dce_rules: dict[Primitive, Callable[[list[bool], JaxprEqn], tuple[list[bool], JaxprEqn | None]]] = {}


def has_effects(eqn: JaxprEqn) -> bool:
    """Whether an equation stays, used or not."""
    return bool(eqn.effects)


def stated(primitive: Primitive) -> Primitive:
    """The primitive that the parameters of an equation say in full, where it applies an operation of a graph."""
    return builtin(primitive.name) if isinstance(primitive, Applying) and primitive.name in _STATED else primitive


_STATED = frozenset(["remat2"])


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
        kept: JaxprEqn | None = eqn
        if (cut := dce_rules.get(stated(eqn.primitive))) is not None:
            _, kept = cut(needed, eqn)
        elif not any(needed) and not has_effects(eqn):
            kept = None
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


# The rules


def rule(name: str) -> Callable[[Any], Any]:
    """Declare how equations of the primitive of this name are cut down."""

    def register(cut: Callable[[list[bool], JaxprEqn], tuple[list[bool], JaxprEqn | None]]) -> Any:
        def unless_unused(used_outputs: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn | None]:
            if not any(used_outputs) and not eqn.effects:
                return [False] * len(eqn.invars), None
            return cut(used_outputs, eqn)

        dce_rules[builtin(name)] = unless_unused
        return cut

    return register


def cut_down(program: Any, used: Sequence[bool], stays: bool | Sequence[bool] = False) -> tuple[Any, list[bool]]:
    """A jaxpr, closed or not, for some of its results; which of its arguments it still has."""
    if isinstance(program, ClosedJaxpr):
        smaller, read = dce_jaxpr(program.jaxpr, used, stays)
        return ClosedJaxpr(smaller, program.consts), read
    assert isinstance(program, Jaxpr)
    return dce_jaxpr(program, used, stays)


def with_parts(eqn: JaxprEqn, read: Sequence[bool], used: Sequence[bool], **params: Any) -> JaxprEqn:
    """The equation with some of its operands and results, and other parameters."""
    return eqn.replace(
        invars=list(compress(eqn.invars, read)),
        outvars=list(compress(eqn.outvars, used)),
        primitive=stated(eqn.primitive),
        params={**eqn.params, **params},
    )


@rule("jit")
def _jit(used: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn]:
    smaller, read = cut_down(eqn.params["jaxpr"], used)
    donated = tuple(compress(eqn.params.get("donated_invars", ()), read))
    return read, with_parts(eqn, read, used, jaxpr=smaller, donated_invars=donated)


@rule("remat2")
def _remat(used: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn]:
    smaller, read = cut_down(eqn.params["jaxpr"], used)
    return read, with_parts(eqn, read, used, jaxpr=smaller)


@rule("cond")
def _cond(used: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn]:
    branches = eqn.params["branches"]
    read = [any(reads) for reads in zip(*(cut_down(b, used)[1] for b in branches), strict=True)]
    smaller = tuple(cut_down(b, used, read)[0] for b in branches)
    return [True, *read], with_parts(eqn, [True, *read], used, branches=smaller)


@rule("scan")
def _scan(used: list[bool], eqn: JaxprEqn) -> tuple[list[bool], JaxprEqn]:
    consts, carries, body = (eqn.params[k] for k in ("num_consts", "num_carry", "jaxpr"))
    rows = len(eqn.invars) - consts - carries
    carried, stacked = used[:carries], used[carries:]
    while True:  # a carry is needed too where a step needs it for one that is
        stays = [*[False] * consts, *carried, *[False] * rows]
        smaller, read = cut_down(body, [*carried, *stacked], stays)
        needed = read[consts : consts + carries]
        if needed == carried:
            break
        carried = list(map(operator.or_, carried, needed))
    counts = {"num_consts": sum(read[:consts]), "num_carry": sum(carried)}
    return read, with_parts(eqn, read, [*carried, *stacked], jaxpr=smaller, **counts)
