"""ref_jit: refs that a jitted function is given: their values go in and out of what is compiled.

A ref among the arguments is another one in the trace, so that one that is closed over as well is seen; for a backward
rule that has kept it, the call says which ref it stands for (`refs_of_call`). Refs that the function closes over go in
and out of each of its calls: see `ref_state`.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src.frames import STATE, Frame, current_trace
from jaxlike._src.graph.call_params import call_params
from jaxlike._src.graph.ref_calls import NotingCall, RefForm, given, slots_of
from jaxlike._src.graph.ref_events import note_coming
from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.ref_state import (
    RefState,
    Touched,
    any_made,
    check_result,
    holding,
    is_ref,
    refuse_both_ways,
    refuse_twice,
    write_back,
    written,
)
from jaxlike._src.transforms.staged import Staged
from jaxlike._src.transforms.static_args import Static
from jaxlike._src.tree import tree_flatten, tree_flatten_with_path, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jaxlike._src.graph.graph import Graph

_pure: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()


def call_jitted(
    function: Any, plainly: Callable[..., Any], make: Callable[..., Any], location: str, args: Any, kwargs: Any
) -> Any:
    """Call a jitted function: what refs among its arguments hold goes in.

    Args:
        function: the jitted function.
        plainly: calls it where there are no refs.
        make: from a function of values and leaves, the same jitted.
        location: how messages name it.
        args: positional arguments.
        kwargs: named arguments.
    """
    if not any_made():
        return plainly(args, kwargs)
    return _with_values(function, plainly, _call, make, location, args, kwargs)


def _call(pure: Any, refs: Sequence[RefState], leaves: Sequence[Any]) -> Any:
    with NotingCall(refs):
        values = _filled(leaves)
        out, after = pure(values)
        write_back(refs, [v for v, x in zip(values, leaves, strict=True) if is_ref(x)], after)
    return out


def _filled(leaves: Sequence[Any]) -> list[Any]:
    return [x.value() if is_ref(x) else x for x in leaves]


class _Calling(threading.local):
    """Which refs of a jitted function's trace stand for which arguments of the call that is on its way, if any."""

    inside: Sequence[RefState] = ()
    given: Sequence[RefState] = ()
    frame: Frame | None = None

    @contextlib.contextmanager
    def of(self, inside: Sequence[RefState], given: Sequence[RefState]) -> Iterator[None]:
        """These, in the frame that runs."""
        before = self.inside, self.given, self.frame
        self.inside, self.given, self.frame = inside, given, STATE.frame
        try:
            yield
        finally:
            self.inside, self.given, self.frame = before


_CALLING = _Calling()


def refs_of_call() -> tuple[tuple[RefState, RefState], ...]:
    """For the call of a jitted function that is made now: its refs inside with those that they are."""
    if not _CALLING.given or STATE.frame is not _CALLING.frame:
        return ()
    return tuple(zip(_CALLING.inside, _CALLING.given, strict=False))


def check_apart(given: Sequence[tuple[RefState, RefState]], closed_over: Sequence[RefState]) -> None:
    """`Touched` where a jitted function closes over a ref that is among the arguments of a call too."""
    for _, ref in given:
        if any(ref is other for other in closed_over):
            raise Touched(ref)


def form_of(graph: Graph, traced: int, refs: Sequence[RefState]) -> RefForm | None:
    """How a call of a graph is shown, if it gets refs.

    Args:
        graph: the inputs that are values of traces first, what refs hold that it closes over last.
        traced: how many are the first.
        refs: the last.
    """
    slots = slots_of(graph)
    if not slots:
        return None
    outputs = [o for k, o in enumerate(graph.outputs) if k not in [s.result for s in slots]]
    inputs = _in_order(graph, traced, refs)
    shown = given(graph, inputs, outputs)
    params = call_params(graph.name, shown, len(inputs), len(outputs))
    return RefForm(slots, [graph.inputs.index(v) for v in inputs], params, [shown])


def _in_order(graph: Graph, traced: int, refs: Sequence[Any]) -> list[Any]:
    """The inputs as a jaxpr has them: what is closed over first, in order; last refs, where no value of a trace is."""
    n, trace = len(graph.inputs) - len(refs), current_trace()
    known = [] if trace is None or trace.refs is None else [id(ref) for ref, _ in trace.refs]
    if not traced and all(id(ref) in known for ref in refs):
        return graph.inputs
    closed = [*graph.inputs[:traced], *graph.inputs[n:]]
    return [*sorted(closed, key=lambda v: v.index), *graph.inputs[traced:n]]


def _run(stage: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    leaves = tree_flatten((args, kwargs))[0]
    return _call(stage, list(filter(is_ref, leaves)), leaves)


def stage_jitted(
    function: Any, plainly: Callable[..., Any], make: Callable[..., Any], location: str, args: Any, kwargs: Any
) -> Any:
    """Trace a jitted function for arguments among which may be refs; ``plainly`` does where there are none."""
    if not any_made():
        return plainly(args, kwargs)
    return _with_values(function, plainly, _stage, make, location, args, kwargs)


def _stage(pure: Any, refs: Sequence[RefState], leaves: Sequence[Any]) -> Staged:
    del refs
    return Staged(pure.trace(_filled(leaves)), _run)


def _with_values(
    function: Any,
    plainly: Callable[..., Any],
    use: Callable[..., Any],
    make: Callable[..., Any],
    location: str,
    args: Any,
    kwargs: Any,
) -> Any:
    """What ``use(pure, refs, leaves)`` gives, of the function of values; without refs ``plainly``'s result."""
    args, kwargs, static = _without_static(function, args, kwargs)
    leaves, tree = tree_flatten((args, kwargs))
    given = [x for x in leaves if is_ref(x)]
    if not given:
        return plainly(*_with_static(static, args, kwargs))
    refuse_twice(function._fun, "jit", leaves, args, kwargs, location)
    key = (tree, tuple(is_ref(x) for x in leaves), static)
    cache = _pure.setdefault(function, {})
    if key not in cache:
        names = leaf_names(function._fun, args, kwargs)
        cache[key] = make(_of_values(function, given, leaves, names, tree, static, location))
    try:
        with _CALLING.of(cache[key]._fun.inside, given):
            return use(cache[key], given, leaves)
    except Touched as touched:
        refuse_both_ways(touched.ref, function._fun, "jit", leaves, args, kwargs, location)
        raise


def _without_static(function: Any, args: Any, kwargs: Any) -> Any:
    """Arguments with None for those that are static, and these."""
    n = len(args)
    places = {k % n for k in function._static_nums if -n <= k < n}
    static = tuple((k, Static(args[k])) for k in sorted(places))
    named = tuple((k, Static(v)) for k, v in sorted(kwargs.items()) if k in function._static_names)
    rest = {k: v for k, v in kwargs.items() if k not in function._static_names}
    return tuple(None if k in places else a for k, a in enumerate(args)), rest, (static, named)


def _with_static(static: Any, args: Any, kwargs: Any) -> Any:
    whole = list(args)
    for k, value in static[0]:
        whole[k] = value.value
    return tuple(whole), {**kwargs, **{k: v.value for k, v in static[1]}}


def _of_values(
    function: Any, refs: Any, leaves: Any, names: Sequence[str], tree: Any, static: Any, location: str
) -> Callable[..., Any]:
    inside: list[RefState] = []  # the arguments, as refs of each trace: so one that is closed over as well is seen

    def of_values(whole: Sequence[Any]) -> Any:
        values = [v for v, x in zip(whole, leaves, strict=True) if is_ref(x)]
        if not inside:
            origins = [f"passed in as the argument {name}" for name, x in zip(names, leaves, strict=True) if is_ref(x)]
            inside.extend(type(r)(v, o) for r, v, o in zip(refs, values, origins, strict=True))
        given = iter(inside)
        filled = [next(given) if is_ref(x) else v for v, x in zip(whole, leaves, strict=True)]
        for ref, value in zip(inside, values, strict=True):
            note_coming("given", ref, value)
        positional, named = _with_static(static, *tree_unflatten(tree, filled))
        with holding(inside, values) as last:
            out = function._fun(*positional, **named)
            after = written(values, last())
        if current_trace() is not None:
            check_apart([(r, r) for r in refs], [ref for ref, _ in current_trace().refs or ()])
        for path, x in tree_flatten_with_path(out)[0]:
            check_result(x, location, "jit", path)
        return out, after

    of_values.__name__ = of_values.__qualname__ = name_of(function._fun)
    of_values.inside, of_values.described = inside, ("jit", location, *names)  # type: ignore[attr-defined]
    return of_values
