"""jax.lax.linalg: strict decompositions and solvers."""

from __future__ import annotations

from typing import Any

from compat.domains import POSDEF, REAL, SQUARE, between
from compat.same import Tolerance
from compat.table import SQUARES, WIDE, Case, Table

LOOSE = Tolerance(factor=100, normwise=True)
SMALL = between(0.1, 0.5)
TALL = (((5, 3),), ((2, 5, 3),))
VALUES = ("eager", "jit", "vmap", "jit_of_vmap")


def row(path: str, **options: Any) -> Case:
    """A function of matrices of floats and complex numbers."""
    given: dict[str, Any] = {"dtypes": WIDE, "tolerance": LOOSE, **options}
    return Case(path, **given)


ROWS = [
    row("cholesky", domain=POSDEF, shapes=SQUARES),
    row("cholesky", domain=POSDEF, shapes=SQUARES, options={"symmetrize_input": False}),
    row("lu", domain=SQUARE, shapes=SQUARES),
    row("lu", label="tall", shapes=TALL, without=("hvp", "kinks")),
    row("eigh", domain=POSDEF, shapes=SQUARES, call=lambda jax, x: jax.lax.linalg.eigh(x)[1], label="values"),
    row(
        "eigh",
        domain=POSDEF,
        shapes=SQUARES,
        call=lambda jax, x: abs(jax.lax.linalg.eigh(x)[0]),
        only=VALUES,
        label="vectors",
    ),
    row("svd", shapes=TALL, options={"compute_uv": False}, without=("kinks",)),
    row(
        "svd",
        shapes=TALL,
        call=lambda jax, x: [abs(v) for v in jax.lax.linalg.svd(x, full_matrices=False)],
        only=VALUES,
        label="vectors",
    ),
    row("qr", shapes=TALL, options={"full_matrices": False}, without=("kinks", "hvp")),
    row("qr", shapes=TALL, options={"pivoting": True, "full_matrices": False}, only=VALUES),
    row("eig", domain=SQUARE, shapes=(((3, 3),),), only=VALUES),
    row(
        "eig",
        domain=SQUARE,
        shapes=(((3, 3),),),
        call=lambda jax, x: jax.lax.linalg.eig(x, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[
            0
        ].sum(),
        only=("eager", "jvp", "grad"),
        label="sum_of_values",
    ),
    row("hessenberg", domain=SQUARE, shapes=(((4, 4),),), only=VALUES),
    row("schur", domain=SQUARE, shapes=(((4, 4),),), only=VALUES),
    row("tridiagonal", domain=POSDEF, shapes=(((4, 4),),), only=VALUES),
    row("householder_product", arity=2, shapes=(((5, 3), (3,)),), domain=(REAL, SMALL), only=VALUES),
    row("ormqr", arity=3, shapes=(((5, 3), (3,), (5, 2)),), domain=(REAL, SMALL, REAL), only=VALUES),
    *[
        row(
            "triangular_solve",
            arity=2,
            domain=(SQUARE, REAL),
            shapes=(((3, 3), (3, 2) if options.get("left_side") else (2, 3)),),
            options=options,
        )
        for options in (
            {"left_side": True, "lower": True},
            {"lower": True, "unit_diagonal": True},
            {"left_side": True, "transpose_a": True, "conjugate_a": True},
        )
    ],
    row(
        "tridiagonal_solve",
        arity=4,
        domain=(SMALL, between(2, 4), SMALL, REAL),
        shapes=(((5,), (5,), (5,), (5, 2)),),
    ),
    row(
        "cholesky_update",
        arity=2,
        domain=(POSDEF, REAL),
        shapes=(((4, 4), (4,)),),
        dtypes=("float32", "float64"),
        call=lambda jax, a, w: jax.lax.linalg.cholesky_update(jax.numpy.linalg.cholesky(a).T, w),
        only=("eager", "jit"),
    ),
    row(
        "symmetric_product",
        arity=2,
        dtypes=("float32", "float64"),
        shapes=(((3, 5), (3, 3)),),
        options={"alpha": 2.0, "beta": 0.5, "symmetrize_output": True},
        only=VALUES,
    ),
    Case(
        "lu_pivots_to_permutation",
        arity=0,
        dtypes=("float32",),
        call=lambda jax: jax.lax.linalg.lu_pivots_to_permutation(jax.numpy.array([[2, 2, 2], [0, 1, 3]], "int32"), 4),
    ),
]

TABLE = Table("lax_linalg", "jax.lax.linalg", ROWS)
