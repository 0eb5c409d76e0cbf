"""Decompositions of `jax._src.tpu.linalg`, which JAX's test files import: what does not hang on the choice of vectors."""

from __future__ import annotations

import numpy as np
import pytest

from compat.frameworks import ACTUAL, private
from compat.same import Tolerance, same_in_both

LINALG = "jax._src.tpu.linalg"
DRAWN = np.random.RandomState(0).randn(7, 7)
LOOSE = Tolerance(factor=20, normwise=True)


def hermitian(dtype):
    x = DRAWN + 1j * DRAWN[::-1] if dtype == "complex64" else DRAWN
    return np.asarray(x + x.conj().T, dtype)


@same_in_both(tolerance=LOOSE)
def test_eigenvalues(jax):
    """Of the first rows and columns; JAX's own goes down to blocks of one where there is no accelerator."""
    eigh, x = private(jax, f"{LINALG}.eigh", "eigh"), jax.numpy.asarray(hermitian("complex64")[:4, :4])
    values, vectors = eigh(x, n=3, termination_size=1)
    return values, abs(x[:3, :3] @ vectors[:3, :3] - values[:3] * vectors[:3, :3]).max() < 1e-4, vectors[3:]


@same_in_both(tolerance=LOOSE)
def test_spectrum_is_split(jax):
    split, x = private(jax, f"{LINALG}.eigh", "split_spectrum"), jax.numpy.asarray(hermitian("float32"))
    below, to_below, above, to_above, rank = split(x, 5, jax.numpy.float32(0.5), V0=2 * jax.numpy.eye(7))
    projections = to_below @ to_below.T, to_above @ to_above.T
    return rank, [jax.numpy.linalg.eigvalsh(part) for part in (below, above)], projections


@pytest.mark.parametrize("shape", [(5, 5), (3, 6)])
@same_in_both(tolerance=LOOSE)
def test_singular_values(jax, shape):
    svd, x = private(jax, f"{LINALG}.svd", "svd"), DRAWN[: shape[0], : shape[1]].astype("float32")
    made = [svd(x, full_matrices=full) for full in (True, False)]
    rebuilt = [(u[:, : len(s)] * s) @ vh[: len(s)] for u, s, vh in made]
    none = svd(np.full(shape, np.nan, "float32"), False)
    return [[y.shape for y in r] for r in made], rebuilt, svd(x, False, compute_uv=False), none


def test_a_range_is_a_part_of_all():
    """JAX has no ranges without an accelerator."""
    svd, eigh = private(ACTUAL, f"{LINALG}.svd", "svd"), private(ACTUAL, f"{LINALG}.eigh", "eigh")
    x = hermitian("float32")
    (u, s, vh), (u_part, s_part, vh_part) = svd(x, False), svd(x, False, subset_by_index=(1, 4))
    values, vectors = eigh(x, subset_by_index=(1, 4))
    pairs = (u_part, u[:, 1:4]), (s_part, s[1:4]), (vh_part, vh[1:4]), (values, eigh(x)[0][1:4]), (vectors, eigh(x)[1][:, 1:4])
    for part, whole in pairs:
        np.testing.assert_array_equal(part, whole)


REFUSED = {
    "range of three": lambda eigh, svd, x: svd(x, False, subset_by_index=(0, 1, 2)),
    "empty range": lambda eigh, svd, x: eigh(x, subset_by_index=(1, 1)),
    "negative range": lambda eigh, svd, x: svd(x, False, subset_by_index=(-1, 1)),
    "range too long": lambda eigh, svd, x: eigh(x, subset_by_index=(1, 9)),
    "range of full matrices": lambda eigh, svd, x: svd(x, True, subset_by_index=(0, 1)),
    "not square": lambda eigh, svd, x: eigh(x[:3]),
    "padding": lambda eigh, svd, x: eigh(x, n=9),
}


@pytest.mark.parametrize("name", list(REFUSED))
@same_in_both
def test_refused(jax, name):
    return REFUSED[name](private(jax, f"{LINALG}.eigh", "eigh"), private(jax, f"{LINALG}.svd", "svd"), hermitian("float32"))
