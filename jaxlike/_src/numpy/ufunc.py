"""ufunc: elementwise functions as objects with the methods that numpy's have.

`reduce`, `accumulate`, `reduceat` and `at` go through the elements one after another, in order, in a loop that
calls the ufunc; where a faster function does the same, the ufunc is made with it. `frompyfunc` makes one of a
function of scalars.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, canonicalize_axis, check_arraylike, kind_of, promote_dtypes
from jaxlike._src.index_plan import as_tuple
from jaxlike._src.lax.scan import scan
from jaxlike._src.lax.while_loop import fori_loop
from jaxlike._src.numpy.arguments import user_dtype
from jaxlike._src.numpy.filled import full, ones_like
from jaxlike._src.numpy.select import where as select
from jaxlike._src.numpy.shape import broadcast_shapes, broadcast_to, expand_dims, moveaxis, ravel, reshape
from jaxlike._src.numpy.stacking import append
from jaxlike._src.numpy.take import take
from jaxlike._src.numpy.vectorize import vectorize
from jaxlike._src.transforms.compiled import hashable
from jaxlike._src.transforms.inspect import eval_shape
from jaxlike._src.transforms.jit import jit

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.typing import ArrayLike, DTypeLike

    Function = Callable[..., Any]


class Facts(NamedTuple):
    """What tells one ufunc from another."""

    func: Function
    name: str
    identity: Any
    nin: int
    nout: int
    nargs: int


class ufunc:
    """A function of scalars that maps over arrays, whose shapes broadcast.

    Args:
        func: function of ``nin`` scalars.
        nin: number of arguments.
        nout: number of results; a function with several gives a tuple.
        name: the name in messages, if it is not the function's.
        nargs: number of arguments that `nargs` tells, if it is not ``nin``.
        identity: what combines with ``x`` to ``x``: the start of reductions.
        call: the function of arrays, if there is one already.
        reduce: what does the same as `reduce`; likewise ``accumulate``, ``at`` and ``reduceat``.
    """

    def __init__(
        self,
        func: Function,
        /,
        nin: int,
        nout: int,
        *,
        name: str | None = None,
        nargs: int | None = None,
        identity: Any = None,
        call: Function | None = None,
        reduce: Function | None = None,
        accumulate: Function | None = None,
        at: Function | None = None,
        reduceat: Function | None = None,
    ) -> None:
        self.__doc__ = func.__doc__
        self.__name__ = name or func.__name__
        counts = [operator.index(n) for n in (nin, nout, nargs or nin)]
        self._facts = Facts(func, self.__name__, identity, *counts)
        self._call = call or _over_arrays(self)
        self._reduce = reduce or self._reduce_in_order
        self._accumulate = accumulate or self._accumulate_in_order
        self._at = at or self._at_in_order
        self._reduceat = reduceat or self._reduceat_in_order

    nin = property(lambda self: self._facts.nin, doc="Number of arguments.")
    nout = property(lambda self: self._facts.nout, doc="Number of results.")
    nargs = property(lambda self: self._facts.nargs, doc="Number of arguments.")
    identity = property(lambda self: self._facts.identity, doc="What leaves the other argument as it is, or None.")

    def __hash__(self) -> int:
        return hash(self._facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ufunc) and self._facts == other._facts

    def __repr__(self) -> str:
        return f"<jnp.ufunc '{self.__name__}'>"

    def __call__(self, *args: ArrayLike, out: None = None, where: None = None) -> Any:
        """The function of each entry; ``out`` and ``where`` are not supported."""
        if out is not None or where is not None:
            check_arraylike(self.__name__, *args)
            raise NotImplementedError(f"{'where' if out is None else 'out'} argument of {self}")
        return self._call(*args)

    def _check_binary(self, method: str, out: Any = None) -> None:
        if self.nin != 2:
            raise ValueError(f"{method} only supported for binary ufuncs")
        if self.nout != 1:
            raise ValueError(f"{method} only supported for functions returning a single value")
        if out is not None:
            raise NotImplementedError(f"out argument of {self.__name__}.{method}()")

    def _result_dtype(self, *args: ArrayLike) -> Any:
        """The dtype of the function of scalars like the entries of these."""
        scalars = [ones_like(a, shape=()) for a in args]
        return eval_shape(self._facts.func, *scalars).dtype

    # reduce

    def reduce(
        self,
        a: ArrayLike,
        axis: int | None = 0,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike | None = None,
    ) -> Array:
        """The entries along an axis combined, from the first to the last.

        Args:
            a: array.
            axis: the axis that goes; None: all.
            dtype: dtype of the result.
            out: not supported.
            keepdims: leave the axis in the result, with size 1.
            initial: what the first entry is combined with.
            where: boolean array; entries where it is False are left out.
        """
        name = f"{self.__name__}.reduce"
        hashable(axis, dtype, out, keepdims)
        check_arraylike(name, a)
        self._check_binary("reduce", out)
        if initial is not None:
            check_arraylike(name, initial)
        if where is not None:
            check_arraylike(name, where)
            if self.identity is None and initial is None:
                raise ValueError(
                    f"reduction operation {self.__name__!r} does not have an identity, so to use a where mask one has "
                    "to specify 'initial'."
                )
            if (given := kind_of(where)[0]) != dtypes.BOOL:
                raise ValueError(f"where argument must have dtype=bool; got dtype={given}")
        return self._reduce(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)

    def _reduce_in_order(
        self, a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any
    ) -> Array:  # fmt: skip
        x = asarray(a)
        initial = self.identity if initial is None else initial
        dtype = self._result_dtype(x, x) if dtype is None else user_dtype(dtype, "astype")
        mask = None if where is None else broadcast_to(where, x.shape)
        if isinstance(axis, tuple):
            _ = [canonicalize_axis(i, x.ndim) for i in axis]
            raise NotImplementedError("tuple of axes")
        sizes = x.shape
        if axis is None:
            x, mask = ravel(x), None if mask is None else ravel(mask)
            shape = (1,) * len(sizes) if keepdims else ()
        else:
            at = canonicalize_axis(axis, x.ndim)
            x, mask = moveaxis(x, at, 0), None if mask is None else moveaxis(mask, at, 0)
            shape = (*sizes[:at], *((1,) if keepdims else ()), *sizes[at + 1 :])
        if not x.shape[0]:
            if initial is None:
                raise ValueError(f"zero-size array to reduction operation {self.__name__} which has no identity")
            return full(shape, initial, dtype)

        def step(i: Any, value: Any) -> Any:
            combined = self(value, astype(x[i], dtype))
            return combined if mask is None else select(mask[i], combined, value)

        first = x[0] if initial is None else initial
        start = broadcast_to(astype(asarray(first), dtype), x.shape[1:])
        return reshape(fori_loop(1 if initial is None else 0, x.shape[0], step, start), shape)

    # accumulate

    def accumulate(self, a: ArrayLike, axis: int = 0, dtype: DTypeLike | None = None, out: None = None) -> Array:
        """For each entry along an axis: it and all before it combined.

        Args:
            a: array.
            axis: axis.
            dtype: dtype of the result.
            out: not supported.
        """
        hashable(axis, dtype)
        self._check_binary("accumulate", out)
        return self._accumulate(a, axis=axis, dtype=dtype)

    def _accumulate_in_order(self, a: Any, axis: Any, dtype: Any) -> Array:
        check_arraylike(f"{self.__name__}.accumulate", a)
        x = asarray(a)
        dtype = self._result_dtype(x, x) if dtype is None else user_dtype(dtype, "astype")
        if axis is None or isinstance(axis, tuple):
            raise ValueError("accumulate does not allow multiple axes")
        at = canonicalize_axis(axis, x.ndim)
        if not x.size:
            return full(x.shape, 0, dtype)
        x = astype(moveaxis(x, at, 0), dtype)

        def step(value: Any, entry: Any) -> Any:
            _, combined = promote_dtypes(value, self(value, entry))
            return combined, combined

        _, rest = scan(step, x[0], x[1:])
        return moveaxis(append(x[:1], rest, axis=0), 0, at)

    # at

    def at(self, a: ArrayLike, indices: Any, b: ArrayLike | None = None, /, *, inplace: bool = True) -> Array:
        """A copy where the function was applied to some elements, once for each time that a place is named.

        Args:
            a: array.
            indices: index array, number, or a tuple of them.
            b: second arguments of a function of two.
            inplace: must be False: the array itself stays as it is.
        """
        for index in indices if isinstance(indices, tuple) else (indices,):
            if isinstance(index, slice):
                raise TypeError(
                    f"Error interpreting argument to {ufunc.at} as an abstract array. The problematic value is of type "
                    f"{slice} and was passed to the function at path indices."
                )
        if inplace:
            raise NotImplementedError(
                "Because JAX arrays are immutable, jnp.ufunc.at() cannot operate inplace like\nnp.ufunc.at(). Instead, "
                "you can pass inplace=False and capture the result; e.g.\n"
                ">>> arr = jnp.add.at(arr, ind, val, inplace=False)\n"
            )
        return self._at(a, indices) if b is None else self._at(a, indices, b)

    def _at_in_order(self, a: Any, indices: Any, *more: Any) -> Array:
        check_arraylike(f"{self.__name__}.at", a, *more)
        dtype = self._result_dtype(a, *more)
        x = astype(asarray(a), dtype)
        args = [astype(asarray(b), dtype) for b in more]
        index = as_tuple(indices)
        if not index:
            return x
        shape = broadcast_shapes(*map(np.shape, index))
        if not shape:
            return x.at[index].set(self(x.at[index].get(), *args))
        rows = math.prod(shape)
        args = [broadcast_to(b, (*shape, *b.shape[len(shape) :])).reshape(rows, *b.shape[len(shape) :]) for b in args]
        places = [ravel(broadcast_to(i, shape)) for i in index]

        def step(value: Any, one: Any) -> Any:
            here, operands = one
            return value.at[tuple(here)].set(self(value.at[tuple(here)].get(), *operands)), None

        return scan(step, x, (places, args), length=rows)[0]

    # reduceat

    def reduceat(
        self, a: ArrayLike, indices: Any, axis: int = 0, dtype: DTypeLike | None = None, out: None = None
    ) -> Array:
        """The entries between each index and the next combined; the entry at the index if the next is not larger.

        Args:
            a: array.
            indices: vector of places along the axis.
            axis: axis.
            dtype: accepted.
            out: not supported.
        """
        hashable(axis, dtype)
        self._check_binary("reduceat", out)
        return self._reduceat(a, indices, axis=axis, dtype=dtype)

    def _reduceat_in_order(self, a: Any, indices: Any, axis: Any, dtype: Any) -> Array:
        del dtype
        check_arraylike(f"{self.__name__}.reduceat", a, indices)
        x = asarray(a)
        (index,) = map(asarray, as_tuple(indices))
        if x.ndim == 0:
            raise ValueError(f"reduceat: a must have 1 or more dimension, got a.shape={x.shape}")
        if index.ndim != 1:
            raise ValueError(f"reduceat: indices must be one-dimensional, got indices.shape={index.shape}")
        if axis is None or isinstance(axis, tuple | list):
            raise ValueError("reduceat requires a single integer axis.")
        at = canonicalize_axis(axis, x.ndim)
        others = [i for i in range(x.ndim) if i != at]
        first = expand_dims(index, others)
        end = expand_dims(append(index[1:], x.shape[at]), others)

        def step(i: Any, value: Any) -> Any:
            return select((i > first) & (i < end), self(value, take(x, expand_dims(i, 0), axis=at)), value)

        return fori_loop(0, x.shape[at], step, take(x, index, axis=at))

    # outer

    def outer(self, A: ArrayLike, B: ArrayLike, /) -> Array:
        """The function of all pairs of entries; the shape is that of ``A`` followed by that of ``B``."""
        self._check_binary("outer")
        check_arraylike(f"{self.__name__}.outer", A, B)
        x, y = asarray(A), asarray(B)
        return self(expand_dims(x, range(x.ndim, x.ndim + y.ndim)), expand_dims(y, range(x.ndim)))


def _over_arrays(function: ufunc) -> Function:
    """What a ufunc of a function of scalars does with arrays."""
    mapped = vectorize(function._facts.func)

    def call(*args: ArrayLike) -> Any:
        check_arraylike(function.__name__, *args)
        return compiled(*args)

    compiled = jit(mapped)
    return call


def frompyfunc(func: Function, /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """A `ufunc` of a function of scalars.

    Args:
        func: function of ``nin`` scalars that gives ``nout``.
        nin: number of arguments.
        nout: number of results.
        identity: what combines with ``x`` to ``x``, if there is such a thing.
    """
    return ufunc(func, nin, nout, identity=identity)


ufunc.__module__ = "jaxlike.numpy"
