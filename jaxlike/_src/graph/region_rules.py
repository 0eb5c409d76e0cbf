"""region_rules: how a jaxpr says regions that are more than one equation of one primitive."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.call_params import call_params
from jaxlike._src.graph.graph import Graph, Node, Var
from jaxlike._src.graph.jaxpr import JaxprEqn, Literal, literal
from jaxlike._src.graph.primitive import builtin
from jaxlike._src.graph.reader import Reader, converted, is_stored, region_rule
from jaxlike._src.regions import JIT, STATIC_INDEX, Region

aten = torch.ops.aten


def _is_same(known: Any, given: Any) -> bool:
    if known is None or isinstance(known, bool) != isinstance(given, bool):
        return False
    return known == given or (known != known and given != given)  # or both are NaN


def _steps(r: Reader, region: Region) -> bool:
    name, fixed, called = region.params["steps"]
    atoms = []
    for v in region.operands:
        if isinstance(v, Var):
            atoms.append(r.payload(v))
            continue
        dtype = dtypes.canonicalize_dtype(np.asarray(v).dtype)
        atoms.append(literal(v, ShapedArray((), dtype, True)))
    return r.spelled(name, atoms, region.outs, fixed, region.params["name"] if called else None)


@region_rule(JIT)
def _call(r: Reader, region: Region) -> bool:
    """Nodes that are one call: its known steps, or their own jaxpr of the operands that they read, numbers among them."""
    if "steps" in region.params and _steps(r, region):
        return True
    inside = {id(n) for n in region.nodes}
    nodes = [n for n in r.nodes if id(n) in inside]
    constants = {**r.graph.constants, **r.graph.written[1]}
    regions = [other for other in r.graph.regions if other is not region]
    operands: list[Any] = []
    inputs: list[Var] = []
    for value in region.operands:
        if isinstance(value, Var):
            operands.append(r.atom(value))
            inputs.append(value)
            continue
        # A number is converted inside, to the constants that stand for it in the graph.
        dtype = dtypes.canonicalize_dtype(np.asarray(value).dtype)
        operands.append(literal(value, ShapedArray((), dtype, True)))
        alike = [v for v, c in constants.items() if _is_same(c.number, value)]
        same = [v for v in alike if dtype.kind != "f" and dtypes.from_torch(v.dtype) == dtype]
        if same:
            inputs.append(same[0])
            continue
        with torch_private.outside():
            inputs.append(Var(-1 - len(inputs), torch.empty((), dtype=dtypes.to_torch(dtype), device="meta")))
        for const in alike:
            convert = Node(aten._to_copy.default, (inputs[-1],), {"dtype": const.dtype}, (const,), True)
            params = {"new_dtype": dtypes.from_torch(const.dtype), "weak_type": False, "sharding": None}
            regions.append(Region("convert_element_type", params, (inputs[-1],), (const,), (convert,)))
            reading = (k for k, n in enumerate(nodes) if const in n.reads())
            nodes.insert(next(reading, 0), convert)
    closed = [(v, x) for v, x in zip(r.graph.lifted_vars, r.graph.lifted, strict=True) if isinstance(r.known[v], Literal)]
    lifted = set(r.graph.lifted_vars) - {v for v, _ in closed}
    for v in dict.fromkeys(v for n in nodes for v in n.reads() if v in lifted and v not in inputs):
        inputs.append(v)  # what the function closes over
        operands.append(r.atom(v))
    own = {v: c for v, c in constants.items() if v not in inputs}
    there = {*inputs, *own, *(v for v, _ in closed), *(o for n in nodes for o in n.outs if o is not None)}
    results = [o for o in region.outs if o in there]  # what makes the others is left out, as nothing uses them
    made = Graph(
        nodes, inputs, closed, own, results, [a.aval for a in operands],
        [r.aval_of(v) for v in results], region.params["name"],
    )  # fmt: skip
    made.regions = regions
    params = call_params(made.name, r.jaxpr_of(made), len(inputs), len(results))
    outs = [r.result(o) for o in results]
    r.eqns.append(JaxprEqn(operands, outs, builtin(JIT), params))
    return True


@region_rule("convert_element_type")
def _convert(r: Reader, region: Region) -> None:
    """A conversion; none of numbers, nor of places that a jaxpr has in that type from the start."""
    (value,) = region.operands
    a = r.payload(value) if isinstance(value, Var) else None
    number = a.val if isinstance(a, Literal) else value if a is None else None
    if number is not None and not is_stored(region.params["new_dtype"]):
        r.alias(region.outs[0], converted(number, r.aval_of(region.outs[0])))
    elif a is None or a.aval.dtype == dtypes.from_torch(value.dtype) or a.aval.dtype != region.params["new_dtype"]:
        r.one(region)
    else:
        r.alias(region.outs[0], a)


@region_rule("is_finite")
def _is_finite(r: Reader, region: Region) -> Any:
    """Of floating-point numbers; whole ones are, and complex ones if both parts are."""
    if r.payload(region.operands[0]).aval.dtype.kind in "iubc":
        return False
    r.one(region)
    return True


@region_rule("clamp")
def _clamp(r: Reader, region: Region) -> Any:
    """Of one shape, or with numbers for bounds."""
    low, x, high = (r.payload(v) if isinstance(v, Var) else None for v in region.operands)
    (out,) = region.outs
    if any(b is not None and b.aval.shape not in ((), out.shape) for b in (low, x, high)):
        return False
    if x is None or x.aval.shape == out.shape:
        r.one(region)
        return True
    dtype = x.aval.dtype
    bounds = [r.operand(v, dtype) for v in (region.operands[0], region.operands[2])]
    r.emit("clamp", [bounds[0], r.broadcast(x, out.shape), bounds[1]], {}, out)
    return True


@region_rule("max", "min")
def _extreme(r: Reader, region: Region) -> None:
    """The larger or the smaller of two, which may be numbers."""
    out = region.outs[0]
    atoms = r.one_rank([r.operand(v, r.aval_of(out).dtype) for v in region.operands])
    r.emit(region.name, atoms, {}, out)


@region_rule("select_n")
def _select(r: Reader, region: Region) -> None:
    """A choice for each lane, which may be of whole rows."""
    which, *cases = (r.payload(v) for v in region.operands)
    shape = cases[0].aval.shape
    if which.aval.shape not in ((), shape):
        params = {"shape": shape, "broadcast_dimensions": tuple(range(len(which.aval.shape))), "sharding": None}
        which = r.emit("broadcast_in_dim", [which], params, ShapedArray(shape, which.aval.dtype))
    r.emit("select_n", [which, *cases], {}, region.outs[0])


@region_rule(STATIC_INDEX)
def _static_index(r: Reader, region: Region) -> None:
    """One slice of the whole array, then the axes that numbers take away, then new ones."""
    (source,) = region.operands
    a = r.atom(source)
    bounds = [[0, n, 1] for n in a.aval.shape]
    axes: list[int | None] = list(range(len(bounds)))  # which of the array's axes each axis is; None: a new one
    for node in region.nodes:
        if node.op is aten.unsqueeze.default:
            axes.insert(node.args[1] % (len(axes) + 1), None)
            continue
        at = (node.args[1] if len(node.args) > 1 else 0) % len(axes)
        axis = axes[at]
        assert axis is not None
        start, stop, step = bounds[axis]
        size = len(range(start, stop, step))
        rest: list[Any] = list(node.args[2:])
        if node.op is aten.select.int:
            first = start + step * (rest[0] % size)
            bounds[axis] = [first, first + 1, 1]
            del axes[at]
        else:
            named = dict(zip(("start", "end", "step"), rest, strict=False)) | node.kwargs
            first, last, more = slice(named.get("start"), named.get("end"), named.get("step", 1)).indices(size)
            last = max(first, last)
            bounds[axis] = [start + step * first, min(stop, start + step * last), step * more]
    (out,) = region.outs
    gone = tuple(k for k in range(len(bounds)) if k not in axes)
    whole = all((low, high) == (0, n) and step == 1 for (low, high, step), n in zip(bounds, a.aval.shape, strict=True))
    new = None in axes
    if not whole:
        sizes = tuple(len(range(*b)) for b in bounds)
        strides = tuple(b[2] for b in bounds)
        params = {
            "start_indices": tuple(b[0] for b in bounds),
            "limit_indices": tuple(b[1] for b in bounds),
            "strides": None if set(strides) <= {1} else strides,
        }
        a = r.emit("slice", [a], params, ShapedArray(sizes, a.aval.dtype) if gone or new else out)
    if gone:
        sizes = tuple(n for k, n in enumerate(a.aval.shape) if k not in gone)
        a = r.emit("squeeze", [a], {"dimensions": gone}, ShapedArray(sizes, a.aval.dtype) if new else out)
    if new:
        kept = tuple(k for k, axis in enumerate(axes) if axis is not None)
        a = r.emit("broadcast_in_dim", [a], {"shape": out.shape, "broadcast_dimensions": kept, "sharding": None}, out)
    r.alias(out, a)
