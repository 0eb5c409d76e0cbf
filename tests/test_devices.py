"""Devices, moving data, shardings: what needs no second framework."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import jaxlike as jax
from jaxlike._src import devices
from jaxlike._src.sharding import NamedSharding, SingleDeviceSharding

CPU = jax.devices("cpu")[0]


def tensor_of(x: Any) -> torch.Tensor:
    """The tensor below an Array."""
    return x._t


def test_a_device_stands_for_a_torch_device():
    assert CPU.torch_device == torch.device("cpu")
    assert devices.device_of(torch.device("cpu")) is CPU
    with pytest.raises(ValueError, match="stands for the torch device 'meta'"):
        devices.device_of(torch.device("meta"))


def test_devices_survive_pickling_and_copying():
    assert pickle.loads(pickle.dumps(CPU)) is CPU
    assert copy.deepcopy({"device": CPU})["device"] is CPU
    sharding = SingleDeviceSharding(CPU)
    assert pickle.loads(pickle.dumps(sharding)) == sharding


def test_shardings_survive_pickling():
    mesh = jax.sharding.Mesh(np.array([CPU]), ("x",))
    for thing in (
        jax.P("x", None),
        mesh,
        mesh.abstract_mesh,
        NamedSharding(mesh, jax.P("x")),
        jax.P.UNCONSTRAINED,
    ):
        assert pickle.loads(pickle.dumps(thing)) == thing


def test_the_default_device_follows_context_and_config():
    first = jax.devices()[0]
    assert devices.default_torch_device() == first.torch_device
    with jax.default_device(CPU):
        assert devices.default_device() is CPU
        with jax.default_device("cpu"):
            assert devices.default_torch_device() == torch.device("cpu")
    jax.config.update("jax_default_device", CPU)
    try:
        assert devices.default_device() is CPU
    finally:
        jax.config.update("jax_default_device", None)
    jax.config.update("jax_platforms", "cpu")
    try:
        assert jax.devices() == jax.devices("cpu") and jax.default_backend() == "cpu"
    finally:
        jax.config.update("jax_platforms", None)


@pytest.mark.gpu
def test_the_first_gpu_is_the_default():
    gpu = jax.devices()[0]
    assert gpu is jax.devices("gpu")[0] is jax.devices("cuda")[0]
    assert (gpu.platform, jax.default_backend(), str(gpu), repr(gpu)) == (
        "gpu",
        "gpu",
        "cuda:0",
        "CudaDevice(id=0)",
    )
    assert gpu.device_kind == torch.cuda.get_device_name(0)
    assert float(gpu.compute_capability) >= 5 and gpu.core_count > 0
    stats = gpu.memory_stats()
    assert stats is not None and stats["bytes_limit"] >= stats["peak_bytes_in_use"] >= stats["bytes_in_use"]
    assert devices.device_of(torch.zeros(1, device="cuda").device) is gpu
    assert [memory.kind for memory in gpu.addressable_memories()] == ["device", "pinned_host"]


@pytest.mark.gpu
def test_moving_between_cpu_and_gpu():
    gpu = jax.devices("gpu")[0]
    x = jax.device_put(np.arange(5.0, dtype=np.float32))
    assert tensor_of(x).device == gpu.torch_device
    y = jax.device_put(x, CPU)
    assert tensor_of(y).device == CPU.torch_device
    z = jax.device_put({"a": y, "b": 2.0}, {"a": gpu, "b": SingleDeviceSharding(CPU)})
    assert tensor_of(z["a"]).device == gpu.torch_device and tensor_of(z["b"]).device == CPU.torch_device
    assert jax.device_get(z["a"]).tolist() == [0, 1, 2, 3, 4]
    assert tensor_of(jax.device_put(y)).device == CPU.torch_device  # None: where it is
    with jax.default_device(CPU):
        assert tensor_of(jax.device_put(1)).device == CPU.torch_device
    assert jax.block_until_ready(x) is x
    with pytest.raises(NotImplementedError, match="pinned_host"):
        jax.device_put(x, SingleDeviceSharding(gpu, memory_kind="pinned_host"))


def test_old_name_of_an_argument():
    with pytest.warns(UserWarning, match="has been renamed from `host_id` to `process_index`"):
        assert jax.local_devices(host_id=0, backend="cpu") == jax.devices("cpu")


def test_device_put_copies_numpy_data():
    source = np.ones(3, np.float32)
    x = jax.device_put(source)
    source[0] = 5
    assert np.asarray(jax.device_get(x)).tolist() == [1, 1, 1]


def test_device_put_copies_when_it_may_not_alias():
    x = jax.device_put(np.ones(3), CPU)
    same, other = jax.device_put(x, CPU), jax.device_put(x, CPU, may_alias=False)
    assert same is not x and tensor_of(same).data_ptr() == tensor_of(x).data_ptr()
    assert tensor_of(other).data_ptr() != tensor_of(x).data_ptr()


def test_live_arrays_forget_what_is_gone():
    before = len(jax.live_arrays("cpu"))
    with jax.default_device(CPU):
        x = jax.device_put(np.ones(3))
    assert len(jax.live_arrays("cpu")) == before + 1
    assert any(y is x for y in jax.live_arrays("cpu"))
    del x
    assert len(jax.live_arrays("cpu")) == before


def test_live_buffers_is_old():
    with pytest.warns(DeprecationWarning, match="Per device live_buffers"):
        CPU.live_buffers()


def test_environment_info(capsys: pytest.CaptureFixture[str]):
    assert jax.print_environment_info() is None
    shown = capsys.readouterr().out
    assert shown.strip() == (jax.print_environment_info(return_string=True) or "").strip()
    assert f"torch {torch.__version__}" in shown and f"numpy:  {np.__version__}" in shown


def run(program: str, **variables: str) -> str:
    """What a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_simulated_cpu_devices():
    program = "import jaxlike as jax; print(len(jax.devices('cpu')), jax.devices('cpu')[-1])"
    assert run(program, XLA_FLAGS="--other --xla_force_host_platform_device_count=4 --more") == "4 cpu:3"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tpu", "Unable to initialize backend 'tpu': PyTorch"),
        ("moon", "'moon' is not in the list of known backends"),
        ("cpu,moon", "'moon' is not in the list of known backends"),
    ],
)
def test_a_platform_that_torch_does_not_have(name: str, said: str):
    jax.config.update("jax_platforms", name)
    try:
        with pytest.raises(RuntimeError, match=said):
            jax.devices()
    finally:
        jax.config.update("jax_platforms", None)


def test_old_spellings_of_the_platform():
    for flag in ("jax_platform_name", "jax_xla_backend"):
        jax.config.update(flag, "cpu")
        try:
            assert jax.devices() == jax.devices("cpu")
        finally:
            jax.config.update(flag, "")


def test_no_accelerator_is_looked_for_where_the_cpu_was_asked_for():
    program = (
        "import torch, jaxlike as jax\n"
        "def fail(*args, **kwargs): raise AssertionError\n"
        "torch.accelerator.current_accelerator = torch.accelerator.device_count = fail\n"
        "print(jax.devices(), jax.device_put(1.0).shape)"
    )
    assert run(program, JAX_PLATFORMS="cpu") == "[CpuDevice(id=0)] ()"


def test_putting_data_again_and_again_is_remembered_once():
    f = jax.jit(lambda x: x + 1)
    places = [CPU, SingleDeviceSharding(CPU)] * 5
    results = [f(jax.device_put(np.ones(3, np.float32), place)) for place in places]
    assert all(y.sharding is results[0].sharding for y in results)
    (entry,) = f._cache.values()
    assert len(entry.followed) == 1 and f._cache_size() == 1
