"""ref_arguments: refs among the arguments of jvp, linearize, vjp and grad.

What is differentiated is the pure function of the refs' values, which also gives the last ones. A tangent of a ref is
a ref too: forward mode reads and writes it as the function does the ref. Nothing is the cotangent of a ref (JAX's
backward pass has none for it either), so reverse mode goes by a ref only where nothing flows back to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.transforms.arguments import split_aux, to_array, wraps
from jaxlike._src.transforms.ref_state import (
    AbstractRef,
    any_made,
    has_refs,
    holding,
    is_ref,
    was_made_here,
    write_back,
    written,
)
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.transforms.ref_state import RefState


class _OfValues:
    """A function of trees as one of the refs' values and of the other leaves."""

    def __init__(self, fun: Callable[..., Any], primals: Any, has_aux: bool) -> None:
        self.leaves, self.tree = tree_flatten(tuple(primals))
        self.refs = [x for x in self.leaves if is_ref(x)]
        self.out_tree: Any = None
        self.own: list[Any] = []  # for each result the ref that it is, or None
        self._fun, self._has_aux = fun, has_aux

    def split(self, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """What stands at the refs, and the rest."""
        pairs = list(zip(leaves, self.leaves, strict=True))
        return [v for v, x in pairs if is_ref(x)], [v for v, x in pairs if not is_ref(x)]

    def function(self) -> Any:
        """``(results, last values of written refs), aux`` from values and others."""

        @wraps(self._fun)
        def of_values(values: Sequence[Any], others: Sequence[Any]) -> Any:
            rest = iter(others)
            with holding(self.refs, values) as last:
                out = self._fun(*tree_unflatten(self.tree, [x if is_ref(x) else next(rest) for x in self.leaves]))
                out, aux = split_aux(out) if self._has_aux else (out, None)
                leaves, self.out_tree = tree_flatten(out)
                self.own = [x if is_ref(x) else None for x in leaves]
                return ([x for x in leaves if not is_ref(x)], written(values, last())), aux

        return of_values

    def results(self, values: Sequence[Any], refs: Sequence[RefState]) -> Any:
        """The tree of results, with these refs for those that the function gave."""
        rest = iter(values)
        at = {id(r): t for r, t in zip(self.refs, refs, strict=True)}
        return tree_unflatten(self.out_tree, [next(rest) if own is None else at[id(own)] for own in self.own])


def jvp_of_refs(jvp: Callable[..., Any], fun: Any, primals: Any, tangents: Any, has_aux: bool) -> Any:
    """``jvp``, where primals and tangents have refs in the same places."""
    of = _OfValues(fun, primals, has_aux)
    moved, _ = of.split(_tangent_leaves(of, tangents))
    before, others = [r.value() for r in of.refs], of.split(of.leaves)[1]
    dots = [t.value() for t in moved]
    given = (before, others), (dots, of.split(tree_flatten(tuple(tangents))[0])[1])
    (outs, after), (douts, dafter), aux = jvp(of.function(), *given, has_aux=True)
    write_back(of.refs, before, after)
    write_back(moved, dots, dafter)
    result = of.results(outs, of.refs), of.results(douts, moved)
    return (*result, aux) if has_aux else result


def linearize_of_refs(linearize: Callable[..., Any], fun: Any, primals: Any, has_aux: bool) -> Any:
    """``linearize`` at primals with refs among them; the linear function takes refs to tangents."""
    of = _OfValues(fun, primals, has_aux)
    before, others = [r.value() for r in of.refs], of.split(of.leaves)[1]
    (outs, after), push, aux = linearize(of.function(), before, others, has_aux=True)
    write_back(of.refs, before, after)

    def f_jvp(*tangents: Any) -> Any:
        leaves = _tangent_leaves(of, tangents)
        moved, rest = of.split(leaves)
        dots = [t.value() for t in moved]
        douts, dafter = push(dots, rest)
        write_back(moved, dots, dafter)
        return of.results(douts, moved)

    out = of.results(outs, of.refs)
    return (out, f_jvp, aux) if has_aux else (out, f_jvp)


def _tangent_leaves(of: _OfValues, tangents: Any) -> list[Any]:
    leaves, tree = tree_flatten(tuple(tangents))
    if tree != of.tree:
        raise TypeError(f"expected {of.tree}, got {tree}")
    for p, t in zip(of.leaves, leaves, strict=True):
        if is_ref(p) and not is_ref(t):
            raise ValueError(f"the tangent of a ref is a ref, got {t}")
    return leaves


class MadeRefs:
    """The refs among a function's results that it made itself: their values go out, in refs of what runs outside."""

    def __init__(self) -> None:
        self._kinds: list[Any] = []  # for each result the class of the ref that it is, or None

    def values(self, out: Any) -> Any:
        """The results with values in the places of refs."""
        if not any_made():
            return out
        leaves, tree = tree_flatten(out)
        self._kinds = [type(x) if was_made_here(x) else None for x in leaves]
        return tree_unflatten(tree, [x if t is None else x.value() for x, t in zip(leaves, self._kinds, strict=True)])

    def refs(self, values: Sequence[Any]) -> list[Any]:
        """What stands for the results, with refs in their places."""
        if not any(self._kinds):
            return list(values)
        return [x if t is None else t(x) for x, t in zip(values, self._kinds, strict=True)]

    def check(self, cotangents: Sequence[Any], avals: Sequence[Any]) -> None:
        """ValueError for a cotangent of a ref that is no ref."""
        for c, aval, t in zip(cotangents, avals, self._kinds, strict=False):
            if t is not None and not is_ref(c):
                shown = AbstractRef(aval.strip_weak_type()).str_short()
                raise ValueError(
                    "unexpected JAX type (e.g. shape/dtype) for argument to VJP function: got "
                    f"{to_array(c).aval.str_short()}, but expected {shown} because the corresponding output of the "
                    f"differentiated function had JAX type {shown}"
                )


class RefsToPull:
    """The refs among the leaves that reverse mode goes by: their values in, last values out, no cotangents."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        self.leaves = leaves
        self.refs = [x for x in leaves if is_ref(x)]
        self.values = [x.value() if is_ref(x) else x for x in leaves]
        self._moved: set[int] = set()

    def calling(self, fun: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
        """``fun`` of leaves, giving ``(out, aux)``, as one of values; aux has the last values beside it."""

        def of_values(inside: Sequence[Any]) -> Any:
            values = [v for v, x in zip(inside, self.leaves, strict=True) if is_ref(x)]
            with holding(self.refs, values) as last:
                out, aux = fun([x if is_ref(x) else v for v, x in zip(inside, self.leaves, strict=True)])
                after = written(values, last())
            self._moved = {k for k, x in enumerate(after) if x is not None and unwrap(x).requires_grad}
            return out, (aux, after)

        return of_values

    def finish(self, after: Sequence[Any]) -> None:
        """Write the last values."""
        write_back(self.refs, [v for v, x in zip(self.values, self.leaves, strict=True) if is_ref(x)], after)

    def check(self, cotangents: Sequence[Any]) -> list[Any]:
        """The cotangents of the leaves, zeros for None; ValueError where there is one of a ref."""
        moved = {id(self.refs[k]) for k in self._moved}
        made = []
        for c, x, v in zip(cotangents, self.leaves, self.values, strict=True):
            if is_ref(x) and (c is not None or id(x) in moved):
                raise ValueError(f"Expected cotangent type {x.aval} but got {x.aval.inner_aval.strip_weak_type()}")
            made.append(type(v)(torch.zeros_like(unwrap(v)), v._tag) if c is None and isinstance(v, Array) else c)
        return made

    def as_refs(self, cotangents: Sequence[Any]) -> list[Any]:
        """The cotangents of the leaves, in refs where the leaves are refs."""
        pairs = zip(cotangents, self.leaves, strict=True)
        return [type(x)(c) if is_ref(x) and isinstance(c, Array) else c for c, x in pairs]


__all__ = ["MadeRefs", "RefsToPull", "has_refs", "jvp_of_refs", "linearize_of_refs"]
