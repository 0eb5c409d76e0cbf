"""jax.core: what a program may know about traced values."""

from jaxlike._src.array import AbstractValue as AbstractValue
from jaxlike._src.array import ShapedArray as ShapedArray
from jaxlike._src.effects.names import ensure_compile_time_eval as ensure_compile_time_eval
from jaxlike._src.extending.context import ParamDict as ParamDict
from jaxlike._src.extending.context import Trace as Trace
from jaxlike._src.extending.context import Value as Value
from jaxlike._src.extending.context import eval_context as eval_context
from jaxlike._src.extending.context import max_dim as max_dim
from jaxlike._src.extending.context import min_dim as min_dim
from jaxlike._src.extending.core_names import __getattr__ as __getattr__
from jaxlike._src.graph.jaxpr import Atom as Atom
from jaxlike._src.graph.jaxpr import eval_jaxpr as eval_jaxpr
from jaxlike._src.tracer import Tracer as Tracer
