"""reduction: decorators that lift a kernel to a reduction over axes, with JAX's options and result dtypes.

A kernel reduces a tensor over given axes; a `Reduction` holds it with what is particular to it (its identity,
what it does to the dtype), and the three decorators give it one of the three signatures: with a dtype, of
ordered values, of truth values. Results are never weakly typed.
The fast path is an Array of the running frame with no options; all else goes through `Reduction.general`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import config, dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    cast,
    scalar,
    unwrap,
)
from jaxlike._src.debug_checks import renamed, results_only
from jaxlike._src.family import publish
from jaxlike._src.frames import STATE
from jaxlike._src.lax import parallel
from jaxlike._src.numpy.arguments import array_of, astype, axes_of, one_array, static_axes, user_dtype
from jaxlike._src.numpy.shape import broadcast_array, common_shape
from jaxlike._src.placement import follow
from jaxlike._src.transforms.compiled import hashable

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Axis, DTypeLike

    Kernel = Callable[[Tensor, Any, bool], Tensor]

SHORT_FLOATS = (torch.float16, torch.bfloat16)


def promoted_integer(dtype: Any) -> Any:
    """What sums of ``dtype`` are made in: bool and narrow integers become the default integer."""
    if dtype == dtypes.BOOL:
        return dtypes.default_int_dtype()
    if dtypes.issubdtype(dtype, np.unsignedinteger):
        wide = dtypes.default_uint_dtype()
    elif dtypes.issubdtype(dtype, np.integer):
        wide = dtypes.default_int_dtype()
    else:
        return dtype
    return wide if dtypes.iinfo(dtype).bits < dtypes.iinfo(wide).bits else dtype


def mask_of(name: str, where: Any) -> Array | None:
    """The ``where`` argument of a reduction, which must be boolean."""
    if where is None:
        return None
    mask = one_array(name, where)
    if mask.dtype != dtypes.BOOL:
        raise ValueError(f"jnp.{name}: where must be None or a boolean array; got where.dtype={mask.dtype!r}.")
    return mask


def split_names(axis: Any) -> tuple[tuple[Any, ...], Any]:
    """(names of vmap axes, axes of the array) of an axis argument."""
    if axis is None or isinstance(axis, int):
        return (), axis
    if isinstance(axis, str):
        return (axis,), ()
    names = tuple(i for i in axis if isinstance(i, str))
    return names, tuple(i for i in axis if not isinstance(i, str)) if names else axis


def refuse_out(name: str, out: Any) -> None:
    """JAX has no output arguments."""
    if out is not None:
        raise NotImplementedError(f"The 'out' argument to jnp.{name} is not supported.")


class Reduction(NamedTuple):
    """A reduction: its kernel and the facts that the family needs."""

    name: str
    kernel: Kernel
    identity: Any  # its value on nothing; for max and min only what masked elements are replaced by
    combine: Callable[[Tensor, Tensor], Tensor]  # with the initial value
    on_bool: Kernel | None = None  # the kernel where the dtype computed in is bool
    numeric: bool = False  # bool is made integer first
    truth: bool = False  # everything is made bool first
    has_identity: bool = True
    promotes: bool = False  # narrow integers and short floats compute in a wider type

    @results_only
    def general(
        self,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
        promote_integers: bool = True,
    ) -> Array:
        """Every case: checks in JAX's order, then the kernel on tensors."""
        name = self.name
        axis = static_axes(axis)
        hashable(dtype)
        refuse_out(name, out)
        names, axis = split_names(axis)
        if names:
            return self._over_names(names, a, axis, dtype, keepdims, initial, where, promote_integers)
        x = one_array(name, a)
        if isinstance(x.dtype, dtypes.ExtendedDType):
            if self.truth:
                raise ValueError(f"Cannot convert_element_type from {x.dtype} to bool")
            raise TypeError(f"Cannot interpret '{x.dtype}' as a data type")
        mask = mask_of(name, where)
        if initial is None and not self.has_identity and mask is not None:
            raise ValueError(
                f"reduction operation {name} does not have an identity, so to use a "
                "where mask one has to specify 'initial'"
            )
        axes = axes_of(axis, x.ndim)
        sizes = x.shape
        if initial is None and not self.has_identity and any(sizes[i] < 1 for i in axes):
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        result, computed = self._dtypes(x.dtype, dtype, promote_integers)
        if initial is not None:
            start = asarray(initial)
            if start.ndim:
                raise ValueError(f"initial value must be a scalar. Got array of shape {start.shape}")
            initial = unwrap(astype(start, computed))
        if mask is not None:
            shape = common_shape([mask.shape, sizes, ()])
            x, mask = broadcast_array(x, shape), broadcast_array(mask, shape)
        if dtype is not None:
            user_dtype(dtype, "convert_element_type")  # JAX warns for each of its two conversions
        tensor = self._operand(x, computed)
        if mask is not None:
            tensor = masked(tensor, unwrap(mask), identity_of(self.identity, computed))
        reduced = self._reduce(tensor, axes, keepdims, initial)
        try:
            out = astype(array_of(reduced, computed), result)
        except FloatingPointError as error:
            raise renamed(f"reduce_{name}", error) from None
        return follow(name, out, x)

    def _over_names(
        self,
        names: tuple[Any, ...],
        a: Any,
        axis: Any,
        dtype: Any,
        keepdims: bool,
        initial: Any,
        where: Any,
        promote_integers: bool,
    ) -> Array:
        """Over axes of the array, then over the named axes of a vmap."""
        collective = {"sum": parallel.psum, "max": parallel.pmax, "min": parallel.pmin}.get(self.name)
        if collective is None:
            raise NotImplementedError(f"Named reductions not implemented for jnp.{self.name}()")
        here = self.general(a, axis, dtype, None, keepdims, None, where, promote_integers)
        whole = collective(here, names)
        if initial is None:
            return whole
        start = unwrap(astype(asarray(initial), whole.dtype))
        return array_of(self.combine(start, unwrap(whole)), whole.dtype)

    def _dtypes(self, given: Any, asked: Any, promote_integers: bool) -> tuple[Any, Any]:
        """(dtype of the result, dtype computed in)."""
        if self.truth:
            return dtypes.BOOL, dtypes.BOOL
        if asked is not None:
            known = user_dtype(asked, self.name)
            return known, known
        if self.numeric:
            given = dtypes.canonicalize_dtype(dtypes.to_numeric_dtype(given))
        if not self.promotes:
            return given, given
        result = promoted_integer(given) if promote_integers else given
        return result, np.dtype("float32") if result in SHORT_DTYPES else result

    def _operand(self, x: Array, computed: Any) -> Tensor:
        tensor = unwrap(x)
        if self.truth:
            return truth(tensor)
        if self.numeric and x.dtype == dtypes.BOOL:
            tensor = tensor.to(torch.int32)
        return unwrap(astype(Array(tensor) if x.dtype == dtypes.BOOL else x, computed))

    def _reduce(self, tensor: Tensor, axes: tuple[int, ...], keepdims: bool, initial: Any) -> Tensor:
        kernel = self.on_bool if self.on_bool and tensor.dtype is torch.bool else self.kernel

        def on_tensor(tensor: Tensor, *first: Tensor) -> Tensor:
            if self.has_identity or math.prod(tensor.shape[i] for i in axes):
                reduced = kernel(tensor, axes, bool(keepdims)) if axes else tensor
            else:  # nothing to pick from: the initial value alone
                sizes = [1 if i in axes else n for i, n in enumerate(tensor.shape) if keepdims or i not in axes]
                reduced = first[0].expand(sizes)
            return self.combine(first[0], reduced) if first else reduced

        operands = (tensor,) if initial is None else (tensor, initial)
        if tensor.dtype in _FLOAT8:  # torch has no arithmetic on them
            return on_tensor(*(t.to(torch.float32) for t in operands)).to(tensor.dtype)
        if tensor.dtype in unsigned.WIDE:
            rule = "bits" if self.has_identity else "order"
            return unsigned.emulate(on_tensor, rule, *operands)
        return on_tensor(*operands)


_FLOAT8 = frozenset(t for t in dtypes.FROM_TORCH if t.is_floating_point and t.itemsize == 1)
SHORT_DTYPES = frozenset(map(dtypes.from_torch, [*SHORT_FLOATS, *_FLOAT8]))


def masked(tensor: Tensor, mask: Tensor, other: Tensor) -> Tensor:
    """``tensor`` where ``mask`` holds, elsewhere the 0-d ``other``."""
    return unsigned.where(mask, tensor, other)


def identity_of(value: Any, dtype: Any) -> Tensor:
    """A reduction's identity as a 0-d tensor: infinities become the extremes of types that have none."""
    if dtype == dtypes.BOOL:
        value = bool(value > 0)
    elif dtypes.issubdtype(dtype, np.integer):
        if math.isinf(value):
            info = dtypes.iinfo(dtype)
            value = int(info.max if value > 0 else info.min)
    elif dtypes.issubdtype(dtype, np.floating) and math.isinf(value) and not dtypes.supports_inf(dtype):
        info = dtypes.finfo(dtype)
        value = float(info.max if value > 0 else info.min)
    return scalar(value, dtypes.to_torch(dtype))


def truth(tensor: Tensor) -> Tensor:
    """Whether each element is not 0; of complex numbers the real part counts, as in JAX."""
    return cast(tensor.real if tensor.is_complex() else tensor, torch.bool)


# The three signatures

_FLOATS = frozenset([torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128])
_ORDERED = frozenset(
    [
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool),
        *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8),
    ]
)
_WITH_TRUTH = _ORDERED - {torch.uint8}  # of which torch's any gives a uint8
_DOC = """

    Args:
        a: array or number.
        axis: axis or axes to reduce over; all of them if none is given.
{dtype}        out: not supported.
        keepdims: leave the reduced axes in the result, with size 1.
{rest}
    Returns:
        An array without the reduced axes.
    """
_DTYPE = "        dtype: dtype to compute in and to return.\n"
_INITIAL = "        initial: value that the reduction starts from.\n"
_WHERE = "        where: boolean array; elements where it is False are left out.\n"
_PROMOTE = "        promote_integers: whether integers narrower than the default one are widened to it.\n"


def with_dtype(
    identity: Any,
    combine: Callable[[Tensor, Tensor], Tensor],
    on_bool: Kernel,
    *,
    several_axes: bool = True,
) -> Callable[[Kernel], Callable[..., Array]]:
    """A reduction in a chosen dtype; narrow integers and bool are widened, short floats sum in float32.

    ``several_axes``: the kernel itself checks an axis argument that is a tuple.
    """

    def lift(kernel: Kernel) -> Callable[..., Array]:
        general = Reduction(kernel.__name__, kernel, identity, combine, on_bool, numeric=True, promotes=True).general

        def op(
            a: ArrayLike,
            axis: Axis = None,
            dtype: DTypeLike | None = None,
            out: None = None,
            keepdims: bool = False,
            initial: ArrayLike | None = None,
            where: ArrayLike | None = None,
            promote_integers: bool = True,
        ) -> Array:
            if (
                type(a) is Array
                and a._frame is STATE.fast
                and where is None
                and dtype is None
                and initial is None
                and out is None
            ):
                t = a._t
                if t.dtype in _FLOATS or t.dtype is (torch.int64 if config.enable_x64.value else torch.int32):
                    try:
                        if axis is None:
                            return Array(kernel(t, None, bool(keepdims)))
                        if t.dim() and (type(axis) is int or (several_axes and type(axis) is tuple and axis)):
                            return Array(kernel(t, axis, bool(keepdims)))
                    except (IndexError, RuntimeError, TypeError):  # below it is said what is wrong
                        pass
            return general(a, axis, dtype, out, keepdims, initial, where, promote_integers)

        return publish(op, kernel, _DOC.format(dtype=_DTYPE, rest=_INITIAL + _WHERE + _PROMOTE))

    return lift


def of_ordered(identity: Any, combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Kernel], Callable[..., Array]]:
    """A reduction that picks one of the elements; nothing to pick from is an error."""

    def lift(kernel: Kernel) -> Callable[..., Array]:
        general = Reduction(kernel.__name__, kernel, identity, combine, has_identity=False).general

        def op(
            a: ArrayLike,
            axis: Axis = None,
            out: None = None,
            keepdims: bool = False,
            initial: ArrayLike | None = None,
            where: ArrayLike | None = None,
        ) -> Array:
            if (
                type(a) is Array
                and a._frame is STATE.fast
                and a._t.dtype in _ORDERED
                and where is None
                and initial is None
                and out is None
            ):
                t = a._t
                try:
                    if axis is None:
                        return Array(kernel(t, None, bool(keepdims)))
                    if t.dim() and (type(axis) is int or (type(axis) is tuple and axis)):
                        return Array(kernel(t, axis, bool(keepdims)))
                except (IndexError, RuntimeError, TypeError):  # below it is said what is wrong
                    pass
            return general(a, axis, None, out, keepdims, initial, where)

        op.general = general  # pyright: ignore[reportFunctionMemberAccess]  # with a dtype, for `maximum.reduce`
        return publish(op, kernel, _DOC.format(dtype="", rest=_INITIAL + _WHERE))

    return lift


def of_truth(identity: bool, combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Kernel], Callable[..., Array]]:
    """A reduction of truth values."""

    def lift(kernel: Kernel) -> Callable[..., Array]:
        general = Reduction(kernel.__name__, kernel, identity, combine, truth=True).general

        def op(
            a: ArrayLike,
            axis: Axis = None,
            out: None = None,
            keepdims: bool = False,
            *,
            where: ArrayLike | None = None,
        ) -> Array:
            if type(a) is Array and a._frame is STATE.fast and where is None and out is None:
                t = a._t
                if t.dtype in _WITH_TRUTH:
                    try:
                        if axis is None:
                            return Array(kernel(t, None, bool(keepdims)))
                        if t.dim() and (type(axis) is int or (type(axis) is tuple and axis)):
                            return Array(kernel(t, axis, bool(keepdims)))
                    except (IndexError, RuntimeError, TypeError):  # below it is said what is wrong
                        pass
            return general(a, axis, None, out, keepdims, None, where)

        op.general = general  # pyright: ignore[reportFunctionMemberAccess]  # with an initial value, for `logical_and.reduce`
        return publish(op, kernel, _DOC.format(dtype="", rest=_WHERE))

    return lift
