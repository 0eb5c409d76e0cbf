"""jax.core: what a program may know about traced values."""

from jaxlike._src.array import ShapedArray as ShapedArray
from jaxlike._src.graph.jaxpr import ClosedJaxpr as ClosedJaxpr
from jaxlike._src.graph.jaxpr import Jaxpr as Jaxpr
from jaxlike._src.graph.jaxpr import JaxprEqn as JaxprEqn
from jaxlike._src.graph.jaxpr import Literal as Literal
from jaxlike._src.tracer import Tracer as Tracer
from jaxlike._src.transforms.arguments import InvalidInputException as InvalidInputException
