"""`shard_map`, `pmap`, placed arrays and meshes in force on eight simulated devices, in a process per framework."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import neutral, same_in_both

FLAGS = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
PARTS = [
    "placing following constraining in_force explicit mapping mistakes splitting",
    pytest.param("collectives gradients", marks=pytest.mark.slow),
    pytest.param("grouped", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("parts", PARTS)
def test_eight_devices(parts):
    assert_prints_the_same("compat.sharded_program", *parts.split())


def test_what_types_say_of_a_mesh():
    assert_prints_the_same("compat.explicit_program")


def assert_prints_the_same(program: str, *arguments: str) -> None:
    """The program's lines are equal."""
    outputs = []
    for framework in (frameworks.EXPECTED, frameworks.ACTUAL):
        done = subprocess.run(
            [sys.executable, "-m", program, framework.__name__, *arguments],
            env=os.environ | FLAGS | {"JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs.append(neutral(done.stdout).splitlines())
    assert outputs[1] == outputs[0]
    assert len(outputs[0]) >= 30


# On the one device that there is without simulating more


@same_in_both(
    covers=[
        *(f"jax.sharding.{name}" for name in ("auto_axes", "explicit_axes", "get_mesh", "reshard", "set_mesh")),
        *(f"jax.experimental.mesh_utils.create_{name}" for name in ("device_mesh", "hybrid_device_mesh")),
        *(f"jax.sharding.NamedSharding.{name}" for name in ("check_compatible_aval", "is_equivalent_to")),
        "jax.experimental.shard_map.shard_map",
    ]
)
def test_a_mesh_of_one_device(jax):
    cpu = jax.devices("cpu")[0]
    utils = importlib.import_module(f"{jax.__name__}.experimental.mesh_utils")
    old = importlib.import_module(f"{jax.__name__}.experimental.shard_map")
    grid = utils.create_hybrid_device_mesh((1,), (1,), [cpu], process_is_granule=True)
    mesh = jax.make_mesh((1,), ("i",), devices=[cpu])
    split = jax.NamedSharding(mesh, jax.P("i"))
    split.check_compatible_aval((3,))
    x = jax.device_put(np.arange(3.0, dtype=np.float32), split)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        shard_map = old.shard_map
    with jax.sharding.set_mesh(mesh):
        again = jax.sharding.reshard(x, jax.P("i"))
        auto = jax.sharding.auto_axes(lambda v: v * 2, out_sharding=jax.P("i"))(x)
        named = repr(jax.sharding.get_mesh())
    total = shard_map(lambda v: jax.lax.psum(v, "i"), mesh, (jax.P("i"),), jax.P())
    return {
        "meshes": [named, bool((grid == utils.create_device_mesh((1,), [cpu])).all())],
        "equivalent": split.is_equivalent_to(jax.NamedSharding(mesh, jax.P()), 1),
        "values": [np.asarray(v) for v in (again, auto, total(x), jax.jit(total)(x))],
        "placed": [repr(v.sharding) for v in (again, total(x))],
    }


@same_in_both(covers=["jax.sharding.explicit_axes"])
def test_explicit_axes_need_a_mesh(jax):
    return jax.sharding.explicit_axes(lambda v: v, in_sharding=jax.P("i"))(np.ones(3))


@pytest.mark.parametrize("checked", [True, False])
def test_training_on_one_device(checked):
    """The loop that programs write: gradients of replicated parameters, averaged over devices, in a jitted step."""

    @same_in_both(covers=["jax.shard_map"])
    def train(jax):
        mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices("cpu")[:1])

        def loss(p: Any, x: Any) -> Any:
            return jax.numpy.mean((jax.numpy.tanh(x @ p["w"]) + p["b"]) ** 2)

        def step(p: Any, x: Any) -> Any:
            value, grads = jax.value_and_grad(loss)(p, x)
            value, grads = jax.lax.pmean((value, grads), "i")
            return jax.tree.map(lambda v, g: v - 0.1 * g, p, grads), value

        specs = {"in_specs": (jax.P(), jax.P("i")), "out_specs": (jax.P(), jax.P())}
        mapped = jax.jit(jax.shard_map(step, mesh=mesh, check_vma=checked, **specs))
        params = {"w": np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2), "b": np.ones(2, np.float32)}
        x = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)
        value = None
        for _ in range(3):
            params, value = mapped(params, x)
        return jax.tree.map(np.asarray, params), np.asarray(value)

    train()
