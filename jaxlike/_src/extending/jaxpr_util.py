"""jaxpr_util: what a jaxpr is made of: its equations, those of its inner jaxprs, counted by kind, shape or line.

Every count is a `histogram` over `all_eqns`; the tables of definitions and uses are for one jaxpr at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.jaxpr import ClosedJaxpr, DropVar, Jaxpr, JaxprEqn, Literal, Var, subjaxprs
from jaxlike._src.graph.source import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def all_eqns(jaxpr: Jaxpr, revisit_inner_jaxprs: bool = True) -> Iterator[tuple[Jaxpr, JaxprEqn]]:
    """(jaxpr, equation) for all equations, those of inner jaxprs after their parents'.

    ``revisit_inner_jaxprs``: an inner jaxpr that is there twice is gone through twice.
    """
    return _all_eqns(jaxpr, None if revisit_inner_jaxprs else set())


def _all_eqns(jaxpr: Jaxpr, visited: set[int] | None) -> Iterator[tuple[Jaxpr, JaxprEqn]]:
    for eqn in jaxpr.eqns:
        yield jaxpr, eqn
    for inner in subjaxprs(jaxpr):
        if visited is not None:
            if id(inner) in visited:
                continue
            visited.add(id(inner))
        yield from _all_eqns(inner, visited)


def collect_eqns(jaxpr: Jaxpr, key: Callable[[JaxprEqn], Any]) -> dict[Any, list[JaxprEqn]]:
    """The equations by their ``key``."""
    found: dict[Any, list[JaxprEqn]] = {}
    for _, eqn in all_eqns(jaxpr):
        found.setdefault(key(eqn), []).append(eqn)
    return found


def count_eqns(jaxpr: Jaxpr, revisit_inner_jaxprs: bool = True) -> int:
    """How many equations there are."""
    return sum(1 for _ in all_eqns(jaxpr, revisit_inner_jaxprs))


def histogram(
    jaxpr: Jaxpr, key: Callable[[JaxprEqn], Any], key_fmt: Callable[[Any], Any] = lambda x: x
) -> dict[Any, int]:
    """How many equations there are for each ``key``, which is given as ``key_fmt`` writes it."""
    return {key_fmt(k): len(eqns) for k, eqns in collect_eqns(jaxpr, key).items()}


def primitives(jaxpr: Jaxpr) -> dict[str, int]:
    """How often each primitive is there."""
    return histogram(jaxpr, lambda eqn: eqn.primitive.name)


def primitives_by_source(jaxpr: Jaxpr) -> dict[str, int]:
    """How often each primitive is there, by the line that it is from."""
    return histogram(jaxpr, lambda eqn: (eqn.primitive.name, summarize(eqn.source_info)), " @ ".join)


def primitives_by_shape(jaxpr: Jaxpr) -> dict[str, int]:
    """How often each primitive is there, by the types of its results."""

    def key(eqn: JaxprEqn) -> tuple[str, str]:
        shapes = ["*" if isinstance(v, DropVar) else v.aval.str_short() for v in eqn.outvars]
        return eqn.primitive.name, " ".join(shapes)

    return histogram(jaxpr, key, " :: ".join)


def source_locations(jaxpr: Jaxpr) -> dict[str, int]:
    """How many equations are from each line."""
    return histogram(jaxpr, lambda eqn: summarize(eqn.source_info))


def var_defs_and_refs(jaxpr: Jaxpr) -> Any:
    """(jaxpr, [(variable, the equation that makes it, the equations that read it)]).

    What makes an argument is None, and so is the reader of a result. With inner jaxprs it is a list: this one's pair,
    then what it is for each of them.
    """
    defs: dict[Var, JaxprEqn | None] = dict.fromkeys([*jaxpr.constvars, *jaxpr.invars])
    refs: dict[Var, list[JaxprEqn | None]] = {v: [] for v in defs}
    for eqn in [*jaxpr.eqns, None]:
        for v in jaxpr.outvars if eqn is None else eqn.invars:
            if not isinstance(v, Literal):
                refs[v].append(eqn)
        for v in () if eqn is None else eqn.outvars:
            if not isinstance(v, DropVar):
                defs[v], refs[v] = eqn, []
    found = [(v, defs[v], refs[v]) for v in defs]
    inner = [var_defs_and_refs(j) for j in subjaxprs(jaxpr)]
    return [(jaxpr, found), *inner] if inner else (jaxpr, found)


def eqns_using_var_with_invar_index(jaxpr: Jaxpr, invar: Var) -> Iterator[tuple[JaxprEqn, int]]:
    """The equations that read a variable, with its place among their operands."""
    for eqn in jaxpr.eqns:
        if invar in eqn.invars:
            yield eqn, eqn.invars.index(invar)


def jaxpr_and_binder_in_params(params: Mapping[str, Any], index: int) -> Iterator[tuple[Jaxpr, Var]]:
    """The inner jaxprs of an equation, each with the variable that stands for an operand in it."""
    for value in params.values():
        for v in value if isinstance(value, tuple) else (value,):
            if isinstance(v, Jaxpr | ClosedJaxpr):
                inner = v.jaxpr if isinstance(v, ClosedJaxpr) else v
                if index >= len(inner.invars):
                    raise RuntimeError(f"Failed to find index {index} in jaxpr.invars while building report")
                yield inner, inner.invars[index]


def eqns_using_var(jaxpr: Jaxpr, invar: Var) -> Iterator[JaxprEqn]:
    """The innermost equations that read a variable."""
    for eqn, index in eqns_using_var_with_invar_index(jaxpr, invar):
        inner = tuple(jaxpr_and_binder_in_params(eqn.params, index))
        for child, binder in inner:
            yield from eqns_using_var(child, binder)
        if not inner:
            yield eqn
