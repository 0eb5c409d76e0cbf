"""spec_errors: what `shard_map` says of specs that do not fit its mesh, its arguments or its results."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

from jaxlike._src.partition_spec import P
from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.blocks import names_of, used
from jaxlike._src.tree import broadcast_prefix, generate_key_paths, keystr, tree_leaves, tree_structure, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jaxlike._src.array import Array

_FINE = object()  # stands at a leaf about which there is nothing to say


def check_specs(prefix: str, specs: Any, manual: frozenset[Any]) -> None:
    """TypeError where a leaf is no `P`, ValueError where one names an axis that is not mapped over."""
    if specs is None:
        return
    if all(isinstance(s, P) and used(s) <= manual for s in tree_leaves(specs)):
        return
    paths = list(generate_key_paths(specs))
    wrong = [
        f"  {prefix}_specs{keystr(path)} is {s} of type {type(s).__name__}, " for path, s in paths if not isinstance(s, P)
    ]
    end = f"\n\nCheck the {prefix}_specs values passed to shard_map."
    if wrong:
        raise TypeError(
            f"shard_map {prefix}_specs argument must be a pytree of `jax.sharding.PartitionSpec` instances, but:\n\n"
            + "\n\n".join(wrong)
            + end
        )
    unknown = [
        f"  {prefix}_specs{keystr(path)} refers to {name!r}"
        for path, s in paths
        for names in names_of(s)
        for name in names
        if name not in manual
    ]
    raise ValueError(
        f"shard_map {prefix}_specs argument must refer to an axis marked as manual ({manual}), but:\n\n"
        + "\n\n".join(unknown)
        + end
    )


def check_arguments(
    f: Any, mesh: Any, tree: Any, in_specs: Any, dynamic: Sequence[int], specs: Sequence[P], arrays: Sequence[Array]
) -> None:
    """ValueError where an argument has fewer axes than its spec, or one that does not divide evenly."""

    def at_leaves(is_wrong: Callable[[Array, P], bool]) -> list[Any] | None:
        marks: list[Any] = [_FINE] * tree.num_leaves
        for k, x, s in zip(dynamic, arrays, specs, strict=True):
            if is_wrong(x, s):
                marks[k] = x.aval
        return None if all(m is _FINE for m in marks) else marks

    marks = at_leaves(lambda x, s: len(s) > x.ndim)
    if marks is not None:
        raise ValueError(_too_long("in", f, tree, in_specs, marks))

    def is_uneven(x: Array, s: P) -> bool:
        return any(x.shape[d] % _parts(mesh, names) for d, names in enumerate(names_of(s)))

    marks = at_leaves(is_uneven)
    if marks is not None:
        raise ValueError(_uneven(f, mesh, tree, in_specs, marks))


def check_results(f: Any, tree: Any, out_specs: Any, specs: Sequence[P], outs: Sequence[Array]) -> None:
    """ValueError where a result has fewer axes than its spec."""
    marks: list[Any] = [x.aval if len(s) > x.ndim else _FINE for x, s in zip(outs, specs, strict=True)]
    if all(m is _FINE for m in marks):
        return
    said = _too_long("out", f, tree, out_specs, marks)
    if any(m is not _FINE and not m.shape for m in marks):
        said += (
            " In particular, for rank 0 outputs which are not constant over the mesh, add at least one (singleton) axis "
            "to them so that they can be concatenated using out_specs."
        )
    raise ValueError(said)


def _parts(mesh: Any, names: Sequence[Any]) -> int:
    return math.prod(mesh.shape[n] for n in names)


class _AtPath:
    """A spec with its path, as a leaf."""

    def __init__(self, path: Any, spec: Any) -> None:
        self.path, self.spec = path, spec


def _marked(tree: Any, specs: Any, marks: Sequence[Any]) -> Iterator[tuple[Any, P, Any, Any]]:
    """Path of the spec, spec, path of the leaf, mark: for each leaf that has one."""
    leaves = tree_unflatten(tree, list(marks))
    named = [_AtPath(path, s) for path, s in generate_key_paths(specs)]
    spread = broadcast_prefix(tree_unflatten(tree_structure(specs), named), leaves, is_leaf=lambda s: s is None)
    for at, (path, mark) in zip(spread, generate_key_paths(leaves), strict=True):
        if at is not None and mark is not _FINE:
            yield at.path, at.spec, path, mark


def _listed(messages: list[str]) -> str:
    return messages[0].removeprefix("* ") if len(messages) == 1 else "\n\n".join(messages)


def _parameter(f: Any, tree: Any, path: Any) -> str:
    """Which parameter of the function an argument is bound to, if that can be found out."""
    try:
        bound = inspect.signature(f).bind(*tree_unflatten(tree, [False] * tree.num_leaves))
    except (TypeError, ValueError):
        return ""
    kinds = inspect.Parameter
    known = [p for p in bound.signature.parameters.values() if p.kind not in (kinds.KEYWORD_ONLY, kinds.VAR_KEYWORD)]
    k = path[0].idx
    if k >= len(known) or known[k].kind == kinds.VAR_POSITIONAL:
        return (
            f", where args{path[0]} is the index {k - len(known) + 1} component of {name_of(f)}'s varargs parameter "
            f"'{known[-1].name}',"
        )
    return f", where args{path[0]} is bound to {name_of(f)}'s parameter '{known[k]}',"


def _too_long(prefix: str, f: Any, tree: Any, specs: Any, marks: Sequence[Any]) -> str:
    name = name_of(f)
    base = "the passed args" if prefix == "in" else f"{name}(*args)"
    found = list(_marked(tree, specs, marks))
    messages = [
        f"* {prefix}_specs{keystr(spec_path)} is {spec} which has length {len(spec)}, but {base}{keystr(path)}"
        f"{_parameter(f, tree, path) if prefix == 'in' else ''} has shape {aval.str_short()}, which has rank {aval.ndim} "
        f"(and {aval.ndim} < {len(spec)})"
        for spec_path, spec, path, aval in found
    ]
    said = (
        f"shard_map applied to the function '{name}' was given an {prefix}_specs entry which is too long to be "
        f"compatible with the corresponding {prefix}put value from the function:\n\n{_listed(messages)}\n\n"
        f"Entries in {prefix}_specs must be of length no greater than the number of axes in the corresponding "
        f"{prefix}put value.\n\nEither revise the spec to be shorter, or modify '{name}' so that its {prefix}puts have "
        "sufficient rank."
    )
    if any(not aval.ndim for *_, aval in found):
        said += (
            f"\n\nFor scalar values (rank 0), consider using an {prefix}_specs entry of `P()`, where "
            "`P = jax.sharding.PartitionSpec`."
        )
    return said


def _grid(mesh: Any) -> str:
    return (
        f"The mesh given has shape {tuple(mesh.shape.values())} with corresponding axis names {mesh.axis_names}."
    )


def _uneven(f: Any, mesh: Any, tree: Any, specs: Any, marks: Sequence[Any]) -> str:
    name = name_of(f)
    messages: list[str] = []
    for spec_path, spec, path, aval in _marked(tree, specs, marks):
        for d, names in enumerate(names_of(spec)):
            parts = _parts(mesh, names)
            if names and aval.shape[d] % parts:
                axis = f"axes {names}" if len(names) > 1 else f"axis '{next(iter(names))}'"
                total = "total " if len(names) > 1 else ""
                messages.append(
                    f"* the passed args{keystr(path)} of shape {aval.str_short()}{_parameter(f, tree, path)} corresponds "
                    f"to in_specs{keystr(spec_path)} of value {spec}, which maps array axis {d} (of size "
                    f"{aval.shape[d]}) to mesh {axis} (of {total}size {parts}), but {parts} does not evenly divide "
                    f"{aval.shape[d]}"
                )
    return (
        f"shard_map applied to the function '{name}' was given argument arrays with axis sizes that are not evenly "
        f"divisible by the corresponding mesh axis sizes:\n\n{_grid(mesh)}\n\n{_listed(messages)}\n\n"
        "Array arguments' axis sizes must be evenly divisible by the mesh axis or axes indicated by the corresponding "
        "elements of the argument's in_specs entry. Consider checking that in_specs are correct, and if so consider "
        f"changing the mesh axis sizes or else padding the input and adapting '{name}' appropriately."
    )


def differing_results(f: Any, mesh: Any, tree: Any, specs: Any, fails: Sequence[frozenset[Any] | None]) -> str:
    """What is said of results that may differ along axes that their specs do not name."""
    messages: list[str] = []

    def shown(axes: Any) -> str:
        return ",".join(str(n) for n in mesh.axis_names if n in axes)

    for spec_path, spec, _, differs in _marked(tree, specs, [_FINE if d is None else d for d in fails]):
        missing = [n for n in mesh.axis_names if n not in used(spec)]
        said = f"* out_specs{keystr(spec_path)} is {spec} which implies that the corresponding output value is "
        if len(missing) > 1:
            messages.append(
                f"{said}only varying across mesh axes {{{shown(used(spec))}}} and not "
                f"{{{shown(differs & frozenset(missing))}}}, but it was inferred to be possibly varying over "
                f"{{{shown(differs)}}}"
            )
        else:
            messages.append(
                f"{said}replicated across mesh axis '{missing[0]}', but could not infer replication over any axes"
            )
    return (
        f"shard_map applied to the function '{name_of(f)}' was given out_specs which require replication which can't be "
        f"statically inferred given the mesh:\n\n{_grid(mesh)}\n\n{_listed(messages)}\n\n"
        "Check if these output values are meant to be replicated over those mesh axes. If not, consider revising the "
        "corresponding out_specs entries. If so, consider disabling the check by passing the check_vma=False argument to "
        "`jax.shard_map`."
    )


def explicit_type(x: Array, spec: P) -> str:
    """The type of an array on a mesh of explicit axes: ``float32[8@x,4]``."""
    entries = [e if not isinstance(e, tuple) else f"({','.join(map(str, e))})" for e in spec.partitions]
    sizes = [str(n) if e is None else f"{n}@{e}" for n, e in zip(x.shape, entries, strict=True)]
    return f"{x.dtype.name}[{','.join(sizes)}]"
