"""rules: what the equations of a jaxpr come to where arguments are sparse; see `transform`.

A function that is 0 at 0 acts on the values: where a place comes twice its entries are added first, unless the function
is linear. Functions of `lax` that have a form for BCOO or BCSR are that form. Loops and branches run on the arrays that
their values consist of.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import config
from jaxlike._src.border import astype
from jaxlike._src.experimental.sparse import bcoo_shape as shape
from jaxlike._src.experimental.sparse.api import todense_p
from jaxlike._src.experimental.sparse.bcoo_arithmetic import (
    bcoo_conv_general_dilated,
    bcoo_dot_general,
    bcoo_multiply_dense,
    bcoo_multiply_sparse,
    bcoo_reduce_sum,
)
from jaxlike._src.experimental.sparse.bcoo_slicing import bcoo_dynamic_slice, bcoo_gather, bcoo_slice
from jaxlike._src.experimental.sparse.bcsr import bcsr_broadcast_in_dim, bcsr_concatenate, bcsr_dot_general
from jaxlike._src.experimental.sparse.control import (
    cond_sparse,
    custom_jvp_sparse,
    jit_sparse,
    scan_sparse,
    while_sparse,
)
from jaxlike._src.experimental.sparse.transform import (
    SparsifyEnv,
    SparsifyValue,
    arrays_to_spvalues,
    other_rules,
    sparse_rules_bcoo,
    sparse_rules_bcsr,
    spvalues_to_arrays,
)
from jaxlike._src.graph.reader import AtenOp, indexed_axes
from jaxlike._src.lax import primitive_names as p
from jaxlike._src.lax.elementwise import add, mul
from jaxlike._src.lax.gather_dims import GatherDimensionNumbers
from jaxlike._src.lax.shape import broadcast_shapes, concatenate
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.primitive import Primitive

_LINEAR = (p.conj_p, p.copy_p, p.imag_p, p.neg_p, p.real_p, p.stage_p)
_ZERO_AT_ZERO = (
    p.abs_p, p.asin_p, p.asinh_p, p.atan_p, p.atanh_p, p.bessel_i1e_p, p.expm1_p, p.log1p_p, p.sign_p, p.sin_p,
    p.sinh_p, p.sqrt_p, p.square_p, p.tan_p, p.tanh_p, p.convert_element_type_p,
)  # fmt: skip


def _flags(v: SparsifyValue) -> dict[str, Any]:
    return {"indices_sorted": v.indices_sorted, "unique_indices": v.unique_indices}


def _unary(prim: Primitive, linear: bool) -> Callable[..., Any]:
    """The rule of a function of one array that is 0 at 0."""

    def rule(spenv: SparsifyEnv, v: SparsifyValue, **params: Any) -> Any:
        if not linear and not v.unique_indices:
            arr = spvalues_to_arrays(spenv, v)
            v = arrays_to_spvalues(spenv, arr.sum_duplicates(nse=arr.nse, remove_zeros=False))
        data = prim.bind(spenv.data(v), **params)
        return (spenv.sparse(v.shape, data, indices_ref=v.indices_ref, indptr_ref=v.indptr_ref, **_flags(v)),)

    return rule


for _prim in (*_LINEAR, *_ZERO_AT_ZERO):
    sparse_rules_bcoo[_prim] = sparse_rules_bcsr[_prim] = _unary(_prim, _prim in _LINEAR)


def _rule_for(
    *primitives: Primitive, table: dict[Primitive, Callable[..., Any]] = sparse_rules_bcoo
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the rule of a primitive."""

    def register(rule: Callable[..., Any]) -> Callable[..., Any]:
        for prim in primitives:
            table[prim] = rule
        return rule

    return register


def _on_arrays(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The rule that a function of arrays, sparse and dense, is."""

    def rule(spenv: SparsifyEnv, *spvalues: SparsifyValue, **params: Any) -> Any:
        return arrays_to_spvalues(spenv, [fun(*spvalues_to_arrays(spenv, spvalues), **params)])

    return rule


sparse_rules_bcoo.update(
    {
        p.broadcast_in_dim_p: _on_arrays(shape.bcoo_broadcast_in_dim),
        p.concatenate_p: _on_arrays(lambda *xs, **k: shape.bcoo_concatenate(xs, **k)),
        p.conv_general_dilated_p: _on_arrays(bcoo_conv_general_dilated),
        p.dot_general_p: _on_arrays(bcoo_dot_general),
        p.dynamic_slice_p: _on_arrays(lambda x, *at, **k: bcoo_dynamic_slice(x, at, **k)),
        p.gather_p: _on_arrays(bcoo_gather),
        p.reshape_p: _on_arrays(shape.bcoo_reshape),
        p.rev_p: _on_arrays(shape.bcoo_rev),
        p.slice_p: _on_arrays(bcoo_slice),
        p.squeeze_p: _on_arrays(shape.bcoo_squeeze),
        p.while_p: while_sparse,
        p.jit_p: jit_sparse,
        p.scan_p: scan_sparse,
        p.cond_p: cond_sparse,
        p.custom_jvp_call_p: custom_jvp_sparse,
    }
)
sparse_rules_bcsr.update(
    {
        p.broadcast_in_dim_p: _on_arrays(bcsr_broadcast_in_dim),
        p.concatenate_p: _on_arrays(lambda *xs, **k: bcsr_concatenate(xs, **k)),
        p.dot_general_p: _on_arrays(bcsr_dot_general),
        p.custom_jvp_call_p: custom_jvp_sparse,
    }
)


@_rule_for(p.integer_pow_p)
@_rule_for(p.integer_pow_p, table=sparse_rules_bcsr)
def _integer_pow(spenv: SparsifyEnv, v: SparsifyValue, *, y: int) -> Any:
    if y <= 0:
        # As JAX refuses, here and below.
        raise NotImplementedError(
            f"sparse rule for {p.integer_pow_p} with non-positive exponent {y} is not implemented because it would "
            "result in dense output. If this is your intent, use sparse.todense() to convert your argument to a dense "
            "array."
        )
    return _unary(p.integer_pow_p, False)(spenv, v, y=y)


@_rule_for(p.transpose_p)
def _transpose(spenv: SparsifyEnv, v: SparsifyValue, *, permutation: Sequence[int]) -> Any:
    """What is not moved stays the same buffer."""
    order, arr = tuple(permutation), spvalues_to_arrays(spenv, v)
    moved = shape.bcoo_transpose(arr, permutation=order)
    n, m = arr.n_batch, arr.n_batch + arr.n_sparse
    same = [order[a:b] == tuple(range(a, b)) for a, b in ((0, n), (n, m), (m, arr.ndim))]
    data = {"data_ref": v.data_ref} if same[0] and same[2] else {"data": moved.data}
    indices = {"indices_ref": v.indices_ref} if same[0] and same[1] else {"indices": moved.indices}
    sizes = tuple(arr.shape[k] for k in order)
    return (spenv.sparse(sizes, **data, **indices, indices_sorted=False, unique_indices=moved.unique_indices),)


def _stack(broadcast: Callable[..., Any], join: Callable[..., Any], *arrays: Any, axis: int) -> Any:
    sizes, ndim = arrays[0].shape, arrays[0].ndim
    new = (*sizes[:axis], 1, *sizes[axis:])
    to = [k if k < axis else k + 1 for k in range(ndim)]
    return join([broadcast(x, shape=new, broadcast_dimensions=to) for x in arrays], dimension=axis)


sparse_rules_bcoo[p.stack_p] = _on_arrays(
    functools.partial(_stack, shape.bcoo_broadcast_in_dim, shape.bcoo_concatenate)
)
sparse_rules_bcsr[p.stack_p] = _on_arrays(functools.partial(_stack, bcsr_broadcast_in_dim, bcsr_concatenate))


@_rule_for(p.add_p)
def _add(spenv: SparsifyEnv, x: SparsifyValue, y: SparsifyValue) -> Any:
    if not (x.is_sparse() and y.is_sparse()):
        x, y = (y, x) if y.is_sparse() else (x, y)
        if y.shape != broadcast_shapes(x.shape, y.shape):
            # As JAX refuses, for the reason that it gives.
            raise NotImplementedError(
                "Addition between a sparse array X and a dense array Y is not implemented when the output shape is "
                "larger than Y.shape. This is to prevent silent densification of a large sparse array. If this is your "
                "intent, you can explicitly cast the sparse array to a dense matrix."
            )
        return (spenv.dense(spvalues_to_arrays(spenv, x).todense() + spenv.data(y)),)
    if x.shape != y.shape:
        # As JAX refuses: one would be broadcast, which takes more entries.
        raise NotImplementedError("Addition between sparse matrices of different shapes.")
    if x.indices_ref == y.indices_ref:
        _check_same(x, y)
        data = add(spenv.data(x), spenv.data(y))
        return (spenv.sparse(x.shape, data, indices_ref=x.indices_ref, **_flags(x)),)
    indices = [spenv.indices(v) for v in (x, y)]
    values = [spenv.data(v) for v in (x, y)]
    if indices[0].ndim != indices[1].ndim or values[0].ndim != values[1].ndim:
        # As JAX refuses: entries that are blocks and entries that are numbers are not stored side by side.
        raise NotImplementedError("Addition between sparse matrices with different batch/dense dimensions.")
    axis = indices[0].ndim - 2
    return (spenv.sparse(x.shape, concatenate(values, axis), concatenate(indices, axis)),)


def _check_same(x: SparsifyValue, y: SparsifyValue) -> None:
    if config.enable_checks.value and _flags(x) != _flags(y):
        raise AssertionError(f"the same indices with other properties: {x}, {y}")


@_rule_for(p.sub_p)
def _sub(spenv: SparsifyEnv, x: SparsifyValue, y: SparsifyValue) -> Any:
    if not (x.is_sparse() and y.is_sparse()):
        # As JAX refuses: the result would be dense.
        raise NotImplementedError("Subtraction between sparse and dense array.")
    return _add(spenv, x, *sparse_rules_bcoo[p.neg_p](spenv, y))


@_rule_for(p.mul_p)
def _mul(spenv: SparsifyEnv, x: SparsifyValue, y: SparsifyValue, out_dtype: Any = None) -> Any:
    if x.is_sparse() and y.is_sparse():
        if x.indices_ref == y.indices_ref and x.unique_indices:
            _check_same(x, y)
            data = mul(spenv.data(x), spenv.data(y))
            return (spenv.sparse(x.shape, data, indices_ref=x.indices_ref, **_flags(x)),)
        return arrays_to_spvalues(spenv, (bcoo_multiply_sparse(*spvalues_to_arrays(spenv, (x, y))),))
    x, y = (y, x) if y.is_sparse() else (x, y)
    data = bcoo_multiply_dense(spvalues_to_arrays(spenv, x), spenv.data(y))
    data = data if out_dtype is None else astype(data, out_dtype)
    return (spenv.sparse(x.shape, data, indices_ref=x.indices_ref, **_flags(x)),)


@_rule_for(p.div_p)
def _div(spenv: SparsifyEnv, x: SparsifyValue, y: SparsifyValue) -> Any:
    if y.is_sparse():
        # As JAX refuses, for the reason that it gives.
        raise NotImplementedError(
            "Division by a sparse array is not implemented because it would result in dense output. If this is your "
            "intent, use sparse.todense() to convert your arguments to a dense array."
        )
    data = bcoo_multiply_dense(spvalues_to_arrays(spenv, x), 1.0 / spenv.data(y))
    return (spenv.sparse(x.shape, data, indices_ref=x.indices_ref, **_flags(x)),)


@_rule_for(p.reduce_sum_p)
def _reduce_sum(spenv: SparsifyEnv, v: SparsifyValue, *, axes: Sequence[int], out_sharding: Any = None) -> Any:
    del out_sharding
    mat = bcoo_reduce_sum(spvalues_to_arrays(spenv, v), axes=axes)
    return (spenv.dense(mat.data.sum()) if mat.shape == () else arrays_to_spvalues(spenv, mat),)


@_rule_for(todense_p)
@_rule_for(todense_p, table=sparse_rules_bcsr)
def _todense(spenv: SparsifyEnv, v: SparsifyValue, *, tree: Any) -> Any:
    del tree
    return (spenv.dense(spvalues_to_arrays(spenv, v).todense()),)


def _is_index(prim: Primitive) -> bool:
    return isinstance(prim, AtenOp) and prim.name == "aten.index"


def _index(prim: Any, spenv: SparsifyEnv, v: SparsifyValue, *at: SparsifyValue, **params: Any) -> Any:
    """What arrays of indices within bounds look up: a gather of one element along their axes."""
    del params
    axes = indexed_axes(prim)
    if v.is_dense() or any(i.is_sparse() for i in at):
        raise NotImplementedError("Indexing with sparse arrays.")  # as JAX refuses: they say what, not where
    lanes = jnp.broadcast_arrays(*(astype(spenv.data(i), np.int32) for i in at))
    batch, first = lanes[0].ndim, axes[0] if axes == list(range(axes[0], axes[-1] + 1)) else 0
    rest = v.ndim - len(axes)
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(k if k < first else k + batch for k in range(rest)),
        collapsed_slice_dims=tuple(axes),
        start_index_map=tuple(axes),
    )
    sizes = tuple(1 if k in axes else s for k, s in enumerate(v.shape))
    found = bcoo_gather(spvalues_to_arrays(spenv, v), jnp.stack(lanes, -1), numbers, sizes)
    return arrays_to_spvalues(spenv, (found,))


other_rules.append((_is_index, _index))
