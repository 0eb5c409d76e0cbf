"""order: in which order a jaxpr shows what a backward pass reads.

Torch computes a derivative's factor when the backward pass comes to it; JAX has it when the function has run. A node
that does not depend on cotangents is shown where its value could first be known: behind what it is made of, and behind
the operation that it is a derivative of, which reads the same values.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.source import BESIDE, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jaxlike._src.graph.graph import Node, Var


def as_read(nodes: Sequence[Node], regions: Mapping[int, Any] = MappingProxyType({})) -> Sequence[Node]:
    """The nodes in the order in which a jaxpr shows them.

    ``regions``: for the id of a node the region that it is shown with; nothing is moved into one.
    """
    if not any(n.pulled == BESIDE for n in nodes):
        return nodes
    ends = {id(regions[id(n)]): k for k, n in enumerate(nodes) if id(n) in regions}
    place: dict[Var, float] = {}  # of what is defined
    read_at: dict[Var, float] = {}  # where the program first reads it
    for k, node in enumerate(nodes):
        if node.pulled == PROGRAM:
            for v in node.reads():
                read_at.setdefault(v, ends[id(regions[id(node)])] if id(node) in regions else k)
    keys: list[tuple[float, float, int]] = []
    for k, node in enumerate(nodes):
        at = made = float(k)
        reads = list(node.reads())
        if node.pulled == BESIDE and reads and id(node) not in regions:
            made = max(place.get(v, -1.0) for v in reads)
            last = max(reads, key=lambda v: place.get(v, -1.0))
            first = read_at.get(last, made)
            at = min(at, max(made, first if first < k else made) + 0.25)
        keys.append((at, made, k))
        known = float(ends[id(regions[id(node)])]) if id(node) in regions else at
        place.update((o, known) for o in node.outs if o is not None)
    return [nodes[k] for *_, k in sorted(keys)]
