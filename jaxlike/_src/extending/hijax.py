"""hijax: types and primitives that stand for several arrays, as classes to derive from.

A `HiPrimitive` is bound like any other primitive: its values are computed by `to_lojax`, its derivatives by its own
`jvp` and `transpose`. Values of a `HiType` are not arrays, and no transformation here takes them: a library may define
such types, and is told so when it passes one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxlike._src.array import AbstractValue
from jaxlike._src.extending.context import pytype_aval_mappings
from jaxlike._src.graph.effects import Effect
from jaxlike._src.graph.primitive import Primitive
from jaxlike._src.transforms.tables import primitive_jvps, primitive_transposes


class aval_property(NamedTuple):
    """An attribute of a type that its values have too: ``fget(value)``."""

    fget: Callable[[Any], Any]


class aval_method(NamedTuple):
    """A function in a type that is a method of its values."""

    fun: Callable[..., Any]


class EffectTypeSet:
    """Classes of effects; an effect is in it if its class, or one that it derives from, is."""

    def __init__(self) -> None:
        self._types: set[type[Effect]] = set()

    def add_type(self, effect_type: type[Effect]) -> None:
        """Put a class in."""
        self._types.add(effect_type)

    def contains(self, effect_type: type[Effect]) -> bool:
        """Whether a class is in."""
        return any(issubclass(effect_type, known) for known in self._types)

    def filter_in(self, effects: Any) -> list[Effect]:
        """Those of ``effects`` that are in."""
        return [effect for effect in effects if self.contains(type(effect))]

    def filter_not_in(self, effects: Any) -> list[Effect]:
        """Those of ``effects`` that are not in."""
        return [effect for effect in effects if not self.contains(type(effect))]


# Loops and branches here keep every effect in order, whatever its class: the set is for libraries to fill and read.
control_flow_allowed_effects = EffectTypeSet()


class HiPrimitive(Primitive):
    """A primitive that says in ``to_lojax`` how it is computed by others. Subclasses override the methods."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        primitive_jvps[self] = self.jvp
        primitive_transposes[self] = self.transpose

    def is_high(self, *avals: Any, **params: Any) -> bool:
        """Whether it works on such types."""
        del avals, params
        return True

    def is_effectful(self, params: Any) -> bool:
        """Whether it does something besides giving values."""
        del params
        return False

    def impl(self, *args: Any, **params: Any) -> Any:
        """The values: what ``to_lojax`` gives."""
        return self.to_lojax(*args, **params)

    def to_lojax(self, *args: Any, **params: Any) -> Any:
        """The values, by other operations."""
        raise NotImplementedError(f"{type(self).__name__}.to_lojax")  # a subclass's to define, as in JAX

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        """(results, their tangents)."""
        raise NotImplementedError(f"{type(self).__name__}.jvp")  # a subclass's to define, as in JAX

    def transpose(self, *args: Any, **params: Any) -> Any:
        """Cotangents of the arguments that it is linear in."""
        raise NotImplementedError(f"{type(self).__name__}.transpose")  # a subclass's to define, as in JAX


def cur_qdd(x: Any) -> Any:
    """The part of a value's type that changes with the value."""
    return x.cur_qdd()


class HiType(AbstractValue):
    """The type of values made of several arrays."""

    is_high = True


class MutableHiType(AbstractValue):
    """The type of values made of several arrays that may be replaced."""

    is_high = True
    has_qdd = True
    is_writer = False
    type_state = aval_method(cur_qdd)


@dataclasses.dataclass(frozen=True)
class AvalQDD:
    """A type with the part of it that changes."""

    aval: AbstractValue
    qdd: Any
    is_high = True
    has_qdd = True


@dataclasses.dataclass(frozen=True)
class AvalMutableQDD:
    """A type with a place for the part of it that changes."""

    aval: AbstractValue
    mutable_qdd: Any


def register_hitype(val_cls: type, typeof_fn: Callable[[Any], Any]) -> None:
    """Say what the type of values of a class is."""
    pytype_aval_mappings[val_cls] = typeof_fn
