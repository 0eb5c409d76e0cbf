"""loop: how loops run where no transformation does: as one kernel where there can be one, step by step where not.

The steps call the body's graph through an `Executable` of its own, so that a body of large operations is compiled too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jaxlike._src import config
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.fused.tier import Candidate, can_build, seconds_per_op
from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms.derive import example
from jaxlike._src.transforms.structured import apply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.array import Array
    from jaxlike._src.graph.fused.kernel import Kernel
    from jaxlike._src.transforms.structured import Structured


class Runner:
    """Runs one loop operation; ``nodes``: how many its graphs have."""

    def __init__(self, op: Structured, nodes: int) -> None:
        self._op, self._nodes = op, nodes
        self._candidate: Candidate | None = None
        self._since = 0.0  # when steps were last counted

    def __call__(
        self, args: Sequence[Array], steps: int, step_by_step: Callable[[list[Tensor]], Sequence[Tensor]]
    ) -> Sequence[Tensor]:
        """The results, by the kernel if it is there. ``steps``: how many there will be, 0 where that is not known."""
        tensors = [unwrap(a) for a in args]
        tier, device = config.jit_tier.value, default_torch_device()
        if tier == "replay" or not can_build(device) or any(t.device != device for t in tensors):
            return step_by_step(tensors)
        candidate = self._candidate
        if candidate is None or candidate.device != device:
            op, examples = self._op, [example(a) for a in args]
            graph = lambda: trace(lambda xs: apply(op, xs), examples, op.name)[0]  # noqa: E731, it is for later
            candidate = self._candidate = Candidate(graph, self._nodes, device)
        kernel = candidate.kernel(tier == "compile", steps * self._nodes * seconds_per_op(device))
        if kernel is not None:
            return kernel(tensors)
        self._since = time.perf_counter()
        outs = step_by_step(tensors)
        self._count()
        return outs

    def meanwhile(self) -> Kernel | None:
        """The kernel, where it became worth having since the steps began."""
        if self._candidate is None or self._candidate.refused:
            return None
        self._count()
        return self._candidate.kernel()

    def _count(self) -> None:
        now = time.perf_counter()
        if self._candidate is not None:
            self._candidate.add(now - self._since)
        self._since = now
