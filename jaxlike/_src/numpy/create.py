"""create: arrays from Python objects: numbers, nested lists, numpy arrays, buffers, functions of the index.

The dtype of a nested list is the promotion of its leaves, in which Python numbers are weakly typed; the
result is weakly typed only where the object itself is one weakly typed number or array.
Leaves that are Arrays, traced ones too, are stacked; everything else is made by numpy and copied once.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dlpack, dtypes, torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import check_arraylike, from_numpy, unwrap
from jaxlike._src.debug_checks import check_tensor
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import as_asked, astype, like, torch_target, user_dtype
from jaxlike._src.numpy.shape import expand_dims
from jaxlike._src.numpy.stacking import concatenate_arrays
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.typing import ArrayLike, DTypeLike

_NUMBERS = frozenset([bool, int, float, complex])
_CPU = torch.device("cpu")


def array(
    object: Any,
    dtype: DTypeLike | None = None,
    *args: Any,
    copy: bool = True,
    order: str | None = "K",
    ndmin: int = 0,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """An array of what ``object`` holds.

    Args:
        object: a number, an array (jaxlike's, numpy's, or an object with ``__array__``, ``__jax_array__`` or
            the buffer protocol), or lists and tuples of them, nested.
        dtype: dtype of the result; by default that to which the parts promote.
        args: copy, order and ndmin by position (deprecated).
        copy: accepted; arrays are immutable, so a copy cannot be told from the original.
        order: only "K" or None.
        ndmin: least number of axes; new ones come first.
        device: where to put the result.
        out_sharding: instead of ``device``, the sharding of the result.
    """
    if dtype is None and device is None and not args and order == "K" and not ndmin:
        kind = type(object)
        if STATE.plain and (kind is list or kind is tuple) and _NUMBERS.issuperset(map(type, object)):
            return _from_list(object)
    if args:
        copy, order, ndmin = _positional(args, copy, order, ndmin)
    if order is not None and order != "K":
        raise NotImplementedError("Only implemented for order='K'")
    want = None if dtype is None else user_dtype(dtype, "array")
    made = _convert(object, want)
    if not isinstance(made, Array):  # float0
        return made
    if copy and made is object:
        # Another tensor, of the same memory.
        is_key = isinstance(made.dtype, dtypes.ExtendedDType)  # which a trace knows by its words
        made = _copied(made) if STATE.frame is not None and not is_key else like(made, unwrap(made).detach())
    if ndmin > made.ndim:
        made = expand_dims(made, tuple(range(ndmin - made.ndim)))
    made = as_asked(made, device, out_sharding)
    if not STATE.plain and not isinstance(object, Array):
        converted = want is not None or isinstance(object, list | tuple)
        check_tensor("convert_element_type" if converted else "stage", made._t)
    return made


@equation("copy", lambda x: ((x,), {}))
def _copied(x: Array) -> Array:
    return border.same_value(x)


def _positional(args: tuple[Any, ...], *values: Any) -> list[Any]:
    if len(args) > 3:
        raise TypeError(f"array() takes at most 5 positional arguments but {len(args) + 2} were given")
    for i, (name, default) in enumerate((("copy", True), ("order", "K"), ("ndmin", 0))):
        if i < len(args) and values[i] != default:
            raise TypeError(f"array() got multiple values for argument '{name}'")
    warnings.warn(
        "Passing the copy, order, and ndmin arguments to jnp.array positionally is deprecated. "
        "Use keyword arguments instead.",
        DeprecationWarning,
        stacklevel=3,
    )
    return [*args, *values[len(args) :]]


def asarray(
    a: Any,
    dtype: DTypeLike | None = None,
    order: str | None = None,
    *,
    copy: bool | None = None,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """As `array`, but an Array that needs no conversion is returned as it is.

    Args:
        a: as in `array`.
        dtype: dtype of the result.
        order: only "K" or None.
        copy: True for a new object always; False is an error where data must go to another device.
        device: where to put the result.
        out_sharding: instead of ``device``, the sharding of the result.
    """
    if dtype is None and device is None and order is None and not copy and isinstance(a, Array):
        return a
    if copy is False and not isinstance(a, Array):
        target = torch_target(device)
        if target.type != "cpu" and _has_buffer(a):
            raise ValueError(
                f"jnp.asarray: cannot convert object of type {type(a)} to JAX Array on "
                f"platform={target.type} "
                "with copy=False. Consider using copy=None or copy=True instead."
            )
    want = None if dtype is None else user_dtype(dtype, "asarray")
    return array(a, want, copy=bool(copy), order="K" if order is None else order, device=device,
                 out_sharding=out_sharding)  # fmt: skip


def _has_buffer(x: Any) -> bool:
    try:
        memoryview(x)
    except TypeError:
        return False
    return True


# Conversion


def _convert(x: Any, dtype: Any) -> Array:
    """``x`` as an Array of ``dtype``, or of the dtype that it has or that its parts promote to."""
    if isinstance(x, torch.Tensor):
        x = border.asarray(x)
    if isinstance(x, Array):
        return x if dtype is None else astype(x, dtype)
    kind = type(x)
    if dtype is None:
        if kind in _NUMBERS or isinstance(x, np.number | np.bool_):
            return border.asarray(x)
        if isinstance(x, np.ndarray) and not isinstance(x, np.ma.MaskedArray):
            return _from_ndarray(x)
    if kind in _NUMBERS:
        return from_numpy(np.asarray(x, dtype=dtype), dtype)
    method = getattr(x, "__jax_array__", None)
    if method is not None:
        return _convert(method(), dtype)
    leaves = [_leaf(v) for v in _leaves(x)]
    if dtype is None:
        leaves, dtype = _common_dtype(leaves)
    if any(isinstance(v, Array) for v in leaves):
        return _stacked(x, dtype)
    if isinstance(x, list | tuple):
        x = _rebuilt(x, iter(leaves))
    else:
        (x,) = leaves
    return from_numpy(np.asarray(x, dtype=dtype), dtype)


def _from_ndarray(x: np.ndarray[Any, Any]) -> Array:
    if x.dtype == dtypes.float0:
        return x  # pyright: ignore[reportReturnType]  # there is no Array of them
    try:
        dtypes.check_valid_dtype(x.dtype)
        known = x.dtype.isnative
    except TypeError:
        known = False
    if not known:
        raise TypeError(
            "Error interpreting argument to stage as a JAX value. The problematic value is of type "
            f"{type(x)} and was passed to stage at position 0."
        )
    return from_numpy(x)


def _from_list(x: Any) -> Array:
    """A flat list of Python numbers."""
    kinds = set(map(type, x))
    if complex in kinds:
        dtype = dtypes.default_complex_dtype()
    elif float in kinds or not kinds:
        dtype = dtypes.default_float_dtype()
    else:
        dtype = dtypes.default_int_dtype() if int in kinds else dtypes.BOOL
    own = np.array(x, dtype)
    if STATE.frame is None and default_torch_device() is _CPU:
        return Array(torch.from_numpy(own))
    with torch_private.outside():
        return constant(torch.from_numpy(own).to(default_torch_device()))


def _leaves(x: Any) -> list[Any]:
    """What is in nested lists and tuples."""
    if not isinstance(x, list | tuple):
        return [x]
    if _NUMBERS.issuperset(map(type, x)):
        return list(x)
    return [leaf for part in x for leaf in _leaves(part)]


def _rebuilt(x: Any, leaves: Any) -> Any:
    """The same nesting as lists, with other leaves."""
    return [_rebuilt(part, leaves) for part in x] if isinstance(x, list | tuple) else next(leaves)


def _leaf(x: Any) -> Any:
    if x is None:
        raise ValueError("None is not a valid value for jnp.array")
    method = getattr(x, "__jax_array__", None)
    if method is not None:
        return method()
    return border.asarray(x) if isinstance(x, torch.Tensor) else x


def _common_dtype(leaves: list[Any]) -> tuple[list[Any], Any]:
    """The dtype that the leaves promote to, and the leaves, with foreign objects made numpy arrays."""
    if not leaves:
        return leaves, dtypes.default_float_dtype()
    try:
        kinds = dict.fromkeys(map(_kind, leaves))
    except TypeError:  # an object without a dtype, such as a memoryview
        leaves = [_through_numpy(v) for v in leaves]
        kinds = dict.fromkeys(map(_kind, leaves))
    return leaves, dtypes.promote(*kinds)[0]


def _kind(x: Any) -> tuple[Any, bool]:
    if type(x) in _NUMBERS:
        return dtypes.dtype_of(x), type(x) is not bool
    return dtypes.dtype_of(x), dtypes.is_weakly_typed(x)


def _through_numpy(x: Any) -> Any:
    try:
        dtypes.dtype_of(x)
    except TypeError:
        return np.asarray(x)
    return x


def _stacked(x: Any, dtype: Any) -> Array:
    """Nested lists with Arrays among their leaves."""
    if not isinstance(x, list | tuple):
        return _convert(_leaf(x), dtype)
    if not x:
        return from_numpy(np.array([], dtype=dtype), dtype)
    rows = [_stacked(part, dtype) if isinstance(part, list | tuple) else _convert(part, dtype) for part in x]
    return concatenate_arrays([expand_dims(row, 0) for row in rows], 0)


# Other sources


def copy(a: ArrayLike, order: str | None = None) -> Array:
    """``a`` as a new Array."""
    check_arraylike("copy", a)
    return array(a, copy=True, order="K" if order is None else order)


def frombuffer(buffer: Any, dtype: DTypeLike = float, count: int = -1, offset: int = 0) -> Array:
    """The bytes of ``buffer``, from ``offset`` on, read as ``count`` elements of ``dtype`` (-1: all)."""
    return asarray(np.frombuffer(buffer=buffer, dtype=dtype, count=count, offset=offset))


def fromstring(string: str, dtype: DTypeLike = float, count: int = -1, *, sep: str) -> Array:
    """The numbers that are written in ``string``, separated by ``sep``."""
    return asarray(np.fromstring(string, dtype=dtype, count=count, sep=sep))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An array of another library, with its memory shared; arguments as in `jax.dlpack.from_dlpack`."""
    return dlpack.from_dlpack(x, device=device, copy=copy)


def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    """What ``numpy.load`` reads from a file, an array as an Array; arguments as there."""
    found = np.load(file, *args, **kwargs)
    if not isinstance(found, np.ndarray):
        return found
    if found.dtype == "V2":  # numpy writes bfloat16 as two bytes without a name
        found = found.view(dtypes.BFLOAT16)
    try:
        return asarray(found)
    except TypeError:  # strings and objects stay with numpy
        return found


_IMPURE = (
    "jnp.{name}() is not implemented because it may be non-pure and thus unsafe for use with JIT and other "
    "JAX "
    "transformations. Consider using jnp.asarray(np.{name}(...)) instead, although care should be taken if "
    "np.{name} is used within a jax transformations because of its potential side-effect of consuming the "
    "{source} object; for more information see "
    "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html#pure-functions"
)


def fromfile(*args: Any, **kwargs: Any) -> Array:
    """Not in JAX: use ``jnp.asarray(np.fromfile(...))``."""
    raise NotImplementedError(_IMPURE.format(name="fromfile", source="file"))


def fromiter(*args: Any, **kwargs: Any) -> Array:
    """Not in JAX: use ``jnp.asarray(np.fromiter(...))``."""
    raise NotImplementedError(_IMPURE.format(name="fromiter", source="iterable"))


def fromfunction(function: Callable[..., Any], shape: Any, *, dtype: DTypeLike = float, **kwargs: Any) -> Any:
    """``function`` of the indices of each element: called once, with each index an array under vmap."""
    from jaxlike._src.numpy.ranges import arange  # imported here: it is made of this module
    from jaxlike._src.transforms.vmap import vmap

    sizes = border.canonicalize_shape(shape, "shape argument of jnp.fromfunction()")
    for i in range(len(sizes)):
        axes: list[int | None] = [None] * len(sizes)
        axes[len(sizes) - 1 - i] = 0
        function = vmap(function, in_axes=tuple(axes))
    return function(*(arange(n, dtype=dtype) for n in sizes), **kwargs)
