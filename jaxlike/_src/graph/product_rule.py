"""product_rule: a product that torch makes of views and a matrix product, read as one ``dot_general``.

A product of arrays, the same over lanes, and what a backward pass makes of either all come down to reordering,
splitting and joining axes, one of torch's products, and the same again. Each axis of a view is followed to the axes
of the operand that it is made of; where that goes through, the axes that meet in the product are those that
``dot_general`` sums over or has in common. Anything else is left as it stands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Var
from jaxlike._src.graph.reader import Reader, region_rule
from jaxlike._src.graph.shape_rules import preferred
from jaxlike._src.regions import PRODUCT, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten


class _Unclear(Exception):
    """An axis cannot be followed."""


class _Axis(NamedTuple):
    """An axis of a view: its size, and which axes of the whole it is made of; none where it is repeated."""

    size: int
    of: tuple[Any, ...]


class _View(NamedTuple):
    """A view of an operand, or of the product."""

    whole: int | None  # which operand; None for the product
    axes: tuple[_Axis, ...]
    sizes: dict[Any, int]  # of the axes of the whole


VIEWS = frozenset([
    aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten.unsqueeze.default, aten.squeeze.dim,
    aten.squeeze.dims, aten.squeeze.default, aten.permute.default, aten.transpose.int, aten.t.default,
    aten.expand.default, aten.clone.default, aten.contiguous.default,
])  # fmt: skip
PRODUCTS = frozenset([aten.mm.default, aten.bmm.default, aten.mv.default, aten.dot.default])


def _viewed(view: _View, node: Node) -> _View:
    """What a node makes of a view."""
    axes, op = list(view.axes), node.op
    (out,) = node.outs
    assert out is not None
    n = len(axes)
    if op is aten.unsqueeze.default:
        axes.insert(node.args[1] % (n + 1), _Axis(1, ()))
    elif op in (aten.squeeze.dim, aten.squeeze.dims, aten.squeeze.default):
        given = node.args[1] if len(node.args) > 1 else list(range(n))
        gone = {k % n for k in (given if isinstance(given, list | tuple) else [given]) if n and axes[k].size == 1}
        if any(axes[k].of for k in gone):
            raise _Unclear
        axes = [a for k, a in enumerate(axes) if k not in gone]
    elif op is aten.permute.default:
        axes = [axes[k % n] for k in node.args[1]]
    elif op in (aten.transpose.int, aten.t.default):
        if n > 1:
            i, j = (0, 1) if op is aten.t.default else (k % n for k in node.args[1:])
            axes[i], axes[j] = axes[j], axes[i]
    elif op is aten.expand.default:
        axes = [*(_Axis(1, ()) for _ in range(len(out.shape) - n)), *axes]
        axes = [a if a.size == s else _Axis(s, ()) for a, s in zip(axes, out.shape, strict=True)]
    elif op not in (aten.clone.default, aten.contiguous.default):
        axes = _regrouped(view, out.shape)
    return view._replace(axes=tuple(axes))


def _regrouped(view: _View, shape: Sequence[int]) -> list[_Axis]:
    """The axes split and joined to another shape."""
    atoms: list[_Axis] = []
    for axis in view.axes:
        atoms += [_Axis(view.sizes[k], (k,)) for k in axis.of] or [axis]
    atoms = [a for a in atoms if a.size != 1 or a.of]
    made: list[_Axis] = []
    for size in shape:
        of: list[Any] = []
        reached, repeated = 1, False
        while reached < size:
            if not atoms:
                raise _Unclear
            atom = atoms.pop(0)
            reached, repeated = reached * atom.size, repeated or not atom.of
            of += atom.of
        if size == 1 and atoms and atoms[0].size == 1:
            of += atoms.pop(0).of
        if reached != size or (repeated and of):
            raise _Unclear
        made.append(_Axis(size, tuple(of)))
    if atoms:
        raise _Unclear
    return made


class _Product:
    """The product of two views: which axes are summed over, which are common, and the view that comes of it."""

    def __init__(self, node: Node, left: _View, right: _View) -> None:
        if left.whole is None or right.whole is None:
            raise _Unclear
        self.node, self.left, self.right = node, left, right
        self.summed: list[tuple[Any, Any]] = []
        self.common: list[tuple[Any, Any]] = []
        a, b, op = list(left.axes), list(right.axes), node.op
        axes: list[_Axis] = []
        if op is aten.mul.Tensor:
            n = max(len(a), len(b))
            a, b = ([*(_Axis(1, ()) for _ in range(n - len(x))), *x] for x in (a, b))
            axes = [self._both(x, y) for x, y in zip(a, b, strict=True)]
        else:
            if op is aten.bmm.default:
                axes.append(self._both(a.pop(0), b.pop(0)))
            self._sum(a.pop(), b.pop(0))
            axes += [self._side(0, x) for x in a] + [self._side(1, y) for y in b]
        sizes = {(0, k): s for k, s in left.sizes.items()} | {(1, k): s for k, s in right.sizes.items()}
        self.view = _View(None, tuple(axes), sizes)

    @staticmethod
    def _side(side: int, axis: _Axis) -> _Axis:
        return axis._replace(of=tuple((side, k) for k in axis.of))

    def _both(self, x: _Axis, y: _Axis) -> _Axis:
        """An axis of both; it counts as the left one's."""
        if not x.of or not y.of:
            only = self._side(0, x) if x.of else self._side(1, y)
            if only.size != max(x.size, y.size):
                raise _Unclear
            return only
        self.common += self._pairs(x, y)
        return self._side(0, x)

    def _sum(self, x: _Axis, y: _Axis) -> None:
        if (x.of or y.of) and not (x.of and y.of):
            raise _Unclear
        self.summed += self._pairs(x, y)

    def _pairs(self, x: _Axis, y: _Axis) -> list[tuple[Any, Any]]:
        if [self.left.sizes[k] for k in x.of] != [self.right.sizes[k] for k in y.of]:
            raise _Unclear
        return list(zip(x.of, y.of, strict=True))

    def swapped(self) -> bool:
        """Whether the first operand stands on the right."""
        assert self.left.whole is not None and self.right.whole is not None
        return self.left.whole > self.right.whole


def _product_of(region: Region, shapes: Sequence[Sequence[int]]) -> tuple[_Product, _View]:
    views: dict[Var, _View] = {}
    for k, (var, shape) in enumerate(zip(region.operands, shapes, strict=True)):
        sizes = dict(enumerate(shape))
        views.setdefault(var, _View(k, tuple(_Axis(s, (i,)) for i, s in sizes.items()), sizes))
    product: _Product | None = None
    for node in region.nodes:
        (out,) = node.outs
        reads = list(node.reads())
        if any(v not in views for v in reads) or out is None:
            raise _Unclear
        if node.op in VIEWS:
            views[out] = _viewed(views[reads[0]], node)
        elif (node.op in PRODUCTS or node.op is aten.mul.Tensor) and product is None and len(reads) == 2:
            product = _Product(node, *(views[v] for v in reads))
            views[out] = product.view
        else:
            raise _Unclear
    (out,) = region.outs
    if product is None or views[out].whole is not None:
        raise _Unclear
    return product, views[out]


@region_rule(PRODUCT)
@region_rule("dot_general")
def product(r: Reader, region: Region) -> Any:
    """Write a product; False where it is not clear that it is one."""
    if region.params and not region.lanes:
        return r.one(region)
    operands = [r.payload(v) for v in region.operands]
    (out,) = region.outs
    try:
        found, view = _product_of(region, [a.aval.shape for a in operands])
    except _Unclear:
        return False
    first, second = (1, 0) if found.swapped() else (0, 1)
    sides = (found.left, found.right)
    common = sorted((p[first], p[second]) for p in found.common)
    summed = sorted((p[first], p[second]) for p in found.summed)
    own = [
        [k for k in sides[s].sizes if k not in {p[s] for p in (*found.common, *found.summed)}] for s in (first, second)
    ]
    names = {p[0]: (0, p[0]) for p in found.common} if first == 0 else {p[1]: (0, p[0]) for p in found.common}
    natural = [*(names[a] for a, _ in common), *((first, k) for k in own[0]), *((second, k) for k in own[1])]
    order = [k for axis in view.axes for k in axis.of]
    if sorted(order) != sorted(natural):
        return False
    numbers = tuple(tuple(p[s] for p in pairs) for pairs in (summed, common) for s in (0, 1))
    assert out is not None
    dtype = dtypes.from_torch(out.dtype)
    params = {
        "dimension_numbers": ((numbers[0], numbers[1]), (numbers[2], numbers[3])),
        "precision": r.graph.precisions.get(id(found.node)),
        "preferred_element_type": preferred(dtype),
        **{k: v for k, v in region.params.items() if k != "dimension_numbers"},
        "out_sharding": None,
    }
    sizes = [found.view.sizes[k] for k in natural]
    moved, whole = order != natural, tuple(found.view.sizes[k] for k in order)
    last = whole == out.shape
    given = [operands[sides[s].whole or 0] for s in (first, second)]
    if math.prod(sizes) != math.prod(out.shape):
        return False
    made = r.emit("dot_general", given, params, out if last and not moved else ShapedArray(tuple(sizes), dtype))
    if moved:
        turned = tuple(natural.index(k) for k in order)
        made = r.emit("transpose", [made], {"permutation": turned}, out if last else ShapedArray(whole, dtype))
    if not last:
        r.emit("reshape", [made], {"new_sizes": out.shape, "dimensions": None, "sharding": None}, out)
    return True
