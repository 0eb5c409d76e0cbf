"""execute: how a graph runs. Replay at once; compile with Inductor when that pays.

Inductor takes seconds where replay starts at once, so "auto" replays until the time spent replaying reaches
what compiling is expected to cost: the total is never more than about twice the best choice. "replay" never
compiles, "compile" does at the first call. This module owns the call to the compiler: its options, and the
return to replay, with one warning, on a machine where it cannot work.
"""

from __future__ import annotations

import functools
import logging
import shutil
import time
import warnings
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import compilation_cache, config, torch_private
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.fused.tier import WRITE_SECONDS, Candidate, can_build, is_of_few_numbers
from jaxlike._src.graph.fused.work import has_loops
from jaxlike._src.graph.graph import to_fx
from jaxlike._src.graph.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph

logger = logging.getLogger("jaxlike.jit")

FIRST_COMPILE_SECONDS = 2.0  # importing Inductor and starting its workers
COMPILE_SECONDS = 0.3  # a small kernel
COMPILE_SECONDS_PER_NODE = 0.02


class Executable:
    """A graph made ready to run on plain tensors (no transformation active)."""

    __slots__ = ("_call", "_calls", "_considered", "_fused", "_on_device", "_replay", "compiled", "device", "eager_to_compile", "graph", "spent")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.device = default_torch_device()
        self._replay = functools.partial(graph.replay(alone=True), self.device)
        self._call: Callable[..., Any] | None = None
        self.spent = 0.0
        self._calls, self._on_device = 0, 0.0
        self.eager_to_compile = False  # asked for by `lower(...).compile()`
        self.compiled = False
        fuses = can_build(self.device) and has_loops(graph)
        self._fused = Candidate(lambda: graph, graph.size, self.device) if fuses else None
        self._considered = fuses  # else when it ran for a while: to look into a graph has all that it calls written

    def __call__(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Outputs of the graph for inputs followed by lifted values."""
        if self._call is not None:
            return self._call(tensors)
        tier = "compile" if self.eager_to_compile else config.jit_tier.value
        if tier == "auto":
            out, seconds = self._timed(tensors)
            self.ran(seconds, tensors)
            return out
        if tier == "compile":
            self.compile(tensors)
            return self(tensors)
        return self._replay(*tensors)

    def _timed(self, tensors: Sequence[Tensor]) -> tuple[Sequence[Tensor], float]:
        """The outputs by replay, and the seconds that this took.

        A GPU goes on after the call: now and then it is waited for, to know whether it is what takes long.
        """
        if self.device.type != "cuda":
            start = time.perf_counter()
            return self._replay(*tensors), time.perf_counter() - start
        self._calls += 1
        waits = self._calls & (self._calls - 1) == 0
        if waits:
            torch.cuda.synchronize(self.device)
        start = time.perf_counter()
        out = self._replay(*tensors)
        if waits:
            torch.cuda.synchronize(self.device)
            self._on_device = time.perf_counter() - start
        return out, max(time.perf_counter() - start, self._on_device)

    def untimed(self) -> Callable[..., Sequence[Tensor]]:
        """The same as a function of tensors one by one, for calls that `ran` is told of afterwards."""
        call = self._call
        return self._replay if call is None else lambda *tensors: call(tensors)

    def ran(self, seconds: float, tensors: Sequence[Tensor]) -> None:
        """So long it was replayed for tensors like these: compile it where that pays by now."""
        self.spent += seconds
        if not self._considered and self.spent > WRITE_SECONDS:
            self._consider()
        fused = self._fused
        if fused is not None and not fused.refused:
            fused.add(seconds)
            self._use(fused.kernel())
        elif self._call is None and config.jit_tier.value == "auto" and self.spent > expected_cost(self.graph):
            self.compile(tensors)

    def _consider(self) -> None:
        """Whether it may be one kernel, though there is no loop in it."""
        graph, self._considered = self.graph, True
        if is_of_few_numbers(graph, self.device):
            self._fused = Candidate(lambda: graph, graph.size, self.device)
            self._fused.add(self.spent)

    def compile(self, tensors: Sequence[Tensor]) -> None:
        """Switch to the compiled form; stays on replay where compiling fails."""
        if not self._considered:
            self._consider()
        if self._fused is not None:
            self._use(self._fused.kernel(now=True))
            if self.compiled:
                return
        compiled = compile_graph(self.graph, tensors, self.device)
        if compiled is None:
            self._call = lambda given: self._replay(*given)
        else:
            self._use(compiled)

    def _use(self, compiled: Callable[..., Any] | None) -> None:
        if compiled is not None:
            self._call, self.compiled = compiled, True


_compiled_before = False


def expected_cost(graph: Graph) -> float:
    """Seconds that compiling the graph is expected to take."""
    first = 0.0 if _compiled_before else FIRST_COMPILE_SECONDS
    return first + COMPILE_SECONDS + COMPILE_SECONDS_PER_NODE * graph.size


@functools.cache
def can_compile() -> bool:
    """Whether this machine has what Inductor needs; says so once where not."""
    if torch_private.has_cpp_compiler(shutil.which):
        return True
    warnings.warn(
        "jaxlike found no C++ compiler: jitted functions are replayed op by op instead of being compiled.",
        UserWarning,
        stacklevel=2,
    )
    return False


def compile_graph(
    graph: Graph, tensors: Sequence[Tensor], device: torch.device
) -> Callable[[Sequence[Tensor]], Sequence[Tensor]] | None:
    """The graph compiled by Inductor, as a function of a list of tensors; None where that is impossible.

    The compiled code holds for one layout. It is made for the usual one, into which tensors of another are copied.
    """
    global _compiled_before
    if not graph.nodes or not graph.is_compilable or (device.type == "cpu" and not can_compile()):
        return None
    start, level = time.perf_counter(), logging.WARNING if config.log_compiles.value else logging.DEBUG
    try:
        with torch_private.outside_of_everything():
            compilation_cache.use_folder()
            compiled = torch_private.inductor_compile(to_fx(graph, device), [t.contiguous() for t in tensors])
    except torch_private.COMPILER_ERRORS as error:
        said = str(error).splitlines()[0] if str(error) else ""
        logger.log(level, "%s goes on op by op: %s: %s", graph.name, type(error).__name__, said)
        return None
    _compiled_before = True
    logger.log(level, "Finished compilation of %s in %.3f sec", graph.name, time.perf_counter() - start)

    def run(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        for t in tensors:
            if not t.is_contiguous():
                return compiled([t.contiguous() for t in tensors])
        return compiled(tensors)

    return Recorded(run) if device.type == "cuda" else run
