"""jax.core, jax.extend, jax.api_util, jax.interpreters.partial_eval: what libraries ask of the core."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3)


# Types

F32 = np.dtype("float32")


def aval(jax: Any, shape: Any = (2, 3), dtype: Any = F32, **more: Any) -> Any:
    """A type."""
    return jax.core.ShapedArray(shape, dtype, **more)


def types(jax: Any) -> Any:
    """What a ShapedArray says of itself."""
    a, weak, i = aval(jax), aval(jax, (), F32, weak_type=True), aval(jax, (3,), np.dtype("int32"))
    extend = jax.extend.core
    return (
        str(a), repr(a), a.str_short(), a.str_short(short_dtypes=True), str(weak), repr(weak), a.ndim, a.size, a.shape,
        a.dtype, a.weak_type, weak.weak_type, hash(a) == hash(aval(jax)), a == aval(jax),
        a != weak, str(a.update(shape=(4,))), str(i.to_tangent_aval()), str(a.to_tangent_aval()),
        str(weak.strip_weak_type()), str(a.update_weak_type(True)), isinstance(a, jax.core.AbstractValue),
        str(extend.mapped_aval(2, 0, a)), str(extend.unmapped_aval(5, 1, a)), str(i.to_ct_aval()),
        str(a.inc_rank(7, 0)), str(a.dec_rank(2, 0)), a.is_high, a.has_qdd, str(a.normalize()), len(a.lo_ty()),
    )  # fmt: skip


def no_len(jax: Any) -> Any:
    """A scalar has no length."""
    return len(aval(jax, ()))


def values(jax: Any) -> Any:
    """Questions about values."""
    extend = jax.extend.core
    return (
        [extend.valid_jaxtype(v) for v in (1, 1.0, X, jax.numpy.ones(2), "a", None, [1], np.array(["a"]), True, 1j)],
        extend.concrete_or_error(int, jax.numpy.int32(3)), extend.concrete_or_error(None, 3.5),
        extend.primal_dtype_to_tangent_dtype(np.dtype("int32")), extend.primal_dtype_to_tangent_dtype(F32),
        jax.core.max_dim(2, 3), jax.core.min_dim(2, 3),
        str(jax.api_util.shaped_abstractify(X)), str(jax.api_util.shaped_abstractify(1.0)),
        str(jax.api_util.shaped_abstractify(jax.ShapeDtypeStruct((2,), np.int8))),
    )  # fmt: skip


def concretized(jax: Any) -> Any:
    """A value that must be known, in a trace."""
    extend = jax.extend.core
    return jax.jit(lambda n: extend.concrete_or_error(int, n, "It must be known."))(3)


def tracers(jax: Any) -> Any:
    """Who is a tracer, and what runs, under each transformation."""
    extend, found = jax.extend.core, []

    def look(x: Any) -> Any:
        found.append((
            isinstance(x, jax.core.Tracer), extend.unsafe_am_i_under_a_jit_DO_NOT_USE(),
            extend.unsafe_am_i_under_a_vmap_DO_NOT_USE(), extend.unsafe_get_axis_names_DO_NOT_USE(),
            extend.nonempty_axis_env_DO_NOT_USE(),
        ))  # fmt: skip
        return x * 2.0

    look(X)
    jax.jit(look)(X)
    jax.vmap(look)(X)
    jax.vmap(look, axis_name="i")(X)
    jax.grad(lambda x: look(x).sum())(X)
    jax.jvp(look, (X,), (X,))
    jax.jit(jax.vmap(look, axis_name="j"))(X)
    return found


def states(jax: Any) -> Any:
    """Trace states are equal where the same transformation is innermost."""
    extend = jax.extend.core
    outside, found = extend.get_opaque_trace_state(), []

    def look(x: Any) -> Any:
        found.append(extend.get_opaque_trace_state() == outside)
        found.append(extend.get_opaque_trace_state() == extend.get_opaque_trace_state())
        return x

    look(1.0)
    jax.jit(look)(1.0)
    jax.vmap(look)(X)
    return found, extend.get_opaque_trace_state() == outside


def context(jax: Any) -> Any:
    """jax.core's own words for these, which are deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            jax.core.trace_ctx.is_top_level(), jax.jit(lambda x: jax.core.trace_ctx.is_top_level())(1.0),
            jax.core.is_concrete(X), jax.core.is_constant_dim(3), jax.core.is_constant_shape((2, 3)),
            jax.core.is_constant_dim(2.5), str(jax.core.abstract_token), np.ndarray in jax.core.pytype_aval_mappings,
            jax.core.find_top_trace(()) == jax.core.find_top_trace(()),
            {f: jax.grad(lambda x, f=f: (x, 0.0)[1] + float(getattr(jax.core, f)(x)))(1.0) for f in ("is_concrete",)},
        )  # fmt: skip


def moved(name: str) -> Callable[[Any], Any]:
    """A name that moved."""
    return lambda jax: callable(getattr(jax.core, name))


def eval_context(jax: Any) -> Any:
    """Values that are known in a trace."""

    def f(x: Any) -> Any:
        with jax.core.ensure_compile_time_eval():
            n = int(jax.numpy.arange(3).sum())
        with jax.core.eval_context():
            m = int(jax.numpy.ones(2, int).sum())
        return x * n + m

    return jax.jit(f)(X)


# Functions with transformations around them


def wrapped(jax: Any) -> Any:
    """linear_util and api_util together, as a library would use them."""
    lu, api = jax.extend.linear_util, jax.api_util

    def f(d: Any, *, scale: Any) -> Any:
        return {"out": d["a"] * scale, "n": (d["b"],)}

    args = ({"a": X, "b": 2.0},)
    leaves, tree = jax.tree_util.tree_flatten((args, {"scale": 3.0}))
    info = api.debug_info("test", f, args, {"scale": 3.0})
    flat, out_tree = api.flatten_fun(lu.wrap_init(f, debug_info=info), tree)
    outs = flat.call_wrapped(*leaves)
    plain, plain_tree = api.flatten_fun_nokwargs(
        lu.wrap_init(lambda a, b: (b, a), debug_info=info), jax.tree_util.tree_structure((1, 2))
    )
    part, dynamic = api.argnums_partial(lu.wrap_init(lambda a, b, c: a - b * c, debug_info=info), (0, 2), (1.0, 2.0, 3.0))
    return (
        outs, str(out_tree()), plain.call_wrapped(5, 6), str(plain_tree()), part.call_wrapped(*dynamic), dynamic,
        flat.__name__, info.traced_for, info.arg_names, info.func_name,
    )  # fmt: skip


def transformations(jax: Any) -> Any:
    """Wrappers written as functions and as generators, and what they leave behind."""
    lu = jax.extend.linear_util
    info = jax.api_util.debug_info("test", abs, (1,), {})

    @lu.transformation
    def doubled(*args: Any) -> Any:
        ans = yield args, {}
        yield 2 * ans

    @lu.transformation_with_aux
    def counted(*args: Any) -> Any:
        ans = yield args, {}
        yield ans, len(args)

    @lu.transformation2
    def shifted(f: Any, by: Any, *args: Any) -> Any:
        return f(*args) + by

    fun = lu.wrap_init(lambda *a: sum(a), debug_info=info)
    out, aux = counted(doubled(fun))
    early = None
    try:
        aux()
    except lu.StoreException as error:
        early = str(error)
    total = shifted(out, 100).call_wrapped(1, 2, 3)
    return total, aux(), early, lu.merge_linear_aux(aux, counted(fun)[1]), out == out


def unhashable(jax: Any) -> Any:
    """A static argument that cannot be a key."""
    lu, api = jax.extend.linear_util, jax.api_util
    fun = lu.wrap_init(lambda a, b: a, debug_info=api.debug_info("test", abs, (1,), {}))
    return api.argnums_partial(fun, 0, (1.0, [2]))


def donations(jax: Any) -> Any:
    """Which leaves are given away."""
    api = jax.api_util
    tree = jax.tree_util.tree_structure(((1, {"a": 2, "b": 3}), {"k": 4}))
    return (
        api.donation_vector((1,), ("k",), tree), api.donation_vector((0,), (), tree),
        api.rebase_donate_argnums((3, 4), (0, 1)), api.rebase_donate_argnums((), ()),
        api.flatten_axes("axes", jax.tree_util.tree_structure((1, (2, 3))), (0, None)), api.safe_map(max, [1, 5], [2, 3]),
    )  # fmt: skip


def intersecting(jax: Any) -> Any:
    """Static and donated."""
    return jax.api_util.rebase_donate_argnums((1,), (1,))


# Partial evaluation


def wrap(jax: Any, f: Any, *args: Any) -> Any:
    """A function for partial evaluation."""
    info = jax.api_util.debug_info("test", f, args, {})
    return jax.extend.linear_util.wrap_init(f, debug_info=info)


def to_jaxpr(jax: Any) -> Any:
    """A function of leaves traced for types."""
    pe = jax.interpreters.partial_eval
    jaxpr, outs, consts = pe.trace_to_jaxpr_dynamic(
        wrap(jax, lambda a, b: [a + b, b * 2.0], X, X), [aval(jax, (3,)), aval(jax, (3,))]
    )
    return str(jaxpr), [str(o) for o in outs], consts


def partly(jax: Any) -> Any:
    """Partly known arguments."""
    pe = jax.interpreters.partial_eval
    pvals = [pe.PartialVal.unknown(aval(jax, (3,))), pe.PartialVal.known(jax.numpy.asarray(X))]
    jaxpr, outs, _ = pe.trace_to_jaxpr_nounits(
        wrap(jax, lambda a, b: [a * 2.0, jax.numpy.sin(b)], X, X), pvals, instantiate=False
    )
    known = [o.is_known() for o in outs]
    return known, outs[1].get_known(), str(outs[0].get_aval()), [len(jaxpr.invars), len(jaxpr.outvars)]


def dead(jax: Any) -> Any:
    """Dead code, and arguments that are not used any more."""
    pe = jax.interpreters.partial_eval
    closed = jax.make_jaxpr(lambda a, b: (a + 1.0, jax.numpy.sin(b)))(X, X)
    smaller, used = pe.dce_jaxpr(closed.jaxpr, [True, False])
    same, all_used = pe.dce_jaxpr(closed.jaxpr, True)
    kept, instantiated = pe.dce_jaxpr(closed.jaxpr, [True, False], instantiate=True)
    return str(smaller), used, str(same), all_used, str(kept), instantiated


def kinds_of_tracers(jax: Any) -> Any:
    """isinstance with the tracers of partial evaluation."""
    pe, found = jax.interpreters.partial_eval, []
    see = lambda x: (found.append(isinstance(x, pe.DynamicJaxprTracer)), x)[1]  # noqa: E731
    see(X)
    jax.jit(see)(X)
    jax.vmap(see)(X)
    ad, forward = jax.interpreters.ad, []
    jax.jvp(lambda x: (forward.append(isinstance(x, ad.JVPTracer)), x)[1], (X,), (X,))
    jax.jit(lambda x: (forward.append(isinstance(x, ad.JVPTracer)), x)[1])(X)
    return found, forward, isinstance(X, pe.JaxprTracer)


# Sources, generators, backends


def sources(jax: Any) -> Any:
    """Name stacks."""
    info = jax.extend.source_info_util
    found = [str(info.current_name_stack())]
    with info.extend_name_stack("outer"), info.extend_name_stack("inner"):
        found.append(str(info.current_name_stack()))
        with info.reset_name_stack():
            found.append(str(info.current_name_stack()))
    stack = info.new_name_stack("a").extend("b")
    return found, str(stack), str(info.current_name_stack()), str(info.new_name_stack())


def generators(jax: Any) -> Any:
    """Keys of given generators."""
    random = jax.extend.random
    keys = [random.seed_with_impl(i, 3) for i in (random.threefry_prng_impl, random.unsafe_rbg_prng_impl)]
    words = random.threefry_2x32((np.uint32(1), np.uint32(2)), np.arange(5, dtype=np.uint32))
    several = random.random_seed(np.arange(3), random.threefry_prng_impl)
    return [jax.random.key_data(k) for k in keys], words, jax.random.key_data(several), random.threefry2x32_p.name


def backends(jax: Any) -> Any:
    """What is known of the backends."""
    backend, cleared = jax.extend.backend, []

    class Cache:
        def cache_clear(self) -> None:
            cleared.append(True)

    backend.register_backend_cache(Cache(), "a test")
    return "cpu" in backend.backends(), backend.get_backend("cpu").platform, backend.get_default_device().platform


def late_vmap(jax: Any) -> Any:
    """bdim_at_front and its kin."""
    batching, m = jax.interpreters.batching, jax.numpy.asarray(M)
    return batching.bdim_at_front(m, 1, 3), batching.bdim_at_front(X, None, 2), batching.broadcast(X, 2, 1, None)


def unbound(jax: Any) -> Any:
    """Primitive's methods, by the class."""
    primitive, aval = jax.extend.core.Primitive, jax.core.ShapedArray((3,), F32)
    p = primitive("p")
    primitive.def_impl(p, lambda x: 2 * x)
    primitive.def_abstract_eval(p, lambda x: x)
    plain = primitive.abstract_eval(p, aval)
    primitive.def_effectful_abstract_eval(p, lambda x: (x, {"an effect"}))
    effectful = p.abstract_eval(aval)
    primitive.def_bind_with_trace(p, lambda trace, args, avals, params: ("bound", len(args), params))
    return p.bind(X, n=1), p.impl(X), p.get_bind_params({"a": 1}), p.is_high(aval), str(effectful), plain


def unimplemented(name: str) -> Callable[[Any], Any]:
    """A method of a primitive that has none."""
    return lambda jax: getattr(jax.extend.core.Primitive, name)(jax.extend.core.Primitive("p"), X)


def sources_more(jax: Any) -> Any:
    """The rest of source_info_util."""
    info, found = jax.extend.source_info_util, []
    jax.extend.source_info_util.register_exclusion("somewhere.py")
    with jax.extend.source_info_util.set_name_stack(info.new_name_stack("a")):
        found.append(str(info.current_name_stack()))
        with jax.extend.source_info_util.user_context(None, name_stack=info.new_name_stack("b")):
            found.append(str(jax.extend.source_info_util.current().name_stack))
    return found, str(jax.extend.source_info_util.new_source_info().name_stack)


def names_in_core(jax: Any) -> Any:
    """The names that jax.core still gives, with a warning."""
    aval = jax.core.ShapedArray((3,), F32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        eqn = jax.core.new_jaxpr_eqn([], [jax.core.gensym()(aval)], jax.lax.add_p, {}, set())
        jaxpr = jax.make_jaxpr(lambda x: x + 1)(X).jaxpr
        jax.core.check_jaxpr(jaxpr)
        return (
            eqn.primitive.name, list(jax.core.jaxprs_in_params({"a": 1})), jax.core.concrete_or_error(int, 2.0),
            jax.core.get_opaque_trace_state() == jax.extend.core.get_opaque_trace_state(), jax.core.valid_jaxtype("a"),
            jax.core.primal_dtype_to_tangent_dtype(F32), jax.core.nonempty_axis_env_DO_NOT_USE(),
            jax.core.unsafe_am_i_under_a_jit_DO_NOT_USE(), jax.core.unsafe_am_i_under_a_vmap_DO_NOT_USE(),
            jax.core.unsafe_get_axis_names_DO_NOT_USE(), callable(jax.core.concretization_function_error(float)),
            callable(jax.core.call), jax.extend.core.call_impl(wrap(jax, lambda a: a + 1, 1), 2),
            jax.core.ShapedArray.leading_axis_spec(aval), len(jax.core.ShapedArray.lower_val(aval, X)),
            jax.core.ShapedArray.raise_val(aval, X), jax.extend.core.find_top_trace(()) is None,
        )  # fmt: skip


def calls(jax: Any) -> Any:
    """Dead code inside of called jaxprs, mapped jaxprs, caches, clearing."""
    pe, found = jax.interpreters.partial_eval, []
    closed = jax.make_jaxpr(lambda a, b: (a + 1.0, jax.numpy.sin(b)))(X, X)
    smaller, consts, used = pe.dce_jaxpr_consts(closed.jaxpr, [True, False])
    swapped = jax.extend.core.ClosedJaxpr.map_jaxpr(closed, lambda j: smaller)
    call = jax.extend.core.primitives.call_p
    eqn = jax.extend.core.new_jaxpr_eqn(closed.invars, closed.outvars, call, {"call_jaxpr": closed.jaxpr}, set())
    for rule in (pe.dce_jaxpr_call_rule,):
        kept, new = rule([True, False], eqn)
        found.append((kept, len(new.invars), str(new.params["call_jaxpr"])))
    closed_eqn = eqn.replace(params={"call_jaxpr": closed})
    kept, new = jax.interpreters.partial_eval.dce_jaxpr_closed_call_rule([False, True], closed_eqn)
    seen: list[int] = []
    run = jax.extend.linear_util.cache(lambda fun, x: (seen.append(1), fun.call_wrapped(x))[1])
    fun = wrap(jax, lambda x: x * 2, 1)
    jax.extend.backend.clear_in_memory_compilation_cache()
    return str(smaller), consts, used, str(swapped), found, kept, [run(fun, 3), run(fun, 3)], seen


PROGRAMS = {
    f.__name__: f
    for f in (
        types, no_len, values, concretized, tracers, states, context, eval_context, wrapped, transformations, unhashable,
        donations, intersecting, to_jaxpr, partly, dead, kinds_of_tracers, sources, generators, backends, late_vmap,
        sources_more, names_in_core, calls, unbound,
    )
}  # fmt: skip
MOVED = ("check_jaxpr", "CallPrimitive", "gensym", "concretization_function_error", "call", "DropVar")
GONE = ("get_aval", "subjaxprs", "traverse_jaxpr_params", "Jaxpr", "no_such_name")


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]))


@pytest.mark.parametrize("name", [*MOVED, *GONE])
def test_names_that_moved(name: str) -> None:
    if name in MOVED:
        vars(frameworks.EXPECTED.core).pop(name, None)  # a test that replaced it for a while leaves it set, and silent
    assert_same(*run_both(moved(name)))


@pytest.mark.parametrize("name", ["impl", "abstract_eval", "bind", "to_lojax"])
def test_a_bare_primitive(name: str) -> None:
    assert_same(*run_both(unimplemented(name)))


METHODS: dict[str, tuple[Any, ...]] = {
    "argmin": (), "clip": (0.6, 1.5), "conjugate": (), "cumprod": (), "diagonal": (), "dot": (M.T,), "flatten": (),
    "ptp": (), "repeat": (2,), "round": (), "squeeze": (), "std": (), "var": (), "view": (np.int32,),
}  # fmt: skip


def test_methods_of_traced_values() -> None:
    for name, args in METHODS.items():

        def program(jax: Any, name: str = name, args: Any = args) -> Any:
            assert hasattr(jax.core.Tracer, name)
            return jax.jit(lambda x: getattr(x, name)(*args))(M.T @ M)

        assert_same(*run_both(program))


test_methods_of_traced_values.covers = tuple(f"jax.core.Tracer.{n}" for n in METHODS)  # type: ignore[attr-defined]


def test_taking_a_trace_is_refused() -> None:
    import jaxlike.extend.core as core

    for ask in (core.take_current_trace, partial(core.set_current_trace, None)):
        with pytest.raises(NotImplementedError, match=r"levels of torch\.func"):
            ask()
