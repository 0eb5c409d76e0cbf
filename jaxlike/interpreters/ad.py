"""jax.interpreters.ad: derivatives of primitives."""

from jaxlike._src.extending.partial_eval import JVPTracer as JVPTracer
from jaxlike._src.removed import ad_getattr as __getattr__  # noqa: F401  # of a name that is gone
from jaxlike._src.transforms.tables import UndefinedPrimal as UndefinedPrimal
from jaxlike._src.transforms.tables import Zero as Zero
from jaxlike._src.transforms.tables import add_jaxvals as add_jaxvals
from jaxlike._src.transforms.tables import add_jaxvals_p as add_jaxvals_p
from jaxlike._src.transforms.tables import add_tangents as add_tangents
from jaxlike._src.transforms.tables import defbilinear as defbilinear
from jaxlike._src.transforms.tables import defjvp as defjvp
from jaxlike._src.transforms.tables import defjvp2 as defjvp2
from jaxlike._src.transforms.tables import deflinear as deflinear
from jaxlike._src.transforms.tables import deflinear2 as deflinear2
from jaxlike._src.transforms.tables import get_primitive_transpose as get_primitive_transpose
from jaxlike._src.transforms.tables import instantiate_zeros as instantiate_zeros
from jaxlike._src.transforms.tables import is_undefined_primal as is_undefined_primal
from jaxlike._src.transforms.tables import primitive_jvps as primitive_jvps
from jaxlike._src.transforms.tables import primitive_transposes as primitive_transposes
from jaxlike._src.transforms.tables import zeros_like_aval as zeros_like_aval
