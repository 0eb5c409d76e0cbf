"""Edges of rules, transposes, donation and checks: what flags find, what closures may hold, what is refused."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import re
import weakref
from functools import partial
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, sampled

X = np.array([0.5, 1.0, 2.0], np.float32)


def said(call: Any) -> Any:
    """What a call raises, or its value."""
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0].split(". ")[0]


def named_in_message(jax: Any, make: Any) -> list[str]:
    """The second line of what is said of a function with a rule that looks at traced values: which function it is."""
    f = make(jax, lambda x, *_: x if x > 0 else -x)
    said = []
    for call in (lambda: jax.jit(f)(1.0), lambda: jax.jit(lambda x: f(x, {"a": x}))(1.0)):
        with pytest.raises(jax.errors.TracerBoolConversionError) as raised:
            call()
        said.append(str(raised.value).split("\n")[1])
    return said


def with_jvp(jax: Any, f: Any) -> Any:
    f = jax.custom_jvp(f)
    f.defjvp(lambda p, t: (p[0], t[0]))
    return f


def with_vjp(jax: Any, f: Any) -> Any:
    f = jax.custom_vjp(f)
    f.defvjp(lambda *args: (f(*args), None), lambda _, ct: (ct,))
    return f


def plain_rule(jax: Any) -> Any:
    f = jax.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], t[0]))
    return f


def plain_vjp(jax: Any) -> Any:
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, ct: (ct,))
    return f


def negative(jax: Any) -> Any:
    """A linear function whose rule applies it to the tangent."""
    f = jax.custom_jvp(lambda x: -x)
    f.defjvp(lambda p, t: (f(p[0]), f(t[0])))
    return f


def looping(jax: Any) -> Any:
    """A loop of unknown length, whose rule differentiates it."""

    def loop(x: Any) -> Any:
        return jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, 0.5 * jax.numpy.sin(s[1]) + x), (0, x))[1]

    def rule(p: Any, t: Any) -> Any:
        y, moved = jax.jvp(loop, p, t)
        return y, 2 * moved

    f = jax.custom_jvp(loop)
    f.defjvp(rule)
    return f


def closing_over(jax: Any, a: Any) -> Any:
    f = jax.custom_jvp(lambda x: x + a)
    f.defjvp(lambda p, t: (p[0] + a, 2 * t[0]))
    return f


def zeros_of(jax: Any) -> Any:
    """A result that no lane tells from another, with a tangent that differs."""
    f = jax.custom_jvp(lambda x: np.zeros(x.shape, x.dtype))
    f.defjvp(lambda p, t: (f(p[0]), t[0]))
    return f


def looped(jax: Any, f: Any) -> Any:
    return lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, length=3)[0]


def recomputed(jax: Any) -> Any:
    f = jax.custom_vjp(lambda x: jax.numpy.sin(x))
    f.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, ct: (3 * jax.numpy.cos(x) * ct,), optimize_remat=True)
    return f


def fwd_and_bwd(jax: Any, **options: Any) -> Any:
    fwd, bwd = jax.fwd_and_bwd(lambda x, y: (x * y, jax.numpy.sin(x)), **options)
    out, kept, *aux = fwd(2.0, 3.0)
    return out, bwd(kept, 1.0 if options.get("has_aux") else (1.0, 2.0)), aux


def traces(jax: Any) -> bool:
    """Whether ``fwd`` and ``bwd`` run the function less often than they are called."""
    count = 0

    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * x

    fwd, bwd = jax.fwd_and_bwd(f, 0)
    for k in range(3):
        bwd(fwd(float(k))[1], 1.0)
    return count < 3


def transposed(jax: Any, f: Any, *examples: Any) -> Any:
    return jax.linear_transpose(f, *examples)


def leaked(jax: Any, run: Any) -> Any:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x)
        return x * 2

    with jax.checking_leaks():
        return said(lambda: run(f))


def kept_nothing(jax: Any) -> Any:
    """Rules in a loop under several transformations, while leaks are looked for: there are none."""
    f, g = negative(jax), recomputed(jax)

    def loss(x: Any) -> Any:
        return jax.lax.scan(lambda c, a: (f(c) * g(a), c), x, jax.numpy.arange(3.0))[0]

    with jax.checking_leaks():
        return jax.jit(jax.grad(loss))(1.0), jax.vmap(jax.grad(jax.checkpoint(loss)))(X)


def tangent_of(jax: Any, f: Any) -> Any:
    """The identity, whose tangent is ``f(jax.numpy, tangent)``."""
    g = jax.custom_jvp(lambda x: x)
    g.defjvp(lambda p, t: (p[0], f(jax.numpy, t[0])))
    return g


def refused(run: Any) -> str:
    """The type of the error; in JAX some have no text for a user."""
    # Both types are JAX's own for this; which of them it is, is the result that is compared.
    with pytest.raises((NotImplementedError, AssertionError)) as raised:
        run()
    return type(raised.value).__name__


def forgotten(jax: Any, make: Any) -> list[bool]:
    """Whether what a rule closes over is gone with the function, after calls under several transformations."""

    class Held:
        pass

    gone = []
    uses = (lambda f: f, jax.jit, jax.checkpoint, jax.grad, lambda f: jax.jit(jax.grad(f)), lambda f: jax.vmap(f))
    for use in uses:
        held = Held()
        seen, f = weakref.ref(held), make(jax, held)
        del held
        use(f)(jax.numpy.ones(2) if use is uses[-1] else 1.0)
        del f
        gc.collect()
        gone.append(seen() is None)
    return gone


def holding_jvp(jax: Any, held: Any) -> Any:
    f = jax.custom_jvp(lambda x: (x, held)[0])
    f.defjvp(lambda p, t: (p[0], t[0] if held else None))
    return f


def holding_vjp(jax: Any, held: Any) -> Any:
    f = jax.custom_vjp(lambda x: (x, held)[0])
    f.defvjp(lambda x: (x, None), lambda _, ct: (ct, held)[:1])
    return f


def called(jax: Any, f: Any, x: Any) -> Any:
    """``f(x)``, with a rule."""
    f = jax.custom_jvp(f)
    f.defjvp(lambda p, t: (f(*p), t[0]))
    return f(x)


def checked(jax: Any, run: Any) -> Any:
    with jax.debug_nans(True), contextlib.redirect_stdout(io.StringIO()):  # JAX says that it looks where
        return said(run)


def donated(jax: Any, call: Any) -> Any:
    f = jax.jit(lambda x, y: x + y, donate_argnums=0)
    return said(lambda: call(f, jax.numpy.ones(3)))


PROGRAMS: dict[str, Any] = {
    # Rules
    "values as they are": lambda jax: [
        (isinstance(f(2.0), float), f(3) + 1, f(True), f(np.float32(2)), f(np.ones(2)), f(np.ones(2, int)))
        for f in (plain_rule(jax), plain_vjp(jax))
    ],
    "a loop in its rule, linearized": lambda jax: [
        jax.linearize(looping(jax), 1.0)[1](1.0),
        jax.jit(lambda x: jax.linearize(looping(jax), x)[1](0.5))(1.0),
        jax.vmap(jax.linearize(jax.vmap(looping(jax)), X)[1])(np.eye(len(X), dtype=np.float32)),
        jax.jacfwd(lambda x: jax.linearize(looping(jax), x)[1](1.0))(0.5),
        refused(lambda: jax.grad(looping(jax))(1.0)),
        refused(lambda: jax.linear_transpose(jax.linearize(looping(jax), 1.0)[1], 1.0)(1.0)),
    ],
    "applied to its tangent": lambda jax: jax.grad(negative(jax))(3.0),
    "applied to its tangent in a loop": lambda jax: jax.grad(looped(jax, negative(jax)))(3.0),
    "applied to its tangent in a compiled loop": lambda jax: jax.jit(jax.grad(looped(jax, negative(jax))))(3.0),
    "applied to its tangent twice": lambda jax: jax.hessian(lambda x: negative(jax)(x) ** 3)(3.0),
    "applied to its tangents in lanes": lambda jax: jax.vmap(jax.grad(looped(jax, negative(jax))))(X),
    **{
        f"not linear in its tangent, {name}": lambda jax, f=f: [
            refused(lambda of=of: of(tangent_of(jax, f))(1.5))
            for of in (
                jax.grad,
                lambda g: jax.grad(jax.jit(g)),
                lambda g: jax.vmap(jax.grad(g), axis_size=2, in_axes=None),
            )
        ]
        for name, f in {
            "a function of it": lambda jnp, t: jnp.sin(t) + jnp.exp(t),
            "its square": lambda jnp, t: t * t,
            "its inverse": lambda jnp, t: 1 / t,
            "its size": lambda jnp, t: jnp.abs(t),
            "the part above zero": lambda jnp, t: jnp.maximum(t, 0.0),
        }.items()
    },
    "looks at a value, custom_jvp": lambda jax: named_in_message(jax, with_jvp),
    "looks at a value, custom_vjp": lambda jax: named_in_message(jax, with_vjp),
    "forgotten with its custom_jvp function": lambda jax: forgotten(jax, holding_jvp),
    "forgotten with its custom_vjp function": lambda jax: forgotten(jax, holding_vjp),
    "linear in its tangent in many ways": lambda jax: jax.grad(
        tangent_of(jax, lambda jnp, t: jnp.where(t.shape == (), jnp.cumsum(t[None] * 3)[0] / 2 - t, 0.0) + (-t).T)
    )(1.5),
    "closure in lanes in a jitted function": lambda jax: [
        of(lambda x: called(jax, lambda y: jax.jit(lambda w: called(jax, lambda _: y * w, x) + y)(x), x))
        for of in (lambda f: jax.vmap(f)(X), lambda f: jax.jit(jax.vmap(f))(X), lambda f: f(2.0))
    ],
    "closure moved": lambda jax: said(lambda: jax.jvp(lambda x: closing_over(jax, x)(1.0), (3.0,), (1.0,))),
    "closure moved with the argument": lambda jax: said(
        lambda: jax.jvp(lambda x: closing_over(jax, x)(x), (3.0,), (1.0,))
    ),
    "closure moved outside": lambda jax: said(
        lambda: jax.jvp(lambda x: jax.jvp(closing_over(jax, x), (X,), (X,))[1] * x, (3.0,), (1.0,))
    ),
    "closure moved around lanes": lambda jax: said(
        lambda: jax.jvp(lambda x: jax.vmap(closing_over(jax, x))(X), (3.0,), (1.0,))
    ),
    "constant result of lanes moved": lambda jax: jax.jvp(
        jax.vmap(zeros_of(jax)), (jax.numpy.array(X),), (jax.numpy.array(2 * X),)
    ),
    "broadcast value moved": lambda jax: jax.jvp(
        jax.numpy.sin, (jax.numpy.broadcast_to(jax.numpy.float32(1), (3,)),), (X,)
    ),
    "broadcast value moved in lanes": lambda jax: jax.vmap(
        lambda y: jax.jvp(jax.numpy.sin, (jax.numpy.broadcast_to(y, (2,)),), (X[:2],))
    )(X),
    "optimize_remat": lambda jax: [
        transform(recomputed(jax))(0.5)
        for transform in (lambda f: f, jax.grad, lambda f: jax.jit(jax.grad(jax.checkpoint(f))))
    ],
    # linear_transpose
    "transpose of integers": lambda jax: transposed(jax, lambda x: 2 * x, 1)(3),
    "transpose of integer arrays": lambda jax: transposed(
        jax, lambda x, y: {"a": x[:, 0] * 3 - y, "b": x.sum()}, np.ones((2, 3), np.int32), np.ones(2, np.int32)
    )({"a": np.array([1, 2], np.int32), "b": np.int32(10)}),
    "transpose of both kinds": lambda jax: said(lambda: transposed(jax, lambda x: 2.0 * x, 1)),
    "transpose of a sine": lambda jax: said(lambda: transposed(jax, jax.numpy.sin, 1.0)(1.0)),
    "transpose of a linear part": lambda jax: transposed(jax, lambda x: x * jax.numpy.sin(2.0), 1.0)(1.0),
    "transpose of a closure": lambda jax: jax.grad(lambda a: transposed(jax, lambda x: x * a, 1.0)(2.0)[0])(3.0),
    "transpose in lanes": lambda jax: jax.vmap(lambda a: transposed(jax, lambda x: x * a, 1.0)(2.0)[0])(X),
    "transpose as a tree": lambda jax: jax.jit(lambda f, x: f(x))(transposed(jax, lambda x: x * X, X), X),
    "transpose of a jitted function": lambda jax: transposed(jax, jax.jit(lambda x: x[::-1] * 2), X)(X),
    "transpose wrong count": lambda jax: said(lambda: len(transposed(jax, lambda x: [x, x], 1.0)(1.0))),
    # fwd_and_bwd
    "fwd_and_bwd": lambda jax: fwd_and_bwd(jax, argnums=(0, 1)),
    "fwd_and_bwd of one": lambda jax: fwd_and_bwd(jax, argnums=1, jitted=False),
    "fwd_and_bwd with aux": lambda jax: fwd_and_bwd(jax, argnums=0, has_aux=True),
    "fwd_and_bwd traces once": traces,
    # platform_dependent
    "platform": lambda jax: jax.grad(
        lambda x: jax.lax.platform_dependent(x, cpu=jax.numpy.sin, cuda=jax.numpy.sin, default=jax.numpy.cos)
    )(2.0),
    "platform default": lambda jax: jax.jit(
        lambda x: jax.lax.platform_dependent(x, tpu=jax.numpy.sin, default=jax.numpy.cos)
    )(2.0),
    "platform not callable": lambda jax: said(lambda: jax.lax.platform_dependent(1.0, cpu=3)),
    "platform gpu": lambda jax: said(lambda: jax.lax.platform_dependent(1.0, gpu=lambda x: x)),
    "platform missing": lambda jax: said(lambda: jax.lax.platform_dependent(1.0, tpu=lambda x: x)),
    # Arguments
    "jvp of tuple and list": lambda jax: said(lambda: jax.jvp(jax.numpy.sin, (1.0,), [1.0])),
    "jvp of lists": lambda jax: jax.jvp(jax.numpy.sin, [1.0], [1.0]),
    "vmap passes by what it does not map": lambda jax: jax.vmap(
        lambda x, s, o: x * len(s) + o["n"], in_axes=(0, None, None)
    )(X, "abc", {"n": 2}),
    "jacfwd of integers": lambda jax: jax.jacfwd(lambda x: {"n": x.astype(int), "y": x * x})(X),
    # Donation
    "donated twice": lambda jax: donated(jax, lambda f, x: f(x, x)),
    "donated before": lambda jax: donated(jax, lambda f, x: (f(x, 1.0), f(x, 1.0))),
    # By a function that JAX has not compiled: a compiled one fails with XLA's own message.
    "donated to a sum": lambda jax: donated(jax, lambda f, x: (f(x, 1.0), jax.jit(lambda x: x + 1)(x))),
    # Flags
    **{
        f"leak from {name}": partial(lambda run, jax: leaked(jax, partial(run, jax)), run)
        for name, run in {
            "jit": lambda jax, f: jax.jit(f)(1.0),
            "vmap": lambda jax, f: jax.vmap(f)(X),
            "scan": lambda jax, f: jax.lax.scan(lambda c, x: (f(c), x), 1.0, X),
            "cond": lambda jax, f: jax.lax.cond(True, f, f, 1.0),
            "while_loop": lambda jax, f: jax.lax.while_loop(lambda x: x < 3, f, 1.0),
            "checkpoint": lambda jax, f: jax.checkpoint(f)(1.0),
        }.items()
    },
    "no leak": kept_nothing,
    "nan in lanes": lambda jax: checked(jax, lambda: jax.vmap(jax.numpy.log)(-X)),
    "nan in a tangent": lambda jax: checked(jax, lambda: jax.jvp(jax.numpy.sqrt, (0.0,), (0.0,))),
    "nan in while_loop in jit": lambda jax: checked(
        jax,
        lambda: jax.jit(lambda x: jax.lax.while_loop(lambda c: c[1] < 2, lambda c: (c[0] / x, c[1] + 1), (x, 0)))(0.0),
    ),
    "nan of a donated argument": lambda jax: checked(
        jax, lambda: jax.jit(jax.numpy.log, donate_argnums=0)(jax.numpy.float32(-1.0))
    ),
    "nan written as a constant": lambda jax: checked(jax, lambda: jax.jit(lambda x: x * np.nan)(1.0)),
    "nan in scan": lambda jax: checked(jax, lambda: jax.lax.scan(lambda c, x: (c / x, c), 0.0, jax.numpy.zeros(2))),
    "nan in scan in jit": lambda jax: checked(
        jax, lambda: jax.jit(lambda x: jax.lax.scan(lambda c, a: (c / a, c), 0.0, x))(jax.numpy.zeros(2))
    ),
    "nan in while_loop": lambda jax: checked(
        jax, lambda: jax.lax.while_loop(lambda x: x > 0, lambda x: jax.numpy.log(-x), 1.0)
    ),
    "nan in fori_loop": lambda jax: checked(jax, lambda: jax.lax.fori_loop(0, 3, lambda i, x: jax.numpy.log(-x), 1.0)),
    "nan in switch": lambda jax: checked(
        jax, lambda: jax.lax.switch(0, [lambda x: jax.numpy.log(-x), lambda x: x], 1.0)
    ),
    "nan in a gradient": lambda jax: checked(
        jax, lambda: jax.grad(lambda x: jax.numpy.where(x > 0, jax.numpy.sqrt(x), 0.0))(0.0)
    ),
}


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize(
    "name", sampled(PROGRAMS, "no leak; leak from checkpoint; leak from while_loop; leak from cond")
)
def test_rules(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]))


# Refs through checkpoint, and what they take


def counted(jax: Any) -> Any:
    """A recomputed body that adds to a ref outside of the loop."""

    def f(x: Any) -> Any:
        total = jax.new_ref(jax.numpy.zeros(()))

        def body(c: Any, a: Any) -> Any:
            total[...] += c * a
            return c * x, None

        jax.lax.scan(jax.checkpoint(body), x, jax.numpy.arange(3.0))
        return total[...]

    return f


def handed(jax: Any) -> Any:
    """A ref as an argument of a recomputed function, beside a static one."""

    def f(x: Any) -> Any:
        ref = jax.new_ref(jax.numpy.zeros(()))

        def add(ref: Any, n: int, y: Any) -> Any:
            ref[...] = ref[...] + n * y
            return ref[...]

        return jax.checkpoint(add, static_argnums=1)(ref, 3, x) + ref[...]

    return f


def own(jax: Any) -> Any:
    """A ref made inside of a recomputed function."""

    def g(x: Any) -> Any:
        ref = jax.new_ref(x)
        ref[...] = jax.numpy.sin(ref[...])
        return ref[...] * x

    return jax.checkpoint(g)


def looked_at(jax: Any) -> Any:
    """A function that changes a ref, run for its types: the ref stays as it is."""
    ref = jax.new_ref(jax.numpy.arange(3.0))

    def f(x: Any) -> Any:
        ref[0] += x
        return ref[...] * x

    return jax.eval_shape(f, 2.0), ref[...], f(2.0), ref[...]


def stored(jax: Any, dtype: Any, value: Any) -> Any:
    ref = jax.new_ref(jax.numpy.ones(2, dtype))
    return said(lambda: (ref.__setitem__(0, value), ref[...])[1])


REFS: dict[str, Any] = {
    **{
        f"{name} {how}": partial(lambda f, transform, jax: transform(jax, f(jax)), f, transform)
        for name, f in {"counted": counted, "handed": handed}.items()
        for how, transform in {
            "eager": lambda jax, f: f(jax.numpy.float32(2)),
            "jit": lambda jax, f: jax.jit(f)(jax.numpy.float32(2)),
            "vmap": lambda jax, f: jax.vmap(lambda x: f(jax.numpy.float32(2)) + x)(X),
        }.items()
    },
    "own": lambda jax: jax.value_and_grad(own(jax))(2.0),
    "looked at from outside": looked_at,
    **{
        f"{value!r} into {dtype}": partial(lambda dtype, value, jax: stored(jax, dtype, value), dtype, value)
        for dtype in ("float32", "float16", "int32", "complex64")
        for value in (5, 5.0, True, np.int8(2), np.float32(2))
    },
}


@pytest.mark.parametrize("name", REFS)
def test_refs(name: str) -> None:
    assert_same(*run_both(REFS[name]))


# What traced values and float0s are refused


def of_trace(jax: Any, transform: Any, use: Any) -> Any:
    return said(lambda: transform(jax)(use)(jax.numpy.ones(2)))


def integer_gradient(jax: Any) -> Any:
    return jax.grad(lambda x: x * 1.0, allow_int=True)(1)


def compiled(jax: Any, call: Any) -> Any:
    """A compiled function that its first argument is donated to."""
    x, y = jax.numpy.ones(3), jax.numpy.ones(3)
    return said(lambda: call(jax.jit(lambda a, b: a + b, donate_argnums=0).lower(x, y).compile(), x, y))


REFUSED: dict[str, Any] = {
    "attribute in jit": lambda jax: of_trace(jax, lambda jax: jax.jit, lambda x: x.foo),
    "method in jit": lambda jax: of_trace(jax, lambda jax: jax.jit, lambda x: x.block_until_ready()),
    "attributes asked for": lambda jax: [hasattr(jax.numpy.ones(2), n) for n in ("foo", "__fspath__", "T")],
    "slice by a float in jit": lambda jax: of_trace(jax, lambda jax: jax.jit, lambda x: x[: x[0]]),
    "gradient of text": lambda jax: said(lambda: jax.grad(lambda x: "a")(1.0)),
    "gradient of texts": lambda jax: said(lambda: jax.grad(lambda x: [x, "a"])(1.0)),
    "make_jaxpr static number": lambda jax: said(lambda: jax.make_jaxpr(lambda x: x, static_argnums=3)(1.0)),
    "make_jaxpr static list": lambda jax: said(lambda: jax.make_jaxpr(lambda x: x, static_argnums=0)([1.0])),
    "linearize text": lambda jax: said(lambda: jax.linearize(lambda x: x, "a")),
    "float0 plus": lambda jax: said(lambda: integer_gradient(jax) + jax.numpy.zeros(())),
    "float0 sine": lambda jax: said(lambda: jax.numpy.sin(integer_gradient(jax))),
    "float0 zeros_like": lambda jax: jax.numpy.zeros_like(integer_gradient(jax)).dtype == jax.dtypes.float0,
    "float0 asarray": lambda jax: jax.numpy.asarray(integer_gradient(jax)).dtype == jax.dtypes.float0,
    "compiler option": lambda jax: said(lambda: jax.jit(lambda x: x, compiler_options={"no": 1})(1.0)),
    "compiler option of a stage": lambda jax: said(
        lambda: jax.jit(lambda x: x).lower(1.0).compile(compiler_options={"no": 1})
    ),
    "compiler option of XLA": lambda jax: jax.jit(
        lambda x: x + 1, compiler_options={"xla_embed_ir_in_executable": True}
    )(1.0),
    "compiler option inside": lambda jax: said(
        lambda: jax.jit(lambda x: jax.jit(lambda y: y, compiler_options={"xla_embed_ir_in_executable": True})(x))(1.0)
    ),
    "compiled, donated before": lambda jax: compiled(jax, lambda f, x, y: (f(x, y), f(x, y))),
    "compiled, donated twice": lambda jax: compiled(jax, lambda f, x, y: f(y, y)),
    "solve of another shape": lambda jax: said(
        lambda: jax.lax.custom_linear_solve(lambda x: x, jax.numpy.ones(2), lambda f, b: b.sum())
    ),
    "solve of another tree": lambda jax: said(
        lambda: jax.lax.custom_linear_solve(lambda x: x, jax.numpy.ones(2), lambda f, b: [b])
    ),
    "matvec of another shape": lambda jax: said(
        lambda: jax.lax.custom_linear_solve(lambda x: x[:1], jax.numpy.ones(2), lambda f, b: b)
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    assert_same(*run_both(REFUSED[name]))


# Why a call was traced


def misses(jax: Any, *calls: Any, **options: Any) -> list[str]:
    """What is said of the calls of one jitted function, each of which is ``call(jax, f)``."""

    def f(x: Any, y: Any = 1) -> Any:
        return jax.tree_util.tree_leaves((x, y))

    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = re.sub(r"id=\d+", "id=N", record.getMessage())
            heard.append(re.sub(r"'jax(like)?[\w.]*\.Static'", "'Static'", text))

    jitted, listener = jax.jit(f, **options), Listener()
    logger = logging.getLogger("jax")
    told, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    jax.config.update("jax_explain_cache_misses", True)
    try:
        for call in calls:
            call(jax, jitted)
    finally:
        jax.config.update("jax_explain_cache_misses", False)
        logger.removeHandler(listener)
        logger.propagate = told
    return heard


def with_other_flag(jax: Any, f: Any) -> None:
    with jax.numpy_rank_promotion("warn"):
        f(1.0)


EIGHT = np.ones(8, np.float32)
MISSES: dict[str, Any] = {
    "hit": lambda jax: misses(jax, lambda jax, f: f(1.0), lambda jax, f: f(2.0)),
    "tree": lambda jax: misses(jax, lambda jax, f: f({"a": 1.0}), lambda jax, f: f({"a": 1.0, "b": 2.0})),
    "kind of tree": lambda jax: misses(jax, lambda jax, f: f({"a": 1.0}), lambda jax, f: f([1.0])),
    "by name": lambda jax: misses(jax, lambda jax, f: f(1.0, 2.0), lambda jax, f: f(1.0, y=2.0)),
    "static": lambda jax: misses(jax, lambda jax, f: f(1.0, 2), lambda jax, f: f(1.0, 3), static_argnums=1),
    "static by name": lambda jax: misses(
        jax, lambda jax, f: f(1.0, y=2), lambda jax, f: f(1.0, y=3), static_argnames="y"
    ),
    "dtype": lambda jax: misses(jax, lambda jax, f: f(EIGHT), lambda jax, f: f(EIGHT.astype(int))),
    "shape": lambda jax: misses(jax, lambda jax, f: f(EIGHT), lambda jax, f: f(EIGHT[1:])),
    "weak type": lambda jax: misses(jax, lambda jax, f: f(jax.numpy.float32(1)), lambda jax, f: f(1.0)),
    "two arguments": lambda jax: misses(
        jax, lambda jax, f: f(EIGHT, 1.0), lambda jax, f: f(np.ones((9, 2), np.int32), 2)
    ),
    "closest": lambda jax: misses(
        jax, *(lambda jax, f, shape=shape: f(np.ones(shape, np.float32)) for shape in ((8,), (8, 2), (8, 3)))
    ),
    "flag": lambda jax: misses(jax, lambda jax, f: f(1.0), with_other_flag),
    "lower": lambda jax: misses(jax, lambda jax, f: f.lower(1.0), lambda jax, f: f.trace(1)),
}


@pytest.mark.parametrize("name", MISSES)
def test_misses(name: str) -> None:
    assert_same(*run_both(MISSES[name]))
