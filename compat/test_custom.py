"""custom_jvp, custom_vjp, custom_gradient, stop_gradient: rules under every nesting of transformations, in graphs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
# Strongly typed: the weak type of what a reverse rule returned is not followed (a known difference).
TWO, THREE, Z = np.float32(2.0), np.float32(3.0), np.complex64(1.0 + 2j)


def cube(jax: Any) -> Any:
    """x**3 y; the rule is three times too large in x, so that a lost rule shows."""
    jnp = jax.numpy

    @jax.custom_jvp
    def cube(x: Any, y: Any) -> Any:
        return x**3 * y

    @cube.defjvp
    def cube_jvp(primals: Any, tangents: Any) -> Any:
        (x, y), (dx, dy) = primals, tangents
        return cube(x, y), 9 * x * x * y * dx + jnp.sin(x) * dy

    return cube


def clip(jax: Any) -> Any:
    """The identity with a clipped gradient; its residual is a dictionary."""
    jnp = jax.numpy

    @jax.custom_vjp
    def clip(x: Any, limit: Any) -> Any:
        return jnp.sin(x)

    def fwd(x: Any, limit: Any) -> Any:
        return jnp.sin(x), {"cos": jnp.cos(x), "limit": limit}

    def bwd(kept: Any, ct: Any) -> Any:
        return jnp.clip(ct * kept["cos"], -kept["limit"], kept["limit"]), None

    clip.defvjp(fwd, bwd)
    return clip


def applied_to_its_jvp(jax: Any, f: Any) -> Any:
    """A custom_jvp function whose rule takes the jvp of ``f``."""
    g = jax.custom_jvp(lambda x: f(x))

    @g.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        y, t = jax.jvp(f, primals, tangents)
        return y, 2.0 * t

    return g


def square(jax: Any) -> Any:
    """x * x with a reverse rule that is ten times too large and itself differentiable."""

    @jax.custom_vjp
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, ct: (20 * x * ct,))
    return square


def with_cotangent(jax: Any, ct: Any) -> Any:
    """The identity, with this for the cotangent of its argument."""
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, __: (ct,))
    return f


def pair(jax: Any) -> Any:
    """Trees in and out, an integer among the arguments."""
    jnp = jax.numpy

    @jax.custom_jvp
    def pair(state: Any, n: Any) -> Any:
        return {"a": state["u"] * n, "b": (state["v"].sum(), n)}

    @pair.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (state, n), (moved, zero) = primals, tangents
        assert zero.dtype == jax.dtypes.float0
        out = pair(state, n)
        return out, {"a": moved["u"] * n * 2, "b": (jnp.sum(moved["v"]) * 3, zero)}

    return pair


def closing_over(jax: Any, mode: str) -> Any:
    def make(a: Any) -> Any:
        if mode == "jvp":
            f = jax.custom_jvp(lambda x: x * a)
            f.defjvp(lambda p, t: (p[0] * a, t[0] * 10.0 * a))
        else:
            f = jax.custom_vjp(lambda x: x * a)
            f.defvjp(lambda x: (x * a, a), lambda r, ct: (ct * r * 10,))
        return f

    return make


def nondiff(jax: Any) -> Any:
    apply = jax.custom_jvp(lambda f, x: f(x), nondiff_argnums=(0,))
    apply.defjvp(lambda f, p, t: (f(p[0]), 7.0 * t[0]))
    return apply


def gradient(jax: Any) -> Any:
    jnp = jax.numpy

    @jax.custom_gradient
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(x) * y, lambda g: (5 * g * jnp.cos(x), g * x)

    return f


def weighted(jax: Any, f: Any) -> Any:
    """A scalar of a vector, with weights that tell the entries apart."""
    return lambda x: (f(x) * jax.numpy.array([1.0, 2.0, 3.0])).sum()


NESTINGS = {
    "value": lambda jax, f: f(jax.numpy.array(X)),
    "grad": lambda jax, f: jax.grad(weighted(jax, f))(X),
    "value_and_grad": lambda jax, f: jax.value_and_grad(weighted(jax, f))(X),
    "jit": lambda jax, f: jax.jit(f)(X),
    "grad of jit": lambda jax, f: jax.grad(weighted(jax, jax.jit(f)))(X),
    "jit of grad": lambda jax, f: jax.jit(jax.grad(weighted(jax, f)))(X),
    "jit of grad of jit": lambda jax, f: jax.jit(jax.grad(weighted(jax, jax.jit(f))))(X),
    "vmap": lambda jax, f: jax.vmap(f)(X),
    "vmap of jit": lambda jax, f: jax.vmap(jax.jit(f))(X),
    "jit of vmap": lambda jax, f: jax.jit(jax.vmap(f))(X),
    "vmap of grad": lambda jax, f: jax.vmap(jax.grad(f))(X),
    "vmap of grad of jit": lambda jax, f: jax.vmap(jax.grad(jax.jit(f)))(X),
    "grad of vmap": lambda jax, f: jax.grad(weighted(jax, jax.vmap(f)))(X),
    "grad of vmap of jit": lambda jax, f: jax.grad(weighted(jax, jax.vmap(jax.jit(f))))(X),
    "grad of grad": lambda jax, f: jax.grad(jax.grad(f))(0.7),
    "grad of grad of jit": lambda jax, f: jax.grad(jax.grad(jax.jit(f)))(0.7),
    "grad of jit of grad": lambda jax, f: jax.grad(jax.jit(jax.grad(f)))(0.7),
    "third order": lambda jax, f: jax.grad(jax.grad(jax.grad(f)))(0.7),
    "jacrev": lambda jax, f: jax.jacrev(f)(X),
    "jacrev of jit": lambda jax, f: jax.jacrev(jax.jit(f))(X),
    "vmap of vmap of grad": lambda jax, f: jax.vmap(jax.vmap(jax.grad(f)))(np.stack([X, 2 * X])),
    "vjp": lambda jax, f: jax.vjp(f, X)[1](jax.numpy.array([1.0, 0.0, 2.0])),
    "remat": lambda jax, f: jax.grad(jax.checkpoint(weighted(jax, f)))(X),
}
FORWARD = {
    "jvp": lambda jax, f: jax.jvp(f, (jax.numpy.array(X),), (jax.numpy.array(2 * X),)),
    "jvp of jit": lambda jax, f: jax.jvp(jax.jit(f), (X,), (2 * X,)),
    "jit of jvp": lambda jax, f: jax.jit(lambda x: jax.jvp(f, (x,), (x,)))(X),
    "jacfwd": lambda jax, f: jax.jacfwd(f)(X),
    "jacfwd of jit": lambda jax, f: jax.jacfwd(jax.jit(f))(X),
    "hessian": lambda jax, f: jax.hessian(weighted(jax, f))(X),
    "hessian of jit": lambda jax, f: jax.hessian(weighted(jax, jax.jit(f)))(X),
    "jvp of jvp": lambda jax, f: jax.jvp(lambda h: jax.jvp(f, (h,), (h * h,))[1], (X,), (X,)),
    "jvp of jvp of jit": lambda jax, f: jax.jvp(lambda h: jax.jvp(jax.jit(f), (h,), (h * h,))[1], (X,), (X,)),
    "grad of jvp": lambda jax, f: jax.grad(lambda x: jax.jvp(f, (x,), (x * x,))[1].sum())(X),
    "vmap of jvp of vmap": lambda jax, f: jax.vmap(lambda b: jax.jvp(jax.vmap(f), (b,), (b * b,)))(
        np.stack([X, 2 * X])
    ),
    "linearize": lambda jax, f: jax.linearize(f, X)[1](X),
    "linearize of jit": lambda jax, f: jax.linearize(jax.jit(f), X)[1](X),
}
OVER_REVERSE = {
    "jvp of grad": lambda jax, f: jax.jvp(jax.grad(weighted(jax, f)), (X,), (X,)),
    "jacfwd of jacrev": lambda jax, f: jax.jacfwd(jax.jacrev(f))(X),
    "jacfwd of grad of jit": lambda jax, f: jax.jacfwd(jax.grad(weighted(jax, jax.jit(f))))(X),
    "jacrev of jacrev": lambda jax, f: jax.jacrev(jax.jacrev(f))(X),
    "vmap of jvp of grad": lambda jax, f: jax.vmap(lambda x, t: jax.jvp(jax.grad(f), (x,), (t,)))(X, X),
}

FUNCTIONS: dict[str, Any] = {
    "cube": lambda jax: partial(lambda f, x: f(f(x, 1.0), x + 1.0), cube(jax)),
    "nondiff": lambda jax: partial(lambda f, x: f(jax.numpy.sin, x), nondiff(jax)),
    "stop_gradient": lambda jax: lambda x: jax.lax.stop_gradient(x) ** 2 * x * x,
    "defjvps": lambda jax: partial(lambda f, x: f(x, 2 * x), with_defjvps(jax)),
}
REVERSE_ONLY: dict[str, Any] = {
    "clip": lambda jax: partial(lambda f, x: f(x, 0.6), clip(jax)),
    "square of square": lambda jax: partial(lambda f, x: f(f(x)), square(jax)),
    "custom_gradient": lambda jax: partial(lambda f, x: f(x, 2.0), gradient(jax)),
}


def with_defjvps(jax: Any) -> Any:
    f = jax.custom_jvp(lambda x, y: x * y)
    f.defjvps(lambda t, out, x, y: 5 * t * y + 0 * out, None)
    return f


@pytest.mark.parametrize("nesting", [*NESTINGS, *FORWARD, *OVER_REVERSE])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_forward_rules(function: str, nesting: str) -> None:
    transform = (NESTINGS | FORWARD | OVER_REVERSE)[nesting]
    assert_same(*run_both(lambda jax: transform(jax, FUNCTIONS[function](jax))))


@pytest.mark.parametrize("nesting", [*NESTINGS, *OVER_REVERSE])
@pytest.mark.parametrize("function", REVERSE_ONLY)
def test_reverse_rules(function: str, nesting: str) -> None:
    transform = (NESTINGS | OVER_REVERSE)[nesting]
    assert_same(*run_both(lambda jax: transform(jax, REVERSE_ONLY[function](jax))))


def shared(jax: Any, mode: str) -> Any:
    """An argument that all lanes share, and a lane's own."""
    if mode == "jvp":
        f = jax.custom_jvp(lambda x, y: x * y)
        f.defjvp(lambda p, t: (p[0] * p[1], 2 * p[1] * t[0] + 3 * p[0] * t[1]))
    else:
        f = jax.custom_vjp(lambda x, y: x * y)
        f.defvjp(lambda x, y: (x * y, (x, y)), lambda r, ct: (2 * r[1] * ct, 3 * r[0] * ct))
    return f


PROGRAMS: dict[str, Any] = {
    # Arguments and trees
    "trees": lambda jax: pair(jax)({"u": jax.numpy.float32(1.5), "v": jax.numpy.array(X)}, jax.numpy.int32(3)),
    "trees jvp": lambda jax: jax.jvp(
        lambda s: pair(jax)(s, 3)["a"] + pair(jax)(s, 3)["b"][0], ({"u": 1.5, "v": X},), ({"u": 1.0, "v": X},)
    ),
    "trees grad": lambda jax: jax.grad(lambda s: pair(jax)(s, 3)["a"] * pair(jax)(s, 3)["b"][0])({"u": 1.5, "v": X}),
    "trees grad of jit": lambda jax: jax.grad(jax.jit(lambda s: pair(jax)(s, 3)["b"][0]))({"u": 1.5, "v": X}),
    "trees vmap": lambda jax: jax.vmap(lambda u: pair(jax)({"u": u, "v": X}, 3))(X),
    "keyword arguments": lambda jax: jax.grad(lambda x: cube(jax)(y=2.0, x=x))(3.0),
    "default arguments": lambda jax: with_default(jax)(jax.numpy.float32(3.0)),
    "name and doc": lambda jax: (cube(jax).__name__, cube(jax).__doc__),
    "python values in eager code": lambda jax: jax.grad(branching(jax))(2.0),
    "python values below grad of grad": lambda jax: jax.grad(jax.grad(branching(jax)))(2.0),
    "python values under jit": lambda jax: jax.jit(branching(jax))(2.0),
    "python values under vmap": lambda jax: jax.vmap(branching(jax))(X),
    "integer output": lambda jax: jax.jvp(jax.jit(integer_output(jax)), (X,), (X,)),
    "integer output grad": lambda jax: jax.grad(lambda x: integer_output(jax)(x)[0].sum())(X),
    "integer argument of a vjp": lambda jax: jax.grad(integer_argument(jax))(2.0, 3),
    "integer argument by number": lambda jax: jax.grad(integer_argument(jax), argnums=(0, 1), allow_int=True)(2.0, 3),
    "complex jvp": lambda jax: jax.grad(lambda z: jax.numpy.abs(complex_rule(jax, "jvp")(z)) ** 2)(Z),
    "complex vjp": lambda jax: jax.grad(lambda z: jax.numpy.abs(complex_rule(jax, "vjp")(z)) ** 2)(Z),
    "complex vjp twice": lambda jax: jax.vjp(complex_rule(jax, "vjp"), Z)[1](jax.numpy.complex64(1.0 - 1j)),
    "half precision": lambda jax: jax.grad(lambda x: cube(jax)(x, x))(jax.numpy.float16(1.5)),
    # One argument for all lanes
    **{
        f"{mode} shared argument {axes}": lambda jax, mode=mode, axes=axes: jax.grad(
            lambda x, y: jax.vmap(shared(jax, mode), axes)(x, y).sum(), argnums=(0, 1)
        )(X if axes[0] is not None else TWO, X if axes[1] is not None else TWO)
        for mode in ("jvp", "vjp")
        for axes in ((0, None), (None, 0), (0, 0))
    },
    **{
        f"{mode} shared argument of jit": lambda jax, mode=mode: jax.grad(
            lambda x: jax.vmap(jax.jit(shared(jax, mode)), (None, 0))(x, X).sum()
        )(TWO)
        for mode in ("jvp", "vjp")
    },
    "vjp batched cotangent": lambda jax: jax.vmap(jax.vjp(square(jax), X)[1])(jax.numpy.eye(3)),
    "vjp collective in the rule": lambda jax: jax.vmap(jax.grad(with_psum(jax)), axis_name="i")(X),
    "jvp collective in the rule": lambda jax: jax.vmap(jax.grad(with_psum_jvp(jax)), axis_name="i")(X),
    # Closures
    **{
        f"{mode} closure {name}": lambda jax, mode=mode, program=program: program(jax, closing_over(jax, mode))
        for mode in ("jvp", "vjp")
        for name, program in {
            "differentiated": lambda jax, make: jax.grad(lambda a: make(a)(TWO))(THREE),
            "differentiated with the argument": lambda jax, make: jax.grad(lambda a: make(a)(a))(THREE),
            "differentiated in jit": lambda jax, make: jax.jit(jax.grad(lambda a: make(a)(a)))(THREE),
            "of lanes": lambda jax, make: jax.vmap(lambda a: make(a)(TWO))(X),
            "of lanes in jit": lambda jax, make: jax.jit(jax.vmap(lambda a: make(a)(TWO)))(X),
            "of lanes outside of grad": lambda jax, make: jax.vmap(lambda a: jax.grad(make(a))(TWO))(X),
            "of lanes inside of grad": lambda jax, make: jax.grad(lambda x: jax.vmap(lambda a: make(a)(x))(X).sum())(
                TWO
            ),
            "of lanes inside of grad in jit": lambda jax, make: jax.jit(
                jax.grad(lambda x: jax.vmap(lambda a: make(a)(x))(X).sum())
            )(TWO),
            "of two lanes": lambda jax, make: jax.grad(
                lambda x: jax.vmap(lambda a: jax.vmap(lambda b: make(a + b)(x))(X))(X).sum()
            )(TWO),
            "of a constant": lambda jax, make: jax.grad(lambda x: make(jax.numpy.arange(3.0).sum())(x))(TWO),
            "of a traced value": lambda jax, make: jax.jit(lambda x, a: make(a)(x))(TWO, THREE),
            "of an array in jit": lambda jax, make: jax.grad(jax.jit(make(jax.numpy.float32(3.0))))(TWO),
        }.items()
    },
    # Symbolic zeros
    "symbolic zeros jvp": lambda jax: jax.grad(symbolic_jvp(jax))(2.0, 3.0),
    "symbolic zeros vjp": lambda jax: jax.grad(symbolic_vjp(jax))(2.0, 3.0),
    "symbolic zeros vjp of both": lambda jax: jax.grad(symbolic_vjp(jax), argnums=(0, 1))(2.0, 3.0),
    # Errors
    "no rule jvp": lambda jax: jax.custom_jvp(lambda x: x)(1.0),
    "no rule vjp": lambda jax: jax.custom_vjp(lambda x: x)(1.0),
    "jvp of custom_vjp": lambda jax: jax.jvp(square(jax), (1.0,), (1.0,)),
    "jacfwd of custom_vjp": lambda jax: jax.jacfwd(square(jax))(1.0),
    "grad of a rule that takes the jvp of custom_vjp": lambda jax: [
        of(g)(2.0)
        for g in [applied_to_its_jvp(jax, square(jax)), applied_to_its_jvp(jax, jax.jit(square(jax)))]
        for of in (jax.grad, lambda g: jax.jit(jax.grad(g)), lambda g: jax.vmap(jax.grad(g), axis_size=2, in_axes=None))
    ],
    "jvp of jit of custom_vjp": lambda jax: jax.jvp(jax.jit(square(jax)), (1.0,), (1.0,)),
    "too many arguments": lambda jax: square(jax)(1.0, 2.0),
    "text as argument": lambda jax: square(jax)("a"),
    "text as result": lambda jax: rule_of(jax, lambda x: "a", lambda p, t: (p[0], t[0]))(1.0),
    "text as residual": lambda jax: jax.grad(vjp_of(jax, lambda x: (x, "a"), lambda r, c: (c,)))(1.0),
    "rule without pair": lambda jax: jax.grad(rule_of(jax, lambda x: x, lambda p, t: 3))(1.0),
    "rule with another tree": lambda jax: jax.grad(rule_of(jax, lambda x: x, lambda p, t: ((p[0],), (t[0],))))(1.0),
    "rule with another tangent tree": lambda jax: jax.grad(rule_of(jax, lambda x: x, lambda p, t: (p[0], (t[0],))))(
        1.0
    ),
    "rule with another shape": lambda jax: jax.jvp(
        rule_of(jax, lambda x: x, lambda p, t: (p[0], t[0].sum())), (X,), (X,)
    ),
    "rule with another dtype": lambda jax: jax.jvp(
        rule_of(jax, lambda x: x, lambda p, t: (p[0], t[0].astype("float16"))), (X,), (X,)
    ),
    "rule with two wrong tangents": lambda jax: jax.jvp(
        rule_of(jax, lambda x: (x, x), lambda p, t: ((p[0], p[0]), (t[0].sum(), t[0].sum()))), (X,), (X,)
    ),
    "defjvps with nondiff": lambda jax: jax.custom_jvp(lambda f, x: x, nondiff_argnums=(0,)).defjvps(None),
    "fwd without pair": lambda jax: jax.grad(vjp_of(jax, lambda x: x, lambda r, c: (c,)))(1.0),
    "bwd without tuple": lambda jax: jax.grad(vjp_of(jax, lambda x: (x, None), lambda r, c: c))(1.0),
    "bwd with too many": lambda jax: jax.grad(vjp_of(jax, lambda x: (x, None), lambda r, c: (c, c)))(1.0),
    "bwd with another shape": lambda jax: jax.vjp(vjp_of(jax, lambda x: (x, None), lambda r, c: (c.sum(),)), X)[1](X),
    "bwd with a list": lambda jax: jax.grad(vjp_of(jax, lambda x: (x, None), lambda r, c: [c]))(1.0),
    "bwd with None": lambda jax: jax.grad(vjp_of(jax, lambda x: (x, None), lambda r, c: (None,)))(1.0),
    "traced nondiff argument of a vjp": lambda jax: jax.grad(lambda x: traced_nondiff(jax)(x, x))(2.0),
    # closure_convert
    "closure_convert": lambda jax: jax.grad(converted(jax))(2.0),
    "closure_convert values": lambda jax: len(jax.closure_convert(lambda x: x * X, 1.0)[1]),
    "closure_convert another tree": lambda jax: jax.closure_convert(lambda x: x, 1.0)[0]((1.0,)),
    "closure_convert of a type": lambda jax: jax.grad(
        lambda y: jax.closure_convert(lambda x: x * y, jax.ShapeDtypeStruct((), np.float32))[0](TWO, y)
    )(3.0),
    "closure_convert of no function": lambda jax: jax.closure_convert(3, 1.0),
    "custom_gradient of no pair": lambda jax: jax.custom_gradient(lambda x: x**2)(1.0),
    "custom_gradient without a rule": lambda jax: jax.grad(jax.custom_gradient(lambda x: (x**2, 3.0)))(1.0),
    "linear_call, a transpose of another shape": lambda jax: jax.grad(
        lambda x: jax.custom_derivatives.linear_call(lambda r, x: x, lambda r, ct: jax.numpy.ones(2), (), x)
    )(1.0),
    "a cotangent that is no array": lambda jax: jax.grad(with_cotangent(jax, "ct"))(1.0),
    # jaxprs of calls are closed
    "traces once": lambda jax: traces_once(jax),
}


def with_default(jax: Any) -> Any:
    def f(x: Any, y: Any = 2.0) -> Any:
        return x * y

    return rule_of(jax, f, lambda p, t: (p[0] * p[1], t[0]))


def branching(jax: Any) -> Any:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        return jax.numpy.sin(x) if x > 1 else x

    f.defjvp(lambda p, t: (f(p[0]), 3 * t[0] * p[0] if p[0] > 1 else t[0]))
    return f


def integer_output(jax: Any) -> Any:
    f = jax.custom_jvp(lambda x: (x * 2, x > 1))
    f.defjvp(lambda p, t: (f(*p), (5 * t[0], np.zeros(3, jax.dtypes.float0))))
    return f


def integer_argument(jax: Any) -> Any:
    return vjp_of(jax, lambda x, n: (x * n, n), lambda n, ct: (7 * ct * n, np.zeros((), jax.dtypes.float0)))


def complex_rule(jax: Any, mode: str) -> Any:
    if mode == "jvp":
        return rule_of(jax, lambda z: z * z, lambda p, t: (p[0] * p[0], (2 + 1j) * p[0] * t[0]))
    return vjp_of(jax, lambda z: (z * z, z), lambda z, ct: ((2 + 1j) * z * ct,))


def with_psum(jax: Any) -> Any:
    return vjp_of(jax, lambda x: (x * 2, None), lambda _, ct: (jax.lax.psum(ct, "i"),))


def with_psum_jvp(jax: Any) -> Any:
    return rule_of(jax, lambda x: x * 2, lambda p, t: (p[0] * 2, jax.lax.psum(p[0], "i") * t[0]))


def symbolic_jvp(jax: Any) -> Any:
    zero = jax.custom_derivatives.SymbolicZero
    f = jax.custom_jvp(lambda x, y: x * y)

    def rule(primals: Any, tangents: Any) -> Any:
        assert [type(t) is zero for t in tangents] == [False, True]
        return primals[0] * primals[1], 3 * tangents[0]

    f.defjvp(rule, symbolic_zeros=True)
    return f


def symbolic_vjp(jax: Any) -> Any:
    f = jax.custom_vjp(lambda x, y: (x * y, x))

    def fwd(x: Any, y: Any) -> Any:
        factor = 2.0 if y.perturbed else 1.0
        return (x.value * y.value, x.value), (x.value * factor, y.value)

    def bwd(kept: Any, ct: Any) -> Any:
        unused = type(ct[1]) is jax.custom_derivatives.SymbolicZero
        return ct[0] * kept[1] * (10 if unused else 1), ct[0] * kept[0]

    f.defvjp(fwd, bwd, symbolic_zeros=True)
    return lambda x, y: f(x, y)[0]


def rule_of(jax: Any, fun: Any, rule: Any) -> Any:
    f = jax.custom_jvp(fun)
    f.defjvp(rule)
    return f


def vjp_of(jax: Any, fwd: Any, bwd: Any) -> Any:
    def fun(*args: Any) -> Any:
        out = fwd(*args)
        return out[0] if isinstance(out, tuple) else out

    f = jax.custom_vjp(fun)
    f.defvjp(fwd, bwd)
    return f


def traced_nondiff(jax: Any) -> Any:
    f = jax.custom_vjp(lambda a, x: a * x, nondiff_argnums=(0,))
    f.defvjp(lambda a, x: (a * x, None), lambda a, r, ct: (ct,))
    return f


def converted(jax: Any) -> Any:
    def program(a: Any) -> Any:
        f, values = jax.closure_convert(lambda x: jax.numpy.sin(x * a), 1.0)
        assert len(values) == 1
        return f(3.0, *values)

    return program


def traces_once(jax: Any) -> Any:
    ran = []

    @jax.custom_vjp
    def f(x: Any) -> Any:
        ran.append("f")
        return x * 2

    f.defvjp(lambda x: (ran.append("fwd"), (x * 2, x))[1], lambda x, ct: (ran.append("bwd"), (ct * x,))[1])
    jitted = jax.jit(f)
    jitted(1.0)
    jitted(2.0)
    jax.grad(f)(1.0)
    return ran


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name)


OTHER_DTYPES: dict[str, Any] = {
    "grad": lambda jax, f, x: jax.grad(lambda x: f(x).sum())(x),
    "vjp": lambda jax, f, x: jax.vjp(f, x)[1](x),
    "used twice": lambda jax, f, x: jax.grad(lambda x: (f(x) + f(x)).sum())(x),
    "used elsewhere": lambda jax, f, x: jax.grad(lambda x: (f(x) + x).sum())(x),
    "jit of grad": lambda jax, f, x: jax.jit(jax.grad(lambda x: f(x).sum()))(x),
    "grad of jit": lambda jax, f, x: jax.grad(jax.jit(lambda x: f(x).sum()))(x),
    "checkpoint": lambda jax, f, x: jax.grad(lambda x: jax.checkpoint(f)(x).sum())(x),
    "lanes": lambda jax, f, x: jax.vmap(jax.grad(f))(x),
    "two arguments": lambda jax, f, x: jax.grad(lambda x, y: (f(x) * y).sum(), (0, 1))(x, x),
}


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex64"])
@pytest.mark.parametrize("name", OTHER_DTYPES)
def test_a_cotangent_of_another_dtype(name: str, dtype: str) -> None:
    def program(jax: Any) -> Any:
        f = jax.custom_vjp(jax.numpy.sin)
        f.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, ct: (2 * ct.astype(dtype),))
        return OTHER_DTYPES[name](jax, f, jax.numpy.asarray(X))

    assert_same(*run_both(program))


def test_a_cotangent_of_another_dtype_in_a_loop() -> None:
    def program(jax: Any) -> Any:
        f = jax.custom_vjp(jax.numpy.sin)
        f.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, ct: (2 * ct.astype("float16"),))
        loop = jax.grad(lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0].sum())
        with pytest.raises(TypeError, match="carry input and carry output must have equal types") as caught:
            loop(jax.numpy.asarray(X))
        return type(caught.value).__name__

    assert_same(*run_both(program))


def test_names_that_a_function_does_not_take() -> None:
    """Among `nondiff_argnames` they are left out, as in JAX."""

    def program(jax: Any) -> Any:
        h = lambda n, x: x * n  # noqa: E731
        f = jax.custom_vjp(h, nondiff_argnames=("n", "none"))
        f.defvjp(lambda n, x: (x * n, None), lambda n, _, g: (g * n * 2,))
        g = jax.custom_jvp(h, nondiff_argnames=("n", "none"))
        g.defjvp(lambda n, primals, tangents: (primals[0] * n, tangents[0] * n * 2))
        return jax.grad(f, 1)(3, 2.0), jax.grad(g, 1)(3, 2.0), jax.custom_jvp(h, nondiff_argnames="none").nondiff_argnums

    assert_same(*run_both(program))
