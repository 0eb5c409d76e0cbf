"""ref_operands: refs among the operands of functions that are traced, which become functions of the others.

Such a function closes over stand-ins, and each call says which refs these are (`standing_for`). Stand-ins are made
once for each list of types and lent to one call at a time, so a function that is given other refs of the same types
closes over the same ones: it is traced once, as in JAX.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src.transforms.arguments import location_of, name_of
from jaxlike._src.transforms.derive import example
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.ref_state import Touched, is_ref, refuse_both_ways, refuse_twice, standing_for
from jaxlike._src.transforms.static_args import Hashed
from jaxlike._src.tree import register_pytree_node, tree_flatten, tree_unflatten
from jaxlike._src.varying import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from jaxlike._src.transforms.ref_state import RefState

    Standing = tuple[tuple[RefState, RefState], ...]

_free: dict[Any, list[tuple[RefState, ...]]] = {}  # stand-ins that no call has, by their types
_made: weakref.WeakKeyDictionary[Any, dict[Any, OfOthers]] = weakref.WeakKeyDictionary()


class _Fixed:
    """A static argument: a node without leaves."""

    def __init__(self, value: Hashed) -> None:
        self.value = value


register_pytree_node(_Fixed, lambda fixed: ((), fixed.value), lambda value, _: _Fixed(value))


class OfOthers:
    """A function of the operands that are no refs. Traces are kept by it, so it does not keep the function."""

    def __init__(self, kind: str, fun: Any, args: Any, kwargs: Any, inside: Sequence[RefState]) -> None:
        leaves, self._tree = tree_flatten((args, kwargs))
        self._inside, self._are_refs = inside, [is_ref(x) for x in leaves]
        names = leaf_names(fun, args, kwargs)
        self.described = kind, location_of(fun), *(n for n, r in zip(names, self._are_refs, strict=True) if not r)
        self.__name__ = name_of(fun)
        try:
            self._fun: Callable[[], Any] = weakref.ref(fun)
        except TypeError:  # it cannot be referred to weakly
            self._fun = lambda: fun

    @property
    def __wrapped__(self) -> Any:
        return self._fun()

    def __call__(self, *others: Any) -> Any:
        rest, refs = iter(others), iter(self._inside)
        args, kwargs = tree_unflatten(self._tree, [next(refs) if r else next(rest) for r in self._are_refs])
        return self._fun()(*(a.value.value if isinstance(a, _Fixed) else a for a in args), **kwargs)


@contextlib.contextmanager
def closing_over_refs(
    kind: str,
    functions: Sequence[Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    static: Container[int] = (),
    refuse: bool = True,
) -> Iterator[tuple[list[OfOthers], list[Any], Standing]]:
    """Inside, functions of the operands that are no refs; these; and which refs stand-ins are inside.

    Args:
        kind: what the functions are traced for, as messages say it.
        functions: of the same arguments.
        args: trees of arrays and refs.
        kwargs: named arguments.
        static: the places of arguments that are Python values.
        refuse: a ref that is an operand twice, or closed over as well; else the latter is `Touched`.
    """
    args, kwargs = tuple(_Fixed(Hashed(a)) if k in static else a for k, a in enumerate(args)), kwargs or {}
    leaves, tree = tree_flatten((args, kwargs))
    given = list(filter(is_ref, leaves))
    if refuse:
        refuse_twice(functions[0], kind, leaves, args, kwargs)
    refs = list({id(ref): ref for ref in given}.values())
    try:
        with _stood_for(refs) as standing:
            stand_ins = [inside for inside, _ in standing] or refs
            inside = tuple(stand_ins[refs.index(ref)] for ref in given)
            key = kind, tree, tuple(map(is_ref, leaves)), inside
            of_others = [_of_others(key, fun, args, kwargs) for fun in functions]
            yield of_others, [x for x in leaves if not is_ref(x)], standing
    except Touched as touched:  # said as JAX says it, where the ref is an operand
        for fun in functions if refuse else ():
            refuse_both_ways(touched.ref, fun, kind, leaves, args, kwargs)
        raise


@contextlib.contextmanager
def _stood_for(refs: Sequence[RefState]) -> Iterator[Standing]:
    """Stand-ins for these refs, which they are inside, with these; none where the refs are some already."""
    if all(ref.is_stand_in for ref in refs):  # of a call around this one
        yield ()
        return
    values = [ref.root().last() for ref in refs]
    types = tuple((type(r), type(x), x._tag, x._t.shape, x._t.dtype) for r, x in zip(refs, values, strict=True))
    free = _free.setdefault((types, signature(values)), [])
    try:
        lent = free.pop()
    except IndexError:  # the first call of its kind, or inside of another one
        lent = tuple(type(r).standing(example(x)) for r, x in zip(refs, values, strict=True))
    standing = tuple(zip(lent, refs, strict=True))
    try:
        with standing_for(standing):
            yield standing
    finally:
        free.append(lent)


def _of_others(key: Any, fun: Any, args: Any, kwargs: Any) -> OfOthers:
    try:
        known = _made.setdefault(fun, {})
    except TypeError:  # not hashable, or cannot be referred to weakly
        known = {}
    if key not in known:
        known[key] = OfOthers(key[0], fun, args, kwargs, key[-1])
    return known[key]
