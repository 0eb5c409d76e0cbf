"""Primitives that a library defines with `jax.extend.core` and `jax.interpreters`, under every transformation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both

X = np.array([0.5, 1.0, 2.0], np.float32)
Y = np.array([3.0, -1.0, 0.25], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3)


def lowered(jax: Any, primitive: Any, fun: Any, multiple: bool = False) -> None:
    """Give a primitive values, eager and compiled, and the type that they show."""
    primitive.def_impl(fun)
    mlir = jax.interpreters.mlir
    mlir.register_lowering(primitive, mlir.lower_fun(fun, multiple_results=multiple))


def multiply_add(jax: Any) -> Callable[..., Any]:
    """x * y + z as JAX's tutorial defines a primitive; the rule is twice too large in x, so that a lost rule shows."""
    p = jax.extend.core.Primitive("multiply_add")
    rules = jax.interpreters
    lowered(jax, p, lambda x, y, z: jax.numpy.add(jax.numpy.multiply(x, y), z))

    @p.def_abstract_eval
    def abstract(x: Any, y: Any, z: Any) -> Any:
        assert x.shape == y.shape == z.shape
        return jax.core.ShapedArray(x.shape, x.dtype)

    def value_and_jvp(primals: Any, tangents: Any) -> Any:
        (x, y, z), (xt, yt, zt) = primals, tangents
        out = p.bind(x, y, z)

        def made(t: Any) -> Any:
            return jax.lax.full_like(x, 0) if type(t) is rules.ad.Zero else t

        return out, p.bind(2 * made(xt), y, p.bind(x, made(yt), made(zt)))

    def transpose(ct: Any, x: Any, y: Any, z: Any) -> Any:
        if not rules.ad.is_undefined_primal(x):
            ct_y = None
            if rules.ad.is_undefined_primal(y):
                ct_y = rules.ad.Zero(y.aval) if type(ct) is rules.ad.Zero else p.bind(x, ct, jax.lax.full_like(x, 0))
            return None, ct_y, ct
        ct_x = rules.ad.Zero(x.aval) if type(ct) is rules.ad.Zero else p.bind(ct, y, jax.lax.full_like(y, 0))
        return ct_x, None, ct

    def batch(args: Any, dims: Any) -> Any:
        size = next(a.shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
        return p.bind(*(rules.batching.bdim_at_front(a, d, size) for a, d in zip(args, dims, strict=True))), 0

    rules.ad.primitive_jvps[p] = value_and_jvp
    rules.ad.primitive_transposes[p] = transpose
    rules.batching.primitive_batchers[p] = batch
    return p.bind


def square_add(jax: Any) -> Callable[[Any, Any], Any]:
    """The tutorial's function of it."""
    bind = multiply_add(jax)
    return lambda a, b: bind(a, a, b)


def wave(jax: Any) -> Callable[[Any], Any]:
    """sin with a derivative three times too large by `defjvp`, and a batching rule by `defvectorized`."""
    p, rules = jax.extend.core.Primitive("wave"), jax.interpreters
    lowered(jax, p, lambda x: jax.numpy.sin(x))
    p.def_abstract_eval(lambda x: x)
    rules.ad.defjvp(p, lambda g, x: 3 * g * jax.numpy.cos(x))
    rules.batching.defvectorized(p)
    return p.bind


def exponential(jax: Any) -> Callable[[Any], Any]:
    """exp by `defjvp2`, whose rule uses the result."""
    p, rules = jax.extend.core.Primitive("exponential"), jax.interpreters
    lowered(jax, p, lambda x: jax.numpy.exp(x))
    p.def_abstract_eval(lambda x: x)
    rules.ad.defjvp2(p, lambda g, out, x: 2 * g * out)
    rules.batching.defvectorized(p)
    return p.bind


def scale(jax: Any) -> Callable[..., Any]:
    """factor * x, linear; its transpose is by five times the factor, so that a lost rule shows."""
    p, rules = jax.extend.core.Primitive("scale"), jax.interpreters
    lowered(jax, p, lambda x, *, factor: factor * x)
    p.def_abstract_eval(lambda x, *, factor: jax.core.ShapedArray(x.shape, x.dtype))
    rules.ad.deflinear(p, lambda ct, *, factor: [p.bind(ct, factor=5 * factor)])
    rules.batching.defvectorized(p)
    return lambda x, factor=2.0: p.bind(x, factor=factor)


def scale2(jax: Any) -> Callable[..., Any]:
    """The same by `deflinear2`."""
    p, rules = jax.extend.core.Primitive("scale2"), jax.interpreters
    lowered(jax, p, lambda x, *, factor: factor * x)
    p.def_abstract_eval(lambda x, *, factor: jax.core.ShapedArray(x.shape, x.dtype))

    def transpose(ct: Any, x: Any, *, factor: Any) -> Any:
        assert rules.ad.is_undefined_primal(x)
        assert x.aval.shape == ct.shape
        return [p.bind(ct, factor=5 * factor)]

    rules.ad.deflinear2(p, transpose)
    rules.batching.defvectorized(p)
    return lambda x, factor=2.0: p.bind(x, factor=factor)


def product(jax: Any) -> Callable[..., Any]:
    """x * y by `defbilinear`; transposed by x it is four times too large."""
    p, rules = jax.extend.core.Primitive("product"), jax.interpreters
    lowered(jax, p, lambda x, y: x * y)
    p.def_abstract_eval(lambda x, y: jax.core.ShapedArray(np.broadcast_shapes(x.shape, y.shape), x.dtype))
    rules.ad.defbilinear(p, lambda ct, x, y: p.bind(4 * ct, y), lambda ct, x, y: p.bind(x, ct))
    rules.batching.defbroadcasting(p)
    return p.bind


def halves(jax: Any) -> Callable[..., Any]:
    """A primitive of two results, with a rule each and batching along any axis."""
    p, rules = jax.extend.core.Primitive("halves"), jax.interpreters
    p.multiple_results = True

    def impl(x: Any, y: Any) -> Any:
        return [x / 2, y * x]

    lowered(jax, p, impl, True)
    p.def_abstract_eval(lambda x, y: [jax.core.ShapedArray(x.shape, x.dtype)] * 2)

    def jvp(primals: Any, tangents: Any) -> Any:
        (x, y), (dx, dy) = primals, tangents
        outs = p.bind(x, y)
        if type(dx) is rules.ad.Zero:
            return outs, [rules.ad.Zero(dx.aval), x * dy]
        second = y * dx if type(dy) is rules.ad.Zero else y * dx + x * dy
        return outs, [dx / 3, second]

    def batch(args: Any, dims: Any) -> Any:
        x, y = (
            rules.batching.bdim_at_front(a, d, next(b.shape[e] for b, e in zip(args, dims, strict=True) if e is not None))
            for a, d in zip(args, dims, strict=True)
        )
        outs = p.bind(x, y)
        return [outs[0], jax.numpy.moveaxis(outs[1], 0, -1)], [0, outs[1].ndim - 1]

    rules.ad.primitive_jvps[p] = jvp
    rules.batching.primitive_batchers[p] = batch
    return p.bind


def total(jax: Any) -> Callable[..., Any]:
    """A sum over the parameter ``axes`` by `defreducer`."""
    p, rules = jax.extend.core.Primitive("total"), jax.interpreters
    lowered(jax, p, lambda x, *, axes: jax.numpy.sum(x, axis=axes))
    p.def_abstract_eval(
        lambda x, *, axes: jax.core.ShapedArray(tuple(n for k, n in enumerate(x.shape) if k not in axes), x.dtype)
    )
    rules.ad.deflinear2(p, lambda ct, x, *, axes: [jax.numpy.broadcast_to(jax.numpy.expand_dims(ct, axes), x.aval.shape)])
    rules.batching.defreducer(p)
    return lambda x, axes=(0,): p.bind(x, axes=axes)


def several(jax: Any) -> Callable[[Any], Any]:
    """Several of them together."""
    s, w, q = scale(jax), wave(jax), product(jax)
    return lambda x: q(w(s(x)), s(w(x)))


def bare(jax: Any) -> Any:
    """A primitive without any rule."""
    return jax.extend.core.Primitive("bare")


def summed(jax: Any, f: Any, argnums: Any = 0) -> Any:
    """The gradient of the sum of squares of what ``f`` gives."""

    def loss(*args: Any) -> Any:
        return sum((a * a).sum() for a in jax.tree_util.tree_leaves(f(*args)))

    return jax.grad(loss, argnums)


FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "square_add": (square_add, (X, Y)),
    "wave": (wave, (X,)),
    "exponential": (exponential, (X,)),
    "scale": (scale, (X,)),
    "scale2": (scale2, (X,)),
    "product": (product, (X, Y)),
    "halves": (halves, (X, Y)),
    "total": (total, (M,)),
    "several": (several, (X,)),
}


def ones(args: Any) -> Any:
    """A direction that is no multiple of the argument."""
    return tuple(a * a - 2 for a in args)


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "eager": lambda jax, f, a: f(*a),
    "jit": lambda jax, f, a: jax.jit(f)(*a),
    "jvp": lambda jax, f, a: jax.jvp(f, a, ones(a)),
    "grad": lambda jax, f, a: summed(jax, f, tuple(range(len(a))))(*a),
    "grad of jit": lambda jax, f, a: summed(jax, jax.jit(f), tuple(range(len(a))))(*a),
    "jit of grad": lambda jax, f, a: jax.jit(summed(jax, f))(*a),
    "jit of jvp": lambda jax, f, a: jax.jit(lambda *a: jax.jvp(f, a, ones(a)))(*a),
    "jvp of jit": lambda jax, f, a: jax.jvp(jax.jit(f), a, ones(a)),
    "linearize": lambda jax, f, a: jax.linearize(f, *a)[1](*ones(a)),
    "vjp": lambda jax, f, a: jax.vjp(f, *a)[1](f(*a)),
    "vmap": lambda jax, f, a: jax.vmap(f)(*stacked(a)),
    "vmap along 1": lambda jax, f, a: jax.vmap(f, 1, 1)(*(jax.numpy.stack([x, 2 * x], 1) for x in a)),
    "vmap of vmap": lambda jax, f, a: jax.vmap(jax.vmap(f))(*stacked(stacked(a))),
    "vmap of grad": lambda jax, f, a: jax.vmap(summed(jax, f))(*stacked(a)),
    "grad of vmap": lambda jax, f, a: summed(jax, jax.vmap(f))(*stacked(a)),
    "jit of vmap": lambda jax, f, a: jax.jit(jax.vmap(f))(*stacked(a)),
    "vmap of jit": lambda jax, f, a: jax.vmap(jax.jit(f))(*stacked(a)),
    "jvp of vmap": lambda jax, f, a: jax.jvp(jax.vmap(f), stacked(a), ones(stacked(a))),
    "jvp of grad": lambda jax, f, a: jax.jvp(summed(jax, f), a, ones(a)),
    "grad of grad": lambda jax, f, a: summed(jax, summed(jax, f))(*a),
    "jvp of jvp": lambda jax, f, a: jax.jvp(lambda *b: jax.jvp(f, b, b), a, ones(a)),
    "hessian": lambda jax, f, a: jax.hessian(lambda *b: jax.tree_util.tree_leaves(f(*b))[0].sum())(*a),
    "jacrev": lambda jax, f, a: jax.jacrev(f)(*a),
    "in scan": lambda jax, f, a: summed(
        jax, lambda *b: jax.lax.scan(lambda c, _: (c, f(c, *b[1:])), b[0], None, length=2)[1]
    )(*a),
    "checkpoint": lambda jax, f, a: summed(jax, jax.checkpoint(f))(*a),
}


def stacked(args: Any) -> Any:
    """Two lanes of each argument."""
    return tuple(np.array([1.0, 2.0], np.float32).reshape(2, *[1] * a.ndim) * a for a in args)


# linearize transposes the pullback here, so that rules which are wrong on purpose show otherwise.
ASYMMETRIC = ("scale", "scale2", "product", "several")
# The others differ in how their rules are given alone.
IN_EVERY_NESTING = ("square_add", "halves", "several")
FEW = ("eager", "jit", "jvp", "grad", "jit of grad", "vmap", "vmap of grad", "jvp of grad")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_primitives(name: str) -> None:
    make, args = FUNCTIONS[name]
    for transform, run in TRANSFORMS.items():
        if (transform == "linearize" and name in ASYMMETRIC) or (name not in IN_EVERY_NESTING and transform not in FEW):
            continue
        expected, actual = run_both(lambda jax, run=run: run(jax, make(jax), tuple(map(jax.numpy.asarray, args))))
        assert expected.error is None, expected
        try:
            assert_same(expected, actual)
        except AssertionError as error:
            raise AssertionError(f"{transform}: {error}") from None


def without(jax: Any, *have: str) -> Any:
    """A primitive that has only the rules that are named."""
    p, rules = bare(jax), jax.interpreters
    if "impl" in have:
        p.def_impl(lambda x: 2 * x)
    if "abstract" in have:
        p.def_abstract_eval(lambda x: x)
    if "lowering" in have:
        rules.mlir.register_lowering(p, rules.mlir.lower_fun(lambda x: 2 * x, multiple_results=False))
    if "jvp" in have:
        rules.ad.primitive_jvps[p] = lambda primals, tangents: (p.bind(*primals), p.bind(*tangents))
    return p


ERRORS: dict[str, Callable[[Any], Any]] = {
    "no impl": lambda jax: bare(jax).bind(X),
    "no abstract_eval": lambda jax: jax.jit(without(jax, "impl").bind)(X),
    "no lowering": lambda jax: jax.jit(without(jax, "impl", "abstract").bind)(X),
    "no jvp": lambda jax: jax.jvp(without(jax, "impl", "abstract").bind, (X,), (X,)),
    "no jvp in grad": lambda jax: summed(jax, without(jax, "impl", "abstract").bind)(X),
    "no transpose": lambda jax: summed(jax, without(jax, "impl", "abstract", "jvp").bind)(X),
    "no batcher": lambda jax: jax.vmap(without(jax, "impl", "abstract").bind)(X),
    "not an array": lambda jax: without(jax, "impl").bind("x"),
    "eager of unmapped": lambda jax: jax.vmap(lambda x, y: without(jax, "impl").bind(x) + y, (None, 0))(X, M[:, 0]),
    "apply_primitive": lambda jax: applied(jax),
    "name": lambda jax: (str(bare(jax)), bare(jax).name, bare(jax).multiple_results, bare(jax).call_primitive),
    "Zero": lambda jax: zeros(jax),
    "jvp of JAX's own": lambda jax: jax.interpreters.ad.primitive_jvps[jax.lax.sin_p]((X,), (Y,), accuracy=None),
    "transpose of JAX's own": lambda jax: jax.interpreters.ad.primitive_transposes[jax.lax.neg_p](
        X, jax.interpreters.ad.UndefinedPrimal(jax.core.ShapedArray((3,), np.dtype("float32")))
    ),
    "tables": lambda jax: [p in jax.interpreters.ad.primitive_jvps for p in (jax.lax.sin_p, jax.lax.dot_general_p)],
}


def applied(jax: Any) -> Any:
    """A primitive whose impl is its lowering."""
    p, rules = without(jax, "abstract", "lowering"), jax.interpreters
    p.def_impl(partial(rules.xla.apply_primitive, p))
    return p.bind(X), jax.jit(p.bind)(X)


def zeros(jax: Any) -> Any:
    """What symbolic zeros and undefined primals say and do."""
    ad = jax.interpreters.ad
    aval = jax.core.ShapedArray((2,), np.dtype("float32"))
    zero = ad.Zero(aval)
    return (
        repr(zero), repr(ad.UndefinedPrimal(aval)), ad.is_undefined_primal(zero), ad.instantiate_zeros(zero),
        ad.instantiate_zeros(X), ad.add_tangents(zero, X), ad.add_tangents(X, X), ad.zeros_like_aval(aval),
        ad.add_jaxvals(X, X), jax.tree_util.tree_leaves(zero),
    )  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    assert_same(*run_both(ERRORS[name]))


@same_in_both
def test_a_rule_says_what_it_is_told(jax):
    """Libraries write `jax.interpreters.mlir.LoweringRuleContext` beside the first argument of a rule."""
    mlir, p = jax.interpreters.mlir, jax.extend.core.Primitive("marked")

    def rule(context, *args):
        return args

    rule.__annotations__["context"] = mlir.LoweringRuleContext
    p.def_impl(lambda x: x)
    p.def_abstract_eval(lambda x: x)
    mlir.register_lowering(p, rule)
    return jax.jit(p.bind)(X), isinstance(mlir.LoweringRuleContext, type)
