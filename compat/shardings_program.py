"""What meshes, specs and shardings of eight devices say, line by line. Run with "jax" or "jaxlike".

`test_devices.py` runs it in a process per framework, since the number of devices is fixed once they are used.
"""

from __future__ import annotations

import copy
import importlib
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

jax: Any = importlib.import_module(sys.argv[1])
sharding: Any = importlib.import_module(sys.argv[1] + ".sharding")
P, AxisType = sharding.PartitionSpec, sharding.AxisType
Mesh, AbstractMesh, NamedSharding = sharding.Mesh, sharding.AbstractMesh, sharding.NamedSharding
CPUS = jax.devices("cpu")
GRID = np.array(CPUS).reshape(4, 2)
MESH = Mesh(GRID, ("x", "y"))
ABSTRACT = AbstractMesh((4, 2), ("x", "y"))
ENTRIES: list[tuple[Any, ...]] = [
    *((), ([],), ((),), (["a", "b"],), ((None,),), (3,), (("a", "b"),), ("a", None), (["a"],), (None, None)),
    *((P.UNCONSTRAINED,), (("a", ("b",)),)),
]
SETS: list[dict[str, Any]] = [
    {"unreduced": {"a"}},
    {"unreduced": {None}},
    {"reduced": {None}},
    {"reduced": {"b"}},
    {"unreduced": {"b"}, "reduced": {"b"}},
    {"unreduced": ["b"]},
    {"unreduced": {"c"}, "reduced": {"b"}},
]
SPECS = [
    *(P(), P("x"), P("y"), P(("x", "y")), P(("y", "x")), P("x", "y"), P("y", "x"), P(None, "x"), P("z")),
    *(P("x", "x"), P("x", "y", None), P(P.UNCONSTRAINED), P("x", unreduced={"y"})),
]
OF_A_MESH = [
    *("shape", "shape_tuple", "axis_names", "axis_sizes", "axis_types", "size", "empty", "is_multi_process"),
    *(
        "is_scalar",
        "local_devices",
        "local_mesh",
        "device_ids",
        "abstract_mesh",
        "auto_axes",
        "explicit_axes",
    ),
    *("manual_axes", "are_all_axes_auto", "are_all_axes_explicit", "are_all_axes_manual", "no_such_thing"),
]


def say(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Print what a call returns or raises."""
    try:
        print(repr(function(*args, **kwargs)))
    except Exception as error:
        print(type(error).__name__, error)


def specs() -> None:
    """PartitionSpec by itself."""
    for entries in ENTRIES:
        say(P, *entries)
        say(lambda e: [P(*e).partitions, len(P(*e)), P(*e) == P(*e), P(*e).count("a")], entries)
    for sets in SETS:
        say(P, "a", **sets)
        say(P, **sets)
        say(lambda s: P("a", **s)[0], sets)
        say(lambda s: list(P("a", **s)), sets)
        say(lambda s: operator.add(P("z", **s), ("y",)), sets)
        say(lambda s: operator.add(("y",), P("z", **s)), sets)
        say(lambda s: P("z", **s).to_ct_spec(), sets)
    say(operator.add, P("a"), P("b"))
    say(operator.add, P("a"), ("b",))
    say(operator.add, ("b",), P("a"))
    say(lambda: [P("a")[0], P("a", "b").index("b"), P("a").to_lo(), P("a").to_tangent_spec()])
    say(P("a", "b").update, unreduced={"c"})
    say(P("a", "b").update, ("c",))
    say(lambda: [P("a") == ("a",), P("a") == P("b"), hash(P("a")) == hash(P(("a",)))])
    say(setattr, P("a"), "x", 1)
    say(type, "Q", (P,), {})


def meshes() -> None:
    """Meshes with and without devices."""
    for name in OF_A_MESH:
        say(getattr, MESH, name)
        say(getattr, ABSTRACT, name)
    say(lambda: [str(MESH), MESH, MESH == Mesh(GRID, ("x", "y")), MESH == Mesh(GRID, ("y", "x"))])
    for names in (("x",), ("x", None), "xy"):
        say(Mesh, GRID, names)
    say(Mesh, CPUS, "xy")
    say(Mesh, [], ("x",))
    for types in ((AxisType.Explicit,), (AxisType.Explicit, AxisType.Manual), (1, 2), AxisType.Auto):
        say(Mesh, GRID, ("x", "y"), axis_types=types)
        say(AbstractMesh, (4, 2), ("x", "y"), types)
        say(lambda t: Mesh(GRID, ("x", "y"), axis_types=t).explicit_axes, types)
    say(MESH.update, axis_names=("a", "b"))
    say(setattr, MESH, "size", 3)
    say(lambda: [ABSTRACT, AbstractMesh((), ()), ABSTRACT.update(axis_sizes=(8, 1))])
    say(sharding.AbstractDevice, "a", 1, "cpu")
    say(ABSTRACT.update_axis_types, {"x": AxisType.Manual})

    def in_force(*in_turn: Any) -> Any:
        if not in_turn:
            return sharding.get_abstract_mesh()
        with sharding.use_abstract_mesh(in_turn[0]):
            return in_force(*in_turn[1:])

    for in_turn in [(), (ABSTRACT,), (ABSTRACT, AbstractMesh((2,), ("x",))), (MESH,)]:
        say(in_force, *in_turn)
    say(in_force)


def shardings() -> None:
    """NamedSharding and SingleDeviceSharding."""

    def describe(spec: Any, shape: tuple[int, ...]) -> list[Any]:
        s = NamedSharding(MESH, spec)
        same = s.addressable_devices_indices_map(shape) == s.devices_indices_map(shape)
        where = [*s.devices_indices_map(shape).items()]
        of_all = [s.is_fully_replicated, s.is_fully_addressable, s.num_devices, sorted(s.replicated_axes)]
        return [s, s.shard_shape(shape), where, same, of_all, s.memory_kind]

    for spec in SPECS:
        say(describe, spec, (8, 8))
        say(describe, spec, (8, 16, 3))
        for other in SPECS:
            say(lambda a, b: NamedSharding(MESH, a) == NamedSharding(MESH, b), spec, other)
            say(lambda a, b: NamedSharding(MESH, a).is_equivalent_to(NamedSharding(MESH, b), 3), spec, other)
    s = NamedSharding(MESH, P("x", "y"))
    say(s.shard_shape, (3, 3))
    for shape in [(8, 8), (8,), ()]:
        say(s.check_compatible_aval, shape)
    say(s.update, spec=P("x"))
    say(s.update, spec=("x",))
    say(s.with_memory_kind, "pinned_host")
    say(lambda: s.has_addressable_devices)
    say(NamedSharding, MESH, P("x"), memory_kind="tape")
    say(NamedSharding, ABSTRACT, P("x"))
    say(lambda: NamedSharding(ABSTRACT, P("x")).device_set)
    one = sharding.SingleDeviceSharding(CPUS[0])
    alone = NamedSharding(Mesh(np.array(CPUS[:1]), ("x",)), P("x"))
    say(lambda: [alone.is_equivalent_to(one, 1), one.is_equivalent_to(alone, 1)])
    say(lambda: [one.is_equivalent_to(s, 2), s.is_equivalent_to(one, 2)])


def devices() -> None:
    """Eight devices, and what is put on them."""
    split = NamedSharding(MESH, P("x"))
    say(jax.device_put, np.ones(3), split)
    say(jax.device_put, 1.0, split)
    say(lambda: np.asarray(jax.device_put(np.arange(8, dtype=np.float32), split)))
    say(lambda: [jax.memory.Space.Device, *jax.memory.Space])
    say(lambda: [memory for device in CPUS for memory in device.addressable_memories()])
    say(lambda: [jax.device_count("cpu"), len(jax.local_devices(backend="cpu")), CPUS[5], str(CPUS[5])])
    say(lambda: jax.device_put(jax.device_put(np.ones(8), split), split).sharding)


def followed() -> None:
    """Results are where what they are computed of is: operations, transformations, loops."""
    jnp, lax = jax.numpy, jax.lax
    x = jax.device_put(np.arange(8, dtype=np.float32), CPUS[1])
    m = jax.device_put(np.arange(64, dtype=np.float32).reshape(8, 8), NamedSharding(MESH, P("x", "y")))
    v = jax.device_put(np.ones(8, np.float32), NamedSharding(MESH, P("y")))
    square = lambda a: (a * a).sum()  # noqa: E731
    anywhere: list[Callable[[Any], Any]] = [
        jnp.sort,
        jnp.cumsum,
        jax.nn.softmax,
        lambda a: a.at[0].set(2),
        lambda a: jnp.concatenate([a, a]),
        lambda a: jnp.where(a > 1, a, 0.0),
        jax.vmap(jnp.sin),
        jax.grad(square),
        lambda a: jax.jvp(jnp.sin, (a,), (a,))[1],
        lambda a: jax.vjp(jnp.sin, a)[1](a)[0],
        jax.jit(lambda a: a * 2 + 1),
    ]
    for f in [
        *anywhere,
        lambda a: jnp.stack([a, a]),
        lambda a: jnp.linalg.norm(a),
        lambda a: a[jnp.array([1, 2])],
        lambda a: jnp.fft.fft(a),
        jax.hessian(square),
        jax.checkpoint(jnp.sin),
        lambda a: lax.cond(True, jnp.sin, jnp.cos, a),
        lambda a: lax.scan(lambda c, r: (c + r, r * 2), 0.0, a)[1],
        lambda a: lax.fori_loop(0, 3, lambda _, c: c + 1, a),
    ]:
        say(lambda f: [f(x).device, f(x).committed], f)
    for f in [
        *anywhere,
        lambda a: a[0],
        lambda a: a[:, 0],
        lambda a: a[1:3],
        lambda a: a.T,
        lambda a: a[None],
        lambda a: a.sum(0),
        lambda a: a.max(1),
        lambda a: a.sum(),
        lambda a: a.reshape(-1),
        lambda a: a.reshape(2, 4, 8),
        lambda a: a @ a,
        lambda a: a @ v,
        lambda a: a + v,
    ]:
        say(lambda f: [f(m).sharding, jax.jit(f)(m).sharding], f)
    say(lambda: [jnp.broadcast_to(v, (3, 8)).sharding, jnp.outer(v, v).sharding])
    compiled = jax.jit(lambda a: (a * 2, a.T)).lower(m).compile()
    said = jax.jit(jnp.sin).lower(jax.ShapeDtypeStruct((8, 8), np.float32, sharding=m.sharding)).compile()
    say(lambda: [compiled.input_shardings, compiled.output_shardings, said.output_shardings])
    say(lambda: [[r.sharding for r in compiled(m)], said(np.ones((8, 8), np.float32)).sharding])
    say(compiled, jax.device_put(np.ones((8, 8), np.float32), CPUS[0]))
    explicit = (AxisType.Explicit,) * 2
    same = [Mesh(GRID, ("x", "y")), copy.copy(MESH), Mesh(GRID, ("x", "z")), Mesh(GRID, ("x", "y"), explicit)]
    say(lambda: [MESH is mesh for mesh in same])
    say(lambda: AbstractMesh((4, 2), ("x", "y")) is ABSTRACT)
    for leaf in ("x", 1):
        say(jax.jit, jnp.sin, in_shardings=leaf)
        say(jax.jit, jnp.sin, out_shardings={"a": leaf})
    other = jax.device_put(np.ones(8, np.float32), CPUS[2])
    for f in [lambda: x + other, lambda: jnp.concatenate([x, other])]:
        say(f)


if __name__ == "__main__":
    specs()
    meshes()
    shardings()
    devices()
    followed()
    say(jax.config.update, "jax_num_cpu_devices", 3)
