"""jax.experimental: what may change; a submodule for each subject."""

from jaxlike._src.effects.callback import io_callback as io_callback
from jaxlike._src.extending.hijax import cur_qdd as cur_qdd
