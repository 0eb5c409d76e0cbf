"""jax.scipy.stats.multinomial: the names; bodies are in `jaxlike._src.scipy.stats.multinomial`."""

from jaxlike._src.scipy.stats.multinomial import logpmf as logpmf
from jaxlike._src.scipy.stats.multinomial import pmf as pmf
