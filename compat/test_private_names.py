"""Names under `jax._src` that are served: each is one that JAX has in that place. And its lists and functions, called."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
from typing import Any

import numpy as np
import pytest

from compat.frameworks import private
from compat.same import same_in_both
from jaxlike._src import private_names

# JAX's older versions have the error of its runtime here; libraries that take several versions ask for it.
OF_OLDER_VERSIONS = ("jax._src.lib.xla_client",)


def of_jax(module: str) -> Any:
    """A private module of JAX, imported or an attribute of its package."""
    parent, _, name = module.rpartition(".")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(parent), name)


def listed() -> list[tuple[str, str]]:
    """(module, name) of what is not served by mirroring a public module."""
    named = {(module, name) for module, names in private_names.NAMES.items() for name in names}
    placed = private_names.PLACES.items()
    named |= {(module, name) for module, homes in placed for names in homes.values() for name in names.split()}
    return sorted(pair for pair in named if pair[0] not in OF_OLDER_VERSIONS)


@pytest.mark.parametrize(("module", "name"), listed())
def test_names(module: str, name: str) -> None:
    theirs = getattr(of_jax(module), name)
    assert (private_names.find(module, name) is None) == (theirs is None)


def test_modules_mirror_what_is_served() -> None:
    for module in private_names.MIRRORS.keys() - {*OF_OLDER_VERSIONS}:
        jax_has = of_jax(module)
        for mirrored in private_names.MIRRORS[module]:
            ours = mirrored if mirrored.startswith("jaxlike.") else "jaxlike" + mirrored.removeprefix("jax")
            served = importlib.import_module(ours)
            shared = [n for n in vars(served) if not n.startswith("_") and hasattr(jax_has, n)]
            assert shared, (module, mirrored)
    with pytest.raises(AttributeError, match="private to JAX"):
        private_names.find("jax._src.core", "no_such_name")


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_small_functions(framework: str) -> None:
    """`jax._src.util`: the same results of both, on lists and on functions."""
    u: Any = importlib.import_module("jax._src.util" if framework == "jax" else "jaxlike._src.extending.util")
    bs = [True, False, True]

    def f(x: Any, y: Any) -> Any:
        """About {x}."""
        return x, y

    assert u.safe_zip([1, 2], "ab") == [(1, "a"), (2, "b")] and u.safe_map(abs, [-1, 2]) == [1, 2]
    with pytest.raises(ValueError):
        u.safe_zip([1], [1, 2])
    assert u.unzip2([(1, 2), (3, 4)]) == ((1, 3), (2, 4)) and u.unzip2([]) == ((), ())
    assert u.unzip3([(1, 2, 3)]) == ((1,), (2,), (3,))
    assert u.split_list([1, 2, 3, 4], [1, 2]) == [[1], [2, 3], [4]]
    assert u.split_list_checked([1, 2, 3], [1, 2]) == [[1], [2, 3]]
    assert u.partition_list(bs, "abc") == (["b"], ["a", "c"])
    assert u.merge_lists(bs, ["b"], ["a", "c"]) == ["a", "b", "c"]
    assert u.subvals((1, 2, 3), [(0, 5)]) == (5, 2, 3) and u.concatenate([[1], (2, 3)]) == [1, 2, 3]
    assert u.unflatten([1, 2, 3], [2, 1]) == [[1, 2], [3]]
    assert u.tuple_insert((1, 2), 1, 9) == (1, 9, 2) and u.tuple_delete((1, 2, 3), 1) == (1, 3)
    assert u.tuple_update((1, 2, 3), 1, 9) == (1, 9, 3) and u.ceil_of_ratio(7, 2) == 4
    assert u.canonicalize_axis(-1, 3) == 2 and u.canonicalize_axis_tuple(None, 2) == (0, 1)
    assert u.canonicalize_axis_tuple((0, -1), 3) == (0, 2) and u.wrap_name("jit", "f") == "jit(f)"
    assert list(u.stable_unique([3, 1, 3])) == [3, 1] and u.curry(f)(1)(2) == (1, 2)
    ordered = u.OrderedSet()
    ordered.update([3, 1, 3])
    ordered.add(1)
    assert list(ordered) == [3, 1] and 1 in ordered and 2 not in ordered and len(ordered) == 2
    assert u.fun_name(f) == "f" == u.wraps(f)(lambda: 0).__name__ and u.fun_name(3, "?") == "?"
    assert u.wraps(f, namestr="wrapped_{fun}", docstr="of {fun}: {doc}")(lambda: 0).__doc__ == "of f: About {x}."

    def hashable(n: int) -> Any:
        return u.HashableFunction(lambda: n, n)

    assert hashable(1) == hashable(1) != hashable(2) and hash(hashable(1)) == hash(hashable(1))
    assert hashable(3)() == 3
    assert u.HashableWrapper(1) == u.HashableWrapper(1) and u.HashableWrapper([1]) != u.HashableWrapper([1])
    assert u.HashablePartial(f, 1) == u.HashablePartial(f, 1) and u.HashablePartial(f, 1)(2) == (1, 2)
    calls = []
    kept = u.cache()(lambda x, calls=calls: calls.append(x))
    for x in (1, 1, 2):
        kept(x)
    assert calls == [1, 2]
    kept.cache_clear()
    kept(1)
    assert calls == [1, 2, 1]

    class Key:
        pass

    key, seen = Key(), []
    weak = u.weakref_lru_cache(lambda k, n, seen=seen: seen.append(n))
    for k, n in ((key, 1), (key, 1), (key, 2), (Key(), 1)):
        weak(k, n)
    assert seen == [1, 2, 1]


@pytest.mark.parametrize("to", ["", "_inexact", "_numeric", "_complex"])
@pytest.mark.parametrize("args", [(True, False), (1, 2.0), (np.int8(1), np.float16(2)), (1j, np.uint8(3))], ids=repr)
def test_common_dtypes(to: str, args: Any) -> None:
    from jax._src.numpy import util

    expected = getattr(util, "promote_dtypes" + to)(*args)
    found = private_names.find("jax._src.numpy.util", "promote_dtypes" + to)(*args)
    assert [(x.dtype, x.weak_type, x.item()) for x in found] == [(x.dtype, x.weak_type, x.item()) for x in expected]


def test_deprecations():
    from jax._src import deprecations as theirs

    from jaxlike._src import deprecations as ours

    for d in (ours, theirs):
        d.register("compat")
        assert not d.is_accelerated("compat")
        with pytest.warns(DeprecationWarning, match="old"):
            d.warn("compat", "old", 2)
        d.accelerate("compat")
        with pytest.raises(TypeError, match="old"):
            d.warn("compat", "old", 2, error_class=TypeError)
        d.unregister("compat")
        with pytest.raises(ValueError, match="not registered"):
            d.is_accelerated("compat")


def test_types_axes_and_functions():
    from jax._src import api_util, core

    def program(name, get):
        equal, match, axes = (get("jax._src.core", n) for n in ("definitely_equal_shape", "typematch", "extend_axis_env_nd"))
        type_of = get("jax._src.core", "ShapedArray")
        short, long = type_of((2,), np.float32), type_of((3,), np.float32)
        said = [equal((1, 2), (1, 2)), equal((1, 2), (1, 3)), equal((1,), (1, 2))]
        said += [match(short, short), match(short, long), match(short, type_of((2,), np.float32, True))]
        said += [get("jax._src.api_util", "fun_sourceinfo")(f) for f in (program, functools.partial(program, 1), print)]
        with axes([("i", 4), ("j", 2)]):
            module = importlib.import_module(name)
            said += [module.lax.axis_size("i"), int(module.lax.psum(1, "j"))]
        with pytest.raises(TypeError, match="Expected a callable value, got 3"):
            get("jax._src.api_util", "check_callable")(3)
        return said

    theirs = {"jax._src.core": core, "jax._src.api_util": api_util}
    assert program("jax", lambda module, name: getattr(theirs[module], name)) == program("jaxlike", private_names.find)


def either(framework: str, module: str) -> Any:
    """A private module of JAX, or what stands in for it."""
    return importlib.import_module(module) if framework == "jax" else private_names.PrivateModule(module)


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_lists_of_different_lengths(framework: str) -> None:
    """What is said of them, and of too few arguments."""
    u = either(framework, "jax._src.util")
    for name, args, said in (
        ("safe_map", (), "safe_map requires at least 2 arguments"),
        ("safe_map", (abs,), "safe_map requires at least 2 arguments"),
        ("safe_map", (max, [1], [2, 3]), r"safe_map\(\) argument 2 is longer than argument 1"),
        ("safe_map", (max, [1, 2], [3, 4], [5]), r"safe_map\(\) argument 3 is shorter than argument 1"),
        ("safe_map", (7, [1]), "'int' object is not callable"),
        ("foreach", (abs,), r"foreach\(\) requires at least 2 arguments"),
        ("foreach", (max, [1], [2, 3]), r"foreach\(\) argument 2 is longer than argument 1"),
        ("safe_zip", (), "safe_zip requires at least 1 argument"),
        ("safe_zip", ([1, 2], [1]), r"argument 1 has length 1 but argument 0 has length 2. All lengths: \(2, 1\)"),
    ):
        with pytest.raises((TypeError, ValueError), match=said):
            getattr(u, name)(*args)


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_a_cache_by_what_lives(framework: str) -> None:
    class Living:
        pass

    cached = either(framework, "jax._src.util").weakref_lru_cache(lambda x, y, z=1: (y, z))
    one, other = Living(), Living()
    assert [cached(one, 1), cached(one, 1), cached(one, 2), cached(one, 1, z=3), cached(other, 1)][3] == (1, 3)
    assert str(cached.cache_info()) == "WeakrefLRUCache(hits=1, misses=4, maxsize=2048, currsize=4)"
    assert len(cached.cache_keys()) == 4
    del other
    gc.collect()
    assert cached.cache_info().currsize == 3
    cached.evict_weakref(one)
    assert cached.cache_info().currsize == 0 and cached.cache_info().misses == 4
    cached.cache_clear()
    assert cached.cache_info().misses == 0


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_names_and_places_of_arguments(framework: str) -> None:
    a = either(framework, "jax._src.api_util")

    def f(x: Any, y: Any = 1, *rest: Any, k: Any = None, **more: Any) -> None:
        """A function of all kinds of arguments."""

    signature = inspect.signature(f)
    for numbers, names, found in (
        (None, None, ((), ())),
        (0, None, ((0,), ("x",))),
        (None, "y", ((1,), ("y",))),
        ((1, 2), None, ((1, 2), ("y",))),
        (None, ("k", "other"), ((), ("k", "other"))),
        (0, "y", ((0,), ("y",))),
    ):
        assert a.infer_argnums_and_argnames(signature, argnums=numbers, argnames=names) == found
    assert a.resolve_kwargs(f, (1, 2), {}) == (1, 2) and a.resolve_kwargs(lambda x, y=3: x, (1,), {}) == (1, 3)
    assert a.resolve_kwargs(lambda x, y: x, (1,), {"y": 2}) == (1, 2)
    with pytest.raises(TypeError, match="keyword arguments could not be resolved to positions: k"):
        a.resolve_kwargs(f, (1,), {"k": 2})
    known = a.debug_info("jit", f, (1, (2, 3), 4), {"k": 5})
    assert known.arg_names == ("x", "y[0]", "y[1]", "rest[0]", "k")


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_values_that_tests_are_made_of(framework: str) -> None:
    """`jax._src.lax.lax` and `jax._src.dtypes`: weak conversions, constants, matrices, the lattice's types."""
    lax, dtypes = either(framework, "jax._src.lax.lax"), either(framework, "jax._src.dtypes")
    jnp: Any = importlib.import_module(f"{framework}.numpy")
    kind = lambda x: (str(x.dtype), x.weak_type, np.asarray(x).tolist())  # noqa: E731
    convert = lax._convert_element_type
    assert kind(convert(1, weak_type=True)) == ("int32", True, 1)
    assert kind(convert(jnp.ones(2), weak_type=True)) == ("float32", True, [1, 1])
    assert kind(convert(jnp.asarray(1.0), weak_type=False)) == ("float32", False, 1)
    assert kind(convert(0, np.dtype("uint8"))) == ("uint8", False, 0)
    assert kind(convert(jnp.float32(2.5), np.dtype("int8"), weak_type=True)) == ("int8", True, 2)
    assert lax._const(1.0, 2) == 2.0 and lax._const(jnp.asarray(1), 2.5) == 2
    assert lax._const(jnp.float16(1), 2).dtype == np.float16
    assert kind(lax._zeros(jnp.ones(2))) == ("float32", False, [0, 0])
    assert kind(lax._ones(jnp.ones(2, "int8"))) == ("int8", False, [1, 1])
    assert lax._zero(jnp.ones(3)).shape == lax._one(jnp.ones(3)).shape == ()
    assert np.asarray(lax._eye(np.float32, (2, 3), 1)).tolist() == [[0, 1, 0], [0, 0, 1]]
    assert np.asarray(lax._tri(np.int32, (2, 2), -1)).tolist() == [[0, 0], [1, 0]]
    assert np.asarray(lax._delta(np.int32, (2, 3, 3), (1, 2))).tolist() == [np.eye(3).tolist()] * 2
    for t in (*dtypes._jax_types, *dtypes._weak_types):
        if not isinstance(t, np.dtype) or t.name not in ("int64", "uint64", "float64", "complex128"):  # x64 is off
            assert dtypes._jax_type(*dtypes._dtype_and_weaktype(t)) == t
    weak = [dtypes._jax_type(np.dtype(t), True) for t in (bool, "int8", dtypes.int4, "float16", "complex64")]
    assert weak == [np.dtype(bool), int, int, float, complex]
    assert {k: str(np.dtype(f())) for k, f in dtypes.default_types.items()} == {
        "b": "bool", "i": "int32", "u": "uint32", "f": "float32", "c": "complex64"
    }  # fmt: skip


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
@pytest.mark.parametrize("transform", ["grad", "vjp", "jvp", "linearize", "vmap", "eval_shape", "make_jaxpr", "jit"])
def test_no_work_for_the_garbage_collector(framework: str, transform: str) -> None:
    """What a transformation made is freed as it ends: nothing refers to itself."""
    jax: Any = importlib.import_module(framework)
    x = jax.numpy.ones(())
    f = jax.jit(jax.numpy.sin) if transform == "jit" else lambda x: x * 2
    run = {
        "vjp": lambda: jax.vjp(f, x)[1](x),
        "jvp": lambda: jax.jvp(f, (x,), (x,)),
        "linearize": lambda: jax.linearize(f, x)[1](x),
        "vmap": lambda: jax.vmap(f)(jax.numpy.ones(2)),
        "eval_shape": lambda: jax.eval_shape(f, x),
        "jit": lambda: f(x),
    }.get(transform, lambda: getattr(jax, transform)(f)(x))
    run()
    gc.collect()
    gc.disable()
    try:
        run()
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_kinds_of_traces(framework: str) -> None:
    """`isinstance` with the classes of JAX's traces and tracers tells which transformation runs."""
    jax: Any = importlib.import_module(framework)
    core = either(framework, "jax._src.core")
    ad, batching = either(framework, "jax._src.interpreters.ad"), either(framework, "jax._src.interpreters.batching")
    pe = either(framework, "jax._src.interpreters.partial_eval")
    traces = {
        "eval": core.EvalTrace, "grad": ad.LinearizeTrace, "jvp": ad.JVPTrace,
        "vmap": batching.BatchTrace, "jit": pe.DynamicJaxprTrace,
    }  # fmt: skip
    tracers = {"grad": ad.LinearizeTracer, "jvp": ad.JVPTracer, "vmap": batching.BatchTracer, "jit": pe.DynamicJaxprTracer}

    def kinds(x: Any) -> set[str]:
        running = {k for k, t in traces.items() if isinstance(core.trace_ctx.trace, t)}
        return running | {f"{k} of x" for k, t in traces.items() if k != "eval" and isinstance(x._trace, t)} | {
            f"{k} tracer" for k, t in tracers.items() if isinstance(x, t)
        }

    seen: list[Any] = []
    note = lambda x: (seen.append(kinds(x)), x)[1]  # noqa: E731
    jax.grad(note)(1.0)
    jax.jvp(note, (1.0,), (1.0,))
    jax.vmap(note)(np.ones(2))
    jax.jit(note)(1.0)
    assert seen == [{k, f"{k} of x", f"{k} tracer"} for k in ("grad", "jvp", "vmap", "jit")]
    assert isinstance(core.trace_ctx.trace, core.EvalTrace) and not isinstance(core.trace_ctx.trace, pe.JaxprTrace)
    closed = jax.make_jaxpr(lambda x: (jax.debug.callback(print, x), jax.numpy.sin(x))[1])(1.0)
    assert [bool(pe.has_effects(e)) for e in closed.eqns] == [True, False]


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_flags_by_name(framework: str) -> None:
    """A flag is an attribute of `jax._src.config`, which holds its value and sets it for a time."""
    config = either(framework, "jax._src.config")
    assert config.use_direct_linearize.value is True and config.remat3.value is False
    with config.mutable_array_checks(False):
        assert config.mutable_array_checks.value is False
    assert config.compilation_cache_max_size.value == -1
    with pytest.raises(AttributeError, match="no_such_flag"):
        _ = config.no_such_flag


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_tokens_of_effects(framework: str) -> None:
    """`runtime_tokens` waits for the effects that were started, and forgets them."""
    jax: Any = importlib.import_module(framework)
    tokens, seen = either(framework, "jax._src.dispatch").runtime_tokens, []
    jax.jit(lambda x: jax.debug.callback(seen.append, x, ordered=True))(1)
    tokens.block_until_ready()
    assert [int(x) for x in seen] == [1]
    tokens.clear()


@pytest.mark.parametrize("mode", ["mxfp8", "nvfp4"])
def test_quantized_blocks(mode: str) -> None:
    found = []
    for framework in ("jax", "jaxlike"):
        jax: Any = importlib.import_module(framework)
        name = "jax._src.cudnn.scaled_matmul_stablehlo"
        at = of_jax(name) if framework == "jax" else private_names.PrivateModule(name)
        x = jax.numpy.asarray(np.random.default_rng(0).normal(size=(64, 3, 2)).astype(np.float32))
        blocks = at.shape_normalization(x, ((0,), (2,)))
        entries, scales = at.quantize(blocks, jax.nn.get_scaled_dot_general_config(mode))
        found.append([blocks.shape, *(np.asarray(a.astype("float32")).tolist() for a in (blocks, entries, scales))])
    assert found[0] == found[1]


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@same_in_both
def test_decompositions(jax, dtype):
    """What LAPACK gives of a QR decomposition, and systems solved by factors and a permutation."""
    geqrf, geqp3, lu_solve = (private(jax, "jax._src.lax.linalg", name) for name in ("geqrf", "geqp3", "lu_solve"))
    a = (jax.numpy.arange(24.0).reshape(2, 4, 3) % 7 + jax.numpy.eye(4, 3)).astype(dtype)
    packed, scales = geqrf(a)
    lu, _, permutation = jax.lax.linalg.lu(jax.numpy.array([[1.0, 3], [2, 1]]).astype(dtype))
    solved = [lu_solve(lu, permutation, jax.numpy.ones((2, 3), dtype), trans) for trans in (0, 1, 2)]
    product = jax.lax.linalg.householder_product(packed, scales)
    return packed, scales, product, geqp3(a, np.zeros((2, 3), "int32")), solved, lu_solve(lu, permutation, np.ones(2, dtype))


@pytest.mark.parametrize("shapes", [((2, 2), (3,)), ((2, 2), (3, 1)), ((2, 3), (2,)), ((2,), (2,)), ((2, 2), ())], ids=str)
@same_in_both
def test_factors_that_do_not_fit(jax, shapes):
    lu, b = map(np.ones, shapes)
    return private(jax, "jax._src.lax.linalg", "lu_solve")(lu, np.arange(lu.shape[-1]), b)


@same_in_both
def test_dtypes_of_places(jax):
    """Integers that hold the places of an axis; arrays made ready for `lax`."""
    of_dim, of_shape = (private(jax, "jax._src.lax.utils", f"int_dtype_for_{of}") for of in ("dim", "shape"))
    chosen = [str(of_dim(d, signed=s)) for d in (3, 2**31, 2**32) for s in (True, False)] + [str(of_shape((3, 2**33), signed=True))]
    ensure, promote = (private(jax, "jax._src.numpy.util", name) for name in ("ensure_arraylike", "promote_shapes"))
    ones = np.ones((2, 3), np.float32)
    return chosen, ensure("f", 1), ensure("f", 1, ones), ensure("f"), promote("f", 1.0, ones, ones[0]), promote("f", 1.0, ones[0])
