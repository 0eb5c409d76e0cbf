"""jax.lax: the names; bodies are in `jaxlike._src.lax`."""

from jaxlike._src.lax.parallel import all_gather as all_gather
from jaxlike._src.lax.parallel import all_to_all as all_to_all
from jaxlike._src.lax.parallel import axis_index as axis_index
from jaxlike._src.lax.parallel import axis_size as axis_size
from jaxlike._src.lax.parallel import pbroadcast as pbroadcast
from jaxlike._src.lax.parallel import pmax as pmax
from jaxlike._src.lax.parallel import pmean as pmean
from jaxlike._src.lax.parallel import pmin as pmin
from jaxlike._src.lax.parallel import ppermute as ppermute
from jaxlike._src.lax.parallel import pshuffle as pshuffle
from jaxlike._src.lax.parallel import psum as psum
from jaxlike._src.lax.parallel import psum_scatter as psum_scatter
from jaxlike._src.lax.parallel import pswapaxes as pswapaxes
from jaxlike._src.lax.parallel import pvary as pvary
from jaxlike._src.transforms.stop_gradient import stop_gradient as stop_gradient
