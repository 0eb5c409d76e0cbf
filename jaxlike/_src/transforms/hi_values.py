"""hi_values: values of higher types (`jax.experimental.hijax`), objects made of arrays that say themselves how.

A trace sees only arrays: an argument of such a type goes in as the arrays that its type lowers it to (`Lowered`, a
tree node) and is raised again inside; results go the other way, and so do the last states of mutable ones. A mutable
value that a function closes over is backed by refs (`_Backed`): its arrays are theirs, so whatever passes refs in and
out of what is traced or mapped passes these. The object itself holds what belongs to the frame that it was made in,
and is lent to an operation in a frame further in.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src.array import Array
from jaxlike._src.frames import STATE, Frame, inside_of, running
from jaxlike._src.transforms.arguments import split_aux, to_array, wraps
from jaxlike._src.transforms.ref_state import RefState
from jaxlike._src.tree import register_pytree_node, tree_flatten, tree_leaves, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TYPES: dict[type, Callable[[Any], Any]] = {}  # class of values -> what gives the type of one


def register(cls: type, type_of: Callable[[Any], Any]) -> None:
    """Say what the type of values of a class, and of those that derive from it, is."""
    TYPES[cls] = type_of
    _type_function.cache_clear()


@functools.cache
def _type_function(cls: type) -> Callable[[Any], Any] | None:
    return next((TYPES[c] for c in cls.__mro__ if c in TYPES), None)


def is_hi(x: Any) -> bool:
    """Whether ``x`` is a value of a higher type."""
    return bool(TYPES) and type(x) is not Array and _type_function(type(x)) is not None


def hi_type(x: Any) -> Any:
    """Its type."""
    found = _type_function(type(x))
    assert found is not None
    return found(x)


def is_mutable(x: Any) -> bool:
    """Whether it is one whose arrays may be replaced."""
    return is_hi(x) and hi_type(x).has_qdd


def has_hi(tree: Any) -> bool:
    """Whether any leaf of a tree is of a higher type."""
    return bool(TYPES) and any(map(is_hi, tree_leaves(tree)))


# Mutable values that frames further in reach


class _LeafRef(RefState):
    """One array of a mutable value."""

    def __init__(self, value: Array, backed: _Backed) -> None:
        super().__init__(value)
        self._backed = backed

    def put(self, new: Array, by: str = "a set/swap") -> None:
        """Replace it; in the object too, unless a trace has it."""
        super().put(new, by)
        if self._held[-1][1] is self._backed.owner:
            self._backed.bring()

    def usable(self) -> bool:
        """Whether the value still has this array."""
        return super().usable() and not self._backed.replaced


class _Backed:
    """A mutable value whose arrays refs hold; ``owner``: the frame that it was made in."""

    def __init__(self, value: Any, owner: Frame | None) -> None:
        self.value, self.owner = value, owner
        self.replaced = False  # whether it got a state of another type since
        self.refs: list[_LeafRef] | None = None  # made when a frame further in comes upon it
        self.qdd: Any = None

    def back(self) -> list[_LeafRef]:
        """The refs."""
        if self.refs is None:
            with inside_of(self.owner), _using(self.value):
                self.qdd = self.value.cur_qdd()
                self.refs = [_LeafRef(x, self) for x in self.state()]
        return self.refs

    def state(self) -> list[Array]:
        """The arrays that the object has."""
        return [to_array(x) for x in hi_type(self.value).read_loval(self.qdd, self.value)]

    def fill(self, arrays: Sequence[Array]) -> None:
        """Give the object these."""
        hi_type(self.value).update_from_loval(self.qdd, self.value, *arrays)

    def bring(self) -> None:
        """Give the object what the refs hold."""
        with inside_of(self.owner), _using(self.value):
            self.fill([ref.value() for ref in self.back()])
            self._check()

    def keep(self) -> None:
        """Give the refs what the object has, in the frame that it belongs to."""
        if self.refs is None:
            return
        with _using(self.value):
            if not self._check():
                for ref, x in zip(self.refs, self.state(), strict=True):
                    if x is not ref.value():
                        ref.put(x)

    def _check(self) -> bool:
        """Whether the object has a state of another type by now: what was traced for the old one is traced anew."""
        if not self.replaced and self.value.cur_qdd() != self.qdd:
            self.replaced = True
            _STATE.forget(self)
        return self.replaced

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Inside, the object has what the refs hold in the frame that runs; what it has at the end is theirs."""
        refs = self.back()
        with _using(self.value):
            with inside_of(self.owner):
                before, qdd = self.state(), self.qdd
            given = [ref.value() for ref in refs]
            self.fill(given)
            try:
                yield
                if not _alike(self.value.cur_qdd(), qdd):
                    raise NotImplementedError(  # JAX can: a ref has one shape, and graphs one number of results
                        f"a value of type {hi_type(self.value)} that a transformed function closes over was given a "
                        "state of another structure in it. Pass it as an argument: a jitted function may do so to those."
                    )
                after = self.state()
            finally:
                with inside_of(self.owner):
                    self.fill(before)
        for ref, old, new in zip(refs, given, after, strict=True):
            if new is not old:
                ref.put(new)


def _alike(a: Any, b: Any) -> bool:
    """Whether two states have one structure: the same but for weak types, where they can tell."""
    return a == b or (hasattr(a, "normalize") and a.normalize() == b.normalize())


class _State(threading.local):
    """What is known of mutable values on this thread, by identity: their classes may allow no attribute and no weakref."""

    def __init__(self) -> None:
        self.backed: weakref.WeakValueDictionary[int, _Backed] = weakref.WeakValueDictionary()
        self.of_frames: list[tuple[Frame, _Backed]] = []  # so that those made in a running frame stay known
        self.used: set[int] = set()  # those that an operation uses: what their own classes do to them is part of it

    def own(self, value: Any, frame: Frame) -> None:
        """``value`` was made in a frame that runs."""
        found = self.backed[id(value)] = _Backed(value, frame)
        self.of_frames = [(f, b) for f, b in self.of_frames if f.alive]
        self.of_frames.append((frame, found))

    def forget(self, backed: _Backed) -> None:
        """A later use backs the value anew."""
        if backed.owner is None:
            self.backed.pop(id(backed.value), None)
        else:
            self.own(backed.value, backed.owner)


_STATE = _State()


@contextlib.contextmanager
def _using(value: Any) -> Iterator[None]:
    fresh = id(value) not in _STATE.used
    _STATE.used.add(id(value))
    try:
        yield
    finally:
        if fresh:
            _STATE.used.discard(id(value))


def made_here(value: Any) -> None:
    """A mutable value was made in the frame that runs."""
    if STATE.frame is not None and is_mutable(value):
        _STATE.own(value, STATE.frame)


def _backed(value: Any) -> _Backed | None:
    """What backs a mutable value; None where the object alone is it."""
    found = _STATE.backed.get(id(value))
    if found is None and STATE.frame is not None:
        with _using(value):
            arrays = hi_type(value).read_loval(value.cur_qdd(), value)
        frames = [x._frame for x in arrays if isinstance(x, Array)]
        owner = next((f for f in running() if f in frames), None)
        found = _STATE.backed[id(value)] = _Backed(value, owner)
    return found


def using(values: Sequence[Any], operation: Callable[[], Any]) -> Any:
    """What an operation on values gives, some of which may be mutable ones of frames further out."""
    mutable = [v for v in values if is_mutable(v) and id(v) not in _STATE.used]
    backed = [b for b in {id(v): _backed(v) for v in mutable}.values() if b is not None]
    own = [b for b in backed if b.owner is STATE.frame]
    with contextlib.ExitStack() as lent:
        for b in backed:
            if b not in own:
                lent.enter_context(b.lent())
        out = operation()
    for b in own:
        b.keep()
    return out


# As arguments and results


class _Kind:
    """What a lowered value needs to be raised: its type and, of a mutable one, the part of it that changes."""

    def __init__(self, ty: Any, qdd: Any = None) -> None:
        self.ty, self.qdd = ty, qdd
        self._key = type(ty), ty, qdd

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kind) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"{self.ty}"


class Lowered:
    """The arrays of a value of a higher type, as a tree node."""

    def __init__(self, kind: _Kind, arrays: Sequence[Any]) -> None:
        self.kind, self.arrays = kind, arrays


register_pytree_node(Lowered, lambda x: (tuple(x.arrays), x.kind), Lowered)


def _is_lowered(x: Any) -> bool:
    return isinstance(x, Lowered)


def _lowered_value(x: Any) -> Any:
    if not is_hi(x):
        return x
    ty = hi_type(x)
    if not ty.has_qdd:
        return Lowered(_Kind(ty), ty.lower_val(x))

    def read() -> Lowered:
        qdd = x.cur_qdd()
        with _using(x):
            return Lowered(_Kind(ty, qdd), ty.read_loval(qdd, x))

    return using([x], read)


def lowered(tree: Any) -> Any:
    """The tree with `Lowered` in the places of values of higher types."""
    return tree_map(_lowered_value, tree)


def raised(tree: Any, mutable: list[Any] | None = None) -> Any:
    """Inverse of `lowered`; mutable values, which are new ones of the frame that runs, are added to a list."""

    def of(x: Any) -> Any:
        if not _is_lowered(x):
            return x
        if x.kind.qdd is None:
            return x.kind.ty.raise_val(*x.arrays)
        value = x.kind.ty.new_from_loval(x.kind.qdd, *x.arrays)
        made_here(value)
        if mutable is not None:
            mutable.append(value)
        return value

    return tree_map(of, tree, is_leaf=_is_lowered)


def lowered_values(tree: Any, what: str) -> Any:
    """`lowered` for what is differentiated by or carried along: a mutable one is none."""
    for x in mutable_of(tree):
        raise NotImplementedError(f"{what} a mutable value, of type {hi_type(x)}")  # nothing says what a copy is; JAX fails too
    return lowered(tree)


def lowered_result(tree: Any) -> Any:
    """`lowered` for what a traced function gives: AttributeError, as JAX's, where it is mutable."""
    for x in mutable_of(tree):
        raise AttributeError(f"'{type(hi_type(x)).__name__}' object has no attribute 'lower_val'")
    return lowered(tree)


def as_cotangents(tree: Any) -> Any:
    """`raised` for gradients: values of the types that cotangents have."""
    return _of_types(tree, lambda ty, _: ty.to_ct_aval())


def as_tangents(tree: Any) -> Any:
    """`raised` for tangents."""
    return _of_types(tree, lambda ty, _: ty.to_tangent_aval())


def _of_types(tree: Any, of_type: Callable[[Any, Lowered], Any]) -> Any:
    return tree_map(
        lambda x: of_type(x.kind.ty, x).raise_val(*x.arrays) if _is_lowered(x) else x, tree, is_leaf=_is_lowered
    )


def tangents_like(primals: Any, tangents: Any) -> Any:
    """Inverse of `as_tangents`: lowered, as nodes of the same kinds as the lowered primals."""
    return _with_types(primals, tangents, lambda ty: ty.to_tangent_aval())


def cotangents_like(outs: Any, cotangents: Any) -> Any:
    """Inverse of `as_cotangents`."""
    return _with_types(outs, cotangents, lambda ty: ty.to_ct_aval())


def _with_types(like: Any, tree: Any, of_type: Callable[[Any], Any]) -> Any:
    return tree_map(
        lambda p, t: Lowered(p.kind, of_type(p.kind.ty).lower_val(t)) if _is_lowered(p) else t,
        like, tree, is_leaf=_is_lowered,
    )  # fmt: skip


def update(values: Sequence[Any], last: Sequence[Lowered]) -> None:
    """Give mutable values their last states."""
    for value, state in zip(values, last, strict=True):

        def put(value: Any = value, state: Lowered = state) -> None:
            with _using(value):
                state.kind.ty.update_from_loval(state.kind.qdd, value, *state.arrays)

        using([value], put)


def of_arrays(fun: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    """``fun`` of lowered arguments: its result lowered; what it gives beside it stays as it is."""

    @wraps(fun)
    def of_lowered(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = raised((args, kwargs))
        out = fun(*args, **kwargs)
        if not has_aux:
            return lowered_result(out)
        out, aux = split_aux(out)
        return lowered_result(out), aux

    return of_lowered


def over_rows(loop: Callable[..., Any], f: Callable[..., Any], init: Any, xs: Any) -> Any:
    """``loop(f, init, xs)`` of a scan, where values of higher types are carried along or are rows."""
    rows = tree_map(
        lambda x: Lowered(_Kind(_element(x)), x.arrays) if _is_lowered(x) else x,
        lowered_values(xs, "a scan over"), is_leaf=_is_lowered,
    )  # fmt: skip
    carry, ys = loop(of_arrays(f), lowered_values(init, "a loop that carries"), rows)
    return raised(carry), _of_types(ys, lambda ty, x: ty.inc_rank(len(x.arrays[0]), ty.leading_axis_spec()))


def _element(x: Lowered) -> Any:
    return x.kind.ty.dec_rank(len(x.arrays[0]), x.kind.ty.leading_axis_spec())


def closing_over_mutable(functions: Sequence[Any], operands: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """Functions of the operands' leaves but for the mutable values, which they close over; and these leaves."""
    leaves, tree = tree_flatten(operands)

    def without(fun: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fun)
        def of_others(*others: Any) -> Any:
            rest = iter(others)
            return fun(*tree_unflatten(tree, [x if is_mutable(x) else next(rest) for x in leaves]))

        return of_others

    return [without(f) for f in functions], [x for x in leaves if not is_mutable(x)]


def with_states(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun`` of lowered arguments: its result lowered, and the last states of the mutable ones among them."""

    @wraps(fun)
    def of_lowered(*args: Any, **kwargs: Any) -> Any:
        mutable: list[Any] = []
        args, kwargs = raised((args, kwargs), mutable)
        out = fun(*args, **kwargs)
        return lowered_result(out), lowered(mutable)

    return of_lowered


def mutable_of(tree: Any) -> list[Any]:
    """The mutable values among the leaves, in order."""
    found: list[Any] = []
    tree_map(lambda x: found.append(x) if is_mutable(x) else None, tree)
    return found
