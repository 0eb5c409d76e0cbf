"""lax_parts: helpers of `jax._src.lax.lax` and `jax._src.dtypes` that JAX's test files make their values with.

They are private in JAX, and are served under JAX's names (`private_names.py`): constants like another array, matrices
of zeros and ones, conversions that may give a weakly typed array, and the lattice's types as lists.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, check_arraylike, check_rank_promotion, unwrap
from jaxlike._src.dlpack import SUPPORTED_DTYPES_SET
from jaxlike._src.lax.convert import broadcasted_iota, full_like
from jaxlike._src.lax.convert import convert_element_type as convert
from jaxlike._src.lax.shape import broadcast_in_dim, broadcast_to_rank
from jaxlike._src.numpy import scalar_types
from jaxlike._src.numpy.filled import eye as numpy_eye
from jaxlike._src.numpy.triangles import tri as numpy_tri
from jaxlike._src.transforms.arguments import to_array

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike, DTypeLike, Shape

jax_types = [dtypes.BOOL, *dtypes.UNSIGNED, *dtypes.SIGNED, *dtypes.FLOATS, *dtypes.COMPLEX]
weak_types = list(dtypes.WEAK)
default_types = {
    "b": lambda: dtypes.BOOL,
    "i": dtypes.default_int_dtype,
    "u": dtypes.default_uint_dtype,
    "f": dtypes.default_float_dtype,
    "c": dtypes.default_complex_dtype,
}
dlpack_types = frozenset(
    t for t in vars(scalar_types).values() if isinstance(t, scalar_types.ScalarType) and t.dtype in SUPPORTED_DTYPES_SET
)


def dtype_and_weaktype(value: Any) -> tuple[Any, bool]:
    """The dtype of a value or of a type, and whether that is weak."""
    return dtypes.dtype_of(value), any(value is w for w in weak_types) or dtypes.is_weakly_typed(value)


def convert_element_type(operand: ArrayLike, new_dtype: DTypeLike | None = None, weak_type: bool = False) -> Array:
    """``operand`` in another dtype, or in its own, weakly typed if asked."""
    x = to_array(operand)
    wanted = x.dtype if new_dtype is None else dtypes.dtype_of(new_dtype)
    made = convert(operand if isinstance(operand, int) else x, wanted)
    if weak_type:
        return Array(unwrap(made), True)
    return Array(unwrap(made), False) if made.weak_type else made


def const(example: Any, val: Any) -> Any:
    """``val`` in the dtype of ``example``, as weak as that."""
    if type(example) in dtypes.SCALAR_DTYPES or (dtypes.is_weakly_typed(example) and not example.shape):
        return dtypes.scalar_type_of(example)(val)
    return np.array(val, dtypes.dtype_of(example))


zeros = functools.partial(full_like, fill_value=0)
ones = functools.partial(full_like, fill_value=1)
zero = functools.partial(full_like, fill_value=0, shape=())
one = functools.partial(full_like, fill_value=1, shape=())


def eye(dtype: DTypeLike, shape: Shape, offset: int = 0) -> Array:
    """Ones on a diagonal."""
    return numpy_eye(*shape, k=offset, dtype=dtypes.check_and_canonicalize_user_dtype(dtype, "eye"))


def tri(dtype: DTypeLike, shape: Shape, offset: int) -> Array:
    """Ones on a diagonal and below it."""
    return numpy_tri(*shape, k=offset, dtype=dtypes.check_and_canonicalize_user_dtype(dtype, "tri"))


def delta(dtype: DTypeLike, shape: Shape, axes: Sequence[int]) -> Array:
    """Ones where the indices of all these axes are one number."""
    wanted = dtypes.check_and_canonicalize_user_dtype(dtype, "delta")
    base = [shape[k] for k in axes]
    indices = [broadcasted_iota(np.int32, base, k) for k in range(len(base))]
    equal = functools.reduce(operator.and_, itertools.starmap(operator.eq, itertools.pairwise(indices)))
    return broadcast_in_dim(convert(equal, wanted), shape, axes)


def remaining(original: Sequence[Any], *removed_lists: Sequence[Any]) -> list[Any]:
    """What of a list is in none of the others, in its order."""
    removed = set(itertools.chain(*removed_lists))
    return [x for x in original if x not in removed]


def ensure_arraylike(fun_name: str, /, *args: Any) -> Any:
    """The arguments as arrays: one alone, or a tuple of others; TypeError for what is none."""
    check_arraylike(fun_name, *args)
    return asarray(args[0]) if len(args) == 1 else tuple(map(asarray, args))


def promote_shapes(fun_name: str, *args: ArrayLike) -> list[Array]:
    """The arguments as arrays of one number of axes; scalars stay beside arrays of one."""
    arrays = [asarray(a) for a in args]
    shapes = [a.shape for a in arrays]
    if len(set(map(len, shapes))) < 2 or len({len(s) for s in shapes if s}) < 2:
        return arrays
    check_rank_promotion(fun_name, shapes)
    return [broadcast_to_rank(a, max(map(len, shapes))) for a in arrays]
