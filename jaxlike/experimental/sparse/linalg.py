"""jax.experimental.sparse.linalg: eigenvalues, and solutions of linear systems."""

from jaxlike._src.experimental.sparse.linalg import lobpcg_standard as lobpcg_standard
from jaxlike._src.experimental.sparse.linalg import spsolve as spsolve
from jaxlike._src.experimental.sparse.lobpcg import standard_callable as _lobpcg_standard_callable  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.primitives import spsolve_p as spsolve_p
