"""reduce: sums, products, extremes and bitwise reductions over axes that keep the dtype; argmax and argmin.

`reduce` with a function of its own halves the reduced axis again and again, combining neighbours, so the order
of the elements is kept; what is a sum, product, extreme or bitwise reduction is recognized.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, cast, concrete_tensor, tensor_to_numpy, unwrap
from jaxlike._src.lax import bits, elementwise
from jaxlike._src.lax.shape import transpose
from jaxlike._src.lax.slicing import slice_in_dim
from jaxlike._src.lax.strict import compute, operand, result
from jaxlike._src.numpy import reduce as numpy_reduce
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.reduction import identity_of
from jaxlike._src.numpy.sort import sortable
from jaxlike._src.regions import equation
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

    Kernel = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _reduced(name: str, x: ArrayLike, axes: Sequence[int], kernel: Kernel, identity: Any, rule: Any) -> Array:
    """Check the axes, reduce; nothing to reduce gives the identity."""
    a, chosen = operand(name, x), tuple(axes)
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"duplicate value in 'axes' of reduction: {chosen}")
    if not all(0 <= i < a.ndim for i in chosen):
        raise ValueError(f"reduction axes {chosen} contains out-of-bounds indices for {a.aval.str_short()}.")
    if not chosen:
        return a
    if 0 in (a.shape[i] for i in chosen):
        sizes = [n for i, n in enumerate(a.shape) if i not in chosen]
        start = identity_of(identity, a.dtype).to(unwrap(a).device)
        return like(a, start.expand(sizes))
    return result(name, compute(lambda t: kernel(t, chosen, False), rule, a), a.weak_type)


def _kernel(reduction: Any) -> Kernel:
    return reduction.kernel


def _numbers(name: str, x: ArrayLike) -> Array:
    a = operand(name, x)
    if not dtypes.issubdtype(a.dtype, np.number):
        raise TypeError(f"{name} does not accept dtype {a.dtype}. Accepted dtypes are subtypes of number.")
    return a


def reduce_sum(operand: ArrayLike, axes: Sequence[int], *, out_sharding: Any = None) -> Array:
    """Sum over axes; integers wrap around."""
    del out_sharding
    return _reduced("reduce_sum", _numbers("reduce_sum", operand), axes, _kernel(numpy_reduce.sum), 0, "bits")


def reduce_prod(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Product over axes; integers wrap around."""
    return _reduced("reduce_prod", _numbers("reduce_prod", operand), axes, _kernel(numpy_reduce.prod), 1, "bits")


def reduce_max(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Largest element over axes, NaN if there is one; of nothing the smallest value of the dtype."""
    return _reduced("reduce_max", operand, axes, _kernel(numpy_reduce.max), -math.inf, "order")


def reduce_min(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Smallest element over axes, NaN if there is one; of nothing the largest value of the dtype."""
    return _reduced("reduce_min", operand, axes, _kernel(numpy_reduce.min), math.inf, "order")


# Bitwise


def folded(op: Callable[[Tensor, Tensor], Tensor], identity: int = 0) -> Kernel:
    """A reduction by halves with an associative and commutative op; of nothing it is the identity."""

    def kernel(tensor: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
        kept = [i for i in range(tensor.dim()) if i not in axes]
        rows = math.prod(tensor.shape[i] for i in axes)
        flat = tensor.permute([*kept, *axes]).reshape([*(tensor.shape[i] for i in kept), rows])
        while (n := flat.shape[-1]) > 1:
            joined = op(flat.narrow(-1, 0, n // 2), flat.narrow(-1, n // 2, n // 2))
            flat = torch.cat([joined, flat.narrow(-1, n - 1, 1)], -1) if n % 2 else joined
        reduced = flat.squeeze(-1) if flat.shape[-1] else torch.full_like(flat.sum(-1, dtype=flat.dtype), identity)
        return reduced.reshape([1 if i in axes else n for i, n in enumerate(tensor.shape)]) if keepdims else reduced

    return kernel


def _bitwise(name: str, x: ArrayLike, axes: Sequence[int], op: Any, identity: int) -> Array:
    a = operand(name, x)
    if not dtypes.any_of((np.bool_, np.integer), a.dtype):
        raise TypeError(f"logical reduction requires operand dtype bool or int, got {a.dtype}.")
    for axis in axes:
        if not -a.ndim <= axis < a.ndim:
            raise IndexError(f"index {axis} is out of bounds for axis 0 with size {a.ndim}")
    return _reduced(name, a, axes, folded(op), identity, "bits")


def reduce_and(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Bitwise and over axes; of bool whether all hold."""
    a = _operand("reduce_and", operand)
    return _bitwise("reduce_and", a, axes, torch.bitwise_and, 1 if a.dtype == np.bool_ else -1)


def reduce_or(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Bitwise or over axes; of bool whether any holds."""
    return _bitwise("reduce_or", operand, axes, torch.bitwise_or, 0)


def reduce_xor(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Bitwise exclusive or over axes; of bool whether an odd number hold."""
    return _bitwise("reduce_xor", operand, axes, torch.bitwise_xor, 0)


_operand = operand

# Places


def _place(name: str, x: ArrayLike, axis: int, index_dtype: DTypeLike) -> Array:
    wanted = dtypes.check_and_canonicalize_user_dtype(index_dtype, name)
    a = operand(name, x)
    if not dtypes.issubdtype(wanted, np.integer):
        raise TypeError(f"index_dtype must be an integer type, but got {wanted}")
    if not 0 <= axis < a.ndim:
        raise ValueError(f"Invalid axis {axis} for operand shape {a.shape}")
    if a.shape[axis] < 1:
        raise ValueError(f"argmin and argmax require non-empty reduced dimension. operand.shape={a.shape} axis={axis}")
    if dtypes.issubdtype(a.dtype, np.complexfloating):
        raise TypeError(
            f"{'gt' if name == 'argmax' else 'lt'} does not accept dtype {a.dtype} at position 0. Accepted dtypes at "
            "position 0 are subtypes of integer, floating, bool."
        )
    kernel = torch.argmax if name == "argmax" else torch.argmin
    return Array(cast(kernel(sortable(unwrap(a)), dim=axis), dtypes.to_torch(wanted)))


def _whole(operand: ArrayLike, axis: int, index_dtype: DTypeLike) -> Any:
    return (operand,), {"axes": (axis,), "index_dtype": dtypes.canonicalize_dtype(index_dtype)}


@equation("argmax", _whole)
def argmax(operand: ArrayLike, axis: int, index_dtype: DTypeLike) -> Array:
    """Where along ``axis`` the largest element is: the first such place, or the first NaN."""
    return _place("argmax", operand, axis, index_dtype)


@equation("argmin", _whole)
def argmin(operand: ArrayLike, axis: int, index_dtype: DTypeLike) -> Array:
    """Where along ``axis`` the smallest element is: the first such place, or the first NaN."""
    return _place("argmin", operand, axis, index_dtype)


# With a function of one's own


_MONOIDS: dict[Any, tuple[Any, Any]] = {
    elementwise.add: (reduce_sum, lambda d: 0),
    elementwise.mul: (reduce_prod, lambda d: 1),
    elementwise.max: (reduce_max, lambda d: _extreme(d, smallest=True)),
    elementwise.min: (reduce_min, lambda d: _extreme(d, smallest=False)),
    bits.bitwise_and: (reduce_and, lambda d: np.array(-1).astype(d)),
    bits.bitwise_or: (reduce_or, lambda d: np.array(0, d)),
    bits.bitwise_xor: (reduce_xor, lambda d: np.array(0, d)),
}


def _extreme(dtype: Any, smallest: bool) -> Any:
    if dtypes.issubdtype(dtype, np.inexact):
        if dtypes.supports_inf(dtype):
            return -np.inf if smallest else np.inf
        info = dtypes.finfo(dtype)
    elif dtype == np.bool_:
        return not smallest
    else:
        info = dtypes.iinfo(dtype)
    return info.min if smallest else info.max


def _monoid(computation: Any, inits: Sequence[Array]) -> Any:
    """The function that does the same as a reduction with this computation and start, or None."""
    try:
        known = _MONOIDS.get(computation)
    except TypeError:
        return None
    start = concrete_tensor(inits[0]) if len(inits) == 1 else None
    if known is None or start is None or start.dim():
        return None
    kind, identity = known
    return kind if tensor_to_numpy(start, inits[0].dtype) == identity(inits[0].dtype) else None


def reduce(
    operands: Any, init_values: Any, computation: Callable[[Any, Any], Any], dimensions: Sequence[int],
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """Elements combined over axes by an associative function.

    Args:
        operands: array, or a tree of arrays of one shape.
        init_values: scalars in the same tree; the function's identity.
        computation: takes two trees of scalars and gives one.
        dimensions: axes to reduce over.
        out_sharding: accepted.
    """
    del out_sharding
    leaves, tree = tree_flatten(operands)
    starts, start_tree = tree_flatten(init_values)
    if tree != start_tree:
        raise ValueError(f"Operands must have the same tree structure as init_values: {tree} vs. {start_tree}")
    arrays = [operand("reduce", x, k) for k, x in enumerate(leaves)]
    inits = [operand("reduce", x, len(leaves) + k) for k, x in enumerate(starts)]
    same = _monoid(computation, inits)
    if same is not None:
        out = same(arrays[0], dimensions)
        return astype(out, out.dtype, arrays[0].weak_type and inits[0].weak_type)
    if any(i.shape for i in inits):
        raise ValueError(f"reduce found non-scalar initial value: {[i.shape for i in inits]}")
    if [a.dtype for a in arrays] != [i.dtype for i in inits]:
        raise TypeError(
            "reduce operand dtypes should match corresponding initial value dtypes, got operands="
            f"{[a.aval for a in arrays]} and initial_values={[i.aval for i in inits]}"
        )
    outs = _by_halves(arrays, inits, tree, computation, tuple(dimensions))
    weak = [a.weak_type and i.weak_type for a, i in zip(arrays, inits, strict=True)]
    return tree_unflatten(tree, [astype(o, o.dtype, w) for o, w in zip(outs, weak, strict=True)])


def _by_halves(
    arrays: Sequence[Array], inits: Sequence[Array], tree: Any, computation: Any, axes: tuple[int, ...]
) -> list[Array]:
    shape = arrays[0].shape
    kept = [i for i in range(len(shape)) if i not in axes]
    sizes = [shape[i] for i in kept]

    def combine(xs: Sequence[Array], ys: Sequence[Array]) -> list[Array]:
        one: Any = computation
        for _ in xs[0].shape:
            one = vmap(one)
        return [
            asarray(v) for v in tree_flatten(one(tree_unflatten(tree, list(xs)), tree_unflatten(tree, list(ys))))[0]
        ]

    rows = [_flat(transpose(a, (*axes, *kept)), (math.prod(shape[i] for i in axes), *sizes)) for a in arrays]
    start = [like(i, unwrap(i).expand(sizes)) for i in inits]
    if not rows[0].shape[0]:
        return start
    while (n := rows[0].shape[0]) > 1:
        left = [slice_in_dim(r, 0, n - n % 2, 2) for r in rows]
        right = [slice_in_dim(r, 1, n, 2) for r in rows]
        joined = combine(left, right)
        if n % 2:
            joined = [
                like(j, torch.cat([unwrap(j), unwrap(r).narrow(0, n - 1, 1)]))
                for j, r in zip(joined, rows, strict=True)
            ]
        rows = joined
    return combine(start, [like(r, unwrap(r).squeeze(0)) for r in rows])


def _flat(x: Array, shape: tuple[int, ...]) -> Array:
    return like(x, unwrap(x).reshape(shape))
