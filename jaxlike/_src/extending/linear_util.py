"""linear_util: functions with transformations around them, as libraries written against JAX's internals build them.

A `WrappedFun` is a function and the wrappers that stand around it, the last outermost; a wrapper may leave something
behind in a `Store` (the tree of the result, say). Nothing here calls for them: `jax.interpreters` and
`jax.api_util` take and give them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.jaxpr import DebugInfo
from jaxlike._src.transforms.arguments import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

_EMPTY: Any = object()


class StoreException(Exception):
    """A store was read before it was written, or written twice."""


class Store:
    """A value that is written once."""

    def __init__(self) -> None:
        self._val = _EMPTY

    def store(self, val: Any) -> None:
        """Write it."""
        if self._val is not _EMPTY:
            raise StoreException("Store occupied")
        self._val = val

    def reset(self) -> None:
        """Forget it."""
        self._val = _EMPTY

    @property
    def val(self) -> Any:
        """Read it."""
        if self._val is _EMPTY:
            raise StoreException("Store empty")
        return self._val

    def __bool__(self) -> bool:
        return self._val is not _EMPTY


class EqualStore(Store):
    """A value that may be written again if it is the same."""

    def store(self, val: Any) -> None:
        """Write it."""
        if self and self._val != val:
            raise StoreException("Store occupied with not-equal value")
        self._val = val


class WrappedFun:
    """A function ``f``, the function that its wrappers make of it, and what they left behind."""

    def __init__(
        self,
        f: Callable[..., Any],
        f_transformed: Callable[..., Any],
        transforms: tuple[Any, ...],
        stores: tuple[Any, ...],
        params: tuple[Any, ...],
        in_type: Any = None,
        debug_info: Any = None,
    ) -> None:
        self.f, self.f_transformed, self.transforms, self.stores = f, f_transformed, transforms, stores
        self.params, self.in_type, self.debug_info = params, in_type, debug_info

    @property
    def __name__(self) -> str:
        return name_of(self.f)

    def wrap(self, gen: Callable[..., Any], gen_static_args: tuple[Any, ...], out_store: Any) -> WrappedFun:
        """One more wrapper around it."""
        first = (self.f_transformed,) if out_store is None else (self.f_transformed, out_store)
        return WrappedFun(
            self.f,
            functools.partial(gen, *first, *gen_static_args),
            ((gen, gen_static_args), *self.transforms),
            (out_store, *self.stores),
            self.params,
            None,
            self.debug_info,
        )

    def call_wrapped(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with its wrappers."""
        return self.f_transformed(*args, **kwargs)

    def populate_stores(self, stores: Any) -> None:
        """Write what another run of the same function left behind."""
        for own, other in zip(self.stores, stores, strict=True):
            if own is not None:
                own.store(other.val)

    def replace_debug_info(self, debug_info: Any) -> WrappedFun:
        """The same with another origin."""
        return WrappedFun(
            self.f, self.f_transformed, self.transforms, self.stores, self.params, self.in_type, debug_info
        )

    def with_unknown_names(self) -> WrappedFun:
        """The same for other arguments and results."""
        known = self.debug_info
        return self.replace_debug_info(None if known is None else known.with_unknown_names())

    def _key(self) -> Any:
        return self.f, self.transforms, self.params, self.in_type, self.debug_info

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WrappedFun) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        lines = [f"{k}   : {name_of(gen)}   {args}" for k, (gen, args) in enumerate(self.transforms)]
        return "\n".join(["Wrapped function:", *lines, f"Core: {name_of(self.f)}", ""])


def wrap_init(f: Callable[..., Any], params: Any = None, *, debug_info: Any = None) -> WrappedFun:
    """A function without wrappers; ``params`` are keyword arguments that it always gets."""
    given = {} if params is None else dict(params)
    called = functools.partial(f, **given) if given else f
    info = DebugInfo("wrap_init", name_of(f)) if debug_info is None else debug_info
    return WrappedFun(f, called, (), (), tuple(sorted(given.items())), None, info)


def _curried(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun(a, *rest)`` as ``fun(a)(*rest)``, the way that decorators are used."""

    @functools.wraps(fun)
    def with_first(gen: Any, *rest: Any, **options: Any) -> Any:
        made = functools.partial(fun, gen, **options)
        return made(*rest) if rest else made

    return with_first


@_curried
def transformation2(gen: Callable[..., Any], fun: WrappedFun, *gen_static_args: Any) -> WrappedFun:
    """A wrapper ``gen(f, *static, *args, **kwargs)`` around a function."""
    return fun.wrap(gen, gen_static_args, None)


@_curried
def transformation_with_aux2(
    gen: Callable[..., Any],
    fun: WrappedFun,
    *gen_static_args: Any,
    use_eq_store: bool = False,
    unk_names: bool = False,
) -> tuple[WrappedFun, Callable[[], Any]]:
    """A wrapper ``gen(f, store, *static, *args, **kwargs)``, and a function that gives what it stored."""
    out_store = EqualStore() if use_eq_store else Store()
    wrapped = fun.wrap(gen, gen_static_args, out_store)
    return wrapped.with_unknown_names() if unk_names else wrapped, lambda: out_store.val


@_curried
def transformation(gen: Callable[..., Any], fun: WrappedFun, *gen_static_args: Any) -> WrappedFun:
    """A wrapper written as a generator: it yields ``(args, kwargs)``, is sent the result, and yields its own."""

    def called(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        steps = gen(*args, **kwargs)
        inner, named = next(steps)
        return steps.send(f(*inner, **named))

    return fun.wrap(called, gen_static_args, None)


@_curried
def transformation_with_aux(gen: Callable[..., Any], fun: WrappedFun, *gen_static_args: Any) -> Any:
    """As `transformation`, for a generator that yields ``(result, what to store)`` last."""

    def called(f: Callable[..., Any], store: Store, *args: Any, **kwargs: Any) -> Any:
        steps = gen(*args, **kwargs)
        inner, named = next(steps)
        out, aux = steps.send(f(*inner, **named))
        store.store(aux)
        return out

    out_store = Store()
    return fun.wrap(called, gen_static_args, out_store), lambda: out_store.val


def merge_linear_aux(aux1: Callable[[], Any], aux2: Callable[[], Any]) -> tuple[bool, Any]:
    """(whether the first of two wrappers was the one that ran, what it stored)."""
    try:
        first = aux1()
    except StoreException:
        try:
            return False, aux2()
        except StoreException:
            raise StoreException("neither store occupied") from None
    try:
        aux2()
    except StoreException:
        return True, first
    raise StoreException("both stores occupied")


def cache(call: Callable[..., Any], *, explain: Any = None) -> Callable[..., Any]:
    """Remember ``call(fun, *args)`` by function, wrappers and arguments; what wrappers stored is stored again."""
    del explain
    known: dict[Any, Any] = {}

    @functools.wraps(call)
    def memoized(fun: WrappedFun, *args: Any) -> Any:
        key = (fun, args)
        if key in known:
            out, stores = known[key]
            fun.populate_stores(stores)
            return out
        out = call(fun, *args)
        known[key] = out, fun.stores
        return out

    memoized.cache_clear = known.clear  # pyright: ignore[reportAttributeAccessIssue]
    return memoized
