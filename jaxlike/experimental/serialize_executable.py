"""jax.experimental.serialize_executable: compiled functions as bytes."""

from jaxlike._src.export.executable import deserialize_and_load as deserialize_and_load
from jaxlike._src.export.executable import serialize as serialize
