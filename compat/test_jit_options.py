"""jit's options and stages: static and donated arguments, caching, flags, refusals, what the stages say."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both

X = np.array([0.5, 1.0, 2.0], np.float32)


def said(call: Any) -> Any:
    """The result, or class and first line of the error."""
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0].split(" at 0x")[0]


def counted(jax: Any, *calls: Any, **options: Any) -> int:
    """How often a jitted function of any arguments is traced in these calls: (args, kwargs) each."""
    runs: list[int] = []

    def f(*args: Any, **kwargs: Any) -> Any:
        runs.append(1)
        return [jax.numpy.asarray(a) * 1 for a in args]

    jitted = jax.jit(f, **options)
    for args, kwargs in calls:
        jitted(*args, **kwargs)
    return len(runs)


def donated(jax: Any, f: Any, *shapes: Any, call: Any = None, **options: Any) -> Any:
    """The results, and which arguments are gone."""
    args = [jax.numpy.ones(s) for s in shapes]
    out = (call or (lambda f, *a: f(*a)))(jax.jit(f, **options), *args)
    return out, [a.is_deleted() for a in args]


class Uncomparable:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise ValueError("eq")


def uncomparable(jax: Any) -> Any:
    f = jax.jit(lambda x, n: x, static_argnums=1)
    f(1.0, Uncomparable())
    return said(lambda: f(1.0, Uncomparable()))


def methods(jax: Any) -> Any:
    class Scaled:
        scale = 3.0

        @functools.partial(jax.jit, static_argnums=0)
        def method(self, x: Any) -> Any:
            return x * self.scale

        @staticmethod
        @jax.jit
        def static(x: Any) -> Any:
            return x * 2

        @classmethod
        @functools.partial(jax.jit, static_argnums=0)
        def of_class(cls, x: Any) -> Any:
            return x * cls.scale

    return Scaled().method(X), Scaled.static(X), Scaled.of_class(X)


def in_context(jax: Any, context: str, call: Any) -> Any:
    with getattr(jax, context)(True):
        return call()


def not_again(jax: Any) -> Any:
    f = jax.jit(lambda x: x + 1)
    f(1.0)
    with jax.no_tracing():
        return f(1.0), said(lambda: f(X))[0], said(lambda: jax.vmap(f)(X[:2]))[0]


KEPT: list[Any] = []


def leaking(jax: Any) -> Any:
    with jax.checking_leaks():
        return said(lambda: jax.jit(lambda x: KEPT.append(x) or x)(1.0)), jax.jit(lambda x: x)(1.0)


def after_errors(jax: Any) -> Any:
    """An error in the middle of a trace leaves nothing behind."""
    def bad(x: Any) -> Any:
        jax.numpy.sin(x)
        raise ValueError("boo")

    good = jax.jit(jax.vmap(jax.grad(jax.numpy.sin)))
    transforms = [
        jax.jit,
        jax.vmap,
        lambda f: jax.grad(jax.jit(f)),
        lambda f: jax.jit(jax.vmap(jax.grad(f))),
        lambda f: jax.vmap(jax.grad(jax.jit(f))),
        lambda f: jax.jit(lambda x: jax.jvp(f, (x,), (x,))),
        lambda f: jax.jit(lambda x: jax.lax.scan(lambda c, v: (f(c), v), x, x)),
        lambda f: jax.vmap(lambda x: jax.lax.cond(x > 0, f, lambda x: x, x)),
    ]
    out = []
    for transform in transforms:
        out += [said(lambda transform=transform: transform(bad)(X)), good(X)]
    return out


def lowered(jax: Any, f: Any, *args: Any, **options: Any) -> Any:
    return jax.jit(f, **options).lower(*args)


def stage(jax: Any, kind: str) -> Any:
    at = jax.jit(lambda x, y=1.0: (x * y,)).trace(X, y=2.0)
    if kind != "trace":
        at = at.lower()
    if kind == "compile":
        at = at.compile()
    shown = [str(at.in_tree), str(at.out_tree), at.in_avals, str(at.args_info), at.donate_argnums]
    return shown if kind == "compile" else [*shown, str(at.out_info)]


def sharding(jax: Any, *axes: Any) -> Any:
    """Of a mesh of one device."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("x",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes))


def after_a_plain_trace(jax: Any) -> Any:
    """The same function, jitted with options after it was traced without: they count all the same."""

    def f(x: Any) -> Any:
        return x + 1

    given = [jax.numpy.ones(3) for _ in range(3)]
    jax.jit(f)(given[0])
    jax.jit(f, donate_argnums=0)(given[1])
    split = jax.jit(f, out_shardings=sharding(jax, "x"))(given[2])
    return [x.is_deleted() for x in given], str(split.sharding), str(jax.jit(f)(given[0]).sharding)


def compiled_with_shardings(jax: Any) -> Any:
    """What a compiled function says of the places of arguments and results."""
    split, x = sharding(jax, "x"), jax.numpy.ones((4, 2))

    def f(a: Any, b: Any = 1.0, c: Any = None) -> Any:
        return a * b, {"s": a.sum()}

    compiled = [
        lowered(jax, f, x).compile(),
        jax.jit(f).lower(x, b=2.0).compile(),
        jax.jit(f).lower(x, b=2.0, c=3.0).compile(),
        jax.jit(f, keep_unused=True).lower(x, c=3.0).compile(),
        lowered(jax, f, x, in_shardings=split).compile(),
        lowered(jax, f, x, out_shardings=(split, None)).compile(),
    ]
    on_mesh = [
        lowered(jax, f, jax.device_put(x, split)).compile(),
        lowered(jax, f, jax.ShapeDtypeStruct((4, 2), "float32", sharding=split)).compile(),
    ]
    return [(str(c.input_shardings), str(c.output_shardings)) for c in compiled], [str(c.input_shardings) for c in on_mesh]


def sizes(jax: Any) -> list[int]:
    """How many kinds of calls are counted: numbers, numpy's data and Arrays are told apart, nested calls not counted."""
    f, seen = jax.jit(lambda x: x), []
    for x in (1.0, 2.0, np.float32(1), jax.numpy.float32(1), np.ones((), np.float32), 1, True, np.bool_(1), X):
        f(x)
        seen.append(f._cache_size())
    jax.jit(lambda x: f(x))(X[:1])
    jax.eval_shape(f, X[:1])
    jax.grad(f)(1.0)
    f(jax.numpy.asarray(X))
    seen.append(f._cache_size())
    f.clear_cache()
    return [*seen, f._cache_size()]


def options_of(jax: Any, names: str) -> dict[str, Any]:
    device = jax.devices()[0]
    sharding = jax.sharding.SingleDeviceSharding(device)
    every = {"device": device, "backend": "cpu", "in_shardings": sharding, "out_shardings": sharding}
    return {name: every[name] for name in names.split()}


def on_devices(jax: Any) -> Any:
    """After each call how many kinds there were, and whether the result is on a device on purpose."""
    f, x, seen = jax.jit(lambda x: x + 1), jax.numpy.ones(3), []
    for value in (x, jax.device_put(x), jax.device_put(x, jax.devices()[0]), np.ones(3, np.float32), 1.0):
        y = f(value)
        seen.append((f._cache_size(), y.committed))
    return seen


PROGRAMS: dict[str, Any] = {
    "static by name, keyword only": lambda jax: jax.jit(lambda x, *, n: x * n, static_argnames=("n",))(X, n=3),
    "static, missing": lambda jax: said(lambda: jax.jit(lambda x, n: x, static_argnums=(1,))(1.0)),
    "static, not comparable": uncomparable,
    "static, twice": lambda jax: said(lambda: jax.jit(lambda x, n: x, static_argnums=(1, 1))),
    "static name, no string": lambda jax: said(lambda: jax.jit(lambda x, n: x, static_argnames=(1,))),
    "static number, no int": lambda jax: said(lambda: jax.jit(lambda x, n: x, static_argnums=(1.5,))),
    "static, out of range": lambda jax: said(lambda: jax.jit(lambda x, n: x, static_argnums=(-3,))),
    "static among **kwargs": lambda jax: jax.jit(lambda x, **k: x * k["n"], static_argnames="n")(X, n=2),
    "static among *args": lambda jax: jax.jit(lambda *a: a[0] * a[1], static_argnums=(1,))(X, 2),
    "static, large int": lambda jax: jax.jit(lambda x, n: x * (n > 1), static_argnums=1)(1.0, 2**70),
    "static values of other types": lambda jax: counted(
        jax, *(((1.0, k), {}) for k in (1, 1.0, True, np.int32(1))), static_argnums=1
    ),
    "static and donated": lambda jax: said(lambda: jax.jit(lambda x, n: x, static_argnums=0, donate_argnums=0)),
    "static and donated by name": lambda jax: said(
        lambda: jax.jit(lambda x, n: x, static_argnames="x", donate_argnames="x")
    ),
    "donated": lambda jax: donated(jax, lambda a: a + 1, 3, donate_argnums=0),
    "donated by name": lambda jax: donated(jax, lambda a: a + 1, 3, call=lambda f, a: f(a=a), donate_argnames="a"),
    "donated, given by name": lambda jax: donated(jax, lambda a: a + 1, 3, call=lambda f, a: f(a=a), donate_argnums=0),
    "donated tree": lambda jax: donated(
        jax, lambda t: [v + 1 for v in t], 3, 2, call=lambda f, *a: f(list(a)), donate_argnums=0
    ),
    "donated and handed through": lambda jax: donated(jax, lambda a: a, 3, donate_argnums=0),
    "donated to another shape": lambda jax: donated(jax, lambda a: a.reshape(2, 2), 4, donate_argnums=0),
    "donated to another dtype": lambda jax: donated(jax, lambda a: a.astype("int32"), 4, donate_argnums=0),
    "donated without use": lambda jax: donated(jax, lambda a: jax.numpy.ones(4), 4, donate_argnums=0),
    "donated without use, kept": lambda jax: donated(
        jax, lambda a: jax.numpy.ones(4), 4, donate_argnums=0, keep_unused=True
    ),
    "donated, no room": lambda jax: donated(jax, lambda a: a.sum()[None], 3, donate_argnums=0),
    "donated, two for one result": lambda jax: donated(jax, lambda a, b: a + b, 4, 4, donate_argnums=(0, 1)),
    "donated inside of a trace": lambda jax: donated(
        jax, lambda a: a * a, 3, call=lambda f, a: jax.jit(lambda a: f(a) + a)(a), donate_argnums=0
    ),
    "donated twice": lambda jax: said(
        lambda: donated(jax, lambda a, b: (a + 1, b + 1), 3, call=lambda f, a: f(a, a), donate_argnums=(0, 1))
    ),
    "donated, then used": lambda jax: said(  # JAX's error depends on which of its threads notices first
        lambda: donated(jax, lambda a: a + 1, 3, call=lambda f, a: (f(a), a + 1), donate_argnums=0)
    )[0] in ("RuntimeError", "ValueError"),
    "donated, compiled": lambda jax: donated(
        jax, lambda a: a + 1, 3, call=lambda f, a: f.lower(a).compile()(a), donate_argnums=0
    ),
    "donated numpy": lambda jax: jax.jit(lambda a: a + 1, donate_argnums=0)(X),
    "donated, out of range": lambda jax: said(lambda: jax.jit(lambda a: a, donate_argnums=3)),
    "donated, in the stages": lambda jax: (
        lowered(jax, lambda a, b: (a + 1, b), X, X, donate_argnums=0).donate_argnums,
        str(lowered(jax, lambda a, b: (a + 1, b), X, X, donate_argnums=0).args_info),
    ),
    "methods": methods,
    "a builtin": lambda jax: jax.jit(operator.add)(1.0, 2.0),
    "no function": lambda jax: [said(lambda f=f: jax.jit(f)) for f in (3, "a", None)],
    "text": lambda jax: [said(lambda: jax.jit(lambda x: x)("a")), said(lambda: jax.jit(lambda x, y: x)(1.0, {"k": "a"}))],
    "too large an int": lambda jax: said(lambda: jax.jit(lambda x: x)(2**40)),
    "too large an int beside an array": lambda jax: [
        said(call) for call in (
            lambda: jax.numpy.asarray(1) + 2**40, lambda: 2**40 * jax.numpy.asarray(1.0), lambda: jax.numpy.sin(2**70),
            lambda: jax.numpy.asarray(1) // 2**40,
        )
    ],
    "numpy scalars": lambda jax: jax.jit(lambda *a: a)(np.float64(1), np.int64(2), np.bool_(1), 1.5, 2, True, 1j),
    "None": lambda jax: jax.jit(lambda x, y: (x, y))(None, 1.0),
    "float0": lambda jax: [
        str(v.dtype) for v in jax.jit(lambda x, y: (x, y))(np.zeros(3, jax.dtypes.float0), 1.0)
    ],
    "in_shardings": lambda jax: [
        said(lambda n=n: jax.jit(lambda x, y: x, in_shardings=(None,) * n)(1.0, 2.0)) for n in (1, 2)
    ],
    "in_shardings, the tree": lambda jax: [
        said(lambda g=g, args=args: str(jax.jit(lambda *a: a, in_shardings=g).lower(*args).in_avals))
        for g in ({"a": None}, ({"a": None}, None), ({"b": None},))
        for args in (({"a": X},), ({"a": X}, X))
    ],
    "options after a trace without them": after_a_plain_trace,
    "compiled, the shardings": compiled_with_shardings,
    "types of results": lambda jax: str(jax.jit(lambda x: (x, {"a": x.sum()})).trace(X).out_avals),
    "unknown option": lambda jax: said(lambda: jax.jit(lambda x: x, foo=1)),
    "keywords in any order": lambda jax: counted(jax, ((), {"a": 1.0, "b": 2.0}), ((), {"b": 2.0, "a": 1.0})),
    "keyword or position": lambda jax: counted(jax, ((1.0, 2.0), {}), ((1.0,), {"b": 2.0})),
    "weak types": lambda jax: counted(
        jax, *(((v,), {}) for v in (1.0, np.float32(1), jax.numpy.float32(1), 2, np.int32(1), True, np.bool_(1)))
    ),
    "cache size": lambda jax: (lambda f: (f(1.0), f(X), f._cache_size()))(jax.jit(lambda a: a))[2],
    "cache sizes": sizes,
    "cache size, put on a device": lambda jax: on_devices(jax),
    "device and backend": lambda jax: [
        said(lambda o=o: (lambda y: (y, y.committed))(jax.jit(lambda x: x + 1, **options_of(jax, o))(1.0)))
        for o in ("device", "backend", "device backend", "device in_shardings", "backend out_shardings")
    ],
    "no such device": lambda jax: [said(lambda o=o: jax.jit(lambda x: x, **o)(1.0)) for o in (
        {"device": "a"}, {"backend": 3}, {"backend": "gpu"}, {"backend": "nope"})],
    "compiled, many other types": lambda jax: [
        said(lambda n=n: lowered(jax, lambda *a: a, *[X[0]] * n).compile()(*[1] * n)) for n in (2, 7)
    ],
    "compiled, no array": lambda jax: said(lambda: lowered(jax, lambda x: x, X).compile()("a")),
    "equality": lambda jax: (lambda f: (jax.jit(f) == jax.jit(f), len({jax.jit(f), jax.jit(f)})))(lambda x: x),
    "an attribute": lambda jax: (lambda f: setattr(f, "foo", 3) or f.foo)(jax.jit(lambda x: x)),
    "no_tracing": not_again,
    "checking_leaks": leaking,
    "disable_jit inside": lambda jax: said(
        lambda: jax.jit(lambda x: in_context(jax, "disable_jit", lambda: x * 2 if x > 1 else x))(2.0)
    ),
    "errors": after_errors,
    "recursion without end": lambda jax: said(lambda: endless(jax)(1.0))[0],
    "traced": lambda jax: stage(jax, "trace"),
    "lowered": lambda jax: stage(jax, "lower"),
    "compiled": lambda jax: stage(jax, "compile"),
    "compiled with a static argument": lambda jax: (
        lambda c: (c(X), str(c.in_tree), c.in_avals, said(lambda: c(X, 2)))
    )(lowered(jax, lambda x, n: x * n, X, 2, static_argnums=1).compile()),
    "compiled, fewer arguments": lambda jax: said(lambda: lowered(jax, operator.add, X, X).compile()(X)),
    "compiled, another key": lambda jax: said(
        lambda: lowered(jax, lambda x: x["a"], {"a": X}).compile()({"b": X})
    ),
    "compiled, another shape": lambda jax: said(lambda: lowered(jax, lambda x: x + 1, X).compile()(X[:2])),
    "compiled under transformations": lambda jax: [
        said(lambda t=t: t(lowered(jax, lambda x: x + 1, 1.0).compile())(X[0]))[1].split("type")[0]
        for t in (jax.jit, jax.grad, lambda f: lambda x: jax.vmap(f)(X))
    ],
    "unknown dialect": lambda jax: said(lambda: lowered(jax, lambda x: x, X).compiler_ir(dialect="nope")),
    "memory": lambda jax: (lambda m: (m.argument_size_in_bytes, m.output_size_in_bytes))(
        lowered(jax, lambda x: x[:2] * 2, X).compile().memory_analysis()
    ),
    "classes of the stages": lambda jax: (lambda f: [
        isinstance(f, jax.stages.Wrapped),
        isinstance(f.trace(X), jax.stages.Traced),
        isinstance(f.lower(X), jax.stages.Lowered),
        isinstance(f.lower(X).compile(), jax.stages.Compiled),
    ])(jax.jit(lambda x: x)),
    "eval_shape refuses text": lambda jax: said(lambda: jax.eval_shape(lambda x: x, "a")),
    "make_jaxpr of no function": lambda jax: said(lambda: jax.make_jaxpr(3)),
}  # fmt: skip


def endless(jax: Any) -> Any:
    @jax.jit
    def f(x: Any) -> Any:
        return f(x)

    return f


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("name", PROGRAMS)
def test_options(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name)


# What jaxprs of nested calls look like


def called(x: Any, y: Any, sin: Any) -> Any:
    z = sin(x) * y
    return z + x, z


TEXTS: dict[str, Any] = {
    "one call": lambda jax, f: lambda x: f(x) + 1.0,
    "two calls of one function": lambda jax, f: lambda x: f(f(x)) + 1.0,
    "several results": lambda jax, f: lambda x: jax.jit(functools.partial(called, sin=jax.numpy.sin))(x, x + 1.0),
    "a constant": lambda jax, f: (lambda c: lambda x: jax.jit(lambda y: y * c)(x))(jax.numpy.arange(3.0)),
    "a closed-over tracer": lambda jax, f: lambda x: (lambda y: jax.jit(lambda z: z * y)(x))(x + 1.0),
    "inline": lambda jax, f: lambda x: jax.jit(lambda y: y * 2.0, inline=True)(x),
    "itself": lambda jax, f: f,
    "vmap": lambda jax, f: jax.vmap(f),
    "jvp": lambda jax, f: lambda x: jax.jvp(f, (x,), (x,)),
    "deep": lambda jax, f: lambda x: jax.jit(lambda y: jax.jit(lambda z: f(z) * 3.0)(y) - 1.0)(x),
}


@pytest.mark.parametrize("name", TEXTS)
def test_jaxpr_text(name: str) -> None:
    def text(jax: Any) -> str:
        f = jax.jit(lambda y: jax.numpy.sin(y) * 2.0)
        return str(jax.make_jaxpr(TEXTS[name](jax, f))(X))

    assert_same(*run_both(text), title=name)


@same_in_both
def test_an_array_and_its_copy_are_donated(jax: Any, rng: np.random.Generator) -> Any:
    f = jax.jit(lambda x, y: x + y, donate_argnums=(0, 1))
    x = jax.numpy.asarray(rng.normal(size=3).astype("float32"))
    return f(jax.numpy.copy(x), jax.numpy.array(x)), f(x, x.copy())


@same_in_both
def test_options_that_change_no_trace(jax: Any) -> Any:
    """The Python runs once for all of them; which arguments are static is another matter."""
    runs: list[Any] = []

    def f(x: Any) -> Any:
        runs.append(type(x).__name__ if isinstance(x, float) else "traced")
        return x * 2

    options: list[dict[str, Any]] = [{}, {"inline": True}, {"donate_argnums": 0}, {"keep_unused": True}]
    counts = []
    for kwargs in [*options, {"static_argnums": 0}, {}]:
        jax.jit(f, **kwargs)(1.0)
        counts.append(len(runs))
    shown = [str(jax.make_jaxpr(lambda x, k=k: jax.jit(f, **k)(x))(1.0)) for k in options]
    x = jax.numpy.ones(3)
    jax.jit(f, donate_argnums=0)(x)
    jax.jit(f, inline=True)(x := jax.numpy.ones(3))
    return runs[0], counts, shown, x.is_deleted(), len(runs)


def test_formats_and_layouts() -> None:
    """A format that says nothing of where, one that does, and a layout, which is none."""

    def program(jax: Any) -> Any:
        layout = jax.experimental.layout
        x, one = np.ones((2, 2), np.float32), jax.sharding.SingleDeviceSharding(jax.devices("cpu")[0])
        auto, asked = layout.Format(layout.Layout.AUTO), layout.Format(layout.Layout((0, 1)), one)
        f = lambda x: x * 2  # noqa: E731
        said = []
        for run in (
            lambda: jax.jit(f, in_shardings=layout.Layout((0, 1)))(x),
            lambda: layout.with_layout_constraint(jax.numpy.asarray(x), layout.Layout((0,))),
        ):
            with pytest.raises(ValueError, match="layout") as caught:
                run()
            said.append(str(caught.value))
        compiled = jax.jit(f, in_shardings=auto, out_shardings=auto).lower(jax.numpy.asarray(x)).compile()
        return (
            [jax.jit(f, in_shardings=a)(x) for a in (auto, asked)],
            str(compiled.input_formats[0][0].layout.major_to_minor),
            said,
        )

    assert_same(*run_both(program))
