"""Dot products, jax.numpy.linalg, jax.scipy.linalg.

Factors that are unique up to a sign or a phase are compared through products that do not depend on it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from compat.domains import NONZERO, POSDEF, REAL, SQUARE, Domain
from compat.same import Tolerance
from compat.table import (
    ALL,
    COMPLEX,
    FLOATS,
    INEXACT,
    INTS,
    MATRICES,
    NUMBERS,
    SQUARES,
    VECTORS,
    WIDE,
    WIDE_FLOATS,
    Case,
    Shapes,
    Table,
    each,
    vary,
)  # fmt: skip

DOT = Tolerance(factor=4, normwise=True)
SOLVE = Tolerance(factor=60, normwise=True)
MATMUL: tuple[Shapes, ...] = (
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 2, 3), (3, 2)),
    ((2, 1, 2, 3), (2, 3, 2)),
)
EQUAL: tuple[Shapes, ...] = (((3,), (3,)), ((2, 3), (2, 3)))
SYSTEM: tuple[Shapes, ...] = (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 2)))
TALL: tuple[Shapes, ...] = (((4, 3),), ((2, 4, 3),))
WIDER: tuple[Shapes, ...] = (((3, 4),),)
ONE_SQUARE: tuple[Shapes, ...] = (((3, 3),),)


def einsum(subscripts: str, *shapes: tuple[int, ...]) -> Case:
    """One contraction."""
    return Case(
        "einsum",
        arity=len(shapes),
        shapes=(shapes,),
        dtypes=("float32", "int32", "complex64", "float64", "bool"),
        call=lambda jax, *xs: jax.numpy.einsum(subscripts, *xs),
        label=subscripts.replace(" ", ""),
        tolerance=DOT,
    )


PRODUCTS = [
    *each("matmul dot", arity=2, shapes=MATMUL, tolerance=DOT, without=("promote",)),
    Case(
        "matmul",
        arity=2,
        shapes=MATMUL,
        dtypes=ALL,
        tolerance=DOT,
        call=lambda jax, x, y: x @ y,
        label="operator",
    ),
    Case(
        "matmul",
        arity=2,
        shapes=(((2, 3), (2, 3)), ((), (3,))),
        dtypes=("float32",),
        label="error",
        only=("eager", "jit"),
    ),
    Case("dot", arity=2, shapes=(((), (3,)), ((2, 3), ())), dtypes=NUMBERS, tolerance=DOT, label="scalar"),
    Case(
        "matmul",
        arity=2,
        shapes=MATMUL,
        dtypes=("int8", "bfloat16"),
        options={"preferred_element_type": "float32"},
        tolerance=DOT,
    ),
    *each("inner vdot", arity=2, shapes=EQUAL, dtypes=NUMBERS, tolerance=DOT),
    *each("outer kron", arity=2, shapes=(((3,), (2,)), ((2, 2), (2,))), dtypes=NUMBERS),
    Case("kron", arity=2, shapes=(((2, 3), (2, 2)),), dtypes=NUMBERS, label="matrices"),
    *vary(
        Case("tensordot", arity=2, dtypes=NUMBERS, shapes=(((2, 3, 4), (3, 4, 2)),), tolerance=DOT),
        axes=(2, ((1, 2), (0, 1))),
    ),
    Case("tensordot", arity=2, dtypes=NUMBERS, shapes=(((2, 3), (3, 2)),), options={"axes": 1}, tolerance=DOT),
    Case("cross", arity=2, dtypes=NUMBERS, shapes=(((3,), (3,)), ((2, 3), (2, 3))), tolerance=DOT),
    *each("vecdot", arity=2, dtypes=NUMBERS, shapes=EQUAL, tolerance=DOT),
    Case("matvec", arity=2, dtypes=NUMBERS, shapes=(((2, 3), (3,)),), tolerance=DOT),
    Case("vecmat", arity=2, dtypes=NUMBERS, shapes=(((2,), (2, 3)),), tolerance=DOT),
    einsum("ij,jk->ik", (2, 3), (3, 4)),
    einsum("ij,jk", (2, 3), (3, 4)),
    einsum("ii->i", (3, 3)),
    einsum("ii", (3, 3)),
    einsum("i,j->ij", (2,), (3,)),
    einsum("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
    einsum("ij->ji", (2, 3)),
    einsum("bij,bj->bi", (2, 3, 2), (2, 2)),
    einsum("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)),
    einsum("ijk->", (2, 3, 2)),
    einsum("i,i", (3,), (3,)),
    einsum("a b, b -> a", (2, 3), (3,)),
    Case("convolve", arity=2, dtypes=FLOATS, shapes=(((5,), (3,)),), tolerance=DOT),
    *vary(
        Case("convolve", arity=2, dtypes=FLOATS, shapes=(((5,), (3,)), ((2,), (4,))), tolerance=DOT),
        mode=("same", "valid"),
    ),
    *vary(
        Case("correlate", arity=2, dtypes=FLOATS, shapes=(((5,), (3,)),), tolerance=DOT),
        mode=("full", "same", "valid"),
    ),
    Case("polymul", arity=2, dtypes=FLOATS, shapes=(((3,), (2,)),), tolerance=DOT),
    *each("polyadd polysub", arity=2, dtypes=FLOATS + INTS, shapes=(((3,), (2,)),)),
    *each("polyder polyint", dtypes=FLOATS, shapes=(((4,),),)),
    Case("poly", dtypes=WIDE_FLOATS, shapes=VECTORS[:1], tolerance=DOT),
]


def product_of(
    name: str,
    domain: Domain,
    shapes: tuple[Shapes, ...],
    call: Callable[..., Any],
    dtypes: tuple[str, ...] = WIDE,
    **rest: Any,
) -> Case:
    """A factorization, compared through what `call(jax, a)` makes of its factors."""
    return Case(
        name,
        domain=domain,
        shapes=shapes,
        call=call,
        dtypes=dtypes,
        tolerance=SOLVE,
        label="products",
        **rest,
    )


def eigh_products(jax, a):
    w, v = jax.numpy.linalg.eigh(a)
    projectors = jax.numpy.einsum("...ik,...jk->...kij", v, v.conj())
    return w, projectors


def svd_products(jax, a):
    u, s, vh = jax.numpy.linalg.svd(a, full_matrices=False)
    return s, jax.numpy.einsum("...ik,...kj->...kij", u, vh)


def qr_products(jax, a):
    q, r = jax.numpy.linalg.qr(a)
    return q @ q.conj().swapaxes(-1, -2), q @ r, abs(r)


def eig_values(jax, a):
    w = jax.numpy.linalg.eigvals(a)
    return jax.numpy.sum(w, -1), jax.numpy.sum(w**3, -1)


LINALG = [
    *vary(
        Case("norm", label="vector", dtypes=NUMBERS, shapes=VECTORS, domain=NONZERO, tolerance=DOT),
        ord=(..., 1, 2, 0, float("inf"), float("-inf"), 3, -1),
    ),
    *vary(
        Case("norm", label="matrix", dtypes=FLOATS, shapes=(((3, 2),),), domain=NONZERO, tolerance=DOT),
        ord=(..., "fro", 1, -1, float("inf"), float("-inf")),
        keepdims=(..., True),
    ),
    *vary(
        Case("norm", label="spectral", dtypes=WIDE, shapes=(((3, 2),),), domain=NONZERO, tolerance=SOLVE),
        ord=(2, -2, "nuc"),
    ),
    *vary(
        Case(
            "norm",
            label="axis",
            dtypes=FLOATS,
            shapes=(((3, 2),), ((2, 3, 2),)),
            domain=NONZERO,
            tolerance=DOT,
        ),
        ord=(..., 1, 2),
        axis=(0, -1),
    ),
    *vary(
        Case("norm", label="axes", dtypes=WIDE_FLOATS, shapes=(((2, 3, 2),),), domain=NONZERO, tolerance=SOLVE),
        ord=(..., 2),
        axis=((0, 1), (-1, 0)),
    ),
    Case(
        "norm",
        dtypes=("float32",),
        shapes=VECTORS,
        domain=lambda rng, shape, dtype: 0 * REAL(rng, shape, dtype),
        label="at_zero",
    ),
    *vary(
        Case(
            "norm",
            dtypes=("float32",),
            shapes=VECTORS,
            domain=lambda rng, shape, dtype: 0 * REAL(rng, shape, dtype),
            label="at_zero",
        ),
        ord=(1, float("inf"), 3),
    ),
    Case(
        "norm",
        dtypes=("float32",),
        shapes=VECTORS,
        options={"ord": "fro"},
        label="error",
        only=("eager", "jit"),
    ),
    *vary(
        Case("vector_norm", dtypes=FLOATS, shapes=(((3, 2),),), domain=NONZERO, tolerance=DOT),
        axis=(..., 0),
        ord=(..., 1),
    ),
    *vary(Case("matrix_norm", dtypes=WIDE_FLOATS, shapes=(((3, 2),),), tolerance=SOLVE), ord=(..., 1, 2)),
    *each("inv det", dtypes=WIDE, domain=SQUARE, shapes=SQUARES, tolerance=SOLVE),
    Case("slogdet", dtypes=WIDE, domain=SQUARE, shapes=SQUARES, tolerance=SOLVE),
    Case(
        "inv",
        dtypes=("int32", "float16"),
        shapes=ONE_SQUARE,
        domain=SQUARE,
        tolerance=SOLVE,
        label="narrow",
        grad=False,
    ),
    Case("inv", shapes=(((2, 3),), ((3,),)), dtypes=("float32",), label="error", only=("eager", "jit")),
    Case(
        "inv",
        dtypes=("float32",),
        shapes=ONE_SQUARE,
        domain=lambda rng, shape, dtype: np.zeros(shape, dtype),
        label="singular",
        grad=False,
    ),
    Case("solve", arity=2, dtypes=WIDE, domain=(SQUARE, REAL), shapes=SYSTEM, tolerance=SOLVE),
    Case(
        "solve",
        arity=2,
        dtypes=("float32",),
        shapes=(((3, 3), (4,)), ((2, 3), (3,))),
        label="error",
        only=("eager", "jit"),
    ),
    Case("cholesky", dtypes=WIDE, domain=POSDEF, shapes=SQUARES, tolerance=SOLVE),
    Case("cholesky", dtypes=WIDE, domain=POSDEF, shapes=SQUARES, tolerance=SOLVE, options={"upper": True}),
    Case(
        "cholesky",
        dtypes=("float32",),
        shapes=ONE_SQUARE,
        domain=lambda rng, shape, dtype: -POSDEF(rng, shape, dtype),
        label="indefinite",
        grad=False,
    ),
    Case("eigvalsh", dtypes=WIDE, domain=POSDEF, shapes=SQUARES, tolerance=SOLVE),
    Case("svdvals", dtypes=WIDE, shapes=TALL + WIDER, tolerance=SOLVE),
    Case("svd", dtypes=WIDE, shapes=TALL + WIDER, options={"compute_uv": False}, tolerance=SOLVE),
    product_of("eigh", POSDEF, SQUARES, eigh_products),
    product_of("svd", REAL, TALL + WIDER, svd_products),
    product_of("qr", REAL, TALL + ONE_SQUARE, qr_products),
    product_of("eigvals", REAL, ONE_SQUARE, eig_values, grad=False),
    Case(
        "svd",
        dtypes=("float32",),
        shapes=(((4, 2),),),
        label="full_shapes",
        grad=False,
        tolerance=SOLVE,
        call=lambda jax, a: [f.shape for f in jax.numpy.linalg.svd(a)],
        only=("eager",),
    ),
    *vary(
        Case(
            "qr",
            dtypes=("float32",),
            shapes=TALL,
            call=lambda jax, a, **o: abs(jax.numpy.linalg.qr(a, **o)[-1]),
            tolerance=SOLVE,
            grad=False,
        ),
        mode=("reduced", "complete"),
    ),
    Case(
        "lstsq",
        arity=2,
        dtypes=WIDE_FLOATS,
        shapes=(((4, 3), (4,)), ((4, 2), (4, 2))),
        tolerance=SOLVE,
        grad=False,
    ),
    Case(
        "lstsq",
        arity=2,
        dtypes=WIDE_FLOATS,
        shapes=(((4, 3), (4,)),),
        tolerance=SOLVE,
        label="solution",
        call=lambda jax, a, b: jax.numpy.linalg.lstsq(a, b)[0],
    ),
    Case("pinv", dtypes=WIDE, shapes=(((4, 3),), ((3, 4),)), tolerance=SOLVE),
    *vary(
        Case("matrix_power", dtypes=WIDE_FLOATS + COMPLEX, domain=SQUARE, shapes=SQUARES, tolerance=SOLVE),
        n=(0, 1, 3, -2),
    ),
    Case("matrix_rank", dtypes=WIDE_FLOATS, shapes=(((3, 4),),), grad=False),
    *vary(Case("cond", dtypes=WIDE_FLOATS, domain=SQUARE, shapes=ONE_SQUARE, tolerance=SOLVE), p=(..., 1, "fro")),
    Case(
        "multi_dot",
        arity=3,
        dtypes=NUMBERS,
        shapes=(((2, 3), (3, 4), (4, 2)),),
        tolerance=DOT,
        call=lambda jax, *xs: jax.numpy.linalg.multi_dot(xs),
    ),
    *each("outer", arity=2, dtypes=NUMBERS, shapes=(((3,), (2,)),)),
    *each("cross vecdot", arity=2, dtypes=NUMBERS, shapes=(((2, 3), (2, 3)),), tolerance=DOT),
    Case("matmul", arity=2, dtypes=NUMBERS, shapes=(((2, 3), (3, 2)),), tolerance=DOT, label="matrices"),
    Case("tensordot", arity=2, dtypes=NUMBERS, shapes=(((2, 3, 4), (3, 4, 2)),), tolerance=DOT),
    *each("trace diagonal matrix_transpose", dtypes=NUMBERS, shapes=MATRICES),
    Case(
        "tensorsolve",
        arity=2,
        dtypes=WIDE_FLOATS,
        domain=(lambda rng, shape, dtype: SQUARE(rng, (4, 4), dtype).reshape(shape), REAL),
        shapes=(((2, 2, 4), (2, 2)),),
        tolerance=SOLVE,
    ),
    Case(
        "tensorinv",
        dtypes=WIDE_FLOATS,
        domain=lambda rng, shape, dtype: SQUARE(rng, (4, 4), dtype).reshape(shape),
        shapes=(((2, 2, 4),),),
        tolerance=SOLVE,
    ),
]


def lu_products(jax, a):
    p, lower, upper = jax.scipy.linalg.lu(a)
    return p, lower, upper


SCIPY = [
    Case("expm", dtypes=WIDE, domain=SQUARE, shapes=SQUARES, tolerance=SOLVE),
    Case(
        "expm",
        dtypes=WIDE,
        domain=lambda rng, shape, dtype: np.triu(SQUARE(rng, shape, dtype)),
        shapes=SQUARES,
        tolerance=SOLVE,
        options={"upper_triangular": True},
        only=("eager", "jit", "vmap"),
    ),
    *[
        Case(
            "expm",
            dtypes=(dtype,),
            shapes=ONE_SQUARE,
            domain=lambda rng, shape, dtype: 8 * SQUARE(rng, shape, dtype) / 4,
            label=f"large {dtype}",
            tolerance=tolerance,
        )
        # JAX's float32 approximant is used up to twice the norm that it is made for: right to some 1e-3 there.
        for dtype, tolerance in (("float32", Tolerance(400, normwise=True)), ("float64", SOLVE))
    ],
    *vary(Case("block_diag", arity=2, dtypes=NUMBERS, shapes=(((2, 2), (1, 3)), ((3,), ())))),
    Case("cholesky", dtypes=WIDE, domain=POSDEF, shapes=SQUARES, tolerance=SOLVE, options={"lower": True}),
    Case(
        "cho_solve",
        arity=2,
        dtypes=WIDE,
        domain=(POSDEF, REAL),
        shapes=SYSTEM[:2],
        tolerance=SOLVE,
        call=lambda jax, a, b: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(a), b),
    ),
    Case(
        "cho_factor",
        dtypes=WIDE,
        domain=POSDEF,
        shapes=SQUARES[:1],
        tolerance=SOLVE,
        grad=False,
        call=lambda jax, a: (
            jax.numpy.triu(jax.scipy.linalg.cho_factor(a)[0]),
            jax.scipy.linalg.cho_factor(a)[1],
        ),
    ),
    *each("inv det", dtypes=WIDE, domain=SQUARE, shapes=ONE_SQUARE, tolerance=SOLVE),
    Case("solve", arity=2, dtypes=WIDE, domain=(SQUARE, REAL), shapes=SYSTEM[:2], tolerance=SOLVE),
    Case(
        "solve",
        arity=2,
        dtypes=WIDE,
        domain=(POSDEF, REAL),
        shapes=SYSTEM[:2],
        tolerance=SOLVE,
        options={"assume_a": "pos"},
    ),
    *vary(
        Case(
            "solve_triangular",
            arity=2,
            dtypes=WIDE,
            domain=(SQUARE, REAL),
            shapes=SYSTEM[:2],
            tolerance=SOLVE,
        ),
        lower=(..., True),
        trans=(..., 1),
        unit_diagonal=(..., True),
    ),
    Case("lu", dtypes=WIDE, domain=SQUARE, shapes=ONE_SQUARE, call=lu_products, tolerance=SOLVE),
    Case(
        "lu_solve",
        arity=2,
        dtypes=WIDE,
        domain=(SQUARE, REAL),
        shapes=SYSTEM[:1],
        tolerance=SOLVE,
        call=lambda jax, a, b: jax.scipy.linalg.lu_solve(jax.scipy.linalg.lu_factor(a), b),
    ),
    Case("lu_factor", dtypes=WIDE_FLOATS, domain=SQUARE, shapes=ONE_SQUARE, tolerance=SOLVE),
    Case(
        "eigh",
        dtypes=WIDE,
        domain=POSDEF,
        shapes=SQUARES[:1],
        options={"eigvals_only": True},
        tolerance=SOLVE,
    ),
    Case("svd", dtypes=WIDE, shapes=TALL[:1], options={"compute_uv": False}, tolerance=SOLVE),
    Case(
        "qr",
        dtypes=WIDE_FLOATS,
        shapes=TALL[:1],
        tolerance=SOLVE,
        grad=False,
        call=lambda jax, a: abs(jax.scipy.linalg.qr(a, mode="economic")[1]),
    ),
    *each("toeplitz circulant hankel", dtypes=NUMBERS, shapes=VECTORS),
    *[
        Case(
            name,
            arity=0,
            dtypes=("float32", "float64"),
            only=("eager",),
            call=lambda jax, name=name, n=n: getattr(jax.scipy.linalg, name)(n),
            label=str(n),
            tolerance=SOLVE,
        )
        for name in "dft hadamard hilbert pascal invhilbert invpascal helmert".split()
        for n in (1, 4)
    ],
    *each("fiedler", dtypes=FLOATS, shapes=VECTORS, tolerance=DOT),
    Case("expm_frechet", arity=2, dtypes=WIDE, shapes=(((3, 3), (3, 3)),), domain=SQUARE, tolerance=SOLVE),
    # JAX has no reverse mode of it (its default method is a loop); here there is one
    Case(
        "polar",
        dtypes=WIDE,
        shapes=ONE_SQUARE,
        domain=SQUARE,
        tolerance=SOLVE,
        without=("grad", "kinks", "hvp", "vmap_of_grad", "jit_of_grad"),
    ),
    Case("sqrtm", dtypes=WIDE, shapes=ONE_SQUARE, domain=POSDEF, tolerance=SOLVE, grad=False),
    *vary(Case("schur", dtypes=WIDE, shapes=SQUARES, tolerance=SOLVE, grad=False), output=(..., "complex")),
    *each("schur sqrtm hessenberg", dtypes=("float32",), shapes=ONE_SQUARE, only=("jvp", "grad"), label="refused"),
    *vary(Case("hessenberg", dtypes=WIDE, shapes=SQUARES, tolerance=SOLVE, grad=False), calc_q=(..., True)),
    Case(
        "rsf2csf",
        dtypes=WIDE_FLOATS,
        shapes=ONE_SQUARE,
        tolerance=SOLVE,
        grad=False,
        call=lambda jax, a: jax.scipy.linalg.rsf2csf(*jax.scipy.linalg.schur(a)),
    ),
    *vary(
        Case(
            "funm",
            dtypes=WIDE,
            shapes=ONE_SQUARE,
            tolerance=SOLVE,
            grad=False,
            domain=SQUARE,
            call=lambda jax, a, **o: jax.scipy.linalg.funm(a, jax.numpy.exp, **o),
        ),
        disp=(..., False),
    ),
    *vary(
        Case(
            "solve_sylvester",
            arity=3,
            dtypes=WIDE,
            shapes=(((3, 3), (2, 2), (3, 2)), ((2, 3, 3), (2, 3, 3), (2, 3, 3))),
            domain=(SQUARE, SQUARE, REAL),
            tolerance=Tolerance(1000, normwise=True),
            grad=False,
        ),
        method=(..., "eigen"),
    ),
    *vary(
        Case(
            "qr_multiply",
            arity=2,
            dtypes=WIDE,
            shapes=(((4, 3), (2, 4)), ((3, 3), (3,))),
            tolerance=SOLVE,
            only=("eager", "jit", "vmap"),
        ),
        pivoting=(..., True),
        conjugate=(..., True),
    ),
    *each("companion fiedler_companion", dtypes=WIDE, domain=NONZERO, shapes=(((4,),), ((2, 5),)), tolerance=SOLVE),
    Case("leslie", arity=2, dtypes=NUMBERS, shapes=(((4,), (3,)), ((2, 3), (2, 2)))),
    *[
        Case(
            "convolution_matrix",
            dtypes=NUMBERS,
            shapes=(((4,),), ((2, 3),)),
            label=f"{n}{mode}",
            call=lambda jax, a, n=n, mode=mode: jax.scipy.linalg.convolution_matrix(a, n, mode),
        )
        for n, mode in ((3, "full"), (2, "same"), (6, "valid"))
    ],
    Case(
        "eigh_tridiagonal",
        arity=2,
        dtypes=WIDE_FLOATS,
        shapes=(((4,), (3,)),),
        tolerance=Tolerance(200, normwise=True),
        grad=False,
        call=lambda jax, d, e: jax.scipy.linalg.eigh_tridiagonal(d, e, eigvals_only=True),
    ),
]

TABLES = (
    Table("products", "jax.numpy", PRODUCTS),
    Table("linalg", "jax.numpy.linalg", LINALG),
    Table("scipy_linalg", "jax.scipy.linalg", SCIPY),
)
__all__ = ["INEXACT", "TABLES"]
