"""jax.lax.linalg: the names; bodies are in `jaxlike._src.lax.linalg`."""

from jaxlike._src.lax.linalg import EighImplementation as EighImplementation
from jaxlike._src.lax.linalg import EigImplementation as EigImplementation
from jaxlike._src.lax.linalg import SvdAlgorithm as SvdAlgorithm
from jaxlike._src.lax.linalg import cholesky as cholesky
from jaxlike._src.lax.linalg import cholesky_update as cholesky_update
from jaxlike._src.lax.linalg import eig as eig
from jaxlike._src.lax.linalg import eigh as eigh
from jaxlike._src.lax.linalg import hessenberg as hessenberg
from jaxlike._src.lax.linalg import householder_product as householder_product
from jaxlike._src.lax.linalg import lu as lu
from jaxlike._src.lax.linalg import lu_pivots_to_permutation as lu_pivots_to_permutation
from jaxlike._src.lax.linalg import ormqr as ormqr
from jaxlike._src.lax.linalg import qr as qr
from jaxlike._src.lax.linalg import schur as schur
from jaxlike._src.lax.linalg import svd as svd
from jaxlike._src.lax.linalg import symmetric_product as symmetric_product
from jaxlike._src.lax.linalg import triangular_solve as triangular_solve
from jaxlike._src.lax.linalg import tridiagonal as tridiagonal
from jaxlike._src.lax.linalg import tridiagonal_solve as tridiagonal_solve
from jaxlike._src.lax.polar import qdwh as qdwh
