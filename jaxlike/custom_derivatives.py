"""jax.custom_derivatives: the names; bodies are in `jaxlike._src.transforms`."""

from jaxlike._src.lax.primitive_names import custom_jvp_call_p as custom_jvp_call_p
from jaxlike._src.lax.primitive_names import custom_vjp_call_p as custom_vjp_call_p
from jaxlike._src.lax.primitive_names import remat_opt_p as remat_opt_p
from jaxlike._src.transforms.custom import custom_jvp as custom_jvp
from jaxlike._src.transforms.custom import zero_from_primal as zero_from_primal
from jaxlike._src.transforms.custom_vjp import CustomVJPPrimal as CustomVJPPrimal
from jaxlike._src.transforms.custom_vjp import closure_convert as closure_convert
from jaxlike._src.transforms.custom_vjp import custom_gradient as custom_gradient
from jaxlike._src.transforms.custom_vjp import custom_vjp as custom_vjp
from jaxlike._src.transforms.custom_vjp import custom_vjp_primal_tree_values as custom_vjp_primal_tree_values
from jaxlike._src.transforms.linear_call import linear_call as linear_call
from jaxlike._src.transforms.types import SymbolicZero as SymbolicZero
