"""methods: the operators and methods of BCOO and BCSR: those of a dense array, made sparse.

Bound to the classes when this module is imported, since `sparsify` stands above them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.dtypes import result_type
from jaxlike._src.experimental.sparse import rules as rules  # the rules that `sparsify` uses below
from jaxlike._src.experimental.sparse.bcoo import BCOO as BCOO
from jaxlike._src.experimental.sparse.bcsr import BCSR as BCSR
from jaxlike._src.experimental.sparse.transform import sparsify
from jaxlike._src.lax.dot import dot_general
from jaxlike._src.lax.shape import squeeze, transpose
from jaxlike._src.numpy.arithmetic import abs as absolute
from jaxlike._src.numpy.arithmetic import add, multiply, negative, positive, subtract, true_divide
from jaxlike._src.numpy.compare import equal, greater, greater_equal, less, less_equal, not_equal
from jaxlike._src.numpy.power import power
from jaxlike._src.numpy.products import matmul as dense_matmul

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _of_self(name: str) -> Callable[..., Any]:
    """A method that calls the dense array's of this name."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return sparsify(lambda x: getattr(x, name)(*args, **kwargs))(self)

    method.__name__ = name
    return method


def _reflected(op: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator with its sides exchanged."""

    def swapped(x: Any, y: Any) -> Any:
        return op(y, x)

    return sparsify(swapped)


def matmul(x: Any, y: Any) -> Any:
    """`jax.numpy.matmul` as one sum of products over axes as they are, which a sparse side can be."""
    batch = max(x.ndim, y.ndim) - 2
    if min(x.ndim, y.ndim) == 0:
        return dense_matmul(x, y)  # which says what is wrong
    sizes = [_batch_sizes(v, batch) for v in (x, y)]
    x, y = (_without_ones(v, own, other) for v, own, other in ((x, *sizes), (y, *sizes[::-1])))
    kept = [[k for k, size in enumerate(own) if size is not None] for own in (_left(*sizes), _left(*sizes[::-1]))]
    common = [k for k in kept[0] if k in kept[1]]
    numbers = ((x.ndim - 1,), (max(y.ndim - 2, 0),)), (
        tuple(kept[0].index(k) for k in common),
        tuple(kept[1].index(k) for k in common),
    )
    out = dot_general(x, y, numbers, preferred_element_type=result_type(x, y))
    labels = [
        *common,
        *(k for k in kept[0] if k not in common),
        *([batch] if x.ndim > len(kept[0]) + 1 else []),
        *(k for k in kept[1] if k not in common),
        *([batch + 1] if y.ndim > len(kept[1]) + 1 else []),
    ]
    order = sorted(range(len(labels)), key=labels.__getitem__)
    return out if order == list(range(len(labels))) else transpose(out, order)


def _batch_sizes(x: Any, batch: int) -> list[int | None]:
    """Sizes of the axes before the last two, aligned at their end; None where there is no axis."""
    own = x.shape[: max(x.ndim - 2, 0)]
    return [*[None] * (batch - len(own)), *own]


def _left(own: list[int | None], other: list[int | None]) -> list[int | None]:
    """Batch sizes without those of 1 that the other side has in another size."""
    return [None if s == 1 and t not in (1, None) else s for s, t in zip(own, other, strict=True)]


def _without_ones(x: Any, own: list[int | None], other: list[int | None]) -> Any:
    first = own.count(None)
    gone = [k - first for k, (s, t) in enumerate(zip(own, other, strict=True)) if s == 1 and t not in (1, None)]
    return squeeze(x, gone) if gone else x


def _power(x: BCOO, y: Any) -> Any:
    """``x ** y``, where a number ``y`` is one still when it is traced."""
    return sparsify(lambda base: power(base, y))(x)


def _getitem(arr: Any, idx: Any, **options: Any) -> Any:
    """``arr[idx]``; indices are dense."""
    del options
    found = sparsify(lambda x: x[idx])(arr)
    if isinstance(arr, BCOO) and not isinstance(found, BCOO) and np.size(found) == 0:
        return BCOO.fromdense(found)
    return found


def _iterate(arr: BCOO) -> Iterator[Any]:
    return iter([arr[k] for k in range(arr.shape[0])])


_BCOO = {
    "astype": _of_self("astype"),
    "reshape": _of_self("reshape"),
    "sum": _of_self("sum"),
    "__abs__": sparsify(absolute),
    "__neg__": sparsify(negative),
    "__pos__": sparsify(positive),
    "__matmul__": sparsify(matmul),
    "__rmatmul__": _reflected(matmul),
    "__mul__": sparsify(multiply),
    "__rmul__": _reflected(multiply),
    "__truediv__": sparsify(true_divide),
    "__rtruediv__": _reflected(true_divide),
    "__add__": sparsify(add),
    "__radd__": _reflected(add),
    "__sub__": sparsify(subtract),
    "__rsub__": _reflected(subtract),
    "__pow__": _power,
    "__rpow__": _reflected(power),
    "__getitem__": _getitem,
    "__iter__": _iterate,
    "__gt__": sparsify(greater),
    "__ge__": sparsify(greater_equal),
    "__lt__": sparsify(less),
    "__le__": sparsify(less_equal),
    "__eq__": sparsify(equal),
    "__ne__": sparsify(not_equal),
}
_BCSR = {"__matmul__": sparsify(matmul), "__rmatmul__": _reflected(matmul), "__getitem__": _getitem}

for _class, _methods in ((BCOO, _BCOO), (BCSR, _BCSR)):
    for _name, _method in _methods.items():
        setattr(_class, _name, _method)
