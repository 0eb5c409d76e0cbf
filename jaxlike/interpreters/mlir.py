"""jax.interpreters.mlir: how compiled programs compute primitives."""

from jaxlike._src.transforms.tables import LoweringRuleContext as LoweringRuleContext
from jaxlike._src.transforms.tables import lower_fun as lower_fun
from jaxlike._src.transforms.tables import register_lowering as register_lowering
