"""partition: a graph of results and gradients taken apart into a forward and a backward graph.

What is computed from cotangents is the backward part; the rest is the forward part, which also gives what the
backward part reads (the residuals). Walking back from the gradients (`backward_part`), an input or a value that is
kept ends the walk; anything else is computed again. What is kept a policy says (`cut`), or the sizes do: views,
filled tensors and cheap elementwise ops are computed again where what they are made of is at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Call, Graph, Node, Var, with_used_results
from jaxlike._src.graph.order import as_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
_PRODUCTS = frozenset([
    aten.mul.Tensor, aten.mul.Scalar, aten.mm.default, aten.bmm.default, aten.mv.default, aten.dot.default,
])  # fmt: skip
_LINEAR = frozenset([
    aten.view.default, aten._unsafe_view.default, aten.expand.default, aten.permute.default, aten.transpose.int,
    aten.t.default, aten.unsqueeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.squeeze.default, aten.slice.Tensor,
    aten.select.int, aten.neg.default, aten.clone.default, aten._to_copy.default, aten.add.Tensor, aten.sub.Tensor,
    aten.sum.default, aten.sum.dim_IntList, aten.flip.default, aten.cat.default,
])  # fmt: skip


def makers(graph: Graph) -> dict[Var, Node]:
    """The node that makes each Var."""
    return {o: n for n in graph.nodes for o in n.outs if o is not None}


def dependents(graph: Graph, sources: Iterable[Var], differentiably: bool = False) -> set[Var]:
    """The sources and what is computed from them; ``differentiably``: not what is taken as a constant, nor zeros.

    torch writes out zeros that JAX does not compute with, as tangents of what has none: their products depend on nothing.
    """
    found, zeros = set(sources), set[Var]()
    for node in graph.nodes:
        if differentiably and _is_zero(node, zeros):
            zeros.update(o for o in node.outs if o is not None)
        elif any(v in found for v in node.reads()):
            constants: Sequence[int] = ()
            if differentiably and isinstance(node.op, Call):
                constants = node.op.constants([v in found for v in node.args])
            found.update(o for k, o in enumerate(node.outs) if o is not None and k not in constants)
    return found


def _is_zero(node: Node, zeros: set[Var]) -> bool:
    """Whether a node gives zeros, if these are zeros."""
    if node.op in _ZEROS:
        return True
    if not zeros:
        return False
    if node.op in _PRODUCTS:
        return any(v in zeros for v in node.reads())
    return node.op in _LINEAR and all(v in zeros for v in node.reads())


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


def backward_part(
    joint: Graph,
    grads: Sequence[Var],
    cotangents: Iterable[Var],
    keep: Callable[[Var, Node], bool],
    acts: Iterable[Node] = (),
) -> Parts:
    """The part of a joint graph that computes ``grads``.

    Args:
        joint: a graph that computes results and, from cotangents among its inputs, gradients.
        grads: the gradients among its outputs.
        cotangents: the cotangents among its inputs.
        keep: whether a value that does not depend on cotangents is read rather than computed again.
        acts: nodes that belong to this part whatever reads their results.
    """
    made_by, after = makers(joint), dependents(joint, cotangents)
    given = {*joint.inputs, *joint.lifted_vars, *joint.constants}
    acts = list(acts)
    saved: set[Var] = set()
    seen: set[Var] = set()
    stack = [*grads, *(v for n in acts for v in (*n.reads(), *n.outs) if v is not None)]
    while stack:
        var = stack.pop()
        if var in seen:
            continue
        seen.add(var)
        if var in given:
            continue
        node = made_by[var]
        if var not in after and keep(var, node):
            saved.add(var)
        else:
            stack.extend(node.reads())
    again = {id(n) for n in acts}
    nodes = [n for n in joint.nodes if any(o in seen and o not in saved for o in n.outs) or id(n) in again]
    order = [o for n in as_read(joint.nodes) for o in n.outs if o is not None and o in saved]
    return Parts(order, nodes, [v for v in joint.inputs if v in seen])


def sparing(joint: Graph, grads: Sequence[Var], cotangents: Iterable[Var]) -> Callable[[Var, Node], bool]:
    """What to keep so that little is computed again: see `backward_part`."""
    first = backward_part(joint, grads, cotangents, lambda _, node: node.op not in _FREE, acting(joint, cotangents))
    kept = _worth_saving(first.saved, makers(joint), {*joint.inputs, *joint.lifted_vars, *joint.constants})
    return lambda var, _: var in kept


def acting(joint: Graph, cotangents: Iterable[Var]) -> list[Node]:
    """The nodes with effects that read what depends on cotangents."""
    after = dependents(joint, cotangents)
    return [n for n in joint.nodes if isinstance(n.op, Call) and n.op.effects and any(v in after for v in n.reads())]


class Halves(NamedTuple):
    """A graph cut in two: ``forward(*primals)`` gives results and kept values, ``backward`` the gradients.

    ``backward`` takes the primals at the places ``read``, then the kept values, then the cotangents.
    """

    forward: Graph
    backward: Graph
    read: list[int]
    kept: list[Var]


def _is_free(node: Node) -> bool:
    """Whether a node takes no memory worth a residual: a view, or a sign that a derivative's formula writes apart."""
    if isinstance(node.op, Call):
        return False
    return node.op is aten.neg.default or any(r.alias_info is not None for r in node.op._schema.returns)


def cut(
    graph: Graph,
    primals: int,
    results: int,
    may_keep: Callable[[Node], bool],
    looks_again: bool = False,
    for_results: bool = False,
) -> Halves:
    """Cut a graph whose inputs are primals and cotangents and whose outputs are results and gradients.

    Args:
        graph: the graph.
        primals: how many inputs are primals.
        results: how many outputs are results; these do not depend on the cotangents.
        may_keep: whether the values of a node may be kept.
        looks_again: whether what only looks at values (as a print) looks in both halves.
        for_results: whether what is kept is to serve computing the results again too.
    """
    cotangents = graph.inputs[primals:]
    late = acting(graph, cotangents)
    acts = (
        [*late, *(n for n in graph.nodes if isinstance(n.op, Call) and n.op.effects and not n.outs)]
        if looks_again
        else late
    )
    known: dict[int, bool] = {}

    def keep(var: Var, node: Node) -> bool:
        if isinstance(node.op, Call) and node.op.kept_from is not None:
            return node.outs.index(var) >= node.op.kept_from
        if id(node) not in known:
            known[id(node)] = may_keep(node) and not _is_free(node)
        return known[id(node)]

    parts = backward_part(graph, graph.outputs[results:], cotangents, keep, acts)
    if for_results:
        kept = backward_part(graph, graph.outputs, cotangents, keep, acts).saved
        parts = parts._replace(saved=kept)
    read = [k for k, v in enumerate(graph.inputs[:primals]) if v in parts.inputs]
    in_avals = dict(zip(graph.inputs, graph.in_avals, strict=True))
    out_avals = dict(zip(graph.outputs, graph.out_avals, strict=True))
    later = {id(n) for n in late}
    first = _first_computed(graph)
    given = [*(first.get(v, v) for v in graph.outputs[:results]), *parts.saved]
    nodes = with_used_results([_reading(n, first) for n in graph.nodes if id(n) not in later], given, False)
    forward = subgraph(graph, nodes, graph.inputs[:primals], given, graph.name)
    inputs = [*(graph.inputs[k] for k in read), *parts.saved, *cotangents]
    nodes = with_used_results(parts.nodes, graph.outputs[results:], False)
    backward = subgraph(graph, nodes, inputs, graph.outputs[results:], graph.name)
    for made in (forward, backward):
        made.in_avals = [in_avals.get(v, a) for v, a in zip(made.inputs, made.in_avals, strict=True)]
        made.out_avals = [out_avals.get(v, a) for v, a in zip(made.outputs, made.out_avals, strict=True)]
    return Halves(forward, backward, read, parts.saved)


def _first_computed(graph: Graph) -> dict[Var, Var]:
    """For each value that is computed again for the backward part the one that the forward part has."""
    made_by, found = makers(graph), dict[Var, Var]()
    for node in graph.nodes:
        op = node.op
        if not isinstance(op, Call) or op.again_of is None:
            continue
        for maker in (made_by[v] for v in node.reads() if v in made_by):
            if isinstance(maker.op, Call) and maker.op.op is op.again_of:
                pairs = zip(node.outs, maker.outs[: maker.op.kept_from], strict=False)
                found.update((again, var) for again, var in pairs if again is not None and var is not None)
                break
    return found


def _reading(node: Node, instead: dict[Var, Var]) -> Node:
    """The node with some of the values that it reads replaced."""
    if not any(v in instead for v in node.reads()):
        return node

    def replaced(value: Any) -> Any:
        if isinstance(value, Var):
            return instead.get(value, value)
        if isinstance(value, list | tuple):
            return type(value)(map(replaced, value))
        return value

    return node._replace(args=replaced(node.args), kwargs={k: replaced(v) for k, v in node.kwargs.items()})


def read_across(graph: Graph, primals: int, results: int) -> Sequence[Var]:
    """What a backward pass that computes nothing again would keep, in the order of computing."""
    halves = cut(graph, primals, results, lambda _: True)
    return [*(v for v in halves.backward.lifted_vars), *(graph.inputs[k] for k in halves.read), *halves.kept]


def _worth_saving(saved: Iterable[Var], made_by: dict[Var, Node], given: set[Var]) -> set[Var]:
    """The values without those that cheap ops make of others."""
    kept = set(saved)

    def at_hand(var: Var, depth: int = 4) -> bool:
        if var in given or var in kept:
            return True
        node = made_by[var]
        return (
            depth > 0 and (node.op in _FREE or node.op in _CHEAP) and all(at_hand(v, depth - 1) for v in node.reads())
        )

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
    made.regions, made.scopes = joint.regions, joint.scopes
    return made
