"""Refs that derivatives, vmap and backward rules are given: read and written, inside of loops and checkpoints too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both
from compat.test_ref import ref, store

X = np.array([0.5, 1.0, 2.0], np.float32)


def scaled(r: Any, x: Any) -> Any:
    """Write a product, and give another."""
    r[...] = r[...] * x
    return r[...] * x


def forward(jax: Any) -> Any:
    """jvp and linearize by refs: tangents are refs, which are written as their refs are."""
    seen = []
    for fun in (scaled, jax.jit(scaled)):
        r, t = ref(jax, np.float32(2)), ref(jax, np.float32(1))
        seen += [jax.jvp(fun, (r, 3.0), (t, 1.0)), r[...], t[...]]
    r, t = ref(jax, np.float32(2)), ref(jax, np.float32(1))
    out, push = jax.linearize(scaled, r, 3.0)
    same = jax.jvp(lambda r: r, (r,), (t,))
    return seen, out, r[...], push(t, 1.0), t[...], same[0] is r, same[1] is t


def looped(jax: Any) -> Any:
    """jvp by a ref that a loop writes."""
    r, t = ref(jax, np.float32(2)), ref(jax, np.float32(1))

    def f(r: Any, x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (c + 1, scaled(r, c)), x, None, length=3)

    return jax.jvp(f, (r, 2.0), (t, 1.0)), r[...], t[...]


def unused(jax: Any) -> Any:
    """Reverse mode by a ref to which nothing flows back: its cotangent is a ref to zero."""
    r = ref(jax, np.float32(2))
    out, pull = jax.vjp(lambda r, x: x * x, r, 3.0)
    given = pull(1.0)
    return out, given[1], given[0][...], r[...]


def lanes(jax: Any) -> Any:
    """Refs that vmap gives: the one that was given, and one that is made inside; one that is not mapped is read."""
    r = ref(jax)
    made = jax.vmap(lambda x: jax.new_ref(x * 2))(X)
    read = jax.vmap(jax.jit(lambda x: r[0] + x))(X)
    shared = jax.vmap(lambda r, x: r[...] * x, in_axes=(None, 0))(r, X)
    return jax.vmap(lambda r: r)(r) is r, made[...], read, shared


def stashing(jax: Any) -> Any:
    """An identity that writes the cotangent that goes through it to a ref."""
    f = jax.custom_vjp(lambda ref, x: x)

    def bwd(ref: Any, ct: Any) -> Any:
        ref[...] = ct
        return None, ct

    f.defvjp(lambda ref, x: (x, ref), bwd)
    return f


def in_loop(jax: Any, wrap: Callable[[Any], Any] = lambda f: f) -> Any:
    """The ref is closed over by a loop's body."""
    stash = stashing(jax)

    def f(ref: Any, x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (wrap(lambda r, c: jax.numpy.sin(stash(r, c)))(ref, c), None), x, None, 3)[0]

    return f


def over_rows(jax: Any) -> Any:
    """The loop goes over the rows of the ref."""
    stash = stashing(jax)
    return lambda ref, x: jax.lax.scan(lambda c, r: (jax.numpy.sin(stash(r, c)), None), x, ref)[0]


def called(jax: Any, wrap: Callable[[Any], Any]) -> Any:
    """The function is jitted, or checkpointed."""
    stash = stashing(jax)
    return wrap(lambda ref, x: jax.numpy.sin(stash(ref, jax.numpy.sin(x))))


WHERE: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "loop": (np.float32(0), in_loop),
    "loop of jit": (np.float32(0), lambda jax: in_loop(jax, jax.jit)),
    "loop of checkpoint": (np.float32(0), lambda jax: in_loop(jax, jax.checkpoint)),
    "checkpoint of loop": (np.float32(0), lambda jax: jax.checkpoint(in_loop(jax))),
    "rows": (X, over_rows),
    "jit of rows": (X, lambda jax: jax.jit(over_rows(jax))),
    "jit": (np.float32(0), lambda jax: called(jax, jax.jit)),
    "checkpoint": (np.float32(0), lambda jax: called(jax, jax.checkpoint)),
}


@pytest.mark.parametrize("name", WHERE)
def test_a_backward_rule_writes_a_ref(name: str) -> None:
    value, make = WHERE[name]

    def program(jax: Any) -> Any:
        f, seen = make(jax), []
        for grad in (jax.grad(f, 1), jax.jit(jax.grad(f, 1))):
            r = ref(jax, value)
            seen.append((grad(r, 1.0), r[...]))
        return seen

    expected, actual = run_both(program)
    assert expected.error is None, expected
    assert_same(expected, actual)


def stashed_lanes(jax: Any) -> Any:
    """The lanes of a ref, written by a backward rule of vmap, inside of it and outside."""
    stash, f = stashing(jax), in_loop(jax)
    seen = []
    for fun in (stash, f):
        r = ref(jax)
        seen += [jax.vmap(jax.grad(fun, 1))(r, X), r[...]]
        seen += [jax.grad(lambda x, fun=fun, r=r: jax.vmap(fun)(r, x).sum())(2 * X), r[...]]
    return seen


def accumulated(jax: Any) -> Any:
    """Gradients added up in a ref, in a loop."""

    def step(total: Any, x: Any) -> Any:
        pull = jax.vjp(lambda w, x: jax.numpy.sin(w * x).sum(), jax.numpy.asarray(X), x)[1]
        return pull.with_refs(total, jax.ad.DontWant())(np.float32(1))

    total = ref(jax, 0 * X)
    jax.jit(lambda r, xs: jax.lax.scan(lambda c, x: (c, step(r, x)[:0]), None, xs))(total, np.stack([X, 2 * X]))
    return total[...]


def rule_of_refs(jax: Any) -> Any:
    """A custom_jvp function of a ref: its rule gets a ref to zeros for a tangent; what is traced refuses it."""
    f = jax.custom_jvp(lambda r, x: (store(r, ..., r[...] + x), x * 2)[1])
    f.defjvp(lambda p, t: (f(*p), t[1] * 5 + t[0][...]))
    returned, closed = jax.custom_jvp(lambda x: jax.new_ref(x)), jax.custom_jvp(lambda x: (store(r, ..., x), x)[1])
    closed.defjvp(lambda p, t: (closed(*p), t[0] * 5))
    returned.defjvp(lambda p, t: (returned(*p), t[0]))
    r, x = ref(jax, X), jax.numpy.asarray(X)
    seen = [f(r, x), jax.jvp(lambda x: f(r, x), (x,), (x,)), jax.grad(lambda x: f(r, x).sum())(x), r[...]]
    seen += [jax.vmap(f)(r, x), r[...], closed(x), jax.grad(lambda x: closed(x).sum())(x), r[...], returned(x)[...]]
    for g in (lambda x: f(r, x), closed, returned):
        try:
            jax.jit(g)(x)
        except (NotImplementedError, ValueError) as error:  # its words are compared
            seen.append(str(error).split(" at ")[0])
    return seen, r[...]


PROGRAMS = [forward, looped, unused, lanes, stashed_lanes, accumulated, rule_of_refs]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program: Any) -> None:
    expected, actual = run_both(program)
    assert expected.error is None, expected
    assert_same(expected, actual)


def twice(jax: Any) -> Any:
    """A custom_vjp function of two refs."""
    f = jax.custom_vjp(lambda a, b: b[0])
    f.defvjp(lambda a, b: (b[0], None), lambda _, ct: (None, None))
    return f


ERRORS: dict[str, Callable[[Any, Any], Any]] = {
    "grad by a ref": lambda jax, r: jax.grad(lambda r: (r[...] ** 2).sum())(r),
    "vmapped twice": lambda jax, r: jax.vmap(lambda a, b: a[...])(r, r),
    "lanes": lambda jax, r: jax.vmap(lambda a, b: a[...] + b)(r, np.ones(4, np.float32)),
    "unbatched": lambda jax, r: jax.vmap(lambda a, x: store(a, 0, 1.0), in_axes=(None, 0))(r, X),
    "unbatched sum": lambda jax, r: jax.vmap(lambda x: jax.ref.addupdate(r, (0,), x))(X),
    "scanned twice": lambda jax, r: jax.lax.scan(lambda c, x: (c, x[0][...]), 0.0, (r, r)),
    "scanned and closed over": lambda jax, r: jax.lax.scan(lambda c, x: (c, x[...] + r[0]), 0.0, r),
    "cond and closed over": lambda jax, r: jax.lax.cond(True, lambda a: a[0] + r[0], lambda a: a[0], r),
    "rule twice": lambda jax, r: twice(jax)(r, r),
    "indices": lambda jax, r: r[0, 0],
    "step": lambda jax, r: r[::-1],
    "index out of bounds": lambda jax, r: r[jax.numpy.int32(3)],
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    assert_same(*run_both(lambda jax: ERRORS[name](jax, ref(jax))))
