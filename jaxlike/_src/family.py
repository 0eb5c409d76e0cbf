"""family: decorators that lift a torch kernel to a jnp function: check, promote, compute, wrap.

A kernel is written on tensors of one dtype. `unary` and `binary` give it the signature, the promotion, the
errors and the documentation of its family, and an operator form for Array's methods.
The fast path is first: Arrays of the running frame, dtypes the kernel takes as they are; it writes out what
`Array(...)` does, which saves a call. Everything else (mixed dtypes, numpy operands, closed-over values, flags
that ask for checks) takes the general path.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar
from weakref import ref

import numpy as np
import torch

from jaxlike._src import config, dtypes, unsigned
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.border import (
    asarray,
    astype,
    broadcast_shapes,
    check_arraylike,
    kind_of,
    scalar,
    tensor_as,
    too_large,
    unwrap,
)
from jaxlike._src.debug_checks import told_as
from jaxlike._src.frames import CHECKED, STATE
from jaxlike._src.placement import follow

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

Kernel: TypeAlias = "Callable[..., Tensor]"
class UnaryOp(Protocol):
    """A jnp function of one argument; ``kernel`` is what it lifts."""

    kernel: Kernel
    general: Callable[[Any], Array]

    def __call__(self, x: ArrayLike, /) -> Array: ...


class BinaryOp(Protocol):
    """A jnp function of two arguments; ``kernel`` is what it lifts."""

    kernel: Kernel
    general: Callable[[Any, Any], Array]

    def __call__(self, x: ArrayLike, y: ArrayLike, /) -> Array: ...



new = object.__new__
FLOATS: Final = frozenset([torch.float32, torch.float64, torch.float16, torch.bfloat16])
COMPLEX: Final = frozenset([torch.complex64, torch.complex128])
SIGNED: Final = frozenset([torch.int8, torch.int16, torch.int32, torch.int64])
INTEGERS: Final = SIGNED | {torch.uint8}  # those that torch computes with
BOOL: Final = frozenset([torch.bool])
EVERY: Final = FLOATS | COMPLEX | INTEGERS | BOOL


class Promotion(NamedTuple):
    """How a family brings operands to one dtype: ``of`` maps the common dtype to the one computed in."""

    of: Callable[[Any], Any]
    direct: frozenset[torch.dtype]  # dtypes that stay as they are and that torch's kernels take


def _identity(dtype: Any) -> Any:
    return dtype


def _inexact(dtype: Any) -> Any:
    return dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(dtype))


def _numeric(dtype: Any) -> Any:
    return dtypes.to_numeric_dtype(dtype)


keep_dtype = Promotion(_identity, EVERY)
to_inexact = Promotion(_inexact, FLOATS | COMPLEX)
to_numeric = Promotion(_numeric, EVERY - BOOL)

# What kinds of dtype a function takes, for JAX's error text.
NUMERIC: Final = (np.integer, np.floating, np.complexfloating)
REAL: Final = (np.integer, np.floating)
FLOATING: Final = (np.floating,)
INEXACT: Final = (np.floating, np.complexfloating)
BITS: Final = (np.integer, np.bool_)
ANY: Final = (np.bool_, np.integer, np.floating, np.complexfloating)


def publish(op: Any, kernel: Callable[..., Any], doc_tail: str = "", module: str = "jaxlike.numpy") -> Any:
    """Give ``op`` the name and documentation of its kernel."""
    op.__name__ = op.__qualname__ = kernel.__name__
    op.__module__ = module
    op.__doc__ = (kernel.__doc__ or "") + doc_tail
    op.kernel = kernel
    return op


Op = TypeVar("Op", bound=Callable[..., Any])


def alias(name: str, op: Op) -> Op:
    """The same function under a second public name; its errors say the first, as JAX's do."""
    function: Any = op
    twin = types.FunctionType(
        function.__code__, function.__globals__, name, function.__defaults__, function.__closure__
    )
    twin.__dict__.update(function.__dict__)
    twin.__kwdefaults__, twin.__annotations__ = function.__kwdefaults__, function.__annotations__
    twin.__qualname__, twin.__module__, twin.__doc__ = name, function.__module__, function.__doc__
    return twin  # pyright: ignore[reportReturnType]


def take_names(op: Any, kernel: Callable[..., Any], keywords: bool) -> None:
    """Give the parameters of ``op`` the names that its kernel has; ``keywords`` lets callers use them.

    Only the names change, so a call costs what it did.
    """
    code = op.__code__
    count = code.co_argcount
    names = (*inspect.unwrap(kernel).__code__.co_varnames[:count], *code.co_varnames[count:])
    op.__code__ = code.replace(co_varnames=names, co_posonlyargcount=0 if keywords else count)


UNARY_DOC: Final = """

    Args:
        {0}: array or number of any shape.

    Returns:
        An array of the shape of ``{0}``.
    """
BINARY_DOC: Final = """

    Args:
        {0}: array or number.
        {1}: array or number; shapes broadcast, dtypes promote.

    Returns:
        An array of the common shape.
    """


def check_kinds(primitive: str, accepts: tuple[Any, ...], *kinds: Any) -> None:
    """TypeError with JAX's words where an operand's dtype is none of ``accepts``."""
    for position, dtype in enumerate(kinds):
        if not dtypes.any_of(accepts, dtype):
            at = f" at position {position}" if len(kinds) > 1 else ""
            names = ", ".join("bool" if k is np.bool_ else k.__name__ for k in accepts)
            raise TypeError(
                f"{primitive} does not accept dtype {dtype}{at}. Accepted dtypes{at} are subtypes of {names}."
            )


def unary(
    promote: Promotion = keep_dtype,
    *,
    accepts: tuple[Any, ...] = ANY,
    primitive: str = "",
    uint64: unsigned.Uint64Rule = "bits",
    weak: bool = True,
    keywords: bool = False,
    of_keys: Callable[[Array], Array] | None = None,
    builtin: Kernel | None = None,
    module: str = "jaxlike.numpy",
) -> Callable[[Kernel], UnaryOp]:
    """Lift a kernel of one tensor.

    Args:
        promote: what the operand's dtype becomes before the kernel runs.
        accepts: kinds of dtype that are allowed after promotion; others raise JAX's TypeError.
        primitive: the name in that error, if it is not the function's.
        uint64: how unsigned 64-bit operands are computed, see `unsigned`.
        weak: whether a weakly typed operand gives a weakly typed result.
        keywords: whether the argument may be given by its name in the kernel.
        of_keys: what extended dtypes such as PRNG keys give, where they are taken.
        builtin: the function of torch that the kernel comes down to for real dtypes; the fast path calls it at once.
        module: where users find the function.
    """
    direct = frozenset(t for t in promote.direct if dtypes.any_of(accepts, dtypes.from_torch(t)))
    if builtin is not None:
        direct -= COMPLEX

    jitted = module != "jaxlike.scipy.special"  # in JAX, where what is jitted does not ask an object for an array

    def lift(kernel: Kernel) -> UnaryOp:
        name = primitive or kernel.__name__
        quick, make = builtin or kernel, told_as(name, Array, jitted)

        def general(x: Any) -> Array:
            if jitted or not hasattr(x, "__jax_array__"):
                check_arraylike(kernel.__name__, x)
            try:
                x = asarray(x)
            except OverflowError as error:  # a Python int: JAX names the argument
                raise too_large(op.__code__.co_varnames[0], x) from error
            dtype, is_weak = x.dtype, x.weak_type
            if isinstance(dtype, dtypes.ExtendedDType):
                if of_keys is not None:
                    return of_keys(x)
                if promote is not keep_dtype:  # what numpy says of a key's dtype, which JAX lets through
                    raise TypeError(f"Cannot interpret '{dtype}' as a data type")
                check_kinds(name, accepts, dtype)
            want = promote.of(dtype)
            check_kinds(name, accepts, want)
            if want in dtypes.COMPUTED_IN:
                if promote is to_inexact:  # which leaves integers of two bits
                    check_kinds(name, INEXACT, want)
                return _through_wider(general, want, x)
            tensor = tensor_as(x, want)
            if tensor.dtype in unsigned.WIDE:
                out = unsigned.emulate(kernel, uint64, tensor)
            else:
                out = kernel(tensor)
            return follow(kernel.__name__, make(out, is_weak and weak), x)

        def op(x: ArrayLike, /) -> Array:
            if type(x) is Array:
                fast = STATE.fast
                if x._frame is fast:
                    t = x._t
                elif fast is CHECKED:
                    return general(x)
                else:
                    t = unwrap(x)
                if t.dtype in direct:
                    out = new(Array)
                    out._t, out._tag, out._frame = quick(t), x._tag and weak, fast
                    if fast is not None and fast.made is not None:
                        fast.made.append(ref(out))
                    return out
            return general(x)

        op.general = general  # pyright: ignore[reportFunctionMemberAccess]
        take_names(op, kernel, keywords)
        return publish(op, kernel, UNARY_DOC.format(*op.__code__.co_varnames), module)

    return lift


def _through_wider(general: Callable[..., Array], dtype: Any, *args: Any) -> Array:
    """Operate on a dtype that torch has no arithmetic for in a wider type, and come back."""
    stored = dtypes.from_torch(dtypes.COMPUTED_IN[dtype])
    out = general(*(astype(asarray(a), stored) for a in args))
    return astype(out, dtype) if out.dtype == stored else out


_NUMBER_DTYPES = FLOATS - {torch.float16, torch.bfloat16}


def binary(
    promote: Promotion = keep_dtype,
    *,
    accepts: tuple[Any, ...] = ANY,
    primitive: str = "",
    uint64: unsigned.Uint64Rule = "bits",
    result: str = "same",
    arguments_of: str = "",
    keywords: bool = False,
    builtin: Kernel | None = None,
    module: str = "jaxlike.numpy",
) -> Callable[[Kernel], BinaryOp]:
    """Lift a kernel of two tensors of one dtype that broadcasts.

    Args:
        promote: what the common dtype becomes before the kernel runs.
        accepts: kinds of dtype that are allowed after promotion; others raise JAX's TypeError.
        primitive: the name in that error, if it is not the function's.
        uint64: how unsigned 64-bit operands are computed, see `unsigned`.
        result: "same" (the dtype computed in), "bool" (a comparison), "truth" (what operands are as conditions, which
            keys are not; weak only without axes, since JAX compares with a number that it broadcasts), or "strong": never weak.
        arguments_of: the function that errors about arguments name, if it is not this one.
        keywords: whether the arguments may be given by their names in the kernel.
        builtin: the function of torch that the kernel comes down to for real dtypes; the fast path calls it at once.
        module: where users find the function.
    """
    direct = frozenset(t for t in promote.direct if dtypes.any_of(accepts, dtypes.from_torch(t)))
    with_float = direct & _NUMBER_DTYPES
    with_int = direct & (_NUMBER_DTYPES | {torch.int32, torch.int64})
    of_truth, strong = result == "truth", result == "strong"
    if of_truth:
        direct &= {torch.bool}
    if strong or of_truth:
        with_float = with_int = frozenset()

    jitted = module != "jaxlike.scipy.special"  # see `unary`

    def lift(kernel: Kernel) -> BinaryOp:
        public = arguments_of or kernel.__name__
        name = primitive or kernel.__name__
        quick, make = builtin or kernel, told_as(name, Array, jitted)

        def general(x: Any, y: Any) -> Array:
            if jitted or not (hasattr(x, "__jax_array__") or hasattr(y, "__jax_array__")):
                check_arraylike(public, x, y)
            try:
                (xd, xw), (yd, yw) = kind_of(x), kind_of(y)
            except OverflowError as error:  # as in `unary`
                at = 0 if type(x) is int and abs(x) >= 1 << 31 else 1
                raise too_large(op.__code__.co_varnames[at], (x, y)[at]) from error
            if isinstance(xd, dtypes.ExtendedDType) or isinstance(yd, dtypes.ExtendedDType):
                if xd != yd:
                    raise TypeError(f"{public} does not accept dtypes {xd}, {yd}.")
                if promote is not keep_dtype or of_truth:  # what numpy says of a key's dtype, which JAX lets through
                    raise TypeError(f"Cannot interpret '{xd}' as a data type")
                return _on_extended(name, accepts, x, y, xd)
            dtype, is_weak = dtypes.promote((xd, xw), (yd, yw))
            want = promote.of(dtype)
            shapes = [tuple(np.shape(v)) if not isinstance(v, Array) else v.shape for v in (x, y)]
            if shapes[0] != shapes[1]:
                broadcast_shapes(public, shapes, name)
            check_kinds(name, accepts, want, want)
            if want in dtypes.COMPUTED_IN:
                return _through_wider(general, want, x, y)
            if not isinstance(x, Array) and not isinstance(y, Array):
                x = asarray(x)  # on the default device, where a bare number would stay on the CPU
            a, b = tensor_as(x, want), tensor_as(y, want)
            if a.dtype in unsigned.WIDE:
                out = unsigned.emulate(kernel, uint64, a, b)
            else:
                out = kernel(a, b)
            made = make(out, not strong and is_weak and not (of_truth and out.dim()))
            return follow(kernel.__name__, made, x, y)

        met: dict[Any, tuple[torch.dtype, bool, bool]] = {}

        def promoted(x: Any, y: Any) -> Array:
            """Outside of transformations: dtypes that it has promoted before are only looked up."""
            of_x, of_y = _kind_met(x), _kind_met(y)
            if of_x is None or of_y is None:
                return general(x, y)
            key = (of_x, of_y, config.numpy_dtype_promotion.value, config.enable_x64.value)
            known = met.get(key)
            if known is None:
                out = general(x, y)
                want = dtypes.TO_TORCH.get(promote.of(dtypes.promote(kind_of(x), kind_of(y))[0]))
                if want in EVERY:
                    weak = dtypes.promote(kind_of(x), kind_of(y))[1] if of_truth else out.weak_type
                    met[key] = want, weak, builtin is not None and _torch_meets(of_x, of_y, want)
                return out
            want, weak, meets = known
            a = scalar(x, want) if of_x is float else unwrap(x)
            b = scalar(y, want) if of_y is float else unwrap(y)
            try:
                if meets:
                    return Array(quick(a, b), weak)
                a, b = a if a.dtype is want else a.to(want), b if b.dtype is want else b.to(want)
                out = kernel(a, b)
                return Array(out, weak and not (of_truth and out.dim()))
            except RuntimeError:  # shapes: the general path says which
                return general(x, y)

        def op(x: ArrayLike, y: ArrayLike, /) -> Array:
            fast = STATE.fast
            if fast is CHECKED:
                return general(x, y)
            if type(x) is Array:
                a = x._t if x._frame is fast else unwrap(x)
                if type(y) is Array:
                    b = y._t if y._frame is fast else unwrap(y)
                    dtype = a.dtype
                    if dtype is b.dtype and dtype in direct:
                        out = new(Array)
                        try:
                            out._t = kernel(a, b) if dtype in COMPLEX else quick(a, b)
                        except RuntimeError:  # shapes: the general path says which
                            return general(x, y)
                        out._tag = x._tag and y._tag and not strong and dtype is not torch.bool  # promotion is strong there
                        out._frame = fast
                        if fast is not None and fast.made is not None:
                            fast.made.append(ref(out))
                        return out
                elif type(y) is float:
                    if a.dtype in with_float:
                        return Array(quick(a, scalar(y, a.dtype)), x._tag)
                elif type(y) is int and a.dtype in with_int and -0x80000000 <= y <= 0x7FFFFFFF:
                    return Array(quick(a, scalar(y, a.dtype)), x._tag)
            elif type(y) is Array:
                b = y._t if y._frame is fast else unwrap(y)
                if type(x) is float:
                    if b.dtype in with_float:
                        return Array(quick(scalar(x, b.dtype), b), y._tag)
                elif type(x) is int and b.dtype in with_int and -0x80000000 <= x <= 0x7FFFFFFF:
                    return Array(quick(scalar(x, b.dtype), b), y._tag)
            return promoted(x, y) if fast is None else general(x, y)

        op.general = general  # pyright: ignore[reportFunctionMemberAccess]
        take_names(op, kernel, keywords)
        return publish(op, kernel, BINARY_DOC.format(*op.__code__.co_varnames), module)

    return lift


def _torch_meets(x: Any, y: Any, want: torch.dtype) -> bool:
    """Whether torch promotes two kinds to ``want`` whatever the ranks: an integer beside a float."""
    if x is float or y is float or x[0].is_floating_point is y[0].is_floating_point:
        return False
    return want.is_floating_point and torch.promote_types(x[0], y[0]) is want


def _kind_met(x: Any) -> Any:
    """What tells how an operand is promoted, for Arrays that torch computes with and Python floats; else None."""
    if type(x) is Array:
        return (x._t.dtype, x._tag) if x._t.dtype in EVERY else None
    return float if type(x) is float else None


def _on_extended(name: str, accepts: tuple[Any, ...], x: Any, y: Any, dtype: Any) -> Array:
    """Only equality is defined on extended dtypes such as PRNG keys; their class does it."""
    if name not in ("eq", "ne"):
        check_kinds(name, accepts, dtype, dtype)
    a, b = asarray(x), asarray(y)
    same = a._equal(b)
    return same if name == "eq" else Array(~unwrap(same))


def ternary_promoted(name: str, *args: Any) -> tuple[list[Tensor], bool]:
    """Several operands as tensors of their common dtype, with its weak type."""
    check_arraylike(name, *args)
    dtype, weak = dtypes.promote(*map(kind_of, args))
    return [tensor_as(a, dtype) for a in args], weak


@functools.cache
def narrow_kind(kind: type[Array]) -> bool:
    """Whether Arrays of this class store a dtype that torch lacks."""
    return issubclass(kind, NarrowArray)
