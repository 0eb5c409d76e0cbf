"""matrices: special matrices made of a vector or a size, and eigenvalues of tridiagonal ones."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, check_arraylike, promote_args_inexact, promote_dtypes, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.lax.slicing import slice_in_dim
from jaxlike._src.numpy.eigh import eigh as hermitian_parts
from jaxlike._src.numpy.padding import pad
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import comb, gammaln
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


@compiled("arrs")
def block_diag(*arrs: Any) -> Array:
    """The matrices along the diagonal of one matrix, zeros elsewhere."""
    from jaxlike._src.numpy.stacking import concatenate

    if not arrs:
        arrs = (np.zeros((1, 0), np.float32),)
    arrays = promote_dtypes(*arrs)
    if bad := [k for k, a in enumerate(arrays) if a.ndim > 2]:
        raise ValueError(
            "Arguments to jax.scipy.linalg.block_diag must have at most 2 dimensions, got "
            f"{arrays[bad[0]].shape} at argument {bad[0]}."
        )
    blocks = [unwrap(a).reshape((1,) * (2 - a.ndim) + a.shape) for a in arrays]
    width, offset, rows = sum(b.shape[1] for b in blocks), 0, []
    for block in blocks:
        h, w = block.shape
        parts = [block.new_zeros((h, offset)), block, block.new_zeros((h, width - offset - w))]
        rows.append(concatenate([Array(p) for p in parts], axis=1))
        offset += w
    return concatenate(rows, axis=0)


def toeplitz(c: Any, r: Any = None) -> Array:
    """Constant diagonals: first column ``c``, first row ``r`` (by default the conjugate of ``c``)."""
    check_arraylike("toeplitz", *(c,) if r is None else (c, r))
    column = jnp.atleast_1d(c)
    a, b = promote_dtypes(column, jnp.conj(column) if r is None else jnp.atleast_1d(r))
    first, across, batch = _with_one_batch(a, b)
    n, m = first.shape[-1], across.shape[-1]
    if not n or not m:
        return Array(first.new_zeros((*batch, n, m)))
    line = torch.cat([unsigned.moved_as_signed(torch.flip, first, (-1,)), across[..., 1:]], -1)
    places = _places(m, line) - _places(n, line).unsqueeze(-1) + n - 1
    return Array(unsigned.moved_as_signed(lambda t: t[..., places], line))


def _with_one_batch(a: Array, b: Array) -> tuple[Tensor, Tensor, torch.Size]:
    first, second = unwrap(a), unwrap(b)
    batch = torch.broadcast_shapes(first.shape[:-1], second.shape[:-1])
    return first.expand(*batch, -1), second.expand(*batch, -1), batch


def _places(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device)


@compiled()
def hilbert(n: int) -> Array:
    """``1 / (i + j + 1)``."""
    i = torch.arange(n, dtype=dtypes.to_torch(dtypes.default_float_dtype()), device=default_torch_device())
    return Array(1.0 / (i + i.unsqueeze(-1) + 1.0))


def circulant(c: Any) -> Array:
    """Each column the one before, shifted down by one."""
    check_arraylike("circulant", c)
    x = jnp.atleast_1d(c)
    t = unwrap(x)
    n = t.shape[-1]
    places = (_places(n, t).unsqueeze(-1) - _places(n, t)) % max(n, 1)
    return Array(unsigned.moved_as_signed(lambda t: t[..., places], t), x.weak_type)


def hankel(c: Any, r: Any = None) -> Array:
    """Constant anti-diagonals: first column ``c``, last row ``r`` (zeros by default)."""
    check_arraylike("hankel", *(c,) if r is None else (c, r))
    column = asarray(c)
    row = jnp.zeros_like(column) if r is None else asarray(r)
    for name, x in (("c", column), ("r", row)):
        if x.ndim == 0:
            raise ValueError(f"hankel: {name} must be at least 1-dimensional, got a scalar.")
    first, last, batch = _with_one_batch(*promote_dtypes(column, row))
    n, m = first.shape[-1], last.shape[-1]
    if not n or not m:
        return Array(first.new_zeros((*batch, n, m)))
    line = torch.cat([first, last[..., 1:]], -1)
    return Array(line[..., _places(m, line) + _places(n, line).unsqueeze(-1)])


@compiled()
def pascal(n: int, kind: str | None = None) -> Array:
    """Pascal's triangle as a matrix: "symmetric", "lower" or "upper"."""
    kinds = ["symmetric", "lower", "upper"]
    if kind is not None and kind not in kinds:
        raise ValueError(f"Expected kind to be on of: {kinds}; got {kind}")
    rows = [[float(math.comb(i, j)) for j in range(n)] for i in range(n)]
    lower = torch.tensor(rows, dtype=torch.float32, device=default_torch_device()).reshape(len(rows), len(rows))
    if kind == "lower":
        return Array(lower)
    return Array(lower.mT.contiguous() if kind == "upper" else lower @ lower.mT)


@compiled()
def dft(n: int, scale: str | None = None, *, dtype: Any = None) -> Array:
    """The matrix of the discrete Fourier transform; ``scale``: None, "sqrtn" or "n"."""
    if scale not in (None, "sqrtn", "n"):
        raise ValueError(f"scale must be None, 'sqrtn', or 'n'; got {scale!r}.")
    kind = dtypes.default_complex_dtype()
    if dtype is not None:
        kind = dtypes.check_and_canonicalize_user_dtype(dtype, "dft")
        if not dtypes.issubdtype(kind, np.complexfloating):
            raise ValueError(f"dtype must be a complex floating-point type; got {kind}.")
    k = torch.arange(n, dtype=torch.float64, device=default_torch_device())
    angle = -2 * math.pi * torch.remainder(torch.outer(k, k), max(n, 1)) / max(n, 1)
    matrix = torch.polar(torch.ones_like(angle), angle)
    if scale is not None:
        matrix = matrix / (math.sqrt(n) if scale == "sqrtn" else n)
    return Array(matrix.to(dtypes.to_torch(kind)))


@compiled()
def hadamard(n: int, dtype: Any = int) -> Array:
    """Hadamard matrix; ``n`` is a power of 2."""
    if n < 1 or n & (n - 1):
        raise ValueError(f"n must be a positive power of 2; got {n}.")
    kind = dtypes.check_and_canonicalize_user_dtype(dtype, "hadamard")
    h = torch.ones(1, 1, dtype=torch.int64, device=default_torch_device())
    while h.shape[0] < n:
        h = torch.cat([torch.cat([h, h], 1), torch.cat([h, -h], 1)], 0)
    return Array(h.to(dtypes.to_torch(kind)))


def leslie(f: ArrayLike, s: ArrayLike) -> Array:
    """The Leslie matrix of fecundities ``f`` (first row) and survival rates ``s`` (below the diagonal)."""
    check_arraylike("leslie", f, s)
    births, rates = jnp.atleast_1d(f), jnp.atleast_1d(s)
    if births.shape[-1] < 2:
        raise ValueError(f"The length of f along the last axis must be at least 2; got shape {births.shape}.")
    if rates.shape[-1] != births.shape[-1] - 1:
        raise ValueError(
            "Incorrect lengths for f and s. The length of s along the last axis must be one less than the length of f; "
            f"got f shape {births.shape} and s shape {rates.shape}."
        )
    row, below = (unwrap(x) for x in promote_dtypes(births, rates))
    batch = torch.broadcast_shapes(row.shape[:-1], below.shape[:-1])
    first = row.expand(*batch, row.shape[-1]).unsqueeze(-2)
    rest = torch.nn.functional.pad(torch.diag_embed(below.expand(*batch, below.shape[-1])), (0, 1))
    return Array(torch.cat([first, rest], dim=-2))


def companion(a: ArrayLike) -> Array:
    """The companion matrix of the polynomial with coefficients ``a``, highest power first."""
    (x,) = promote_args_inexact("companion", a)
    x = jnp.atleast_1d(x)
    if x.shape[-1] < 2:
        raise ValueError(f"The length of `a` along the last axis must be at least 2; got shape {x.shape}.")
    first = unwrap(-x[..., 1:] / x[..., :1]).unsqueeze(-2)
    n = first.shape[-1]
    below = torch.eye(n - 1, n, dtype=first.dtype, device=first.device)
    return Array(torch.cat([first, below.expand(*first.shape[:-2], n - 1, n)], dim=-2))


def fiedler(a: ArrayLike) -> Array:
    """The symmetric matrix of distances ``|a[i] - a[j]|``."""
    check_arraylike("fiedler", a)
    x = jnp.atleast_1d(a)
    return jnp.abs(x[..., None] - x[..., None, :])


def fiedler_companion(a: ArrayLike) -> Array:
    """A pentadiagonal matrix with the characteristic polynomial of coefficients ``a``, highest power first."""
    (x,) = promote_args_inexact("fiedler_companion", a)
    x = jnp.atleast_1d(x)
    if x.shape[-1] == 0:
        raise ValueError(
            "fiedler_companion requires the last axis of 'a' to have nonzero length, but got an array of shape "
            f"{x.shape}."
        )
    n = x.shape[-1] - 1
    if n == 0:
        return jnp.zeros((*x.shape[:-1], 0, 0), dtype=x.dtype)
    x = x / x[..., :1]
    if n == 1:
        return -x[..., 1:, None]
    which, ones = np.zeros((n, n), int), np.zeros((n, n))  # which coefficient, negated; where a one stands
    which[0, 0], ones[1, 0] = 1, 1
    for i in range(n):
        if i % 2 == 0:
            if i + 1 < n:
                which[i, i + 1] = i + 2
            if i + 2 < n:
                ones[i, i + 2] = 1
            if i >= 2:
                which[i, i - 1] = i + 1
        elif i >= 3:
            ones[i, i - 2] = 1
    return jnp.where(which > 0, -x[..., which], astype(asarray(ones), x.dtype))


@compiled("a")
def convolution_matrix(a: ArrayLike, n: int, mode: str = "full") -> Array:
    """The matrix that convolves vectors of ``n`` entries with ``a``; ``mode``: "full", "same" or "valid"."""
    n = operator.index(n)
    if n <= 0:
        raise ValueError(f"n must be a positive integer; got {n}.")
    check_arraylike("convolution_matrix", a)
    x = asarray(a)
    if x.ndim == 0:
        raise ValueError("convolution_matrix: a must be at least 1-dimensional, got a scalar.")
    m = x.shape[-1]
    if m < 1:
        raise ValueError(f"len(a) must be at least 1; got shape {x.shape}.")
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"mode must be one of 'full', 'valid', 'same'; got {mode!r}.")
    widths = [(0, 0)] * (x.ndim - 1) + [(0, n - 1)]
    down, across = pad(x, widths), pad(jnp.flip(x, axis=-1), widths)
    trim = {"full": 0, "valid": 2 * (min(n, m) - 1), "same": min(n, m) - 1}[mode]
    before, after = trim // 2, trim - trim // 2
    length = m + n - 1
    column = slice_in_dim(down, before, length - after, axis=-1)
    row = slice_in_dim(across, length - n - before, length - before, axis=-1)
    return toeplitz(column, row)


@compiled()
def invhilbert(n: int) -> Array:
    """The inverse of the Hilbert matrix of size ``n``."""
    a = jnp.arange(n, dtype=dtypes.default_float_dtype())
    i, j = a[:, None], a[None, :]
    s = i + j
    return (-1.0) ** s * (s + 1.0) * comb(n + i, n - j - 1) * comb(n + j, n - i - 1) * comb(s, i) ** 2


def _binomials(n: Array, k: Array) -> Array:
    a, b, c = (gammaln(v) for v in (n + 1.0, n - k + 1.0, k + 1.0))
    return jnp.where(k > n, 0.0, jnp.exp(a - b - c))


@compiled()
def invpascal(n: int, kind: str | None = None) -> Array:
    """The inverse of the Pascal matrix of size ``n``; ``kind``: "symmetric" (the default), "lower" or "upper"."""
    kind = "symmetric" if kind is None else kind
    known = ["symmetric", "lower", "upper"]
    if kind not in known:
        raise ValueError(f"Expected kind to be one of: {known}; got {kind}")
    a = jnp.arange(n, dtype=dtypes.default_float_dtype())
    i, j = a[:, None], a[None, :]
    lower = (-1.0) ** (i - j) * _binomials(i, j)
    if kind == "symmetric":
        return jnp.dot(lower.T, lower)
    return lower if kind == "lower" else lower.T


@compiled()
def helmert(n: int, full: bool = False) -> Array:
    """The Helmert matrix of order ``n``; ``full``: with its constant first row."""
    if n < 1:
        raise ValueError(f"n must be a positive integer; got {n}.")
    i, j = jnp.arange(n - 1)[:, None], jnp.arange(n)[None, :]
    count = astype(i + 1, dtypes.default_float_dtype())
    size = jnp.sqrt(count * (count + 1))
    matrix = jnp.where(j <= i, 1.0 / size, jnp.where(j == i + 1, -count / size, jnp.zeros_like(size)))
    if not full:
        return matrix
    row = jnp.full((1, n), 1.0 / np.sqrt(n), dtype=matrix.dtype)
    return jnp.concatenate([row, matrix], axis=0)


@compiled("d", "e", "tol", "key")
def eigh_tridiagonal(
    d: ArrayLike,
    e: ArrayLike,
    *,
    eigvals_only: bool = False,
    select: str = "a",
    select_range: tuple[float, float] | None = None,
    tol: float | None = None,
    key: Array | None = None,
) -> Any:
    """Eigenvalues (ascending), and eigenvectors, of a Hermitian tridiagonal matrix.

    Args:
        d: diagonal ``[n]``.
        e: what stands above the diagonal, ``[n - 1]``.
        eigvals_only: give the eigenvalues alone.
        select: "a" (all) or "i" (those that ``select_range`` counts).
        select_range: first and last index of "i".
        tol: ignored; eigenvalues are as exact as the type allows.
        key: ignored; no start vector is drawn.
    """
    del tol, key
    alpha, beta = asarray(d), asarray(e)
    if alpha.dtype != beta.dtype:
        raise TypeError(
            f"diagonal and off-diagonal values must have same dtype, got {alpha.dtype} and {beta.dtype}"
        )
    if alpha.dtype.name not in ("float32", "float64", "complex64", "complex128"):
        raise TypeError(
            "Only float32 and float64 inputs are supported as inputs to jax.scipy.linalg.eigh_tridiagonal, got "
            f"{alpha.dtype} and {beta.dtype}"
        )
    n = alpha.shape[0]
    if n <= 1:
        return jnp.real(alpha) if eigvals_only else (jnp.real(alpha), jnp.eye(n, dtype=alpha.dtype))
    if select == "i":
        if select_range is None:
            raise ValueError("for select='i', select_range must be specified.")
        if select_range[0] > select_range[1]:
            raise ValueError("Got empty index range in select_range.")
        wanted = slice(int(select_range[0]), int(select_range[1]) + 1)
    elif select == "v":
        raise NotImplementedError("eigh_tridiagonal(..., select='v') is not implemented")
    elif select == "a":
        wanted = slice(None)
    else:
        raise ValueError("'select must have a value in {'a', 'i', 'v'}.")
    off = unwrap(beta)
    # one triangle is read: the entries below the diagonal are the conjugates of those above
    below = torch.diag_embed(off.conj() if off.is_complex() else off, offset=-1)
    matrix = torch.diag_embed(unwrap(alpha)) + below
    vectors, values = hermitian_parts(Array(matrix), True)
    return values[wanted] if eigvals_only else (values[wanted], vectors[:, wanted])
