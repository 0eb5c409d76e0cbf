"""What types say of a mesh, on eight devices: over explicit axes how values are split, in `shard_map` where they differ.

Run with "jax" or "jaxlike"; `test_sharded.py` compares line by line.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

jax: Any = importlib.import_module(sys.argv[1])
jnp, lax, P = jax.numpy, jax.lax, jax.P
sharding: Any = importlib.import_module(sys.argv[1] + ".sharding")
AxisType, NamedSharding = sharding.AxisType, sharding.NamedSharding
jax.config.update("jax_num_cpu_devices", 8)
MESH = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Explicit,) * 2)
AUTO = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Auto,) * 2)
MIXED = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Explicit, AxisType.Auto))


def ones(shape: Any, *spec: Any, mesh: Any = MESH) -> Any:
    """Ones that are split so."""
    return jax.device_put(np.ones(shape, np.float32), NamedSharding(mesh, P(*spec)))


def outcome(run: Callable[[], Any]) -> str:
    """What it gives, or what it raises, in words."""
    try:
        found = run()
    except Exception as error:  # whichever: its class and text are compared
        found = f"{type(error).__name__} {error}".partition("\n")[0]
    return re.sub(r"0x[0-9a-f]+", "0x", str(found)).replace("jaxlike", "jax")


def where(x: Any) -> Any:
    """The type of a result, and how it is placed."""
    return str(jax.typeof(x)), str(x.sharding.spec) if isinstance(x.sharding, NamedSharding) else "whole"


def both(function: Callable[..., Any], *args: Any, eager: bool = True) -> None:
    """Print the types of results: of a call, inside of `jit`, and with the mesh in force."""

    def compiled() -> Any:
        return jax.tree.map(where, jax.jit(function)(*args))

    def in_force() -> Any:
        with jax.set_mesh(MESH):
            return compiled()

    if eager:
        print("called", outcome(lambda: jax.tree.map(where, function(*args))))
    print("jit", outcome(compiled), "in force", outcome(in_force))


def seen(function: Callable[..., Any], transform: Callable[..., Any], *args: Any) -> None:
    """Print what a value inside of a transformation says of itself."""
    notes: list[Any] = []

    def noting(*inside: Any) -> Any:
        out = function(*inside)
        notes.append((repr(out), str(jax.typeof(out)), jax.typeof(out).sharding.spec, str(out.aval)))
        return out

    print(outcome(lambda: [transform(noting)(*args), notes][1]))


def elementwise() -> None:
    """Operands that meet."""
    pairs = [
        (ones((8, 8), "x", "y"), ones((8, 8), "y", "x")),
        (ones((8, 8), "x"), ones((8, 8), "y")),
        (ones((8, 8), "x"), ones((8, 8))),
        (ones((8, 8), "x"), ones(8, "y")),
        (ones((8, 8), "x", "y"), ones((1, 8), None, "y")),
        (ones((8, 8), "x"), ones(8, "x")),
        (ones((8, 8), "x"), np.ones((8, 8), np.float32)),
        (ones((8, 8), "x"), ones((8, 8), None, "y")),
        (ones((8, 8), "x"), ones((8, 8), None, "x")),
    ]
    for a, b in pairs:
        both(lambda a, b: a + b, a, b)
    both(lambda a, b: jnp.where(a > 0, a, b), *pairs[1])
    both(lambda a, b: lax.sub(a, b), *pairs[1])
    both(lambda a: jnp.clip(a * 2, 0, 1) ** 3, ones((8, 8), "x"))
    both(lambda a: (a - a.mean(1, keepdims=True)) / jnp.std(a, 1, keepdims=True), ones((8, 8), "x"))


def products() -> None:
    """Sums of products, and what they say where it is not plain how the result is split."""
    pairs = [
        ("xy", "  "), ("x ", " y"), ("x ", " x"), (" x", "x "), (" x", "  "), (" x", "y "),
    ]  # fmt: skip
    for left, right in pairs:
        a, b = (ones((8, 8), *[None if c == " " else c for c in side]) for side in (left, right))
        both(lambda a, b: a @ b, a, b)
        both(lambda a, b: jnp.matmul(a, b, out_sharding=NamedSharding(MESH, P("x", None))), a, b)
    both(lambda a, b: a @ b, ones((8, 8), "x"), ones(8))
    both(jnp.dot, ones(8, "x"), ones(8, "x"))
    both(lambda a, b: a @ b, ones((4, 8, 8), "x", None, "y"), ones((4, 8, 8), "x"))
    both(lambda a, b: jnp.einsum("ab,cb->ac", a, b), ones((8, 8), "x"), ones((8, 8), "y"))
    out = NamedSharding(MESH, P("x"))
    both(lambda a, b: jnp.einsum("ab,cb->ac", a, b, out_sharding=out), ones((8, 8), "x"), ones((8, 8)))
    both(lambda a, b: jax.grad(lambda a, b: (a @ b).sum(), (0, 1))(a, b), ones((8, 8), "x"), ones((8, 8), None, "y"), eager=False)


def shapes() -> None:
    """Functions that move, cut, join and add."""
    reshapes = [((64,), "xy"), ((64,), " y"), ((64,), "x "), ((4, 2, 8), "x "), ((2, 4, 8), "x "), ((1, 8, 1, 8), "xy"), ((16, 4), "xy"), ((16, 4), "  ")]
    for shape, spec in reshapes:
        both(lambda a, shape=shape: a.reshape(shape), ones((8, 8), *[None if c == " " else c for c in spec]))
    both(lambda a: lax.reshape(a, (16, 4), out_sharding=NamedSharding(MESH, P("x", None))), ones((8, 8), "x", "y"))
    a, other = ones((8, 8), "x"), ones((8, 8), "y")
    functions: list[Callable[..., Any]] = [
        jnp.transpose, lambda a: a[None], lambda a: a[:, :4], lambda a: a[:, 0], lambda a: lax.slice(a, (0, 0), (4, 8)),
        lambda a: jnp.split(a, 2, 1), lambda a: jnp.concatenate([a, a], 1), lambda a: jnp.stack([a, a]),
        lambda a: jnp.concatenate([a, other]), lambda a: jnp.pad(a, ((0, 0), (1, 1))), lambda a: jnp.cumsum(a, 1),
        lambda a: jnp.cumsum(a, 0), lambda a: jnp.argmax(a, 1), lambda a: jnp.argmax(a, 0), lambda a: jnp.broadcast_to(a, (3, 8, 8)),
        lambda a: a.sum(0, keepdims=True), lambda a: a.max(1), lambda a: a.sum(), jnp.flip, lambda a: jnp.roll(a, 1, 1), jax.nn.softmax,
        lambda a: a + jnp.eye(8), lambda a: lax.expand_dims(a, (1,)), lambda a: a.astype("int32"), lambda a: jnp.tile(a, (1, 2)),
        jax.vmap(lambda a: a * 2), lambda a: jax.sharding.reshard(a, NamedSharding(MESH, P("y"))) + 1, lambda a: jnp.sort(a, 1),
        lambda a: lax.dynamic_slice(a, (0, 0), (8, 2)),
    ]  # fmt: skip
    for function in functions:
        both(function, a)
    both(lambda a: lax.map(jnp.sin, a), a, eager=False)
    both(lambda a: lax.map(jnp.sin, a), ones((8, 8), None, "x"), eager=False)
    both(jnp.squeeze, ones((8, 1), "x"))
    with jax.set_mesh(MESH):
        print(outcome(lambda: where(jax.jit(jnp.zeros_like)(a))))


def types() -> None:
    """What a value says of itself, eagerly and inside of transformations."""
    x, mixed = ones((8, 2), "x", "y"), ones((8, 2), "x", "y", mesh=MIXED)
    for value in (x, mixed, ones((8, 2), "x", mesh=AUTO)):
        aval = jax.typeof(value)
        print(str(aval), repr(aval), aval.str_short(short_dtypes=True), aval.sharding.spec, aval == value.aval, hash(aval) == hash(value.aval))
    functions: list[Callable[..., Any]] = [
        lambda a: a, jnp.sin, jnp.transpose, lambda a: a.sum(0), lambda a: a.astype("int32"), lambda a: a[None], lambda a: a + jnp.ones((8, 2)),
        jax.jit(jnp.cos), jax.nn.relu, lambda a: jax.sharding.reshard(a, NamedSharding(MESH, P("y"))), lambda a: jnp.ones(3),
        lambda a: lax.scan(lambda c, _: (c * 2, None), a, None, length=2)[0], lambda a: lax.cond(True, jnp.sin, jnp.cos, a),
        lambda a: lax.fori_loop(0, 2, lambda i, c: c + 1, a),
    ]  # fmt: skip
    for function in functions:
        seen(function, jax.jit, x)
    seen(lambda a: a * 2, lambda f: jax.jit(jax.vmap(f)), ones((8, 2), None, "y"))
    with jax.set_mesh(MESH):
        seen(lambda a: a * 2, lambda f: jax.jit(jax.grad(lambda a: f(a).sum())), x)
    counted = jax.jit(lambda a: a)
    for value in (x, ones((8, 2), "y"), x):
        counted(value)
    print(counted._cache_size())
    struct = jax.ShapeDtypeStruct((8, 2), "float32", sharding=NamedSharding(MESH, P("x")))
    seen(lambda a: a, lambda f: jax.jit(f).lower, struct)


def differing() -> None:
    """Inside of `shard_map`: along which axes values differ."""
    x = np.arange(8.0, dtype=np.float32)

    def inside(function: Callable[..., Any], in_specs: Any, out_specs: Any, **more: Any) -> None:
        notes: list[Any] = []

        def noting(a: Any) -> Any:
            out = function(a)
            kind = jax.typeof(out)
            mat, mesh = kind.manual_axis_type, kind.sharding.mesh
            notes.append((str(kind), repr(out.aval), sorted(mat.varying), kind.sharding.spec, mesh.axis_types, kind.mat == mat))
            return out

        mapped = jax.shard_map(noting, mesh=AUTO, in_specs=in_specs, out_specs=out_specs, **more)
        print(outcome(lambda: [mapped(x), notes][1]))

    inside(lambda a: a, P("x"), P("x"))
    inside(lambda a: lax.psum(a, "x"), P("x"), P())
    inside(lambda a: a * 2, P(("x", "y")), P(("x", "y")))
    inside(lambda a: jnp.ones(2), P("x"), P())
    inside(lambda a: lax.pcast(jnp.ones(2), "x", to="varying"), P("x"), P("x"))
    inside(jax.jit(jnp.sin), P("x"), P("x"))
    inside(lambda a: a, P("x"), P("x"), check_vma=False)
    inside(lambda a: a, P("x"), P("x"), axis_names={"x"})


def changing() -> None:
    """Inside of `shard_map`: what a loop carries starts the same everywhere and does not stay so; branches disagree."""
    start = jnp.zeros(1)
    functions: list[Callable[[Any], Any]] = [
        lambda a: lax.scan(lambda c, y: (c + y, y), start, a)[1],
        lambda a: lax.scan(lambda c, y: ({"u": c["u"] + y, "v": c["v"] * y[0]}, y), {"u": start, "v": 2.0}, a)[1],
        lambda a: lax.scan(lambda c, y: (c + y, y), lax.pcast(start, ("x", "y"), to="varying"), a)[1],
        lambda a: lax.while_loop(lambda c: c.sum() < 3, lambda c: c + a[0], start)[None],
        lambda a: lax.fori_loop(0, 3, lambda i, c: c + a[0], start)[None],
        lambda a: lax.cond(True, lambda: a[0], lambda: start)[None],
        lambda a: lax.cond(True, lambda: (a[0], 1.0), lambda: (start, a[0, 0]))[0][None],
        lambda a: lax.switch(0, [lambda: a[0], lambda: start, lambda: a[0]])[None],
        lambda a: lax.cond(lax.axis_index("x") > 1, lambda: a * 2, lambda: a),
    ]
    for function in functions:
        mapped = jax.shard_map(function, mesh=AUTO, in_specs=P("x", "y"), out_specs=P("x", "y"))
        try:
            print(where(mapped(np.ones((8, 2), np.float32))))
        except TypeError as error:
            print(str(error).partition("This might")[0])


for part in (elementwise, products, shapes, types, differing, changing):
    part()
