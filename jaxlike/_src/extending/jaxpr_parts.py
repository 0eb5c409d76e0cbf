"""jaxpr_parts: jaxprs with their constants, arguments and results in other places."""

from __future__ import annotations

import functools
from itertools import compress
from typing import TYPE_CHECKING, Any

from jaxlike._src.extending.util import partition_list
from jaxlike._src.graph.jaxpr import ClosedJaxpr, Jaxpr

if TYPE_CHECKING:
    from collections.abc import Sequence


@functools.lru_cache(2048)
def close_jaxpr(jaxpr: Jaxpr) -> ClosedJaxpr:
    """A jaxpr without constants as a closed one; the same one each time."""
    return ClosedJaxpr(jaxpr, ())


@functools.lru_cache(2048)
def convert_constvars_jaxpr(jaxpr: Jaxpr) -> Jaxpr:
    """Constants become the first arguments."""
    return _with_inputs(jaxpr, [], [*jaxpr.constvars, *jaxpr.invars])


@functools.lru_cache(2048)
def convert_invars_to_constvars(jaxpr: Jaxpr, n: int) -> Jaxpr:
    """The first ``n`` arguments become constants."""
    if n == 0:
        return jaxpr
    if jaxpr.constvars:
        raise NotImplementedError  # as JAX: what is constant before and after would be mixed
    return _with_inputs(jaxpr, jaxpr.invars[:n], jaxpr.invars[n:])


def separate_consts(closed_jaxpr: ClosedJaxpr) -> tuple[ClosedJaxpr, list[Any]]:
    """(the jaxpr where constants are the first arguments, the constants)."""
    return close_jaxpr(convert_constvars_jaxpr(closed_jaxpr.jaxpr)), closed_jaxpr.consts


def _with_inputs(jaxpr: Jaxpr, constvars: list[Any], invars: list[Any]) -> Jaxpr:
    return jaxpr.replace(constvars=constvars, invars=invars, debug_info=jaxpr.debug_info.with_unknown_names())


def _moved(values: Sequence[Any], to_back: Sequence[bool]) -> list[Any]:
    front, back = partition_list(to_back, values)
    return [*front, *back]


def move_binders_to_front(closed_jaxpr: ClosedJaxpr, to_move: Sequence[bool]) -> ClosedJaxpr:
    """Some arguments come before the others."""
    return move_binders_to_back(closed_jaxpr, [not m for m in to_move])


def move_binders_to_back(closed_jaxpr: ClosedJaxpr, to_move: Sequence[bool]) -> ClosedJaxpr:
    """Some arguments come behind the others."""
    jaxpr = closed_jaxpr.jaxpr
    return closed_jaxpr.replace(jaxpr=_with_inputs(jaxpr, jaxpr.constvars, _moved(jaxpr.invars, to_move)))


move_invars_right = move_binders_to_back


def move_outvars_to_back(jaxpr: ClosedJaxpr, to_move: Sequence[bool]) -> ClosedJaxpr:
    """Some results come behind the others."""
    return jaxpr.map_jaxpr(lambda j: j.replace(outvars=_moved(j.outvars, to_move)))


def prune_jaxpr_outputs(jaxpr: Jaxpr, used_outputs: Sequence[bool]) -> Jaxpr:
    """Some of the results; what computes the others stays."""
    return jaxpr.replace(outvars=list(compress(jaxpr.outvars, used_outputs)))


def prune_closed_jaxpr_outputs(jaxpr: ClosedJaxpr, used_outputs: Sequence[bool]) -> ClosedJaxpr:
    """As `prune_jaxpr_outputs`, of a closed jaxpr."""
    return jaxpr.map_jaxpr(lambda j: prune_jaxpr_outputs(j, used_outputs))
