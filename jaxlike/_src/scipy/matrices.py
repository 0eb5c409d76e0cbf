"""matrices: special matrices made of a vector or a size, and eigenvalues of tridiagonal ones."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, check_arraylike, promote_args_inexact, promote_dtypes, unwrap
from jaxlike._src.lax.slicing import slice_in_dim
from jaxlike._src.numpy.padding import pad
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import comb, gammaln
from jaxlike._src.scipy.linalg import toeplitz

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike


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


def invhilbert(n: int) -> Array:
    """The inverse of the Hilbert matrix of size ``n``."""
    a = jnp.arange(n, dtype=dtypes.default_float_dtype())
    i, j = a[:, None], a[None, :]
    s = i + j
    return (-1.0) ** s * (s + 1.0) * comb(n + i, n - j - 1) * comb(n + j, n - i - 1) * comb(s, i) ** 2


def _binomials(n: Array, k: Array) -> Array:
    a, b, c = (gammaln(v) for v in (n + 1.0, n - k + 1.0, k + 1.0))
    return jnp.where(k > n, 0.0, jnp.exp(a - b - c))


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
    if eigvals_only:
        return Array(torch.linalg.eigvalsh(matrix))[wanted]
    values, vectors = torch.linalg.eigh(matrix)
    return Array(values)[wanted], Array(vectors)[:, wanted]
