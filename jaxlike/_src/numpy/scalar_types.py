"""scalar_types: `jnp.float32` and its kin, objects that name a dtype and make arrays of it.

Each is a class whose call returns an Array instead of an instance. It equals the numpy scalar class of its
dtype and hashes like it, and `np.dtype` accepts it because it has a ``dtype`` attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from jaxlike._src.numpy.create import asarray

if TYPE_CHECKING:
    from jaxlike._src.array import Array


class ScalarType(type):
    """Class of the scalar types; ``dtype`` is the numpy dtype."""

    dtype: np.dtype[Any]

    @property
    def __numpy_dtype__(cls) -> np.dtype[Any]:
        """What ``np.dtype`` reads from numpy 2.4 on."""
        return cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'jax.numpy.{cls.__name__}'>"  # JAX's text, also where it is imported as jaxlike

    def __hash__(cls) -> int:
        return hash(cls.dtype.type)

    def __eq__(cls, other: object) -> bool:
        return cls is other or other == cls.dtype.type

    def __ne__(cls, other: object) -> bool:
        return not cls == other

    def __call__(cls, x: Any) -> Array:
        return asarray(x, dtype=cls.dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.dtype.type)


def _scalar_type(numpy_type: Any) -> Any:
    dtype = np.dtype(numpy_type)
    made = ScalarType(dtype.type.__name__, (object,), {"dtype": dtype, "__module__": "jaxlike.numpy"})
    made.__doc__ = f"The dtype {dtype.name}; ``{dtype.type.__name__}(x)`` is ``x`` as an array of it."
    return made


bool_: Any = _scalar_type(np.bool_)
int8: Any = _scalar_type(np.int8)
int16: Any = _scalar_type(np.int16)
int32: Any = _scalar_type(np.int32)
int64: Any = _scalar_type(np.int64)
uint8: Any = _scalar_type(np.uint8)
uint16: Any = _scalar_type(np.uint16)
uint32: Any = _scalar_type(np.uint32)
uint64: Any = _scalar_type(np.uint64)
float16: Any = _scalar_type(np.float16)
float32: Any = _scalar_type(np.float32)
float64: Any = _scalar_type(np.float64)
complex64: Any = _scalar_type(np.complex64)
complex128: Any = _scalar_type(np.complex128)

bfloat16: Any = _scalar_type(ml_dtypes.bfloat16)
float4_e2m1fn: Any = _scalar_type(ml_dtypes.float4_e2m1fn)
float6_e2m3fn: Any = _scalar_type(ml_dtypes.float6_e2m3fn)
float6_e3m2fn: Any = _scalar_type(ml_dtypes.float6_e3m2fn)
float8_e3m4: Any = _scalar_type(ml_dtypes.float8_e3m4)
float8_e4m3: Any = _scalar_type(ml_dtypes.float8_e4m3)
float8_e4m3b11fnuz: Any = _scalar_type(ml_dtypes.float8_e4m3b11fnuz)
float8_e4m3fn: Any = _scalar_type(ml_dtypes.float8_e4m3fn)
float8_e4m3fnuz: Any = _scalar_type(ml_dtypes.float8_e4m3fnuz)
float8_e5m2: Any = _scalar_type(ml_dtypes.float8_e5m2)
float8_e5m2fnuz: Any = _scalar_type(ml_dtypes.float8_e5m2fnuz)
float8_e8m0fnu: Any = _scalar_type(ml_dtypes.float8_e8m0fnu)
int1: Any = _scalar_type(ml_dtypes.int1)
int2: Any = _scalar_type(ml_dtypes.int2)
int4: Any = _scalar_type(ml_dtypes.int4)
uint1: Any = _scalar_type(ml_dtypes.uint1)
uint2: Any = _scalar_type(ml_dtypes.uint2)
uint4: Any = _scalar_type(ml_dtypes.uint4)

# Other names of the same types
int_ = int64
uint = uint64
float_ = float64
complex_ = complex128
single = float32
double = float64
csingle = complex64
cdouble = complex128
