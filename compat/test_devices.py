"""Devices, shardings, `device_put` and its kin, compared on the CPU's devices."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import first_sentence, neutral, same_in_both


def attempt(program: Any) -> str:
    """What the program returned or raised, as text."""
    try:
        return f"returned {program()!r}"
    except Exception as error:
        return f"raised {type(error).__name__}: {first_sentence(str(error))}"


# ------------------------------------------------------------------------------------------------ devices


@same_in_both(covers=["jax.devices", "jax.local_devices"])
def test_devices_are_the_same_objects_each_time(jax):
    a, b = jax.devices("cpu"), jax.local_devices(backend="cpu")
    return repr(a), str(a[0]), a[0] is b[0], a == b, a is b, {a[0]: 1}[b[0]], isinstance(a[0], jax.Device)


ATTRIBUTES = ["platform", "device_kind", "id", "process_index", "host_id", "task_id", "local_hardware_id"]
METHODS = ["memory_stats", "addressable_memories", "default_memory"]


@same_in_both(covers=[f"jax.Device.{name}" for name in [*ATTRIBUTES, *METHODS, "memory", "client"]])
def test_what_a_device_says(jax):
    device = jax.devices("cpu")[0]
    memory = device.default_memory()
    return {
        **{name: getattr(device, name) for name in ATTRIBUTES},
        **{name: repr(getattr(device, name)()) for name in METHODS},
        "memory": [repr(device.memory(kind)) for kind in ("device", "pinned_host", "unpinned_host")],
        "no memory": attempt(lambda: device.memory("tape")),
        "memories": [str(known) for known in device.addressable_memories()],
        "default": [memory.kind, memory.platform, memory.process_index, memory.addressable_by_devices()],
        "client": [device.client.platform, device.client.device_count(), device.client.process_index()],
        "other": hasattr(device, "compute_capability"),
        "set": attempt(lambda: setattr(device, "id", 3)),
        "new": attempt(lambda: setattr(device, "color", 3)),
        "order": attempt(lambda: device < device),
    }


@same_in_both
def test_a_device_cannot_be_made(jax):
    try:
        return jax.Device()
    except TypeError as error:
        return str(error).endswith("Device: no constructor defined!")


@pytest.mark.parametrize("name", ["cpu", "gpu", "cuda", "rocm", "mps", "METAL", "CPU", "no_such_backend", 3])
def test_backends(name):
    if frameworks.on_gpu() and name in ("gpu", "cuda"):
        pytest.skip("there is one")

    @same_in_both(covers=["jax.device_count", "jax.local_device_count"])
    def backend_of_this_name(jax):
        functions = (jax.devices, jax.device_count, jax.local_device_count, jax.process_count)
        return [attempt(lambda f=f: f(name)) for f in functions]

    backend_of_this_name()


@same_in_both(covers=["jax.process_index", "jax.process_count", "jax.process_indices", "jax.default_backend"])
def test_processes(jax):
    names = ("process_index", "process_count", "process_indices", "host_id", "host_count", "host_ids")
    return [getattr(jax, name)("cpu") for name in names], jax.devices("cpu")[0].client.platform


@same_in_both(covers=["jax.host_id", "jax.host_count", "jax.host_ids"])
def test_old_names_warn(jax):
    return jax.host_id(), jax.host_count(), jax.host_ids()


@same_in_both
def test_no_such_process(jax):
    return jax.local_devices(process_index=1)


@same_in_both
def test_backend_may_be_a_client(jax):
    client = jax.devices("cpu")[0].client
    return repr(jax.devices(client)), jax.device_count(client)


@pytest.mark.parametrize("how", ["device", "name", "config", "nested"])
def test_default_device(how):
    @same_in_both
    def on_the_cpu(jax):
        cpu = jax.devices("cpu")[0]
        if how == "config":
            jax.config.update("jax_default_device", cpu)
            try:
                return jax.numpy.ones(2) + 1, jax.config.jax_default_device is cpu
            finally:
                jax.config.update("jax_default_device", None)
        with jax.default_device("cpu" if how == "name" else cpu):
            if how == "nested":
                with jax.default_device(None):
                    pass
            return jax.numpy.ones(2) + 1, repr(jax.config.jax_default_device)

    on_the_cpu()


@same_in_both
def test_default_device_that_is_not_there(jax):
    if frameworks.on_gpu():
        return None
    with jax.default_device("gpu"):
        return jax.numpy.ones(2)


# -------------------------------------------------------------------------------------------- device_put

LEAVES: dict[str, Any] = {
    "float": 1.5,
    "int": 3,
    "bool": True,
    "complex": 1j,
    "large": 2**40,
    "numpy scalar": np.float64(2),
    "numpy": np.arange(3),
    "float64": np.ones(2),
    "bfloat16": None,  # filled in by the program
    "text": "a",
    "bytes": b"a",
    "object": object(),
    "array of text": np.array(["a"]),
    "slice": slice(1),
    "none": None,
    "tree": [1, {"b": np.ones(2), "a": (2.0, None)}],
    "empty": [],
}


@pytest.mark.parametrize("name", LEAVES)
@pytest.mark.parametrize("to", ["nothing", "device", "sharding"])
def test_device_put_of(name, to):
    @same_in_both(covers=["jax.device_put"])
    def put(jax):
        x = jax.numpy.ones(2, jax.numpy.bfloat16) if name == "bfloat16" else LEAVES[name]
        cpu = jax.devices("cpu")[0]
        if to == "nothing":
            return jax.device_put(x)
        return jax.device_put(x, cpu if to == "device" else jax.sharding.SingleDeviceSharding(cpu))

    put()


@same_in_both(covers=["jax.device_put"])
def test_device_put_prefixes(jax):
    cpu = jax.devices("cpu")[0]
    x = jax.numpy.ones(2)
    trees = [
        ([x, x], [cpu, None]),
        ([x, [x, x]], [cpu, cpu]),
        ([x, x], (cpu, cpu)),
        ([x, x], [cpu]),
        ({"a": x, "b": x}, {"a": cpu}),
        ({"a": x, "b": x}, {"a": cpu, "b": cpu}),
        (x, "cpu"),
        ([x, x], [cpu, 3]),
        (x, jax.P("x")),
        ([], cpu),
        (None, cpu),
    ]
    return [attempt(lambda t=tree, d=device: jax.device_put(t, d)) for tree, device in trees]


@same_in_both(covers=["jax.device_put"])
def test_device_put_flags(jax):
    cpu = jax.devices("cpu")[0]
    x = jax.numpy.arange(3.0)
    flags = [
        {"donate": True, "may_alias": True},
        {"donate": True, "may_alias": False},
        {"may_alias": False},
        {"may_alias": (True, True)},
        {"may_alias": (None,)},
        {"donate": (False,)},
        {"donate": (False, True)},
        {"src": cpu},
        {"src": 3},
    ]
    return [attempt(lambda f=f: jax.device_put((x,), **f)) for f in flags]


@same_in_both
def test_device_put_keeps_the_array_it_need_not_move(jax):
    x = jax.numpy.ones(2)
    weak = jax.device_put(2.0)
    return (
        jax.device_put(x) is x,
        jax.device_put(x, may_alias=False) is x,
        jax.device_put(weak, jax.devices("cpu")[0]),
    )


@pytest.mark.parametrize("transform", ["jit", "grad", "vmap", "jvp", "jit_of_grad", "vmap_of_grad"])
def test_device_put_inside(transform):
    @same_in_both
    def inside(jax):
        cpu = jax.devices("cpu")[0]

        def fun(x: Any) -> Any:
            return jax.numpy.sum(jax.device_put({"x": x, "y": 2.0}, cpu)["x"] ** 2 * jax.device_put(x))

        x = jax.device_put(np.arange(6, dtype=np.float32).reshape(2, 3), cpu)
        with jax.default_device(cpu):
            return {
                "jit": lambda: jax.jit(fun)(x),
                "grad": lambda: jax.grad(fun)(x),
                "vmap": lambda: jax.vmap(fun)(x),
                "jvp": lambda: jax.jvp(fun, (x,), (x,)),
                "jit_of_grad": lambda: jax.jit(jax.grad(fun))(x),
                "vmap_of_grad": lambda: jax.vmap(jax.grad(fun))(x),
            }[transform]()

    inside()


@same_in_both(covers=["jax.device_get"])
def test_device_get(jax):
    x = jax.numpy.arange(3.0)
    tree = [1, "a", x, np.ones(2), None, jax.numpy.float32(3), {"k": jax.numpy.bfloat16(1)}, jax.random.key(0)]
    inside = []
    jax.jit(lambda x: inside.append(isinstance(jax.device_get(x), jax.core.Tracer)))(x)
    return jax.device_get(tree), jax.device_get(x).flags.writeable, inside


@same_in_both(covers=["jax.block_until_ready", "jax.copy_to_host_async"])
def test_waiting_returns_what_it_was_given(jax):
    class Ready:
        def block_until_ready(self) -> str:
            said.append("ready")
            return "not looked at"

        def copy_to_host_async(self) -> None:
            said.append("copy")

    said: list[str] = []
    x, ready = jax.numpy.ones(2), Ready()
    tree = [1, "a", x, ready, None]
    waited, copied = jax.block_until_ready(tree), jax.copy_to_host_async(tree)
    return (
        waited is tree,
        copied is tree,
        jax.block_until_ready(x) is x,
        jax.jit(jax.block_until_ready)(x),
        said,
    )


@same_in_both(covers=["jax.live_arrays"])
def test_live_arrays(jax):
    x = jax.numpy.arange(7919)
    seen = [y for y in jax.live_arrays() if y.shape == (7919,)]
    found = len(seen), any(y is x for y in seen)
    del seen, x
    return found, [y for y in jax.live_arrays() if y.shape == (7919,)]


@same_in_both(covers=["jax.print_environment_info"])
def test_print_environment_info(jax):
    info = jax.print_environment_info(return_string=True)
    return [line.split(":")[0] for line in info.splitlines() if ":" in line][:7]


# --------------------------------------------------------------------------------------------- shardings


@same_in_both(covers=["jax.sharding.SingleDeviceSharding", "jax.sharding.make_single_device_sharding"])
def test_single_device_sharding(jax):
    cpu = jax.devices("cpu")[0]
    one, other = jax.sharding.SingleDeviceSharding(cpu), jax.sharding.make_single_device_sharding(cpu)
    return {
        "repr": repr(one),
        "equal": [one == other, hash(one) == hash(other), one == 3],
        "devices": [one.device_set == {cpu}, one.num_devices, one.addressable_devices == {cpu}],
        "facts": [
            one.is_fully_addressable,
            one.is_fully_replicated,
            one.memory_kind,
            one.has_addressable_devices,
        ],
        "shape": one.shard_shape((3, 2)),
        "indices": repr(one.devices_indices_map((3, 2))),
        "local indices": repr(one.addressable_devices_indices_map((3,))),
        "memory": repr(one.with_memory_kind("pinned_host")),
        "no memory": attempt(lambda: jax.sharding.SingleDeviceSharding(cpu, memory_kind="tape")),
        "unchecked": repr(jax.sharding.SingleDeviceSharding(3)),
        "a kind of": isinstance(one, jax.sharding.Sharding),
    }


def test_eight_devices_in_meshes():
    """One program, printed by each framework in a process of its own with eight simulated devices."""
    outputs = []
    for framework in (frameworks.EXPECTED, frameworks.ACTUAL):
        done = subprocess.run(
            [sys.executable, "-m", "compat.shardings_program", framework.__name__],
            env=os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs.append(neutral(done.stdout).splitlines())
    assert outputs[1] == outputs[0]
    assert len(outputs[0]) > 500


PLATFORMS = ["cpu", "no_such_platform", "cpu,no_such_platform", ""]


@pytest.mark.parametrize("platforms", PLATFORMS)
def test_platforms_from_the_environment(platforms):
    program = (
        "import {module} as jax\n"
        "try: print(jax.devices('cpu'), jax.device_count('cpu'))\n"
        "except Exception as error: print(type(error).__name__, str(error).split(':')[:2])"
    )
    outputs = []
    for framework in (frameworks.EXPECTED, frameworks.ACTUAL):
        text = program.format(module=framework.__name__)
        done = subprocess.run(
            [sys.executable, "-c", text],
            env=os.environ | {"JAX_PLATFORMS": platforms},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout)
    assert outputs[1] == outputs[0]
