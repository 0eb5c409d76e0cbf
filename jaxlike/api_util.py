"""jax.api_util: between functions of trees and functions of leaves."""

from jaxlike._src.extending.api_util import argnums_partial as argnums_partial
from jaxlike._src.extending.api_util import debug_info as debug_info
from jaxlike._src.extending.api_util import donation_vector as donation_vector
from jaxlike._src.extending.api_util import flatten_fun as flatten_fun
from jaxlike._src.extending.api_util import flatten_fun_nokwargs as flatten_fun_nokwargs
from jaxlike._src.extending.api_util import rebase_donate_argnums as rebase_donate_argnums
from jaxlike._src.extending.api_util import shaped_abstractify as shaped_abstractify
from jaxlike._src.extending.util import safe_map as safe_map
from jaxlike._src.tree import flatten_axes as flatten_axes
