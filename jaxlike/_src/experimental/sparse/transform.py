"""transform: `sparsify`, functions of dense arrays made to take sparse ones.

The function is traced on dense stand-ins; the equations of its jaxpr are gone through with the arguments as they are.
Where one of them is sparse, a rule of the equation's primitive says what comes of it; where none is, the primitive
itself does. Values are numbers of buffers in an environment, so a rule can see that two sparse arrays have the same
indices. The rules are in `rules`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import asarray, astype
from jaxlike._src.experimental.sparse.bcoo import BCOO
from jaxlike._src.experimental.sparse.bcsr import BCSR
from jaxlike._src.frames import STATE
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.jaxpr import DropVar, Literal
from jaxlike._src.lax import primitive_names as p
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import wraps
from jaxlike._src.transforms.inspect import traced
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.jaxpr import Jaxpr
    from jaxlike._src.graph.primitive import Primitive

ArrayOrSparse = Any

# primitive -> (environment, *values, **parameters of the equation) -> values of its results
sparse_rules_bcoo: dict[Primitive, Callable[..., Any]] = {}
sparse_rules_bcsr: dict[Primitive, Callable[..., Any]] = {}
# The same for what is no primitive of JAX's: which equations, and a rule that gets the primitive first.
other_rules: list[tuple[Callable[[Primitive], bool], Callable[..., Any]]] = []

_DENSIFYING = (
    p.acos_p, p.acosh_p, p.bessel_i0e_p, p.cos_p, p.cosh_p, p.eq_p, p.exp_p, p.ge_p, p.gt_p, p.le_p, p.lt_p, p.log_p,
    p.ne_p, p.xor_p,
)  # fmt: skip


class SparsifyValue(NamedTuple):
    """An array, dense or sparse, as the places of its parts in a `SparsifyEnv`."""

    shape: tuple[int, ...]
    data_ref: int | None
    indices_ref: int | None = None
    indptr_ref: int | None = None
    indices_sorted: bool | None = False
    unique_indices: bool | None = False

    ndim = property(lambda self: len(self.shape))

    def is_sparse(self) -> bool:
        """Whether it has indices."""
        return self.indices_ref is not None

    def is_dense(self) -> bool:
        """Whether it has none."""
        return self.indices_ref is None

    def is_bcoo(self) -> bool:
        """Whether it is a BCOO."""
        return self.is_sparse() and self.indptr_ref is None

    def is_bcsr(self) -> bool:
        """Whether it is a BCSR."""
        return self.is_sparse() and self.indptr_ref is not None


class SparsifyEnv:
    """Arrays that the values of a program are made of; several may have the same.

    Args:
        bufs: the first of them.
    """

    def __init__(self, bufs: Sequence[Any] = ()) -> None:
        self._buffers: list[Any] = list(bufs)

    def _push(self, array: Any) -> int:
        self._buffers.append(asarray(array))
        return len(self._buffers) - 1

    def _at(self, ref: int | None, name: str) -> Array:
        if ref is None:
            raise RuntimeError(f"Internal: requested {name} from spvalue with {name}_ref=None")
        return self._buffers[ref]

    def data(self, spvalue: SparsifyValue) -> Array:
        """The values of a sparse array, or a dense one."""
        return self._at(spvalue.data_ref, "data")

    def indices(self, spvalue: SparsifyValue) -> Array:
        """The indices of a sparse array."""
        return self._at(spvalue.indices_ref, "indices")

    def indptr(self, spvalue: SparsifyValue) -> Array:
        """The row pointers of a BCSR."""
        return self._at(spvalue.indptr_ref, "indptr")

    def dense(self, data: Any) -> SparsifyValue:
        """A dense array as a value."""
        return SparsifyValue(np.shape(data), self._push(data))

    def sparse(
        self,
        shape: Sequence[int],
        data: Any = None,
        indices: Any = None,
        indptr: Any = None,
        *,
        data_ref: int | None = None,
        indices_ref: int | None = None,
        indptr_ref: int | None = None,
        indices_sorted: bool | None = False,
        unique_indices: bool | None = False,
    ) -> SparsifyValue:
        """A sparse array as a value; each part is given as an array, or as the place that one has already."""
        refs = [
            ref if part is None else self._push(part)
            for part, ref in ((data, data_ref), (indices, indices_ref), (indptr, indptr_ref))
        ]
        if None in refs[:2]:
            raise AssertionError("a sparse array needs data and indices")
        return SparsifyValue(
            tuple(shape), *refs, indices_sorted=indices_sorted, unique_indices=unique_indices
        )


def _is_sparse_array(x: Any) -> bool:
    return isinstance(x, BCOO | BCSR)


def is_spvalue(x: Any) -> bool:
    """Whether ``x`` is a `SparsifyValue`."""
    return isinstance(x, SparsifyValue)


def arrays_to_spvalues(spenv: SparsifyEnv, args: Any) -> Any:
    """A tree of arrays, dense and sparse, as one of values."""

    def value(x: Any) -> SparsifyValue:
        if not _is_sparse_array(x):
            return spenv.dense(x)
        return spenv.sparse(x.shape, *x._bufs, indices_sorted=x.indices_sorted, unique_indices=x.unique_indices)

    return tree_map(value, args, is_leaf=_is_sparse_array)


def spvalues_to_arrays(spenv: SparsifyEnv, spvalues: Any) -> Any:
    """A tree of values as one of arrays, dense and sparse."""

    def array(v: SparsifyValue) -> Any:
        if v.is_dense():
            return spenv.data(v)
        info: dict[str, Any] = {"shape": v.shape, "indices_sorted": bool(v.indices_sorted), "unique_indices": bool(v.unique_indices)}
        if v.is_bcoo():
            return BCOO((spenv.data(v), spenv.indices(v)), **info)
        return BCSR((spenv.data(v), spenv.indices(v), spenv.indptr(v)), **info)

    return tree_map(array, spvalues, is_leaf=is_spvalue)


def spvalues_to_avals(spenv: SparsifyEnv, spvalues: Any) -> Any:
    """A tree of values as one of the types of the dense arrays that they stand for."""

    def aval(v: SparsifyValue) -> ShapedArray:
        data = spenv.data(v)
        return ShapedArray(v.shape, data.dtype, weak_type=data.weak_type)

    return tree_map(aval, spvalues, is_leaf=is_spvalue)


def _unimplemented(primitive: Primitive) -> NotImplementedError:
    text = f"sparse rule for {primitive} is not implemented"
    if primitive in _DENSIFYING:
        return NotImplementedError(
            f"{text} because it would result in dense output. If this is your intent, use sparse.todense() to convert "
            "your arguments to dense matrices."
        )
    return NotImplementedError(f"{text}.")


def _rule_of(primitive: Primitive, rules: dict[Primitive, Callable[..., Any]]) -> Callable[..., Any]:
    found = rules.get(primitive)
    if found is None and rules is sparse_rules_bcoo:
        found = next((functools.partial(rule, primitive) for fits, rule in other_rules if fits(primitive)), None)
    if found is None:
        # As JAX refuses: not everything of a sparse array is sparse.
        raise _unimplemented(primitive)
    return found


def eval_sparse(
    jaxpr: Jaxpr, consts: Sequence[Any], spvalues: Sequence[SparsifyValue], spenv: SparsifyEnv
) -> list[SparsifyValue]:
    """The results of a jaxpr for values that may be sparse.

    Args:
        jaxpr: the program.
        consts: its constants, dense arrays.
        spvalues: its arguments.
        spenv: where their parts are, and those of the results.
    """
    env: dict[Any, Any] = {}

    def read(atom: Any) -> SparsifyValue:
        if isinstance(atom, Literal):
            return spenv.dense(astype(asarray(atom.val), atom.aval.dtype, atom.aval.weak_type))
        return env[atom]

    env.update((v, spenv.dense(c)) for v, c in zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, spvalues, strict=True))
    for eqn in jaxpr.eqns:
        prim, given = eqn.primitive, [read(atom) for atom in eqn.invars]
        if any(v.is_bcsr() for v in given):
            out = _rule_of(prim, sparse_rules_bcsr)(spenv, *given, **eqn.params)
        elif any(v.is_bcoo() for v in given):
            out = _rule_of(prim, sparse_rules_bcoo)(spenv, *given, **eqn.params)
        else:
            made = prim.bind(*map(spenv.data, given), **prim.get_bind_params(eqn.params))
            made = made if prim.multiple_results else [made]
            out = [
                None if isinstance(v, DropVar) else spenv.dense(x) for v, x in zip(eqn.outvars, made, strict=True)
            ]
        env.update((v, x) for v, x in zip(eqn.outvars, out, strict=True) if not isinstance(v, DropVar))
    return [read(atom) for atom in jaxpr.outvars]


def sparsify_raw(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an environment and of trees of values in it: the values of ``f``'s results, and their tree."""

    def wrapped(spenv: SparsifyEnv, *spvalues: Any, **params: Any) -> tuple[list[SparsifyValue], Any]:
        flat, tree = tree_flatten(spvalues, is_leaf=is_spvalue)
        avals = spvalues_to_avals(spenv, flat)
        likes = tree_unflatten(tree, [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in avals])
        entry = traced(functools.partial(f, **params) if params else f, likes, {})
        closed = jaxpr_of(entry.graph)
        return eval_sparse(closed.jaxpr, closed.consts, flat, spenv), entry.out_tree

    return wrapped


_SPARSIFIED: list[Frame | None] = []  # the traces of functions that run for `sparsify(f, use_tracer=True)`


class _SparseTracerMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Array) and instance._frame is not None and instance._frame in _SPARSIFIED


class SparseTracer(metaclass=_SparseTracerMeta):
    """``isinstance(x, SparseTracer)``: a value inside a function sparsified with ``use_tracer``. Never made itself."""

    def __init__(self) -> None:
        raise TypeError("SparseTracers are made by sparsify.")


def _as_sparse_tracers(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f``, known to be sparsified while it runs."""

    @wraps(f)
    def running(*args: Any, **params: Any) -> Any:
        _SPARSIFIED.append(STATE.frame)
        try:
            return f(*args, **params)
        finally:
            _SPARSIFIED.pop()

    return running


def sparsify(f: Callable[..., Any], use_tracer: bool = False) -> Callable[..., Any]:
    """A function like ``f`` that takes BCOOs and BCSRs where that takes dense arrays, and gives them where it can.

    Args:
        f: a function of arrays that can be traced.
        use_tracer: whether the values that ``f`` computes with are `SparseTracer`s: JAX has two mechanisms that do
            the same, and tells so which one runs.

    Raises:
        NotImplementedError: when called, where an operation on sparse arrays would not give a sparse one, or has no rule.
    """
    raw = sparsify_raw(_as_sparse_tracers(f) if use_tracer else f)

    @wraps(f)
    def wrapped(*args: Any, **params: Any) -> Any:
        spenv = SparsifyEnv()
        out, tree = raw(spenv, *arrays_to_spvalues(spenv, args), **params)
        return tree_unflatten(tree, spvalues_to_arrays(spenv, out))

    return wrapped
