"""body: functions that transformations and control flow are given, traced once.

A function becomes a `Body`: flat Arrays in and out, closed-over Arrays as further arguments.
A function that is given again with arguments of the same types is not run again, as in JAX.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.array import Array, constant
from jaxlike._src.counts import count
from jaxlike._src.frames import STATE, named_axes
from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms.arguments import check_leaf, is_float0, location_of, name_of, to_array
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.leaks import check_leaks
from jaxlike._src.transforms.ref_state import ClosedRefs, check_result, is_ref, only_reading
from jaxlike._src.transforms.structured import GraphFunction, stand_in
from jaxlike._src.tree import keystr, tree_flatten, tree_flatten_with_path, tree_unflatten
from jaxlike._src.varying import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import ShapedArray
    from jaxlike._src.frames import Frame
    from jaxlike._src.transforms.ref_state import RefState


class Body:
    """A traced function: ``run`` on flat Arrays with ``closed`` at the end, the tree and types of its results."""

    def __init__(self, run: GraphFunction, closed: list[Array], out_tree: Any, avals: Sequence[ShapedArray]) -> None:
        self.run = run
        self.closed = closed
        self.out_tree = out_tree
        self.avals = list(avals)
        self.refs: ClosedRefs | None = ClosedRefs(run.graph) if run.graph.refs else None
        self.made: dict[Any, Any] = {}  # operations made of it

    def with_refs(self, refs: Sequence[RefState], held: Sequence[Array]) -> Body:
        """The same as a function of what these refs hold as well, which gives what they hold at the end."""
        key = ("refs", *map(id, refs))
        made = self.made.get(key)
        if made is None:
            examples = [constant(stand_in(x._t, x._t.shape), x._tag, type(x)) for x in held]
            graph = self.run.graph.with_refs(refs, examples)
            kinds = [*self.run.kinds[: len(self.avals)], *((type(x), x._tag) for x in held)]
            made = Body(GraphFunction(graph.of_values(), kinds), self.closed, self.out_tree, self.avals)
            self.made[key] = made
        return made

    @property
    def key_uses(self) -> Any:
        """What the function did to keys, where that is looked at."""
        return self.run.graph.key_uses

    def usable(self) -> bool:
        """Whether every traced value that it closed over is still inside its transformation."""
        alive = all(x._frame is None or x._frame.alive for x in self.closed)
        return alive and (self.refs is None or self.refs.usable())


_bodies: weakref.WeakKeyDictionary[Any, dict[Any, Body]] = weakref.WeakKeyDictionary()


def make_body(
    fun: Callable[..., Any],
    in_tree: Any,
    examples: Sequence[Array],
    kind: str,
    input_names: Sequence[str] = (),
    refs: bool = False,
) -> Body:
    """Trace ``fun(*args)`` for a tree of arguments.

    Args:
        fun: the function.
        in_tree: the tree of its arguments (a tuple).
        examples: Arrays of the arguments' types; their values are not used.
        kind: what it is traced for, as messages say it.
        input_names: how messages call the arguments.
        refs: it may write refs that it closes over, which `Body.refs` has then; else it may only read them.
    """
    out_tree: Any = None
    frame: Frame | None = None

    def flat(values: Sequence[Array]) -> list[Array]:
        nonlocal out_tree, frame
        frame = STATE.frame
        out = fun(*tree_unflatten(in_tree, list(values)))
        leaves, out_tree = tree_flatten(out)
        return [_result(x, k, out, fun, kind) for k, x in enumerate(leaves)]

    kind, location, *names = getattr(fun, "described", (kind, location_of(fun)))
    try:
        known = _bodies.setdefault(fun, {})
    except TypeError:  # not hashable, or cannot be referred to weakly
        known = {}
    key = (
        in_tree,
        *(e for x in examples for e in (type(x), x._tag, x._t.shape, x._t.dtype)),
        kind,
        _context(),
        signature(examples),
    )
    body = known.get(key)
    if body is None or not body.usable():
        count("trace_to_jaxpr")
        given = (*names, *input_names) or leaf_names(fun, tree_unflatten(in_tree, list(examples)), {})
        graph, outs = trace(flat, examples, name_of(fun), given, location, kind, whole=True, refs=True)
        if graph.refs and not refs:
            graph, known = only_reading(graph), {}  # the next time there are other values
        assert graph.origin is not None
        graph.origin = graph.origin._replace(tree=out_tree)
        kinds = [(type(o), o._tag) for o in outs]
        del outs
        check_leaks(frame)
        body = known[key] = Body(GraphFunction(graph, kinds), graph.lifted, out_tree, graph.own_avals[1])
    return body


def _context() -> Any:
    """What else a trace depends on: flags, and the named axes around."""
    return config.trace_context(), named_axes()


def _result(x: Any, k: int, out: Any, fun: Any, kind: str) -> Array:
    if is_ref(x):
        check_result(x, location_of(fun), kind, tree_flatten_with_path(out)[0][k][0])
    try:
        check_leaf(x)
    except TypeError:
        path = keystr(tree_flatten_with_path(out)[0][k][0])
        at = f" at output component {path}" if path else ""
        raise TypeError(
            f"function {location_of(fun)} traced for {kind} returned a value of type {type(x)}{at}, which is not a "
            "valid JAX type"
        ) from None
    return to_array(x.astype(bool) if is_float0(x) else x)


def leaf_arrays(tree: Any) -> tuple[list[Array], Any]:
    """The leaves of arguments as Arrays, and the tree."""
    leaves, treedef = tree_flatten(tree)
    try:
        return [to_array(x) for x in leaves], treedef
    except TypeError as error:
        raise TypeError(str(error).removesuffix(".")) from None
