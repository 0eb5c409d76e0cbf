"""jax.scipy.spatial.transform: the names."""

from jaxlike._src.scipy.rotation import Rotation as Rotation
from jaxlike._src.scipy.rotation import Slerp as Slerp
