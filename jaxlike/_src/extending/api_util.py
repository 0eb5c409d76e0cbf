"""api_util: between functions of trees and functions of leaves, for libraries that make transformations.

| name | stands for |
| --- | --- |
| `flatten_fun`, `flatten_fun_nokwargs` | a wrapper from leaves to leaves, with the result's tree left in a store |
| `argnums_partial` | the function of the chosen arguments alone |
| `shaped_abstractify` | ``jax.typeof`` that also takes shapes |
| `flatten_axes` | `tree.flatten_axes` |
| `debug_info` | names of a function and its arguments, for messages |
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import AbstractValue, Array, ShapedArray
from jaxlike._src.extending.linear_util import WrappedFun, transformation2, transformation_with_aux2
from jaxlike._src.graph.jaxpr import DebugInfo
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.jit import location_of
from jaxlike._src.transforms.static_args import signature_of
from jaxlike._src.tree import keystr, tree_flatten, tree_flatten_with_path, tree_unflatten, treedef_children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@transformation_with_aux2
def flatten_fun(f: Callable[..., Any], store: Any, in_tree: Any, *args_flat: Any) -> Any:
    """A function of ``(args, kwargs)`` as one of their leaves; the tree of its result is stored."""
    args, kwargs = tree_unflatten(in_tree, list(args_flat))
    leaves, tree = tree_flatten(f(*args, **kwargs))
    store.store(tree)
    return leaves


@transformation_with_aux2
def flatten_fun_nokwargs(f: Callable[..., Any], store: Any, in_tree: Any, *args_flat: Any) -> Any:
    """A function of ``args`` as one of their leaves; the tree of its result is stored."""
    leaves, tree = tree_flatten(f(*tree_unflatten(in_tree, list(args_flat))))
    store.store(tree)
    return leaves


class _Box:
    """A static argument in a key; without a hash where it has none."""

    def __init__(self, val: Any, hashable: bool) -> None:
        self.val, self._hashable = val, hashable

    def __hash__(self) -> int:
        if not self._hashable:
            raise TypeError(f"unhashable type: {type(self.val)}")
        return hash(self.val)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Box) and type(self.val) is type(other.val) and self.val == other.val


def argnums_partial(
    f: WrappedFun, dyn_argnums: int | Sequence[int], args: Sequence[Any], require_static_args_hashable: bool = True
) -> tuple[WrappedFun, tuple[Any, ...]]:
    """The function of the chosen arguments, and their values."""
    chosen = (dyn_argnums,) if isinstance(dyn_argnums, int) else tuple(map(operator.index, dyn_argnums))
    for k in chosen:
        if not -len(args) <= k < len(args):
            raise ValueError(
                "Positional argument indices, e.g. for `static_argnums`, must have value greater than or equal to "
                f"-len(args) and less than len(args), but got value {k} for len(args) == {len(args)}."
            )
    places = tuple(k % len(args) for k in chosen)
    fixed = []
    for k, arg in enumerate(args):
        if k in places:
            continue
        if require_static_args_hashable:
            try:
                hash(arg)
            except TypeError:
                raise ValueError(
                    "Non-hashable static arguments are not supported, as this can lead to unexpected cache-misses. "
                    f"Static argument (index {k}) of type {type(arg)} for function {f.__name__} is non-hashable."
                ) from None
        fixed.append(_Box(arg, require_static_args_hashable))
    return _with_fixed(f, places, tuple(fixed)), tuple(args[k] for k in places)


@transformation2
def _with_fixed(f: Callable[..., Any], places: Any, fixed: Any, *dyn_args: Any, **kwargs: Any) -> Any:
    rest = iter(fixed)
    given = dict(zip(places, dyn_args, strict=True))
    n = len(places) + len(fixed)
    return f(*(given[k] if k in given else next(rest).val for k in range(n)), **kwargs)


def donation_vector(donate_argnums: Any, donate_argnames: Any, in_tree: Any, kws: bool = True) -> tuple[bool, ...]:
    """For each leaf of the arguments, whether its memory is given away."""
    args_tree, kwargs_tree = treedef_children(in_tree) if kws else (in_tree, None)
    out: list[bool] = []
    for k, child in enumerate(treedef_children(args_tree)):
        out += [k in donate_argnums] * child.num_leaves
    if kwargs_tree is not None:
        for key, child in zip(cast("Any", kwargs_tree.node_data())[1], treedef_children(kwargs_tree), strict=True):
            out += [key in donate_argnames] * child.num_leaves
    return tuple(out)


def rebase_donate_argnums(donate_argnums: Any, static_argnums: Any) -> tuple[int, ...]:
    """Positions of donated arguments once static ones are taken out."""
    static, donated = sorted(set(static_argnums)), sorted(set(donate_argnums))
    for k in donated:
        if k in static:
            raise ValueError(f"`static_argnums` {static} and `donate_argnums` {donated} cannot intersect.")
    return tuple(k - sum(s < k for s in static) for k in donated)


def shaped_abstractify(x: Any) -> Any:
    """The type of a value, or of anything with a shape and a dtype."""
    if isinstance(x, AbstractValue):
        return x
    if hasattr(x, "aval"):
        return x.aval
    if hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, np.ndarray | np.generic):
        dtype = x.dtype
        if not isinstance(dtype, dtypes.ExtendedDType):
            dtype = dtypes.canonicalize_dtype(dtype)
        return ShapedArray(x.shape, dtype, bool(getattr(x, "weak_type", False)))
    x = to_array(x)
    return x.aval if isinstance(x, Array) else ShapedArray(x.shape, dtypes.float0)


def debug_info(
    traced_for: str,
    fun: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    *,
    static_argnums: Sequence[int] = (),
    static_argnames: Sequence[str] = (),
    result_paths_thunk: Any = None,
    sourceinfo: str | None = None,
    signature: Any = None,
) -> DebugInfo:
    """Where a function comes from, and what messages call its dynamic arguments."""
    known = signature_of(fun) if signature is None else signature
    parameters = list(known.parameters.values()) if known is not None else []
    variadic = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    fixed = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    found: list[str] = []
    for k, arg in enumerate(args):
        if k in static_argnums:
            continue
        rest = next(iter(variadic), "args")
        name = fixed[k] if k < len(fixed) else f"{rest}[{k - len(fixed)}]"
        found += [name + keystr(path) for path, _ in tree_flatten_with_path(arg)[0]]
    for key in sorted(kwargs):
        if key not in static_argnames:
            found += [key + keystr(path) for path, _ in tree_flatten_with_path(kwargs[key])[0]]
    paths = result_paths_thunk if result_paths_thunk is not None else None
    return DebugInfo(traced_for, sourceinfo or location_of(fun), tuple(found), paths)
