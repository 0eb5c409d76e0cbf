"""pulled_rules: how a jaxpr says what torch's engine does in a backward pass.

Torch has one op for the pullback of some functions, and reorders matrices before it multiplies them; JAX writes the
first out in arithmetic, and says in the product which axes meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Var
from jaxlike._src.graph.jaxpr import literal
from jaxlike._src.graph.product_rule import PRODUCTS, VIEWS
from jaxlike._src.graph.reader import Reader, rule
from jaxlike._src.regions import PRODUCT, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten


def _operands(r: Reader, node: Node) -> list[Any]:
    """The first two operands in the shape of the result; lanes may be those of one of them."""
    (out,) = node.outs
    assert out is not None
    return [r.broadcast(r.payload(a), out.shape) for a in node.args[:2]]


def _one_less(r: Reader, y: Any) -> Any:
    one = literal(1, ShapedArray((), y.aval.dtype))
    return r.emit("sub", [one, y], {}, ShapedArray(y.aval.shape, y.aval.dtype))


def _times(r: Reader, a: Any, b: Any, out: Any = None) -> Any:
    return r.emit("mul", [a, b], {"out_dtype": None}, ShapedArray(a.aval.shape, a.aval.dtype) if out is None else out)


def _conjugate(r: Reader, a: Any) -> Any:
    if a.aval.dtype.kind != "c":
        return a
    return r.emit("conj", [a], {"input_dtype": a.aval.dtype}, a.aval)


@rule(aten.tanh_backward.default)
def _of_tanh(r: Reader, node: Node) -> Any:
    """``g (1 - y) + g (1 - y) y``, y conjugate."""
    g, y = _operands(r, node)
    y = _conjugate(r, y)
    left = _times(r, g, _one_less(r, y))
    r.emit("add_any", [left, _times(r, left, y)], {}, node.outs[0])


@rule(aten.sigmoid_backward.default)
def _of_logistic(r: Reader, node: Node) -> Any:
    """``g (y (1 - y))``, y conjugate."""
    g, y = _operands(r, node)
    y = _conjugate(r, y)
    _times(r, g, _times(r, y, _one_less(r, y)), node.outs[0])


@rule(aten.threshold_backward.default)
def _of_relu(r: Reader, node: Node) -> Any:
    """``g`` where the value lies above the threshold."""
    (g, x), limit, out = _operands(r, node), node.args[2], node.outs[0]
    assert out is not None
    dtype = g.aval.dtype
    above = r.emit("gt", [x, literal(limit, ShapedArray((), dtype))], {}, ShapedArray(out.shape, bool))
    zeros = r.broadcast(literal(0, ShapedArray((), dtype)), out.shape)
    r.emit("select_n", [above, zeros, g], {}, out)


def products_pulled(nodes: Sequence[Node], taken: dict[int, Any], results: Sequence[Var]) -> dict[int, Region]:
    """For the id of each node the product that it is part of, where a backward pass made the whole of it."""
    users: dict[Var, list[Node]] = {}
    for node in nodes:
        for v in node.reads():
            users.setdefault(v, []).append(node)
    made_by = {o: n for n in nodes if n.pulled and id(n) not in taken for o in n.outs if o is not None}
    given = set(results)
    found: dict[int, Region] = {}

    def is_outer(node: Node) -> bool:
        shapes = [v.shape for v in node.reads()]
        return node.op is aten.mul.Tensor and len(shapes) == 2 and [s[-1:] for s in shapes] in ([(1,), shapes[1][-1:]],)

    for node in nodes:
        if not node.pulled or id(node) in taken or not (node.op in PRODUCTS or is_outer(node)):
            continue
        inside, operands = [node], []
        for var in node.reads():
            source, chain = var, []
            while (maker := made_by.get(source)) and maker.op in VIEWS and id(maker) not in found:
                if len(users[source]) != 1 or source in given:
                    break
                chain.append(maker)
                source = next(maker.reads())
            inside = [*reversed(chain), *inside]
            operands.append(source)
        region = Region(PRODUCT, {}, tuple(operands), node.outs, tuple(inside))  # type: ignore[arg-type]
        found.update((id(n), region) for n in inside)
    return found
