"""jax.experimental.array_serialization.tensorstore_impl: one array in a tensorstore."""

from jaxlike._src.experimental.array_serialization.tensorstore_impl import CONTEXT as _TS_CONTEXT
from jaxlike._src.experimental.array_serialization.tensorstore_impl import LimitInFlightBytes as _LimitInFlightBytes
from jaxlike._src.experimental.array_serialization.tensorstore_impl import async_deserialize as async_deserialize
from jaxlike._src.experimental.array_serialization.tensorstore_impl import async_serialize as async_serialize
from jaxlike._src.experimental.array_serialization.tensorstore_impl import combine_kvstores as combine_kvstores
from jaxlike._src.experimental.array_serialization.tensorstore_impl import compute_chunk_shape as _compute_chunk_shape
from jaxlike._src.experimental.array_serialization.tensorstore_impl import (
    estimate_read_memory_footprint as estimate_read_memory_footprint,
)
from jaxlike._src.experimental.array_serialization.tensorstore_impl import (
    get_tensorstore_metadata as _get_tensorstore_metadata,
)
from jaxlike._src.experimental.array_serialization.tensorstore_impl import get_tensorstore_spec as get_tensorstore_spec
from jaxlike._src.experimental.array_serialization.tensorstore_impl import (
    is_tensorstore_spec_leaf as is_tensorstore_spec_leaf,
)
from jaxlike._src.experimental.array_serialization.tensorstore_impl import (
    merge_nested_ts_specs as merge_nested_ts_specs,
)
from jaxlike._src.experimental.array_serialization.tensorstore_impl import (
    verify_tensorstore_spec as verify_tensorstore_spec,
)

__all__ = ["_TS_CONTEXT", "_LimitInFlightBytes", "_compute_chunk_shape", "_get_tensorstore_metadata"]
