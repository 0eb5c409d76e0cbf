"""equations: the jaxpr of a graph: its nodes read in order, those that are one operation as one equation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import constant
from jaxlike._src.border import tensor_to_numpy
from jaxlike._src.graph import draw_rules as draw_rules
from jaxlike._src.graph import elementwise_rules as elementwise_rules
from jaxlike._src.graph import index_rules as index_rules
from jaxlike._src.graph import product_rule as product_rule
from jaxlike._src.graph import region_rules as region_rules
from jaxlike._src.graph import shape_rules as shape_rules
from jaxlike._src.graph import spelled_rules as spelled_rules
from jaxlike._src.graph.graph import Graph, Node, Var, vars_in
from jaxlike._src.graph.jaxpr import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Literal
from jaxlike._src.graph.jaxpr import Var as JaxprVar
from jaxlike._src.graph.order import as_read
from jaxlike._src.graph.pulled_rules import products_pulled
from jaxlike._src.graph.reader import Reader, is_stored, kind_of_aval, weak_number
from jaxlike._src.graph.ref_events import needed_for, shown_events
from jaxlike._src.graph.ref_rules import RefWriter
from jaxlike._src.graph.source import LOOKED, NameStack, SourceInfo
from jaxlike._src.tree import keystr, tree_flatten_with_path, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jaxlike._src.regions import Region


aten = torch.ops.aten
NO_NAMES = NameStack()


def regions_of(graph: Graph, nodes: Sequence[Node]) -> dict[int, Region]:
    """For the id of each node in a region, the outermost region that stands as one equation."""
    if not graph.regions:
        return {}
    users: dict[Any, list[int]] = {}
    for node in nodes:
        for v in (*vars_in(node.args), *vars_in(node.kwargs)):
            users.setdefault(v, []).append(id(node))
    kept, results = {id(n) for n in nodes}, set(graph.outputs)
    there = {*graph.inputs, *graph.lifted_vars, *graph.constants, *(o for n in nodes for o in n.outs)}
    found: dict[int, Region] = {}
    for region in graph.regions:  # an outer one comes after those inside of it
        inside = {id(n) for n in region.nodes}
        made = {o for n in region.nodes if id(n) in kept for o in n.outs if o is not None}
        if not any(o in made for o in region.outs) or any(o in made for o in region.operands):
            continue
        if any(isinstance(o, Var) and o not in there for o in region.operands):  # a kernel did without it
            continue
        private = made - set(region.outs)
        if private & results or any(u not in inside for v in private for u in users.get(v, ())):
            continue
        for k in inside:
            found[k] = region
    return found


# Kernels cast their operands before they know whether they need it, and torch's vmap takes a lane to see its type.
_BESIDES = frozenset([aten._to_copy.default, aten.to.dtype, aten.select.int])


def shown_of(graph: Graph, needed: Collection[int] = ()) -> list[Node]:
    """The nodes in order, with those that nothing uses where all that they read is there, or that are needed.

    What a backward pass did that ran only to be transposed is not the program's.
    """
    nodes, constants = graph.written
    if len(nodes) == len(graph.nodes):
        return graph.nodes
    live = {*map(id, graph.nodes), *needed}
    there = {*graph.inputs, *graph.lifted_vars, *graph.constants}
    there.update(v for v, c in constants.items() if c.number is not None)
    shown: list[Node] = []
    for node in nodes:
        beside = node.op in _BESIDES or node.pulled == LOOKED
        if id(node) in live or (not beside and all(v in there for v in node.reads())):
            shown.append(node)
            there.update(o for o in node.outs if o is not None)
    return shown


def jaxpr_of(graph: Graph) -> ClosedJaxpr:
    """The graph as a closed jaxpr; made once."""
    found = graph.jaxpr
    if found is None:
        found = graph.jaxpr = _read(graph)
    return found


def equation_of(graph: Graph) -> dict[int, JaxprEqn]:
    """For the id of each node the equation that says what it does; none for nodes that only copy."""
    jaxpr_of(graph)
    return graph.equations


def _read(graph: Graph) -> ClosedJaxpr:
    reader = Reader(graph, jaxpr_of)
    for var, aval in zip(graph.inputs, graph.in_avals, strict=True):
        reader.known[var] = JaxprVar(aval)
    events = shown_events(graph) if graph.ref_events else []
    of_refs = RefWriter(reader, events)
    unread, reader.of_refs = of_refs.unread(), of_refs
    closed = []
    for var, x in (*zip(graph.lifted_vars, graph.lifted, strict=True), *(graph.ref_operands.items() if events else ())):
        number = not x.ndim and x._frame is None and not is_stored(x.dtype) and dtypes.canonicalize_dtype(x.dtype) == x.dtype
        if number and not graph.shows_closed:
            reader.known[var] = Literal(tensor_to_numpy(x._t, x.dtype)[()], x.aval)
        elif var not in unread:
            reader.known[var] = JaxprVar(x.aval)
            closed.append((var, x))
    for var, c in graph.constants.items():
        if c.number is None and var not in unread:
            x = constant(c.tensor) if c.array is None else c.array
            reader.known[var] = JaxprVar(x.aval)
            closed.append((var, x))
    closed = [(reader.known[v], x) for v, x in closed]
    invars = [of_refs.given.get(v) or reader.atom(v) for v in graph.inputs if v not in of_refs.closed]
    nodes = reader.nodes = shown_of(graph, needed_for(graph, events) if events else ())
    regions = regions_of(graph, nodes)
    regions |= products_pulled(nodes, regions, graph.outputs)
    nodes = as_read(nodes, regions)
    last = {id(regions[id(n)]): n for n in nodes if id(n) in regions}
    graph.equations = {}
    for node in nodes:
        of_refs.until(node)
        if id(node) in of_refs.nodes:
            continue
        region, count = regions.get(id(node)), len(reader.eqns)
        if region is None:
            reader.node(node)
        elif last[id(region)] is node:  # what it reads is there
            reader.region(region)
        if len(reader.eqns) > count:
            for n in (node,) if region is None else region.nodes:
                graph.equations[id(n)] = reader.eqns[-1]
        info = SourceInfo(node.line, graph.scopes.get(id(node), NO_NAMES))
        for e in reader.eqns[count:]:
            e.source_info = info
    of_refs.until(None)
    results, out_avals = _without_refs(graph, of_refs)
    if of_refs.closed:
        closed = _as_used([*zip(of_refs.closed.values(), of_refs.closed_over, strict=True), *closed], reader.eqns)
    constvars, consts = [v for v, _ in closed], [x for _, x in closed]
    outvars = [reader.whole(reader.atom(v), kind_of_aval(a)) for v, a in zip(results, out_avals, strict=True)]
    outvars = [
        weak_number(v) if isinstance(v, Literal) and a.weak_type else v for v, a in zip(outvars, out_avals, strict=True)
    ]
    given = {*constvars, *invars}
    for v, aval in zip(outvars, out_avals, strict=True):
        if isinstance(v, JaxprVar) and v not in given and not is_stored(aval.dtype):
            v.aval = aval  # with its weak type
    info = debug_info_of(graph, of_refs)
    return ClosedJaxpr(Jaxpr(constvars, invars, outvars, reader.eqns, {*graph.effects, *of_refs.effects}, info), consts)


def _as_used(closed: Sequence[tuple[Any, Any]], eqns: Sequence[JaxprEqn]) -> list[tuple[Any, Any]]:
    """Variables with what they stand for, in the order in which equations have them."""
    place: dict[int, int] = {}
    for v in (v for e in eqns for v in e.invars):
        place.setdefault(id(v), len(place))
    return sorted(closed, key=lambda pair: place.get(id(pair[0]), len(place)))


def _without_refs(graph: Graph, of_refs: RefWriter) -> tuple[list[Var], list[Any]]:
    """The results and their types, without the last values of refs that are shown."""
    results, out_avals = list(graph.outputs), list(graph.out_avals)
    n, shown = len(results) - len(graph.written_refs), set(map(id, of_refs.closed_over))
    for k in reversed(range(len(graph.written_refs))):
        if id(graph.written_refs[k]) in shown:
            del results[n + k], out_avals[n + k]
    return results, out_avals


def debug_info_of(graph: Graph, of_refs: RefWriter) -> DebugInfo:
    """Which function the graph was traced of; arguments that it does not name have empty names."""
    origin = graph.origin
    if origin is None:
        return DebugInfo("jit", graph.name)
    names = tuple(origin.names.get(v, "") for v in graph.inputs if v not in of_refs.closed)
    paths = (
        None
        if origin.tree is None
        else tree_flatten_with_path(tree_unflatten(origin.tree, [0] * origin.tree.num_leaves))[0]
    )
    if paths is None or len(paths) != len(_without_refs(graph, of_refs)[0]):
        return DebugInfo(origin.purpose, origin.location, names)
    return DebugInfo(origin.purpose, origin.location, names, tuple(f"result{keystr(p)}" for p, _ in paths))


def origins_of(graph: Graph) -> list[JaxprEqn]:
    """The equations that begin with what is known: a literal, or a constant that the result depends on."""
    closed = jaxpr_of(graph)
    behind = {id(v) for v in closed.outvars}
    for e in reversed(closed.eqns):
        if any(id(v) in behind for v in e.outvars):
            behind.update(map(id, e.invars))
    known = {id(v) for v in closed.constvars} & behind
    return [e for e in closed.eqns if any(isinstance(v, Literal) or id(v) in known for v in e.invars)]
