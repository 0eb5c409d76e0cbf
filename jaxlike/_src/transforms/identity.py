"""identity: operations that give back their arguments and mean something to a transformation or to a policy.

`Identity` is the base of `stop_gradient`, `checkpoint_name` and `optimization_barrier`: one node in a graph, which a
compiler sees through, the same under vmap. What derivatives do is theirs to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.frames import Frame


class Identity(Structured):
    """Gives back its arguments."""

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The arguments."""
        return list(args)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        examples = [derive.example(a) for a in args]
        return self, lambda: trace(self.run, examples, self.name)[0], [], examples

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """The same for all lanes."""
        del frame
        return apply(self, args), mapped

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """There is nothing to close over."""
        del run, more
        return self
