"""jax.scipy.linalg: the names; bodies are in `jaxlike._src.scipy.linalg`."""

from jaxlike._src.scipy.linalg import block_diag as block_diag
from jaxlike._src.scipy.linalg import cho_factor as cho_factor
from jaxlike._src.scipy.linalg import cho_solve as cho_solve
from jaxlike._src.scipy.linalg import cholesky as cholesky
from jaxlike._src.scipy.linalg import circulant as circulant
from jaxlike._src.scipy.linalg import det as det
from jaxlike._src.scipy.linalg import dft as dft
from jaxlike._src.scipy.linalg import eigh as eigh
from jaxlike._src.scipy.linalg import expm as expm
from jaxlike._src.scipy.linalg import expm_frechet as expm_frechet
from jaxlike._src.scipy.linalg import hadamard as hadamard
from jaxlike._src.scipy.linalg import hankel as hankel
from jaxlike._src.scipy.linalg import hilbert as hilbert
from jaxlike._src.scipy.linalg import inv as inv
from jaxlike._src.scipy.linalg import lu as lu
from jaxlike._src.scipy.linalg import lu_factor as lu_factor
from jaxlike._src.scipy.linalg import lu_solve as lu_solve
from jaxlike._src.scipy.linalg import pascal as pascal
from jaxlike._src.scipy.linalg import polar as polar
from jaxlike._src.scipy.linalg import qr as qr
from jaxlike._src.scipy.linalg import solve as solve
from jaxlike._src.scipy.linalg import solve_triangular as solve_triangular
from jaxlike._src.scipy.linalg import svd as svd
from jaxlike._src.scipy.linalg import toeplitz as toeplitz
