"""Speed next to JAX: both frameworks in one process, alternating. `python -m compat.bench --help`."""
