"""tier: when a graph with loops, or of few numbers, is built: once running it otherwise took as long as building it will.

The C++ is written early, since it may have been built before and then costs nothing more; if not, it is built beside
the program that goes on (a thread that waits for the compiler). What is known to run longer than the build, or is to be
compiled, is built at once.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from typing import TYPE_CHECKING

from jaxlike._src import config
from jaxlike._src.graph.fused import gpu
from jaxlike._src.graph.fused.build import BuildError, compiler
from jaxlike._src.graph.fused.values import Ineligible
from jaxlike._src.graph.fused.work import is_within

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from jaxlike._src.graph.fused.kernel import Kernel, Source
    from jaxlike._src.graph.graph import Graph

logger, of_compiling = logging.getLogger("jaxlike.loops"), logging.getLogger("jaxlike.jit")

SECONDS_PER_OP = 4e-6  # of running an operation on its own
SECONDS_PER_LAUNCH = 8e-6  # the same on a GPU
# Of a graph without loops: numbers that an operation makes, that it multiplies, and of all. Beyond, torch does well.
MOST_MADE, MOST_MULTIPLIED, MOST_WORK = 1 << 14, 50_000, 1 << 19
WRITE_SECONDS, WRITE_SECONDS_PER_NODE = 5e-3, 3e-4
BUILD_FACTOR = 1.0  # what a build takes next to what is expected of it


def can_build(device: torch.device) -> bool:
    """Whether there is what builds kernels for a device."""
    return compiler() is not None if device.type == "cpu" else device.type == "cuda" and gpu.is_there()


def seconds_per_op(device: torch.device) -> float:
    """What running an operation on its own is expected to take."""
    return SECONDS_PER_OP if device.type == "cpu" else SECONDS_PER_LAUNCH


def is_of_few_numbers(graph: Graph, device: torch.device) -> bool:
    """Whether a graph without loops would be slow as calls one by one: it computes few numbers in several steps."""
    given = len(graph.inputs) + len(graph.lifted_vars) + len(graph.outputs)
    if device.type != "cpu" or graph.size <= 2 * given:
        return False  # an argument or a result takes a kernel as long as two operations take the compiler's code
    return is_within(graph, MOST_MADE, MOST_MULTIPLIED, MOST_WORK) and can_build(device)


_spent: dict[Path, float] = {}  # seconds that were spent running graphs of the same C++ otherwise


class Candidate:
    """A graph that may become a kernel, and how far it is. ``nodes``: those that are written."""

    def __init__(self, graph: Callable[[], Graph], nodes: int, device: torch.device) -> None:
        self._graph, self._nodes, self.device = graph, nodes, device
        self.refused = not can_build(device)
        self._own = 0.0  # seconds that were spent running it otherwise
        self._kernel: Kernel | None = None
        self._source: Source | None = None
        self._path: Path | None = None
        self._build: Build | None = None
        self._name = ""

    def add(self, seconds: float) -> None:
        """So long it was run otherwise."""
        self._own += seconds
        if self._path is not None:
            _spent[self._path] = _spent.get(self._path, 0.0) + seconds

    def kernel(self, now: bool = False, expected: float = 0.0) -> Kernel | None:
        """The kernel if it is there.

        Args:
            now: build it at once if it can be.
            expected: seconds that running it otherwise would take this time.
        """
        if self._kernel is None and not self.refused:
            if now or self._own + expected > WRITE_SECONDS + WRITE_SECONDS_PER_NODE * self._nodes:
                self._advance(now, expected)
        return self._kernel

    def _advance(self, now: bool, expected: float) -> None:
        from jaxlike._src.graph.fused.kernel import Kernel, source_of  # the writer is loaded where it is used

        try:
            if self._source is None or self._path is None:
                shared, graph = gpu.shared() if self.device.type == "cuda" else None, self._graph()
                self._name = graph.name
                self._source = source_of(graph, self.device, shared)
                self._path = self._source.path()
                _spent[self._path] = _spent.get(self._path, 0.0) + self._own
            if not self._path.exists():
                takes = self._source.seconds * BUILD_FACTOR
                if not now and _spent[self._path] + expected <= takes:
                    return
                if self._build is None:
                    self._build = Build(self._source.build)
                if now or expected > takes:
                    self._build.wait()
                if not self._build.is_done():
                    return
            self._kernel = Kernel.built(self._source, self._path)
            level = logging.WARNING if config.log_compiles.value else logging.DEBUG
            seconds = 0.0 if self._build is None else self._build.seconds
            of_compiling.log(level, "Finished compilation of %s in %.3f sec", self._name, seconds)
        except (Ineligible, BuildError, OSError) as error:
            self.refused = True
            logger.debug("no kernel of %s: %s", self._name, error)


class Build:
    """A build on a thread of its own."""

    def __init__(self, build: Callable[[], None]) -> None:
        self._error: Exception | None = None
        self.seconds = 0.0  # that it took
        self._thread = threading.Thread(target=functools.partial(self._run, build), name="jaxlike build")
        self._thread.start()

    def _run(self, build: Callable[[], None]) -> None:
        start = time.perf_counter()
        try:
            build()
        except (BuildError, OSError) as error:
            self._error = error
        self.seconds = time.perf_counter() - start

    def wait(self) -> None:
        """Until it is done."""
        self._thread.join()

    def is_done(self) -> bool:
        """Whether it is; raises what went wrong."""
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True
