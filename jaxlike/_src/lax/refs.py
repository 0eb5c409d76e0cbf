"""refs: mutable arrays: new_ref, reading and writing by index, freeze.

A `Ref` is read with ``ref[index]`` and written with ``ref[index] = value``; values must have the shape and dtype of
the place (floats of Python and integers take its dtype). How that works inside of `jit` and loops is in
`transforms/ref_state.py`.
"""

from __future__ import annotations

import contextlib
import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import astype, is_traced
from jaxlike._src.frames import current_trace
from jaxlike._src.graph.ref_events import WHOLE, RefPart, RefParts, noting
from jaxlike._src.graph.source import user_line
from jaxlike._src.transforms.arguments import check_leaf, is_float0, to_array
from jaxlike._src.transforms.ref_state import RefState, is_ref
from jaxlike._src.transforms.tables import zeros_like_aval
from jaxlike._src.transforms.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Ref(RefState):
    """A mutable array, made by `new_ref`."""

    __array_priority__ = 100

    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: self.aval.dtype)
    ndim = property(lambda self: self.aval.ndim)
    size = property(lambda self: self.aval.size)
    committed = True

    def __getitem__(self, index: Any) -> Array:
        return get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        swap(self, index, value, "ref_set")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __bool__(self) -> bool:
        return True

    __hash__ = object.__hash__

    @property
    def at(self) -> RefIndexer:
        """Parts of it: ``ref.at[index]`` is read and written as the ref is."""
        return RefIndexer(self)

    def addupdate(self, x: Any, idx: Any = ()) -> None:
        """Add to a part."""
        addupdate(self, idx, x)

    @property
    def sharding(self) -> Any:
        """Where its value is."""
        return self.value().sharding

    @property
    def format(self) -> Any:
        """How its value is laid out."""
        return self.value().format

    def unsafe_buffer_pointer(self) -> int:
        """The address of its value."""
        return self.value().unsafe_buffer_pointer()

    def __repr__(self) -> str:
        return "Ref" + repr(self._held[-1][0]).removeprefix("Ref").removeprefix("Array")

    __str__ = __repr__


class RefIndexer:
    """``ref.at``."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def __getitem__(self, index: Any) -> PartOfRef:
        return PartOfRef(self.ref, index)


class PartOfRef:
    """A part of a ref."""

    is_ref = False

    def __init__(self, ref: Any, index: Any) -> None:
        self._ref, self._index = ref, index

    @property
    def at(self) -> RefIndexer:
        """Parts of this part."""
        return RefIndexer(self)

    @property
    def aval(self) -> ShapedArray:
        """The type of the part."""
        return _look(self._ref, self._index).aval

    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: self.aval.dtype)
    ndim = property(lambda self: len(self.aval.shape))

    def whole(self) -> tuple[Any, tuple[Any, ...]]:
        """The ref that it is a part of, and the indices of parts, outermost first."""
        inner = self._ref.whole() if isinstance(self._ref, PartOfRef) else (self._ref, ())
        return inner[0], (*inner[1], self._index)

    def value(self) -> Array:
        """The part's value."""
        return _look(self._ref, self._index)

    def put(self, new: Array, by: str = "a set/swap") -> None:
        """Replace the part's value."""
        self._ref.put(_changed(self._ref.value(), self._index, new, "set"), by)

    def __getitem__(self, index: Any) -> Array:
        return get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        swap(self, index, value, "ref_set")


def new_ref(init_val: Any, *, memory_space: Any = None, kind: str | None = None) -> Ref:
    """A mutable array.

    Args:
        init_val: its first value, an array or a number.
        memory_space: accepted.
        kind: accepted.
    """
    del memory_space, kind
    assert not is_ref(init_val)
    try:
        check_leaf(init_val)
    except (TypeError, ValueError):
        raise TypeError(
            f"Error interpreting argument to new_ref as a JAX value. The problematic value is of type {type(init_val)} "
            "and was passed to new_ref at position 0."
        ) from None
    value = to_array(init_val)
    made = Ref(value, f"created on line {user_line(sys._getframe(1))}")
    made.is_new = True
    if (note := noting("new_ref", made)) is not None:
        note.done([value], WHOLE)
    return made


def empty_ref(ty: Any, memory_space: Any = None) -> Ref:
    """In a trace, a mutable array of a type, whose values must be written before they are read.

    Args:
        ty: anything with shape and dtype.
        memory_space: accepted.
    """
    del memory_space
    if current_trace() is None:
        raise NotImplementedError("Evaluation rule for 'empty_ref' not implemented")
    return Ref(zeros_like_aval(ShapedArray(ty.shape, dtypes.canonicalize_dtype(ty.dtype))))


def freeze(ref: Ref) -> Array:
    """The final value of a ref, which is not to be used any more."""
    return get(ref, (), "freeze")


def free_ref(ref: Ref) -> tuple[()]:
    """Declare that a ref is not used any more."""
    if (note := noting("free_ref", _checked(ref, "free_ref"))) is not None:
        note.done([], WHOLE)
    return ()


def get(ref: Any, idx: Any = None, _kind: str = "get") -> Array:
    """``ref[idx]``; without an index the whole value."""
    ref = _checked(ref, "ref_get")
    base, indices = _base(ref, idx)
    if (note := noting(_kind, base)) is None:
        return _look(ref, idx)
    with note:
        out = note.renamed(_look(ref, idx))
    note.done(*_places(base.shape, indices), out)
    return out


def set(ref: Any, idx: Any, value: Any) -> None:
    """``ref[idx] = value``; None is the whole ref."""
    swap(ref, idx, value, "ref_set")


def swap(ref: Any, idx: Any, value: Any, _function_name: str = "ref_swap") -> Array:
    """Write a part of a ref, and give what was there."""
    ref = _checked(ref, _function_name)
    base, indices = _base(ref, idx)
    note = noting("swap", base)
    with note or contextlib.nullcontext():
        before = _look(ref, idx)
    new = _fitting(ref, before.aval, value, "swap")
    with note or contextlib.nullcontext():
        if note is not None and _function_name != "ref_set":
            before = note.renamed(before)
        ref.put(_changed(ref.value(), idx, new, "set"))
    if note is not None:
        places, parts = _places(base.shape, indices)
        note.done([new, *places], parts, None if _function_name == "ref_set" else before)
    return before


def addupdate(ref: Any, idx: Any, x: Any) -> None:
    """``ref[idx] += x``."""
    ref = _checked(ref, "ref_addupdate")
    base, indices = _base(ref, idx)
    note = noting("addupdate", base)
    with note or contextlib.nullcontext():
        place = _look(ref, idx).aval
    new = _fitting(ref, place, x, "addupdate")
    with note or contextlib.nullcontext():
        ref.put(_changed(ref.value(), idx, new, "add"), "an addupdate")
    if note is not None:
        places, parts = _places(base.shape, indices)
        note.done([new, *places], parts)


def _base(ref: Any, index: Any) -> tuple[Any, tuple[Any, ...]]:
    """The ref, and the indices into it one after the other."""
    base, indices = ref.whole() if isinstance(ref, PartOfRef) else (ref, ())
    return base, (*indices, index)


def _places(shape: tuple[int, ...], indices: Sequence[Any]) -> tuple[list[Any], RefParts | None]:
    """(places in arrays and numbers, which parts these indices mean with them), None if a jaxpr has no form for that."""
    operands: list[Any] = []
    parts: list[RefPart] = []
    for index in indices:
        if _whole(index) or (isinstance(index, tuple) and len(index) == 1 and index[0] is None):
            continue
        given = [to_array(i) if isinstance(i, np.ndarray) else i for i in (index if isinstance(index, tuple) else (index,))]
        dots = [k for k, i in enumerate(given) if i is Ellipsis]
        missing = [slice(None)] * (len(shape) - len(given) + len(dots))
        at = dots[0] if dots else len(given)
        given[at : at + len(dots)] = missing
        axes: list[tuple[int, int, int] | None] = []
        arrays = [i for i in given if isinstance(i, Array) and i.ndim]
        for i, n in zip(given, shape, strict=False):
            if isinstance(i, slice) and all(x is None or isinstance(x, int) for x in (i.start, i.stop, i.step)):
                start, stop, step = i.indices(n)
                axes.append((start, len(range(start, stop, step)), step))
            elif type(i) is int or isinstance(i, np.integer) or (isinstance(i, Array) and dtypes.issubdtype(i.dtype, np.integer)):
                operands.append(i)
                axes.append(None)
            else:
                return [], None
        scalars = axes.count(None) - len(arrays)
        if len(dots) > 1 or len(axes) != len(shape) or (arrays and scalars) or len({a.shape for a in arrays}) > 1:
            return [], None
        sizes = [a[1] for a in axes if a is not None]
        parts.append(RefPart(tuple(axes), shape))
        shape = (*(arrays[0].shape if arrays else ()), *sizes)
    return operands, RefParts(parts)


def _checked(ref: Any, function: str) -> Any:
    if not (is_ref(ref) or isinstance(ref, PartOfRef)):
        raise ValueError(f"Can only call `{function}` on a `Ref`: {ref}.")
    return ref


def _whole(index: Any) -> bool:
    return index is None or index is Ellipsis or (isinstance(index, tuple) and len(index) == 0)


def _look(ref: Any, index: Any) -> Array:
    value = ref.value()
    if _whole(index):
        return value
    _check_bounds(value.shape, index)
    return value[index]


def _check_bounds(shape: tuple[int, ...], index: Any) -> None:
    """ValueError for more indices than axes, and for a number out of bounds (arrays of numbers clamp)."""
    given = index if isinstance(index, tuple) else (index,)
    if len(given) - sum(i is Ellipsis for i in given) > len(shape) and any(i is not None for i in given):
        raise ValueError(f"`indices` must not be longer than `shape`: indices={given}, shape={shape}")
    axis = 0
    for k, i in enumerate(given):
        if i is None:
            continue
        if i is Ellipsis:
            axis = len(shape) - sum(j is not None for j in given[k + 1 :])
            continue
        if isinstance(i, slice) and isinstance(i.step, int) and i.step < 1:
            raise ValueError(f"slice must have a step >= 1 (found: {i.step})")
        if isinstance(i, Array) and not i.ndim and dtypes.issubdtype(i.dtype, np.integer) and not is_traced(i):
            i = int(i)
        if isinstance(i, int | np.integer) and not isinstance(i, bool) and axis < len(shape):
            at = operator.index(i)
            if not -shape[axis] <= at < shape[axis]:
                raise ValueError(f"Out of bound indexer: idx={at}, dim={shape[axis]}.")
        axis += 1


def _fitting(ref: Any, aval: ShapedArray, value: Any, primitive: str) -> Array:
    """A value of the shape and dtype of the place."""
    if is_ref(value):
        raise ValueError("Cannot store a Ref into another Ref. Did you forget to load from it using `[...]`?")
    new = to_array(value)
    if primitive == "swap" and not is_float0(new) and _converts(new, aval.dtype):
        new = astype(new, aval.dtype)
    own = type_of(value) if is_float0(new) else new.aval
    if own.shape != aval.shape:
        raise ValueError(
            f"Invalid shape for `{primitive}`. Ref shape: {ref.shape}. Expected shape: {aval.shape}. Value shape: "
            f"{own.shape}. "
        )
    if own.dtype != aval.dtype:
        raise ValueError(f"Invalid dtype for `{primitive}`. Ref dtype: {aval.dtype}. Value dtype: {own.dtype}. ")
    return new


def _converts(value: Array, dtype: Any) -> bool:
    """Whether a place of ``dtype`` takes the value in another: weakly typed floats, and any integer, as in JAX."""
    if dtypes.issubdtype(dtype, np.floating):
        return value.weak_type and dtypes.issubdtype(value.dtype, np.floating)
    return dtypes.issubdtype(dtype, np.integer) and dtypes.issubdtype(value.dtype, np.integer)


def _changed(value: Array, index: Any, new: Array, how: str) -> Array:
    """The value with a part replaced or added to, of the same weak type."""
    if _whole(index):
        out = new if how == "set" else value + new
    else:
        place: Any = value.at[index]
        change: Callable[..., Array] = getattr(place, how)
        out = change(new)
    return astype(out, value.dtype, value.weak_type)
