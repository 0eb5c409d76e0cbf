"""tracer: the class that `isinstance` tells traced values by, and what is said of attributes that they lack."""

from __future__ import annotations

from typing import Any

from jaxlike._src import border
from jaxlike._src.array import Array


class _TracerMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return border.is_traced(instance)

    def __getattr__(cls, name: str) -> Any:
        return getattr(Array, name)  # a traced value is an Array

    def __subclasscheck__(cls, subclass: type) -> bool:
        return bool(subclass.__name__ == cls.__name__ and subclass.__module__ == cls.__module__)


class Tracer(metaclass=_TracerMeta):
    """``isinstance(x, jax.core.Tracer)``: ``x`` is a value inside grad, jvp, vmap or jit. Never made itself."""

    def __init__(self) -> None:
        raise TypeError("Tracers are made by transformations.")


def _missing_attribute(self: Array, name: str) -> Any:
    for kind in type(self).__mro__:
        if name in vars(kind):  # it is there, and refused: in its own words
            return vars(kind)[name].__get__(self, type(self))
    what = f"{type(self).__name__!r} object has no attribute {name!r}"
    if not name.startswith("_") and border.is_traced(self):
        what = f"{border.tracer_kind(self)} has no attribute {name}"
    raise AttributeError(what, name=name, obj=self)


Array.__getattr__ = _missing_attribute
