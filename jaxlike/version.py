"""The version of JAX's API that is served."""

from jaxlike._src.version import __version__ as __version__
from jaxlike._src.version import __version_info__ as __version_info__
