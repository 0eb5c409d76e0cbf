"""jax.experimental.multihost_utils with one process, next to JAX; with two, by torch.distributed."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import assert_same, run_both

ROOT = Path(__file__).parents[1]
for _framework in (frameworks.EXPECTED, frameworks.ACTUAL):
    import_module(f"{_framework.__name__}.experimental.multihost_utils")


def tree_of(jax: Any) -> Any:
    jnp = jax.numpy
    return {"a": jnp.arange(6.0).reshape(2, 3), "b": (np.float32(2), 3, jnp.array([True, False])), "n": None}


def mesh_of(jax: Any) -> Any:
    return jax.sharding.Mesh(np.array(jax.devices()[:1]), ("x",))


P = lambda jax, *axes: jax.sharding.PartitionSpec(*axes)  # noqa: E731
PROGRAMS = {
    "process_allgather": lambda jax: jax.experimental.multihost_utils.process_allgather(tree_of(jax)),
    "process_allgather tiled": lambda jax: jax.experimental.multihost_utils.process_allgather(tree_of(jax), tiled=True),
    "broadcast_one_to_all": lambda jax: jax.experimental.multihost_utils.broadcast_one_to_all(tree_of(jax)),
    "broadcast_one_to_all source": lambda jax: jax.experimental.multihost_utils.broadcast_one_to_all(tree_of(jax), is_source=True),
    "assert_equal": lambda jax: jax.experimental.multihost_utils.assert_equal(tree_of(jax), "text"),
    "sync_global_devices": lambda jax: jax.experimental.multihost_utils.sync_global_devices("here"),
    "reached_preemption_sync_point": lambda jax: jax.experimental.multihost_utils.reached_preemption_sync_point(3),
    "host_local_array_to_global_array": lambda jax: jax.experimental.multihost_utils.host_local_array_to_global_array(
        tree_of(jax)["a"], mesh_of(jax), P(jax, "x")
    ),
    "host_local_array_to_global_array tree": lambda jax: [
        (x, str(x.sharding.spec), x.committed)
        for x in jax.tree.leaves(jax.experimental.multihost_utils.host_local_array_to_global_array(
            {"a": np.arange(4.0), "b": jax.numpy.ones((2, 2))}, mesh_of(jax), {"a": P(jax, "x"), "b": P(jax)}))
    ],
    "host_local_array_to_global_array None": lambda jax: jax.experimental.multihost_utils.host_local_array_to_global_array(
        tree_of(jax)["a"], mesh_of(jax), None
    ),
    "global_array_to_host_local_array": lambda jax: jax.experimental.multihost_utils.global_array_to_host_local_array(
        {"a": jax.numpy.arange(3), "b": np.ones(2)}, mesh_of(jax), P(jax)
    ),
    "global_array_to_host_local_array None": lambda jax: jax.experimental.multihost_utils.global_array_to_host_local_array(
        jax.numpy.arange(3), mesh_of(jax), None
    ),
    "wrong specs": lambda jax: jax.experimental.multihost_utils.host_local_array_to_global_array(
        {"a": np.ones(2)}, mesh_of(jax), {"b": P(jax)}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_process(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name)


PROGRAM = """
import sys
import numpy as np
import jaxlike as jax
import jaxlike.numpy as jnp
from jaxlike.experimental import multihost_utils as utils

rank = int(sys.argv[1])
jax.distributed.initialize(f"localhost:{sys.argv[2]}", num_processes=2, process_id=rank)
assert (jax.process_count(), jax.process_index()) == (2, rank)
for dtype in ("float32", "bfloat16", "uint32", "bool", "int64"):
    mine = np.full((2, 1), rank, jnp.dtype(dtype))
    stacked = utils.process_allgather({"x": mine})["x"]
    assert stacked.shape == (2, 2, 1) and stacked.dtype == mine.dtype and (stacked[:, 0, 0] == [0, 1]).all()
    assert (utils.process_allgather(mine, tiled=True).ravel() == [0, 0, 1, 1]).all()
    assert (utils.broadcast_one_to_all(mine) == 0).all() and utils.broadcast_one_to_all(mine).dtype == mine.dtype
    assert (utils.broadcast_one_to_all(mine, is_source=rank == 1) == 1).all()
assert utils.process_allgather(jnp.float32(rank), tiled=True).tolist() == [0, 1]
utils.assert_equal({"same": jnp.ones(3)})
utils.sync_global_devices("here")
for wrong in (lambda: utils.assert_equal(jnp.arange(3) + rank, "not the same"), lambda: utils.sync_global_devices(f"place {rank}")):
    try:
        wrong()
    except AssertionError as error:
        assert "not the same. Expected" in str(error) or f"name mismatch ('place {rank}')" in str(error)
    else:
        raise SystemExit("no error")
for several in (lambda: utils.reached_preemption_sync_point(1), lambda: utils.host_local_array_to_global_array(1.0, None, None)):
    try:
        several()
    except NotImplementedError:  # what is asked for: the loop ends the program where there is no such error
        continue
    raise SystemExit("no error")
jax.distributed.shutdown()
print("done")
"""


@pytest.mark.slow
def test_two_processes() -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(rank), port], cwd=ROOT, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for rank in range(2)
    ]  # fmt: skip
    for process in started:
        out, err = process.communicate(timeout=120)
        assert out == "done\n", err
