"""dtypes: numpy's are what users see, torch's are what kernels see.

Promotion is the least upper bound on JAX's lattice, in which the Python scalar types int, float and
complex stand for weakly typed values. Results are cached per set of nodes and flags.
With x64 off every 64-bit type means its 32-bit counterpart; an explicit request for one warns.
dtypes that torch lacks (int4, some float8) are stored in a wider one (`STORAGE`).
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import ml_dtypes
import numpy as np
import torch

from jaxlike._src import config

if TYPE_CHECKING:
    from collections.abc import Iterable

DType: TypeAlias = np.dtype[Any]
Node: TypeAlias = Any  # a numpy dtype, or one of int, float, complex (weak)


class extended(np.generic):
    """Scalar class of dtypes that numpy does not know, such as those of PRNG keys."""


class prng_key(extended):
    """Scalar class of PRNG key dtypes, for ``jnp.issubdtype(key.dtype, jax.dtypes.prng_key)``."""


class ExtendedDType:
    """Base of dtype objects that are not numpy dtypes; ``type`` is their scalar class."""

    type: type[extended] = extended

    def filled(self, shape: tuple[int, ...], word: Any) -> Any:
        """An array of this dtype whose representation is ``word`` throughout."""
        raise NotImplementedError


float0: Final[DType] = np.dtype([("float0", np.void, 0)])  # tangents of integers


def _narrow(*names: str) -> list[DType]:
    return [np.dtype(getattr(ml_dtypes, name)) for name in names if hasattr(ml_dtypes, name)]


FLOAT4 = _narrow("float4_e2m1fn")
FLOAT6 = _narrow("float6_e2m3fn", "float6_e3m2fn")
FLOAT8 = _narrow(
    "float8_e3m4",
    "float8_e4m3",
    "float8_e8m0fnu",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
)
bfloat16 = ml_dtypes.bfloat16
BFLOAT16 = np.dtype(bfloat16)
CUSTOM_FLOATS = [*FLOAT4, *FLOAT6, *FLOAT8, BFLOAT16]
NARROW_INTS = _narrow("int1", "int2", "int4")
NARROW_UINTS = _narrow("uint1", "uint2", "uint4")

BOOL = np.dtype(bool)
UNSIGNED = [*NARROW_UINTS, *map(np.dtype, ("uint8", "uint16", "uint32", "uint64"))]
SIGNED = [*NARROW_INTS, *map(np.dtype, ("int8", "int16", "int32", "int64"))]
FLOATS = [*CUSTOM_FLOATS, *map(np.dtype, ("float16", "float32", "float64"))]
COMPLEX = [np.dtype("complex64"), np.dtype("complex128")]
STRING = np.dtypes.StringDType()
VALID: Final = frozenset([float0, STRING, BOOL, *UNSIGNED, *SIGNED, *FLOATS, *COMPLEX])
KINDS: Final = {
    "bool": {BOOL},
    "signed integer": {*SIGNED},
    "unsigned integer": {*UNSIGNED},
    "integral": {*SIGNED, *UNSIGNED},
    "real floating": {*FLOATS},
    "complex floating": {*COMPLEX},
    "numeric": {*SIGNED, *UNSIGNED, *FLOATS, *COMPLEX},
}

# numpy <-> torch

_NAMES_IN_TORCH = [
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
]


def _numpy_dtype(name: str) -> DType:
    return np.dtype(getattr(ml_dtypes, name, name))


TO_TORCH: Final[dict[Any, torch.dtype]] = {_numpy_dtype(n): getattr(torch, n) for n in _NAMES_IN_TORCH}
FROM_TORCH: Final[dict[torch.dtype, DType]] = {t: n for n, t in TO_TORCH.items()}
STORAGE: Final[dict[Any, torch.dtype]] = {
    **dict.fromkeys(NARROW_INTS, torch.int8),
    **dict.fromkeys(NARROW_UINTS, torch.uint8),
    **{d: torch.float32 for d in CUSTOM_FLOATS if d not in TO_TORCH},
}
# What torch stores, or this package stores for it, and has no arithmetic for: the type that it is computed in.
COMPUTED_IN: Final[dict[Any, torch.dtype]] = STORAGE | {d: torch.float32 for d in FLOAT8 if d in TO_TORCH}
_ANY_TO_TORCH = TO_TORCH | STORAGE


def to_torch(dtype: Any) -> torch.dtype:
    """The torch dtype that stores ``dtype`` (a numpy dtype or anything ``np.dtype`` takes)."""
    found = _ANY_TO_TORCH.get(dtype) if isinstance(dtype, np.dtype) else None
    return found if found is not None else _ANY_TO_TORCH[np.dtype(dtype)]


def from_torch(dtype: torch.dtype) -> DType:
    """The numpy dtype of a torch dtype."""
    return FROM_TORCH[dtype]


# Defaults and canonical forms

_TO_32_BIT: Final = {
    np.dtype("int64"): np.dtype("int32"),
    np.dtype("uint64"): np.dtype("uint32"),
    np.dtype("float64"): np.dtype("float32"),
    np.dtype("complex128"): np.dtype("complex64"),
}
SCALAR_DTYPES: Final[dict[Any, DType]] = {
    bool: BOOL,
    int: np.dtype("int64"),
    float: np.dtype("float64"),
    complex: np.dtype("complex128"),
}
SCALAR_TYPES: Final = frozenset(SCALAR_DTYPES)
_INT = (np.dtype("int32"), np.dtype("int64"))
_UINT = (np.dtype("uint32"), np.dtype("uint64"))
_FLOAT = (np.dtype("float32"), np.dtype("float64"))
_COMPLEX = (np.dtype("complex64"), np.dtype("complex128"))


def default_int_dtype() -> DType:
    """int32, or int64 with x64."""
    return _INT[config.enable_x64.value]


def default_uint_dtype() -> DType:
    """uint32, or uint64 with x64."""
    return _UINT[config.enable_x64.value]


def default_float_dtype() -> DType:
    """float32, or float64 with x64."""
    return _FLOAT[config.enable_x64.value]


def default_complex_dtype() -> DType:
    """complex64, or complex128 with x64."""
    return _COMPLEX[config.enable_x64.value]


@functools.cache
def _canonical(x64: bool, allow_extended: bool, dtype: Any) -> Any:
    if issubdtype(dtype, extended):
        if not allow_extended:
            raise ValueError(
                f"Internal: canonicalize_dtype called on extended dtype {dtype} with allow_extended_dtype=False"
            )
        return dtype
    try:
        known = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype {dtype!r} not understood") from error
    return known if x64 else _TO_32_BIT.get(known, known)


def canonicalize_dtype(dtype: Any, allow_extended_dtype: bool = False) -> Any:
    """``dtype`` as a numpy dtype; with x64 off its 32-bit counterpart."""
    return _canonical(config.enable_x64.value, allow_extended_dtype, dtype)


def scalar_dtype(kind: type, value: Any = None) -> DType:
    """The canonical dtype of a Python scalar type; an int that does not fit raises OverflowError."""
    dtype = canonicalize_dtype(SCALAR_DTYPES[kind])
    if kind is int and value is not None:
        info = np.iinfo(dtype)
        if not info.min <= value <= info.max:
            raise OverflowError(f"Python int {value} too large to convert to {dtype}")
    return dtype


def jax_dtype(obj: Any, *, align: bool = False, copy: bool = False) -> Any:
    """As ``np.dtype(obj)``, except that None and Python scalar types mean JAX's defaults."""
    if obj is None:
        return default_float_dtype()
    if issubdtype(obj, extended):
        return obj
    if isinstance(obj, type) and obj in SCALAR_TYPES:
        return canonicalize_dtype(SCALAR_DTYPES[obj])
    return np.dtype(obj, align=align, copy=copy)


_TO_INEXACT: Final[dict[Any, DType]] = {
    BOOL: np.dtype("float32"),
    # JAX has no float for integers of two bits: functions of floats refuse them.
    **{d: np.dtype("float32") for d in [*SIGNED, *UNSIGNED] if d.itemsize < 8 and d.name not in ("int2", "uint2")},
    np.dtype("int64"): np.dtype("float64"),
    np.dtype("uint64"): np.dtype("float64"),
}


def to_numeric_dtype(dtype: Any) -> DType:
    """bool becomes int32; others stay."""
    known = np.dtype(dtype)
    return np.dtype("int32") if known == BOOL else known


def to_inexact_dtype(dtype: Any) -> DType:
    """Integers and bool become float32 (64-bit ones float64); others stay."""
    known = dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)
    return _TO_INEXACT.get(known, known)


def to_floating_dtype(dtype: Any) -> DType:
    """The real floating dtype of the same width as ``to_inexact_dtype``."""
    return finfo(to_inexact_dtype(dtype)).dtype


def to_complex_dtype(dtype: Any) -> DType:
    """complex128 for 64-bit inputs, else complex64."""
    wide = to_inexact_dtype(dtype) in (np.dtype("float64"), np.dtype("complex128"))
    return np.dtype("complex128" if wide else "complex64")


def itemsize_bits(dtype: Any) -> int:
    """Bits of one element (4 for int4)."""
    if dtype is None:
        raise ValueError("dtype cannot be None.")
    if dtype == BOOL:
        return 8
    if issubdtype(dtype, np.integer):
        return int(iinfo(dtype).bits)
    if issubdtype(dtype, np.floating):
        return int(finfo(dtype).bits)
    if issubdtype(dtype, np.complexfloating):
        return 2 * int(finfo(dtype).bits)
    raise ValueError(f"unexpected input: {dtype=}")


def supports_inf(dtype: Any) -> bool:
    """Whether the dtype has infinities."""
    finite = {np.dtype(getattr(ml_dtypes, f"float8_{n}")) for n in ("e4m3b11fnuz", "e4m3fn", "e4m3fnuz", "e5m2fnuz")}
    return np.dtype(dtype) not in finite and issubdtype(dtype, np.inexact)


# Tests of kind

iinfo = ml_dtypes.iinfo
finfo = ml_dtypes.finfo
can_cast = np.can_cast
_DTYPE_LIKE = (type, np.dtype, ExtendedDType)
_CUSTOM_PARENTS: Final[dict[Any, set[Any]]] = {
    **{d.type: {d.type, np.floating, np.inexact, np.number, np.generic} for d in CUSTOM_FLOATS},
    **{d.type: {d.type, np.signedinteger, np.integer, np.number, np.generic} for d in NARROW_INTS},
    **{d.type: {d.type, np.unsignedinteger, np.integer, np.number, np.generic} for d in NARROW_UINTS},
}


def issubdtype(a: Any, b: Any) -> bool:
    """Whether dtype ``a`` is ``b`` or below it in numpy's hierarchy, JAX's extensions included.

    bfloat16, float8 and int4 count as floating and integer; PRNG key dtypes are below
    ``jax.dtypes.prng_key`` and ``jax.dtypes.extended``.
    """
    return _issubdtype(
        a if isinstance(a, _DTYPE_LIKE) else np.dtype(a), b if isinstance(b, _DTYPE_LIKE) else np.dtype(b)
    )


@functools.lru_cache(1024)
def _issubdtype(a: Any, b: Any) -> bool:
    if isinstance(b, ExtendedDType):
        return isinstance(a, ExtendedDType) and a == b
    if isinstance(a, ExtendedDType):
        a = a.type
    a_kind, b_kind = _scalar_class(a), _scalar_class(b)
    if a_kind in _CUSTOM_PARENTS and not issubclass(b_kind, extended):
        return b_kind in _CUSTOM_PARENTS[a_kind]
    return bool(np.issubdtype(a_kind, b_kind))


def _scalar_class(dtype: Any) -> type:
    is_scalar_class = isinstance(dtype, type) and issubclass(dtype, np.generic)
    return dtype if is_scalar_class else np.dtype(dtype).type


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether ``dtype`` is of a kind: a dtype, a kind's name as in the array API, or a tuple of them."""
    options: set[DType] = set()
    for one in kind if isinstance(kind, tuple) else (kind,):
        if isinstance(one, str) and one in KINDS:
            options.update(KINDS[one])
            continue
        try:
            options.add(np.dtype(one))
        except TypeError as error:
            if isinstance(one, str):
                raise ValueError(
                    f"Unrecognized kind={one!r} expected one of {list(KINDS)}, or a compatible input for jnp.dtype()"
                ) from error
            raise TypeError(f"Expected kind to be a dtype, string, or tuple; got kind={one!r}") from error
    return np.dtype(dtype) in options


# Promotion

WEAK: Final = (int, float, complex)


class TypePromotionError(ValueError):
    """Two dtypes have no common type by implicit promotion."""


def _lattice(x64: bool) -> dict[Node, list[Node]]:
    """Each type with the types directly above it."""
    d = np.dtype
    above: dict[Node, list[Node]] = {node: [] for node in [*UNSIGNED, *SIGNED, *FLOATS, *COMPLEX]}
    above |= {
        BOOL: [int],
        int: [d("uint8"), d("int8"), *NARROW_UINTS, *NARROW_INTS],
        d("uint8"): [d("int16"), d("uint16")],
        d("uint16"): [d("int32"), d("uint32")],
        # Without x64 no promotion makes a 64-bit type of narrower ones.
        d("uint32"): [d("int64") if x64 else d("int32"), d("uint64")],
        d("uint64"): [float],
        d("int8"): [d("int16")],
        d("int16"): [d("int32")],
        d("int32"): [d("int64")],
        d("int64"): [float],
        float: [*CUSTOM_FLOATS, d("float16"), complex],
        BFLOAT16: [d("float32")],
        d("float16"): [d("float32")],
        d("float32"): [d("float64"), d("complex64")],
        d("float64"): [d("complex128")],
        complex: [d("complex64")],
        d("complex64"): [d("complex128")],
    }
    return above


def _strict_lattice() -> dict[Node, list[Node]]:
    above: dict[Node, list[Node]] = {n: [] for n in [BOOL, *UNSIGNED, *SIGNED, *FLOATS, *COMPLEX]}
    return above | {int: [float, *UNSIGNED, *SIGNED], float: [complex, *FLOATS], complex: [*COMPLEX]}


def _upper_bounds(above: dict[Node, list[Node]]) -> dict[Node, frozenset[Node]]:
    @functools.cache
    def bounds(node: Node) -> frozenset[Node]:
        return frozenset([node]).union(*map(bounds, above[node]))

    return {node: bounds(node) for node in above}


_BOUNDS = {
    ("standard", False): _upper_bounds(_lattice(x64=False)),
    ("standard", True): _upper_bounds(_lattice(x64=True)),
    ("strict", False): _upper_bounds(_strict_lattice()),
    ("strict", True): _upper_bounds(_strict_lattice()),
}


@functools.lru_cache(4096)
def least_upper_bound(mode: str, x64: bool, *nodes: Node) -> Node:
    """The least type above all ``nodes``; TypePromotionError where there is none."""
    bounds = _BOUNDS[mode, x64]
    for node in nodes:
        if node not in bounds:
            raise ValueError(f"dtype={node!r} is not a valid dtype for JAX type promotion.")
    common = frozenset.intersection(*(bounds[n] for n in nodes))
    least = (common & set(nodes)) or {c for c in common if common <= bounds[c]}
    if len(least) == 1:
        return next(iter(least))
    names = tuple(str(n) for n in nodes)
    said = f"Input dtypes {names} have no available implicit dtype promotion path"
    explicit = "If you'd like your inputs to be promoted to another type, you can do so explicitly using e.g. x.astype"
    if mode == "strict":
        raise TypePromotionError(
            f"{said} when jax_numpy_dtype_promotion=strict. Try explicitly casting "
            "inputs to the desired output type, or set jax_numpy_dtype_promotion=standard."
        )
    for bits, kinds in ((8, FLOAT8), (6, FLOAT6), (4, FLOAT4)):
        if any(n in kinds for n in nodes):
            raise TypePromotionError(
                f"{said}. To avoid unintended promotion, {bits}-bit floats do not support implicit promotion. "
                f"{explicit}('float32')"
            )
    if any(n in NARROW_INTS or n in NARROW_UINTS for n in nodes):
        raise TypePromotionError(
            f"{said}. To avoid unintended promotion, 1-bit, 2-bit and 4-bit integers do not support implicit "
            f"promotion. {explicit}('int32')"
        )
    raise TypePromotionError(f"{said}. Try explicitly casting inputs to the desired output type.")


def node_of(dtype: Any, weak_type: bool) -> Node:
    """The lattice node of a value with this dtype and weak type."""
    if not weak_type or dtype == BOOL:
        return dtype
    if dtype in CUSTOM_FLOATS:
        return float
    return {"i": int, "u": int, "V": int, "f": float, "c": complex}[dtype.kind]  # V: integers of few bits


def promote_types(a: Any, b: Any) -> DType:
    """The dtype to which an operation on ``a`` and ``b`` casts both; int, float and complex are weak."""
    nodes = [t if any(t is w for w in WEAK) else np.dtype(t) for t in (a, b)]
    found = least_upper_bound(promotion_mode(), config.enable_x64.value, *nodes)
    return np.dtype(found)


def promotion_mode() -> str:
    """"standard" or "strict"."""
    value = config.numpy_dtype_promotion.value
    return getattr(value, "value", value)


@functools.lru_cache(4096)
def promote_cached(mode: str, x64: bool, *kinds: tuple[Any, bool]) -> tuple[Any, bool]:
    """(dtype, weak type) common to values of these (dtype, weak type)."""
    kinds_dtypes = [d for d, _ in kinds]
    all_weak = all(w for _, w in kinds)
    if len(kinds) == 1:
        return kinds[0]
    if not all_weak and all(d == kinds_dtypes[0] for d in kinds_dtypes):
        return kinds_dtypes[0], False  # also where the dtype is an extended one
    if all_weak and mode != "strict":
        # Sets: JAX names the dtypes of a failed promotion in their order.
        found, weak = least_upper_bound(mode, x64, *set(kinds_dtypes)), True
    else:
        found = least_upper_bound(mode, x64, *{node_of(d, w) for d, w in kinds})
        weak = any(found is w for w in WEAK)
    dtype = _canonical(x64, True, SCALAR_DTYPES.get(found, found) if weak and found in SCALAR_TYPES else found)
    return dtype, weak and dtype != BOOL


def promote(*kinds: tuple[Any, bool]) -> tuple[Any, bool]:
    """(dtype, weak type) common to values of these (dtype, weak type) under the present flags."""
    return promote_cached(promotion_mode(), config.enable_x64.value, *kinds)


def result_type(*args: Any, return_weak_type_flag: bool = False) -> Any:
    """The dtype of an operation on ``args`` (arrays, scalars or dtypes), by JAX's promotion."""
    if not args:
        raise ValueError("at least one array or dtype is required")
    args = tuple(default_float_dtype() if a is None else a for a in args)
    dtype, weak = promote(*((dtype_of(a), _is_weak(a)) for a in args))
    if weak:  # a weak result takes the default width of its kind
        dtype = _DEFAULTS["f" if dtype in CUSTOM_FLOATS else dtype.kind]()
    return (dtype, weak) if return_weak_type_flag else dtype


_DEFAULTS: Final = {
    "b": lambda: BOOL,
    "i": default_int_dtype,
    "u": default_uint_dtype,
    "f": default_float_dtype,
    "c": default_complex_dtype,
}


def _is_weak(x: Any) -> bool:
    return any(x is w for w in WEAK) or is_weakly_typed(x)


def is_weakly_typed(x: Any) -> bool:
    """Whether ``x`` is a Python number or a weakly typed array."""
    if type(x) in WEAK:
        return True
    return getattr(x, "weak_type", False) is True


def dtype_of(x: Any) -> Any:
    """The canonical dtype of a value or of a type."""
    if x is None:
        raise ValueError(f"Invalid argument to dtype: {x}.")
    if isinstance(x, type):
        if x in SCALAR_DTYPES:
            return canonicalize_dtype(SCALAR_DTYPES[x])
        if issubclass(x, np.generic):
            return truncate_with_warning(np.dtype(x), "dtype")
    elif type(x) in SCALAR_DTYPES:
        return canonicalize_dtype(SCALAR_DTYPES[type(x)])
    elif hasattr(x, "weak_type"):  # one of ours: kept as it is
        return x.dtype
    if isinstance(x, str | np.dtype):
        dtype = np.dtype(x)
        check_valid_dtype(dtype, x)
        return truncate_with_warning(dtype, "dtype")
    dtype = getattr(x, "dtype", None)
    if not isinstance(dtype, np.dtype | ExtendedDType):
        try:
            dtype = np.result_type(x)
        except TypeError as error:
            raise TypeError(f"Cannot determine dtype of {x}") from error
    check_valid_dtype(dtype, x)
    return canonicalize_dtype(dtype, allow_extended_dtype=True)


def check_valid_dtype(dtype: Any, value: Any = None) -> None:
    """TypeError where JAX arrays cannot have this dtype."""
    if dtype in VALID or issubdtype(dtype, extended):
        return
    said = f"Dtype {dtype}" if value is None else f"Value '{value}' with dtype {dtype}"
    raise TypeError(f"{said} is not a valid JAX array type. Only arrays of numeric types are supported by JAX.")


def truncate_with_warning(dtype: Any, fun_name: str) -> Any:
    """An explicitly asked dtype as x64 allows it; JAX's warning where it is truncated."""
    if config.enable_x64.value:
        return dtype
    known = canonicalize_dtype(dtype)
    if known == dtype:
        return dtype
    where = f" requested in {fun_name}" if fun_name else ""
    mode = config.explicit_x64_dtypes.value.name.lower()
    if mode == "allow":
        return dtype
    see = "See https://github.com/jax-ml/jax#current-gotchas for more."
    said = f"Explicitly requested dtype {dtype}{where} is not available"
    if mode == "error":
        raise ValueError(
            f"{said}. To enable more dtypes, set the jax_enable_x64 or allow_explicit_x64_dtypes "
            f"configuration options.{see}"
        )
    warnings.warn(
        f"{said}, and will be truncated to dtype {known.name}. To enable more dtypes, set the jax_enable_x64 "
        f"configuration option or the JAX_ENABLE_X64 shell environment variable. {see}",
        stacklevel=4,
    )
    return known


def check_and_canonicalize_user_dtype(dtype: Any, fun_name: str = "") -> Any:
    """A dtype given by a user: checked, Python scalar types at JAX's widths, truncated with a warning."""
    if dtype is None:
        raise ValueError("dtype must be specified.")
    if hasattr(dtype, "weak_type"):
        raise ValueError(
            "Passing an array as a dtype argument is no longer supported; instead of dtype=arr use dtype=arr.dtype."
        )
    if isinstance(dtype, type) and dtype in SCALAR_DTYPES:
        return canonicalize_dtype(SCALAR_DTYPES[dtype])
    if issubdtype(dtype, extended):
        return dtype
    known = np.dtype(dtype)
    if known not in VALID:
        raise TypeError(
            f"JAX only supports number, bool, and string dtypes, got dtype {dtype}"
            + (f" in {fun_name}" if fun_name else "")
        )
    return truncate_with_warning(known, fun_name)


def scalar_type_of(x: Any) -> type:
    """bool, int, float or complex: the Python type of the values of ``x``."""
    dtype = dtype_of(x)
    for kind, scalar in ((np.bool_, bool), (np.integer, int), (np.floating, float), (np.complexfloating, complex)):
        if issubdtype(dtype, kind):
            return scalar
    raise TypeError(f"Invalid scalar value {x}")


def safe_to_cast(input_dtype_or_value: Any, output_dtype_or_value: Any) -> bool:
    """Whether implicit promotion alone would take the input's dtype to the output's."""
    target = dtype_of(output_dtype_or_value)
    return dtype_of(input_dtype_or_value) == target or result_type(input_dtype_or_value, target) == target


def short_dtype_name(dtype: Any) -> str:
    """``f32`` for float32, ``bf16``, ``i4``, ``key<fry>``: as jaxprs print dtypes."""
    if isinstance(dtype, ExtendedDType):
        return str(dtype)
    if dtype == float0:
        return "float0"
    return (
        dtype.name.replace("float", "f")
        .replace("uint", "u")
        .replace("int", "i")
        .replace("complex", "c")
    )


def any_of(kinds: Iterable[Any], dtype: Any) -> bool:
    """Whether dtype is below any of the kinds."""
    return any(issubdtype(dtype, k) for k in kinds)
