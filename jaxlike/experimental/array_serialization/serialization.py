"""jax.experimental.array_serialization.serialization: lists of arrays, written while the program goes on."""

from jaxlike._src.experimental.array_serialization.serialization import AsyncManager as AsyncManager
from jaxlike._src.experimental.array_serialization.serialization import BarrierTimeoutError as BarrierTimeoutError
from jaxlike._src.experimental.array_serialization.serialization import (
    GlobalAsyncCheckpointManager as GlobalAsyncCheckpointManager,
)
from jaxlike._src.experimental.array_serialization.serialization import (
    GlobalAsyncCheckpointManagerBase as GlobalAsyncCheckpointManagerBase,
)
from jaxlike._src.experimental.array_serialization.serialization import get_tensorstore_spec as get_tensorstore_spec
from jaxlike._src.experimental.array_serialization.serialization import is_remote_storage as is_remote_storage
from jaxlike._src.experimental.array_serialization.tensorstore_impl import CONTEXT as TS_CONTEXT
from jaxlike._src.experimental.array_serialization.tensorstore_impl import LimitInFlightBytes as _LimitInFlightBytes
from jaxlike._src.experimental.array_serialization.tensorstore_impl import async_deserialize as async_deserialize
from jaxlike._src.experimental.array_serialization.tensorstore_impl import async_serialize as async_serialize
from jaxlike._src.experimental.array_serialization.tensorstore_impl import run_deserialization as run_deserialization
from jaxlike._src.experimental.array_serialization.tensorstore_impl import run_serialization as run_serialization

__all__ = ["TS_CONTEXT", "_LimitInFlightBytes"]
