"""Mutable arrays: read, written, frozen; in jit, loops, branches, vmap and grad; their errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(6, dtype=np.float32).reshape(3, 2)


def ref(jax: Any, value: Any = X) -> Any:
    """A new ref."""
    return jax.new_ref(jax.numpy.asarray(value))


def written(jax: Any, write: Callable[[Any, Any], Any], value: Any = X) -> Any:
    """What a program gives, and the ref's value after it."""
    r = ref(jax, value)
    out = write(jax, r)
    return out, r[...], jax.ref.freeze(r)


def store(r: Any, index: Any, value: Any) -> None:
    """Assignment as a function."""
    r[index] = value


def several(jax: Any, r: Any) -> Any:
    """Reads and writes one after the other."""
    r[0] = 5.0
    r[1] += r[0]
    r[1:] = jax.numpy.array([3.0, 4.0])
    r[jax.numpy.array([0, 2])] = jax.numpy.array([7.0, 8.0])
    return r[0], r[:2], r[()], r[None], r[jax.numpy.array([2, 0])], r[-1]


def functions(jax: Any, r: Any) -> Any:
    """The functions of jax.ref."""
    first = jax.ref.swap(r, (0,), 9.0)
    jax.ref.set(r, (1,), 8.0)
    jax.ref.addupdate(r, (1,), 1.0)
    r.addupdate(jax.numpy.ones(3))
    jax.ref.set(r, None, r[...] * 2)
    return first, jax.ref.get(r), jax.ref.get(r, (1,)), jax.ref.free_ref(ref(jax))


def about(jax: Any, r: Any) -> Any:
    """What a ref says of itself."""
    return (
        repr(r), r.shape, r.dtype, r.ndim, r.size, len(r), str(jax.typeof(r)), isinstance(r, jax.Ref),
        isinstance(r, jax.Array), str(r.aval), bool(r), r == r, len(jax.tree_util.tree_leaves({"a": r})), repr(r.aval),
        str(jax.ref.AbstractRef(jax.core.ShapedArray((2,), np.dtype("float32")))),
    )  # fmt: skip


def jitted(jax: Any, r: Any) -> Any:
    """A jitted function that changes its argument, called again with another ref."""

    @jax.jit
    def f(r: Any, x: Any) -> Any:
        r[0] = r[1] + x
        return r[...] * 2

    other = ref(jax, 10 * X)
    return f(r, 1.0), f(r, 2.0), f(other, 3.0), other[...]


def closed_over(jax: Any, r: Any) -> Any:
    """A jitted function that changes a ref that it closes over; it is called several times."""

    @jax.jit
    def f(x: Any) -> Any:
        r[0] += x
        return r[0] * x

    return [f(float(k)) for k in range(3)], r[...]


def nested(jax: Any, r: Any) -> Any:
    """jit inside of jit."""
    inner = jax.jit(lambda x: (store(r, 0, r[0] + x), r[0])[1])
    outer = jax.jit(lambda x: inner(x) + inner(2 * x))
    return outer(1.0), r[...], outer(2.0)


def tree_of_refs(jax: Any, r: Any) -> Any:
    """A dictionary of refs as argument, with a static one beside it."""
    refs = {"a": r, "b": ref(jax, M)}

    def f(refs: Any, n: Any, how: str) -> Any:
        refs["a"][0] = refs["b"][n, 1]
        refs["b"][0] = refs["b"][1] * (2 if how == "double" else 1)

    jax.jit(f, static_argnums=2)(refs, 2, "double")
    return refs["b"][...]


def in_scan(jax: Any, r: Any) -> Any:
    """A loop that changes a ref from outside."""

    def step(c: Any, x: Any) -> Any:
        r[0] += x
        return c + r[0], r[0]

    return jax.lax.scan(step, jax.numpy.float32(0), X)


def in_jitted_scan(jax: Any, r: Any) -> Any:
    """The same in jit, where the ref is made inside."""

    def f(x: Any) -> Any:
        total = jax.new_ref(jax.numpy.zeros(()))

        def step(c: Any, v: Any) -> Any:
            total[...] += v * v
            return c, total[...]

        _, ys = jax.lax.scan(step, 0, x)
        return total[...], ys

    return jax.jit(f)(r[...]), jax.grad(lambda x: f(x)[0])(r[...]), jax.vmap(f)(jax.numpy.stack([r[...], 2 * r[...]]))


def rows(jax: Any, r: Any) -> Any:
    """A loop over the rows of a ref."""

    def step(c: Any, row: Any) -> Any:
        row[0] = c
        return c + 1.0, row[1]

    return jax.lax.scan(step, jax.numpy.float32(0), r)


def loops(jax: Any, r: Any) -> Any:
    """while_loop and fori_loop."""
    out = jax.lax.while_loop(lambda c: c < 3, lambda c: (store(r, 0, r[0] + 1.0), c + 1)[1], 0)
    more = jax.lax.fori_loop(0, 3, lambda i, c: (store(r, i, r[i] * 2), c)[1], 1.5)
    return out, more


def branches(jax: Any, r: Any) -> Any:
    """cond and switch."""

    def put(value: Any) -> Any:
        return lambda: store(r, 1, value)

    jax.lax.cond(r[0] > 0, put(7.0), lambda: None)
    jax.lax.switch(2, [put(1.0), put(2.0), put(3.0)])
    return jax.jit(lambda p: jax.lax.cond(p, lambda: r[1], lambda: r[0]))(True)


def sine(jax: Any) -> Any:
    """A pure function that uses a ref inside."""

    def f(x: Any) -> Any:
        r = jax.new_ref(x)
        r[...] = jax.numpy.sin(r[...])
        r[...] = r[...] + x
        return jax.ref.freeze(r)

    return f


def transformed(jax: Any, r: Any) -> Any:
    """Derivatives and batches of a function that uses a ref inside."""
    f = sine(jax)
    return (
        f(1.0), jax.grad(f)(1.0), jax.vjp(f, 2.0)[1](1.0), jax.jvp(f, (1.0,), (2.0,)),
        jax.vmap(f)(X), jax.jit(f)(np.float32(1)), jax.jit(jax.grad(f))(1.0), jax.grad(jax.jit(f))(1.0), jax.vmap(jax.grad(f))(X),
        jax.jit(jax.vmap(f))(X), jax.grad(jax.checkpoint(f))(1.0), jax.eval_shape(f, 1.0),
        jax.jit(jax.grad(lambda x: jax.vmap(f)(x).sum()))(X),
    )  # fmt: skip


def read_from_outside(jax: Any, r: Any) -> Any:
    """Outer refs under transformations."""
    return (
        jax.grad(lambda x: (r[...] * x).sum())(1.0), jax.vmap(lambda x: r[0] + x)(X),
        jax.jit(jax.grad(lambda x: (r[...] * x).sum()))(1.0), jax.jit(jax.vmap(lambda x: r[0] + x))(X),
        jax.grad(lambda x: (store(r, 0, jax.lax.stop_gradient(x)), x * 2)[1])(1.0),
    )  # fmt: skip


def mapped(jax: Any, r: Any) -> Any:
    """A batched ref, written in each lane."""
    out = jax.vmap(lambda row, x: (store(row, 0, x), row[...])[1])(r, jax.numpy.asarray(X))
    return out, jax.vmap(lambda row: row[1] * 2, in_axes=1)(ref(jax, M.T @ M))


PROGRAMS = {
    f.__name__: f
    for f in (several, functions, about, jitted, closed_over, nested, tree_of_refs, in_scan, in_jitted_scan, loops,
              branches, transformed, read_from_outside)
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    expected, actual = run_both(lambda jax: written(jax, PROGRAMS[name]))
    assert expected.error is None, expected
    assert_same(expected, actual)


@pytest.mark.parametrize("program", [rows, mapped], ids=lambda f: f.__name__)
def test_matrices(program: Any) -> None:
    expected, actual = run_both(lambda jax: written(jax, program, M))
    assert expected.error is None, expected
    assert_same(expected, actual)


ERRORS: dict[str, Callable[[Any, Any], Any]] = {
    "shape": lambda jax, r: store(r, ..., jax.numpy.ones(4)),
    "scalar for all": lambda jax, r: store(r, ..., 2.0),
    "dtype": lambda jax, r: store(r, ..., jax.numpy.arange(3)),
    "addupdate shape": lambda jax, r: jax.ref.addupdate(r, (), jax.numpy.ones(4)),
    "addupdate dtype": lambda jax, r: jax.ref.addupdate(r, (0,), jax.numpy.int32(1)),
    "out of bounds": lambda jax, r: r[5],
    "write out of bounds": lambda jax, r: store(r, 3, 1.0),
    "add": lambda jax, r: r + 1,
    "float": lambda jax, r: float(r),
    "ref of ref": lambda jax, r: jax.new_ref(r),
    "ref of list": lambda jax, r: jax.new_ref([1.0]),
    "get of array": lambda jax, r: jax.ref.get(X),
    "set of array": lambda jax, r: jax.ref.set(X, (), X),
    "empty outside": lambda jax, r: jax.ref.empty_ref(jax.ShapeDtypeStruct((2,), np.float32)),
    "empty": lambda jax, r: jax.jit(lambda: (lambda e: (store(e, ..., X), e[...])[1])(
        jax.ref.empty_ref(jax.ShapeDtypeStruct((3,), np.float32))
    ))(),
    "the same at the top": lambda jax, r: (jax.free_ref(r), jax.jit(lambda: jax.empty_ref(jax.typeof(X)).shape)()),
    "returned": lambda jax, r: jax.jit(lambda a: a)(r).shape,
    "returned new": lambda jax, r: jax.jit(lambda: jax.new_ref(1.0))().shape,
    "vmapped write": lambda jax, r: jax.vmap(lambda x: store(r, 0, x))(X),
    "differentiated write": lambda jax, r: jax.grad(lambda x: (store(r, 0, x), x)[1])(1.0),
    "passed twice": lambda jax, r: jax.jit(lambda a, b: a[0] + b["r"][0])(r, {"r": r}),
    "closed over and passed": lambda jax, r: jax.jit(lambda a: a[0] + r[0])(r),
    "forward write": lambda jax, r: jax.jvp(lambda x: (store(r, 0, x), x)[1], (1.0,), (1.0,)),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    assert_same(*run_both(lambda jax: ERRORS[name](jax, ref(jax))))


def stashing(jax: Any, r: Any) -> Any:
    """An identity that writes the cotangents that go through it to a ref."""
    f = jax.custom_vjp(lambda ref, x: x)

    def bwd(ref: Any, ct: Any) -> Any:
        ref[0] = ct
        return None, 2 * ct

    f.defvjp(lambda ref, x: (x, ref), bwd)
    return lambda x: jax.numpy.sin(f(r, x))


@same_in_both
def test_a_backward_rule_writes_a_ref(jax: Any) -> Any:
    r = ref(jax)
    f, seen = stashing(jax, r), []
    for grad in (jax.grad(f), lambda x: jax.vjp(f, x)[1](3.0), jax.jit(jax.grad(f)), jax.grad(jax.jit(f))):
        seen.append((grad(1.0), r[...]))
    return seen


@same_in_both
def test_a_value_without_gradient_is_written(jax: Any) -> Any:
    r = ref(jax)

    def f(x: Any) -> Any:
        r[0] += jax.lax.stop_gradient(x)
        return x**2

    return jax.grad(f)(2.0), jax.value_and_grad(jax.jit(f))(3.0), r[...]


@same_in_both
def test_branches_take_refs(jax: Any) -> Any:
    r = ref(jax)

    def true(a: Any, x: Any) -> Any:
        a[0] = x
        return a[1]

    def false(a: Any, x: Any) -> Any:
        a[1] += x
        return a[0]

    five = np.float32(5)
    outs = [jax.lax.cond(p, true, false, r, five) for p in (True, False)]
    outs.append(jax.jit(lambda p, a: jax.lax.cond(p, true, false, a, five))(False, r))
    return outs, r[...], jax.lax.switch(1, [true, false], r, five), r[...]


@same_in_both
def test_stages_of_functions_of_refs(jax: Any) -> Any:
    r, q = ref(jax), ref(jax, np.float32(2))

    @jax.jit
    def f(a: Any, x: Any) -> Any:
        a[0] += x
        q[...] *= 3
        return a[1:], q[...] + x

    f = f.lower(r, 1.0).compile()
    g = jax.jit(lambda: q[...] * 2)
    return f(r, 1.0), r[...], f(r, 5.0), r[...], q[...], g.lower().compile()(), g.eval_shape(), g.trace().out_info


@same_in_both
def test_checkpointed_functions_read_and_write_refs(jax: Any) -> Any:
    r, q = ref(jax, np.float32(2)), ref(jax, np.float32(0))

    def f(x: Any) -> Any:
        q[...] = r[...] + 1
        return jax.numpy.sin(x) * r[...] * q[...]

    f = jax.checkpoint(f)
    return f(1.0), jax.grad(f)(1.0), jax.jit(jax.grad(f))(1.0), jax.jvp(f, (1.0,), (1.0,)), r[...], q[...]


def told(program: Callable[[], Any]) -> str:
    """The whole message of an error, without places in files."""
    with pytest.raises((ValueError, TypeError)) as raised:
        program()
    return re.sub(r"/\S+:\d+(:\d+)?", "here", str(raised.value))


MESSAGES: dict[str, Callable[[Any, Any], Any]] = {
    "argument": lambda jax, r: jax.jit(lambda a: a)(r),
    "argument in a tree": lambda jax, r: jax.jit(lambda a: {"hi": a})(r),
    "closed over": lambda jax, r: jax.jit(lambda: r)(),
    "made inside": lambda jax, r: jax.jit(lambda x: jax.new_ref(x))(X),
    "made in a scan": lambda jax, r: jax.lax.scan(lambda c, x: (c, jax.new_ref(x)), 0, X),
    "made in a branch": lambda jax, r: jax.lax.cond(True, lambda: jax.new_ref(X), lambda: jax.new_ref(X)),
    "checkpoint": lambda jax, r: jax.checkpoint(lambda x: r)(1.0),
    "carried by a scan": lambda jax, r: jax.lax.scan(lambda c, x: (c, x), {"a": r}, X),
    "carried by a while_loop": lambda jax, r: jax.lax.while_loop(lambda c: True, lambda c: c, r),
    "twice to branches": lambda jax, r: jax.lax.cond(True, lambda a, b: a[...], lambda a, b: b[...], r, r),
    "twice": lambda jax, r: jax.jit(lambda a, b: a[...])([r], {"x": r}),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    assert_same(*run_both(lambda jax: told(lambda: MESSAGES[name](jax, ref(jax)))))
