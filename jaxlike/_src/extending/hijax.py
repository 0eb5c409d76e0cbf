"""hijax: types and primitives that stand for several arrays, as classes to derive from.

Inside transformations values of such types stay the objects that they are, with traced arrays in them, see
`transforms/hi_values.py`. A `HiPrimitive` on values that cannot change becomes a primitive of their arrays (`_OfArrays`),
so that its own rules count; what one does to a mutable value is done to the object at once, by `to_lojax`, and
differentiated as the operations that this is made of.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from jaxlike._src.array import AbstractValue
from jaxlike._src.extending.context import pytype_aval_mappings
from jaxlike._src.frames import STATE
from jaxlike._src.graph.primitive import Primitive
from jaxlike._src.transforms import hi_values
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.hi_values import hi_type, is_hi, is_mutable
from jaxlike._src.transforms.tables import (
    UndefinedPrimal,
    Zero,
    instantiate_zeros,
    primitive_jvps,
    primitive_transposes,
    register_lowering,
)

Types = tuple[Any, ...]  # those of arguments or of results


class aval_property(NamedTuple):
    """An attribute of a type that its values have too: ``fget(value)``."""

    fget: Callable[[Any], Any]


class aval_method(NamedTuple):
    """A function in a type that is a method of its values."""

    fun: Callable[..., Any]


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
        raise AssertionError(f"must override for {self}")  # JAX's, as those below

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        """(results, their tangents)."""
        raise AssertionError("must override")

    def transpose(self, *args: Any, **params: Any) -> Any:
        """Cotangents of the arguments that it is linear in."""
        raise AssertionError("must override")

    def bind(self, /, *args: Any, **params: Any) -> Any:
        """The result for arrays and values of higher types, under whatever transformations run."""
        if STATE.frame is None:
            return hi_values.using(args, lambda: self.impl(*args, **params))
        mutable = any(map(is_mutable, args))
        types = tuple(_type_of(x) for x in args)
        made = () if mutable else self._results(self.abstract_eval(*types, **params)[0])
        if mutable or any(isinstance(ty, AvalQDD) for ty in made):
            out = hi_values.using(args, lambda: self.to_lojax(*args, **params))
            for x in self._results(out):
                hi_values.made_here(x)
            return out
        if not any(isinstance(ty, HiType | MutableHiType) for ty in (*types, *made)):
            return super().bind(*args, **params)
        low = self.__dict__.get("_of_arrays") or self.__dict__.setdefault("_of_arrays", _OfArrays(self))
        arrays = [x for ty, arg in zip(types, args, strict=True) for x in ty.lower_val(arg)]
        outs = _raised(made, low.bind(*arrays, types=types, made=made, params=params))
        return outs if self.multiple_results else outs[0]

    def _results(self, out: Any) -> tuple[Any, ...]:
        return tuple(out) if self.multiple_results else (out,)


class _OfArrays(Primitive):
    """A primitive of higher types as one of the arrays that their values are made of."""

    multiple_results = True

    def __init__(self, primitive: HiPrimitive) -> None:
        super().__init__(primitive.name)
        self.primitive = primitive
        primitive_jvps[self] = self._jvp
        primitive_transposes[self] = self._transpose
        register_lowering(self, self.impl)

    def impl(self, *arrays: Any, types: Types, made: Types, params: dict[str, Any]) -> list[Any]:
        """The arrays of the results."""
        out = self.primitive.to_lojax(*_raised(types, arrays), **params)
        return _lowered(made, self.primitive._results(out))

    def abstract_eval(self, *arrays: Any, types: Types, made: Types, params: dict[str, Any]) -> Any:
        """The types that the results' types are made of."""
        del arrays, types, params
        return [low for ty in made for low in ty.lo_ty()], frozenset()

    def _jvp(self, primals: Any, tangents: Any, *, types: Types, made: Types, params: dict[str, Any]) -> Any:
        given = [
            Zero(ty.to_tangent_aval())
            if all(type(t) is Zero for t in group)
            else ty.to_tangent_aval().raise_val(*map(instantiate_zeros, group))
            for ty, group in _groups(types, tangents)
        ]
        out, moved = self.primitive.jvp(_raised(types, primals), given, **params)
        results, dots = self.primitive._results(out), self.primitive._results(moved)
        return _lowered(made, results), _lowered([ty.to_tangent_aval() for ty in made], dots)

    def _transpose(self, cotangents: Any, *arrays: Any, types: Types, made: Types, params: dict[str, Any]) -> Any:
        cts = [
            Zero(ty.to_ct_aval())
            if all(type(c) is Zero for c in group)
            else ty.to_ct_aval().raise_val(*map(instantiate_zeros, group))
            for ty, group in _groups(made, cotangents)
        ]
        given = [
            UndefinedPrimal(ty) if any(type(x) is UndefinedPrimal for x in group) else ty.raise_val(*group)
            for ty, group in _groups(types, arrays)
        ]
        grads = self.primitive.transpose(*(cts if not self.primitive.multiple_results else [cts]), *given, **params)
        return _lowered([ty.to_ct_aval() for ty in types], grads)


def _type_of(x: Any) -> Any:
    return hi_type(x) if is_hi(x) else to_array(x).aval


def _groups(types: Types, arrays: Sequence[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """The types, each with those of the arrays that belong to it."""
    rest = iter(arrays)
    for ty in types:
        yield ty, list(itertools.islice(rest, len(ty.lo_ty())))


def _raised(types: Types, arrays: Sequence[Any]) -> list[Any]:
    return [ty.raise_val(*group) for ty, group in _groups(types, arrays)]


def _lowered(types: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """The arrays of values, of tangents or cotangents; None or a `Zero` for one is the same for each of its arrays."""
    found: list[Any] = []
    for ty, x in zip(types, values, strict=True):
        if x is None:
            found += [None] * len(ty.lo_ty())
        else:
            found += [Zero(low) for low in ty.lo_ty()] if type(x) is Zero else ty.lower_val(x)
    return found


def cur_qdd(x: Any) -> Any:
    """The part of a value's type that changes with the value."""
    return hi_values.using([x], lambda: x.cur_qdd())


class HiType(AbstractValue):
    """The type of values made of several arrays."""

    is_high = True
    has_qdd = False


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
    hi_values.register(val_cls, typeof_fn)
