"""Speed next to JAX: both frameworks in one process, alternating. `python -m compat.bench --help`."""

from compat.bench import jit_rows as jit_rows  # these rows register themselves
from compat.bench import loop_rows as loop_rows
