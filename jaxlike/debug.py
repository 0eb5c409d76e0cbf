"""jax.debug: looking at values while a program runs."""

from jaxlike._src.effects.debug import DebugEffect as DebugEffect
from jaxlike._src.effects.debug import OrderedDebugEffect as OrderedDebugEffect
from jaxlike._src.effects.debug import callback as callback
from jaxlike._src.effects.debug import inspect_array_sharding as inspect_array_sharding
from jaxlike._src.effects.debug import log as log
from jaxlike._src.effects.debug import print as print
from jaxlike._src.effects.debug import visualize_array_sharding as visualize_array_sharding
from jaxlike._src.effects.debugger import breakpoint as breakpoint
from jaxlike._src.effects.draw import visualize_sharding as visualize_sharding
