"""precision: how exactly a GPU multiplies float32 matrices.

JAX's DEFAULT and "high"-less names allow TF32 there; HIGHEST and "float32" do not. On a CPU all mean float32.
torch keeps this in one flag of the process, which is set around a product when it differs.
"""

from __future__ import annotations

import contextlib
import enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import ml_dtypes
import numpy as np
import torch

from jaxlike._src import config, dtypes
from jaxlike._src.frames import STATE, current_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxlike._src.typing import DTypeLike


class Precision(enum.Enum):
    """Precision of products of float32 on accelerators."""

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2

    def __repr__(self) -> str:
        return f"Precision.{self.name}"

    def __str__(self) -> str:
        return self.name


class DotAlgorithm(NamedTuple):
    """How products are computed: what operands are rounded to, what sums are kept in, how many parts.

    Accepted wherever a precision is; on this platform it decides whether TF32 may be used.
    """

    lhs_precision_type: DTypeLike
    rhs_precision_type: DTypeLike
    accumulation_type: DTypeLike
    lhs_component_count: int = 1
    rhs_component_count: int = 1
    num_primitive_operations: int = 1
    allow_imprecise_accumulation: bool = False


class DotAlgorithmPreset(enum.Enum):
    """Algorithms with a name: types of the operands, then of the sums; X3 and its like compute in several parts."""

    DEFAULT = enum.auto()
    ANY_F8_ANY_F8_F32 = enum.auto()
    ANY_F8_ANY_F8_F32_FAST_ACCUM = enum.auto()
    ANY_F8_ANY_F8_ANY = enum.auto()
    ANY_F8_ANY_F8_ANY_FAST_ACCUM = enum.auto()
    F16_F16_F16 = enum.auto()
    F16_F16_F32 = enum.auto()
    BF16_BF16_BF16 = enum.auto()
    BF16_BF16_F32 = enum.auto()
    BF16_BF16_F32_X3 = enum.auto()
    BF16_BF16_F32_X6 = enum.auto()
    BF16_BF16_F32_X9 = enum.auto()
    TF32_TF32_F32 = enum.auto()
    TF32_TF32_F32_X3 = enum.auto()
    F32_F32_F32 = enum.auto()
    F64_F64_F64 = enum.auto()

    def __repr__(self) -> str:
        return f"DotAlgorithmPreset.{self.name}"

    def __str__(self) -> str:
        return self.name

    @property
    def supported_lhs_types(self) -> tuple[DTypeLike, ...] | None:
        """Dtypes that an operand may have; None for any."""
        if self is DotAlgorithmPreset.DEFAULT or self.name.startswith("ANY_F8"):
            return None
        if self in (DotAlgorithmPreset.BF16_BF16_BF16, DotAlgorithmPreset.BF16_BF16_F32):
            return dtypes.bfloat16, np.float32
        if self.name.startswith("F16"):
            return (np.float16,)
        return (np.float64,) if self is DotAlgorithmPreset.F64_F64_F64 else (np.float32,)

    @property
    def supported_rhs_types(self) -> tuple[DTypeLike, ...] | None:
        """The same for the other operand."""
        return self.supported_lhs_types

    @property
    def accumulation_type(self) -> DTypeLike | None:
        """What sums are kept in; None where that is left open."""
        if self is DotAlgorithmPreset.DEFAULT or self.name.startswith("ANY_F8_ANY_F8_ANY"):
            return None
        known = {"F16_F16_F16": np.float16, "BF16_BF16_BF16": dtypes.bfloat16, "F64_F64_F64": np.float64}
        return known.get(self.name, np.float32)

    def supported_output_types(self, lhs_dtype: DTypeLike, rhs_dtype: DTypeLike) -> tuple[DTypeLike, ...] | None:
        """Dtypes that a result may have; None for any."""
        if self.name.startswith("ANY_F8_ANY_F8_F32"):
            eight = (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz)
            more = (ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e4m3b11fnuz)
            return np.float32, np.float16, dtypes.bfloat16, *eight, *more
        half = {"F16_F16_F32": np.float16, "BF16_BF16_F32": dtypes.bfloat16}.get(self.name)
        if half is not None:
            both = dtypes.promote((np.dtype(lhs_dtype), False), (np.dtype(rhs_dtype), False))[0]
            return (np.float32, half) if both == half else (np.float32,)
        return None if self.accumulation_type is None else (self.accumulation_type,)


PrecisionLike: TypeAlias = (
    str | Precision | tuple[str, str] | tuple[Precision, Precision] | DotAlgorithm | DotAlgorithmPreset | None
)

_FULL = {"highest", "float32", "f32", "f32_f32_f32", "f64_f64_f64", "high", "bfloat16_3x", "tensorfloat32_x3"}
_NAMES = {
    "default": Precision.DEFAULT,
    "fastest": Precision.DEFAULT,
    "bfloat16": Precision.DEFAULT,
    "tensorfloat32": Precision.DEFAULT,
    "high": Precision.HIGH,
    "bfloat16_3x": Precision.HIGH,
    "highest": Precision.HIGHEST,
    "float32": Precision.HIGHEST,
}
_ALGORITHMS = (DotAlgorithm, DotAlgorithmPreset)


def is_algorithm(precision: Any) -> bool:
    """Whether a precision is given as an algorithm."""
    return isinstance(precision, _ALGORITHMS)


_ON_CPU = {"DEFAULT", "F16_F16_F16", "BF16_BF16_F32", "BF16_BF16_F32_X3", "BF16_BF16_F32_X6", "F32_F32_F32"}


def check_algorithm(precision: Any, device: torch.device) -> None:
    """ValueError for an algorithm that a CPU does not have."""
    if is_algorithm(precision) and device.type == "cpu":
        name = getattr(precision, "name", "")
        if name not in _ON_CPU and name != "F64_F64_F64":
            raise ValueError(f"The precision '{precision}' is not supported by dot_general on CPU")


def canonicalize_precision(precision: Any) -> Any:
    """None, a `Precision`, a pair of them or an algorithm; ValueError for anything else, in JAX's words."""
    if precision is None or isinstance(precision, Precision) or is_algorithm(precision):
        return precision
    if isinstance(precision, str):
        found = _NAMES.get(precision) or DotAlgorithmPreset.__members__.get(precision)
        if found is not None:
            return found
    elif isinstance(precision, tuple | list) and len(precision) == 2:
        first, second = precision
        if isinstance(first, Precision) and isinstance(second, Precision):
            return first, second
        if isinstance(first, str) and isinstance(second, str):
            return canonicalize_precision(first), canonicalize_precision(second)
    raise ValueError(
        "Precision argument must be one of:\n- None,\n- a string in ['highest', 'float32', 'high', 'bfloat16_3x', "
        "'tensorfloat32', 'default', 'bfloat16', 'fastest', None],\n- a lax.Precision value,\n- a tuple of two "
        "lax.Precision values or strings,\n- a lax.DotAlgorithmPreset or the name of one of these presets, or\n"
        f"- a lax.DotAlgorithm value;\nbut got {precision}."
    )


_HAS_CUDA = torch.cuda.is_available()


@contextlib.contextmanager
def _allow_tf32(backend: Any, allowed: bool) -> Iterator[None]:
    before = backend.allow_tf32
    backend.allow_tf32 = allowed
    try:
        yield
    finally:
        backend.allow_tf32 = before


_NOTHING = contextlib.nullcontext()


def matmul_precision(precision: Any) -> Any:
    """A context in which torch multiplies with this precision (None: the flag jax_default_matmul_precision)."""
    return _in_precision(precision, torch.backends.cuda.matmul)


def convolution_precision(precision: Any) -> Any:
    """The same for convolutions."""
    return _in_precision(precision, torch.backends.cudnn)


def _in_precision(precision: Any, backend: Any) -> Any:
    given = precision
    if precision is not None:
        precision = canonicalize_precision(precision)
    if STATE.frame is not None and (trace := current_trace()) is not None:
        asked = stated(given)
        if asked is not None:
            return _noted(trace, asked, _flag_of(precision, backend))
    return _flag_of(precision, backend)


def stated(precision: Any) -> Any:
    """A precision, or the flag's where none is given, as an equation says it: for each operand."""
    if precision is None:
        precision = config.default_matmul_precision.value
    # JAX's name for it in an equation is HIGH; what it allows on a GPU is what DEFAULT does.
    precision = Precision.HIGH if precision == "tensorfloat32" else canonicalize_precision(precision)
    return (precision, precision) if isinstance(precision, Precision) else precision


@contextlib.contextmanager
def _noted(trace: Any, precision: Any, inner: Any) -> Iterator[None]:
    """The running trace remembers in which precision products were asked for: a jaxpr shows it."""
    start = len(trace.nodes)
    with inner:
        yield
    for node in trace.nodes[start:]:
        trace.precisions[id(node)] = precision


def _flag_of(precision: Any, backend: Any) -> Any:
    if not _HAS_CUDA:
        return _NOTHING
    if precision is None:
        wanted = config.default_matmul_precision.value
        return _allow_tf32(backend, wanted is None or str(wanted).lower() not in _FULL)
    if is_algorithm(precision):
        name = getattr(precision, "name", "")
        rounded = name in ("DEFAULT", "TF32_TF32_F32") or name.startswith("BF16")
        return _allow_tf32(backend, rounded)
    first = precision[0] if isinstance(precision, tuple) else precision
    return _allow_tf32(backend, first is Precision.DEFAULT)
