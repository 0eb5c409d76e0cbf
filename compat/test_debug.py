"""jax.debug: what is printed, in which order, under which transformations; breakpoints; shardings."""

from __future__ import annotations

import io
import logging
import re
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both, sampled

X = np.array([0.5, 1.0, 2.0], np.float32)
BATCH = np.arange(6, dtype=np.float32).reshape(2, 3)


def printing(use: Any) -> Any:
    """The program, its prints finished."""

    def program(jax: Any) -> Any:
        out = use(jax)
        out = jax.block_until_ready(out)
        jax.effects_barrier()
        return out

    return program


def said(jax: Any, fmt: str = "x: {}", **options: Any) -> Any:
    """A function that prints its argument, in order, and doubles it."""
    options.setdefault("ordered", True)

    def f(x: Any) -> Any:
        jax.debug.print(fmt, x, **options)
        return x * 2

    return f


def unordered(jax: Any) -> Any:
    """The same without order, which a vmap needs."""
    return said(jax, ordered=False)


def _logged(jax: Any) -> Any:
    logger = logging.getLogger("jax._src.debugging")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(filename)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        jax.jit(lambda x: (jax.debug.log("x: {}", x), x)[1])(1.0)
        jax.effects_barrier()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return stream.getvalue()


def _scan(jax: Any, **options: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        jax.debug.print("c {c} x {x}", c=c, x=x, ordered=True)
        return c + x, c * x

    return lambda x: jax.lax.scan(step, jax.numpy.float32(0), x, **options)


def _while(jax: Any) -> Any:
    def cond(c: Any) -> Any:
        jax.debug.print("cond {}", c, ordered=True)
        return c < 3

    def body(c: Any) -> Any:
        jax.debug.print("body {}", c, ordered=True)
        return c + 1

    return lambda c: jax.lax.while_loop(cond, body, c)


def _cond(jax: Any, ordered: bool = True) -> Any:
    def left(x: Any) -> Any:
        jax.debug.print("left {}", x, ordered=ordered)
        return x

    def right(x: Any) -> Any:
        jax.debug.print("right {}", x, ordered=ordered)
        return x * 2

    return lambda p, x: jax.lax.cond(p, left, right, x)


def _switch(jax: Any) -> Any:
    def branch(k: int) -> Any:
        return lambda x: (jax.debug.print("branch {}: {}", k, x, ordered=True), x + k)[1]

    return lambda k: jax.lax.switch(k, [branch(0), branch(1), branch(2)], 1.0)


def _custom_jvp(jax: Any) -> Any:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        jax.debug.print("f {}", x, ordered=True)
        return x**2

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        jax.debug.print("rule {}", primals[0], ordered=True)
        return f(primals[0]), 2 * primals[0] * tangents[0]

    return f


def _custom_vjp(jax: Any) -> Any:
    @jax.custom_vjp
    def f(x: Any) -> Any:
        jax.debug.print("f {}", x, ordered=True)
        return x**2

    def fwd(x: Any) -> Any:
        jax.debug.print("fwd {}", x, ordered=True)
        return x**2, x

    def bwd(x: Any, g: Any) -> Any:
        jax.debug.print("bwd {} {}", x, g, ordered=True)
        return (2 * x * g,)

    f.defvjp(fwd, bwd)
    return f


def _shows_cotangent(jax: Any) -> Any:
    @jax.custom_vjp
    def look(x: Any) -> Any:
        return x

    def bwd(_: Any, g: Any) -> Any:
        jax.debug.print("cotangent {}", g)
        return (g,)

    look.defvjp(lambda x: (x, None), bwd)
    return jax.jit(jax.grad(lambda x: jax.numpy.sin(look(x * 2))))(1.0)


def _callback(jax: Any, **options: Any) -> Any:
    log: list[Any] = []

    def f(x: Any) -> Any:
        jax.debug.callback(lambda *a, **k: log.append((list(map(str, a)), k)), x, "text", n=3, ordered=True)
        return x

    jax.jit(f)(1.0)
    jax.effects_barrier()
    return str(log)


def _two_calls(jax: Any) -> Any:
    jax.debug.print(ordered=True)("x {x}", x=1.0)
    jax.debug.callback(ordered=True)(lambda x: print("called", x), 2.0)
    return jax.debug.print(skip_format_check=True)("no field", 3)


def _print_options(jax: Any) -> Any:
    with np.printoptions(precision=2):
        f = jax.jit(lambda x: (jax.debug.print("{}", x), x)[1])
        f(np.array([1.23456], np.float32))
        jax.effects_barrier()
    return f(np.array([1.23456], np.float32))


PRINTS: dict[str, Any] = {
    "eager": lambda jax: said(jax)(jax.numpy.float32(1)),
    "a number": lambda jax: said(jax)(1),
    "numpy": lambda jax: said(jax)(X),
    "jit": lambda jax: jax.jit(said(jax))(1.0),
    "each run": lambda jax: [f(np.float32(k)) for f in [jax.jit(said(jax))] for k in range(3)],
    "with nothing used": lambda jax: jax.jit(lambda x: (said(jax)(x), 1.0)[1])(2.0),
    "jit without results": lambda jax: jax.jit(lambda x: jax.debug.print("only {}", x))(2.0),
    "jit without arguments": lambda jax: jax.jit(lambda: jax.debug.print("nothing"))(),
    "twice": lambda jax: jax.jit(lambda x: said(jax, "b: {}")(said(jax, "a: {}")(x)))(1.0),
    "in a nested jit": lambda jax: jax.jit(lambda x: jax.jit(said(jax))(x) + jax.jit(said(jax))(x + 1))(1.0),
    "a closed over value": lambda jax: jax.jit(lambda x: (jax.debug.print("{} {}", x, X), x)[1])(1.0),
    "named": lambda jax: jax.jit(lambda x: (jax.debug.print("x={x} y={y}", x=x, y=x + 1), x)[1])(1.0),
    "formats": lambda jax: jax.jit(lambda x: (jax.debug.print("{:.3f} {x:>8.1f} {{}} {0!r}", x, x=x), x)[1])(1.0),
    "trees": lambda jax: jax.jit(lambda x: (jax.debug.print("{}", {"a": x, "b": [x, None, "t"]}), x)[1])(1.0),
    "attributes and indices": lambda jax: jax.jit(lambda x: (jax.debug.print("{0.shape} {1[0]}", x, [x]), x)[1])(1.0),
    "no fields": lambda jax: jax.debug.print("no fields at all"),
    "no fields, argument": lambda jax: jax.debug.print("no fields", 1),
    "no fields, unchecked": lambda jax: jax.debug.print("no fields", 1, X, skip_format_check=True),
    "only braces": lambda jax: jax.debug.print("{{}}"),
    "empty": lambda jax: jax.debug.print(""),
    "text": lambda jax: jax.debug.print("{} {}", "a text", None),
    "bool and complex": lambda jax: jax.jit(lambda x: jax.debug.print("{} {}", x > 0, x + 1j))(1.0),
    "bfloat16": lambda jax: jax.jit(lambda x: jax.debug.print("{}", x))(jax.numpy.array(X, "bfloat16")),
    "a key": lambda jax: jax.jit(lambda k: jax.debug.print("{}", k))(jax.random.key(0)),
    "long": lambda jax: jax.debug.print("{}", jax.numpy.arange(2000)),
    "print options": _print_options,
    "format string is None": lambda jax: jax.debug.print(None, 1),
    "too few": lambda jax: jax.debug.print("{} {}", 1),
    "too few in jit": lambda jax: jax.jit(lambda x: jax.debug.print("{} {}", x))(1.0),
    "too many": lambda jax: jax.debug.print("{}", 1, 2),
    "unknown name": lambda jax: jax.debug.print("{x}", y=1),
    "unused name": lambda jax: jax.debug.print("{x}", x=1, y=2),
    "an f-string": lambda jax: jax.debug.print("1.0", x=2),
    "mixed numbering": lambda jax: jax.debug.print("{} {0}", 1),
    "bad format": lambda jax: jax.debug.print("{", 1),
    "bad format code": lambda jax: jax.debug.print("{:d}", "text"),
    "two calls": _two_calls,
    "grad": lambda jax: jax.grad(said(jax))(1.0),
    "value_and_grad of jit": lambda jax: jax.value_and_grad(jax.jit(said(jax)))(1.0),
    "jit of grad": lambda jax: jax.jit(jax.grad(said(jax)))(1.0),
    "grad of grad": lambda jax: jax.grad(jax.grad(lambda x: said(jax)(x) ** 3))(1.0),
    "jvp": lambda jax: jax.jvp(said(jax), (1.0,), (2.0,)),
    "jvp of jit": lambda jax: jax.jvp(jax.jit(said(jax)), (1.0,), (2.0,)),
    "vjp": lambda jax: jax.vjp(said(jax), 1.0)[1](3.0),
    "linearize": lambda jax: jax.linearize(said(jax), 1.0)[1](3.0),
    "hessian": lambda jax: jax.hessian(lambda x: said(jax, ordered=False)(x) ** 2)(1.0),
    "vmap": lambda jax: jax.vmap(unordered(jax))(X),
    "vmap of vmap": lambda jax: jax.vmap(jax.vmap(unordered(jax)))(BATCH),
    "vmap over axis 1": lambda jax: jax.vmap(unordered(jax), in_axes=1)(BATCH),
    "vmap of unmapped": lambda jax: jax.vmap(lambda x: x + unordered(jax)(1.0))(X),
    "vmap of nothing": lambda jax: jax.vmap(unordered(jax))(X[:0]),
    "ordered vmap": lambda jax: jax.vmap(said(jax))(X),
    "ordered vmap of jit": lambda jax: jax.vmap(jax.jit(said(jax)))(X),
    "jit of vmap": lambda jax: jax.jit(jax.vmap(said(jax)))(X),
    "vmap of grad": lambda jax: jax.vmap(jax.grad(said(jax)))(X),
    "grad of vmap": lambda jax: jax.grad(lambda x: jax.vmap(said(jax))(x).sum())(X),
    "vmap of some": lambda jax: jax.vmap(lambda x, y: (jax.debug.print("{} {}", x, y), x + y)[1], in_axes=(0, None))(
        X, 1.0
    ),
    "scan": lambda jax: _scan(jax)(X),
    "reversed scan": lambda jax: _scan(jax, reverse=True)(X),
    "scan in jit": lambda jax: jax.jit(_scan(jax))(X),
    "grad of scan": lambda jax: jax.grad(lambda x: _scan(jax)(x)[0])(X),
    "jit of grad of scan": lambda jax: jax.jit(jax.grad(lambda x: _scan(jax)(x)[1].sum()))(X),
    "jvp of scan": lambda jax: jax.jvp(_scan(jax), (X,), (X,)),
    "vmap of scan": lambda jax: jax.vmap(_scan(jax))(BATCH),
    "while": lambda jax: _while(jax)(jax.numpy.float32(0)),
    "while in jit": lambda jax: jax.jit(_while(jax))(jax.numpy.float32(0)),
    "jvp of while": lambda jax: jax.jvp(_while(jax), (1.0,), (2.0,)),
    "fori": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: c + said(jax)(i), 0),
    "fori in jit": lambda jax: jax.jit(lambda n: jax.lax.fori_loop(0, n, lambda i, c: c + said(jax)(i), 0))(3),
    "grad of fori": lambda jax: jax.grad(lambda x: jax.lax.fori_loop(0, 3, lambda i, c: said(jax)(c), x))(1.0),
    "cond": lambda jax: [_cond(jax)(p, 1.0) for p in (True, False)],
    "cond in jit": lambda jax: [f(p, 1.0) for f in [jax.jit(_cond(jax))] for p in (True, False)],
    "grad of cond": lambda jax: jax.grad(lambda x: _cond(jax)(True, x))(1.0),
    "jit of grad of cond": lambda jax: jax.jit(jax.grad(lambda x, p: _cond(jax)(p, x)))(1.0, False),
    "jvp of cond": lambda jax: jax.jvp(lambda x: _cond(jax)(False, x), (1.0,), (2.0,)),
    "vmap of cond by one": lambda jax: jax.vmap(_cond(jax), in_axes=(None, 0))(True, X),
    "vmap of cond": lambda jax: jax.vmap(_cond(jax, False))(np.array([True, False, True]), X),
    "switch": lambda jax: [f(k) for f in [jax.jit(_switch(jax))] for k in (0, 1, 2, 5)],
    "map": lambda jax: jax.lax.map(said(jax), X),
    "custom_jvp": lambda jax: _custom_jvp(jax)(jax.numpy.array(X)),
    "custom_jvp, grad": lambda jax: jax.grad(_custom_jvp(jax))(1.0),
    "custom_jvp, jit": lambda jax: jax.jit(_custom_jvp(jax))(1.0),
    "custom_jvp, jit of grad": lambda jax: jax.jit(jax.grad(_custom_jvp(jax)))(1.0),
    "custom_vjp": lambda jax: _custom_vjp(jax)(jax.numpy.array(X)),
    "custom_vjp, grad": lambda jax: jax.grad(_custom_vjp(jax))(1.0),
    "custom_vjp, jit": lambda jax: jax.jit(_custom_vjp(jax))(1.0),
    "custom_vjp, jit of grad": lambda jax: jax.jit(jax.grad(_custom_vjp(jax)))(1.0),
    "checkpoint": lambda jax: jax.checkpoint(lambda x: jax.numpy.sin(said(jax)(x)))(1.0),
    "checkpoint, grad": lambda jax: jax.grad(jax.checkpoint(lambda x: jax.numpy.sin(said(jax)(x))))(1.0),
    "checkpoint, jit of grad": lambda jax: jax.jit(jax.grad(jax.checkpoint(lambda x: jax.numpy.sin(said(jax)(x)))))(
        1.0
    ),
    "checkpoint that keeps all": lambda jax: jax.grad(
        jax.checkpoint(lambda x: jax.numpy.sin(said(jax)(x)), policy=jax.checkpoint_policies.everything_saveable)
    )(1.0),
    "map by two": lambda jax: jax.lax.map(said(jax), X, batch_size=2),
    "linearize of a part": lambda jax: jax.linearize(lambda x: jax.numpy.sin(said(jax)(x)) * x, 1.0)[1](2.0),
    "jacfwd": lambda jax: jax.jacfwd(said(jax))(X),
    "jacrev": lambda jax: jax.jacrev(said(jax))(X),
    "associative_scan": lambda jax: jax.lax.associative_scan(lambda a, b: said(jax)(a + b), X),
    "named axis": lambda jax: jax.vmap(lambda x: said(jax)(jax.lax.psum(x, "i")), axis_name="i")(X),
    "a cotangent": _shows_cotangent,
    "disable_jit": lambda jax: _without_jit(jax, lambda: jax.jit(said(jax))(1.0)),
    "eval_shape": lambda jax: jax.eval_shape(said(jax), 1.0),
    "eval_shape of vmap": lambda jax: jax.eval_shape(jax.vmap(said(jax)), X),
    "compiled": lambda jax: jax.jit(said(jax)).lower(1.0).compile()(1.0),
    "log": _logged,
    "callback": _callback,
    "callback, not callable": lambda jax: jax.debug.callback(3, 1.0),
    "callback, two calls with arguments": lambda jax: jax.debug.callback(None, 1.0),
    "callback that raises": lambda jax: jax.debug.callback(lambda x: 1 / 0, 1.0),
    "effects": lambda jax: sorted(
        type(e).__name__ for e in jax.make_jaxpr(lambda x: said(jax)(unordered(jax)(x)))(1.0).effects
    ),
    "effects of scan": lambda jax: [type(e).__name__ for e in jax.make_jaxpr(_scan(jax))(X).effects],
    "effects of while": lambda jax: [type(e).__name__ for e in jax.make_jaxpr(_while(jax))(1.0).effects],
    "effects of cond": lambda jax: [type(e).__name__ for e in jax.make_jaxpr(_cond(jax))(True, 1.0).effects],
    "effects of nothing": lambda jax: len(jax.make_jaxpr(lambda x: x)(1.0).effects),
    "in a thread": lambda jax: _in_thread(jax),
}


def _without_jit(jax: Any, use: Any) -> Any:
    with jax.disable_jit():
        return use()


def _in_thread(jax: Any) -> Any:
    import threading

    out: list[Any] = []
    thread = threading.Thread(target=lambda: out.append(jax.jit(said(jax))(1.0)))
    thread.start()
    thread.join()
    return out


SLOW = (
    "hessian; jacfwd; jacrev; grad of grad; vmap of vmap; associative_scan; map by two; vmap of scan; linearize of a part; "
    "grad of vmap; vmap over axis 1; reversed scan; vmap of grad"
)


@pytest.mark.parametrize("name", sampled(PRINTS, SLOW))
def test_prints(name: str) -> None:
    assert_same(*run_both(printing(PRINTS[name])))


# Breakpoints


def _session(jax: Any, f: Any, *commands: str) -> Any:
    """What the debugger says to these commands, paths and lines left out."""
    out = io.StringIO()
    stdin = io.StringIO("\n".join([*commands, ""]))
    f(backend="cli", num_frames=2, stdin=stdin, stdout=out)
    jax.effects_barrier()
    return re.sub(r"(> ).*", r"\1FILE", re.sub(r'File ".*', "File", out.getvalue()))


def _eager_stop(jax: Any) -> Any:
    def f(**how: Any) -> Any:
        x = jax.numpy.sin(2.0)
        jax.debug.breakpoint(**how)
        return x

    return _session(jax, f, "p x", "x + 1", "pp [x, 2]", "p y", "p 1 / 0", "list", "c")


def _stop_in_jit(jax: Any) -> Any:
    def f(**how: Any) -> Any:
        def g(x: Any) -> Any:
            tree = {"a": x * 2, "b": "text"}
            jax.debug.breakpoint(**how)
            return tree["a"]

        return jax.jit(g)(jax.numpy.float32(1.0))

    return _session(jax, f, "p x", "p tree", "c")


def _stop_twice(jax: Any) -> Any:
    def f(**how: Any) -> Any:
        def g(x: Any) -> Any:
            jax.debug.breakpoint(ordered=True, **how)
            y = x + 1
            jax.debug.breakpoint(ordered=True, **how)
            return y

        return jax.jit(g)(1)

    return _session(jax, f, "p x", "c", "p y", "c")


def _stop_up_and_down(jax: Any) -> Any:
    def f(**how: Any) -> Any:
        outer = 3

        def g(inner: Any) -> Any:
            jax.debug.breakpoint(**how)
            return inner

        return g(outer + 1)

    return _session(jax, f, "p inner", "u", "p outer", "u", "d", "p inner", "d", "bt", "c")


def _stop_with_token(jax: Any) -> Any:
    def f(**how: Any) -> Any:
        def g(x: Any) -> Any:
            x = jax.debug.breakpoint(token=x, **how)
            return x * 2

        return jax.jit(g)(jax.numpy.float32(1.0))

    return _session(jax, f, "p x", "c")


STOPS = {
    "eager": _eager_stop,
    "in jit": _stop_in_jit,
    "twice": _stop_twice,
    "up and down": _stop_up_and_down,
    "with a token": _stop_with_token,
    "with order and token": lambda jax: jax.debug.breakpoint(ordered=True, token=1.0),
}


@pytest.mark.parametrize("name", sampled(STOPS, "twice; up and down"))
def test_stops(name: str) -> None:
    assert_same(*run_both(STOPS[name]))


# Shardings


def _inspected(jax: Any, wrap: Any) -> Any:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        jax.debug.inspect_array_sharding(x, callback=seen.append)
        return x

    wrap(f)(jax.numpy.array(X))
    return [sorted(d.platform for d in s.device_set) for s in seen]


def test_inspect() -> None:
    assert_same(*run_both(lambda jax: _inspected(jax, lambda f: f)))
    assert_same(*run_both(lambda jax: _inspected(jax, jax.jit)))


@same_in_both
def test_inspect_where_it_was_put(jax: Any) -> Any:
    """Over a mesh: what the array was put with."""
    sharding = jax.sharding.NamedSharding(jax.make_mesh((1,), ("x",)), jax.sharding.PartitionSpec("x"))
    seen: list[Any] = []
    x = jax.device_put(X, sharding)
    jax.debug.inspect_array_sharding({"a": x}, callback=seen.append)
    return seen[0] == sharding, type(seen[0]).__name__, jax.device_put(x, sharding) is x


@pytest.mark.parametrize("shape", [(4, 2), (4, 4), (8,), (3, 50), (1, 2, 3)], ids=str)
def test_visualize(shape: tuple[int, ...]) -> None:
    pytest.importorskip("rich")  # JAX needs it
    assert_same(*run_both(lambda jax: jax.debug.visualize_array_sharding(jax.numpy.ones(shape))))
    assert_same(*run_both(lambda jax: jax.debug.visualize_array_sharding(jax.numpy.ones(shape), scale=2.0)))
    where = lambda jax: jax.sharding.SingleDeviceSharding(jax.devices("cpu")[0])  # noqa: E731
    assert_same(*run_both(lambda jax: jax.debug.visualize_sharding(shape, where(jax))))


@same_in_both
def test_a_rule_shows_tangents_that_are_known(jax: Any) -> Any:
    """In forward mode; in reverse mode a tangent has no value, and only what does not depend on one is shown."""
    seen: list[Any] = []
    f = jax.custom_jvp(lambda x: x)

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        ((x,), (t,)) = primals, tangents
        jax.debug.callback(lambda *values: seen.append(tuple(map(float, values))), x, t)
        jax.debug.callback(lambda value: seen.append(float(value)), x)
        return x, t

    jax.jvp(f, (1.0,), (2.0,))
    jax.grad(f)(3.0)
    jax.jit(jax.grad(f))(4.0)
    jax.effects_barrier()
    return seen
