"""jax.ref: mutable arrays."""

from jaxlike._src.lax.refs import Ref as Ref
from jaxlike._src.lax.refs import addupdate as addupdate
from jaxlike._src.lax.refs import empty_ref as empty_ref
from jaxlike._src.lax.refs import free_ref as free_ref
from jaxlike._src.lax.refs import freeze as freeze
from jaxlike._src.lax.refs import get as get
from jaxlike._src.lax.refs import new_ref as new_ref
from jaxlike._src.lax.refs import set as set
from jaxlike._src.lax.refs import swap as swap
from jaxlike._src.transforms.ref_state import AbstractRef as AbstractRef
