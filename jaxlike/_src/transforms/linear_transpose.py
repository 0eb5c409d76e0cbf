"""linear_transpose: the transpose of a function that is linear in its arguments.

The function is traced once, for its types; what it closed over are leaves of the result. The graph is transposed as
reverse mode does it, at zero and with its operations transposed rather than differentiated. Integers have no reverse
mode: their map is written out as a matrix, by its values at the basis, which keeps them exact.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE
from jaxlike._src.graph.effects import silenced
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.graph import Call
from jaxlike._src.graph.partition import dependents, subgraph
from jaxlike._src.graph.trace import trace
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.arguments import check_callable, name_of, to_array
from jaxlike._src.transforms.leaks import OF_TRANSPOSE, check_leaks
from jaxlike._src.transforms.linear_check import check_linear
from jaxlike._src.transforms.reverse import output_array, vjp_leaves
from jaxlike._src.transforms.structured import GraphFunction, stand_in
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import Partial, tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.graph import Graph


@api_boundary
def linear_transpose(fun: Callable[..., Any], *primals: Any, reduce_axes: Any = ()) -> Callable[..., Any]:
    """The transpose of a function that is linear in its arguments.

    Args:
        fun: linear; its values at ``primals`` are not used.
        primals: arrays or anything with shape and dtype; all inexact, or (as the result) all integers.
        reduce_axes: must be empty.

    Returns:
        A function from an output cotangent to a tuple of input cotangents.
    """
    if tuple(reduce_axes):
        raise NotImplementedError("reduce_axes argument to transpose is deprecated")
    check_callable(fun)
    examples, in_tree = tree_flatten(primals)
    avals = [e.aval if isinstance(e, Array) else _aval_like(e) for e in examples]
    out_tree: Any = None
    frame: Frame | None = None

    def on_leaves(leaves: Sequence[Any]) -> list[Array]:
        nonlocal out_tree, frame
        frame = STATE.frame
        outs, out_tree = tree_flatten(fun(*tree_unflatten(in_tree, list(leaves))))
        return [output_array(x) for x in outs]

    graph, outs = trace(on_leaves, [_without_values(a) for a in avals], name_of(fun))
    kinds = [(type(o), o._tag) for o in outs]
    out_avals = tuple(o.aval for o in outs)
    del outs
    check_leaks(frame, OF_TRANSPOSE)
    _look(graph)
    exact = _check_dtypes([a.dtype for a in (*avals,)], [a.dtype for a in out_avals])

    def transposed_fun(closed: list[Array], out_cotangent: Any) -> Any:
        cotangents, tree = tree_flatten(out_cotangent)
        if tree != out_tree:
            raise TypeError(f"cotangent tree does not match function output, expected {out_tree} but got {tree}")
        given = [to_array(c) for c in cotangents]
        if any(c.shape != a.shape or c.dtype != a.dtype for c, a in zip(given, out_avals, strict=True)):
            raise TypeError(f"cotangent type does not match function output, expected {out_avals} but got {cotangents}")
        function = GraphFunction(graph, kinds, closed)
        pull = _pull_integers if exact else _pull
        return tree_unflatten(in_tree, pull(function, avals, given))

    return Partial(transposed_fun, graph.lifted)


def _check_dtypes(given: Sequence[Any], made: Sequence[Any]) -> bool:
    """Whether they are integers, which must be so of all or of none."""
    dtypes_of_both = (*given, *made)
    if all(dtypes.issubdtype(d, np.inexact) for d in dtypes_of_both):
        return False
    if all(dtypes.issubdtype(d, np.integer) for d in dtypes_of_both):
        return True
    raise TypeError(
        "linear_transpose only supports [float or complex] -> [float or complex], and integer -> integer functions, "
        f"but got {list(given)} -> {list(made)}."
    )


def _look(graph: Graph) -> None:
    """Prints, and other effects, that do not depend on the arguments."""
    after = dependents(graph, graph.inputs)
    nodes = [n for n in graph.nodes if not any(v in after for v in n.reads())]
    if any(isinstance(n.op, Call) and n.op.effects for n in nodes):
        known = subgraph(graph, nodes, [], [], graph.name)
        known.replay()(default_torch_device(), *map(unwrap, known.lifted))


def _pull(function: GraphFunction, avals: Sequence[ShapedArray], cotangents: Sequence[Array]) -> list[Any]:
    jaxpr = jaxpr_of(function.graph).jaxpr
    check_linear(jaxpr, [True] * len(jaxpr.invars))
    device = default_torch_device()
    zeros = [Array(torch.zeros(a.shape, dtype=dtypes.to_torch(a.dtype), device=device), a.weak_type) for a in avals]
    with silenced():  # what can be printed was, where the function was traced
        pull = vjp_leaves(lambda xs: (function(xs), None), zeros, "linear_transpose", linear=True)[2]
        return pull(cotangents)


def _pull_integers(function: GraphFunction, avals: Sequence[ShapedArray], cotangents: Sequence[Array]) -> list[Array]:
    grads: list[Array] = []
    for k, aval in enumerate(avals):
        basis = torch.eye(aval.size, dtype=dtypes.to_torch(aval.dtype), device=default_torch_device())

        def row(x: Array, k: int = k) -> list[Array]:
            zeros = [Array(torch.zeros(a.shape, dtype=dtypes.to_torch(a.dtype), device=x._t.device)) for a in avals]
            return function([*zeros[:k], x, *zeros[k + 1 :]])

        rows = vmap(row)(Array(basis.reshape(aval.size, *aval.shape)))
        terms = [(r * c).sum(tuple(range(1, r.ndim)), dtype=aval.dtype) for r, c in zip(rows, cotangents, strict=True)]
        grads.append(Array(unwrap(functools.reduce(operator.add, terms)).reshape(aval.shape), aval.weak_type))
    return grads


def _without_values(aval: ShapedArray) -> Array:
    like = torch.empty((), dtype=dtypes.to_torch(aval.dtype), device="meta")
    return Array(stand_in(like, aval.shape), aval.weak_type)


def _aval_like(x: Any) -> ShapedArray:
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return ShapedArray(x.shape, dtypes.canonicalize_dtype(x.dtype), getattr(x, "weak_type", False))
    return to_array(x).aval
