"""jax.extend.ifrt_programs: programs of IFRT, which is not here."""

from jaxlike._src.extending.ifrt_programs import ifrt_programs as ifrt_programs
