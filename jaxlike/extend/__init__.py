"""jax.extend: what libraries that extend JAX use."""

from jaxlike.extend import backend as backend
from jaxlike.extend import core as core
from jaxlike.extend import ifrt_programs as ifrt_programs
from jaxlike.extend import linear_util as linear_util
from jaxlike.extend import random as random
from jaxlike.extend import source_info_util as source_info_util
