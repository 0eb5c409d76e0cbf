"""checkify: what checks find, in which order, under every transformation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both, sampled

X = np.array([0.5, 1.0, 2.0], np.float32)


def said(jax: Any, f: Any, *args: Any, errors: str = "user_checks", wrap: Any = lambda f: f) -> Any:
    """The message of what was found, and the result."""
    checkify = jax.experimental.checkify
    args = jax.tree.map(jax.numpy.asarray, args)  # JAX leaves numpy's arrays to numpy, and keeps Python's numbers
    error, out = wrap(checkify.checkify(f, errors=getattr(checkify, errors)))(*args)
    return error.get(), out


def positive(jax: Any) -> Any:
    """A function with a check of the user's."""

    def f(x: Any) -> Any:
        jax.experimental.checkify.check(x > 0, "must be positive, got {x}", x=x)
        return jax.numpy.log(x)

    return f


def f32(jax: Any, x: float) -> Any:
    """A strong scalar."""
    return jax.numpy.float32(x)


def checks(jax: Any, *conditions: Any) -> Any:
    """A function of one scalar with several checks."""

    def f(x: Any) -> Any:
        for k, holds in enumerate(conditions):
            jax.experimental.checkify.check(holds(x), f"check {k}")
        return x

    return f


def _scan(jax: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        jax.experimental.checkify.check(x < 1.5, "x is {} and c is {}", x, c)
        return c + x, c * x

    return lambda xs: jax.lax.scan(step, f32(jax, 0), xs)


def _scan_nan(jax: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        return jax.numpy.sin(c * x), c

    return lambda xs: jax.lax.scan(step, f32(jax, 1), xs)


def _while(jax: Any) -> Any:
    def cond(c: Any) -> Any:
        jax.experimental.checkify.check(c < 3, "condition {}", c)
        return c < 5

    def body(c: Any) -> Any:
        jax.experimental.checkify.check(c < 2, "body {}", c)
        return c + 1

    return lambda c: jax.lax.while_loop(cond, body, c)


def _while_body(jax: Any) -> Any:
    def body(c: Any) -> Any:
        jax.experimental.checkify.check(c < 2, "body {}", c)
        return c + 1

    return lambda c: jax.lax.while_loop(lambda c: c < 5, body, c)


def _while_nan(jax: Any) -> Any:
    return lambda x: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jax.numpy.log(c[1] - 1)), (0, x))


def _fori(jax: Any) -> Any:
    def body(i: Any, c: Any) -> Any:
        jax.experimental.checkify.check(i != 2, "at {}", i)
        return c + i

    return lambda n: jax.lax.fori_loop(0, n, body, 0)


def _cond(jax: Any) -> Any:
    def left(x: Any) -> Any:
        jax.experimental.checkify.check(x > 0, "left {}", x)
        return x

    def right(x: Any) -> Any:
        jax.experimental.checkify.check(x < 0, "right {}", x)
        return jax.numpy.sin(x)

    return lambda p, x: jax.lax.cond(p, left, right, x)


def _switch(jax: Any) -> Any:
    def branch(k: int) -> Any:
        def f(x: Any) -> Any:
            jax.experimental.checkify.check(x != k, f"branch {k}")
            return x * k

        return f

    return lambda k: jax.lax.switch(k, [branch(0), branch(1), branch(2)], k)


def _custom_jvp(jax: Any) -> Any:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        jax.experimental.checkify.check(x > 0, "negative {}", x)
        return jax.numpy.sin(x)

    f.defjvp(lambda primals, tangents: (f(primals[0]), 5 * tangents[0]))
    return f


def _custom_vjp(jax: Any) -> Any:
    @jax.custom_vjp
    def f(x: Any) -> Any:
        jax.experimental.checkify.check(x > 0, "negative {}", x)
        return jax.numpy.sin(x)

    f.defvjp(lambda x: (f(x), None), lambda _, g: (5 * g,))
    return f


def _reraised(jax: Any, x: float) -> Any:
    checkify = jax.experimental.checkify

    def f(x: Any) -> Any:
        error, out = jax.jit(checkify.checkify(positive(jax)))(x)
        checkify.check_error(error)
        return out

    return f(f32(jax, x))


def _checked_again(jax: Any) -> Any:
    return said(jax, lambda x: _reraised(jax, x), -1.0)


def _thrown(jax: Any, x: float) -> Any:
    error, _ = jax.experimental.checkify.checkify(positive(jax))(f32(jax, x))
    error.throw()
    return error


def _debug_check(jax: Any) -> Any:
    def f(x: Any) -> Any:
        jax.experimental.checkify.debug_check(x > 0, "must be positive")
        return x

    return f(-1.0), jax.jit(f)(-1.0), said(jax, f, -1.0)


def _carried(jax: Any) -> Any:
    """An Error as an argument and result of jit."""
    checkify = jax.experimental.checkify
    error, _ = checkify.checkify(positive(jax))(f32(jax, -2.0))
    out = jax.jit(lambda e: e)(error)
    return out.get(), str(out), len(jax.tree_util.tree_leaves(out))


def _division(jax: Any) -> Any:
    return lambda x, y: x / y


USER: dict[str, Any] = {
    "holds": lambda jax: said(jax, positive(jax), f32(jax, 1)),
    "fails": lambda jax: said(jax, positive(jax), f32(jax, -1)),
    "jit of checkify": lambda jax: [said(jax, positive(jax), f32(jax, x), wrap=jax.jit) for x in (1, -1)],
    "checkify of jit": lambda jax: [said(jax, jax.jit(positive(jax)), f32(jax, x)) for x in (1, -1)],
    "vmap of checkify": lambda jax: said(jax, positive(jax), X - 1, wrap=jax.vmap),
    "vmap of checkify, all hold": lambda jax: said(jax, positive(jax), X, wrap=jax.vmap),
    "vmap of vmap of checkify": lambda jax: said(
        jax, positive(jax), np.stack([X, X - 1]), wrap=lambda f: jax.vmap(jax.vmap(f))
    ),
    "checkify of vmap": lambda jax: said(jax, jax.vmap(positive(jax)), X - 1),
    "checkify of vmap, all hold": lambda jax: said(jax, jax.vmap(positive(jax)), X),
    "jit of vmap of checkify of jit": lambda jax: said(
        jax, jax.jit(positive(jax)), X - 1, wrap=lambda f: jax.jit(jax.vmap(f))
    ),
    "first of several": lambda jax: said(jax, checks(jax, lambda x: x > 0, lambda x: x > 1, lambda x: x > 2), 1.5),
    "none of several": lambda jax: said(jax, checks(jax, lambda x: x > 0, lambda x: x > 1), 1.5),
    "first of different kinds": lambda jax: said(jax, lambda x: (positive(jax)(x), checks(jax, lambda x: x > 1)(x)), -1.0),
    "of a Python number": lambda jax: jax.experimental.checkify.checkify(lambda x: jax.experimental.checkify.check(x > 0, "no"))(-1)[0].get(),
    "grad": lambda jax: said(jax, jax.grad(positive(jax)), f32(jax, -2.0)),
    "value_and_grad in jit": lambda jax: said(jax, jax.jit(jax.value_and_grad(positive(jax))), f32(jax, 2.0)),
    "jvp": lambda jax: said(jax, lambda x: jax.jvp(positive(jax), (x,), (x,)), f32(jax, -2.0)),
    "grad of checkify": lambda jax: jax.grad(
        lambda x: jax.experimental.checkify.checkify(positive(jax))(x)[1]
    )(f32(jax, 2.0)),
    "scan": lambda jax: said(jax, _scan(jax), X),
    "scan in jit": lambda jax: said(jax, jax.jit(_scan(jax)), X, wrap=jax.jit),
    "scan that holds": lambda jax: said(jax, _scan(jax), X[:2]),
    "while": lambda jax: [said(jax, _while(jax), f32(jax, x)) for x in (0, 2, 4, 6)],
    "while in its body": lambda jax: [said(jax, _while_body(jax), f32(jax, x)) for x in (0, 1, 6)],
    "while in jit": lambda jax: said(jax, _while_body(jax), f32(jax, 0), wrap=jax.jit),
    "fori": lambda jax: [said(jax, _fori(jax), n) for n in (2, 3)],
    "fori in jit": lambda jax: [said(jax, jax.jit(_fori(jax)), n) for n in (2, 3)],
    "cond": lambda jax: [said(jax, _cond(jax), p, x) for p in (True, False) for x in (1.0, -1.0)],
    "cond in jit": lambda jax: [
        said(jax, _cond(jax), p, x, wrap=jax.jit) for p in (True, False) for x in (1.0, -1.0)
    ],
    "vmap of cond": lambda jax: said(jax, jax.vmap(_cond(jax)), np.array([True, False]), np.array([1, -1], np.float32)),
    "switch": lambda jax: said(jax, _switch(jax), 1),
    "custom_jvp": lambda jax: [said(jax, _custom_jvp(jax), f32(jax, x)) for x in (1, -1)],
    "custom_jvp, grad outside": lambda jax: jax.grad(
        lambda x: jax.experimental.checkify.checkify(_custom_jvp(jax))(x)[1]
    )(f32(jax, 1.0)),
    "custom_vjp": lambda jax: [said(jax, _custom_vjp(jax), f32(jax, x)) for x in (1, -1)],
    "custom_vjp, grad outside": lambda jax: jax.grad(
        lambda x: jax.experimental.checkify.checkify(_custom_vjp(jax))(x)[1]
    )(f32(jax, 1.0)),
    "checkpoint": lambda jax: said(jax, jax.checkpoint(positive(jax)), f32(jax, -1)),
    "checkpoint in jit of grad": lambda jax: said(jax, jax.jit(jax.grad(jax.checkpoint(positive(jax)))), f32(jax, -1)),
    "eager": lambda jax: positive(jax)(f32(jax, -1)),
    "eager that holds": lambda jax: positive(jax)(f32(jax, 1)),
    "eager vmap": lambda jax: jax.vmap(positive(jax))(X - 1),
    "eager grad": lambda jax: jax.grad(positive(jax))(f32(jax, -1)),
    "jit without checkify": lambda jax: jax.jit(positive(jax))(f32(jax, 1)),
    "scan without checkify": lambda jax: _scan(jax)(X),
    "thrown": lambda jax: _thrown(jax, -1),
    "nothing to throw": lambda jax: _thrown(jax, 1).get(),
    "raised again": lambda jax: _reraised(jax, -1),
    "nothing to raise again": lambda jax: _reraised(jax, 1),
    "checked again": _checked_again,
    "debug_check": _debug_check,
    "an Error through jit": _carried,
    "check of a vector": lambda jax: jax.experimental.checkify.check(jax.numpy.array([True, False]), "no"),
    "check of a number": lambda jax: jax.experimental.checkify.check(1.0, "no"),
    "debug_check of a number": lambda jax: jax.experimental.checkify.debug_check(1.0, "no"),
    "check with text to format": lambda jax: jax.experimental.checkify.check(False, "{}", "text"),
    "check of True": lambda jax: jax.experimental.checkify.check(True, "no"),
    "check of False": lambda jax: jax.experimental.checkify.check(False, "no"),
    "check_error of text": lambda jax: jax.experimental.checkify.check_error("text"),
    "formats": lambda jax: said(
        jax,
        lambda x: jax.experimental.checkify.check(False, "{} {y[a]} {z:.2f}", x, y={"a": x + 1}, z=x[0]),
        jax.numpy.array(X),
    ),
    "results are trees": lambda jax: said(jax, lambda x: {"a": x, "b": (x + 1, None)}, 1.0),
    "keyword arguments": lambda jax: jax.experimental.checkify.checkify(lambda x, *, y: x + y)(f32(jax, 1.0), y=2)[1],
    "not enabled": lambda jax: said(jax, positive(jax), f32(jax, -1), errors="div_checks"),
    "str of an Error": lambda jax: str(jax.experimental.checkify.checkify(positive(jax))(f32(jax, -1))[0]),
    "init_error": lambda jax: (jax.experimental.checkify.init_error.get(), str(jax.experimental.checkify.init_error)),
    "random": lambda jax: said(jax, lambda k: jax.random.normal(k, (2,)), jax.random.key(0), errors="all_checks"),
    "callback": lambda jax: said(
        jax, lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((3,), np.float32), x), X, errors="all_checks"
    ),
}


def _nan(jax: Any, f: Any, *args: Any) -> Any:
    return [said(jax, f, *args, errors="nan_checks"), said(jax, f, *args, errors="float_checks", wrap=jax.jit)]


AUTOMATIC: dict[str, Any] = {
    "log": lambda jax: _nan(jax, jax.numpy.log, f32(jax, -1)),
    "sin": lambda jax: _nan(jax, jax.numpy.sin, f32(jax, np.inf)),
    "sqrt": lambda jax: _nan(jax, jax.numpy.sqrt, np.array([1.0, -1.0], np.float32)),
    "mul": lambda jax: _nan(jax, lambda x: x * 0.0, f32(jax, np.inf)),
    "sub": lambda jax: _nan(jax, lambda x: x - x, f32(jax, np.inf)),
    "add": lambda jax: _nan(jax, lambda x: x + -x, f32(jax, np.inf)),
    "dot": lambda jax: _nan(jax, lambda x: x @ x, np.array([[np.inf, 1], [0, 1]], np.float32)),
    "sum": lambda jax: _nan(jax, lambda x: x.sum(), np.array([np.inf, -np.inf], np.float32)),
    "nan passes where": lambda jax: _nan(jax, lambda x: jax.numpy.where(x > 0, x, 0.0), f32(jax, np.nan)),
    "nan passes reshape": lambda jax: _nan(jax, lambda x: x.reshape(1, 1).T, f32(jax, np.nan)),
    "no nan": lambda jax: _nan(jax, lambda x: jax.numpy.exp(jax.numpy.sin(x) / 2), X),
    "first nan": lambda jax: _nan(jax, lambda x: jax.numpy.cos(jax.numpy.log(x)), f32(jax, -1)),
    "nan in jit": lambda jax: _nan(jax, jax.jit(lambda x: jax.numpy.log(x)), f32(jax, -1)),
    "nan in scan": lambda jax: _nan(jax, _scan_nan(jax), np.array([1, np.inf, 1], np.float32)),
    "nan in while": lambda jax: _nan(jax, _while_nan(jax), f32(jax, 3)),
    "nan in cond": lambda jax: _nan(jax, lambda x: jax.lax.cond(x < 0, jax.numpy.log, lambda x: x, x), f32(jax, -1)),
    "nan in a branch not taken": lambda jax: _nan(
        jax, lambda x: jax.lax.cond(x > 0, jax.numpy.log, lambda x: x, x), f32(jax, -1)
    ),
    "nan in vmap": lambda jax: _nan(jax, jax.vmap(jax.numpy.log), np.array([1, -1], np.float32)),
    "nan outside of vmap": lambda jax: said(
        jax, jax.numpy.log, np.array([1, -1], np.float32), errors="nan_checks", wrap=jax.vmap
    ),
    "nan in a gradient": lambda jax: _nan(jax, jax.grad(lambda x: jax.numpy.exp(x) * 0.0), f32(jax, np.inf)),
    "division": lambda jax: said(jax, _division(jax), f32(jax, 1), f32(jax, 0), errors="div_checks"),
    "division in jit": lambda jax: said(jax, _division(jax), X, X - 1, errors="div_checks", wrap=jax.jit),
    "division of zero by zero": lambda jax: said(jax, _division(jax), f32(jax, 0), f32(jax, 0), errors="float_checks"),
    "division that is right": lambda jax: said(jax, _division(jax), X, X, errors="float_checks"),
    "division by a number": lambda jax: said(jax, lambda x: x / 0.0, jax.numpy.array(X), errors="div_checks"),
    "division of integers": lambda jax: said(jax, lambda x, y: x // y, 1, 0, errors="div_checks"),
    "division in vmap": lambda jax: said(jax, _division(jax), X, X - 1, errors="div_checks", wrap=jax.vmap),
    "reading": lambda jax: said(jax, lambda x, i: x[i], X, 5, errors="index_checks"),
    "reading in bounds": lambda jax: said(jax, lambda x, i: x[i], X, jax.numpy.int32(2), errors="index_checks"),
    "reading in jit": lambda jax: [
        said(jax, lambda x, i: x[i], X, np.int32(k), errors="index_checks", wrap=jax.jit) for k in (0, -3, 3, -4)
    ],
    "reading several": lambda jax: said(
        jax, lambda x, i: x[i], X, np.array([0, 5, 2, 7]), errors="index_checks", wrap=jax.jit
    ),
    "reading a matrix": lambda jax: said(
        jax, lambda x, i, j: x[i, j], np.ones((2, 3), np.float32), np.int32(0), np.int32(5),
        errors="index_checks", wrap=jax.jit,
    ),
    "reading rows and columns": lambda jax: said(
        jax, lambda x, i: x[i, i], np.ones((2, 3), np.float32), np.array([0, 2]), errors="index_checks", wrap=jax.jit
    ),
    "reading a row": lambda jax: said(
        jax, lambda x, i: x[:, i], np.ones((2, 3), np.float32), np.int32(4), errors="index_checks", wrap=jax.jit
    ),
    "writing": lambda jax: [
        said(jax, lambda x, i: x.at[i].set(1.0), jax.numpy.array(X), np.int32(k), errors="index_checks", wrap=jax.jit)
        for k in (2, -3, 3, -4)
    ],
    "adding": lambda jax: said(
        jax, lambda x, i: x.at[i].add(1.0), jax.numpy.array(X), np.array([0, 9]), errors="index_checks", wrap=jax.jit
    ),
    "dynamic_slice": lambda jax: [
        said(
            jax, lambda x, i: jax.lax.dynamic_slice(x, (i,), (2,)), X, np.int32(k), errors="index_checks", wrap=jax.jit
        )
        for k in (0, 1, 2)
    ],
    "dynamic_update_slice": lambda jax: [
        said(
            jax, lambda x, i: jax.lax.dynamic_update_slice(x, X[:2], (i,)), jax.numpy.array(X), np.int32(k),
            errors="index_checks", wrap=jax.jit,
        )
        for k in (1, 2)
    ],
    "take_along_axis": lambda jax: said(
        jax, lambda x: jax.numpy.take_along_axis(x, jax.numpy.array([1, 7]), 0), X, errors="index_checks"
    ),
    "gather and scatter": lambda jax: _gathered(jax),
    "indices in scan": lambda jax: said(
        jax,
        lambda x: jax.lax.scan(lambda c, i: (c + x[i], i), f32(jax, 0), np.array([0, 1, 4])),
        jax.numpy.array(X),
        errors="index_checks",
    ),
    "indices in vmap": lambda jax: said(
        jax, lambda i: jax.numpy.array(X)[i], np.array([0, 4, 1]), errors="index_checks", wrap=jax.vmap
    ),
    "indices in a jitted function used before": lambda jax: _used_before(jax),
    "all": lambda jax: [
        said(jax, lambda x, i: jax.numpy.log(x[i]) / x[0], jax.numpy.array(v), i, errors="all_checks", wrap=jax.jit)
        for v, i in (([1.0, 2.0], 1), ([-1.0, -2.0], 0), ([0.0, 1.0], 1), ([1.0, 2.0], 5))
    ],
    "automatic and not the user's": lambda jax: said(jax, positive(jax), f32(jax, -1), errors="automatic_checks"),
}


def _gathered(jax: Any) -> Any:
    lax, at = jax.lax, np.array([[0], [2]])
    reads = lax.GatherDimensionNumbers((1,), (), (0,))
    writes = lax.ScatterDimensionNumbers((1,), (), (0,))
    read = lambda x: lax.gather(x, at, reads, (2,), mode="clip")  # noqa: E731
    write = lambda x: lax.scatter_add(x, at, np.ones((2, 2), np.float32), writes)  # noqa: E731
    return said(jax, read, X, errors="index_checks"), said(jax, write, X, errors="index_checks")


def _used_before(jax: Any) -> Any:
    f = jax.jit(lambda x, i: x[i])
    x = jax.numpy.array(X)
    return f(x, 5), said(jax, f, x, 5, errors="index_checks"), f(x, 5), said(jax, f, x, 5)


SLOW_USER = "vmap of vmap of checkify; vmap of cond; cond in jit; random; while; checkify of vmap, all hold; scan in jit"
SLOW_AUTOMATIC = (
    "indices in vmap; all; gather and scatter; reading; writing; dynamic_slice; dynamic_update_slice; "
    "reading rows and columns; reading a matrix; reading a row; adding; reading several; nan in while; "
    "nan in a branch not taken; nan in vmap; add; sqrt; no nan"
)


@pytest.mark.parametrize("name", sampled(USER, SLOW_USER))
def test_user(name: str) -> None:
    assert_same(*run_both(USER[name]))


@pytest.mark.parametrize("name", sampled(AUTOMATIC, SLOW_AUTOMATIC))
def test_automatic(name: str) -> None:
    assert_same(*run_both(AUTOMATIC[name]))


@same_in_both
def test_what_a_gradient_is_taken_of_is_checked(jax: Any) -> Any:
    """Though nothing uses its value: by autodiff, by rules, in loops; and findings come in the program's order."""
    checkify, jnp = jax.experimental.checkify, jax.numpy
    ruled = jax.custom_jvp(jnp.log)
    ruled.defjvp(lambda primals, tangents: (jnp.log(primals[0]), tangents[0] / primals[0]))
    pulled = jax.custom_vjp(jnp.log)
    pulled.defvjp(lambda x: (jnp.log(x), x), lambda x, g: (g / x,))
    looped = lambda x: jax.lax.scan(lambda c, _: (jnp.log(c), None), x, None, length=1)[0]  # noqa: E731

    def run(f: Any, *args: Any) -> Any:
        return checkify.checkify(f, errors=checkify.all_checks)(*args)[0].get()

    return (
        [run(jax.grad(f), -1.0) for f in (jnp.log, ruled, pulled, jax.checkpoint(jnp.log), looped, jax.jit(jnp.log))],
        run(jax.vmap(jax.grad(pulled)), np.array([-1.0, 1.0], np.float32)),
        run(lambda x, i: jnp.log(x) + jnp.arange(3.0)[i], -1.0, 5),
        run(lambda x, i: jnp.arange(3.0)[i] + jnp.log(x), -1.0, 5),
        [
            (str(aval.dtype), aval.weak_type)
            for aval in jax.make_jaxpr(checkify.checkify(jnp.log, errors=checkify.nan_checks))(1.0).out_avals
        ],
    )
