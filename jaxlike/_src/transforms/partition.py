"""partition: cut a graph of results and gradients into a forward and a backward graph.

Of the nodes that do not depend on a cotangent, a policy says whose values may be kept. Walking back from the
gradients, an input or a value that may be kept ends the walk and becomes a residual; anything else is computed
again. So the residuals are no more than what the backward graph reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Call, Graph, vars_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jaxlike._src.graph.graph import Node, Var


class Halves(NamedTuple):
    """A graph cut in two: ``forward(*primals)`` gives results and kept values, ``backward`` the gradients.

    ``backward`` takes the primals at the places ``read``, then the kept values, then the cotangents.
    """

    forward: Graph
    backward: Graph
    read: list[int]
    kept: list[Var]


def depends_on(graph: Graph, inputs: Iterable[Var]) -> set[Var]:
    """The Vars that are computed from any of the inputs, these included."""
    found = set(inputs)
    for node in graph.nodes:
        if any(v in found for v in (*vars_in(node.args), *vars_in(node.kwargs))):
            found.update(o for o in node.outs if o is not None)
    return found


def is_free(node: Node) -> bool:
    """Whether a node takes no memory worth a residual: a view, or a sign that a derivative's formula writes apart."""
    if isinstance(node.op, Call):
        return False
    return node.op is torch.ops.aten.neg.default or any(r.alias_info is not None for r in node.op._schema.returns)


def cut(graph: Graph, primals: int, results: int, may_keep: Callable[[Node], bool]) -> Halves:
    """Cut a graph whose inputs are primals and cotangents and whose outputs are results and gradients.

    Args:
        graph: the graph.
        primals: how many inputs are primals.
        results: how many outputs are results; these do not depend on the cotangents.
        may_keep: whether the values of a node may be kept.
    """
    cotangents = graph.inputs[primals:]
    unknown = depends_on(graph, cotangents)
    given = {*graph.inputs, *graph.lifted_vars, *graph.constants}
    made_by = {o: n for n in graph.nodes for o in n.outs if o is not None}
    keep: dict[int, bool] = {}
    kept: dict[Var, None] = {}
    again: set[Var] = set()
    # What only looks at values looks again, as in JAX, and at what depends on cotangents.
    looks = [n for n in graph.nodes if isinstance(n.op, Call) and n.op.effects]
    late = {id(n) for n in looks if any(v in unknown for v in vars_in(n.args))}
    looks_again = [n for n in looks if id(n) in late or not n.outs]
    stack = [*graph.outputs[results:], *(v for n in looks_again for v in vars_in(n.args))]
    while stack:
        v = stack.pop()
        if v in again or v in kept or v in given:
            continue
        node = made_by[v]
        if v not in unknown:
            key = id(node)
            if key not in keep:
                keep[key] = may_keep(node) and not is_free(node)
            if keep[key]:
                kept[v] = None
                continue
        again.update(o for o in node.outs if o is not None)
        stack.extend(vars_in(node.args))
        stack.extend(vars_in(node.kwargs))
    order = [v for v in made_by if v in kept]  # as they were computed
    repeated = {id(n) for n in looks_again}
    backward_nodes = [n for n in graph.nodes if id(n) in repeated or any(o in again for o in n.outs)]
    used = {v for n in backward_nodes for v in (*vars_in(n.args), *vars_in(n.kwargs))} | set(graph.outputs[results:])
    read = [k for k, v in enumerate(graph.inputs[:primals]) if v in used]
    lifted = list(zip(graph.lifted_vars, graph.lifted, strict=True))
    forward = Graph(
        [n for n in graph.nodes if id(n) not in late],
        graph.inputs[:primals],
        lifted,
        graph.constants,
        [*graph.outputs[:results], *order],
        graph.in_avals[:primals],
        [*graph.out_avals[:results], *map(aval_of, order)],
        graph.name,
    )
    backward = Graph(
        backward_nodes,
        [*(graph.inputs[k] for k in read), *order, *cotangents],
        lifted,
        graph.constants,
        graph.outputs[results:],
        [*(graph.in_avals[k] for k in read), *map(aval_of, order), *graph.in_avals[primals:]],
        graph.out_avals[results:],
        graph.name,
    )
    return Halves(forward, backward, read, order)


def aval_of(var: Var) -> ShapedArray:
    """The type of a value inside a graph."""
    return ShapedArray(var.shape, dtypes.from_torch(var.dtype))


def read_across(graph: Graph, primals: int, results: int) -> Sequence[Var]:
    """What a backward pass that computes nothing again would keep, in the order of computing."""
    halves = cut(graph, primals, results, lambda _: True)
    return [*(v for v in halves.backward.lifted_vars), *(graph.inputs[k] for k in halves.read), *halves.kept]
