"""What runs on eight devices: `shard_map`, `pmap`, collectives, placed arrays. Run with "jax" or "jaxlike".

`test_sharded.py` runs it in a process per framework and compares line by line: a line is a value with its type and
sharding, or an error's type and first sentence.
"""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

jax: Any = importlib.import_module(sys.argv[1])
jnp, lax, P = jax.numpy, jax.lax, jax.P
sharding: Any = importlib.import_module(sys.argv[1] + ".sharding")
AxisType, Mesh, NamedSharding = sharding.AxisType, sharding.Mesh, sharding.NamedSharding
CPUS = jax.devices("cpu")
MESH = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Auto,) * 2)
ROW = jax.make_mesh((8,), ("i",), axis_types=(AxisType.Auto,))
X = np.arange(16, dtype=np.float32).reshape(8, 2) / 4
W = np.float32(3)
BOTH = ("x", "y")


def shown(x: Any, placed: bool = True) -> str:
    """A leaf in words."""
    if isinstance(x, jax.Array):
        where = f" {x.sharding.spec}" if placed and isinstance(x.sharding, NamedSharding) else ""
        values = np.asarray(x) if x.dtype != jax.dtypes.bfloat16 else np.asarray(x.astype("float32"))
        rounded = np.round(values.astype(complex if np.iscomplexobj(values) else float), 3) + 0
        return f"{x.dtype}{x.shape}{where} {rounded.tolist()}"
    return repr(x)


def say(function: Callable[..., Any], *args: Any, placed: bool = True, **kwargs: Any) -> None:
    """Print what a call returns or raises, and where the results are placed."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = function(*args, **kwargs)
        leaves, tree = jax.tree.flatten(out)
        words = [f"{w.category.__name__}: {str(w.message)[:40]}" for w in caught]
        print(tree, *(shown(x, placed) for x in leaves), *words)
    except Exception as error:
        print(type(error).__name__, str(error).split("\n")[0].split(". ")[0])


def values(function: Callable[..., Any], *args: Any) -> None:
    """`say` without the placement, where it is the compiler's choice."""
    say(function, *args, placed=False)


def on(mesh: Any, in_specs: Any, out_specs: Any, **more: Any) -> Callable[[Any], Any]:
    """`shard_map`, curried."""
    return functools.partial(jax.shard_map, mesh=mesh, in_specs=in_specs, out_specs=out_specs, **more)


def splitting() -> None:
    """Blocks in and out, by all kinds of specs."""
    specs = [P(), P("x"), P("y"), P("x", "y"), P("y", "x"), P(None, "x"), P(BOTH), P(("y", "x")), P(None, ("y", "x"))]
    data = np.arange(64).reshape(8, 8)
    for into in specs:
        say(on(MESH, into, into)(lambda b: b * 2), data)
        say(on(MESH, into, P(*BOTH))(lambda b: b.reshape(-1)[:4].reshape(2, 2)), data)
        say(jax.jit(on(MESH, into, P(("y", "x"), None))(lambda b: b[:1] + lax.axis_index(BOTH))), data)
    tree = {"a": X, "b": (X[:, 0], W)}
    say(on(MESH, ({"a": P("x"), "b": P()},), P())(lambda t: jax.tree.map(lambda v: lax.psum(v, BOTH), t)), tree)
    say(on(MESH, ({"a": P(BOTH), "b": P()},), P())(lambda t: jax.tree.map(lambda v: lax.psum(v, BOTH), t)), tree)
    say(on(MESH, (P("x"), None), P("x"))(lambda b, n: b * n), X, 3)
    say(on(MESH, (P("x"), P()), (P("x"), P()))(lambda b, w: (b * w, w)), X, W)
    say(on(MESH, P("x"), P("x"), axis_names={"x"})(lambda b: b + lax.axis_index("x")), X)
    say(on(MESH, P("x"), P(), axis_names={"x"})(lambda b: lax.psum(b, "x")), X)
    for dtype in ("int32", "bool", "complex64", "bfloat16", "uint8"):
        say(on(MESH, P("x"), P("x"))(lambda b: b[::-1]), X.astype(jnp.dtype(dtype)))
    keys = jax.random.split(jax.random.key(0), 8)
    say(on(MESH, P("x"), P("x"))(lambda k: jax.vmap(jax.random.normal)(k)), keys)
    values(lambda: jax.random.key_data(on(MESH, P(BOTH), P(BOTH))(lambda k: k)(keys)))
    say(on(MESH, P("x"), P("x"))(lambda b: b), np.zeros((0, 3), np.float32))


def collectives() -> None:
    """Communication between devices."""
    bodies: list[tuple[Callable[[Any], Any], Any]] = [
        (lambda b: lax.psum(b, "x"), P(None, "y")),
        (lambda b: lax.psum(b, BOTH), P()),
        (lambda b: lax.pmean(b, "y"), P("x")),
        (lambda b: lax.pmax(b, "x"), P(None, "y")),
        (lambda b: lax.pmin(b, BOTH), P()),
        (lambda b: lax.all_gather(b, "x"), P(None, "x", "y")),
        (lambda b: lax.all_gather(b, "x", tiled=True), P("x", "y")),
        (lambda b: lax.all_gather(b, "y", axis=1, tiled=True), P("x", "y")),
        (lambda b: lax.all_gather(b, BOTH), P(None, "x", "y")),
        (lambda b: lax.all_gather(b, BOTH, tiled=True), P("x", "y")),
        (lambda b: lax.psum_scatter(lax.all_gather(b, "x"), "x"), P("x", "y")),
        (lambda b: lax.psum_scatter(lax.all_gather(b, "x", tiled=True), "x", tiled=True), P("x", "y")),
        (lambda b: lax.psum_scatter(lax.all_gather(b, BOTH), BOTH), P("x", "y")),
        (lambda b: lax.psum_scatter(lax.all_gather(b, BOTH, tiled=True), BOTH, tiled=True), P("x", "y")),
        (lambda b: lax.ppermute(b, "x", [(k, (k + 1) % 4) for k in range(4)]), P("x", "y")),
        (lambda b: lax.ppermute(b, "x", [(0, 1), (2, 0)]), P("x", "y")),
        (lambda b: lax.ppermute(b, BOTH, [(k, (k + 3) % 8) for k in range(8)]), P("x", "y")),
        (lambda b: lax.ppermute(b, ("y", "x"), [(0, 5), (3, 1)]), P("x", "y")),
        (lambda b: lax.all_to_all(lax.all_gather(b, "x"), "x", 0, 1), P("x", None, "y")),
        (lambda b: lax.all_to_all(b, "y", 0, 1, tiled=True), P("x", "y")),
        (lambda b: b * lax.axis_size(BOTH) + lax.axis_index("y"), P("x", "y")),
        (lambda b: lax.psum(1, BOTH), P()),
        (lambda b: lax.pcast(jnp.ones(1), "x", to="varying") + b[0], P(BOTH)),
        (lambda b: lax.psum(lax.psum(b, "x"), BOTH), P()),
        (lambda b: lax.pcast(jnp.ones(2), "x", to="varying"), P("x")),
    ]
    for body, out in bodies:
        say(on(MESH, P("x", "y"), out)(body), X)
        say(jax.jit(on(MESH, P("x", "y"), out, check_vma=False)(body)), X)
        if out != P("x", None, "y"):  # JAX 0.10.2 fails in its own transpose of all_to_all there
            values(jax.jit(jax.grad(lambda v, b=body, o=out: jnp.sum(on(MESH, P("x", "y"), o)(b)(v) ** 2.0))), X)


def grouped() -> None:
    """Communication within groups of devices."""
    groups = [[0, 2], [3, 1]]

    def exchange(b: Any) -> Any:
        return lax.all_to_all(b, "x", 0, 1, axis_index_groups=groups, tiled=True)

    bodies: list[Callable[[Any], Any]] = [
        lambda b: lax.psum(b, "x", axis_index_groups=groups),
        lambda b: lax.pmean(b, "x", axis_index_groups=groups),
        lambda b: lax.pmax(b, "x", axis_index_groups=groups),
        lambda b: lax.pmin(b, "x", axis_index_groups=groups),
        lambda b: lax.psum(b, "x", axis_index_groups=[[0, 1, 2], [3]]),
        lambda b: b * lax.psum(1, "x", axis_index_groups=groups),
        lambda b: lax.all_gather(b, "x", axis_index_groups=groups, tiled=True),
        lambda b: lax.all_gather(b, "x", axis_index_groups=groups, axis=1).reshape(b.shape[0], -1),
        lambda b: lax.psum_scatter(b, "x", axis_index_groups=groups, tiled=True),
        exchange,
        lambda b: lax.psum(b, "x", axis_index_groups=[[0, 1], [2, 5]]),
    ]
    for body in bodies:
        whole = on(MESH, P("x", "y"), P("x", "y"), check_vma=False)(body)
        say(whole, X)
        say(jax.jit(whole), X)
        if body is not exchange:  # JAX 0.10.2 has no batching rule for it
            say(jax.jit(jax.vmap(whole)), jnp.stack([X, 2 * X]), placed=False)
        values(jax.grad(lambda v, f=whole: jnp.sum(f(v) ** 2.0)), X)
    say(jax.pmap(lambda b: lax.psum(b, "i", axis_index_groups=[[0, 3], [1, 2]]), axis_name="i"), X[:4])


def loss(w: Any, x: Any) -> Any:
    """What each device computes by itself."""
    return jnp.sum(w * x) + w**2


def total(w: Any, x: Any) -> Any:
    """What all compute together."""
    return lax.psum(jnp.sum(w * x), BOTH) + w**2


@jax.custom_vjp
def ruled(w: Any, x: Any) -> Any:
    """`loss`, with a rule of its own."""
    return loss(w, x)


ruled.defvjp(
    lambda w, x: (loss(w, x), (w, x)),
    lambda r, g: (lax.psum(g * jnp.sum(r[1]), BOTH), g * r[0] * jnp.ones_like(r[1])),
)


def gradients() -> None:
    """Derivatives inside, outside and through."""
    steps = {
        "grad": lambda f: jax.grad(f),
        "jit of grad": lambda f: jax.jit(jax.grad(f)),
        "grad of jit": lambda f: jax.grad(jax.jit(f)),
        "checkpoint": lambda f: jax.grad(jax.checkpoint(f)),
        "hessian": lambda f: jax.hessian(f),
        "pmean": lambda f: lambda w, x: lax.pmean(jax.grad(f)(w, x), BOTH),
        "of pmean": lambda f: lambda w, x: jax.value_and_grad(lambda w: lax.pmean(f(w, x), BOTH))(w)[1],
        "scan": lambda f: lambda w, x: lax.scan(lambda c, _: (c - 0.01 * jax.grad(f)(c, x), c), w, None, length=3)[0],
        "fori": lambda f: lambda w, x: lax.fori_loop(0, 3, lambda _, c: c - 0.01 * jax.grad(f)(c, x), w),
        "cond": lambda f: lambda w, x: lax.cond(w > 0, lambda w: jax.grad(f)(w, x), lambda w: w, w),
        "gather": lambda f: jax.grad(lambda w, x: f(w, lax.all_gather(x, "x"))),
        "by x": lambda f: lambda w, x: lax.psum(jnp.sum(x * jax.grad(f, 1)(w, x)), BOTH),
        "vmap": lambda f: lambda w, x: jnp.sum(jax.vmap(jax.grad(f), (None, 0))(w, x)),
        "reverse of reverse": lambda f: jax.grad(lambda w, x: jax.grad(f)(w, x) ** 2),
        "jacrev": lambda f: jax.jacrev(f),
    }
    for name, step in steps.items():
        for f in (loss, total, ruled):
            for checked in (True, False):
                if f is ruled and (not checked or name in ("gather", "by x", "vmap", "hessian", "reverse of reverse")):
                    continue
                print(name, f.__name__, checked)
                mapped = on(MESH, (P(), P("x", "y")), P(), check_vma=checked)(step(f))
                jitted = jax.jit(mapped)
                say(jitted, W, X)
                if checked:
                    values(mapped, W, X)
                    if f is not ruled and name not in ("fori", "jacrev", "hessian"):
                        values(lambda g=mapped: jax.jit(jax.grad(g))(W, X))
                        values(lambda g=mapped: jax.jvp(lambda w: g(w, X), (W,), (W,)))
                        values(lambda g=jitted: jax.vmap(g, (0, None))(jnp.arange(3.0), X))
    through = on(MESH, (P(), P("x", "y")), P("x", "y"))(lambda w, x: jnp.tanh(x * w) + lax.psum(x, "x"))
    values(jax.grad(lambda w: jnp.sum(through(w, X) ** 2)), W)
    values(jax.grad(lambda x: jnp.sum(through(W, x) ** 2)), X)
    values(jax.jit(jax.hessian(lambda w: jnp.sum(through(w, X) ** 2))), W)
    values(jax.vmap(through, (0, None)), jnp.arange(2.0), X)
    rows = on(MESH, (P(), P("x", "y")), P())
    carried = lambda w, x: lax.scan(lambda c, r: (c + lax.psum(jnp.sum(r), BOTH), c), w, x)  # noqa: E731
    say(rows(carried), W, X)
    say(jax.jit(rows(lambda w, x: lax.scan(lambda c, r: (c + jnp.sum(r), c), w, x))), W, X)
    twice = lambda w, x: jax.grad(total)(carried(w, x)[0], x)  # noqa: E731
    say(jax.jit(rows(jax.jit(twice))), W, X)


def mapping() -> None:
    """`pmap` and `smap`."""
    say(jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i"), X)
    say(jax.pmap(lambda x: x * 2), X[:3])
    say(jax.pmap(lambda x, y: x + y, in_axes=(0, None)), X, W)
    say(jax.pmap(lambda x: (x, x[0]), in_axes=1, out_axes=(0, 0)), X)
    say(jax.pmap(lambda x: (x, lax.psum(x, "i")), axis_name="i", out_axes=(1, None)), X)
    say(jax.pmap(lambda x, n: x * n, static_broadcasted_argnums=1), X, 3)
    say(jax.pmap(lambda n, x, *, k: x * n + k, static_broadcasted_argnums=0), 3, X, k=X)
    say(jax.pmap(lambda x: x, devices=CPUS[2:4]), X[:2])
    say(jax.pmap(lambda x: x, axis_size=8), X)
    say(jax.pmap(jax.grad(lambda x: jnp.sum(lax.pmean(x**2, "i"))), axis_name="i"), X)
    values(jax.grad(lambda x: jnp.sum(jax.pmap(lambda v: lax.pmean(v**2, "i"), axis_name="i")(x))), X)
    say(jax.jit(jax.pmap(lambda x: lax.axis_index("i") + x, axis_name="i")), X)
    values(jax.vmap(jax.pmap(lambda x: x + lax.psum(x, "i"), axis_name="i"), 1), X)
    say(jax.pmap(jax.pmap(lambda x: x)), X)
    say(jax.pmap(lambda t: {"s": t["a"] + t["b"]}), {"a": X, "b": X})
    given = jnp.asarray(X)
    say(jax.pmap(lambda x: x + 1, donate_argnums=0), given)
    say(lambda: given.is_deleted())
    say(lambda: jax.pmap(lambda x: x).lower(X).out_info.shape)
    with jax.set_mesh(ROW):
        say(jax.smap(lambda x: x + lax.axis_index("i"), in_axes=0, out_axes=0, axis_name="i"), X)
        say(jax.smap(lambda x: lax.psum(x, "i"), in_axes=0, out_axes=None, axis_name="i"), X)
        say(jax.smap(lambda x, w: x * w, in_axes=(0, None), out_axes=0, axis_name="i"), X, W)
    say(jax.smap(lambda x: x, in_axes=0, out_axes=0, axis_name="i"), X)
    for bad in (
        lambda: jax.smap(lambda x: x, in_axes=0, out_axes=0, axis_name=("i",)),
        lambda: jax.smap(lambda x: x, in_axes=[0], out_axes=0, axis_name="i"),
        lambda: jax.smap(lambda x: x, in_axes="0", out_axes=0, axis_name="i"),
        lambda: jax.smap(lambda x: x, in_axes=0, out_axes="a", axis_name="i"),
        lambda: jax.pmap(3),
        lambda: jax.pmap(lambda x: x, in_axes="a"),
        lambda: jax.pmap(lambda x: x, out_axes=1.5),
        lambda: jax.pmap(lambda x: x, devices=[]),
        lambda: jax.pmap(lambda x: x)(np.arange(9.0)),
        lambda: jax.pmap(lambda x: x)(np.arange(16.0)),
        lambda: jax.pmap(lambda x, y: x)(X, X[:4]),
        lambda: jax.pmap(lambda x: x, axis_size=3)(X),
        lambda: jax.pmap(lambda x: x, in_axes=None)(X),
        lambda: jax.pmap(lambda x: x, in_axes=(0, 0))(X),
        lambda: jax.pmap(lambda x, n: x, static_broadcasted_argnums=1)(X),
        lambda: jax.pmap(lambda x, n: x, static_broadcasted_argnums=1)(X, [1]),
        lambda: jax.pmap(lambda x: "a")(X),
    ):
        say(bad)


def mistakes() -> None:
    """What `shard_map` says of specs that do not fit."""
    same = lambda x: x  # noqa: E731
    for into, out in [
        (P("z"), P()),
        (P("x"), P("z")),
        ("x", P()),
        (P("x"), "y"),
        (P("y", "x"), P()),
        (P(None, "y"), P("x")),
        (P(None, None, "x"), P()),
        (P("x"), P("x", None, None)),
        ((P("x"), P("x")), P()),
        ({"a": P("x")}, P()),
        (P("x"), (P("x"), P("x"))),
        (P("x"), P()),
        (P(BOTH), P("x")),
    ]:
        say(lambda i=into, o=out: jax.jit(on(MESH, i, o)(same))(X))
    say(jax.jit(on(MESH, P("x"), P("x"))(jnp.sum)), X)
    say(jax.jit(on(MESH, P("x"), P())(jnp.sum)), X)
    say(jax.jit(on(MESH, P("x"), P())(lambda b: lax.all_gather(b, "x"))), X)
    say(jax.jit(on(MESH, P("x"), P("x"))(lambda b: lax.pcast(b, "x", to="varying"))), X)
    say(jax.jit(on(MESH, P("x"), P("x"))(lambda b: lax.pcast(b, "x", to="sideways"))), X)
    say(jax.jit(on(MESH, P("x"), P("x"))(lambda b: lax.pcast(b, {"x"}, to="varying"))), X)
    say(jax.jit(on(MESH, P("x"), P("x"))(lambda b: "a")), X)
    say(jax.shard_map, 3, mesh=MESH, in_specs=P(), out_specs=P())
    say(lambda: on(None, P(), P())(same)(X))
    say(lambda: on(3, P(), P())(same)(X))
    say(lambda: on(MESH, P(), P(), axis_names=["x"])(same)(X))
    say(lambda: on(MESH, P(), P(), axis_names={"z"})(same)(X))
    say(lambda: jax.shard_map(same, mesh=MESH, out_specs=P())(X))
    say(lambda: on(Mesh(np.empty((), object), ()), P(), P())(same)(X))
    with jax.set_mesh(ROW):
        say(lambda: on(MESH, P(), P())(same)(X))
        say(lambda: jax.shard_map(same, in_specs=P("i"), out_specs=P("i"))(X))


def describe(x: Any) -> list[Any]:
    """Where an Array lies."""
    parts = [(s.device, s.index, s.replica_id, np.asarray(s.data).tolist()) for s in x.addressable_shards]
    facts = [x.committed, x.is_fully_replicated, x.is_fully_addressable, sorted(d.id for d in x.devices())]
    one = [x.addressable_data(1).sharding, x.device, len(x.global_shards)] if len(parts) > 1 else [x.device]
    return [repr(v) for v in (x.sharding, parts, facts, one)]


def placing() -> None:
    """Arrays that know how they were put."""
    specs = [P(), P("x"), P("y", None), P(BOTH), P(None, "y"), P(("y", "x"))]
    for spec in specs:
        say(lambda s=spec: describe(jax.device_put(X, NamedSharding(MESH, s))))
    say(lambda: describe(jax.device_put(X, CPUS[3])))
    say(lambda: describe(jnp.asarray(X)))
    say(lambda: describe(jax.device_put(jax.random.split(jax.random.key(1), 8)[:, None][:, 0], CPUS[1]))[0])
    say(lambda: jax.device_put(X, NamedSharding(MESH, P("z"))))
    say(lambda: jax.device_put(X[:3], NamedSharding(MESH, P("x"))))
    say(lambda: jax.device_put(X, NamedSharding(MESH, P(None, None, "x"))))
    say(lambda: jax.device_put(X, P("x")))
    with jax.set_mesh(MESH):
        say(lambda: describe(jax.device_put(X, P("x"))))
        say(lambda: jax.device_put({"a": X, "b": X}, {"a": P("x"), "b": P()}))
    split = NamedSharding(MESH, P("x"))
    say(lambda: describe(jax.make_array_from_callback((8, 2), split, lambda i: X[i])))
    say(lambda: describe(jax.make_array_from_callback((8, 2), NamedSharding(MESH, P()), lambda i: X[i])))
    say(lambda: jax.make_array_from_callback((8, 2), split, lambda i: X))
    say(lambda: jax.make_array_from_callback((8, 2), split, lambda i: X[i], dtype="int32"))
    say(lambda: jax.make_array_from_callback((8, 2), 3, lambda i: X[i]))
    pieces = [jax.device_put(X[i], d) for d, i in split.devices_indices_map((8, 2)).items()]
    make = jax.make_array_from_single_device_arrays
    say(lambda: describe(make((8, 2), split, pieces)))
    say(lambda: describe(make((8, 2), split, tuple(pieces[::-1]))))
    say(lambda: make((8, 2), split, pieces[:3]))
    say(lambda: make((8, 2), split, [pieces[0]] * 8))
    say(lambda: make((4, 2), split, pieces))
    say(lambda: make((8, 2), split, pieces, dtype="int32"))
    say(lambda: make((8, 2), split, iter(pieces)))
    say(lambda: describe(jax.make_array_from_process_local_data(split, X)))
    say(lambda: jax.make_array_from_process_local_data(split, X, (8, 2)))
    say(lambda: jax.make_array_from_process_local_data(split, X, (16, 2)))
    say(lambda: jax.make_array_from_process_local_data(split, {"a": X, "b": X[:4]}))
    shard = jax.Shard(CPUS[1], split, (8, 2), None)
    say(lambda: [repr(shard), repr(shard.index), shard.replica_id, repr(shard.device)])


def whereabouts(*xs: Any) -> list[Any]:
    """The devices of each, and whether it is there on purpose."""
    return [(sorted(d.id for d in x.devices()), x.committed) for x in xs]


def following() -> None:
    """Results are where the operands are."""
    x, (first, second, third) = jnp.ones(3), CPUS[:3]
    y, z = jax.device_put(x, second), jax.device_put(x, third)
    say(lambda: whereabouts(y + 1, x + y, jnp.sin(y), y * y, -y, 2.0 / y, lax.exp(y), lax.add(x, y), y > 0))
    say(lambda: whereabouts(y.sum(), y[0], y[1:], y.reshape(3, 1), y.T, y.astype("int32"), y.mean(), y @ y, jnp.where(x > 0, y, 0)))
    say(lambda: whereabouts(jnp.zeros_like(y), jnp.full_like(y, 2.0), jnp.ones(2, device=third), jnp.arange(3, device=second)))
    say(lambda: whereabouts(jax.jit(jnp.sum)(y), jax.jit(lambda a, b: b)(x, y), jax.jit(lambda a, b: a)(x, y)))
    say(lambda: whereabouts(*jax.jit(lambda a, b: (a, b, a + 1))(y, z)))
    say(lambda: whereabouts(jax.jit(lambda a: a + 1, device=third)(x)))
    say(lambda: whereabouts(jax.jit(lambda a: a + 1).lower(x).compile()(x)))
    say(lambda: y + z)
    say(lambda: jnp.maximum(z, y))
    say(lambda: lax.add(y, z))
    say(lambda: jax.jit(lambda a, b: a + b)(y, z))
    say(lambda: (lambda f: [f(v) is None or f._cache_size() for v in (x, y, z, y)])(jax.jit(lambda a: a * 2)))
    put = jax.device_put(X, NamedSharding(MESH, P("x", "y")))
    for f in (lambda a: a * 2, lambda a: a + a, jnp.sin, lambda a: jnp.where(a > 1, a, 0.0)):
        say(lambda f=f: jax.jit(f)(put).sharding.spec)
    say(lambda: [v.sharding.spec for v in (put + 1, put * put, jnp.exp(put), jnp.zeros_like(put))])
    say(lambda: jax.jit(lambda a: a * 2, in_shardings=NamedSharding(MESH, P("x")))(X).sharding.spec)
    say(lambda: jax.jit(lambda a: jax.jit(jnp.cos)(a) + 1)(put).sharding.spec)
    say(lambda: whereabouts(jnp.ones(3) + 1))
    ordered = functools.partial(jax.debug.print, "{}", ordered=True)
    for f, x in ((jax.jit(ordered), put), (jax.pmap(ordered), X)):
        try:
            f(x)
        except ValueError as error:  # its end names a class of the framework
            print(str(error).split(": [")[0])
    del first


def constraining() -> None:
    """`with_sharding_constraint`, and the shardings of `jit`."""
    split, across = NamedSharding(MESH, P("x")), NamedSharding(MESH, P("y", "x"))
    say(jax.jit(lambda x: lax.with_sharding_constraint(x * 2, split)), X)
    say(lambda: lax.with_sharding_constraint(X, split))
    values(lambda: jax.grad(lambda x: jnp.sum(lax.with_sharding_constraint(x * x, split)))(X))
    say(lambda: lax.with_sharding_constraint(X, P("x")))
    say(lambda: lax.with_sharding_constraint(X, None))
    say(lambda: lax.with_sharding_constraint(W, split))
    say(lambda: lax.with_sharding_constraint(X, "x"))
    layout = importlib.import_module(f"{jax.__name__}.experimental.layout")
    say(lambda: lax.with_sharding_constraint(X, layout.Format(layout.Layout((0, 1)), split)))
    say(lambda: lax.with_sharding_constraint(X, layout.Format(layout.Layout((1, 0, 2)), split)))
    with jax.set_mesh(MESH):
        say(jax.jit(lambda x: lax.with_sharding_constraint(x * 2, P("x"))), X)
        say(jax.jit(lambda x: x * 2, out_shardings=P(None, "y")), X)
        say(jax.jit(lambda x: x * 2, in_shardings=P("x"), out_shardings=P("x")), X)
    say(lambda: jax.jit(lambda x: (x, x * 2), out_shardings=(split, None))(X)[0])
    say(jax.jit(lambda x: {"a": x, "b": x + 1}, out_shardings={"a": split, "b": NamedSharding(MESH, P(None, "y"))}), X)
    say(jax.jit(lambda x, y: x + y, in_shardings=(split, None), out_shardings=split), X, X)
    put = jax.device_put(X, split)
    say(jax.jit(lambda x: x * 2, in_shardings=split, out_shardings=split), put)
    say(jax.jit(lambda x: x * 2, in_shardings=NamedSharding(MESH, P(None, "y")), out_shardings=split), put)
    for wrong in (
        lambda: jax.jit(lambda x: x, in_shardings=split)(X[:3]),
        lambda: jax.jit(lambda x: x, out_shardings=split)(X[:3]),
        lambda: jax.jit(lambda x: x[0], out_shardings=across)(X),
        lambda: jax.jit(lambda x: x, in_shardings=across)(X[0]),
        lambda: jax.jit(lambda x: x, in_shardings=(split, split))(X),
        lambda: jax.jit(lambda x: x, in_shardings=P("x"))(X),
        lambda: jax.jit(lambda x: x, out_shardings=P("x"))(X),
        lambda: jax.jit(lambda x: x, in_shardings=split)(x=X),
        lambda: jax.jit(lambda x: x, out_shardings=(split, split))(X),
    ):
        say(wrong)


def in_force() -> None:
    """Meshes in force, and how they are made."""
    for shapes, names, more in [
        ((8,), ("i",), {}),
        ((2, 2), ("a", "b"), {}),
        ((4, 4), ("a", "b"), {}),
        ((2,), ("a", "b"), {}),
        (("a",), ("a",), {}),
        ((2, 4), ("a", "b"), {"axis_types": (AxisType.Auto, AxisType.Explicit)}),
        ((2,), "a", {"devices": CPUS[6:]}),
    ]:
        say(lambda s=shapes, n=names, m=more: repr(jax.make_mesh(s, n, **m)) + str(jax.make_mesh(s, n, **m).device_ids))
    utils = importlib.import_module(sys.argv[1] + ".experimental.mesh_utils")
    say(lambda: repr(utils.create_device_mesh((2, 4))))
    say(lambda: utils.create_device_mesh((2, 2)))
    say(lambda: utils.create_device_mesh(("a",)))
    say(lambda: repr(utils.create_hybrid_device_mesh((8,), (1,), process_is_granule=True)))
    say(lambda: utils.create_hybrid_device_mesh((8,), (2,), process_is_granule=True))
    say(lambda: utils.create_hybrid_device_mesh((8,), (1,)))
    say(lambda: [sharding.get_mesh(), repr(sharding.get_abstract_mesh())])
    with jax.set_mesh(MESH):
        say(lambda: [repr(sharding.get_mesh()), repr(sharding.get_abstract_mesh())])
        values(lambda: jax.jit(lambda x: x * len(sharding.get_abstract_mesh().axis_names))(X))
        say(lambda: jax.jit(lambda x: sharding.get_mesh() and x)(X))
        say(lambda: jax.jit(lambda x: jax.set_mesh(ROW) and x)(X))
        with jax.set_mesh(ROW):
            say(lambda: repr(sharding.get_mesh()))
        say(lambda: on(MESH, P("x"), P("x"))(lambda x: (print(repr(sharding.get_abstract_mesh())), x)[1])(X))
    say(jax.set_mesh, 3)
    say(jax.set_mesh, Mesh(np.array(CPUS), "x", axis_types=AxisType.Manual))

    def old() -> Any:
        with MESH as entered:
            return [entered is MESH, jax.jit(lambda x: lax.with_sharding_constraint(x, P("x")))(X)]

    say(old)
    types = sharding.ManualAxisType
    say(lambda: [repr(types(varying={"x"})), types() == types(), types(varying={"x"}) is types(varying={"x"})][:2])
    say(types, varying={"x"}, unreduced={"x"})
    say(types, varying={"x"}, reduced={"x"})
    say(lambda: repr(types(reduced={"x"}).to_ct_mat().update(varying={"y"})))


def explicit() -> None:
    """A mesh whose axes are part of the types."""
    mesh = jax.make_mesh((4, 2), ("x", "y"))
    put = jax.device_put(X, NamedSharding(mesh, P("x", "y")))
    with jax.set_mesh(mesh):
        say(lambda: describe(jax.reshard(put, P("x")))[0])
        say(lambda: jax.reshard(put, P(None, "y")).sharding.spec)
        say(jax.shard_map(lambda b: b * 2, out_specs=P("x", "y")), put)
        say(jax.shard_map(lambda b: b * 2, in_specs=P("x", "y"), out_specs=P("x", "y")), put)
        say(jax.shard_map(lambda b: b * 2, in_specs=P("y"), out_specs=P("y")), put)
        say(jax.shard_map(lambda b: b * 2, in_specs=P("y"), out_specs=P("y")), jax.numpy.asarray(X))
        say(jax.shard_map(lambda b: b * 2, in_specs=P(), out_specs=P()), jax.numpy.asarray(X))
        say(lambda: jax.reshard(X, P("z")))
        say(lambda: jax.reshard(X, None))
        say(lambda: sharding.auto_axes(lambda x: x * 2, out_sharding=P("x"))(put).sharding.spec)
        say(lambda: sharding.auto_axes(lambda x: x * 2)(put))
        say(lambda: sharding.explicit_axes(lambda x: x * 2)(put))
    say(lambda: jax.reshard(X, P("x")))
    say(lambda: jax.reshard(X, 3))
    say(lambda: jax.reshard(put, NamedSharding(mesh, P("y"))).sharding.spec)


if __name__ == "__main__":
    for part in sys.argv[2:]:
        globals()[part]()
