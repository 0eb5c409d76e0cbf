"""jax.extend.random: generators by themselves."""

from jaxlike._src.extending.random import define_prng_impl as define_prng_impl
from jaxlike._src.extending.random import random_seed as random_seed
from jaxlike._src.extending.random import rbg_prng_impl as rbg_prng_impl
from jaxlike._src.extending.random import seed_with_impl as seed_with_impl
from jaxlike._src.extending.random import threefry_2x32 as threefry_2x32
from jaxlike._src.extending.random import threefry_prng_impl as threefry_prng_impl
from jaxlike._src.extending.random import unsafe_rbg_prng_impl as unsafe_rbg_prng_impl
from jaxlike._src.lax.primitive_names import threefry2x32_p as threefry2x32_p
