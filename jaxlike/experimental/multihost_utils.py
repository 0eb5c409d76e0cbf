"""jax.experimental.multihost_utils: values exchanged between the processes of a program."""

from jaxlike._src.experimental.multihost_utils import assert_equal as assert_equal
from jaxlike._src.experimental.multihost_utils import broadcast_one_to_all as broadcast_one_to_all
from jaxlike._src.experimental.multihost_utils import (
    global_array_to_host_local_array as global_array_to_host_local_array,
)
from jaxlike._src.experimental.multihost_utils import (
    host_local_array_to_global_array as host_local_array_to_global_array,
)
from jaxlike._src.experimental.multihost_utils import process_allgather as process_allgather
from jaxlike._src.experimental.multihost_utils import reached_preemption_sync_point as reached_preemption_sync_point
from jaxlike._src.experimental.multihost_utils import sync_global_devices as sync_global_devices
from jaxlike._src.partition_spec import P as P
from jaxlike._src.tree import tree_flatten as tree_flatten
from jaxlike._src.tree import tree_unflatten as tree_unflatten
