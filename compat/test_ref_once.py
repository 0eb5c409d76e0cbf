"""A traced function that closes over refs: its Python runs once, and values go in and out of each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.arange(3, dtype=np.float32)
ONES = np.ones(3, np.float32)


class Told:
    """What a program has: jax, a ref, another one, and how often its functions ran."""

    def __init__(self, jax: Any) -> None:
        self.jax, self.jnp, self.lax = jax, jax.numpy, jax.lax
        self.r, self.s = jax.new_ref(jax.numpy.ones(3)), jax.new_ref(jax.numpy.ones(3))
        self.x = jax.numpy.asarray(X)
        self.ran: list[str] = []

    def touch(self, ref: Any, name: str = "f") -> Any:
        """Read and write a ref; gives what it holds then."""
        self.ran.append(name)
        ref[...] = ref[...] * 2 + 1
        return ref[...]

    def read(self, name: str = "f") -> Any:
        """Read the ref."""
        self.ran.append(name)
        return self.r[...]

    def step(self, c: Any, x: Any) -> Any:
        """Of a loop: writes."""
        return c + self.touch(self.r).sum(), x * self.r[...]

    def adding(self, c: Any, x: Any) -> Any:
        """Of a loop: reads."""
        return c + x * self.read().sum(), None


def jitted(t: Any) -> Any:
    f = t.jax.jit(lambda x: x + t.touch(t.r))
    return f(t.x), f(t.x)


def two_refs(t: Any) -> Any:
    f = t.jax.jit(lambda x: x + t.touch(t.r) * t.touch(t.s))
    return f(t.x), f(t.x)


def only_read(t: Any) -> Any:
    f = t.jax.jit(lambda x: x + t.read())
    first = f(t.x)
    t.r[...] = t.x
    return first, f(t.x)


def jit_in_jit(t: Any) -> Any:
    def outer(x: Any) -> Any:
        t.ran.append("outer")
        g = t.jax.jit(lambda x: x + t.touch(t.r))
        return g(x) + g(x)

    f = t.jax.jit(outer)
    return f(t.x), f(t.x)


def other_shapes(t: Any) -> Any:
    f = t.jax.jit(lambda x: x + t.touch(t.r)[0])
    return f(t.x), f(t.x[:2]), f(t.x)


def another_ref(t: Any) -> Any:
    held = [t.r]
    f = t.jax.jit(lambda x: x + t.touch(held[0]))
    first = f(t.x)
    held[0] = t.s
    return first, f(t.x), [g(t.x) for g in [t.jax.jit(lambda x, r=r: x + t.touch(r)) for r in (t.r, t.s)]]


def loop(t: Any) -> Any:
    return [t.lax.scan(t.step, t.jnp.float32(0), t.x) for _ in range(2)]


def loop_in_jit(t: Any) -> Any:
    f = t.jax.jit(lambda x: t.lax.scan(t.step, t.jnp.float32(0), x, reverse=True))
    return f(t.x), f(t.x)


def loop_of_refs(t: Any) -> Any:
    def step(c: Any, row: Any) -> Any:
        row[...] += t.touch(t.s)[0]
        return c + row[...], None

    return t.lax.scan(step, t.jnp.float32(0), t.r)


def handed_through(t: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        a, b = carry
        t.touch(t.r)
        return (a, b + t.s[0]), (x, a, t.r[...], t.s[...])

    return t.lax.scan(step, (t.jnp.float32(2), t.jnp.float32(0)), t.x)


def promoted(t: Any) -> Any:
    return t.lax.scan(lambda c, x: (c + x * t.touch(t.r).astype(x.dtype).sum(), None), 0.0, t.x.astype("bfloat16"))


def mapped(t: Any) -> Any:
    return t.lax.map(lambda x: x + t.touch(t.r), t.x)


def branches(t: Any) -> Any:
    def left(x: Any) -> Any:
        return x + t.touch(t.r, "left")

    def right(x: Any) -> Any:
        t.s[...] += t.read("right")
        return x

    return [t.lax.cond(p, left, right, t.x) for p in (True, False, t.x[0] > 0)]


def three_branches(t: Any) -> Any:
    options = [lambda x: x + t.touch(t.r, "a"), lambda x: x * t.touch(t.s, "b"), lambda x: x]
    return [t.lax.switch(k, options, t.x) for k in range(3)]


def while_loop(t: Any) -> Any:
    return t.lax.while_loop(lambda c: c < 4, lambda c: c + t.touch(t.r).astype(int)[0] * 0 + 1, 0)


def condition_reads(t: Any) -> Any:
    return t.lax.while_loop(lambda c: (c < 9) & (t.read()[0] < 3), lambda c: c + t.touch(t.s)[0].astype(int), 0)


def condition_writes(t: Any) -> Any:
    return t.lax.while_loop(lambda c: (t.touch(t.r)[0] < 40) & (c < 9), lambda c: c + 1, 0)


def counted(t: Any) -> Any:
    def body(i: Any, c: Any) -> Any:
        return c + i * t.touch(t.r)[0]

    return t.lax.fori_loop(0, 3, body, 0.0), t.jax.jit(lambda n: t.lax.fori_loop(0, n, body, 0.0))(2)


def nested(t: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        t.ran.append("step")
        return t.lax.cond(c > 1, lambda c: c + t.touch(t.r, "then")[0], lambda c: c, c) + 1, x

    f = t.jax.jit(lambda: t.lax.scan(step, t.jnp.float32(0), t.x))
    return f(), f()


def checkpointed(t: Any) -> Any:
    f = t.jax.checkpoint(lambda x: x * t.touch(t.r))
    g = t.jax.checkpoint(lambda x: t.lax.scan(t.adding, t.jnp.float32(0), x)[0])
    return f(t.x), f(t.x), t.jax.grad(g)(t.x)


def in_vmap(t: Any) -> Any:
    def f(x: Any) -> Any:
        return x * t.read().sum()

    return t.jax.vmap(f)(t.x), t.jax.vmap(t.jax.jit(f))(t.x), t.jax.jit(t.jax.vmap(f))(t.x)


def loop_in_vmap(t: Any) -> Any:
    f = t.jax.vmap(lambda x: t.lax.scan(t.adding, t.jnp.float32(0), x)[0])
    return f(np.ones((2, 3), np.float32)), t.jax.jit(f)(np.ones((2, 3), np.float32))


def lanes_of_refs(t: Any) -> Any:
    r = t.jax.new_ref(t.jnp.ones((2, 3)))

    def f(r: Any, x: Any) -> Any:
        return t.lax.scan(lambda c, x: (c + x * t.touch(r).sum(), None), t.jnp.float32(0), x)[0]

    return t.jax.vmap(f)(r, np.ones((2, 3), np.float32)), r[...]


def in_grad(t: Any) -> Any:
    def f(x: Any) -> Any:
        return (x * t.touch(t.r)).sum()

    return t.jax.grad(f)(t.x), t.jax.grad(t.jax.jit(f))(t.x), t.jax.jit(t.jax.grad(f))(t.x)


def loop_in_grad(t: Any) -> Any:
    def f(x: Any) -> Any:
        return t.lax.scan(lambda c, x: (c + x * t.touch(t.r).sum(), None), t.jnp.float32(0), x)[0]

    return t.jax.grad(f)(t.x), t.jax.jit(t.jax.grad(f))(t.x), t.jax.jvp(f, (t.x,), (t.x,))


def while_in_jvp(t: Any) -> Any:
    def f(x: Any) -> Any:
        return t.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * t.touch(t.r)), (0, x))[1]

    return t.jax.jvp(f, (t.x,), (t.x,))


def linearized(t: Any) -> Any:
    out, push = t.jax.linearize(t.jax.jit(lambda x: x * t.touch(t.r)), t.x)
    return out, push(t.x)


def a_rule(t: Any) -> Any:
    f = t.jax.custom_vjp(lambda x: x * t.touch(t.r, "fun"))

    def fwd(x: Any) -> Any:
        return x * t.touch(t.r, "fwd"), None

    f.defvjp(fwd, lambda _, g: (t.ran.append("bwd") or g * 2,))
    loop = t.lax.scan(lambda c, _: (f(c), None), t.x, None, length=2)[0]
    grads = [t.jax.grad(lambda x, g=g: g(x).sum())(t.x) for g in (f, t.jax.jit(f))]
    return f(t.x), t.jax.jit(lambda x: f(x) + f(x))(t.x), loop, grads


def a_rule_writes(t: Any) -> Any:
    f = t.jax.custom_vjp(lambda x: x * 2)

    def bwd(_: Any, g: Any) -> Any:
        t.r[...] = g
        return (g * 2,)

    f.defvjp(lambda x: (f(x), None), bwd)
    first = t.jax.grad(lambda x: f(x).sum())(t.x), t.r[...]
    return first, t.jax.jit(t.jax.grad(lambda x: f(x * x).sum()))(t.x)


def forward_rule(t: Any) -> Any:
    f = t.jax.custom_jvp(lambda x: x * t.read())
    f.defjvp(lambda p, q: (f(*p), q[0]))
    return f(t.x), t.jax.jit(f)(t.x)


def given_too(t: Any) -> Any:
    def f(r: Any, x: Any) -> Any:
        t.s[...] += t.touch(r)
        return x + r[...]

    g = t.jax.jit(f)
    return g(t.r, t.x), g(t.r, t.x)


def both_ways(t: Any) -> Any:
    return t.jax.jit(lambda a, x: x + a[...] + t.touch(t.r))(t.r, t.x)


def both_ways_in_branch(t: Any) -> Any:
    return t.lax.cond(True, lambda a, x: x + a[...] + t.touch(t.r), lambda a, x: x, t.r, t.x)


def made_inside(t: Any) -> Any:
    def f(x: Any) -> Any:
        r = t.jax.new_ref(x)
        g = t.jax.jit(lambda y: y + t.touch(r, "inner"))
        out = t.lax.scan(lambda c, _: (c, t.touch(r, "step")), 0.0, None, length=2), g(x), g(x)
        return out, r[...]

    return t.jax.jit(f)(t.x)


def staged(t: Any) -> Any:
    f = t.jax.jit(lambda x: x + t.touch(t.r))
    compiled = f.lower(t.x).compile()
    before = t.r[...]
    return before, compiled(t.x), compiled(t.x), f(t.x), f.eval_shape(t.x).shape


def shown(t: Any) -> Any:
    def f(x: Any) -> Any:
        return x + t.touch(t.r)

    return str(t.jax.make_jaxpr(f)(t.x)), t.jax.eval_shape(f, t.x).shape


def lanes_written(t: Any) -> Any:
    return t.jax.vmap(t.jax.jit(lambda x: t.r.__setitem__(..., x)))(np.ones((2, 3), np.float32))


def moved_written(t: Any) -> Any:
    return t.jax.grad(t.jax.jit(lambda x: (t.r.__setitem__(..., x), x.sum())[1]))(t.x)


def associative(t: Any) -> Any:
    return t.lax.associative_scan(lambda a, b: a + b * t.read("")[0], t.x)


def root(t: Any) -> Any:
    return t.lax.custom_root(lambda y: y - t.read(), t.x, lambda f, x: x, lambda g, y: y)


def linear_solve(t: Any) -> Any:
    solve = t.lax.custom_linear_solve
    return [solve(lambda y: y * t.r[...], t.x, lambda f, b: b / f(t.jnp.ones(3)), symmetric=True) for _ in range(2)]


def error_inside(t: Any) -> Any:
    def f(x: Any) -> Any:
        t.touch(t.r)
        raise KeyError("stop")

    try:
        t.jax.jit(f)(t.x)
    except KeyError:
        t.ran.append("caught")
    return t.jax.jit(lambda x: x + t.touch(t.r))(t.x)


def counter(t: Any) -> Any:
    count = t.jax.new_ref(t.jnp.int32(0))

    def up() -> Any:
        count[...] += 1
        return count[...]

    return [t.jax.jit(up)() for _ in range(3)], count[...]


def keys(t: Any) -> Any:
    key = t.jax.new_ref(t.jax.random.key(0))

    @t.jax.jit
    def draw() -> Any:
        key[...], own = t.jax.random.split(key[...])
        return t.jax.random.normal(own)

    return draw(), draw()


def options(t: Any) -> Any:
    f = t.jax.jit(lambda y, n=3: t.touch(t.r) * n + y, static_argnames="n")
    inner = t.jax.jit(lambda y: t.touch(t.s) + y, inline=True)
    g = t.jax.jit(lambda y: inner(y) + inner(y), donate_argnums=0)
    given = t.x + 1
    return f(t.x), f(t.x, n=2), g(given), given.is_deleted()


def without_jit(t: Any) -> Any:
    with t.jax.disable_jit():
        return t.jax.jit(lambda y: y + t.touch(t.r))(t.x), t.lax.scan(t.step, t.jnp.float32(0), t.x)


def called_back(t: Any) -> Any:
    def f(y: Any) -> Any:
        t.r[...] = t.jax.pure_callback(lambda v: v * 2, t.jax.ShapeDtypeStruct((3,), np.float32), t.r[...])
        return y

    return t.jax.jit(f)(t.x)


def exchanged(t: Any) -> Any:
    def f(a: Any, b: Any) -> Any:
        a[...], b[...] = b[...] * 2, a[...]
        return a[0]

    return t.jax.jit(f)(t.r, t.s)


def stashed_cotangent(t: Any) -> Any:
    def f(y: Any) -> Any:
        stash = t.jax.custom_vjp(lambda z: z)
        stash.defvjp(lambda z: (z, None), lambda _, g: (t.r.__setitem__(..., g) or g,))
        return t.jax.grad(lambda z: (stash(z) ** 2).sum())(y)

    return t.jax.jit(f)(t.x)


def given_to_branches(t: Any) -> Any:
    """Functions that are given other refs of the same types are not run again."""

    def then(ref: Any, y: Any) -> Any:
        return t.touch(ref, "then") * y

    def other(ref: Any, y: Any) -> Any:
        t.ran.append("other")
        ref[...] = y
        return y

    found = [t.lax.cond(k < 2, then, other, ref, t.x) for k, ref in enumerate([t.r, t.s, t.r])]
    found += [t.lax.switch(k, [other, then], ref, t.x) for k, ref in enumerate([t.r, t.s])]
    f = t.jax.jit(lambda ref, y: t.lax.cond(y[0] > 1, then, other, ref, y))
    return found, f(t.r, t.x), f(t.s, t.x), t.lax.cond(True, then, other, t.jax.new_ref(t.x[:2]), t.x[:2])


def given_within(t: Any) -> Any:
    """Branches that are run inside of one that has the same functions."""

    def inner(ref: Any, y: Any) -> Any:
        return t.touch(ref, "inner") + y

    def outer(ref: Any, y: Any) -> Any:
        y = y * t.touch(ref, "outer")
        return t.lax.cond(y[0] > 0, inner, inner, ref, y)

    def both() -> Any:
        return t.lax.cond(t.r[0] > 0, outer, inner, t.s, t.x)

    return both(), both()


def given_to_checkpoints(t: Any) -> Any:
    def f(ref: Any, k: Any, y: Any) -> Any:
        return t.touch(ref) * y * k[0]

    def g(one: Any, other: Any) -> Any:  # which may be the same, or be closed over as well
        one[...] += 1
        return one[...] + other[...] + t.r[...]

    given = t.jax.checkpoint(f, static_argnums=1)
    both = t.jax.checkpoint(g)
    found = [given(ref, (k,), t.x) for ref, k in [(t.r, 2), (t.s, 2), (t.r, 3), (t.r, 2)]]
    return found, both(t.s, t.s), both(t.r, t.s), both(t.s, t.r)


def backward_rule(t: Any) -> Any:
    """A rule that reads and writes a ref runs once for all calls of a jitted function, or a checkpointed one."""
    seen = t.jax.custom_vjp(lambda y: y * 2)

    def fwd(y: Any) -> Any:
        t.ran.append("fwd")
        return y * 2, y

    seen.defvjp(fwd, lambda y, c: (c * y + t.touch(t.r, "bwd") * 0,))

    def total(y: Any) -> Any:
        return seen(y).sum()

    jitted, again = t.jax.jit(total), t.jax.checkpoint(total)
    found = [t.jax.grad(jitted)(t.x + k) for k in range(3)]
    found += [t.jax.jit(t.jax.grad(jitted))(t.x), t.jax.grad(again)(t.x), t.jax.vjp(jitted, t.x)[1](t.jnp.float32(2))]
    two = t.jax.jit(lambda y: (seen(y), seen(y) * 3))
    _, pull = t.jax.vjp(two, t.x)
    return found, pull((t.x, t.x)), pull((t.x * 2, t.x)), t.r[...]


def backward_rule_of_ref(t: Any) -> Any:
    """The rule of a function that is given the ref."""
    seen = t.jax.custom_vjp(lambda ref, y: y * 2)

    def bwd(kept: Any, c: Any) -> Any:
        return None, c * kept[1] + t.touch(kept[0], "bwd") * 0

    seen.defvjp(lambda ref, y: (y * 2, (ref, y)), bwd)
    f = t.jax.jit(lambda ref, y: seen(ref, y).sum())
    return [t.jax.grad(f, argnums=1)(ref, t.x) for ref in (t.r, t.s, t.r)]


PROGRAMS = (
    given_to_branches, given_within, given_to_checkpoints, backward_rule, backward_rule_of_ref,
    counter, keys, options, without_jit, called_back, exchanged, stashed_cotangent,
    jitted, two_refs, only_read, jit_in_jit, other_shapes, another_ref, loop, loop_in_jit, loop_of_refs, handed_through,
    promoted, mapped, branches, three_branches, while_loop, condition_reads, condition_writes, counted, nested,
    checkpointed, in_vmap, loop_in_vmap, lanes_of_refs, in_grad, loop_in_grad, while_in_jvp, linearized, a_rule,
    a_rule_writes, forward_rule, given_too, both_ways, both_ways_in_branch, made_inside, staged, shown, lanes_written,
    moved_written, associative, root, linear_solve, error_inside,
)  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program: Callable[[Any], Any]) -> None:
    def run(jax: Any) -> Any:
        told = Told(jax)
        out = program(told)
        return out, told.ran, told.r[...], told.s[...]

    assert_same(*run_both(run))
