"""ref_state: mutable arrays (`jax.ref`) and how their values get through what is traced.

A `Ref` holds an Array that writes replace, so below one trace a program with refs is a program of values, and
whatever differentiates or batches sees nothing else. A trace cannot keep a value that comes from outside of it and
changes: at the first access what the ref holds becomes an input of the trace, and the ref holds the stand-in until the
trace ends; what it holds then is a result, if it was written (`Graph.refs`). Who began the trace (a jitted call, a
loop, a branch) gives the values to each call and puts the last ones (`ClosedRefs`). A trace that cannot do so is left
by `Touched`.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import AbstractValue, Array
from jaxlike._src.border import leak_message, unwrap
from jaxlike._src.errors import UnexpectedTracerError
from jaxlike._src.frames import STATE, Frame, current_trace, inside_of, running
from jaxlike._src.graph.ref_events import note_coming, note_other, unnoted
from jaxlike._src.transforms.arguments import location_of
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.tree import keystr, tree_flatten, tree_flatten_with_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jaxlike._src.graph.graph import Graph


class AbstractRef(AbstractValue):
    """The type of a ref: that of its value."""

    __slots__ = ("inner_aval", "kind", "memory_space")

    def __init__(self, inner_aval: Any, memory_space: Any = None, kind: Any = None) -> None:
        self.inner_aval, self.memory_space, self.kind = inner_aval, memory_space, kind

    shape = property(lambda self: self.inner_aval.shape)
    dtype = property(lambda self: self.inner_aval.dtype)
    ndim = property(lambda self: len(self.inner_aval.shape))
    size = property(lambda self: self.inner_aval.size)
    weak_type = property(lambda self: self.inner_aval.weak_type)

    def str_short(self, short_dtypes: bool = False, mesh_axis_types: bool = False) -> str:
        """``Ref{float32[3]}``."""
        del mesh_axis_types
        return f"Ref{{{self.inner_aval.str_short(short_dtypes=short_dtypes)}}}"

    def strip_weak_type(self) -> AbstractRef:
        """The same, to a strongly typed value."""
        return AbstractRef(self.inner_aval.strip_weak_type(), self.memory_space, self.kind)

    def to_tangent_aval(self) -> AbstractRef:
        """The type of its tangents: a ref to one."""
        return AbstractRef(self.inner_aval.to_tangent_aval(), self.memory_space, self.kind)

    def __repr__(self) -> str:
        return self.str_short()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AbstractRef) and self.inner_aval == other.inner_aval

    def __hash__(self) -> int:
        return hash((AbstractRef, self.inner_aval))


class Touched(NotImplementedError):
    """A trace came upon a ref from outside of it."""

    def __init__(self, ref: RefState) -> None:
        super().__init__(
            f"a mutable array reference of type {ref.aval} from outside is read or written in a function that is "
            "traced, and what traces it cannot pass the value in and out. jit, vmap, scan, while_loop, fori_loop, cond, "
            "switch and checkpoint can."
        )
        self.ref = ref


class _Made:
    any = False


class Outside:
    """What a ref inside of a transformation is of one outside, for a backward rule that runs after its function."""

    def __init__(self, ref: RefState) -> None:
        self.ref = ref

    def is_open(self, frame: Frame, owner: Frame) -> bool:
        """Whether ``frame``, which runs, is the transformation of the frame that the ref was made in."""
        del frame, owner
        return False

    def value(self, frame: Frame) -> Array:
        """The value there."""
        raise NotImplementedError

    def put(self, new: Array, frame: Frame) -> None:
        """Replace it."""
        raise NotImplementedError


class RefState:
    """The value of a ref, and those that running traces hold for it."""

    is_ref = True
    is_stand_in = False  # whether it has a value only while it stands for another one
    is_new = False  # whether the program made it, and it does not stand for another one

    def __init__(self, value: Array | RefState, origin: str = "", outside: Outside | None = None) -> None:
        self.origin = origin  # how it came into the function that is traced
        self.outside = outside
        # Each with the frame that it belongs to; a ref in the place of a value stands for this one.
        self._held: list[tuple[Array | RefState, Frame | None]] = [(value, STATE.frame)]
        _Made.any = True

    @classmethod
    def standing(cls, like: Array) -> RefState:
        """A stand-in for refs of this type."""
        made = cls(like)
        made._held[0], made.is_stand_in = (like, None), True
        return made

    @property
    def aval(self) -> AbstractRef:
        """Its type."""
        held = self._held[-1][0]
        return held.aval if isinstance(held, RefState) else AbstractRef(held.aval)

    def _place(self) -> Frame | None:
        """The running frame that its value belongs to now, or that its value outside is seen from."""
        value, owner = self._held[-1]
        if self.is_stand_in and value is self._held[0][0]:  # no call has lent it
            raise UnexpectedTracerError(leak_message(self.last(), self.aval))
        for frame in running():
            if frame is owner or (owner is not None and self.outside is not None and self.outside.is_open(frame, owner)):
                return frame
            if frame.trace is not None:
                self._enter(frame)
                return frame
        if owner is not None:
            assert isinstance(value, Array)
            raise UnexpectedTracerError(leak_message(value, self.aval))
        return None

    def _enter(self, frame: Frame) -> None:
        """Hold an input of a trace, for which this ref is from outside, until the trace ends."""
        if frame.trace.refs is None:
            raise Touched(self)
        root = self.root()
        if any(ref._outside() is root for ref, _ in frame.trace.refs):
            raise Touched(root)
        with inside_of(frame.parent), unnoted():
            outer = self.value()
        made = type(outer)(frame.trace.lift_ref(self, outer), outer._tag)
        made._frame = frame
        self._held.append((made, frame))
        note_coming("closed", self, made, frame.trace)

    def _outside(self) -> RefState:
        """What it stood for before it entered a trace, or itself."""
        held = self._held[-2][0]
        return held.root() if isinstance(held, RefState) else self

    def last(self) -> Array:
        """What it holds at the end of a trace that it has entered."""
        value = self._held[-1][0]
        assert isinstance(value, Array)
        return value

    def leave(self) -> None:
        """Hold what it did before it entered a trace."""
        self._held.pop()

    def root(self) -> RefState:
        """The ref that this one stands for, or itself."""
        held = self._held[-1][0]
        return held.root() if isinstance(held, RefState) else self

    def usable(self) -> bool:
        """Whether what its value belongs to still runs."""
        owner = self._held[-1][1]
        return owner is None or owner.alive

    def value(self) -> Array:
        """The value, for use in what runs now."""
        note_other(self)
        place = self._place()
        value, owner = self._held[-1]
        if place is not owner:
            assert self.outside is not None and place is not None
            return self.outside.value(place)
        return value.value() if isinstance(value, RefState) else value

    def put(self, new: Array, by: str = "a set/swap") -> None:
        """Replace the value; ``by``: which operation does, as messages call it."""
        note_other(self)
        place = self._place()
        value, owner = self._held[-1]
        if isinstance(value, RefState):
            value.put(new, by)
            return
        made = self._brought(new, place, by)
        if place is not owner:
            assert self.outside is not None and place is not None
            self.outside.put(made, place)
            return
        self._held[-1] = made, owner

    def _brought(self, new: Array, owner: Frame | None, by: str) -> Array:
        """A value as one of a frame further out."""
        tensor = unwrap(new)
        between = []
        for frame in running():
            if frame is owner:
                break
            between.append(frame)
        if any(f.kind == "vmap" for f in between):
            raise Exception(
                f"performing {by} operation with vmapped value on an unbatched array reference of type {self.aval}. "
                "Move the array reference to be an argument to the vmapped function?"
            )
        kept = 0 if owner is None else owner.level
        while torch_private.is_wrapped(tensor) and torch_private.level_of(tensor) > kept:
            if tensor.requires_grad or torch_private.has_tangent(tensor):
                raise Exception(
                    "performing a set/swap operation with a differentiated value on a non-differentiated array "
                    f"reference of type {self.aval}. Move the array reference to be an argument of the differentiated "
                    "function?"
                )
            tensor = torch_private.wrapped_value(tensor)
        made = type(new)(tensor, new._tag)
        made._frame = owner
        return made


@contextlib.contextmanager
def standing_for(pairs: Sequence[tuple[RefState, RefState]]) -> Iterator[None]:
    """Inside, the first ref of each pair is the second."""
    for inside, outside in pairs:
        inside._held.append((outside, STATE.frame))
    try:
        yield
    finally:
        for inside, _ in pairs:
            inside._held.pop()


@contextlib.contextmanager
def holding(refs: Sequence[RefState], values: Sequence[Array]) -> Iterator[Callable[[], list[Array]]]:
    """The refs have these values inside, which belong to what runs now; gives a function of their last ones."""
    for ref, value in zip(refs, values, strict=True):
        ref._held.append((value, STATE.frame))
    try:
        yield functools.partial(_last, refs)
    finally:
        for ref in refs:
            ref._held.pop()


def _last(refs: Sequence[RefState]) -> list[Array]:
    with unnoted():  # the function has run
        return [ref.value() for ref in refs]


def is_ref(x: Any) -> bool:
    """Whether ``x`` is a ref."""
    return isinstance(x, RefState)


def was_made_here(x: Any) -> bool:
    """Whether ``x`` is a ref that was made in the transformation that runs."""
    return is_ref(x) and x.is_new and STATE.frame is not None and x._held[0][1] is STATE.frame


def any_made() -> bool:
    """Whether there ever was a ref."""
    return _Made.any


def has_refs(tree: Any) -> bool:
    """Whether there are refs among the leaves of a tree."""
    return _Made.any and any(map(is_ref, tree_flatten(tree)[0]))


def written(before: Sequence[Array], after: Sequence[Array]) -> list[Array | None]:
    """The last values inside of a trace, with None for those that were only read."""
    return [None if new is old else new for old, new in zip(before, after, strict=True)]


def write_back(refs: Sequence[RefState], before: Sequence[Array], after: Sequence[Array | None]) -> None:
    """Put the values that a traced call gave; None for a ref that was not written."""
    for ref, old, new in zip(refs, before, after, strict=True):
        if new is not None and new is not old:
            ref.put(new)


class ClosedRefs:
    """The refs that a traced function closes over: its last arguments are what they hold, see `Graph.refs`."""

    def __init__(self, graph: Graph) -> None:
        self.refs: list[RefState] = list(graph.refs)
        self.written: list[RefState] = list(graph.written_refs)

    def values(self) -> list[Array]:
        """What they hold."""
        return [ref.value() for ref in self.refs]

    def finish(self, outs: Sequence[Any]) -> list[Any]:
        """Put the last values, which come last among these results; the results without them."""
        n = len(outs) - len(self.written)
        for ref, new in zip(self.written, outs[n:], strict=True):
            ref.put(new)
        return list(outs[:n])

    def usable(self) -> bool:
        """Whether what they were made in still runs."""
        return all(ref.usable() for ref in self.refs)


def only_reading(graph: Graph) -> Graph:
    """The graph where what the refs hold now that it closes over is closed over too; `Touched` where it writes any."""
    if graph.written_refs:
        raise Touched(graph.written_refs[0])
    return graph.closing_over([ref.value() for ref in graph.refs]) if graph.refs else graph


def refs_of(bodies: Sequence[Any]) -> list[RefState]:
    """The refs that any of these traced functions closes over; `Touched` where two of them stand for one."""
    refs = list({id(r): r for b in bodies if b.refs is not None for r in b.refs.refs}.values())
    met: set[int] = set()
    for ref in refs:
        root = ref.root()
        if id(root) in met:
            raise Touched(root)
        met.add(id(root))
    return refs


def put_last(refs: Sequence[RefState], values: Sequence[Array], bodies: Sequence[Any]) -> None:
    """Put the last values of refs that any of these traced functions writes."""
    written = {id(r) for b in bodies if b.refs is not None for r in b.refs.written}
    for ref, value in zip(refs, values, strict=True):
        if id(ref) in written:
            ref.put(value)


def refuse_given(fun: Any, kind: str, leaves: Sequence[Any], args: Any, kwargs: Any = None, location: str = "") -> None:
    """At the end of a traced function: ValueError where it closes over a ref that is among its arguments too."""
    for ref, _ in current_trace().refs or ():
        refuse_both_ways(ref, fun, kind, leaves, args, kwargs, location)


def refuse_twice(fun: Any, kind: str, leaves: Sequence[Any], args: Any, kwargs: Any, location: str = "") -> None:
    """ValueError where a ref is more than one of the leaves of a function's arguments."""
    first: dict[int, int] = {}
    for k, ref in enumerate(leaves):
        if is_ref(ref) and first.setdefault(id(ref), k) != k:
            names = leaf_names(fun, args, kwargs)
            raise ValueError(
                "only one reference to a mutable array may be passed as an argument to a function, but when tracing "
                f"{location or location_of(fun)} for {kind} the mutable array reference of type {ref.aval} appeared at "
                f"both {names[first[id(ref)]]} and {names[k]}."
            )


def refuse_both_ways(
    ref: RefState, fun: Any, kind: str, leaves: Sequence[Any], args: Any, kwargs: Any = None, location: str = ""
) -> None:
    """ValueError where a ref that a function touches inside is one of the leaves of its arguments too."""
    at = next((k for k, x in enumerate(leaves) if x is ref), None)
    if at is not None:
        raise ValueError(
            f"when tracing {location or location_of(fun)} for {kind}, a mutable array reference of type {ref.aval} was "
            f"both closed over and passed as the argument {leaf_names(fun, args, kwargs or {})[at]}"
        )


def check_result(x: Any, location: str, kind: str, path: Any) -> None:
    """ValueError where a function that is traced returns a ref."""
    if is_ref(x):
        at = f" at output tree path result{keystr(path)}" if path else ""
        inside = x.origin and x._held[0][1] is not None
        raise ValueError(
            f"function {location} traced for {kind} returned a mutable array reference of type {x.aval}{at}, but mutable "
            "array references cannot be returned."
            + (f"\n\nThe returned mutable array was {x.origin}." if inside else "")
        )


def refuse_carried(fun: Any, kind: str, init: Any, place: str = "") -> None:
    """ValueError where a ref is carried along by a loop, whose body would return it; ``place``: of what is carried."""
    found = next(((path, x) for path, x in tree_flatten_with_path(init)[0] if is_ref(x)), None)
    if found is None:
        return
    path, ref = found
    names = leaf_names(fun, (init,), {})
    at = f"{place}{keystr(path)}"
    raise ValueError(
        f"function {location_of(fun)} traced for {kind} returned a mutable array reference of type {ref.aval}"
        f"{f' at output tree path {at}' if at else ''}, but mutable array references cannot be returned.\n\nThe "
        "returned mutable array was passed in as the argument "
        f"{names[[x for _, x in tree_flatten_with_path(init)[0]].index(ref)]}."
    )


def of_leaves(
    fun: Callable[[list[Any]], Any], leaves: Sequence[Any]
) -> tuple[list[RefState], list[Any], Callable[[Sequence[Any]], Any]]:
    """(the refs among leaves, the leaves with values in their place, ``fun`` of those that also gives last values)."""
    refs = [x for x in leaves if is_ref(x)]

    def of_values(inside: Sequence[Any]) -> Any:
        values = [v for v, x in zip(inside, leaves, strict=True) if is_ref(x)]
        for ref, value in zip(refs, values, strict=True):
            note_coming("given", ref, value)
        with holding(refs, values) as last:
            out = fun([x if is_ref(x) else v for v, x in zip(inside, leaves, strict=True)])
            return out, written(values, last())

    return refs, [x.value() if is_ref(x) else x for x in leaves], of_values
