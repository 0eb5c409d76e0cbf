"""util: the small functions on lists and functions that libraries take from JAX's private `jax._src.util`.

Lists of leaves are split, parted by truth values and merged again; functions are compared by what they were made of.
"""

from __future__ import annotations

import abc
import functools
import itertools
import math
import operator
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from jaxlike._src import config
from jaxlike._src.border import canonicalize_axis as canonicalize_axis
from jaxlike._src.counts import count as count

T = TypeVar("T")


def _rows(name: str, sequences: Sequence[Iterable[Any]]) -> Iterator[tuple[Any, ...]]:
    """Rows of sequences of one length; ValueError once one of them ends before or after the first."""
    ended = object()
    for row in itertools.zip_longest(*sequences, fillvalue=ended):
        for k, x in enumerate(row[1:], 2):
            if (x is ended) is not (row[0] is ended):
                how = "longer" if row[0] is ended else "shorter"
                raise ValueError(f"{name}() argument {k} is {how} than argument 1")
        yield row


def safe_map(*args: Any) -> list[Any]:
    """The list of ``f`` of the elements of sequences of one length; ``f`` comes first."""
    if len(args) < 2:
        raise TypeError("safe_map requires at least 2 arguments")
    return [args[0](*row) for row in _rows("safe_map", args[1:])]


def foreach(*args: Any) -> None:
    """Call the first argument on each element of sequences of one length."""
    if len(args) < 2:
        raise TypeError("foreach() requires at least 2 arguments")
    for row in _rows("foreach", args[1:]):
        args[0](*row)


def safe_zip(*args: Iterable[Any]) -> list[tuple[Any, ...]]:
    """`zip` as a list; ValueError where the lengths differ."""
    if not args:
        raise TypeError("safe_zip requires at least 1 argument")
    sequences = [list(x) for x in args]
    lengths = tuple(map(len, sequences))
    for k, n in enumerate(lengths):
        if n != lengths[0]:
            raise ValueError(
                f"safe_zip() argument {k} has length {n} but argument 0 has length {lengths[0]}. All lengths: {lengths}"
            )
    return list(zip(*sequences, strict=True))


def unzip2(xys: Iterable[tuple[Any, Any]]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The first parts of pairs, and the second ones."""
    pairs = list(xys)
    return tuple(x for x, _ in pairs), tuple(y for _, y in pairs)


def unzip3(xyzs: Iterable[tuple[Any, Any, Any]]) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """The first, second and third parts of triples."""
    triples = list(xyzs)
    return tuple(x for x, _, _ in triples), tuple(y for _, y, _ in triples), tuple(z for *_, z in triples)


def subvals(lst: Sequence[T], replace: Iterable[tuple[int, T]]) -> tuple[T, ...]:
    """``lst`` with the values at some places replaced."""
    out = list(lst)
    for at, value in replace:
        out[at] = value
    return tuple(out)


def split_list(args: Sequence[T], ns: Sequence[int]) -> list[list[T]]:
    """Lists of the given lengths, then one of the rest."""
    args, out = list(args), list[list[T]]()
    for n in ns:
        out.append(args[:n])
        args = args[n:]
    return [*out, args]


def split_list_checked(args: Sequence[T], ns: Sequence[int]) -> list[list[T]]:
    """Lists of the given lengths, which must make up all."""
    if sum(ns) != len(args):
        raise AssertionError(f"lengths {list(ns)} do not make up {len(args)}")
    return split_list(args, ns)[:-1]


def partition_list(bs: Sequence[bool], l: Sequence[T]) -> tuple[list[T], list[T]]:  # noqa: E741
    """The elements at the places that are False, and those that are True."""
    pairs = list(zip(bs, l, strict=True))
    return [x for b, x in pairs if not b], [x for b, x in pairs if b]


def merge_lists(bs: Sequence[bool], l0: Sequence[Any], l1: Sequence[Any]) -> list[Any]:
    """The reverse of `partition_list`."""
    if (len(bs), sum(bs)) != (len(l0) + len(l1), len(l1)):
        raise AssertionError(f"{len(l0)} and {len(l1)} elements for {len(bs)} places, of which {sum(bs)} are True")
    rest, chosen = iter(l0), iter(l1)
    return [next(chosen) if b else next(rest) for b in bs]


def subs_list(subs: Sequence[int | None], src: Sequence[T], base: Sequence[T]) -> list[T]:
    """Elements of ``src`` by their places; where there is no place, the next one of ``base``."""
    return subs_list2(subs, [None] * len(subs), src, (), base)


def subs_list2(
    subs1: Sequence[int | None], subs2: Sequence[int | None], src1: Sequence[T], src2: Sequence[T], base: Sequence[T]
) -> list[T]:
    """As `subs_list`, with a second list of places and where they lead."""
    assert len(subs1) == len(subs2)
    rest = iter(base)
    places = zip(subs1, subs2, strict=True)
    out = [src1[i] if i is not None else src2[j] if j is not None else next(rest) for i, j in places]
    assert not list(rest)
    return out


def concatenate(xs: Iterable[Sequence[T]]) -> list[T]:
    """The elements of all sequences."""
    return [x for each in xs for x in each]


def unflatten(xs: Iterable[T], ns: Sequence[int]) -> list[list[T]]:
    """Lists of the given lengths, which must make up all."""
    return split_list_checked(list(xs), ns)


def stable_unique(it: Iterable[T]) -> Iterable[T]:
    """The elements, each once, in the order in which they first come."""
    return dict.fromkeys(it).keys()


def tuple_insert(t: tuple[T, ...], idx: int, val: T) -> tuple[T, ...]:
    """``t`` with ``val`` before the place ``idx``."""
    return (*t[:idx], val, *t[idx:])


def tuple_delete(t: tuple[T, ...], idx: int) -> tuple[T, ...]:
    """``t`` without the place ``idx``."""
    return t[:idx] + t[idx + 1 :]


def tuple_update(t: tuple[T, ...], idx: int, val: T) -> tuple[T, ...]:
    """``t`` with ``val`` at the place ``idx``."""
    return (*t[:idx], val, *t[idx + 1 :])


def ceil_of_ratio(x: int, y: int) -> int:
    """``x / y`` rounded up."""
    return -(-x // y)


def canonicalize_axis_tuple(axis: Any, ndim: int, allow_duplicate: bool = False) -> tuple[int, ...]:
    """Axes counted from the front; None is all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(canonicalize_axis(a, ndim) for a in (axis if isinstance(axis, Sequence) else (axis,)))
    if len(set(axes)) != len(axes) and not allow_duplicate:
        raise ValueError(f"repeated axis: {axes}")
    return axes


def moveaxis(x: Any, src: int | Sequence[int], dst: int | Sequence[int]) -> Any:
    """``x`` with axes moved from the places ``src`` to ``dst``; as it is where they are the same."""
    if src == dst:
        return x
    sources = [canonicalize_axis(s, x.ndim) for s in (src if isinstance(src, Sequence) else (src,))]
    targets = [canonicalize_axis(d, x.ndim) for d in (dst if isinstance(dst, Sequence) else (dst,))]
    order = [k for k in range(x.ndim) if k not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return x.transpose(order)


# Functions


def wrap_name(transform_name: str, name: str) -> str:
    """How a transformed function is called."""
    return f"{transform_name}({name})"


def fun_name(fun: Any, default_name: str = "<unnamed function>") -> str:
    """The name of a function, or of what a partial holds."""
    name = getattr(fun, "__name__", None)
    if name is not None:
        return name
    return fun_name(fun.func, default_name) if isinstance(fun, functools.partial) else default_name


def fun_qual_name(fun: Any) -> str:
    """The qualified name of a function, a partial's that of what it calls."""
    name = getattr(fun, "__qualname__", None)
    if name is None and isinstance(fun, functools.partial):
        return fun_qual_name(fun.func)
    return fun_name(fun) if name is None else name


def pprint_bytes(num_bytes: float) -> str:
    """A number of bytes with three digits or so: ``1.50MB``."""
    if num_bytes <= 0:
        return "0.00B"
    power = min(math.floor(math.log(num_bytes, 1000)), 4)
    return f"{num_bytes / 1000**power:.2f}{('', 'K', 'M', 'G', 'T')[power]}B"


def wraps(wrapped: Any, namestr: str | None = None, docstr: str | None = None, **kwargs: Any) -> Callable[[T], T]:
    """As `functools.wraps`; names and texts are templates with ``{fun}`` and ``{doc}``."""

    def wrapper(fun: T) -> T:
        name, doc = fun_name(wrapped), getattr(wrapped, "__doc__", "") or ""
        made: Any = fun
        made.__name__ = (namestr or "{fun}").format(fun=name)
        made.__module__ = getattr(wrapped, "__module__", "<unknown module>")
        made.__doc__ = doc if docstr is None else docstr.format(fun=name, doc=doc, **kwargs)
        made.__qualname__ = getattr(wrapped, "__qualname__", made.__name__)
        made.__annotations__ = getattr(wrapped, "__annotations__", {})
        made.__wrapped__ = wrapped
        return fun

    return wrapper


def curry(f: Callable[..., T]) -> Callable[..., Callable[..., T]]:
    """A function of the first arguments, that gives a function of the others."""
    return wraps(f)(functools.partial(functools.partial, f))


def cache(max_size: int | None = 4096, trace_context_in_key: Any = True) -> Callable[[Any], Any]:
    """A decorator: keep results by arguments and, unless told not to, by the flags that change a trace."""

    def decorator(f: Any) -> Any:
        @functools.lru_cache(max_size)
        def kept(_context: Any, *args: Any, **kwargs: Any) -> Any:
            return f(*args, **kwargs)

        @functools.wraps(f)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return kept(config.trace_context() if trace_context_in_key else None, *args, **kwargs)

        made: Any = wrapper
        made.cache_clear, made.cache_info = kept.cache_clear, kept.cache_info
        return wrapper

    return decorator


memoize = cache(max_size=None)


class WeakrefLRUCache(NamedTuple):
    """What `weakref_lru_cache` counts."""

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


def weakref_lru_cache(call: Any = None, *, maxsize: int | None = 2048, trace_context_in_key: bool = True) -> Any:
    """A decorator: as `cache`, while the first argument lives, which is not kept alive."""
    if call is None:
        return functools.partial(weakref_lru_cache, maxsize=maxsize, trace_context_in_key=trace_context_in_key)
    return weakref_cached(config.trace_context if trace_context_in_key else lambda: None, call, maxsize)


def weakref_cached(cache_context_fn: Callable[[], Any], call: Any, maxsize: int | None = 2048) -> Any:
    """``call`` as `weakref_lru_cache` gives it, where what ``cache_context_fn`` says is part of the key."""
    by_object: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
    hits = misses = 0

    @functools.wraps(call)
    def wrapper(obj: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal hits, misses
        kept = by_object.setdefault(obj, {})
        key = cache_context_fn(), args, tuple(sorted(kwargs.items()))
        if key in kept:
            hits += 1
            return kept[key]
        misses += 1
        while maxsize is not None and len(kept) >= maxsize:
            del kept[next(iter(kept))]
        kept[key] = made = call(obj, *args, **kwargs)
        return made

    def cache_clear() -> None:
        nonlocal hits, misses
        hits = misses = 0
        by_object.clear()

    made: Any = wrapper
    made.cache_clear = cache_clear
    made.cache_info = lambda: WeakrefLRUCache(hits, misses, maxsize, sum(map(len, by_object.values())))
    made.cache_keys = lambda: [(weakref.ref(obj), *key) for obj, kept in by_object.items() for key in kept]
    made.evict_weakref = lambda obj: by_object.pop(obj, None)
    return wrapper


class HashableFunction:
    """A function that equals another of the same code and the same ``closure``."""

    def __init__(self, f: Callable[..., Any], closure: Hashable) -> None:
        self.f, self.closure = f, closure

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HashableFunction):
            return False
        ours, theirs = (getattr(x.f, "__code__", x.f) for x in (self, other))
        return ours == theirs and self.closure == other.closure

    def __hash__(self) -> int:
        return hash((getattr(self.f, "__code__", self.f), self.closure))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.f(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<hashable {self.f.__name__} with closure={self.closure}>"


def as_hashable_function(closure: Hashable) -> Callable[[Callable[..., Any]], HashableFunction]:
    """A decorator: the function as a `HashableFunction`."""
    return lambda f: HashableFunction(f, closure)


class HashablePartial:
    """`functools.partial` that equals another of the same function and arguments."""

    def __init__(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs

    def _key(self) -> Any:
        return getattr(self.f, "__code__", self.f), self.args, tuple(sorted(self.kwargs.items()))

    def __eq__(self, other: object) -> bool:
        return type(other) is HashablePartial and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.f(*self.args, *args, **self.kwargs, **kwargs)


class HashableWrapper:
    """Anything as a key: by value where it can be hashed, by identity elsewhere."""

    __slots__ = ("hash", "x")

    def __init__(self, x: Any) -> None:
        self.x = x
        try:
            self.hash = hash(x)
        except TypeError:
            self.hash = id(x)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HashableWrapper):
            return False
        same_kind = self.hash == other.hash and type(self.x) is type(other.x)
        return self.x is other.x if self.hash == id(self.x) else same_kind and operator.eq(self.x, other.x)


class OrderedSet:
    """A set that keeps the order in which elements came."""

    def __init__(self) -> None:
        self._elements: dict[Any, None] = {}

    def add(self, elem: Any) -> None:
        """One more, at the end, unless it is in it."""
        self._elements.setdefault(elem)

    def update(self, elems: Iterable[Any]) -> None:
        """Add each."""
        for e in elems:
            self.add(e)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __contains__(self, elem: object) -> bool:
        return elem in self._elements


class StrictABCMeta(abc.ABCMeta):
    """The class of abstract classes that have real subclasses only, which `isinstance` finds quickly."""

    def register(cls, subclass: type[T]) -> type[T]:
        """Not possible."""
        del subclass
        raise NotImplementedError(f"{cls} does not support virtual subclasses")  # what such a class is for

    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__


class StrictABC(metaclass=StrictABCMeta):
    """The base of such classes."""

    __slots__ = ()


class FrozenDict(Mapping[Any, Any]):
    """A dict that does not change, and so has a hash where its values have."""

    def __init__(self, d: Mapping[Any, Any]) -> None:
        self._d = dict(d)

    def __repr__(self) -> str:
        return f"FrozenDict({self._d!r})"

    def __getitem__(self, key: Any) -> Any:
        return self._d[key]

    def __hash__(self) -> int:
        return hash(frozenset(self._d.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenDict) and self._d == other._d

    def __iter__(self) -> Iterator[Any]:
        return iter(self._d)

    def __len__(self) -> int:
        return len(self._d)


def set_module(module: str) -> Callable[[T], T]:
    """A decorator: say that a function is of another module."""

    def wrapper(func: T) -> T:
        made: Any = func
        made.__module__ = module
        return func

    return wrapper


def test_event(name: str, *_args: Any) -> None:
    """One more of the events that tests count."""
    count(name)


test_event.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest: not a test
