"""strict: decorators that lift a kernel to a `jax.lax` function: check, compute, wrap; nothing is promoted.

Operands must have one dtype, of a kind that the function takes, and one shape (a scalar goes with any shape;
axes of size 1 broadcast, missing axes do not). The result is weakly typed if all operands are.
The fast path is first: Arrays of the running frame, of a dtype that the kernel takes as it is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.border import FLOAT0_TEXT, asarray, astype, cast, is_arraylike, refuse_own_arrays, unwrap
from jaxlike._src.debug_checks import renamed
from jaxlike._src.family import EVERY
from jaxlike._src.frames import STATE
from jaxlike._src.lax.accuracy import AccuracyMode, Tolerance
from jaxlike._src.placement import follow
from jaxlike._src.regions import as_one
from jaxlike._src.transforms.arguments import is_float0

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

    Kernel: TypeAlias = Callable[..., Tensor]

# Kinds of dtype, as functions take them.
INT: Final = (np.integer,)
SIGNED: Final = (np.signedinteger,)
FLOAT: Final = (np.floating,)
COMPLEX: Final = (np.complexfloating,)
BOOL: Final = (np.bool_,)
INEXACT: Final = FLOAT + COMPLEX
NUMBER: Final = INT + INEXACT
BITS: Final = INT + BOOL
ORDERED: Final = INT + FLOAT + BOOL
ANY: Final = NUMBER + BOOL
WIDE_FLOAT: Final = (np.float32, np.float64)

_FLOAT8: Final = frozenset(t for t in dtypes.FROM_TORCH if t.is_floating_point and t.itemsize == 1)
_NUMPY_NAMES: Final = {
    "acos": "arccos", "acosh": "arccosh", "add": "add", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh", "bitwise_and": "bitwise_and", "bitwise_not": "bitwise_not",
    "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor", "cbrt": "cbrt", "ceil": "ceil",
    "concatenate": "concatenate", "cos": "cos", "cosh": "cosh", "div": "divide", "eq": "equal", "exp": "exp",
    "expm1": "expm1", "floor": "floor", "greater": "greater", "greater_equal": "greater_equal", "less": "less",
    "less_equal": "less_equal", "log": "log", "log1p": "log1p", "max": "maximum", "min": "minimum",
    "mul": "multiply", "ne": "not_equal", "neg": "negative", "nextafter": "nextafter", "pow": "float_power",
    "round": "round", "select": "where", "shift_left": "left_shift", "shift_right_logical": "right_shift",
    "shift_right_arithmetic": "right_shift", "sign": "sign", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt",
    "sub": "subtract", "tan": "tan", "tanh": "tanh",
}  # fmt: skip


# Checks


def operand(name: str, x: Any, position: int = 0) -> Array:
    """An operand as an Array; TypeError in JAX's words for what is no value."""
    if isinstance(x, Array):
        return x
    is_data = isinstance(x, np.ndarray | np.generic)
    if not is_arraylike(x) or (is_data and x.dtype not in dtypes.VALID and x.dtype != dtypes.float0):
        raise TypeError(
            f"Error interpreting argument to {name} as a JAX value. The problematic value is of type {type(x)} and was "
            f"passed to {name} at position {position}."
        )
    refuse_own_arrays(x, nodes=True)
    return asarray(x)


def check_kind(name: str, dtype: Any, accepts: tuple[Any, ...], position: int | None = None) -> None:
    """TypeError where a dtype is of none of the kinds that a function takes."""
    if dtypes.any_of(accepts, dtype):
        return
    at = "" if position is None else f" at position {position}"
    kinds = ", ".join("bool" if k is np.bool_ else k.__name__ for k in accepts)
    raise TypeError(f"{name} does not accept dtype {dtype}{at}. Accepted dtypes{at} are subtypes of {kinds}.")


def check_same_dtypes(name: str, arrays: Sequence[Array]) -> None:
    """TypeError where dtypes differ."""
    if all(a.dtype == arrays[0].dtype for a in arrays[1:]):
        return
    tip = ""
    if name in _NUMPY_NAMES:
        tip = f" (Tip: jnp.{_NUMPY_NAMES[name]} is a similar function that does automatic type promotion on inputs)."
    found = ", ".join(str(a.dtype) for a in arrays)
    raise TypeError(f"lax.{name} requires arguments to have the same dtypes, got {found}.{tip}")


def check_shapes(name: str, shapes: Sequence[tuple[int, ...]]) -> None:
    """TypeError where shapes differ by more than axes of size 1; scalars go with every shape."""
    shapes = [s for s in shapes if s]
    ranks = {len(s) for s in shapes}
    if len(ranks) > 1:
        raise TypeError(f"{name}: arrays must have the same number of dimensions, got {ranks}")
    for sizes in zip(*shapes, strict=True):
        if len({n for n in sizes if n != 1}) > 1:
            raise TypeError(
                f"{name} got incompatible shapes for broadcasting: {', '.join(map(str, map(tuple, shapes)))}."
            )


def check_shapelike(name: str, argument: str, obj: Any) -> None:
    """TypeError where an argument is no sequence of ints that are not negative."""
    if not isinstance(obj, tuple | list | np.ndarray):
        raise TypeError(f"{name} {argument} must be of type tuple/list/ndarray, got {type(obj)}.")
    if not len(obj):
        return
    if not all(isinstance(d, int | np.integer) and not isinstance(d, bool) for d in obj):
        raise TypeError(f"{name} {argument} must have every element be an integer type, got {tuple(map(type, obj))}.")
    if any(d < 0 for d in obj):
        raise TypeError(f"{name} {argument} must have every element be nonnegative, got {obj}.")


def refuse_float0(name: str, x: Any, position: int | None = None) -> None:
    """TypeError for a tangent of an integer."""
    if is_float0(x):
        what = "array" if position is None else f"at position {position}"
        raise TypeError(f"Called {name} with a float0 {what}. {FLOAT0_TEXT}")


def compute(kernel: Kernel, rule: unsigned.Uint64Rule, *arrays: Array) -> tuple[Tensor, Any]:
    """Apply a kernel to Arrays of one dtype, in a type that torch computes in; the result and its dtype."""
    x = arrays[0]
    tensors = [unwrap(a) for a in arrays]
    dtype = tensors[0].dtype
    if dtype in unsigned.WIDE:
        out = unsigned.emulate(kernel, rule, *tensors)
    elif dtype in _FLOAT8:
        out = kernel(*(t.to(torch.float32) for t in tensors))
        out = cast(out, dtype) if out.dtype is torch.float32 else out
    else:
        out = kernel(*tensors)
    if isinstance(x, NarrowArray) and out.dtype is dtype:  # int4 and its like: back into their range
        return unwrap(astype(Array(out), x.dtype)), x.dtype
    return out, dtypes.from_torch(out.dtype)


def result(name: str, out: tuple[Tensor, Any], weak: bool) -> Array:
    """What `compute` gave, as an Array."""
    tensor, dtype = out
    try:
        return NarrowArray(tensor, dtype) if dtype in dtypes.STORAGE else Array(tensor, weak)
    except FloatingPointError as error:
        raise renamed(name, error) from None


# The decorators


def publish(op: Any, kernel: Kernel) -> Any:
    """Give ``op`` the name and documentation of its kernel."""
    op.__name__ = op.__qualname__ = kernel.__name__
    op.__module__, op.__doc__, op.kernel = "jaxlike.lax", kernel.__doc__, kernel
    return op


def _direct(accepts: tuple[Any, ...]) -> frozenset[torch.dtype]:
    return frozenset(t for t in EVERY if dtypes.any_of(accepts, dtypes.from_torch(t)))


def unop(
    accepts: tuple[Any, ...],
    *,
    primitive: str = "",
    shown: dict[str, Any] | None = None,
    uint64: unsigned.Uint64Rule = "bits",
    accuracy: bool = False,
) -> Callable[[Kernel], Callable[..., Array]]:
    """Lift a kernel of one tensor.

    Args:
        accepts: the kinds of dtype that it takes.
        primitive: its name in errors, if that is not the function's.
        shown: parameters of its equation.
        uint64: how unsigned 64-bit operands are computed, see `unsigned`.
        accuracy: whether it takes an ``accuracy`` (which changes nothing here).
    """
    direct = _direct(accepts)
    params = {"accuracy": None} if accuracy else shown or {}

    def lift(kernel: Kernel) -> Callable[..., Array]:
        name = primitive or kernel.__name__
        if name == "conj":
            traced = kernel
        else:
            traced = functools.partial(as_one, name, params, kernel)

        def general(x: Any) -> Array:
            refuse_float0(name, x)
            x = operand(name, x)
            check_kind(name, x.dtype, accepts)
            return follow(name, result(name, compute(traced, uint64, x), x.weak_type), x)

        def op(x: ArrayLike) -> Array:
            if type(x) is Array and x._frame is STATE.fast and x._t.dtype in direct:
                return Array(kernel(x._t) if x._frame is None else traced(x._t), x._tag)
            return general(x)

        def op_with_accuracy(x: ArrayLike, *, accuracy: Any = None) -> Array:
            if accuracy is not None:
                check_accuracy(accuracy)
            return op(x)

        return publish(op_with_accuracy if accuracy else op, kernel)

    return lift


def binop(
    accepts: tuple[Any, ...],
    *,
    primitive: str = "",
    uint64: unsigned.Uint64Rule = "bits",
    extended: Kernel | None = None,
) -> Callable[[Kernel], Callable[..., Array]]:
    """Lift a kernel of two tensors of one dtype.

    Args:
        accepts: the kinds of dtype that it takes.
        primitive: its name in errors, if that is not the function's.
        uint64: how unsigned 64-bit operands are computed, see `unsigned`.
        extended: what it does with the equality of two keys (comparisons only).
    """
    direct = _direct(accepts)

    def lift(kernel: Kernel) -> Callable[..., Array]:
        name = primitive or kernel.__name__
        traced = functools.partial(as_one, name, {"out_dtype": None} if name == "mul" else {}, kernel)

        def general(x: Any, y: Any) -> Array:
            for position, v in enumerate((x, y)):
                refuse_float0(name, v, position)
            x, y = operand(name, x, 0), operand(name, y, 1)
            if extended is not None and isinstance(x.dtype, dtypes.ExtendedDType) and x.dtype == y.dtype:
                return Array(extended(unwrap(x._equal(y))))
            check_shapes(name, (x.shape, y.shape))
            check_kind(name, x.dtype, accepts, 0)
            check_kind(name, y.dtype, accepts, 1)
            check_same_dtypes(name, (x, y))
            made = result(name, compute(traced, uint64, x, y), x.weak_type and y.weak_type)
            return follow(name, made, x, y)

        def op(x: ArrayLike, y: ArrayLike) -> Array:
            fast = STATE.fast
            if type(x) is Array and type(y) is Array and x._frame is fast and y._frame is fast:
                a, b = x._t, y._t
                if a.dtype is b.dtype and a.dtype in direct and (a.shape == b.shape or not b.dim() or not a.dim()):
                    return Array(kernel(a, b) if fast is None else traced(a, b), x._tag and y._tag)
            return general(x, y)

        return publish(op, kernel)

    return lift


def check_accuracy(accuracy: Any) -> None:
    """NotImplementedError for what is no accuracy."""
    hash(accuracy)  # a parameter of an equation
    if not isinstance(accuracy, Tolerance | AccuracyMode):
        raise NotImplementedError(f"Accuracy {accuracy} not supported")
