"""jax.experimental.sparse: errors, primitives, maps over batch axes, what sparsify is made of, solvers, test tools."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compat import inventory
from compat.same import Tolerance, assert_same, run_both, same_in_both, sampled
from compat.test_sparse import BATCH, CSR, CSR_BATCH, PLAIN, Dense, dims, module, shown

ERRORS: dict[str, Any] = {
    "axis of vmap": lambda jax, sp, m: jax.vmap(lambda m: m, in_axes=2)(m),
    "axis out of vmap": lambda jax, sp, m: jax.vmap(lambda m: m, out_axes=3)(m),
    "duplicates in jit": lambda jax, sp, m: jax.jit(lambda m: m.sum_duplicates())(m),
    "count in jit": lambda jax, sp, m: jax.jit(sp.BCOO.fromdense)(m.todense()),
    "rows' count in jit": lambda jax, sp, m: jax.jit(sp.BCSR.fromdense)(m.todense()[0]),
    "batch of another size": lambda jax, sp, m: sp.BCOO((m.data, m.indices), shape=(3, 4, 5)),
    "other dense axes": lambda jax, sp, m: sp.BCOO((m.data, m.indices), shape=(2, 4, 5, 2)),
    "rows of another size": lambda jax, sp, m: sp.BCSR((m.data[0], m.indices[0, :, 1], np.zeros(4, "int32")), shape=(4, 5)),
    "product": lambda jax, sp, m: m @ np.ones(4, "float32"),
    "product of rows": lambda jax, sp, m: sp.BCSR.fromdense(m.todense()[0]) @ m,
    "product along a dense axis": lambda jax, sp, m: sp.bcoo_dot_general(
        m.update_layout(n_dense=1, on_inefficient=None), np.ones(5, "float32"), dimension_numbers=dims((2,), (0,))),
    "product of COO": lambda jax, sp, m: sp.COO.fromdense(m.todense()[0]) @ m,
    "plus a number": lambda jax, sp, m: m + 1,
    "minus an array": lambda jax, sp, m: m - m.todense(),
    "compared": lambda jax, sp, m: m > 1,
    "divided by": lambda jax, sp, m: 1 / m,
    "to a negative power": lambda jax, sp, m: m**-1,
    "exp": lambda jax, sp, m: sp.sparsify(jax.numpy.exp)(m),
    "cumsum": lambda jax, sp, m: sp.sparsify(jax.numpy.cumsum)(m),
    "batch axes among others": lambda jax, sp, m: m.transpose((1, 0, 2)),
    "no permutation": lambda jax, sp, m: m.transpose((0, 1)),
    "much storage": lambda jax, sp, m: m.update_layout(n_batch=2),
    "much storage, warned": lambda jax, sp, m: m.update_layout(n_dense=1, on_inefficient="warn").data,
    "too many axes": lambda jax, sp, m: m.update_layout(n_batch=4),
    "mixed axes": lambda jax, sp, m: m.reshape(8, 5),
    "no such format": lambda jax, sp, m: sp.empty((2,), sparse_format="x"),
    "joined with a dense one": lambda jax, sp, m: sp.bcoo_concatenate([m, m.todense()], dimension=0),
    "reversed": lambda jax, sp, m: sp.bcoo_rev(m, (5,)),
    "out of bounds": lambda jax, sp, m: sp.bcoo_slice(m, start_indices=(0, 0, 0), limit_indices=(9, 1, 1)),
    "not of size 1": lambda jax, sp, m: sp.bcoo_squeeze(m, dimensions=(0,)),
    "hash": lambda jax, sp, m: hash(m),
    "rows transposed": lambda jax, sp, m: sp.BCSR.fromdense(m.todense()[0]).T,
    "gradient": lambda jax, sp, m: jax.grad(lambda m: m.sum())(m),
    "too few rows for eigenvalues": lambda jax, sp, m: sp.linalg.lobpcg_standard(np.eye(5, dtype="f"), np.eye(5, 2, dtype="f")),
    "random": lambda jax, sp, m: sp.random_bcoo(jax.random.key(0), (2, 3), nse=9),
    "solve": lambda jax, sp, m: sp.linalg.spsolve(m.data[0], m.indices[0], m.indices[0], m.data[0]),
    "COO transposed along axes": lambda jax, sp, m: sp.COO.fromdense(m.todense()[0]).transpose((0, 1)),
    "no abs of rows": lambda jax, sp, m: -sp.CSR.fromdense(m.todense()[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", sampled(ERRORS, "product of rows; joined with a dense one; gradient; axis out of vmap; cumsum; no abs of rows; random; product of COO"))
def test_errors(name: str) -> None:
    expected, actual = run_both(lambda jax: ERRORS[name](jax, module(jax), BATCH.made(jax, 1)))
    assert_same(expected, actual)


@same_in_both
def test_maps_over_batch_axes(jax: Any) -> Any:
    sp, m, rows, v = module(jax), BATCH.made(jax, 1), CSR_BATCH.made(jax, 2), Dense((5,)).made(jax, 3)
    mapped = jax.vmap(lambda m, rows, v: (m @ v, 2 * m, rows.todense(), rows, m.sum(0)), in_axes=(0, 0, None))
    made = jax.jit(jax.vmap(lambda x: sp.BCOO.fromdense(x, nse=3)))(m.todense())
    return shown(jax, (*jax.jit(mapped)(m, rows, v), jax.vmap(lambda m: m.sum_duplicates())(m), made))


PRIMITIVES: dict[str, Any] = {
    "bcoo_todense": lambda sp, m, c, x, v, i: ((m.data, m.indices), {"spinfo": i}),
    "bcoo_dot_general": lambda sp, m, c, x, v, i: ((m.data, m.indices, v), {"dimension_numbers": dims((1,), (0,)), "preferred_element_type": None, "lhs_spinfo": i}),
    "bcoo_dot_general_sampled": lambda sp, m, c, x, v, i: ((x, x.T, m.indices), {"dimension_numbers": dims((1,), (0,))}),
    "bcoo_extract": lambda sp, m, c, x, v, i: ((m.indices, x), {"assume_unique": True}),
    "bcoo_fromdense": lambda sp, m, c, x, v, i: ((x,), {"nse": 5, "n_batch": 0, "n_dense": 0, "index_dtype": np.int32}),
    "bcoo_sort_indices": lambda sp, m, c, x, v, i: ((m.data, m.indices), {"spinfo": i}),
    "bcoo_spdot_general": lambda sp, m, c, x, v, i: ((*m._bufs, *m._bufs), {"lhs_spinfo": i, "rhs_spinfo": i, "dimension_numbers": dims((1,), (1,)), "preferred_element_type": None}),
    "bcoo_sum_duplicates": lambda sp, m, c, x, v, i: ((m.data, m.indices), {"spinfo": i, "nse": 5}),
    "bcoo_transpose": lambda sp, m, c, x, v, i: ((m.data, m.indices), {"permutation": (1, 0), "spinfo": i}),
    "bcsr_dot_general": lambda sp, m, c, x, v, i: ((*c._bufs, v), {"dimension_numbers": dims((1,), (0,)), "preferred_element_type": None, "lhs_spinfo": i}),
    "bcsr_extract": lambda sp, m, c, x, v, i: ((c.indices, c.indptr, x), {}),
    "bcsr_fromdense": lambda sp, m, c, x, v, i: ((x,), {"nse": 5, "n_batch": 0, "n_dense": 0, "index_dtype": np.int32}),
    "bcsr_todense": lambda sp, m, c, x, v, i: (c._bufs, {"spinfo": i}),
    "coo_fromdense": lambda sp, m, c, x, v, i: ((x,), {"nse": 5, "index_dtype": np.int32}),
    "coo_matmat": lambda sp, m, c, x, v, i: ((*(s := sp.COO.fromdense(x))._bufs, x.T), {"spinfo": s._info, "transpose": False}),
    "coo_matvec": lambda sp, m, c, x, v, i: ((*(s := sp.COO.fromdense(x))._bufs, v), {"spinfo": s._info, "transpose": False}),
    "coo_todense": lambda sp, m, c, x, v, i: ((s := sp.COO.fromdense(x))._bufs, {"spinfo": s._info}),
    "csr_fromdense": lambda sp, m, c, x, v, i: ((x,), {"nse": 5, "index_dtype": np.dtype("int32")}),
    "csr_matmat": lambda sp, m, c, x, v, i: ((*sp.CSR.fromdense(x)._bufs, x.T), {"shape": (4, 5), "transpose": False}),
    "csr_matvec": lambda sp, m, c, x, v, i: ((*sp.CSR.fromdense(x)._bufs, v), {"shape": (4, 5), "transpose": False}),
    "csr_todense": lambda sp, m, c, x, v, i: (sp.CSR.fromdense(x)._bufs, {"shape": (4, 5)}),
}  # fmt: skip


@pytest.mark.parametrize("name", sampled(PRIMITIVES, "; ".join(sorted(PRIMITIVES)[::2])))
def test_primitives_are_bound(name: str) -> None:
    def program(jax: Any) -> Any:
        sp = module(jax)
        x, v = Dense((4, 5)).made(jax, 2), Dense((5,)).made(jax, 3)
        args, params = PRIMITIVES[name](sp, PLAIN.made(jax, 0), CSR.made(jax, 1), x, v, sp.util.SparseInfo((4, 5)))
        p = getattr(sp, f"{name}_p")
        return str(p), p.multiple_results, jax.jit(lambda *inside: p.bind(*inside, **params))(*args)

    assert_same(*run_both(program))


@same_in_both
def test_jaxprs_show_the_primitives(jax: Any) -> Any:
    sp, m, v = module(jax), PLAIN.made(jax, 0), Dense((5,)).made(jax, 3)
    programs = [lambda m, v: m.todense(), lambda m, v: m @ v, lambda m, v: m.sort_indices(), lambda m, v: sp.todense(m)]
    return [str(jax.make_jaxpr(f)(m, v)) for f in programs]


@same_in_both
def test_products_that_join_axes_are_one_product(jax: Any) -> Any:
    """torch's kernels reshape before and after, which the batch axes of a sparse array could not follow."""
    sp, jnp, m = module(jax), jax.numpy, BATCH.made(jax, 1)
    v, x, whole = np.ones(5, "float32"), np.ones((5, 3), "float32"), np.ones((4, 5), "float32")
    programs = [
        lambda m: m @ x, lambda m: jnp.dot(m, v), lambda m: jnp.tensordot(m, whole, 2), lambda m: jnp.inner(m, v),
        lambda m: jnp.einsum("bij,j->bi", m, v), lambda m: jnp.einsum("bij,jk->bki", m, x), lambda m: v @ jnp.swapaxes(m, 1, 2),
    ]  # fmt: skip
    return [jax.jit(lambda m: [sp.sparsify(f)(m) for f in programs])(m), [str(jax.make_jaxpr(f)(m.todense())) for f in programs]]


@same_in_both
def test_types_of_values(jax: Any) -> Any:
    sp, jnp = module(jax), jax.numpy
    made = [sp.BCOO.fromdense(jnp.array([[1, 0], [2, 3]], d)) for d in ("int8", "complex64")]
    truth = sp.BCOO.fromdense(jnp.array([[True, False], [True, True]]))  # whose values are numbers
    return shown(jax, (truth, truth.todense())), shown(jax, jax.jit(lambda ms: [(m, m.todense(), m.T, m * 2, m + m, m[0], abs(m)) for m in ms])(made))


@same_in_both
def test_dense_forms_are_linear(jax: Any) -> Any:
    sp, m = module(jax), BATCH.made(jax, 0)
    bind = lambda d: sp.todense_p.bind(d, m.indices, tree=jax.tree.structure(m))  # noqa: E731
    whole = sp.todense(m)
    return (
        whole, jax.jvp(bind, (m.data,), (m.data * 2,)), jax.linear_transpose(bind, m.data)(whole), jax.grad(lambda d: (bind(d) ** 2).sum())(m.data),
        jax.vmap(sp.todense)(m), jax.jit(sp.todense)(m),
    )  # fmt: skip


@same_in_both
def test_sparsify_goes_through_values(jax: Any) -> Any:
    sp, m = module(jax), PLAIN.made(jax, 0)
    t = sp.transform
    env = t.SparsifyEnv()
    values = t.arrays_to_spvalues(env, {"m": m, "x": np.ones(5, "float32"), "rows": CSR.made(jax, 1)})
    closed = jax.make_jaxpr(lambda m, x: 2 * (m @ x))(*t.spvalues_to_avals(env, [values["m"], values["x"]]))
    out = t.eval_sparse(closed.jaxpr, closed.consts, [values["m"], values["x"]], env)
    raw, tree = t.sparsify_raw(lambda m: [m * 3])(env, values["m"])
    said = [(v.shape, v.ndim, v.is_sparse(), v.is_dense(), v.is_bcoo(), v.is_bcsr()) for v in (values["m"], values["x"], values["rows"])]
    kinds = [isinstance(rules, dict) and jax.lax.sin_p in rules for rules in (t.sparse_rules_bcoo, t.sparse_rules_bcsr)]
    return shown(jax, [t.spvalues_to_arrays(env, out), t.spvalues_to_arrays(env, raw), str(tree), said, kinds])


@same_in_both
def test_a_rule_of_ones_own(jax: Any) -> Any:
    """A primitive of a library, made sparse by a rule that it registers."""
    core, sp = importlib.import_module(f"{jax.__name__}.extend.core"), module(jax)
    double = core.Primitive("double")
    double.def_impl(lambda x: 2 * x)
    double.def_abstract_eval(lambda x: x)
    sp.transform.sparse_rules_bcoo[double] = lambda env, v: (
        env.sparse(v.shape, 2 * env.data(v), indices_ref=v.indices_ref),
    )
    return shown(jax, sp.sparsify(lambda x: double.bind(x))(PLAIN.made(jax, 0)))


@same_in_both(tolerance=Tolerance(factor=50))
def test_eigenvalues(jax: Any, rng: np.random.Generator) -> Any:
    sp = module(jax)
    q = np.linalg.qr(rng.normal(size=(24, 24)))[0]
    a = jax.numpy.asarray(q @ np.diag(np.arange(24.0) ** 2) @ q.T, "float32")
    start = jax.numpy.asarray(rng.normal(size=(24, 3)), "float32")
    sparse = sp.BCOO.fromdense(a)
    values, vectors, steps = sp.linalg.lobpcg_standard(lambda x: sparse @ x, start, m=40, tol=1e-5)
    seen = sp.linalg._lobpcg_standard_callable(jax.tree_util.Partial(lambda x: sparse @ x), start, 3, 0.0, debug=True)[3]
    rounding = {name: jax.numpy.max(seen.pop(name)) < 1e-5 for name in ("X orth", "P orth", "P.X")}
    return values, jax.numpy.abs(vectors.T @ vectors).round(3), bool(steps < 40), seen, rounding


@same_in_both
def test_entries_of_a_dense_array(jax: Any) -> Any:
    util, x = importlib.import_module(f"{jax.__name__}.experimental.sparse.util"), PLAIN.made(jax, 0).todense()
    return util._count_stored_elements(x), util._count_stored_elements(x, n_batch=1), util._csr_to_coo(
        jax.numpy.array([1, 0, 2]), jax.numpy.array([0, 2, 3])
    )


@same_in_both
def test_functions_that_are_methods(jax: Any) -> Any:
    sp, m, rows, x = module(jax), PLAIN.made(jax, 0), CSR.made(jax, 1), Dense((4, 5)).made(jax, 2)
    bcoo, bcsr = (importlib.import_module(f"{jax.__name__}.experimental.sparse.{n}") for n in ("bcoo", "bcsr"))

    def all_of_them(m: Any, rows: Any, x: Any) -> Any:
        coo, csr = sp.coo_fromdense(x, nse=18), sp.csr_fromdense(x, nse=18)
        return [
            sp.bcoo_sort_indices(m), sp.bcoo_todense(m), sp.bcoo_update_layout(m, n_batch=0), sp.bcsr_todense(rows), coo, csr,
            sp.csr_todense(csr), bcoo.bcoo_eliminate_zeros(m, nse=7), bcsr.bcsr_eliminate_zeros(rows, nse=7),
        ]  # fmt: skip

    return shown(jax, jax.jit(all_of_them)(m, rows, x))


@same_in_both
def test_maps_that_broadcast(jax: Any) -> Any:
    util = module(jax).util
    x, y = Dense((2, 3, 4)).made(jax, 1), Dense((1, 3, 4)).made(jax, 2)
    return util.broadcasting_vmap(lambda a, b: a * b)(x, y), util.nfold_vmap(lambda a, b: (a * b).sum(), 2)(x, y)


@same_in_both
def test_arguments_taken_apart(jax: Any) -> Any:
    ad, m = importlib.import_module(f"{jax.__name__}.experimental.sparse.ad"), PLAIN.made(jax, 0)
    fun, argnums, flat, together = ad.flatten_fun_for_sparse_ad(lambda x, m: (m @ x).sum(), (0, 1), (np.ones(5, "float32"), m))
    return shown(jax, [fun(*flat), argnums, len(flat), list(together(jax.grad(fun, argnums)(*flat))), ad.is_sparse(m), ad.is_sparse(1)])


@same_in_both
def test_tools_of_test_files(jax: Any) -> Any:
    tools = importlib.import_module(f"{jax.__name__}.experimental.sparse.test_util")
    sampler = lambda rng: lambda shape, dtype: rng.randn(*shape).astype(dtype)  # noqa: E731
    rng = np.random.RandomState(3)
    drawn = [
        tools.rand_bcoo(rng, sampler, n_batch=1)((2, 3, 4), "float32"), tools.rand_bcsr(rng, sampler, nse=3)((3, 4), "float32"),
        tools.rand_sparse(rng, rand_method=sampler)((3, 4), "float32"),
    ]  # fmt: skip
    layouts = [list(map(tuple, f((2, 3, 4)))) for f in (tools.iter_sparse_layouts, tools.iter_bcsr_layouts)]
    return shown(jax, [*drawn, layouts, list(tools.iter_subsets("ab")), [tools.is_sparse(x) for x in drawn]])


def test_submodules_hold_what_the_package_does() -> None:
    """So a case of a function of the package is one of the submodule's, which is the same object."""
    package = importlib.import_module("jaxlike.experimental.sparse")
    for path in IN_SUBMODULES:
        where, _, name = path.rpartition(".")
        assert getattr(importlib.import_module(where.replace("jax.", "jaxlike.", 1)), name) is getattr(package, name)


def _used() -> set[str]:
    """Names of the package that the programs of both files use, as ``sp.name``."""
    text = "".join((Path(__file__).parent / f).read_text(encoding="utf-8") for f in ("test_sparse.py", "test_sparse_more.py"))
    return {f"jax.experimental.sparse.{name}" for name in re.findall(r"\b(?:sp|sparse)\.((?:linalg\.)?\w+)\(", text)}


PACKAGE = "jax.experimental.sparse"
IN_SUBMODULES = [
    n.path for n in inventory.names()
    if n.exported and re.fullmatch(rf"{PACKAGE}\.(ad|api|bcoo|bcsr|coo|csr|random|transform)", n.module) and n.kind == "function"
    and any(m.path == f"{PACKAGE}.{n.name}" for m in inventory.names())
]  # fmt: skip
ALONE = """
    ad.flatten_fun_for_sparse_ad ad.is_sparse bcoo.bcoo_eliminate_zeros bcsr.bcsr_eliminate_zeros test_util.is_sparse
    test_util.iter_bcsr_layouts test_util.iter_sparse_layouts test_util.iter_subsets test_util.rand_bcoo test_util.rand_bcsr
    test_util.rand_sparse transform.arrays_to_spvalues transform.eval_sparse transform.sparsify_raw
    transform.spvalues_to_arrays transform.spvalues_to_avals util.broadcasting_vmap util.nfold_vmap
""".split()  # called above, by other names than `sp.`
test_errors.covers = [*_used(), *IN_SUBMODULES, *(f"{PACKAGE}.{n}" for n in ALONE)]  # type: ignore[attr-defined]


# A matrix whose entries are out of order, repeat, and are padded by indices out of bounds.
SHUFFLED = ((4.0, 1.0, 2.0, 5.0, 3.0, 9.0, 7.0), ((2, 1), (0, 2), (2, 1), (-1, 0), (1, 1), (3, 3), (0, 0)))
WAYS: dict[str, Any] = {
    "eager": lambda jax, f, *args: f(*args),
    "jit": lambda jax, f, *args: jax.jit(f)(*args),
    "vmap of data": lambda jax, f, d, v: jax.vmap(f, (0, None))(jax.numpy.stack([d, 2 * d]), v),
    "vmap of vectors": lambda jax, f, d, v: jax.jit(jax.vmap(f, (None, -1), 1))(d, jax.numpy.stack([v, v + 1], -1)),
    "jvp": lambda jax, f, *args: jax.jvp(f, args, args),
    "grad": lambda jax, f, *args: jax.jit(jax.grad(lambda *a: (f(*a) ** 2).sum(), (0, 1)))(*args),
    "hessian": lambda jax, f, d, v: jax.hessian(lambda d: (f(d, v) ** 3).sum())(d),
    "vmap of grad": lambda jax, f, d, v: jax.vmap(jax.grad(lambda d, v: f(d, v).sum(), 1), (0, None))(jax.numpy.stack([d, -d]), v),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("columns", [None, 2])
@same_in_both
def test_products_of_shuffled_entries(jax: Any, way: str, columns: int | None) -> Any:
    sp = module(jax)
    data, indices = (jax.numpy.array(np.array(v, t)) for v, t in zip(SHUFFLED, ("float32", "int32"), strict=True))
    dense = np.arange(1.0, 4.0 if columns is None else 7.0, dtype="float32")
    dense = jax.numpy.array(dense if columns is None else dense.reshape(3, columns))

    def product(d: Any, v: Any) -> Any:
        m = sp.BCOO((d, indices), shape=(3, 3))
        return m @ v + (v.T @ m).T

    return WAYS[way](jax, product, data, dense)


@same_in_both
def test_functions_of_parts(jax):
    """What test files of JAX take from the modules of the formats: the same functions on arrays alone."""

    def of(name):
        return importlib.import_module(f"{jax.__name__}.experimental.sparse.{name}")

    dense = jax.numpy.array([[0.0, 1, 2], [3, 0, 0]])
    ones, coo, csr, bcoo, bcsr = np.ones((3, 2), np.float32), of("coo"), of("csr"), of("bcoo"), of("bcsr")
    info, numbers = of("util").SparseInfo((2, 3)), (((1,), (0,)), ((), ()))
    found: list = []
    parts = coo._coo_fromdense(dense, nse=3)
    kept = {"spinfo": coo.COOInfo(shape=(2, 3))}
    found += [*parts, coo._coo_todense(*parts, **kept), coo._coo_matvec(*parts, ones[:, 0], **kept)]
    found += [coo._coo_matmat(*parts, ones[:2], transpose=True, **kept)]
    parts = csr._csr_fromdense(dense, nse=3)
    found += [*parts, csr._csr_todense(*parts, shape=(2, 3)), csr._csr_matvec(*parts, ones[:, 0], shape=(2, 3))]
    found += [csr._csr_matmat(*parts, ones, shape=(2, 3))]
    parts = bcoo._bcoo_fromdense(dense, nse=3)
    found += [*parts, bcoo._bcoo_todense(*parts, spinfo=info), bcoo._bcoo_extract(parts[1], dense)]
    found += [*bcoo._bcoo_transpose(*parts, permutation=(1, 0), spinfo=info), *bcoo._validate_bcoo(*parts, (2, 3))]
    found += [*bcoo._bcoo_sum_duplicates(*parts, spinfo=info, nse=None), *bcoo._validate_bcoo_indices(parts[1], (2, 3))]
    product = {"dimension_numbers": numbers, "preferred_element_type": None, "lhs_spinfo": info}
    found += [bcoo._bcoo_dot_general(*parts, ones, **product), *bcsr._bcoo_to_bcsr(parts[1], shape=(2, 3), index_dtype="int32")]
    parts = bcsr._bcsr_fromdense(dense, nse=3)
    found += [*parts, bcsr._bcsr_todense(*parts, spinfo=info), bcsr._bcsr_to_bcoo(*parts[1:], shape=(2, 3))]
    found += [*bcsr._validate_bcsr(*parts, (2, 3)), *bcsr._validate_bcsr_indices(*parts[1:], (2, 3))]
    return found, bcsr._bcsr_dot_general(*parts, ones, **product), of("util")._dot_general_validated_shape((2, 3), (3, 4), numbers)
