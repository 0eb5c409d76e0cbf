"""profiler: traces of what runs when, by torch.profiler, and who holds the device's memory.

A trace is written where TensorBoard looks for it, in the format of the Perfetto viewer and chrome://tracing:
``log_dir/plugins/profile/<time>/<host>.trace.json.gz``. The memory profile is in pprof's format: the live arrays,
by shape and dtype.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import pathlib
import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.profiler

from jaxlike._src.environment import live_arrays
from jaxlike._src.tree.proto import message, packed_scalars


class ProfileOptions:
    """What a trace looks at.

    ``python_tracer_level`` above 1 also records the Python stack; the other fields are kept.
    """

    def __init__(self) -> None:
        self.python_tracer_level = 1
        self.host_tracer_level = 2
        self.enable_hlo_proto = True
        self.include_dataset_ops = True
        self.duration_ms = 0
        self.start_timestamp_ns = 0
        self.repository_path = ""
        self.session_id = ""
        self.raise_error_on_start_failure = False
        self.advanced_configuration: dict[str, Any] = {}


class _Session:
    """The trace that runs."""

    def __init__(self, log_dir: str, perfetto: bool, options: ProfileOptions) -> None:
        self.log_dir, self.perfetto = log_dir, perfetto
        activities = [torch.profiler.ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        self.profile = torch.profiler.profile(
            activities=activities, with_stack=options.python_tracer_level > 1, acc_events=True
        )
        self.profile.start()

    def stop(self) -> None:
        """End the trace and write it."""
        self.profile.stop()
        folder = pathlib.Path(self.log_dir) / "plugins" / "profile" / time.strftime("%Y_%m_%d_%H_%M_%S")
        folder.mkdir(parents=True, exist_ok=True)
        plain = folder / f"{platform.node() or 'host'}.trace.json"
        self.profile.export_chrome_trace(str(plain))
        packed = gzip.compress(plain.read_bytes())
        plain.unlink()
        (folder / f"{plain.name}.gz").write_bytes(packed)
        if self.perfetto:
            (folder / "perfetto_trace.json.gz").write_bytes(packed)


_lock = threading.Lock()
_session: _Session | None = None


def start_trace(
    log_dir: os.PathLike[str] | str,
    create_perfetto_link: bool = False,
    create_perfetto_trace: bool = False,
    profiler_options: ProfileOptions | None = None,
) -> None:
    """Begin a trace; `stop_trace` ends and writes it.

    Args:
        log_dir: the folder to write to.
        create_perfetto_link: also write the file that ``ui.perfetto.dev`` opens.
        create_perfetto_trace: the same.
        profiler_options: what to look at.
    """
    global _session
    with _lock:
        if _session is not None:
            raise RuntimeError("Profile has already been started. Only one profile may be run at a time.")
        perfetto = create_perfetto_link or create_perfetto_trace
        _session = _Session(os.fspath(log_dir), perfetto, profiler_options or ProfileOptions())


def stop_trace() -> None:
    """End the trace that `start_trace` began, and write it."""
    global _session
    with _lock:
        if _session is None:
            raise RuntimeError("No profile started")
        ended, _session = _session, None
        ended.stop()


@contextlib.contextmanager
def trace(
    log_dir: os.PathLike[str] | str,
    create_perfetto_link: bool = False,
    create_perfetto_trace: bool = False,
    profiler_options: ProfileOptions | None = None,
) -> Iterator[None]:
    """`start_trace`, and at the end `stop_trace`.

    Args:
        log_dir: the folder to write to.
        create_perfetto_link: also write the file that ``ui.perfetto.dev`` opens.
        create_perfetto_trace: the same.
        profiler_options: what to look at.
    """
    start_trace(log_dir, create_perfetto_link, create_perfetto_trace, profiler_options)
    try:
        yield
    finally:
        stop_trace()


class TraceAnnotation:
    """A context manager that names a stretch of time in a trace.

    Args:
        name: as the trace shows it.
        **kwargs: shown behind the name.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name, self._kwargs = name, kwargs
        self._record: Any = None

    def set_metadata(self, **kwargs: Any) -> None:
        """Add to what is shown; before the stretch begins."""
        self._kwargs.update(kwargs)

    def __enter__(self) -> TraceAnnotation:
        shown = ",".join(f"{k}={v}" for k, v in self._kwargs.items())
        self._record = torch.profiler.record_function(f"{self._name}#{shown}#" if shown else self._name)
        self._record.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._record.__exit__(*exc)

    @staticmethod
    def is_enabled() -> bool:
        """Whether a trace runs."""
        return _session is not None


class StepTraceAnnotation(TraceAnnotation):
    """As `TraceAnnotation`, for a step of training: ``StepTraceAnnotation("train", step_num=k)``.

    Args:
        name: as the trace shows it.
        **kwargs: shown behind the name.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, _r=1, **kwargs)


def annotate_function(func: Callable[..., Any], name: str | None = None, **decorator_kwargs: Any) -> Callable[..., Any]:
    """``func``, each of whose calls a trace shows.

    Args:
        func: any function.
        name: as the trace shows it; by default that of the function.
        **decorator_kwargs: shown behind the name.
    """
    shown: str = name or getattr(func, "__qualname__", None) or func.__name__

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with TraceAnnotation(shown, **decorator_kwargs):
            return func(*args, **kwargs)

    return wrapper


def device_memory_profile(backend: str | None = None) -> bytes:
    """The live arrays in the format of ``pprof``, zipped: how many of each shape and dtype, and their bytes.

    Args:
        backend: which platform's arrays.
    """
    count, space = Counter[str](), Counter[str]()
    for x in live_arrays(backend):
        name = x.aval.str_short()
        count[name] += 1
        space[name] += x.nbytes
    strings = ["", "allocations", "count", "space", "bytes"]
    parts = [message(1, {1: 1, 2: 2}), message(1, {1: 3, 2: 4})]  # the two numbers of a sample
    for k, name in enumerate(count, start=1):
        strings.append(name)
        parts.append(message(2, {1: packed_scalars([k]), 2: packed_scalars([count[name], space[name]])}))
        parts.append(message(4, {1: k, 4: {1: k}}))  # its place
        parts.append(message(5, {1: k, 2: len(strings) - 1}))  # the function there
    return gzip.compress(b"".join([*parts, *(message(6, s.encode()) for s in strings)]))


def save_device_memory_profile(filename: os.PathLike[str] | str, backend: str | None = None) -> None:
    """`device_memory_profile`, into a file.

    Args:
        filename: the file.
        backend: which platform's arrays.
    """
    pathlib.Path(filename).write_bytes(device_memory_profile(backend))
