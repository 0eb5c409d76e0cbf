"""Array: a small immutable object around a torch tensor.

Slots: the tensor (possibly wrapped by functorch levels, or a meta tensor inside a trace), a tag (for plain
arrays the weak-type bit) and the frame that the array was made in. It is not a Tensor subclass, so functorch
never sees it, and every value that enters an op passes `border.unwrap`.
Operators and methods that need the numeric library are bound late, by `array_methods`.
Subclasses hold what numpy has no dtype for: PRNG keys, int4 and its like; `type(x)(tensor, x._tag)` rebuilds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from jaxlike._src import allocator as allocator
from jaxlike._src import dtypes
from jaxlike._src.frames import STATE, current_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from jaxlike._src.frames import Frame

_FROM_TORCH = dtypes.FROM_TORCH


class AbstractValue:
    """What a program may know of a value before it runs; subclasses say what that is."""

    __slots__ = ()
    is_high = has_qdd = False

    def to_tangent_aval(self) -> Any:
        """The type of its tangents."""
        raise NotImplementedError(f"{type(self)} has no tangents")

    def to_ct_aval(self) -> Any:
        """The type of its cotangents."""
        return self.to_tangent_aval()

    def strip_weak_type(self) -> Any:
        """The same, strongly typed."""
        return self

    def update_weak_type(self, weak_type: bool) -> Any:
        """The same with another weak type, where it has one."""
        del weak_type
        return self

    def normalize(self) -> Any:
        """The same, strongly typed."""
        return self.strip_weak_type()

    def lo_ty(self) -> list[Any]:
        """The types that it is made of: itself."""
        return [self]

    def lower_val(self, val: Any) -> list[Any]:
        """A value of it as values of those types."""
        return [val]

    def raise_val(self, val: Any) -> Any:
        """Inverse of `lower_val`."""
        return val

    def str_short(self, short_dtypes: bool = False, mesh_axis_types: bool = False) -> str:
        """A short text."""
        del short_dtypes, mesh_axis_types
        return str(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ShapedArray(AbstractValue):
    """What a program may know of an array before it runs: shape, dtype, weak type."""

    __slots__ = ("dtype", "shape", "weak_type")
    array_abstraction_level = 2

    def __init__(self, shape: Any, dtype: Any, weak_type: bool = False, **_ignored: Any) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype if isinstance(dtype, dtypes.ExtendedDType) else np.dtype(dtype)
        self.weak_type = weak_type

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))

    def update(self, **changes: Any) -> ShapedArray:
        """A copy with some of shape, dtype and weak_type changed."""
        now = {"shape": self.shape, "dtype": self.dtype, "weak_type": self.weak_type}
        merged: dict[str, Any] = {**now, **changes}
        return type(self)(**merged)

    def strip_weak_type(self) -> ShapedArray:
        """The same, strongly typed."""
        return self.update(weak_type=False) if self.weak_type else self

    def to_tangent_aval(self) -> ShapedArray:
        """The type of its tangents: float0 for integers."""
        inexact = dtypes.issubdtype(self.dtype, np.inexact)
        return type(self)(self.shape, self.dtype if inexact else dtypes.float0, self.weak_type and inexact)

    at_least_vspace = to_ct_aval = to_tangent_aval

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize  # pyright: ignore[reportAttributeAccessIssue]  # AttributeError for keys, as in JAX

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    def update_weak_type(self, weak_type: bool) -> ShapedArray:
        """The same with another weak type."""
        return self.update(weak_type=weak_type)

    def inc_rank(self, size: int, spec: int | None) -> ShapedArray:
        """The type with one more axis at place ``spec``."""
        if spec is None:
            return self
        return self.update(shape=(*self.shape[:spec], size, *self.shape[spec:]))

    def dec_rank(self, size: int, spec: int | None) -> ShapedArray:
        """The type without the axis at place ``spec``."""
        del size
        return self if spec is None else self.update(shape=(*self.shape[:spec], *self.shape[spec + 1 :]))

    def leading_axis_spec(self) -> int:
        """The place of an axis that a loop runs over."""
        return 0

    def str_short(self, short_dtypes: bool = False, mesh_axis_types: bool = False) -> str:
        """``float32[2,3]``, or ``f32[2,3]``."""
        del mesh_axis_types
        if short_dtypes:
            name = dtypes.short_dtype_name(self.dtype)
        else:
            name = "float0" if self.dtype == dtypes.float0 else getattr(self.dtype, "name", str(self.dtype))
        return f"{name}[{','.join(map(str, self.shape))}]"

    def __str__(self) -> str:
        return f"{'~' if self.weak_type else ''}{self.str_short()}"

    def __repr__(self) -> str:
        return f"ShapedArray({self.str_short()}{', weak_type=True' if self.weak_type else ''})"

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and self.dtype == other.dtype  # pyright: ignore[reportAttributeAccessIssue]
            and self.shape == other.shape  # pyright: ignore[reportAttributeAccessIssue]
            and self.weak_type == other.weak_type  # pyright: ignore[reportAttributeAccessIssue]
        )

    def __hash__(self) -> int:
        return hash((self.dtype, self.shape, self.weak_type))


class Array:
    """A JAX array: shape, dtype, weak type and values; immutable (update with ``x.at[i].set(y)``).

    Made by `jaxlike.numpy` functions, not by calling this class. Equal in behaviour to ``jax.Array``;
    values inside grad, vmap and jit are Arrays too.
    """

    __slots__ = ("__weakref__", "_frame", "_t", "_tag")
    __array_priority__ = 100

    if TYPE_CHECKING:  # bound late, by array_methods and its kin

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Array: ...
        def __iter__(self) -> Iterator[Array]: ...
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]: ...
        def __bool__(self) -> bool: ...
        def __int__(self) -> int: ...
        def __float__(self) -> float: ...
        def __complex__(self) -> complex: ...
        def __index__(self) -> int: ...
        def __neg__(self) -> Array: ...
        def __abs__(self) -> Array: ...
        def __invert__(self) -> Array: ...
        def __add__(self, other: Any) -> Array: ...
        def __radd__(self, other: Any) -> Array: ...
        def __sub__(self, other: Any) -> Array: ...
        def __rsub__(self, other: Any) -> Array: ...
        def __mul__(self, other: Any) -> Array: ...
        def __rmul__(self, other: Any) -> Array: ...
        def __truediv__(self, other: Any) -> Array: ...
        def __rtruediv__(self, other: Any) -> Array: ...
        def __floordiv__(self, other: Any) -> Array: ...
        def __mod__(self, other: Any) -> Array: ...
        def __pow__(self, other: Any) -> Array: ...
        def __rpow__(self, other: Any) -> Array: ...
        def __matmul__(self, other: Any) -> Array: ...
        def __rmatmul__(self, other: Any) -> Array: ...
        def __and__(self, other: Any) -> Array: ...
        def __or__(self, other: Any) -> Array: ...
        def __xor__(self, other: Any) -> Array: ...
        def __lshift__(self, other: Any) -> Array: ...
        def __rshift__(self, other: Any) -> Array: ...
        def __lt__(self, other: Any) -> Array: ...
        def __le__(self, other: Any) -> Array: ...
        def __gt__(self, other: Any) -> Array: ...
        def __ge__(self, other: Any) -> Array: ...
        def __eq__(self, other: Any) -> Any: ...
        def __ne__(self, other: Any) -> Any: ...

    _t: Tensor
    _tag: Any
    _frame: Frame | None

    def __init__(self, tensor: Tensor, weak_type: Any = False) -> None:
        self._t = tensor
        self._tag = weak_type
        frame = self._frame = STATE.frame
        if frame is not None and frame.made is not None:
            frame.made.append(ref(self))

    # What is known without values

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self._t.shape)

    @property
    def dtype(self) -> Any:
        """The numpy dtype of the elements."""
        return _FROM_TORCH[self._t.dtype]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._t.dim()

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def weak_type(self) -> bool:
        """Whether the dtype yields to others in promotion, as that of a Python number."""
        return self._tag

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def aval(self) -> ShapedArray:
        """Shape, dtype and weak type as one object."""
        return ShapedArray(self.shape, self.dtype, self.weak_type)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    __hash__ = None  # type: ignore[assignment]  # immutable, but == is elementwise

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "JAX arrays are immutable and do not support in-place item assignment. Instead of x[idx] = y, use "
            "x = x.at[idx].set(y) or another .at[] method: "
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.ndarray.at.html"
        )


def type_alone(x: Array) -> ShapedArray:
    """The type of a value without what it says of a mesh."""
    return ShapedArray(x.shape, x.dtype, x.weak_type)


def constant(tensor: Tensor, tag: Any = False, kind: type[Array] = Array) -> Array:
    """An Array that belongs to no running transformation; ``tensor`` must be plain (made `outside`)."""
    made = kind(tensor, tag)
    made._frame = None
    if STATE.frame is not None and kind is Array and not tensor.ndim and tensor.device.type != "meta":
        trace = current_trace()
        if trace is not None:
            trace.numbers[id(made)] = made
    return made


class NarrowArray(Array):
    """An array of a dtype that torch lacks (int4, some 8-bit floats): values kept in a wider tensor.

    The tag is the dtype. Such arrays are stored, moved, indexed and converted; arithmetic converts first.
    """

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        """The numpy dtype of the elements."""
        return self._tag

    @property
    def weak_type(self) -> bool:
        """Never weakly typed."""
        return False
