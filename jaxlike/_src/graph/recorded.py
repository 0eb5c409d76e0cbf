"""recorded: a compiled graph of many small kernels as one launch: a CUDA graph, recorded once and played again.

A launch takes microseconds of the caller's time, and a small kernel less than that of the device's. A recording starts
all of them at once, on memory of its own: arguments are copied in and results out, each by one kernel. It is kept where
it proved faster on the arguments that came, and left where it cannot be made (a kernel that waits for the host), where
much would be copied, or while another stream is current.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

logger = logging.getLogger("jaxlike.jit")

CALLS_BEFORE = 4  # the first ones load what kernels need
MOST_BYTES = 1 << 23  # of arguments and results: copying more takes longer than launches
ROUNDS, PER_ROUND = 5, 8  # of calls when it is measured which way is faster


class Recorded:
    """A function of a list of tensors on one CUDA device, recorded when that proves faster."""

    def __init__(self, call: Callable[[Sequence[Tensor]], Sequence[Tensor]]) -> None:
        self._call = call
        self._calls = 0
        self._stream = 0  # on which it was recorded
        self._recording: Any = None
        self._given: list[Tensor] = []
        self._found: list[Tensor] = []

    def __call__(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The results."""
        if self._recording is not None and torch_private.current_stream() == self._stream:
            return self._played(tensors)
        out = self._call(tensors)
        if self._calls <= CALLS_BEFORE:
            self._calls += 1
            if self._calls == CALLS_BEFORE and self._is_small(tensors, out):
                self._choose(tensors)
        return out

    def _played(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        if tensors:
            torch_private.copy_all(self._given, tensors)
        self._recording.replay()
        made = [torch.empty_like(t) for t in self._found]
        torch_private.copy_all(made, self._found)
        return made

    def _is_small(self, tensors: Sequence[Tensor], out: Sequence[Tensor]) -> bool:
        return bool(out) and sum(t.numel() * t.element_size() for t in (*tensors, *out)) <= MOST_BYTES

    def _choose(self, tensors: Sequence[Tensor]) -> None:
        """Record it, and keep the recording if it is faster."""
        try:
            self._record(tensors)
        except RuntimeError as error:  # of CUDA: something in it cannot be recorded
            logger.debug("a compiled function is launched kernel by kernel: %s", str(error).split("\n")[0])
            self._recording = None
            return
        launched, played = (
            min(_seconds(way, tensors) for _ in range(ROUNDS)) for way in (self._call, self._played)
        )  # fmt: skip
        if played >= launched:
            self._recording, self._given, self._found = None, [], []

    def _record(self, tensors: Sequence[Tensor]) -> None:
        self._given = [t.clone(memory_format=torch.contiguous_format) for t in tensors]
        stream, before = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(before)
        recording = torch.cuda.CUDAGraph()
        with torch.cuda.stream(stream):
            self._call(self._given)  # what the first call on a stream allocates is not recorded
            recording.capture_begin(capture_error_mode="thread_local")
            try:
                self._found = list(self._call(self._given))
            finally:
                recording.capture_end()
        before.wait_stream(stream)
        self._recording, self._stream = recording, before.cuda_stream


def _seconds(call: Callable[[Sequence[Tensor]], Sequence[Tensor]], tensors: Sequence[Tensor]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(PER_ROUND):
        call(tensors)
    torch.cuda.synchronize()
    return time.perf_counter() - start
