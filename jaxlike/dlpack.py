"""jax.dlpack: exchange of arrays with other libraries."""

from jaxlike._src.dlpack import from_dlpack as from_dlpack
from jaxlike._src.dlpack import is_supported_dtype as is_supported_dtype
