"""ref_state: mutable arrays (`jax.ref`) and how their values get through what is traced.

A `Ref` holds an Array that writes replace, so below one trace a program with refs is a program of values, and
whatever differentiates or batches sees nothing else. A trace cannot keep a value that comes from outside of it and
changes: at such an access `Touched` goes up to what began the trace (a jitted call, a loop, a branch), which starts
again with the ref's value as an argument and a result. So the Python of a function that reads or writes outer refs runs
once more for each of them when it is first traced.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import AbstractValue, Array
from jaxlike._src.border import leak_message, unwrap
from jaxlike._src.errors import UnexpectedTracerError
from jaxlike._src.frames import STATE, Frame, running
from jaxlike._src.transforms.arguments import location_of, name_of, wraps
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.static_args import Static
from jaxlike._src.tree import keystr, tree_flatten, tree_flatten_with_path, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


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
            "traced, and what traces it cannot pass the value in and out. jit, vmap, scan, while_loop, fori_loop, cond "
            "and switch can."
        )
        self.ref = ref


class _Made:
    any = False


class RefState:
    """The value of a ref, and those that running traces hold for it."""

    is_ref = True

    def __init__(self, value: Array, origin: str = "") -> None:
        self.origin = origin  # how it came into the function that is traced
        self._held: list[tuple[Array, Frame | None]] = [(value, STATE.frame)]  # with the frame that each belongs to
        _Made.any = True

    @property
    def aval(self) -> AbstractRef:
        """Its type."""
        return AbstractRef(self._held[-1][0].aval)

    def value(self) -> Array:
        """The value, for use in what runs now."""
        value, owner = self._held[-1]
        for frame in running():
            if frame is owner:
                return value
            if frame.trace is not None:
                raise Touched(self)
        if owner is not None:
            raise UnexpectedTracerError(leak_message(value))
        return value

    def put(self, new: Array) -> None:
        """Replace the value."""
        self.value()
        owner = self._held[-1][1]
        tensor = unwrap(new)
        between = []
        for frame in running():
            if frame is owner:
                break
            between.append(frame)
        if any(f.kind == "vmap" for f in between):
            raise Exception(
                "performing a set/swap operation with vmapped value on an unbatched array reference of type "
                f"{self.aval}. Move the array reference to be an argument to the vmapped function?"
            )
        kept = 0 if owner is None else owner.level
        done = {f.level for f in between if f.pulling}  # a cotangent is no value of the function
        while torch_private.is_wrapped(tensor) and torch_private.level_of(tensor) > kept:
            differentiated = tensor.requires_grad or torch_private.has_tangent(tensor)
            if differentiated and torch_private.level_of(tensor) not in done:
                raise Exception(
                    "performing a set/swap operation with a differentiated value on a non-differentiated array "
                    f"reference of type {self.aval}. Move the array reference to be an argument of the differentiated "
                    "function?"
                )
            tensor = torch_private.wrapped_value(tensor)
        made = type(new)(tensor, new._tag)
        made._frame = owner
        self._held[-1] = made, owner


@contextlib.contextmanager
def holding(refs: Sequence[RefState], values: Sequence[Array]) -> Iterator[Callable[[], list[Array]]]:
    """The refs have these values inside, which belong to what runs now; gives a function of their last ones."""
    for ref, value in zip(refs, values, strict=True):
        ref._held.append((value, STATE.frame))
    try:
        yield lambda: [ref._held[-1][0] for ref in refs]
    finally:
        for ref in refs:
            ref._held.pop()


def is_ref(x: Any) -> bool:
    """Whether ``x`` is a ref."""
    return isinstance(x, RefState)


def written(before: Sequence[Array], after: Sequence[Array]) -> list[Array | None]:
    """The last values inside of a trace, with None for those that were only read."""
    return [None if new is old else new for old, new in zip(before, after, strict=True)]


def write_back(refs: Sequence[RefState], before: Sequence[Array], after: Sequence[Array | None]) -> None:
    """Put the values that a traced call gave; None for a ref that was not written."""
    for ref, old, new in zip(refs, before, after, strict=True):
        if new is not None and new is not old:
            ref.put(new)


def threading(thread: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Decorate what traces functions, so that these may read and write outer refs.

    Args:
        thread: ``thread(fun, refs, *args, **kwargs)`` calls it with the refs' values going in and out.
    """

    def lift(fun: Callable[..., Any]) -> Any:
        @functools.wraps(fun)
        def called(*args: Any, **kwargs: Any) -> Any:
            if not _Made.any:
                return fun(*args, **kwargs)
            refs: list[RefState] = []
            while True:
                try:
                    return thread(fun, refs, *args, **kwargs) if refs else fun(*args, **kwargs)
                except Touched as touched:
                    if touched.ref in refs:  # from further out: who traces this one has to thread it
                        raise
                    refs.append(touched.ref)

        return called

    return lift


# jit

_touched: weakref.WeakKeyDictionary[Any, list[RefState]] = weakref.WeakKeyDictionary()
_pure: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()


def call_jitted(
    function: Any, plainly: Callable[..., Any], make: Callable[..., Any], location: str, args: Any, kwargs: Any
) -> Any:
    """Call a jitted function: refs among its arguments, and those that it was seen to touch, go in as values.

    Args:
        function: the jitted function.
        plainly: calls it where there are no refs.
        make: from a function of values and leaves, the same jitted.
        location: how messages name it.
        args: positional arguments.
        kwargs: named arguments.
    """
    if not _Made.any:
        return plainly(args, kwargs)
    found = _with_values(function, plainly, lambda pure, *given: pure(*given), make, location, args, kwargs)
    if len(found) == 1:
        return found[0]
    (out, after), refs, before = found
    write_back(refs, before, after)
    return out


class Staged:
    """A stage of a jitted function of refs: a call of what is compiled takes their values in and out."""

    def __init__(self, stage: Any, outer: Sequence[RefState]) -> None:
        self._stage, self._outer = stage, outer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)

    @property
    def out_info(self) -> Any:
        """Shapes and dtypes of the result, without the values that go out."""
        return self._stage.out_info[0]

    def lower(self, **options: Any) -> Staged:
        """The next stage of what was traced."""
        return Staged(self._stage.lower(**options), self._outer)

    def compile(self, *args: Any, **options: Any) -> Staged:
        """The next stage of what was lowered."""
        return Staged(self._stage.compile(*args, **options), self._outer)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run what was compiled, or traced."""
        leaves = tree_flatten((args, kwargs))[0]
        refs = [*filter(is_ref, leaves), *self._outer]
        before = [ref.value() for ref in refs]
        out, after = self._stage(before, [x for x in leaves if not is_ref(x)])
        write_back(refs, before, after)
        return out


def stage_jitted(
    function: Any, plainly: Callable[..., Any], make: Callable[..., Any], location: str, args: Any, kwargs: Any
) -> Any:
    """Trace a jitted function for arguments among which may be refs; ``plainly`` does where there are none."""
    if not _Made.any:
        return plainly(args, kwargs)
    found = _with_values(function, plainly, lambda pure, *given: pure.trace(*given), make, location, args, kwargs)
    return found[0] if len(found) == 1 else Staged(found[0], _touched.get(function, ()))


def _with_values(
    function: Any,
    plainly: Callable[..., Any],
    use: Callable[..., Any],
    make: Callable[..., Any],
    location: str,
    args: Any,
    kwargs: Any,
) -> tuple[Any, ...]:
    """What ``use(pure, values, others)`` gives, with the refs and their values; without refs ``plainly``'s result."""
    args, kwargs, static = _without_static(function, args, kwargs)
    leaves, tree = tree_flatten((args, kwargs))
    given = [x for x in leaves if is_ref(x)]
    if not given and function not in _touched:
        try:
            return (plainly(*_with_static(static, args, kwargs)),)
        except Touched as touched:
            if any(touched.ref is ref for ref in getattr(function._fun, "given_refs", ())):
                raise  # it is an argument too, as the call for which this one stands says
            touched.ref.value()
            _touched[function] = [touched.ref]
    for k, ref in enumerate(given):
        for other in given[:k]:
            if ref is other:
                first, second = [_name_of(function, leaves, args, kwargs, ref, skip) for skip in (0, 1)]
                raise ValueError(
                    "only one reference to a mutable array may be passed as an argument to a function, but when "
                    f"tracing {location} for jit the mutable array reference of type {ref.aval} appeared at both "
                    f"{first} and {second}."
                )
    while True:
        outer = _touched.get(function, [])
        for ref in given:
            if any(ref is other for other in outer):
                _both_ways(function, leaves, args, kwargs, ref, location)
        refs = [*given, *outer]
        before = [ref.value() for ref in refs]
        places = tuple(is_ref(x) for x in leaves)
        key = (tree, places, len(outer), static)
        cache = _pure.setdefault(function, {})
        if key not in cache:
            names = leaf_names(function._fun, args, kwargs)
            cache[key] = make(_of_values(function, refs, leaves, names, tree, static, location))
        try:
            return use(cache[key], before, [x for x in leaves if not is_ref(x)]), refs, before
        except Touched as touched:
            if any(touched.ref is ref for ref in given):
                _both_ways(function, leaves, args, kwargs, touched.ref, location)
            if any(touched.ref is ref for ref in refs):
                raise
            _touched.setdefault(function, []).append(touched.ref)


def _name_of(function: Any, leaves: Any, args: Any, kwargs: Any, ref: Any, skip: int) -> str:
    """The name of the argument that is a ref, or of the next one that is."""
    places = [k for k, x in enumerate(leaves) if x is ref]
    return leaf_names(function._fun, args, kwargs)[places[skip]]


def _both_ways(function: Any, leaves: Any, args: Any, kwargs: Any, ref: Any, location: str) -> None:
    raise ValueError(
        f"when tracing {location} for jit, a mutable array reference of type {ref.aval} was both closed over and passed "
        f"as the argument {_name_of(function, leaves, args, kwargs, ref, 0)}"
    )


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
    def of_values(values: Sequence[Array], others: Sequence[Any]) -> Any:
        # Arguments come in as refs of this trace, so that one that is closed over as well is seen.
        n = sum(map(is_ref, leaves))
        origins = [f"passed in as the argument {name}" for name, x in zip(names, leaves, strict=True) if is_ref(x)]
        inside = [type(r)(v, o) for r, v, o in zip(refs, values[:n], origins, strict=False)]
        given, rest = iter(inside), iter(others)
        filled = [next(given) if is_ref(x) else next(rest) for x in leaves]
        positional, named = _with_static(static, *tree_unflatten(tree, filled))
        with holding(refs[n:], values[n:]) as last:
            out = function._fun(*positional, **named)
            after = [*(ref.value() for ref in inside), *last()]
        for path, x in tree_flatten_with_path(out)[0]:
            check_result(x, location, "jit", path)
        return out, after

    of_values.__name__ = of_values.__qualname__ = name_of(function._fun)
    of_values.given_refs = refs[: sum(map(is_ref, leaves))]  # type: ignore[attr-defined]
    return of_values


def closing_over_refs(
    kind: str, functions: tuple[Callable[..., Any], ...], args: tuple[Any, ...]
) -> tuple[tuple[Callable[..., Any], ...], tuple[Any, ...]]:
    """Functions of the arguments without the refs among them, and these arguments."""
    leaves, tree = tree_flatten(args)
    if not any(map(is_ref, leaves)):
        return functions, args
    for k, ref in enumerate(leaves):
        for j in range(k):
            if is_ref(ref) and leaves[j] is ref:
                names = leaf_names(functions[0], args, {})
                raise ValueError(
                    "only one reference to a mutable array may be passed as an argument to a function, but when tracing "
                    f"{location_of(functions[0])} for {kind} the mutable array reference of type {ref.aval} appeared at "
                    f"both {names[j]} and {names[k]}."
                )

    def without(fun: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fun)
        def of_others(*others: Any) -> Any:
            rest = iter(others)
            return fun(*tree_unflatten(tree, [x if is_ref(x) else next(rest) for x in leaves]))

        return of_others

    return tuple(map(without, functions)), tuple(x for x in leaves if not is_ref(x))


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
        with holding(refs, values) as last:
            return fun([x if is_ref(x) else v for v, x in zip(inside, leaves, strict=True)]), last()

    return refs, [x.value() if is_ref(x) else x for x in leaves], of_values
