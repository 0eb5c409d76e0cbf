"""decompose: operations that are written as others are: traced from what torch, or this package, says they come down to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import unwrap
from jaxlike._src.graph import metadata
from jaxlike._src.graph.fused.program import Program, lowers
from jaxlike._src.graph.fused.values import Ineligible, Value
from jaxlike._src.graph.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.graph import Graph, Node

_OWN: dict[str, Callable[..., Any]] = {}
_graphs: dict[Any, Graph] = {}


def comes_down_to(name: str, function: Callable[..., Any]) -> None:
    """Say how an operation of our own is computed by torch's."""
    _OWN[name] = function


@lowers("decomposed")
def _decomposed(p: Program, node: Node, a: dict[str, Any]) -> Sequence[Value]:
    function = _OWN.get(node.op._schema.name) or torch_private.decomposition(node.op)
    if function is None:
        raise Ineligible(f"{node.op}")
    values: list[Value] = []

    def collect(x: Any) -> None:
        if isinstance(x, Value):
            values.append(x)
        elif isinstance(x, list | tuple):
            for y in x:
                collect(y)

    given = [a[s.name] for s in node.op._schema.arguments[: len(node.args)]]
    options = {k: a[k] for k in node.kwargs}
    collect([*given, *options.values()])

    def whole(tensors: list[torch.Tensor]) -> tuple[list[Any], dict[str, Any]]:
        rest = iter(tensors)

        def put(x: Any) -> Any:
            if isinstance(x, Value):
                return next(rest)
            return [put(y) for y in x] if isinstance(x, list | tuple) else x

        return [put(x) for x in given], {k: put(v) for k, v in options.items()}

    shapes = tuple((v.shape, v.dtype) for v in values)
    key = (
        node.op,
        shapes,
        metadata.key([_plain(x) for x in given]),
        metadata.key(list(_plain(x) for x in options.items())),
    )
    graph = _graphs.get(key)
    if graph is None:
        graph = _graphs[key] = _traced(function, whole, values, str(node.op))
    if [(v.shape, v.dtype) for v in graph.outputs] != [(o.shape, o.dtype) for o in node.outs if o is not None]:
        raise Ineligible(f"{node.op}, which comes down to something else")
    outs = iter(p.graph(graph, values))
    return [next(outs) if o is not None else values[0] for o in node.outs]


def _plain(x: Any) -> Any:
    if isinstance(x, Value):
        return "value"
    return tuple(_plain(y) for y in x) if isinstance(x, list | tuple) else x


def _traced(function: Callable[..., Any], whole: Any, values: Sequence[Value], name: str) -> Graph:
    examples = [constant(torch.empty(v.shape, dtype=v.dtype, device="meta"), False) for v in values]

    def flat(arrays: Any) -> list[Any]:
        args, options = whole([unwrap(x) for x in arrays])
        out = function(*args, **options)
        return [Array(t, False) for t in (out if isinstance(out, list | tuple) else [out]) if t is not None]

    try:
        graph, _ = trace(flat, examples, name)
    except (metadata.Unsupported, RuntimeError, TypeError, KeyError) as error:
        raise Ineligible(f"{name}: {error}") from error
    if graph.lifted:
        raise Ineligible(name)
    return graph
