"""jax.test_util: derivatives against finite differences."""

from jaxlike._src.check_grads import check_grads as check_grads
from jaxlike._src.check_grads import check_jvp as check_jvp
from jaxlike._src.check_grads import check_vjp as check_vjp
