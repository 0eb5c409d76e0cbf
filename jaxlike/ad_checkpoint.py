"""jax.ad_checkpoint: the names; bodies are in `jaxlike._src.transforms`."""

from jaxlike._src.removed import ad_checkpoint_getattr as __getattr__  # noqa: F401  # of a name that is gone
from jaxlike._src.transforms.policies import Offloadable as Offloadable
from jaxlike._src.transforms.policies import Recompute as Recompute
from jaxlike._src.transforms.policies import Saveable as Saveable
from jaxlike._src.transforms.policies import checkpoint_name as checkpoint_name
from jaxlike._src.transforms.policies import checkpoint_policies as checkpoint_policies
from jaxlike._src.transforms.residuals import print_saved_residuals as print_saved_residuals
