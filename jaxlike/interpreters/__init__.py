"""jax.interpreters: the tables by which libraries give their primitives rules."""

from jaxlike.interpreters import ad as ad
from jaxlike.interpreters import batching as batching
from jaxlike.interpreters import mlir as mlir
from jaxlike.interpreters import partial_eval as partial_eval
from jaxlike.interpreters import pxla as pxla
from jaxlike.interpreters import xla as xla
