"""core_parts: small functions on jaxprs, types and effects that `jax._src.core` has beside what it publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.extending.context import typematch
from jaxlike._src.graph.effects import Effect, no_effects
from jaxlike._src.graph.jaxpr import Literal
from jaxlike._src.memory import MemorySpace

if TYPE_CHECKING:
    from jaxlike._src.graph.jaxpr import Jaxpr, JaxprEqn, Var


def identity(x: Any) -> Any:
    """The argument."""
    return x


def join_effects(*effects: Any) -> Any:
    """All effects of several sets."""
    return set[Effect]().union(*effects) if effects else no_effects


def last_used(jaxpr: Jaxpr) -> dict[Var, JaxprEqn | None]:
    """For each variable the equation that reads it last; None for a result."""
    found: dict[Any, JaxprEqn | None] = {v: None for v in jaxpr.outvars if not isinstance(v, Literal)}
    for eqn in reversed(jaxpr.eqns):
        for v in eqn.invars:
            if not isinstance(v, Literal):
                found.setdefault(v, eqn)
    return found


def clean_up_dead_vars(eqn: JaxprEqn, env: dict[Any, Any], last_used: dict[Any, JaxprEqn | None]) -> None:
    """Take from ``env`` the values that no equation after this one reads."""
    for v in {v for v in eqn.invars if not isinstance(v, Literal)}:
        if last_used[v] is eqn:
            del env[v]


def typecheck(aval: Any, x: Any) -> bool:
    """Whether a value is of a type, but for weak dtypes."""
    from jaxlike._src.effects.names import typeof  # public functions are above types

    return typematch(aval, typeof(x))


def mem_kind_to_space(mem_kind: str | None) -> MemorySpace:
    """The memory space of a kind of memory."""
    return MemorySpace.Host if mem_kind == "pinned_host" else MemorySpace.Device


def mem_space_to_kind(mem_space: MemorySpace) -> str:
    """The kind of memory of a memory space."""
    return {MemorySpace.Device: "device", MemorySpace.Host: "pinned_host"}[mem_space]
