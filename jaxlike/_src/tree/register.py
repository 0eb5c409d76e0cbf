"""Registering classes as tree nodes, and JAX's own: OrderedDict, defaultdict, Partial.

A class is registered for all registries at once, by exact type: a subclass is a leaf until it is
registered itself. It may be registered after values of it were flattened as leaves.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from jaxlike._src.tree.keys import DictKey
from jaxlike._src.tree.node import custom_type, dataclass_type
from jaxlike._src.tree.registry import registries
from jaxlike._src.tree.treedef import bad_arguments

T = TypeVar("T")
Typ = TypeVar("Typ", bound=type[Any])
H = TypeVar("H", bound=Hashable)
KeyLeafPairs = Iterable[tuple[Any, Any]]


class _RegistryEntry(NamedTuple):
    to_iter: Callable[[Any], tuple[Any, Any]]
    from_iter: Callable[[Any, Any], Any]


# Libraries read this dict; nothing here does.
_registry: dict[type, _RegistryEntry] = {
    tuple: _RegistryEntry(lambda values: (values, None), lambda _, children: tuple(children)),
    list: _RegistryEntry(lambda values: (values, None), lambda _, children: list(children)),
    dict: _RegistryEntry(
        lambda tree: (tuple([tree[key] for key in sorted(tree)]), tuple(sorted(tree))),
        lambda keys, children: dict(zip(keys, children, strict=False)),
    ),
    type(None): _RegistryEntry(lambda _: ((), None), lambda _, children: None),
}


def register_pytree_node(
    nodetype: type[T],
    flatten_func: Callable[[T], tuple[Any, Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_with_keys_func: Callable[[T], tuple[KeyLeafPairs, Any]] | None = None,
) -> None:
    """Make a class a tree node.

    ``flatten_func(value)`` returns (children, metadata), ``unflatten_func(metadata, children)`` the value;
    metadata is static under jit and should be hashable. ``flatten_with_keys_func`` pairs each child
    with its key.
    """
    if not callable(flatten_func) or not callable(unflatten_func):
        raise bad_arguments("register_node", nodetype, flatten_func, unflatten_func, flatten_with_keys_func)
    node_type = custom_type(nodetype, flatten_func, unflatten_func, flatten_with_keys_func)
    for registry in registries:
        registry.add(node_type)
    _registry[nodetype] = _RegistryEntry(flatten_func, unflatten_func)


def register_pytree_node_class(cls: Typ) -> Typ:
    """Make a class a tree node by its methods ``tree_flatten`` and classmethod ``tree_unflatten``."""
    register_pytree_node(cls, operator.methodcaller("tree_flatten"), cls.tree_unflatten)
    return cls


def register_pytree_with_keys(
    nodetype: type[T],
    flatten_with_keys: Callable[[T], tuple[KeyLeafPairs, Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]] | None = None,
) -> None:
    """Make a class a tree node whose children have keys.

    ``flatten_with_keys(value)`` returns ((key, child) pairs, metadata). ``flatten_func``, if given, does
    the same without keys, faster.
    """

    def without_keys(value: T) -> tuple[Iterable[Any], Any]:
        pairs, aux = flatten_with_keys(value)
        return [child for _, child in pairs], aux

    register_pytree_node(nodetype, flatten_func or without_keys, unflatten_func, flatten_with_keys)


def register_pytree_with_keys_class(cls: Typ) -> Typ:
    """Make a class a tree node by its methods ``tree_flatten_with_keys`` and classmethod ``tree_unflatten``.

    A method ``tree_flatten`` is used where no keys are needed.
    """
    flatten_func = operator.methodcaller("tree_flatten") if hasattr(cls, "tree_flatten") else None
    register_pytree_with_keys(cls, operator.methodcaller("tree_flatten_with_keys"), cls.tree_unflatten, flatten_func)
    return cls


def register_static(cls: type[H]) -> type[H]:
    """Make a class a tree node without leaves: the value itself, which must be hashable, is metadata."""
    register_pytree_with_keys(cls, lambda value: ((), value), lambda value, _: value)
    return cls


def register_dataclass(
    nodetype: Typ,
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> Typ:
    """Make a dataclass a tree node: data fields are children, meta fields are static metadata.

    By default every field is data unless its metadata say ``static=True`` (`jax.tree.static`). With both
    lists given the class need not be a dataclass; it is rebuilt by keyword arguments. ``drop_fields`` are
    left to the constructor's defaults.
    """
    if data_fields is None or meta_fields is None:
        if (data_fields is None) != (meta_fields is None):
            raise TypeError(
                "register_dataclass: data_fields and meta_fields must both be specified"
                f" when either is specified. Got {data_fields=} {meta_fields=}."
            )
        if not dataclasses.is_dataclass(nodetype):
            raise TypeError(
                "register_dataclass: data_fields and meta_fields are required when"
                f" nodetype is not a dataclass. Got {nodetype=}."
            )
        fields = dataclasses.fields(nodetype)
        data_fields = [field.name for field in fields if not field.metadata.get("static", False)]
        meta_fields = [field.name for field in fields if field.metadata.get("static", False)]
    cls: Any = nodetype
    _check_fields(cls, data_fields, meta_fields, drop_fields)

    node_type = dataclass_type(cls, data_fields, meta_fields)
    for registry in registries:
        registry.add(node_type)
    _registry[cls] = _RegistryEntry(node_type.open, lambda aux, data: node_type.build(aux, list(data)))
    return cls


def _check_fields(cls: Any, data: Sequence[str], meta: Sequence[str], drop: Sequence[str]) -> None:
    named = {*meta, *data}
    if dataclasses.is_dataclass(cls):
        wanted = {field.name for field in dataclasses.fields(cls) if field.init}.difference(drop)
        if named != wanted:
            message = "data_fields and meta_fields must include all dataclass fields with ``init=True`` and only them."
            if missing := wanted - named:
                message += f" Missing fields: {missing}. Add them to drop_fields to suppress this error."
            if unexpected := named - wanted:
                message += f" Unexpected fields: {unexpected}."
            raise ValueError(message)
    if overlap := set(data) & set(meta):
        raise ValueError(f"data_fields and meta_fields must not overlap. Overlapping fields: {overlap}.")


class CallableShim:
    """Stands for a callable: calls it, and compares and hashes like it."""

    func: Callable[..., Any]  # of a partial that it stands for, as `args` and `keywords`
    args: tuple[Any, ...]
    keywords: dict[str, Any]

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun = fun

    def show(self, partial: functools.partial[Any]) -> CallableShim:
        """Have the attributes of a partial; a shim that has them is merged into a partial that is made of it."""
        self.func, self.args, self.keywords = partial.func, partial.args, partial.keywords
        return self

    def __call__(self, *args: Any, **kw: Any) -> Any:
        return self.fun(*args, **kw)

    def __hash__(self) -> int:
        return hash(self.fun)

    def __eq__(self, other: object) -> bool:
        return self.fun == (other.fun if isinstance(other, CallableShim) else other)

    def __repr__(self) -> str:
        return f"_HashableCallableShim({self.fun!r})"


class Partial(functools.partial):
    """A `functools.partial` that is a tree node, so it can be passed through transformations.

    Its bound arguments are its children, the function is metadata: ``jit`` traces the arguments and
    compiles for the function. ``Partial(f)`` makes a plain function a valid argument.
    """

    # `klass`, because a keyword argument may be called cls.
    def __new__(
        klass,  # pyright: ignore[reportSelfClsParameterName]
        func: Callable[..., Any],
        *args: Any,
        **kw: Any,
    ) -> Partial:
        """``func`` with ``args`` and ``kw`` bound."""
        # functools.partial merges the arguments of a partial that it is given; but only the arguments
        # bound here may be children. What merging looks at is the attribute `func`, so it gets a callable
        # without one, which has the attributes later, for whoever reads them.
        if not isinstance(func, functools.partial):
            return super().__new__(klass, func, *args, **kw)
        shim = CallableShim(func)
        partial = super().__new__(klass, shim, *args, **kw)
        shim.show(func)
        return partial


Partial.__module__ = "jaxlike.tree_util"

register_pytree_node(
    Partial,
    lambda partial: ((partial.args, partial.keywords), partial.func),
    lambda func, children: Partial(func, *children[0], **children[1]),
)


def _unflatten_ordered_dict(keys: tuple[Any, ...], values: Any) -> collections.OrderedDict[Any, Any]:
    return collections.OrderedDict(zip(keys, values, strict=True))


def _flatten_defaultdict_with_keys(tree: collections.defaultdict[Any, Any]) -> tuple[KeyLeafPairs, Any]:
    keys = tuple(sorted(tree))
    return [(DictKey(key), tree[key]) for key in keys], (tree.default_factory, keys)


def _unflatten_defaultdict(aux: tuple[Any, Any], values: Any) -> collections.defaultdict[Any, Any]:
    default_factory, keys = aux
    return collections.defaultdict(default_factory, zip(keys, values, strict=True))


register_pytree_with_keys(
    collections.OrderedDict,
    lambda tree: ([(DictKey(key), value) for key, value in tree.items()], tuple(tree)),
    _unflatten_ordered_dict,
    lambda tree: (list(tree.values()), tuple(tree)),
)
register_pytree_with_keys(collections.defaultdict, _flatten_defaultdict_with_keys, _unflatten_defaultdict)
