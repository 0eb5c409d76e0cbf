"""jax.stages: a jitted function taken apart."""

from jaxlike._src.stages import ArgInfo as ArgInfo
from jaxlike._src.stages import Compiled as Compiled
from jaxlike._src.stages import CompilerOptions as CompilerOptions
from jaxlike._src.stages import Lowered as Lowered
from jaxlike._src.stages import Traced as Traced
from jaxlike._src.stages import Wrapped as Wrapped
