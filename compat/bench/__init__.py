"""Speed next to JAX: both frameworks in one process, alternating. `python -m compat.bench --help`."""

from compat.bench import loop_rows as loop_rows  # its rows register themselves
