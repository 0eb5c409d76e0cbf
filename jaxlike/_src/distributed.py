"""distributed: several processes as one program, by torch.distributed.

`initialize` starts torch's default process group (NCCL on CUDA, else Gloo) over TCP at the coordinator's address;
without arguments the environment that ``torchrun`` sets says who is who.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence

import torch
import torch.distributed as dist


def initialize(
    coordinator_address: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    local_device_ids: int | Sequence[int] | None = None,
    cluster_detection_method: str | None = None,
    initialization_timeout: int = 300,
    heartbeat_timeout_seconds: int = 100,
    shutdown_timeout_seconds: int = 300,
    coordinator_bind_address: str | None = None,
    slice_index: int | None = None,
    partition_index: int | None = None,
) -> None:
    """Join the other processes of a program.

    Args:
        coordinator_address: ``host:port`` of process 0; by default as ``torchrun`` set it.
        num_processes: how many there are.
        process_id: which one this is, from 0.
        local_device_ids: the CUDA device of this process, or the first of those.
        cluster_detection_method: accepted; the environment is looked at.
        initialization_timeout: seconds to wait for the others.
        heartbeat_timeout_seconds: accepted.
        shutdown_timeout_seconds: accepted.
        coordinator_bind_address: accepted.
        slice_index: accepted.
        partition_index: accepted.
    """
    del cluster_detection_method, heartbeat_timeout_seconds, shutdown_timeout_seconds, coordinator_bind_address
    del slice_index, partition_index
    if is_initialized():
        raise RuntimeError("distributed.initialize should only be called once.")
    if coordinator_address is None and "MASTER_ADDR" in os.environ and "MASTER_PORT" in os.environ:
        coordinator_address = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    if num_processes is None and "WORLD_SIZE" in os.environ:
        num_processes = int(os.environ["WORLD_SIZE"])
    if process_id is None and "RANK" in os.environ:
        process_id = int(os.environ["RANK"])
    if coordinator_address is None:
        raise ValueError("coordinator_address should be defined.")
    if num_processes is None:
        raise ValueError("Number of processes must be defined.")
    if process_id is None:
        raise ValueError("The process id of the current process must be defined.")
    if local_device_ids is not None and torch.cuda.is_available():
        torch.cuda.set_device(local_device_ids if isinstance(local_device_ids, int) else local_device_ids[0])
    dist.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"tcp://{coordinator_address}",
        world_size=num_processes,
        rank=process_id,
        timeout=datetime.timedelta(seconds=initialization_timeout),
    )


def is_initialized() -> bool:
    """Whether this process has joined others."""
    return dist.is_available() and dist.is_initialized()


class GlobalState:
    """Who this process is among those that `initialize` joined; of one process, the first of one."""

    @property
    def process_id(self) -> int:
        """The number of this process, from 0."""
        return dist.get_rank() if is_initialized() else 0

    @property
    def num_processes(self) -> int:
        """How many processes there are."""
        return dist.get_world_size() if is_initialized() else 1

    @property
    def client(self) -> None:
        """None where there is one process; else what JAX's processes talk through, which torch's do not have."""
        if is_initialized():
            # None would say that there is one process, and a stand-in would lack all that JAX's client is used for.
            raise NotImplementedError("processes talk through torch.distributed, which has no client of JAX's kind")


global_state = GlobalState()


def shutdown() -> None:
    """Leave the other processes; nothing where there are none."""
    if is_initialized():
        dist.destroy_process_group()
