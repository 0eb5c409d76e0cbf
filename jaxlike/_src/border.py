"""border: the one crossing between Arrays, which users hold, and tensors, which kernels work on.

Inward: `unwrap` gives the tensor of an Array (lifting it into a running trace, refusing leaked values),
`asarray` takes every other array-like, `promote_args` brings several to one dtype.
Outward: `Array(tensor, weak_type)`.  `cast` converts between dtypes with JAX's meaning, `scalar` makes
(cached) tensors of Python numbers.
"""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, dtypes, errors, torch_private, unsigned
from jaxlike._src.array import Array, NarrowArray, constant
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import DELETED, STATE, Frame, running
from jaxlike._src.regions import as_one
from jaxlike._src.tree.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

# Inward: one value


def unwrap(x: Array) -> Tensor:
    """The tensor of ``x``, fit for use in the innermost running transformation."""
    if x._frame is STATE.frame:
        return x._t
    return _enter(x)


def _enter(x: Array) -> Tensor:
    """The tensor of an Array that an older frame made."""
    owner, trace = x._frame, None
    for frame in running():
        if frame is owner:
            break
        if frame.trace is not None:
            trace = frame.trace  # the outermost trace below the owner comes last
    else:
        if owner is not None:
            return _from_dead_frame(x, owner)
    return x._t if trace is None else _lift(x, owner)


def _lift(x: Array, owner: Frame | None) -> Tensor:
    """Make ``x`` an input of each running trace inside of its owner, outermost first."""
    for frame in running():
        if frame is owner:
            break
        if frame.trace is not None:
            return frame.trace.lift(x)
    raise AssertionError("no trace to lift into")


def _from_dead_frame(x: Array, owner: Frame) -> Tensor:
    """A value made in a transformation that has ended, or that is set aside while a rule runs.

    Usable if it did not depend on the inputs; or on lanes alone, where a running vmap maps over them again.
    """
    if owner is DELETED:
        raise deleted_error(x)
    if owner.kind == "escaped":
        raise errors.UnexpectedTracerError(leak_message(x))
    alive = list(running())
    chain: list[Frame] = []  # the frames between the value and what runs now
    home: Frame | None = owner
    while home is not None and home not in alive:
        if home.trace is not None:
            raise errors.UnexpectedTracerError(leak_message(x))
        chain.append(home)
        home = home.parent
    kept = 0 if home is None or home.trace is not None else home.level
    tensor, lanes = x._t, []
    mapping: Frame | None = None  # the innermost vmap that maps over the lanes again
    while torch_private.is_wrapped(tensor) and not 0 <= torch_private.level_of(tensor) <= kept:
        if torch_private.is_batched(tensor):
            level = torch_private.level_of(tensor)
            origin = next((f.origin for f in chain if f.level == level), None)
            again = next((f for f in alive if f.kind == "vmap" and f.origin is origin), None)
            if again is None:
                raise errors.UnexpectedTracerError(leak_message(x))
            lanes.append((again.level, torch_private.batch_dim_at(tensor, level)))
            mapping = again if mapping is None or again.level > mapping.level else mapping
        elif tensor.requires_grad or torch_private.has_tangent(tensor):
            raise errors.UnexpectedTracerError(leak_message(x))
        tensor = torch_private.wrapped_value(tensor)
    if not lanes:
        x._t, x._frame = tensor, home  # a constant, made in passing
        return unwrap(x)
    assert mapping is not None
    value = type(x)(tensor, x._tag)
    value._frame = home
    around = alive[alive.index(mapping) + 1 :]  # what maps over the lanes, and maybe traces, run inside of these
    outer = next((f.trace for f in around[: around.index(home) if home in around else None] if f.trace), None)
    tensor = value._t if outer is None else outer.lift(value)
    for level, dim in sorted(lanes):
        tensor = torch_private.add_batch_dim(tensor, dim, level)
    value = type(x)(tensor, x._tag)
    value._frame = mapping
    return unwrap(value)


def deleted_error(x: Array) -> RuntimeError:
    """For the use of an Array after ``x.delete()``, or after it was donated."""
    return RuntimeError(f"Array has been deleted with shape={x.aval.str_short()}.")


def leak_message(x: Array, of_ref: Any = None) -> str:
    """What is said of a traced value, or of what a ref of a type holds, that is used after its transformation ended."""
    trace, where = x._frame.trace if x._frame is not None else None, ""
    if trace is not None:
        parts = (
            f"\nThe function being traced when the value leaked was {trace.fun_location} traced for {trace.purpose}.",
            f"The leaked intermediate value was created on line {trace.line_of(x._t)}. ",
            "When the value was created, the final 5 stack frames (most recent last) excluding JAX-internal frames were:",
            trace.line_of(x._t),
        )
        where = f"\n{'-' * 30}\n".join((*parts, ""))
    return (
        "Encountered an unexpected tracer. A function transformed by JAX had a side effect, allowing for a "
        f"reference to an intermediate value with type {(of_ref or x.aval).str_short()} wrapped in a "
        f"{'DynamicJaxprTracer' if of_ref else tracer_kind(x)} to escape the scope of the transformation.\n"
        "JAX transformations require that functions explicitly return their outputs, and disallow saving "
        f"intermediate values to global state.{where}\nTo catch the leak earlier, try setting the environment variable "
        "JAX_CHECK_TRACER_LEAKS or using the `jax.checking_leaks` context manager."
    )


def raw_parts(tensor: Tensor) -> str | None:
    """Which transformation a payload depends on: "vmap", "grad", "jvp", "jit", or None for a plain value."""
    while torch_private.is_wrapped(tensor):
        if torch_private.is_batched(tensor):
            return "vmap"
        if tensor.requires_grad:
            return "grad"
        if torch_private.has_tangent(tensor):
            return "jvp"
        tensor = torch_private.wrapped_value(tensor)
    if STATE.tape is not None and STATE.tape.reaches(tensor):
        return "grad"
    return "jit" if tensor.device.type == "meta" else None


def is_traced(x: Any) -> bool:
    """Whether ``x`` is a value inside a transformation (JAX's Tracer)."""
    if not isinstance(x, Array) or (x._frame is None and STATE.frame is None):
        return False
    return raw_parts(x._t) is not None or is_escaped(x)


def same_value(x: Array) -> Array:
    """The value of ``x``, in a trace as the result of an operation."""
    tensor = unwrap(x)
    return type(x)(tensor.view(tensor.shape), x._tag)


def is_escaped(x: Array) -> bool:
    """Whether ``x`` had a tangent in a transformation that has ended."""
    return x._frame is not None and x._frame.kind == "escaped"


def tracer_kind(x: Array) -> str:
    """JAX's class name for a traced value of this kind."""
    if is_escaped(x):
        return "JVPTracer"
    names = {"vmap": "BatchTracer", "grad": "LinearizeTracer", "jvp": "JVPTracer", "jit": "DynamicJaxprTracer"}
    return names.get(raw_parts(x._t) or "", "Tracer")


def concrete_tensor(x: Array) -> Tensor | None:
    """The plain tensor of values below grad and jvp levels; None where values are unknown (vmap, jit)."""
    if x._frame is DELETED:
        raise deleted_error(x)
    tensor = x._t
    while torch_private.is_wrapped(tensor):
        if torch_private.is_batched(tensor):
            return None
        tensor = torch_private.wrapped_value(tensor)
    if tensor.device.type == "meta" or (STATE.tape is not None and STATE.tape.reaches(tensor)):
        return None
    return tensor.detach() if tensor.requires_grad else tensor  # inside a trace, detach would be recorded


def every_lane(x: Array) -> Tensor | None:
    """As `concrete_tensor`, with all lanes of what vmap maps, in some order of axes; None in a trace."""
    tensor = x._t
    while torch_private.is_wrapped(tensor):
        tensor = torch_private.wrapped_value(tensor)
    return None if tensor.device.type == "meta" else tensor.detach()


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """The values as a numpy array that may share memory; raises for a value inside a transformation."""
    if is_traced(x):
        raise errors.TracerArrayConversionError(x)
    tensor = concrete_tensor(x)
    assert tensor is not None
    return tensor_to_numpy(tensor, x.dtype)


def tensor_to_numpy(tensor: Tensor, dtype: Any) -> np.ndarray[Any, Any]:
    """A plain tensor as a numpy array of ``dtype``."""
    with torch_private.outside():
        tensor = tensor.detach().cpu()
        if tensor.is_conj() or tensor.is_neg():
            tensor = tensor.resolve_conj().resolve_neg()
        if dtypes.TO_TORCH.get(dtype) is not tensor.dtype:  # stored in a wider type
            return tensor.numpy().astype(dtype)
        if dtype.kind == "V" or dtype.type.__module__ != "numpy":  # numpy knows these through ml_dtypes only
            bits = torch.int16 if tensor.element_size() == 2 else torch.uint8
            return tensor.contiguous().view(bits).numpy().view(dtype)
        return tensor.numpy()


def concrete_or_error(force: Callable[[Any], Any] | None, val: Any, context: str = "") -> Any:
    """``force(val)`` where the value is known; ConcretizationTypeError inside vmap and jit."""
    if isinstance(val, Array) and is_traced(val):
        tensor = concrete_tensor(val)
        if tensor is None:
            raise errors.ConcretizationTypeError(val, context)
        val = constant(tensor, val._tag, type(val))
    return val if force is None else force(val)


def too_large(path: str, x: Any) -> OverflowError:
    """For an argument, called so in messages, that is a Python int which its dtype cannot hold."""
    return OverflowError(
        "An overflow was encountered while parsing an argument to a jitted computation, whose argument path is "
        f"{path}. Got {type(x)} with value {x}"
    )


# Inward: every array-like

_NUMPY = (np.ndarray, np.generic)
_ARRAYLIKE = (Array, np.ndarray, np.generic, bool, int, float, complex, torch.Tensor)


def is_arraylike(x: Any) -> bool:
    """Whether ``x`` may stand where a function takes an array."""
    return isinstance(x, _ARRAYLIKE) or hasattr(x, "__jax_array__")


def refuse_own_arrays(x: Any, nodes: bool = False) -> None:
    """ValueError for an object that says how to make an array of itself: a transformation does not ask it.

    One that is registered as a tree passes, since what is transformed are its leaves; not so the ``nodes`` that are
    given to a primitive.
    """
    if hasattr(x, "__jax_array__") and (nodes or not default_registry.is_node(type(x))):
        raise ValueError(
            "Triggering __jax_array__() during abstractification is no longer supported. To avoid this error, either "
            "explicitly convert your object using jax.numpy.array(), or register your object as a pytree."
        )


# Functions that JAX does not compile: they ask an object that says how to make an array of itself.
_ASK = frozenset(
    "power var std argmax argmin ptp unique transpose flip fliplr flipud squeeze expand_dims nonzero diag roll tile repeat "
    "split array_split hsplit vsplit dsplit atleast_3d histogram bincount tensordot select compress isin concatenate "
    "stack dstack insert delete broadcast_to broadcast_arrays meshgrid moveaxis reshape pad array_equal einsum roots "
    "piecewise setdiff1d union1d intersect1d setxor1d column_stack fill_diagonal full_like zeros_like ones_like copy "
    "iscomplexobj shape ndim size one_hot logsumexp gammaln choice segment_sum categorical".split()
    + [f"jax.numpy.fft.{kind}{n}" for kind in ("fft", "ifft", "rfft", "irfft") for n in ("", "2", "n")]
)

FLOAT0_TEXT = (
    "float0s do not support any operations by design, because they are not compatible with non-trivial vector spaces. "
    "No implicit dtype conversion is done. You can use np.zeros_like(arr, dtype=np.float) to cast a float0 array to a "
    "regular zeros array. \nIf you didn't expect to get a float0 you might have accidentally taken a gradient with "
    "respect to an integer argument."
)


def check_arraylike(fun_name: str, *args: Any, emit_warning: bool = False) -> None:
    """TypeError where an argument is a list, None, a float0 or anything else that is no array or number."""
    for position, x in enumerate(args):
        if isinstance(x, np.ndarray) and x.dtype == dtypes.float0:
            raise TypeError(f"Called {fun_name} with a float0 array. {FLOAT0_TEXT}")
        if not isinstance(x, _ARRAYLIKE):
            if hasattr(x, "__jax_array__"):
                if fun_name not in _ASK:
                    refuse_own_arrays(x)
                continue
            said = f"{fun_name} requires ndarray or scalar arguments, got {type(x)} at position {position}."
            if not emit_warning:
                raise TypeError(said)
            see = "In a future JAX release this will be an error."
            warnings.warn(f"{said} {see}", DeprecationWarning, stacklevel=3)


def check_arraylike_or_none(fun_name: str, *args: Any) -> None:
    """As `check_arraylike`, where None is allowed."""
    for position, x in enumerate(args):
        if not (x is None or is_arraylike(x)):
            raise TypeError(
                f"{fun_name} requires ndarray, scalar, or None arguments, got {type(x)} at position {position}."
            )


def asarray(x: Any) -> Array:
    """One array-like as an Array: Python numbers weakly typed, data of numpy's and torch's copied, Arrays as they are."""
    if isinstance(x, Array):
        return x
    if type(x) in dtypes.SCALAR_TYPES:
        dtype = dtypes.scalar_dtype(type(x), x)
        tensor = scalar(x, dtypes.to_torch(dtype))
        return constant(_on_device(tensor), type(x) is not bool)
    if isinstance(x, _NUMPY):
        return from_numpy(x)
    if isinstance(x, torch.Tensor):
        return from_tensor(x, stays=x.device.type != "cpu")
    if hasattr(x, "__jax_array__"):
        return x.__jax_array__()
    kinds: tuple[Any, ...] = (bool, int, float, complex)
    for base in kinds:  # subclasses such as enum.IntEnum
        if isinstance(x, base):
            return asarray(base(x))
    raise TypeError(
        f"Cannot interpret value of type {type(x)} as an abstract array; it does not have a dtype attribute"
    )


def from_numpy(x: Any, dtype: Any = None) -> Array:
    """A copy of numpy data, its dtype (or ``dtype``) in canonical form, on the default device."""
    given = np.asarray(x)
    dtypes.check_valid_dtype(given.dtype, x)
    want = dtypes.canonicalize_dtype(given.dtype) if dtype is None else np.dtype(dtype)
    tensor = tensor_from_numpy(given.astype(want), want)
    if want in dtypes.STORAGE:
        return constant(tensor, want, NarrowArray)
    return constant(tensor)


def from_tensor(x: Tensor, copy: bool = True, stays: bool = True) -> Array:
    """A copy of a torch tensor, or an Array that shares its memory, its dtype in canonical form.

    It is on the tensor's device if it ``stays``, else, as numpy's data, on the default device.

    Inside a transformation the tensor may be one of its values (in a torch function that is called there).
    """
    known = dtypes.FROM_TORCH.get(x.dtype)
    if known is None or x.layout is not torch.strided:
        raise TypeError(f"A torch tensor of dtype {x.dtype} and layout {x.layout} is not a valid JAX type.")
    want = dtypes.to_torch(dtypes.canonicalize_dtype(known))
    if torch_private.is_wrapped(x) or x.device.type == "meta":
        return Array(cast(x.clone() if copy else x, want))
    if x.requires_grad and torch.is_grad_enabled():
        raise TypeError(
            "A torch tensor that requires grad was given to a function of JAX's, which torch cannot differentiate. Pass "
            "tensor.detach(), or call the function through jaxlike.as_torch."
        )
    with torch_private.outside():
        own = x.detach().resolve_conj().resolve_neg()
        if not stays and own.device != (default := default_torch_device()):
            own, copy = own.to(default), False
        if own.dtype is not want:
            return constant(_cast(own, want))
        return constant(own.clone() if copy else own)


def tensor_from_numpy(own: np.ndarray[Any, Any], dtype: Any) -> Tensor:
    """The tensor on the default device over memory that nobody else writes to."""
    with torch_private.outside():
        stored = dtypes.to_torch(dtype)
        if dtype in dtypes.STORAGE:
            wide = {torch.int8: np.int8, torch.uint8: np.uint8, torch.float32: np.float32}[stored]
            tensor = torch.from_numpy(own.astype(wide))
        elif dtype.type.__module__ != "numpy":
            bits = np.int16 if dtype.itemsize == 2 else np.uint8
            tensor = torch.from_numpy(np.ascontiguousarray(own).view(bits)).view(stored)
            tensor = tensor.reshape(own.shape)
        else:
            own = own if own.flags.c_contiguous else own.copy()
            tensor = torch.from_numpy(own if own.dtype.isnative else own.astype(own.dtype.newbyteorder("=")))
        return _on_device(tensor)


def _on_device(tensor: Tensor) -> Tensor:
    device = default_torch_device()
    if tensor.device == device:
        return tensor
    with torch_private.outside():
        return tensor.to(device)


# Scalars

_SCALARS: dict[Any, Tensor] = {}
_SCALAR_VALUES: dict[int, Any] = {}  # id of a cached scalar tensor -> its Python number
_INT_BITS = {
    torch.int8: (8, True),
    torch.int16: (16, True),
    torch.int32: (32, True),
    torch.int64: (64, True),
    torch.uint8: (8, False),
    torch.uint16: (16, False),
    torch.uint32: (32, False),
    torch.uint64: (64, False),
}


def scalar(value: Any, dtype: torch.dtype) -> Tensor:
    """A Python number as a 0-d CPU tensor of ``dtype``, from a cache; integers wrap around."""
    key = (value, type(value), dtype) if value else (str(value), type(value), dtype)  # -0.0 == 0.0
    found = _SCALARS.get(key)
    if found is None:
        found = _make_scalar(key, value, dtype)
    return found


def _make_scalar(key: Any, value: Any, dtype: torch.dtype) -> Tensor:
    if isinstance(value, int) and (bits := _INT_BITS.get(dtype)) is not None:
        width, signed = bits
        value = int(value) & ((1 << width) - 1)
        if signed and value >> (width - 1):
            value -= 1 << width
    if len(_SCALARS) > 10_000:
        _SCALARS.clear()
        _SCALAR_VALUES.clear()
    with torch_private.outside():
        if isinstance(value, float | complex) and (
            dtype.is_floating_point or dtype.is_complex
        ):  # beyond its range it is infinite
            wide = torch.complex128 if dtype.is_complex else torch.float64
            found = torch.scalar_tensor(value, dtype=wide).to(dtype)
        else:
            found = torch.scalar_tensor(value, dtype=dtype)
        _SCALARS[key] = found
        _SCALAR_VALUES[id(found)] = found.item()
    return found


def device_of(tensor: Tensor) -> torch.device:
    """Where a tensor is; of one in a trace where it will be."""
    return default_torch_device() if tensor.device.type == "meta" else tensor.device


def scalar_value(tensor: Tensor) -> Any:
    """The Python number of a tensor made by `scalar`; None for any other tensor."""
    return _SCALAR_VALUES.get(id(tensor))


# Promotion


def kind_of(x: Any) -> tuple[Any, bool]:
    """(dtype, weak type) of an array-like."""
    if isinstance(x, Array):
        return x.dtype, x.weak_type
    if type(x) in dtypes.SCALAR_TYPES:
        return dtypes.scalar_dtype(type(x), x), type(x) is not bool
    made = asarray(x)
    return made.dtype, made.weak_type


def tensor_as(x: Any, dtype: Any) -> Tensor:
    """An array-like as a tensor of ``dtype`` (a Python number as a 0-d one from the cache)."""
    want = dtypes.to_torch(dtype)
    if type(x) in dtypes.SCALAR_TYPES:
        return scalar(x, want)
    x = asarray(x)
    tensor = unwrap(x)
    return tensor if tensor.dtype is want else cast(tensor, want)


def promote_dtypes(*args: Any) -> list[Array]:
    """The array-likes as Arrays of their common dtype; weakly typed if all were."""
    dtype, weak = dtypes.promote(*map(kind_of, args))
    return [astype(asarray(x), dtype, weak) for x in args]


def alike_and_inexact(args: Sequence[Any]) -> bool:
    """Whether all are Arrays of one float or complex dtype, which promotion leaves as they are."""
    first = args[0]
    if type(first) is not Array or first._t.dtype not in _WIDE_INEXACT:
        return False
    return all(type(x) is Array and x._t.dtype is first._t.dtype for x in args)


_WIDE_INEXACT = frozenset([torch.float32, torch.float64, torch.complex64, torch.complex128])


def promote_dtypes_inexact(*args: Any) -> list[Array]:
    """As `promote_dtypes`, with integers and bool made floating."""
    dtype, weak = dtypes.promote(*map(kind_of, args))
    return [astype(asarray(x), dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(dtype)), weak) for x in args]


def promote_dtypes_numeric(*args: Any) -> list[Array]:
    """As `promote_dtypes`, with bool made integer."""
    dtype, weak = dtypes.promote(*map(kind_of, args))
    return [astype(asarray(x), dtypes.canonicalize_dtype(dtypes.to_numeric_dtype(dtype)), weak) for x in args]


def promote_dtypes_complex(*args: Any) -> list[Array]:
    """As `promote_dtypes`, with all else made complex."""
    dtype, weak = dtypes.promote(*map(kind_of, args))
    return [astype(asarray(x), dtypes.to_complex_dtype(dtypes.canonicalize_dtype(dtype)), weak) for x in args]


def promote_args(fun_name: str, *args: Any) -> list[Array]:
    """`check_arraylike`, then `promote_dtypes`."""
    check_arraylike(fun_name, *args)
    return promote_dtypes(*args)


def promote_args_inexact(fun_name: str, *args: Any) -> list[Array]:
    """`check_arraylike`, then `promote_dtypes_inexact`."""
    check_arraylike(fun_name, *args)
    return promote_dtypes_inexact(*args)


def promote_args_numeric(fun_name: str, *args: Any) -> list[Array]:
    """`check_arraylike`, then `promote_dtypes_numeric`."""
    check_arraylike(fun_name, *args)
    return promote_dtypes_numeric(*args)


# Conversion


def astype(x: Array, dtype: Any, weak_type: bool = False) -> Array:
    """``x`` with another dtype and weak type; the same object where nothing changes."""
    now = x.dtype
    if now == dtype:
        return x if x.weak_type == weak_type else type(x)(unwrap(x), weak_type)
    if isinstance(now, dtypes.ExtendedDType) or isinstance(dtype, dtypes.ExtendedDType):
        raise TypeError(f"Cannot convert from dtype {now} to dtype {dtype}.")
    dtype = np.dtype(dtype)
    tensor = unwrap(x)
    if now in dtypes.STORAGE or dtype in dtypes.STORAGE:
        return _narrow_astype(tensor, now, dtype, weak_type)
    return Array(cast(tensor, dtypes.to_torch(dtype)), weak_type)


def _narrow_astype(tensor: Tensor, now: Any, dtype: Any, weak_type: bool) -> Array:
    if dtype not in dtypes.STORAGE:
        return Array(cast(tensor, dtypes.to_torch(dtype)), weak_type)
    if dtypes.issubdtype(dtype, np.integer):
        info = dtypes.iinfo(dtype)
        if dtypes.issubdtype(now, np.inexact):  # saturates
            return NarrowArray(cast(tensor.clamp(int(info.min), int(info.max)), dtypes.to_torch(dtype)), dtype)
        low = tensor.to(torch.int8) & ((1 << info.bits) - 1)  # wraps
        if info.min < 0:
            low = torch.where(low > int(info.max), low - (1 << info.bits), low)
        return NarrowArray(low.to(dtypes.to_torch(dtype)), dtype)
    return NarrowArray(_round_to(tensor.to(torch.float32), dtype), dtype)


def _round_to(tensor: Tensor, dtype: Any) -> Tensor:
    """float32 values rounded to those of a narrow float: to nearest even, overflow as the type has it."""
    info = dtypes.finfo(dtype)
    exponent = torch.frexp(tensor).exponent.to(torch.int32) - 1
    step = torch.ldexp(torch.ones_like(tensor), exponent.clamp(min=int(info.minexp)) - int(info.nmant))
    rounded = torch.round(tensor / step) * step
    has_inf = dtypes.supports_inf(dtype)
    over = rounded.abs() > float(info.max)
    beyond = torch.copysign(torch.full_like(tensor, torch.inf if has_inf else torch.nan), tensor)
    return torch.where(over | tensor.isnan(), torch.where(tensor.isnan(), tensor, beyond), rounded)


def conjugate(tensor: Tensor) -> Tensor:
    """Complex conjugate, made of ops that have batching rules (torch's conj_physical has none)."""
    return as_one("conj", {"input_dtype": dtypes.from_torch(tensor.dtype)}, _conjugate, tensor)


def _conjugate(tensor: Tensor) -> Tensor:
    return torch.complex(tensor.real, -tensor.imag)


def adjoint(tensor: Tensor) -> Tensor:
    """Conjugate transpose of the last two axes."""
    return conjugate(tensor.mT) if tensor.is_complex() else tensor.mT


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert as JAX does: floats to integers saturate (NaN gives 0), integers wrap, complex become real parts."""
    if tensor.dtype is dtype:
        return tensor
    if STATE.frame is not None and STATE.frame.trace is not None:
        params = {"new_dtype": dtypes.from_torch(dtype), "weak_type": False, "sharding": None}
        return as_one("convert_element_type", params, _cast, tensor, dtype)
    return _cast(tensor, dtype)


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    source = tensor.dtype
    if dtype is torch.bool:
        return tensor != 0 if source not in unsigned.WIDE else tensor.view(unsigned.SIGNED[source]) != 0
    if source.is_complex and not dtype.is_complex:
        return cast(tensor.real, dtype)
    if source.is_floating_point and not dtype.is_floating_point and not dtype.is_complex:
        return _saturate(tensor, dtype)
    if dtype is torch.float8_e4m3fn:  # torch saturates; values beyond the largest are NaN
        wide = tensor.to(torch.float32)
        return torch.where(wide.abs() > 464.0, torch.nan, wide).to(dtype)
    if dtype.itemsize == 1 and dtype.is_floating_point and source is torch.float64:
        return tensor.to(torch.float32).to(dtype)
    return tensor.to(dtype)


def _saturate(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Float to integer: clamped to the integer's range, NaN to 0."""
    if tensor.dtype.itemsize < 4:
        tensor = tensor.to(torch.float32)
    width, signed = _INT_BITS[dtype]
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    if width < 64:
        finite = torch.nan_to_num(tensor, nan=0.0, posinf=float(1 << 40), neginf=-float(1 << 40))
        return finite.clamp(-float(1 << 40), float(1 << 40)).to(torch.int64).clamp(low, high).to(dtype)
    finite = torch.nan_to_num(tensor, nan=0.0)
    if signed:
        inside = finite.clamp(-float(1 << 63), float(1 << 62)).to(torch.int64)
        exact = torch.where(finite.abs() < float(1 << 63), finite, 0.0).to(torch.int64)
        inside = torch.where(finite > float(1 << 62), exact, inside)
        return torch.where(finite >= float(1 << 63), high, inside)
    half = float(1 << 63)
    below = torch.where((finite >= 0) & (finite < half), finite, 0.0).to(torch.int64)
    above = torch.where((finite >= half) & (finite < 2 * half), finite - half, 0.0).to(torch.int64) + (-(1 << 63))
    bits = torch.where(finite >= half, above, below)
    return torch.where(finite >= 2 * half, -1, bits).view(torch.uint64)


# Static arguments


def canonicalize_axis(axis: Any, ndim: int) -> int:
    """An axis number in ``range(ndim)``; negative ones count from the end."""
    number = operator.index(axis)
    if not -ndim <= number < ndim:
        raise ValueError(f"axis {number} is out of bounds for array of dimension {ndim}")
    return number + ndim if number < 0 else number


def canonicalize_shape(shape: Any, context: str = "") -> tuple[int, ...]:
    """A shape given as an int or a sequence of ints."""
    sequence = [shape] if isinstance(shape, int | np.integer) or getattr(shape, "ndim", None) == 0 else shape
    try:
        sizes = tuple(map(operator.index, sequence))
    except (TypeError, errors.TracerIntegerConversionError):
        raise _shape_error(tuple(sequence) if hasattr(sequence, "__iter__") else shape, context) from None
    return sizes


def _shape_error(shape: Any, context: str) -> TypeError:
    said = f"Shapes must be 1D sequences of concrete values of integer type, got {shape}."
    if context:
        said += f" {context}."
    unknown = [d for d in shape if is_traced(d) and concrete_tensor(d) is None] if isinstance(shape, tuple) else []
    if unknown:
        said += "\nIf using `jit`, try using `static_argnums` or applying `jit` to smaller subfunctions."
        said += "".join(map(errors.origin, unknown))
    return TypeError(said)


def broadcast_shapes(name: str, shapes: Sequence[tuple[int, ...]], primitive: str = "") -> tuple[int, ...]:
    """The common shape by numpy's broadcasting; TypeError naming the primitive (or function) where there is none."""
    check_rank_promotion(name, shapes)
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        if len({len(s) for s in shapes if s}) > 1:  # there the ranks are brought together first
            raise ValueError(f"Incompatible shapes for broadcasting: shapes={list(map(tuple, shapes))}") from None
        raise TypeError(
            f"{primitive or name} got incompatible shapes for broadcasting: {', '.join(map(str, map(tuple, shapes)))}."
        ) from None


def check_rank_promotion(name: str, shapes: Sequence[tuple[int, ...]]) -> None:
    """Act on ``jax_numpy_rank_promotion`` where operands have different numbers of axes."""
    mode = config.numpy_rank_promotion.value
    if mode == "allow":
        return
    ranks = {len(s) for s in shapes if len(s)}
    if len(ranks) < 2:
        return
    see = "For more information, see https://docs.jax.dev/en/latest/rank_promotion_warning.html."
    listed = " ".join(map(str, shapes))
    if mode == "raise":
        raise ValueError(
            f"Operands could not be broadcast together for {name} on shapes {listed} and with the config option "
            f"jax_numpy_rank_promotion='raise'. {see}"
        )
    warnings.warn(
        f"Following NumPy automatic rank promotion for {name} on shapes {listed}. Set the jax_numpy_rank_promotion "
        f"config option to 'allow' to disable this warning; {see[0].lower() + see[1:]}",
        stacklevel=4,
    )
