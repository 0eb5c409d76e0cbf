"""partial_jaxpr: a jaxpr parted into what is computed from known arguments, and the rest.

The first part gives what is known of the results and residuals, which the second takes before its own arguments. A
call is parted like what it calls, and a loop like its body, whose residuals are stacked. What is known may also be computed
again in the second part, where a policy would not have it kept.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

from jaxlike._src.extending.jaxpr_parts import close_jaxpr, convert_constvars_jaxpr, move_binders_to_back
from jaxlike._src.extending.partial_eval import partial_eval_jaxpr_custom_rules
from jaxlike._src.extending.util import partition_list
from jaxlike._src.graph.call_params import call_params
from jaxlike._src.graph.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from jaxlike._src.graph.ref_events import InternalMutableArrayEffect, RefEffect
from jaxlike._src.transforms.policies import everything_saveable, keeps
from jaxlike._src.transforms.ref_state import AbstractRef

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Residuals:
    """Variables of the first part that the second reads, in the order in which it first does."""

    def __init__(self) -> None:
        self.vars: list[Var] = []

    def add(self, atoms: Sequence[Any]) -> None:
        """More of them; literals are in both parts."""
        self.vars += [v for v in dict.fromkeys(a for a in atoms if isinstance(a, Var)) if v not in self.vars]


def _per(value: bool | Sequence[bool], count: int) -> list[bool]:
    return [value] * count if isinstance(value, bool) else list(value)


def partial_eval_jaxpr_nounits(
    jaxpr: ClosedJaxpr, unknowns: Sequence[bool], instantiate: bool | Sequence[bool]
) -> tuple[ClosedJaxpr, ClosedJaxpr, list[bool], list[Any]]:
    """(what is known, the rest, which results are unknown, types of the residuals).

    Args:
        jaxpr: the program.
        unknowns: for each argument whether it is unknown.
        instantiate: for each result whether it is one of the rest, known or not.
    """
    whole = jaxpr.jaxpr
    unknown = {v for v, u in zip(whole.invars, unknowns, strict=True) if u}
    first: list[JaxprEqn] = []
    second: list[JaxprEqn] = []
    residuals = _Residuals()
    for eqn in whole.eqns:
        if any(isinstance(a, Var) and a in unknown for a in eqn.invars):
            parts = _PARTED.get(eqn.primitive.name, _not_parted)(eqn, unknown)
        else:
            parts = eqn, None
        if parts[0] is not None:
            first.append(parts[0])
        if parts[1] is not None:
            second.append(parts[1])
            residuals.add([a for a in parts[1].invars if not (isinstance(a, Var) and a in unknown)])
            unknown.update(parts[1].outvars)
    stays = _per(instantiate, len(whole.outvars))
    out_unknown = [s or (isinstance(v, Var) and v in unknown) for v, s in zip(whole.outvars, stays, strict=True)]
    known_outs, rest = partition_list(out_unknown, whole.outvars)
    residuals.add([v for v in rest if isinstance(v, Var) and v not in unknown])
    known_ins, unknown_ins = partition_list(list(unknowns), whole.invars)
    info = whole.debug_info.with_unknown_names()
    known = whole.replace(invars=known_ins, outvars=[*known_outs, *residuals.vars], eqns=first, debug_info=info)
    others = [*residuals.vars, *unknown_ins]
    other = Jaxpr([], others, rest, second, make_jaxpr_effects((), others, rest, second), info)
    return ClosedJaxpr(known, jaxpr.consts), close_jaxpr(other), out_unknown, [v.aval for v in residuals.vars]


def partial_eval_jaxpr_nounits_fwd(
    jaxpr: ClosedJaxpr, unknowns: Sequence[bool], instantiate: bool | Sequence[bool], fwd: bool | Sequence[bool] = True
) -> tuple[ClosedJaxpr, ClosedJaxpr, list[bool], list[Any], list[int | None]]:
    """As `partial_eval_jaxpr_nounits`; a residual that is a known argument is not given, but its number is.

    Args:
        jaxpr: the program.
        unknowns: for each argument whether it is unknown.
        instantiate: for each result whether it is one of the rest, known or not.
        fwd: for each argument whether it may stand for a residual.
    """
    known, other, out_unknown, types = partial_eval_jaxpr_nounits(jaxpr, unknowns, instantiate)
    may = [f for f, u in zip(_per(fwd, len(unknowns)), unknowns, strict=True) if not u]
    place = {v: k for k, v in enumerate(known.jaxpr.invars) if may[k]}
    count = len(known.jaxpr.outvars) - len(types)
    forwarded = [place.get(v) for v in known.jaxpr.outvars[count:]]
    given = [True] * count + [k is None for k in forwarded]
    fewer = known.map_jaxpr(lambda j: j.replace(outvars=list(compress(j.outvars, given))))
    return fewer, other, out_unknown, list(compress(types, given[count:])), forwarded


def make_jaxpr_effects(constvars: Any, invars: Any, outvars: Any, eqns: Sequence[JaxprEqn]) -> set[Any]:
    """The effects of a program: those of its equations, but for what they do to refs that they make."""
    del outvars
    given, made, found = {*constvars, *invars}, set[Any](), set[Any]()
    for eqn in eqns:
        if eqn.primitive.name in ("new_ref", "empty_ref"):
            made.update(eqn.outvars)
        for effect in eqn.effects:
            if not isinstance(effect, RefEffect):
                found.add(effect)
            elif effect.input in given:
                found.add(effect)
            elif effect.input not in made:
                raise ValueError(f"`JaxprInputEffect` {effect} does not have a corresponding jaxpr input.")
    return found


# Equations with programs inside


def _not_parted(eqn: JaxprEqn, unknown: set[Var]) -> tuple[JaxprEqn | None, JaxprEqn | None]:
    del unknown
    return None, eqn


def _flags(eqn: JaxprEqn, unknown: set[Var]) -> list[bool]:
    return [isinstance(a, Var) and a in unknown for a in eqn.invars]


def _part_call(eqn: JaxprEqn, unknown: set[Var]) -> tuple[JaxprEqn | None, JaxprEqn | None]:
    flags = _flags(eqn, unknown)
    inner = eqn.params["jaxpr"]
    known, other, outs, types, forwarded = partial_eval_jaxpr_nounits_fwd(inner, flags, False)
    known_ins, unknown_ins = partition_list(flags, eqn.invars)
    known_outs, unknown_outs = partition_list(outs, eqn.outvars)
    made = [Var(t) for t in types]
    fresh = iter(made)
    residuals = [next(fresh) if k is None else known_ins[k] for k in forwarded]
    behind = move_binders_to_back(other, [True] * len(residuals) + [False] * len(unknown_ins))
    first = _called(eqn, known, known_ins, [*known_outs, *made])
    second = _called(eqn, behind, [*unknown_ins, *residuals], unknown_outs)
    return (first if first.outvars or first.effects else None), second


def _called(eqn: JaxprEqn, closed: ClosedJaxpr, ins: Sequence[Any], outs: Sequence[Any]) -> JaxprEqn:
    """The equation for a part of what it calls."""
    params = call_params(eqn.params["name"], closed, len(ins), len(outs))
    return eqn.replace(invars=list(ins), outvars=list(outs), params=params, effects=set(closed.effects))


def _part_scan(eqn: JaxprEqn, unknown: set[Var]) -> tuple[JaxprEqn | None, JaxprEqn | None]:
    flags = _flags(eqn, unknown)
    n, m = eqn.params["num_consts"], eqn.params["num_carry"]
    body: ClosedJaxpr = eqn.params["jaxpr"]
    carried = flags[n : n + m]
    while True:  # a carry is unknown too where a step makes it from what is
        inside = [*flags[:n], *carried, *flags[n + m :]]
        wanted = [*carried, *[False] * (len(body.outvars) - m)]
        known, other, outs, types = partial_eval_jaxpr_nounits(body, inside, wanted)
        if outs[:m] == carried:
            break
        carried = outs[:m]
    count = len(known.jaxpr.outvars) - len(types)
    known_ins, unknown_ins = partition_list(inside, eqn.invars)
    sources = {v: a for v, a in zip(known.jaxpr.invars, known_ins, strict=True)}
    kind = {v: k < n for k, v in enumerate(body.jaxpr.invars)}
    row = {v for k, v in enumerate(body.jaxpr.invars) if k >= n + m}
    consts: list[Any] = []  # a residual that is the same in each step,
    rows: list[Any] = []  # one that the loop goes over in any case, or is stacked
    const_vars, row_vars, stacked = [], [], []
    for v in known.jaxpr.outvars[count:]:
        if kind.get(v):
            consts.append(sources[v])
            const_vars.append(v)
        elif v in row:
            rows.append(sources[v])
            row_vars.append(v)
        else:
            stacked.append(v)
    made = [Var(v.aval.update(shape=(eqn.params["length"], *v.aval.shape))) for v in stacked]
    known_jaxpr = known.map_jaxpr(lambda j: j.replace(outvars=[*j.outvars[:count], *stacked]))
    split = len(types)
    own = other.jaxpr.invars[split:]
    n_unknown, m_unknown = sum(flags[:n]), sum(carried)
    ins = [*const_vars, *own[: n_unknown + m_unknown], *row_vars, *stacked, *own[n_unknown + m_unknown :]]
    other_jaxpr = other.map_jaxpr(lambda j: j.replace(invars=ins))
    known_outs, unknown_outs = partition_list(outs, eqn.outvars)
    mine = [*consts, *unknown_ins[: n_unknown + m_unknown], *rows, *made, *unknown_ins[n_unknown + m_unknown :]]
    first = eqn.replace(
        invars=known_ins,
        outvars=[*known_outs, *made],
        params={**eqn.params, "jaxpr": known_jaxpr, "num_consts": n - n_unknown, "num_carry": m - m_unknown},
    )
    counts = {"num_consts": len(consts) + n_unknown, "num_carry": m_unknown}
    second = eqn.replace(invars=mine, outvars=unknown_outs, params={**eqn.params, "jaxpr": other_jaxpr, **counts})
    return (first if first.outvars else None), second


_PARTED: dict[str, Any] = {"jit": _part_call, "scan": _part_scan}


# With a policy


def partial_eval_jaxpr_custom(
    jaxpr: Jaxpr,
    in_unknowns: Sequence[bool],
    in_inst: bool | Sequence[bool],
    ensure_out_unknowns: bool | Sequence[bool],
    ensure_out_inst: bool | Sequence[bool],
    saveable: Callable[..., Any],
) -> tuple[Jaxpr, Jaxpr, list[bool], list[bool], int]:
    """What `partial_eval_jaxpr_stateful` gives, of a program that makes no refs that both parts use."""
    first, second, out_unknown, out_inst, count, refs = partial_eval_jaxpr_stateful(
        jaxpr, in_unknowns, in_inst, ensure_out_unknowns, ensure_out_inst, saveable
    )
    if refs:
        raise ValueError("Cannot use `partial_eval_jaxpr_custom` with stateful jaxprs.")
    return first, second, out_unknown, out_inst, count


def partial_eval_jaxpr_stateful(
    jaxpr: Jaxpr,
    in_unknowns: Sequence[bool],
    in_inst: bool | Sequence[bool],
    ensure_out_unknowns: bool | Sequence[bool],
    ensure_out_inst: bool | Sequence[bool],
    saveable: Callable[..., Any] | None,
) -> tuple[Jaxpr, Jaxpr, list[bool], list[bool], int, int]:
    """(what is known, the second part, which results are unknown, which the second gives, residuals, refs).

    The counts are of residuals that the first part gives, and of refs that both parts are given, which their rules make.

    Args:
        jaxpr: the program.
        in_unknowns: for each argument whether it is unknown.
        in_inst: for each argument whether the second part has it.
        ensure_out_unknowns: for each result whether it counts as unknown in any case.
        ensure_out_inst: for each result whether the second part gives it in any case.
        saveable: a policy: whether a value is kept; what is not is computed again. None keeps all.
    """
    saveable = everything_saveable if saveable is None else saveable
    there = _per(in_inst, len(jaxpr.invars))
    unknown = {v for v, u in zip(jaxpr.invars, in_unknowns, strict=True) if u}
    staged = {v for v, i in zip(jaxpr.invars, there, strict=True) if i}
    assert unknown <= staged
    staged.update(jaxpr.constvars)
    first: list[JaxprEqn] = []
    second: list[JaxprEqn] = []
    residuals = _Residuals()
    for eqn in jaxpr.eqns:
        rule = partial_eval_jaxpr_custom_rules.get(eqn.primitive) or _CUSTOM.get(eqn.primitive.name)
        if rule is not None:
            known_eqn, staged_eqn, out_unknown, out_inst, kept = rule(
                saveable, _flags(eqn, unknown), [isinstance(a, Literal) or a in staged for a in eqn.invars], eqn
            )
            first += [known_eqn] if known_eqn is not None else []
            second += [staged_eqn] if staged_eqn is not None else []
            unknown.update(compress(eqn.outvars, out_unknown))
            staged.update(compress(eqn.outvars, out_inst))
            residuals.add(kept)
            continue
        known = not any(_flags(eqn, unknown))
        if known:
            first.append(eqn)
            kept = keeps(saveable(eqn.primitive, *(a.aval for a in eqn.invars), **eqn.params))
            if kept or any(not isinstance(e, InternalMutableArrayEffect) for e in eqn.effects):  # what it does is done once
                continue
        second.append(eqn)
        residuals.add([a for a in eqn.invars if isinstance(a, Var) and a not in staged])
        staged.update(eqn.outvars)
        if not known:
            unknown.update(eqn.outvars)
    outs = jaxpr.outvars
    must_unknown, must_inst = (_per(e, len(outs)) for e in (ensure_out_unknowns, ensure_out_inst))
    out_unknown = [m or (isinstance(v, Var) and v in unknown) for v, m in zip(outs, must_unknown, strict=True)]
    out_inst = [m or isinstance(v, Literal) or v in staged for v, m in zip(outs, must_inst, strict=True)]
    out_inst = [i or u for i, u in zip(out_inst, out_unknown, strict=True)]
    rest = list(compress(outs, out_inst))
    residuals.add([v for v in rest if isinstance(v, Var) and v not in staged])
    known_ins = [v for v, u in zip(jaxpr.invars, in_unknowns, strict=True) if not u]
    known_outs = [v for v, u in zip(outs, out_unknown, strict=True) if not u]
    values = [v for v in residuals.vars if not isinstance(v.aval, AbstractRef)]
    refs = [v for v in residuals.vars if isinstance(v.aval, AbstractRef) and v not in known_ins]
    info = jaxpr.debug_info.with_unknown_names()

    def part(ins: list[Any], outs: list[Any], eqns: list[JaxprEqn]) -> Jaxpr:
        effects = make_jaxpr_effects(jaxpr.constvars, ins, outs, eqns)
        return jaxpr.replace(invars=ins, outvars=outs, eqns=eqns, effects=effects, debug_info=info)

    known_part = part([*known_ins, *refs], [*known_outs, *values], first)
    second_part = part([*values, *refs, *compress(jaxpr.invars, there)], rest, second)
    return known_part, second_part, out_unknown, out_inst, len(values), len(refs)


def _custom_call(
    saveable: Callable[..., Any], unknown: list[bool], there: list[bool], eqn: JaxprEqn
) -> tuple[JaxprEqn | None, JaxprEqn | None, list[bool], list[bool], list[Var]]:
    """A call: what it calls, parted by the same policy."""
    inner = convert_constvars_jaxpr(eqn.params["jaxpr"].jaxpr)
    consts = eqn.params["jaxpr"].consts
    closed = [False] * len(consts)
    known, second, out_unknown, out_inst, count = partial_eval_jaxpr_custom(
        inner, [*closed, *unknown], [*closed, *there], False, False, saveable
    )
    made = [Var(v.aval) for v in known.outvars[len(known.outvars) - count :]]
    known_ins = [a for a, u in zip(eqn.invars, unknown, strict=True) if not u]
    known_outs = [v for v, u in zip(eqn.outvars, out_unknown, strict=True) if not u]
    n = len(consts)
    of_known = ClosedJaxpr(known.replace(constvars=known.invars[:n], invars=known.invars[n:]), consts)
    first = _called(eqn, of_known, known_ins, [*known_outs, *made])
    ins = [*made, *compress(eqn.invars, there)]
    staged = _called(eqn, close_jaxpr(second), ins, list(compress(eqn.outvars, out_inst)))
    return first, staged if any(out_inst) else None, out_unknown, out_inst, made


_CUSTOM: dict[str, Any] = {"jit": _custom_call}
