"""serialization: lists of arrays written while the program goes on: a thread waits until they are on disk."""

from __future__ import annotations

import abc
import asyncio
import functools
import logging
import re
import threading
from typing import TYPE_CHECKING, Any

from jaxlike._src.devices import process_index
from jaxlike._src.experimental.array_serialization import tensorstore_impl
from jaxlike._src.tree import tree_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array

logger = logging.getLogger(__name__)
get_tensorstore_spec = functools.partial(tensorstore_impl.get_tensorstore_spec, driver="zarr", ocdbt=False)


class BarrierTimeoutError(Exception):
    """Processes did not finish writing in time."""


def is_remote_storage(tspec: dict[str, Any] | str) -> bool:
    """Whether a spec, or a path, is of a bucket."""
    if isinstance(tspec, str):
        return re.match("(gs|s3)://", tspec) is not None
    for key in ("base", "kvstore"):
        if key in tspec:
            return is_remote_storage(tspec[key])
    return tspec.get("driver") in ("gcs", "s3")


class GlobalAsyncCheckpointManagerBase(abc.ABC):
    """What writes arrays while the program goes on."""

    @abc.abstractmethod
    def check_for_errors(self) -> None:
        """Raise what went wrong in the thread, once."""

    @abc.abstractmethod
    def wait_until_finished(self) -> None:
        """Until all is on disk; raises what went wrong."""

    @abc.abstractmethod
    def serialize(self, arrays: Any, tensorstore_specs: Any, *, on_commit_callback: Callable[[], None]) -> None:
        """Begin to write arrays."""

    @abc.abstractmethod
    def deserialize(
        self,
        shardings: Sequence[Any],
        tensorstore_specs: Sequence[dict[str, Any]],
        global_shapes: Sequence[Any] | None = None,
        dtypes: Sequence[Any] | None = None,
    ) -> list[Array]:
        """Read arrays."""


class AsyncManager:
    """A thread that waits for what was begun, then tells. Processes of one program do not wait for each other here."""

    def __init__(self, timeout_secs: int = 300) -> None:
        self._timeout_secs = timeout_secs
        self._commit_futures: Sequence[Any] = ()
        self._thread: threading.Thread | None = None
        self._exception: Exception | None = None
        self._on_commit_callback: Callable[[], None] | None = None

    def __del__(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            logger.warning("An AsyncManager goes away while it is writing: call wait_until_finished() before.")

    def _wait(self) -> None:
        try:
            for future in self._commit_futures:
                future.result()
            if process_index() == 0 and self._on_commit_callback is not None:
                self._on_commit_callback()
        except Exception as error:  # raised where it is asked for, by check_for_errors
            self._exception = error

    def _start_async_commit(self, on_commit_callback: Callable[[], None] | None) -> None:
        self._on_commit_callback = on_commit_callback
        self._thread = threading.Thread(target=self._wait, name="jaxlike checkpoint")
        self._thread.start()

    def check_for_errors(self) -> None:
        """Raise what went wrong in the thread, once."""
        error, self._exception = self._exception, None
        if error is not None:
            raise error

    def wait_until_finished(self) -> None:
        """Until all is on disk; raises what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.check_for_errors()

    def _add_futures(self, futures: Sequence[Any]) -> None:
        self._commit_futures = futures


class GlobalAsyncCheckpointManager(AsyncManager, GlobalAsyncCheckpointManagerBase):
    """Writes arrays with tensorstore: what they hold is copied before `serialize` returns, and written after it."""

    def serialize(
        self,
        arrays: Any,
        tensorstore_specs: Any,
        *,
        on_commit_callback: Callable[[], None] | None = None,
        transaction: Any = None,
    ) -> None:
        """Begin to write arrays, after what was begun before is done.

        Args:
            arrays: a list of them.
            tensorstore_specs: where each goes.
            on_commit_callback: called when all is on disk.
            transaction: tensorstore's, in which they are written.
        """
        self.wait_until_finished()
        futures: list[Any] = []
        write = functools.partial(
            tensorstore_impl.async_serialize, commit_future=futures, transaction=transaction
        )  # fmt: skip

        async def run() -> None:
            await asyncio.gather(*tree_map(write, arrays, tensorstore_specs))

        asyncio.run(run())
        self._add_futures(futures)
        self._start_async_commit(on_commit_callback)

    def serialize_with_paths(
        self,
        arrays: Sequence[Array],
        paths: Sequence[str],
        *,
        on_commit_callback: Callable[[], None] | None = None,
        transaction: Any = None,
    ) -> None:
        """The same to folders."""
        specs = tree_map(get_tensorstore_spec, paths)
        self.serialize(arrays, specs, on_commit_callback=on_commit_callback, transaction=transaction)

    def deserialize(
        self,
        shardings: Sequence[Any],
        tensorstore_specs: Sequence[dict[str, Any]],
        global_shapes: Sequence[Any] | None = None,
        dtypes: Sequence[Any] | None = None,
        concurrent_gb: int = 32,
    ) -> list[Array]:
        """Read arrays, after what was begun before is written."""
        self.wait_until_finished()
        return tensorstore_impl.run_deserialization(shardings, tensorstore_specs, global_shapes, dtypes, concurrent_gb)

    def deserialize_with_paths(
        self,
        shardings: Sequence[Any],
        paths: Sequence[str],
        global_shapes: Sequence[Any] | None = None,
        dtypes: Sequence[Any] | None = None,
        concurrent_gb: int = 32,
    ) -> list[Array]:
        """The same from folders."""
        specs = tree_map(get_tensorstore_spec, paths)
        return self.deserialize(shardings, specs, global_shapes, dtypes, concurrent_gb)
