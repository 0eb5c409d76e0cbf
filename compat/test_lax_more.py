"""jax.lax beside its tables: ragged products, generators, tokens, algorithms, jax.lax.linalg's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both, same_in_both
from jaxlike._src.private_names import PrivateModule

LOOSE = Tolerance(factor=60, normwise=True)


def lines(block: str) -> list[str]:
    """The lines of a block."""
    return [line.strip() for line in block.strip().splitlines()]


def same(line: str, x64: bool = False) -> None:
    """A line ends in the same way in both frameworks."""

    def program(jax: Any) -> Any:
        return eval(line, {"jax": jax, "jnp": jax.numpy, "np": np, "lax": jax.lax, "la": jax.lax.linalg})

    assert_same(*run_both(program), LOOSE, line)


BLOCKS = {
    "linalg": """
        la.cholesky(jnp.ones((2, 3)))
        la.cholesky(jnp.eye(3, dtype="int32"))
        la.cholesky(-jnp.eye(3))
        la.cholesky(jnp.ones((0, 3, 3)))
        la.cholesky(np.eye(3, dtype="float32"))
        la.cholesky_update(jnp.eye(3), jnp.ones(2))
        la.cholesky_update(jnp.ones((2, 3, 3)), jnp.ones((2, 3)))
        la.cholesky_update(jnp.eye(3), jnp.zeros(3))
        la.eig(jnp.ones((2, 3)))
        la.eig(jnp.ones((2, 2)), implementation=la.EigImplementation.CUSOLVER)
        la.eig(jnp.eye(2), use_magma=False)
        la.eig(jnp.array([[jnp.nan, 1], [1, 2.0]]))
        la.eigh(jnp.ones((2, 3)))
        la.eigh(jnp.ones((2, 3)), symmetrize_input=False)
        la.eigh(jnp.eye(3), subset_by_index=(0, 2))
        la.eigh(jnp.eye(3), implementation=la.EighImplementation.JACOBI)
        la.eigh(jnp.eye(3), implementation=la.EighImplementation.QDWH)
        la.hessenberg(jnp.ones((2, 3)))
        la.householder_product(jnp.ones((2, 3)), jnp.ones(2))
        la.householder_product(jnp.ones((3, 2)), jnp.ones(3))
        la.householder_product(jnp.ones((3, 2)), jnp.ones((2, 2)))
        la.lu(jnp.ones(3))
        la.lu(jnp.zeros((3, 3)))
        la.lu_pivots_to_permutation(jnp.array([2, 2, 2], "int32"), 2)
        la.ormqr(jnp.ones((3, 2)), jnp.ones(2), jnp.ones((2, 2)))
        la.qr(jnp.ones(3))
        la.schur(jnp.ones((2, 3)))
        la.schur(jnp.eye(2), sort_eig_vals=True)
        la.schur(jnp.eye(2), compute_schur_vectors=False)
        la.svd(jnp.ones((3, 2)), subset_by_index=(0, 1))
        la.svd(jnp.ones((3, 2)), subset_by_index=(0, 1), full_matrices=False)
        la.svd(jnp.ones((3, 2)), algorithm=la.SvdAlgorithm.JACOBI)
        la.svd(jnp.diag(jnp.array([1.0, 2])), algorithm=la.SvdAlgorithm.QR, compute_uv=False)
        la.symmetric_product(jnp.ones((3, 2)), jnp.ones((2, 2)))
        la.triangular_solve(jnp.ones((3, 2)), jnp.ones((2, 2)))
        la.triangular_solve(jnp.ones((3, 3)), jnp.ones((2, 2)))
        la.triangular_solve(jnp.ones((3, 3)), jnp.ones((2, 3, 3)))
        la.triangular_solve(jnp.eye(3) + 1, jnp.ones(3), left_side=True, lower=True)
        la.tridiagonal(jnp.ones((2, 3)))
        la.tridiagonal_solve(jnp.ones(3), jnp.ones(2), jnp.ones(3), jnp.ones((3, 1)))
        la.tridiagonal_solve(jnp.ones(3), jnp.ones(3), jnp.ones(3), jnp.ones((2, 1)))
        la.tridiagonal_solve(jnp.ones(1), jnp.ones(1) * 2, jnp.ones(1), jnp.ones((1, 2)))
        [str(x) for e in (la.SvdAlgorithm, la.EigImplementation, la.EighImplementation) for x in e]
    """,
    "gammas": """
        lax.igamma(1, 2)
        lax.igamma(1.0, 2.0)
        lax.igamma(1.0, 2j)
        lax.igamma(jnp.ones(3), jnp.ones(2))
        lax.igammac(jnp.ones(3), jnp.ones((2, 3)))
        lax.zeta(np.float32(1), np.float16(1))
        lax.polygamma("a", 1.0)
        lax.igamma_grad_a([1.0], 2.0)
        lax.igammac(jnp.array([0.0, -1, jnp.nan, jnp.inf]), jnp.array([1.0, 2, 1, 1]))
        lax.igamma(jnp.array([1.0, 2, 1, 1]), jnp.array([0.0, -1, jnp.nan, jnp.inf]))
        lax.zeta(jnp.array([0.0, -1, jnp.nan, jnp.inf]), jnp.array([1.0, 2, 1, 1]))
        lax.betainc(1.0, 2.0, 0.5)
        lax.betainc(1, 2, 0.5)
        lax.random_gamma_grad(jnp.array([1.0, 2.5]), jnp.array([0.3, 4.0]))
        jax.grad(lambda x: lax.zeta(jnp.float32(2), x))(1.0)
        jax.grad(lambda m: lax.polygamma(m, jnp.float32(2)))(1.0)
        jax.grad(lambda a: lax.betainc(a, jnp.float32(2), jnp.float32(0.2)))(0.3)
    """,
    "odds and ends": """
        lax.approx_max_k(jnp.arange(4), 2)
        lax.approx_max_k(jnp.arange(4.0), 0)
        lax.approx_max_k(jnp.arange(4.0), 9)
        lax.approx_min_k(jnp.float32(1), 1)
        lax.approx_max_k(jnp.arange(4.0), 2, aggregate_to_topk=False)
        lax.shape_as_value((2, 3))
        lax.shape_as_value(())
        lax.stage(1.0)
        lax.stage(np.ones(2))
        lax.dce_sink((1.0, 2.0))
        lax.after_all(1.0)
        type(lax.after_all(lax.create_token(), lax.create_token())).__name__
        lax.rng_uniform(1.0, 2.0, (3,)).shape
        lax.rng_uniform(1.0, 2, (3,))
        lax.rng_uniform(jnp.ones(2), 2.0, (3,))
        ((lax.rng_uniform(1.0, 2.0, (99,)) >= 1) & (lax.rng_uniform(1.0, 2.0, (99,)) < 2)).all()
        lax.rng_bit_generator(jnp.zeros(4, "uint32"), (3,), "int32")
        lax.rng_bit_generator(jnp.zeros(4, "uint32"), (3,), "float32")
        jax.jit(lambda k: lax.rng_bit_generator(k, (2, 3)))(np.array([1, 2, 3, 4], "uint32"))
        [str(x) for x in lax.RandomAlgorithm]
        [repr(x) for x in lax.DotAlgorithmPreset]
        str(lax.DotAlgorithm("float16", "float16", "float32"))
        [x.accumulation_type for x in lax.DotAlgorithmPreset]
        [x.supported_lhs_types for x in lax.DotAlgorithmPreset]
        [x.supported_rhs_types for x in lax.DotAlgorithmPreset]
        [x.supported_output_types("float32", "float32") for x in lax.DotAlgorithmPreset]
        lax.dot(jnp.ones((2, 2)), jnp.ones((2, 2)), precision="F32_F32_F32")
        lax.dot(jnp.ones((2, 2)), jnp.ones((2, 2)), precision="f32_f32_f32")
        lax.dot(jnp.ones((2, 2)), jnp.ones((2, 2)), precision="HIGHEST")
        lax.dot(jnp.ones((2, 2)), jnp.ones((2, 2)), precision=lax.DotAlgorithmPreset.TF32_TF32_F32)
        lax.dot(jnp.ones((2, 2)), jnp.ones((2, 2)), precision=("highest", "default"))
        lax.dot(jnp.ones((2, 2)), jnp.ones((2, 2)), precision=("highest", None))
        lax.with_sharding_constraint(jnp.ones(3), jax.sharding.PartitionSpec("i"))
        lax.with_sharding_constraint(jnp.ones(3), None)
        lax.with_sharding_constraint(jnp.ones(3), 3)
        lax.with_sharding_constraint({"a": 1.0}, jax.sharding.SingleDeviceSharding(jax.devices()[0]))
        str(lax.RaggedDotDimensionNumbers((([1], [1]), ([], [])), [0], [0]))
        str(lax.DotDimensionNumbers).count("Sequence")
        str(lax.PrecisionLike).count("Precision")
    """,
    "ragged": """
        lax.ragged_dot(jnp.ones((6, 4)), jnp.ones((3, 4, 2)), jnp.int32(1))
        lax.ragged_dot(jnp.ones((6, 4)), jnp.ones((3, 4, 2)), jnp.ones(3))
        lax.ragged_dot(jnp.ones((6, 4)), jnp.ones((3, 4, 2)), jnp.ones(2, "int32"))
        lax.ragged_dot(jnp.ones((6, 4)), jnp.ones((3, 5, 2)), jnp.ones(3, "int32"))
        lax.ragged_dot(jnp.ones((6, 4)), jnp.ones((3, 4, 2)), jnp.ones((2, 3), "int32"))
        lax.ragged_dot(jnp.ones((6, 4), "int8"), jnp.ones((3, 4, 2), "int8"), jnp.ones(3, "int32"), None, "int32")
        lax.scaled_dot(jnp.ones((2, 4)), jnp.ones((4, 2)), lhs_scale=jnp.ones((2, 3)))
        lax.scaled_dot(jnp.ones((2, 4)), jnp.ones((4, 2)), lhs_scale=jnp.ones((2, 4)))
        lax.scaled_dot(jnp.ones((2, 4)), jnp.ones((4, 2)), lhs_scale=jnp.ones((3, 2)))
        lax.scaled_dot(jnp.ones((2, 4)), jnp.ones((5, 2)))
        lax.scaled_dot(jnp.ones(4), jnp.ones(4))
        lax.scaled_dot(jnp.ones((2, 4)), jnp.ones((1, 4, 2)))
    """,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_lines(name: str) -> None:
    for line in lines(BLOCKS[name]):
        same(line)


@pytest.mark.parametrize("algorithm", [0, 1, 2])
def test_bits_of_generators(algorithm: int) -> None:
    key = np.array([5, 6, 0xFFFFFFFF, 7], np.uint32)
    for shape in ((4,), (3, 5), (3, 1), (3, 5, 3), (3, 3), ()):
        for dtype in ("uint16", "uint32"):
            assert_same(
                *run_both(
                    lambda jax, shape=shape, dtype=dtype: jax.lax.rng_bit_generator(
                        key, shape, dtype, jax.lax.RandomAlgorithm(algorithm)
                    )
                ),
                title=f"{shape} {dtype}",
            )


@pytest.mark.parametrize("algorithm", [0, 1, 2])
@pytest.mark.parametrize("depth", [1, 2])
def test_bits_of_a_batch_of_keys(algorithm: int, depth: int) -> None:
    """The first key draws for all, and it alone moves on."""
    keys = np.arange(24, dtype=np.uint32).reshape(2, 3, 4)[-1 if depth == 1 else slice(None)]

    def program(jax: Any, shape: Any) -> Any:
        f = lambda k: jax.lax.rng_bit_generator(k, shape, "uint16", jax.lax.RandomAlgorithm(algorithm))  # noqa: E731
        for _ in range(depth):
            f = jax.vmap(f)
        return f(keys), jax.jit(f)(keys)

    for shape in ((), (3,), (2, 3), (3, 3)):
        assert_same(*run_both(program, shape), title=f"{shape}")


def test_keys_that_are_none() -> None:
    """JAX asserts what a key is."""
    import jax

    import jaxlike

    for key in (np.uint32(3), np.zeros(3, "uint32"), np.zeros((2, 4), "uint32"), np.zeros(4, "int32")):
        for lax in (jax.lax, jaxlike.lax):
            with pytest.raises(AssertionError):
                lax.rng_bit_generator(key, (2,))


SPECIAL = np.array([np.inf, -np.inf, np.nan, 3, -0.0, 0.0, 1, -np.nan], np.float32)
PAIRS = np.array([complex(a, b) for a in (np.inf, -np.inf, np.nan, 1) for b in (np.inf, 0, np.nan, 1)], np.complex64)


@same_in_both(tolerance=Tolerance(signed_zero=True))
def test_top_k_of_signed_numbers(jax):
    return [jax.lax.top_k(sign * SPECIAL.astype(d), 8) for sign in (1, -1) for d in ("float32", "float16", "bfloat16")]


@same_in_both
def test_extremes_of_complex_numbers(jax):
    wide = PAIRS.reshape(4, 4)
    large = jax.numpy.full(2, 3e38 + 3e38j)
    return (
        [f(PAIRS[:, None], PAIRS[None]) for f in (jax.lax.max, jax.lax.min)],
        [jax.lax.reduce_window(wide, np.complex64(s), f, (2, 2)) for f, s in ((jax.lax.max, -np.inf), (jax.lax.min, np.inf))],
        jax.lax.max(large, large),
        jax.vjp(jax.lax.max, large, large)[1](large),
    )


@same_in_both
def test_samples_without_a_distribution(jax):
    """A parameter that has no samples gives NaN, and comes to an end."""
    key = jax.random.key(3)
    bad = np.array([-1.0, np.nan, 0.0, 2.0, -np.inf], np.float32)
    return [f(key, bad) for f in (jax.random.gamma, jax.random.loggamma, jax.random.chisquare)]


@same_in_both
def test_bound_primitives(jax):
    """Primitives that are not what the function of their name is."""
    lax, jnp = jax.lax, jax.numpy
    linalg = lax.linalg
    a = jnp.array([[4.0, 9.0], [1.0, 5.0]])
    wide = jnp.arange(6.0).reshape(2, 3)
    svd = {"full_matrices": False, "subset_by_index": None, "algorithm": None}
    top = {"reduction_dimension": 0, "recall_target": 0.95, "reduction_input_size_override": -1, "aggregate_to_topk": True}
    eig = [lax.linalg.eig(np.zeros((n, 0, 0), d)) for n in (0, 2) for d in ("float32", "complex64")]
    return (
        linalg.cholesky_p.bind(a),
        linalg.cholesky_p.bind(-a),
        [np.shape(x) for x in linalg.svd_p.bind(wide, compute_uv=True, **svd)],
        linalg.svd_p.bind(wide, compute_uv=False, **svd),
        [lax.approx_top_k_p.bind(wide[0], k=2, is_max_k=m, **top) for m in (True, False)],
        lax.iota_p.bind(dtype=np.dtype("uint16"), shape=(2, 3), dimension=1, sharding=None),
        lax.iota_p.bind(dtype=np.dtype("complex64"), shape=(2, 3), dimension=0, sharding=None),
        eig,
    )


PADDED = ((0, 1), (1, 0))


def private_module(name: str) -> Any:
    """What stands for a module of JAX's `jax._src.lax`."""
    return PrivateModule(f"jax._src.lax.{name}")


@pytest.mark.parametrize("name", ["ge_p", "le_p"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_chosen_in_windows(name: str, dtype: str) -> None:
    """What the derivatives of `reduce_window`'s extremes are made of, with ties and padding."""
    operand = np.array([[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 9]], dtype)
    taken = np.arange(12).reshape(3, 4).astype(dtype)

    def program(jax: Any) -> Any:
        find = jax._src.lax.windowed_reductions if jax.__name__ == "jax" else private_module("windowed_reductions")
        gather, scatter = find._select_and_gather_add, find._select_and_scatter_add
        p, one = getattr(jax.lax, name), (1, 1)
        out = [scatter(taken[:2, :3], operand, p, (2, 2), one, ((0, 0), (0, 0)))]
        if dtype == "float32":
            out.append(gather(taken, operand, p, (2, 2), one, ((0, 0), (0, 0)), one, one))
            out.append(gather(taken, operand, p, (2, 2), (2, 1), PADDED, one, one))
            out.append(gather(taken, operand, p, (2, 2), one, PADDED, (2, 1), (1, 2)))
        return out

    assert_same(*run_both(program))


@same_in_both(x64=True)
def test_bits_of_64(jax):
    key = np.array([5, 6, 0xFFFFFFFF, 7], np.uint32)
    return [jax.lax.rng_bit_generator(key, (3,), "uint64", jax.lax.RandomAlgorithm(a)) for a in (0, 1, 2)] + [
        jax.lax.rng_bit_generator(np.array([1, 2], np.uint64), (3,))
    ]


@same_in_both
def test_markers_and_their_like(jax):
    token = jax.lax.after_all(jax.lax.create_token(), jax.lax.create_token())
    drawn = jax.lax.rng_uniform(1.0, 2.0, (99,))
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return [
        type(token).__name__,
        ((drawn >= 1) & (drawn < 2)).all(),
        jax.lax.dce_sink((1.0, 2.0)),
        jax.lax.shape_as_value((2, 3)),
        jax.lax.stage(1.0),
        jax.jit(lambda x: jax.lax.stage(x) + 1)(2),
        jax.lax.with_sharding_constraint({"a": jax.numpy.ones(3)}, here),
        jax.jit(lambda x: jax.lax.with_sharding_constraint(x, here))(jax.numpy.ones(3)),
        jax.lax.random_gamma_grad(jax.numpy.array([1.0, 2.5]), jax.numpy.array([0.3, 4.0])),
    ]


@same_in_both(tolerance=LOOSE)
def test_polar_decomposition(jax):
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    return [jax.lax.linalg.qdwh(x), jax.lax.linalg.qdwh(jax.numpy.asarray(x[:3] + 1j * x[1:]))]


@same_in_both
def test_ragged_modes(jax):
    rng = np.random.default_rng(0)
    x, y = (jax.numpy.asarray(rng.normal(size=s).astype(np.float32)) for s in ((2, 6, 4), (3, 2, 4, 5)))
    numbers = jax.lax.RaggedDotDimensionNumbers((([2], [2]), ([0], [1])), [1], [0])
    product = jax.lax.ragged_dot_general
    sizes = [jax.numpy.array(s, "int32") for s in ([2, 1, 3], [[2, 1, 3], [1, 1, 1]])]
    common = jax.lax.RaggedDotDimensionNumbers((([2], [1]), ([0], [0])), [0], [])
    return [
        *[product(x, y, s, numbers) for s in sizes],
        *[jax.grad(lambda x, s=s: (product(x, y, s, numbers) ** 2).sum())(x) for s in sizes],
        product(x, y[0].transpose(0, 1, 2), jax.numpy.array([1, 1]), common),
    ]


@pytest.mark.parametrize("bad", [
    ((([1], [1]), ([], [])), [0, 1], [0]), ((([1], [1]), ([], [])), [5], [0]), ((([1], [1]), ([], [])), [0], []),
    ((([1], [1]), ([], [])), [0], [1]), ((([1], [1]), ([], [])), [0], [7]), ((([1], [1]), ([], [])), [1], [0]),
])  # fmt: skip
def test_ragged_numbers_that_do_not_fit(bad: Any) -> None:
    def program(jax: Any) -> Any:
        arrays = jax.numpy.ones((6, 4)), jax.numpy.ones((3, 4, 2)), jax.numpy.ones(3, "int32")
        return jax.lax.ragged_dot_general(*arrays, jax.lax.RaggedDotDimensionNumbers(*bad))

    assert_same(*run_both(program))


@same_in_both
def test_composite(jax):
    def tangent(x, *, scale):
        return {"out": jax.numpy.tan(x) * scale, "in": x + 1}

    named = jax.lax.composite(tangent, name="my.tangent", version=1)
    return [named(1.0, scale=2.0), jax.jit(lambda x: named(x, scale=np.float32(3)))(jax.numpy.ones(2))]


def test_composites_have_no_rules() -> None:
    for program in (
        lambda jax: jax.grad(lambda x: jax.lax.composite(jax.numpy.sin, "sine")(x))(1.0),
        lambda jax: jax.vmap(jax.lax.composite(jax.numpy.sin, "sine"))(np.ones(3)),
        lambda jax: jax.jit(lambda x: jax.lax.composite(lambda y, *, a: y * a, "times")(x, a=x))(1.0),
    ):
        assert_same(*run_both(program))


@same_in_both(tolerance=LOOSE)
def test_derivatives_of_eigenvectors(jax):
    a = jax.numpy.array([[2.0, 1, 0], [0.5, 3, 1], [0, -1, 5]])
    moved = jax.jvp(lambda a: jax.lax.linalg.eig(a, enable_eigvec_derivs=True), (a,), (jax.numpy.ones((3, 3)),))
    values = jax.grad(
        lambda a: jax.lax.linalg.eig(a, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0].real.max()
    )
    return [moved, values(a)]


def test_other_derivatives_of_eigenvectors_are_refused() -> None:
    assert_same(*run_both(lambda jax: jax.jvp(jax.lax.linalg.eig, (jax.numpy.eye(2),), (jax.numpy.eye(2),))))
