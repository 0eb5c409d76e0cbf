"""jax.ops: the names; bodies are in `jaxlike._src.numpy.segments`."""

from jaxlike._src.numpy.segments import segment_max as segment_max
from jaxlike._src.numpy.segments import segment_min as segment_min
from jaxlike._src.numpy.segments import segment_prod as segment_prod
from jaxlike._src.numpy.segments import segment_sum as segment_sum
