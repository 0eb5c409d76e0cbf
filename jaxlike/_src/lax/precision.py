"""precision: how exactly a GPU multiplies float32 matrices.

JAX's DEFAULT and "high"-less names allow TF32 there; HIGHEST and "float32" do not. On a CPU all mean float32.
torch keeps this in one flag of the process, which is set around a product when it differs.
"""

from __future__ import annotations

import contextlib
import enum
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import config

if TYPE_CHECKING:
    from collections.abc import Iterator


class Precision(enum.Enum):
    """Precision of products of float32 on accelerators."""

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2

    def __repr__(self) -> str:
        return f"Precision.{self.name}"

    def __str__(self) -> str:
        return self.name


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


def canonicalize_precision(precision: Any) -> Any:
    """None, a `Precision` or a pair of them; ValueError for anything else, in JAX's words."""
    if precision is None or isinstance(precision, Precision):
        return precision
    if isinstance(precision, str):
        if precision.lower() in _NAMES:
            return _NAMES[precision.lower()]
        if precision.upper().count("_") >= 2:  # a dot algorithm preset such as F32_F32_F32
            return Precision.HIGHEST if precision.lower() in _FULL else Precision.DEFAULT
    elif isinstance(precision, tuple | list) and len(precision) == 2:
        pair = tuple(canonicalize_precision(p) for p in precision)
        return pair if None not in pair else None
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
    if precision is not None:
        precision = canonicalize_precision(precision)
    if not _HAS_CUDA:
        return _NOTHING
    if precision is None:
        wanted = config.default_matmul_precision.value
        return _allow_tf32(backend, wanted is None or str(wanted).lower() not in _FULL)
    first = precision[0] if isinstance(precision, tuple) else precision
    return _allow_tf32(backend, first is Precision.DEFAULT)
