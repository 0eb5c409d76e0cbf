"""pure_callback, io_callback, debug.callback and debug.print: what is called, with what, how often, in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, sampled

X = np.array([0.5, 1.0, 2.0], np.float32)
BATCH = np.arange(6, dtype=np.float32).reshape(2, 3)


class Log:
    """What callbacks were given, as Python values."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Note the arguments."""
        self.entries.append([*(np.asarray(a).tolist() for a in args), *sorted(kwargs)])


def log_of(jax: Any, use: Any) -> Any:
    """The result of ``use(log)``, and the log."""
    log = Log()
    out = jax.block_until_ready(use(log))
    jax.effects_barrier()
    return out, log.entries


def f32(jax: Any, *shape: int) -> Any:
    """The type of a float32 array."""
    return jax.ShapeDtypeStruct(shape, np.float32)


def sine(jax: Any, **options: Any) -> Any:
    """numpy's sine of a scalar as a pure callback."""
    return lambda x: jax.pure_callback(np.sin, f32(jax), x, **options)


def custom_sine(jax: Any) -> Any:
    """The same with a derivative."""

    @jax.custom_jvp
    def f(x: Any) -> Any:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="sequential")

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return f(primals[0]), jax.numpy.cos(primals[0]) * tangents[0]

    return f


def shapes(jax: Any, method: str, **options: Any) -> Any:
    """The shapes that a callback sees under vmap."""

    def use(log: Any) -> Any:
        def call(x: Any, y: Any) -> Any:
            log(x.shape, y.shape)
            return np.asarray(x) + np.asarray(y)

        def f(x: Any, y: Any) -> Any:
            return jax.pure_callback(call, f32(jax), x, y, vmap_method=method)

        return jax.vmap(f, **options)(X, X if options.get("in_axes", 0) == 0 else np.float32(1))

    return log_of(jax, use)


PURE: dict[str, Any] = {
    "eager": lambda jax: jax.pure_callback(np.sin, f32(jax, 3), X),
    "jit": lambda jax: jax.jit(lambda x: jax.pure_callback(np.sin, f32(jax, 3), x) + 1)(X),
    "twice in jit": lambda jax: jax.jit(lambda x: sine(jax)(x) + sine(jax)(x * 2))(1.0),
    "of a Python number": lambda jax: sine(jax)(1.0),
    "placed by no sharding": lambda jax: jax.jit(lambda x: jax.pure_callback(np.sin, f32(jax), x, sharding=3))(1.0),
    "placed": lambda jax: jax.pure_callback(
        np.sin, f32(jax), 1.0, sharding=jax.sharding.SingleDeviceSharding(jax.devices()[0])
    ),
    "of an int": lambda jax: jax.pure_callback(lambda x: x + 1, jax.ShapeDtypeStruct((), np.int32), 1),
    "trees": lambda jax: jax.jit(
        lambda x: jax.pure_callback(
            lambda d, *, k: {"a": d["x"] * 2, "b": (k, d["y"][0])},
            {"a": f32(jax, 3), "b": (f32(jax), f32(jax, 3))},
            {"x": x, "y": [x, None]},
            k=np.float32(4),
        )
    )(X),
    "another tree of as many leaves": lambda jax: jax.pure_callback(lambda x: [x, x], (f32(jax, 3), f32(jax, 3)), X),
    "no arguments": lambda jax: jax.jit(lambda: jax.pure_callback(lambda: np.float32(3), f32(jax)))(),
    "no results": lambda jax: jax.pure_callback(lambda x: None, None, X),
    "empty": lambda jax: jax.pure_callback(lambda x: np.asarray(x), f32(jax, 0, 2), np.zeros((0, 2), np.float32)),
    "gives Python numbers": lambda jax: jax.pure_callback(lambda x: 2.5, f32(jax), X),
    "gives Arrays": lambda jax: jax.jit(lambda x: jax.pure_callback(lambda x: jax.numpy.sin(x), f32(jax, 3), x))(X),
    "gets Arrays": lambda jax: jax.pure_callback(lambda x: isinstance(x, jax.Array), jax.ShapeDtypeStruct((), bool), X),
    "calls jit": lambda jax: jax.jit(
        lambda x: jax.pure_callback(lambda x: jax.jit(lambda y: y * y)(x), f32(jax, 3), x) * 2
    )(X),
    "bfloat16": lambda jax: jax.pure_callback(
        lambda x: np.asarray(x) * 2, jax.ShapeDtypeStruct((3,), jax.numpy.bfloat16), jax.numpy.array(X, "bfloat16")
    ),
    "complex": lambda jax: jax.pure_callback(np.conj, jax.ShapeDtypeStruct((), np.complex64), np.complex64(1 + 2j)),
    "bool": lambda jax: jax.pure_callback(lambda x: np.asarray(x) > 1, jax.ShapeDtypeStruct((3,), bool), X),
    "a key": lambda jax: jax.pure_callback(
        lambda k: jax.random.key_data(k), jax.ShapeDtypeStruct((2,), np.uint32), jax.random.key(1)
    ),
    "weak type": lambda jax: jax.pure_callback(lambda x: x, jax.ShapeDtypeStruct((), np.float32), 2.0),
    "types from an array": lambda jax: jax.pure_callback(np.sin, jax.numpy.array(X), X),
    "custom_jvp, grad": lambda jax: jax.grad(lambda x: custom_sine(jax)(x).sum())(X),
    "custom_jvp, jit of grad": lambda jax: jax.jit(jax.grad(lambda x: custom_sine(jax)(x).sum()))(X),
    "custom_jvp, hessian": lambda jax: jax.hessian(lambda x: custom_sine(jax)(x).sum())(X),
    "custom_jvp, vmap of grad": lambda jax: jax.vmap(jax.grad(custom_sine(jax)))(X),
    "custom_jvp, jvp of jit": lambda jax: jax.jvp(jax.jit(custom_sine(jax)), (X,), (X,)),
    "in scan": lambda jax: jax.lax.scan(lambda c, x: (c + sine(jax)(x), c), jax.numpy.float32(0), X),
    "in scan in jit": lambda jax: jax.jit(
        lambda x: jax.lax.scan(lambda c, v: (c + sine(jax)(v), c), jax.numpy.float32(0), x)
    )(X),
    "in while": lambda jax: jax.lax.while_loop(
        lambda c: c < 3, lambda c: c + jax.pure_callback(lambda c: np.float32(1), f32(jax), c), jax.numpy.float32(0)
    ),
    "in the condition of while": lambda jax: jax.lax.while_loop(
        lambda c: jax.pure_callback(lambda c: np.asarray(c) < 3, jax.ShapeDtypeStruct((), bool), c),
        lambda c: c + 1,
        jax.numpy.float32(0),
    ),
    "in cond": lambda jax: [
        jax.jit(lambda p, x: jax.lax.cond(p, sine(jax), lambda x: x, x))(p, 1.0) for p in (True, False)
    ],
    "in fori": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: c + sine(jax)(c + 1), jax.numpy.float32(0)),
    "in map": lambda jax: jax.lax.map(sine(jax), X),
    "vmap of scan": lambda jax: jax.vmap(
        lambda row: jax.lax.scan(lambda c, v: (c + sine(jax, vmap_method="expand_dims")(v), c), row[0], row)
    )(BATCH),
    "vmap of cond": lambda jax: jax.vmap(
        lambda p, x: jax.lax.cond(p, sine(jax, vmap_method="sequential"), lambda x: x, x)
    )(np.array([True, False, True]), X),
    "vmap of vmap": lambda jax: jax.vmap(jax.vmap(sine(jax, vmap_method="expand_dims")))(BATCH),
    "vmap of vmap, one by one": lambda jax: jax.vmap(jax.vmap(sine(jax, vmap_method="sequential")))(BATCH),
    "jit of vmap": lambda jax: jax.jit(jax.vmap(sine(jax, vmap_method="sequential")))(X),
    "vmap of jit": lambda jax: jax.vmap(jax.jit(sine(jax, vmap_method="sequential")))(X),
    "vmap where nothing is mapped": lambda jax: jax.vmap(lambda x: sine(jax)(1.0) + x)(X),
    "vmap of nothing": lambda jax: jax.vmap(sine(jax, vmap_method="expand_dims"))(X[:0]),
    "vmap over axis 1": lambda jax: jax.vmap(
        lambda x: jax.pure_callback(np.sin, f32(jax, 2), x, vmap_method="broadcast_all"), in_axes=1, out_axes=1
    )(BATCH),
    "vmap not allowed": lambda jax: jax.vmap(sine(jax))(X),
    **{f"vmap {m}": lambda jax, m=m: shapes(jax, m) for m in ("sequential", "sequential_unrolled", "expand_dims")},
    "vmap broadcast_all": lambda jax: shapes(jax, "broadcast_all"),
    "vmap legacy": lambda jax: shapes(jax, "legacy_vectorized"),
    **{
        f"vmap {m}, one mapped": lambda jax, m=m: shapes(jax, m, in_axes=(0, None))
        for m in ("sequential", "sequential_unrolled", "expand_dims", "broadcast_all", "legacy_vectorized")
    },
    "grad": lambda jax: jax.grad(sine(jax))(1.0),
    "jvp": lambda jax: jax.jvp(sine(jax), (1.0,), (1.0,)),
    "grad of jit": lambda jax: jax.grad(jax.jit(sine(jax)))(1.0),
    "grad around it": lambda jax: jax.grad(lambda x: x * sine(jax)(2.0))(1.0),
    "grad by another": lambda jax: jax.grad(lambda x: x * sine(jax)(jax.lax.stop_gradient(x)))(1.0),
    "jvp of an int": lambda jax: jax.jvp(
        lambda n: jax.pure_callback(lambda n: np.float32(n), f32(jax), n), (1,), (np.zeros((), jax.dtypes.float0),)
    ),
    "unknown method": lambda jax: sine(jax, vmap_method="all")(1.0),
    "64 bits": lambda jax: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), np.float64), 1.0),
    "type without dtype": lambda jax: jax.pure_callback(np.sin, 1.0, 1.0),
    "text": lambda jax: jax.pure_callback(len, jax.ShapeDtypeStruct((), np.int32), "text"),
    "shapes only": lambda jax: jax.eval_shape(sine(jax), 1.0),
    "disable_jit": lambda jax: _without_jit(jax, lambda: jax.jit(sine(jax))(1.0)),
    "called again at each run": lambda jax: log_of(
        jax,
        lambda log: [
            f(np.float32(k))
            for f in [jax.jit(lambda x: jax.pure_callback(lambda x: (log(x), x)[1], f32(jax), x))]
            for k in range(3)
        ],
    ),
}


def _without_jit(jax: Any, use: Any) -> Any:
    with jax.disable_jit():
        return use()


def io(jax: Any, log: Any, **options: Any) -> Any:
    """A callback that notes its argument and gives twice its value."""

    def call(x: Any) -> Any:
        log(x)
        return np.asarray(x) * np.float32(2)

    return lambda x: jax.experimental.io_callback(call, jax.ShapeDtypeStruct(np.shape(x), np.float32), x, **options)


def note(jax: Any, log: Any, **options: Any) -> Any:
    """A callback without results."""
    return lambda *args: jax.experimental.io_callback(log, None, *args, **options)


def _unused(jax: Any, log: Any) -> Any:
    def f(x: Any) -> Any:
        note(jax, log, ordered=True)(x)
        io(jax, log, ordered=True)(x + 1)
        return x * 2

    g = jax.jit(f)
    return [g(np.float32(k)) for k in range(2)]


def _counter(jax: Any, log: Any) -> Any:
    state = [0]

    def count() -> Any:
        state[0] += 1
        return np.int32(state[0])

    @jax.jit
    def draw() -> Any:
        kind = jax.ShapeDtypeStruct((), np.int32)
        return [jax.experimental.io_callback(count, kind, ordered=True) for _ in range(3)]

    return draw(), draw()


def _in_loop(jax: Any, log: Any) -> Any:
    def body(i: Any, c: Any) -> Any:
        note(jax, log, ordered=True)(i, c)
        return c * 2

    return jax.jit(lambda c: jax.lax.fori_loop(0, 3, body, c))(np.float32(1))


def _in_while(jax: Any, log: Any) -> Any:
    def cond(c: Any) -> Any:
        note(jax, log, ordered=True)(c)
        return c < 3

    def body(c: Any) -> Any:
        note(jax, log, ordered=True)(-c)
        return c + 1

    return jax.lax.while_loop(cond, body, np.float32(0))


def _in_cond(jax: Any, log: Any) -> Any:
    def f(p: Any, x: Any) -> Any:
        def left(x: Any) -> Any:
            note(jax, log, ordered=True)(x)
            return x

        def right(x: Any) -> Any:
            note(jax, log, ordered=True)(-x)
            return x * 2

        return jax.lax.cond(p, left, right, x)

    return [jax.jit(f)(p, np.float32(3)) for p in (True, False)]


def _scan(jax: Any, log: Any, reverse: bool = False) -> Any:
    def step(c: Any, x: Any) -> Any:
        y = io(jax, log, ordered=True)(x)
        return c + y, y

    return jax.lax.scan(step, np.float32(0), X, reverse=reverse)


def _with_own_rule(jax: Any, f: Any) -> Any:
    g = jax.custom_jvp(f)
    g.defjvp(lambda primals, tangents: (primals[0] * 2, tangents[0] * 2))
    return jax.jit(g)(1.0), jax.grad(g)(1.0), jax.jit(jax.grad(g))(1.0)


def _refused(jax: Any, log: Any) -> Any:
    f = io(jax, lambda x: None)
    return jax.grad(lambda x: jax.lax.scan(lambda c, v: (f(c) * v, None), x, X)[0])(1.0)


def on_mesh(jax: Any, f: Any) -> Any:
    """``f`` on the one device of a mesh."""
    mesh = jax.sharding.Mesh(np.array(jax.devices("cpu")[:1]), ("x",))
    return jax.shard_map(f, mesh=mesh, in_specs=jax.P("x"), out_specs=jax.P("x"))


IO: dict[str, Any] = {
    **{
        f"{'ordered ' if ordered else ''}{name}": lambda jax, log, ordered=ordered, of=of: of(
            jax,
            lambda x: jax.experimental.io_callback(
                lambda x: (log(x), np.asarray(x) * 2)[1], jax.ShapeDtypeStruct(x.shape, x.dtype), x, ordered=ordered
            ),
        )
        for ordered in (False, True)
        for name, of in {
            "shard_map": lambda jax, f: on_mesh(jax, f)(jax.numpy.array(X)),
            "jit of shard_map": lambda jax, f: jax.jit(on_mesh(jax, f))(jax.numpy.array(X)),
            "pmap": lambda jax, f: jax.pmap(f)(jax.numpy.array(X)[None]),
        }.items()
    },
    "pure in shard_map": lambda jax, log: on_mesh(
        jax, lambda x: jax.pure_callback(lambda x: np.asarray(x) * 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x)
    )(jax.numpy.array(X)),
    "eager": lambda jax, log: io(jax, log)(X),
    "ordered": lambda jax, log: io(jax, log, ordered=True)(X),
    "jit": lambda jax, log: jax.jit(io(jax, log))(X),
    "kept though unused": _unused,
    "state": _counter,
    "in fori": _in_loop,
    "in while": _in_while,
    "in cond": _in_cond,
    "in scan": _scan,
    "in reversed scan": lambda jax, log: _scan(jax, log, True),
    "vmap": lambda jax, log: (jax.vmap(io(jax, log))(X), log.entries.sort())[0],
    "vmap of jit": lambda jax, log: (jax.vmap(jax.jit(io(jax, log)))(X), log.entries.sort())[0],
    "vmap without results": lambda jax, log: (jax.vmap(note(jax, log))(X), log.entries.sort())[0],
    "ordered vmap": lambda jax, log: jax.vmap(io(jax, log, ordered=True))(X),
    "ordered vmap where nothing is mapped": lambda jax, log: jax.vmap(
        lambda x: x + io(jax, log, ordered=True)(np.float32(1))
    )(X),
    "grad": lambda jax, log: jax.grad(io(jax, log))(1.0),
    "jvp": lambda jax, log: jax.jvp(io(jax, log), (1.0,), (1.0,)),
    "grad of what has no results": lambda jax, log: jax.grad(lambda x: (note(jax, log)(x), x * x)[1])(1.0),
    "grad around it": lambda jax, log: jax.grad(lambda x: x * io(jax, log)(np.float32(2)))(1.0),
    "vmap of cond": lambda jax, log: jax.vmap(lambda p, x: jax.lax.cond(p, io(jax, log), lambda x: x, x))(X > 0.7, X),
    "vmap of cond by one": lambda jax, log: jax.vmap(lambda x: jax.lax.cond(True, io(jax, log), lambda x: x, x))(X),
    "vmap of while": lambda jax, log: jax.vmap(
        lambda x: jax.lax.while_loop(lambda c: c < 2, lambda c: io(jax, log)(c) + 1, x)
    )(X),
    "ordered vmap of while": lambda jax, log: jax.vmap(
        lambda x: jax.lax.while_loop(lambda c: c < 2, lambda c: io(jax, log, ordered=True)(c) + 1, x)
    )(X),
    "custom_jvp": lambda jax, log: _with_own_rule(jax, io(jax, log, ordered=True)),
    "grad of scan": lambda jax, log: _refused(jax, log),
    "64 bits": lambda jax, log: jax.experimental.io_callback(log, jax.ShapeDtypeStruct((), np.float64), 1.0),
    "of text": lambda jax, log: jax.experimental.io_callback(log, None, "text"),
    "device_put inside": lambda jax, log: jax.jit(
        lambda x: jax.experimental.io_callback(lambda x: jax.device_put(np.asarray(x)), f32(jax), x)
    )(1.0),
}


SLOW = "custom_jvp, hessian; vmap of vmap, one by one; vmap of scan; vmap of cond"


@pytest.mark.parametrize("name", sampled(PURE, SLOW))
def test_pure(name: str) -> None:
    assert_same(*run_both(PURE[name]))


@pytest.mark.parametrize("name", IO)
def test_io(name: str) -> None:
    assert_same(*run_both(lambda jax: log_of(jax, lambda log: IO[name](jax, log))))


# Errors inside of callbacks: JAX puts the traceback into the message


def _fails(*_: Any) -> Any:
    raise ZeroDivisionError("on purpose")


BROKEN: dict[str, Any] = {
    "shape": (
        lambda jax: jax.pure_callback(lambda x: x[:2], f32(jax, 3), X),
        "Incorrect output shape for return value",
    ),
    "dtype": (lambda jax: jax.pure_callback(lambda x: 1, f32(jax), X), "Incorrect output dtype for return value #0"),
    "number": (lambda jax: jax.pure_callback(lambda x: (x, x), f32(jax, 3), X), "Mismatched number of outputs"),
    "raises": (lambda jax: jax.pure_callback(_fails, f32(jax), X), "ZeroDivisionError: on purpose"),
    "raises in jit": (lambda jax: jax.jit(lambda x: jax.pure_callback(_fails, f32(jax), x))(X), "on purpose"),
    "io raises": (lambda jax: jax.experimental.io_callback(_fails, f32(jax), X), "on purpose"),
    "under vmap": (lambda jax: jax.vmap(sine(jax, vmap_method="expand_dims"), 1)(BATCH[:0]), None),
    "wrong shape under vmap": (
        lambda jax: jax.vmap(
            lambda x: jax.pure_callback(lambda x: np.float32(1), f32(jax), x, vmap_method="expand_dims")
        )(X),
        "Incorrect output shape for return value #0: Expected: (3,), Actual: ()",
    ),
    "wrong arguments": (lambda jax: jax.pure_callback(lambda: 1, f32(jax), X), "takes 0 positional arguments"),
}


@pytest.mark.parametrize("name", [n for n, (_, text) in BROKEN.items() if text])
def test_broken(name: str) -> None:
    program, text = BROKEN[name]
    for side in run_both(program):
        assert side.cause is not None
        assert type(side.cause).__name__ == "JaxRuntimeError"
        assert text in str(side.cause)
        assert str(side.cause).startswith("INTERNAL: CpuCallback error calling callback: Traceback")
