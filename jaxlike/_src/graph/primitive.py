"""primitive: an operation as JAX's interpreters know it: a name, an implementation, a rule for its result's type.

A `Primitive` that a library makes becomes, where it is bound, an operation whose derivatives and batching are
looked up in the tables of `jax.interpreters` (see `transforms/primitive_call.py`). One that stands for an
operation of our own (`Builtin`, found by name with `builtin`) calls that operation, which brings its rules along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.effects import (
    OwnEffect,
    allow,
    control_flow_allowed_effects,
    custom_derivatives_allowed_effects,
    lowerable_effects,
)
from jaxlike._src.graph.effects import no_effects as no_effects

if TYPE_CHECKING:
    from collections.abc import Callable


class Primitive:
    """An operation that programs `bind` to arguments and interpreters recognise.

    Args:
        name: what jaxprs show.
    """

    name: str = ""
    multiple_results = False  # whether it gives a list
    call_primitive = False
    ref_primitive = False
    skip_canonicalization = False
    ref_allocating = False
    is_effectful: Any = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def bind(self, /, *args: Any, **params: Any) -> Any:
        """Apply it under whatever transformations run: an array, or a list of them if `multiple_results`."""
        from jaxlike._src.transforms.primitive_call import bind  # rules are above graphs, which hold primitives

        return bind(self, args, params)

    def bind_with_trace(self, trace: Any, args: Any, avals: Any, params: Any, /) -> Any:
        """What `bind` does once arguments are checked; a subclass may do otherwise."""
        del avals
        return trace.process_primitive(self, args, params)

    def impl(self, *args: Any, **params: Any) -> Any:
        """The values, where no transformation runs; set by `def_impl`."""
        raise NotImplementedError(f"Evaluation rule for '{self.name}' not implemented")

    def abstract_eval(self, *args: Any, **params: Any) -> Any:
        """(type or types of the result, effects); set by `def_abstract_eval`."""
        raise NotImplementedError(f"Abstract evaluation for '{self.name}' not implemented")

    def def_impl(self, impl: Callable[..., Any]) -> Callable[..., Any]:
        """Set the function that computes values; returns it."""
        self.impl = impl
        return impl

    def def_abstract_eval(self, abstract_eval: Callable[..., Any]) -> Callable[..., Any]:
        """Set the function from types of the arguments to the type (or types) of the result; returns it."""
        self.abstract_eval = lambda *args, **params: (abstract_eval(*args, **params), frozenset())
        return abstract_eval

    def def_effectful_abstract_eval(self, effectful_abstract_eval: Callable[..., Any]) -> Callable[..., Any]:
        """As `def_abstract_eval`, for a function that gives ``(type, effects)``."""
        self.abstract_eval = effectful_abstract_eval
        return effectful_abstract_eval

    def def_effectful_abstract_eval2(self, abstract_eval: Callable[..., Any]) -> Callable[..., Any]:
        """As `def_abstract_eval`, for a primitive whose effect is itself."""
        effect = PrimitiveEffect(self)
        self.abstract_eval = lambda *args, **params: (abstract_eval(*args, **params), {effect})
        return abstract_eval

    def def_bind_with_trace(self, bind_with_trace: Callable[..., Any]) -> Callable[..., Any]:
        """Set what `bind` does once arguments are checked; returns it."""
        self.bind_with_trace = bind_with_trace
        return bind_with_trace

    def get_bind_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """An equation's parameters as `bind` takes them."""
        return params

    def is_high(self, *avals: Any, **params: Any) -> bool:
        """Whether it must be rewritten before it can run."""
        del avals, params
        return False

    def to_lojax(self, *args: Any, **params: Any) -> Any:
        """The rewritten form, for primitives that are high."""
        raise NotImplementedError(f"Primitive '{self.name}' has is_high=True but no to_lojax lowering rule.")


class CallPrimitive(Primitive):
    """A primitive that calls a function given as a jaxpr."""

    multiple_results = True
    call_primitive = True


class PrimitiveEffect(OwnEffect):
    """The effect of a primitive that has no finer name for it."""

    def __init__(self, primitive: Primitive) -> None:
        self.primitive = primitive

    def __str__(self) -> str:
        return f"{self.primitive}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrimitiveEffect) and self.primitive is other.primitive

    def __hash__(self) -> int:
        return hash(self.primitive)


allow(PrimitiveEffect, lowerable_effects, control_flow_allowed_effects, custom_derivatives_allowed_effects)


class Builtin(Primitive):
    """A primitive that stands for an operation of our own; binding it calls that operation."""

    def __init__(self, name: str, multiple_results: bool = False) -> None:
        super().__init__(name)
        self.multiple_results = multiple_results

    def bind_with_trace(self, trace: Any, args: Any, avals: Any, params: Any, /) -> Any:
        """Call the operation, which knows what transformations run."""
        del trace, avals
        return self.impl(*args, **params)


_BUILTINS: dict[str, Builtin] = {}


def builtin(name: str, multiple_results: bool = False) -> Builtin:
    """The primitive of this name; always the same one."""
    found = _BUILTINS.get(name)
    if found is None:
        found = _BUILTINS[name] = Builtin(name, multiple_results)
    return found


def builtins() -> list[Builtin]:
    """All of them."""
    return list(_BUILTINS.values())
