"""What JAX's libraries were seen to need of it, without the libraries: each a program that once went wrong."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import same_in_both

X = np.array([0.5, 1.0, 2.0], np.float32)


# Pullbacks and linear functions in traces that they were not made in


@same_in_both
def test_pullback_in_jit(jax):
    out, pullback = jax.vjp(lambda x: jax.numpy.sin(x) * x, X)
    return out, jax.jit(lambda c: pullback(c)[0])(X), jax.jit(jax.vmap(pullback))(np.stack([X, X]))


@same_in_both
def test_pullback_over_traced_values_in_jit_and_loops(jax):
    def g(y):
        _, pullback = jax.vjp(lambda x: jax.numpy.sin(x * y), X)
        f = jax.jit(lambda c: pullback(c)[0])
        return jax.numpy.sum(f(jax.numpy.ones(3)) + f(2 * jax.numpy.ones(3)))

    y = np.float32(2)
    return g(y), jax.grad(g)(y), jax.jit(jax.grad(g))(y), jax.vmap(g)(X), jax.jvp(g, (y,), (y,)), jax.hessian(g)(y)


@same_in_both
def test_linearized_in_scan_and_in_a_linear_solve(jax):
    _, linear = jax.linearize(lambda x: jax.numpy.exp(x) * x, X)
    scanned = jax.lax.scan(lambda c, _: (linear(c), c), jax.numpy.ones(3), length=3)
    solved = jax.scipy.sparse.linalg.cg(lambda v: linear(v), X)[0]
    return scanned, solved, jax.jit(lambda t: linear(t))(X)


# Custom rules


@same_in_both
def test_residuals_that_are_python_numbers_stay_so(jax: Any):
    seen = []

    @jax.custom_vjp
    def f(x):
        return x * 2

    def fwd(x):
        return x * 2, (True, 3, {"a": 2.5, "b": x})

    def bwd(residuals, ct):
        flag, n, rest = residuals
        seen.append([isinstance(flag, bool), isinstance(n, int), isinstance(rest["a"], float)])
        return (ct * (rest["b"] if flag else 0) * n,)

    f.defvjp(fwd, bwd)
    grads = [jax.grad(f)(2.0), jax.jit(jax.grad(f))(2.0), jax.grad(jax.jit(f))(2.0), jax.vmap(jax.grad(f))(X)]
    return grads, jax.grad(lambda x: jax.vmap(f)(x).sum())(X), all(all(s) for s in seen)


@same_in_both
def test_a_rule_that_applies_its_function_to_tangents(jax: Any):
    @jax.custom_jvp
    def double(x):
        return 2 * x

    @double.defjvp
    def _(primals, tangents):
        return double(primals[0]), double(tangents[0])

    return jax.grad(double)(1.0), jax.jit(jax.grad(double))(1.0), jax.jvp(double, (jax.numpy.ones(2),), (jax.numpy.ones(2),)), jax.hessian(double)(1.0)


@same_in_both
def test_a_jaxpr_whose_custom_rule_closes_over_a_value(jax: Any):
    def with_value(c, x):
        @jax.custom_jvp
        def f(x):
            return x * jax.numpy.sin(c)

        f.defjvp(lambda p, t: (f(*p), t[0]))
        return f(x)

    jaxpr = jax.make_jaxpr(lambda c, x: with_value(c, x) + with_value(2 * c, x))(1.0, X)
    (rule,) = [e for e in jaxpr.jaxpr.eqns if e.primitive.name == "custom_jvp_call"][:1]
    return jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, 0.5, X), rule.params["num_consts"], len(rule.invars)


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "jit"])
@same_in_both
def test_a_transpose_rule_is_not_asked_for_a_cotangent_that_is_zero(jax: Any, nested: bool):
    """Also not where the result that it belongs to is one of several of a jitted function."""
    extend, ad = jax.extend.core, jax.interpreters.ad
    p = extend.Primitive("refuses")
    p.def_impl(lambda x: x)
    p.def_abstract_eval(lambda x: x)
    lowering = jax.interpreters.mlir
    lowering.register_lowering(p, lowering.lower_fun(lambda x: x, multiple_results=False))
    ad.primitive_jvps[p] = lambda primals, tangents: (p.bind(*primals), p.bind(*tangents))

    def transpose(ct, _):
        if isinstance(ct, ad.Zero):
            return [ad.Zero(ct.aval)]
        raise RuntimeError("refused")

    ad.primitive_transposes[p] = transpose

    @jax.custom_jvp
    def both(x):
        return x * 3, p.bind(x)

    both.defjvp(lambda primals, tangents: (both(*primals), (tangents[0] * 3, p.bind(tangents[0]))))
    f = jax.jit(both) if nested else both
    return jax.grad(lambda x: f(x)[0])(1.0), jax.vjp(lambda x: f(x)[0], 2.0)[1](1.0)


# Keys, types, arguments


@same_in_both
def test_metadata_that_cannot_be_hashed_in_jit(jax):
    class Box:
        def __init__(self, value, note):
            self.value, self.note = value, note

    jax.tree_util.register_pytree_node(Box, lambda b: ((b.value,), b.note), lambda note, c: Box(c[0], note))
    traced = []

    @jax.jit
    def f(box):
        traced.append(1)
        return box.value * 2

    return f(Box(1.0, [1])), f(Box(2.0, [1])), f(Box(2.0, {"a": 1})), len(traced)


@same_in_both
def test_shapes_may_be_results_where_nothing_runs(jax):
    s = jax.ShapeDtypeStruct((2,), np.float32)
    said = ""
    try:
        jax.jit(lambda: s)()
    except TypeError as error:
        said = str(error)
    return str(jax.eval_shape(lambda x: (x, s), X)), str(jax.make_jaxpr(lambda: s)()), said


@same_in_both
def test_what_vmap_does_not_map_is_passed_on(jax):
    return (
        jax.vmap(lambda x, f: f(x), (0, None))(X, jax.numpy.sin),
        jax.vmap(lambda x, s: x * len(s), (0, None))(X, "text"),
        jax.vmap(lambda x, n: n, (0, None), out_axes=None)(X, 3),
    )


@same_in_both
def test_the_sharding_of_a_type(jax):
    aval = jax.typeof(jax.numpy.ones((2, 3)))
    return repr(aval.sharding), repr(aval.sharding.spec), str(aval.memory_space), repr(jax.core.ShapedArray((), X.dtype).sharding)


@same_in_both
def test_raw_qr_in_jit_and_vmap(jax):
    a = np.arange(12, dtype=np.float32).reshape(4, 3) ** 2 % 7

    def raw(a):
        return jax.numpy.linalg.qr(a, mode="raw")

    return raw(a), jax.jit(raw)(a), jax.vmap(raw)(np.stack([a, 2 * a])), raw(a.T)


@same_in_both
def test_batching_rules_of_the_older_form(jax):
    p = jax.extend.core.Primitive("times_lanes")
    p.multiple_results = True
    p.def_impl(lambda x: [x])
    p.def_abstract_eval(lambda x: [x])
    seen = []

    def rule(size, name, kind, values, dims, **params):
        seen.append((size, str(name), kind, dims[0]))
        return [values[0] * size], [dims[0]]

    jax.interpreters.batching.axis_primitive_batchers[p] = rule
    x = jax.numpy.asarray(X)
    return jax.vmap(lambda x: p.bind(x)[0])(x), jax.vmap(lambda x: p.bind(x)[0], axis_name="i")(x), len(seen)


# Meshes, on as many devices as there are here


@same_in_both
def test_pmap_on_one_device(jax):
    x = X[None]
    f = jax.pmap(lambda x, y: (x + y, jax.lax.psum(x, "i")), axis_name="i", in_axes=(0, None), out_axes=(0, None))
    return f(x, 1.0), jax.pmap(lambda n, x: n * x, static_broadcasted_argnums=0)(3, x), jax.grad(lambda x: f(x, 1.0)[0].sum())(x)


@pytest.mark.parametrize(
    "program",
    [
        lambda jax: jax.pmap(lambda x: x)(1.0), lambda jax: jax.pmap(lambda x: x, in_axes="a")(X[None]),
        lambda jax: jax.pmap(lambda x: x, axis_size=2)(X[None]), lambda jax: jax.pmap(lambda x: x, devices=[])(X[None]),
        lambda jax: jax.pmap(lambda n, x: x, static_broadcasted_argnums=2)(1, X), lambda jax: jax.pmap(3),
    ],
)  # fmt: skip
@same_in_both
def test_pmap_refuses(jax, program):
    return program(jax)


MESH_PROGRAM = """
import sys, importlib
jax = importlib.import_module(sys.argv[1]); jnp = jax.numpy
P = jax.sharding.PartitionSpec
mesh = jax.make_mesh((2, 2), ("x", "y"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
a = jnp.arange(32.0).reshape(8, 4)
def say(f):
    try:
        print(jax.tree.map(lambda x: x.tolist(), f()))
    except Exception as error:
        print(type(error).__name__, str(error).partition("\\n")[0].replace("_rem_singleton", "<lambda>"))
smap = lambda f, i, o, **k: jax.shard_map(f, mesh=mesh, in_specs=i, out_specs=o, **k)
say(lambda: smap(lambda x: x.sum(keepdims=True), P("x", "y"), P("x", "y"))(a))
say(lambda: smap(lambda x: jax.lax.psum(x, "x"), P("x"), P())(a))
say(lambda: smap(lambda x, y: jax.lax.psum(x @ y, "y"), (P("x", "y"), P("y")), P("x"))(a, a.T))
say(lambda: smap(lambda x: x * jax.lax.axis_index("x"), P(("y", "x")), P(("y", "x")))(a))
say(lambda: smap(lambda x: jax.lax.ppermute(x, "x", [(0, 1), (1, 0)]), P("x"), P("x"))(a))
say(lambda: smap(lambda x: jax.lax.all_gather(x, "y", tiled=True), P("y"), P(), check_vma=False)(a))
say(lambda: jax.grad(lambda a: (smap(lambda x: jax.lax.psum((x ** 2).sum(), ("x", "y")), P("x", "y"), P())(a)))(a))
say(lambda: jax.jit(smap(lambda t: {"u": t["v"] * 2}, ({"v": P("x")},), P("x")))({"v": a}))
say(lambda: smap(lambda x: x.sum(), P("x"), P("x"))(a))
say(lambda: smap(lambda x: x, P("x", "y", "x"), P())(a))
say(lambda: smap(lambda x: x, P("x"), P())(a))
say(lambda: smap(lambda x: x, P("z"), P())(a))
say(lambda: smap(lambda x: x, P("x"), P("x"))(a[:7]))
say(lambda: smap(lambda x: x, 3, P())(a))
say(lambda: jax.shard_map(3, mesh=mesh, in_specs=P(), out_specs=P()))
say(lambda: jax.pmap(lambda x: x - jax.lax.pmean(x, "i"), "i")(a[:4]))
say(lambda: jax.pmap(lambda x: x)(jnp.arange(9.0)))
say(lambda: jax.pmap(lambda x: x)(jnp.arange(8.0)))
say(lambda: jax.pmap(lambda x, y: x + y)(jnp.arange(3.0), jnp.arange(2.0)))
say(lambda: jax.pmap(lambda x: x.sum(), in_axes=1, out_axes=0)(a))
say(lambda: jax.make_mesh((8,), ("x",)))
"""


def test_shard_map_and_pmap_on_four_devices(tmp_path):
    """In processes of their own: how many devices there are is settled once they are used."""
    (tmp_path / "program.py").write_text(MESH_PROGRAM)
    said = [
        subprocess.run(
            [sys.executable, "-W", "ignore", str(tmp_path / "program.py"), framework.__name__],
            env=os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout.splitlines()
        for framework in (frameworks.EXPECTED, frameworks.ACTUAL)
    ]
    assert said[1] == said[0]


@same_in_both(
    covers=["jax.shard_map", "jax.smap", "jax.make_mesh", "jax.experimental.pjit.pjit", "jax.experimental.shard_map.shard_map"]
)
def test_maps_over_a_mesh_of_one_device(jax):
    P, x = jax.sharding.PartitionSpec, jax.numpy.asarray(X)
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    mapped = jax.shard_map(lambda x: jax.lax.psum(x * 2, "i"), mesh=mesh, in_specs=P("i"), out_specs=P())
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
        one_axis = jax.jit(jax.smap(lambda x: x * 3, in_axes=0, out_axes=0, axis_name="i"))(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old: Any = importlib.import_module(f"{jax.__name__}.experimental.shard_map").shard_map
        pjit: Any = importlib.import_module(f"{jax.__name__}.experimental.pjit").pjit
    return (
        mapped(x), jax.jit(jax.grad(lambda x: mapped(x).sum()))(x), one_axis,
        old(lambda x: x + 1, mesh, (P("i"),), P("i"))(x), pjit(lambda x: x - 1)(x), repr(mesh.axis_names), mesh.size,
    )  # fmt: skip


@same_in_both(covers=["jax.sharding.NamedSharding.check_compatible_aval", "jax.sharding.NamedSharding.is_equivalent_to"])
def test_questions_to_a_sharding(jax):
    P = jax.sharding.PartitionSpec
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    one, two = jax.sharding.NamedSharding(mesh, P("i")), jax.sharding.NamedSharding(mesh, P(None, "i"))
    return one.is_equivalent_to(two, 2), one.is_equivalent_to(one, 1), one.check_compatible_aval((3, 4))


# Data that programs pass around


@same_in_both(
    covers=["jax.experimental.layout.Format", "jax.experimental.layout.Layout", "jax.experimental.layout.with_layout_constraint"]
)
def test_layouts(jax):
    layout: Any = importlib.import_module(f"{jax.__name__}.experimental.layout")
    said = []
    for make in (lambda: layout.Format(layout.Layout((0, 1))), lambda: layout.Format(3), lambda: layout.Format(None, 3)):
        try:
            make()
        except (TypeError, ValueError) as error:
            said.append(type(error).__name__)
    one, two = layout.Layout((1, 0)), layout.Layout((0, 1), ((8, 128),))
    return [repr(one), repr(two), repr(two.update(tiling=None)), one == layout.Layout([1, 0]), hash(one) == hash(layout.Layout((1, 0))),
            layout.with_layout_constraint(jax.numpy.ones((2, 3)), layout.Layout((0, 1))).shape, repr(layout.Format()), layout.Format() == layout.Format(None), said, repr(layout.Layout.AUTO)]  # fmt: skip


@same_in_both
def test_an_object_that_says_odd_things_of_itself_is_a_function(jax):
    class Twice:
        def __init__(self):
            vars(self).update(__annotations__=3, __qualname__=4)

        def __call__(self, x):
            return x * 2

    return [transform(Twice())(X[0]) for transform in (jax.jit, jax.grad, jax.checkpoint)], jax.vmap(Twice())(X)


@same_in_both
def test_labels_of_axes_may_be_of_any_kind(jax):
    x, y = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)

    def said(*labels):
        try:
            return jax.numpy.einsum(x, labels[0], y, *labels[1:])
        except TypeError as error:
            return type(error).__name__, str(error).partition(".")[0]

    return said(["row", "in"], ["in", "out"], ["out", "row"]), said([5, 90], [90, 7]), said([..., "b"], ["b", "a"], [..., "a"]), said([1, "b"], ["b", 2])


@same_in_both
def test_what_is_known_of_a_partly_evaluated_function_in_a_trace(jax):
    pe: Any = importlib.import_module(f"{jax.__name__}.interpreters.partial_eval")
    linear_util: Any = importlib.import_module(f"{jax.__name__}.extend.linear_util")

    def f(x):
        def g(y):
            return [jax.numpy.sin(x) * 2, y * x, jax.numpy.cos(x)]

        unknown = pe.PartialVal.unknown(jax.core.ShapedArray((3,), np.dtype(np.float32)))
        debug = jax.api_util.debug_info("g", g, ((),), {})
        jaxpr, outs, consts = pe.trace_to_jaxpr_nounits(linear_util.wrap_init(g, debug_info=debug), [unknown])
        assert [o.is_known() for o in outs] == [True, False, True]
        (rest,) = jax.core.eval_jaxpr(jaxpr, consts, X)
        return outs[0].get_known() + outs[2].get_known(), rest

    return f(X), jax.jit(f)(X), jax.vjp(lambda x: f(x)[0], X)[1](X)


@same_in_both
def test_a_graph_keeps_no_value_of_the_trace_that_made_it(jax):
    with jax.checking_leaks():
        return jax.jit(lambda key: jax.random.truncated_normal(key, -2.0, 2.0, (3,)))(jax.random.key(1))


@same_in_both(
    covers=[
        f"jax.experimental.hijax.{name}"
        for name in ("AvalMutableQDD", "AvalQDD", "HiPrimitive", "HiType", "MutableHiType", "aval_method", "aval_property",
                     "control_flow_allowed_effects", "instantiate_zeros", "is_undefined_primal", "register_hitype")
    ]
)  # fmt: skip
def test_higher_types_as_data(jax):
    hijax: Any = importlib.import_module(f"{jax.__name__}.experimental.hijax")

    class Scale(hijax.HiPrimitive):
        def to_lojax(self, x):
            return x * 3

    class Pair:
        pass

    class PairType(hijax.HiType):
        def __eq__(self, other):
            return type(self) is type(other)

        def __hash__(self):
            return 0

    hijax.register_hitype(Pair, lambda pair: PairType())
    aval = jax.core.ShapedArray((2,), X.dtype)
    return [
        Scale("scale").name, Scale("scale").is_high(), hasattr(hijax.control_flow_allowed_effects, "add_type"),
        hijax.aval_property(fget=len).fget is len, hijax.aval_method(fun=len).fun is len, hijax.MutableHiType.has_qdd,
        PairType().is_high, hijax.AvalQDD(aval, 3).has_qdd, hijax.AvalMutableQDD(aval, 3).aval is aval,
        hijax.is_undefined_primal(hijax.Zero(aval)), hijax.instantiate_zeros(hijax.Zero(aval)),
    ]  # fmt: skip


@same_in_both
def test_a_dense_array_is_added_to_a_sparse_one(jax):
    sparse = importlib.import_module(f"{jax.__name__}.experimental.sparse")
    x = np.eye(2, 3, dtype=np.float32)
    return sparse.BCOO.fromdense(jax.numpy.asarray(x)) + jax.numpy.asarray(x * 2)


@same_in_both
def test_what_a_jitted_function_is(jax):
    """Its type has the name that libraries look for; its signature is its own, not only that of what it wraps."""
    jitted = jax.jit(lambda x, *, y=2: x)
    return type(jitted).__name__, str(inspect.signature(jitted, follow_wrapped=False))


@same_in_both
def test_keys_are_finite_numbers_to_comparisons(jax):
    """Assertions over trees of arrays meet keys among them."""
    jnp, keys = jax.numpy, jax.random.split(jax.random.key(0), 3)

    def f(keys):
        others = keys[::-1]
        equal = [jnp.array_equal(keys, k, equal_nan=nan) for k in (keys, others) for nan in (False, True)]
        return jnp.isnan(keys), jnp.isinf(keys), jnp.isfinite(keys), equal

    return f(keys), jax.jit(f)(keys)


@pytest.mark.parametrize(
    "x", [np.dtype("int16"), np.float32, "float32", float, bool, None, [1], "words", np.dtype("S3"), 1, np.ones(2)]
)
@same_in_both
def test_the_dtype_of_dtypes_and_values(jax, x):
    return str(jax.lax.dtype(x))


# No lanes

ZERO_LANES = {
    "scan": lambda jax, a, b: a * jax.lax.scan(lambda c, x: (c * x, c), b, a)[0],
    "while": lambda jax, a, b: a * jax.lax.while_loop(lambda c: c < 3.0, lambda c: c * 2, b),  # no end at zeros
    "cond": lambda jax, a, b: a * jax.lax.cond(b > 0, lambda b: b * 2, lambda b: -b, b),
    "jit": lambda jax, a, b: a * jax.jit(jax.numpy.sin)(b),
    "checkpoint": lambda jax, a, b: a * jax.checkpoint(jax.numpy.sin)(b),
    "solve": lambda jax, a, b: a * jax.numpy.linalg.solve(jax.numpy.eye(2) + b, jax.numpy.ones(2))[0],
    "root": lambda jax, a, b: jax.lax.custom_root(lambda x: x - b, b, lambda f, x: b, lambda g, y: y) * a,
    "nested": lambda jax, a, b: jax.vmap(lambda x: jax.lax.fori_loop(0, 2, lambda i, c: c * x, b))(a),
}


@pytest.mark.parametrize("program", ZERO_LANES.values(), ids=ZERO_LANES)
@same_in_both
def test_vmap_over_no_lanes(jax, program):
    a, b = np.zeros((0, 3), np.float32), np.zeros(0, np.float32)
    mapped = jax.vmap(lambda a, b: program(jax, a, b))
    if "while_loop" in program.__code__.co_names:  # it has no backward pass
        return mapped(a, b), jax.jit(mapped)(a, b)
    return mapped(a, b), jax.jit(mapped)(a, b), jax.grad(lambda a, b: mapped(a, b).sum(), (0, 1))(a, b)


@same_in_both
def test_in_vmap_scalars_are_chosen_from_by_flags_of_any_shape(jax):
    flags = np.array([[True], [False]])
    chosen = jax.vmap(lambda f: jax.lax.select(f, 0, 1))
    return chosen(flags), jax.jit(chosen)(flags), jax.vmap(lambda f: jax.lax.select_n(f, 0.5, 1.5, 2.5))(np.array([[0], [2]]))


@same_in_both
def test_without_vmap_they_are_not(jax):
    return jax.lax.select(np.array([True]), 0, 1)


@pytest.mark.parametrize(
    "shapes",
    [((), (1,), (1,)), ((), (), (1,)), ((), (1, 1), (1,)), ((1,), (1,), (1, 1)), ((1,), (1, 1), (1,)), ((2,), (1, 2), ())],
    ids=str,
)
@same_in_both
def test_bounds_of_more_axes_than_samples(jax, shapes):
    shape, low, high = shapes
    key, jnp = jax.random.key(0), jax.numpy
    return jax.random.uniform(key, shape, minval=jnp.zeros(low), maxval=jnp.ones(high))
