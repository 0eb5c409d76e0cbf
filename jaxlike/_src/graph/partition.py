"""partition: a graph of results and gradients taken apart into a forward and a backward graph.

What is computed from cotangents is the backward part; the rest is the forward part, which also gives what the
backward part reads (the residuals). Views, filled tensors and cheap elementwise ops are computed again rather than
saved where what they are made of is at hand, so a residual is seldom larger than what the function itself keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Call, Graph, Node, Var

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

aten = torch.ops.aten

# Made again for nothing: they move no data, or read none.
_FREE = frozenset([
    aten.view.default, aten._unsafe_view.default, aten.expand.default, aten.permute.default, aten.transpose.int,
    aten.t.default, aten.unsqueeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.squeeze.default,
    aten.slice.Tensor, aten.select.int, aten.diagonal.default, aten.unbind.int, aten.split.Tensor, aten.zeros.default,
    aten.zeros_like.default, aten.ones.default, aten.ones_like.default, aten.full.default, aten.full_like.default,
    aten.arange.default, aten.arange.start, aten.arange.start_step, aten.eye.default, aten.scalar_tensor.default,
    aten.new_zeros.default, aten.new_ones.default, aten.new_full.default,
])  # fmt: skip
# Elementwise ops that cost no more than reading their result.
_CHEAP = frozenset([
    aten.neg.default, aten.abs.default, aten.sgn.default, aten._to_copy.default, aten.clone.default,
    aten._conj_physical.default, aten.conj_physical.default,
    *(getattr(getattr(aten, name), kind)
      for name in ("gt", "lt", "ge", "le", "eq", "ne") for kind in ("Scalar", "Tensor")),
    aten.logical_not.default, aten.bitwise_not.default, aten.logical_and.default, aten.logical_or.default,
    aten.isnan.default, aten.mul.Scalar, aten.add.Scalar, aten.sub.Scalar, aten.div.Scalar,
])  # fmt: skip
_ZEROS = frozenset([aten.zeros.default, aten.zeros_like.default, aten.new_zeros.default])


def makers(graph: Graph) -> dict[Var, Node]:
    """The node that makes each Var."""
    return {o: n for n in graph.nodes for o in n.outs if o is not None}


def dependents(graph: Graph, sources: Iterable[Var]) -> set[Var]:
    """The sources and what is computed from them."""
    found = set(sources)
    for node in graph.nodes:
        if any(v in found for v in node.reads()):
            found.update(o for o in node.outs if o is not None)
    return found


def known_zeros(graph: Graph, outputs: Sequence[Var]) -> list[bool]:
    """Which of these are zero whatever the inputs are."""
    made_by = makers(graph)
    return [v in made_by and made_by[v].op in _ZEROS for v in outputs]


def forward_part(joint: Graph, cotangents: Iterable[Var]) -> list[Node]:
    """The nodes that read nothing that depends on cotangents."""
    after = dependents(joint, cotangents)
    return [n for n in joint.nodes if not any(v in after for v in n.reads())]


class Parts(NamedTuple):
    """The residuals of a joint graph: what its backward part reads that is no input."""

    saved: list[Var]
    nodes: list[Node]  # the backward part
    inputs: list[Var]  # what it reads among the joint graph's inputs


def backward_part(joint: Graph, grads: Sequence[Var], cotangents: Sequence[Var], at_hand: set[Var] | None) -> Parts:
    """The part of a joint graph that computes ``grads``.

    Args:
        joint: a graph that computes results and, from cotangents among its inputs, gradients.
        grads: the gradients among its outputs.
        cotangents: the cotangents among its inputs.
        at_hand: the forward values that may be read; None: choose them.
    """
    made_by, after = makers(joint), dependents(joint, cotangents)
    given = {*joint.inputs, *joint.lifted_vars, *joint.constants}
    acting = [n for n in joint.nodes if isinstance(n.op, Call) and n.op.effects and any(v in after for v in n.reads())]

    def walk(stop: set[Var] | None) -> tuple[dict[Var, None], set[Var]]:
        """(forward values at which the way back from the gradients stops, everything it passes)."""
        saved: dict[Var, None] = {}
        seen: set[Var] = set()
        stack = [*grads, *(v for n in acting for v in (*n.reads(), *n.outs) if v is not None)]
        while stack:
            var = stack.pop()
            if var in seen:
                continue
            seen.add(var)
            if var in given:
                continue
            node = made_by[var]
            if var not in after and (node.op not in _FREE if stop is None else var in stop):
                saved[var] = None
            else:
                stack.extend(node.reads())
        return saved, seen

    if at_hand is None:
        saved, _ = walk(None)
        at_hand = _worth_saving(saved, made_by, given)
    saved, seen = walk(at_hand)
    kept = set(saved)
    nodes = [n for n in joint.nodes if any(o in seen and o not in kept for o in n.outs) or n in acting]
    return Parts(sorted(saved, key=lambda v: v.index), nodes, [v for v in joint.inputs if v in seen])


def _worth_saving(saved: Iterable[Var], made_by: dict[Var, Node], given: set[Var]) -> set[Var]:
    """The values without those that cheap ops make of others."""
    kept = set(saved)

    def at_hand(var: Var, depth: int = 4) -> bool:
        if var in given or var in kept:
            return True
        node = made_by[var]
        return depth > 0 and (node.op in _FREE or node.op in _CHEAP) and all(at_hand(v, depth - 1) for v in node.reads())

    for var in sorted(kept, key=lambda v: -v.index):
        node = made_by[var]
        if node.op in _CHEAP and all(at_hand(v) for v in node.reads()):
            kept.discard(var)
    return kept


def value_numbers(graph: Graph, table: dict[Any, int]) -> dict[Var, int]:
    """A number for each value; values that are computed alike have the same, in all graphs numbered by one table."""
    found: dict[Var, int] = {}

    def number(key: Any) -> int:
        return table.setdefault(key, len(table))

    def part(value: Any) -> Any:
        if isinstance(value, Var):
            return "value", found[value]
        if isinstance(value, list | tuple):
            return tuple(map(part, value))
        return type(value), repr(value)

    for k, var in enumerate(graph.inputs):
        found[var] = number(("input", k))
    for var, x in zip(graph.lifted_vars, graph.lifted, strict=True):
        found[var] = number(("lifted", id(x)))
    for var, c in graph.constants.items():
        found[var] = number(("number", var.dtype, repr(c.number)) if c.number is not None else ("tensor", id(c.tensor)))
    for node in graph.nodes:
        op = getattr(node.op, "op", node.op)  # the operation itself, where a call applies one
        key = (id(op), tuple(map(part, node.args)), tuple((k, part(v)) for k, v in node.kwargs.items()))
        for k, out in enumerate(node.outs):
            if out is not None:
                found[out] = number((key, k))
    return found


def aval_of(var: Var) -> ShapedArray:
    """The type of a value in a graph."""
    return ShapedArray(var.shape, dtypes.from_torch(var.dtype))


def subgraph(joint: Graph, nodes: list[Node], inputs: Sequence[Var], outputs: Sequence[Var], name: str) -> Graph:
    """A graph of some of the nodes."""
    lifted = list(zip(joint.lifted_vars, joint.lifted, strict=True))
    made = Graph(
        nodes, list(inputs), lifted, joint.constants, list(outputs), [aval_of(v) for v in inputs],
        [aval_of(v) for v in outputs], name,
    )  # fmt: skip
    made.regions = joint.regions
    return made


