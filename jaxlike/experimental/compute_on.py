"""jax.experimental.compute_on: where a part of a program should be computed."""

from jaxlike._src.experimental.placement_words import compute_on as compute_on
from jaxlike._src.experimental.placement_words import compute_on2 as compute_on2
